package objectstore

import "errors"

var (
	// ErrRunning reports that this process has a Server already; it has to be
	// closed first.
	ErrRunning = errors.New("an embedded S3 server is open in this process already")

	// ErrLocked reports that another process uses the data directory.
	ErrLocked = errors.New("in use by another process")

	// ErrClosed reports that the Server was closed.
	ErrClosed = errors.New("embedded S3 server is closed")
)
