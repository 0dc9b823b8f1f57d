package lab

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"weir/internal/lab/packet"
)

// TestGenerateSendsWhatItSays compares the generator's account with the counters
// of the receiving device and with what a socket there receives.
func TestGenerateSendsWhatItSays(t *testing.T) {
	l := newLab(t)
	a, b := pair(t, l)
	for _, tt := range []struct {
		name  string
		cfg   FlowConfig
		frame uint64 // bytes
	}{
		{"zero values", FlowConfig{Src: a4, Dst: b4}, 14 + 20 + 8},
		{"UDP", FlowConfig{Src: a4, Dst: b4, Size: 100, Flows: 63, Packets: 5}, 14 + 20 + 8 + 100},
		{"a whole batch", FlowConfig{Src: a4, Dst: b4, Flows: batch, Packets: 1}, 14 + 20 + 8},
		{"TCP", FlowConfig{Src: a4, Dst: b4, Protocol: packet.ProtoTCP, Flows: batch + 1, Packets: 3}, 14 + 20 + 20},
		{"IPv6", FlowConfig{Src: a6, Dst: b6, Size: 1, Flows: 10, Packets: 10, Sequential: true}, 14 + 40 + 8 + 1},
		{"IPv6 TCP on a processor", FlowConfig{Src: a6, Dst: b6, Protocol: packet.ProtoTCP, Flows: 10, Packets: 10, Pin: true}, 14 + 40 + 20},
		{"bypass", FlowConfig{Src: a4, Dst: b4, Flows: 10, Packets: 10, Bypass: true}, 14 + 20 + 8},
		{"at a rate", FlowConfig{Src: a4, Dst: b4, Flows: 10, Packets: 10, Rate: 10000}, 14 + 20 + 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.cfg.DstMAC = b.MAC()
			before := stats(t, b)
			sent, err := a.Generate(context.Background(), tt.cfg)
			if err != nil {
				t.Fatal(err)
			}
			flows, packets := uint64(max(tt.cfg.Flows, 1)), uint64(max(tt.cfg.Packets, 1))
			n := flows * packets
			if sent.Packets != n || sent.Bytes != n*(tt.frame-14) || sent.Lost != 0 || uint64(len(sent.Flows)) != flows {
				t.Errorf("sent %d packets, %d bytes, %d lost, %d flows; want %d, %d, 0, %d", sent.Packets, sent.Bytes, sent.Lost, len(sent.Flows), n, n*(tt.frame-14), flows)
			}
			after := stats(t, b)
			if p, by := after.RxPackets-before.RxPackets, after.RxBytes-before.RxBytes; p != n || by != n*tt.frame {
				t.Errorf("%d packets and %d bytes arrived, want %d and %d", p, by, n, n*tt.frame)
			}
			seen := map[netip.AddrPort]bool{}
			for _, f := range sent.Flows {
				seen[f.Src] = true
				if f.Packets != packets || f.Bytes != packets*(tt.frame-14) {
					t.Errorf("flow %v: %d packets, %d bytes, want %d, %d", f.Src, f.Packets, f.Bytes, packets, packets*(tt.frame-14))
				}
			}
			if uint64(len(seen)) != flows {
				t.Errorf("%d different sources, want %d", len(seen), flows)
			}
			if tt.cfg.Rate > 0 && sent.Elapsed < time.Duration(n)*time.Second/time.Duration(tt.cfg.Rate)*9/10 {
				t.Errorf("%d packets at %d per second took %v", n, tt.cfg.Rate, sent.Elapsed)
			}
		})
	}
}

// TestGenerateIsValid receives generated datagrams through a socket, which checks
// every checksum.
func TestGenerateIsValid(t *testing.T) {
	a, b := pair(t, newLab(t))
	for _, ends := range [][2]netip.Addr{{netip.MustParseAddr("10.77.0.20"), b4}, {netip.MustParseAddr("fd77::20"), b6}} {
		c := must(b.Namespace().ListenPacket("udp", netip.AddrPortFrom(ends[1], 9).String()))(t)
		cfg := FlowConfig{Src: ends[0], Dst: ends[1], SrcPort: 65534, Flows: 4, Packets: 2, Size: 33, DstMAC: b.MAC()}
		sent := must(a.Generate(context.Background(), cfg))(t)
		got := map[netip.AddrPort]uint64{}
		buf := make([]byte, 100)
		for range sent.Packets {
			must(0, c.SetReadDeadline(time.Now().Add(5*time.Second)))(t)
			n, from, err := c.ReadFrom(buf)
			if err != nil || n != 33 {
				t.Fatalf("received %d bytes, %v, want 33", n, err)
			}
			from.(*net.UDPAddr).IP = from.(*net.UDPAddr).IP.To16()
			ap := from.(*net.UDPAddr).AddrPort()
			got[netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())]++
		}
		for _, f := range sent.Flows {
			if got[f.Src] != f.Packets {
				t.Errorf("received %d datagrams from %v, want %d", got[f.Src], f.Src, f.Packets)
			}
		}
		if next := sent.Flows[2].Src; next.Addr() != ends[0].Next() || next.Port() != 65534 {
			t.Errorf("after the last port comes %v, want port 65534 of the next address", next)
		}
		must(0, c.Close())(t)
	}
}

func TestGenerateThroughTun(t *testing.T) {
	tun := must(newNS(t, newLab(t), NamespaceConfig{}).Tun(TunConfig{Addrs: prefixes("10.5.0.1/24", "fd05::1/64")}))(t)
	for _, src := range []string{"10.5.0.1", "fd05::1"} {
		addr := netip.MustParseAddr(src)
		sent := must(tun.Generate(context.Background(), FlowConfig{Src: addr, Dst: addr.Next(), Size: 5}))(t)
		must(0, tun.File.SetReadDeadline(time.Now().Add(5*time.Second)))(t)
		buf := make([]byte, 100)
		if n, err := tun.File.Read(buf); err != nil || uint64(n) != sent.Bytes {
			t.Errorf("from %v: read %d bytes, %v, want %d", src, n, err, sent.Bytes)
		}
	}
}

func TestGenerateStops(t *testing.T) {
	a, b := pair(t, newLab(t))
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	sent, err := a.Generate(ctx, FlowConfig{Src: a4, Dst: b4, DstMAC: b.MAC(), Flows: 10, Packets: 1e7, Rate: 10000})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Generate = %v, want %v", err, context.DeadlineExceeded)
	}
	if got := stats(t, b).RxPackets; got != sent.Packets || got == 0 {
		t.Errorf("%d packets arrived, the generator says %d", got, sent.Packets)
	}
	for _, bad := range []FlowConfig{{}, {Src: a4, Dst: b6}, {Src: a4, Dst: b4, Protocol: 1}, {Src: a4, Dst: b4, Size: 2000}} {
		if _, err := a.Generate(context.Background(), bad); err == nil {
			t.Errorf("Generate(%+v) returned nil", bad)
		}
	}
}

// BenchmarkGenerate reports packets per second of one thread, sending and
// receiving: a virtual pair does both on the sender's processor.
func BenchmarkGenerate(b *testing.B) {
	for _, bb := range []struct {
		name string
		cfg  FlowConfig
	}{
		{"UDP", FlowConfig{Src: a4, Dst: netip.MustParseAddr("10.77.0.3"), Size: 18, Flows: 1000}},
		{"TCP", FlowConfig{Src: a4, Dst: netip.MustParseAddr("10.77.0.3"), Protocol: packet.ProtoTCP, Flows: 1000}},
		{"IPv6", FlowConfig{Src: a6, Dst: netip.MustParseAddr("fd77::3"), Size: 18, Flows: 1000}},
		{"50000flows", FlowConfig{Src: a4, Dst: netip.MustParseAddr("10.77.0.3"), Size: 18, Flows: 50000}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			da, db := pair(b, newLab(b))
			bb.cfg.DstMAC, bb.cfg.Packets = db.MAC(), 500000/bb.cfg.Flows
			var packets, lost uint64
			var elapsed time.Duration
			for b.Loop() {
				sent := must(da.Generate(context.Background(), bb.cfg))(b)
				packets, lost, elapsed = packets+sent.Packets, lost+sent.Lost, elapsed+sent.Elapsed
			}
			b.ReportMetric(float64(packets)/elapsed.Seconds(), "packets/s")
			b.ReportMetric(float64(lost), "lost")
		})
	}
}
