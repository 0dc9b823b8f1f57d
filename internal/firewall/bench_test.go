package firewall

import (
	"net/netip"
	"testing"

	"weir/internal/vpc"
)

// office is an interface with 60 rules in two groups, among them references to groups,
// and 40 entries of a network ACL, for IPv4 and IPv6; packets that match the last one, or
// none, are compared with all.
func office() *vpc.Network {
	n := beside([]string{"sg-a", "sg-b"}, nil)
	acl := vpc.NetworkACL{ID: "acl-1"}
	groups := []vpc.SecurityGroup{{ID: "sg-a"}, {ID: "sg-b"}, {ID: "sg-lb"}}
	net4 := func(i int) netip.Prefix { return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 7, byte(i), 0}), 24) }
	net6 := func(i int) netip.Prefix {
		a := netip.MustParseAddr("2001:db8:7::").As16()
		a[7] = byte(i)
		return netip.PrefixFrom(netip.AddrFrom16(a), 64)
	}
	for i := range 60 {
		port := vpc.PortRange{From: uint16(1000 + i), To: uint16(1000 + i)}
		r := vpc.SecurityGroupRule{Protocol: vpc.ProtoTCP, Ports: port, CIDRs: []netip.Prefix{net4(i), net6(i)}}
		if i%10 == 9 {
			r = vpc.SecurityGroupRule{Protocol: vpc.ProtoTCP, Ports: port, Groups: []string{"sg-lb"}}
		}
		g := &groups[i%2]
		g.Ingress = append(g.Ingress, r)
	}
	for i := range 20 {
		port := vpc.PortRange{From: uint16(2000 + i), To: uint16(2000 + i)}
		for _, c := range []netip.Prefix{net4(i), net6(i)} {
			acl.Ingress = append(acl.Ingress, vpc.ACLEntry{Number: len(acl.Ingress) + 1, Protocol: vpc.ProtoTCP, Ports: port, CIDR: c})
		}
	}
	for _, c := range cidrs("0.0.0.0/0", "::/0") {
		acl.Ingress = append(acl.Ingress, vpc.ACLEntry{Number: len(acl.Ingress) + 1, Allow: true, Protocol: vpc.AllProtocols, CIDR: c})
	}
	n.SecurityGroups, n.NetworkACLs, n.Subnets[0].NetworkACLID = groups, []vpc.NetworkACL{acl}, "acl-1"
	return n
}

var benchCases = []struct {
	name string
	k    Packet
	s    State
	want Verdict
}{
	{"IPv4/last rule", tcp("10.7.57.9:40000", "10.0.1.5:1057"), Opens, Allowed},
	{"IPv4/no rule", tcp("10.7.58.9:40000", "10.0.1.5:1"), Opens, Refused},
	{"IPv4/group", tcp("10.0.2.9:40000", "10.0.1.5:1059"), Opens, Allowed},
	{"IPv4/either", tcp("10.7.58.9:40000", "10.0.1.5:1"), Either, Refused},
	{"IPv4/answer", tcp("10.7.58.9:40000", "10.0.1.5:1"), Answers, Allowed},
	{"IPv4/ICMP of no known type", icmp(1, "10.7.58.9", Unknown, Unknown), Opens, Refused},
	{"IPv6/last rule", tcp("[2001:db8:7:39::9]:40000", "[2001:db8:0:1::5]:1057"), Opens, Allowed},
	{"IPv6/no rule", tcp("[2001:db8:7:3a::9]:40000", "[2001:db8:0:1::5]:1"), Opens, Refused},
	{"IPv6/group", tcp("[2001:db8:0:2::9]:40000", "[2001:db8:0:1::5]:1059"), Opens, Allowed},
}

// BenchmarkDecide is one packet at an interface with 60 rules and 40 ACL entries.
func BenchmarkDecide(b *testing.B) {
	p := Compile(office()).Policy("me")
	for _, c := range benchCases {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if p.Decide(Ingress, c.k, c.s) != c.want {
					b.Fatal("BUG: another verdict")
				}
			}
		})
	}
}

func TestDecideDoesNotAllocate(t *testing.T) {
	p := Compile(office()).Policy("me")
	for _, c := range benchCases {
		got := Refused
		if n := testing.AllocsPerRun(100, func() { got = p.Decide(Ingress, c.k, c.s) }); n != 0 {
			t.Errorf("%s: %.1f allocations", c.name, n)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// BenchmarkExplain is the same with reasons, of a packet that is refused.
func BenchmarkExplain(b *testing.B) {
	p, k := Compile(office()).Policy("me"), tcp("10.7.58.9:40000", "10.0.1.5:1057")
	b.ReportAllocs()
	for b.Loop() {
		if p.Explain(Ingress, k, Opens).Verdict != Refused {
			b.Fatal("BUG: another verdict")
		}
	}
}
