package lab

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// A Namespace is a network namespace. Its methods are safe for concurrent use.
type Namespace struct {
	name   string
	cfg    NamespaceConfig
	fd     int
	cookie uint64
	handle *netlink.Handle

	mu      sync.Mutex
	closers []io.Closer // servers, files and sockets, closed in reverse order
	mount   string      // path of the bind mount, empty if there is none
	rmdir   bool        // the directory of mount was made by us
	closed  bool
}

// Name returns the name given in the [NamespaceConfig].
func (ns *Namespace) Name() string { return ns.name }

// String returns the name.
func (ns *Namespace) String() string { return ns.name }

// FD returns a file descriptor of the namespace, which the lab owns: duplicate
// it to use it after Close.
func (ns *Namespace) FD() int { return ns.fd }

// Cookie returns the kernel's number for the namespace (SO_NETNS_COOKIE), which
// is never used again until the machine restarts.
func (ns *Namespace) Cookie() uint64 { return ns.cookie }

// Handle returns a netlink handle whose requests act in the namespace. The lab
// owns it.
func (ns *Namespace) Handle() *netlink.Handle { return ns.handle }

// Do calls fn on a thread that is in the namespace and returns its error.
// Sockets that fn opens stay in the namespace; goroutines that it starts do not
// run there. The thread serves this one call and ends, so that no other
// goroutine can find itself in the wrong namespace. A panic in fn passes
// through to the caller.
func (ns *Namespace) Do(fn func() error) error {
	return onThread(func() error {
		if err := ns.enter(); err != nil {
			return fmt.Errorf("lab: enter namespace %s: %w", ns.name, err)
		}
		return fn()
	})
}

// enter moves the calling thread into the namespace.
func (ns *Namespace) enter() error {
	ns.mu.Lock() // the descriptor must not be closed, and its number reused, meanwhile
	defer ns.mu.Unlock()
	if ns.fd < 0 {
		return ErrClosed
	}
	return unix.Setns(ns.fd, unix.CLONE_NEWNET)
}

// onThread calls fn on a thread of its own. The thread is never unlocked, hence
// the Go runtime ends it together with its goroutine and whatever fn did to it
// is gone.
func onThread(fn func() error) (err error) {
	var panicked any
	finished := false
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		defer func() {
			if !finished {
				panicked = recover()
			}
		}()
		err = fn()
		finished = true
	}()
	<-done
	switch {
	case finished:
		return err
	case panicked != nil:
		panic(panicked)
	default: // fn called runtime.Goexit, as testing.T.FailNow does
		runtime.Goexit()
		return nil
	}
}

func newNamespace(cfg NamespaceConfig) (_ *Namespace, err error) {
	if cfg.Mount && (cfg.Name == "" || strings.ContainsAny(cfg.Name, "/\x00") || cfg.Name == "." || cfg.Name == "..") {
		return nil, fmt.Errorf("name %q cannot be a file", cfg.Name)
	}
	ns := &Namespace{name: cfg.Name, cfg: cfg, fd: -1}
	defer func() {
		if err != nil {
			err = errors.Join(err, ns.close())
		}
	}()
	err = onThread(func() (err error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("unshare: %w", err)
		}
		const self = "/proc/thread-self/ns/net"
		if ns.fd, err = unix.Open(self, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			return fmt.Errorf("open %s: %w", self, err)
		}
		if ns.cookie, err = netnsCookie(); err != nil {
			return fmt.Errorf("read cookie: %w", err)
		}
		if cfg.Mount {
			if err := ns.mountAt(self); err != nil {
				return err
			}
		}
		return route(cfg.Forward)
	})
	if err != nil {
		return ns, err
	}
	if ns.handle, err = netlink.NewHandleAt(netns.NsHandle(ns.fd), unix.NETLINK_ROUTE); err != nil {
		return ns, fmt.Errorf("open netlink: %w", err)
	}
	lo, err := ns.handle.LinkByName("lo")
	if err == nil {
		err = ns.handle.LinkSetUp(lo)
	}
	if err != nil {
		return ns, fmt.Errorf("set lo up: %w", err)
	}
	return ns, nil
}

// route makes the calling thread's namespace a router, or a host. A new namespace
// takes over what the machine is set to for IPv4, and that of one that runs
// containers is to forward.
func route(forward bool) error {
	on := "0"
	if forward {
		on = "1"
	}
	for _, s := range [][2]string{
		{"net/ipv4/ip_forward", on},
		{"net/ipv4/conf/all/rp_filter", "0"},
		{"net/ipv4/conf/default/rp_filter", "0"},
		// "all" is what decides on forwarding. "default" follows it and would make
		// each new device join the group of all routers, and say so.
		{"net/ipv6/conf/all/forwarding", on},
		{"net/ipv6/conf/default/forwarding", "0"},
	} {
		err := writeSysctl(s[0], s[1])
		if errors.Is(err, os.ErrNotExist) && strings.HasPrefix(s[0], "net/ipv6/") {
			continue // a kernel without IPv6
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// netnsCookie returns the cookie of the calling thread's namespace.
func netnsCookie() (uint64, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	return unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
}

// runNetns is where "ip netns" and most tools keep named namespaces.
const runNetns = "/run/netns"

func (ns *Namespace) mountAt(self string) error {
	switch err := os.Mkdir(runNetns, 0o755); {
	case err == nil:
		ns.rmdir = true
	case !errors.Is(err, os.ErrExist):
		return err
	}
	path := filepath.Join(runNetns, ns.name)
	f, err := os.OpenFile(path, os.O_RDONLY|os.O_CREATE|os.O_EXCL, 0)
	if err != nil {
		return err
	}
	f.Close()
	ns.mount = path
	if err := unix.Mount(self, path, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount %s: %w", path, err)
	}
	return nil
}

func (ns *Namespace) unmount() error {
	if ns.mount == "" {
		return nil
	}
	var errs []error
	// EINVAL means that it is not a mount point, ENOENT that somebody removed it.
	if err := unix.Unmount(ns.mount, unix.MNT_DETACH); err != nil && err != unix.EINVAL && err != unix.ENOENT {
		errs = append(errs, fmt.Errorf("unmount %s: %w", ns.mount, err))
	}
	if err := os.Remove(ns.mount); err != nil && !errors.Is(err, os.ErrNotExist) {
		errs = append(errs, err)
	}
	if ns.rmdir {
		_ = os.Remove(runNetns) // stays if others have put something there
	}
	ns.mount = ""
	return errors.Join(errs...)
}

// SetSysctl writes value to /proc/sys/ and name, with slashes, in the namespace.
func (ns *Namespace) SetSysctl(name, value string) error {
	err := ns.Do(func() error { return writeSysctl(name, value) })
	if err != nil {
		return fmt.Errorf("lab: namespace %s: %w", ns.name, err)
	}
	return nil
}

func writeSysctl(name, value string) error {
	// The kernel shows the values of the writing thread's namespace.
	return os.WriteFile("/proc/sys/"+name, []byte(value), 0)
}

// own makes Close of the namespace close c too.
func (ns *Namespace) own(c io.Closer) error {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if ns.closed {
		return errors.Join(ErrClosed, c.Close())
	}
	ns.closers = append(ns.closers, c)
	return nil
}

// close empties the namespace and lets go of it.
func (ns *Namespace) close() error {
	ns.mu.Lock()
	if ns.closed {
		ns.mu.Unlock()
		return nil
	}
	ns.closed = true
	closers := ns.closers
	ns.closers = nil
	ns.mu.Unlock()
	var errs []error
	for i := len(closers) - 1; i >= 0; i-- {
		if err := closers[i].Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if ns.handle != nil {
		// Whoever else holds the namespace must not keep the devices alive.
		errs = append(errs, ns.deleteLinks())
		ns.handle.Close()
	}
	errs = append(errs, ns.unmount())
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if ns.fd >= 0 {
		errs = append(errs, unix.Close(ns.fd))
		ns.fd = -1
	}
	return errors.Join(errs...)
}

func (ns *Namespace) deleteLinks() error {
	links, err := ns.handle.LinkList()
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return fmt.Errorf("list devices: %w", err)
	}
	var errs []error
	for _, l := range links {
		if l.Attrs().Name == "lo" {
			continue
		}
		// One end of a pair takes the other with it, and the fallback devices
		// of tunnel modules cannot be deleted.
		switch err := ns.handle.LinkDel(l); {
		case err == nil, errors.Is(err, unix.ENODEV), errors.Is(err, unix.EINVAL), errors.Is(err, unix.EOPNOTSUPP):
		default:
			errs = append(errs, fmt.Errorf("delete device %s: %w", l.Attrs().Name, err))
		}
	}
	return errors.Join(errs...)
}
