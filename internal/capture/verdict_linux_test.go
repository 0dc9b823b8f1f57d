package capture

import (
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"weir/internal/lab"
	"weir/internal/lab/labtest"
	"weir/internal/lab/packet"
)

// A version is what differs between the two IP versions.
type version struct {
	name           string
	client, server netip.Addr
	header         int
	family         lab.Family
	iptables       string
}

var versions = []version{
	{"IPv4", client4, server4, 20, lab.IPv4, "iptables"},
	{"IPv6", client6, server6, 40, lab.IPv6, "ip6tables"},
}

// line is a flow as [lines] prints it.
func line(device, way, verdict string, proto int, src, dst netip.AddrPort, packets, bytes, flags int) string {
	return fmt.Sprintf("%s %s %s proto %d %s > %s packets %d bytes %d flags %d", device, way, verdict, proto, src, dst, packets, bytes, flags)
}

// dns is what the tests' rules refuse.
var dns = lab.Match{Protocol: packet.ProtoUDP, DstPort: 53}

// send sends 5 datagrams of 100 bytes to port 53.
func (b *bed) send(from *lab.Namespace, src, dst netip.Addr) {
	b.tb.Helper()
	_, _, err := from.ExchangeUDP(deadline(b.tb), lab.UDPConfig{
		Src: netip.AddrPortFrom(src, 4000), Dst: netip.AddrPortFrom(dst, 53), Count: 5, Size: 100, NoReply: true})
	b.must(err)
}

// TestRefusedByTheHost refuses what comes in and what goes out of one host.
func TestRefusedByTheHost(t *testing.T) {
	for _, tt := range []struct {
		name string
		rule lab.Rule
	}{
		{"INPUT", lab.Rule{Hook: lab.Input, Verdict: lab.Drop}},
		{"PREROUTING", lab.Rule{Hook: lab.Prerouting, Verdict: lab.Drop}},
		{"netdev ingress", lab.Rule{Family: lab.Netdev, Hook: lab.Ingress, Device: "eth0", Verdict: lab.Drop}},
		{"inet ingress", lab.Rule{Hook: lab.Ingress, Device: "eth0", Verdict: lab.Drop}},
		{"OUTPUT", lab.Rule{Hook: lab.Output, Verdict: lab.Drop}},
		{"OUTPUT reject", lab.Rule{Hook: lab.Output, Verdict: lab.Reject}},
		{"POSTROUTING", lab.Rule{Hook: lab.Postrouting, Verdict: lab.Drop}},
		{"netdev egress", lab.Rule{Family: lab.Netdev, Hook: lab.Egress, Device: "eth0", Verdict: lab.Drop}},
	} {
		for _, tier := range tiers {
			t.Run(tt.name+" by "+tier.name, func(t *testing.T) {
				b := newBed(t)
				egress := tt.rule.Hook == lab.Output || tt.rule.Hook == lab.Postrouting || tt.rule.Hook == lab.Egress
				host, way := b.server, "ingress"
				if egress {
					host, way = b.client, "egress"
				}
				tt.rule.Match = dns
				b.firewall(host, tt.rule)
				s := b.open(tier.config(Config{}), of(host, "eth0"))
				for _, v := range versions {
					b.send(b.client, v.client, v.server)
					b.wantLines(b.window(s), line("eth0", way, "REJECT", 17,
						netip.AddrPortFrom(v.client, 4000), netip.AddrPortFrom(v.server, 53), 5, 5*(v.header+108), 0))
				}
			})
		}
	}
}

// TestRejectAnswers proves that the answer of a firewall is traffic of its own.
func TestRejectAnswers(t *testing.T) {
	b := newBed(t)
	b.firewall(b.server,
		lab.Rule{Hook: lab.Input, Match: dns, Verdict: lab.Reject},
		lab.Rule{Hook: lab.Input, Match: lab.Match{Protocol: 6, DstPort: 80}, Verdict: lab.RejectReset})
	s := b.open(Config{}, of(b.server, "eth0"))
	for _, v := range versions {
		b.send(b.client, v.client, v.server)
		icmp, size := 1, 5*(20+8+v.header+108)
		if v.header == 40 {
			icmp, size = 58, 5*(40+8+v.header+108)
		}
		got := lines(b.window(s))
		want := line("eth0", "ingress", "REJECT", 17, netip.AddrPortFrom(v.client, 4000), netip.AddrPortFrom(v.server, 53), 5, 5*(v.header+108), 0)
		if len(got) != 2 || got[1] != want || got[0] != line("eth0", "egress", "ACCEPT", icmp, netip.AddrPortFrom(v.server, 0), netip.AddrPortFrom(v.client, 0), 5, size, 0) {
			t.Errorf("got %q, want an ICMP answer to each of %q", got, want)
		}
		_, err := b.client.Connect(deadline(t), lab.ConnectConfig{Src: netip.AddrPortFrom(v.client, 4001), Dst: netip.AddrPortFrom(v.server, 80)})
		b.must(err)
		from, to := netip.AddrPortFrom(v.client, 4001), netip.AddrPortFrom(v.server, 80)
		b.wantLines(b.window(s), line("eth0", "ingress", "REJECT", 6, from, to, 1, v.header+40, 2), line("eth0", "egress", "ACCEPT", 6, to, from, 1, v.header+20, 4))
	}
}

// A way is a client and a server with a router between them that is captured.
type way struct {
	*bed
	router *lab.Namespace
	near   map[int]netip.Addr // the router's addresses on the client's side, by header
	far    map[int]netip.Addr // the server's
	src    map[int]netip.Addr
	out    map[int]netip.Addr // the router's on the server's side
}

func newWay(tb testing.TB) *way {
	tb.Helper()
	labtest.NeedRoot(tb)
	b := &bed{tb: tb, lab: lab.New()}
	tb.Cleanup(func() {
		if err := b.lab.Close(); err != nil {
			tb.Errorf("close the lab: %v", err)
		}
	})
	w := &way{bed: b, router: b.router("router")}
	b.client, b.server = b.namespace("client"), b.namespace("server")
	b.c, _ = b.link(lab.End{NS: b.client, Name: "eth0", Addrs: prefixes("10.1.0.2/24", "fd01::2/64")},
		lab.End{NS: w.router, Name: "eth0", Addrs: prefixes("10.1.0.1/24", "fd01::1/64")})
	b.s, _ = b.link(lab.End{NS: b.server, Name: "eth0", Addrs: prefixes("10.2.0.2/24", "fd02::2/64")},
		lab.End{NS: w.router, Name: "eth1", Addrs: prefixes("10.2.0.1/24", "fd02::1/64")})
	a := netip.MustParseAddr
	w.src = map[int]netip.Addr{20: a("10.1.0.2"), 40: a("fd01::2")}
	w.near = map[int]netip.Addr{20: a("10.1.0.1"), 40: a("fd01::1")}
	w.out = map[int]netip.Addr{20: a("10.2.0.1"), 40: a("fd02::1")}
	w.far = map[int]netip.Addr{20: a("10.2.0.2"), 40: a("fd02::2")}
	for _, r := range []struct {
		d        *lab.Device
		dst, via string
	}{{b.c, "0.0.0.0/0", "10.1.0.1"}, {b.c, "::/0", "fd01::1"}, {b.s, "0.0.0.0/0", "10.2.0.1"}, {b.s, "::/0", "fd02::1"}} {
		b.must(r.d.AddRoute(netip.MustParsePrefix(r.dst), a(r.via)))
	}
	return w
}

// TestRefusedByARouter refuses forwarded packets, plain and translated.
func TestRefusedByARouter(t *testing.T) {
	for _, v := range versions {
		w := newWay(t)
		h := v.header
		src := netip.AddrPortFrom(w.src[h], 4000)
		far := netip.AddrPortFrom(w.far[h], 53)
		near := netip.AddrPortFrom(w.near[h], 53)
		size := 5 * (h + 108)
		s := w.open(Config{}, of(w.router, "eth*"))
		for _, tt := range []struct {
			name  string
			rules []lab.Rule
			dst   netip.Addr
			want  []string
		}{
			{"FORWARD is refused where it came in", []lab.Rule{{Hook: lab.Forward, Match: dns, Verdict: lab.Drop}}, far.Addr(),
				[]string{line("eth0", "ingress", "REJECT", 17, src, far, 5, size, 0)}},
			{"POSTROUTING is accepted in and refused out", []lab.Rule{{Hook: lab.Postrouting, Match: dns, Verdict: lab.Drop}}, far.Addr(),
				[]string{line("eth0", "ingress", "ACCEPT", 17, src, far, 5, size, 0), line("eth1", "egress", "REJECT", 17, src, far, 5, size, 0)}},
			{"netdev egress is accepted in and refused out", []lab.Rule{{Family: lab.Netdev, Hook: lab.Egress, Device: "eth1", Match: dns, Verdict: lab.Drop}}, far.Addr(),
				[]string{line("eth0", "ingress", "ACCEPT", 17, src, far, 5, size, 0), line("eth1", "egress", "REJECT", 17, src, far, 5, size, 0)}},
			{"after DNAT, FORWARD is recorded as it came", []lab.Rule{
				{Family: v.family, Hook: lab.Prerouting, Match: lab.Match{Protocol: 17, DstPort: 53}, Verdict: lab.DNAT, To: netip.AddrPortFrom(far.Addr(), 5353)},
				{Family: v.family, Hook: lab.Forward, Match: lab.Match{Protocol: 17, DstPort: 5353}, Verdict: lab.Drop}}, near.Addr(),
				[]string{line("eth0", "ingress", "REJECT", 17, src, near, 5, size, 0)}},
			{"after DNAT to the host itself, INPUT is recorded as it came", []lab.Rule{
				{Family: v.family, Hook: lab.Prerouting, Match: lab.Match{Protocol: 17, DstPort: 53}, Verdict: lab.DNAT, To: netip.AddrPortFrom(near.Addr(), 5353)},
				{Family: v.family, Hook: lab.Input, Match: lab.Match{Protocol: 17, DstPort: 5353}, Verdict: lab.Drop}}, far.Addr(),
				[]string{line("eth0", "ingress", "REJECT", 17, src, far, 5, size, 0)}},
		} {
			t.Run(v.name+" "+tt.name, func(t *testing.T) {
				b := w.sub(t)
				fw := b.firewall(w.router, tt.rules...)
				b.send(w.client, src.Addr(), tt.dst)
				b.wantLines(b.busy(s), tt.want...)
				b.must(fw.Close())
			})
		}
	}
}

// TestRefusedReplyOfMasquerade refuses replies after their addresses have been
// translated back: the wire knew them by the router's address.
func TestRefusedReplyOfMasquerade(t *testing.T) {
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			w := newWay(t)
			src, far := netip.AddrPortFrom(w.src[v.header], 4000), netip.AddrPortFrom(w.far[v.header], 53)
			w.firewall(w.router,
				lab.Rule{Family: v.family, Hook: lab.Postrouting, Match: lab.Match{Protocol: 17, Out: "eth1"}, Verdict: lab.Masquerade},
				lab.Rule{Family: v.family, Hook: lab.Forward, Match: lab.Match{Protocol: 17, SrcPort: 53}, Verdict: lab.Drop})
			echo, err := w.server.ServeUDP(far)
			w.must(err)
			defer echo.Close()
			s := w.open(Config{}, of(w.router, "eth*"))
			_, answered, err := w.client.ExchangeUDP(deadline(t), lab.UDPConfig{Src: src, Dst: far, Count: 1, Size: 100, Wait: 100e6})
			w.must(err)
			if answered != 0 {
				t.Fatalf("%d answers, want none", answered)
			}
			out := netip.AddrPortFrom(w.out[v.header], 4000)
			size := v.header + 108
			w.wantLines(w.busy(s),
				line("eth0", "ingress", "ACCEPT", 17, src, far, 1, size, 0),
				line("eth1", "egress", "ACCEPT", 17, out, far, 1, size, 0),
				line("eth1", "ingress", "REJECT", 17, far, out, 1, size, 0))
		})
	}
}

// TestRefusedByABridge refuses frames that a bridge forwards, and takes in.
func TestRefusedByABridge(t *testing.T) {
	labtest.NeedRoot(t)
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			b := &bed{tb: t, lab: lab.New()}
			t.Cleanup(func() { b.lab.Close() })
			sw, left, right := b.namespace("switch"), b.namespace("left"), b.namespace("right")
			br, err := sw.Bridge("br0")
			b.must(err)
			b.must(br.AddAddress(netip.MustParsePrefix("10.0.0.9/24")))
			b.must(br.AddAddress(netip.MustParsePrefix("fd00::9/64")))
			l, p1 := b.link(lab.End{NS: left, Name: "eth0", Addrs: prefixes("10.0.0.1/24", "fd00::1/64")}, lab.End{NS: sw, Name: "p1", Discover: true})
			r, p2 := b.link(lab.End{NS: right, Name: "eth0", Addrs: prefixes("10.0.0.2/24", "fd00::2/64")}, lab.End{NS: sw, Name: "p2", Discover: true})
			b.must(p1.Attach(br))
			b.must(p2.Attach(br))
			nine := map[int]netip.Addr{20: netip.MustParseAddr("10.0.0.9"), 40: netip.MustParseAddr("fd00::9")}[v.header]
			b.must(l.AddNeighbour(v.server, r.MAC()))
			b.must(l.AddNeighbour(nine, br.MAC()))
			b.must(r.AddNeighbour(v.client, l.MAC()))
			s := b.open(Config{}, of(sw, "p*", "br0"))
			raw, err := r.Raw() // the bridge learns where it is
			b.must(err)
			b.must(raw.Send(packet.Build(packet.Ethernet{Dst: br.MAC(), Src: r.MAC()}, packet.ARP{Sender: server4, Target: netip.MustParseAddr("10.0.0.77"), SenderMAC: r.MAC()})))
			b.busy(s)
			src, dst, size := netip.AddrPortFrom(v.client, 4000), netip.AddrPortFrom(v.server, 53), 5*(v.header+108)

			fw := b.firewall(sw, lab.Rule{Family: lab.Bridge, Hook: lab.Forward, Match: dns, Verdict: lab.Drop})
			b.send(left, v.client, v.server)
			b.wantLines(b.busy(s), line("p1", "ingress", "ACCEPT", 17, src, dst, 5, size, 0), line("p2", "egress", "REJECT", 17, src, dst, 5, size, 0))
			b.must(fw.Close())

			fw = b.firewall(sw, lab.Rule{Family: lab.Bridge, Hook: lab.Input, Match: dns, Verdict: lab.Drop})
			b.send(left, v.client, nine)
			b.wantLines(b.busy(s), line("p1", "ingress", "REJECT", 17, src, netip.AddrPortFrom(nine, 53), 5, size, 0))
			b.must(fw.Close())

			b.firewall(sw, lab.Rule{Hook: lab.Input, Match: dns, Verdict: lab.Drop})
			b.send(left, v.client, nine)
			b.wantLines(b.busy(s), line("p1", "ingress", "ACCEPT", 17, src, netip.AddrPortFrom(nine, 53), 5, size, 0),
				line("br0", "ingress", "REJECT", 17, src, netip.AddrPortFrom(nine, 53), 5, size, 0))
		})
	}
}

// TestRefusedByIptables runs the commands themselves.
func TestRefusedByIptables(t *testing.T) {
	for _, kind := range []string{"-nft", "-legacy"} {
		for _, v := range versions {
			t.Run(v.iptables+kind, func(t *testing.T) {
				b := newBed(t)
				path, err := exec.LookPath(v.iptables + kind)
				if err != nil {
					t.Skipf("SKIPPED: %v", err)
				}
				for _, chain := range []string{"INPUT", "OUTPUT"} {
					b.must(b.server.Do(func() error {
						out, err := exec.Command(path, "-w", "-A", chain, "-p", "udp", "--dport", "53", "-j", "DROP").CombinedOutput()
						if err != nil {
							return fmt.Errorf("%w: %s", err, out)
						}
						return nil
					}))
				}
				s := b.open(Config{}, of(b.server, "eth0"))
				b.send(b.client, v.client, v.server)
				b.send(b.server, v.server, v.client)
				c, d := netip.AddrPortFrom(v.client, 4000), netip.AddrPortFrom(v.server, 53)
				c2, d2 := netip.AddrPortFrom(v.server, 4000), netip.AddrPortFrom(v.client, 53)
				b.wantLines(b.window(s), line("eth0", "ingress", "REJECT", 17, c, d, 5, 5*(v.header+108), 0),
					line("eth0", "egress", "REJECT", 17, c2, d2, 5, 5*(v.header+108), 0))
			})
		}
	}
}

// TestBothVerdictsOfOneFlow adds a rule in the middle of a window.
func TestBothVerdictsOfOneFlow(t *testing.T) {
	for _, tier := range tiers {
		for _, egress := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s egress %v", tier.name, egress), func(t *testing.T) {
				b := newBed(t)
				_, err := b.server.ListenPacket("udp", ":53")
				b.must(err)
				host, hook, where := b.server, lab.Input, "ingress"
				if egress {
					host, hook, where = b.client, lab.Output, "egress"
				}
				s := b.open(tier.config(Config{}), of(host, "eth0"))
				for _, v := range versions {
					b.send(b.client, v.client, v.server)
					fw := b.firewall(host, lab.Rule{Hook: hook, Match: dns, Verdict: lab.Drop})
					b.send(b.client, v.client, v.server)
					b.must(fw.Close())
					b.send(b.client, v.client, v.server)
					c, d := netip.AddrPortFrom(v.client, 4000), netip.AddrPortFrom(v.server, 53)
					b.wantLines(b.window(s), line("eth0", where, "REJECT", 17, c, d, 5, 5*(v.header+108), 0),
						line("eth0", where, "ACCEPT", 17, c, d, 10, 10*(v.header+108), 0))
				}
			})
		}
	}
}

// TestNotRefused sends what the kernel discards although nobody refused it.
func TestNotRefused(t *testing.T) {
	b := newBed(t)
	s := b.open(Config{}, of(b.server, "eth0"), of(b.client, "eth0"))
	for _, v := range versions {
		c, d := netip.AddrPortFrom(v.client, 4000), netip.AddrPortFrom(v.server, 53)
		size := v.header + 108

		// A filter of the program's own.
		pc, err := b.server.ListenPacket("udp", d.String())
		b.must(err)
		rc, err := pc.(*net.UDPConn).SyscallConn()
		b.must(err)
		b.must(rc.Control(func(fd uintptr) {
			none := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K}}
			err = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &none[0]})
		}))
		b.must(err)
		b.send(b.client, v.client, v.server)
		b.wantLines(b.busy(s), line("eth0", "egress", "ACCEPT", 17, c, d, 5, 5*size, 0), line("eth0", "ingress", "ACCEPT", 17, c, d, 5, 5*size, 0))
		pc.Close()

		// A closed port.
		_, err = b.client.Connect(deadline(t), lab.ConnectConfig{Src: c, Dst: netip.AddrPortFrom(v.server, 81)})
		b.must(err)
		e := netip.AddrPortFrom(v.server, 81)
		b.wantLines(b.busy(s),
			line("eth0", "egress", "ACCEPT", 6, c, e, 1, v.header+40, 2), line("eth0", "ingress", "ACCEPT", 6, c, e, 1, v.header+40, 2),
			line("eth0", "egress", "ACCEPT", 6, e, c, 1, v.header+20, 4), line("eth0", "ingress", "ACCEPT", 6, e, c, 1, v.header+20, 4))
	}
	// Another host's frames are neither refused nor this host's traffic.
	raw, err := b.c.Raw()
	b.must(err)
	defer raw.Close()
	before, err := s.Totals()
	b.must(err)
	other := packet.MAC{2, 9, 9, 9, 9, 9}
	for range 3 {
		b.must(raw.Send(packet.Build(packet.Ethernet{Dst: other, Src: b.c.MAC()}, ip4, udp)))
		b.must(raw.Send(packet.Build(packet.Ethernet{Dst: other, Src: b.c.MAC()}, ip6, udp)))
	}
	src4, dst4 := netip.AddrPortFrom(client4, 1111), netip.AddrPortFrom(far4, 2222)
	src6, dst6 := netip.AddrPortFrom(client6, 1111), netip.AddrPortFrom(far6, 2222)
	b.wantLines(b.busy(s), line("eth0", "egress", "ACCEPT", 17, src4, dst4, 3, 84, 0), line("eth0", "egress", "ACCEPT", 17, src6, dst6, 3, 144, 0))
	after, err := s.Totals()
	b.must(err)
	if n := after.OtherHost.Packets - before.OtherHost.Packets; n != 6 {
		t.Errorf("%d frames of other hosts, want 6", n)
	}
}

// TestRetransmission lets a connection attempt be repeated.
func TestRetransmission(t *testing.T) {
	b := newBed(t)
	b.firewall(b.server, lab.Rule{Hook: lab.Input, Match: lab.Match{Protocol: 6}, Verdict: lab.Drop})
	s := b.open(Config{}, of(b.server, "eth0"), of(b.client, "eth0"))
	c, d := netip.AddrPortFrom(client4, 4000), netip.AddrPortFrom(server4, 80)
	_, err := b.client.Connect(deadline(t), lab.ConnectConfig{Src: c, Dst: d, SYNs: 2})
	b.must(err)
	b.wantLines(b.window(s), line("eth0", "egress", "ACCEPT", 6, c, d, 2, 120, 2), line("eth0", "ingress", "REJECT", 6, c, d, 2, 120, 2))
}

// TestTapsChangeNothing sniffs on both ends meanwhile: taps hold a packet too.
func TestTapsChangeNothing(t *testing.T) {
	b := newBed(t)
	for _, d := range []*lab.Device{b.c, b.s} {
		b.must(d.Namespace().Do(func() error {
			fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
			if err == nil {
				t.Cleanup(func() { unix.Close(fd) })
				err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: 0x0300, Ifindex: d.Index()})
			}
			return err
		}))
	}
	b.firewall(b.server, lab.Rule{Hook: lab.Prerouting, Match: dns, Verdict: lab.Drop})
	s := b.open(Config{}, of(b.server, "eth0"))
	b.send(b.client, client4, server4)
	b.wantLines(b.window(s), line("eth0", "ingress", "REJECT", 17, netip.AddrPortFrom(client4, 4000), netip.AddrPortFrom(server4, 53), 5, 640, 0))
}
