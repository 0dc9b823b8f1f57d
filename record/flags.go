package record

import "strings"

// Flags is the value of tcp-flags: the OR of what each TCP packet of the flow
// contributed. An ordinary segment contributes nothing, so an established
// connection shows 0. In VPC flow logs ACK only comes with SYN ([SYNACK]); the
// documentation of transit gateway flow logs also lists PSH, ACK and URG.
type Flags uint8

// Bits and values of tcp-flags.
const (
	FIN    Flags = 1
	SYN    Flags = 2
	RST    Flags = 4
	PSH    Flags = 8
	ACK    Flags = 16
	URG    Flags = 32
	ECE    Flags = 64
	CWR    Flags = 128
	SYNACK Flags = SYN | ACK
)

// flagNames is in the order in which a connection shows them.
var flagNames = [...]struct {
	bits Flags
	name string
}{
	{SYNACK, "SYN-ACK"}, {SYN, "SYN"}, {FIN, "FIN"}, {RST, "RST"},
	{PSH, "PSH"}, {ACK, "ACK"}, {URG, "URG"}, {ECE, "ECE"}, {CWR, "CWR"},
}

// Names returns the flags by name: SYN-ACK instead of SYN and ACK. 3 is SYN and
// FIN, 19 is SYN-ACK and FIN; 0 has no names.
func (f Flags) Names() []string {
	var names []string
	for _, n := range flagNames {
		if f&n.bits == n.bits {
			names = append(names, n.name)
			f &^= n.bits
		}
	}
	return names
}

// String returns the names joined by commas, "none" for 0.
func (f Flags) String() string {
	if f == 0 {
		return "none"
	}
	return strings.Join(f.Names(), ",")
}
