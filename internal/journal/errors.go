package journal

import (
	"errors"

	"weir/internal/kv"
)

var (
	// ErrFull reports that the limit or the disk leaves no room. Nothing was
	// stored; the same call works when room has been made.
	ErrFull = errors.New("journal is full")

	// ErrInUse reports a directory that another process has open.
	ErrInUse = errors.New("in use by another process")

	// ErrClosed reports the use of a closed journal.
	ErrClosed = errors.New("journal is closed")

	// ErrOutOfOrder reports a batch of older tables than the host's last one:
	// the clock was set back between two sets of tables, or two hosts use one
	// name. It was not stored.
	ErrOutOfOrder = errors.New("older tables than the last ones stored")

	// ErrTooLarge reports an entry that no message can hold: its Meta, or one
	// flow with it, is too long.
	ErrTooLarge = errors.New("too large")

	// ErrDamaged is what errors about stored messages that cannot be read
	// wrap; the error names the sequence.
	ErrDamaged = errors.New("damaged message")

	// ErrRange reports a range that is not, or no longer, wholly there.
	ErrRange = errors.New("range is not in the journal")

	// ErrNotSupported reports a platform without what an embedded journal
	// needs: file locks and the free space of a disk.
	ErrNotSupported = errors.New("not supported on this platform")
)

// Errors of a [KV].
var (
	ErrNotFound = kv.ErrNotFound
	ErrExists   = kv.ErrExists
	ErrConflict = kv.ErrConflict
)

// errRetry marks what may work, or turn out to have worked, a moment later.
var errRetry = errors.New("no definite answer")
