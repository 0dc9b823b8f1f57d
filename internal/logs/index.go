package logs

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"weir/internal/journal"
)

// An entry is what the index has of a batch: 32 bytes.
type entry struct {
	first  int64  // time of its first event
	seq    uint64 // of its message
	span   uint32 // milliseconds to its last event
	count  uint32 // of events
	bytes  uint32 // as Amazon counts them
	pieces uint32 // of its message
}

func (e *entry) last() int64 { return e.first + int64(e.span) }

// start and stop are the positions of its first and its last event.
func (e *entry) start() Position { return Position{Time: e.first, Seq: e.seq} }
func (e *entry) stop() Position {
	return Position{Time: e.last(), Seq: e.seq, Index: e.count - 1}
}

// note is what the message's head says of a batch.
func (e *entry) note(ingested int64) string {
	b := make([]byte, 0, 64)
	for i, v := range [...]int64{e.first, int64(e.span), int64(e.count), int64(e.bytes), ingested} {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendInt(b, v, 10)
	}
	return string(b)
}

// parseNote undoes note.
func parseNote(h *journal.Head) (e entry, ingested int64, err error) {
	var v [5]int64
	rest := h.Note
	for i := range v {
		var field string
		field, rest, _ = strings.Cut(rest, " ")
		if v[i], err = strconv.ParseInt(field, 10, 64); err != nil {
			return e, 0, fmt.Errorf("note %q: %w", h.Note, errDamaged)
		}
	}
	e = entry{first: v[0], span: uint32(v[1]), count: uint32(v[2]), bytes: uint32(v[3])}
	if e.note(v[4]) != h.Note || e.count == 0 {
		return e, 0, fmt.Errorf("note %q: %w", h.Note, errDamaged)
	}
	e.seq, e.pieces = h.Seq, uint32(h.Pieces)
	return e, v[4], nil
}

// An index knows the batches of a stream.
type index struct {
	entries  []entry // in the order of start
	maxSpan  uint32  // the longest span there has been
	latest   int64   // time of the newest event
	ingested int64   // the last time that something was
	bytes    int64
}

func compareStart(e entry, p Position) int { return e.start().Compare(p) }

// add adds a batch, unless it is there.
func (x *index) add(e entry, ingested int64) bool {
	i := len(x.entries)
	if i > 0 && e.start().Compare(x.entries[i-1].start()) <= 0 { // most come in order
		var found bool
		if i, found = slices.BinarySearchFunc(x.entries, e.start(), compareStart); found {
			return false
		}
	}
	if len(x.entries) == 0 {
		x.latest = e.last()
	}
	x.entries = slices.Insert(x.entries, i, e)
	x.maxSpan = max(x.maxSpan, e.span)
	x.latest = max(x.latest, e.last())
	x.ingested = max(x.ingested, ingested)
	x.bytes += int64(e.bytes)
	return true
}

// from returns where the entries at or behind a position begin.
func (x *index) from(p Position) int {
	i, _ := slices.BinarySearchFunc(x.entries, p, compareStart)
	return i
}

// remove removes the batches that gone chooses, and returns them in the order of their
// sequences.
func (x *index) remove(gone func(*entry) bool) (removed []entry) {
	left := x.entries[:0]
	for i := range x.entries {
		e := &x.entries[i]
		if gone(e) {
			removed = append(removed, *e)
			x.bytes -= int64(e.bytes)
			continue
		}
		left = append(left, *e)
	}
	if len(removed) == 0 {
		return nil
	}
	x.entries = left
	if cap(left) > 64 && len(left) < cap(left)/4 {
		x.entries = slices.Clone(left)
	}
	x.latest = 0
	for i := range x.entries {
		x.latest = max(x.latest, x.entries[i].last())
	}
	slices.SortFunc(removed, func(a, b entry) int { return cmp.Compare(a.seq, b.seq) })
	return removed
}
