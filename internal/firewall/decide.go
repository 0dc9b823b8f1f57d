package firewall

import (
	"net/netip"

	"weir/internal/vpc"
)

// Decide returns what becomes of a packet. It allocates nothing; [Policy.Explain] says
// why. The packet's family must be one, and it need not be one of the interface's own:
// what an interface forwards is filtered like anything else.
func (p *Policy) Decide(d Direction, k Packet, s State) Verdict {
	var q probe
	q.set(d, &k)
	if p.unfiltered(&q.end, k.remote(d.Reverse()), &k) {
		return Allowed
	}
	groups := Allowed
	if p.groups[d] != nil && s != Answers {
		groups = p.groups[d].allows(p.members, &q)
		if groups != Allowed && s == Either {
			if v := p.byGroups(d.Reverse(), k.Reverse(), Opens); v != Refused {
				groups = v
			}
		}
		if groups == Refused {
			return Refused
		}
	}
	if t := p.acl[d]; t != nil && !p.sameSubnet(&q.end) {
		if acl := t.first(p.members, &q); acl != Allowed {
			return acl
		}
	}
	return groups
}

// byGroups is the verdict of the security groups.
func (p *Policy) byGroups(d Direction, k Packet, s State) Verdict {
	if p.groups[d] == nil || s == Answers {
		return Allowed
	}
	v := p.allow(d, &k)
	if v != Allowed && s == Either {
		back := k.Reverse()
		if w := p.allow(d.Reverse(), &back); w != Refused {
			return w
		}
	}
	return v
}

func (p *Policy) allow(d Direction, k *Packet) Verdict {
	var q probe
	q.set(d, k)
	return p.groups[d].allows(p.members, &q)
}

// byACL is the verdict of the network ACL.
func (p *Policy) byACL(d Direction, k Packet) Verdict {
	var q probe
	q.set(d, &k)
	if p.acl[d] == nil || p.sameSubnet(&q.end) {
		return Allowed
	}
	return p.acl[d].first(p.members, &q)
}

// sameSubnet says whether the other side is in the interface's subnet, where network
// ACLs are not asked.
func (p *Policy) sameSubnet(remote *end) bool {
	if remote.v4 {
		for i := range p.subnet4 {
			if l := &p.subnet4[i]; (remote.addr4^l.net)&l.mask == 0 {
				return true
			}
		}
		return false
	}
	for i := range p.subnet6 {
		if l := &p.subnet6[i]; (remote.hi^l.hi)&l.maskHi|(remote.lo^l.lo)&l.maskLo == 0 {
			return true
		}
	}
	return false
}

// Unfiltered says whether neither groups nor ACLs look at a packet: it goes to or comes
// from a service that Amazon has beside every instance.
func (p *Policy) Unfiltered(k Packet) bool {
	var src end
	src.set(k.Src)
	return p.unfiltered(&src, k.Dst, &k)
}

func (p *Policy) unfiltered(one *end, other netip.Addr, k *Packet) bool {
	var two end
	two.set(other)
	if p.beside(one) || p.beside(&two) {
		return true
	}
	if k.Protocol != uint8(vpc.ProtoUDP) {
		return false
	}
	dhcp := func(x, y uint16) bool { return k.SrcPort == x && k.DstPort == y }
	return dhcp(67, 68) || dhcp(68, 67) || dhcp(546, 547) || dhcp(547, 546)
}

// beside says whether an address is that of one of Amazon's services beside every
// instance: DNS, metadata of instances and of ECS tasks, time, licence activation. So are
// router and DNS server of a network that is laid out as Amazon's.
func (p *Policy) beside(a *end) bool {
	if a.v4 {
		if a.addr4>>16 != 169<<8|254 {
			return p.planned && (a.addr4 == p.router || a.addr4 == p.dns)
		}
		switch a.addr4 & 0xffff {
		case 169<<8 | 253, 169<<8 | 254, 170<<8 | 2, 169<<8 | 123, 169<<8 | 250, 169<<8 | 251:
			return true
		}
		return false
	}
	if a.hi != 0xfd00_0ec2_0000_0000 {
		return false
	}
	switch a.lo {
	case 0x253, 0x254, 0x123, 0x250, 0x240:
		return true
	}
	return false
}
