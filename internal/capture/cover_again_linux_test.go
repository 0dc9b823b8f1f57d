package capture

import (
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"weir/internal/flow"
	"weir/internal/lab"
)

// TestCoverFollowsANamesake covers a device in a namespace that is deleted and
// made again under the same name: devices in it have the same numbers.
func TestCoverFollowsANamesake(t *testing.T) {
	b := newBed(t)
	s := b.open(Config{Covered: true})
	name := fmt.Sprintf("weir-test-%d", os.Getpid())
	for round := range 3 {
		l := lab.New()
		ns, err := l.Namespace(lab.NamespaceConfig{Name: name, Mount: true})
		b.must(err)
		net := byte(round)
		from, to := netip.AddrFrom4([4]byte{10, 77, net, 1}), netip.AddrFrom4([4]byte{10, 77, net, 2})
		_, d, err := b.lab.Link(
			lab.End{NS: b.client, Name: fmt.Sprintf("again%d", round), Addrs: []netip.Prefix{netip.PrefixFrom(from, 24)}},
			lab.End{NS: ns, Name: "eth0", Addrs: []netip.Prefix{netip.PrefixFrom(to, 24)}})
		b.must(err)
		b.must(s.Cover([]Device{{Netns: name, Index: d.Index()}}))
		b.window(s)
		_, answered, err := b.client.Ping(deadline(t), lab.PingConfig{Dst: to})
		b.must(err)
		n := 0
		for _, w := range b.window(s) {
			n += len(w.Flows)
		}
		if n != 2 || answered != 1 {
			t.Errorf("round %d: %d flows of %d answered pings in namespace %d, want 2 of 1", round, n, answered, ns.Cookie())
		}
		b.must(l.Close())
	}
}

// TestLateWindowHasWhatWasAttachedMeanwhile closes a window that is said to end
// before the interface was attached to, as one does that is closed late.
func TestLateWindowHasWhatWasAttachedMeanwhile(t *testing.T) {
	b := newBed(t)
	s := b.open(Config{Covered: true, Aligned: true})
	end := time.Now()
	b.must(s.Cover([]Device{device(b.s), device(b.c)}))
	_, _, err := b.client.Ping(deadline(t), lab.PingConfig{Dst: server4})
	b.must(err)
	var got []flow.Window
	b.must(s.swap(end, true))
	b.must(s.settle(func(ws []flow.Window) error { got = append(got, ws...); return nil }))
	if n := len(got); n != 2 {
		t.Fatalf("%d windows, want one of each interface", n)
	}
	for _, w := range got {
		if len(w.Flows) != 2 || w.Quiet || w.End.Before(w.Start) || w.Start.Before(end) {
			t.Errorf("window from %v to %v has %d flows, quiet is %v; want 2 flows after %v", w.Start, w.End, len(w.Flows), w.Quiet, end)
		}
	}
	got = nil
	b.must(s.swap(end.Add(time.Nanosecond), true))
	b.must(s.settle(func(ws []flow.Window) error { got = append(got, ws...); return nil }))
	if len(got) != 0 {
		t.Errorf("of a window that ended before the interfaces were there is said %v", got)
	}
}
