package lab

import (
	"net/netip"
	"time"

	"weir/internal/lab/packet"
)

// Outcome says how an attempt to connect ended.
type Outcome uint8

// Outcomes of a connection attempt.
const (
	Connected   Outcome = iota
	Refused             // answered with a TCP reset
	Unreachable         // answered with an ICMP error, or there is no route
	Unanswered          // nothing came back in time
)

// String returns the outcome in words.
func (o Outcome) String() string {
	return name(o, "connected", "refused", "unreachable", "unanswered")
}

// ConnectConfig describes a connection attempt. Dst is required.
type ConnectConfig struct {
	Src netip.AddrPort // zero, or port 0, leaves the choice to the kernel
	Dst netip.AddrPort

	// SYNs is how many SYN packets an attempt that gets no answer sends: 1 or
	// 2; 0 means 1. The second follows the first by one second (RFC 6298), and
	// the attempt ends 300 ms after the last.
	SYNs int
}

// PingConfig describes a series of echo requests. Dst is required.
type PingConfig struct {
	Src, Dst netip.Addr // a zero Src leaves the choice to the kernel
	Count    int        // 0 means 1
	Size     int        // of the data, in bytes; 0 means 56, as ping sends

	// Wait is how long to wait for a reply before the next request; 0 means 1 s.
	// The next request follows a reply at once.
	Wait time.Duration
}

// UDPConfig describes an exchange of datagrams. Dst is required.
type UDPConfig struct {
	Src     netip.AddrPort // zero, or port 0, leaves the choice to the kernel
	Dst     netip.AddrPort
	Count   int           // datagrams to send; 0 means 1
	Size    int           // of the payload, in bytes; 0 means 64
	NoReply bool          // send without waiting for answers
	Wait    time.Duration // for each answer; 0 means 1 s; only without NoReply
}

// FlowConfig describes what [Device.Generate] sends. The flows are numbered
// from 0; flow n comes from the source port SrcPort + n, and whenever the ports
// run out from the next source address. Src and Dst are required and of one
// family.
type FlowConfig struct {
	Src, Dst netip.Addr
	SrcPort  uint16 // 0 means 1024
	DstPort  uint16 // 0 means 9
	Protocol uint8  // packet.ProtoUDP or packet.ProtoTCP (segments with ACK); 0 means UDP
	Size     int    // of the payload, in bytes

	Flows   int // 0 means 1
	Packets int // per flow; 0 means 1

	// Sequential sends all packets of a flow before the next flow begins. The
	// default is to take a packet of each flow in turn.
	Sequential bool

	DstMAC packet.MAC // of the next hop; ignored by a tun device
	Rate   int        // packets per second; 0 means as fast as possible

	// Pin keeps the sending thread, and with it the whole way of the packets to
	// the receiver, on the processor CPU.
	Pin bool
	CPU int

	// Bypass skips the queueing layer, and with it tc, tcx and AF_PACKET taps on
	// the sending device. Only the receiving device sees the packets then.
	Bypass bool
}

// Sent is what [Device.Generate] handed to the device.
type Sent struct {
	Counter // all flows; Bytes are IP bytes
	Elapsed time.Duration

	// Lost is how many of the packets the device dropped after it had taken
	// them, because the receive queue of the other end was full. Everything that
	// looks at the device's egress has seen them. They are in Counter and Flows.
	Lost  uint64
	Flows []SentFlow
}

// SentFlow is one flow of [Sent].
type SentFlow struct {
	Src, Dst netip.AddrPort
	Protocol uint8
	Counter
}
