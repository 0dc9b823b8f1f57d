package logs

import (
	"context"
	"math"
	"slices"
	"sort"
	"sync"

	"weir/internal/cloudwatch"
)

// day is a day in milliseconds.
const day = 24 * 60 * 60 * 1000

// buffers are of batches being made and read.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// Put adds events, which are in the order of their times, to a stream, and returns when
// those that it took are on disk, all together. Which were not taken, because they are
// too old or too new, it says. After an error it is not known whether they are there,
// except after one of [cloudwatch].
func (s *Store) Put(ctx context.Context, group, stream string, events []cloudwatch.Event) (Rejected, error) {
	st, err := s.stream(ctx, group, stream)
	if err != nil {
		return Rejected{New: len(events)}, err
	}
	if err := check(events); err != nil {
		return Rejected{New: len(events)}, err
	}
	now := s.now()
	s.mu.RLock()
	rejected := reject(events, now, st.group.Retention)
	s.mu.RUnlock()
	taken := rejected.taken(events)
	if len(taken) == 0 {
		return rejected, nil
	}
	e := entry{first: taken[0].Timestamp, count: uint32(len(taken))}
	e.span = uint32(taken[len(taken)-1].Timestamp - e.first)
	for i := range taken {
		e.bytes += uint32(len(taken[i].Message)) + cloudwatch.EventOverhead
	}
	buf := buffers.Get().(*[]byte)
	*buf = appendBatch((*buf)[:0], now, taken)
	h, err := s.log.Append(ctx, []string{st.group.id, st.id}, e.note(now), *buf)
	buffers.Put(buf)
	if err != nil {
		return rejected, unavailable("put", err)
	}
	s.mu.Lock()
	s.count(&e)
	err = s.addHead(&h)
	s.mu.Unlock()
	if err != nil {
		panic("BUG: " + err.Error())
	}
	if s.cfg.Taken != nil {
		s.cfg.Taken(group, stream, taken)
	}
	return rejected, nil
}

// reject says which events are too old or too new for a group that keeps them for so many
// days.
func reject(events []cloudwatch.Event, now int64, retention int) Rejected {
	before := func(limit int64) int {
		return sort.Search(len(events), func(i int) bool { return events[i].Timestamp >= limit })
	}
	r := Rejected{Old: before(now - cloudwatch.MaxAge), New: before(now + cloudwatch.MaxAhead + 1)}
	if retention > 0 {
		r.Expired = before(now - int64(retention)*day)
	}
	return r
}

// taken returns the events that are not rejected.
func (r Rejected) taken(events []cloudwatch.Event) []cloudwatch.Event {
	from := max(r.Old, r.Expired)
	if from >= r.New {
		return nil
	}
	return events[from:r.New]
}

// check refuses what cannot be stored. The API's own limits are below.
func check(events []cloudwatch.Event) error {
	if !slices.IsSortedFunc(events, func(a, b cloudwatch.Event) int {
		switch {
		case a.Timestamp < b.Timestamp:
			return -1
		case a.Timestamp > b.Timestamp:
			return 1
		}
		return 0
	}) {
		return cloudwatch.NotInOrder
	}
	size := 0
	for i := range events {
		size += len(events[i].Message) + cloudwatch.EventOverhead
	}
	if len(events) == 0 {
		return nil
	}
	if size > 3<<20 {
		return cloudwatch.UploadTooLarge(size)
	}
	if events[len(events)-1].Timestamp-events[0].Timestamp > math.MaxUint32 {
		return cloudwatch.SpanTooLong
	}
	return nil
}
