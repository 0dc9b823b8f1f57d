package firewall

import (
	"encoding/binary"
	"net/netip"

	"weir/internal/vpc"
)

// The kinds of packets that a table has lines for. A line of one kind need not compare
// the protocol, and a packet is compared with the lines of its kind only.
const (
	kindTCP = iota
	kindUDP
	kindICMP
	kindICMPv6
	kindOther
	kinds
)

func kindOf(p vpc.Protocol) int {
	switch p {
	case vpc.ProtoTCP:
		return kindTCP
	case vpc.ProtoUDP:
		return kindUDP
	case vpc.ProtoICMP:
		return kindICMP
	case vpc.ProtoICMPv6:
		return kindICMPv6
	}
	return kindOther
}

// A table is the rules of one direction of one layer, in the order in which they are
// tried, and the same compiled: of each, one mask and one range are compared.
type table struct {
	rules  []Rule
	lines4 [kinds][]line4
	lines6 [kinds][]line6
}

// A line compares a packet's selector with a range: its destination port; its ICMP type
// and code, as type<<8|code; or, if it has neither, its protocol.
type line struct {
	from, span uint16 // from to from+span, both inclusive
	ref        int32  // in rules
	group      int32  // the peer is in this group, if not -1
	unknown    bool   // who the peer is isn't known: a list or a group without members here
	asks       bool   // group or unknown are set
	allow      bool
}

type line4 struct {
	net, mask uint32
	line
}

type line6 struct {
	hi, lo, maskHi, maskLo uint64
	line
}

// An end is an address as lines see it.
type end struct {
	v4     bool
	addr4  uint32
	hi, lo uint64
}

func (e *end) set(a netip.Addr) {
	switch {
	case a.Is4():
		b := a.As4()
		e.v4, e.addr4 = true, binary.BigEndian.Uint32(b[:])
	default:
		b := a.As16()
		e.hi, e.lo = binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
		if e.hi == 0 && e.lo>>32 == 0xffff { // IPv4 in IPv6
			e.v4, e.addr4 = true, uint32(e.lo)
		}
	}
}

// A probe is a packet as lines see it.
type probe struct {
	end         // the other side
	kind  uint8 // of packet
	vague bool  // type or code of ICMP is not known: sel is only the first that it may have
	sel   uint16
	more  uint16 // how many selectors it may have beside sel

	looked bool     // what groups the other side is in was looked up
	known  bool     // it is one of the network's interfaces
	member []uint64 // the groups, a bit for each
}

func (q *probe) set(d Direction, k *Packet) {
	q.end.set(k.remote(d))
	q.kind = uint8(kindOf(vpc.Protocol(k.Protocol)))
	switch q.kind {
	case kindTCP, kindUDP:
		q.sel = k.DstPort
	case kindICMP, kindICMPv6:
		switch {
		case k.Type < 0:
			q.vague, q.sel, q.more = true, 0, 65535
		case k.Code < 0:
			q.vague, q.sel, q.more = true, uint16(k.Type)<<8, 255
		default:
			q.sel = uint16(k.Type)<<8 | uint16(k.Code)&255
		}
	default:
		q.sel = uint16(k.Protocol)
	}
}

// The ways a line can match.
const (
	no = iota
	yes
	maybe
)

// selects compares the selector of a packet whose selector may be vague.
func (l *line) selects(q *probe) int {
	first, last := q.sel, q.sel+q.more
	switch to := l.from + l.span; {
	case last < l.from || first > to:
		return no
	case l.from <= first && last <= to:
		return yes
	}
	return maybe
}

// peer asks who the other side is, of a line that asks.
func (m *members) peer(l *line, q *probe) int {
	if !q.looked {
		q.looked = true
		q.member, q.known = m.of(&q.end)
	}
	switch {
	case l.unknown && (l.group < 0 || !q.known):
		return maybe
	case l.group >= 0 && !has(q.member, l.group):
		return no
	}
	return yes
}

// allows returns the verdict of rules of which one is enough.
func (t *table) allows(m *members, q *probe) Verdict {
	if q.vague {
		return t.allowsVague(m, q)
	}
	v := Refused
	if q.v4 {
		lines := t.lines4[q.kind]
		for i := range lines {
			l := &lines[i]
			if (q.addr4^l.net)&l.mask != 0 || q.sel-l.from > l.span {
				continue
			}
			if !l.asks {
				return Allowed
			}
			switch m.peer(&l.line, q) {
			case yes:
				return Allowed
			case maybe:
				v = Undecided
			}
		}
		return v
	}
	lines := t.lines6[q.kind]
	for i := range lines {
		l := &lines[i]
		if q.sel-l.from > l.span || (q.hi^l.hi)&l.maskHi|(q.lo^l.lo)&l.maskLo != 0 {
			continue
		}
		if !l.asks {
			return Allowed
		}
		switch m.peer(&l.line, q) {
		case yes:
			return Allowed
		case maybe:
			v = Undecided
		}
	}
	return v
}

func (t *table) allowsVague(m *members, q *probe) Verdict {
	v := Refused
	t.match(m, q, func(_ int32, how int) bool {
		if how == yes {
			v = Allowed
			return true
		}
		v = Undecided
		return false
	})
	return v
}

// first returns the verdict of entries of which the first that matches decides.
func (t *table) first(m *members, q *probe) Verdict {
	if q.vague {
		return t.firstVague(m, q)
	}
	if q.v4 {
		lines := t.lines4[q.kind]
		for i := range lines {
			l := &lines[i]
			if (q.addr4^l.net)&l.mask == 0 && q.sel-l.from <= l.span {
				return verdict(l.allow)
			}
		}
		return Refused
	}
	lines := t.lines6[q.kind]
	for i := range lines {
		l := &lines[i]
		if q.sel-l.from <= l.span && (q.hi^l.hi)&l.maskHi|(q.lo^l.lo)&l.maskLo == 0 {
			return verdict(l.allow)
		}
	}
	return Refused
}

func (t *table) firstVague(m *members, q *probe) Verdict {
	v, mayAllow, mayRefuse := Refused, false, false
	t.match(m, q, func(ref int32, how int) bool {
		allow := t.rules[ref].Allow
		switch {
		case how == yes:
			v = verdict(allow)
			return true
		case allow:
			mayAllow = true
		default:
			mayRefuse = true
		}
		return false
	})
	if mayRefuse && v == Allowed || mayAllow && v == Refused {
		return Undecided
	}
	return v
}

func verdict(allow bool) Verdict {
	if allow {
		return Allowed
	}
	return Refused
}

// match calls visit for the lines that match or may match, in their order, until it
// returns true.
func (t *table) match(m *members, q *probe, visit func(ref int32, how int) (done bool)) {
	each := func(l *line) bool {
		how := l.selects(q)
		if how != no && l.asks {
			if peer := m.peer(l, q); peer != yes {
				how = peer
			}
		}
		return how != no && visit(l.ref, how)
	}
	if q.v4 {
		for i := range t.lines4[q.kind] {
			l := &t.lines4[q.kind][i]
			if (q.addr4^l.net)&l.mask == 0 && each(&l.line) {
				return
			}
		}
		return
	}
	for i := range t.lines6[q.kind] {
		l := &t.lines6[q.kind][i]
		if (q.hi^l.hi)&l.maskHi|(q.lo^l.lo)&l.maskLo == 0 && each(&l.line) {
			return
		}
	}
}

// add compiles a rule. A peer whose addresses are not known gets lines of both families.
func (t *table) add(r Rule, group int32, unknown bool) {
	ref := int32(len(t.rules))
	t.rules = append(t.rules, r)
	asks := group >= 0 || unknown
	for kind := range kinds {
		from, to, ok := r.selectors(kind)
		if !ok {
			continue
		}
		l := line{from: from, span: to - from, ref: ref, group: group, unknown: unknown, asks: asks, allow: r.Allow}
		prefix := r.Peer.Prefix
		if asks || prefix.Addr().Is4() {
			c := line4{line: l}
			if !asks {
				b := prefix.Masked().Addr().As4()
				c.net = binary.BigEndian.Uint32(b[:])
				c.mask = uint32(uint64(0xffffffff) << (32 - prefix.Bits()))
			}
			t.lines4[kind] = append(t.lines4[kind], c)
		}
		if asks || prefix.Addr().Is6() {
			c := line6{line: l}
			if !asks {
				b := prefix.Masked().Addr().As16()
				c.hi, c.lo = binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
				c.maskHi, c.maskLo = mask128(prefix.Bits())
			}
			t.lines6[kind] = append(t.lines6[kind], c)
		}
	}
}

// selectors returns which selectors a rule means among packets of a kind, and whether
// it means any.
func (r *Rule) selectors(kind int) (from, to uint16, ok bool) {
	switch {
	case r.Protocol == vpc.AllProtocols:
		return 0, 65535, true
	case kindOf(r.Protocol) != kind:
		return 0, 0, false
	case kind == kindOther:
		return uint16(r.Protocol), uint16(r.Protocol), r.Protocol >= 0 && r.Protocol <= 255
	case kind == kindTCP || kind == kindUDP:
		if r.Ports == (vpc.PortRange{}) {
			return 0, 65535, true
		}
		return r.Ports.From, r.Ports.To, r.Ports.From <= r.Ports.To
	case r.ICMP == nil || r.ICMP.Type == Unknown:
		return 0, 65535, true
	case r.ICMP.Type < 0 || r.ICMP.Type > 255 || r.ICMP.Code < Unknown || r.ICMP.Code > 255:
		return 0, 0, false
	}
	from = uint16(r.ICMP.Type) << 8
	if r.ICMP.Code == Unknown {
		return from, from | 255, true
	}
	from |= uint16(r.ICMP.Code)
	return from, from, true
}

func mask128(bits int) (hi, lo uint64) {
	if bits <= 64 {
		return ^uint64(0) << (64 - bits), 0
	}
	return ^uint64(0), ^uint64(0) << (128 - bits)
}
