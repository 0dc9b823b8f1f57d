package finding

import (
	"math"
	"slices"

	"weir/internal/rows"
	"weir/record"
)

// A Collector adds up records for one goroutine.
type Collector struct {
	finder *Finder
	addrs  addresses
	talks  talks
	lines  lines
	series series

	beyond, unread int64
	flagged        bool // some records have flags

	formats []string // names of fields, of lines
	format  uint8
	text    []byte
	some    []row

	bound record.Format
	ready bool
	cols  columns
}

// columns are where a format has the fields; -1 where it does not.
type columns struct {
	src, dst, sport, dport, protocol, packets, bytes, start, end int
	action, status, flags, face                                  int
	complete                                                     bool // those that a talk needs are there
}

// Fields returns the fields that a collector looks at.
func Fields() []record.Field {
	return []record.Field{record.SrcAddr, record.DstAddr, record.SrcPort, record.DstPort, record.Protocol, record.Packets, record.Bytes,
		record.Start, record.End, record.Action, record.LogStatus, record.TCPFlags, record.InterfaceID}
}

func newCollector(f *Finder) *Collector {
	return &Collector{finder: f, addrs: newAddresses(f.seed), talks: newTalks(f.seed), series: newSeries()}
}

func (c *Collector) bind(f record.Format) {
	if c.ready && c.bound.Equal(f) {
		return
	}
	c.ready, c.bound = true, f
	c.cols = columns{f.Index(record.SrcAddr), f.Index(record.DstAddr), f.Index(record.SrcPort), f.Index(record.DstPort), f.Index(record.Protocol),
		f.Index(record.Packets), f.Index(record.Bytes), f.Index(record.Start), f.Index(record.End),
		f.Index(record.Action), f.Index(record.LogStatus), f.Index(record.TCPFlags), f.Index(record.InterfaceID), false}
	n := &c.cols
	n.complete = min(n.src, n.dst, n.sport, n.dport, n.protocol, n.start, n.end) >= 0
	c.format = c.formatOf(string(f.AppendHeader(nil)))
}

// formatOf numbers formats; all from the 255th on are one, called so.
func (c *Collector) formatOf(names string) uint8 {
	i := slices.Index(c.formats, names)
	if i < 0 && len(c.formats) < math.MaxUint8 {
		c.formats = append(c.formats, names)
		i = len(c.formats) - 1
	} else if i < 0 {
		c.formats = append(c.formats[:math.MaxUint8], "another format")
		i = math.MaxUint8
	}
	return uint8(i)
}

// atOnce is how many rows are looked up together.
const atOnce = 64

// Add adds rows of a batch. Those that cannot be read are counted, no more: who needs
// their values says what is wrong with them.
func (c *Collector) Add(b *rows.Batch, selected []int32) {
	c.bind(b.Format)
	for len(selected) > 0 {
		some := selected[:min(len(selected), atOnce)]
		selected = selected[len(some):]
		c.some = c.some[:0]
		for _, n := range some {
			c.some = append(c.some, row{n: n})
			r := &c.some[len(c.some)-1]
			if !c.wanted(b, r) {
				c.some = c.some[:len(c.some)-1]
				continue
			}
			r.from, r.to = c.addrs.number(r.src, &c.finder.budget), c.addrs.number(r.dst, &c.finder.budget)
		}
		c.addSome(b)
	}
}

// wanted reads a record, and reports whether it is one of a talk.
func (c *Collector) wanted(b *rows.Batch, r *row) bool {
	if !c.read(b, r) {
		return false
	}
	if r.protocol != tcp && r.protocol != udp {
		r.sport, r.dport = 0, 0
		return r.refused
	}
	return true
}

// read reads a record, and counts it for its interface. It returns false if there is
// nothing more to do with it.
func (c *Collector) read(b *rows.Batch, r *row) bool {
	n, ok := &c.cols, true
	number := func(col int, most uint64) uint64 {
		if col < 0 {
			return 0
		}
		v, good := b.Columns[col].Int(int(r.n))
		if !good || uint64(v) > most {
			ok = false
			return 0
		}
		return uint64(v)
	}
	r.start, r.end = uint32(number(n.start, math.MaxUint32)), uint32(number(n.end, math.MaxUint32))
	r.packets, r.bytes = number(n.packets, math.MaxInt64), number(n.bytes, math.MaxInt64)
	if !ok || r.start == 0 {
		c.unread++
		return false
	}
	status := byte('O')
	if n.status >= 0 {
		if v := b.Columns[n.status].Bytes(int(r.n), nil); len(v) > 0 {
			status = v[0]
		}
	}
	if n.face >= 0 {
		r.face = c.series.add(b, r, b.Columns[n.face].Bytes(int(r.n), nil), status, c.formats[c.format])
	}
	if !n.complete || status == 'N' || status == 'S' {
		return false
	}
	r.sport, r.dport, r.protocol = uint16(number(n.sport, math.MaxUint16)), uint16(number(n.dport, math.MaxUint16)), uint8(number(n.protocol, math.MaxUint8))
	if n.flags >= 0 && !b.Columns[n.flags].Absent(int(r.n)) {
		r.flags, r.flagged = record.Flags(number(n.flags, math.MaxUint8)), true
		c.flagged = true
	}
	if n.action >= 0 {
		r.refused = string(b.Columns[n.action].Bytes(int(r.n), nil)) == "REJECT"
	}
	src, dst := &b.Columns[n.src], &b.Columns[n.dst]
	if src.Absent(int(r.n)) || dst.Absent(int(r.n)) {
		return false
	}
	var good bool
	if r.src, good = parseAddr(src.Bytes(int(r.n), nil)); ok && good {
		r.dst, ok = parseAddr(dst.Bytes(int(r.n), nil))
	}
	if !ok || !good {
		c.unread++
		return false
	}
	return true
}

// addSome adds rows that were read. What their look-ups need is touched before any of
// it is used, so that the processor waits for all of it at a time.
func (c *Collector) addSome(b *rows.Batch) {
	var hashes, places [atOnce]uint32
	var asks [atOnce]bool
	mask := uint32(len(c.talks.slots) - 1)
	for i := range c.some {
		r := &c.some[i]
		asks[i] = r.asks()
		client, server, port := ends(r, asks[i])
		hashes[i] = c.talks.hash(client, server, port, r.protocol)
		places[i] = c.talks.slots[hashes[i]&mask].at
	}
	var touched uint32
	for _, at := range places[:len(c.some)] {
		if at != 0 {
			touched |= c.talks.at(at - 1).asks
		}
	}
	c.series.touched = touched
	for i := range c.some {
		r := &c.some[i]
		client, server, port := ends(r, asks[i])
		budget := &c.finder.budget
		t := c.talks.find(hashes[i], client, server, port, r.protocol, func() bool { return take(&budget.talks, 1) })
		if t == nil {
			c.beyond++
			h := c.talks.hash(nobody, server, port, r.protocol)
			if t = c.talks.find(h, nobody, server, port, r.protocol, func() bool { return c.beyondTalks() }); t == nil {
				continue
			}
		}
		if client == nobody || server == nobody {
			c.beyond++
		}
		c.keep(t, b, r, asks[i])
		t.add(r, asks[i])
	}
}

// beyondTalks says whether there may be one more service of which the clients are not
// told apart.
func (c *Collector) beyondTalks() bool { return c.finder.budget.talks.Add(-1) > -maxTalks/16 }

func ends(r *row, ask bool) (client, server uint32, port uint16) {
	if ask {
		return r.from, r.to, r.dport
	}
	return r.to, r.from, r.sport
}

// merge adds what another collector has, which must not be used again.
func (c *Collector) merge(o *Collector) {
	c.beyond += o.beyond
	c.unread += o.unread
	c.flagged = c.flagged || o.flagged
	numbers := make([]uint32, len(o.addrs.list))
	// What both have is counted twice in the budget, so there is room.
	var unlimited budget
	unlimited.addrs.Store(math.MaxInt64)
	for i, a := range o.addrs.list[1:] {
		numbers[i+1] = c.addrs.number(a, &unlimited)
	}
	faces := c.series.merge(&o.series)
	offset := c.lines.join(&o.lines)
	format := func(f uint8) uint8 { return c.formatOf(o.formats[f]) }
	for i := range uint32(o.talks.n) {
		x := o.talks.at(i)
		x.client, x.server = numbers[x.client], numbers[x.server]
		x.face = faces[x.face]
		t := c.talks.find(c.talks.hash(x.client, x.server, x.port, x.protocol), x.client, x.server, x.port, x.protocol, func() bool { return true })
		if t == nil {
			c.beyond += int64(x.asks) + int64(x.answers)
			continue
		}
		t.merge(x)
		t.line = c.lines.splice(x.line, offset, t.line, format)
	}
	*o = Collector{}
}
