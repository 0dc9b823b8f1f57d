package firewall

import (
	"net/netip"
	"slices"

	"weir/internal/vpc"
)

// An Answer says what becomes of a packet, and why.
type Answer struct {
	Verdict    Verdict
	Unfiltered bool   // no layer looks at it; then there are no Steps
	Steps      []Step // in the order in which the packet meets them; all, also after a refusal
}

// A Step is what one layer does.
type Step struct {
	Layer     Layer
	Direction Direction
	Verdict   Verdict

	// Rule decided. It is nil if no rule matched, which refuses, and if the packet
	// passes as the answer of a connection that Opened let through, or of one that is
	// only known to have been allowed.
	Rule   *Rule
	Answer bool
	Opened *Rule

	Depends []Rule // only if Verdict is Undecided: rules that may match
	Near    []Near // only if Verdict is Refused: the nearest ones first
}

// A Near is a rule that would have let a packet pass, but for what it fails.
type Near struct {
	Rule  Rule
	Fails []Failure // in the order of their constants, at least one
}

// A Failure is why a rule does not apply to a packet.
type Failure uint8

// Failures.
const (
	FailsProtocol  Failure = iota
	FailsPort              // the destination port, or type and code of ICMP
	FailsPeer              // the other side's address is another, or isn't known to be the rule's
	FailsDirection         // it is a rule for the other direction
	FailsOrder             // an entry with a lower number decides first
	FailsReturn            // it lets the request pass, and a network ACL does not remember that
)

// String returns "protocol", "port", "peer", "direction", "order" or "return".
func (f Failure) String() string {
	return [...]string{"protocol", "port", "peer", "direction", "order", "return"}[f]
}

// maxNear is how many near rules are told.
const maxNear = 5

// Explain returns what Decide returns, with reasons.
func (p *Policy) Explain(d Direction, k Packet, s State) Answer {
	if p.Unfiltered(k) {
		return Answer{Verdict: Allowed, Unfiltered: true}
	}
	a := Answer{Verdict: Allowed}
	groups, acl := p.explainGroups(d, k, s), p.explainACL(d, k, s)
	steps := []*Step{acl, groups}
	if d == Egress {
		slices.Reverse(steps)
	}
	for _, step := range steps {
		if step == nil {
			continue
		}
		a.Steps = append(a.Steps, *step)
		switch {
		case step.Verdict == Refused:
			a.Verdict = Refused
		case step.Verdict == Undecided && a.Verdict == Allowed:
			a.Verdict = Undecided
		}
	}
	return a
}

func (p *Policy) explainGroups(d Direction, k Packet, s State) *Step {
	t := p.groups[d]
	if t == nil {
		return nil
	}
	step := &Step{Layer: SecurityGroups, Direction: d}
	if s != Opens {
		opened := p.reasons(p.groups[d.Reverse()], d.Reverse(), k.Reverse())
		switch {
		case s == Answers:
			step.Verdict, step.Answer, step.Opened = Allowed, true, opened.Rule
			return step
		case opened.Rule != nil && p.reasons(t, d, k).Rule == nil:
			step.Verdict, step.Answer, step.Opened = Allowed, true, opened.Rule
			return step
		}
	}
	r := p.reasons(t, d, k)
	step.Rule, step.Depends = r.Rule, r.Depends
	switch {
	case r.Rule != nil:
		step.Verdict, step.Depends = Allowed, nil
	case len(r.Depends) > 0:
		step.Verdict = Undecided
	case s == Either:
		if back := p.reasons(p.groups[d.Reverse()], d.Reverse(), k.Reverse()); len(back.Depends) > 0 {
			step.Verdict, step.Depends = Undecided, back.Depends
		}
	}
	if step.Verdict == Refused {
		step.Near = p.nearGroups(d, k)
	}
	return step
}

// reasons are the rules of a table that match, or may.
type reasons struct {
	Rule    *Rule
	Depends []Rule // before Rule
}

func (p *Policy) reasons(t *table, d Direction, k Packet) (r reasons) {
	if t == nil {
		return r
	}
	var q probe
	q.set(d, &k)
	t.match(p.members, &q, func(ref int32, how int) bool {
		if how == yes {
			r.Rule = &t.rules[ref]
			return true
		}
		r.Depends = append(r.Depends, t.rules[ref])
		return false
	})
	return r
}

func (p *Policy) explainACL(d Direction, k Packet, s State) *Step {
	t := p.acl[d]
	var remote end
	remote.set(k.Remote(d))
	if t == nil || p.sameSubnet(&remote) {
		return nil
	}
	step := &Step{Layer: NetworkACL, Direction: d, Verdict: p.byACL(d, k)}
	r := p.reasons(t, d, k)
	step.Rule = r.Rule
	switch step.Verdict {
	case Undecided:
		step.Depends = r.Depends
	case Refused:
		step.Near = p.nearACL(d, k, s, r.blocker())
	}
	return step
}

// nearGroups returns the rules of the groups that nearly allow a packet.
func (p *Policy) nearGroups(d Direction, k Packet) []Near {
	list := p.failures(p.groups[d], d, k, nil)
	back := d.Reverse()
	if t := p.groups[back]; t != nil {
		// A rule of the other direction that fits, as it stands, the packet's remote side.
		// One that is for everything was not meant for this.
		for _, n := range p.failures(t, d, k, nil) {
			if n.Rule.Protocol == vpc.AllProtocols && n.Rule.Peer.Prefix.IsValid() && n.Rule.Peer.Prefix.Bits() == 0 {
				continue
			}
			list = append(list, Near{Rule: n.Rule, Fails: append(n.Fails, FailsDirection)})
		}
	}
	return nearest(list)
}

// nearACL returns the entries that nearly allow a packet which the blocker refuses; nil
// is that no entry does.
func (p *Policy) nearACL(d Direction, k Packet, s State, blocker *Rule) []Near {
	list := p.failures(p.acl[d], d, k, blocker)
	back := d.Reverse()
	if s != Opens && p.byACL(back, k.Reverse()) == Allowed && p.byGroups(back, k.Reverse(), Opens) == Allowed {
		if r := p.reasons(p.acl[back], back, k.Reverse()); r.Rule != nil {
			list = append(list, Near{Rule: *r.Rule, Fails: []Failure{FailsReturn}})
		}
	}
	return nearest(list)
}

// blocker returns the first entry that refuses or may refuse; nil if there is none.
func (r *reasons) blocker() *Rule {
	for i := range r.Depends {
		if !r.Depends[i].Allow {
			return &r.Depends[i]
		}
	}
	if r.Rule != nil && !r.Rule.Allow {
		return r.Rule
	}
	return nil
}

// failures returns what each rule that allows fails. Those that fail nothing are later
// than the blocker.
func (p *Policy) failures(t *table, d Direction, k Packet, blocker *Rule) (out []Near) {
	for i := range t.rules {
		r := &t.rules[i]
		if !r.Allow || r.Peer == (Peer{}) {
			continue
		}
		fails := p.fails(r, d, k)
		if blocker != nil && r.Number > blocker.Number {
			fails = append(fails, FailsOrder)
		}
		out = append(out, Near{Rule: *r, Fails: fails})
	}
	return out
}

// fails compares a rule with a packet, piece by piece.
func (p *Policy) fails(r *Rule, d Direction, k Packet) (out []Failure) {
	proto := vpc.Protocol(k.Protocol)
	if r.Protocol != vpc.AllProtocols && r.Protocol != proto {
		out = append(out, FailsProtocol)
	}
	switch {
	case r.Ports != vpc.PortRange{} && (!k.ports() || k.DstPort < r.Ports.From || k.DstPort > r.Ports.To):
		out = append(out, FailsPort)
	case r.ICMP != nil && r.ICMP.Type != Unknown && (!k.icmp() || int(k.Type) != r.ICMP.Type || r.ICMP.Code != Unknown && int(k.Code) != r.ICMP.Code):
		out = append(out, FailsPort)
	}
	if !p.isPeer(r.Peer, k.Remote(d)) {
		out = append(out, FailsPeer)
	}
	return out
}

func (p *Policy) isPeer(peer Peer, a netip.Addr) bool {
	if peer.Group != "" {
		var e end
		e.set(a)
		set, _ := p.members.of(&e)
		return has(set, p.members.bits[peer.Group])
	}
	return peer.Prefix.IsValid() && peer.Prefix.Contains(a.Unmap())
}

// rank is which failure is nearer, of rules that fail as much.
var rank = [...]int{FailsReturn: 0, FailsOrder: 1, FailsPeer: 2, FailsPort: 3, FailsProtocol: 4, FailsDirection: 5}

// nearest returns those that fail one thing, or if there is none two, and no more than
// maxNear. Of a rule that fails its peer alone, longer prefixes are nearer.
func nearest(list []Near) []Near {
	slices.SortStableFunc(list, func(a, b Near) int {
		if c := len(a.Fails) - len(b.Fails); c != 0 {
			return c
		}
		if len(a.Fails) > 0 && len(b.Fails) > 0 && a.Fails[0] != b.Fails[0] {
			return rank[a.Fails[0]] - rank[b.Fails[0]]
		}
		return b.Rule.Peer.Prefix.Bits() - a.Rule.Peer.Prefix.Bits()
	})
	var out []Near
	for _, n := range list {
		if len(n.Fails) == 0 || len(n.Fails) > 2 || len(out) == maxNear || len(out) > 0 && len(n.Fails) > len(out[0].Fails) {
			continue
		}
		out = append(out, n)
	}
	return out
}
