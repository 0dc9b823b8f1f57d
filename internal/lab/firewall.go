package lab

import (
	"fmt"
	"net/netip"
)

// Family is the kind of packets that a rule sees.
type Family uint8

// Families of nftables.
const (
	INet Family = iota // IPv4 and IPv6
	IPv4
	IPv6
	Netdev // at one device, before and after everything else
	Bridge // frames that a bridge forwards
)

// String returns the family's name in nftables.
func (f Family) String() string {
	return name(f, "inet", "ip", "ip6", "netdev", "bridge")
}

// Hook is the place in the network stack where a rule is applied.
type Hook uint8

// Hooks of nftables. Ingress and Egress need a device and, except for Ingress
// in INet, the family Netdev; the others are not available in Netdev.
const (
	Input Hook = iota
	Output
	Forward
	Prerouting
	Postrouting
	Ingress
	Egress
)

// String returns the hook's name in nftables.
func (h Hook) String() string {
	return name(h, "input", "output", "forward", "prerouting", "postrouting", "ingress", "egress")
}

// Verdict is what a rule does with a packet that it matches.
type Verdict uint8

// Verdicts. The last three need the hook that nftables wants for them:
// Prerouting or Output for DNAT, Postrouting or Input for SNAT, Postrouting
// for Masquerade.
const (
	Count       Verdict = iota // count only and go on with the next rule
	Accept                     // go on with the next chain
	Drop                       // silently
	Reject                     // drop and answer with ICMP port unreachable
	RejectReset                // drop and answer with a TCP reset; only TCP matches
	DNAT                       // change the destination to To
	SNAT                       // change the source to To
	Masquerade                 // change the source to the address of the outgoing device
)

// String returns the verdict's name in nftables.
func (v Verdict) String() string {
	return name(v, "count", "accept", "drop", "reject", "reject with tcp reset", "dnat", "snat", "masquerade")
}

// States is a set of connection-tracking states. Matching on states, like NAT,
// makes the kernel track the connections of the namespace.
type States uint8

// States of a packet's connection.
const (
	Invalid     States = 1
	Established States = 2
	Related     States = 4
	NewState    States = 8
	Untracked   States = 64
)

// Match says which packets a rule applies to. All fields that are set must
// match; the zero Match matches every packet.
type Match struct {
	Src, Dst         netip.Prefix
	Protocol         uint8  // IANA number; 0 means any
	SrcPort, DstPort uint16 // only if Protocol is given and has ports; 0 means any

	// FlagsMask and Flags: a TCP packet matches if its flags AND FlagsMask are
	// Flags. Only if FlagsMask is not 0; implies Protocol 6.
	FlagsMask, Flags uint8

	In, Out string // names of the devices; empty means any
	States  States // 0 means any
}

// A Rule of a firewall. Rules of one Family, Hook, Device and Priority are
// tried in their order. A packet that no rule decides on is accepted.
type Rule struct {
	Family   Family
	Hook     Hook
	Device   string // only if Hook is Ingress or Egress
	Priority int    // lower ones come first; 0 is where filters are; ignored for NAT

	Match   Match
	Verdict Verdict
	To      netip.AddrPort // only if Verdict is DNAT or SNAT; port 0 keeps the port
}

// String returns the rule in words like those of nftables.
func (r Rule) String() string {
	s := fmt.Sprintf("%v %v", r.Family, r.Hook)
	if r.Device != "" {
		s += " device " + r.Device
	}
	m := r.Match
	for _, f := range []struct {
		name string
		on   bool
		v    any
	}{
		{"iif", m.In != "", m.In}, {"oif", m.Out != "", m.Out},
		{"saddr", m.Src.IsValid(), m.Src}, {"daddr", m.Dst.IsValid(), m.Dst},
		{"proto", m.Protocol != 0, m.Protocol},
		{"sport", m.SrcPort != 0, m.SrcPort}, {"dport", m.DstPort != 0, m.DstPort},
		{"tcp flags", m.FlagsMask != 0, fmt.Sprintf("%#x/%#x", m.Flags, m.FlagsMask)},
		{"ct state", m.States != 0, fmt.Sprintf("%#x", uint8(m.States))},
	} {
		if f.on {
			s += fmt.Sprintf(" %s %v", f.name, f.v)
		}
	}
	s += " " + r.Verdict.String()
	if r.To.IsValid() {
		s += " to " + r.To.String()
	}
	return s
}

// AllowEstablished returns the rule that a stateful firewall begins with: packets
// of connections that it let through before are accepted.
func AllowEstablished(f Family, h Hook) Rule {
	return Rule{Family: f, Hook: h, Match: Match{States: Established | Related}, Verdict: Accept}
}

// Counter is what a rule matched. Bytes are IP bytes, or whole frames for
// Bridge. A packet that is segmented later counts once.
type Counter struct {
	Packets, Bytes uint64
}

func name[T ~uint8](v T, names ...string) string {
	if int(v) < len(names) {
		return names[v]
	}
	return fmt.Sprintf("%d", v)
}
