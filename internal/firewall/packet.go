package firewall

import (
	"fmt"
	"net/netip"
	"strconv"

	"weir/internal/flow"
	"weir/internal/vpc"
)

// Unknown is an ICMP type or code that nobody knows, as that of a record.
const Unknown = -1

// A Packet is what rules look at.
type Packet struct {
	Src, Dst netip.Addr // of one family, without zone
	Protocol uint8      // IANA's number

	// SrcPort and DstPort are valid only if Protocol is TCP or UDP.
	SrcPort, DstPort uint16

	// Type and Code are valid only if Protocol is ICMP or ICMPv6; Unknown if they
	// are not known.
	Type, Code int16
}

// Reverse returns the packet that answers p. The answer to an echo request is an echo
// reply; that of any other ICMP message is not known.
func (p Packet) Reverse() Packet {
	r := p
	r.Src, r.Dst, r.SrcPort, r.DstPort = p.Dst, p.Src, p.DstPort, p.SrcPort
	if p.icmp() {
		r.Type, r.Code = Unknown, Unknown
		for _, echo := range [...]struct {
			proto          vpc.Protocol
			request, reply int16
		}{{vpc.ProtoICMP, 8, 0}, {vpc.ProtoICMPv6, 128, 129}} {
			switch {
			case p.Protocol == uint8(echo.proto) && p.Type == echo.request:
				r.Type, r.Code = echo.reply, 0
			case p.Protocol == uint8(echo.proto) && p.Type == echo.reply:
				r.Type, r.Code = echo.request, 0
			}
		}
	}
	return r
}

func (p Packet) icmp() bool {
	return p.Protocol == uint8(vpc.ProtoICMP) || p.Protocol == uint8(vpc.ProtoICMPv6)
}

func (p Packet) ports() bool {
	return p.Protocol == uint8(vpc.ProtoTCP) || p.Protocol == uint8(vpc.ProtoUDP)
}

// String returns a text like "tcp 10.0.1.5:49152 > 10.0.2.9:443".
func (p Packet) String() string {
	proto := ProtocolName(vpc.Protocol(p.Protocol))
	switch {
	case p.ports():
		return fmt.Sprintf("%s %s > %s", proto, netip.AddrPortFrom(p.Src, p.SrcPort), netip.AddrPortFrom(p.Dst, p.DstPort))
	case p.icmp() && p.Type != Unknown:
		return fmt.Sprintf("%s type %d %s > %s", proto, p.Type, p.Src, p.Dst)
	}
	return fmt.Sprintf("%s %s > %s", proto, p.Src, p.Dst)
}

// ProtocolName returns "tcp", "udp", "icmp", "icmpv6", "all" or a number.
func ProtocolName(p vpc.Protocol) string {
	b, err := p.MarshalText()
	if err != nil {
		return strconv.Itoa(int(p))
	}
	return string(b)
}

// A Direction is that of a packet, seen from the interface.
type Direction = flow.Direction

// Directions.
const (
	Ingress = flow.Ingress
	Egress  = flow.Egress
)

// Remote returns the address that rules for a direction look at: the source of what
// comes in, the destination of what goes out.
func (p Packet) Remote(d Direction) netip.Addr { return p.remote(d) }

// remote is Remote without a copy of the packet.
func (p *Packet) remote(d Direction) netip.Addr {
	if d == Egress {
		return p.Dst
	}
	return p.Src
}

// Local returns the interface's own end of a packet of a direction.
func (p Packet) Local(d Direction) netip.Addr { return p.Remote(d.Reverse()) }

// A State is where a packet stands in its connection.
type State uint8

// States.
const (
	// Opens is the state of a packet that begins a connection, as a TCP segment with
	// SYN alone: a security group must have a rule for it.
	Opens State = iota
	// Answers is that of one that belongs to a connection that was allowed:
	// security groups let it pass.
	Answers
	// Either is that of a packet that may be one or the other, as that of a record
	// which does not tell. It passes security groups if one of the two does.
	Either
)

// A Verdict is what becomes of a packet.
type Verdict uint8

// Verdicts.
const (
	Refused Verdict = iota
	Allowed
	// Undecided depends on what is not known; see [Step.Depends].
	Undecided
)

// String returns "refused", "allowed" or "undecided".
func (v Verdict) String() string {
	return [...]string{"refused", "allowed", "undecided"}[v]
}
