//go:build !linux

package capture

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"weir/internal/flow"
)

var errPlatform = fmt.Errorf("capture on %s: %w: it needs Linux", runtime.GOOS, ErrNotSupported)

// Features says by which of the kernel's ways a [Source] works.
type Features struct{ Device, Drop, Pinned string }

// String returns the tier in one line.
func (f Features) String() string { return "none" }

// A Source captures nothing on this platform.
type Source struct{}

// Open returns ErrNotSupported.
func Open(Config) (*Source, error) { return nil, errPlatform }

// Uninstall returns ErrNotSupported.
func Uninstall(string) error { return errPlatform }

// Watch returns ErrNotSupported.
func (*Source) Watch(Target) error { return errPlatform }

// Run returns ErrNotSupported.
func (*Source) Run(context.Context, time.Duration, Sink) error { return errPlatform }

// Features returns nothing.
func (*Source) Features() Features { return Features{} }

// Interfaces returns none.
func (*Source) Interfaces() []flow.Interface { return nil }

// Totals returns ErrNotSupported.
func (*Source) Totals() (Totals, error) { return Totals{}, errPlatform }

// Close does nothing.
func (*Source) Close() error { return nil }

// Cover returns ErrNotSupported.
func (*Source) Cover([]Device) error { return errPlatform }

// SetInterval does nothing.
func (*Source) SetInterval(time.Duration) {}

// CloseWindow does nothing.
func (*Source) CloseWindow() {}

// Closed returns no time.
func (*Source) Closed() time.Time { return time.Time{} }
