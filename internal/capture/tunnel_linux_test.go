package capture

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"weir/internal/flow"
	"weir/internal/lab"
	"weir/internal/lab/packet"
)

// A tunnel is a VXLAN between the client and the server of a bed.
type tunnel struct {
	*bed
	outer version
	c, s  *lab.Device
}

// inside are the versions as they are inside the tunnel.
var inside = []version{
	{name: "IPv4", client: netip.MustParseAddr("10.7.0.1"), server: netip.MustParseAddr("10.7.0.2"), header: 20},
	{name: "IPv6", client: netip.MustParseAddr("fd07::1"), server: netip.MustParseAddr("fd07::2"), header: 40},
}

const vxlanPort = 4789

func newTunnel(tb testing.TB, outer version) *tunnel {
	tb.Helper()
	b := newBed(tb)
	t := &tunnel{bed: b, outer: outer}
	var err error
	t.c, err = b.client.VXLAN(lab.VXLANConfig{Name: "vxlan0", VNI: 9, Local: outer.client, Remote: outer.server,
		MTU: 1400, Addrs: prefixes("10.7.0.1/24", "fd07::1/64")})
	b.must(err)
	t.s, err = b.server.VXLAN(lab.VXLANConfig{Name: "vxlan0", VNI: 9, Local: outer.server, Remote: outer.client,
		MTU: 1400, Addrs: prefixes("10.7.0.2/24", "fd07::2/64")})
	b.must(err)
	for _, v := range inside {
		b.must(t.c.AddNeighbour(v.server, t.s.MAC()))
		b.must(t.s.AddNeighbour(v.client, t.c.MAC()))
	}
	return t
}

// overhead is what the tunnel adds to each packet: IP, UDP, VXLAN, Ethernet.
func (t *tunnel) overhead() int { return t.outer.header + 8 + 8 + 14 }

// outerLine is a flow of the underlay towards the server; its source port is made
// from the flow inside, so it is taken from the windows.
func (t *tunnel) outerLine(windows []flow.Window, way, verdict string, packets, bytes int) string {
	t.tb.Helper()
	var from netip.AddrPort
	for _, w := range windows {
		for _, f := range w.Flows {
			if f.DstPort == vxlanPort && f.DstAddr() == t.outer.server {
				from = netip.AddrPortFrom(f.SrcAddr(), f.SrcPort)
			}
		}
	}
	return line("eth0", way, verdict, 17, from, netip.AddrPortFrom(t.outer.server, vxlanPort), packets, bytes, 0)
}

// sendTCP sends one offloaded TCP segment through the tunnel, which makes ten.
func (t *tunnel) sendTCP(v version) {
	t.tb.Helper()
	raw, err := t.c.Raw()
	t.must(err)
	defer raw.Close()
	var ip packet.Layer = packet.IPv4{Src: v.client, Dst: v.server}
	if v.header == 40 {
		ip = packet.IPv6{Src: v.client, Dst: v.server}
	}
	err = raw.SendGSO(packet.Build(packet.Ethernet{Dst: t.s.MAC(), Src: t.c.MAC()}, ip,
		packet.TCP{SrcPort: 4000, DstPort: 53, Flags: packet.ACK | packet.FIN, Options: make([]byte, 12)}, packet.Payload(make([]byte, 9500))), 1000)
	if !errors.Is(err, unix.ENOBUFS) { // so the sender learns that it was refused
		t.must(err)
	}
}

// sendUDP sends ten datagrams by one call.
func (t *tunnel) sendUDP(v version) {
	t.tb.Helper()
	const udpSegment = 103 // UDP_SEGMENT
	in, err := t.server.ListenPacket("udp", netip.AddrPortFrom(v.server, 53).String())
	t.must(err)
	defer in.Close()
	out, err := t.client.ListenPacket("udp", netip.AddrPortFrom(v.client, 4000).String())
	t.must(err)
	defer out.Close()
	rc, err := out.(*net.UDPConn).SyscallConn()
	t.must(err)
	t.must(rc.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, udpSegment, 1000) }))
	t.must(err)
	_, err = out.WriteTo(make([]byte, 9500), net.UDPAddrFromAddrPort(netip.AddrPortFrom(v.server, 53)))
	t.must(err)
}

// TestOffloadInsideATunnel sends ten segments as one buffer through a tunnel and
// captures it and what carries it, at both ends. With software segmentation the
// underlay's own counters confirm that they are ten on the wire.
func TestOffloadInsideATunnel(t *testing.T) {
	for i, tier := range tiers {
		for _, outer := range versions {
			tun := newTunnel(t, outer)
			s := tun.open(tier.config(Config{}), of(tun.client, "eth0", "vxlan0"), of(tun.server, "eth0", "vxlan0"))
			for _, software := range []bool{false, true} {
				tun.ethtool(tun.bed.c, unix.ETHTOOL_STSO, !software)
				if software {
					tun.must(tun.bed.c.SetOffload(false))
				}
				for _, v := range inside {
					for _, proto := range []int{6, 17} {
						name := fmt.Sprintf("%s, %s in %s, protocol %d, software %v", tiers[i].name, v.name, outer.name, proto, software)
						t.Run(name, func(t *testing.T) {
							tun.with(t).carriesTen(s, v, proto, software)
						})
					}
				}
			}
		}
	}
}

// with returns the tunnel for a subtest.
func (t *tunnel) with(tb testing.TB) *tunnel {
	c := *t
	c.bed = t.sub(tb)
	return &c
}

// carriesTen sends ten segments and says what is wrong with the windows.
func (t *tunnel) carriesTen(s *Source, v version, proto int, software bool) {
	t.tb.Helper()
	before, err := t.bed.c.Stats()
	t.must(err)
	send, header, flags := t.sendTCP, v.header+32, 1
	if proto == 17 {
		send, header, flags = t.sendUDP, v.header+8, 0
	}
	send(v)
	windows := t.busy(s)
	src, dst := netip.AddrPortFrom(v.client, 4000), netip.AddrPortFrom(v.server, 53)
	size := 9500 + 10*header
	want := []string{
		line("vxlan0", "egress", "ACCEPT", proto, src, dst, 10, size, flags), line("vxlan0", "ingress", "ACCEPT", proto, src, dst, 10, size, flags),
		t.outerLine(windows, "egress", "ACCEPT", 10, size+10*t.overhead()), t.outerLine(windows, "ingress", "ACCEPT", 10, size+10*t.overhead()),
	}
	t.wantAnswered(windows, proto, want)
	after, err := t.bed.c.Stats()
	t.must(err)
	wire := flow.Count{Packets: after.TxPackets - before.TxPackets, Bytes: after.TxBytes - before.TxBytes}
	if software && wire != (flow.Count{Packets: 10, Bytes: uint64(size + 10*(t.overhead()+14))}) {
		t.tb.Errorf("%+v on the wire, want 10 packets of %d IP bytes", wire, size+10*t.overhead())
	}
	if !software && wire.Packets != 1 {
		t.tb.Errorf("%d buffers passed the link, want 1: nothing was offloaded", wire.Packets)
	}
}

// wantAnswered is wantLines without what the server answers: TCP resets a
// connection that does not exist.
func (t *tunnel) wantAnswered(windows []flow.Window, proto int, want []string) {
	t.tb.Helper()
	for i := range windows {
		var kept []flow.Flow
		for _, f := range windows[i].Flows {
			if f.Verdict == flow.Reject || f.DstPort == 53 || f.SrcPort != 53 && f.SrcAddr() == t.outer.client {
				kept = append(kept, f)
			}
		}
		windows[i].Flows = kept
	}
	t.wantLines(windows, want...)
}

// TestRefusedInsideATunnel refuses offloaded packets inside of a tunnel, and the
// tunnel's own, on each side of it.
func TestRefusedInsideATunnel(t *testing.T) {
	carrier := lab.Match{Protocol: packet.ProtoUDP, DstPort: vxlanPort}
	for _, tt := range []struct {
		name   string
		server bool
		rule   lab.Rule
		want   []string // device, direction and verdict, as far as the packets come
	}{
		{"inside at PREROUTING", true, lab.Rule{Hook: lab.Prerouting, Match: lab.Match{In: "vxlan0"}},
			[]string{"vxlan0 egress ACCEPT", "eth0 egress ACCEPT", "eth0 ingress ACCEPT", "vxlan0 ingress REJECT"}},
		{"outside at INPUT", true, lab.Rule{Hook: lab.Input, Match: carrier},
			[]string{"vxlan0 egress ACCEPT", "eth0 egress ACCEPT", "eth0 ingress REJECT"}},
		{"outside at OUTPUT", false, lab.Rule{Hook: lab.Output, Match: carrier},
			[]string{"vxlan0 egress ACCEPT", "eth0 egress REJECT"}},
		{"outside at netdev ingress", true, lab.Rule{Family: lab.Netdev, Hook: lab.Ingress, Device: "eth0", Match: carrier},
			[]string{"vxlan0 egress ACCEPT", "eth0 egress ACCEPT", "eth0 ingress REJECT"}},
		{"outside at POSTROUTING", false, lab.Rule{Hook: lab.Postrouting, Match: carrier},
			[]string{"vxlan0 egress ACCEPT", "eth0 egress REJECT"}},
		{"outside at netdev egress", false, lab.Rule{Family: lab.Netdev, Hook: lab.Egress, Device: "eth0", Match: carrier},
			[]string{"vxlan0 egress ACCEPT", "eth0 egress REJECT"}},
		{"inside at netdev egress", false, lab.Rule{Family: lab.Netdev, Hook: lab.Egress, Device: "vxlan0"},
			[]string{"vxlan0 egress REJECT"}},
	} {
		for _, outer := range versions {
			t.Run(tt.name+" in "+outer.name, func(t *testing.T) {
				tun := newTunnel(t, outer)
				host := tun.client
				if tt.server {
					host = tun.server
				}
				tt.rule.Verdict = lab.Drop
				tun.firewall(host, tt.rule)
				s := tun.open(Config{}, of(tun.client, "eth0", "vxlan0"), of(tun.server, "eth0", "vxlan0"))
				for _, v := range inside {
					tun.sendTCP(v)
					windows := tun.busy(s)
					size := 9500 + 10*(v.header+32)
					var want []string
					for _, w := range tt.want {
						var device, way, verdict string
						_, err := fmt.Sscan(w, &device, &way, &verdict)
						tun.must(err)
						if device == "eth0" {
							want = append(want, tun.outerLine(windows, way, verdict, 10, size+10*tun.overhead()))
							continue
						}
						want = append(want, line(device, way, verdict, 6, netip.AddrPortFrom(v.client, 4000), netip.AddrPortFrom(v.server, 53), 10, size, 1))
					}
					tun.wantLines(windows, want...)
				}
			})
		}
	}
}

// TestTransferThroughATunnel sends bulk TCP through a tunnel with segmentation
// offload at one end and receive offload at the other. The underlay's device
// segments behind our hook, so its own counters say what was on the wire; each
// packet inside is one of those.
func TestTransferThroughATunnel(t *testing.T) {
	for _, outer := range versions {
		for _, v := range inside {
			t.Run(v.name+" in "+outer.name, func(t *testing.T) {
				tun := newTunnel(t, outer)
				tun.ethtool(tun.bed.c, unix.ETHTOOL_STSO, false)
				tun.ethtool(tun.bed.s, unix.ETHTOOL_SGRO, true)
				// Fewer packets under way than the link's queue holds: none is lost.
				tun.must(tun.server.SetSysctl("net/ipv4/tcp_rmem", "4096 65536 131072"))
				p, out := dropper(t, ebpf.SchedCLS, -1, -1)
				tun.foreignTCX(tun.bed.c, p, ebpf.AttachTCXEgress, link.Head())
				q, in := dropper(t, ebpf.SchedCLS, -1, -1)
				tun.foreignTCX(tun.bed.s, q, ebpf.AttachTCXIngress, link.Head())
				s := tun.open(Config{}, of(tun.client, "eth0", "vxlan0"), of(tun.server, "eth0", "vxlan0"))
				before, err := tun.bed.c.Stats()
				tun.must(err)
				tun.transfer(netip.AddrPortFrom(v.server, 80), 4<<20)
				windows := tun.window(s)
				after, err := tun.bed.c.Stats()
				tun.must(err)
				if dropped := after.TxDropped - before.TxDropped; dropped > 0 {
					t.Errorf("the link dropped %d packets, want none", dropped)
				}
				// With receive offload at the other end a pair counts bytes without link headers.
				wire := flow.Count{Packets: after.TxPackets - before.TxPackets, Bytes: after.TxBytes - before.TxBytes}
				within := flow.Count{Packets: wire.Packets, Bytes: wire.Bytes - wire.Packets*uint64(tun.overhead())}
				for _, at := range []struct {
					name, device string
					ns           *lab.Namespace
					d            flow.Direction
					want         flow.Count
				}{
					{"client's underlay", "eth0", tun.client, flow.Egress, wire}, {"server's underlay", "eth0", tun.server, flow.Ingress, wire},
					{"client's tunnel", "vxlan0", tun.client, flow.Egress, within}, {"server's tunnel", "vxlan0", tun.server, flow.Ingress, within},
				} {
					got := sum(windows, func(w flow.Window, f flow.Flow) bool {
						return w.Interface.Netns == at.ns.Cookie() && w.Interface.Name == at.device && f.Direction == at.d && f.Verdict == flow.Accept
					})
					if got != at.want {
						t.Errorf("%s: got %+v, want %+v", at.name, got, at.want)
					}
				}
				if o, i := tun.runs(out), tun.runs(in); o*3 > wire.Packets || i >= wire.Packets {
					t.Errorf("%d buffers out and %d in for %d packets on the wire: nothing was offloaded", o, i, wire.Packets)
				}
			})
		}
	}
}
