package firewall

import (
	"net/netip"

	"weir/internal/vpc"
)

// Decide returns what becomes of a packet. It allocates nothing; [Policy.Explain] says
// why. The packet's family must be one, and it need not be one of the interface's own:
// what an interface forwards is filtered like anything else.
func (p *Policy) Decide(d Direction, k Packet, s State) Verdict {
	if p.Unfiltered(k) {
		return Allowed
	}
	groups := p.byGroups(d, k, s)
	if groups == Refused {
		return Refused
	}
	if acl := p.byACL(d, k); acl != Allowed {
		return acl
	}
	return groups
}

// byGroups is the verdict of the security groups.
func (p *Policy) byGroups(d Direction, k Packet, s State) Verdict {
	if p.groups[d] == nil || s == Answers {
		return Allowed
	}
	v := p.allow(p.groups[d], d, k)
	if v != Allowed && s == Either {
		if w := p.allow(p.groups[d.Reverse()], d.Reverse(), k.Reverse()); w == Allowed || w == Undecided {
			return w
		}
	}
	return v
}

// allow is the verdict of rules of which one is enough.
func (p *Policy) allow(t *table, d Direction, k Packet) Verdict {
	q := p.probe(t, d, k)
	v := Refused
	t.match(&q, func(_ int32, how int) bool {
		if how == yes {
			v = Allowed
			return true
		}
		v = Undecided
		return false
	})
	return v
}

// byACL is the verdict of the network ACL.
func (p *Policy) byACL(d Direction, k Packet) Verdict {
	t := p.acl[d]
	if t == nil || p.sameSubnet(d, k) {
		return Allowed
	}
	q := p.probe(t, d, k)
	v, perhaps := Refused, [2]bool{}
	t.match(&q, func(ref int32, how int) bool {
		allow := t.rules[ref].Allow
		if how == maybe {
			perhaps[btoi(allow)] = true
			return false
		}
		if allow {
			v = Allowed
		}
		return true
	})
	if perhaps[0] && v == Allowed || perhaps[1] && v == Refused {
		return Undecided
	}
	return v
}

func (p *Policy) probe(t *table, d Direction, k Packet) probe {
	var q probe
	q.set(d, k)
	if t.groups {
		q.member, q.known = p.members.byAddr[q.addr]
	}
	return q
}

// sameSubnet says whether a packet stays in the interface's subnet, where network ACLs
// are not asked.
func (p *Policy) sameSubnet(d Direction, k Packet) bool {
	remote := d.Remote(k).Unmap()
	for _, c := range p.subnet {
		if c.Contains(remote) {
			return true
		}
	}
	return false
}

// Addresses of Amazon's services that are beside every instance: DNS, metadata of
// instances and of ECS tasks, time, licence activation.
var services = [...]netip.Addr{
	netip.MustParseAddr("169.254.169.253"), netip.MustParseAddr("fd00:ec2::253"),
	netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("fd00:ec2::254"),
	netip.MustParseAddr("169.254.170.2"),
	netip.MustParseAddr("169.254.169.123"), netip.MustParseAddr("fd00:ec2::123"),
	netip.MustParseAddr("169.254.169.250"), netip.MustParseAddr("169.254.169.251"),
	netip.MustParseAddr("fd00:ec2::250"), netip.MustParseAddr("fd00:ec2::240"),
}

// Unfiltered says whether neither groups nor ACLs look at a packet: it goes to or comes
// from a service that Amazon has beside every instance.
func (p *Policy) Unfiltered(k Packet) bool {
	for _, a := range [...]netip.Addr{k.Src.Unmap(), k.Dst.Unmap()} {
		if a.IsValid() && (a == p.plan.Router || a == p.plan.DNS) {
			return true
		}
		if a.IsLinkLocalUnicast() || a.IsPrivate() {
			for _, s := range services {
				if a == s {
					return true
				}
			}
		}
	}
	dhcp := func(x, y uint16) bool { return k.SrcPort == x && k.DstPort == y }
	return k.Protocol == uint8(vpc.ProtoUDP) && (dhcp(67, 68) || dhcp(68, 67) || dhcp(546, 547) || dhcp(547, 546))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
