package packet

import (
	"encoding/binary"
	"net/netip"
)

// A Layer is one header of a packet, or its payload. The types of this package
// are the only layers.
type Layer interface {
	// appendHeader appends the header to b. Lengths and checksums may still be
	// zero. next is the layer that follows, nil if there is none.
	appendHeader(b []byte, next Layer) []byte

	// finish fills in lengths and checksums. b begins with the header and ends
	// with the packet; everything after the header is already finished. ip is
	// the nearest IP header outside of this layer, nil if there is none.
	finish(b []byte, ip *pseudo)
}

// pseudo holds what the checksums of TCP, UDP and others cover of the IP header.
type pseudo struct{ src, dst netip.Addr }

// Build returns a new packet made of layers, outermost first.
func Build(layers ...Layer) []byte { return Append(nil, layers...) }

// Append appends the packet made of layers to b. It panics if an address of an
// IPv4 or IPv6 layer is missing or of the wrong family: that is a bug in the
// caller, whose packets are constants.
func Append(b []byte, layers ...Layer) []byte {
	starts := make([]int, len(layers))
	outer := make([]*pseudo, len(layers))
	var ip *pseudo
	for i, l := range layers {
		var next Layer
		if i+1 < len(layers) {
			next = layers[i+1]
		}
		starts[i], outer[i] = len(b), ip
		b = l.appendHeader(b, next)
		switch l := l.(type) {
		case IPv4:
			ip = &pseudo{l.Src, l.Dst}
		case IPv6:
			ip = &pseudo{l.Src, l.Dst}
		}
	}
	for i := len(layers) - 1; i >= 0; i-- {
		layers[i].finish(b[starts[i]:], outer[i])
	}
	return b
}

// Payload is application data, or anything else that has no layer here.
type Payload []byte

func (p Payload) appendHeader(b []byte, _ Layer) []byte { return append(b, p...) }
func (Payload) finish([]byte, *pseudo)                  {}

// IP protocol numbers (IANA "Protocol Numbers").
const (
	ProtoHopByHop    uint8 = 0
	ProtoICMP        uint8 = 1
	ProtoIPv4        uint8 = 4
	ProtoTCP         uint8 = 6
	ProtoUDP         uint8 = 17
	ProtoDCCP        uint8 = 33
	ProtoIPv6        uint8 = 41
	ProtoRouting     uint8 = 43
	ProtoFragment    uint8 = 44
	ProtoGRE         uint8 = 47
	ProtoESP         uint8 = 50
	ProtoAH          uint8 = 51
	ProtoICMPv6      uint8 = 58
	ProtoNoNext      uint8 = 59
	ProtoDestination uint8 = 60
	ProtoSCTP        uint8 = 132
	ProtoMobility    uint8 = 135
	ProtoUDPLite     uint8 = 136
)

// protocol returns the IP protocol number of l; payload and nothing are
// [ProtoNoNext].
func protocol(l Layer) uint8 {
	switch l := l.(type) {
	case ICMP:
		return ProtoICMP
	case ICMPv6:
		return ProtoICMPv6
	case TCP:
		return ProtoTCP
	case UDP:
		return ProtoUDP
	case UDPLite:
		return ProtoUDPLite
	case SCTP:
		return ProtoSCTP
	case DCCP:
		return ProtoDCCP
	case GRE:
		return ProtoGRE
	case ESP:
		return ProtoESP
	case AH:
		return ProtoAH
	case Extension:
		return l.Protocol
	case Fragment:
		return ProtoFragment
	case IPv4:
		return ProtoIPv4
	case IPv6:
		return ProtoIPv6
	}
	return ProtoNoNext
}

// EtherTypes (IANA "IEEE 802 Numbers").
const (
	TypeIPv4 uint16 = 0x0800
	TypeARP  uint16 = 0x0806
	TypeVLAN uint16 = 0x8100 // IEEE 802.1Q
	TypeIPv6 uint16 = 0x86dd
	TypeQinQ uint16 = 0x88a8 // IEEE 802.1ad
	TypeTEB  uint16 = 0x6558 // Ethernet inside GRE
)

// etherType returns the EtherType of l, 0 if it has none.
func etherType(l Layer) uint16 {
	switch l := l.(type) {
	case IPv4:
		return TypeIPv4
	case IPv6:
		return TypeIPv6
	case ARP:
		return TypeARP
	case Ethernet:
		return TypeTEB
	case VLAN:
		if l.TPID != 0 {
			return l.TPID
		}
		return TypeVLAN
	}
	return 0
}

// Checksum returns the Internet checksum of b (RFC 1071), where initial is a
// partial sum to start from, 0 or the result of [PseudoSum].
func Checksum(initial uint32, b []byte) uint16 { return ^fold(sum(initial, b)) }

// PseudoSum returns the partial sum of the pseudo header of a transport header
// and payload of n bytes between src and dst (RFC 9293, RFC 8200 section 8.1).
func PseudoSum(src, dst netip.Addr, proto uint8, n int) uint32 {
	s := sum(uint32(proto)+uint32(n)>>16+uint32(n)&0xffff, src.AsSlice())
	return sum(s, dst.AsSlice())
}

func (p *pseudo) checksum(proto uint8, b []byte) uint16 {
	if p == nil {
		return Checksum(0, b)
	}
	return Checksum(PseudoSum(p.src, p.dst, proto, len(b)), b)
}

func sum(s uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		s += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	return uint32(fold(s))
}

func fold(s uint32) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

func put16(b []byte, v uint16) { binary.BigEndian.PutUint16(b, v) }
