package firewall

import (
	"net/netip"
	"testing"

	"weir/internal/vpc"
)

// shop is a VPC with a web server behind a load balancer, and an ACL that refuses one
// network.
func shop() *vpc.Network {
	cidr := netip.MustParsePrefix
	return &vpc.Network{
		AccountID: "123456789012", Region: "eu-west-1",
		Subnets: []vpc.Subnet{
			{ID: "subnet-web", CIDRs: []netip.Prefix{cidr("10.0.1.0/24"), cidr("2001:db8:1::/64")}, NetworkACLID: "acl-1"},
			{ID: "subnet-lb", CIDRs: []netip.Prefix{cidr("10.0.2.0/24")}},
		},
		Interfaces: []*vpc.Interface{
			{ID: "eni-web", SubnetID: "subnet-web", Addrs: []netip.Addr{netip.MustParseAddr("10.0.1.5"), netip.MustParseAddr("2001:db8:1::5")}, SecurityGroups: []string{"sg-web"}},
			{ID: "eni-lb", SubnetID: "subnet-lb", Addrs: []netip.Addr{netip.MustParseAddr("10.0.2.9")}, SecurityGroups: []string{"sg-lb"}},
		},
		SecurityGroups: []vpc.SecurityGroup{
			{ID: "sg-web", Name: "web", Ingress: []vpc.SecurityGroupRule{
				{Protocol: vpc.ProtoTCP, Ports: vpc.PortRange{From: 8080, To: 8080}, Groups: []string{"sg-lb"}},
				{Protocol: vpc.ProtoTCP, Ports: vpc.PortRange{From: 22, To: 22}, CIDRs: []netip.Prefix{cidr("10.0.0.0/16")}},
				{Protocol: vpc.ProtoICMP, ICMP: &vpc.ICMP{Type: 8, Code: -1}, CIDRs: []netip.Prefix{cidr("0.0.0.0/0")}},
			}, Egress: []vpc.SecurityGroupRule{{Protocol: vpc.AllProtocols, CIDRs: []netip.Prefix{cidr("0.0.0.0/0")}}}},
			{ID: "sg-lb", Name: "lb"},
		},
		NetworkACLs: []vpc.NetworkACL{{ID: "acl-1", Name: "edge",
			Ingress: []vpc.ACLEntry{
				{Number: 90, Protocol: vpc.ProtoTCP, CIDR: cidr("10.0.9.0/24"), Ports: vpc.PortRange{From: 22, To: 22}},
				{Number: 100, Allow: true, Protocol: vpc.AllProtocols, CIDR: cidr("0.0.0.0/0")},
			},
			Egress: []vpc.ACLEntry{
				{Number: 100, Allow: true, Protocol: vpc.ProtoTCP, CIDR: cidr("10.0.0.0/16"), Ports: vpc.PortRange{From: 1024, To: 65535}},
			},
		}},
	}
}

func tcp(src, dst string) Packet {
	s, d := netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst)
	return Packet{Src: s.Addr(), Dst: d.Addr(), SrcPort: s.Port(), DstPort: d.Port(), Protocol: 6}
}

func TestDecide(t *testing.T) {
	ping := Packet{Src: netip.MustParseAddr("192.0.2.1"), Dst: netip.MustParseAddr("10.0.1.5"), Protocol: 1, Type: 8}
	unknown := ping
	unknown.Type, unknown.Code = Unknown, Unknown
	for _, c := range []struct {
		name  string
		d     Direction
		k     Packet
		s     State
		want  Verdict
		layer Layer  // of the first step that refuses
		near  string // what its nearest rule fails
	}{
		{"a group's member", Ingress, tcp("10.0.2.9:40000", "10.0.1.5:8080"), Opens, Allowed, 0, ""},
		{"another port", Ingress, tcp("10.0.2.9:40000", "10.0.1.5:8081"), Opens, Refused, SecurityGroups, "port"},
		{"nobody of the group", Ingress, tcp("10.0.3.9:40000", "10.0.1.5:8080"), Opens, Refused, SecurityGroups, "peer"},
		{"an earlier entry", Ingress, tcp("10.0.9.9:40000", "10.0.1.5:22"), Opens, Refused, NetworkACL, "order"},
		{"within the subnet there is no ACL", Ingress, tcp("10.0.1.9:40000", "10.0.1.5:22"), Opens, Allowed, 0, ""},
		{"an answer out of the range", Egress, tcp("10.0.1.5:22", "10.0.3.9:700"), Answers, Refused, NetworkACL, "return"},
		{"an echo request", Ingress, ping, Opens, Allowed, 0, ""},
		{"ICMP of a type nobody knows", Ingress, unknown, Opens, Undecided, 0, ""},
		{"its answer", Egress, ping.Reverse(), Answers, Refused, NetworkACL, "return"},
		{"IPv6 has no rule", Ingress, tcp("[2001:db8:2::1]:40000", "[2001:db8:1::5]:22"), Opens, Refused, NetworkACL, "peer"},
		{"DNS is not filtered", Egress, Packet{Src: netip.MustParseAddr("10.0.1.5"), Dst: netip.MustParseAddr("169.254.169.253"), Protocol: 17, DstPort: 53}, Opens, Allowed, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := Compile(shop()).Policy("eni-web")
			if got := p.Decide(c.d, c.k, c.s); got != c.want {
				t.Errorf("Decide(%s %s) = %s, want %s", c.d, c.k, got, c.want)
			}
			a := p.Explain(c.d, c.k, c.s)
			if a.Verdict != c.want {
				t.Errorf("Explain(%s %s) = %s, want %s", c.d, c.k, a.Verdict, c.want)
			}
			if c.want != Refused {
				return
			}
			for _, s := range a.Steps {
				if s.Verdict != Refused {
					continue
				}
				if s.Layer != c.layer || len(s.Near) == 0 || s.Near[0].Fails[0].String() != c.near || len(s.Near[0].Fails) != 1 {
					t.Errorf("%s refuses, near %+v; want %s, failing %s", s.Layer, s.Near, c.layer, c.near)
				}
				break
			}
			n := shop()
			list, err := p.Suggest(c.d, c.k, c.s)
			if err != nil || len(list) == 0 {
				t.Fatalf("Suggest: %v, %v", list, err)
			}
			for _, change := range list {
				t.Log(change.Command())
				n = change.Apply(n)
			}
			if got := Compile(n).Policy("eni-web").Decide(c.d, c.k, c.s); got != Allowed {
				t.Errorf("with %+v: %s", list, got)
			}
		})
	}
}
