package conversation

import (
	"fmt"
	"net/netip"
	"testing"

	"weir/internal/rows"
	"weir/record"
)

const (
	version2 = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
	version5 = "interface-id vpc-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status " +
		"tcp-flags pkt-srcaddr pkt-dstaddr flow-direction"
)

// totals counts what a picker leaves, with a learner and a picker for each of two
// workers.
func totals(t *testing.T, w *world, want func(b *rows.Batch) []int32) (accepted, refused int64, p *Picker, v *Views) {
	t.Helper()
	l := [2]*Learner{NewLearner(), NewLearner()}
	n := 0
	w.batches(t, func(b *rows.Batch) { l[n%2].Learn(b, want(b)); n++ })
	l[0].Merge(l[1])
	v = l[0].Views()
	ps := [2]*Picker{v.Picker(), v.Picker()}
	w.batches(t, func(b *rows.Batch) {
		action, packets := b.Format.Index(record.Action), b.Format.Index(record.Packets)
		for _, row := range ps[n%2].Pick(b, want(b)) {
			v, _ := rows.ParseInt(b.Columns[packets].Bytes(int(row), nil))
			if string(b.Columns[action].Bytes(int(row), nil)) == "REJECT" {
				refused += v
			} else {
				accepted += v
			}
		}
		n++
	})
	ps[0].Merge(ps[1])
	return accepted, refused, ps[0], v
}

func all(b *rows.Batch) []int32 { return everything(b.Rows) }

func TestEveryPacketIsCountedOnce(t *testing.T) {
	for _, format := range []string{version2, version5} {
		for _, recorded := range []float64{1, 0.6, 0.1} {
			for seed := range uint64(5) {
				t.Run(fmt.Sprintf("%d fields, %v recorded, %d", len(format), recorded, seed), func(t *testing.T) {
					w := newWorld(seed, format, 30, recorded)
					w.traffic(1500)
					accepted, refused, p, v := totals(t, w, all)
					if len(v.Unknown) > 0 || p.Untold > 0 {
						t.Errorf("unknown %v, %d rows", v.Unknown, p.Untold)
					}
					if accepted != w.accepted || refused != w.refused {
						t.Errorf("accepted %d, refused %d, want %d, %d", accepted, refused, w.accepted, w.refused)
					}
					if sent, received := p.Agreement(); sent != received || recorded == 1 && sent == 0 {
						t.Errorf("sent %d, received %d", sent, received)
					}
				})
			}
		}
	}
}

// What middle boxes do to packets, as in "Flow log record examples".
func TestMiddleBoxes(t *testing.T) {
	for _, tt := range []struct {
		name     string
		recorded [3]bool // client, box, server
		nat      bool
		want     float64 // how often a packet there and back is counted
	}{
		{"NAT, all recorded: once with each address", [3]bool{true, true, false}, true, 2},
		{"NAT, only the instance", [3]bool{true, false, false}, true, 1},
		{"NAT, only the gateway", [3]bool{false, true, false}, true, 2},
		{"transit, all recorded", [3]bool{true, true, true}, false, 1},
		{"transit, only the hop", [3]bool{false, true, false}, false, 1},
		{"transit, client and hop", [3]bool{true, true, false}, false, 1},
		{"transit, hop and server", [3]bool{false, true, true}, false, 1},
		{"transit, both ends", [3]bool{true, false, true}, false, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(1, version5, 3, 1)
			c, box, s := &w.ifaces[0], &w.ifaces[1], &w.ifaces[2]
			c.recorded, box.recorded, s.recorded = tt.recorded[0], tt.recorded[1], tt.recorded[2]
			var sent int64
			for i := range 50 {
				ca, sa := netip.AddrPortFrom(c.addr, uint16(40000+i)), netip.AddrPortFrom(s.addr, 443)
				ba := netip.AddrPortFrom(box.addr, uint16(50000+i))
				at := int64(1_700_000_000 + i*30)
				n := 10 + w.r.Int64N(10)
				sent += 2 * n
				move := func(src, dst netip.AddrPort, path ...hop) {
					w.send(burst{pktSrc: src, pktDst: dst, proto: 6, packets: n, at: at, path: path, refusedAt: -1})
				}
				if tt.nat {
					sa = netip.AddrPortFrom(w.outside(), 443)
					move(ca, sa, hop{c, true, ca, sa}, hop{box, false, ca, netip.AddrPortFrom(box.addr, 443)})
					move(ba, sa, hop{box, true, ba, sa})
					move(sa, ba, hop{box, false, sa, ba})
					move(sa, ca, hop{box, true, netip.AddrPortFrom(box.addr, 443), ca}, hop{c, false, sa, ca})
					continue
				}
				move(ca, sa, hop{c, true, ca, sa}, hop{box, false, ca, netip.AddrPortFrom(box.addr, 443)},
					hop{box, true, netip.AddrPortFrom(box.addr, ca.Port()), sa}, hop{s, false, ca, sa})
				move(sa, ca, hop{s, true, sa, ca}, hop{box, false, sa, netip.AddrPortFrom(box.addr, ca.Port())},
					hop{box, true, netip.AddrPortFrom(box.addr, 443), ca}, hop{c, false, sa, ca})
			}
			accepted, _, _, _ := totals(t, w, all)
			if got := float64(accepted) / float64(sent); got != tt.want {
				t.Errorf("counted %v times, want %v", got, tt.want)
			}
		})
	}
}

// A condition that leaves one of the views leaves the other one counted.
func TestConditionsThatChooseAView(t *testing.T) {
	w := newWorld(3, version5, 10, 1)
	w.traffic(500)
	is := func(f record.Field, want string) func(b *rows.Batch) []int32 {
		return func(b *rows.Batch) (out []int32) {
			for row := range b.Rows {
				if string(b.Columns[b.Format.Index(f)].Bytes(row, nil)) == want {
					out = append(out, int32(row))
				}
			}
			return out
		}
	}
	for name, want := range map[string]func(b *rows.Batch) []int32{
		"one interface": is(record.InterfaceID, w.ifaces[3].id),
		"egress":        is(record.FlowDirection, "egress"),
		"ingress":       is(record.FlowDirection, "ingress"),
		"refusals":      is(record.Action, "REJECT"),
	} {
		if _, _, p, _ := totals(t, w, want); p.Dropped > 0 || p.Kept == 0 {
			t.Errorf("%s: %d rows kept, %d left", name, p.Kept, p.Dropped)
		}
	}
}

// Records of which the other view is missing are left, and that is told.
func TestAgreement(t *testing.T) {
	w := newWorld(4, version2, 10, 1)
	w.traffic(500)
	// As in a log of which objects are missing: some receivers' records are gone.
	n := 0
	for _, line := range w.lines {
		if w.r.IntN(10) > 0 {
			w.lines[n] = line
			n++
		}
	}
	w.lines = w.lines[:n]
	_, _, p, _ := totals(t, w, all)
	sent, received := p.Agreement()
	if received >= sent || received*10 < sent*8 {
		t.Errorf("sent %d, received %d, want some tenth less", sent, received)
	}
}

// Two interfaces that talk to nobody but each other have one address each.
func TestTwoAlone(t *testing.T) {
	w := newWorld(5, version2, 2, 1)
	a, b := &w.ifaces[0], &w.ifaces[1]
	for i := range 20 {
		w.connect(a, b, netip.AddrPortFrom(a.addr, uint16(40000+i)), netip.AddrPortFrom(b.addr, 443), 1_700_000_000, 2, 0)
	}
	accepted, _, p, v := totals(t, w, all)
	if accepted != w.accepted || len(v.Unknown) > 0 || p.Untold > 0 {
		t.Errorf("accepted %d, want %d; unknown %v", accepted, w.accepted, v.Unknown)
	}
}

// A format without interfaces is counted as it is, and that is told.
func TestNoInterfaces(t *testing.T) {
	w := newWorld(6, "srcaddr dstaddr packets bytes action start end", 5, 1)
	w.traffic(50)
	if _, _, p, _ := totals(t, w, all); p.Dropped != 0 || p.Untold != p.Kept || p.Kept == 0 {
		t.Errorf("%d kept, %d left, %d untold", p.Kept, p.Dropped, p.Untold)
	}
}
