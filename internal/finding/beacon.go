package finding

import (
	"fmt"
	"math/bits"
	"slices"
)

// Thresholds of hints at traffic by the clock.
const (
	leastTimes = 6  // that it happens
	manyTimes  = 12 //
	leastPause = 3  // windows from one to the next
	sameSize   = 10 // percent that sizes may differ by
	ntp        = 123
)

// A rhythm is how often a talk comes.
type rhythm struct {
	seconds int64 // from one time to the next, in whole stretches
	grain   int64 // seconds of a stretch
	times   int
}

// rhythm returns how regularly a client asks; zero if it does not. What is between two
// windows cannot be known, so a period has three windows at least.
func (t *talk) rhythm(window int64) rhythm {
	if t.client == nobody || t.refused > 0 || t.packets == 0 || t.port == ntp && t.protocol == udp || !t.even() {
		return rhythm{}
	}
	for _, x := range [...]struct {
		bits  uint64
		level uint8
	}{{t.early.bits, 0}, {t.when.bits, t.when.level}} {
		grain := int64(60) << x.level
		p := int64(period(x.bits, leastTimes))
		if p >= leastPause && p*grain >= leastPause*window {
			return rhythm{p * grain, grain, bits.OnesCount64(x.bits)}
		}
	}
	return rhythm{}
}

// beacons hints at clients that ask by the clock.
func (s *search) beacons() {
	window := s.series.window()
	s.groups(func(t *talk) (uint64, bool) {
		return uint64(t.server)<<24 | uint64(t.port)<<8 | uint64(t.protocol), t.rhythm(window).times > 0
	}, func(all []*talk) {
		all = slices.Clone(all)
		slices.SortStableFunc(all, func(a, b *talk) int { return b.rhythm(window).times - a.rhythm(window).times })
		t, r := all[0], all[0].rhythm(window)
		f := Finding{Kind: Beacon, Count: int64(r.times)}
		f.First, f.Last = extent(all)
		var clients []uint32
		for _, x := range all {
			clients = append(clients, x.client)
			f.Records += int64(x.asks)
		}
		names := s.names(clients)
		a := s.addrs.list[t.server].netip()
		f.Confidence = confidence(false, r.times >= manyTimes && len(names) == 1 && a.IsGlobalUnicast() && !a.IsPrivate())
		who := s.name(t.client)
		if n := len(names) - 1; n > 0 {
			who += " and " + those(int64(n), "other address", "other addresses")
		}
		f.Text = fmt.Sprintf("a hint: %s asked %s about every %s (give or take %s), %d times, always with about as many bytes",
			who, s.serviceName(t), lasting(r.seconds), lasting(r.grain), r.times)
		f.Where = and("accept", oneOf("srcaddr", names), "dstaddr = "+s.name(t.server), ofProtocol(t.protocol, t.port))
		f.Evidence = s.evidence(asked, all...)
		s.add(f)
	})
}
