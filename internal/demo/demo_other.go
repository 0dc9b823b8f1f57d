//go:build !linux

package demo

import (
	"context"
	"errors"
	"time"

	"weir/record"
)

// ErrNotSupported is the answer on systems other than Linux.
var ErrNotSupported = errors.New("demo: network namespaces need Linux")

// Config configures [Run].
type Config struct {
	Interval time.Duration
	Step     func(string)
}

// A Line is a record and what it says.
type Line struct{ Record, JSON, Says string }

// A Report is what came of a demonstration.
type Report struct {
	Format                  record.Format
	Lines                   []Line
	Packets, Flows, Refused uint64
	Differences             []string
	Features                string
}

// Run returns ErrNotSupported.
func Run(context.Context, Config) (*Report, error) { return nil, ErrNotSupported }
