package capture

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/cilium/ebpf"

	"weir/internal/flow"
	"weir/internal/lab"
	"weir/internal/lab/packet"
)

// A shape is what a flow log must make of frames of an unusual form.
type shape struct {
	name   string
	frames [][]byte
	want   []string // flows, without interface, direction and verdict
	cause  func(Totals) flow.Count
	counts flow.Count
}

var (
	far4 = netip.MustParseAddr("10.0.0.99") // nobody: no answer
	far6 = netip.MustParseAddr("fd00::99")
	ip4  = packet.IPv4{Src: client4, Dst: far4, ID: 7}
	ip6  = packet.IPv6{Src: client6, Dst: far6}
	udp  = packet.UDP{SrcPort: 1111, DstPort: 2222}
)

func notIP(t Totals) flow.Count     { return t.NotIP }
func truncated(t Totals) flow.Count { return t.Truncated }
func badHeader(t Totals) flow.Count { return t.BadHeader }
func tooMany(t Totals) flow.Count   { return t.TooManyHeaders }

// shapes returns the table; eth is the link header of each frame.
func shapes(eth packet.Ethernet) []shape {
	v4 := func(layers ...packet.Layer) []byte {
		return packet.Build(append([]packet.Layer{eth}, layers...)...)
	}
	flow4 := func(proto, sport, dport, packets, bytes, flags int) string {
		return fmt.Sprintf("proto %d %s:%d > %s:%d packets %d bytes %d flags %d", proto, client4, sport, far4, dport, packets, bytes, flags)
	}
	flow6 := func(proto, sport, dport, packets, bytes, flags int) string {
		return fmt.Sprintf("proto %d [%s]:%d > [%s]:%d packets %d bytes %d flags %d", proto, client6, sport, far6, dport, packets, bytes, flags)
	}
	options := ip4
	options.Options = []byte{1, 1, 1, 1, 1, 1, 1, 1}
	with := func(proto uint8) packet.IPv4 { ip := ip4; ip.Protocol = proto; return ip }
	with6 := func(proto uint8) packet.IPv6 { ip := ip6; ip.NextHeader = proto; return ip }
	framed := func(ps [][]byte, typ uint16) (out [][]byte) {
		e := eth
		e.Type = typ
		for _, p := range ps {
			out = append(out, packet.Build(e, packet.Payload(p)))
		}
		return out
	}
	patched := func(frame []byte, at int, b ...byte) []byte { copy(frame[at:], b); return frame }
	var hops []packet.Layer
	for range 9 {
		hops = append(hops, packet.Extension{Protocol: packet.ProtoDestination})
	}
	tags := func(n int, last ...packet.Layer) []byte {
		layers := []packet.Layer{eth}
		for i := range n {
			layers = append(layers, packet.VLAN{ID: uint16(10 + i)})
		}
		return packet.Build(append(layers, last...)...)
	}
	one := func(f []byte) [][]byte { return [][]byte{f} }
	qinq := packet.Build(eth, packet.VLAN{ID: 10, TPID: packet.TypeQinQ}, packet.VLAN{ID: 20}, ip4, udp, packet.Payload("x"))
	arp := packet.Build(eth, packet.ARP{Sender: client4, Target: server4, SenderMAC: eth.Src})
	long := make([]byte, 3000)
	return []shape{
		{name: "IPv4 UDP", frames: one(v4(ip4, udp, packet.Payload("x"))), want: []string{flow4(17, 1111, 2222, 1, 29, 0)}},
		{name: "IPv6 UDP", frames: one(v4(ip6, udp, packet.Payload("x"))), want: []string{flow6(17, 1111, 2222, 1, 49, 0)}},
		{name: "IPv4 options", frames: one(v4(options, udp)), want: []string{flow4(17, 1111, 2222, 1, 36, 0)}},
		{name: "TCP flags add up, ACK only with SYN", frames: [][]byte{
			v4(ip4, packet.TCP{SrcPort: 1, DstPort: 2, Flags: packet.SYN}), v4(ip4, packet.TCP{SrcPort: 1, DstPort: 2, Flags: packet.ACK}),
			v4(ip4, packet.TCP{SrcPort: 1, DstPort: 2, Flags: packet.FIN | packet.ACK | packet.PSH})},
			want: []string{flow4(6, 1, 2, 3, 120, 3)}},
		{name: "SYN-ACK is 18", frames: one(v4(ip6, packet.TCP{SrcPort: 1, DstPort: 2, Flags: packet.SYN | packet.ACK})),
			want: []string{flow6(6, 1, 2, 1, 60, 18)}},
		{name: "IPv4 fragments go to their flow", frames: framed(packet.FragmentIPv4(packet.Build(ip4, udp, packet.Payload(long)), 1400), packet.TypeIPv4),
			want: []string{flow4(17, 1111, 2222, 3, 3008+60, 0)}},
		{name: "IPv6 fragments go to their flow", frames: framed(packet.FragmentIPv6(packet.Build(ip6, udp, packet.Payload(long)), 1400, 9), packet.TypeIPv6),
			want: []string{flow6(17, 1111, 2222, 3, 3008+3*48, 0)}},
		{name: "a later fragment alone has port 0", frames: framed(packet.FragmentIPv4(packet.Build(ip4, udp, packet.Payload(long)), 1400)[1:2], packet.TypeIPv4),
			want: []string{flow4(17, 0, 0, 1, 1420, 0)}},
		{name: "an atomic IPv6 fragment is whole", frames: one(v4(ip6, packet.Fragment{ID: 1}, udp)),
			want: []string{flow6(17, 1111, 2222, 1, 56, 0)}},
		{name: "a first fragment within the TCP header still has ports", frames: framed(packet.FragmentIPv4(packet.Build(ip4, packet.TCP{SrcPort: 5, DstPort: 6, Flags: packet.SYN}), 8)[:1], packet.TypeIPv4),
			want: []string{flow4(6, 5, 6, 1, 28, 0)}},
		{name: "IPv6 extension headers", frames: one(v4(ip6, packet.Extension{Protocol: packet.ProtoHopByHop}, packet.Extension{Protocol: packet.ProtoDestination, Data: make([]byte, 20)}, udp)),
			want: []string{flow6(17, 1111, 2222, 1, 40+8+24+8, 0)}},
		{name: "eight extension headers", frames: one(v4(append(append([]packet.Layer{ip6}, hops[:7]...), udp)...)),
			want: []string{flow6(17, 1111, 2222, 1, 40+56+8, 0)}},
		{name: "more extension headers than the bound", frames: one(v4(append(append([]packet.Layer{ip6}, hops...), udp)...)),
			cause: tooMany, counts: flow.Count{Packets: 1, Bytes: 40 + 72 + 8}},
		{name: "no next header", frames: one(v4(with6(59))), want: []string{flow6(59, 0, 0, 1, 40, 0)}},
		{name: "VLAN", frames: one(tags(1, ip4, udp)), want: []string{flow4(17, 1111, 2222, 1, 28, 0)}},
		{name: "QinQ", frames: one(qinq), want: []string{flow4(17, 1111, 2222, 1, 29, 0)}},
		{name: "QinQ with IPv6", frames: one(tags(2, ip6, udp)), want: []string{flow6(17, 1111, 2222, 1, 48, 0)}},
		{name: "four tags", frames: one(tags(4, ip4, udp)), want: []string{flow4(17, 1111, 2222, 1, 28, 0)}},
		{name: "more tags than the bound", frames: one(tags(6, ip4, udp)), cause: tooMany, counts: flow.Count{Packets: 1}},
		{name: "ICMP has port 0", frames: one(v4(ip4, packet.ICMP{Type: packet.EchoRequest, ID: 3}, packet.Payload("ping"))), want: []string{flow4(1, 0, 0, 1, 32, 0)}},
		{name: "ICMPv6 has port 0", frames: one(v4(ip6, packet.ICMPv6{Type: packet.EchoRequestV6, ID: 3})), want: []string{flow6(58, 0, 0, 1, 48, 0)}},
		{name: "SCTP", frames: one(v4(ip4, packet.SCTP{SrcPort: 3, DstPort: 4}, packet.Payload("data"))), want: []string{flow4(132, 3, 4, 1, 36, 0)}},
		{name: "DCCP", frames: one(v4(ip6, packet.DCCP{SrcPort: 3, DstPort: 4, More: 4}, packet.Payload("serv"))), want: []string{flow6(33, 3, 4, 1, 60, 0)}},
		{name: "UDP-Lite", frames: one(v4(ip4, packet.UDPLite{SrcPort: 3, DstPort: 4})), want: []string{flow4(136, 3, 4, 1, 28, 0)}},
		{name: "GRE is its outer header", frames: one(v4(ip4, packet.GRE{}, ip4, udp)), want: []string{flow4(47, 0, 0, 1, 52, 0)}},
		{name: "ESP", frames: one(v4(ip6, packet.ESP{SPI: 1}, packet.Payload(long[:32]))), want: []string{flow6(50, 0, 0, 1, 80, 0)}},
		{name: "AH", frames: one(v4(ip4, packet.AH{SPI: 1, ICV: make([]byte, 12)}, udp)), want: []string{flow4(51, 0, 0, 1, 20+24+8, 0)}},
		{name: "IPIP is its outer header", frames: one(v4(ip4, packet.IPv4{Src: far4, Dst: client4}, udp)), want: []string{flow4(4, 0, 0, 1, 48, 0)}},
		{name: "6in4", frames: one(v4(ip4, packet.IPv6{Src: far6, Dst: client6}, udp)), want: []string{flow4(41, 0, 0, 1, 68, 0)}},
		{name: "unknown protocol", frames: one(v4(with(253), packet.Payload("?"))), want: []string{flow4(253, 0, 0, 1, 21, 0)}},
		{name: "Ethernet padding does not count", frames: one(append(v4(ip4, udp), make([]byte, 18)...)), want: []string{flow4(17, 1111, 2222, 1, 28, 0)}},
		{name: "a UDP header cut short has port 0", frames: one(v4(with(17), packet.Payload("ab"))), want: []string{flow4(17, 0, 0, 1, 22, 0)}},
		{name: "ARP is no record", frames: one(arp), cause: notIP, counts: flow.Count{Packets: 1, Bytes: 28}},
		{name: "an IPv4 header cut short", frames: one(v4(ip4)[:14+12]), cause: truncated, counts: flow.Count{Packets: 1, Bytes: 12}},
		{name: "an IPv6 header cut short", frames: one(v4(ip6)[:14+30]), cause: truncated, counts: flow.Count{Packets: 1, Bytes: 30}},
		{name: "an extension header cut short", frames: one(v4(with6(60), packet.Payload("abc"))), cause: truncated, counts: flow.Count{Packets: 1, Bytes: 43}},
		{name: "IPv4 of version 5", frames: one(patched(v4(ip4, udp), 14, 0x55)), cause: badHeader, counts: flow.Count{Packets: 1, Bytes: 28}},
		{name: "IPv4 header length 16", frames: one(patched(v4(ip4, udp), 14, 0x44)), cause: badHeader, counts: flow.Count{Packets: 1, Bytes: 28}},
		{name: "IPv6 of version 4", frames: one(patched(v4(ip6, udp), 14, 0x45)), cause: badHeader, counts: flow.Count{Packets: 1, Bytes: 48}},
	}
}

// check compares one window and the totals since before with what the shape says.
func (sh *shape) check(b *bed, s *Source, before Totals, windows []flow.Window, prefixes ...string) {
	b.tb.Helper()
	var want []string
	for _, p := range prefixes {
		for _, w := range sh.want {
			want = append(want, p+" "+w)
		}
	}
	var busy []flow.Window
	for _, w := range windows {
		if !w.Quiet {
			busy = append(busy, w)
		}
	}
	b.wantLines(busy, want...)
	after, err := s.Totals()
	b.must(err)
	for name, cause := range map[string]func(Totals) flow.Count{"not IP": notIP, "truncated": truncated, "bad header": badHeader, "too many headers": tooMany} {
		got, n := cause(after), cause(before)
		got.Packets -= n.Packets
		got.Bytes -= n.Bytes
		want := flow.Count{}
		if sh.cause != nil && cause(Totals{NotIP: flow.Count{Packets: 1}, Truncated: flow.Count{Packets: 2}, BadHeader: flow.Count{Packets: 3}, TooManyHeaders: flow.Count{Packets: 4}}) ==
			sh.cause(Totals{NotIP: flow.Count{Packets: 1}, Truncated: flow.Count{Packets: 2}, BadHeader: flow.Count{Packets: 3}, TooManyHeaders: flow.Count{Packets: 4}}) {
			want = flow.Count{Packets: sh.counts.Packets * uint64(len(prefixes)), Bytes: sh.counts.Bytes * uint64(len(prefixes))}
			if sh.counts.Bytes == 0 {
				want.Bytes = got.Bytes
			}
		}
		if got != want {
			b.tb.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

// TestShapesByTestRun gives each frame to the programs as it is.
func TestShapesByTestRun(t *testing.T) {
	b := newBed(t)
	s := b.open(Config{}, of(b.server, "eth0"))
	h := s.only(t)
	// The kernel runs no test on a packet cut short in its IP header; these are in
	// TestShapesOnALink only.
	short := func(f []byte) bool { return len(f) < 14+20 || f[14]>>4 == 6 && len(f) < 14+40 }
	for _, sh := range shapes(packet.Ethernet{Dst: b.s.MAC(), Src: b.c.MAC()}) {
		if slices.ContainsFunc(sh.frames, short) {
			continue
		}
		for _, way := range []struct {
			name string
			prog *ebpf.Program
		}{{"ingress", h.ingress}, {"egress", h.egress}} {
			t.Run(sh.name+" "+way.name, func(t *testing.T) {
				b := b.sub(t)
				before, err := s.Totals()
				b.must(err)
				for _, f := range sh.frames {
					if ret, _, err := way.prog.Test(f); err != nil || int32(ret) != -1 {
						t.Errorf("program returned %d, %v, want -1: next", int32(ret), err)
					}
				}
				sh.check(b, s, before, b.window(s), "eth0 "+way.name+" ACCEPT")
				b.forgetFragments(s)
			})
		}
	}
}

// TestShapesOnALink sends each frame through a virtual Ethernet pair of which
// both ends are captured.
func TestShapesOnALink(t *testing.T) {
	for _, tier := range tiers {
		t.Run(tier.name, func(t *testing.T) {
			b := newBed(t)
			s := b.open(tier.config(Config{}), of(b.server, "eth0"), of(b.client, "eth0"))
			raw, err := b.c.Raw()
			b.must(err)
			defer raw.Close()
			for _, sh := range shapes(packet.Ethernet{Dst: b.s.MAC(), Src: b.c.MAC()}) {
				t.Run(sh.name, func(t *testing.T) {
					b := b.sub(t)
					before, err := s.Totals()
					b.must(err)
					for _, f := range sh.frames {
						b.must(raw.Send(f))
					}
					sh.check(b, s, before, b.window(s), "eth0 ingress ACCEPT", "eth0 egress ACCEPT")
					b.forgetFragments(s)
				})
			}
		})
	}
}

// TestTun captures a device without a link header.
func TestTun(t *testing.T) {
	for _, tier := range tiers {
		t.Run(tier.name, func(t *testing.T) {
			b := newBed(t)
			tun, err := b.server.Tun(lab.TunConfig{Name: "tun0", Addrs: prefixes("10.9.0.1/24", "fd09::1/64")})
			b.must(err)
			s := b.open(tier.config(Config{}), of(b.server, "tun*"))
			in4 := packet.Build(packet.IPv4{Src: netip.MustParseAddr("10.9.0.2"), Dst: netip.MustParseAddr("10.9.0.77")}, udp, packet.Payload("hello"))
			in6 := packet.Build(packet.IPv6{Src: netip.MustParseAddr("fd09::2"), Dst: netip.MustParseAddr("fd09::77")}, packet.TCP{SrcPort: 8, DstPort: 9, Flags: packet.SYN})
			for _, p := range [][]byte{in4, in4, in6} {
				_, err := tun.File.Write(p)
				b.must(err)
			}
			for _, dst := range []string{"10.9.0.2:53", "[fd09::2]:53"} {
				_, _, err := b.server.ExchangeUDP(deadline(t), lab.UDPConfig{Dst: netip.MustParseAddrPort(dst), Src: netip.AddrPortFrom(netip.MustParseAddrPort(dst).Addr().Prev(), 4000), Count: 2, Size: 10, NoReply: true})
				b.must(err)
			}
			b.wantLines(b.window(s),
				"tun0 ingress ACCEPT proto 17 10.9.0.2:1111 > 10.9.0.77:2222 packets 2 bytes 66 flags 0",
				"tun0 ingress ACCEPT proto 6 [fd09::2]:8 > [fd09::77]:9 packets 1 bytes 60 flags 2",
				"tun0 egress ACCEPT proto 17 10.9.0.1:4000 > 10.9.0.2:53 packets 2 bytes 76 flags 0",
				"tun0 egress ACCEPT proto 17 [fd09::1]:4000 > [fd09::2]:53 packets 2 bytes 116 flags 0")
		})
	}
}
