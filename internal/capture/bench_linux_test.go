package capture

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"weir/internal/capture/bpf"
	"weir/internal/lab"
	"weir/internal/lab/packet"
)

// A driver is a program that gives each run of a frame the next source address of
// a circle of flows and then jumps to the program under test.
func driver(tb testing.TB, target *ebpf.Program, offset int32, flows uint32) *ebpf.Program {
	tb.Helper()
	next, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { next.Close() })
	to, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { to.Close() })
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SchedCLS, License: "GPL", Instructions: asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadMapValue(asm.R7, next.FD(), 0),
		asm.LoadMem(asm.R8, asm.R7, 0, asm.DWord),
		asm.Add.Imm(asm.R8, 1),
		asm.JLT.Imm(asm.R8, int32(flows), "store"),
		asm.Mov.Imm(asm.R8, 0),
		asm.StoreMem(asm.R7, 0, asm.R8, asm.DWord).WithSymbol("store"),
		// Flow n has the address n * odd: neighbours are not neighbours in the table.
		asm.LoadImm(asm.R1, 2654435761, asm.DWord),
		asm.Mul.Reg(asm.R8, asm.R1),
		asm.StoreMem(asm.RFP, -8, asm.R8, asm.Word),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Imm(asm.R2, offset),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, -8),
		asm.Mov.Imm(asm.R4, 4),
		asm.Mov.Imm(asm.R5, 0),
		asm.FnSkbStoreBytes.Call(),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.LoadMapPtr(asm.R2, to.FD()),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnTailCall.Call(),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	}})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.Close() })
	if err := to.Put(uint32(0), target); err != nil {
		tb.Fatal(err)
	}
	return p
}

func emptyProgram(tb testing.TB) *ebpf.Program {
	tb.Helper()
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SchedCLS, License: "GPL", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, -1), asm.Return()}})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.Close() })
	return p
}

// least returns the least time of a run, in nanoseconds, of several series.
func least(tb testing.TB, p *ebpf.Program, frame []byte, runs, series int) float64 {
	tb.Helper()
	best := 0.0
	for range series {
		_, d, err := p.Benchmark(frame, runs, nil)
		if err != nil {
			tb.Fatal(err)
		}
		if ns := float64(d.Nanoseconds()); best == 0 || ns < best {
			best = ns
		}
	}
	return best
}

// BenchmarkPacket reports what one packet costs in the device program: the least
// of several series, without what the kernel's test run and the driver cost. The
// "all" figure is with the test run's own cost, as an observer outside sees it.
func BenchmarkPacket(b *testing.B) {
	bed := newBed(b)
	s := bed.open(Config{MaxFlows: 1 << 18, Exclude: DefaultExclusions}, of(bed.server, "eth0"))
	h := s.only(b)
	eth := packet.Ethernet{Dst: bed.s.MAC(), Src: bed.c.MAC()}
	empty := emptyProgram(b)
	for _, kind := range []struct {
		name   string
		frame  []byte
		offset int32 // of the last word of the source address
	}{
		{"IPv4-TCP", packet.Build(eth, ip4, packet.TCP{SrcPort: 1, DstPort: 2, Flags: packet.ACK}, packet.Payload(make([]byte, 100))), 14 + 12},
		{"IPv6-UDP", packet.Build(eth, ip6, udp, packet.Payload(make([]byte, 100))), 14 + 8 + 12},
	} {
		for _, flows := range []uint32{1, 1000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", kind.name, flows), func(b *testing.B) {
				runs := max(1_000_000, 5*int(flows))
				ours, none := driver(b, h.ingress, kind.offset, flows), driver(b, empty, kind.offset, flows)
				if flows == 1 {
					ours, none = h.ingress, empty
				}
				least(b, ours, kind.frame, int(flows), 1) // so that all flows are in the table
				bare, all := 1e9, 1e9
				for b.Loop() {
					all = min(all, least(b, ours, kind.frame, runs, 3))
					bare = min(bare, least(b, none, kind.frame, runs, 3))
				}
				b.ReportMetric(all-bare, "ns/packet")
				b.ReportMetric(all, "ns-all/packet")
				b.ReportMetric(0, "ns/op")
				bed.sub(b).window(s)
			})
		}
	}
}

// BenchmarkRefused reports what both drop programs take for a packet that is
// refused, by the kernel's own statistics, for one that comes in and for one that
// goes out.
func BenchmarkRefused(b *testing.B) {
	for _, hook := range []lab.Hook{lab.Input, lab.Output} {
		b.Run(hook.String(), func(b *testing.B) {
			bed := newBed(b)
			host := bed.server
			if hook == lab.Output {
				host = bed.client
			}
			bed.firewall(host, lab.Rule{Hook: hook, Match: dns, Verdict: lab.Drop})
			s := bed.open(Config{}, of(host, "eth0"))
			stats, err := ebpf.EnableStats(uint32(unix.BPF_STATS_RUN_TIME))
			bed.must(err)
			defer stats.Close()
			out, err := bed.client.ListenPacket("udp", netip.AddrPortFrom(client4, 4000).String())
			bed.must(err)
			to := net.UDPAddrFromAddrPort(netip.AddrPortFrom(server4, 53))
			const n = 20_000
			best := 1e9
			for b.Loop() {
				before := spentOnDrops(bed, s)
				for range n {
					_, _ = out.WriteTo(make([]byte, 10), to)
				}
				best = min(best, float64(spentOnDrops(bed, s)-before)/n)
			}
			b.ReportMetric(best, "ns/refused")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// spentOnDrops is the time the drop programs have taken so far, in nanoseconds.
func spentOnDrops(b *bed, s *Source) (ns int64) {
	for _, l := range s.drops {
		info, err := l.Info()
		b.must(err)
		p, err := ebpf.NewProgramFromID(info.Program)
		b.must(err)
		stats, err := p.Stats()
		b.must(err)
		p.Close()
		ns += stats.Runtime.Nanoseconds()
	}
	return ns
}

// BenchmarkAttach reports how long an interface takes until it is captured.
func BenchmarkAttach(b *testing.B) {
	bed := newBed(b)
	s := bed.open(Config{})
	ns, err := openNamespace(nsPath(bed.server))
	bed.must(err)
	defer ns.close()
	l, err := ns.link.LinkByIndex(bed.s.Index())
	bed.must(err)
	for b.Loop() {
		s.mu.Lock()
		err := s.add(ns, l, Plan{})
		b.StopTimer()
		bed.must(err)
		bed.must(s.removeAll())
		s.mu.Unlock()
		bed.window(s)
		bed.window(s)
		b.StartTimer()
	}
}

// TestBytesPerFlow holds the constant against what the kernel says the tables take.
func TestBytesPerFlow(t *testing.T) {
	b := newBed(t)
	const flows = 1 << 18
	s := b.open(Config{MaxFlows: flows})
	var total uint64
	for _, name := range sizedMaps {
		info, err := s.obj.maps[name].Info()
		b.must(err)
		memory, ok := info.Memlock()
		if !ok {
			t.Fatal("the kernel does not say")
		}
		t.Logf("%s: %d bytes an entry", name, memory/flows)
		total += memory
	}
	if got := total / flows; got > BytesPerFlow || got < BytesPerFlow*9/10 {
		t.Errorf("a flow takes %d bytes, BytesPerFlow is %d", got, BytesPerFlow)
	}
}

// TestTypesAreThoseOfC holds the sizes of the Go types against the maps'.
func TestTypesAreThoseOfC(t *testing.T) {
	spec, err := bpf.LoadCapture()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{
		bpf.CaptureMapFlows40: binary.Size(bpf.CaptureKey4{}), bpf.CaptureMapFlows61: binary.Size(bpf.CaptureKey6{}),
		bpf.CaptureMapDevices: binary.Size(bpf.CaptureDeviceKey{}), bpf.CaptureMapFragments: binary.Size(bpf.CaptureFragmentKey{}),
	} {
		if got := int(spec.Maps[name].KeySize); got != want {
			t.Errorf("key of %s: %d bytes in C, %d in Go", name, got, want)
		}
	}
	for name, want := range map[string]int{
		bpf.CaptureMapFlows40: binary.Size(bpf.CaptureCounters{}), bpf.CaptureMapInterfaces: binary.Size(bpf.CaptureIface{}),
		bpf.CaptureMapLastSeen: binary.Size(bpf.CaptureLastPacket{}), bpf.CaptureMapDevices: 4,
		bpf.CaptureMapOverflow: binary.Size(bpf.CaptureCount{}), bpf.CaptureMapUsage: binary.Size(bpf.CaptureInserts{}),
	} {
		if got := int(spec.Maps[name].ValueSize); got != want {
			t.Errorf("value of %s: %d bytes in C, %d in Go", name, got, want)
		}
	}
	if n := int(spec.Maps[bpf.CaptureMapDevices].MaxEntries); n != bpf.MaxSlots {
		t.Errorf("%d slots in C, %d in Go", n, bpf.MaxSlots)
	}
	if n := int(bpf.CaptureCauseCAUSES - bpf.CaptureCauseEXCLUDED); n < int(numExclusions) {
		t.Errorf("room for %d exclusions, there are %d", n, numExclusions)
	}
}

// BenchmarkCover reports how long 200 interfaces take that appear at once.
func BenchmarkCover(b *testing.B) {
	bed := newBed(b)
	var devices []Device
	for i := range 100 {
		d, e := bed.link(lab.End{NS: bed.client, Name: fmt.Sprint("many", i)}, lab.End{NS: bed.server, Name: fmt.Sprint("many", i)})
		devices = append(devices, Device{Netns: nsPath(bed.client), Index: d.Index()}, Device{Netns: nsPath(bed.server), Index: e.Index()})
	}
	for b.Loop() {
		b.StopTimer()
		s := bed.open(Config{})
		b.StartTimer()
		bed.must(s.Cover(devices))
		b.StopTimer()
		if n := len(s.Interfaces()); n != len(devices) {
			b.Fatalf("%d interfaces are captured, want %d", n, len(devices))
		}
		bed.must(s.Close())
		b.StartTimer()
	}
}
