package described

import (
	"slices"
	"strings"

	"weir/internal/vpc"
)

// finish joins what belongs together, and returns the network and what is missing in it.
func (b *builder) finish() (*vpc.Network, []string) {
	for _, i := range b.attached.list {
		if b.interfaces.get(i.ID) == nil {
			b.interfaces.put(i.ID, i)
		}
	}
	for _, g := range b.ruleGroups.list {
		if b.groups.get(g.ID) == nil {
			b.groups.put(g.ID, g)
			b.bare.add(g.ID)
		}
	}
	for n := range b.groups.list {
		g := &b.groups.list[n]
		g.Ingress = b.identified(g.ID, false, g.Ingress)
		g.Egress = b.identified(g.ID, true, g.Egress)
	}
	for n := range b.prefixes.list {
		l := &b.prefixes.list[n]
		if name := b.listNames[l.ID]; name != "" {
			l.Name = name
		}
	}
	b.joinSubnets()
	n := b.network
	n.VPCs, n.Subnets, n.Interfaces = b.vpcs.list, b.subnets.list, b.interfaces.list
	n.SecurityGroups, n.NetworkACLs, n.PrefixLists = b.groups.list, b.acls.list, b.prefixes.list
	slices.SortFunc(n.Interfaces, func(x, y *vpc.Interface) int { return strings.Compare(x.ID, y.ID) })
	for _, i := range n.Interfaces {
		b.joinInterface(i)
	}
	return &n, b.missing(&n)
}

// joinSubnets gives subnets their network ACLs, and what follows from their VPCs. A
// subnet that only a network ACL names is made up.
func (b *builder) joinSubnets() {
	var named []string
	for id := range b.aclOf {
		named = append(named, id)
	}
	slices.Sort(named)
	for _, id := range named {
		of := b.aclOf[id]
		if b.subnets.get(id) == nil {
			b.subnets.put(id, vpc.Subnet{ID: id, VPCID: of.vpc})
		}
		b.subnets.get(id).NetworkACLID = of.acl
	}
	for n := range b.subnets.list {
		s := &b.subnets.list[n]
		v := b.vpcs.get(s.VPCID)
		if v == nil || !v.AmazonPlan || s.Plan != (vpc.Plan{}) || len(v.CIDRs) == 0 || len(s.CIDRs) == 0 {
			continue
		}
		if v.CIDRs[0].Addr().Is4() && s.CIDRs[0].Addr().Is4() {
			s.Plan = vpc.AmazonPlan(v.CIDRs[0], s.CIDRs[0])
		}
	}
}

func (b *builder) joinInterface(i *vpc.Interface) {
	i.Region = b.network.Region
	if i.InstanceTags == nil && i.InstanceID != "" {
		i.InstanceTags = b.machines[i.InstanceID]
	}
	if s := b.subnets.get(i.SubnetID); s != nil {
		if i.AZID == "" && s.Sublocation.Type == "" {
			i.AZID = s.Zone.ID
		}
		if i.Plan == (vpc.Plan{}) {
			i.Plan = s.Plan
		}
	}
}
