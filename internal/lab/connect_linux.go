package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// Connect tries to open a TCP connection and, if that works, closes it at once.
// An attempt without an answer sends exactly cfg.SYNs packets. An error means
// that the attempt could not be made, or that ctx ended.
func (ns *Namespace) Connect(ctx context.Context, cfg ConnectConfig) (Outcome, error) {
	if cfg.SYNs == 0 {
		cfg.SYNs = 1
	}
	var out Outcome
	err := ns.Do(func() (err error) {
		if cfg.SYNs < 1 || cfg.SYNs > 2 {
			return fmt.Errorf("SYNs is %d, want 1 or 2", cfg.SYNs)
		}
		out, err = connect(ctx, cfg)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("lab: connect from %v to %v: %w", ns, cfg.Dst, err)
	}
	return out, nil
}

// connect uses system calls rather than net.Dialer, because it asks the socket
// after the attempt which ICMP errors came in.
func connect(ctx context.Context, cfg ConnectConfig) (Outcome, error) {
	domain, level, recvErr := unix.AF_INET, unix.IPPROTO_IP, unix.IP_RECVERR
	if cfg.Dst.Addr().Is6() {
		domain, level, recvErr = unix.AF_INET6, unix.IPPROTO_IPV6, unix.IPV6_RECVERR
	}
	fd, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	// The kernel may find the socket busy when an ICMP error arrives, and then
	// it only remembers it; with this option it queues it always.
	if err := unix.SetsockoptInt(fd, level, recvErr, 1); err != nil {
		return 0, err
	}
	if cfg.Src.IsValid() {
		if err := unix.Bind(fd, sockaddr(cfg.Src)); err != nil {
			return 0, err
		}
	}
	wait := time.Duration(cfg.SYNs-1)*time.Second + 300*time.Millisecond
	switch err := unix.Connect(fd, sockaddr(cfg.Dst)); {
	case errors.Is(err, unix.EINPROGRESS):
	case err == nil:
		return Connected, nil
	case isRefusal(err):
		return Unreachable, nil
	default:
		return 0, err
	}
	for deadline := time.Now().Add(wait); time.Now().Before(deadline); {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		const step = 10 // milliseconds, after which ctx is looked at
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		n, err := unix.Poll(fds, step)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return 0, err
		}
		if n == 1 {
			return outcome(fd)
		}
	}
	return Unanswered, nil
}

// outcome says what the poll of a connecting socket reported.
func outcome(fd int) (Outcome, error) {
	var oob [512]byte
	if _, _, _, _, err := unix.Recvmsg(fd, nil, oob[:], unix.MSG_ERRQUEUE); err == nil {
		return Unreachable, nil
	}
	soErr, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	switch {
	case err != nil:
		return 0, err
	case soErr == 0:
		return Connected, nil
	case unix.Errno(soErr) == unix.ECONNREFUSED:
		return Refused, nil
	case unix.Errno(soErr) == unix.ETIMEDOUT:
		return Unanswered, nil
	case isRefusal(unix.Errno(soErr)):
		return Unreachable, nil
	}
	return 0, unix.Errno(soErr)
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}
