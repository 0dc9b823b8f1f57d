//go:build unix

package objectstore

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lock opens the file and locks it for as long as it is open: the lock goes with
// the process, however that ends.
func lock(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrLocked
		}
		return nil, &os.PathError{Op: "lock", Path: name, Err: err}
	}
	return f, nil
}

// syncDir makes the entries of an open directory durable.
func syncDir(d *os.File) error { return d.Sync() }
