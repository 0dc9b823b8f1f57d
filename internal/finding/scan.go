package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

// Thresholds of scans.
const (
	leastProbes = 15  // ports of an address, or addresses with a port
	manyProbes  = 100 // sure
	slowMinutes = 12  // different minutes in which something is tried first
	slowProbes  = 5   // a minute, in the mean, at most
)

// probes reports whether a talk is what a scan makes: all of it was refused, or it came
// to nothing and was not tried often. Scans by UDP are known by refusals only.
func (t *talk) probes() bool {
	switch {
	case t.client == nobody || t.asks == 0:
		return false
	case t.refused == t.asks:
		return true
	}
	return t.protocol == tcp && t.bare == t.accepted() && t.bare <= 3 && t.back <= 4*t.bare
}

// A scan is what one client tried of several services.
type scan struct {
	talks   []*talk
	most    int     // of one address, or of one port
	of      *talk   // one of these
	parties []*talk // one for each address, or port, of which enough were tried
}

// clients looks for scans, by each client.
func (s *search) clients() {
	vertical, horizontal := map[uint32]*scan{}, map[uint32]*scan{}
	take := func(into map[uint32]*scan, all []*talk) {
		if len(all) < leastProbes {
			return
		}
		x := into[all[0].client]
		if x == nil {
			x = &scan{}
			into[all[0].client] = x
		}
		if len(all) > x.most {
			x.most, x.of = len(all), all[0]
		}
		x.parties = append(x.parties, all[0])
		x.talks = append(x.talks, all...)
	}
	s.groups(func(t *talk) (uint64, bool) {
		ports := t.protocol == tcp || t.protocol == udp
		return uint64(t.client)<<20 | uint64(t.server), ports && t.probes()
	}, func(all []*talk) { take(vertical, all) })
	s.groups(func(t *talk) (uint64, bool) {
		return uint64(t.client)<<24 | uint64(t.port)<<8 | uint64(t.protocol), t.probes()
	}, func(all []*talk) { take(horizontal, all) })
	for _, x := range vertical {
		s.scanned(x, Vertical)
	}
	for _, x := range horizontal {
		s.scanned(x, Horizontal)
	}
}

// scanned reports a scan.
func (s *search) scanned(x *scan, kind Kind) {
	f := Finding{Kind: kind, Count: int64(x.most)}
	f.First, f.Last = extent(x.talks)
	minutes := map[uint32]bool{}
	var refusedOnes, open int64
	for _, t := range x.talks {
		minutes[t.first/60] = true
		f.Records += int64(t.asks)
		switch {
		case t.refused == t.asks:
			refusedOnes++
		case t.answers > 0:
			open++
		}
	}
	slow := len(minutes) >= slowMinutes && len(x.talks) <= slowProbes*len(minutes)
	f.Confidence = confidence(x.most >= manyProbes, !slow || x.most >= 2*leastProbes)
	var what string
	client := "srcaddr = " + s.name(x.of.client)
	if kind == Vertical {
		what = fmt.Sprintf("%s tried %d ports of %s", s.name(x.of.client), x.most, s.name(x.of.server))
		if n := len(x.parties) - 1; n > 0 {
			what += " and so of " + those(int64(n), "other address", "other addresses")
		}
		var servers []uint32
		for _, t := range x.parties {
			servers = append(servers, t.server)
		}
		f.Where = and(client, oneOf("dstaddr", s.names(servers)), "(reject or packets <= 3)")
	} else {
		what = fmt.Sprintf("%s tried %s of %d addresses", s.name(x.of.client), portName(x.of.protocol, x.of.port), x.most)
		if n := len(x.parties) - 1; n > 0 {
			what += " and so " + those(int64(n), "other port", "other ports")
		}
		f.Where = and(client, s.ports(x.parties), "(reject or packets <= 3)")
	}
	f.Text = what + fmt.Sprintf(": %d of %d tries were refused, %d answered", refusedOnes, len(x.talks), open)
	if slow {
		f.Kind = Slow
		f.Text += fmt.Sprintf(", in %d different minutes", len(minutes))
	}
	slices.SortFunc(x.talks, func(a, b *talk) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.port, b.port))
	})
	if f.Evidence = s.evidence(refused, x.talks...); len(f.Evidence) == 0 {
		f.Evidence = s.evidence(asked, x.talks...)
	}
	s.add(f)
}

// ports is the condition on the ports of some talks, if all are of one protocol.
func (s *search) ports(all []*talk) string {
	var ports []string
	for _, t := range all {
		if t.protocol != all[0].protocol {
			return ""
		}
		ports = append(ports, strconv.Itoa(int(t.port)))
	}
	if p := all[0].protocol; p != tcp && p != udp {
		return ofProtocol(p, 0)
	}
	return and(fmt.Sprintf("protocol = %d", all[0].protocol), oneOf("dstport", ports))
}
