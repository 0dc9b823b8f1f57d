package query

import (
	"bytes"
	"cmp"
	"errors"
	"hash/maphash"
	"math"
	"net/netip"
	"slices"

	"weir/internal/rows"
	"weir/record"
)

// Sums are what is added up of the records of a group.
type Sums struct {
	Records, Packets, Bytes int64
	// Start and End are the least start and the greatest end, in Unix seconds; 0
	// where no record had one.
	Start, End int64
}

// Add adds what another part of the group came to.
func (s *Sums) Add(o Sums) {
	s.Records += o.Records
	s.Packets += o.Packets
	s.Bytes += o.Bytes
	if s.Start == 0 || o.Start != 0 && o.Start < s.Start {
		s.Start = o.Start
	}
	s.End = max(s.End, o.End)
}

// A Table adds up rows by the values of some of their fields. It belongs to one
// goroutine; what several have added up is put together by [Table.Merge].
type Table struct {
	by  []Column
	max int // groups

	seed  maphash.Seed
	slots []uint32 // where a group is in hashes, from 1; 0 is free
	hash  []uint32
	keys  []byte // the values of all groups, each followed by a zero byte
	ends  []int  // of each group's in keys
	sums  []Sums

	key []byte
	num [20]byte
	bad []rows.Bad

	bound  record.Format // that the next five are of
	ready  bool
	cols   []int // -1 where the format does not have it
	packet int
	bytes  int
	start  int
	end    int
}

// ErrTooManyGroups reports that there are more groups than a table may have.
var ErrTooManyGroups = errors.New("too many groups")

// seed is one for all tables, so that they can be merged without hashing again.
var seed = maphash.MakeSeed()

// NewTable returns a table of at most max groups.
func NewTable(by []Column, max int) *Table {
	return &Table{by: by, max: max, seed: seed, slots: make([]uint32, 1024), cols: make([]int, len(by))}
}

// By returns the columns whose values make a group.
func (t *Table) By() []Column { return t.by }

// Len returns the number of groups.
func (t *Table) Len() int { return len(t.sums) }

func (t *Table) bind(f record.Format) {
	if t.ready && t.bound.Equal(f) {
		return
	}
	t.ready, t.bound = true, f
	for i, c := range t.by {
		t.cols[i] = c.Index(f)
	}
	t.packet, t.bytes = f.Index(record.Packets), f.Index(record.Bytes)
	t.start, t.end = f.Index(record.Start), f.Index(record.End)
}

// Add adds rows of a batch, each as weight many records. It returns what it found
// wrong, which is right until the next call: those rows are not added. The error is
// [ErrTooManyGroups].
func (t *Table) Add(b *rows.Batch, selected []int32) ([]rows.Bad, error) {
	t.bind(b.Format)
	t.bad = t.bad[:0]
	for _, row := range selected {
		s, ok := t.read(b, int(row))
		if !ok {
			continue
		}
		t.key = t.key[:0]
		for i, col := range t.cols {
			if col < 0 {
				t.key = append(t.key, '-', 0)
				continue
			}
			v := b.Columns[col].Bytes(int(row), t.num[:])
			if t.by[i].Field.IsAddr() && len(v) > 0 && bytes.IndexByte(v, ':') >= 0 {
				v = canonical(v)
			}
			t.key = append(append(t.key, v...), 0)
		}
		if !t.add(uint32(maphash.Bytes(t.seed, t.key)), t.key, s) {
			return t.bad, ErrTooManyGroups
		}
	}
	return t.bad, nil
}

// canonical is an IPv6 address in the form of RFC 5952, so that equal ones look alike.
func canonical(v []byte) []byte {
	if a, err := netip.ParseAddr(string(v)); err == nil {
		return a.AppendTo(nil)
	}
	return v
}

// read reads what is summed up of a row.
func (t *Table) read(b *rows.Batch, row int) (s Sums, ok bool) {
	s.Records = 1
	for _, f := range [...]struct {
		col   int
		field record.Field
		to    *int64
	}{{t.packet, record.Packets, &s.Packets}, {t.bytes, record.Bytes, &s.Bytes}, {t.start, record.Start, &s.Start}, {t.end, record.End, &s.End}} {
		if f.col < 0 {
			continue
		}
		if *f.to, ok = b.Columns[f.col].Int(row); !ok {
			t.bad = append(t.bad, rows.Bad{Row: row, Name: f.field.Name(), Reason: record.ErrNotNumber})
			return s, false
		}
	}
	return s, true
}

// add adds to a group, which it makes if there is none; false if there are too many.
func (t *Table) add(hash uint32, key []byte, s Sums) bool {
	mask := uint32(len(t.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		slot := t.slots[i]
		if slot == 0 {
			if len(t.sums) >= t.max {
				return false
			}
			t.keys = append(t.keys, key...)
			t.ends = append(t.ends, len(t.keys))
			t.hash = append(t.hash, hash)
			t.sums = append(t.sums, s)
			t.slots[i] = uint32(len(t.sums))
			if len(t.sums)*2 > len(t.slots) {
				t.grow()
			}
			return true
		}
		if g := slot - 1; t.hash[g] == hash && string(t.at(int(g))) == string(key) {
			t.sums[g].Add(s)
			return true
		}
	}
}

func (t *Table) grow() {
	t.slots = make([]uint32, 2*len(t.slots))
	mask := uint32(len(t.slots) - 1)
	for g, hash := range t.hash {
		i := hash & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = uint32(g + 1)
	}
}

// at returns the key of a group.
func (t *Table) at(g int) []byte {
	begin := 0
	if g > 0 {
		begin = t.ends[g-1]
	}
	return t.keys[begin:t.ends[g]]
}

// Merge adds the groups of another table by the same columns.
func (t *Table) Merge(o *Table) error {
	for g := range o.sums {
		if !t.add(o.hash[g], o.at(g), o.sums[g]) {
			return ErrTooManyGroups
		}
	}
	return nil
}

// A Group is what the records with one set of values came to.
type Group struct {
	Values []string // one for each column; "-" where it is absent
	Sums
}

// Measure is what groups are ranked by.
type Measure uint8

// Measures.
const (
	ByBytes Measure = iota
	ByPackets
	ByRecords
)

// Of returns what s has of the measure.
func (m Measure) Of(s Sums) int64 {
	switch m {
	case ByPackets:
		return s.Packets
	case ByRecords:
		return s.Records
	}
	return s.Bytes
}

// Top returns the n groups that have most of the measure, the first one most; all if n
// is negative. Groups with equally much are in the order of their values.
func (t *Table) Top(n int, m Measure) []Group {
	order := make([]int32, len(t.sums))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(m.Of(t.sums[b]), m.Of(t.sums[a])), bytes.Compare(t.at(int(a)), t.at(int(b))))
	})
	if n < 0 || n > len(order) {
		n = len(order)
	}
	out := make([]Group, n)
	for i := range out {
		g := int(order[i])
		out[i].Sums = t.sums[g]
		for v := range bytes.SplitSeq(bytes.TrimSuffix(t.at(g), []byte{0}), []byte{0}) {
			out[i].Values = append(out[i].Values, string(v))
		}
	}
	return out
}

// Total returns what all groups together came to.
func (t *Table) Total() (s Sums) {
	for _, g := range t.sums {
		s.Add(g)
	}
	return s
}

// MaxGroups is how many groups a table may have unless told otherwise: they take some
// 100 bytes each.
const MaxGroups = math.MaxInt32 / 1000
