package vpc

import (
	"maps"
	"net/netip"
	"slices"
)

// A Network is everything the model knows: one account's network in one region.
type Network struct {
	AccountID      string          `json:"accountId"`
	Region         string          `json:"region"`
	Zones          []Zone          `json:"zones,omitempty"`
	VPCs           []VPC           `json:"vpcs,omitempty"`
	Subnets        []Subnet        `json:"subnets,omitempty"`
	Interfaces     []*Interface    `json:"interfaces,omitempty"`
	SecurityGroups []SecurityGroup `json:"securityGroups,omitempty"`
	NetworkACLs    []NetworkACL    `json:"networkAcls,omitempty"`
	PrefixLists    []PrefixList    `json:"prefixLists,omitempty"`
}

// A Zone is an Availability Zone.
type Zone struct {
	Name string `json:"name,omitempty"` // "us-east-1a": means another place in each account
	ID   string `json:"id"`             // "use1-az1": means the same place in all
}

// Tags are keys with their values.
type Tags map[string]string

// A VPC is a virtual private cloud.
type VPC struct {
	ID        string         `json:"id"`
	AccountID string         `json:"accountId"`
	Name      string         `json:"name,omitempty"`  // what the configuration calls it
	CIDRs     []netip.Prefix `json:"cidrs,omitempty"` // primary IPv4 first
	Default   bool           `json:"default,omitempty"`

	// AmazonPlan says that router and DNS server are where Amazon puts them.
	AmazonPlan bool `json:"amazonPlan,omitempty"`
	Tags       Tags `json:"tags,omitempty"`
}

// A Subnet is a subnet of a VPC.
type Subnet struct {
	ID           string         `json:"id"`
	AccountID    string         `json:"accountId"`
	VPCID        string         `json:"vpcId"`
	Name         string         `json:"name,omitempty"`
	CIDRs        []netip.Prefix `json:"cidrs,omitempty"` // IPv4 first
	Zone         Zone           `json:"zone,omitzero"`
	Sublocation  Sublocation    `json:"sublocation,omitzero"`
	NetworkACLID string         `json:"networkAclId,omitempty"`
	Plan         Plan           `json:"plan,omitzero"`
	Routes       []Route        `json:"routes,omitempty"` // beside those its interfaces have
	Tags         Tags           `json:"tags,omitempty"`
}

// A SecurityGroup is a stateful firewall around interfaces. It only has rules
// that allow; what none allows is refused.
type SecurityGroup struct {
	ID          string              `json:"id"`
	AccountID   string              `json:"accountId"`
	VPCID       string              `json:"vpcId"`
	Name        string              `json:"name,omitempty"`
	Description string              `json:"description,omitempty"`
	Ingress     []SecurityGroupRule `json:"ingress,omitempty"`
	Egress      []SecurityGroupRule `json:"egress,omitempty"`
	Tags        Tags                `json:"tags,omitempty"`
}

// A SecurityGroupRule allows packets to or from any of its peers.
type SecurityGroupRule struct {
	Protocol    Protocol       `json:"protocol"`
	Ports       PortRange      `json:"ports,omitzero"` // only if Protocol is TCP or UDP; zero is all
	ICMP        *ICMP          `json:"icmp,omitempty"` // only if Protocol is ICMP or ICMPv6; nil is all
	CIDRs       []netip.Prefix `json:"cidrs,omitempty"`
	Groups      []string       `json:"groups,omitempty"`      // "sg-…": addresses of their interfaces
	PrefixLists []string       `json:"prefixLists,omitempty"` // "pl-…": the networks in them
	Description string         `json:"description,omitempty"`

	// ID is "sgr-…" where it is known, and then the rule has one peer.
	ID string `json:"id,omitempty"`
}

// A PrefixList is a named list of networks that rules may refer to.
type PrefixList struct {
	ID    string         `json:"id"` // "pl-…"
	Name  string         `json:"name,omitempty"`
	CIDRs []netip.Prefix `json:"cidrs,omitempty"`
}

// A NetworkACL is a stateless firewall around subnets.
type NetworkACL struct {
	ID        string     `json:"id"`
	AccountID string     `json:"accountId"`
	VPCID     string     `json:"vpcId"`
	Name      string     `json:"name,omitempty"`
	Default   bool       `json:"default,omitempty"`
	Ingress   []ACLEntry `json:"ingress,omitempty"` // by number, ascending
	Egress    []ACLEntry `json:"egress,omitempty"`  // by number, ascending
	Tags      Tags       `json:"tags,omitempty"`
}

// An ACLEntry decides about the packets it matches, if no entry with a lower
// number does.
type ACLEntry struct {
	Number   int          `json:"number"` // 1 to 32766
	Allow    bool         `json:"allow"`
	Protocol Protocol     `json:"protocol"`
	CIDR     netip.Prefix `json:"cidr"`
	Ports    PortRange    `json:"ports,omitzero"` // only if Protocol is TCP or UDP; zero is all
	ICMP     *ICMP        `json:"icmp,omitempty"` // only if Protocol is ICMP or ICMPv6; nil is all
}

// PortRange is a range of destination ports, both ends inclusive. The zero
// PortRange is all ports.
type PortRange struct {
	From, To uint16
}

// ICMP is a type and a code of ICMP or ICMPv6; -1 is any.
type ICMP struct {
	Type int `json:"type"`
	Code int `json:"code"`
}

// clone returns a copy that shares nothing that is later changed.
func (t Tags) clone() Tags { return maps.Clone(t) }

// merge returns t with the tags of over added, which win.
func (t Tags) merge(over Tags) Tags {
	if len(over) == 0 {
		return t
	}
	out := t.clone()
	if out == nil {
		out = make(Tags, len(over))
	}
	maps.Copy(out, over)
	return out
}

func sortEntries(list []ACLEntry) {
	slices.SortFunc(list, func(a, b ACLEntry) int { return a.Number - b.Number })
}
