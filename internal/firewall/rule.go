package firewall

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"weir/internal/vpc"
)

// A Layer is a firewall that packets meet.
type Layer uint8

// Layers.
const (
	SecurityGroups Layer = iota
	NetworkACL
)

// String returns "security groups" or "network ACL".
func (l Layer) String() string {
	if l == NetworkACL {
		return "network ACL"
	}
	return "security groups"
}

// A Rule is one line of a security group or a network ACL: with one peer. A rule of the
// model that has several peers is several of these.
type Rule struct {
	Layer     Layer
	Owner     string // "sg-…" or "acl-…"
	OwnerName string // may be empty
	Direction Direction

	ID     string // "sgr-…", if it is known; empty in a network ACL
	Number int    // in a network ACL, 1 to 32766; else 0
	Allow  bool   // always true in a security group

	Protocol    vpc.Protocol
	Ports       vpc.PortRange // only if Protocol is TCP or UDP; zero is all
	ICMP        *vpc.ICMP     // only if Protocol is ICMP or ICMPv6; nil is all
	Peer        Peer
	Description string
}

// A Peer is whom a rule means on the other side. Exactly one of Prefix, Group and the
// list is set, but for a network of a prefix list, which has both.
type Peer struct {
	Prefix     netip.Prefix
	Group      string // "sg-…"
	PrefixList string // "pl-…"
}

// String returns the list, the group or the network.
func (p Peer) String() string {
	switch {
	case p.PrefixList != "":
		return p.PrefixList
	case p.Group != "":
		return p.Group
	}
	return p.Prefix.String()
}

// Service returns protocol and ports in a rule's words: "tcp 443", "icmp type 8", "all".
func (r *Rule) Service() string { return service(r.Protocol, r.Ports, r.ICMP) }

func service(proto vpc.Protocol, ports vpc.PortRange, icmp *vpc.ICMP) string {
	name := ProtocolName(proto)
	switch {
	case ports != vpc.PortRange{} && ports.From == ports.To:
		return name + " " + strconv.Itoa(int(ports.From))
	case ports != vpc.PortRange{}:
		return fmt.Sprintf("%s %d-%d", name, ports.From, ports.To)
	case icmp != nil && icmp.Type != Unknown && icmp.Code != Unknown:
		return fmt.Sprintf("%s type %d code %d", name, icmp.Type, icmp.Code)
	case icmp != nil && icmp.Type != Unknown:
		return fmt.Sprintf("%s type %d", name, icmp.Type)
	}
	return name
}

// String returns a text like "sgr-1 of sg-1 (web): ingress tcp 443 from 0.0.0.0/0" or
// "entry 100 of acl-1: deny ingress tcp 22 from 0.0.0.0/0".
func (r *Rule) String() string {
	var b strings.Builder
	switch {
	case r.Layer == NetworkACL:
		fmt.Fprintf(&b, "entry %d of ", r.Number)
	case r.ID != "":
		b.WriteString(r.ID + " of ")
	}
	b.WriteString(r.Owner)
	if r.OwnerName != "" {
		b.WriteString(" (" + r.OwnerName + ")")
	}
	b.WriteString(": ")
	if r.Layer == NetworkACL {
		if r.Allow {
			b.WriteString("allow ")
		} else {
			b.WriteString("deny ")
		}
	}
	b.WriteString(r.Direction.String() + " " + r.Service())
	if r.Direction == Ingress {
		b.WriteString(" from ")
	} else {
		b.WriteString(" to ")
	}
	b.WriteString(r.Peer.String())
	return b.String()
}
