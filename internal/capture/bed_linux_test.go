package capture

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/internal/flow"
	"weir/internal/lab"
	"weir/internal/lab/labtest"
)

// A bed is a client and a server joined by one link, and a source that captures
// the server's end as "eth0" unless the test asks for something else.
type bed struct {
	tb             testing.TB
	lab            *lab.Lab
	client, server *lab.Namespace
	c, s           *lab.Device
}

var (
	client4 = netip.MustParseAddr("10.0.0.1")
	server4 = netip.MustParseAddr("10.0.0.2")
	client6 = netip.MustParseAddr("fd00::1")
	server6 = netip.MustParseAddr("fd00::2")
)

func newBed(tb testing.TB) *bed {
	tb.Helper()
	labtest.NeedRoot(tb)
	b := &bed{tb: tb, lab: lab.New()}
	tb.Cleanup(func() {
		if err := b.lab.Close(); err != nil {
			tb.Errorf("close the lab: %v", err)
		}
	})
	b.client, b.server = b.namespace("client"), b.namespace("server")
	b.c, b.s = b.link(
		lab.End{NS: b.client, Name: "eth0", Addrs: prefixes("10.0.0.1/24", "fd00::1/64")},
		lab.End{NS: b.server, Name: "eth0", Addrs: prefixes("10.0.0.2/24", "fd00::2/64")})
	return b
}

func (b *bed) namespace(name string) *lab.Namespace {
	b.tb.Helper()
	ns, err := b.lab.Namespace(lab.NamespaceConfig{Name: name})
	b.must(err)
	return ns
}

func (b *bed) router(name string) *lab.Namespace {
	b.tb.Helper()
	ns, err := b.lab.Namespace(lab.NamespaceConfig{Name: name, Forward: true})
	b.must(err)
	return ns
}

func (b *bed) link(x, y lab.End) (*lab.Device, *lab.Device) {
	b.tb.Helper()
	dx, dy, err := b.lab.Link(x, y)
	b.must(err)
	return dx, dy
}

func (b *bed) must(err error) {
	b.tb.Helper()
	if err != nil {
		b.tb.Fatal(err)
	}
}

func (b *bed) firewall(ns *lab.Namespace, rules ...lab.Rule) *lab.Firewall {
	b.tb.Helper()
	fw, err := ns.Firewall(rules...)
	b.must(err)
	return fw
}

// nsPath is where capture finds a namespace of the lab.
func nsPath(ns *lab.Namespace) string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), ns.FD()) }

// of is the target of one namespace's interfaces.
func of(ns *lab.Namespace, names ...string) Target { return Target{Netns: nsPath(ns), Names: names} }

// open opens a source that ends with the test and watches the targets.
func (b *bed) open(cfg Config, targets ...Target) *Source {
	b.tb.Helper()
	s, err := Open(cfg)
	b.must(err)
	b.tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.tb.Errorf("close the source: %v", err)
		}
	})
	for _, t := range targets {
		b.must(s.Watch(t))
	}
	return s
}

// window closes the open window and returns what it held.
func (b *bed) window(s *Source) []flow.Window {
	b.tb.Helper()
	var got []flow.Window
	b.must(s.swap(time.Now(), true))
	b.must(s.settle(func(w []flow.Window) error { got = slices.Clone(w); return nil }))
	return got
}

// lines are the flows of windows in a form to compare: interface, direction,
// verdict, protocol, tuple, packets, bytes, flags.
func lines(windows []flow.Window) []string {
	var out []string
	for _, w := range windows {
		for _, f := range w.Flows {
			out = append(out, fmt.Sprintf("%s %s packets %d bytes %d flags %d", w.Interface.Name, f.Key, f.Packets, f.Bytes, f.Flags))
		}
		if c := w.SkippedAll(); c.Packets > 0 {
			out = append(out, fmt.Sprintf("%s skipped %d bytes %d", w.Interface.Name, c.Packets, c.Bytes))
		}
		if w.Quiet {
			out = append(out, w.Interface.Name+" quiet")
		}
	}
	slices.Sort(out)
	return out
}

// wantLines compares the flows of windows with lines as [lines] prints them.
func (b *bed) wantLines(windows []flow.Window, want ...string) {
	b.tb.Helper()
	got := lines(windows)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		b.tb.Errorf("got:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func prefixes(s ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range s {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

func deadline(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	tb.Cleanup(cancel)
	return ctx
}
