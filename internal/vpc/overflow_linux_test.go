package vpc

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/lab"
)

// TestOverflowOfEvents lets the socket that hears of a namespace overflow with news
// of routes, which alone are no reason to look. A device that appears then is seen
// although its own events are lost.
func TestOverflowOfEvents(t *testing.T) {
	b := newBed(t)
	a, c := b.ns("a"), b.ns("c")
	x, _ := b.link(lab.End{NS: a, Addrs: pfx("10.9.0.1/24")}, lab.End{NS: c, Addrs: pfx("10.9.0.2/24")})
	cfg := Default()
	cfg.Namespaces = []string{b.prefix + "a"}
	r := NewResolver(Options{Config: cfg, Host: &Host{machine: "machine"}, Root: fstest.MapFS{}})
	w := &watcher{r: r, open: make(map[uint64]*watched), remembered: make(map[rememberKey]string), failed: make(map[string]bool)}
	defer func() {
		for _, s := range w.open {
			s.handle.close()
		}
	}()
	s := b.hold(w, a)
	raw, err := s.handle.events.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if e := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 1) }); e != nil || err != nil {
		t.Fatal(e, err)
	}
	if err := w.look(); err != nil {
		t.Fatal(err)
	}
	full := b.loseRoutes(x)
	late, _ := b.link(lab.End{NS: a, Name: "late0", Down: true}, lab.End{NS: c, Down: true})
	if lost := b.lost(a); lost <= full {
		t.Fatalf("%d events were lost before and %d after, want more", full, lost)
	}
	if s.changed.Load() {
		t.Fatal("a change is noted already")
	}
	go w.listen(s)
	for deadline := time.Now().Add(5 * time.Second); !s.changed.Load(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no change is noted although events were lost")
		}
	}
	select {
	case <-r.wake:
	default:
		t.Error("nobody is told to look")
	}
	if err := w.look(); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.Resolve(Device{Cookie: a.Cookie(), Index: late.Index()}); !ok {
		t.Error("the device that appeared meanwhile is not known")
	}
}

// hold makes a watcher enter a namespace without listening to it, yet.
func (b *bed) hold(w *watcher, ns *lab.Namespace) *watched {
	b.t.Helper()
	places := findNamespaces(nil)
	i := slices.IndexFunc(places, func(p place) bool { return p.name == ns.Name() })
	if i < 0 {
		b.t.Fatal("the namespace is not found")
	}
	p := places[i]
	h, err := openNetns(p.path)
	if err != nil {
		b.t.Fatal(err)
	}
	s := &watched{place: p, handle: h, since: time.Now(), nsids: make(map[int]uint64),
		space: &space{cookie: h.cookie, inode: p.inode, path: p.path, name: p.name}}
	s.changed.Store(true)
	w.open[p.inode] = s
	return s
}

func (b *bed) lost(ns *lab.Namespace) int {
	b.t.Helper()
	n, err := ns.LostEvents()
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

// loseRoutes adds routes until an event is lost, and returns how many were. From
// then on all are, until what waits has been read.
func (b *bed) loseRoutes(d *lab.Device) int {
	b.t.Helper()
	before := b.lost(d.Namespace())
	for n := range 10_000 {
		to := netip.MustParsePrefix(fmt.Sprintf("10.%d.%d.0/24", 100+n/250, n%250))
		if err := d.AddRoute(to, netip.Addr{}); err != nil {
			b.t.Fatal(err)
		}
		if lost := b.lost(d.Namespace()); lost > before {
			return lost
		}
	}
	b.t.Fatal("no event is lost")
	return 0
}
