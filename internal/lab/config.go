package lab

import (
	"net/netip"

	"weir/internal/lab/packet"
)

// NamespaceConfig describes a namespace.
type NamespaceConfig struct {
	// Name is used in errors and by String. Empty means "ns" and a number.
	Name string

	// Mount makes the namespace visible as /run/netns/Name, as "ip netns add"
	// does, until it is closed. Name must then be set and not be taken.
	Mount bool

	// Forward makes the namespace a router for IPv4 and IPv6.
	Forward bool

	// Chatty leaves IPv6 as the kernel has it: link-local addresses, duplicate
	// address detection, router solicitations, multicast reports.
	Chatty bool
}

// End is one end of a virtual Ethernet pair. NS is required.
type End struct {
	NS   *Namespace
	Name string // of the device; at most 15 bytes; empty means "eth" and a number free in NS

	MAC   packet.MAC     // zero means one of our own, locally administered and unique in the process
	Addrs []netip.Prefix // address and length of its subnet, IPv4 and IPv6
	MTU   int            // 0 means 1500
	Down  bool           // leave the device down

	// Discover leaves ARP and neighbour discovery on. It is off by default, and
	// then the addresses of the other end are entered as permanent neighbours;
	// those of hosts behind the other end are up to [Device.AddNeighbour]. Set
	// it for a device without addresses that is to be a port of a bridge, and
	// for the devices that reach each other through that bridge.
	Discover bool
}

// VXLANConfig describes a VXLAN device over IPv4 or IPv6.
type VXLANConfig struct {
	Name          string // empty means "vxlan" and a number free in the namespace
	VNI           uint32 // 24 bits
	Local, Remote netip.Addr
	Port          uint16 // 0 means 4789
	Addrs         []netip.Prefix
	MAC           packet.MAC // zero means one of our own
	MTU           int        // 0 means 1450
	Discover      bool       // as in End; there are no permanent neighbours otherwise
}

// TunConfig describes a tun device, which carries IP packets without a link
// header.
type TunConfig struct {
	Name  string // empty means "tun" and a number free in the namespace
	Addrs []netip.Prefix
	MTU   int // 0 means 1500
	Down  bool
}

// Stats are the counters of a device as the kernel keeps them (struct
// rtnl_link_stats64). Bytes include the link header. A segmentation-offload
// packet of a virtual Ethernet pair counts once.
type Stats struct {
	RxPackets, TxPackets uint64
	RxBytes, TxBytes     uint64
	RxDropped, TxDropped uint64
	RxErrors, TxErrors   uint64
}
