package capture

import (
	"fmt"
	"net/netip"
	"testing"

	"weir/internal/lab"
)

// TestOverflowOfTheSubscription keeps a watch from reading until the kernel throws
// away what it has to tell. An interface that appears then is captured, and one
// that goes is let go, although nobody heard of either.
func TestOverflowOfTheSubscription(t *testing.T) {
	b := newBed(t)
	s := b.open(Config{}, of(b.server, "eth0", "test*"))
	pair := func(name string, net byte) *lab.Device {
		t.Helper()
		from, to := netip.AddrFrom4([4]byte{10, 8, net, 1}), netip.AddrFrom4([4]byte{10, 8, net, 2})
		// Down: a carrier that comes up later would be one more event.
		_, d := b.link(lab.End{NS: b.client, Name: name, Addrs: []netip.Prefix{netip.PrefixFrom(from, 24)}, Down: true},
			lab.End{NS: b.server, Name: name, Addrs: []netip.Prefix{netip.PrefixFrom(to, 24)}, Down: true})
		return d
	}
	goes := pair("test0", 0)
	b.eventually("capture of test0", func() bool { return s.captures("test0") })
	for round := range 2 { // the subscription after the overflow is as good
		name := fmt.Sprintf("test%d", round+1)
		s.mu.Lock() // the watch waits for it at its next event
		full := b.overflow(b.s)
		comes := pair(name, byte(round+1))
		lost := b.lost(b.server)
		if err := goes.Delete(); err != nil {
			t.Error(err)
		}
		if now := b.lost(b.server); lost <= full || now <= lost {
			t.Errorf("%d events were lost, then %d and %d, want more each time", full, lost, now)
		}
		s.mu.Unlock()
		b.eventually("capture of "+name, func() bool { return s.captures(name) })
		b.eventually("end of capture of "+goes.Name(), func() bool { return !s.captures(goes.Name()) })
		if !s.captures("eth0") {
			t.Error("eth0 is not captured any more")
		}
		goes = comes
	}
	b.send(b.client, client4, server4)
	if n := len(b.busy(s)); n != 1 {
		t.Errorf("%d windows hold something, want that of eth0", n)
	}
	pair("test9", 9)
	b.eventually("capture of test9, of which was told", func() bool { return s.captures("test9") })
}

func (b *bed) lost(ns *lab.Namespace) int {
	b.tb.Helper()
	n, err := ns.LostEvents()
	b.must(err)
	return n
}

// overflow changes a device until an event of that is lost, and returns how many
// were. From then on all are, until what waits has been read.
func (b *bed) overflow(d *lab.Device) int {
	b.tb.Helper()
	h := d.Namespace().Handle()
	l, err := h.LinkByIndex(d.Index())
	b.must(err)
	before := b.lost(d.Namespace())
	for n := range 200_000 {
		b.must(h.LinkSetAlias(l, fmt.Sprint(n)))
		if n%100 != 0 {
			continue
		}
		if lost := b.lost(d.Namespace()); lost > before {
			return lost
		}
	}
	b.tb.Fatal("no event is lost")
	return 0
}
