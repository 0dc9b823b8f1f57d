package awsapi

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strconv"

	"weir/internal/ec2"
	"weir/internal/vpc"
)

// The entries that end every network ACL and refuse what no other has decided
// about. Amazon shows the one for IPv6 in VPCs that have an IPv6 prefix (from memory of
// "Default network ACL", Amazon VPC User Guide).
const lastEntry4, lastEntry6 = 32767, 32768

var (
	everywhere4 = netip.MustParsePrefix("0.0.0.0/0")
	everywhere6 = netip.MustParsePrefix("::/0")
)

var aclIDs = idNames{prefix: "acl", notFound: ec2.NetworkACLNotFound}

func (s *views) describeNetworkACLs(a *API, ctx context.Context, in *ec2.DescribeNetworkACLs) (*ec2.DescribeNetworkACLsAnswer, error) {
	list, next, err := described(ctx, s, a, func(v *view) *table[ec2.NetworkACL] { return v.acls() },
		ask{ids: in.NetworkACLIDs, filters: in.Filters, max: in.MaxResults, token: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &ec2.DescribeNetworkACLsAnswer{NetworkACLs: list, NextToken: next}, nil
}

func (v *view) makeACLs() *table[ec2.NetworkACL] {
	all := slices.Clone(v.n.NetworkACLs)
	defaults := make(map[string]string) // ACL by VPC
	for _, a := range all {
		if a.Default {
			defaults[a.VPCID] = a.ID
		}
	}
	for i := range v.n.VPCs {
		if p := &v.n.VPCs[i]; defaults[p.ID] == "" {
			a := v.implicitACL(p)
			all, defaults[p.ID] = append(all, a), a.ID
		}
	}
	subnets := make(map[string][]string) // by ACL
	for i := range v.n.Subnets {
		s := &v.n.Subnets[i]
		id := cmp.Or(s.NetworkACLID, defaults[s.VPCID])
		subnets[id] = append(subnets[id], s.ID)
	}
	own := make(map[string]vpc.Tags, len(all))
	out := make([]ec2.NetworkACL, 0, len(all))
	for i := range all {
		own[all[i].ID] = all[i].Tags
		out = append(out, v.acl(&all[i], subnets[all[i].ID]))
	}
	return newTable(kind[ec2.NetworkACL]{
		names: aclIDs,
		id:    func(a *ec2.NetworkACL) string { return a.ID },
		tags:  func(a *ec2.NetworkACL) *[]ec2.Tag { return &a.Tags },
		own:   func(id string) vpc.Tags { return own[id] },
		attrs: aclAttrs(),
	}, out)
}

// implicitACL returns the ACL that a VPC has if none is declared to be its default:
// it lets everything through.
func (v *view) implicitACL(p *vpc.VPC) vpc.NetworkACL {
	entries := []vpc.ACLEntry{{Number: 100, Allow: true, Protocol: vpc.AllProtocols, CIDR: everywhere4}}
	if v.hasIPv6(p.ID) {
		entries = append(entries, vpc.ACLEntry{Number: 101, Allow: true, Protocol: vpc.AllProtocols, CIDR: everywhere6})
	}
	return vpc.NetworkACL{ID: hashID("acl", p.ID), AccountID: p.AccountID, VPCID: p.ID, Default: true, Ingress: entries, Egress: entries}
}

// hasIPv6 says whether a VPC or a subnet of it has an IPv6 prefix.
func (v *view) hasIPv6(id string) bool {
	is6 := func(p netip.Prefix) bool { return p.Addr().Is6() }
	if p := v.x.VPC(id); p != nil && slices.ContainsFunc(p.CIDRs, is6) {
		return true
	}
	return slices.ContainsFunc(v.n.Subnets, func(s vpc.Subnet) bool { return s.VPCID == id && slices.ContainsFunc(s.CIDRs, is6) })
}

func (v *view) acl(a *vpc.NetworkACL, subnets []string) ec2.NetworkACL {
	out := ec2.NetworkACL{ID: a.ID, VPCID: a.VPCID, OwnerID: a.AccountID, Default: a.Default}
	for _, s := range subnets {
		out.Associations = append(out.Associations, ec2.ACLAssociation{ID: hashID("aclassoc", a.ID, s), ACLID: a.ID, SubnetID: s})
	}
	last := []vpc.ACLEntry{{Number: lastEntry4, Protocol: vpc.AllProtocols, CIDR: everywhere4}}
	if v.hasIPv6(a.VPCID) {
		last = append(last, vpc.ACLEntry{Number: lastEntry6, Protocol: vpc.AllProtocols, CIDR: everywhere6})
	}
	for _, egress := range []bool{true, false} { // as Amazon orders them
		list := a.Ingress
		if egress {
			list = a.Egress
		}
		for _, e := range slices.Concat(list, last) {
			out.Entries = append(out.Entries, aclEntry(&e, egress))
		}
	}
	return out
}

func aclEntry(e *vpc.ACLEntry, egress bool) ec2.ACLEntry {
	out := ec2.ACLEntry{RuleNumber: e.Number, Protocol: strconv.Itoa(int(e.Protocol)), RuleAction: "deny", Egress: egress}
	if e.Allow {
		out.RuleAction = "allow"
	}
	if e.CIDR.Addr().Is4() {
		out.CIDRBlock = e.CIDR.String()
	} else {
		out.IPv6CIDRBlock = e.CIDR.String()
	}
	switch {
	case isICMP(e.Protocol) && e.ICMP != nil:
		out.ICMP = &ec2.ICMP{Code: e.ICMP.Code, Type: e.ICMP.Type}
	case isICMP(e.Protocol):
		out.ICMP = &ec2.ICMP{Code: -1, Type: -1}
	case hasPorts(e.Protocol):
		out.Ports = new(ec2.PortRange)
		out.Ports.From, out.Ports.To = ports(e.Ports)
	}
	return out
}

// aclAttrs are the filters of DescribeNetworkAcls (Amazon EC2 API Reference, read
// 2026-11-24).
func aclAttrs() map[string]func(*ec2.NetworkACL) []string {
	type acl = ec2.NetworkACL
	associated := func(get func(*ec2.ACLAssociation) string) func(*acl) []string {
		return many(func(a *acl) []ec2.ACLAssociation { return a.Associations }, get)
	}
	entries := func(get func(*ec2.ACLEntry) string) func(*acl) []string {
		return many(func(a *acl) []ec2.ACLEntry { return a.Entries }, get)
	}
	icmp := func(get func(*ec2.ICMP) int) func(*acl) []string {
		return entries(func(e *ec2.ACLEntry) string {
			if e.ICMP == nil {
				return ""
			}
			return strconv.Itoa(get(e.ICMP))
		})
	}
	ports := func(get func(*ec2.PortRange) int) func(*acl) []string {
		return entries(func(e *ec2.ACLEntry) string {
			if e.Ports == nil {
				return ""
			}
			return strconv.Itoa(get(e.Ports))
		})
	}
	return map[string]func(*acl) []string{
		"association.association-id": associated(func(a *ec2.ACLAssociation) string { return a.ID }),
		"association.network-acl-id": associated(func(a *ec2.ACLAssociation) string { return a.ACLID }),
		"association.subnet-id":      associated(func(a *ec2.ACLAssociation) string { return a.SubnetID }),
		"default":                    flag(func(a *acl) bool { return a.Default }),
		"entry.cidr":                 entries(func(e *ec2.ACLEntry) string { return e.CIDRBlock }),
		"entry.ipv6-cidr":            entries(func(e *ec2.ACLEntry) string { return e.IPv6CIDRBlock }),
		"entry.icmp.code":            icmp(func(i *ec2.ICMP) int { return i.Code }),
		"entry.icmp.type":            icmp(func(i *ec2.ICMP) int { return i.Type }),
		"entry.port-range.from":      ports(func(r *ec2.PortRange) int { return r.From }),
		"entry.port-range.to":        ports(func(r *ec2.PortRange) int { return r.To }),
		"entry.protocol": func(a *acl) (out []string) { // by number and by name
			for _, e := range a.Entries {
				n, _ := strconv.Atoi(e.Protocol)
				out = append(out, e.Protocol, protocolName(vpc.Protocol(n)))
			}
			return out
		},
		"entry.rule-action": entries(func(e *ec2.ACLEntry) string { return e.RuleAction }),
		"entry.egress":      entries(func(e *ec2.ACLEntry) string { return strconv.FormatBool(e.Egress) }),
		"entry.rule-number": entries(func(e *ec2.ACLEntry) string { return strconv.Itoa(e.RuleNumber) }),
		"network-acl-id":    one(func(a *acl) string { return a.ID }),
		"owner-id":          one(func(a *acl) string { return a.OwnerID }),
		"vpc-id":            one(func(a *acl) string { return a.VPCID }),
	}
}
