package lab

import (
	"errors"
	"fmt"
	"net"

	"github.com/vishvananda/netlink"

	"weir/internal/lab/packet"
)

// Link joins two namespaces, or one with itself, by a virtual Ethernet pair and
// returns its ends.
func (l *Lab) Link(a, b End) (*Device, *Device, error) {
	fail := func(err error) (*Device, *Device, error) {
		return nil, nil, fmt.Errorf("lab: link %v to %v: %w", a.NS, b.NS, err)
	}
	if a.NS == nil || b.NS == nil {
		return fail(errors.New("NS is required"))
	}
	for _, e := range []*End{&a, &b} {
		if e.Name == "" {
			except := ""
			if a.NS == b.NS { // the name of the other end is not taken yet
				except = a.Name + b.Name
			}
			name, err := e.NS.freeName("eth", except)
			if err != nil {
				return nil, nil, err
			}
			e.Name = name
		}
		if e.MAC == (packet.MAC{}) {
			e.MAC = newMAC()
		}
		if e.MTU == 0 {
			e.MTU = 1500
		}
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.HardwareAddr = a.Name, a.MTU, net.HardwareAddr(a.MAC[:])
	veth := &netlink.Veth{
		LinkAttrs: attrs, PeerName: b.Name, PeerHardwareAddr: b.MAC[:],
		PeerMTU: uint32(b.MTU), PeerNamespace: netlink.NsFd(b.NS.fd), PeerTxQLen: -1,
	}
	if err := a.NS.handle.LinkAdd(veth); err != nil {
		return fail(err)
	}
	da, err := a.NS.Device(a.Name)
	if err != nil {
		return nil, nil, err
	}
	db, err := b.NS.Device(b.Name)
	if err == nil {
		da.peer, db.peer = db, da
		err = errors.Join(da.setup(a.Addrs, a.Discover, a.Down), db.setup(b.Addrs, b.Discover, b.Down))
	}
	if err == nil {
		err = errors.Join(da.meet(a, db, b), db.meet(b, da, a))
	}
	if err != nil {
		return nil, nil, errors.Join(err, da.Delete())
	}
	return da, db, nil
}

// meet enters the addresses of peer as permanent neighbours of d, unless d finds
// them out itself.
func (d *Device) meet(self End, peer *Device, other End) error {
	if self.Discover || d.ns.cfg.Chatty {
		return nil
	}
	for _, p := range other.Addrs {
		if err := d.AddNeighbour(p.Addr(), peer.mac); err != nil {
			return err
		}
	}
	return nil
}

// Bridge makes a bridge without ports, up, in the namespace. It neither speaks
// the spanning tree protocol nor snoops on multicast.
func (ns *Namespace) Bridge(name string) (*Device, error) {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	mac := newMAC()
	attrs.HardwareAddr = mac[:]
	off := false
	if err := ns.handle.LinkAdd(&netlink.Bridge{LinkAttrs: attrs, MulticastSnooping: &off}); err != nil {
		return nil, fmt.Errorf("lab: add bridge %s/%s: %w", ns.name, name, err)
	}
	d, err := ns.Device(name)
	if err != nil {
		return nil, err
	}
	if err := d.setup(nil, false, false); err != nil {
		return nil, errors.Join(err, d.Delete())
	}
	return d, nil
}

// VXLAN makes a VXLAN device to one remote end in the namespace. The route to
// Remote must be there before packets are.
func (ns *Namespace) VXLAN(cfg VXLANConfig) (*Device, error) {
	if cfg.Name == "" {
		name, err := ns.freeName("vxlan", "")
		if err != nil {
			return nil, err
		}
		cfg.Name = name
	}
	if cfg.Port == 0 {
		cfg.Port = 4789
	}
	if cfg.MTU == 0 {
		cfg.MTU = 1450
	}
	if cfg.MAC == (packet.MAC{}) {
		cfg.MAC = newMAC()
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.HardwareAddr = cfg.Name, cfg.MTU, cfg.MAC[:]
	link := &netlink.Vxlan{
		LinkAttrs: attrs, VxlanId: int(cfg.VNI), Port: int(cfg.Port),
		SrcAddr: cfg.Local.AsSlice(), Group: cfg.Remote.AsSlice(),
		UDPCSum: true,
	}
	if err := ns.handle.LinkAdd(link); err != nil {
		return nil, fmt.Errorf("lab: add vxlan %s/%s: %w", ns.name, cfg.Name, err)
	}
	d, err := ns.Device(cfg.Name)
	if err != nil {
		return nil, err
	}
	if err := d.setup(cfg.Addrs, cfg.Discover, false); err != nil {
		return nil, errors.Join(err, d.Delete())
	}
	return d, nil
}
