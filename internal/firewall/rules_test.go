package firewall

import (
	"net/netip"
	"testing"

	"weir/internal/vpc"
)

// The rules of "Security group rules", "Network ACL rules" and the pages around them in
// the Amazon VPC User Guide, read 2026-11-24, one case for each.

func cidrs(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// beside has interfaces me, in the groups given and a subnet with this ACL, and others.
func beside(groups []string, acl *vpc.NetworkACL, all ...vpc.SecurityGroup) *vpc.Network {
	addrs := func(list ...string) (out []netip.Addr) {
		for _, s := range list {
			out = append(out, netip.MustParseAddr(s))
		}
		return out
	}
	n := &vpc.Network{
		SecurityGroups: all,
		PrefixLists:    []vpc.PrefixList{{ID: "pl-1", CIDRs: cidrs("192.0.2.0/25", "2001:db8:9::/48")}, {ID: "pl-empty"}},
		Subnets: []vpc.Subnet{
			{ID: "subnet-1", CIDRs: cidrs("10.0.1.0/24", "2001:db8:0:1::/64"), Plan: vpc.AmazonPlan(netip.MustParsePrefix("10.0.0.0/16"), netip.MustParsePrefix("10.0.1.0/24"))},
			{ID: "subnet-2", CIDRs: cidrs("10.0.2.0/24")},
		},
		Interfaces: []*vpc.Interface{
			{ID: "me", SubnetID: "subnet-1", Addrs: addrs("10.0.1.5", "2001:db8:0:1::5"), SecurityGroups: groups},
			{ID: "eni-lb", SubnetID: "subnet-2", Addrs: addrs("10.0.2.9", "10.0.2.10", "2001:db8:0:2::9"), SecurityGroups: []string{"sg-lb"}},
		},
	}
	if acl != nil {
		n.NetworkACLs, n.Subnets[0].NetworkACLID = []vpc.NetworkACL{*acl}, acl.ID
	}
	return n
}

func proto(p uint8, src, dst string) Packet {
	return Packet{Src: netip.MustParseAddr(src), Dst: netip.MustParseAddr(dst), Protocol: p}
}

func icmp(p uint8, src string, typ, code int16) Packet {
	k := proto(p, src, "10.0.1.5")
	if k.Src.Is6() {
		k.Dst = netip.MustParseAddr("2001:db8:0:1::5")
	}
	k.Type, k.Code = typ, code
	return k
}

func udp(src, dst string) Packet {
	k := tcp(src, dst)
	k.Protocol = 17
	return k
}

func TestSecurityGroupRules(t *testing.T) {
	type rule = vpc.SecurityGroupRule
	any4, any6 := cidrs("0.0.0.0/0"), cidrs("::/0")
	ports := func(from, to uint16) vpc.PortRange { return vpc.PortRange{From: from, To: to} }
	to := func(port string) Packet { return tcp("192.0.2.1:40000", "10.0.1.5:"+port) }
	six := func(src string) Packet { return tcp("["+src+"]:40000", "[2001:db8:0:1::5]:443") }
	for _, c := range []struct {
		name string
		r    rule
		k    Packet
		want Verdict
	}{
		{"protocol -1 is every protocol", rule{Protocol: -1, CIDRs: any4}, proto(47, "192.0.2.1", "10.0.1.5"), Allowed},
		{"and every port", rule{Protocol: -1, CIDRs: any4}, to("65535"), Allowed},
		{"and every ICMP type, known or not", rule{Protocol: -1, CIDRs: any4}, icmp(1, "192.0.2.1", Unknown, Unknown), Allowed},
		{"tcp is not udp", rule{Protocol: 6, CIDRs: any4}, udp("192.0.2.1:1", "10.0.1.5:53"), Refused},
		{"udp is not tcp", rule{Protocol: 17, CIDRs: any4}, to("53"), Refused},
		{"tcp without ports is all ports", rule{Protocol: 6, CIDRs: any4}, to("0"), Allowed},
		{"a number", rule{Protocol: 50, CIDRs: any4}, proto(50, "192.0.2.1", "10.0.1.5"), Allowed},
		{"another number", rule{Protocol: 50, CIDRs: any4}, proto(51, "192.0.2.1", "10.0.1.5"), Refused},
		{"a number is not tcp", rule{Protocol: 50, CIDRs: any4}, to("50"), Refused},

		{"below a range", rule{Protocol: 6, Ports: ports(1000, 2000), CIDRs: any4}, to("999"), Refused},
		{"the first of a range", rule{Protocol: 6, Ports: ports(1000, 2000), CIDRs: any4}, to("1000"), Allowed},
		{"the last of a range", rule{Protocol: 6, Ports: ports(1000, 2000), CIDRs: any4}, to("2000"), Allowed},
		{"above a range", rule{Protocol: 6, Ports: ports(1000, 2000), CIDRs: any4}, to("2001"), Refused},
		{"the last port of all", rule{Protocol: 6, Ports: ports(65535, 65535), CIDRs: any4}, to("65535"), Allowed},
		{"port 0 in a range", rule{Protocol: 6, Ports: ports(0, 1), CIDRs: any4}, to("0"), Allowed},
		{"the source port does not matter", rule{Protocol: 6, Ports: ports(443, 443), CIDRs: any4}, tcp("192.0.2.1:443", "10.0.1.5:40000"), Refused},
		{"a range that ends before it begins is empty", rule{Protocol: 6, Ports: ports(2000, 1000), CIDRs: any4}, to("2500"), Refused},

		{"ICMP without type", rule{Protocol: 1, CIDRs: any4}, icmp(1, "192.0.2.1", 13, 0), Allowed},
		{"type -1 is every type", rule{Protocol: 1, ICMP: &vpc.ICMP{Type: -1, Code: -1}, CIDRs: any4}, icmp(1, "192.0.2.1", 13, 0), Allowed},
		{"a type with every code", rule{Protocol: 1, ICMP: &vpc.ICMP{Type: 3, Code: -1}, CIDRs: any4}, icmp(1, "192.0.2.1", 3, 4), Allowed},
		{"a type with its code", rule{Protocol: 1, ICMP: &vpc.ICMP{Type: 3, Code: 4}, CIDRs: any4}, icmp(1, "192.0.2.1", 3, 4), Allowed},
		{"a type with another code", rule{Protocol: 1, ICMP: &vpc.ICMP{Type: 3, Code: 4}, CIDRs: any4}, icmp(1, "192.0.2.1", 3, 3), Refused},
		{"another type", rule{Protocol: 1, ICMP: &vpc.ICMP{Type: 8, Code: -1}, CIDRs: any4}, icmp(1, "192.0.2.1", 0, 0), Refused},
		{"the last type with the last code", rule{Protocol: 1, ICMP: &vpc.ICMP{Type: 255, Code: 255}, CIDRs: any4}, icmp(1, "192.0.2.1", 255, 255), Allowed},
		{"a type nobody knows", rule{Protocol: 1, ICMP: &vpc.ICMP{Type: 8, Code: -1}, CIDRs: any4}, icmp(1, "192.0.2.1", Unknown, Unknown), Undecided},
		{"a code nobody knows", rule{Protocol: 1, ICMP: &vpc.ICMP{Type: 3, Code: 4}, CIDRs: any4}, icmp(1, "192.0.2.1", 3, Unknown), Undecided},
		{"a code nobody knows, of a type for every code", rule{Protocol: 1, ICMP: &vpc.ICMP{Type: 3, Code: -1}, CIDRs: any4}, icmp(1, "192.0.2.1", 3, Unknown), Allowed},
		{"a code nobody knows, of another type", rule{Protocol: 1, ICMP: &vpc.ICMP{Type: 8, Code: 0}, CIDRs: any4}, icmp(1, "192.0.2.1", 3, Unknown), Refused},
		{"a type nobody knows, of another network", rule{Protocol: 1, ICMP: &vpc.ICMP{Type: 8, Code: -1}, CIDRs: cidrs("10.9.0.0/16")}, icmp(1, "192.0.2.1", Unknown, Unknown), Refused},
		{"ICMPv6 is not ICMP", rule{Protocol: 1, CIDRs: any6}, icmp(58, "2001:db8::1", 128, 0), Refused},
		{"ICMPv6 type 128", rule{Protocol: 58, ICMP: &vpc.ICMP{Type: 128, Code: -1}, CIDRs: any6}, icmp(58, "2001:db8::1", 128, 0), Allowed},
		{"ICMP has no ports", rule{Protocol: 6, Ports: ports(0, 65535), CIDRs: any4}, icmp(1, "192.0.2.1", 8, 0), Refused},

		{"the first address of a network", rule{Protocol: -1, CIDRs: cidrs("192.0.2.0/31")}, tcp("192.0.2.0:1", "10.0.1.5:1"), Allowed},
		{"the last address of a network", rule{Protocol: -1, CIDRs: cidrs("192.0.2.0/31")}, tcp("192.0.2.1:1", "10.0.1.5:1"), Allowed},
		{"the next", rule{Protocol: -1, CIDRs: cidrs("192.0.2.0/31")}, tcp("192.0.2.2:1", "10.0.1.5:1"), Refused},
		{"a network that is written with an address in it", rule{Protocol: -1, CIDRs: cidrs("192.0.2.77/24")}, tcp("192.0.2.2:1", "10.0.1.5:1"), Allowed},
		{"any of several networks", rule{Protocol: -1, CIDRs: cidrs("10.9.0.0/16", "192.0.2.0/24")}, to("1"), Allowed},
		{"IPv4 is not in ::/0", rule{Protocol: -1, CIDRs: any6}, to("443"), Refused},
		{"IPv6 is not in 0.0.0.0/0", rule{Protocol: -1, CIDRs: any4}, six("2001:db8::1"), Refused},
		{"IPv6 in ::/0", rule{Protocol: -1, CIDRs: any6}, six("2001:db8::1"), Allowed},
		{"IPv6 in a network longer than half", rule{Protocol: -1, CIDRs: cidrs("2001:db8::/126")}, six("2001:db8::3"), Allowed},
		{"and past its end", rule{Protocol: -1, CIDRs: cidrs("2001:db8::/126")}, six("2001:db8::4"), Refused},
		{"IPv4 written as IPv6", rule{Protocol: -1, CIDRs: cidrs("192.0.2.0/24")}, Packet{Src: netip.MustParseAddr("::ffff:192.0.2.1"), Dst: netip.MustParseAddr("::ffff:10.0.1.5"), Protocol: 6}, Allowed},

		{"a member of the group", rule{Protocol: -1, Groups: []string{"sg-lb"}}, tcp("10.0.2.9:1", "10.0.1.5:1"), Allowed},
		{"by its secondary address", rule{Protocol: -1, Groups: []string{"sg-lb"}}, tcp("10.0.2.10:1", "10.0.1.5:1"), Allowed},
		{"by its IPv6 address", rule{Protocol: -1, Groups: []string{"sg-lb"}}, six("2001:db8:0:2::9"), Allowed},
		{"nobody of the group", rule{Protocol: -1, Groups: []string{"sg-lb"}}, tcp("10.0.2.11:1", "10.0.1.5:1"), Refused},
		{"a member by an address that is not private", rule{Protocol: -1, Groups: []string{"sg-lb"}}, tcp("203.0.113.9:1", "10.0.1.5:1"), Refused},
		{"a member, but another port", rule{Protocol: 6, Ports: ports(80, 80), Groups: []string{"sg-lb"}}, tcp("10.0.2.9:1", "10.0.1.5:81"), Refused},
		{"the group itself", rule{Protocol: -1, Groups: []string{"sg-me"}}, tcp("10.0.1.5:1", "10.0.1.5:1"), Allowed},
		{"the group itself is not everybody", rule{Protocol: -1, Groups: []string{"sg-me"}}, to("1"), Refused},
		{"a group that nobody described", rule{Protocol: -1, Groups: []string{"sg-else"}}, to("1"), Undecided},
		{"an interface that is known not to be in it", rule{Protocol: -1, Groups: []string{"sg-else"}}, tcp("10.0.2.9:1", "10.0.1.5:1"), Refused},
		{"that group, but another port", rule{Protocol: 6, Ports: ports(80, 80), Groups: []string{"sg-else"}}, to("81"), Refused},

		{"a prefix list", rule{Protocol: -1, PrefixLists: []string{"pl-1"}}, to("1"), Allowed},
		{"an address that is not in it", rule{Protocol: -1, PrefixLists: []string{"pl-1"}}, tcp("192.0.2.200:1", "10.0.1.5:1"), Refused},
		{"its IPv6 networks", rule{Protocol: -1, PrefixLists: []string{"pl-1"}}, six("2001:db8:9::1"), Allowed},
		{"an empty list", rule{Protocol: -1, PrefixLists: []string{"pl-empty"}}, to("1"), Refused},
		{"a list that nobody described", rule{Protocol: -1, PrefixLists: []string{"pl-else"}}, to("1"), Undecided},
		{"that list, or a network that fits", rule{Protocol: -1, PrefixLists: []string{"pl-else"}, CIDRs: any4}, to("1"), Allowed},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := beside([]string{"sg-me"}, nil, vpc.SecurityGroup{ID: "sg-me", Ingress: []rule{c.r}}, vpc.SecurityGroup{ID: "sg-lb"})
			if got := Compile(n).Policy("me").Decide(Ingress, c.k, Opens); got != c.want {
				t.Errorf("coming in: %s, want %s", got, c.want)
			}
			// The same rule for what goes out means the destination.
			n = beside([]string{"sg-me"}, nil, vpc.SecurityGroup{ID: "sg-me", Egress: []rule{c.r}}, vpc.SecurityGroup{ID: "sg-lb"})
			out := c.k
			out.Src, out.Dst = c.k.Dst, c.k.Src
			if got := Compile(n).Policy("me").Decide(Egress, out, Opens); got != c.want {
				t.Errorf("going out: %s, want %s", got, c.want)
			}
		})
	}
}

func TestSecurityGroupsOfAnInterface(t *testing.T) {
	any4 := cidrs("0.0.0.0/0")
	port := func(p uint16) []vpc.SecurityGroupRule {
		return []vpc.SecurityGroupRule{{Protocol: 6, Ports: vpc.PortRange{From: p, To: p}, CIDRs: any4}}
	}
	groups := []vpc.SecurityGroup{{ID: "sg-web", Ingress: port(443)}, {ID: "sg-ssh", Ingress: port(22)}, {ID: "sg-none"}, {ID: "sg-out", Egress: port(443)}}
	in := func(p string) Packet { return tcp("192.0.2.1:40000", "10.0.1.5:"+p) }
	answer := tcp("10.0.1.5:443", "192.0.2.1:40000")
	for _, c := range []struct {
		name   string
		groups []string
		d      Direction
		k      Packet
		s      State
		want   Verdict
	}{
		{"rules of several groups are one set", []string{"sg-web", "sg-ssh"}, Ingress, in("22"), Opens, Allowed},
		{"in any order", []string{"sg-ssh", "sg-web"}, Ingress, in("22"), Opens, Allowed},
		{"a group that the interface is not in", []string{"sg-web"}, Ingress, in("22"), Opens, Refused},
		{"no rules allow nothing", []string{"sg-none"}, Ingress, in("22"), Opens, Refused},
		{"no groups filter nothing", nil, Ingress, in("22"), Opens, Allowed},
		{"a group that nobody described", []string{"sg-web", "sg-else"}, Ingress, in("22"), Opens, Undecided},
		{"but another of them allows it", []string{"sg-else", "sg-web"}, Ingress, in("443"), Opens, Allowed},
		{"an answer passes without a rule", []string{"sg-web"}, Egress, answer, Answers, Allowed},
		{"what is no answer does not", []string{"sg-web"}, Egress, answer, Opens, Refused},
		{"what may be the answer of an allowed request", []string{"sg-web"}, Egress, answer, Either, Allowed},
		{"what can only be the answer of a refused one", []string{"sg-ssh"}, Egress, answer, Either, Refused},
		{"what may be the answer of one that is not decided", []string{"sg-else"}, Egress, answer, Either, Undecided},
		{"what may be a request that is allowed", []string{"sg-out"}, Egress, tcp("10.0.1.5:40000", "192.0.2.1:443"), Either, Allowed},
		{"what comes in and answers", []string{"sg-out"}, Ingress, tcp("192.0.2.1:443", "10.0.1.5:40000"), Either, Allowed},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := Compile(beside(c.groups, nil, groups...)).Policy("me")
			if got := p.Decide(c.d, c.k, c.s); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestNetworkACLEntries(t *testing.T) {
	any4 := netip.MustParsePrefix("0.0.0.0/0")
	ports := func(from, to uint16) vpc.PortRange { return vpc.PortRange{From: from, To: to} }
	type entry = vpc.ACLEntry
	allowAll := entry{Number: 32766, Allow: true, Protocol: -1, CIDR: any4}
	in := tcp("192.0.2.1:40000", "10.0.1.5:22")
	ping := icmp(1, "192.0.2.1", Unknown, Unknown)
	for _, c := range []struct {
		name    string
		ingress []entry
		k       Packet
		s       State
		want    Verdict
		by      int // number of the entry
	}{
		{"no entry refuses", nil, in, Opens, Refused, 0},
		{"what none matches is refused", []entry{{Number: 1, Allow: true, Protocol: 17, CIDR: any4}}, in, Opens, Refused, 0},
		{"the lowest number decides", []entry{{Number: 100, Protocol: 6, CIDR: any4, Ports: ports(22, 22)}, {Number: 110, Allow: true, Protocol: -1, CIDR: any4}}, in, Opens, Refused, 100},
		{"wherever it stands in the list", []entry{{Number: 110, Protocol: -1, CIDR: any4}, {Number: 100, Allow: true, Protocol: 6, CIDR: any4, Ports: ports(22, 22)}}, in, Opens, Allowed, 100},
		{"one that does not match is passed over", []entry{{Number: 100, Protocol: 6, CIDR: any4, Ports: ports(23, 23)}, allowAll}, in, Opens, Allowed, 32766},
		{"answers need an entry too", []entry{{Number: 100, Allow: true, Protocol: 6, CIDR: any4, Ports: ports(23, 23)}}, in, Answers, Refused, 0},
		{"IPv6 needs its own entries", []entry{allowAll}, tcp("[2001:db8::1]:1", "[2001:db8:0:1::5]:22"), Opens, Refused, 0},
		{"from the same subnet nothing is asked", nil, tcp("10.0.1.9:1", "10.0.1.5:22"), Opens, Allowed, 0},
		{"by IPv6 neither", nil, tcp("[2001:db8:0:1::9]:1", "[2001:db8:0:1::5]:22"), Opens, Allowed, 0},
		{"from the next subnet it is", nil, tcp("10.0.2.9:1", "10.0.1.5:22"), Opens, Refused, 0},
		{"a type that nobody knows may be refused", []entry{{Number: 100, Protocol: 1, CIDR: any4, ICMP: &vpc.ICMP{Type: 8, Code: -1}}, allowAll}, ping, Opens, Undecided, 32766},
		{"unless all others are, too", []entry{{Number: 100, Protocol: 1, CIDR: any4, ICMP: &vpc.ICMP{Type: 8, Code: -1}}}, ping, Opens, Refused, 0},
		{"or may be allowed", []entry{{Number: 100, Allow: true, Protocol: 1, CIDR: any4, ICMP: &vpc.ICMP{Type: 8, Code: -1}}}, ping, Opens, Undecided, 0},
		{"unless all others are, too", []entry{{Number: 100, Allow: true, Protocol: 1, CIDR: any4, ICMP: &vpc.ICMP{Type: 8, Code: -1}}, allowAll}, ping, Opens, Allowed, 32766},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := Compile(beside(nil, &vpc.NetworkACL{ID: "acl-1", Ingress: c.ingress})).Policy("me")
			if got := p.Decide(Ingress, c.k, c.s); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			by := 0
			for _, s := range p.Explain(Ingress, c.k, c.s).Steps {
				if s.Rule != nil {
					by = s.Rule.Number
				}
			}
			if by != c.by {
				t.Errorf("by entry %d, want %d", by, c.by)
			}
		})
	}
}

// Both layers have to pass a packet; whatever one refuses, the other cannot mend.
func TestBothLayers(t *testing.T) {
	any4 := cidrs("0.0.0.0/0")
	for _, c := range []struct {
		group, acl bool
		want       Verdict
	}{{true, true, Allowed}, {true, false, Refused}, {false, true, Refused}, {false, false, Refused}} {
		g, a := vpc.SecurityGroup{ID: "sg-me"}, &vpc.NetworkACL{ID: "acl-1"}
		if c.group {
			g.Ingress = []vpc.SecurityGroupRule{{Protocol: -1, CIDRs: any4}}
		}
		if c.acl {
			a.Ingress = []vpc.ACLEntry{{Number: 1, Allow: true, Protocol: -1, CIDR: any4[0]}}
		}
		p := Compile(beside([]string{"sg-me"}, a, g)).Policy("me")
		answer := p.Explain(Ingress, tcp("192.0.2.1:1", "10.0.1.5:22"), Opens)
		if answer.Verdict != c.want || len(answer.Steps) != 2 || answer.Steps[0].Layer != NetworkACL {
			t.Errorf("group allows %v, ACL allows %v: %s in %d steps, want %s in 2, the ACL's first", c.group, c.acl, answer.Verdict, len(answer.Steps), c.want)
		}
	}
}

func TestUnfilteredServices(t *testing.T) {
	p := Compile(beside([]string{"sg-me"}, &vpc.NetworkACL{ID: "acl-1"}, vpc.SecurityGroup{ID: "sg-me"})).Policy("me")
	to := func(port uint16, dst string) Packet {
		k := proto(17, "10.0.1.5", dst)
		k.SrcPort, k.DstPort = 40000, port
		return k
	}
	dhcp := udp("0.0.0.0:68", "255.255.255.255:67")
	dhcp6 := udp("[fe80::1]:546", "[ff02::1:2]:547")
	tcpDHCP := dhcp
	tcpDHCP.Protocol = 6
	for _, c := range []struct {
		name string
		k    Packet
		want Verdict
	}{
		{"DNS", to(53, "169.254.169.253"), Allowed},
		{"DNS at the VPC's base + 2", to(53, "10.0.0.2"), Allowed},
		{"the router at the subnet's base + 1", to(1, "10.0.1.1"), Allowed},
		{"that of another subnet", to(1, "10.0.2.1"), Refused},
		{"DNS by IPv6", to(53, "fd00:ec2::253"), Allowed},
		{"instance metadata", to(80, "169.254.169.254"), Allowed},
		{"instance metadata by IPv6", to(80, "fd00:ec2::254"), Allowed},
		{"ECS task metadata", to(80, "169.254.170.2"), Allowed},
		{"time", to(123, "169.254.169.123"), Allowed},
		{"time by IPv6", to(123, "fd00:ec2::123"), Allowed},
		{"licence activation", to(1688, "169.254.169.250"), Allowed},
		{"and its second server", to(1688, "169.254.169.251"), Allowed},
		{"another link-local address", to(80, "169.254.169.1"), Refused},
		{"another address of Amazon's IPv6 network", to(80, "fd00:ec2::1"), Refused},
		{"a DNS server elsewhere", to(53, "192.0.2.53"), Refused},
		{"DHCP", dhcp, Allowed},
		{"a DHCP answer", dhcp.Reverse(), Allowed},
		{"DHCPv6", dhcp6, Allowed},
		{"the ports of DHCP in TCP", tcpDHCP, Refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			for d, k := range map[Direction]Packet{Egress: c.k, Ingress: c.k.Reverse()} {
				if got := p.Decide(d, k, Opens); got != c.want {
					t.Errorf("%s %s: %s, want %s", d, k, got, c.want)
				}
				if a := p.Explain(d, k, Opens); p.Unfiltered(k) != (c.want == Allowed) || a.Unfiltered != (c.want == Allowed) {
					t.Errorf("%s %s: unfiltered %v and %v", d, k, p.Unfiltered(k), a.Unfiltered)
				}
			}
		})
	}
}
