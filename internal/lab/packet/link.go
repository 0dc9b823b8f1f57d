package packet

import (
	"encoding/binary"
	"net/netip"
)

// A MAC is an Ethernet address.
type MAC [6]byte

// Broadcast is the Ethernet address of everyone on the segment.
var Broadcast = MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// Ethernet is the header of a frame; padding and frame check sequence are not
// added. A zero Type is taken from the next layer.
type Ethernet struct {
	Dst, Src MAC
	Type     uint16
}

func (e Ethernet) appendHeader(b []byte, next Layer) []byte {
	b = append(b, e.Dst[:]...)
	b = append(b, e.Src[:]...)
	if e.Type == 0 {
		e.Type = etherType(next)
	}
	return binary.BigEndian.AppendUint16(b, e.Type)
}

func (Ethernet) finish([]byte, *pseudo) {}

// VLAN is a tag of IEEE 802.1Q, or of 802.1ad if TPID is [TypeQinQ]. Tags
// stand between Ethernet and the network layer, the outer one first.
type VLAN struct {
	ID       uint16 // 0 to 4095
	Priority uint8  // 0 to 7
	TPID     uint16 // 0 means TypeVLAN
	Type     uint16 // 0 means from the next layer
}

func (v VLAN) appendHeader(b []byte, next Layer) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(v.Priority)<<13|v.ID&0xfff)
	if v.Type == 0 {
		v.Type = etherType(next)
	}
	return binary.BigEndian.AppendUint16(b, v.Type)
}

func (VLAN) finish([]byte, *pseudo) {}

// ARP is a request (Operation 1, also the meaning of 0) or a reply (2) for IPv4
// over Ethernet (RFC 826).
type ARP struct {
	Operation            uint16
	SenderMAC, TargetMAC MAC
	Sender, Target       netip.Addr
}

func (a ARP) appendHeader(b []byte, _ Layer) []byte {
	b = append(b, 0, 1, 8, 0, 6, 4)
	b = binary.BigEndian.AppendUint16(b, max(a.Operation, 1))
	b = append(b, a.SenderMAC[:]...)
	b = append(b, must4(a.Sender)...)
	b = append(b, a.TargetMAC[:]...)
	return append(b, must4(a.Target)...)
}

func (ARP) finish([]byte, *pseudo) {}

// GRE is the header of RFC 2784 with the key of RFC 2890. A zero Type is taken
// from the next layer.
type GRE struct {
	Type   uint16
	HasKey bool
	Key    uint32 // only if HasKey
}

func (g GRE) appendHeader(b []byte, next Layer) []byte {
	if g.Type == 0 {
		g.Type = etherType(next)
	}
	if !g.HasKey {
		return append(b, 0, 0, byte(g.Type>>8), byte(g.Type))
	}
	b = append(b, 0x20, 0, byte(g.Type>>8), byte(g.Type))
	return binary.BigEndian.AppendUint32(b, g.Key)
}

func (GRE) finish([]byte, *pseudo) {}

// VXLAN is the header of RFC 7348; it follows UDP to port 4789 and carries
// Ethernet.
type VXLAN struct {
	VNI uint32 // 24 bits
}

func (v VXLAN) appendHeader(b []byte, _ Layer) []byte {
	b = append(b, 8, 0, 0, 0)
	return binary.BigEndian.AppendUint32(b, v.VNI<<8)
}

func (VXLAN) finish([]byte, *pseudo) {}
