package flow

import (
	"net/netip"
	"testing"
)

func TestTCPFlags(t *testing.T) {
	const URG, ECE, CWR = 1 << 5, 1 << 6, 1 << 7
	for _, tt := range []struct {
		name   string
		header uint8
		want   uint8
	}{
		{"no flags", 0, 0},
		{"ACK alone is nothing", ACK, 0},
		{"PSH-ACK is nothing", PSH | ACK, 0},
		{"URG, ECE and CWR are nothing", URG | ECE | CWR, 0},
		{"SYN", SYN, 2},
		{"SYN with ECN setup is SYN", SYN | ECE | CWR, 2},
		{"SYN-ACK", SYN | ACK, 18},
		{"FIN-ACK is FIN, not 17", FIN | ACK, 1},
		{"RST", RST, 4},
		{"RST-ACK is RST", RST | ACK, 4},
		{"SYN-FIN", SYN | FIN, 3},
		{"all", 0xff, 23},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := TCPFlags(tt.header); got != tt.want {
				t.Errorf("TCPFlags(%#x) = %d, want %d", tt.header, got, tt.want)
			}
		})
	}
	if got := TCPFlags(SYN|ACK) | TCPFlags(ACK) | TCPFlags(FIN|ACK); got != 19 {
		t.Errorf("a server's side of a short connection sums to %d, want 19", got)
	}
}

func TestKeyKeepsTheFamily(t *testing.T) {
	for _, a := range []string{"10.1.2.3", "2001:db8::1", "::ffff:10.1.2.3"} {
		var k Key
		addr := netip.MustParseAddr(a)
		k.SetAddrs(addr, addr)
		if k.SrcAddr() != addr || k.DstAddr() != addr {
			t.Errorf("SetAddrs(%s): got %s, %s", a, k.SrcAddr(), k.DstAddr())
		}
	}
}
