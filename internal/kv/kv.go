// Package kv is what a small store of keys and values promises, and a copy of one in
// memory: control state,
// such as flow logs, positions and what is captured, is kept in such buckets. The
// journal has them; whoever uses them need not know the journal.
package kv

import (
	"context"
	"errors"
)

// A Bucket holds values under keys. Its methods may be called from any goroutine.
// A value that a method has returned nil for survives a crash. A revision is a
// number that grows with each change in the bucket; 0 is none.
type Bucket interface {
	// Get returns a value and its revision; [ErrNotFound] if there is none.
	Get(ctx context.Context, key string) (value []byte, revision uint64, err error)

	// Put writes a value whatever was there.
	Put(ctx context.Context, key string, value []byte) (revision uint64, err error)

	// Create writes a value if there is none; [ErrExists] if there is.
	Create(ctx context.Context, key string, value []byte) (revision uint64, err error)

	// Update writes a value if the present one has the revision;
	// [ErrConflict] if it has another.
	Update(ctx context.Context, key string, value []byte, revision uint64) (next uint64, err error)

	// Delete removes a value; nil if there is none.
	Delete(ctx context.Context, key string) error

	// List calls fn with each key that begins with prefix, and its value.
	List(ctx context.Context, prefix string, fn func(key string, value []byte)) error

	// Revision returns the revision of the last change in the bucket, whoever
	// made it: of the last one that was made before the call, or of a later one.
	Revision(ctx context.Context) (uint64, error)

	// Watch calls fn with each present value, then with each change as it
	// comes, a nil value for a deletion, until ctx ends. After the present
	// values it calls fn once with an empty key. Revisions grow from call to
	// call: everything up to the last one has been told. A value that was
	// replaced soon need not be told. If the server was away for less than a
	// day, nothing that happened meanwhile is left out.
	Watch(ctx context.Context, prefix string, fn func(key string, value []byte, revision uint64)) error
}

// Errors of a [Bucket], to be tested with [errors.Is].
var (
	ErrNotFound = errors.New("key not found")
	ErrExists   = errors.New("key exists")
	ErrConflict = errors.New("key has another revision")
)
