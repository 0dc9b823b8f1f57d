package lab

import "errors"

var (
	// ErrNotSupported is returned by every operation on systems other than Linux.
	ErrNotSupported = errors.New("network labs need Linux")

	// ErrClosed is returned by operations on a lab or namespace after Close.
	ErrClosed = errors.New("lab is closed")
)
