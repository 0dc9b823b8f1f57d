package vpc

import "net/netip"

// Network returns what the configuration alone says: without this host's own
// devices, but with the interfaces declared to be elsewhere.
func (c *Config) Network() Network {
	return assemble(c, new(Host), nil, nil)
}

// network returns the network without interfaces. machine is what the default
// VPC's id is made from if none is declared.
func (c *Config) network(machine string) Network {
	n := Network{AccountID: string(c.Account), Region: string(c.Region)}
	n.zone(c.zone())
	hasDefault := false
	for i := range c.VPCs {
		v := &c.VPCs[i]
		n.VPCs = append(n.VPCs, VPC{
			ID: v.ID, AccountID: string(v.Account), Name: v.Name, CIDRs: prefixes(v.CIDRs), Default: v.Default,
			AmazonPlan: v.AmazonAddressPlan, Tags: v.Tags,
		})
		hasDefault = hasDefault || v.Default
	}
	if !hasDefault {
		n.VPCs = append(n.VPCs, VPC{ID: id("vpc", machine), AccountID: n.AccountID, Default: true})
	}
	for i := range c.NetworkACLs {
		n.NetworkACLs = append(n.NetworkACLs, c.NetworkACLs[i].acl(n.AccountID))
	}
	for i := range c.Subnets {
		n.Subnets = append(n.Subnets, c.subnet(&n, &c.Subnets[i]))
		n.zone(n.Subnets[i].Zone)
	}
	for i := range c.SecurityGroups {
		n.SecurityGroups = append(n.SecurityGroups, c.SecurityGroups[i].group(n.AccountID))
	}
	for _, l := range c.PrefixLists {
		n.PrefixLists = append(n.PrefixLists, PrefixList{ID: l.ID, Name: l.Name, CIDRs: prefixes(l.CIDRs)})
	}
	return n
}

func (c *Config) zone() Zone {
	return Zone{Name: string(c.AvailabilityZone), ID: string(c.AvailabilityZoneID)}
}

// zone adds a zone, if it is new.
func (n *Network) zone(z Zone) {
	for _, known := range n.Zones {
		if known.ID == z.ID {
			return
		}
	}
	if z.ID != "" {
		n.Zones = append(n.Zones, z)
	}
}

func prefixes(cidrs []CIDR) (v4first []netip.Prefix) {
	for _, is4 := range []bool{true, false} {
		for _, c := range cidrs {
			if c.Addr().Is4() == is4 {
				v4first = append(v4first, c.Prefix)
			}
		}
	}
	return v4first
}

func (c *Config) subnet(n *Network, s *SubnetConfig) Subnet {
	out := Subnet{
		ID: s.ID, AccountID: n.AccountID, VPCID: s.VPC, Name: s.Name, CIDRs: prefixes(s.CIDRs), Zone: c.zone(),
		Sublocation: Sublocation{s.Sublocation.Type, s.Sublocation.ID}, NetworkACLID: s.NetworkACL, Tags: s.Tags,
	}
	if s.AvailabilityZoneID != "" || s.AvailabilityZone != "" {
		out.Zone = Zone{Name: string(s.AvailabilityZone), ID: string(s.AvailabilityZoneID)}
	}
	for _, r := range s.Routes {
		out.Routes = append(out.Routes, Route{r.Destination.Prefix, r.Via.Addr})
	}
	for _, v := range c.VPCs {
		if v.ID != s.VPC {
			continue
		}
		out.AccountID = string(v.Account)
		vpc4, subnet4 := v.firstIPv4(), firstIPv4(s.CIDRs)
		if v.AmazonAddressPlan && vpc4.IsValid() && subnet4.IsValid() {
			out.Plan = AmazonPlan(vpc4, subnet4)
		}
	}
	for i := range c.NetworkACLs {
		if a := &c.NetworkACLs[i]; out.NetworkACLID == "" && a.Default && a.VPC == s.VPC {
			out.NetworkACLID = a.ID
		}
	}
	return out
}

func (g *SecurityGroupConfig) group(account string) SecurityGroup {
	out := SecurityGroup{
		ID: g.ID, AccountID: account, VPCID: g.VPC, Name: g.Name, Description: g.Description,
		Ingress: rules(g.Ingress), Tags: g.Tags,
	}
	if g.Egress != nil {
		out.Egress = rules(*g.Egress)
	} else {
		out.Egress = []SecurityGroupRule{{Protocol: AllProtocols, CIDRs: []netip.Prefix{everywhere4, everywhere6}}}
	}
	return out
}

var (
	everywhere4 = netip.MustParsePrefix("0.0.0.0/0")
	everywhere6 = netip.MustParsePrefix("::/0")
)

func rules(list []RuleConfig) (out []SecurityGroupRule) {
	for _, r := range list {
		out = append(out, SecurityGroupRule{
			Protocol: r.Protocol, Ports: r.Ports, ICMP: r.ICMP.icmp(), CIDRs: prefixes(r.CIDRs),
			Groups: r.SecurityGroups, PrefixLists: r.PrefixLists, Description: r.Description,
		})
	}
	return out
}

func (i *ICMPConfig) icmp() *ICMP {
	if i == nil {
		return nil
	}
	out := &ICMP{Type: i.Type, Code: -1}
	if i.Code != nil {
		out.Code = *i.Code
	}
	return out
}

func (a *NetworkACLConfig) acl(account string) NetworkACL {
	return NetworkACL{
		ID: a.ID, AccountID: account, VPCID: a.VPC, Name: a.Name, Default: a.Default,
		Ingress: entries(a.Ingress), Egress: entries(a.Egress), Tags: a.Tags,
	}
}

func entries(list []ACLEntryConfig) (out []ACLEntry) {
	for _, e := range list {
		out = append(out, ACLEntry{
			Number: e.Number, Allow: e.Action == "allow", Protocol: e.Protocol, CIDR: e.CIDR.Prefix,
			Ports: e.Ports, ICMP: e.ICMP.icmp(),
		})
	}
	sortEntries(out)
	return out
}

// subnet returns the subnet of the given id, or else the one that the first of
// the addresses which is in any is in.
func (a *assembly) subnet(id string, addrs []netip.Addr) *Subnet {
	for i := range a.n.Subnets {
		if a.n.Subnets[i].ID == id {
			return &a.n.Subnets[i]
		}
	}
	for _, addr := range addrs {
		if addr.IsLinkLocalUnicast() {
			continue
		}
		for i := range a.c.Subnets { // declared ones; those of one VPC do not overlap
			if a.c.Subnets[i].contains(addr) {
				return &a.n.Subnets[i]
			}
		}
	}
	return nil
}

// connectedSubnet returns the subnet that is made up of a device's prefix. Of a
// guest, whose prefix isn't known, it is the one found so far that has the address.
func (a *assembly) connectedSubnet(prefixes []netip.Prefix, addrs []netip.Addr, space string) *Subnet {
	if len(prefixes) == 0 {
		for i := range a.n.Subnets {
			for _, c := range a.n.Subnets[i].CIDRs {
				if len(addrs) > 0 && c.Contains(addrs[0]) {
					return &a.n.Subnets[i]
				}
			}
		}
		return nil
	}
	p := prefixes[0].Masked()
	v := a.vpcOf(p)
	s := Subnet{
		ID: a.h.ID("subnet", space, p.String()), AccountID: v.AccountID, VPCID: v.ID,
		CIDRs: []netip.Prefix{p}, Zone: a.c.zone(),
	}
	if len(a.c.VPCs) > 0 && v.AmazonPlan && p.Addr().Is4() && len(v.CIDRs) > 0 {
		s.Plan = AmazonPlan(v.CIDRs[0], p)
	}
	for i := range a.n.Subnets {
		if a.n.Subnets[i].ID == s.ID {
			return &a.n.Subnets[i]
		}
	}
	a.n.Subnets = append(a.n.Subnets, s)
	return &a.n.Subnets[len(a.n.Subnets)-1]
}

func (a *assembly) vpcOf(p netip.Prefix) *VPC {
	for i := range a.c.VPCs {
		if a.c.VPCs[i].contains(p) {
			return &a.n.VPCs[i]
		}
	}
	return a.defaultVPC()
}

func (a *assembly) vpc(id string) *VPC {
	for i := range a.n.VPCs {
		if a.n.VPCs[i].ID == id {
			return &a.n.VPCs[i]
		}
	}
	return a.defaultVPC()
}

func (a *assembly) defaultVPC() *VPC {
	for i := range a.n.VPCs {
		if a.n.VPCs[i].Default {
			return &a.n.VPCs[i]
		}
	}
	panic("BUG: a network without a default VPC")
}
