package firewall

import (
	"errors"
	"flag"
	"net/netip"
	"slices"
	"testing"

	"weir/internal/vpc"
)

var (
	firstSeed = flag.Uint64("firewall.seed", 1, "the first seed of random networks")
	seeds     = flag.Int("firewall.seeds", 400, "how many random networks")
)

const packetsEach = 40

// everyCase calls fn with many random networks and packets.
func everyCase(t *testing.T, fn func(t *testing.T, c *randomCase)) {
	t.Helper()
	for seed := *firstSeed; seed < *firstSeed+uint64(*seeds); seed++ {
		r := roll(seed)
		n := r.network()
		set := Compile(n)
		for range packetsEach {
			c := &randomCase{dice: r, n: n, i: pick(r, n.Interfaces...), seed: seed}
			c.p = set.Policy(c.i.ID)
			c.d, c.k, c.s = r.packet(c.i)
			if fn(t, c); t.Failed() {
				t.Fatalf("repeat with -firewall.seed=%d -firewall.seeds=1: %s %s %s, state %d, groups %v", seed, c.i.ID, c.d, c.k, c.s, c.i.SecurityGroups)
			}
		}
	}
}

type randomCase struct {
	dice
	seed uint64
	n    *vpc.Network
	i    *vpc.Interface
	p    *Policy
	d    Direction
	k    Packet
	s    State
}

func TestDecideIsWhatTheNaiveModelSays(t *testing.T) {
	count := map[Verdict]int{}
	everyCase(t, func(t *testing.T, c *randomCase) {
		_, _, want := naive(c.n, c.i, c.d, c.k, c.s)
		got := c.p.Decide(c.d, c.k, c.s)
		count[got]++
		if got != verdictOf(want) {
			t.Errorf("Decide = %s, the naive model says %s", got, verdictOf(want))
		}
		if a := c.p.Explain(c.d, c.k, c.s); a.Verdict != got {
			t.Errorf("Explain = %s, Decide = %s", a.Verdict, got)
		}
	})
	t.Logf("%v", count)
	for _, v := range []Verdict{Refused, Allowed, Undecided} {
		if count[v] < *seeds*packetsEach/50 {
			t.Errorf("only %d packets were %s: the test is blind there", count[v], v)
		}
	}
}

// What is decided stays so whatever turns out about what was not known.
func TestDecidedHoldsWhateverIsUnknown(t *testing.T) {
	everyCase(t, func(t *testing.T, c *randomCase) {
		got := c.p.Decide(c.d, c.k, c.s)
		if got == Undecided {
			return
		}
		n, k := *c.n, c.k
		n.PrefixLists = append(slices.Clone(n.PrefixLists), vpc.PrefixList{ID: "pl-nobody-described", CIDRs: c.networks()})
		n.SecurityGroups = append(slices.Clone(n.SecurityGroups), vpc.SecurityGroup{ID: "sg-nobody-described", Ingress: c.rules(), Egress: c.rules()})
		n.Interfaces = append(slices.Clone(n.Interfaces), stranger(&n, c))
		if k.icmp() && k.Type == Unknown {
			k.Type = int16(c.IntN(256))
		}
		if k.icmp() && k.Code == Unknown {
			k.Code = int16(c.IntN(4))
		}
		if s := c.s; s == Either && k != c.k {
			return // the answer's type follows from the packet's
		}
		if _, _, now := naive(&n, c.i, c.d, k, c.s); verdictOf(now) != got {
			t.Errorf("decided %s; with what was unknown: %s", got, verdictOf(now))
		}
	})
}

func TestExplainedRulesMatch(t *testing.T) {
	seen := map[string]int{}
	everyCase(t, func(t *testing.T, c *randomCase) {
		a := c.p.Explain(c.d, c.k, c.s)
		groups, acl, _ := naive(c.n, c.i, c.d, c.k, c.s)
		if a.Unfiltered != naiveUnfiltered(c.n, c.i, c.k) || a.Unfiltered && len(a.Steps) > 0 {
			t.Errorf("unfiltered %v, steps %d", a.Unfiltered, len(a.Steps))
		}
		for i, s := range a.Steps {
			if inOrder := s.Layer == NetworkACL == (c.d == Ingress == (i == 0)); len(a.Steps) == 2 && !inOrder {
				t.Errorf("step %d of %s is %s", i, c.d, s.Layer)
			}
			want := groups
			if s.Layer == NetworkACL {
				want = acl
			}
			if s.Verdict != verdictOf(want) {
				t.Errorf("%s: %s, the naive model says %s", s.Layer, s.Verdict, verdictOf(want))
			}
			seen[s.Layer.String()+" "+s.Verdict.String()]++
			if s.Verdict != Undecided && len(s.Depends) > 0 || s.Verdict == Undecided && len(s.Depends) == 0 {
				t.Errorf("%s is %s and depends on %d rules", s.Layer, s.Verdict, len(s.Depends))
			}
			if s.Verdict != Refused && len(s.Near) > 0 {
				t.Errorf("%s is %s and has near rules", s.Layer, s.Verdict)
			}
			for _, dep := range s.Depends {
				if m := naiveMatch(c.n, &dep, c.k); dep.Direction == c.d && m != isOpen {
					t.Errorf("depends on %s, which matches: %d", &dep, m)
				}
			}
			if s.Rule != nil {
				c.checkRule(t, s)
			}
			if s.Layer == SecurityGroups && s.Verdict == Allowed && s.Rule == nil && !s.Answer {
				t.Errorf("allowed for no reason")
			}
			if s.Opened != nil && naiveMatch(c.n, s.Opened, naiveReverse(c.k)) != isTrue {
				t.Errorf("opened by %s, which does not match", s.Opened)
			}
		}
	})
	t.Log(seen)
}

// checkRule checks that the rule of a step decides.
func (c *randomCase) checkRule(t *testing.T, s Step) {
	if s.Rule.Direction != c.d || s.Rule.Layer != s.Layer {
		t.Errorf("decided by %s, which is of another place", s.Rule)
	}
	if m := naiveMatch(c.n, s.Rule, c.k); m != isTrue {
		t.Errorf("decided by %s, which matches: %d", s.Rule, m)
	}
	if s.Verdict != Undecided && (s.Verdict == Allowed) != s.Rule.Allow {
		t.Errorf("%s by %s", s.Verdict, s.Rule)
	}
	if s.Layer == SecurityGroups {
		if !slices.Contains(c.i.SecurityGroups, s.Rule.Owner) {
			t.Errorf("decided by %s, a group that the interface is not in", s.Rule)
		}
		return
	}
	for _, e := range naiveEntries(c.n, s.Rule.Owner, c.d) {
		if e.Number < s.Rule.Number && all(naiveService(e.Protocol, e.Ports, e.ICMP, c.k), sure(e.CIDR.Contains(c.k.Remote(c.d)))) == isTrue {
			t.Errorf("decided by %s, and entry %d matches", s.Rule, e.Number)
		}
	}
}

func naiveEntries(n *vpc.Network, acl string, d Direction) []vpc.ACLEntry {
	for _, a := range n.NetworkACLs {
		switch {
		case a.ID != acl:
		case d == Ingress:
			return a.Ingress
		default:
			return a.Egress
		}
	}
	return nil
}

// naiveMatch compares one rule with a packet in the rule's direction.
func naiveMatch(n *vpc.Network, r *Rule, k Packet) three {
	if r.Peer == (Peer{}) {
		return isOpen // a group that nobody described
	}
	remote := k.Src
	if r.Direction == Egress {
		remote = k.Dst
	}
	m := vpc.SecurityGroupRule{}
	switch p := r.Peer; {
	case p.PrefixList != "":
		m.PrefixLists = []string{p.PrefixList}
	case p.Group != "":
		m.Groups = []string{p.Group}
	default:
		m.CIDRs = append(m.CIDRs, p.Prefix)
	}
	return all(naiveService(r.Protocol, r.Ports, r.ICMP, k), naivePeer(n, &m, remote))
}

func TestSuggestedChangesAreEnoughAndNoMore(t *testing.T) {
	made, none := 0, 0
	everyCase(t, func(t *testing.T, c *randomCase) {
		changes, err := c.p.Suggest(c.d, c.k, c.s)
		before := c.p.Decide(c.d, c.k, c.s)
		switch {
		case errors.Is(err, ErrNoNumber):
			none++
			if !c.refusedByEntry1() {
				t.Errorf("no number: %v", err)
			}
			return
		case err != nil:
			t.Error(err)
		case before == Allowed:
			if len(changes) > 0 {
				t.Errorf("it passes, and %d changes are suggested", len(changes))
			}
			return
		case len(changes) == 0:
			t.Errorf("%s, and nothing is suggested", before)
		}
		n := c.n
		for _, ch := range changes {
			if ch.Owner == "sg-nobody-described" {
				return // nothing to change in this network
			}
			n = ch.Apply(n)
		}
		made++
		if _, _, now := naive(n, c.i, c.d, c.k, c.s); now != isTrue {
			t.Errorf("with %+v the naive model says %s", changes, verdictOf(now))
		}
		if got := Compile(n).Policy(c.i.ID).Decide(c.d, c.k, c.s); got != Allowed {
			t.Errorf("with %+v: %s", changes, got)
		}
		for range 10 {
			d, k, _ := c.packet(c.i)
			if d == c.d && c.covers(k) {
				continue
			}
			_, _, was := naive(c.n, c.i, d, k, Opens)
			if _, _, now := naive(n, c.i, d, k, Opens); now != was {
				t.Errorf("with %+v: %s %s was %s and is %s", changes, d, k, verdictOf(was), verdictOf(now))
			}
		}
	})
	t.Logf("%d packets let pass, %d without a number", made, none)
	if made < *seeds*4 || none == 0 {
		t.Errorf("%d packets were let pass, %d had no number: the test is blind there", made, none)
	}
}

// refusedByEntry1 says whether the ACL of the interface has no number left below what
// refuses; random networks number from 1 in hundreds.
func (c *randomCase) refusedByEntry1() bool {
	for _, e := range naiveEntries(c.n, c.p.ACL, c.d) {
		if e.Number == 1 && !e.Allow && all(naiveService(e.Protocol, e.Ports, e.ICMP, c.k), sure(e.CIDR.Contains(c.k.Remote(c.d)))) != isFalse {
			return true
		}
	}
	return false
}

// covers says whether a change for c's packet may mean k too: protocol, destination port
// or ICMP type and code, and the other side's address are the same, or not known.
func (c *randomCase) covers(k Packet) bool {
	if k.Protocol != c.k.Protocol || k.Remote(c.d) != c.k.Remote(c.d) {
		return false
	}
	if k.icmp() {
		return c.k.Type == Unknown || k.Type == Unknown ||
			k.Type == c.k.Type && (c.k.Code == Unknown || k.Code == Unknown || k.Code == c.k.Code)
	}
	return !k.ports() || k.DstPort == c.k.DstPort
}

// networks makes the networks of a prefix list.
func (c *randomCase) networks() (out []netip.Prefix) {
	for range c.IntN(4) {
		out = append(out, c.cidr())
	}
	return out
}

// stranger is an interface of a group that nobody described, at an address that none of
// the network's has.
func stranger(n *vpc.Network, c *randomCase) *vpc.Interface {
	for {
		a := c.addr(c.IntN(2) == 0)
		taken := slices.ContainsFunc(n.Interfaces, func(i *vpc.Interface) bool { return slices.Contains(i.Addrs, a) })
		if !taken {
			return &vpc.Interface{ID: "eni-stranger", Addrs: []netip.Addr{a}, SecurityGroups: []string{"sg-nobody-described"}}
		}
	}
}
