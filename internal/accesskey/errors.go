package accesskey

import (
	"errors"
	"fmt"
	"io/fs"
)

var (
	// ErrNotFound reports an id that no key has.
	ErrNotFound = errors.New("no such access key")

	// ErrRoot reports an attempt to delete the root key.
	ErrRoot = errors.New("the root key cannot be deleted: weir itself uses it")
)

// An OpenError reports a file that others than its owner may read or write.
type OpenError struct {
	Path string
	Mode fs.FileMode
}

// Error implements error.
func (e *OpenError) Error() string {
	return fmt.Sprintf("%s: mode %#o lets others at the secrets in it", e.Path, e.Mode.Perm())
}

// Hint says what to do about it.
func (e *OpenError) Hint() string { return "chmod 600 " + e.Path }
