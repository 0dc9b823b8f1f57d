package lab

import (
	"fmt"
	"runtime"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// feature is something that a device does in place of the network stack.
type feature struct {
	name string
	cmd  uint32
}

// SetOffload turns segmentation offload (TSO, GSO) and checksum offload of the
// device on or off. Off means that packets leave it as they would on a wire: at
// most as long as the MTU, with complete checksums. A new virtual Ethernet pair
// has them on.
func (d *Device) SetOffload(on bool) error {
	features := []feature{
		{"receive checksum", unix.ETHTOOL_SRXCSUM},
		{"transmit checksum", unix.ETHTOOL_STXCSUM},
		{"scatter-gather", unix.ETHTOOL_SSG},
		{"tso", unix.ETHTOOL_STSO},
		{"gso", unix.ETHTOOL_SGSO},
	}
	if !on {
		slices.Reverse(features) // the kernel refuses TSO without checksums
	}
	return d.set(on, features...)
}

// SetGRO turns generic receive offload of the device on or off: whether segments
// that arrive one after the other are joined. It is off on a new virtual Ethernet
// pair, where turning it on also takes packets through NAPI.
func (d *Device) SetGRO(on bool) error {
	return d.set(on, feature{"gro", unix.ETHTOOL_SGRO})
}

func (d *Device) set(on bool, features ...feature) error {
	err := d.ns.Do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		for _, f := range features {
			if err := ethtoolSet(fd, d.name, f.cmd, on); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("lab: set offload of %v: %w", d, err)
	}
	return nil
}

// ethtoolSet sends a command with one value (struct ethtool_value) to a device
// of the namespace that socket fd is in.
func ethtoolSet(fd int, device string, cmd uint32, on bool) error {
	value := struct{ cmd, data uint32 }{cmd: cmd}
	if on {
		value.data = 1
	}
	var req struct { // struct ifreq: a name and a union of 24 bytes
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}
	copy(req.name[:unix.IFNAMSIZ-1], device)
	var pin runtime.Pinner
	pin.Pin(&value)
	defer pin.Unpin()
	req.data = unsafe.Pointer(&value)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req)))
	if errno != 0 {
		return errno
	}
	return nil
}
