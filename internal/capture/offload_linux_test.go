package capture

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"weir/internal/flow"
	"weir/internal/lab"
	"weir/internal/lab/packet"
)

// ethtool turns one offload of a device on or off.
func (b *bed) ethtool(d *lab.Device, command uint32, on bool) {
	b.tb.Helper()
	b.must(d.Namespace().Do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		value := struct{ command, on uint32 }{command: command}
		if on {
			value.on = 1
		}
		var req struct { // struct ifreq
			name [unix.IFNAMSIZ]byte
			data unsafe.Pointer
			_    [16]byte
		}
		copy(req.name[:], d.Name())
		var pin runtime.Pinner
		pin.Pin(&value)
		defer pin.Unpin()
		req.data = unsafe.Pointer(&value)
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req))); errno != 0 {
			return errno
		}
		return nil
	}))
}

// transfer sends n bytes over one TCP connection.
func (b *bed) transfer(dst netip.AddrPort, n int64) {
	b.tb.Helper()
	l, err := b.server.Listen("tcp", dst.String())
	b.must(err)
	defer l.Close()
	done := make(chan int64)
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		got, _ := io.Copy(io.Discard, c)
		done <- got
	}()
	c, err := b.client.DialContext(deadline(b.tb), "tcp", dst.String())
	b.must(err)
	_, err = io.CopyN(c, zeros{}, n)
	b.must(err)
	b.must(c.(*net.TCPConn).CloseWrite())
	if got := <-done; got != n {
		b.tb.Fatalf("%d bytes arrived, want %d", got, n)
	}
	_, _ = c.Read(make([]byte, 1)) // until the server has closed too
	c.Close()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// sum adds up the flows of one interface and direction.
func sum(windows []flow.Window, match func(flow.Window, flow.Flow) bool) (c flow.Count) {
	for _, w := range windows {
		for _, f := range w.Flows {
			if match(w, f) {
				c.Add(f.Count)
			}
		}
	}
	return c
}

// TestTransferCountsWirePackets sends bulk TCP through segmentation and receive
// offload. The client's device segments in software, behind our hook, so its own
// counters say what was on the wire.
func TestTransferCountsWirePackets(t *testing.T) {
	for _, tier := range tiers {
		for _, big := range []uint32{0, 200000} {
			for _, v := range versions {
				t.Run(fmt.Sprintf("%s %s gso %d", tier.name, v.name, big), func(t *testing.T) {
					b := newBed(t)
					b.ethtool(b.c, unix.ETHTOOL_STSO, false)
					b.ethtool(b.s, unix.ETHTOOL_SGRO, true)
					if big > 0 {
						for _, d := range []*lab.Device{b.c, b.s} {
							h := d.Namespace().Handle()
							l, err := h.LinkByIndex(d.Index())
							b.must(err)
							for _, set := range []func() error{
								func() error { return h.LinkSetGSOMaxSize(l, int(big)) }, func() error { return h.LinkSetGROMaxSize(l, int(big)) },
								func() error { return h.LinkSetGSOIPv4MaxSize(l, int(big)) }, func() error { return h.LinkSetGROIPv4MaxSize(l, int(big)) },
							} {
								b.must(set())
							}
						}
					}
					p, buffers := dropper(t, ebpf.SchedCLS, -1, -1)
					b.foreignTCX(b.c, p, ebpf.AttachTCXEgress, link.Head())
					q, received := dropper(t, ebpf.SchedCLS, -1, -1)
					b.foreignTCX(b.s, q, ebpf.AttachTCXIngress, link.Head())
					s := b.open(tier.config(Config{}), of(b.client, "eth0"), of(b.server, "eth0"))
					before, err := b.c.Stats()
					b.must(err)
					b.transfer(netip.AddrPortFrom(v.server, 80), 20<<20)
					got := b.window(s)
					after, err := b.c.Stats()
					b.must(err)
					// With GRO at the other end a pair counts bytes without link headers.
					want := flow.Count{Packets: after.TxPackets - before.TxPackets, Bytes: after.TxBytes - before.TxBytes}
					dropped := after.TxDropped - before.TxDropped // by the device, behind our hook
					for _, way := range []struct {
						name string
						ns   *lab.Namespace
						d    flow.Direction
					}{{"client's egress", b.client, flow.Egress}, {"server's ingress", b.server, flow.Ingress}} {
						c := sum(got, func(w flow.Window, f flow.Flow) bool {
							return w.Interface.Netns == way.ns.Cookie() && f.Direction == way.d && f.Verdict == flow.Accept
						})
						if way.d == flow.Egress && dropped > 0 {
							if c.Packets != want.Packets+dropped {
								t.Errorf("%s: got %+v, want %+v and %d packets that the device dropped", way.name, c, want, dropped)
							}
						} else if c != want {
							t.Errorf("%s: got %+v, want %+v", way.name, c, want)
						}
					}
					if n := b.runs(buffers); n*5 > want.Packets {
						t.Errorf("%d buffers for %d packets on the wire: nothing was offloaded", n, want.Packets)
					}
					t.Logf("%d packets on the wire, %d buffers out, %d in", want.Packets, b.runs(buffers), b.runs(received))
				})
			}
		}
	}
}

// TestRefusedSegments refuses offloaded packets: exactly what they would have
// been on the wire.
func TestRefusedSegments(t *testing.T) {
	for _, hook := range []lab.Hook{lab.Input, lab.Prerouting} {
		b := newBed(t)
		b.firewall(b.server, lab.Rule{Hook: hook, Match: lab.Match{Protocol: 6, DstPort: 80}, Verdict: lab.Drop})
		raw, err := b.c.Raw()
		b.must(err)
		defer raw.Close()
		s := b.open(Config{}, of(b.server, "eth0"), of(b.client, "eth0"))
		for _, v := range versions {
			var ip packet.Layer = packet.IPv4{Src: v.client, Dst: v.server}
			if v.header == 40 {
				ip = packet.IPv6{Src: v.client, Dst: v.server}
			}
			b.must(raw.SendGSO(packet.Build(packet.Ethernet{Dst: b.s.MAC(), Src: b.c.MAC()}, ip,
				packet.TCP{SrcPort: 4000, DstPort: 80, Flags: packet.ACK | packet.FIN, Options: make([]byte, 12)}, packet.Payload(make([]byte, 9500))), 1000))
			src, dst := netip.AddrPortFrom(v.client, 4000), netip.AddrPortFrom(v.server, 80)
			size := 9500 + 10*(v.header+32)
			b.wantLines(b.busy(s), line("eth0", "egress", "ACCEPT", 6, src, dst, 10, size, 1), line("eth0", "ingress", "REJECT", 6, src, dst, 10, size, 1))
		}
	}
}

// TestUDPSegments sends datagrams by UDP segmentation offload, accepted and refused.
func TestUDPSegments(t *testing.T) {
	const udpSegment = 103 // UDP_SEGMENT
	b := newBed(t)
	b.firewall(b.server, lab.Rule{Hook: lab.Input, Match: dns, Verdict: lab.Drop})
	s := b.open(Config{}, of(b.server, "eth0"), of(b.client, "eth0"))
	for _, v := range versions {
		out, err := b.client.ListenPacket("udp", netip.AddrPortFrom(v.client, 4000).String())
		b.must(err)
		rc, err := out.(*net.UDPConn).SyscallConn()
		b.must(err)
		b.must(rc.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, udpSegment, 1000) }))
		b.must(err)
		in, err := b.server.ListenPacket("udp", netip.AddrPortFrom(v.server, 54).String())
		b.must(err)
		for _, port := range []uint16{53, 54} {
			_, err = out.WriteTo(make([]byte, 9500), net.UDPAddrFromAddrPort(netip.AddrPortFrom(v.server, port)))
			b.must(err)
		}
		src, size := netip.AddrPortFrom(v.client, 4000), 9500+10*(v.header+8)
		dst := func(port uint16) netip.AddrPort { return netip.AddrPortFrom(v.server, port) }
		b.wantLines(b.busy(s),
			line("eth0", "egress", "ACCEPT", 17, src, dst(53), 10, size, 0), line("eth0", "ingress", "REJECT", 17, src, dst(53), 10, size, 0),
			line("eth0", "egress", "ACCEPT", 17, src, dst(54), 10, size, 0), line("eth0", "ingress", "ACCEPT", 17, src, dst(54), 10, size, 0))
		in.Close()
		out.Close()
	}
}

// TestRefusedFragments refuses datagrams that came in fragments: whole, after the
// stack has put them together, and one by one.
func TestRefusedFragments(t *testing.T) {
	track := lab.Rule{Hook: lab.Prerouting, Match: lab.Match{States: lab.Invalid}, Verdict: lab.Count}
	for _, tt := range []struct {
		name  string
		rules []lab.Rule
	}{
		{"one by one at PREROUTING", []lab.Rule{{Hook: lab.Prerouting, Priority: -450, Match: lab.Match{Src: netip.MustParsePrefix("0.0.0.0/0")}, Verdict: lab.Drop},
			{Hook: lab.Prerouting, Priority: -450, Match: lab.Match{Src: netip.MustParsePrefix("::/0")}, Verdict: lab.Drop}}},
		{"put together at INPUT", []lab.Rule{{Hook: lab.Input, Match: lab.Match{Src: netip.MustParsePrefix("0.0.0.0/0")}, Verdict: lab.Drop},
			{Hook: lab.Input, Match: lab.Match{Src: netip.MustParsePrefix("::/0")}, Verdict: lab.Drop}}},
		{"put together by connection tracking", []lab.Rule{track, {Hook: lab.Prerouting, Match: dns, Verdict: lab.Drop}}},
		{"put together by connection tracking, at INPUT", []lab.Rule{track, {Hook: lab.Input, Match: dns, Verdict: lab.Drop}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t)
			b.firewall(b.server, tt.rules...)
			s := b.open(Config{}, of(b.server, "eth0"))
			for _, v := range versions {
				_, _, err := b.client.ExchangeUDP(deadline(t), lab.UDPConfig{
					Src: netip.AddrPortFrom(v.client, 4000), Dst: netip.AddrPortFrom(v.server, 53), Count: 3, Size: 5000, NoReply: true})
				b.must(err)
				// 5008 bytes in four: 1480 to a fragment, or 1448 behind a fragment header.
				size := 5008 + 4*20
				if v.header == 40 {
					size = 5008 + 4*48
				}
				b.wantLines(b.busy(s), line("eth0", "ingress", "REJECT", 17, netip.AddrPortFrom(v.client, 4000), netip.AddrPortFrom(v.server, 53), 12, 3*size, 0))
			}
		})
	}
}
