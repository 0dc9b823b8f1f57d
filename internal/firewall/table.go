package firewall

import (
	"encoding/binary"
	"net/netip"

	"weir/internal/vpc"
)

// A table is the rules of one direction of one layer, in the order in which they are
// tried, and the same compiled: a comparison of a few integers for each.
type table struct {
	rules  []Rule
	lines4 []line4
	lines6 []line6
	groups bool // some line needs to know what groups the peer is in
}

// A line compares everything but the peer. A packet's selector is its destination port,
// or its ICMP type, or 0.
type line struct {
	from, to uint16 // of the selector
	proto    int16  // -1 is any
	code     int16  // of ICMP; -1 is any
	ref      int32  // in rules
	group    int32  // the peer is in this group, if not -1
	unknown  bool   // who the peer is isn't known: a list or a group without members here
	allow    bool
}

type line4 struct {
	net, mask uint32
	line
}

type line6 struct {
	hi, lo, maskHi, maskLo uint64
	line
}

// A probe is a packet as lines see it.
type probe struct {
	addr   netip.Addr
	v4     bool
	addr4  uint32
	hi, lo uint64
	proto  int16
	sel    uint16
	code   int16
	noType bool // the ICMP type is not known
	noCode bool // the code is not known

	known  bool     // the peer is one of the network's interfaces
	member []uint64 // what groups it is in, a bit for each
}

func (p *probe) set(d Direction, k Packet) {
	a := d.Remote(k).Unmap()
	p.addr, p.v4 = a, a.Is4()
	if p.v4 {
		b := a.As4()
		p.addr4 = binary.BigEndian.Uint32(b[:])
	} else {
		b := a.As16()
		p.hi, p.lo = binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	}
	p.proto = int16(k.Protocol)
	switch {
	case k.ports():
		p.sel = k.DstPort
	case k.icmp():
		p.noType, p.noCode = k.Type == Unknown, k.Code == Unknown
		p.sel, p.code = uint16(k.Type), k.Code
	}
}

// The ways a line can match.
const (
	no = iota
	yes
	maybe
)

// rest compares what is not the address.
func (p *probe) rest(l *line) int {
	if l.proto >= 0 && l.proto != p.proto {
		return no
	}
	got := yes
	if l.proto >= 0 && p.noType {
		if l.from != 0 || l.to != 65535 {
			got = maybe
		}
	} else if p.sel < l.from || p.sel > l.to {
		return no
	}
	if l.code >= 0 {
		switch {
		case p.noCode || p.noType:
			got = maybe
		case l.code != p.code:
			return no
		}
	}
	switch {
	case l.unknown && (l.group < 0 || !p.known):
		return maybe
	case l.group >= 0 && (int(l.group>>6) >= len(p.member) || p.member[l.group>>6]>>(l.group&63)&1 == 0):
		return no
	}
	return got
}

// match calls visit for the lines that match or may match, in their order, until it
// returns true.
func (t *table) match(p *probe, visit func(ref int32, how int) (done bool)) {
	if p.v4 {
		for i := range t.lines4 {
			l := &t.lines4[i]
			if p.addr4&l.mask != l.net {
				continue
			}
			if how := p.rest(&l.line); how != no && visit(l.ref, how) {
				return
			}
		}
		return
	}
	for i := range t.lines6 {
		l := &t.lines6[i]
		if p.hi&l.maskHi != l.hi || p.lo&l.maskLo != l.lo {
			continue
		}
		if how := p.rest(&l.line); how != no && visit(l.ref, how) {
			return
		}
	}
}

// add compiles a rule. A peer whose addresses are not known gets lines of both families.
func (t *table) add(r Rule, group int32, unknown bool) {
	ref := int32(len(t.rules))
	t.rules = append(t.rules, r)
	l := line{from: 0, to: 65535, proto: int16(r.Protocol), code: -1, ref: ref, group: group, unknown: unknown, allow: r.Allow}
	switch r.Protocol {
	case vpc.ProtoTCP, vpc.ProtoUDP:
		if (r.Ports != vpc.PortRange{}) {
			l.from, l.to = r.Ports.From, r.Ports.To
		}
	case vpc.ProtoICMP, vpc.ProtoICMPv6:
		if r.ICMP != nil && r.ICMP.Type != Unknown {
			l.from, l.to = uint16(r.ICMP.Type), uint16(r.ICMP.Type)
			l.code = int16(r.ICMP.Code)
		}
	}
	if group >= 0 {
		t.groups = true
	}
	any := group >= 0 || unknown
	if prefix := r.Peer.Prefix; any || prefix.Addr().Is4() {
		c := line4{line: l}
		if !any {
			b := prefix.Masked().Addr().As4()
			c.net = binary.BigEndian.Uint32(b[:])
			c.mask = uint32(uint64(0xffffffff) << (32 - prefix.Bits()))
		}
		t.lines4 = append(t.lines4, c)
	}
	if prefix := r.Peer.Prefix; any || prefix.Addr().Is6() {
		c := line6{line: l}
		if !any {
			b := prefix.Masked().Addr().As16()
			c.hi, c.lo = binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
			c.maskHi, c.maskLo = mask128(prefix.Bits())
		}
		t.lines6 = append(t.lines6, c)
	}
}

func mask128(bits int) (hi, lo uint64) {
	if bits <= 64 {
		return ^uint64(0) << (64 - bits), 0
	}
	return ^uint64(0), ^uint64(0) << (128 - bits)
}
