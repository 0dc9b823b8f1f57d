package firewall

import (
	"math/rand/v2"
	"net/netip"
	"slices"

	"weir/internal/vpc"
)

// The naive model: it walks through the network for each packet, and shares nothing with
// the compiled one but the types. It is written from Amazon's documentation, so that what
// both say is right.

// A three is true, false, or not known.
type three int

const (
	isFalse three = iota
	isTrue
	isOpen
)

func all(list ...three) three {
	out := isTrue
	for _, t := range list {
		if t == isFalse {
			return isFalse
		}
		if t == isOpen {
			out = isOpen
		}
	}
	return out
}

func either(list ...three) three {
	out := isFalse
	for _, t := range list {
		if t == isTrue {
			return isTrue
		}
		if t == isOpen {
			out = isOpen
		}
	}
	return out
}

func sure(b bool) three {
	if b {
		return isTrue
	}
	return isFalse
}

// naiveService says whether protocol, ports and ICMP of a rule mean a packet.
func naiveService(proto vpc.Protocol, ports vpc.PortRange, icmp *vpc.ICMP, k Packet) three {
	if proto == -1 {
		return isTrue
	}
	if int(proto) != int(k.Protocol) {
		return isFalse
	}
	switch proto {
	case 6, 17:
		if ports == (vpc.PortRange{}) {
			return isTrue
		}
		return sure(ports.From <= k.DstPort && k.DstPort <= ports.To)
	case 1, 58:
		if icmp == nil || icmp.Type == -1 {
			return isTrue
		}
		if k.Type == -1 {
			return isOpen
		}
		if int(k.Type) != icmp.Type {
			return isFalse
		}
		if icmp.Code == -1 {
			return isTrue
		}
		if k.Code == -1 {
			return isOpen
		}
		return sure(int(k.Code) == icmp.Code)
	}
	return isTrue
}

// naivePeer says whether an address is one of those that a group's rule means.
func naivePeer(n *vpc.Network, r *vpc.SecurityGroupRule, a netip.Addr) three {
	got := isFalse
	for _, c := range r.CIDRs {
		got = either(got, sure(c.Contains(a)))
	}
	for _, id := range r.Groups {
		owned, member := false, false
		for _, i := range n.Interfaces {
			if slices.Contains(i.Addrs, a) {
				owned = true
				member = member || slices.Contains(i.SecurityGroups, id)
			}
		}
		described := slices.ContainsFunc(n.SecurityGroups, func(g vpc.SecurityGroup) bool { return g.ID == id })
		if !described && !owned {
			got = either(got, isOpen)
		} else {
			got = either(got, sure(member))
		}
	}
	for _, id := range r.PrefixLists {
		list := slices.IndexFunc(n.PrefixLists, func(l vpc.PrefixList) bool { return l.ID == id })
		if list < 0 {
			got = either(got, isOpen)
			continue
		}
		for _, c := range n.PrefixLists[list].CIDRs {
			got = either(got, sure(c.Contains(a)))
		}
	}
	return got
}

// naiveGroups says whether the groups of an interface have a rule for a packet.
func naiveGroups(n *vpc.Network, i *vpc.Interface, d Direction, k Packet) three {
	got := isFalse
	for _, id := range i.SecurityGroups {
		at := slices.IndexFunc(n.SecurityGroups, func(g vpc.SecurityGroup) bool { return g.ID == id })
		if at < 0 {
			got = either(got, isOpen)
			continue
		}
		rules, remote := n.SecurityGroups[at].Ingress, k.Src
		if d == Egress {
			rules, remote = n.SecurityGroups[at].Egress, k.Dst
		}
		for _, r := range rules {
			got = either(got, all(naiveService(r.Protocol, r.Ports, r.ICMP, k), naivePeer(n, &r, remote)))
		}
	}
	return got
}

// naiveACL says whether an ACL's entries let a packet pass.
func naiveACL(entries []vpc.ACLEntry, d Direction, k Packet) three {
	remote := k.Src
	if d == Egress {
		remote = k.Dst
	}
	for number := 1; number <= 32767; {
		next, at := 1<<30, -1 // the entry with the lowest number that is not below number
		for i, e := range entries {
			if e.Number >= number && e.Number < next {
				next, at = e.Number, i
			}
		}
		if at < 0 {
			break
		}
		e := entries[at]
		number = next + 1
		match := all(naiveService(e.Protocol, e.Ports, e.ICMP, k), sure(e.CIDR.Contains(remote)))
		if match == isTrue {
			return sure(e.Allow)
		}
		if match == isOpen {
			// It decides or it does not: known only if what follows says the same.
			later := slices.DeleteFunc(slices.Clone(entries), func(x vpc.ACLEntry) bool { return x.Number <= next })
			if rest := naiveACL(later, d, k); rest == sure(e.Allow) {
				return rest
			}
			return isOpen
		}
	}
	return isFalse
}

func naiveUnfiltered(n *vpc.Network, i *vpc.Interface, k Packet) bool {
	plan := i.Plan
	if s := naiveSubnet(n, i); s != nil && plan == (vpc.Plan{}) {
		plan = s.Plan
	}
	beside := []string{"169.254.169.253", "169.254.169.254", "169.254.170.2", "169.254.169.123", "169.254.169.250",
		"169.254.169.251", "fd00:ec2::253", "fd00:ec2::254", "fd00:ec2::123", "fd00:ec2::250", "fd00:ec2::240"}
	for _, a := range []netip.Addr{k.Src, k.Dst} {
		if slices.Contains(beside, a.String()) || plan.DNS.IsValid() && (a == plan.DNS || a == plan.Router) {
			return true
		}
	}
	dhcp := [][2]uint16{{67, 68}, {68, 67}, {546, 547}, {547, 546}}
	return k.Protocol == 17 && slices.Contains(dhcp, [2]uint16{k.SrcPort, k.DstPort})
}

func naiveSubnet(n *vpc.Network, i *vpc.Interface) *vpc.Subnet {
	for s := range n.Subnets {
		if n.Subnets[s].ID == i.SubnetID {
			return &n.Subnets[s]
		}
	}
	return nil
}

// naive returns the verdicts of the groups, of the ACL, and of both.
func naive(n *vpc.Network, i *vpc.Interface, d Direction, k Packet, s State) (groups, acl, both three) {
	groups, acl = isTrue, isTrue
	if naiveUnfiltered(n, i, k) {
		return isTrue, isTrue, isTrue
	}
	if len(i.SecurityGroups) > 0 && s != Answers {
		groups = naiveGroups(n, i, d, k)
		if s == Either {
			other := Ingress
			if d == Ingress {
				other = Egress
			}
			groups = either(groups, naiveGroups(n, i, other, naiveReverse(k)))
		}
	}
	if sub := naiveSubnet(n, i); sub != nil {
		at := slices.IndexFunc(n.NetworkACLs, func(a vpc.NetworkACL) bool { return a.ID == sub.NetworkACLID })
		inside := slices.ContainsFunc(sub.CIDRs, func(c netip.Prefix) bool {
			return d == Ingress && c.Contains(k.Src) || d == Egress && c.Contains(k.Dst)
		})
		if at >= 0 && !inside {
			entries := n.NetworkACLs[at].Ingress
			if d == Egress {
				entries = n.NetworkACLs[at].Egress
			}
			acl = naiveACL(entries, d, k)
		}
	}
	return groups, acl, all(groups, acl)
}

func naiveReverse(k Packet) Packet {
	out := Packet{Src: k.Dst, Dst: k.Src, Protocol: k.Protocol, SrcPort: k.DstPort, DstPort: k.SrcPort, Type: k.Type, Code: k.Code}
	switch {
	case k.Protocol == 1 && k.Type == 8:
		out.Type, out.Code = 0, 0
	case k.Protocol == 1 && k.Type == 0:
		out.Type, out.Code = 8, 0
	case k.Protocol == 58 && k.Type == 128:
		out.Type, out.Code = 129, 0
	case k.Protocol == 58 && k.Type == 129:
		out.Type, out.Code = 128, 0
	case k.Protocol == 1 || k.Protocol == 58:
		out.Type, out.Code = -1, -1
	}
	return out
}

func verdictOf(t three) Verdict { return [...]Verdict{Refused, Allowed, Undecided}[t] }

// A dice makes random networks and packets of few values, so that they meet often.
type dice struct{ *rand.Rand }

func roll(seed uint64) dice { return dice{rand.New(rand.NewPCG(seed, 7))} }

func pick[T any](r dice, list ...T) T { return list[r.IntN(len(list))] }

func (r dice) addr(v4 bool) netip.Addr {
	if v4 {
		return netip.AddrFrom4([4]byte{10, 0, byte(r.IntN(3)), byte(r.IntN(6))})
	}
	a := netip.MustParseAddr("2001:db8::").As16()
	a[7], a[15] = byte(r.IntN(3)), byte(r.IntN(6))
	return netip.AddrFrom16(a)
}

func (r dice) cidr() netip.Prefix {
	if r.IntN(3) > 0 {
		return netip.PrefixFrom(r.addr(true), pick(r, 0, 8, 22, 24, 30, 31, 32)).Masked()
	}
	return netip.PrefixFrom(r.addr(false), pick(r, 0, 32, 60, 64, 65, 126, 128)).Masked()
}

func (r dice) port() uint16 { return pick[uint16](r, 1, 22, 23, 80, 443, 1024, 65535) }

func (r dice) service() (vpc.Protocol, vpc.PortRange, *vpc.ICMP) {
	switch p := pick[vpc.Protocol](r, -1, -1, 6, 6, 6, 17, 17, 1, 1, 58, 58, 47, 50); p {
	case 6, 17:
		a, b := r.port(), r.port()
		return p, pick(r, vpc.PortRange{}, vpc.PortRange{From: a, To: a}, vpc.PortRange{From: min(a, b), To: max(a, b)}), nil
	case 1, 58:
		typ := pick(r, 0, 3, 8, 128, 129, 255)
		return p, vpc.PortRange{}, pick(r, nil, &vpc.ICMP{Type: -1, Code: -1}, &vpc.ICMP{Type: typ, Code: -1}, &vpc.ICMP{Type: typ, Code: r.IntN(3)})
	default:
		return p, vpc.PortRange{}, nil
	}
}

var allGroups = []string{"sg-a", "sg-b", "sg-c", "sg-nobody-described"}

func (r dice) rules() (out []vpc.SecurityGroupRule) {
	for range r.IntN(5) {
		var rule vpc.SecurityGroupRule
		rule.Protocol, rule.Ports, rule.ICMP = r.service()
		for range 1 + r.IntN(2) {
			switch r.IntN(6) {
			case 0, 1:
				rule.Groups = append(rule.Groups, pick(r, allGroups...))
			case 2:
				rule.PrefixLists = append(rule.PrefixLists, pick(r, "pl-full", "pl-empty", "pl-nobody-described"))
			default:
				rule.CIDRs = append(rule.CIDRs, r.cidr())
			}
		}
		out = append(out, rule)
	}
	return out
}

func (r dice) entries() (out []vpc.ACLEntry) {
	for _, n := range r.Perm(12)[:r.IntN(7)] {
		e := vpc.ACLEntry{Number: 1 + n*100, Allow: r.IntN(5) > 1, CIDR: r.cidr()}
		e.Protocol, e.Ports, e.ICMP = r.service()
		if r.IntN(2) == 0 {
			e.CIDR = pick(r, netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0"))
		}
		out = append(out, e)
	}
	return out
}

func (r dice) network() *vpc.Network {
	n := &vpc.Network{PrefixLists: []vpc.PrefixList{{ID: "pl-full", CIDRs: []netip.Prefix{r.cidr(), r.cidr(), r.cidr()}}, {ID: "pl-empty"}}}
	for i := range 3 {
		s := vpc.Subnet{ID: "subnet-" + string(rune('a'+i)), NetworkACLID: pick(r, "acl-1", "acl-1", "acl-1", "acl-2", "acl-2", "acl-nobody-described", "")}
		v4 := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i), 0}), 24)
		s.CIDRs = append(s.CIDRs, v4, netip.PrefixFrom(netip.MustParseAddr("2001:db8::"), 64))
		a := s.CIDRs[1].Addr().As16()
		a[7] = byte(i)
		s.CIDRs[1] = netip.PrefixFrom(netip.AddrFrom16(a), 64)
		if r.IntN(3) == 0 {
			s.Plan = vpc.AmazonPlan(netip.MustParsePrefix("10.0.0.0/16"), v4)
		}
		n.Subnets = append(n.Subnets, s)
	}
	for _, id := range []string{"acl-1", "acl-2"} {
		n.NetworkACLs = append(n.NetworkACLs, vpc.NetworkACL{ID: id, Ingress: r.entries(), Egress: r.entries()})
	}
	for _, id := range allGroups[:3] {
		n.SecurityGroups = append(n.SecurityGroups, vpc.SecurityGroup{ID: id, Ingress: r.rules(), Egress: r.rules()})
	}
	for i := range 5 {
		e := &vpc.Interface{ID: "eni-" + string(rune('a'+i)), SubnetID: pick(r, "subnet-a", "subnet-a", "subnet-b", "subnet-b", "subnet-c", "subnet-nobody-described"),
			Addrs: []netip.Addr{r.addr(true), r.addr(false)}}
		for _, g := range r.Perm(len(allGroups))[:r.IntN(3)] {
			e.SecurityGroups = append(e.SecurityGroups, allGroups[g])
		}
		n.Interfaces = append(n.Interfaces, e)
	}
	return n
}

// packet makes a packet at an interface.
func (r dice) packet(i *vpc.Interface) (Direction, Packet, State) {
	v4 := r.IntN(3) > 0
	d, local, remote := pick(r, Ingress, Egress), i.Addrs[0], r.addr(v4)
	if !v4 {
		local = i.Addrs[1]
	}
	if r.IntN(40) == 0 {
		remote = pick(r, netip.MustParseAddr("169.254.169.253"), netip.MustParseAddr("169.254.170.3"))
		local = i.Addrs[0]
	}
	k := Packet{Src: remote, Dst: local, Protocol: pick[uint8](r, 6, 6, 6, 17, 17, 1, 1, 58, 58, 47)}
	if d == Egress {
		k.Src, k.Dst = local, remote
	}
	switch k.Protocol {
	case 6, 17:
		k.SrcPort, k.DstPort = r.port(), r.port()
		if r.IntN(40) == 0 {
			k.SrcPort, k.DstPort = 68, 67
		}
	case 1, 58:
		k.Type, k.Code = pick[int16](r, -1, 0, 3, 8, 128, 129, 255), pick[int16](r, -1, 0, 1, 2)
		if k.Type == -1 {
			k.Code = -1
		}
	}
	return d, k, pick(r, Opens, Opens, Answers, Either)
}
