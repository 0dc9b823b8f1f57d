// Package packet builds packets for tests and demonstrations: Ethernet frames,
// IPv4 and IPv6 packets and what they carry, with correct lengths and
// checksums, including the unusual shapes that a flow log must survive.
//
// A packet is a list of layers, outermost first:
//
//	frame := packet.Build(
//		packet.Ethernet{Dst: there, Src: here},
//		packet.IPv4{Src: a, Dst: b},
//		packet.TCP{SrcPort: 40000, DstPort: 443, Flags: packet.SYN},
//	)
//
// A field that names the next layer (an EtherType, an IP protocol) is filled
// from that layer unless it is set. Packets are only built here, never parsed.
//
// Header layouts follow the RFC named at each layer.
package packet
