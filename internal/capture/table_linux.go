package capture

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/cilium/ebpf"

	"weir/internal/capture/bpf"
	"weir/internal/flow"
)

// tableKey is a flow table's key, IPv4 or IPv6.
type tableKey[K any] interface {
	*K
	Flow() flow.Key
	Meaning() bpf.CaptureKind
	Interface() uint16
	Seen() K
}

// batch is how many entries one system call fetches or deletes. It must not be
// smaller than the fullest bucket of a table, which it is by orders.
const batch = 4096

// A table is what one generation holds for one IP version.
type table[K comparable] struct {
	keys   []K
	counts []bpf.CaptureCounters
}

// read copies a closed generation's table. Nothing writes to it any more, so
// the copy is exact.
func (t *table[K]) read(m *ebpf.Map) error {
	var cursor ebpf.MapBatchCursor
	keys := make([]K, batch)
	counts := make([]bpf.CaptureCounters, batch)
	for {
		n, err := m.BatchLookup(&cursor, keys, counts, nil)
		t.keys = append(t.keys, keys[:n]...)
		t.counts = append(t.counts, counts[:n]...)
		switch {
		case errors.Is(err, ebpf.ErrKeyNotExist):
			return nil
		case err != nil:
			return fmt.Errorf("read flow table: %w", err)
		}
	}
}

// clear deletes what was read.
func (t *table[K]) clear(m *ebpf.Map) error {
	for keys := t.keys; len(keys) > 0; {
		n := min(batch, len(keys))
		done, err := m.BatchDelete(keys[:n], nil)
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			// Deleted before an interruption: go on behind it.
			done, err = min(done+1, n), nil
		}
		if err != nil {
			return fmt.Errorf("clear flow table: %w", err)
		}
		keys = keys[done:]
	}
	return nil
}

// A merger turns table entries into flows.
type merger struct {
	clock clock
	// carryable says whether a refusal in excess of what was seen of the
	// slot may be taken off a later window.
	carryable func(slot uint16) bool
	emit      func(slot uint16, f flow.Flow)
	unmatched uint64 // refused packets that no window was found for
}

// merge gives each packet its one verdict: refused ones are taken off what was
// seen, the rest was accepted. A refusal may come so late that the window in
// which its packet was seen is gone (a packet held in a user's queue); carry
// brings those of the window before, by the key of what was seen, and merge
// returns those for the next.
func merge[K comparable, P tableKey[K]](t *table[K], m *merger, carry map[K]flow.Count) map[K]flow.Count {
	off := make(map[K]flow.Count, len(carry)) // to take off what was seen
	maps.Copy(off, carry)
	refused := make(map[K]flow.Flow)
	for i := range t.keys {
		k := P(&t.keys[i])
		kind := k.Meaning()
		if kind == bpf.CaptureKindREFUSED_SEEN || kind == bpf.CaptureKindFOREIGN {
			c := off[k.Seen()]
			c.Add(t.count(i))
			off[k.Seen()] = c
		}
		if kind == bpf.CaptureKindREFUSED_SEEN || kind == bpf.CaptureKindREFUSED_UNSEEN {
			refused[k.Seen()] = joined(refused[k.Seen()], t.flow(i, k.Flow(), flow.Reject, m.clock))
		}
	}
	late := make(map[K]flow.Count)
	for i := range t.keys {
		k := P(&t.keys[i])
		if k.Meaning() != bpf.CaptureKindSEEN {
			continue
		}
		f := t.flow(i, k.Flow(), flow.Accept, m.clock)
		if c, ok := off[t.keys[i]]; ok {
			delete(off, t.keys[i])
			if c.Packets > f.Packets {
				late[t.keys[i]] = less(c, f.Count)
			}
			f.Count = less(f.Count, c)
		}
		if f.Packets > 0 {
			m.emit(k.Interface(), f)
		}
	}
	for k, f := range refused {
		m.emit(P(&k).Interface(), f)
	}
	for k, c := range off { // nothing of these flows was seen in this window
		if _, now := refused[k]; now {
			late[k] = c
		} else {
			m.unmatched += c.Packets
		}
	}
	maps.DeleteFunc(late, func(k K, _ flow.Count) bool { return !m.carryable(P(&k).Interface()) })
	return late
}

// less returns a - b, and never less than nothing.
func less(a, b flow.Count) flow.Count {
	if b.Packets >= a.Packets {
		return flow.Count{}
	}
	return flow.Count{Packets: a.Packets - b.Packets, Bytes: a.Bytes - min(a.Bytes, b.Bytes)}
}

func (t *table[K]) flow(i int, k flow.Key, v flow.Verdict, c clock) flow.Flow {
	k.Verdict = v
	e := &t.counts[i]
	return flow.Flow{
		Key:   k,
		Count: t.count(i),
		First: c.unix(e.First),
		Last:  c.unix(e.Last),
		Flags: uint8(e.Flags),
	}
}

// count is what an entry counts. The drop program takes refusals that found no
// room off it; if they were of packets seen in an earlier window, that may be
// more than there is.
func (t *table[K]) count(i int) flow.Count {
	c := flow.Count{Packets: t.counts[i].Packets, Bytes: t.counts[i].Bytes}
	if int64(c.Packets) <= 0 || int64(c.Bytes) < 0 {
		return flow.Count{}
	}
	return c
}

// joined adds b to a, which may be the zero Flow.
func joined(a, b flow.Flow) flow.Flow {
	if a.Packets == 0 {
		return b
	}
	a.Count.Add(b.Count)
	a.First = min(a.First, b.First)
	a.Last = max(a.Last, b.Last)
	a.Flags |= b.Flags
	return a
}

// A clock turns the kernel's tick counts into times, as of one moment.
type clock struct {
	jiffies  uint32
	wall     time.Time
	tick     int64 // nanoseconds
	min, max int64 // Unix seconds, inclusive: the window
}

// unix returns the Unix second of a tick count not longer ago than 2^31 ticks
// (24 days at 1000 a second).
func (c *clock) unix(jiffies uint32) int64 {
	ago := int64(int32(c.jiffies - jiffies))
	s := c.wall.Add(-time.Duration(ago * c.tick)).Unix()
	return max(c.min, min(s, c.max))
}
