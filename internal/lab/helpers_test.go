//go:build linux

package lab

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"weir/internal/lab/labtest"
)

// TestMain fails if the tests leave file descriptors or named namespaces behind.
func TestMain(m *testing.M) {
	if os.Getenv(victimEnv) != "" {
		fmt.Println("lab: victim:", victim())
		os.Exit(1)
	}
	if os.Geteuid() != 0 {
		fmt.Println("lab: not root: the tests that make namespaces are skipped")
		os.Exit(m.Run())
	}
	_, _ = openFiles() // the runtime's poller is open from here on
	before, mounts := leftovers()
	code := m.Run()
	if after, n := leftovers(); code == 0 && (len(after) > len(before) || n > mounts) {
		fmt.Printf("lab: leaked: descriptors before %v, after %v; named namespaces before %d, after %d\n", before, after, mounts, n)
		code = 1
	}
	os.Exit(code)
}

// leftovers returns what open descriptors refer to and how many namespaces have names.
func leftovers() (fds []string, named int) {
	fds, _ = openFiles()
	entries, _ := os.ReadDir(runNetns)
	return fds, len(entries)
}

// openFiles returns the targets of the open descriptors that may leak.
func openFiles() ([]string, error) {
	entries, err := os.ReadDir("/proc/self/fd")
	var out []string
	for _, e := range entries {
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err == nil && (strings.HasPrefix(target, "socket:") || strings.HasPrefix(target, "net:") ||
			strings.Contains(target, "/ns/net") || strings.Contains(target, "/net/tun")) {
			out = append(out, target)
		}
	}
	return out, err
}

// newLab returns a lab that ends with the test.
func newLab(t testing.TB) *Lab {
	t.Helper()
	labtest.NeedRoot(t)
	l := New()
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return l
}

func newNS(t testing.TB, l *Lab, cfg NamespaceConfig) *Namespace {
	t.Helper()
	ns, err := l.Namespace(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return ns
}

func link(t testing.TB, l *Lab, a, b End) (*Device, *Device) {
	t.Helper()
	da, db, err := l.Link(a, b)
	if err != nil {
		t.Fatal(err)
	}
	return da, db
}

// Addresses of the two ends that pair makes.
var (
	a4, b4 = netip.MustParseAddr("10.77.0.1"), netip.MustParseAddr("10.77.0.2")
	a6, b6 = netip.MustParseAddr("fd77::1"), netip.MustParseAddr("fd77::2")
)

func prefixes(s ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range s {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

// pair returns two ends that can talk.
func pair(t testing.TB, l *Lab) (a, b *Device) {
	t.Helper()
	return link(t, l,
		End{NS: newNS(t, l, NamespaceConfig{Name: "a"}), Addrs: prefixes("10.77.0.1/24", "fd77::1/64")},
		End{NS: newNS(t, l, NamespaceConfig{Name: "b"}), Addrs: prefixes("10.77.0.2/24", "fd77::2/64")})
}

func stats(t testing.TB, d *Device) Stats {
	t.Helper()
	s, err := d.Stats()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// eventually waits until ok, which the kernel brings about by itself.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 5 s", what)
		}
	}
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
