package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"weir/internal/lab/packet"
)

// A Device is a network device in a namespace of the lab. It goes when the
// namespace is closed. Its methods are safe for concurrent use.
type Device struct {
	ns    *Namespace
	name  string
	index int
	mac   packet.MAC
	l3    bool // packets have no link header
	link  netlink.Link
	peer  *Device // the other end of a pair that the lab made, nil otherwise
}

// Namespace returns the namespace that the device is in.
func (d *Device) Namespace() *Namespace { return d.ns }

// Name returns the device's name in its namespace.
func (d *Device) Name() string { return d.name }

// Index returns the device's number in its namespace.
func (d *Device) Index() int { return d.index }

// MAC returns the device's Ethernet address, zero for a tun device.
func (d *Device) MAC() packet.MAC { return d.mac }

// String returns namespace and name, as "ns0/eth0".
func (d *Device) String() string { return d.ns.name + "/" + d.name }

// Device returns the device that has the given name, whoever made it.
func (ns *Namespace) Device(name string) (*Device, error) {
	link, err := ns.handle.LinkByName(name)
	if err != nil {
		return nil, fmt.Errorf("lab: find device %s/%s: %w", ns.name, name, err)
	}
	a := link.Attrs()
	d := &Device{ns: ns, name: name, index: a.Index, link: link}
	if len(a.HardwareAddr) == len(d.mac) {
		d.mac = packet.MAC(a.HardwareAddr)
	}
	d.l3 = a.EncapType == "none"
	return d, nil
}

// Up sets the device up. When it returns, the device and, if that is up too, the
// other end of its pair take packets.
func (d *Device) Up() error {
	if err := d.ns.handle.LinkSetUp(d.link); err != nil {
		return fmt.Errorf("lab: set %v up: %w", d, err)
	}
	if err := d.settle(); err != nil || d.peer == nil {
		return err
	}
	return d.peer.settle()
}

// Down sets the device down. The kernel forgets its IPv6 addresses, its routes
// and its neighbours then.
func (d *Device) Down() error {
	if err := d.ns.handle.LinkSetDown(d.link); err != nil {
		return fmt.Errorf("lab: set %v down: %w", d, err)
	}
	return nil
}

// Delete removes the device, and its other end if it is of a pair.
func (d *Device) Delete() error {
	if err := d.ns.handle.LinkDel(d.link); err != nil {
		return fmt.Errorf("lab: delete %v: %w", d, err)
	}
	return nil
}

// Attach makes the device a port of bridge, which must be in the same namespace.
func (d *Device) Attach(bridge *Device) error {
	if err := d.ns.handle.LinkSetMasterByIndex(d.link, bridge.index); err != nil {
		return fmt.Errorf("lab: attach %v to %v: %w", d, bridge, err)
	}
	return nil
}

// AddAddress adds an address with the length of its subnet. It is usable at
// once: IPv6 duplicate address detection does not take place.
func (d *Device) AddAddress(p netip.Prefix) error {
	a := &netlink.Addr{IPNet: ipNet(p)}
	if p.Addr().Is6() {
		a.Flags = unix.IFA_F_NODAD
	}
	if err := d.ns.handle.AddrAdd(d.link, a); err != nil {
		return fmt.Errorf("lab: add address %v to %v: %w", p, d, err)
	}
	return nil
}

// AddNeighbour enters mac as the permanent link address of addr. An entry that
// exists is replaced. The device must be up.
func (d *Device) AddNeighbour(addr netip.Addr, mac packet.MAC) error {
	n := &netlink.Neigh{
		LinkIndex: d.index, State: netlink.NUD_PERMANENT,
		IP: addr.AsSlice(), HardwareAddr: mac[:],
	}
	if err := d.ns.handle.NeighSet(n); err != nil {
		return fmt.Errorf("lab: add neighbour %v to %v: %w", addr, d, err)
	}
	return nil
}

// AddRoute adds a route to dst through the device. via is the gateway; the zero
// Addr means that dst is on the link. The device must be up.
func (d *Device) AddRoute(dst netip.Prefix, via netip.Addr) error {
	r := &netlink.Route{LinkIndex: d.index, Dst: ipNet(dst.Masked())}
	if via.IsValid() {
		r.Gw = via.AsSlice()
	} else {
		r.Scope = netlink.SCOPE_LINK
	}
	if err := d.ns.handle.RouteAdd(r); err != nil {
		return fmt.Errorf("lab: add route %v via %v to %v: %w", dst, via, d, err)
	}
	return nil
}

// SetMTU sets the largest IP packet of the device, in bytes.
func (d *Device) SetMTU(mtu int) error {
	if err := d.ns.handle.LinkSetMTU(d.link, mtu); err != nil {
		return fmt.Errorf("lab: set mtu of %v: %w", d, err)
	}
	return nil
}

// Stats reads the device's counters.
func (d *Device) Stats() (Stats, error) {
	link, err := d.ns.handle.LinkByIndex(d.index)
	if err == nil && link.Attrs().Statistics == nil {
		err = errors.New("the kernel sent none")
	}
	if err != nil {
		return Stats{}, fmt.Errorf("lab: read counters of %v: %w", d, err)
	}
	s := link.Attrs().Statistics
	return Stats{
		RxPackets: s.RxPackets, TxPackets: s.TxPackets,
		RxBytes: s.RxBytes, TxBytes: s.TxBytes,
		RxDropped: s.RxDropped, TxDropped: s.TxDropped,
		RxErrors: s.RxErrors, TxErrors: s.TxErrors,
	}, nil
}

// settle waits for what the kernel does some time after a device got its
// carrier: it gives it a queue, without which packets are lost, and enters the
// routes of its IPv6 addresses.
func (d *Device) settle() error {
	const patience = 5 * time.Second
	for deadline := time.Now().Add(patience); ; time.Sleep(200 * time.Microsecond) {
		ready, err := d.ready()
		if err == nil && !ready && time.Now().After(deadline) {
			err = fmt.Errorf("not ready after %v", patience)
		}
		if err != nil {
			return fmt.Errorf("lab: wait for %v: %w", d, err)
		}
		if ready {
			return nil
		}
	}
}

// ready says whether there is nothing, or nothing more, to wait for.
func (d *Device) ready() (bool, error) {
	h := d.ns.handle
	link, err := h.LinkByIndex(d.index)
	if err != nil {
		return false, err
	}
	a := link.Attrs()
	const carrier = unix.IFF_UP | unix.IFF_LOWER_UP
	if a.RawFlags&carrier != carrier {
		return true, nil // it may never come, for the other end is down
	}
	if a.OperState != netlink.OperUp && a.OperState != netlink.OperUnknown {
		return false, nil
	}
	addrs, err := h.AddrList(link, netlink.FAMILY_V6)
	if err != nil {
		return false, err
	}
	for _, addr := range addrs {
		if addr.Flags&unix.IFA_F_NODAD == 0 || addr.IP.IsLinkLocalUnicast() {
			continue // duplicate address detection takes seconds
		}
		routes, err := h.RouteGet(addr.IP)
		if err != nil || len(routes) != 1 || routes[0].Type != unix.RTN_LOCAL {
			return false, nil // no error: it has no route yet
		}
	}
	return true, nil
}

// setup finishes a new device: quiet if wanted, addresses, up. discover leaves
// address resolution on.
func (d *Device) setup(addrs []netip.Prefix, discover, down bool) error {
	if !d.ns.cfg.Chatty {
		if err := d.quiet(discover); err != nil {
			return err
		}
	}
	for _, p := range addrs {
		if err := d.AddAddress(p); err != nil {
			return err
		}
	}
	if down {
		return nil
	}
	return d.Up()
}

// quiet keeps the kernel from sending anything on the device by itself. It uses
// netlink only, which works where /proc/sys is read-only.
func (d *Device) quiet(discover bool) error {
	h := d.ns.handle
	const none = 1 // IN6_ADDR_GEN_MODE_NONE: no link-local address, hence no solicitation
	if err := h.LinkSetIP6AddrGenMode(d.link, none); err != nil && !errors.Is(err, unix.EAFNOSUPPORT) && !errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("lab: set address generation of %v: %w", d, err)
	}
	if discover {
		return nil
	}
	// Without multicast there are no groups to report. IFF_NOARP also keeps
	// IPv6 from joining a solicited-node group for each address.
	if err := h.LinkSetMulticastOff(d.link); err != nil {
		return fmt.Errorf("lab: set multicast off on %v: %w", d, err)
	}
	if d.l3 {
		return nil
	}
	if err := h.LinkSetARPOff(d.link); err != nil {
		return fmt.Errorf("lab: set arp off on %v: %w", d, err)
	}
	return nil
}

// freeName returns prefix and the lowest number that no device of ns has and
// that is not except.
func (ns *Namespace) freeName(prefix, except string) (string, error) {
	links, err := ns.handle.LinkList()
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return "", fmt.Errorf("lab: list devices of %v: %w", ns, err)
	}
	taken := map[string]bool{}
	for _, l := range links {
		taken[l.Attrs().Name] = true
	}
	for n := 0; ; n++ {
		if name := fmt.Sprintf("%s%d", prefix, n); !taken[name] && name != except {
			return name, nil
		}
	}
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
