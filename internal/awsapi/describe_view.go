package awsapi

import (
	"cmp"
	"context"
	"net/netip"
	"sync"
	"sync/atomic"

	"weir/internal/ec2"
	"weir/internal/vpc"
)

// A view is one state of the network in the form of answers. Each table is made
// when it is first asked for, and once. Any number of goroutines may ask.
type view struct {
	x *vpc.Index
	n *vpc.Network

	groups map[string]*vpc.SecurityGroup
	zones  map[string]string // names by id

	interfaces func() *table[ec2.NetworkInterface]
	subnets    func() *table[ec2.Subnet]
	vpcs       func() *table[ec2.VPC]
	secGroups  func() *table[ec2.SecurityGroup]
	rules      func() *table[ec2.SecurityGroupRule]
	acls       func() *table[ec2.NetworkACL]
	instances  func() *table[instance]
}

func newView(x *vpc.Index) *view {
	v := &view{x: x, n: x.Network()}
	v.groups = make(map[string]*vpc.SecurityGroup, len(v.n.SecurityGroups))
	for i := range v.n.SecurityGroups {
		v.groups[v.n.SecurityGroups[i].ID] = &v.n.SecurityGroups[i]
	}
	v.zones = make(map[string]string, len(v.n.Zones))
	for _, z := range v.n.Zones {
		v.zones[z.ID] = z.Name
	}
	v.interfaces = sync.OnceValue(v.makeInterfaces)
	v.subnets = sync.OnceValue(v.makeSubnets)
	v.vpcs = sync.OnceValue(v.makeVPCs)
	v.secGroups = sync.OnceValue(v.makeGroups)
	v.rules = sync.OnceValue(v.makeRules)
	v.acls = sync.OnceValue(v.makeACLs)
	v.instances = sync.OnceValue(v.makeInstances)
	return v
}

// views keeps the view of the index that was last asked about. The zero views is
// ready for use.
type views struct{ last atomic.Pointer[view] }

// describeActions returns the calls that describe the network.
func describeActions(s *views) map[string]action {
	return map[string]action{
		"DescribeAvailabilityZones":  read((*API).describeAvailabilityZones),
		"DescribeInstances":          read(s.describeInstances),
		"DescribeNetworkAcls":        read(s.describeNetworkACLs),
		"DescribeNetworkInterfaces":  read(s.describeNetworkInterfaces),
		"DescribeRegions":            read((*API).describeRegions),
		"DescribeSecurityGroupRules": read(s.describeSecurityGroupRules),
		"DescribeSecurityGroups":     read(s.describeSecurityGroups),
		"DescribeSubnets":            read(s.describeSubnets),
		"DescribeVpcAttribute":       read(s.describeVPCAttribute),
		"DescribeVpcs":               read(s.describeVPCs),
	}
}

// of returns the view of an index.
func (s *views) of(x *vpc.Index) *view {
	if v := s.last.Load(); v != nil && v.x == x {
		return v
	}
	v := newView(x)
	s.last.Store(v)
	return v
}

// described runs a call that describes what is in one of the view's tables.
func described[T any](ctx context.Context, s *views, a *API, of func(*view) *table[T], q ask) ([]T, string, error) {
	tagger, err := a.tagger(ctx)
	if err != nil {
		return nil, "", err
	}
	q.tagger = tagger
	return describe(of(s.of(a.cfg.Model())), q)
}

// zone returns name and id of the zone a subnet is in. Of one in a Local Zone or
// a Wavelength Zone only the id is known.
func (v *view) zone(s *vpc.Subnet) (name, id string) {
	if t := s.Sublocation.Type; t == "localzone" || t == "wavelength" {
		return v.zones[s.Sublocation.ID], s.Sublocation.ID
	}
	return cmp.Or(s.Zone.Name, v.zones[s.Zone.ID]), s.Zone.ID
}

// outpost returns the ARN of the Outpost a subnet is in, or "".
func (v *view) outpost(s *vpc.Subnet) string {
	if s == nil || s.Sublocation.Type != "outpost" {
		return ""
	}
	return "arn:aws:outposts:" + v.n.Region + ":" + s.AccountID + ":outpost/" + s.Sublocation.ID
}

// arn returns the ARN of a resource of EC2's.
func (v *view) arn(account, kind, id string) string {
	return "arn:aws:ec2:" + v.n.Region + ":" + account + ":" + kind + "/" + id
}

func (v *view) groupsOf(ids []string) []ec2.Group {
	out := make([]ec2.Group, 0, len(ids))
	for _, id := range ids {
		g := ec2.Group{ID: id}
		if known := v.groups[id]; known != nil {
			g.Name = known.Name
		}
		out = append(out, g)
	}
	return out
}

// split returns the IPv4 and the IPv6 prefixes of a list.
func split(list []netip.Prefix) (v4, v6 []netip.Prefix) {
	for _, p := range list {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	return v4, v6
}

// associations returns prefixes as a VPC or a subnet shows them. what is "vpc" or
// "subnet".
func associations(what, id string, list []netip.Prefix) (out []ec2.CIDRAssociation) {
	for _, p := range list {
		a := ec2.CIDRAssociation{AssociationID: hashID(what+"-cidr-assoc", id, p.String())}
		if p.Addr().Is4() {
			a.CIDRBlock, a.State = p.String(), &ec2.CIDRState{State: "associated"}
		} else {
			a.IPv6CIDRBlock, a.IPv6State = p.String(), &ec2.CIDRState{State: "associated"}
		}
		out = append(out, a)
	}
	return out
}

// associationAttrs adds the filters for prefixes.
func associationAttrs[T any](attrs map[string]func(*T) []string, family string, list func(*T) []ec2.CIDRAssociation) {
	attrs[family+"cidr-block-association."+family+"cidr-block"] = many(list, func(a *ec2.CIDRAssociation) string { return a.CIDRBlock + a.IPv6CIDRBlock })
	attrs[family+"cidr-block-association.association-id"] = many(list, func(a *ec2.CIDRAssociation) string { return a.AssociationID })
	attrs[family+"cidr-block-association.state"] = many(list, func(*ec2.CIDRAssociation) string { return "associated" })
}
