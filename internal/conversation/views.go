package conversation

import (
	"errors"
	"net/netip"
	"slices"

	"weir/internal/rows"
	"weir/record"
)

// ErrOnce reports an input that can be read only once, where a [Learner] and then a
// [Picker] have to.
var ErrOnce = errors.New("counting each packet once takes reading the input twice, and standard input can't be: save it in a file")

// Views chooses between the views that several interfaces have of the same packets.
// It does not change, and any number of goroutines may use it.
type Views struct {
	ifaces map[string]uint32
	of     []recorded
	owners map[netip.Addr][]uint32

	// Unknown are the interfaces whose addresses could not be learnt, in order.
	// All of their records are counted.
	Unknown []string
}

// recorded is an interface of which there are records.
type recorded struct {
	vpc        string
	span       [2]span
	learnt     bool
	translates bool
}

// direction is where packets go, seen from the interface.
type direction uint8

const (
	ingress direction = iota
	egress
	untold
)

// A Picker picks the rows that are to be counted. It belongs to one goroutine.
type Picker struct {
	v    *Views
	row  viewRow
	out  []int32
	pair map[[2]uint32]*[2]int64
	name []byte // of the interface that was looked at before
	me   uint32 // its number

	// Kept and Dropped count rows. Untold are those of Kept of which it is not
	// known which way they go, or which interface they are of.
	Kept, Dropped, Untold int64
}

// Picker returns a picker for one goroutine.
func (v *Views) Picker() *Picker { return &Picker{v: v, pair: map[[2]uint32]*[2]int64{}, me: none} }

// Pick returns those of the selected rows that are to be counted so that every packet
// is counted once. They are right until the next call.
func (p *Picker) Pick(b *rows.Batch, selected []int32) []int32 {
	p.row.bind(b.Format)
	p.out = p.out[:0]
	for _, row := range selected {
		if p.keep(b, int(row)) {
			p.out = append(p.out, row)
		}
	}
	p.Kept += int64(len(p.out))
	p.Dropped += int64(len(selected) - len(p.out))
	return p.out
}

func (p *Picker) keep(b *rows.Batch, row int) bool {
	r := &p.row
	if !r.read(b, row) {
		if r.cols[0] < 0 {
			p.Untold++
		}
		return true // without addresses there is nothing to count twice
	}
	if string(p.name) != string(r.iface) {
		var ok bool
		if p.me, ok = p.v.ifaces[string(r.iface)]; !ok {
			p.me = none // a regional NAT gateway
		}
		p.name = append(p.name[:0], r.iface...)
	}
	me, dir := p.me, r.dir
	dst, src := p.v.owners[r.dst], p.v.owners[r.src]
	if dir == untold && me != none {
		outerDst, outerSrc := dst, src
		if r.dst != r.outerDst {
			outerDst = p.v.owners[r.outerDst]
		}
		if r.src != r.outerSrc {
			outerSrc = p.v.owners[r.outerSrc]
		}
		switch {
		case slices.Contains(outerDst, me):
			dir = ingress
		case slices.Contains(outerSrc, me):
			dir = egress
		default:
			p.Untold++
			return true
		}
	}
	to, known := p.v.owner(me, dst, ingress, r.time)
	from, sent := p.v.owner(me, src, egress, r.time)
	if known && sent && to != from {
		p.compare(me, from, to, dir, r)
	}
	switch {
	case r.refused:
		// Whoever refuses packets is the last to record them, and who recorded
		// them before is left because the receiver is recorded.
		return true
	case known:
		return me == to && dir == ingress
	case sent:
		return me == from && dir == egress
	case dir == ingress:
		return true
	}
	// What only passes through came in here as well.
	return me == none || r.src == r.outerSrc || p.v.of[me].translates
}

// compare adds up what both ends recorded of the same packets.
func (p *Picker) compare(me, from, to uint32, dir direction, r *viewRow) {
	end := -1
	switch {
	case me == from && dir == egress && !r.refused:
		end = 0
	case me == to && dir == ingress:
		end = 1
	}
	if end < 0 {
		return
	}
	x := p.pair[[2]uint32{from, to}]
	if x == nil {
		x = new([2]int64)
		p.pair[[2]uint32{from, to}] = x
	}
	x[end] += r.packets
}

// Merge adds what another picker of the same Views counted.
func (p *Picker) Merge(o *Picker) {
	p.Kept += o.Kept
	p.Dropped += o.Dropped
	p.Untold += o.Untold
	for k, x := range o.pair {
		if mine := p.pair[k]; mine != nil {
			mine[0] += x[0]
			mine[1] += x[1]
		} else {
			p.pair[k] = x
		}
	}
}

// Agreement returns how many packets between recorded interfaces the senders say they
// sent, and how many of these, at most, the receivers recorded too, interface by
// interface. The rest was left although nobody else recorded it: the log lacks
// records, or its interfaces were not all recorded all the time.
func (p *Picker) Agreement() (sent, received int64) {
	for _, x := range p.pair {
		sent += x[0]
		received += min(x[0], x[1])
	}
	return sent, received
}

// owner returns which of the interfaces that have an address is meant by another one,
// if what it recorded in a direction covers the time: one of the same VPC if there is
// one, else one of another VPC, if only one VPC has that address.
func (v *Views) owner(me uint32, owners []uint32, dir direction, at span) (uint32, bool) {
	if len(owners) == 0 {
		return none, false
	}
	here := ""
	if me != none {
		here = v.of[me].vpc
	}
	found, foreign := uint32(none), uint32(none)
	one := true
	for _, i := range owners {
		o := &v.of[i]
		switch {
		case !o.span[dir].covers(at):
		case i == me:
			return i, true
		case here == "" || o.vpc == "" || o.vpc == here:
			found = min(found, i)
		default:
			one = one && (foreign == none || v.of[foreign].vpc == o.vpc)
			foreign = min(foreign, i)
		}
	}
	if found == none && one {
		found = foreign
	}
	return found, found != none
}

// A viewRow is what is looked at of a row.
type viewRow struct {
	iface, vpc         []byte
	outerSrc, outerDst netip.Addr // srcaddr and dstaddr
	src, dst           netip.Addr // of the packets
	dir                direction
	refused            bool
	packets            int64
	time               span

	bound record.Format
	ready bool
	cols  [11]int
	buf   [20]byte
}

func (r *viewRow) bind(f record.Format) {
	if r.ready && r.bound.Equal(f) {
		return
	}
	r.ready, r.bound = true, f
	for i, field := range ViewColumns() {
		r.cols[i] = f.Index(field)
	}
}

// read reads a row; false if the format has no interface, or the row no addresses.
func (r *viewRow) read(b *rows.Batch, row int) bool {
	bytes := func(i int) []byte {
		if r.cols[i] < 0 {
			return nil
		}
		return b.Columns[r.cols[i]].Bytes(row, r.buf[:])
	}
	var ok bool
	if r.iface = bytes(0); len(r.iface) == 0 {
		return false
	}
	if r.outerSrc, ok = rows.ParseAddr(bytes(2)); !ok {
		return false
	}
	if r.outerDst, ok = rows.ParseAddr(bytes(3)); !ok {
		return false
	}
	if r.vpc = bytes(1); rows.Absent(r.vpc) {
		r.vpc = nil
	}
	if r.src, ok = rows.ParseAddr(bytes(4)); !ok {
		r.src = r.outerSrc
	}
	if r.dst, ok = rows.ParseAddr(bytes(5)); !ok {
		r.dst = r.outerDst
	}
	r.dir = untold
	switch string(bytes(6)) {
	case "ingress":
		r.dir = ingress
	case "egress":
		r.dir = egress
	}
	r.refused = string(bytes(7)) == "REJECT"
	number := func(i int) int64 {
		v, _ := rows.ParseInt(bytes(i))
		return v
	}
	r.packets = number(8)
	r.time = span{number(9), number(10)}
	// A format without times is one time.
	r.time.end = max(r.time.end, r.time.start, 1)
	return true
}
