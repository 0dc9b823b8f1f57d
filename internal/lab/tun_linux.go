package lab

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// A Tun is a tun device and the file behind it.
type Tun struct {
	*Device

	// File yields the packets sent through the device, and what is written to
	// it arrives at the device; one Read or Write is one IP packet. The
	// namespace closes it, and the device goes with it.
	File *os.File
}

// Tun makes a tun device in the namespace.
func (ns *Namespace) Tun(cfg TunConfig) (*Tun, error) {
	if cfg.Name == "" {
		name, err := ns.freeName("tun", "")
		if err != nil {
			return nil, err
		}
		cfg.Name = name
	}
	var file *os.File
	err := ns.Do(func() (err error) {
		file, err = openTun(cfg.Name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("lab: add tun %s/%s: %w", ns.name, cfg.Name, err)
	}
	d, err := ns.Device(cfg.Name)
	if err == nil && cfg.MTU != 0 {
		err = d.SetMTU(cfg.MTU)
	}
	if err == nil {
		err = d.setup(cfg.Addrs, false, cfg.Down)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if err := ns.own(file); err != nil {
		return nil, fmt.Errorf("lab: add tun %v: %w", d, err)
	}
	return &Tun{Device: d, File: file}, nil
}

// openTun makes a tun device in the calling thread's namespace.
func openTun(name string) (*os.File, error) {
	const path = "/dev/net/tun"
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	req, err := unix.NewIfreq(name)
	if err == nil {
		req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	// Only now can the descriptor be polled, so only now may Go learn of it.
	return os.NewFile(uintptr(fd), path), nil
}
