package lab

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"weir/internal/lab/packet"
)

// TestFirewall sends one thing from a to b through one rule and looks at what a
// sees of it and what the rule counted.
func TestFirewall(t *testing.T) {
	const port = 80
	udp := Match{Protocol: packet.ProtoUDP, DstPort: port}
	tcp := Match{Protocol: packet.ProtoTCP, DstPort: port}
	with := func(m Match, change func(*Match)) Match { change(&m); return m }
	in6 := netip.MustParsePrefix("fd77::/64")
	in4 := netip.MustParsePrefix("10.77.0.0/24")
	for _, tt := range []struct {
		name     string
		rule     Rule
		atSender bool // the rule is in a, not in b
		v6       bool // send over IPv6
		want     Outcome
		packets  uint64
	}{
		{"inet input drop", Rule{Match: tcp, Verdict: Drop}, false, false, Unanswered, 1},
		{"inet input drop v6", Rule{Match: tcp, Verdict: Drop}, false, true, Unanswered, 1},
		{"inet input reset", Rule{Match: tcp, Verdict: RejectReset}, false, false, Refused, 1},
		{"inet input reset v6", Rule{Match: tcp, Verdict: RejectReset}, false, true, Refused, 1},
		{"inet input reject", Rule{Match: tcp, Verdict: Reject}, false, false, Unreachable, 1},
		{"inet input reject v6", Rule{Match: tcp, Verdict: Reject}, false, true, Unreachable, 1},
		{"ip input reject", Rule{Family: IPv4, Match: tcp, Verdict: Reject}, false, false, Unreachable, 1},
		{"ip6 input reject", Rule{Family: IPv6, Match: tcp, Verdict: Reject}, false, true, Unreachable, 1},
		{"ip does not see v6", Rule{Family: IPv4, Match: tcp, Verdict: Drop}, false, true, Connected, 0},
		{"prerouting drop", Rule{Hook: Prerouting, Match: tcp, Verdict: Drop}, false, false, Unanswered, 1},
		{"raw priority", Rule{Hook: Prerouting, Priority: -300, Match: tcp, Verdict: Drop}, false, false, Unanswered, 1},
		{"output drop", Rule{Hook: Output, Match: tcp, Verdict: Drop}, true, false, Unanswered, 1},
		{"postrouting drop", Rule{Hook: Postrouting, Match: tcp, Verdict: Drop}, true, false, Unanswered, 1},
		{"netdev ingress drop", Rule{Family: Netdev, Hook: Ingress, Device: "eth0", Match: tcp, Verdict: Drop}, false, false, Unanswered, 1},
		{"netdev ingress reset", Rule{Family: Netdev, Hook: Ingress, Device: "eth0", Match: tcp, Verdict: RejectReset}, false, false, Refused, 1},
		{"inet ingress drop", Rule{Hook: Ingress, Device: "eth0", Match: tcp, Verdict: Drop}, false, true, Unanswered, 1},
		{"netdev egress drop", Rule{Family: Netdev, Hook: Egress, Device: "eth0", Match: tcp, Verdict: Drop}, true, true, Unanswered, 1},
		{"another port", Rule{Match: Match{Protocol: 6, DstPort: 81}, Verdict: Drop}, false, false, Connected, 0},
		{"another protocol", Rule{Match: udp, Verdict: Drop}, false, false, Connected, 0},
		{"source prefix", Rule{Match: with(tcp, func(m *Match) { m.Src = in4 }), Verdict: Drop}, false, false, Unanswered, 1},
		{"source prefix v6", Rule{Match: with(tcp, func(m *Match) { m.Src = in6 }), Verdict: Drop}, false, true, Unanswered, 1},
		{"source prefix of the other family", Rule{Match: with(tcp, func(m *Match) { m.Src = in6 }), Verdict: Drop}, false, false, Connected, 0},
		{"another source", Rule{Match: with(tcp, func(m *Match) { m.Src = netip.MustParsePrefix("10.77.1.0/24") }), Verdict: Drop}, false, false, Connected, 0},
		{"destination", Rule{Match: with(tcp, func(m *Match) { m.Dst = netip.MustParsePrefix("10.77.0.2/32") }), Verdict: Drop}, false, false, Unanswered, 1},
		{"netdev source prefix", Rule{Family: Netdev, Hook: Ingress, Device: "eth0", Match: with(tcp, func(m *Match) { m.Src = in4 }), Verdict: Drop}, false, false, Unanswered, 1},
		{"input device", Rule{Match: with(tcp, func(m *Match) { m.In = "eth0" }), Verdict: Drop}, false, false, Unanswered, 1},
		{"another input device", Rule{Match: with(tcp, func(m *Match) { m.In = "lo" }), Verdict: Drop}, false, false, Connected, 0},
		{"output device", Rule{Hook: Output, Match: with(tcp, func(m *Match) { m.Out = "eth0" }), Verdict: Drop}, true, false, Unanswered, 1},
		{"source port of the answer", Rule{Match: Match{Protocol: 6, SrcPort: port, FlagsMask: packet.SYN | packet.ACK, Flags: packet.SYN | packet.ACK}, Verdict: Drop}, true, false, Unanswered, 1},
		{"flags", Rule{Match: Match{FlagsMask: packet.SYN | packet.ACK, Flags: packet.SYN}, Verdict: Drop}, false, false, Unanswered, 1},
		{"other flags", Rule{Match: Match{FlagsMask: packet.URG, Flags: packet.URG}, Verdict: Drop}, false, false, Connected, 0},
		{"new connection", Rule{Match: with(tcp, func(m *Match) { m.States = NewState }), Verdict: Drop}, false, false, Unanswered, 1},
		{"established connection", Rule{Match: with(tcp, func(m *Match) { m.States = Invalid }), Verdict: Drop}, false, false, Connected, 0},
		{"count only", Rule{Match: Match{FlagsMask: packet.SYN | packet.ACK, Flags: packet.SYN}, Verdict: Count}, false, false, Connected, 1},
		{"accept", Rule{Match: Match{FlagsMask: packet.SYN | packet.ACK, Flags: packet.SYN}, Verdict: Accept}, false, false, Connected, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			a, b := pair(t, l)
			dst, size := b4, uint64(60)
			if tt.v6 {
				dst, size = b6, 80
			}
			serveBytes(t, b.Namespace(), netip.AddrPortFrom(dst, port), 1)
			at := b.Namespace()
			if tt.atSender {
				at = a.Namespace()
			}
			fw := must(at.Firewall(tt.rule))(t)
			got, err := a.Namespace().Connect(context.Background(), ConnectConfig{Dst: netip.AddrPortFrom(dst, port)})
			if err != nil || got != tt.want {
				t.Errorf("Connect = %v, %v, want %v", got, err, tt.want)
			}
			c := must(fw.Counters())(t)[0]
			if c.Packets != tt.packets {
				t.Errorf("the rule counted %d packets, want %d", c.Packets, tt.packets)
			}
			if want := tt.packets * size; tt.rule.Family != Netdev && c.Bytes != want && tt.rule.Verdict == Drop {
				t.Errorf("the rule counted %d bytes, want %d", c.Bytes, want)
			}
			must(0, fw.Close())(t)
			must(0, fw.Close())(t)
			got, err = a.Namespace().Connect(context.Background(), ConnectConfig{Dst: netip.AddrPortFrom(dst, port)})
			if err != nil || got != Connected {
				t.Errorf("Connect without the firewall = %v, %v, want %v", got, err, Connected)
			}
		})
	}
}

func TestFirewallOrder(t *testing.T) {
	a, b := pair(t, newLab(t))
	fw := must(b.Namespace().Firewall(
		AllowEstablished(INet, Input),
		Rule{Match: Match{Protocol: packet.ProtoTCP, DstPort: 80}, Verdict: Accept},
		Rule{Verdict: Drop},
		Rule{Family: IPv4, Hook: Output, Match: Match{Protocol: packet.ProtoTCP}, Verdict: Count},
	))(t)
	serveBytes(t, b.Namespace(), netip.AddrPortFrom(b4, 80), 10)
	if status, _, err := a.Namespace().Get(context.Background(), "http://10.77.0.2/"); status != 200 {
		t.Errorf("Get = %d, %v, want 200", status, err)
	}
	if sent, n, err := a.Namespace().ExchangeUDP(context.Background(), UDPConfig{Dst: netip.AddrPortFrom(b4, 80), Count: 3, Wait: time.Millisecond}); sent != 3 || n != 0 || err != nil {
		t.Errorf("ExchangeUDP = %d, %d, %v, want 3, 0", sent, n, err)
	}
	eventually(t, "the end of the connection", func() bool { return must(fw.Counters())(t)[0].Packets >= 3 })
	c := must(fw.Counters())(t)
	if c[1] != (Counter{1, 60}) || c[2] != (Counter{3, 3 * 92}) || c[3].Packets == 0 {
		t.Errorf("counters %v, want 1 new connection, 3 dropped datagrams of 92 bytes, some answers", c)
	}
}

// TestNAT sends through a router that translates.
func TestNAT(t *testing.T) {
	for _, tt := range []struct {
		name     string
		rule     Rule
		ask      netip.AddrPort
		wantPeer netip.Addr // who the server believes to talk to
	}{
		{"dnat", Rule{Family: IPv4, Hook: Prerouting, Match: Match{Protocol: 6, DstPort: 8080}, Verdict: DNAT, To: netip.MustParseAddrPort("10.2.0.2:80")},
			netip.MustParseAddrPort("10.1.0.1:8080"), netip.MustParseAddr("10.1.0.2")},
		{"dnat inet v6", Rule{Hook: Prerouting, Match: Match{Protocol: 6, DstPort: 8080}, Verdict: DNAT, To: netip.MustParseAddrPort("[fd02::2]:80")},
			netip.MustParseAddrPort("[fd01::1]:8080"), netip.MustParseAddr("fd01::2")},
		{"snat", Rule{Hook: Postrouting, Match: Match{Dst: netip.MustParsePrefix("10.2.0.2/32")}, Verdict: SNAT, To: netip.MustParseAddrPort("10.2.0.1:0")},
			netip.MustParseAddrPort("10.2.0.2:80"), netip.MustParseAddr("10.2.0.1")},
		{"masquerade v6", Rule{Family: IPv6, Hook: Postrouting, Match: Match{Out: "eth1"}, Verdict: Masquerade},
			netip.MustParseAddrPort("[fd02::2]:80"), netip.MustParseAddr("fd02::1")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t)
			client, router, server := newNS(t, l, NamespaceConfig{}), newNS(t, l, NamespaceConfig{Forward: true}), newNS(t, l, NamespaceConfig{})
			c, _ := link(t, l, End{NS: client, Addrs: prefixes("10.1.0.2/24", "fd01::2/64")}, End{NS: router, Addrs: prefixes("10.1.0.1/24", "fd01::1/64")})
			s, _ := link(t, l, End{NS: server, Addrs: prefixes("10.2.0.2/24", "fd02::2/64")}, End{NS: router, Addrs: prefixes("10.2.0.1/24", "fd02::1/64")})
			must(0, c.AddRoute(netip.MustParsePrefix("0.0.0.0/0"), netip.MustParseAddr("10.1.0.1")))(t)
			must(0, c.AddRoute(netip.MustParsePrefix("::/0"), netip.MustParseAddr("fd01::1")))(t)
			must(0, s.AddRoute(netip.MustParsePrefix("0.0.0.0/0"), netip.MustParseAddr("10.2.0.1")))(t)
			must(0, s.AddRoute(netip.MustParsePrefix("::/0"), netip.MustParseAddr("fd02::1")))(t)
			fw := must(router.Firewall(tt.rule))(t)
			ln := must(server.Listen("tcp", ":80"))(t)
			peer := make(chan string, 1)
			go func() {
				conn, err := ln.Accept()
				if err != nil {
					peer <- err.Error()
					return
				}
				peer <- conn.RemoteAddr().String()
				conn.Close()
			}()
			if got, err := client.Connect(context.Background(), ConnectConfig{Dst: tt.ask}); got != Connected {
				t.Fatalf("Connect = %v, %v, want %v", got, err, Connected)
			}
			if got := netip.MustParseAddrPort(<-peer).Addr(); got != tt.wantPeer {
				t.Errorf("the server talked to %v, want %v", got, tt.wantPeer)
			}
			if c := must(fw.Counters())(t)[0]; c.Packets != 1 {
				t.Errorf("the rule translated %d connections, want 1", c.Packets)
			}
		})
	}
}

func TestFirewallBridge(t *testing.T) {
	l := newLab(t)
	sw := newNS(t, l, NamespaceConfig{})
	br := must(sw.Bridge("br0"))(t)
	var hosts []*Device
	for _, a := range []string{"10.3.0.1/24", "10.3.0.2/24"} {
		h, port := link(t, l, End{NS: newNS(t, l, NamespaceConfig{}), Addrs: prefixes(a), Discover: true}, End{NS: sw, Discover: true})
		must(0, port.Attach(br))(t)
		hosts = append(hosts, h)
	}
	fw := must(sw.Firewall(Rule{Family: Bridge, Hook: Forward, Match: Match{Protocol: packet.ProtoICMP, Src: netip.MustParsePrefix("10.3.0.1/32")}, Verdict: Drop}))(t)
	if _, n, err := hosts[0].Namespace().Ping(context.Background(), PingConfig{Dst: netip.MustParseAddr("10.3.0.2"), Wait: 50 * time.Millisecond}); n != 0 || err != nil {
		t.Errorf("ping through the bridge's firewall: %d answers, %v, want none", n, err)
	}
	if c := must(fw.Counters())(t)[0]; c.Packets != 1 {
		t.Errorf("the bridge dropped %d packets, want 1", c.Packets)
	}
}

func TestFirewallRefusesNonsense(t *testing.T) {
	ns := newNS(t, newLab(t), NamespaceConfig{})
	for _, r := range []Rule{
		{Hook: Ingress, Verdict: Drop},
		{Device: "lo", Verdict: Drop},
		{Family: Netdev, Hook: Input},
		{Match: Match{DstPort: 80}},
		{Match: Match{Protocol: 17, FlagsMask: 1}},
		{Match: Match{Src: prefixes("10.0.0.0/8")[0], Dst: prefixes("fd00::/8")[0]}},
		{Hook: Prerouting, Verdict: DNAT},
		{Hook: Prerouting, Verdict: DNAT, To: netip.MustParseAddrPort("10.0.0.1:80")},
		{Verdict: Drop, To: netip.MustParseAddrPort("10.0.0.1:80")},
		{Verdict: 99}, {Family: 99}, {Hook: 99},
		{Hook: Ingress, Device: "none0", Verdict: Drop},
		{Hook: Input, Verdict: Masquerade},
	} {
		if _, err := ns.Firewall(r); err == nil {
			t.Errorf("Firewall(%v) returned nil", r)
		}
	}
}
