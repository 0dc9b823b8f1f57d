package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"weir/internal/capture"
	"weir/internal/lab"
	"weir/internal/lab/labtest"
)

// Addresses of the network that is served. What comes from refused is dropped.
var (
	near    = netip.MustParseAddr("10.199.0.1")
	refused = netip.MustParseAddr("10.199.0.66")
	farther = netip.MustParseAddr("10.199.0.2")
)

// A serveBed is a network of two namespaces, both ends of whose link are served.
type serveBed struct {
	tb          testing.TB
	dir, data   string
	config, pin string
	metrics     string // URL
	log         lockedBuffer

	near, far *lab.Device
	wall      *lab.Firewall
}

// A lockedBuffer is what processes write to and tests read meanwhile.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var beds atomic.Int32

// newServeBed makes the network and writes a configuration: what is common, and
// the given lines.
func newServeBed(tb testing.TB, serve, lines string) *serveBed {
	tb.Helper()
	labtest.NeedRoot(tb)
	b := &serveBed{tb: tb, dir: tb.TempDir()}
	b.data = filepath.Join(b.dir, "data")
	b.config = filepath.Join(b.dir, "weir.yaml")
	b.pin = fmt.Sprintf("/sys/fs/bpf/weir-test-serve-%d-%d", os.Getpid(), beds.Add(1))
	tb.Cleanup(func() {
		if err := capture.Uninstall(b.pin); err != nil && !errors.Is(err, os.ErrNotExist) {
			tb.Error(err)
		}
	})
	l := lab.New()
	tb.Cleanup(func() { b.must(l.Close()) })
	ends := [2]lab.End{{Addrs: prefixes(near, refused)}, {Addrs: prefixes(farther)}}
	var paths []string
	for i, name := range []string{"near", "far"} {
		ns, err := l.Namespace(lab.NamespaceConfig{Name: name})
		b.must(err)
		ends[i].NS, ends[i].Name = ns, "eth0"
		paths = append(paths, fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), ns.FD()))
	}
	var err error
	b.near, b.far, err = l.Link(ends[0], ends[1])
	b.must(err)
	b.wall, err = ends[1].NS.Firewall(lab.Rule{
		Family: lab.IPv4, Hook: lab.Input, Verdict: lab.Drop,
		Match: lab.Match{Src: netip.PrefixFrom(refused, 32)},
	})
	b.must(err)

	listen := freeAddr(tb)
	b.metrics = "http://" + listen
	b.must(os.WriteFile(b.config, []byte(fmt.Sprintf(`account: "123456789012"
region: eu-test-1
namespaces: [%s]
vpcs:
  - name: lab
    cidrs: [10.199.0.0/24]
subnets:
  - name: lab-a
    vpc: lab
    cidrs: [10.199.0.0/24]
serve:
  data-dir: %s
  listen: %s
  metrics-listen: %s
  flush: 1s
%s%s`, strings.Join(paths, ", "), b.data, freeAddr(tb), listen, serve, lines)), 0o600))
	return b
}

func prefixes(addrs ...netip.Addr) (p []netip.Prefix) {
	for _, a := range addrs {
		p = append(p, netip.PrefixFrom(a, 24))
	}
	return p
}

// freeAddr returns an address of loopback that nobody listens on.
func freeAddr(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (b *serveBed) must(err error) {
	b.tb.Helper()
	if err != nil {
		b.tb.Fatal(err)
	}
}

// start starts a process and does not wait for it.
func (b *serveBed) start() *exec.Cmd {
	b.tb.Helper()
	self, err := os.Executable()
	b.must(err)
	cmd := &exec.Cmd{
		Path: self, Args: []string{"weir-seconds", b.config, b.pin}, Stderr: &b.log,
		Env: append(os.Environ(), "AWS_EC2_METADATA_DISABLED=true", "TEST_KEY=a", "TEST_SECRET=not-a-secret"),
	}
	b.must(cmd.Start())
	b.tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

// terminate ends a process as systemd does.
func (b *serveBed) terminate(cmd *exec.Cmd) {
	b.tb.Helper()
	b.must(cmd.Process.Signal(syscall.SIGTERM))
	began := time.Now()
	if err := cmd.Wait(); err != nil {
		b.tb.Fatalf("after SIGTERM: %v\n%s", err, b.log.String())
	}
	if took := time.Since(began); took > 10*time.Second {
		b.tb.Errorf("SIGTERM took %v, want 10s at most", took)
	}
	if _, err := os.Stat(b.pin); !os.IsNotExist(err) {
		b.tb.Errorf("after SIGTERM there is still %s: %v\n%s", b.pin, err, b.log.String())
	}
}

// metric reads a metric, whose labels are part of the name; false if it is not
// there.
func (b *serveBed) metric(name string) (float64, bool) {
	for line := range strings.Lines(b.page("/metrics")) {
		if v, ok := strings.CutPrefix(line, name+" "); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
			return f, err == nil
		}
	}
	return 0, false
}

// page reads a page of a running process; empty if there is none.
func (b *serveBed) page(path string) string {
	client := http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get(b.metrics + path)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return ""
	}
	return string(body)
}

// capturing waits until both interfaces are captured.
func (b *serveBed) capturing() {
	b.tb.Helper()
	b.until(60*time.Second, "both interfaces are captured", func() bool {
		n, _ := b.metric("weir_agent_interfaces")
		return n == 2
	})
}

func (b *serveBed) until(limit time.Duration, what string, ok func() bool) {
	b.tb.Helper()
	for deadline := time.Now().Add(limit); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.tb.Fatalf("waited %v until %s\n%s", limit, what, b.log.String())
		}
	}
}
