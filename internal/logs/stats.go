package logs

import "sync/atomic"

// counts are the counters of Stats.
type counts struct{ batches, events, bytes atomic.Uint64 }

func (s *Store) count(e *entry) {
	s.counts.batches.Add(1)
	s.counts.events.Add(uint64(e.count))
	s.counts.bytes.Add(uint64(e.bytes))
}

// Stats says what this process has taken since Open.
type Stats struct {
	Batches, Events uint64
	Bytes           uint64 // as Amazon counts them
}

// Stats returns the counters.
func (s *Store) Stats() Stats {
	return Stats{Batches: s.counts.batches.Load(), Events: s.counts.events.Load(), Bytes: s.counts.bytes.Load()}
}
