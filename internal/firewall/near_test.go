package firewall

import (
	"net/netip"
	"slices"
	"testing"

	"weir/internal/vpc"
)

// A near rule is what its failures say: mended in all of them it lets the packet pass,
// and in all but one it does not.
func TestNearRulesFailWhatTheySay(t *testing.T) {
	seen := map[Failure]int{}
	everyCase(t, func(t *testing.T, c *randomCase) {
		for _, s := range c.p.Explain(c.d, c.k, c.s).Steps {
			for _, near := range s.Near {
				if len(near.Fails) == 0 || !slices.IsSorted(near.Fails) {
					t.Errorf("%s fails %v", &near.Rule, near.Fails)
				}
				for _, f := range near.Fails {
					seen[f]++
				}
				if near.Fails[0] == FailsReturn {
					c.checkReturn(t, near)
					continue
				}
				if got := c.mended(near, near.Fails); got != isTrue {
					t.Errorf("%s, mended in %v: %s", &near.Rule, near.Fails, verdictOf(got))
				}
				for _, f := range near.Fails {
					if f == FailsPort && near.Fails[0] == FailsProtocol && !c.comparable(near.Rule) {
						continue // once the protocol is another, the rule's ports say nothing
					}
					others := slices.DeleteFunc(slices.Clone(near.Fails), func(x Failure) bool { return x == f })
					if got := c.mended(near, others); got == isTrue {
						t.Errorf("%s, mended in %v, passes without mending %s", &near.Rule, others, f)
					}
				}
			}
		}
	})
	t.Log(seen)
	for f := FailsProtocol; f <= FailsReturn; f++ {
		if seen[f] < 20 {
			t.Errorf("%s failed %d times: the test is blind there", f, seen[f])
		}
	}
}

// comparable says whether a packet has what a rule's ports or ICMP type are compared with.
func (c *randomCase) comparable(r Rule) bool {
	return c.k.ports() && r.Ports != (vpc.PortRange{}) || c.k.icmp() && r.ICMP != nil
}

// checkReturn checks that a rule lets the request pass, and that its mirror would let the
// packet pass.
func (c *randomCase) checkReturn(t *testing.T, near Near) {
	back := c.d.Reverse()
	if near.Rule.Direction != back || len(near.Fails) != 1 {
		t.Errorf("%s fails %v", &near.Rule, near.Fails)
	}
	if groups, acl, _ := naive(c.n, c.i, back, naiveReverse(c.k), Opens); groups != isTrue || acl != isTrue {
		t.Errorf("%s fails to return a request that does not pass", &near.Rule)
	}
	mirror := near
	mirror.Rule.Direction, mirror.Rule.Ports, mirror.Rule.ICMP, mirror.Rule.Number = c.d, vpc.PortRange{}, nil, 0
	if got := c.mended(mirror, []Failure{FailsOrder}); got != isTrue {
		t.Errorf("the mirror of %s: %s", &near.Rule, verdictOf(got))
	}
}

// mended returns the verdict of a near rule's layer once the rule is mended in the
// failures given.
func (c *randomCase) mended(near Near, fails []Failure) three {
	r := near.Rule
	mend := func(f Failure) bool { return slices.Contains(fails, f) }
	if mend(FailsProtocol) {
		r.Protocol = vpc.Protocol(c.k.Protocol)
		if !c.k.icmp() {
			r.ICMP = nil
		}
		if !c.k.ports() {
			r.Ports = vpc.PortRange{}
		}
	}
	if mend(FailsPort) {
		r.Ports, r.ICMP = vpc.PortRange{}, nil
		switch {
		case c.k.ports() && r.Protocol == vpc.Protocol(c.k.Protocol):
			r.Ports = vpc.PortRange{From: c.k.DstPort, To: c.k.DstPort}
		case c.k.icmp() && r.Protocol == vpc.Protocol(c.k.Protocol):
			r.ICMP = &vpc.ICMP{Type: int(c.k.Type), Code: int(c.k.Code)}
		}
	}
	peer := vpc.SecurityGroupRule{Protocol: r.Protocol, Ports: r.Ports, ICMP: r.ICMP}
	switch {
	case mend(FailsPeer):
		remote := c.k.Remote(c.d)
		r.Peer = Peer{Prefix: netip.PrefixFrom(remote, remote.BitLen())}
		peer.CIDRs = []netip.Prefix{r.Peer.Prefix}
	case r.Peer.Group != "":
		peer.Groups = []string{r.Peer.Group}
	default: // of a list, its one network
		peer.CIDRs = []netip.Prefix{r.Peer.Prefix}
	}
	if mend(FailsDirection) {
		r.Direction = c.d
	}
	if r.Layer == SecurityGroups {
		return c.withRule(r, peer)
	}
	return c.withEntry(r, mend(FailsOrder))
}

func (c *randomCase) withRule(r Rule, peer vpc.SecurityGroupRule) three {
	n := *c.n
	n.SecurityGroups = slices.Clone(n.SecurityGroups)
	for i := range n.SecurityGroups {
		if g := &n.SecurityGroups[i]; g.ID == r.Owner && r.Direction == Ingress {
			g.Ingress = append(slices.Clip(g.Ingress), peer)
		} else if g.ID == r.Owner {
			g.Egress = append(slices.Clip(g.Egress), peer)
		}
	}
	groups, _, _ := naive(&n, c.i, c.d, c.k, Opens)
	return groups
}

func (c *randomCase) withEntry(r Rule, first bool) three {
	n := *c.n
	n.NetworkACLs = slices.Clone(n.NetworkACLs)
	e := vpc.ACLEntry{Number: r.Number, Allow: true, Protocol: r.Protocol, Ports: r.Ports, ICMP: r.ICMP, CIDR: r.Peer.Prefix}
	if first {
		e.Number = 0 // no entry has it
	}
	for i := range n.NetworkACLs {
		a := &n.NetworkACLs[i]
		if a.ID != r.Owner {
			continue
		}
		list := &a.Ingress
		if c.d == Egress {
			list = &a.Egress
		}
		*list = slices.DeleteFunc(slices.Clone(*list), func(x vpc.ACLEntry) bool { return x.Number == r.Number })
		for j := range *list {
			(*list)[j].Number++
		}
		e.Number++
		*list = append(*list, e)
	}
	_, acl, _ := naive(&n, c.i, c.d, c.k, c.s)
	return acl
}
