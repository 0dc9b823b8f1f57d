package conversation

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"weir/internal/rows"
	"weir/record"
)

// A Learner finds out, on a first pass over all rows, which addresses each interface
// has and when it was recorded: what [Views] has to know. It belongs to one goroutine.
type Learner struct {
	of   map[string]*learned
	last *learned // the one that was looked at before
	name []byte   // of it
	row  viewRow
}

// learned is what is known of an interface.
type learned struct {
	vpc string
	// own counts in how many rows of its version an address is: exactly, of all
	// addresses of the first rows and afterwards of those that were in nearly all
	// of these. Where flow-direction told, only its own are in it.
	own      []tally
	rows     [2]int64 // of IPv4 and of IPv6 that flow-direction did not tell of
	told     map[netip.Addr]bool
	lastTold netip.Addr
	closed   [2]bool // own gets no more addresses
	span     [2]span // of the selected rows that came in, and that went out; of both if not told

	// Packets that went out under an address that is not in them, that came in
	// to one that is not theirs, and that came in otherwise.
	passedOut, passedIn, ownIn int64
}

// tally counts the rows that an address is in.
type tally struct {
	addr netip.Addr
	n    int64
}

// first is how many rows of an interface are looked at for candidates.
const first = 64

// nearly is in which share of its rows, in percent, an interface's own address is.
const nearly = 95

type span struct{ start, end int64 } // end 0: never

func (s *span) add(o span) {
	if o.end == 0 {
		return
	}
	if s.end == 0 {
		*s = o
	}
	s.start, s.end = min(s.start, o.start), max(s.end, o.end)
}

// covers reports whether times are within the span, as exactly as times are known.
func (s *span) covers(o span) bool {
	return s.end != 0 && s.start-silence <= o.start && o.end <= s.end+silence
}

// NewLearner returns a learner that knows nothing.
func NewLearner() *Learner { return &Learner{of: map[string]*learned{}} }

// ViewColumns returns the fields that a [Learner] and [Views] read.
func ViewColumns() []record.Field {
	return []record.Field{
		record.InterfaceID, record.VPCID, record.SrcAddr, record.DstAddr, record.PktSrcAddr, record.PktDstAddr,
		record.FlowDirection, record.Action, record.Packets, record.Start, record.End,
	}
}

// Learn takes all rows of a batch, and which of them are wanted later. What an
// interface has is learnt from all; only what is wanted can stand for what is left.
func (l *Learner) Learn(b *rows.Batch, selected []int32) {
	r := &l.row
	r.bind(b.Format)
	for row := range b.Rows {
		wanted := len(selected) > 0 && int(selected[0]) == row
		if wanted {
			selected = selected[1:]
		}
		if !r.read(b, row) || rows.Absent(r.iface) {
			continue
		}
		e := l.last
		if e == nil || string(l.name) != string(r.iface) {
			if e = l.of[string(r.iface)]; e == nil {
				e = &learned{told: map[netip.Addr]bool{}}
				l.of[string(r.iface)] = e
			}
			l.last, l.name = e, append(l.name[:0], r.iface...)
		}
		if e.vpc == "" {
			e.vpc = string(r.vpc)
		}
		e.learn(r)
		if wanted {
			if r.dir != egress {
				e.span[ingress].add(r.time)
			}
			if r.dir != ingress {
				e.span[egress].add(r.time)
			}
		}
	}
}

func (e *learned) learn(r *viewRow) {
	switch r.dir {
	case ingress:
		e.tell(r.outerDst)
		if r.dst != r.outerDst {
			e.passedIn += r.packets
		} else {
			e.ownIn += r.packets
		}
	case egress:
		e.tell(r.outerSrc)
		if r.src != r.outerSrc {
			e.passedOut += r.packets
		}
	default:
		v := 0
		if !r.outerSrc.Is4() {
			v = 1
		}
		e.rows[v]++
		e.count(r.outerSrc, 1, e.closed[v])
		if r.outerDst != r.outerSrc {
			e.count(r.outerDst, 1, e.closed[v])
		}
		if e.rows[v] == first {
			e.closed[v] = true
			e.own = slices.DeleteFunc(e.own, func(x tally) bool { return x.addr.Is4() == (v == 0) && x.n*100 < first*80 })
		}
	}
}

func (e *learned) tell(a netip.Addr) {
	if a != e.lastTold && !e.told[a] {
		e.told[a] = true
	}
	e.lastTold = a
}

func (e *learned) count(a netip.Addr, n int64, closed bool) {
	for i := range e.own {
		if e.own[i].addr == a {
			e.own[i].n += n
			return
		}
	}
	if !closed {
		e.own = append(e.own, tally{a, n})
	}
}

// Merge adds what another learner knows.
func (l *Learner) Merge(o *Learner) {
	for name, x := range o.of {
		e := l.of[name]
		if e == nil {
			l.of[name] = x
			continue
		}
		e.vpc = cmp.Or(e.vpc, x.vpc)
		for _, a := range x.own {
			e.count(a.addr, a.n, false)
		}
		for a := range x.told {
			e.told[a] = true
		}
		for v := range e.rows {
			e.rows[v] += x.rows[v]
			e.closed[v] = e.closed[v] || x.closed[v]
			e.span[v].add(x.span[v])
		}
		e.passedIn += x.passedIn
		e.passedOut += x.passedOut
		e.ownIn += x.ownIn
	}
}

// Views returns what is needed to choose between views. The learner is done with.
func (l *Learner) Views() *Views {
	v := &Views{ifaces: map[string]uint32{}, owners: map[netip.Addr][]uint32{}}
	names := slices.Sorted(maps.Keys(l.of))
	for i, name := range names {
		e := l.of[name]
		v.ifaces[name] = uint32(i)
		v.of = append(v.of, e.choose())
	}
	own := func(i int, a netip.Addr) { v.owners[a] = append(v.owners[a], uint32(i)) }
	// Who was told comes first, then who has one candidate, then the others by
	// what is left.
	open := map[int][]netip.Addr{}
	for i, name := range names {
		e := l.of[name]
		for a := range e.told {
			own(i, a)
		}
		for version := range e.rows {
			if c := e.candidates(version); len(c) == 1 {
				own(i, c[0])
			} else if len(c) > 1 {
				open[2*i+version] = c
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(open)) {
		free := slices.DeleteFunc(open[k], func(a netip.Addr) bool { return len(v.owners[a]) > 0 })
		inside := slices.DeleteFunc(slices.Clone(free), func(a netip.Addr) bool { return !a.IsPrivate() })
		switch {
		case len(inside) > 0:
			// With two that nobody else has it makes no difference which: all
			// of its records are between the two.
			own(k/2, inside[0])
		case len(free) > 0:
			own(k/2, free[0])
		}
	}
	for _, is := range v.owners {
		for _, i := range is {
			v.of[i].learnt = true
		}
	}
	for i := range v.of {
		if !v.of[i].learnt {
			v.Unknown = append(v.Unknown, names[i])
		}
	}
	return v
}

// candidates returns the addresses that are in nearly all rows of a version, those
// that are in most of them first.
func (e *learned) candidates(version int) []netip.Addr {
	var all []tally
	for _, x := range e.own {
		if x.addr.Is4() == (version == 0) && x.n*100 >= e.rows[version]*nearly {
			all = append(all, x)
		}
	}
	slices.SortFunc(all, func(a, b tally) int { return cmp.Or(cmp.Compare(b.n, a.n), a.addr.Compare(b.addr)) })
	var out []netip.Addr
	for _, x := range all {
		out = append(out, x.addr)
	}
	return out
}

// choose returns what choosing takes of it.
func (e *learned) choose() recorded {
	d := func(a, b int64) int64 { return max(a-b, b-a) }
	return recorded{
		vpc: e.vpc, span: e.span,
		// What a translator passes on came in to itself; what others pass on came
		// in as it is.
		translates: e.passedOut > 0 && 2*e.ownIn >= e.passedOut && d(e.passedOut, e.ownIn) <= d(e.passedOut, e.passedIn),
	}
}
