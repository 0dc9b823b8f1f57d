//go:build !linux

package vpc

import "errors"

// ErrNotSupported is the answer on systems other than Linux.
var ErrNotSupported = errors.New("vpc: host discovery needs Linux")

// Host is a placeholder on systems other than Linux.
type Host struct{}

// NewHost returns a Host that knows nothing.
func NewHost() *Host { return &Host{} }

// ID returns an id of Amazon's shape.
func (h *Host) ID(prefix string, parts ...string) string { return id(prefix, parts...) }

// Device tells which network device is meant.
type Device struct {
	Netns, Space, Name string
	Index              int
}

// Interface returns ErrNotSupported.
func (h *Host) Interface(d Device) (Interface, error) {
	return Interface{Name: d.Name}, ErrNotSupported
}
