package firewall

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"weir/internal/vpc"
)

// A Change is one rule to add so that a packet passes: to a security group, or an entry
// that allows to a network ACL. It is as narrow as the packet: one protocol, one port,
// one address on the other side. Two packets get a wider one: port 0 alone cannot be
// said in a rule of the model, so its rule is for 0 and 1; and of ICMP whose type or code
// is not known, all types or all codes are let in.
type Change struct {
	Layer     Layer
	Owner     string // "sg-…" or "acl-…"
	OwnerName string // may be empty
	Direction Direction
	Number    int // of the entry; only in a network ACL

	Protocol vpc.Protocol
	Ports    vpc.PortRange // only if Protocol is TCP or UDP
	ICMP     *vpc.ICMP     // only if Protocol is ICMP or ICMPv6
	Peer     netip.Prefix  // one address, from [Policy.Suggest]
	Group    string        // "sg-…" instead of Peer; only to a security group

	// Prefix begins the name of the Terraform resource, where changes of several owners
	// stand together.
	Prefix string
}

// ErrNoNumber is what Suggest returns if a network ACL has no number left below the
// entry that refuses.
var ErrNoNumber = errors.New("no free number below the entry that refuses")

// Suggest returns what to add so that a packet passes, in the order in which it meets
// the layers; nothing if it passes already. An ICMP type that is not known makes a rule
// for all types.
//
// The answers of what is let in have to pass the network ACL, too: ask again with the
// packet's reverse.
func (p *Policy) Suggest(d Direction, k Packet, s State) ([]Change, error) {
	var out []Change
	for _, step := range p.Explain(d, k, s).Steps {
		if step.Verdict == Allowed {
			continue
		}
		c := Change{Layer: step.Layer, Direction: d, Protocol: vpc.Protocol(k.Protocol)}
		remote := k.Remote(d).Unmap()
		c.Peer = netip.PrefixFrom(remote, remote.BitLen())
		switch {
		case k.ports():
			c.Ports = vpc.PortRange{From: k.DstPort, To: max(k.DstPort, 1)}
		case k.icmp():
			c.ICMP = &vpc.ICMP{Type: int(k.Type), Code: int(k.Code)}
			if k.Type == Unknown {
				c.ICMP.Code = Unknown
			}
		}
		if step.Layer == SecurityGroups {
			c.Owner, c.OwnerName = p.groupFor(d, step.Near)
		} else {
			c.Owner = p.ACL
			t := p.acl[d]
			if len(t.rules) > 0 {
				c.OwnerName = t.rules[0].OwnerName
			}
			why := p.reasons(t, d, k)
			blocker := why.blocker()
			if c.Number = freeNumber(t, blocker); c.Number == 0 && blocker == nil {
				return out, fmt.Errorf("%s: %w", p.ACL, ErrNoNumber)
			} else if c.Number == 0 {
				return out, fmt.Errorf("%s: entry %d: %w", p.ACL, blocker.Number, ErrNoNumber)
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// groupFor chooses which of an interface's groups gets a rule: the one with the nearest
// rule, or else the first that the network describes, or else the first.
func (p *Policy) groupFor(d Direction, near []Near) (id, name string) {
	for _, n := range near {
		if n.Rule.Direction == d {
			return n.Rule.Owner, n.Rule.OwnerName
		}
	}
	if len(p.described) > 0 {
		return p.described[0].ID, p.described[0].Name
	}
	return p.Groups[0], ""
}

// lastNumber is the highest number that an entry can be given. Amazon describes two more,
// 32767 and 32768, which refuse what no entry matches.
const lastNumber = 32766

// freeNumber returns the highest unused number below the entry that refuses, or, if none
// does, the first hundred that is above all; 0 if there is none.
func freeNumber(t *table, blocker *Rule) int {
	used := map[int]bool{}
	last, below := 0, lastNumber+1
	for i := range t.rules {
		used[t.rules[i].Number] = true
		if t.rules[i].Number <= lastNumber {
			last = max(last, t.rules[i].Number)
		}
	}
	if blocker != nil && blocker.Number <= lastNumber {
		below = blocker.Number
	} else if n := (last/100 + 1) * 100; n <= lastNumber {
		return n
	}
	for n := below - 1; n >= 1; n-- {
		if !used[n] {
			return n
		}
	}
	return 0
}

// Apply returns a copy of a network with the change made; without it, if the network
// does not describe the group or the ACL.
func (c Change) Apply(n *vpc.Network) *vpc.Network {
	out := *n
	out.SecurityGroups, out.NetworkACLs = slices.Clone(n.SecurityGroups), slices.Clone(n.NetworkACLs)
	if c.Layer == SecurityGroups {
		rule := vpc.SecurityGroupRule{Protocol: c.Protocol, Ports: c.Ports, ICMP: c.ICMP}
		if c.Group != "" {
			rule.Groups = []string{c.Group}
		} else {
			rule.CIDRs = []netip.Prefix{c.Peer}
		}
		for i := range out.SecurityGroups {
			g := &out.SecurityGroups[i]
			switch {
			case g.ID != c.Owner:
			case c.Direction == Ingress:
				g.Ingress = append(slices.Clip(g.Ingress), rule)
			default:
				g.Egress = append(slices.Clip(g.Egress), rule)
			}
		}
		return &out
	}
	entry := vpc.ACLEntry{Number: c.Number, Allow: true, Protocol: c.Protocol, CIDR: c.Peer, Ports: c.Ports, ICMP: c.ICMP}
	for i := range out.NetworkACLs {
		a := &out.NetworkACLs[i]
		switch {
		case a.ID != c.Owner:
		case c.Direction == Ingress:
			a.Ingress = append(slices.Clip(a.Ingress), entry)
		default:
			a.Egress = append(slices.Clip(a.Egress), entry)
		}
	}
	return &out
}

// Service returns protocol and ports in a rule's words.
func (c Change) Service() string { return service(c.Protocol, c.Ports, c.ICMP) }

// Command returns the command of the AWS CLI that makes the change, in one line.
func (c Change) Command() string {
	if c.Layer == NetworkACL {
		return c.entryCommand()
	}
	return fmt.Sprintf("aws ec2 authorize-security-group-%s --group-id %s --ip-permissions '%s'", c.Direction, c.Owner,
		permission(c.Protocol, c.Ports, c.ICMP, Peer{Prefix: c.Peer, Group: c.Group}))
}

// Revoke returns the command of the AWS CLI that takes a rule out of its security group,
// in one line: by the rule's id if it is known, else by all that it says.
func (r *Rule) Revoke() string {
	command := fmt.Sprintf("aws ec2 revoke-security-group-%s --group-id %s", r.Direction, r.Owner)
	if r.ID != "" {
		return command + " --security-group-rule-ids " + r.ID
	}
	return command + " --ip-permissions '" + permission(r.Protocol, r.Ports, r.ICMP, r.Peer) + "'"
}

// permission is a rule of a security group as the AWS CLI takes it.
func permission(p vpc.Protocol, ports vpc.PortRange, icmp *vpc.ICMP, peer Peer) string {
	s := "IpProtocol=" + ProtocolName(p)
	switch from, to := fromTo(ports, icmp); {
	case p == vpc.AllProtocols:
		s = "IpProtocol=-1"
	case from != "":
		s += ",FromPort=" + from + ",ToPort=" + to
	case p == vpc.ProtoTCP || p == vpc.ProtoUDP:
		s += ",FromPort=0,ToPort=65535"
	case p == vpc.ProtoICMP || p == vpc.ProtoICMPv6:
		s += ",FromPort=-1,ToPort=-1"
	}
	switch {
	case peer.PrefixList != "":
		return s + ",PrefixListIds=[{PrefixListId=" + peer.PrefixList + "}]"
	case peer.Group != "":
		return s + ",UserIdGroupPairs=[{GroupId=" + peer.Group + "}]"
	case peer.Prefix.Addr().Is6():
		return s + ",Ipv6Ranges=[{CidrIpv6=" + peer.Prefix.String() + "}]"
	}
	return s + ",IpRanges=[{CidrIp=" + peer.Prefix.String() + "}]"
}

func (c Change) entryCommand() string {
	var b strings.Builder
	fmt.Fprintf(&b, "aws ec2 create-network-acl-entry --network-acl-id %s --%s --rule-number %d --protocol %d --rule-action allow",
		c.Owner, c.Direction, c.Number, c.Protocol)
	if c.Peer.Addr().Is6() {
		fmt.Fprintf(&b, " --ipv6-cidr-block %s", c.Peer)
	} else {
		fmt.Fprintf(&b, " --cidr-block %s", c.Peer)
	}
	switch {
	case c.Ports != vpc.PortRange{}:
		fmt.Fprintf(&b, " --port-range From=%d,To=%d", c.Ports.From, c.Ports.To)
	case c.ICMP != nil:
		fmt.Fprintf(&b, " --icmp-type-code Type=%d,Code=%d", c.ICMP.Type, c.ICMP.Code)
	}
	return b.String()
}

// fromTo returns the two ports of a rule, which for ICMP are type and code; empty for
// protocols without either.
func fromTo(ports vpc.PortRange, icmp *vpc.ICMP) (from, to string) {
	switch {
	case ports != vpc.PortRange{}:
		return fmt.Sprint(ports.From), fmt.Sprint(ports.To)
	case icmp != nil:
		return fmt.Sprint(icmp.Type), fmt.Sprint(icmp.Code)
	}
	return "", ""
}

// Terraform returns the resource of the AWS provider that makes the change.
func (c Change) Terraform() string {
	var b strings.Builder
	line := func(key, value string) { fmt.Fprintf(&b, "  %-*s = %s\n", c.keyWidth(), key, value) }
	quote := func(s string) string { return fmt.Sprintf("%q", s) }
	from, to := fromTo(c.Ports, c.ICMP)
	cidr := "cidr_ipv4"
	if c.Layer == NetworkACL {
		cidr = "cidr_block"
	}
	if c.Peer.Addr().Is6() {
		cidr = map[Layer]string{SecurityGroups: "cidr_ipv6", NetworkACL: "ipv6_cidr_block"}[c.Layer]
	}
	if c.Layer == SecurityGroups {
		fmt.Fprintf(&b, "resource \"aws_vpc_security_group_%s_rule\" \"%s\" {\n", c.Direction, c.label())
		line("security_group_id", quote(c.Owner))
		if c.Group != "" {
			line("referenced_security_group_id", quote(c.Group))
		} else {
			line(cidr, quote(c.Peer.String()))
		}
		line("ip_protocol", quote(ProtocolName(c.Protocol)))
		if from != "" {
			line("from_port", from)
			line("to_port", to)
		}
		return b.String() + "}\n"
	}
	fmt.Fprintf(&b, "resource \"aws_network_acl_rule\" \"%s\" {\n", c.label())
	line("network_acl_id", quote(c.Owner))
	line("rule_number", fmt.Sprint(c.Number))
	line("egress", fmt.Sprint(c.Direction == Egress))
	line("protocol", quote(fmt.Sprint(int(c.Protocol))))
	line("rule_action", quote("allow"))
	line(cidr, quote(c.Peer.String()))
	switch {
	case c.ICMP != nil:
		line("icmp_type", from)
		line("icmp_code", to)
	case from != "":
		line("from_port", from)
		line("to_port", to)
	}
	return b.String() + "}\n"
}

// keyWidth aligns equals signs as terraform fmt does.
func (c Change) keyWidth() int {
	if c.Group != "" {
		return len("referenced_security_group_id")
	}
	if c.Layer == SecurityGroups {
		return len("security_group_id")
	}
	if c.Peer.Addr().Is6() {
		return len("ipv6_cidr_block")
	}
	return len("network_acl_id")
}

// label names a Terraform resource after what it allows.
func (c Change) label() string {
	peer := c.Group
	switch {
	case peer == "" && c.Peer.IsSingleIP():
		peer = c.Peer.Addr().String()
	case peer == "":
		peer = c.Peer.String()
	}
	s := fmt.Sprintf("%s%s_%s_%s", c.Prefix, strings.ReplaceAll(c.Service(), " ", "_"), c.Direction, peer)
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		}
		return '_'
	}, s)
}
