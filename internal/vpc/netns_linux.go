package vpc

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// A place is where a network namespace was found.
type place struct {
	inode uint64
	path  string // "" for this process's own
	name  string // for ids
	pid   int    // a process in it, the one with the lowest number; 0 if none
}

// findNamespaces lists the network namespaces that have a name or a process,
// each once: this process's own first, then by name, then by process.
func findNamespaces(extra []string) []place {
	var out []place
	index := make(map[uint64]int)
	add := func(p place) {
		if i, ok := index[p.inode]; ok {
			if out[i].pid == 0 {
				out[i].pid = p.pid
			}
			return
		}
		index[p.inode] = len(out)
		out = append(out, p)
	}
	if ino, ok := netnsInode(ownNetns); ok {
		add(place{inode: ino})
	}
	for _, p := range extra {
		if ino, ok := netnsInode(p); ok {
			add(place{inode: ino, path: p, name: spaceName(p)})
		}
	}
	for _, dir := range []string{"/run/netns", "/run/docker/netns"} {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			p := path.Join(dir, e.Name())
			if ino, ok := netnsInode(p); ok {
				add(place{inode: ino, path: p, name: spaceName(p)})
			}
		}
	}
	for _, pid := range processes() {
		p := fmt.Sprintf("/proc/%d/ns/net", pid)
		if ino, ok := linkInode(p); ok {
			add(place{inode: ino, path: p, name: p, pid: pid})
		}
	}
	return out
}

// spaceName returns what a namespace at a path is called in ids: its name, if
// "ip netns" gave it one.
func spaceName(p string) string {
	if path.Dir(runPath(p)) == "/run/netns" {
		return path.Base(p)
	}
	return p
}

// processes returns the numbers of the processes, ascending.
func processes() (pids []int) {
	d, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	for _, n := range names {
		if pid, err := strconv.Atoi(n); err == nil {
			pids = append(pids, pid)
		}
	}
	sortInts(pids)
	return pids
}

// linkInode reads the number of a process's namespace without opening it.
func linkInode(p string) (uint64, bool) {
	to, err := os.Readlink(p)
	if err != nil {
		return 0, false
	}
	digits, ok := strings.CutPrefix(to, "net:[")
	ino, err := strconv.ParseUint(strings.TrimSuffix(digits, "]"), 10, 64)
	return ino, ok && err == nil
}

// nsfsMagic is what statfs says of namespaces (linux/magic.h, NSFS_MAGIC). A
// name in /run/netns on which nothing is mounted is an ordinary file.
const nsfsMagic = 0x6e736673

func netnsInode(p string) (uint64, bool) {
	var fs unix.Statfs_t
	var st unix.Stat_t
	if unix.Statfs(p, &fs) != nil || int64(fs.Type) != nsfsMagic || unix.Stat(p, &st) != nil {
		return 0, false
	}
	return st.Ino, true
}

// enter finds the namespaces of the first processes that the files name.
func (o *owners) enter() {
	o.byInode = make(map[uint64]*owner, len(o.byPID))
	for pid, owner := range o.byPID {
		if ino, ok := linkInode(fmt.Sprintf("/proc/%d/ns/net", pid)); ok {
			o.byInode[ino] = owner
		}
	}
}

// ownerOf tells what lives in a namespace.
func (o *owners) ownerOf(p place) *owner {
	if p.path == "" {
		return nil
	}
	if found := o.netns(p.path); found != nil {
		return found
	}
	if found := o.byInode[p.inode]; found != nil {
		return found
	}
	if p.pid > 0 {
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", p.pid)); err == nil {
			return o.process(string(text))
		}
	}
	return nil
}

// A netnsHandle is a network namespace held open: it lives at least as long.
type netnsHandle struct {
	cookie uint64
	fd     netns.NsHandle // none for this process's own
	route  *netlink.Handle
	events *os.File // becomes readable when something changes
}

// openNetns opens the namespace at a path, "" for this process's own.
func openNetns(p string) (*netnsHandle, error) {
	h := &netnsHandle{fd: netns.None()}
	at := p
	if at == "" {
		at = ownNetns
	}
	fd, err := netns.GetFromPath(at)
	if err != nil {
		return nil, fmt.Errorf("network namespace %s: %w", at, err)
	}
	h.fd = fd
	if err := inNetns(fd, p == "", h.open); err != nil {
		h.close()
		return nil, fmt.Errorf("network namespace %s: %w", at, err)
	}
	return h, nil
}

// inNetns calls f on a thread that is in the namespace. The thread serves
// nothing else and ends with f, so no other goroutine can find itself in there.
func inNetns(fd netns.NsHandle, own bool, f func() error) error {
	if own {
		return f()
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends here
		if err := netns.Set(fd); err != nil {
			done <- err
			return
		}
		done <- f()
	}()
	return <-done
}

func (h *netnsHandle) open() (err error) {
	if h.cookie, err = netnsCookie(); err != nil {
		return err
	}
	if h.events, err = subscribe(); err != nil {
		return err
	}
	h.route, err = netlink.NewHandle(unix.NETLINK_ROUTE)
	return err
}

func (h *netnsHandle) close() {
	if h.route != nil {
		h.route.Close()
	}
	if h.events != nil {
		h.events.Close()
	}
	if h.fd.IsOpen() {
		h.fd.Close()
	}
}

// netnsCookie returns the cookie of the calling thread's namespace (Linux 5.14);
// 0 where the kernel has none.
func netnsCookie() (uint64, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("socket: %w", err)
	}
	defer unix.Close(fd)
	cookie, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
	if errors.Is(err, unix.ENOPROTOOPT) {
		return 0, nil
	}
	return cookie, err
}

// subscribe opens a socket that hears of devices, addresses and routes.
func subscribe() (*os.File, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("netlink socket: %w", err)
	}
	groups := uint32(unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR | unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_ROUTE)
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("netlink socket: %w", err)
	}
	return os.NewFile(uintptr(fd), "netlink"), nil
}

// namespacePaths returns the paths among the names of namespaces to watch.
func namespacePaths(names []string) (paths []string) {
	for _, n := range names {
		if filepath.IsAbs(n) {
			paths = append(paths, n)
		}
	}
	return paths
}

// ownNetns is this process's own namespace, asked for from a thread like any
// other. /proc/self is the first thread, and that is not like any other: if it
// has ever entered a namespace for good, it stays there.
const ownNetns = "/proc/thread-self/ns/net"
