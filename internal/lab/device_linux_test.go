package lab

import (
	"bytes"
	"context"
	"net/netip"
	"testing"
	"time"

	"weir/internal/lab/packet"
)

// TestQuiet waits longer than the kernel takes to send its first unasked packets,
// and looks at a chatty pair meanwhile to know that it does.
func TestQuiet(t *testing.T) {
	l := newLab(t)
	a, b := pair(t, l)
	routerA, _ := link(t, l,
		End{NS: newNS(t, l, NamespaceConfig{Forward: true}), Addrs: prefixes("10.78.0.1/24", "fd78::1/64")},
		End{NS: newNS(t, l, NamespaceConfig{Forward: true}), Addrs: prefixes("10.78.0.2/24", "fd78::2/64")})
	tun := must(a.Namespace().Tun(TunConfig{Addrs: prefixes("10.79.0.1/24", "fd79::1/64")}))(t)
	noisy, _ := link(t, l,
		End{NS: newNS(t, l, NamespaceConfig{Chatty: true})}, End{NS: newNS(t, l, NamespaceConfig{Chatty: true})})
	eventually(t, "packets of a chatty namespace", func() bool { return stats(t, noisy).TxPackets > 2 })
	time.Sleep(500 * time.Millisecond)
	for _, d := range []*Device{a, b, routerA, tun.Device} {
		if s := stats(t, d); s.TxPackets != 0 || s.RxPackets != 0 {
			t.Errorf("%v sent %d packets and received %d, want none", d, s.TxPackets, s.RxPackets)
		}
	}
}

func TestPing(t *testing.T) {
	l := newLab(t)
	a, b := pair(t, l)
	for _, dst := range []netip.Addr{b4, b6} {
		before := stats(t, b)
		sent, answered, err := a.Namespace().Ping(context.Background(), PingConfig{Dst: dst, Count: 3})
		if err != nil || sent != 3 || answered != 3 {
			t.Errorf("Ping(%v) = %d, %d, %v, want 3, 3", dst, sent, answered, err)
		}
		after := stats(t, b)
		if rx, tx := after.RxPackets-before.RxPackets, after.TxPackets-before.TxPackets; rx != 3 || tx != 3 {
			t.Errorf("Ping(%v): %v received %d and sent %d packets, want 3 and 3", dst, b, rx, tx)
		}
	}
	sent, answered, err := a.Namespace().Ping(context.Background(), PingConfig{Dst: netip.MustParseAddr("10.77.0.9"), Wait: 20 * time.Millisecond})
	if err != nil || sent != 1 || answered != 0 {
		t.Errorf("Ping of nobody = %d, %d, %v, want 1, 0", sent, answered, err)
	}
}

func TestRouter(t *testing.T) {
	l := newLab(t)
	client, server := newNS(t, l, NamespaceConfig{Name: "client"}), newNS(t, l, NamespaceConfig{Name: "server"})
	router := newNS(t, l, NamespaceConfig{Name: "router", Forward: true})
	c, _ := link(t, l, End{NS: client, Addrs: prefixes("10.1.0.2/24", "fd01::2/64")}, End{NS: router, Addrs: prefixes("10.1.0.1/24", "fd01::1/64")})
	s, _ := link(t, l, End{NS: server, Addrs: prefixes("10.2.0.2/24", "fd02::2/64")}, End{NS: router, Addrs: prefixes("10.2.0.1/24", "fd02::1/64")})
	for _, r := range []struct {
		d        *Device
		dst, via string
	}{
		{c, "10.2.0.0/24", "10.1.0.1"}, {c, "fd02::/64", "fd01::1"}, {s, "0.0.0.0/0", "10.2.0.1"}, {s, "::/0", "fd02::1"},
	} {
		if err := r.d.AddRoute(netip.MustParsePrefix(r.dst), netip.MustParseAddr(r.via)); err != nil {
			t.Fatal(err)
		}
	}
	for _, dst := range []string{"10.2.0.2", "fd02::2"} {
		if _, n, err := client.Ping(context.Background(), PingConfig{Dst: netip.MustParseAddr(dst)}); n != 1 {
			t.Errorf("ping %s through a router: %d answers, %v, want 1", dst, n, err)
		}
	}
}

func TestBridge(t *testing.T) {
	l := newLab(t)
	sw := newNS(t, l, NamespaceConfig{Name: "switch"})
	br := must(sw.Bridge("br0"))(t)
	var hosts []*Device
	for _, a := range []string{"10.3.0.1/24", "10.3.0.2/24"} {
		h, port := link(t, l, End{NS: newNS(t, l, NamespaceConfig{}), Addrs: prefixes(a), Discover: true}, End{NS: sw, Discover: true})
		if err := port.Attach(br); err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, h)
	}
	if _, n, err := hosts[0].Namespace().Ping(context.Background(), PingConfig{Dst: netip.MustParseAddr("10.3.0.2")}); n != 1 {
		t.Errorf("ping through a bridge: %d answers, %v, want 1", n, err)
	}
}

func TestVXLAN(t *testing.T) {
	l := newLab(t)
	a, b := pair(t, l)
	va := must(a.Namespace().VXLAN(VXLANConfig{VNI: 7, Local: a4, Remote: b4, Addrs: prefixes("10.4.0.1/24")}))(t)
	vb := must(b.Namespace().VXLAN(VXLANConfig{VNI: 7, Local: b4, Remote: a4, Addrs: prefixes("10.4.0.2/24")}))(t)
	must(0, va.AddNeighbour(netip.MustParseAddr("10.4.0.2"), vb.MAC()))(t)
	must(0, vb.AddNeighbour(netip.MustParseAddr("10.4.0.1"), va.MAC()))(t)
	if _, n, err := a.Namespace().Ping(context.Background(), PingConfig{Dst: netip.MustParseAddr("10.4.0.2"), Count: 2}); n != 2 {
		t.Errorf("ping through a vxlan: %d answers, %v, want 2", n, err)
	}
	if s := stats(t, a); s.TxPackets != 2 || s.RxPackets != 2 {
		t.Errorf("the underlay carried %d and %d packets, want 2 and 2", s.TxPackets, s.RxPackets)
	}
}

func TestTun(t *testing.T) {
	l := newLab(t)
	ns := newNS(t, l, NamespaceConfig{})
	tun := must(ns.Tun(TunConfig{Addrs: prefixes("10.5.0.1/24", "fd05::1/64"), MTU: 1400}))(t)
	for _, tt := range []struct {
		name          string
		request, want []byte
	}{
		{"IPv4", packet.Build(packet.IPv4{Src: netip.MustParseAddr("10.5.0.2"), Dst: netip.MustParseAddr("10.5.0.1")},
			packet.ICMP{Type: packet.EchoRequest, ID: 1, Sequence: 2}, packet.Payload("hello")),
			packet.Build(packet.ICMP{Type: packet.EchoReply, ID: 1, Sequence: 2}, packet.Payload("hello"))},
		{"IPv6", packet.Build(packet.IPv6{Src: netip.MustParseAddr("fd05::2"), Dst: netip.MustParseAddr("fd05::1")},
			packet.ICMPv6{Type: packet.EchoRequestV6, ID: 1, Sequence: 2}, packet.Payload("hello")),
			packet.Build(packet.IPv6{Src: netip.MustParseAddr("fd05::1"), Dst: netip.MustParseAddr("fd05::2")},
				packet.ICMPv6{Type: packet.EchoReplyV6, ID: 1, Sequence: 2}, packet.Payload("hello"))[40:]},
	} {
		must(tun.File.Write(tt.request))(t)
		must(0, tun.File.SetReadDeadline(time.Now().Add(5*time.Second)))(t)
		buf := make([]byte, 2000)
		n, err := tun.File.Read(buf)
		if err != nil {
			t.Fatalf("%s: no reply: %v", tt.name, err)
		}
		if !bytes.HasSuffix(buf[:n], tt.want) {
			t.Errorf("%s: reply %x, want its end to be %x", tt.name, buf[:n], tt.want)
		}
	}
}

// TestOffload counts the packets of one transfer: with segmentation offload they
// are few and large.
func TestOffload(t *testing.T) {
	l := newLab(t)
	a, b := pair(t, l)
	const size = 1 << 20
	srv := serveBytes(t, b.Namespace(), netip.AddrPortFrom(b4, 80), size)
	transfer := func() uint64 {
		before := stats(t, b).TxPackets
		if _, n, err := a.Namespace().Get(context.Background(), "http://"+srv.Addr().String()); n != size {
			t.Fatalf("Get: %d bytes, %v, want %d", n, err, size)
		}
		return stats(t, b).TxPackets - before
	}
	const segments = (size + 1447) / 1448 // 1500 bytes less 20 of IPv4, 20 of TCP and 12 of timestamps
	if n := transfer(); n >= segments/4 {
		t.Errorf("with offload %d packets, want far fewer than %d", n, segments)
	}
	must(0, b.SetOffload(false))(t)
	if n := transfer(); n < segments {
		t.Errorf("without offload %d packets, want at least %d", n, segments)
	}
	must(0, b.SetOffload(true))(t)
	if n := transfer(); n >= segments/4 {
		t.Errorf("with offload again %d packets, want far fewer than %d", n, segments)
	}
}

func TestRawGSO(t *testing.T) {
	l := newLab(t)
	a, b := pair(t, l)
	raw := must(a.Raw())(t)
	const size, segments = 1000, 7
	eth := packet.Ethernet{Dst: b.MAC(), Src: a.MAC()}
	tcp := packet.TCP{SrcPort: 1, DstPort: 2, Flags: packet.ACK}
	data := packet.Payload(make([]byte, size*segments-1))
	for _, ip := range []packet.Layer{packet.IPv4{Src: a4, Dst: b4}, packet.IPv6{Src: a6, Dst: b6}} {
		for _, tt := range []struct {
			offload bool
			want    uint64
		}{{true, 1}, {false, segments}} {
			must(0, a.SetOffload(tt.offload))(t)
			before := stats(t, b).RxPackets
			must(0, raw.SendGSO(packet.Build(eth, ip, tcp, data), size))(t)
			if got := stats(t, b).RxPackets - before; got != tt.want {
				t.Errorf("%T with offload %v: %d packets arrived, want %d", ip, tt.offload, got, tt.want)
			}
		}
	}
	// Every segment was valid: the host answered each with a reset, as it does
	// to no segment with a wrong checksum.
	if s := stats(t, b); s.TxPackets == 0 {
		t.Error("no resets: the segments were not valid")
	}
	if err := raw.SendGSO(packet.Build(eth, packet.IPv4{Src: a4, Dst: b4}, packet.UDP{}), size); err == nil {
		t.Error("SendGSO took a datagram")
	}
	must(0, raw.Close())(t)
	if err := raw.Send(packet.Build(eth)); err == nil {
		t.Error("Send after Close returned nil")
	}
}

// TestFirstPackets sends through a link at the moment it comes up.
func TestFirstPackets(t *testing.T) {
	l := newLab(t)
	a, b := link(t, l, End{NS: newNS(t, l, NamespaceConfig{}), Down: true}, End{NS: newNS(t, l, NamespaceConfig{}), Down: true})
	if _, err := a.Generate(context.Background(), FlowConfig{Src: a4, Dst: b4}); err == nil {
		t.Error("Generate through a device that is down returned nil")
	}
	must(0, b.Up())(t)
	must(0, a.Up())(t)
	sent := must(a.Generate(context.Background(), FlowConfig{Src: a4, Dst: b4, DstMAC: b.MAC(), Packets: 100}))(t)
	if got := stats(t, b).RxPackets; got != sent.Packets {
		t.Errorf("%d packets arrived, want %d", got, sent.Packets)
	}
}
