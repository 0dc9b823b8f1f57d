package logs

import (
	"context"
	"time"
)

// sweepEvery is how often what is too old is removed. It is not returned before that
// either.
const sweepEvery = 5 * time.Minute

// Run removes what is older than its group keeps, and what is left of what was deleted,
// until ctx ends; it returns the error of ctx. Everything else works without it.
func (s *Store) Run(ctx context.Context) error {
	for {
		s.sweep(ctx)
		s.clearAll(ctx)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.life.Done():
			return context.Canceled
		case <-time.After(sweepEvery):
		}
	}
}

// A lapse is what of a stream is older than its group keeps.
type lapse struct {
	stream *stream
	before uint64  // all below this sequence go
	others []entry // … and these
}

// sweep removes batches of which all events are older than their group keeps.
func (s *Store) sweep(ctx context.Context) {
	for _, l := range s.lapses() {
		var err error
		if l.before > 0 {
			err = s.log.Purge(ctx, l.before, l.stream.group.id, l.stream.id)
		}
		for _, e := range l.others {
			if err == nil {
				err = s.log.Delete(ctx, e.seq, int(e.pieces))
			}
		}
		if err != nil && ctx.Err() == nil {
			// The index has them no more: they go when the store is opened again.
			s.cfg.Logger.Warn("log events: what is too old is not removed", "err", err)
		}
	}
}

// lapses takes from the index what is to be removed.
func (s *Store) lapses() (out []lapse) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for _, g := range s.groups {
		if g.Retention == 0 {
			continue
		}
		limit := now - int64(g.Retention)*day
		for _, st := range g.ids {
			if l, ok := st.lapse(limit, s.told); ok {
				out = append(out, l)
			}
		}
	}
	return out
}

// lapse takes the batches whose events are all before a limit from the index. Behind told
// there may be batches that the index does not know yet.
func (st *stream) lapse(limit int64, told uint64) (l lapse, ok bool) {
	if len(st.entries) == 0 || st.entries[0].first >= limit {
		return l, false
	}
	gone := st.remove(func(e *entry) bool { return e.last() < limit })
	if len(gone) == 0 {
		return l, false
	}
	left := told + 1 // the lowest sequence that stays
	for i := range st.entries {
		left = min(left, st.entries[i].seq)
	}
	l.stream = st
	for _, e := range gone {
		st.group.bytes -= int64(e.bytes)
		if e.seq < left {
			l.before = e.seq + 1
		} else {
			l.others = append(l.others, e)
		}
	}
	return l, true
}
