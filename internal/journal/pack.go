package journal

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"

	"weir/internal/flow"
)

// MaxMeta is the length of the longest Meta of an [Entry], in bytes.
const MaxMeta = 64 << 10

// A step is the part of a batch that is stored at once; nearly always all of it.
type step struct {
	from, mark  string // what it goes on behind, and how far it reaches; empty is the whole batch
	messages    []*nats.Msg
	raw, stored int // bytes of bodies, before and after compression
}

// errMore ends packing: there is more than a step holds.
var errMore = errors.New("more than one step")

// pack makes the next step of a batch: what is behind the mark from, in limit
// messages at most.
func (j *Journal) pack(b *Batch, subject, from string, limit int) (*step, error) {
	if from == "" {
		s, err := j.packPieces(b, subject, limit, piecesOf(b.Entries))
		if !errors.Is(err, errMore) {
			return s, err
		}
	}
	// Whoever goes on has to find the same order.
	pieces, err := behind(ordered(piecesOf(b.Entries)), from)
	if err != nil {
		return nil, err
	}
	s, err := j.packPieces(b, subject, limit, pieces)
	if err != nil && !errors.Is(err, errMore) {
		return nil, err
	}
	s.from = from
	if err != nil && len(s.messages) > 0 {
		s.messages[len(s.messages)-1].Header.Set(headerMark, s.mark)
	} else {
		s.mark = ""
	}
	return s, nil
}

// packPieces makes messages of pieces. With errMore, which says that there are
// others, the step is good, and its mark says how far it reaches.
func (j *Journal) packPieces(b *Batch, subject string, limit int, pieces []piece) (*step, error) {
	s := new(step)
	tables, sequence := strconv.FormatUint(b.Tables, 10), strconv.FormatUint(b.Sequence, 10)
	p := packer{limit: j.bodySize, emit: func(body []byte, end place) error {
		if len(s.messages) == limit {
			return errMore
		}
		m := nats.NewMsg(subject)
		m.Data = j.coder.envelope(body)
		m.Header.Set(headerTables, tables)
		m.Header.Set(headerSequence, sequence)
		s.messages = append(s.messages, m)
		s.raw, s.stored = s.raw+len(body), s.stored+len(m.Data)
		if len(s.messages) == limit {
			s.mark = end.mark()
		}
		return nil
	}}
	for i := range pieces {
		if err := p.add(&pieces[i]); err != nil {
			return s, fmt.Errorf("entry %d: %w", i, err)
		}
	}
	return s, p.flush()
}

// A packer makes bodies of messages out of pieces. Equal pieces give equal
// bodies. An error of emit ends it.
type packer struct {
	limit int // of a body, in bytes
	body  []byte
	end   place // of body
	emit  func(body []byte, end place) error
}

func (p *packer) flush() error {
	if len(p.body) == 0 {
		return nil
	}
	err := p.emit(p.body, p.end)
	p.body = p.body[:0]
	return err
}

func (p *packer) add(e *piece) error {
	if len(e.meta) > MaxMeta {
		return fmt.Errorf("meta of %d bytes: %w", len(e.meta), ErrTooLarge)
	}
	start := len(p.body)
	p.body = appendEntry(p.body, e.meta, e.part, false, &e.window)
	if len(p.body) > p.limit {
		tail := p.body[start:]
		p.body = p.body[:start]
		if err := p.flush(); err != nil {
			return err
		}
		if len(tail) > p.limit {
			return p.split(e, len(tail))
		}
		p.body = append(p.body, tail...)
	}
	p.end = e.end(len(e.window.Flows), e.part)
	return nil
}

// split adds a piece whose whole takes size bytes, more than the limit, in
// parts of some flows each.
func (p *packer) split(e *piece, size int) error {
	w, all := e.window, e.window.Flows
	if len(all) == 0 {
		return fmt.Errorf("window %s of %d bytes: %w", w.Interface.Name, size, ErrTooLarge)
	}
	for part, from := e.part, 0; from < len(all); part++ {
		// Flows differ in size: aim a little below the limit.
		n := min(len(all)-from, max(1, len(all)*(p.limit-len(e.meta))/size*9/10))
		for {
			w.Flows = all[from : from+n]
			p.body = appendEntry(p.body[:0], e.meta, part, from+n < len(all), &w)
			if len(p.body) <= p.limit {
				break
			}
			if n == 1 {
				return fmt.Errorf("window %s of %d bytes: %w", w.Interface.Name, len(p.body), ErrTooLarge)
			}
			n = max(1, n*3/4)
		}
		from += n
		p.end = e.end(from, part)
		if from < len(all) {
			if err := p.flush(); err != nil {
				return err
			}
		}
		w.Skipped, w.Quiet = [2]flow.Count{}, false
	}
	return nil
}
