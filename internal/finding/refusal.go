package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"weir/internal/firewall"
)

// leastRefused is in how many minutes a client has to be refused by one service.
const leastRefused = 5

// manyRefused is from how many on it is surely no accident.
const manyRefused = 20

// again returns in how many minutes a client was refused.
func (t *talk) again() int { return min(int(t.refused), t.when.count()) }

// refusals reports who is refused again and again: by the rule that refuses, where rules
// are known, else by service.
func (s *search) refusals() {
	byRule := map[string][]*talk{}
	var all []*talk
	for i := range uint32(s.talks.n) {
		t := s.talks.at(i)
		if t.client == nobody || t.again() < leastRefused {
			continue
		}
		if why := s.why(t); why != "" {
			byRule[why] = append(byRule[why], t)
		} else {
			all = append(all, t)
		}
	}
	for why, some := range byRule {
		s.refusedBy(some, "; "+why)
	}
	service := func(a, b *talk) int {
		return cmp.Or(cmp.Compare(a.server, b.server), cmp.Compare(a.port, b.port), cmp.Compare(a.protocol, b.protocol))
	}
	slices.SortFunc(all, service)
	for len(all) > 0 {
		n := 1
		for n < len(all) && service(all[0], all[n]) == 0 {
			n++
		}
		s.refusedBy(all[:n], "")
		all = all[n:]
	}
}

func (s *search) refusedBy(some []*talk, why string) {
	slices.SortFunc(some, func(a, b *talk) int {
		return cmp.Or(cmp.Compare(b.refused, a.refused), cmp.Compare(a.first, b.first), cmp.Compare(a.port, b.port))
	})
	f := Finding{Kind: Refused}
	f.First, f.Last = extent(some)
	var clients, servers []uint32
	var ports []string
	minutes := 0
	oneProtocol := true
	for _, t := range some {
		f.Records += int64(t.refused)
		clients, servers = append(clients, t.client), append(servers, t.server)
		if p := strconv.Itoa(int(t.port)); !slices.Contains(ports, p) && len(ports) <= maxListed {
			ports = append(ports, p)
		}
		minutes = max(minutes, t.again())
		oneProtocol = oneProtocol && t.protocol == some[0].protocol
	}
	froms, tos := s.names(clients), s.names(servers)
	f.Count = int64(len(froms))
	t := some[0]
	who := s.name(t.client)
	if n := len(froms) - 1; n > 0 {
		who += " and " + those(int64(n), "other address", "other addresses")
	}
	to := s.serviceName(t)
	if len(tos) > 1 || len(ports) > 1 || !oneProtocol {
		to += " and others"
	}
	f.Text = fmt.Sprintf("%s was refused %d times by %s, in up to %d different minutes%s", who, f.Records, to, minutes, why)
	f.Confidence = confidence(minutes >= manyRefused, true)
	var protocol string
	if oneProtocol {
		protocol = fmt.Sprintf("protocol = %d", t.protocol)
		if t.protocol == tcp || t.protocol == udp {
			protocol = and(protocol, oneOf("dstport", ports))
		}
	}
	f.Where = and("reject", oneOf("srcaddr", froms), oneOf("dstaddr", tos), protocol)
	f.Evidence = s.evidence(refused, some...)
	s.add(f)
}

// why says which rule refuses, or that none allows; empty if it is not known.
func (s *search) why(t *talk) string {
	if s.o.Rules == nil {
		return ""
	}
	p := s.o.Rules.Policy(s.series.faces[t.face].id)
	if p == nil || p.Interface == nil {
		return ""
	}
	k := firewall.Packet{Src: s.addrs.list[t.client].netip(), Dst: s.addrs.list[t.server].netip(), Protocol: t.protocol, DstPort: t.port,
		Type: firewall.Unknown, Code: firewall.Unknown}
	d := firewall.Egress
	if slices.Contains(p.Interface.Addrs, k.Dst) {
		d = firewall.Ingress
	}
	for _, step := range p.Explain(d, k, firewall.Opens).Steps {
		switch {
		case step.Verdict != firewall.Refused:
		case step.Rule != nil:
			return fmt.Sprintf("entry %d (%s) of %s refuses %s", step.Rule.Number, d, step.Rule.Owner, step.Rule.Service())
		case step.Layer == firewall.NetworkACL:
			return fmt.Sprintf("no entry (%s) of %s allows %s", d, p.ACL, portName(t.protocol, t.port))
		default:
			return fmt.Sprintf("no rule (%s) of %v allows %s from there", d, p.Groups, portName(t.protocol, t.port))
		}
	}
	return "the rules given allow it"
}
