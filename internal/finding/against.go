package finding

import "fmt"

// manyClients is how many of a service's clients make it sure that it is one.
const manyClients = 2

// A place is a service by its address.
type servicePlace struct {
	addr     addr
	port     uint16
	protocol uint8
}

// against reports services and clients that an earlier period did not have. Only private
// addresses count: of others there are new ones all the time.
func (s *search) against() {
	if s.o.Against == nil {
		return
	}
	before := s.o.Against.joined()
	services, known := map[servicePlace]bool{}, map[addr]bool{}
	for i := range uint32(before.talks.n) {
		t := before.talks.at(i)
		server := before.addrs.list[t.server]
		known[server], known[before.addrs.list[t.client]] = true, true
		if t.answers > 0 {
			services[servicePlace{server, t.port, t.protocol}] = true
		}
	}
	s.groups(func(t *talk) (uint64, bool) {
		at := s.addrs.list[t.server]
		return uint64(t.server)<<24 | uint64(t.port)<<8 | uint64(t.protocol), t.answers > 0 && t.asks > 0 && rank(t.port) != ephemeral && at.inside() &&
			!services[servicePlace{at, t.port, t.protocol}]
	}, func(all []*talk) {
		f := s.newOnes(NewService, all)
		f.Confidence = confidence(false, f.Count >= manyClients)
		f.Text = fmt.Sprintf("%s answered %s, and did not answer in the earlier records", s.serviceName(all[0]), those(f.Count, "address", "addresses"))
		f.Where = and("dstaddr = "+s.name(all[0].server), ofProtocol(all[0].protocol, all[0].port))
		s.add(f)
	})
	s.groups(func(t *talk) (uint64, bool) {
		at := s.addrs.list[t.client]
		return uint64(t.client), t.client != nobody && t.accepted() > 0 && t.answers > 0 && at.inside() && !known[at]
	}, func(all []*talk) {
		f := s.newOnes(NewTalker, all)
		f.Confidence = Low
		f.Text = fmt.Sprintf("%s, which the earlier records do not have, talked to %s", s.name(all[0].client), those(f.Count, "service", "services"))
		f.Where = "srcaddr = " + s.name(all[0].client)
		s.add(f)
	})
}

func (s *search) newOnes(k Kind, all []*talk) Finding {
	f := Finding{Kind: k, Count: int64(len(all)), Evidence: s.evidence(asked, all...)}
	f.First, f.Last = extent(all)
	for _, t := range all {
		f.Records += int64(t.asks)
	}
	return f
}

// inside reports whether an address is a private one.
func (a addr) inside() bool { return a.netip().IsPrivate() }
