package vpc

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"weir/internal/lab"
)

func TestHotPlugIsSeenWithinASecond(t *testing.T) {
	b := newBed(t)
	a, c := b.ns("a"), b.ns("c")
	r := b.start(Options{}, "a", "c")
	x, y := b.link(lab.End{NS: a, Addrs: pfx("10.9.0.1/24")}, lab.End{NS: c, Addrs: pfx("10.9.0.2/24")})
	for _, d := range []*lab.Device{x, y} {
		i := b.at(r, d, func(i *Interface) bool { return i.PrimaryIPv4().IsValid() })
		if i.Inverted || i.Name != d.Name() || i.MAC != macText(d) || i.SubnetID == "" {
			t.Errorf("%s: %+v", d, i)
		}
	}
	// Later namespaces too, and what goes is remembered for a while.
	late := b.ns("late")
	c2 := *r.config.Load()
	c2.Namespaces = append(slices.Clone(c2.Namespaces), b.prefix+"late")
	r.SetConfig(&c2)
	z, _ := b.link(lab.End{NS: late, Addrs: pfx("10.9.1.1/24")}, lab.End{NS: a, Addrs: pfx("10.9.1.2/24")})
	i := b.at(r, z, anyInterface)
	if err := z.Delete(); err != nil {
		t.Fatal(err)
	}
	b.within(r, time.Second, func() *Interface {
		if r.Index().ByID(i.ID) == nil {
			return i
		}
		return nil
	})
	if got, ok := r.Resolve(i.Device); !ok || got.ID != i.ID {
		t.Errorf("an interface that is gone resolves to %v, %v", got, ok)
	}
}

func TestAddressesAddedLater(t *testing.T) {
	b := newBed(t)
	a, c := b.ns("a"), b.ns("c")
	x, _ := b.link(lab.End{NS: a, Addrs: pfx("10.9.0.1/24")}, lab.End{NS: c, Addrs: pfx("10.9.0.2/24")})
	r := b.start(Options{}, "a", "c")
	first := b.at(r, x, anyInterface)
	for _, p := range []string{"10.9.0.7/24", "2001:db8:9::1/64"} {
		if err := x.AddAddress(netip.MustParsePrefix(p)); err != nil {
			t.Fatal(err)
		}
	}
	i := b.at(r, x, func(i *Interface) bool { return len(i.Addrs) == 3 })
	if i.ID != first.ID || fmt.Sprint(i.Addrs) != "[10.9.0.1 10.9.0.7 2001:db8:9::1]" {
		t.Errorf("%s with %v, want %s with the primary address first", i.ID, i.Addrs, first.ID)
	}
}

func TestRenameKeepsID(t *testing.T) {
	b := newBed(t)
	a, c := b.ns("a"), b.ns("c")
	x, _ := b.link(lab.End{NS: a, Name: "before", Addrs: pfx("10.9.0.1/24")}, lab.End{NS: c, Addrs: pfx("10.9.0.2/24")})
	r := b.start(Options{}, "a")
	first := b.at(r, x, anyInterface)
	l, err := a.Handle().LinkByIndex(x.Index())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Handle().LinkSetDown(l); err != nil {
		t.Fatal(err)
	}
	if err := a.Handle().LinkSetName(l, "after"); err != nil {
		t.Fatal(err)
	}
	i := b.at(r, x, func(i *Interface) bool { return i.Name == "after" })
	if i.ID != first.ID {
		t.Errorf("renamed, it is %s; it was %s", i.ID, first.ID)
	}
}

func TestRestartKeepsIDs(t *testing.T) {
	b := newBed(t)
	a, c := b.ns("a"), b.ns("c")
	x, y := b.link(lab.End{NS: a, Addrs: pfx("10.9.0.1/24")}, lab.End{NS: c, Addrs: pfx("10.9.0.2/24")})
	first := b.start(Options{}, "a", "c")
	second := b.start(Options{}, "a", "c")
	for _, d := range []*lab.Device{x, y} {
		i, j := b.at(first, d, anyInterface), b.at(second, d, anyInterface)
		if i.ID != j.ID || i.SubnetID != j.SubnetID || i.InstanceID != j.InstanceID {
			t.Errorf("%s: %s in %s at first, %s in %s afterwards", d, i.ID, i.SubnetID, j.ID, j.SubnetID)
		}
	}
}

func TestMovedDevice(t *testing.T) {
	b := newBed(t)
	a, c, e := b.ns("a"), b.ns("c"), b.ns("e")
	x, _ := b.link(lab.End{NS: a, Name: "mv0", Addrs: pfx("10.9.0.1/24")}, lab.End{NS: c, Addrs: pfx("10.9.0.2/24")})
	r := b.start(Options{}, "a", "c", "e")
	first := b.at(r, x, anyInterface)
	l, err := a.Handle().LinkByIndex(x.Index())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Handle().LinkSetNsFd(l, e.FD()); err != nil {
		t.Fatal(err)
	}
	moved, err := e.Device("mv0")
	if err != nil {
		t.Fatal(err)
	}
	if err := moved.AddAddress(netip.MustParsePrefix("10.9.0.1/24")); err != nil {
		t.Fatal(err)
	}
	i := b.at(r, moved, func(i *Interface) bool { return len(i.Addrs) == 1 })
	if i.Device.Space != b.prefix+"e" || i.ID == first.ID {
		t.Errorf("moved to another namespace it is %s in %s", i.ID, i.Device.Space)
	}
	if r.Index().ByDevice(first.Device) != nil {
		t.Error("it is still where it was")
	}
}

func TestContainersAreSeenAtTheHostsEnd(t *testing.T) {
	b := newBed(t)
	host, c1, c2 := b.ns("host"), b.ns("c1"), b.ns("c2")
	ports, eths := bridged(b, host, c1, c2)
	for name, watch := range map[string][]string{"host only": {"host"}, "all": {"host", "c1", "c2"}} {
		t.Run(name, func(t *testing.T) {
			r := b.start(Options{}, watch...)
			for n, p := range ports {
				i := b.at(r, p, func(i *Interface) bool { return len(i.Addrs) > 0 })
				if !i.Inverted || i.Name != "eth0" || i.Inside.Index != eths[n].Index() || i.MAC != macText(eths[n]) {
					t.Errorf("at %s: %+v, want the container's eth0, inverted", p, i)
				}
				if r.Index().ByDevice(Device{Cookie: eths[n].Namespace().Cookie(), Index: eths[n].Index()}) != nil {
					t.Errorf("%s is an interface, too", eths[n])
				}
			}
			for _, i := range r.Index().Network().Interfaces {
				if i.Device.Space == b.prefix+"host" && i.Device.Name == "br0" {
					t.Error("the bridge is an interface, too")
				}
			}
			one, two := b.at(r, ports[0], anyInterface), b.at(r, ports[1], anyInterface)
			if one.SubnetID != two.SubnetID {
				t.Errorf("on one bridge, but in subnets %s and %s", one.SubnetID, two.SubnetID)
			}
			if hop, ok := r.Index().NextHop(one, netip.MustParseAddr("10.9.0.2")); !ok || hop.ID != two.ID {
				t.Errorf("next hop to the other container is %+v, %v", hop, ok)
			}
			if hop, ok := r.Index().NextHop(one, netip.MustParseAddr("192.0.2.1")); ok {
				t.Errorf("next hop through a bridge that is no interface is %+v", hop)
			}
		})
	}
}

func TestContainerKeepsIDWhateverItsCableIsCalled(t *testing.T) {
	b := newBed(t)
	container := strings.Repeat("0123456789abcdef", 4)
	var ids []string
	for _, round := range []string{"x", "y"} {
		host, c := b.ns("host"+round), b.ns("c"+round)
		p, _ := b.link(lab.End{NS: host, Name: "veth" + round}, lab.End{NS: c, Name: "eth0", Addrs: pfx("10.9.0.1/24")})
		root := fstest.MapFS{"var/lib/cni/results/net-" + container + "-eth0": {Data: []byte(
			`{"kind":"cniCacheV1","containerId":"` + container + `","netns":"/var/run/netns/` + b.prefix + "c" + round + `"}`)}}
		r := b.start(Options{Root: root}, "host"+round)
		i := b.at(r, p, func(i *Interface) bool { return i.InstanceID != r.opts.Host.ID("i") })
		ids = append(ids, i.ID+" "+i.InstanceID)
	}
	if ids[0] != ids[1] {
		t.Errorf("with another cable in another namespace it is %s, was %s", ids[1], ids[0])
	}
}

func TestTapIsAGuestsCable(t *testing.T) {
	b := newBed(t)
	host := b.ns("host")
	tap := &netlink.Tuntap{LinkAttrs: netlink.LinkAttrs{Name: "vnet7"}, Mode: netlink.TUNTAP_MODE_TAP}
	if err := host.Do(func() error { return netlink.LinkAdd(tap) }); err != nil {
		t.Fatal(err)
	}
	d, err := host.Device("vnet7")
	if err != nil {
		t.Fatal(err)
	}
	r := b.start(Options{Root: libvirtFixture()}, "host")
	i := b.at(r, d, anyInterface)
	if !i.Inverted || i.MAC != "52:54:00:12:34:56" || i.InstanceTags["Name"] != "web-vm" || fmt.Sprint(i.Addrs) != "[192.168.122.10]" {
		t.Errorf("tap of a guest: %+v", i)
	}
}

// TestGuestIsKnownOnceItsFilesAre has libvirt's files come after the tap, and
// the lease after both, with nothing changing about any device.
func TestGuestIsKnownOnceItsFilesAre(t *testing.T) {
	b := newBed(t)
	host := b.ns("host")
	tap := &netlink.Tuntap{LinkAttrs: netlink.LinkAttrs{Name: "vnet7"}, Mode: netlink.TUNTAP_MODE_TAP}
	if err := host.Do(func() error { return errors.Join(netlink.LinkAdd(tap), netlink.LinkSetUp(tap)) }); err != nil {
		t.Fatal(err)
	}
	d, err := host.Device("vnet7")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	r := b.start(Options{Root: os.DirFS(dir)}, "host")
	b.at(r, d, func(i *Interface) bool { return i.InstanceID == "" })
	late := func(name string) {
		t.Helper()
		p := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, libvirtFixture()[name].Data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	seen := func(ok func(*Interface) bool) {
		t.Helper()
		b.within(r, 5*time.Second, func() *Interface {
			if i, found := r.Resolve(Device{Cookie: host.Cookie(), Index: d.Index()}); found && ok(i) {
				return i
			}
			return nil
		})
	}
	late("run/libvirt/qemu/web-vm.xml")
	seen(func(i *Interface) bool { return i.InstanceTags["Name"] == "web-vm" && len(i.Addrs) == 0 })
	late("var/lib/libvirt/dnsmasq/virbr0.status")
	seen(func(i *Interface) bool { return fmt.Sprint(i.Addrs) == "[192.168.122.10]" })
}

func TestDefaultRoutes(t *testing.T) {
	b := newBed(t)
	a, c := b.ns("a"), b.ns("c")
	x, y := b.link(lab.End{NS: a, Addrs: []netip.Prefix{netip.MustParsePrefix("10.9.0.1/24"), netip.MustParsePrefix("2001:db8:9::1/64")}},
		lab.End{NS: c, Addrs: []netip.Prefix{netip.MustParsePrefix("10.9.0.2/24"), netip.MustParsePrefix("2001:db8:9::2/64")}})
	for _, via := range []string{"10.9.0.2", "2001:db8:9::2"} {
		to := everywhere4
		if netip.MustParseAddr(via).Is6() {
			to = everywhere6
		}
		if err := x.AddRoute(to, netip.MustParseAddr(via)); err != nil {
			t.Fatal(err)
		}
	}
	r := b.start(Options{}, "a", "c")
	next := b.at(r, y, anyInterface)
	i := b.at(r, x, func(i *Interface) bool { return len(i.Addrs) == 2 })
	stamp := r.Index().Stamp(i, nil)
	for _, to := range []string{"198.51.100.7", "2001:db8:ffff::7"} {
		hop, ok := r.Index().NextHop(i, netip.MustParseAddr(to))
		kept, okKept := stamp.NextHop(netip.MustParseAddr(to))
		if !ok || !okKept || hop.ID != next.ID || kept.ID != next.ID {
			t.Errorf("next hop to %s is %+v, of the stamp %+v, want %s; routes %v", to, hop, kept, next.ID, i.Routes)
		}
	}
}

func TestTwoHundredInterfaces(t *testing.T) {
	b := newBed(t)
	host := b.ns("host")
	var spaces []*lab.Namespace
	for n := range 200 {
		spaces = append(spaces, b.ns(fmt.Sprintf("c%d", n)))
	}
	r := b.start(Options{}, "host")
	ports, _ := bridged(b, host, spaces...)
	began := time.Now()
	seen := make(map[string]bool)
	for _, p := range ports {
		i := b.within(r, 5*time.Second, func() *Interface {
			if i, ok := r.Resolve(Device{Cookie: host.Cookie(), Index: p.Index()}); ok && len(i.Addrs) == 1 && i.Inverted {
				return i
			}
			return nil
		})
		seen[i.ID] = true
	}
	if len(seen) != 200 {
		t.Errorf("%d ids for 200 interfaces", len(seen))
	}
	t.Logf("all 200 seen %v after the last was made", time.Since(began))
}

// TestContainerIsKnownByItsProcess puts a process into a namespace and into a
// control group that is named as Docker names those of containers.
func TestContainerIsKnownByItsProcess(t *testing.T) {
	b := newBed(t)
	host, c := b.ns("host"), b.ns("c")
	p, _ := b.link(lab.End{NS: host, Name: "veth0"}, lab.End{NS: c, Name: "eth0", Addrs: pfx("10.9.0.1/24")})
	container := strings.Repeat("fedcba9876543210", 4)
	startInCgroup(t, c, "weir-"+b.prefix+"test/docker/"+container)
	r := b.start(Options{}, "host")
	want := r.opts.Host.ID("i", "container", container)
	if i := b.at(r, p, func(i *Interface) bool { return i.InstanceID == want }); i.ID != r.opts.Host.ID("eni", "container", container, "eth0") {
		t.Errorf("id %s is not made from the container's", i.ID)
	}
}

func TestAllNamespaces(t *testing.T) {
	b := newBed(t)
	a, c := b.ns("a"), b.ns("c")
	x, y := b.link(lab.End{NS: a, Addrs: pfx("10.9.0.1/24")}, lab.End{NS: c, Addrs: pfx("10.9.0.2/24")})
	cfg := Default()
	cfg.Namespaces = []string{"all"}
	r := b.start(Options{Config: cfg})
	b.at(r, x, anyInterface)
	b.at(r, y, anyInterface)
	counts := make(map[uint64]int)
	for _, p := range findNamespaces(nil) {
		if counts[p.inode]++; counts[p.inode] > 1 {
			t.Errorf("namespace %d is listed twice", p.inode)
		}
	}
}

func TestNamespaceIsLetGo(t *testing.T) {
	b := newBed(t)
	host := b.ns("host")
	other := lab.New()
	c, err := other.Namespace(lab.NamespaceConfig{Name: b.prefix + "c", Mount: true})
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := other.Link(lab.End{NS: host, Name: "veth0"}, lab.End{NS: c, Addrs: pfx("10.9.0.1/24")})
	if err != nil {
		t.Fatal(err)
	}
	r := b.start(Options{}, "host")
	b.at(r, p, func(i *Interface) bool { return len(i.Addrs) == 1 })
	if err := other.Close(); err != nil { // only the resolver holds it now
		t.Fatal(err)
	}
	deadline := time.Now().Add(3 * time.Second)
	for {
		_, err := host.Handle().LinkByName("veth0")
		var gone netlink.LinkNotFoundError
		if err != nil && (err == unix.ENODEV || fmt.Sprintf("%T", err) == fmt.Sprintf("%T", gone)) {
			return // the namespace ended, and its cable with it
		}
		if time.Now().After(deadline) {
			t.Fatal("the namespace lives on")
		}
		time.Sleep(20 * time.Millisecond)
	}
}
