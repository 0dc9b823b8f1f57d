package firewall

import (
	"net/netip"
	"testing"
	"time"

	"weir/internal/vpc"
)

// oneWay is a host that may connect to anybody, and that nobody may connect to.
func oneWay() *vpc.Network {
	return &vpc.Network{
		Interfaces: []*vpc.Interface{{ID: "eni-1", Addrs: []netip.Addr{netip.MustParseAddr("10.0.1.5")}, SecurityGroups: []string{"sg-1"}}},
		SecurityGroups: []vpc.SecurityGroup{{ID: "sg-1", Egress: []vpc.SecurityGroupRule{
			{Protocol: vpc.AllProtocols, CIDRs: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}}}},
	}
}

func TestTracker(t *testing.T) {
	out, in := Egress, Ingress
	const day = 24 * time.Hour
	tcpOut, tcpIn := tcp("10.0.1.5:40000", "192.0.2.1:443"), tcp("192.0.2.1:443", "10.0.1.5:40000")
	udpOut, udpIn := tcpOut, tcpIn
	udpOut.Protocol, udpIn.Protocol = 17, 17
	icmp := func(from, to string, typ int16) Packet {
		return Packet{Src: netip.MustParseAddr(from), Dst: netip.MustParseAddr(to), Protocol: 1, Type: typ}
	}
	gre := func(from, to string) Packet {
		return Packet{Src: netip.MustParseAddr(from), Dst: netip.MustParseAddr(to), Protocol: 47}
	}
	type step struct {
		after time.Duration // the step before
		d     Direction
		k     Packet
		fin   bool
		want  Verdict
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"nobody may connect", []step{{0, in, tcpIn, false, Refused}}},
		{"an answer passes", []step{{0, out, tcpOut, false, Allowed}, {0, in, tcpIn, false, Allowed}}},
		{"what answers another port does not", []step{{0, out, tcpOut, false, Allowed}, {0, in, tcp("192.0.2.1:443", "10.0.1.5:40001"), false, Refused}}},
		{"what another host answers does not", []step{{0, out, tcpOut, false, Allowed}, {0, in, tcp("192.0.2.2:443", "10.0.1.5:40000"), false, Refused}}},
		{"nor another protocol", []step{{0, out, tcpOut, false, Allowed}, {0, in, udpIn, false, Refused}}},
		{"TCP is remembered for five days", []step{{0, out, tcpOut, false, Allowed}, {5 * day, in, tcpIn, false, Allowed}}},
		{"and no longer", []step{{0, out, tcpOut, false, Allowed}, {5*day + 1, in, tcpIn, false, Refused}}},
		{"each packet begins the time again", []step{{0, out, tcpOut, false, Allowed}, {4 * day, out, tcpOut, false, Allowed}, {4 * day, in, tcpIn, false, Allowed}}},
		{"a refused packet does not", []step{{0, in, tcpIn, false, Refused}, {0, in, tcpIn, false, Refused}}},
		{"after FIN the rest still passes", []step{{0, out, tcpOut, true, Allowed}, {time.Second, in, tcpIn, true, Allowed}, {time.Second, out, tcpOut, false, Allowed}, {10 * time.Second, in, tcpIn, false, Allowed}}},
		{"and after ten seconds nothing", []step{{0, out, tcpOut, false, Allowed}, {0, in, tcpIn, true, Allowed}, {10*time.Second + 1, in, tcpIn, false, Refused}}},
		{"a closed connection is not opened by data", []step{{0, out, tcpOut, true, Allowed}, {0, out, tcpOut, false, Allowed}, {11 * time.Second, in, tcpIn, false, Refused}}},
		{"UDP is remembered for 30 seconds", []step{{0, out, udpOut, false, Allowed}, {30 * time.Second, in, udpIn, false, Allowed}}},
		{"and no longer", []step{{0, out, udpOut, false, Allowed}, {30*time.Second + 1, in, udpIn, false, Refused}}},
		{"one request with its answer is no stream", []step{{0, out, udpOut, false, Allowed}, {0, in, udpIn, false, Allowed}, {31 * time.Second, in, udpIn, false, Refused}}},
		{"two are, for 180 seconds", []step{{0, out, udpOut, false, Allowed}, {0, in, udpIn, false, Allowed}, {0, out, udpOut, false, Allowed}, {0, in, udpIn, false, Allowed}, {180 * time.Second, in, udpIn, false, Allowed}}},
		{"and no longer", []step{{0, out, udpOut, false, Allowed}, {0, in, udpIn, false, Allowed}, {0, out, udpOut, false, Allowed}, {0, in, udpIn, false, Allowed}, {180*time.Second + 1, in, udpIn, false, Refused}}},
		{"an echo reply passes", []step{{0, out, icmp("10.0.1.5", "192.0.2.1", 8), false, Allowed}, {0, in, icmp("192.0.2.1", "10.0.1.5", 0), false, Allowed}}},
		{"an echo request does not answer one", []step{{0, out, icmp("10.0.1.5", "192.0.2.1", 8), false, Allowed}, {0, in, icmp("192.0.2.1", "10.0.1.5", 8), false, Refused}}},
		{"of ICMP without type, all answers pass", []step{{0, out, icmp("10.0.1.5", "192.0.2.1", Unknown), false, Allowed}, {0, in, icmp("192.0.2.1", "10.0.1.5", Unknown), false, Allowed}}},
		{"other protocols are remembered for 600 seconds", []step{{0, out, gre("10.0.1.5", "192.0.2.1"), false, Allowed}, {600 * time.Second, in, gre("192.0.2.1", "10.0.1.5"), false, Allowed}}},
		{"and no longer", []step{{0, out, gre("10.0.1.5", "192.0.2.1"), false, Allowed}, {600*time.Second + 1, in, gre("192.0.2.1", "10.0.1.5"), false, Refused}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr, at := NewTracker(Compile(oneWay())), time.Unix(1e9, 0)
			for i, s := range c.steps {
				at = at.Add(s.after)
				if got := tr.Packet(at, "eni-1", s.d, s.k, s.fin); got != s.want {
					t.Fatalf("step %d, %s %s: %s, want %s", i, s.d, s.k, got, s.want)
				}
			}
		})
	}
}

func TestTrackerKeepsInterfacesApart(t *testing.T) {
	n := oneWay()
	n.Interfaces = append(n.Interfaces, &vpc.Interface{ID: "eni-2", SecurityGroups: []string{"sg-1"}})
	tr, at := NewTracker(Compile(n)), time.Unix(1e9, 0)
	tr.Packet(at, "eni-1", Egress, tcp("10.0.1.5:40000", "192.0.2.1:443"), false)
	if got := tr.Packet(at, "eni-2", Ingress, tcp("192.0.2.1:443", "10.0.1.5:40000"), false); got != Refused {
		t.Errorf("an answer at another interface: %s, want refused", got)
	}
	if got := tr.Packet(at, "eni-unknown", Ingress, tcp("192.0.2.1:443", "10.0.1.5:40000"), false); got != Allowed {
		t.Errorf("at an interface that the network does not have: %s, want allowed", got)
	}
}

// A tracker that sees a new connection each time and never an old one again must forget.
func TestTrackerForgets(t *testing.T) {
	tr, at := NewTracker(Compile(oneWay())), time.Unix(1e9, 0)
	k, most := tcp("10.0.1.5:0", "192.0.2.1:53"), 0
	k.Protocol = 17
	for i := range 300_000 { // 100 a second, each open for 30 s: 3000 at a time
		k.SrcPort, k.DstPort = uint16(i), uint16(i>>16)
		at = at.Add(10 * time.Millisecond)
		if v := tr.Packet(at, "eni-1", Egress, k, false); v != Allowed {
			t.Fatalf("%s: %s", k, v)
		}
		most = max(most, tr.Connections())
	}
	if most > 2*3002 || most < 3000 {
		t.Errorf("up to %d connections were remembered; want 3000 to 6004", most)
	}
	live := tr.Packet(at, "eni-1", Ingress, k.Reverse(), false)
	if live != Allowed {
		t.Errorf("the answer to the last connection: %s, want allowed", live)
	}
}

// BenchmarkTracker is one packet of a new connection, with 3000 open ones.
func BenchmarkTracker(b *testing.B) {
	tr, at := NewTracker(Compile(oneWay())), time.Unix(1e9, 0)
	k, i := tcp("10.0.1.5:0", "192.0.2.1:53"), 0
	k.Protocol = 17
	b.ReportAllocs()
	for b.Loop() {
		i++
		k.SrcPort, k.DstPort = uint16(i), uint16(i>>16)
		at = at.Add(10 * time.Millisecond)
		tr.Packet(at, "eni-1", Egress, k, false)
	}
}
