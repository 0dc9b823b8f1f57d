package capture

import (
	"net/netip"
	"testing"

	"weir/internal/flow"
	"weir/internal/lab"
	"weir/internal/lab/packet"
)

// excludedFrames has frames of each exclusion, two of each.
func excludedFrames(eth packet.Ethernet) map[Exclusion][][]byte {
	a := netip.MustParseAddr
	u := func(s, d string, sport, dport uint16) []byte {
		if a(s).Is4() {
			return packet.Build(eth, packet.IPv4{Src: a(s), Dst: a(d)}, packet.UDP{SrcPort: sport, DstPort: dport})
		}
		return packet.Build(eth, packet.IPv6{Src: a(s), Dst: a(d)}, packet.UDP{SrcPort: sport, DstPort: dport})
	}
	c := func(s, d string, sport, dport uint16) []byte {
		return packet.Build(eth, packet.IPv4{Src: a(s), Dst: a(d)}, packet.TCP{SrcPort: sport, DstPort: dport, Flags: packet.SYN})
	}
	return map[Exclusion][][]byte{
		InstanceMetadata:  {c("10.0.0.1", "169.254.169.254", 4000, 80), u("fd00:ec2::254", "fd00::99", 80, 4000)},
		TimeSync:          {u("10.0.0.1", "169.254.169.123", 4000, 123), u("fd00::1", "fd00:ec2::123", 4000, 123)},
		WindowsActivation: {c("10.0.0.1", "169.254.169.250", 4000, 1688), c("169.254.169.251", "10.0.0.99", 1688, 4000)},
		LinkLocalDNS:      {u("10.0.0.1", "169.254.169.253", 4000, 53), u("fd00:ec2::253", "fd00::99", 53, 4000)},
		DHCP:              {u("0.0.0.0", "255.255.255.255", 68, 67), u("fe80::1", "ff02::1:2", 546, 547)},
		VPCRouter:         {u("10.0.0.1", "10.0.5.1", 4000, 9), u("10.0.5.1", "10.0.0.99", 9, 4000)},
		VPCDNS:            {u("10.0.0.1", "10.0.0.2", 4000, 53), u("10.0.0.2", "10.0.0.99", 53, 4000)},
	}
}

// almostExcluded looks like what is left out and is not.
func almostExcluded(eth packet.Ethernet) [][]byte {
	a := netip.MustParseAddr
	ip := func(d string) packet.IPv4 { return packet.IPv4{Src: client4, Dst: a(d)} }
	return [][]byte{
		packet.Build(eth, ip("169.254.169.250"), packet.TCP{SrcPort: 4000, DstPort: 443}),
		packet.Build(eth, ip("169.254.169.251"), packet.UDP{SrcPort: 1688, DstPort: 1688}),
		packet.Build(eth, ip("169.254.169.1"), packet.UDP{SrcPort: 1, DstPort: 2}),
		packet.Build(eth, ip("10.0.0.99"), packet.UDP{SrcPort: 4000, DstPort: 67}),
		packet.Build(eth, ip("10.0.0.99"), packet.TCP{SrcPort: 68, DstPort: 67}),
		packet.Build(eth, packet.IPv6{Src: client6, Dst: a("fd00:ec2::255")}, packet.UDP{SrcPort: 1, DstPort: 2}),
	}
}

// TestExclusions leaves out each kind alone, all, and none.
func TestExclusions(t *testing.T) {
	b := newBed(t)
	plan := AmazonPlan(netip.MustParsePrefix("10.0.0.0/16"), netip.MustParsePrefix("10.0.5.0/24"))
	eth := packet.Ethernet{Dst: b.s.MAC(), Src: b.c.MAC()}
	frames, almost := excludedFrames(eth), almostExcluded(eth)
	sets := []Exclusions{0, DefaultExclusions}
	for _, e := range DefaultExclusions.All() {
		sets = append(sets, 1<<e)
	}
	for _, planned := range []bool{false, true} {
		for _, x := range sets {
			if !planned && x != 0 && x != DefaultExclusions {
				continue
			}
			name := x.String()
			target := of(b.server, "eth0")
			if planned {
				name, target.Plan = name+" with a plan", plan
			}
			t.Run(name, func(t *testing.T) {
				b := b.sub(t)
				s := b.open(Config{Exclude: x}, target)
				h := s.only(t)
				for e, fs := range frames {
					if (e == VPCRouter || e == VPCDNS) && !planned {
						continue // see below
					}
					for _, f := range fs {
						for _, p := range []interface {
							Test([]byte) (uint32, []byte, error)
						}{h.ingress, h.egress} {
							_, _, err := p.Test(f)
							b.must(err)
						}
					}
					want := uint64(4) // two frames, each way
					if x.Has(e) {
						want = 0
					}
					got := sum(b.window(s), func(flow.Window, flow.Flow) bool { return true })
					totals, err := s.Totals()
					b.must(err)
					if got.Packets != want || totals.Excluded[e].Packets != 4-want {
						t.Errorf("%v: %d packets recorded and %d excluded, want %d and %d", e, got.Packets, totals.Excluded[e].Packets, want, 4-want)
					}
				}
				if !planned { // those are ordinary hosts
					almost = append(almost[:6:6], append(frames[VPCRouter], frames[VPCDNS]...)...)
				}
				for _, f := range almost {
					_, _, err := h.ingress.Test(f)
					b.must(err)
				}
				if got := sum(b.window(s), func(flow.Window, flow.Flow) bool { return true }); got.Packets != uint64(len(almost)) {
					t.Errorf("%d packets of %d that are not to be left out", got.Packets, len(almost))
				}
				almost = almost[:6:6]
			})
		}
	}
}

// TestRefusedExcludedPackets makes no record of them.
func TestRefusedExcludedPackets(t *testing.T) {
	b := newBed(t)
	b.firewall(b.server, lab.Rule{Hook: lab.Prerouting, Verdict: lab.Drop})
	raw, err := b.c.Raw()
	b.must(err)
	defer raw.Close()
	target := of(b.server, "eth0")
	target.Plan = AmazonPlan(netip.MustParsePrefix("10.0.0.0/16"), netip.MustParsePrefix("10.0.5.0/24"))
	s := b.open(Config{Exclude: DefaultExclusions}, target)
	for _, fs := range excludedFrames(packet.Ethernet{Dst: b.s.MAC(), Src: b.c.MAC()}) {
		for _, f := range fs {
			b.must(raw.Send(f))
		}
	}
	b.wantLines(b.busy(s))
	totals, err := s.Totals()
	b.must(err)
	for _, e := range DefaultExclusions.All() {
		if totals.Excluded[e].Packets != 2 {
			t.Errorf("%v: %d packets excluded, want 2", e, totals.Excluded[e].Packets)
		}
	}
}
