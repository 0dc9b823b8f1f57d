package capture

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// A namespace is a network namespace held open.
type namespace struct {
	name   string // as asked for; empty is the one this process runs in
	cookie uint64
	handle netns.NsHandle
	link   *netlink.Handle
}

func openNamespace(name string) (*namespace, error) {
	h, err := netns.GetFromPath(NamespacePath(name))
	if err != nil {
		return nil, fmt.Errorf("open network namespace %q: %w", name, err)
	}
	n := &namespace{name: name, handle: h}
	err = n.do(func() (err error) {
		if n.cookie, err = netnsCookie(); err != nil {
			return err
		}
		n.link, err = netlink.NewHandle(unix.NETLINK_ROUTE)
		return err
	})
	if err != nil {
		h.Close()
		return nil, fmt.Errorf("open network namespace %q: %w", name, err)
	}
	return n, nil
}

// replaced reports whether the namespace's name is that of another one by now.
func (n *namespace) replaced() bool {
	var held, found unix.Stat_t
	return n.name != "" && unix.Fstat(int(n.handle), &held) == nil &&
		unix.Stat(NamespacePath(n.name), &found) == nil && (held.Dev != found.Dev || held.Ino != found.Ino)
}

func (n *namespace) close() {
	n.link.Close()
	n.handle.Close()
}

// do runs f in the namespace. The thread that enters it serves nothing else
// and ends with f, so no other goroutine can ever find itself in there.
func (n *namespace) do(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends here
		if err := netns.Set(n.handle); err != nil {
			done <- fmt.Errorf("enter network namespace %q: %w", n.name, err)
			return
		}
		done <- f()
	}()
	return <-done
}

// netnsCookie returns the cookie of the calling thread's namespace (Linux 5.14).
func netnsCookie() (uint64, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("socket: %w", err)
	}
	defer unix.Close(fd)
	cookie, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
	if err != nil {
		return 0, fmt.Errorf("network namespace cookie: %w", errors.Join(ErrNotSupported, os.NewSyscallError("getsockopt", err)))
	}
	return cookie, nil
}
