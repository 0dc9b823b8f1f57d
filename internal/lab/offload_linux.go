package lab

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// SetOffload turns segmentation offload (TSO, GSO, GRO) and checksum offload of
// the device on or off. Off means that packets leave it as they would on a wire:
// at most as long as the MTU, with complete checksums. A new virtual Ethernet
// pair has everything on but GRO.
func (d *Device) SetOffload(on bool) error {
	err := d.ns.Do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		features := []struct {
			name string
			cmd  uint32
		}{
			{"receive checksum", unix.ETHTOOL_SRXCSUM},
			{"transmit checksum", unix.ETHTOOL_STXCSUM},
			{"scatter-gather", unix.ETHTOOL_SSG},
			{"tso", unix.ETHTOOL_STSO},
			{"gso", unix.ETHTOOL_SGSO},
			{"gro", unix.ETHTOOL_SGRO},
		}
		for i := range features {
			f := features[i]
			if !on {
				f = features[len(features)-1-i] // the kernel refuses TSO without checksums
			}
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
