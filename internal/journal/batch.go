package journal

import (
	"errors"
	"fmt"
	"time"

	"weir/internal/flow"
)

// A Batch is everything one host hands over together.
type Batch struct {
	Host string // 1 to 255 bytes, unique among the writers of a journal

	// Tables and Sequence are those of all its windows. A later batch of the
	// host has a higher (Tables, Sequence), compared in this order.
	Tables, Sequence uint64

	Entries []Entry
}

// An Entry is a window, or a part of one, with what its host knows about the
// interface. It belongs to whoever made it.
type Entry struct {
	Meta   []byte // opaque to the journal; at most MaxMeta
	Window *flow.Window

	// Part and More are set by reading and ignored by [Journal.Append]. A
	// window that is too big for one message is split over several, by flows:
	// Part counts the parts from 0, More says that another one follows.
	// Everything else is the same in all of them, except that Skipped and
	// Quiet are only in part 0.
	Part int
	More bool
}

// A Message is a stored message: a whole batch of a host, or a part of one. It
// and all it refers to are valid until the function it was passed to returns.
type Message struct {
	Seq     uint64    // in the stream
	Host    string    // who appended it
	Time    time.Time // when it was stored, by the server's clock
	Entries []Entry
}

func (b *Batch) check() error {
	for i := range b.Entries {
		w := b.Entries[i].Window
		if w == nil {
			return fmt.Errorf("entry %d has no window", i)
		}
		if w.Tables != b.Tables || w.Sequence != b.Sequence {
			return fmt.Errorf("entry %d is of window %d/%d, the batch of %d/%d", i, w.Tables, w.Sequence, b.Tables, b.Sequence)
		}
	}
	if b.Tables == 0 && b.Sequence == 0 {
		return errors.New("batch has neither Tables nor Sequence")
	}
	return nil
}
