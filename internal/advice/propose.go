package advice

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"weir/internal/firewall"
	"weir/internal/vpc"
)

// A Verdict is what the records say of a present rule.
type Verdict string

// Verdicts.
const (
	Used    Verdict = "used"
	Unused  Verdict = "unused"
	Wider   Verdict = "wider than used"
	Unknown Verdict = "not known" // it may have been used, or no record could say so
)

// DefaultRules is how many rules a group may have in a direction ("Amazon VPC quotas",
// Amazon VPC User Guide, as known on 2026-11-24).
const DefaultRules = 60

// A Report is what is proposed.
type Report struct {
	Sides  []Side // by group, ingress first
	Counts Counts
}

// A Side is one direction of a group.
type Side struct {
	Owner, OwnerName string
	Direction        firewall.Direction
	Interfaces       int // in the group
	Recorded         int // of them have records; 0: nothing is known of the rules
	Rules            []Rule
	// Before and After are how many rules there are, now and with the proposal.
	Before, After int
}

// A Rule is a present rule, and what may replace it.
type Rule struct {
	firewall.Rule
	Verdict Verdict
	Note    string // why it is not narrowed, or which rule has its traffic; may be empty
	Sums
	Narrower []Proposal // only if Verdict is Wider; may be empty if a present rule has it all
}

// Replaced says whether the proposal is to take the rule out.
func (r *Rule) Replaced() bool { return r.Verdict == Unused || r.Verdict == Wider }

// A Proposal is a new rule.
type Proposal struct {
	firewall.Change
	Sums
	// Widened is how many addresses it allows that no record has, because rules were
	// joined to have few enough; at most the greatest int64.
	Widened int64
}

// Propose makes rules of all that was collected, at most so many for each direction of a
// group; 0 is [DefaultRules]. Nothing must be added meanwhile or afterwards.
func (a *Advisor) Propose(most int) Report {
	most = cmp.Or(most, DefaultRules)
	all := a.Collector()
	for _, c := range a.collectors[:len(a.collectors)-1] {
		all.merge(c)
	}
	a.collectors = nil
	used := make([]usage, len(a.presents))
	for key, n := range all.needs {
		for _, i := range n.rules {
			used[i].add(n.Sums)
			used[i].maybe = used[i].maybe || n.maybe
			used[i].needs = append(used[i].needs, want{key, n})
		}
	}
	r := Report{Counts: all.counts}
	r.Counts.Needs = int64(len(all.needs))
	first := map[string]int{}
	for i := range a.presents {
		id := a.presents[i].Owner + " " + a.presents[i].Direction.String()
		n, ok := first[id]
		if !ok {
			n = len(r.Sides)
			first[id] = n
			r.Sides = append(r.Sides, a.side(&a.presents[i].Rule, all.seen))
		}
		s := &r.Sides[n]
		s.Rules = append(s.Rules, a.rule(i, &used[i], s.Recorded > 0))
	}
	for i := range r.Sides {
		r.Sides[i].fit(most)
	}
	slices.SortStableFunc(r.Sides, func(x, y Side) int {
		return cmp.Or(strings.Compare(x.Owner, y.Owner), int(x.Direction)-int(y.Direction))
	})
	return r
}

// A usage is what a present rule let pass.
type usage struct {
	Sums
	maybe bool
	needs []want
}

type want struct {
	needKey
	*need
}

func (a *Advisor) side(r *firewall.Rule, seen []bool) Side {
	s := Side{Owner: r.Owner, OwnerName: r.OwnerName, Direction: r.Direction}
	for _, i := range a.groups[r.Owner].members {
		s.Interfaces++
		if seen[i] {
			s.Recorded++
		}
	}
	return s
}

func (a *Advisor) rule(i int, u *usage, recorded bool) Rule {
	r := Rule{Rule: a.presents[i].Rule, Verdict: Used, Sums: u.Sums}
	switch {
	case !recorded:
		r.Verdict, r.Note = Unknown, "no interface of the group has records"
	case u.maybe:
		r.Verdict, r.Note = Unknown, "it may have been used: records have no ICMP type, or a peer is not known"
	case len(u.needs) == 0:
		r.Verdict = Unused
	case r.Peer.PrefixList != "":
		r.Note = "a prefix list is not narrowed"
	default:
		r.Narrower = a.narrower(i, u.needs)
		if len(r.Narrower) > 1 || keyOfChange(&r.Narrower[0].Change) != keyOf(&r.Rule) {
			r.Verdict = Wider
		} else {
			r.Narrower = nil
		}
	}
	return r
}

// narrower makes a rule for each service and peer.
func (a *Advisor) narrower(i int, needs []want) []Proposal {
	rule := &a.presents[i].Rule
	byKey := map[ruleKey]*Proposal{}
	for _, w := range needs {
		p := Proposal{Change: firewall.Change{Layer: firewall.SecurityGroups, Owner: rule.Owner, OwnerName: rule.OwnerName, Direction: rule.Direction,
			Protocol: vpc.Protocol(w.proto), Prefix: rule.Owner + "_"}, Sums: w.Sums}
		switch p.Protocol {
		case vpc.ProtoTCP, vpc.ProtoUDP: // port 0 alone cannot be said
			p.Ports = vpc.PortRange{From: w.port, To: max(w.port, 1)}
		case vpc.ProtoICMP, vpc.ProtoICMPv6:
			p.ICMP = &vpc.ICMP{Type: firewall.Unknown, Code: firewall.Unknown}
		}
		addr := netip.AddrFrom16(w.peer).Unmap()
		if p.Group = a.groupOf(rule, addr); p.Group == "" {
			p.Peer = netip.PrefixFrom(addr, addr.BitLen())
		}
		k := keyOfChange(&p.Change)
		if old := byKey[k]; old != nil {
			old.add(w.Sums)
		} else {
			byKey[k] = &p
		}
	}
	var out []Proposal
	for _, p := range byKey {
		out = append(out, *p)
	}
	slices.SortFunc(out, compare)
	return out
}

func keyOfChange(c *firewall.Change) ruleKey {
	return keyOf(&firewall.Rule{Owner: c.Owner, Direction: c.Direction, Protocol: c.Protocol, Ports: c.Ports, ICMP: c.ICMP,
		Peer: firewall.Peer{Prefix: c.Peer, Group: c.Group}})
}

func compare(x, y Proposal) int {
	return cmp.Or(cmp.Compare(x.Protocol, y.Protocol), cmp.Compare(x.Ports.From, y.Ports.From), strings.Compare(x.Group, y.Group),
		x.Peer.Addr().Compare(y.Peer.Addr()), x.Peer.Bits()-y.Peer.Bits())
}

// groupOf returns the group that a peer is named by: that of the rule, or the smallest
// one of the peer of which every interface is allowed by the rule, but not one that all
// interfaces are in. It returns "" if the address is all that can be said.
func (a *Advisor) groupOf(rule *firewall.Rule, peer netip.Addr) string {
	if rule.Peer.Group != "" {
		return rule.Peer.Group
	}
	n, ok := a.byAddr[peer]
	if !ok || n < 0 {
		return ""
	}
	best, least := "", len(a.faces)
	for _, id := range a.faces[n].SecurityGroups {
		if g := a.groups[id]; g != nil && len(g.members) < least && a.within(g, rule.Peer.Prefix) {
			best, least = id, len(g.members)
		}
	}
	return best
}

// within says whether all addresses of a group's interfaces are in a network.
func (a *Advisor) within(g *group, network netip.Prefix) bool {
	for _, i := range g.members {
		for _, addr := range a.faces[i].Addrs {
			if !addr.IsLinkLocalUnicast() && !network.Contains(addr) {
				return false
			}
		}
	}
	return true
}
