package capture

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/internal/capture/bpf"
	"weir/internal/lab"
	"weir/internal/lab/packet"
)

// killed starts a process that captures, has it killed after traffic has passed,
// and lets the same traffic pass once more: what it leaves has both.
func (b *bed) killed(a childArgs, traffic func()) {
	b.tb.Helper()
	if a.Netns == "" {
		a.Netns = nsPath(b.server)
	}
	if a.Interval == 0 {
		a.Interval = time.Hour
	}
	a.Out = filepath.Join(b.tb.TempDir(), "windows")
	cmd := b.start(a)
	traffic()
	b.must(cmd.Process.Kill())
	_ = cmd.Wait()
	traffic()
}

// begun waits until a source runs, and has let go of what is not asked for.
func (b *bed) begun(s *Source, interval time.Duration) {
	b.tb.Helper()
	b.eventually("it runs", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.interval == interval
	})
}

// all are the flows of a ledger, each with what all its windows had.
func (l *ledger) all() (out []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, of := range l.flows {
		for k, c := range of {
			out = append(out, fmt.Sprintf("%s %s packets %d bytes %d", name, k, c.Packets, c.Bytes))
		}
	}
	slices.Sort(out)
	return out
}

func (b *bed) wantLedger(got *ledger, want ...string) {
	b.tb.Helper()
	slices.Sort(want)
	if all := got.all(); !slices.Equal(all, want) || got.skipped.Packets > 0 {
		b.tb.Errorf("got, with %d packets skipped:\n  %s\nwant:\n  %s", got.skipped.Packets, strings.Join(all, "\n  "), strings.Join(want, "\n  "))
	}
}

// datagrams are so many datagrams of send, as a ledger has them.
func datagrams(device, verdict string, src, dst netip.AddrPort, n int) string {
	return fmt.Sprintf("%s ingress %s proto 17 %s > %s packets %d bytes %d", device, verdict, src, dst, n, 128*n)
}

var from4, to4 = netip.AddrPortFrom(client4, 4000), netip.AddrPortFrom(server4, 53)

// refuseAll makes the server answer nothing.
func (b *bed) refuseAll() {
	b.firewall(b.server, lab.Rule{Hook: lab.Prerouting, Verdict: lab.Drop})
}

// TestRestartWithOtherExclusions restarts with other exclusions and with another
// plan of the subnet: each packet is judged by what was in force when it came,
// where it is seen and where it is refused.
func TestRestartWithOtherExclusions(t *testing.T) {
	planA, planB := Plan{Router: netip.MustParseAddr("10.0.5.1")}, Plan{Router: netip.MustParseAddr("10.0.6.1"), DNS: netip.MustParseAddr("10.0.0.77")}
	service := netip.MustParseAddr("169.254.169.123")
	for i, tier := range tiers {
		for _, tt := range []struct {
			name          string
			first, second Exclusions
			planA, planB  Plan
			want          map[netip.Addr]int // recorded packets of 2 that came before and 1 that comes after
		}{
			{"from none to all", 0, DefaultExclusions, Plan{}, Plan{}, map[netip.Addr]int{service: 2, planA.Router: 3, planB.Router: 3, planB.DNS: 3}},
			{"from all to none", DefaultExclusions, 0, planA, planA, map[netip.Addr]int{service: 1, planA.Router: 1, planB.Router: 3, planB.DNS: 3}},
			{"to another plan", DefaultExclusions, DefaultExclusions, planA, planB, map[netip.Addr]int{service: 0, planA.Router: 1, planB.Router: 2, planB.DNS: 2}},
			{"to no plan", DefaultExclusions, DefaultExclusions, planA, Plan{}, map[netip.Addr]int{service: 0, planA.Router: 1, planB.Router: 3, planB.DNS: 3}},
			{"exclusions and plan", 1 << VPCRouter, 1<<VPCDNS | 1<<TimeSync, planA, planB, map[netip.Addr]int{service: 2, planA.Router: 1, planB.Router: 3, planB.DNS: 2}},
		} {
			t.Run(tier.name+" "+tt.name, func(t *testing.T) {
				b := newBed(t)
				b.refuseAll()
				raw, err := b.c.Raw()
				b.must(err)
				defer raw.Close()
				traffic := func() {
					for dst := range tt.want {
						b.must(raw.Send(packet.Build(packet.Ethernet{Dst: b.s.MAC(), Src: b.c.MAC()}, packet.IPv4{Src: client4, Dst: dst}, udp, packet.Payload(make([]byte, 100)))))
					}
				}
				dir := pinDir(t)
				b.killed(childArgs{Pin: dir, Names: []string{"eth0"}, Tier: i, Exclude: tt.first, Plan: tt.planA}, traffic)
				target := of(b.server, "eth0")
				target.Plan = tt.planB
				s := b.open(tier.config(Config{Pin: dir, Exclude: tt.second}), target)
				got := newLedger()
				finish := b.running(s, time.Hour, got.sink)
				traffic()
				finish()
				var want []string
				excluded := 0
				for dst, n := range tt.want {
					excluded += 3 - n
					if n > 0 {
						want = append(want, datagrams("eth0", "REJECT", netip.AddrPortFrom(client4, 1111), netip.AddrPortFrom(dst, 2222), n))
					}
				}
				b.wantLedger(got, want...)
				totals, err := s.Totals()
				b.must(err)
				var n uint64
				for _, c := range totals.Excluded {
					n += c.Packets
				}
				if n != uint64(excluded) {
					t.Errorf("%d packets excluded, want %d", n, excluded)
				}
				b.must(s.Close())
				b.wantNoTrace(dir, b.s)
			})
		}
	}
}

// TestRestartWithOtherSize restarts with room for more and for fewer flows: the
// tables stay until they are given up, with what is in them, and that is said.
func TestRestartWithOtherSize(t *testing.T) {
	for _, size := range []int{64, 4096} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			b := newBed(t)
			b.refuseAll()
			dir := pinDir(t)
			traffic := func() { b.send(b.client, client4, server4) }
			b.killed(childArgs{Pin: dir, Names: []string{"eth0"}, MaxFlows: 256}, traffic)
			var log bytes.Buffer
			s := b.open(Config{Pin: dir, MaxFlows: size, Logger: slog.New(slog.NewTextHandler(&log, nil))}, of(b.server, "eth0"))
			if want := fmt.Sprintf("flows=256 asked=%d", size); !strings.Contains(log.String(), want) {
				t.Errorf("log is %q, want %q in it", log.String(), want)
			}
			room := func(s *Source, want int) {
				t.Helper()
				for _, name := range []string{bpf.CaptureMapFlows40, bpf.CaptureMapFlows61} {
					if n := s.obj.maps[name].MaxEntries(); n != uint32(want) || s.highMark() != uint32(want/4*3) {
						t.Errorf("%s has room for %d flows and is nearly full with %d, want %d and three quarters", name, n, s.highMark(), want)
					}
				}
			}
			room(s, 256)
			got := newLedger()
			finish := b.running(s, time.Hour, got.sink)
			traffic()
			finish()
			b.wantLedger(got, datagrams("eth0", "REJECT", from4, to4, 15))
			b.must(s.Close())
			b.wantNoTrace(dir, b.s)
			room(b.open(Config{Pin: dir, MaxFlows: size}, of(b.server, "eth0")), size)
		})
	}
}

// TestRestartWithOtherInterval restarts with a shorter and with a longer interval.
// The one that had begun ends when the new length says.
func TestRestartWithOtherInterval(t *testing.T) {
	b := newBed(t)
	b.refuseAll()
	dir := pinDir(t)
	traffic := func() { b.send(b.client, client4, server4) }
	b.killed(childArgs{Pin: dir, Names: []string{"eth0"}}, traffic)
	s := b.open(Config{Pin: dir}, of(b.server, "eth0"))
	got := newLedger()
	began := s.Closed()
	finish := b.running(s, 20*time.Millisecond, got.sink)
	b.eventually("delivery of what the former process counted", func() bool { return len(got.all()) > 0 })
	b.wantLedger(got, datagrams("eth0", "REJECT", from4, to4, 10))
	traffic()
	finish()
	b.wantLedger(got, datagrams("eth0", "REJECT", from4, to4, 15))
	if !s.Closed().After(began) {
		t.Errorf("the last window ended at %v, and that of the former process began then", s.Closed())
	}
	b.must(s.Close())

	cmd := b.start(childArgs{Pin: dir, Netns: nsPath(b.server), Out: filepath.Join(t.TempDir(), "windows"), Names: []string{"eth0"}, Interval: time.Millisecond})
	b.must(cmd.Process.Kill())
	_ = cmd.Wait()
	traffic()
	s = b.open(Config{Pin: dir}, of(b.server, "eth0"))
	interval := fromNano(s.st.Interval)
	got = newLedger()
	finish = b.running(s, time.Hour, got.sink)
	traffic()
	b.begun(s, time.Hour)
	if end, _ := s.schedule(); !end.Equal(interval.Add(time.Hour)) {
		t.Errorf("the window is going to end at %v, want an hour after %v, when it began", end, interval)
	}
	b.wantLedger(got) // the window is open
	finish()
	b.wantLedger(got, datagrams("eth0", "REJECT", from4, to4, 10))
	b.must(s.Close())
	b.wantNoTrace(dir, b.s)
}

// TestRestartWithOtherInterfaces restarts with other interfaces: those that are not
// asked for any more are let go, with what they had; new ones begin; those that stay
// go on, under whatever name.
func TestRestartWithOtherInterfaces(t *testing.T) {
	watch := func(names ...string) func(*bed, *Source, []*lab.Device) {
		return func(b *bed, s *Source, _ []*lab.Device) { b.must(s.Watch(of(b.server, names...))) }
	}
	for i, tier := range tiers {
		for _, tt := range []struct {
			name    string
			covered bool
			between func(*bed, []*lab.Device)
			asks    func(*bed, *Source, []*lab.Device)
			want    [3]int // packets of each interface: 10 before, 5 after
			after   string // name of the first one's windows
		}{
			{name: "other names", asks: watch("eth1", "eth2"), want: [3]int{10, 15, 5}},
			{name: "nothing that exists", asks: watch("none*"), want: [3]int{10, 10, 0}},
			{name: "another namespace", asks: func(b *bed, s *Source, _ []*lab.Device) { b.must(s.Watch(of(b.client, "none"))) }, want: [3]int{10, 10, 0}},
			{name: "other devices", covered: true, asks: func(b *bed, s *Source, d []*lab.Device) {
				b.must(s.Cover([]Device{device(d[1]), device(d[2])}))
			}, want: [3]int{10, 15, 5}},
			{name: "a new name", between: func(b *bed, d []*lab.Device) {
				h := b.server.Handle()
				l, err := h.LinkByIndex(d[0].Index())
				b.must(err)
				b.must(h.LinkSetName(l, "wan0"))
			}, asks: watch("wan0"), want: [3]int{15, 10, 0}},
		} {
			t.Run(tier.name+" "+tt.name, func(t *testing.T) {
				b := newBed(t)
				b.refuseAll()
				devices := []*lab.Device{b.s}
				for n := range 2 {
					_, d := b.link(lab.End{NS: b.client, Name: fmt.Sprintf("eth%d", n+1), Addrs: prefixes(fmt.Sprintf("10.0.%d.1/24", n+1))},
						lab.End{NS: b.server, Name: fmt.Sprintf("eth%d", n+1), Addrs: prefixes(fmt.Sprintf("10.0.%d.2/24", n+1))})
					devices = append(devices, d)
				}
				at := func(n, host int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(n), byte(host)}) }
				traffic := func() {
					for n := range devices {
						b.send(b.client, at(n, 1), at(n, 2))
					}
				}
				dir := pinDir(t)
				b.killed(childArgs{Pin: dir, Names: []string{"eth0", "eth1"}, Tier: i}, traffic)
				if tt.between != nil {
					tt.between(b, devices)
				}
				s := b.open(tier.config(Config{Pin: dir, Covered: tt.covered}))
				tt.asks(b, s, devices)
				got := newLedger()
				finish := b.running(s, time.Hour, got.sink)
				b.begun(s, time.Hour)
				for n, d := range devices {
					asked := tt.want[n]%10 == 5
					if left := b.traces(d); s.captures(d.Name()) != asked || len(left) > 0 != asked {
						t.Errorf("capture of %s is %v, with %q attached, want %v", d.Name(), !asked, left, asked)
					}
				}
				traffic()
				finish()
				var want []string
				for n, packets := range tt.want {
					if packets > 0 {
						want = append(want, datagrams(fmt.Sprintf("eth%d", n), "REJECT", netip.AddrPortFrom(at(n, 1), 4000), netip.AddrPortFrom(at(n, 2), 53), packets))
					}
				}
				b.wantLedger(got, want...)
				b.must(s.Close())
				b.wantNoTrace(dir, devices...)
			})
		}
	}
}

// TestRestartByAnotherPath restarts with another path to the same namespace, once
// the first one leads nowhere.
func TestRestartByAnotherPath(t *testing.T) {
	for i, tier := range tiers {
		t.Run(tier.name, func(t *testing.T) {
			b := newBed(t)
			b.refuseAll()
			cat := exec.Command("cat") // a process in the namespace
			stdin, err := cat.StdinPipe()
			b.must(err)
			b.must(b.server.Do(cat.Start))
			traffic := func() { b.send(b.client, client4, server4) }
			dir := pinDir(t)
			b.killed(childArgs{Pin: dir, Netns: fmt.Sprintf("/proc/%d/ns/net", cat.Process.Pid), Names: []string{"eth0"}, Tier: i}, traffic)
			before := b.traces(b.s)
			defer b.hold(dir)()
			b.must(stdin.Close())
			b.must(cat.Wait())
			s := b.open(tier.config(Config{Pin: dir}), of(b.server, "eth0"))
			if left := b.traces(b.s); !slices.Equal(left, before) {
				t.Errorf("on the interface are %q, want %q", left, before)
			}
			traffic() // at once: the former hooks may count no more
			got := newLedger()
			b.running(s, time.Hour, got.sink)()
			b.wantLedger(got, datagrams("eth0", "REJECT", from4, to4, 15))
			b.must(s.Close())
			b.wantNoTrace(dir, b.s)
		})
	}
}
