package capture

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"weir/internal/lab"
)

// Datagrams of these sizes pass and are dropped by the tests' own programs.
const (
	smallPayload = 100
	bigPayload   = 400
	lengthLimit  = 300
)

// dropper returns a program that drops packets longer than lengthLimit and counts
// every packet it is run on.
func dropper(tb testing.TB, typ ebpf.ProgramType, pass, drop int32) (*ebpf.Program, *ebpf.Map) {
	tb.Helper()
	runs, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { runs.Close() })
	ins := asm.Instructions{asm.LoadMem(asm.R6, asm.R1, 0, asm.Word)} // struct __sk_buff: len
	if typ == ebpf.XDP {
		ins = asm.Instructions{
			asm.LoadMem(asm.R6, asm.R1, 4, asm.Word), // struct xdp_md: data_end, data
			asm.LoadMem(asm.R2, asm.R1, 0, asm.Word),
			asm.Sub.Reg(asm.R6, asm.R2),
		}
	}
	ins = append(ins,
		asm.LoadMapValue(asm.R1, runs.FD(), 0),
		asm.Mov.Imm(asm.R2, 1),
		asm.StoreXAdd(asm.R1, asm.R2, asm.DWord),
		asm.Mov.Imm(asm.R0, pass),
		asm.JLT.Imm(asm.R6, lengthLimit, "out"),
		asm.Mov.Imm(asm.R0, drop),
		asm.Return().WithSymbol("out"))
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: typ, Instructions: ins, License: "GPL"})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.Close() })
	return p, runs
}

func (b *bed) runs(m *ebpf.Map) (n uint64) {
	b.tb.Helper()
	b.must(m.Lookup(uint32(0), &n))
	return n
}

// foreignTCX attaches somebody else's program.
func (b *bed) foreignTCX(d *lab.Device, p *ebpf.Program, way ebpf.AttachType, anchor link.Anchor) {
	b.tb.Helper()
	b.must(d.Namespace().Do(func() error {
		l, err := link.AttachTCX(link.TCXOptions{Interface: d.Index(), Program: p, Attach: way, Anchor: anchor})
		if err == nil {
			b.tb.Cleanup(func() { l.Close() })
		}
		return err
	}))
}

// foreignFilter adds somebody else's filter.
func (b *bed) foreignFilter(d *lab.Device, p *ebpf.Program, parent uint32, priority uint16) *netlink.BpfFilter {
	b.tb.Helper()
	h := d.Namespace().Handle()
	if err := h.QdiscAdd(clsact(d.Index())); err != nil && err != unix.EEXIST {
		b.tb.Fatal(err)
	}
	f := &netlink.BpfFilter{
		FilterAttrs: netlink.FilterAttrs{LinkIndex: d.Index(), Parent: parent, Handle: 1, Protocol: unix.ETH_P_ALL, Priority: priority},
		Fd:          p.FD(), Name: "theirs", DirectAction: true,
	}
	b.must(h.FilterAdd(f))
	b.tb.Cleanup(func() {
		if err := h.FilterDel(f); err != nil {
			b.tb.Error(err)
		}
	})
	return f
}

// alternate sends small and big datagrams in turn from one socket to another, so
// that a freed buffer is soon used again by a packet of the other kind.
func (b *bed) alternate(from, to *lab.Namespace, src, dst netip.AddrPort, rounds int) {
	b.tb.Helper()
	in, err := to.ListenPacket("udp", dst.String())
	b.must(err)
	defer in.Close()
	out, err := from.ListenPacket("udp", src.String())
	b.must(err)
	defer out.Close()
	for range rounds {
		for _, n := range []int{smallPayload, bigPayload} {
			if _, err := out.WriteTo(make([]byte, n), net.UDPAddrFromAddrPort(dst)); err != nil && !strings.Contains(err.Error(), "not permitted") {
				b.tb.Fatal(err)
			}
		}
	}
}

// TestRefusedByTrafficControl drops some packets of a flow before and after our
// programs, by tcx and by filters.
func TestRefusedByTrafficControl(t *testing.T) {
	b := newBed(t)
	next, nextRuns := dropper(t, ebpf.SchedCLS, -1, 2) // TCX_NEXT, TC_ACT_SHOT
	last, lastRuns := dropper(t, ebpf.SchedCLS, 0, 2)  // TC_ACT_OK: nobody after it
	for _, way := range []struct {
		name   string
		attach ebpf.AttachType
		parent uint32
		from   *lab.Namespace
		to     *lab.Namespace
	}{
		{"ingress", ebpf.AttachTCXIngress, netlink.HANDLE_MIN_INGRESS, b.client, b.server},
		{"egress", ebpf.AttachTCXEgress, netlink.HANDLE_MIN_EGRESS, b.server, b.client},
	} {
		tcx := func(p *ebpf.Program, anchor link.Anchor) func(*bed) {
			return func(b *bed) { b.foreignTCX(b.s, p, way.attach, anchor) }
		}
		filter := func(p *ebpf.Program, priority uint16) func(*bed) {
			return func(b *bed) { b.foreignFilter(b.s, p, way.parent, priority) }
		}
		for _, tt := range []struct {
			name          string
			tier          int
			before, after func(*bed)
			runs          *ebpf.Map
		}{
			{"tcx at the head", 0, nil, tcx(next, link.Head()), nextRuns},
			{"tcx at the tail", 0, nil, tcx(last, link.Tail()), lastRuns},
			{"a filter behind tcx", 0, nil, filter(last, 7), lastRuns},
			{"an earlier filter of our priority", 1, filter(next, ingressPriority), nil, nextRuns},
			{"an earlier filter", 1, nil, filter(next, 9), nextRuns},
			{"a later filter", 1, nil, filter(last, egressPriority+8), lastRuns},
		} {
			t.Run(way.name+" "+tt.name, func(t *testing.T) {
				b := b.sub(t)
				if tt.before != nil {
					tt.before(b)
				}
				s := b.open(tiers[tt.tier].config(Config{}), of(b.server, "eth0"))
				if tt.after != nil {
					tt.after(b)
				}
				for _, v := range versions {
					src, dst := netip.AddrPortFrom(v.client, 4000), netip.AddrPortFrom(v.server, 53)
					if way.name == "egress" {
						src, dst = netip.AddrPortFrom(v.server, 4000), netip.AddrPortFrom(v.client, 53)
					}
					before := b.runs(tt.runs)
					b.alternate(way.from, way.to, src, dst, 20)
					if n := b.runs(tt.runs) - before; n != 40 {
						t.Errorf("the foreign program saw %d packets, want 40", n)
					}
					b.wantLines(b.busy(s),
						line("eth0", way.name, "ACCEPT", 17, src, dst, 20, 20*(v.header+8+smallPayload), 0),
						line("eth0", way.name, "REJECT", 17, src, dst, 20, 20*(v.header+8+bigPayload), 0))
				}
			})
		}
	}
}

// TestNetfilterMixesWithEgress refuses every other packet before the egress
// hook, in the buffers of those that pass it.
func TestNetfilterMixesWithEgress(t *testing.T) {
	for _, hook := range []lab.Hook{lab.Output, lab.Postrouting} {
		b := newBed(t)
		b.firewall(b.client, lab.Rule{Hook: hook, Match: lab.Match{Protocol: 17, DstPort: 54}, Verdict: lab.Drop})
		s := b.open(Config{}, of(b.client, "eth0"))
		src := netip.AddrPortFrom(client4, 4000)
		pass, refuse := netip.AddrPortFrom(server4, 53), netip.AddrPortFrom(server4, 54)
		in, err := b.server.ListenPacket("udp", pass.String())
		b.must(err)
		out, err := b.client.ListenPacket("udp", src.String())
		b.must(err)
		for range 50 {
			for _, to := range []netip.AddrPort{pass, refuse} {
				_, err := out.WriteTo(make([]byte, 10), net.UDPAddrFromAddrPort(to))
				if to == pass {
					b.must(err)
				}
			}
		}
		b.wantLines(b.window(s), line("eth0", "egress", "ACCEPT", 17, src, pass, 50, 50*38, 0), line("eth0", "egress", "REJECT", 17, src, refuse, 50, 50*38, 0))
		in.Close()
		out.Close()
	}
}

// TestRefusedByXDP drops by a generic XDP program.
func TestRefusedByXDP(t *testing.T) {
	for _, tier := range tiers {
		t.Run(tier.name, func(t *testing.T) {
			b := newBed(t)
			p, _ := dropper(t, ebpf.XDP, 2, 1) // XDP_PASS, XDP_DROP
			b.must(b.server.Do(func() error {
				l, err := link.AttachXDP(link.XDPOptions{Program: p, Interface: b.s.Index(), Flags: link.XDPGenericMode})
				if err == nil {
					t.Cleanup(func() { l.Close() })
				}
				return err
			}))
			s := b.open(tier.config(Config{}), of(b.server, "eth0"))
			for _, v := range versions {
				src, dst := netip.AddrPortFrom(v.client, 4000), netip.AddrPortFrom(v.server, 53)
				b.alternate(b.client, b.server, src, dst, 20)
				b.wantLines(b.busy(s),
					line("eth0", "ingress", "ACCEPT", 17, src, dst, 20, 20*(v.header+8+smallPayload), 0),
					line("eth0", "ingress", "REJECT", 17, src, dst, 20, 20*(v.header+8+bigPayload), 0))
			}
		})
	}
}

// controlGroup makes a control group, with this process in it until the test ends.
func controlGroup(tb testing.TB) string {
	tb.Helper()
	mounts, err := os.ReadFile("/proc/mounts")
	if err != nil {
		tb.Fatal(err)
	}
	for l := range strings.Lines(string(mounts)) {
		f := strings.Fields(l)
		if f[2] != "cgroup2" {
			continue
		}
		was, err := os.ReadFile("/proc/self/cgroup")
		if err != nil {
			tb.Fatal(err)
		}
		_, home, _ := strings.Cut(string(was), "0::")
		home, _, _ = strings.Cut(home, "\n")
		dir := filepath.Join(f[1], fmt.Sprintf("weir-test-%d", os.Getpid()))
		enter := func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(fmt.Sprint(os.Getpid())), 0)
		}
		if err := os.Mkdir(dir, 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := enter(dir); err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() {
			if err := enter(filepath.Join(f[1], home)); err != nil {
				tb.Error(err)
			}
			if err := os.Remove(dir); err != nil {
				tb.Error(err)
			}
		})
		return dir
	}
	tb.Fatal("no cgroup2 is mounted")
	return ""
}

// TestRefusedByAControlGroup refuses by a control group's programs.
func TestRefusedByAControlGroup(t *testing.T) {
	for _, way := range []struct {
		name   string
		attach ebpf.AttachType
	}{{"ingress", ebpf.AttachCGroupInetIngress}, {"egress", ebpf.AttachCGroupInetEgress}} {
		t.Run(way.name, func(t *testing.T) {
			b := newBed(t)
			dir := controlGroup(t)
			p, _ := dropper(t, ebpf.CGroupSKB, 1, 0)
			l, err := link.AttachCgroup(link.CgroupOptions{Path: dir, Attach: way.attach, Program: p})
			b.must(err)
			defer l.Close()
			host := b.server
			if way.name == "egress" {
				host = b.client
			}
			s := b.open(Config{}, of(host, "eth0"))
			for _, v := range versions {
				src, dst := netip.AddrPortFrom(v.client, 4000), netip.AddrPortFrom(v.server, 53)
				b.alternate(b.client, b.server, src, dst, 10)
				b.wantLines(b.busy(s),
					line("eth0", way.name, "ACCEPT", 17, src, dst, 10, 10*(v.header+8+smallPayload), 0),
					line("eth0", way.name, "REJECT", 17, src, dst, 10, 10*(v.header+8+bigPayload), 0))
			}
		})
	}
}
