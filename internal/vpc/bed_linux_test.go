package vpc

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"weir/internal/lab"
	"weir/internal/lab/labtest"
)

// TestMain fails if the tests leave descriptors of namespaces or sockets behind.
func TestMain(m *testing.M) {
	if os.Getenv(sleeperEnv) != "" {
		_, _ = io.Copy(io.Discard, os.Stdin) // until the test ends
		return
	}
	if os.Geteuid() != 0 {
		fmt.Println("vpc: not root: the tests that make namespaces are skipped")
	}
	code := m.Run()
	for range 50 {
		if len(openSockets()) == 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if left := openSockets(); code == 0 && len(left) > 0 {
		fmt.Println("vpc: left open:", left)
		code = 1
	}
	os.Exit(code)
}

func openSockets() (left []string) {
	fds, _ := filepath.Glob("/proc/self/fd/*")
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && (strings.HasPrefix(to, "net:") || strings.HasPrefix(to, "socket:")) {
			left = append(left, to)
		}
	}
	return left
}

// A bed is a lab whose namespaces have names in /run/netns, and a resolver that
// watches some of them.
type bed struct {
	t testing.TB
	*lab.Lab
	prefix string
}

func newBed(t testing.TB) *bed {
	labtest.NeedRoot(t)
	b := &bed{t: t, Lab: lab.New(), prefix: fmt.Sprintf("vpc%d-%d-", os.Getpid(), time.Now().UnixNano()%1e6)}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *bed) ns(name string) *lab.Namespace {
	b.t.Helper()
	ns, err := b.Namespace(lab.NamespaceConfig{Name: b.prefix + name, Mount: true})
	if err != nil {
		b.t.Fatal(err)
	}
	return ns
}

func (b *bed) link(x, y lab.End) (*lab.Device, *lab.Device) {
	b.t.Helper()
	p, q, err := b.Link(x, y)
	if err != nil {
		b.t.Fatal(err)
	}
	return p, q
}

// start runs a resolver that watches the namespaces named, and returns it when it
// has had its first look.
func (b *bed) start(o Options, names ...string) *Resolver {
	b.t.Helper()
	if o.Config == nil {
		o.Config = Default()
	}
	if o.Host == nil {
		o.Host = &Host{machine: "machine"}
	}
	if o.Root == nil {
		o.Root = fstest.MapFS{}
	}
	o.Logger = slog.New(slog.NewTextHandler(b.t.Output(), nil))
	for _, n := range names {
		o.Config.Namespaces = append(o.Config.Namespaces, b.prefix+n)
	}
	r := NewResolver(o)
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	b.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.t.Error(err)
		}
	})
	select {
	case <-r.Ready():
	case err := <-done:
		done <- nil
		b.t.Fatal("Run ended:", err)
	case <-time.After(10 * time.Second):
		b.t.Fatal("no first look within 10 s")
	}
	return r
}

// at returns the interface seen at a device, when there is one that ok likes; it
// fails after a second.
func (b *bed) at(r *Resolver, d *lab.Device, ok func(*Interface) bool) *Interface {
	b.t.Helper()
	return b.within(r, time.Second, func() *Interface {
		if i, found := r.Resolve(Device{Cookie: d.Namespace().Cookie(), Index: d.Index()}); found && ok(i) {
			return i
		}
		return nil
	})
}

func (b *bed) within(r *Resolver, limit time.Duration, find func() *Interface) *Interface {
	b.t.Helper()
	began := time.Now()
	for {
		changed := r.Changed()
		if i := find(); i != nil {
			return i
		}
		select {
		case <-changed:
		case <-time.After(limit - time.Since(began)):
			for _, i := range r.Index().Network().Interfaces {
				b.t.Logf("known: %s %s at %s/%s inverted=%v %v", i.ID, i.Name, i.Device.Space, i.Device.Name, i.Inverted, i.Addrs)
			}
			b.t.Fatalf("not seen within %v", limit)
		}
	}
}

func anyInterface(*Interface) bool { return true }

func pfx(s string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(s)} }

// bridged builds what container engines build: a bridge with an address and
// without an uplink, and containers cabled to it.
func bridged(b *bed, host *lab.Namespace, containers ...*lab.Namespace) (ports, eths []*lab.Device) {
	b.t.Helper()
	br, err := host.Bridge("br0")
	if err != nil {
		b.t.Fatal(err)
	}
	if err := br.AddAddress(netip.MustParsePrefix("10.9.0.254/24")); err != nil {
		b.t.Fatal(err)
	}
	for n, c := range containers {
		p, e := b.link(lab.End{NS: host, Name: fmt.Sprintf("veth%d", n), Discover: true},
			lab.End{NS: c, Name: "eth0", Addrs: pfx(fmt.Sprintf("10.9.0.%d/24", n+1)), Discover: true})
		if err := p.Attach(br); err != nil {
			b.t.Fatal(err)
		}
		if err := e.AddRoute(netip.MustParsePrefix("0.0.0.0/0"), netip.MustParseAddr("10.9.0.254")); err != nil {
			b.t.Fatal(err)
		}
		ports, eths = append(ports, p), append(eths, e)
	}
	return ports, eths
}

func macText(d *lab.Device) string {
	m := d.MAC()
	return net.HardwareAddr(m[:]).String()
}
