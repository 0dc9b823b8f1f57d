package capture

import (
	"net/netip"
	"testing"

	"weir/internal/lab"
)

func TestSourceCountsBothDirections(t *testing.T) {
	b := newBed(t)
	s := b.open(Config{Exclude: DefaultExclusions}, of(b.server, "eth0"))
	sent, answered, err := b.client.Ping(deadline(t), lab.PingConfig{Dst: server4, Count: 3})
	b.must(err)
	if sent != 3 || answered != 3 {
		t.Fatalf("ping: %d sent, %d answered, want 3, 3", sent, answered)
	}
	b.wantLines(b.window(s),
		"eth0 ingress ACCEPT proto 1 10.0.0.1:0 > 10.0.0.2:0 packets 3 bytes 252 flags 0",
		"eth0 egress ACCEPT proto 1 10.0.0.2:0 > 10.0.0.1:0 packets 3 bytes 252 flags 0")
	b.wantLines(b.window(s), "eth0 quiet")
	if got := s.Features().String(); got != "tcx + tp_btf" {
		t.Errorf("features are %q, want tcx + tp_btf", got)
	}
}

func TestRefusedInput(t *testing.T) {
	b := newBed(t)
	b.firewall(b.server, lab.Rule{Hook: lab.Input, Match: lab.Match{Protocol: 17, DstPort: 53}, Verdict: lab.Drop})
	s := b.open(Config{}, of(b.server, "eth0"))
	for _, port := range []uint16{53, 54} {
		_, _, err := b.client.ExchangeUDP(deadline(t), lab.UDPConfig{
			Src: netip.AddrPortFrom(client4, 4000), Dst: netip.AddrPortFrom(server4, port), Count: 5, Size: 100, NoReply: true})
		b.must(err)
	}
	b.wantLines(b.window(s),
		"eth0 ingress REJECT proto 17 10.0.0.1:4000 > 10.0.0.2:53 packets 5 bytes 640 flags 0",
		"eth0 ingress ACCEPT proto 17 10.0.0.1:4000 > 10.0.0.2:54 packets 5 bytes 640 flags 0",
		"eth0 egress ACCEPT proto 1 10.0.0.2:0 > 10.0.0.1:0 packets 5 bytes 780 flags 0")
}
