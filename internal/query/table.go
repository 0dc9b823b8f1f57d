package query

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"math"
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

// Add adds what another part of the group came to. Sums that are too large for their
// type stay at its greatest value.
func (s *Sums) Add(o Sums) {
	s.Records += o.Records
	s.Packets = plus(s.Packets, o.Packets)
	s.Bytes = plus(s.Bytes, o.Bytes)
	if s.Start == 0 || o.Start != 0 && o.Start < s.Start {
		s.Start = o.Start
	}
	s.End = max(s.End, o.End)
}

// plus adds numbers that are not negative.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// A Table adds up rows by the values of some of their fields. It belongs to one
// goroutine; what several have added up is put together by [Table.Merge].
type Table struct {
	by  []Column
	max int // groups

	slots  []slot
	chunks [][]byte // the groups, see [group]
	n      int

	some    []pending
	touched byte // so that touching is not for nothing
	key     []byte
	num     [20]byte
	addr    [46]byte
	bad     []rows.Bad
	check   *Check

	bound  record.Format // that the next five are of
	ready  bool
	cols   []int // -1 where the format does not have it
	packet int
	bytes  int
	start  int
	end    int
}

// A slot is where a group may be. One look says that it is another.
type slot struct {
	hash uint32
	at   uint32 // its place in chunks plus 1, in units of 8 bytes; 0 is free
}

// A group is its sums, the length of its values and these, each with a zero byte
// behind it: what a look-up touches lies together.
type group []byte

const (
	chunkSize = 1 << 20 // bytes; a group that is larger has a chunk of its own
	unit      = 8
	maxChunks = math.MaxUint32 / (chunkSize / unit) // that a slot can tell apart
	atSize    = 5 * 8
	atKey     = atSize + 4
)

func (g group) key() []byte { return g[atKey : atKey+binary.NativeEndian.Uint32(g[atSize:])] }

func (g group) sums() Sums {
	return Sums{g.int(0), g.int(8), g.int(16), g.int(24), g.int(32)}
}

func (g group) int(at int) int64 { return int64(binary.NativeEndian.Uint64(g[at:])) }

func (g group) set(s Sums) {
	for i, v := range [...]int64{s.Records, s.Packets, s.Bytes, s.Start, s.End} {
		binary.NativeEndian.PutUint64(g[8*i:], uint64(v))
	}
}

// ErrTooManyGroups reports that there are more groups than a table may have.
var ErrTooManyGroups = errors.New("too many groups")

// seed is one for all tables, so that they can be merged without hashing again.
var seed = maphash.MakeSeed()

// NewTable returns a table of at most max groups.
func NewTable(by []Column, max int) *Table {
	return &Table{by: by, max: max, slots: make([]slot, 4096), cols: make([]int, len(by)), check: NewCheck(by)}
}

// By returns the columns whose values make a group.
func (t *Table) By() []Column { return t.by }

// Len returns the number of groups.
func (t *Table) Len() int { return t.n }

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
	for len(selected) > 0 {
		some := selected[:min(len(selected), atOnce)]
		selected = selected[len(some):]
		if !t.addSome(b, some) {
			return t.bad, ErrTooManyGroups
		}
	}
	return t.bad, nil
}

// atOnce is how many rows are looked up together.
const atOnce = 64

// A pending row has been read, and is looked for next.
type pending struct {
	hash uint32
	row  int32
	end  int // of its key in Table.key
	Sums
}

// addSome adds a few rows. They are read first, then the memory that their look-ups
// will need is touched, all of it before any of it is used: a processor waits for many
// lines of memory in the time in which it waits for one.
func (t *Table) addSome(b *rows.Batch, selected []int32) bool {
	t.key, t.some = t.key[:0], t.some[:0]
next:
	for _, row := range selected {
		s, ok := t.read(b, int(row))
		if !ok {
			continue
		}
		begin := len(t.key)
		for i, col := range t.cols {
			if col < 0 {
				t.key = append(t.key, '-', 0)
				continue
			}
			v := b.Columns[col].Bytes(int(row), t.num[:])
			if t.by[i].Field.IsAddr() && len(v) > 0 && bytes.IndexByte(v, ':') >= 0 {
				v = canonical(t.addr[:0], v)
			}
			if bytes.IndexByte(v, 0) >= 0 { // it would end the value
				t.bad = append(t.bad, rows.Bad{Row: int(row), Name: t.by[i].Name, Reason: record.ErrControl})
				t.key = t.key[:begin]
				continue next
			}
			t.key = append(append(t.key, v...), 0)
		}
		t.some = append(t.some, pending{uint32(maphash.Bytes(seed, t.key[begin:])), row, len(t.key), s})
	}
	mask := uint32(len(t.slots) - 1)
	var places [atOnce]uint32
	for i := range t.some {
		places[i] = t.slots[t.some[i].hash&mask].at
	}
	for i := range t.some {
		if places[i] != 0 {
			t.touched += t.group(places[i])[atSize]
		}
	}
	begin := 0
	for i := range t.some {
		p := &t.some[i]
		if !t.add(p.hash, t.key[begin:p.end], p.Sums, p.row) {
			return false
		}
		begin = p.end
	}
	return true
}

// canonical is an IPv6 address in the form of RFC 5952, so that equal ones look alike.
func canonical(buf, v []byte) []byte {
	if a, ok := rows.ParseAddr(v); ok {
		return a.AppendTo(buf)
	}
	return v
}

// read reads what is summed up of a row.
func (t *Table) read(b *rows.Batch, row int) (s Sums, ok bool) {
	s.Records = 1
	return s, t.int(b, row, t.packet, record.Packets, &s.Packets) && t.int(b, row, t.bytes, record.Bytes, &s.Bytes) &&
		t.int(b, row, t.start, record.Start, &s.Start) && t.int(b, row, t.end, record.End, &s.End)
}

func (t *Table) int(b *rows.Batch, row, col int, f record.Field, to *int64) (ok bool) {
	if col < 0 {
		return true
	}
	*to, ok = b.Columns[col].Int(row)
	if ok && *to > 0 {
		return true
	}
	if err := wrongSum(&b.Columns[col], row, f, *to, ok); err != nil {
		t.bad = append(t.bad, rows.Bad{Row: row, Name: f.Name(), Reason: err})
		return false
	}
	return true
}

// wrongSum says what is wrong with what [rows.Column.Int] found, unless it is more
// than 0.
func wrongSum(c *rows.Column, row int, f record.Field, v int64, ok bool) error {
	switch {
	case !ok:
		return record.ErrNotNumber
	case v < 0:
		return record.ErrRange
	case !f.Nullable() && c.Absent(row):
		return record.ErrAbsent
	}
	return nil
}

// merged is the row of what is added to a table from another.
const merged = -1

// add adds to a group, which it makes if there is none; false if there are too many.
// Values are checked when a group is made: those of a group that there is are right.
func (t *Table) add(hash uint32, key []byte, s Sums, row int32) bool {
	mask := uint32(len(t.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		here := &t.slots[i]
		if here.at == 0 {
			if row != merged && !t.checked(key, row) {
				return true
			}
			if t.n >= t.max || len(t.chunks) >= maxChunks {
				return false
			}
			here.hash, here.at = hash, t.make(key, s)
			if t.n++; t.n*2 > len(t.slots) {
				t.grow()
			}
			return true
		}
		if here.hash != hash {
			continue
		}
		if g := t.group(here.at); string(g.key()) == string(key) {
			sum := g.sums()
			sum.Add(s)
			g.set(sum)
			return true
		}
	}
}

// checked reports whether the values of a row may make a group.
func (t *Table) checked(key []byte, row int32) bool {
	for i, col := range t.cols {
		end := bytes.IndexByte(key, 0)
		v := key[:end]
		key = key[end+1:]
		if col < 0 {
			continue // it is absent from all rows
		}
		if err := t.check.value(i, v); err != nil {
			t.bad = append(t.bad, rows.Bad{Row: int(row), Name: t.by[i].Name, Reason: err})
			return false
		}
	}
	return true
}

// make stores a new group, and returns its place for a slot.
func (t *Table) make(key []byte, s Sums) uint32 {
	size := (atKey + len(key) + unit - 1) / unit * unit
	last := len(t.chunks) - 1
	if last < 0 || len(t.chunks[last])+size > cap(t.chunks[last]) {
		t.chunks = append(t.chunks, make([]byte, 0, max(chunkSize, size)))
		last++
	}
	from := len(t.chunks[last])
	t.chunks[last] = t.chunks[last][:from+size]
	g := group(t.chunks[last][from:])
	g.set(s)
	binary.NativeEndian.PutUint32(g[atSize:], uint32(len(key)))
	copy(g[atKey:], key)
	return uint32(last*(chunkSize/unit)+from/unit) + 1
}

func (t *Table) group(at uint32) group {
	at--
	return group(t.chunks[at/(chunkSize/unit)][at%(chunkSize/unit)*unit:])
}

func (t *Table) grow() {
	old := t.slots
	t.slots = make([]slot, 4*len(old))
	mask := uint32(len(t.slots) - 1)
	for _, s := range old {
		if s.at == 0 {
			continue
		}
		i := s.hash & mask
		for t.slots[i].at != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = s
	}
}

// all calls fn with every group, in no order.
func (t *Table) all(fn func(s slot, g group) bool) {
	for _, s := range t.slots {
		if s.at != 0 && !fn(s, t.group(s.at)) {
			return
		}
	}
}

// Merge adds the groups of another table by the same columns.
func (t *Table) Merge(o *Table) error {
	ok := true
	o.all(func(s slot, g group) bool {
		ok = t.add(s.hash, g.key(), g.sums(), merged)
		return ok
	})
	if !ok {
		return ErrTooManyGroups
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
	before := func(a, b group) int {
		return cmp.Or(cmp.Compare(m.Of(b.sums()), m.Of(a.sums())), bytes.Compare(a.key(), b.key()))
	}
	if n < 0 || n > t.n {
		n = t.n
	}
	// Few of many are kept in order as they come; many are sorted at the end.
	few := n < t.n/16
	var order []group
	t.all(func(_ slot, g group) bool {
		switch {
		case !few:
			order = append(order, g)
		case len(order) < n || n > 0 && before(g, order[n-1]) < 0:
			i, _ := slices.BinarySearchFunc(order, g, before)
			order = slices.Insert(order[:min(len(order), n-1)], i, g)
		}
		return true
	})
	if !few {
		slices.SortFunc(order, before)
	}
	out := make([]Group, n)
	for i := range out {
		out[i].Sums = order[i].sums()
		out[i].Values = make([]string, 0, len(t.by))
		for key := order[i].key(); len(key) > 0; {
			end := bytes.IndexByte(key, 0)
			out[i].Values = append(out[i].Values, string(key[:end]))
			key = key[end+1:]
		}
	}
	return out
}

// Total returns what all groups together came to.
func (t *Table) Total() (s Sums) {
	t.all(func(_ slot, g group) bool {
		s.Add(g.sums())
		return true
	})
	return s
}
