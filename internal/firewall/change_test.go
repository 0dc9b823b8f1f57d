package firewall

import (
	"errors"
	"net/netip"
	"testing"

	"weir/internal/vpc"
)

func TestChangesInWords(t *testing.T) {
	any4 := netip.MustParsePrefix("0.0.0.0/0")
	acl := &vpc.NetworkACL{ID: "acl-1", Ingress: []vpc.ACLEntry{{Number: 100, Protocol: -1, CIDR: any4}, {Number: 99, Allow: true, Protocol: 50, CIDR: any4}}}
	closed := beside([]string{"sg-me"}, acl, vpc.SecurityGroup{ID: "sg-me", Name: "me"})
	anyType := icmp(1, "192.0.2.1", Unknown, Unknown)
	for _, c := range []struct {
		name string
		d    Direction
		k    Packet
		want []string
	}{
		{"TCP, at both layers, below the entry that refuses", Ingress, tcp("192.0.2.1:40000", "10.0.1.5:443"), []string{
			`aws ec2 create-network-acl-entry --network-acl-id acl-1 --ingress --rule-number 98 --protocol 6 --rule-action allow --cidr-block 192.0.2.1/32 --port-range From=443,To=443`,
			`aws ec2 authorize-security-group-ingress --group-id sg-me --ip-permissions 'IpProtocol=tcp,FromPort=443,ToPort=443,IpRanges=[{CidrIp=192.0.2.1/32}]'`,
		}},
		{"what goes out meets the groups first; no entry refuses", Egress, tcp("10.0.1.5:40000", "192.0.2.1:443"), []string{
			`aws ec2 authorize-security-group-egress --group-id sg-me --ip-permissions 'IpProtocol=tcp,FromPort=443,ToPort=443,IpRanges=[{CidrIp=192.0.2.1/32}]'`,
			`aws ec2 create-network-acl-entry --network-acl-id acl-1 --egress --rule-number 100 --protocol 6 --rule-action allow --cidr-block 192.0.2.1/32 --port-range From=443,To=443`,
		}},
		{"IPv6; in the subnet", Ingress, tcp("[2001:db8:0:1::9]:40000", "[2001:db8:0:1::5]:443"), []string{
			`aws ec2 authorize-security-group-ingress --group-id sg-me --ip-permissions 'IpProtocol=tcp,FromPort=443,ToPort=443,Ipv6Ranges=[{CidrIpv6=2001:db8:0:1::9/128}]'`,
		}},
		{"a type whose code is known", Ingress, icmp(1, "10.0.1.9", 8, 0), []string{
			`aws ec2 authorize-security-group-ingress --group-id sg-me --ip-permissions 'IpProtocol=icmp,FromPort=8,ToPort=0,IpRanges=[{CidrIp=10.0.1.9/32}]'`,
		}},
		{"a type that is not known is every type", Ingress, anyType, []string{
			`aws ec2 create-network-acl-entry --network-acl-id acl-1 --ingress --rule-number 98 --protocol 1 --rule-action allow --cidr-block 192.0.2.1/32 --icmp-type-code Type=-1,Code=-1`,
			`aws ec2 authorize-security-group-ingress --group-id sg-me --ip-permissions 'IpProtocol=icmp,FromPort=-1,ToPort=-1,IpRanges=[{CidrIp=192.0.2.1/32}]'`,
		}},
		{"a protocol without ports", Ingress, proto(47, "10.0.1.9", "10.0.1.5"), []string{
			`aws ec2 authorize-security-group-ingress --group-id sg-me --ip-permissions 'IpProtocol=47,IpRanges=[{CidrIp=10.0.1.9/32}]'`,
		}},
		{"port 0 has no rule of its own", Ingress, tcp("10.0.1.9:1", "10.0.1.5:0"), []string{
			`aws ec2 authorize-security-group-ingress --group-id sg-me --ip-permissions 'IpProtocol=tcp,FromPort=0,ToPort=1,IpRanges=[{CidrIp=10.0.1.9/32}]'`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			changes, err := Compile(closed).Policy("me").Suggest(c.d, c.k, Opens)
			if err != nil || len(changes) != len(c.want) {
				t.Fatalf("%d changes, %v; want %d", len(changes), err, len(c.want))
			}
			n := closed
			for i, ch := range changes {
				if got := ch.Command(); got != c.want[i] {
					t.Errorf("got  %s\nwant %s", got, c.want[i])
				}
				n = ch.Apply(n)
			}
			if got := Compile(n).Policy("me").Decide(c.d, c.k, Opens); got != Allowed {
				t.Errorf("with the changes: %s", got)
			}
			if got := Compile(closed).Policy("me").Decide(c.d, c.k, Opens); got != Refused {
				t.Errorf("Apply changed the network it was given: %s", got)
			}
		})
	}
}

func TestSuggestGoesBelowWhatMayRefuse(t *testing.T) {
	any4 := netip.MustParsePrefix("0.0.0.0/0")
	ping := &vpc.ICMP{Type: 8, Code: -1}
	k := icmp(1, "192.0.2.1", Unknown, Unknown)
	for _, c := range []struct {
		name    string
		entries []vpc.ACLEntry
		want    int
	}{
		{"an entry that may refuse is before the one that allows", []vpc.ACLEntry{{Number: 90, Protocol: 1, CIDR: any4, ICMP: ping}, {Number: 100, Allow: true, Protocol: -1, CIDR: any4}}, 89},
		{"and before the one that refuses", []vpc.ACLEntry{{Number: 90, Protocol: 1, CIDR: any4, ICMP: ping}, {Number: 100, Protocol: -1, CIDR: any4}}, 89},
		{"above all others the next hundred is free", []vpc.ACLEntry{{Number: 150, Allow: true, Protocol: 1, CIDR: any4, ICMP: ping}}, 200},
		{"but not past the last number", []vpc.ACLEntry{{Number: 32766, Allow: true, Protocol: 6, CIDR: any4}, {Number: 32765, Allow: true, Protocol: 6, CIDR: any4}}, 32764},
		{"what Amazon describes behind the last number is none", []vpc.ACLEntry{{Number: 100, Allow: true, Protocol: 6, CIDR: any4}, {Number: 32767, Protocol: -1, CIDR: any4}, {Number: 32768, Protocol: -1, CIDR: netip.MustParsePrefix("::/0")}}, 200},
		{"nothing is below 1", []vpc.ACLEntry{{Number: 1, Protocol: -1, CIDR: any4}}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			changes, err := Compile(beside(nil, &vpc.NetworkACL{ID: "acl-1", Ingress: c.entries})).Policy("me").Suggest(Ingress, k, Opens)
			switch {
			case c.want == 0 && !errors.Is(err, ErrNoNumber):
				t.Errorf("%v, %v; want ErrNoNumber", changes, err)
			case c.want != 0 && (err != nil || len(changes) != 1 || changes[0].Number != c.want):
				t.Errorf("%+v, %v; want entry %d", changes, err, c.want)
			}
		})
	}
}

func TestChangeForAGroup(t *testing.T) {
	n := shop()
	n.SecurityGroups[1].Ingress = nil
	c := Change{Owner: "sg-lb", Direction: Ingress, Protocol: vpc.ProtoTCP, Ports: vpc.PortRange{From: 443, To: 443}, Group: "sg-web", Prefix: "lb_"}
	want := `aws ec2 authorize-security-group-ingress --group-id sg-lb --ip-permissions 'IpProtocol=tcp,FromPort=443,ToPort=443,UserIdGroupPairs=[{GroupId=sg-web}]'`
	if got := c.Command(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	want = `resource "aws_vpc_security_group_ingress_rule" "lb_tcp_443_ingress_sg-web" {
  security_group_id            = "sg-lb"
  referenced_security_group_id = "sg-web"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}
`
	if got := c.Terraform(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	k := tcp("10.0.1.5:40000", "10.0.2.9:443")
	before, after := Compile(n).Policy("eni-lb").Decide(Ingress, k, Opens), Compile(c.Apply(n)).Policy("eni-lb").Decide(Ingress, k, Opens)
	if before != Refused || after != Allowed {
		t.Errorf("before %s, after %s; want refused, allowed", before, after)
	}
}

func TestRevoke(t *testing.T) {
	any4, any6 := netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")
	for _, c := range []struct {
		name, want string
		rule       Rule
	}{
		{"by its id", "aws ec2 revoke-security-group-egress --group-id sg-1 --security-group-rule-ids sgr-1",
			Rule{Owner: "sg-1", Direction: Egress, ID: "sgr-1", Protocol: vpc.AllProtocols, Peer: Peer{Prefix: any4}}},
		{"everything has no ports", "aws ec2 revoke-security-group-egress --group-id sg-1 --ip-permissions 'IpProtocol=-1,IpRanges=[{CidrIp=0.0.0.0/0}]'",
			Rule{Owner: "sg-1", Direction: Egress, Protocol: vpc.AllProtocols, Peer: Peer{Prefix: any4}}},
		{"all ports are named", "aws ec2 revoke-security-group-ingress --group-id sg-1 --ip-permissions 'IpProtocol=tcp,FromPort=0,ToPort=65535,Ipv6Ranges=[{CidrIpv6=::/0}]'",
			Rule{Owner: "sg-1", Protocol: vpc.ProtoTCP, Peer: Peer{Prefix: any6}}},
		{"all types are named", "aws ec2 revoke-security-group-ingress --group-id sg-1 --ip-permissions 'IpProtocol=icmp,FromPort=-1,ToPort=-1,UserIdGroupPairs=[{GroupId=sg-2}]'",
			Rule{Owner: "sg-1", Protocol: vpc.ProtoICMP, Peer: Peer{Group: "sg-2"}}},
		{"a list, not its networks", "aws ec2 revoke-security-group-ingress --group-id sg-1 --ip-permissions 'IpProtocol=udp,FromPort=53,ToPort=53,PrefixListIds=[{PrefixListId=pl-1}]'",
			Rule{Owner: "sg-1", Protocol: vpc.ProtoUDP, Ports: vpc.PortRange{From: 53, To: 53}, Peer: Peer{Prefix: any4, PrefixList: "pl-1"}}},
	} {
		if got := c.rule.Revoke(); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestSuggestChangesAGroupThatIsDescribed(t *testing.T) {
	n := beside([]string{"sg-else", "sg-me"}, nil, vpc.SecurityGroup{ID: "sg-me", Name: "me"})
	changes, err := Compile(n).Policy("me").Suggest(Ingress, tcp("192.0.2.1:1", "10.0.1.5:22"), Opens)
	if err != nil || len(changes) != 1 || changes[0].Owner != "sg-me" || changes[0].OwnerName != "me" {
		t.Errorf("%+v, %v; want a change of sg-me", changes, err)
	}
}

// The type of a packet that is not ICMP is no type, not even 0.
func TestNearICMPRuleOfTCP(t *testing.T) {
	reply := []vpc.SecurityGroupRule{{Protocol: 1, ICMP: &vpc.ICMP{Type: 0, Code: 0}, CIDRs: cidrs("0.0.0.0/0")}}
	p := Compile(beside([]string{"sg-me"}, nil, vpc.SecurityGroup{ID: "sg-me", Ingress: reply})).Policy("me")
	near := p.Explain(Ingress, tcp("192.0.2.1:1", "10.0.1.5:22"), Opens).Steps[0].Near
	if len(near) != 1 || len(near[0].Fails) != 2 || near[0].Fails[1] != FailsPort {
		t.Errorf("near: %+v; want one that fails protocol and port", near)
	}
}
