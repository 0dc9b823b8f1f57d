package query

import (
	"fmt"
	"maps"
	"slices"

	"weir/internal/rows"
	"weir/record"
)

// A Timeline adds up rows by the minute in which they start, accepted and refused
// ones apart. It belongs to one goroutine.
type Timeline struct {
	minutes map[int64]*Minute
	last    *Minute
	bad     []rows.Bad

	bound record.Format
	ready bool
	cols  struct{ start, action, packets, bytes int }
}

// A Minute is what the records that start in it came to. Those that have no action,
// such as NODATA, are in neither.
type Minute struct {
	Start             int64 // Unix seconds, a multiple of 60
	Accepted, Refused Sums
}

// maxTime is the last second of the year 9999.
const maxTime = 253402300799

// NewTimeline returns an empty timeline.
func NewTimeline() *Timeline { return &Timeline{minutes: map[int64]*Minute{}} }

// Add adds rows of a batch. It returns what it found wrong, right until the next call:
// those rows are not added.
func (t *Timeline) Add(b *rows.Batch, selected []int32) []rows.Bad {
	if !t.ready || !t.bound.Equal(b.Format) {
		f := b.Format
		t.ready, t.bound = true, f
		t.cols.start, t.cols.action = f.Index(record.Start), f.Index(record.Action)
		t.cols.packets, t.cols.bytes = f.Index(record.Packets), f.Index(record.Bytes)
	}
	t.bad = t.bad[:0]
	if t.cols.start < 0 || t.cols.action < 0 {
		return nil
	}
	for _, row := range selected {
		t.add(b, int(row))
	}
	return t.bad
}

func (t *Timeline) add(b *rows.Batch, row int) {
	s := Sums{Records: 1}
	for _, f := range [...]struct {
		col   int
		field record.Field
		to    *int64
	}{{t.cols.start, record.Start, &s.Start}, {t.cols.packets, record.Packets, &s.Packets}, {t.cols.bytes, record.Bytes, &s.Bytes}} {
		if f.col < 0 {
			continue
		}
		v, ok := b.Columns[f.col].Int(row)
		if !ok || v <= 0 {
			if err := wrongSum(&b.Columns[f.col], row, f.field, v, ok); err != nil {
				t.bad = append(t.bad, rows.Bad{Row: row, Name: f.field.Name(), Reason: err})
				return
			}
		}
		*f.to = v
	}
	if s.Start > maxTime {
		t.bad = append(t.bad, rows.Bad{Row: row, Name: "start", Reason: record.ErrRange})
		return
	}
	action := b.Columns[t.cols.action].Bytes(row, nil)
	accepted, refused := string(action) == "ACCEPT", string(action) == "REJECT"
	if !accepted && !refused && !rows.Absent(action) {
		t.bad = append(t.bad, rows.Bad{Row: row, Name: "action", Reason: record.ErrNotKnown})
		return
	}
	at := s.Start - s.Start%60
	if t.last == nil || t.last.Start != at {
		t.last = t.minutes[at]
		if t.last == nil {
			t.last = &Minute{Start: at}
			t.minutes[at] = t.last
		}
	}
	switch {
	case accepted:
		t.last.Accepted.Add(s)
	case refused:
		t.last.Refused.Add(s)
	}
}

// Merge adds another timeline.
func (t *Timeline) Merge(o *Timeline) {
	for at, m := range o.minutes {
		if mine := t.minutes[at]; mine != nil {
			mine.Accepted.Add(m.Accepted)
			mine.Refused.Add(m.Refused)
		} else {
			mine := *m
			t.minutes[at] = &mine
		}
	}
}

// Bins returns what each stretch of width seconds came to, from the first to the last
// record without a gap. The width must be a multiple of 60. There may be [MaxBins].
func (t *Timeline) Bins(width int64) ([]Minute, error) {
	if len(t.minutes) == 0 {
		return nil, nil
	}
	starts := slices.Sorted(maps.Keys(t.minutes))
	first := starts[0] - starts[0]%width
	n := (starts[len(starts)-1]-first)/width + 1
	if n > MaxBins {
		return nil, fmt.Errorf("%d stretches of time are too many", n)
	}
	out := make([]Minute, n)
	for i := range out {
		out[i].Start = first + int64(i)*width
	}
	for _, at := range starts {
		bin := &out[(at-first)/width]
		bin.Accepted.Add(t.minutes[at].Accepted)
		bin.Refused.Add(t.minutes[at].Refused)
	}
	return out, nil
}

// MaxBins is how many stretches of time a timeline may have: a year of minutes.
const MaxBins = 366 * 24 * 60

// Width returns a width for at most n bins, 2 or more, one that people count in.
func (t *Timeline) Width(n int) int64 {
	if len(t.minutes) == 0 {
		return 60
	}
	starts := slices.Sorted(maps.Keys(t.minutes))
	span := starts[len(starts)-1] - starts[0] + 60
	for _, width := range [...]int64{60, 300, 600, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400} {
		if span/width+2 <= int64(n) {
			return width
		}
	}
	// A bin more than the span has may be begun at each end of it.
	return (span/(86400*max(1, int64(n)-1)) + 1) * 86400
}
