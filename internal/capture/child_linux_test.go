package capture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"

	"weir/internal/flow"
	"weir/internal/lab"
)

// childEnv tells this binary to be a test's child, and with what.
const childEnv = "WEIR_CAPTURE_CHILD"

// pinRoot begins the names of the tests' pin directories.
const pinRoot = "/sys/fs/bpf/weir-test-"

var pins atomic.Int32

// pinDir returns a directory that is gone when the test ends.
func pinDir(tb testing.TB) string {
	dir := fmt.Sprintf("%s%d-%d", pinRoot, os.Getpid(), pins.Add(1))
	tb.Cleanup(func() {
		if err := Uninstall(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			tb.Error(err)
		}
	})
	return dir
}

// childArgs is what a child is told.
type childArgs struct {
	Pin, Netns, Out string
	Names           []string
	Tier, MaxFlows  int
	Exclude         Exclusions
	Plan            Plan
	Interval        time.Duration
}

// child captures until it is terminated and appends its windows to a file.
func child(arg string) int {
	var a childArgs
	if err := json.Unmarshal([]byte(arg), &a); err != nil {
		return childFailed(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	out, err := os.OpenFile(a.Out, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return childFailed(err)
	}
	s, err := Open(tiers[a.Tier].config(Config{Pin: a.Pin, MaxFlows: a.MaxFlows, Exclude: a.Exclude}))
	if err != nil {
		return childFailed(err)
	}
	if err := s.Watch(Target{Netns: a.Netns, Names: a.Names, Plan: a.Plan}); err != nil {
		return childFailed(err)
	}
	fmt.Println("ready")
	err = s.Run(ctx, a.Interval, func(ws []flow.Window) error {
		line, err := json.Marshal(ws)
		if err == nil {
			// A kill may cut it short: the next one begins a line of its own.
			_, err = fmt.Fprintf(out, "\n%s\n", line)
		}
		return err
	})
	if err := errors.Join(err, s.Close()); err != nil {
		return childFailed(err)
	}
	return 0
}

func childFailed(err error) int {
	fmt.Fprintln(os.Stderr, "child:", err)
	return 1
}

// start starts a child and waits until it captures.
func (b *bed) start(a childArgs) *exec.Cmd {
	b.tb.Helper()
	arg, err := json.Marshal(a)
	b.must(err)
	self, err := os.Executable()
	b.must(err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childEnv+"="+string(arg))
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	b.must(err)
	b.must(cmd.Start())
	b.tb.Cleanup(func() { _ = cmd.Process.Kill() })
	if _, err := stdout.Read(make([]byte, 6)); err != nil {
		b.tb.Fatalf("the child ended: %v", cmd.Wait())
	}
	return cmd
}

// delivered reads what children delivered; a window that was offered twice counts
// once.
func (b *bed) delivered(path string, got *ledger) {
	b.tb.Helper()
	raw, err := os.ReadFile(path)
	b.must(err)
	bySequence := make(map[uint64][]flow.Window)
	for l := range strings.Lines(string(raw)) {
		var ws []flow.Window
		if err := json.Unmarshal([]byte(l), &ws); err != nil {
			continue // cut short, and offered again
		}
		if len(ws) > 0 {
			bySequence[ws[0].Sequence] = ws
		}
	}
	for _, ws := range bySequence {
		b.must(got.sink(ws))
	}
}

// traces lists what a source left on a device.
func (b *bed) traces(d *lab.Device) (left []string) {
	b.tb.Helper()
	b.must(d.Namespace().Do(func() error {
		for _, way := range []ebpf.AttachType{ebpf.AttachTCXIngress, ebpf.AttachTCXEgress} {
			q, err := link.QueryPrograms(link.QueryOptions{Target: d.Index(), Attach: way})
			if err != nil {
				return err
			}
			for range q.Programs {
				left = append(left, way.String())
			}
		}
		return nil
	}))
	f := &filters{ns: &namespace{link: d.Namespace().Handle()}, index: d.Index()}
	if has, err := f.hasQdisc(); err != nil || has {
		left = append(left, fmt.Sprintf("qdisc, %v", err))
	}
	return left
}

// wantNoTrace checks that nothing is left of a pinned capture.
func (b *bed) wantNoTrace(dir string, devices ...*lab.Device) {
	b.tb.Helper()
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		b.tb.Errorf("%s is still there: %v", dir, err)
	}
	for _, d := range devices {
		if left := b.traces(d); len(left) > 0 {
			b.tb.Errorf("left on %v: %q", d, left)
		}
	}
}

// TestKilledUnderTraffic kills the capturing process again and again while packets
// pass; whoever is next goes on with the same window.
func TestKilledUnderTraffic(t *testing.T) {
	for i, tier := range tiers {
		t.Run(tier.name, func(t *testing.T) {
			b := newBed(t)
			dir, out := pinDir(t), filepath.Join(t.TempDir(), "windows")
			args := childArgs{Pin: dir, Netns: nsPath(b.server), Out: out, Names: []string{"eth0"}, Tier: i, Interval: 30 * time.Millisecond}
			cmd := b.start(args)
			packets, want := 220, 8
			if i > 0 {
				packets, want = 60, 3
			}
			done := make(chan load)
			go func() { done <- b.load(1000, packets, 12_000) }()
			kills := 0
			var sent load
			for ended := false; !ended; kills++ {
				select {
				case sent = <-done:
					ended = true
				case <-time.After(time.Duration(20+kills*17%90) * time.Millisecond):
				}
				b.must(cmd.Process.Kill())
				_ = cmd.Wait()
				cmd = b.start(args)
			}
			b.must(cmd.Process.Signal(syscall.SIGTERM))
			if err := cmd.Wait(); err != nil {
				t.Errorf("terminated child: %v", err)
			}
			b.wantNoTrace(dir, b.s)
			got := newLedger()
			b.delivered(out, got)
			sent.check(t, got, true)
			if kills < want {
				t.Errorf("%d kills, want %d or more", kills, want)
			}
			t.Logf("%d kills, %d windows, %d packets", kills, got.windows, sent.in.Packets+sent.tried.Packets)
		})
	}
}

// TestSinkThatFails keeps windows until they are taken, in order and unchanged,
// also over the life of a process.
func TestSinkThatFails(t *testing.T) {
	b := newBed(t)
	dir := pinDir(t)
	s := b.open(Config{Pin: dir}, of(b.server, "eth0"))
	refuse := errors.New("no room")
	var offered [][]flow.Window
	fail := func(ws []flow.Window) error { offered = append(offered, ws); return refuse }
	b.send(b.client, client4, server4)
	b.must(s.swap(time.Now(), true))
	for range 3 {
		if err := s.settle(fail); !errors.Is(err, refuse) {
			t.Fatalf("settle: %v, want the sink's error", err)
		}
	}
	b.send(b.client, client6, server6)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Run(ctx, time.Hour, fail); !errors.Is(err, refuse) {
		t.Errorf("run: %v, want the sink's error", err)
	}
	b.must(s.Close())

	again := b.open(Config{Pin: dir}, of(b.server, "eth0"))
	var taken []flow.Window
	b.running(again, time.Hour, func(ws []flow.Window) error { taken = append(taken, ws...); return nil })()
	want := func(ws []flow.Window, v version) {
		t.Helper()
		for _, l := range lines(ws) {
			if strings.Contains(l, "ingress") && !strings.HasPrefix(l, fmt.Sprintf("eth0 ingress ACCEPT proto 17 %s", flowSource(v))) {
				t.Errorf("got %q", l)
			}
		}
	}
	if len(offered) < 4 || len(taken) != 2 {
		t.Fatalf("%d offers and then %d windows, want 4 or more and 2", len(offered), len(taken))
	}
	for _, ws := range offered {
		want(ws, versions[0])
		if ws[0].Sequence != taken[0].Sequence || !ws[0].Start.Equal(offered[0][0].Start) || !ws[0].End.Equal(taken[0].End) {
			t.Errorf("window %d from %v was offered as %d from %v", taken[0].Sequence, taken[0].Start, ws[0].Sequence, ws[0].Start)
		}
	}
	want(taken[:1], versions[0])
	want(taken[1:], versions[1])
	if taken[1].Sequence != taken[0].Sequence+1 {
		t.Errorf("window %d follows %d", taken[1].Sequence, taken[0].Sequence)
	}
	b.must(again.Close())
	b.wantNoTrace(dir, b.s)
}

func flowSource(v version) string {
	if v.header == 40 {
		return "[" + v.client.String() + "]:4000"
	}
	return v.client.String() + ":4000"
}

// TestOnePinDirOneProcess refuses a second user of the tables.
func TestOnePinDirOneProcess(t *testing.T) {
	b := newBed(t)
	dir := pinDir(t)
	s := b.open(Config{Pin: dir}, of(b.server, "eth0"))
	for name, err := range map[string]error{"Open": func() error { _, err := Open(Config{Pin: dir}); return err }(), "Uninstall": Uninstall(dir)} {
		if err == nil || !strings.Contains(err.Error(), "in use") {
			t.Errorf("%s of a directory in use: %v, want an error that says so", name, err)
		}
	}
	b.send(b.client, client4, server4)
	if n := len(b.busy(s)); n != 1 {
		t.Errorf("%d windows after that, want 1", n)
	}
}

// TestUninstall removes what a killed process left, in each tier, and nothing of
// anybody else's.
func TestUninstall(t *testing.T) {
	for i, tier := range tiers {
		for _, theirs := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, others %v", tier.name, theirs), func(t *testing.T) {
				b := newBed(t)
				dir := pinDir(t)
				if theirs {
					p, _ := dropper(t, ebpf.SchedCLS, -1, -1)
					b.foreignFilter(b.s, p, netlink.HANDLE_MIN_INGRESS, 3)
					b.foreignTCX(b.s, p, ebpf.AttachTCXEgress, link.Tail())
				}
				before := b.traces(b.s)
				cmd := b.start(childArgs{Pin: dir, Netns: nsPath(b.server), Out: filepath.Join(t.TempDir(), "windows"), Names: []string{"eth0"}, Tier: i, Interval: time.Hour})
				during := b.traces(b.s)
				b.must(cmd.Process.Kill())
				_ = cmd.Wait()
				if left := b.traces(b.s); !slices.Equal(left, during) {
					t.Errorf("the killed process left %q, want %q", left, during)
				}
				b.must(Uninstall(dir))
				if left := b.traces(b.s); !slices.Equal(left, before) {
					t.Errorf("left are %q, want %q", left, before)
				}
				if err := Uninstall(dir); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("second time: %v, want that nothing is there", err)
				}
				if !theirs {
					b.wantNoTrace(dir, b.s)
				}
				if theirs {
					f := &filters{ns: &namespace{link: b.server.Handle()}, index: b.s.Index()}
					if _, others, err := f.list(netlink.HANDLE_MIN_INGRESS); err != nil || others != 1 {
						t.Errorf("%d foreign filters, %v, want 1", others, err)
					}
				}
			})
		}
	}
}
