package conversation

import (
	"errors"
	"hash/maphash"
	"math"
	"net/netip"

	"weir/internal/rows"
	"weir/record"
)

// ErrTooMany reports that there are more conversations than a table may have.
var ErrTooMany = errors.New("too many conversations")

// MaxConversations is how many a table may have unless told otherwise: they take some
// 220 bytes each.
const MaxConversations = 5_000_000

// A Table joins rows to conversations. It belongs to one goroutine.
type Table struct {
	max int

	slots []uint64 // hash of a key, and below it where its newest segment is, from 1; 0 is free
	used  int      // slots
	segs  list[segment]
	views list[view]

	names  []string          // of interfaces
	number map[string]uint32 // of each
	last   uint32            // the one that was looked up before

	key [keySize]byte
	num [20]byte
	bad []rows.Bad

	// Left counts the rows that no conversation can be made of: those without
	// addresses, as of NODATA.
	Left int64

	bound record.Format
	ready bool
	cols  columns
}

// columns are where a format has what is read, -1 where it does not.
type columns struct {
	iface, src, dst, pktSrc, pktDst, srcPort, dstPort, protocol int
	packets, bytes, start, end, action, flags                   int
}

// NewTable returns a table of at most max conversations.
func NewTable(max int) *Table {
	return &Table{max: max, slots: make([]uint64, 1024), number: map[string]uint32{}}
}

// seed is one for all tables.
var seed = maphash.MakeSeed()

// Len returns how many conversations there are so far; some may yet become one.
func (t *Table) Len() int { return t.segs.len() }

// Columns returns the fields that a table reads.
func Columns() []record.Field {
	return []record.Field{
		record.InterfaceID, record.SrcAddr, record.DstAddr, record.PktSrcAddr, record.PktDstAddr,
		record.SrcPort, record.DstPort, record.Protocol, record.Packets, record.Bytes,
		record.Start, record.End, record.Action, record.TCPFlags,
	}
}

func (t *Table) bind(f record.Format) {
	if t.ready && t.bound.Equal(f) {
		return
	}
	t.ready, t.bound = true, f
	t.cols = columns{
		f.Index(record.InterfaceID), f.Index(record.SrcAddr), f.Index(record.DstAddr),
		f.Index(record.PktSrcAddr), f.Index(record.PktDstAddr), f.Index(record.SrcPort), f.Index(record.DstPort),
		f.Index(record.Protocol), f.Index(record.Packets), f.Index(record.Bytes), f.Index(record.Start),
		f.Index(record.End), f.Index(record.Action), f.Index(record.TCPFlags),
	}
}

// Add adds rows of a batch. It returns what it found wrong, which is right until the
// next call: those rows are not added. The error is [ErrTooMany].
func (t *Table) Add(b *rows.Batch, selected []int32) ([]rows.Bad, error) {
	t.bind(b.Format)
	t.bad = t.bad[:0]
	for _, row := range selected {
		p, ok := t.read(b, int(row))
		if ok && !t.add(&p) {
			return t.bad, ErrTooMany
		}
	}
	return t.bad, nil
}

// A piece is what one record says of a conversation.
type piece struct {
	dir        uint8 // which way: 0 from the first endpoint of the key
	flags      record.Flags
	known      uint8 // bits of segment.known
	start, end int64
	view       view
}

// read reads a row into a piece, and its endpoints and protocol into t.key.
func (t *Table) read(b *rows.Batch, row int) (p piece, ok bool) {
	c := &t.cols
	src, ok1 := t.addr(b, c.pktSrc, row)
	dst, ok2 := t.addr(b, c.pktDst, row)
	outerSrc, ok3 := t.addr(b, c.src, row)
	outerDst, ok4 := t.addr(b, c.dst, row)
	var through uint32
	switch {
	case !ok1:
		src, ok1 = outerSrc, ok3
	case ok3 && src != outerSrc:
		through |= rewroteSrc
	}
	switch {
	case !ok2:
		dst, ok2 = outerDst, ok4
	case ok4 && dst != outerDst:
		through |= rewroteDst
	}
	if !ok1 || !ok2 {
		t.Left++
		return p, false
	}
	ok = true
	num := func(col int, f record.Field) (int64, bool) {
		v, there, good := t.int(b, col, row)
		reason := record.ErrNotNumber
		if good && v > f.Max() {
			good, reason = false, record.ErrRange
		}
		if !good {
			if ok {
				t.bad = append(t.bad, rows.Bad{Row: row, Name: f.Name(), Reason: reason})
			}
			ok = false
		}
		return v, there && good
	}
	srcPort, _ := num(c.srcPort, record.SrcPort)
	dstPort, _ := num(c.dstPort, record.DstPort)
	protocol, knownProtocol := num(c.protocol, record.Protocol)
	packets, knownPackets := num(c.packets, record.Packets)
	bytes, knownBytes := num(c.bytes, record.Bytes)
	start, knownStart := num(c.start, record.Start)
	end, knownEnd := num(c.end, record.End)
	flags, knownFlags := num(c.flags, record.TCPFlags)
	if !ok {
		return p, false
	}
	if !knownStart {
		start = end
	}
	if !knownEnd {
		end = start
	}
	p = piece{flags: record.Flags(flags), start: min(start, end), end: max(start, end)}
	if knownStart || knownEnd {
		p.known |= knowsTime
	}
	if knownFlags {
		p.known |= knowsFlags
	}
	if !knownPackets || !knownBytes {
		p.known |= lacksCounts
	}
	if !knownProtocol {
		p.known |= lacksProtocol
	}
	p.dir = makeKey(&t.key, src, dst, uint16(srcPort), uint16(dstPort), uint8(protocol))
	p.view = view{packets: uint64(packets), bytes: uint64(bytes)}
	p.view.of = t.iface(b, row)<<viewBits | through | uint32(p.dir)
	if c.action >= 0 {
		switch v := b.Columns[c.action].Bytes(row, t.num[:]); {
		case len(v) > 0 && v[0] == 'R':
			p.view.of |= refused
			p.known |= knowsVerdict
		case len(v) > 0 && v[0] == 'A':
			p.known |= knowsVerdict
		}
	}
	return p, true
}

func (t *Table) addr(b *rows.Batch, col, row int) (netip.Addr, bool) {
	if col < 0 {
		return netip.Addr{}, false
	}
	return rows.ParseAddr(b.Columns[col].Bytes(row, t.num[:]))
}

// int reads a number: there if it is not absent, good if it is absent or one.
func (t *Table) int(b *rows.Batch, col, row int) (v int64, there, good bool) {
	if col < 0 {
		return 0, false, true
	}
	c := &b.Columns[col]
	if c.Kind == rows.Ints {
		if v := c.Ints[row]; v != rows.Null {
			return v, true, v >= 0
		}
		return 0, false, true
	}
	text := c.Bytes(row, t.num[:])
	if rows.Absent(text) {
		return 0, false, true
	}
	v, good = rows.ParseInt(text)
	return v, good, good
}

// iface returns the number of the interface of a row.
func (t *Table) iface(b *rows.Batch, row int) uint32 {
	name := []byte{'-'}
	if t.cols.iface >= 0 {
		name = b.Columns[t.cols.iface].Bytes(row, t.num[:])
	}
	if int(t.last) < len(t.names) && t.names[t.last] == string(name) {
		return t.last
	}
	n, ok := t.number[string(name)]
	if !ok {
		n = t.named(string(name))
	}
	t.last = n
	return n
}

func (t *Table) named(name string) uint32 {
	n, ok := t.number[name]
	if !ok {
		n = uint32(len(t.names))
		t.names, t.number[name] = append(t.names, name), n
	}
	return n
}

// low are the bits of a slot that say where a segment is.
const low = 1<<32 - 1

// find returns the slot that a key has, or would have, and its hash as it stands in it.
// The hash keeps it from looking at segments of other keys, each of them somewhere else
// in memory.
func (t *Table) find(key *[keySize]byte) (slot int, hash uint64) {
	h := maphash.Bytes(seed, key[:])
	mask := uint32(len(t.slots) - 1)
	hash = h &^ low
	i := uint32(h>>32) & mask
	for ; t.slots[i] != 0; i = (i + 1) & mask {
		if t.slots[i]&^low == hash && t.segs.at(uint32(t.slots[i])-1).key == *key {
			break
		}
	}
	return int(i), hash
}

// add adds a piece to a conversation of t.key; false if there are too many.
func (t *Table) add(p *piece) bool {
	slot, hash := t.find(&t.key)
	s := segment{key: t.key, known: p.known, end: p.end, syn: math.MaxInt64, views: none, next: none, records: 1}
	s.first = [2]int64{math.MaxInt64, math.MaxInt64}
	s.first[p.dir] = p.start
	s.flags[p.dir] = p.flags
	if p.known&knowsFlags != 0 && p.flags&record.SYNACK == record.SYN {
		s.syn = p.start
	}
	if g, ok := t.joins(slot, &s); ok {
		g.take(&s)
		t.view(g, p.view)
		return true
	}
	g := t.put(slot, hash, &s)
	if g == nil {
		return false
	}
	t.view(g, p.view)
	return true
}

// joins returns the segment at a slot that s is surely a part of.
func (t *Table) joins(slot int, s *segment) (*segment, bool) {
	if t.slots[slot] == 0 {
		return nil, false
	}
	for n := uint32(t.slots[slot]) - 1; n != none; {
		g := t.segs.at(n)
		if g.near(s) {
			return g, true
		}
		n = g.next
	}
	return nil, false
}

// put makes a segment the newest one at a slot; nil if there are too many.
func (t *Table) put(slot int, hash uint64, s *segment) *segment {
	if t.segs.len() >= t.max {
		return nil
	}
	fresh := t.slots[slot] == 0
	if !fresh {
		s.next = uint32(t.slots[slot]) - 1
	}
	n := t.segs.add(*s)
	t.slots[slot] = hash | uint64(n+1)
	if fresh {
		if t.used++; t.used*2 > len(t.slots) {
			t.grow()
		}
	}
	return t.segs.at(n)
}

func (t *Table) grow() {
	old := t.slots
	t.slots = make([]uint64, 2*len(old))
	mask := uint32(len(t.slots) - 1)
	for _, slot := range old {
		if slot == 0 {
			continue
		}
		i := uint32(slot>>32) & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = slot
	}
}

// view adds what an interface saw to a segment.
func (t *Table) view(g *segment, v view) {
	for n := g.views; n != none; {
		w := t.views.at(n)
		if w.of == v.of {
			w.packets += v.packets
			w.bytes += v.bytes
			return
		}
		n = w.next
	}
	v.next = g.views
	g.views = t.views.add(v)
}

// Merge adds the conversations of another table. The error is [ErrTooMany].
func (t *Table) Merge(o *Table) error {
	t.Left += o.Left
	names := make([]uint32, len(o.names))
	for i, name := range o.names {
		names[i] = t.named(name)
	}
	for n := range uint32(o.segs.len()) {
		s := *o.segs.at(n)
		views := s.views
		s.views, s.next = none, none
		slot, hash := t.find(&s.key)
		g, ok := t.joins(slot, &s)
		if ok {
			g.take(&s)
		} else if g = t.put(slot, hash, &s); g == nil {
			return ErrTooMany
		}
		for views != none {
			v := *o.views.at(views)
			views = v.next
			v.of = names[v.of>>viewBits]<<viewBits | v.of&(1<<viewBits-1)
			t.view(g, v)
		}
	}
	return nil
}
