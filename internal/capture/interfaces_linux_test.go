package capture

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"weir/internal/flow"
	"weir/internal/lab"
	"weir/internal/lab/packet"
)

// eventually waits for what the kernel tells a watch.
func (b *bed) eventually(what string, f func() bool) {
	b.tb.Helper()
	for range 1000 {
		if f() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	b.tb.Fatalf("%s: not so after 5 s", what)
}

func (s *Source) captures(name string) bool {
	for _, i := range s.Interfaces() {
		if i.Name == name {
			return true
		}
	}
	return false
}

// TestFirstPackets sends from the moment an interface is up that did not exist
// before: it is captured while it is still down, so not one packet is missed.
func TestFirstPackets(t *testing.T) {
	for _, tier := range tiers {
		t.Run(tier.name, func(t *testing.T) {
			b := newBed(t)
			s := b.open(tier.config(Config{}), of(b.server, "new*"))
			for n := range 3 {
				name := fmt.Sprintf("new%d", n)
				c, d := b.link(lab.End{NS: b.client, Name: name, Addrs: prefixes(fmt.Sprintf("10.8.%d.1/24", n)), Down: true},
					lab.End{NS: b.server, Name: name, Addrs: prefixes(fmt.Sprintf("10.8.%d.2/24", n)), Down: true})
				b.eventually("capture of "+name, func() bool { return s.captures(name) })
				b.must(d.Up())
				b.must(c.Up())
				sent, err := c.Generate(context.Background(), lab.FlowConfig{
					Src: netip.MustParseAddr(fmt.Sprintf("10.8.%d.1", n)), Dst: netip.MustParseAddr(fmt.Sprintf("10.8.%d.9", n)),
					DstMAC: d.MAC(), Packets: 4000, Rate: 20_000})
				b.must(err)
				got := sum(b.window(s), func(w flow.Window, f flow.Flow) bool {
					return w.Interface.Name == name && f.Direction == flow.Ingress && f.Protocol == packet.ProtoUDP
				})
				if got.Packets != sent.Packets-sent.Lost || sent.Packets != 4000 {
					t.Errorf("%s: %d packets counted of %d", name, got.Packets, sent.Packets)
				}
			}
		})
	}
}

// TestInterfaceThatReturns deletes an interface: its last packets are delivered
// under it, those of its successor under another.
func TestInterfaceThatReturns(t *testing.T) {
	b := newBed(t)
	s := b.open(Config{}, of(b.server, "eth0", "veth*"))
	var last int
	for round := range 4 {
		b.eventually("capture", func() bool { return s.captures("eth0") })
		b.send(b.client, client4, server4)
		index := b.s.Index()
		b.must(b.s.Delete())
		b.eventually("end of capture", func() bool { return !s.captures("eth0") })
		if round == 0 {
			last = index
		}
		windows := b.busy(s)
		if len(windows) != 1 || windows[0].Interface.Index != index || len(windows[0].Flows) == 0 {
			t.Fatalf("round %d: got %q of %v, want the packets of index %d", round, lines(windows), windows, index)
		}
		b.c, b.s = b.link(
			lab.End{NS: b.client, Name: "eth0", Addrs: prefixes("10.0.0.1/24", "fd00::1/64")},
			lab.End{NS: b.server, Name: "eth0", Addrs: prefixes("10.0.0.2/24", "fd00::2/64")})
	}
	if b.s.Index() == last {
		t.Errorf("the interface that returned has index %d again", last)
	}
	b.busy(s)
	b.busy(s)
	s.mu.Lock()
	defer s.mu.Unlock()
	used := 0
	for _, e := range s.slots {
		if e.State != slotFree {
			used++
		}
	}
	if used != 1 {
		t.Errorf("%d slots in use, want 1", used)
	}
}

// TestRenameAndMove renames a captured interface and moves it to another namespace.
func TestRenameAndMove(t *testing.T) {
	b := newBed(t)
	other := b.namespace("other")
	s := b.open(Config{}, of(b.server, "eth0", "late0"), of(other, "eth*"))
	h := b.server.Handle()
	l, err := h.LinkByIndex(b.s.Index())
	b.must(err)
	b.must(h.LinkSetName(l, "eth7"))
	b.send(b.client, client4, server4)
	if got := b.busy(s); len(got) != 1 || got[0].Interface.Name != "eth0" {
		t.Errorf("after a rename: %q, want the packets under the name it had", lines(got))
	}
	b.must(h.LinkSetNsFd(l, other.FD()))
	b.eventually("capture in the other namespace", func() bool { return s.captures("eth7") && !s.captures("eth0") })
	moved, err := other.Handle().LinkByName("eth7")
	b.must(err)
	b.must(other.Handle().LinkSetUp(moved))
	b.send(b.client, client4, server4)
	for _, w := range b.busy(s) {
		if w.Interface.Netns != other.Cookie() || w.Interface.Name != "eth7" {
			t.Errorf("after a move: %+v, want the other namespace", w.Interface)
		}
		if got := sum([]flow.Window{w}, func(_ flow.Window, f flow.Flow) bool { return f.Direction == flow.Ingress }); got.Packets != 5 {
			t.Errorf("after a move: %d packets, want 5", got.Packets)
		}
	}
}

// TestTwoEndsOfOneLink captures both ends, which have one index in their two
// namespaces: each counts each packet once.
func TestTwoEndsOfOneLink(t *testing.T) {
	b := newBed(t)
	if b.c.Index() != b.s.Index() {
		t.Fatalf("indexes are %d and %d, want one", b.c.Index(), b.s.Index())
	}
	b.firewall(b.server, lab.Rule{Hook: lab.Input, Match: dns, Verdict: lab.Drop})
	s := b.open(Config{}, of(b.client, "eth0"), of(b.server, "eth0"))
	b.send(b.client, client4, server4)
	for _, w := range b.busy(s) {
		way, verdict := flow.Ingress, flow.Reject
		if w.Interface.Netns == b.client.Cookie() {
			way, verdict = flow.Egress, flow.Accept
		}
		if len(w.Flows) != 1 || w.Flows[0].Packets != 5 || w.Flows[0].Direction != way || w.Flows[0].Verdict != verdict {
			t.Errorf("%+v: got %q", w.Interface, lines([]flow.Window{w}))
		}
	}
}

// TestManyInterfaces captures three hundred.
func TestManyInterfaces(t *testing.T) {
	b := newBed(t)
	const pairs = 150
	start := time.Now()
	h := b.server.Handle()
	for i := range pairs {
		b.must(h.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: fmt.Sprintf("m%da", i)}, PeerName: fmt.Sprintf("m%db", i)}))
	}
	made := time.Since(start)
	start = time.Now()
	s := b.open(Config{}, of(b.server, "m*", "eth0"))
	took := time.Since(start)
	if n := len(s.Interfaces()); n != 2*pairs+1 {
		t.Errorf("%d interfaces are captured, want %d", n, 2*pairs+1)
	}
	b.send(b.client, client4, server4)
	if n := len(b.busy(s)); n != 1 {
		t.Errorf("%d windows hold something, want 1", n)
	}
	start = time.Now()
	b.must(s.Close())
	t.Logf("made in %v, attached in %v (%v each), detached in %v", made, took, took/(2*pairs+1), time.Since(start))
}
