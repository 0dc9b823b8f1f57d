package logs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"sort"
	"strings"

	"weir/internal/cloudwatch"
	"weir/internal/kv"
)

// Read returns the events that a query chooses, in the order of their positions, of those
// that were there when it was called. An error is the last that it returns.
//
// A batch is read when its first event's turn comes, and let go when its last one was
// returned: so what is in memory are the batches of the chosen streams whose times
// overlap at the place that the reading has come to, of up to a megabyte each.
func (s *Store) Read(ctx context.Context, q Query) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		m, err := s.merge(ctx, q)
		if err != nil {
			yield(Event{}, err)
			return
		}
		for len(m.heap) > 0 {
			top := &m.heap[0]
			if top.batch == nil {
				if err := m.open(ctx); err != nil {
					yield(Event{}, unavailable("read", err))
					return
				}
				continue
			}
			if !yield(top.batch.event(top.stream.Name, top.at.Seq, int(top.at.Index)), nil) {
				return
			}
			m.step()
		}
	}
}

// A merge brings the events of several streams into one order. Its heap has items of
// three kinds: a place in a stream's index where the next batch is, a batch, and one that
// was read. Each stands where the next event that may come of it is, or before it.
type merge struct {
	s        *Store
	heap     []item // the first is the next in the direction of reading
	backward bool
	from, to int64     // of times; to is exclusive
	after    *Position // nil: from the beginning
	last     uint64    // sequence of the last batch to be read
}

type item struct {
	at     Position
	stream *stream
	entry  entry  // if this is a place in the index, only first and seq of the batch there
	batch  *batch // nil before it was read
}

// merge makes the merge of a query.
func (s *Store) merge(ctx context.Context, q Query) (*merge, error) {
	m := &merge{s: s, backward: q.Backward, from: q.From, to: q.To, after: q.After}
	if m.from == 0 {
		m.from = math.MinInt64
	}
	if m.to == 0 {
		m.to = math.MaxInt64
	}
	err := s.find(ctx, func() error {
		m.heap, m.last = m.heap[:0], s.last
		g := s.groups[q.Group]
		if g == nil {
			return cloudwatch.NoSuchGroup
		}
		if g.Retention > 0 {
			m.from = max(m.from, s.now()-int64(g.Retention)*day)
		}
		if q.Streams == nil {
			for name, st := range g.streams {
				if strings.HasPrefix(name, q.Prefix) {
					m.begin(st)
				}
			}
			return nil
		}
		chosen := make(map[*stream]bool, len(q.Streams))
		for _, name := range q.Streams {
			st := g.streams[name]
			if st == nil {
				return cloudwatch.NoSuchStream
			}
			if !chosen[st] {
				chosen[st] = true
				m.begin(st)
			}
		}
		return nil
	})
	return m, err
}

// begin adds the first place of a stream. The store is locked.
func (m *merge) begin(st *stream) {
	if len(st.entries) == 0 {
		return
	}
	// Batches of which a part is in the range begin between these.
	low, high := m.from, m.to
	if m.after != nil {
		if m.backward {
			high = min(high, m.after.Time+1)
		} else {
			low = max(low, m.after.Time)
		}
	}
	place := Position{Time: max(low, math.MinInt64+int64(st.maxSpan)) - int64(st.maxSpan)}
	if m.backward {
		place = Position{Time: high}
	}
	m.advance(st, place)
}

// advance adds the place of the next batch of a stream: forward the first one at place or
// behind it, backward the last one before it. The store is locked.
func (m *merge) advance(st *stream, place Position) {
	i := st.from(place)
	if m.backward {
		for i--; i >= 0; i-- {
			if e := &st.entries[i]; e.seq <= m.last {
				// Batches before it may have later events, but none later than this.
				at := Position{Time: e.first + int64(st.maxSpan), Seq: math.MaxUint64, Index: math.MaxUint32}
				if at.Time >= m.from {
					m.push(item{at: at, stream: st, entry: entry{first: e.first, seq: e.seq}})
				}
				return
			}
		}
		return
	}
	for ; i < len(st.entries); i++ {
		e := &st.entries[i]
		switch {
		case e.first >= m.to:
			return
		case e.seq <= m.last && m.overlaps(e):
			m.push(item{at: e.start(), stream: st, entry: entry{first: e.first, seq: e.seq}})
			return
		}
	}
}

// overlaps reports whether a batch has events of the range.
func (m *merge) overlaps(e *entry) bool {
	if e.last() < m.from || e.first >= m.to {
		return false
	}
	return m.after == nil || m.backward && e.start().Compare(*m.after) < 0 || !m.backward && e.stop().Compare(*m.after) > 0
}

// open replaces the first item, which is a place in an index or a batch that was not read.
func (m *merge) open(ctx context.Context) error {
	top := m.heap[0]
	if top.entry.count == 0 {
		m.pop()
		m.s.mu.RLock()
		defer m.s.mu.RUnlock()
		place := Position{Time: top.entry.first, Seq: top.entry.seq}
		i := top.stream.from(place)
		if i < len(top.stream.entries) && top.stream.entries[i].seq == place.Seq {
			if e := top.stream.entries[i]; m.overlaps(&e) {
				at := e.start()
				if m.backward {
					at = e.stop()
				}
				m.push(item{at: at, stream: top.stream, entry: e})
			}
		}
		if !m.backward {
			place.Index++
		}
		m.advance(top.stream, place)
		return nil
	}
	b, err := m.s.load(ctx, top.stream, top.entry.seq)
	if err != nil {
		return err
	}
	if b == nil {
		m.pop()
		return nil
	}
	index := m.first(b, top.entry.seq)
	if index < 0 || index >= len(b.ends) {
		m.pop()
		return nil
	}
	m.heap[0].batch = b
	m.place(index)
	return nil
}

// first returns the index of the first event in the direction of reading that is in the
// range; one that is outside of b if there is none.
func (m *merge) first(b *batch, seq uint64) int {
	from := sort.Search(len(b.ends), func(i int) bool {
		if m.backward { // the first that is not to be read
			return b.time(i) >= m.to || m.after != nil && b.position(i, seq).Compare(*m.after) >= 0
		}
		return b.time(i) >= m.from && (m.after == nil || b.position(i, seq).Compare(*m.after) > 0)
	})
	if m.backward {
		return from - 1
	}
	return from
}

func (b *batch) position(i int, seq uint64) Position {
	return Position{Time: b.time(i), Seq: seq, Index: uint32(i)}
}

// step goes on to the next event of the first item's batch.
func (m *merge) step() {
	index := int(m.heap[0].at.Index) + 1
	if m.backward {
		index -= 2
	}
	m.place(index)
}

// place puts the first item where an event of its batch is, and removes it if that is
// outside of the batch or of the range.
func (m *merge) place(index int) {
	top := &m.heap[0]
	if index < 0 || index >= len(top.batch.ends) {
		m.pop()
		return
	}
	if t := top.batch.time(index); t < m.from || t >= m.to {
		m.pop()
		return
	}
	top.at = top.batch.position(index, top.at.Seq)
	m.down()
}

// before reports whether a comes before b in the direction of reading.
func (m *merge) before(a, b *item) bool {
	c := a.at.Compare(b.at)
	if m.backward {
		c = -c
	}
	return c < 0
}

func (m *merge) push(it item) {
	m.heap = append(m.heap, it)
	for i := len(m.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !m.before(&m.heap[i], &m.heap[parent]) {
			return
		}
		m.heap[i], m.heap[parent] = m.heap[parent], m.heap[i]
		i = parent
	}
}

func (m *merge) pop() {
	last := len(m.heap) - 1
	m.heap[0] = m.heap[last]
	m.heap[last] = item{}
	m.heap = m.heap[:last]
	m.down()
}

// down moves the first item to its place.
func (m *merge) down() {
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(m.heap) {
			return
		}
		if child+1 < len(m.heap) && m.before(&m.heap[child+1], &m.heap[child]) {
			child++
		}
		if !m.before(&m.heap[child], &m.heap[i]) {
			return
		}
		m.heap[i], m.heap[child] = m.heap[child], m.heap[i]
		i = child
	}
}

// load reads a batch; nil if it is gone.
func (s *Store) load(ctx context.Context, st *stream, seq uint64) (*batch, error) {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	_, body, err := s.log.Read(ctx, seq, *buf)
	if errors.Is(err, kv.ErrNotFound) {
		s.lost(st, seq)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	*buf = body
	b, err := parseBatch(body)
	if err != nil {
		return nil, fmt.Errorf("message %d: %w", seq, err)
	}
	return b, nil
}

// lost takes a batch out of the index that is not there any more: its stream was deleted,
// or another process has found that its group does not keep it.
func (s *Store) lost(st *stream, seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range st.remove(func(e *entry) bool { return e.seq == seq }) {
		g := st.group
		g.bytes -= int64(e.bytes)
		expired := g.Retention > 0 && e.last() < s.now()-int64(g.Retention)*day
		if !expired && !s.gone[g.id] && !s.gone[st.id] {
			s.cfg.Logger.Warn("log events: a batch is not there any more", "group", g.Name, "stream", st.Name, "seq", seq)
		}
	}
}
