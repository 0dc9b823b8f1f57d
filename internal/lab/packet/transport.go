package packet

import (
	"encoding/binary"
	"hash/crc32"
)

// TCP header flags (RFC 9293 section 3.1).
const (
	FIN uint8 = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
)

// TCP is the header of RFC 9293.
type TCP struct {
	SrcPort, DstPort uint16
	Seq, Ack         uint32
	Flags            uint8
	Window           uint16 // 0 means 65535
	Options          []byte // padded with zeros to a multiple of 4; at most 40 bytes
}

func (t TCP) appendHeader(b []byte, _ Layer) []byte {
	if t.Window == 0 {
		t.Window = 65535
	}
	if len(t.Options) > 40 {
		panic("BUG: packet: more than 40 bytes of TCP options")
	}
	words := 5 + (len(t.Options)+3)/4
	b = appendPorts(b, t.SrcPort, t.DstPort)
	b = binary.BigEndian.AppendUint32(b, t.Seq)
	b = binary.BigEndian.AppendUint32(b, t.Ack)
	b = append(b, byte(words)<<4, t.Flags, byte(t.Window>>8), byte(t.Window), 0, 0, 0, 0)
	b = append(b, t.Options...)
	return append(b, make([]byte, (words-5)*4-len(t.Options))...)
}

func (TCP) finish(b []byte, ip *pseudo) { put16(b[16:], ip.checksum(ProtoTCP, b)) }

// UDP is the header of RFC 768.
type UDP struct {
	SrcPort, DstPort uint16
	NoChecksum       bool // leave the checksum 0, which IPv4 allows
}

func (u UDP) appendHeader(b []byte, _ Layer) []byte {
	return append(appendPorts(b, u.SrcPort, u.DstPort), 0, 0, 0, 0)
}

func (u UDP) finish(b []byte, ip *pseudo) {
	put16(b[4:], uint16(len(b)))
	if u.NoChecksum {
		return
	}
	c := ip.checksum(ProtoUDP, b)
	if c == 0 {
		c = 0xffff // a zero would mean that there is none
	}
	put16(b[6:], c)
}

// UDPLite is the header of RFC 3828, with a checksum over the whole datagram.
type UDPLite struct{ SrcPort, DstPort uint16 }

func (u UDPLite) appendHeader(b []byte, _ Layer) []byte {
	return append(appendPorts(b, u.SrcPort, u.DstPort), 0, 0, 0, 0)
}

func (UDPLite) finish(b []byte, ip *pseudo) {
	c := ip.checksum(ProtoUDPLite, b) // coverage 0 means all
	if c == 0 {
		c = 0xffff
	}
	put16(b[6:], c)
}

// SCTP is the common header of RFC 9260; its chunks follow as [Payload].
type SCTP struct {
	SrcPort, DstPort uint16
	Tag              uint32
}

func (s SCTP) appendHeader(b []byte, _ Layer) []byte {
	b = appendPorts(b, s.SrcPort, s.DstPort)
	b = binary.BigEndian.AppendUint32(b, s.Tag)
	return append(b, 0, 0, 0, 0)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (SCTP) finish(b []byte, _ *pseudo) {
	binary.LittleEndian.PutUint32(b[8:], crc32.Checksum(b, castagnoli))
}

// DCCP is the generic header of RFC 4340 with a 48-bit sequence number. The
// fields that Type adds follow as [Payload]: a Request (Type 0) has a service
// code of 4 bytes.
type DCCP struct {
	SrcPort, DstPort uint16
	Type             uint8  // 0 to 15
	Seq              uint64 // 48 bits

	// More is the length in bytes of the type's own fields and of the options
	// at the beginning of the payload; a multiple of 4.
	More int
}

func (d DCCP) appendHeader(b []byte, _ Layer) []byte {
	b = appendPorts(b, d.SrcPort, d.DstPort)
	b = append(b, byte((16+d.More)/4), 0, 0, 0, d.Type<<1|1, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(d.Seq>>32))
	return binary.BigEndian.AppendUint32(b, uint32(d.Seq))
}

func (DCCP) finish(b []byte, ip *pseudo) { put16(b[6:], ip.checksum(ProtoDCCP, b)) }

// Types of [ICMP] and [ICMPv6] messages.
const (
	EchoReply     uint8 = 0
	Unreachable   uint8 = 3
	EchoRequest   uint8 = 8
	EchoRequestV6 uint8 = 128
	EchoReplyV6   uint8 = 129
)

// ICMP is a message of RFC 792. ID and Sequence are the second word of its
// header whatever Type is.
type ICMP struct {
	Type, Code   uint8
	ID, Sequence uint16
}

func (m ICMP) appendHeader(b []byte, _ Layer) []byte {
	return appendPorts(append(b, m.Type, m.Code, 0, 0), m.ID, m.Sequence)
}

func (ICMP) finish(b []byte, _ *pseudo) { put16(b[2:], Checksum(0, b)) }

// ICMPv6 is a message of RFC 4443. ID and Sequence are the second word of its
// header whatever Type is.
type ICMPv6 struct {
	Type, Code   uint8
	ID, Sequence uint16
}

func (m ICMPv6) appendHeader(b []byte, _ Layer) []byte {
	return appendPorts(append(b, m.Type, m.Code, 0, 0), m.ID, m.Sequence)
}

func (ICMPv6) finish(b []byte, ip *pseudo) { put16(b[2:], ip.checksum(ProtoICMPv6, b)) }

func appendPorts(b []byte, src, dst uint16) []byte {
	return append(b, byte(src>>8), byte(src), byte(dst>>8), byte(dst))
}
