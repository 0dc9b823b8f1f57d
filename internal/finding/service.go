package finding

import (
	"fmt"
	"slices"
)

// Thresholds of what is said about services.
const (
	floodMinute  = 100 // half-open connections in a minute
	floodShare   = 80  // percent of what is asked
	floodSure    = 1000
	leastAnswers = 5  // before a service can stop
	leastSilent  = 3  // minutes with questions and without answers
	oneWayLeast  = 10 // packets
	oneWaySure   = 100
	tcpEmpty     = 60 // bytes of a packet without data
)

// services looks at each service with all its clients.
func (s *search) services() {
	var lost []*talk
	connections := 0
	s.groups(func(t *talk) (uint64, bool) {
		return uint64(t.server)<<24 | uint64(t.port)<<8 | uint64(t.protocol), t.protocol == tcp
	}, func(all []*talk) {
		s.flood(all)
		if s.o.Partial {
			return
		}
		s.stopped(all)
		for _, t := range all {
			if t.oneWay() {
				lost = append(lost, t)
			}
			if uint64(t.packets)+uint64(t.back) >= oneWayLeast {
				connections++
			}
		}
	})
	s.oneWay(paired(lost), connections)
}

// paired leaves out talks whose other direction seems to be there, with client and
// service mistaken for each other: where a part of the records lacks flags, or a
// capture its beginning.
func paired(lost []*talk) []*talk {
	ends := map[[2]uint32]bool{}
	for _, t := range lost {
		ends[[2]uint32{t.client, t.server}] = true
	}
	return slices.DeleteFunc(lost, func(t *talk) bool { return t.client != t.server && ends[[2]uint32{t.server, t.client}] })
}

// flood reports many connections to a service that are asked for and never used.
func (s *search) flood(all []*talk) {
	minutes := map[uint32]int64{}
	var half, asks, clients int64
	var some, alone []*talk // alone are those with nothing else
	for _, t := range all {
		asks += int64(t.accepted())
		if t.half == 0 {
			continue
		}
		half += int64(t.half)
		clients++
		some = append(some, t)
		if t.bare == t.accepted() {
			alone = append(alone, t)
		}
		minutes[t.first/60] += int64(t.half) / int64(max(1, t.when.count()))
	}
	var peak int64
	for _, n := range minutes {
		peak = max(peak, n)
	}
	if peak < floodMinute || half*100 < asks*floodShare {
		return
	}
	t := some[0]
	f := Finding{Kind: Flood, Records: half, Count: peak, Confidence: confidence(peak >= floodSure && s.flagged, s.flagged || peak >= floodSure)}
	f.First, f.Last = extent(some)
	from := those(clients, "address", "addresses")
	if slices.ContainsFunc(some, func(t *talk) bool { return t.client == nobody }) {
		from = "more than " + from
	}
	f.Text = fmt.Sprintf("%s was asked for up to %d connections a minute, by %s, that came to nothing", s.serviceName(t), peak, from)
	f.Where = and("accept", "dstaddr = "+s.name(t.server), ofProtocol(tcp, t.port), "packets <= 3")
	f.Evidence = s.evidence(asked, alone...)
	s.add(f)
}

// stopped reports a service that answered once and does not any more.
func (s *search) stopped(all []*talk) {
	var last, answers int64
	for _, t := range all {
		last = max(last, int64(t.answered))
		answers += int64(t.answers)
	}
	if answers < leastAnswers {
		return
	}
	var later span
	var clients, asks, first, end int64
	var some []*talk
	for _, t := range all {
		// Whom it never answered, and who is refused, is somebody else's affair.
		if t.answers == 0 && t.accepted() == 0 || t.when.after(last+s.series.window()) == 0 {
			continue
		}
		later.merge(t.when)
		clients++
		asks += int64(t.when.after(last))
		end = max(end, int64(t.last))
		some = append(some, t)
	}
	n := later.after(last + s.series.window())
	if n < leastSilent {
		return
	}
	first = last + 1
	t := all[0]
	f := Finding{Kind: Stopped, Records: asks, Count: int64(n), First: first, Last: end, Confidence: confidence(clients >= 3 && n >= 10, true)}
	f.Text = fmt.Sprintf("%s answered until %s and not since, though %s asked", s.serviceName(t), clock(last), those(clients, "address", "addresses"))
	f.Where = and("dstaddr = "+s.name(t.server), ofProtocol(tcp, t.port), fmt.Sprintf("start > %d", last))
	f.Evidence = s.since(uint32(last), some...)
	s.add(f)
}

// oneWay reports whether a talk has packets with data of one direction, and none of the
// other.
func (t *talk) oneWay() bool {
	switch {
	case t.asks == 0:
		return t.back >= oneWayLeast
	case t.answers > 0 || t.refused > 0:
		return false
	}
	return t.packets >= oneWayLeast && t.bytes > tcpEmpty*uint64(t.packets)
}

// oneWay reports talks in one direction: of each service, or all together if most are.
func (s *search) oneWay(lost []*talk, connections int) {
	report := func(some []*talk, f Finding) {
		f.Kind, f.Count = OneWay, int64(len(some))
		f.First, f.Last = extent(some)
		packets := uint64(0)
		windows := 0
		for _, t := range some {
			f.Records += int64(t.asks) + int64(t.answers)
			packets += uint64(t.packets) + uint64(t.back)
			windows = max(windows, t.when.count(), int(t.answers))
		}
		f.Text += fmt.Sprintf(" (%d packets)", packets)
		f.Confidence = confidence(false, packets >= oneWaySure || windows >= leastSilent)
		if f.Evidence = s.evidence(asked, some...); len(f.Evidence) == 0 {
			f.Evidence = s.evidence(answered, some...)
		}
		s.add(f)
	}
	if len(lost) >= 20 && len(lost)*2 > connections {
		report(lost, Finding{Text: fmt.Sprintf("of %d of %d connections only one direction was recorded", len(lost), connections), Where: "tcp and accept"})
		return
	}
	for len(lost) > 0 { // they are in the order of services
		t, n := lost[0], 1
		for n < len(lost) && lost[n].server == t.server && lost[n].port == t.port {
			n++
		}
		var to, from []*talk
		var clients []uint32
		for _, x := range lost[:n] {
			clients = append(clients, x.client)
			if x.asks > 0 {
				to = append(to, x)
			} else {
				from = append(from, x)
			}
		}
		if len(to) > 0 {
			report(to, Finding{Text: fmt.Sprintf("%s sent to %s, and no record has what came back", those(int64(len(to)), "address", "addresses"), s.serviceName(t)),
				Where: and("accept", oneOf("srcaddr", s.names(clients)), "dstaddr = "+s.name(t.server), ofProtocol(tcp, t.port))})
		}
		if len(from) > 0 {
			report(from, Finding{Text: fmt.Sprintf("%s answered %s, and no record has what was asked", s.serviceName(t), those(int64(len(from)), "address", "addresses")),
				Where: and("accept", "srcaddr = "+s.name(t.server), fmt.Sprintf("protocol = 6 and srcport = %d", t.port), oneOf("dstaddr", s.names(clients)))})
		}
		lost = lost[n:]
	}
}
