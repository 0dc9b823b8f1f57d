package capture

import (
	"fmt"
	"net/netip"
	"strings"
)

// Exclusion is a kind of traffic that makes no record although it passes an
// interface. Excluded packets are counted, see [Totals].
type Exclusion uint8

// The kinds of traffic Amazon's flow logs leave out ("Flow log limitations",
// Amazon VPC User Guide, read 2026-11-23) and a host can meet.
const (
	InstanceMetadata Exclusion = iota
	TimeSync
	WindowsActivation
	LinkLocalDNS
	DHCP
	VPCRouter
	VPCDNS
	numExclusions
)

var exclusionTexts = [numExclusions]struct{ name, doc string }{
	InstanceMetadata:  {"instance-metadata", "169.254.169.254 and fd00:ec2::254"},
	TimeSync:          {"time-sync", "169.254.169.123 and fd00:ec2::123"},
	WindowsActivation: {"windows-activation", "TCP port 1688 of 169.254.169.250 and .251"},
	LinkLocalDNS:      {"link-local-dns", "169.254.169.253 and fd00:ec2::253"},
	DHCP:              {"dhcp", "UDP between ports 67 and 68, or 546 and 547"},
	VPCRouter:         {"vpc-router", "the subnet's base address + 1, only where the subnet is declared to follow Amazon's plan"},
	VPCDNS:            {"vpc-dns", "the VPC's base address + 2, only where the VPC is declared to follow Amazon's plan"},
}

// String returns the name [ParseExclusions] knows it by.
func (e Exclusion) String() string { return exclusionTexts[e].name }

// Doc says in a few words what is left out.
func (e Exclusion) Doc() string { return exclusionTexts[e].doc }

// Exclusions is a set of them; the zero value is empty.
type Exclusions uint32

// DefaultExclusions is what Amazon leaves out. The router and the DNS server
// of a VPC are in it, but they take effect only for an interface whose [Plan]
// says where they are: elsewhere those are ordinary hosts' addresses.
const DefaultExclusions = Exclusions(1<<numExclusions - 1)

// Has reports whether e is in the set.
func (x Exclusions) Has(e Exclusion) bool { return x>>e&1 != 0 }

// All returns every exclusion there is.
func (Exclusions) All() []Exclusion {
	all := make([]Exclusion, numExclusions)
	for i := range all {
		all[i] = Exclusion(i)
	}
	return all
}

// String returns the set as [ParseExclusions] reads it.
func (x Exclusions) String() string {
	switch x {
	case 0:
		return "none"
	case DefaultExclusions:
		return "default"
	}
	var names []string
	for _, e := range x.All() {
		if x.Has(e) {
			names = append(names, e.String())
		}
	}
	return strings.Join(names, ",")
}

// ParseExclusions reads a list of names separated by commas; "default" stands
// for [DefaultExclusions], "none" for nothing, and a name after a minus sign is
// taken out: "default,-dhcp".
func ParseExclusions(s string) (Exclusions, error) {
	var x Exclusions
	for word := range strings.SplitSeq(s, ",") {
		name, remove := strings.CutPrefix(strings.TrimSpace(word), "-")
		var set Exclusions
		switch name {
		case "default":
			set = DefaultExclusions
		case "none":
		default:
			for _, e := range x.All() {
				if e.String() == name {
					set = 1 << e
				}
			}
			if set == 0 {
				return 0, fmt.Errorf("exclusion %q: unknown; known are default, none, %s", name, nameList())
			}
		}
		if remove {
			x &^= set
		} else {
			x |= set
		}
	}
	return x, nil
}

func nameList() string {
	var names []string
	for _, e := range DefaultExclusions.All() {
		names = append(names, e.String())
	}
	return strings.Join(names, ", ")
}

// A Plan says that an interface lies in a subnet laid out as Amazon lays out
// its own: the router at the subnet's base address + 1, a DNS server at the
// VPC's base address + 2. The zero Plan says nothing.
type Plan struct {
	Router, DNS netip.Addr // IPv4; invalid if there is none
}

// AmazonPlan returns the plan of a subnet in a VPC, given their IPv4 prefixes.
func AmazonPlan(vpc, subnet netip.Prefix) Plan {
	return Plan{
		Router: subnet.Masked().Addr().Next(),
		DNS:    vpc.Masked().Addr().Next().Next(),
	}
}
