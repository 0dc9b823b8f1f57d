package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/internal/lab"
	"weir/internal/lab/labtest"
)

func TestExitStatus(t *testing.T) {
	for _, tt := range []struct {
		args string
		want int
	}{
		{"version", exitDone},
		{"capture --exclude list", exitDone},
		{"nonsense", exitUsage},
		{"capture", exitUsage},
		{"capture lo --nonsense", exitUsage},
		{"capture lo --interval soon", exitUsage},
		{"capture lo --json --out x", exitUsage},
		{"demo --interval 1s", exitFailed},
		{"serve --check", exitDone},
		{"serve --check --config testdata/nobody.yaml", exitFailed},
		{"serve --check --config testdata/wrong.yaml", exitDiffer},
		{"serve --config testdata/wrong.yaml", exitFailed},
	} {
		if got := run(context.Background(), strings.Fields(tt.args)); got != tt.want {
			t.Errorf("weir %s: status %d, want %d", tt.args, got, tt.want)
		}
	}
}

// pair is a network in which weir captures the far end of a link.
type pair struct {
	near   *lab.Namespace
	target []string // arguments that name the far end
	pin    string
}

var far = netip.MustParseAddr("10.0.0.2")

func newPair(t *testing.T) *pair {
	t.Helper()
	labtest.NeedRoot(t)
	l := lab.New()
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	var ends [2]lab.End
	for i, name := range []string{"near", "far"} {
		ns, err := l.Namespace(lab.NamespaceConfig{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		ends[i] = lab.End{NS: ns, Name: "eth0", Addrs: []netip.Prefix{netip.MustParsePrefix(fmt.Sprintf("10.0.0.%d/24", i+1))}}
	}
	if _, _, err := l.Link(ends[0], ends[1]); err != nil {
		t.Fatal(err)
	}
	pin := "/sys/fs/bpf/weir-test-" + strconv.Itoa(os.Getpid())
	return &pair{
		near:   ends[0].NS,
		pin:    pin,
		target: []string{"eth0", "--netns", fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), ends[1].NS.FD()), "--pin", pin},
	}
}

func (p *pair) ping(t *testing.T, n int) {
	t.Helper()
	_, answered, err := p.near.Ping(context.Background(), lab.PingConfig{Dst: far, Count: n})
	if err != nil || answered != n {
		t.Fatalf("ping: %d of %d answered, %v", answered, n, err)
	}
}

// weirProcess is a running weir.
type weirProcess struct {
	*exec.Cmd
	out   bytes.Buffer
	ready chan string // the first line on standard error
}

// start runs weir as a process of its own and waits until it captures.
func (p *pair) start(t *testing.T, args ...string) *weirProcess {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w := &weirProcess{ready: make(chan string, 1)}
	w.Cmd = &exec.Cmd{Path: self, Args: append(append([]string{"weir", "capture"}, p.target...), args...)}
	w.Stdout = &w.out
	stderr, err := w.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		sc := bufio.NewScanner(stderr)
		for sc.Scan() {
			select {
			case w.ready <- sc.Text():
			default:
			}
		}
	}()
	select {
	case line := <-w.ready:
		if !strings.Contains(line, "capturing 1 interface") {
			t.Fatalf("weir says %q, want capturing", line)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("weir does not begin to capture")
	}
	return w
}

func (w *weirProcess) end(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := w.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	if err := w.Wait(); err != nil && sig != syscall.SIGKILL {
		t.Fatalf("weir ends with %v", err)
	}
}

// pings returns the packets of ingress ICMP that lines of the default format tell of.
func pings(t *testing.T, lines string) (n int) {
	t.Helper()
	for line := range strings.Lines(lines) {
		f := strings.Fields(line)
		if len(f) == 14 && f[4] == far.String() && f[7] == "1" {
			packets, err := strconv.Atoi(f[8])
			if err != nil {
				t.Fatal(err)
			}
			n += packets
		}
	}
	return n
}

func nothingLeft(t *testing.T, p *pair) {
	t.Helper()
	if _, err := os.Stat(p.pin); !os.IsNotExist(err) {
		t.Errorf("%s is still there", p.pin)
	}
}

func TestCaptureDeliversTheLastWindow(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			p := newPair(t)
			w := p.start(t, "--interval", "1h")
			p.ping(t, 3)
			w.end(t, sig)
			if got := pings(t, w.out.String()); got != 3 {
				t.Errorf("%d pings are recorded, want 3:\n%s", got, w.out.String())
			}
			if !strings.HasPrefix(w.out.String(), "version account-id interface-id ") {
				t.Errorf("output begins %.40q, want a header", w.out.String())
			}
			nothingLeft(t, p)
		})
	}
}

func TestCaptureGoesOnAfterAKill(t *testing.T) {
	p := newPair(t)
	w := p.start(t, "--interval", "1h")
	p.ping(t, 3)
	w.end(t, syscall.SIGKILL)
	p.ping(t, 4) // nobody is there, and it counts
	w = p.start(t, "--interval", "1h")
	p.ping(t, 5)
	w.end(t, os.Interrupt)
	if got := pings(t, w.out.String()); got != 12 {
		t.Errorf("%d pings are recorded, want 12:\n%s", got, w.out.String())
	}
	nothingLeft(t, p)
}

func TestCaptureUninstall(t *testing.T) {
	p := newPair(t)
	w := p.start(t, "--interval", "1h")
	if got := run(context.Background(), []string{"capture", "--uninstall", "--pin", p.pin}); got != exitFailed {
		t.Errorf("uninstalling under a running capture: status %d, want %d", got, exitFailed)
	}
	w.end(t, syscall.SIGKILL)
	if _, err := os.Stat(p.pin); err != nil {
		t.Errorf("after a kill: %v", err)
	}
	if got := run(context.Background(), []string{"capture", "--uninstall", "--pin", p.pin}); got != exitDone {
		t.Errorf("uninstalling: status %d, want %d", got, exitDone)
	}
	nothingLeft(t, p)
}

func TestCaptureJSON(t *testing.T) {
	p := newPair(t)
	w := p.start(t, "--interval", "1h", "--json", "--format", "srcaddr packets tcp-flags instance-id")
	p.ping(t, 2)
	w.end(t, os.Interrupt)
	type line struct {
		SrcAddr  string `json:"srcaddr"`
		Packets  int    `json:"packets"`
		Flags    *int   `json:"tcp-flags"`
		Instance string `json:"instance-id"`
	}
	var got []line
	for d := json.NewDecoder(&w.out); ; {
		var l line
		if err := d.Decode(&l); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		got = append(got, l)
	}
	if len(got) != 2 || got[0].Packets != 2 || got[0].Flags == nil || !strings.HasPrefix(got[0].Instance, "i-") {
		t.Errorf("records are %+v, want two of 2 packets", got)
	}
}

func TestCaptureFiles(t *testing.T) {
	p := newPair(t)
	dir := t.TempDir()
	w := p.start(t, "--interval", "2s", "--out", dir, "--filter", "ACCEPT")
	p.ping(t, 2)
	time.Sleep(3 * time.Second)
	p.ping(t, 2)
	w.end(t, os.Interrupt)
	names, err := filepath.Glob(filepath.Join(dir, "000000000000_vpcflowlogs_local-1_fl-*_*Z_*.log.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if all, _ := os.ReadDir(dir); len(all) != len(names) || len(names) < 2 {
		t.Errorf("%d files of %d have the right name, want all and two at least", len(names), len(all))
	}
	total := 0
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		if !strings.HasPrefix(string(text), "version account-id") {
			t.Errorf("%s begins %.40q, want a header", filepath.Base(name), text)
		}
		total += pings(t, string(text))
	}
	if total != 4 {
		t.Errorf("%d pings are recorded, want 4", total)
	}
	if w.out.Len() > 0 {
		t.Errorf("standard output is %q, want nothing", w.out.String())
	}
}
