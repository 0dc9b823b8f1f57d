package flow

import (
	"fmt"
	"net/netip"
)

// Direction says which way packets crossed the interface, seen from the
// network stack that owns it: Ingress packets came in through it.
type Direction uint8

const (
	Ingress Direction = iota
	Egress
)

// String returns "ingress" or "egress".
func (d Direction) String() string {
	if d == Egress {
		return "egress"
	}
	return "ingress"
}

// Reverse returns the other direction.
func (d Direction) Reverse() Direction { return 1 - d }

// Verdict says what the firewall did with a packet.
type Verdict uint8

const (
	Accept Verdict = iota
	Reject
)

// String returns "ACCEPT" or "REJECT".
func (v Verdict) String() string {
	if v == Reject {
		return "REJECT"
	}
	return "ACCEPT"
}

// Key identifies a flow on an interface. It is comparable and holds no
// pointers, so it can be a map key on a hot path.
type Key struct {
	// Src and Dst are the addresses in the IP header; IPv4 addresses are in
	// the IPv4-mapped form ::ffff:a.b.c.d.
	Src, Dst [16]byte

	SrcPort, DstPort uint16 // 0 if Protocol has no ports
	Protocol         uint8  // IANA number of the outermost IP header's payload
	Version          uint8  // 4 or 6, the IP version of the header
	Direction        Direction
	Verdict          Verdict
}

// SrcAddr returns the source address; it is an IPv4 address if Version is 4.
func (k *Key) SrcAddr() netip.Addr { return k.addr(k.Src) }

// DstAddr returns the destination address; it is an IPv4 address if Version is 4.
func (k *Key) DstAddr() netip.Addr { return k.addr(k.Dst) }

func (k *Key) addr(a [16]byte) netip.Addr {
	if k.Version == 4 {
		return netip.AddrFrom4([4]byte(a[12:]))
	}
	return netip.AddrFrom16(a)
}

// SetAddrs sets Src, Dst and Version. Both addresses must be of one family.
func (k *Key) SetAddrs(src, dst netip.Addr) {
	k.Src, k.Dst, k.Version = src.As16(), dst.As16(), 6
	if src.Is4() {
		k.Version = 4
	}
}

// String returns the key in a form for logs and test failures.
func (k Key) String() string {
	return fmt.Sprintf("%s %s proto %d %s > %s", k.Direction, k.Verdict, k.Protocol,
		netip.AddrPortFrom(k.SrcAddr(), k.SrcPort), netip.AddrPortFrom(k.DstAddr(), k.DstPort))
}

// Count is a number of packets and their bytes. A packet is one as it is on
// the wire: a segmentation-offload packet counts as the packets it becomes.
// Bytes are IP bytes: IP header and payload, without link header and padding.
type Count struct {
	Packets, Bytes uint64
}

// Add adds d to c.
func (c *Count) Add(d Count) { c.Packets += d.Packets; c.Bytes += d.Bytes }

// A Flow is a key with what was counted for it within a window.
type Flow struct {
	Key
	Count

	// First and Last are the Unix seconds of the first and the last packet.
	First, Last int64

	// Flags is the sum of [TCPFlags] over the packets; 0 unless Protocol is 6.
	Flags uint8
}

// TCP header flag bits (RFC 9293, section 3.1).
const (
	FIN uint8 = 1 << iota
	SYN
	RST
	PSH
	ACK
)

// TCPFlags reduces the flags byte of one TCP header to the bits a flow log
// records; a flow's flags are the OR of them over its packets. FIN is 1, SYN 2,
// RST 4, and SYN with ACK 18: that is the only way the ACK bit gets set, so an
// ordinary segment gives 0 and a FIN-ACK gives 1 ("Flow log records", Amazon
// VPC User Guide, read 2026-11-23).
func TCPFlags(header uint8) uint8 {
	f := header & (FIN | SYN | RST)
	if header&(SYN|ACK) == SYN|ACK {
		f |= ACK
	}
	return f
}
