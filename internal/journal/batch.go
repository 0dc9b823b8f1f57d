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
	Meta   []byte // opaque to the journal; at most 64 KiB
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

// maxMeta is the longest Meta.
const maxMeta = 64 << 10

// A packer makes bodies of messages out of entries. Equal batches give equal
// bodies.
type packer struct {
	limit int // of a body, in bytes
	body  []byte
	emit  func(body []byte)
}

func (p *packer) flush() {
	if len(p.body) > 0 {
		p.emit(p.body)
		p.body = p.body[:0]
	}
}

func (p *packer) add(e *Entry) error {
	if len(e.Meta) > maxMeta {
		return fmt.Errorf("meta of %d bytes: %w", len(e.Meta), ErrTooLarge)
	}
	start := len(p.body)
	p.body = appendEntry(p.body, e.Meta, 0, false, e.Window)
	if len(p.body) <= p.limit {
		return nil
	}
	tail := p.body[start:]
	p.body = p.body[:start]
	p.flush()
	if len(tail) <= p.limit {
		p.body = append(p.body, tail...)
		return nil
	}
	return p.split(e, len(tail))
}

// split adds an entry whose whole takes size bytes, more than the limit, in
// parts of some flows each.
func (p *packer) split(e *Entry, size int) error {
	w, rest := *e.Window, e.Window.Flows
	for part := 0; len(rest) > 0; part++ {
		// Flows differ in size: aim a little below the limit.
		n := min(len(rest), max(1, len(e.Window.Flows)*(p.limit-len(e.Meta))/size*9/10))
		for {
			w.Flows = rest[:n]
			p.body = appendEntry(p.body[:0], e.Meta, part, n < len(rest), &w)
			if len(p.body) <= p.limit {
				break
			}
			if n == 1 {
				return fmt.Errorf("window %s of %d bytes: %w", w.Interface.Name, len(p.body), ErrTooLarge)
			}
			n = max(1, n*3/4)
		}
		if rest = rest[n:]; len(rest) > 0 {
			p.flush()
		}
		w.Skipped, w.Quiet = [2]flow.Count{}, false
	}
	return nil
}
