package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"weir/internal/lab/labtest"
)

// netnsOf returns the identity of the calling thread's namespace.
func netnsOf(t testing.TB) uint64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &st); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}

func TestDoRunsInside(t *testing.T) {
	l := newLab(t)
	a, b := newNS(t, l, NamespaceConfig{}), newNS(t, l, NamespaceConfig{})
	if a.Cookie() == b.Cookie() || a.Cookie() == 0 {
		t.Errorf("cookies %d and %d, want different ones", a.Cookie(), b.Cookie())
	}
	outside := netnsOf(t)
	var wg sync.WaitGroup
	for i := range 64 {
		ns := []*Namespace{a, b}[i%2]
		wg.Go(func() {
			var cookie uint64
			var names []string
			err := ns.Do(func() (err error) {
				if cookie, err = netnsCookie(); err != nil {
					return err
				}
				ifs, err := net.Interfaces()
				for _, i := range ifs {
					names = append(names, i.Name)
				}
				return err
			})
			if err != nil || cookie != ns.Cookie() || fmt.Sprint(names) != "[lo]" {
				t.Errorf("Do in %v: cookie %d, devices %v, %v; want %d, [lo]", ns, cookie, names, err, ns.Cookie())
			}
		})
	}
	wg.Wait()
	if got := netnsOf(t); got != outside {
		t.Errorf("after Do the test is in namespace %d, want %d", got, outside)
	}
}

func TestDoPassesOn(t *testing.T) {
	ns := newNS(t, newLab(t), NamespaceConfig{})
	want := errors.New("mine")
	if got := ns.Do(func() error { return want }); got != want {
		t.Errorf("Do returned %v, want %v", got, want)
	}
	func() {
		defer func() {
			if got := recover(); got != "boom" {
				t.Errorf("Do panicked with %v, want boom", got)
			}
		}()
		_ = ns.Do(func() error { panic("boom") })
	}()
	t.Run("Goexit, as in FailNow", func(t *testing.T) {
		ended := make(chan bool)
		go func() {
			defer close(ended)
			_ = ns.Do(func() error { runtime.Goexit(); return nil })
			t.Error("Do returned after Goexit")
		}()
		<-ended
	})
}

func TestMount(t *testing.T) {
	l := newLab(t)
	name := fmt.Sprintf("weir-test-%d", os.Getpid())
	ns := newNS(t, l, NamespaceConfig{Name: name, Mount: true})
	path := filepath.Join(runNetns, name)
	var byName, byFD unix.Stat_t
	if err := unix.Stat(path, &byName); err != nil {
		t.Fatal(err)
	}
	if err := unix.Fstat(ns.FD(), &byFD); err != nil {
		t.Fatal(err)
	}
	if byName.Ino != byFD.Ino {
		t.Errorf("%s is namespace %d, want %d", path, byName.Ino, byFD.Ino)
	}
	if _, err := l.Namespace(NamespaceConfig{Name: name, Mount: true}); !errors.Is(err, os.ErrExist) {
		t.Errorf("second namespace of the same name: %v, want %v", err, os.ErrExist)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the failed second one removed the first: %v", err)
	}
	for _, bad := range []string{"", "..", "a/b"} {
		if _, err := newNamespace(NamespaceConfig{Name: bad, Mount: true}); err == nil {
			t.Errorf("name %q was taken", bad)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Close: %v, want %v", err, os.ErrNotExist)
	}
}

func TestCloseRemovesEverything(t *testing.T) {
	labtest.NeedRoot(t)
	keeper := newNS(t, newLab(t), NamespaceConfig{Name: "keeper"})
	before, err := openFiles()
	if err != nil {
		t.Fatal(err)
	}
	l := New()
	a := newNS(t, l, NamespaceConfig{Name: "a", Forward: true})
	da, _ := link(t, l, End{NS: a, Addrs: prefixes("10.77.0.1/24")}, End{NS: keeper, Name: "peer"})
	must(a.Tun(TunConfig{}))(t)
	must(a.Bridge("br0"))(t)
	must(da.Raw())(t)
	must(a.ServeUDP(netip.MustParseAddrPort("10.77.0.1:53")))(t)
	must(a.ServeHTTP(netip.MustParseAddrPort("10.77.0.1:80"), nil))(t)
	must(a.Firewall(AllowEstablished(INet, Input), Rule{Verdict: Drop}))(t)
	dup, err := unix.FcntlInt(uintptr(a.FD()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(dup) // someone else holds the namespace: its devices must go all the same

	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
	if _, err := keeper.Device("peer"); err == nil {
		t.Error("the other end of a pair survived Close")
	}
	after, err := openFiles()
	if err != nil {
		t.Fatal(err)
	}
	if want := len(before) + 1; len(after) != want {
		t.Errorf("%d descriptors after Close, want %d: %v, before: %v", len(after), want, after, before)
	}
	if _, err := l.Namespace(NamespaceConfig{}); !errors.Is(err, ErrClosed) {
		t.Errorf("Namespace after Close: %v, want %v", err, ErrClosed)
	}
	if err := a.Do(func() error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("Do after Close: %v, want %v", err, ErrClosed)
	}
}

// TestKillLeavesNothing kills a process that has a lab, and waits for the kernel
// to remove a device of it from a namespace that stays.
func TestKillLeavesNothing(t *testing.T) {
	keeper := newNS(t, newLab(t), NamespaceConfig{Name: "keeper"})
	exe := must(os.Executable())(t)
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), victimEnv+"=1")
	cmd.ExtraFiles = []*os.File{os.NewFile(uintptr(must(unix.FcntlInt(uintptr(keeper.FD()), unix.F_DUPFD_CLOEXEC, 0))(t)), "keeper")}
	defer cmd.ExtraFiles[0].Close()
	must(0, cmd.Start())(t)
	eventually(t, "the other process's device", func() bool { _, err := keeper.Device("victim0"); return err == nil })
	must(0, cmd.Process.Kill())(t)
	_ = cmd.Wait() // says that it was killed
	eventually(t, "the end of that device", func() bool { _, err := keeper.Device("victim0"); return err != nil })
}

const victimEnv = "WEIR_LAB_TEST_VICTIM"

// victim is the process that TestKillLeavesNothing kills. It puts one end of a
// link into the namespace that is its descriptor 3.
func victim() error {
	ns, err := New().Namespace(NamespaceConfig{})
	if err != nil {
		return err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "eth0"
	err = ns.Handle().LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "victim0", PeerNamespace: netlink.NsFd(3)})
	if err != nil {
		return err
	}
	select {}
}

func BenchmarkDo(b *testing.B) {
	ns := newNS(b, newLab(b), NamespaceConfig{})
	b.ReportAllocs()
	for b.Loop() {
		if err := ns.Do(func() error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

// A namespace is a host unless it asks to be a router. That it is none on a machine
// that forwards itself shows only there: see [route].
func TestForward(t *testing.T) {
	labtest.NeedRoot(t)
	l := newLab(t)
	for forward, want := range map[bool]string{false: "0\n", true: "1\n"} {
		ns := newNS(t, l, NamespaceConfig{Forward: forward})
		for _, path := range []string{"net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"} {
			var got []byte
			if err := ns.Do(func() (err error) {
				got, err = os.ReadFile("/proc/sys/" + path)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if string(got) != want {
				t.Errorf("forward %v: %s is %q, want %q", forward, path, got, want)
			}
		}
	}
}
