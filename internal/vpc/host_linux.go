package vpc

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// A Host is the VPC one machine is by itself: an interface for each of its
// network devices, a subnet for each prefix they are connected to.
type Host struct {
	machine string // what ids are made from
}

// NewHost returns the host this process runs on. Ids are stable for as long as
// the machine keeps its /etc/machine-id, or without one its name.
func NewHost() *Host {
	if raw, err := os.ReadFile("/etc/machine-id"); err == nil {
		if m := string(bytes.TrimSpace(raw)); m != "" {
			return &Host{machine: m}
		}
	}
	name, _ := os.Hostname()
	return &Host{machine: name}
}

// Device tells which network device is meant.
type Device struct {
	Netns string // where to find its namespace: a path, or "" for this process's
	Space string // the namespace's name for ids; "" for this process's
	Name  string
	Index int
}

// Interface returns the interface that a device is. What the device is can't be
// asked once it is gone; then the answer has an id made from its name alone, and
// the error says so.
func (h *Host) Interface(d Device) (Interface, error) {
	i := Interface{
		AccountID:  DefaultAccount,
		Region:     DefaultRegion,
		AZID:       DefaultAZID,
		VPCID:      id("vpc", h.machine),
		InstanceID: id("i", h.machine),
		Name:       d.Name,
		ID:         id("eni", h.machine, d.Space, "name", d.Name),
	}
	handle, err := open(d.Netns)
	if err != nil {
		return i, fmt.Errorf("vpc: interface %s: %w", d.Name, err)
	}
	defer handle.Close()
	l, err := handle.LinkByIndex(d.Index)
	if err != nil {
		return i, fmt.Errorf("vpc: interface %s: %w", d.Name, err)
	}
	i.ID = h.interfaceID(d, l)
	var prefixes []netip.Prefix
	for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
		list, err := handle.AddrList(l, family)
		if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
			return i, fmt.Errorf("vpc: addresses of %s: %w", d.Name, err)
		}
		prefixes = append(prefixes, globalFirst(list)...)
	}
	for _, p := range prefixes {
		i.Addrs = append(i.Addrs, p.Addr())
	}
	if len(prefixes) > 0 {
		i.SubnetID = id("subnet", h.machine, d.Space, prefixes[0].Masked().String())
	}
	return i, nil
}

// ID returns an id of Amazon's shape, such as fl-0123456789abcdef0 for the
// prefix "fl", that is always the same for the same parts on this machine.
func (h *Host) ID(prefix string, parts ...string) string {
	return id(prefix, append([]string{h.machine}, parts...)...)
}

// interfaceID tells devices apart by what stays: hardware keeps its address and
// may be renamed, a virtual device keeps its name and often has a new address
// after every start.
func (h *Host) interfaceID(d Device, l netlink.Link) string {
	mac := l.Attrs().HardwareAddr.String()
	if l.Type() == "device" && strings.Trim(mac, "0:") != "" {
		return id("eni", h.machine, d.Space, "mac", mac)
	}
	return id("eni", h.machine, d.Space, "name", l.Attrs().Name)
}

// globalFirst returns the prefixes of a device, link-local ones last.
func globalFirst(list []netlink.Addr) []netip.Prefix {
	var global, local []netip.Prefix
	for _, a := range list {
		addr, ok := netip.AddrFromSlice(a.IP)
		if !ok || a.IPNet == nil {
			continue
		}
		ones, _ := a.Mask.Size()
		p := netip.PrefixFrom(addr.Unmap(), ones)
		if addr.IsLinkLocalUnicast() {
			local = append(local, p)
		} else {
			global = append(global, p)
		}
	}
	return append(global, local...)
}

func open(path string) (*netlink.Handle, error) {
	if path == "" {
		return netlink.NewHandle(unix.NETLINK_ROUTE)
	}
	ns, err := netns.GetFromPath(path)
	if err != nil {
		return nil, fmt.Errorf("network namespace %s: %w", path, err)
	}
	defer ns.Close()
	return netlink.NewHandleAt(ns, unix.NETLINK_ROUTE)
}
