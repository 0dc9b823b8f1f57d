package explain

import (
	"slices"
	"strconv"

	"weir/internal/firewall"
	"weir/internal/vpc"
	"weir/record"
)

// askRules says what the rules in force do with the record's packets.
func (a *account) askRules() {
	accepted := a.r.Verdict() == record.Accept
	if a.rules == nil || a.r.Verdict() == record.NoVerdict || accepted && !a.why {
		return
	}
	if a.r.Has(record.RejectReason) {
		a.rule(say("rules.no-rule"))
		return
	}
	var policy *firewall.Policy
	if a.iface != nil {
		policy = a.rules.Policy(a.iface.ID)
	}
	k, ok := a.packet()
	switch {
	case policy == nil && a.text(record.InterfaceID) != "":
		a.rule(say("rules.interface", "interface", a.recorder()))
	case policy == nil:
		a.rule(say("rules.no-interface"))
	case !ok:
		a.rule(say("rules.addresses"))
	case a.x.Facts.Direction == "":
		a.rule(say("rules.direction", "interface", a.recorder()))
	case len(policy.Groups) == 0 && policy.ACL == "":
		a.rule(say("rules.none", "interface", a.recorder()))
	default:
		d := firewall.Ingress
		if a.x.Facts.Direction == "egress" {
			d = firewall.Egress
		}
		state, because := a.state(k)
		(&asking{account: a, policy: policy, d: d, k: k, state: state}).ask(because)
	}
}

func (a *account) rule(s Sentence, below ...Point) {
	a.x.Rules = append(a.x.Rules, Point{Sentence: s, Below: below})
}

// packet is what rules look at: what the packet itself has, where the record says.
func (a *account) packet() (k firewall.Packet, ok bool) {
	var srcOK, dstOK bool
	if k.Src, srcOK = a.r.Addr(record.PktSrcAddr); !srcOK {
		k.Src, srcOK = a.r.Addr(record.SrcAddr)
	}
	if k.Dst, dstOK = a.r.Addr(record.PktDstAddr); !dstOK {
		k.Dst, dstOK = a.r.Addr(record.DstAddr)
	}
	proto := a.number(record.Protocol)
	if !srcOK || !dstOK || proto < 0 || k.Src.Is4() != k.Dst.Is4() {
		return k, false
	}
	k.Protocol = uint8(proto)
	if proto == tcp || proto == udp {
		if !a.r.Has(record.SrcPort) || !a.r.Has(record.DstPort) {
			return k, false
		}
		k.SrcPort, k.DstPort = uint16(a.number(record.SrcPort)), uint16(a.number(record.DstPort))
	}
	k.Type, k.Code = firewall.Unknown, firewall.Unknown
	return k, true
}

// state is where the packets stand in their connection, and what says so.
func (a *account) state(k firewall.Packet) (firewall.State, Sentence) {
	flags, known := a.r.Flags()
	opened := firewall.Opens
	if a.r.Verdict() == record.Accept {
		opened = firewall.Either
	}
	if k.Protocol == tcp && known {
		switch flags & record.SYNACK {
		case record.SYN:
			return firewall.Opens, say("asked.syn")
		case record.SYNACK:
			return firewall.Answers, say("asked.syn-ack")
		}
		if a.back.flags&record.SYNACK == record.SYN {
			return firewall.Answers, say("asked.other-opened")
		}
	}
	if k.Protocol != tcp && k.Protocol != udp {
		if a.back.accepted && a.r.Verdict() == record.Reject {
			return firewall.Answers, say("asked.answer")
		}
		return opened, say("asked.unknown")
	}
	src, dst := a.serves(k.SrcPort), a.serves(k.DstPort)
	switch {
	case dst && !src, dst == src && k.DstPort < k.SrcPort:
		return firewall.Opens, say("asked.port", "port", strconv.Itoa(int(k.DstPort)))
	case src && !dst, dst == src && k.SrcPort < k.DstPort:
		return firewall.Answers, say("asked.answer-port", "port", strconv.Itoa(int(k.SrcPort)))
	}
	return opened, say("asked.unknown")
}

// serves says whether a port is one that servers listen at.
func (a *account) serves(port uint16) bool { return port < 1024 || a.words.Service(int64(port)) != "" }

// asking is one packet before the rules of one interface.
type asking struct {
	*account
	policy *firewall.Policy
	d      firewall.Direction
	k      firewall.Packet
	state  firewall.State
}

func (q *asking) ask(because Sentence) {
	answer := q.policy.Explain(q.d, q.k, q.state)
	q.x.Facts.ByRules = answer.Verdict.String()
	if answer.Unfiltered {
		q.rule(say("rules.unfiltered"))
		return
	}
	q.rule(because)
	for _, step := range answer.Steps {
		q.step(&step, q.d, q.k)
	}
	accepted := q.r.Verdict() == record.Accept
	switch {
	case accepted && answer.Verdict == firewall.Refused:
		q.rule(say("rules.differ"))
	case accepted:
	case answer.Verdict == firewall.Allowed:
		q.reasons()
	case q.x.Facts.Late:
		q.rule(say("rules.late"))
	default:
		q.asymmetry(answer)
		q.changes()
	}
}

// step says what one layer does.
func (q *asking) step(s *firewall.Step, d firewall.Direction, k firewall.Packet) {
	layer := say("layer." + layerKey(s.Layer) + "." + s.Direction.String())
	switch {
	case s.Verdict == firewall.Allowed && s.Answer && s.Opened != nil:
		q.rule(say("step.answer-rule", "layer", layer, "rule", ruleWords(s.Opened)))
	case s.Verdict == firewall.Allowed && s.Answer:
		q.rule(say("step.answer", "layer", layer))
	case s.Verdict == firewall.Allowed && s.Rule != nil:
		q.rule(say("step.allowed", "layer", layer, "rule", ruleWords(s.Rule)))
	case s.Verdict == firewall.Allowed:
		q.rule(say("step.allowed-all", "layer", layer))
	case s.Verdict == firewall.Undecided:
		var below []Point
		for i := range s.Depends {
			below = append(below, Point{Sentence: say("depends", "rule", ruleWords(&s.Depends[i]), "reason", dependsOn(&s.Depends[i], k))})
		}
		q.rule(say("step.undecided", "layer", layer), below...)
	case s.Rule != nil:
		q.rule(say("step.refused", "layer", layer, "rule", ruleWords(s.Rule)), q.near(s, d, k)...)
	default:
		key := "step.refused-none." + layerKey(s.Layer)
		q.rule(say(key, "layer", layer, "packet", q.packetWords(d, k)), q.near(s, d, k)...)
	}
}

func layerKey(l firewall.Layer) string {
	if l == firewall.NetworkACL {
		return "acl"
	}
	return "sg"
}

// dependsOn says what is not known of a rule or a packet.
func dependsOn(r *firewall.Rule, k firewall.Packet) Sentence {
	switch {
	case r.Peer == (firewall.Peer{}):
		return say("depends.group", "group", r.Owner)
	case r.ICMP != nil && (k.Protocol == icmp || k.Protocol == icmpv6):
		return say("depends.icmp")
	}
	return say("depends.peer", "peer", r.Peer.String())
}

// packetWords are protocol, port and the other side.
func (q *asking) packetWords(d firewall.Direction, k firewall.Packet) Sentence {
	service := firewall.ProtocolName(vpc.Protocol(k.Protocol))
	if k.Protocol == tcp || k.Protocol == udp {
		service += " " + strconv.Itoa(int(k.DstPort))
	}
	return say("packet."+d.String(), "service", service, "peer", k.Remote(d).String())
}

// near says which rules nearly let a packet pass, and what each fails.
func (q *asking) near(s *firewall.Step, d firewall.Direction, k firewall.Packet) (out []Point) {
	for i := range s.Near {
		n := &s.Near[i]
		var fails []Sentence
		for _, f := range n.Fails {
			if f == firewall.FailsPort && slices.Contains(n.Fails, firewall.FailsProtocol) {
				continue // ports of another protocol say nothing
			}
			fails = append(fails, failWords(f, &n.Rule, s, d, k))
		}
		out = append(out, Point{Sentence: say("near", "rule", ruleWords(&n.Rule), "fails", fails)})
	}
	return out
}

func failWords(f firewall.Failure, r *firewall.Rule, s *firewall.Step, d firewall.Direction, k firewall.Packet) Sentence {
	switch f {
	case firewall.FailsProtocol:
		return say("fails.protocol", "is", firewall.ProtocolName(r.Protocol), "want", firewall.ProtocolName(vpc.Protocol(k.Protocol)))
	case firewall.FailsPort:
		if r.ICMP != nil {
			return say("fails.icmp")
		}
		return say("fails.port", "service", r.Service(), "port", strconv.Itoa(int(k.DstPort)))
	case firewall.FailsPeer:
		return say("fails.peer", "peer", r.Peer.String(), "address", k.Remote(d).String())
	case firewall.FailsOrder:
		if s.Rule == nil {
			return say("fails.order-any")
		}
		return say("fails.order", "n", strconv.Itoa(s.Rule.Number))
	}
	return say("fails." + f.String())
}

// ruleWords are a rule in a sentence.
func ruleWords(r *firewall.Rule) Sentence {
	owner := any(r.Owner)
	if r.OwnerName != "" {
		owner = say("named.rule", "name", r.OwnerName, "value", r.Owner)
	}
	if r.Peer == (firewall.Peer{}) && r.Layer == firewall.SecurityGroups {
		return say("rule.unknown", "owner", owner)
	}
	args := []any{"owner", owner, "what", say("rule."+r.Direction.String(), "service", r.Service(), "peer", r.Peer.String())}
	switch {
	case r.Layer == firewall.NetworkACL && r.Allow:
		return say("rule.acl.allow", append(args, "n", strconv.Itoa(r.Number))...)
	case r.Layer == firewall.NetworkACL:
		return say("rule.acl.deny", append(args, "n", strconv.Itoa(r.Number))...)
	case r.ID != "":
		return say("rule.sg.id", append(args, "id", r.ID)...)
	}
	return say("rule.sg", args...)
}

// asymmetry says so where one direction passes everything and the other is refused by the
// network ACL.
func (q *asking) asymmetry(answer firewall.Answer) {
	acl, groups := false, true
	for _, s := range answer.Steps {
		switch {
		case s.Layer == firewall.NetworkACL:
			acl = s.Verdict == firewall.Refused
		case s.Verdict == firewall.Refused:
			groups = false
		}
	}
	if acl && groups && q.state == firewall.Answers {
		q.rule(say("asymmetry"))
	}
}

// changes says what to add so that the packets pass, and their answers.
func (q *asking) changes() {
	list, err := q.policy.Suggest(q.d, q.k, q.state)
	if q.state == firewall.Answers {
		list = widen(list, q.k)
	}
	q.suggest("change", list, err)
	if q.state == firewall.Answers || q.k.Protocol == tcp && q.k.DstPort == 0 {
		return
	}
	back := &asking{account: q.account, policy: q.policy, d: q.d.Reverse(), k: q.k.Reverse(), state: firewall.Answers}
	answer := q.policy.Explain(back.d, back.k, back.state)
	if answer.Verdict == firewall.Allowed {
		return
	}
	q.rule(say("answers.refused"))
	for _, s := range answer.Steps {
		if s.Verdict != firewall.Allowed {
			back.step(&s, back.d, back.k)
		}
	}
	list, err = q.policy.Suggest(back.d, back.k, back.state)
	q.suggest("change.answers", widen(list, back.k), err)
}

// firstClientPort is the least port that clients use ("Network ACL rules", Amazon VPC
// User Guide: 1024-65535 covers the clients of all systems).
const firstClientPort = 1024

// widen makes changes for answers allow all ports that clients use: the port of one
// connection is of no use to the next.
func widen(list []firewall.Change, k firewall.Packet) []firewall.Change {
	for i := range list {
		if list[i].Layer == firewall.NetworkACL && k.DstPort >= firstClientPort && list[i].Ports != (vpc.PortRange{}) {
			list[i].Ports = vpc.PortRange{From: firstClientPort, To: 65535}
		}
	}
	return list
}

func (q *asking) suggest(key string, list []firewall.Change, err error) {
	for i := range list {
		c := &list[i]
		owner := any(c.Owner)
		if c.OwnerName != "" {
			owner = say("named.rule", "name", c.OwnerName, "value", c.Owner)
		}
		p := Point{Sentence: say(key, "owner", owner, "what", say("rule."+c.Direction.String(), "service", c.Service(), "peer", c.Peer.String()))}
		p.Code = []string{c.Command(), c.Terraform()}
		if c.Ports.From == firstClientPort && c.Ports.To == 65535 {
			p.Below = append(p.Below, Point{Sentence: say("change.ports")})
		}
		if c.ICMP != nil && c.ICMP.Type == firewall.Unknown {
			p.Below = append(p.Below, Point{Sentence: say("change.icmp")})
		}
		q.x.Rules = append(q.x.Rules, p)
	}
	if err != nil {
		q.rule(say("change.full", "acl", q.policy.ACL))
	}
}

// reasons says why packets may have been refused that the rules let pass, the likeliest
// first.
func (q *asking) reasons() {
	if q.x.Facts.Late {
		q.rule(say("rules.late"))
		return
	}
	flags, known := q.r.Flags()
	order := []string{"reason.changed", "reason.late", "reason.untracked", "reason.bpa", "reason.route", "reason.subnet", "reason.middlebox"}
	switch {
	case q.k.Protocol != tcp:
		order = []string{"reason.changed", "reason.untracked", "reason.bpa", "reason.route", "reason.subnet", "reason.middlebox"}
	case known && flags&record.SYN == 0:
		order = []string{"reason.late", "reason.untracked", "reason.changed", "reason.route", "reason.bpa", "reason.subnet", "reason.middlebox"}
	case known:
		order = []string{"reason.changed", "reason.bpa", "reason.route", "reason.subnet", "reason.middlebox"}
	}
	var below []Point
	for _, key := range order {
		if key == "reason.bpa" && q.format.Has(record.RejectReason) {
			continue // the record would say so
		}
		below = append(below, Point{Sentence: say(key)})
	}
	q.rule(say("reasons"), below...)
}
