package described

import (
	"cmp"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"weir/internal/ec2"
	"weir/internal/vpc"
)

// A builder makes a network of what is put into it, piece by piece. What belongs
// together is joined at the end: it may be described in several files.
type builder struct {
	network    vpc.Network // account, region and zones
	interfaces things[*vpc.Interface]
	machines   map[string]vpc.Tags // tags of instances
	attached   things[*vpc.Interface]
	subnets    things[vpc.Subnet]
	vpcs       things[vpc.VPC]
	groups     things[vpc.SecurityGroup]
	acls       things[vpc.NetworkACL]
	aclOf      map[string]aclOf // by subnet
	prefixes   things[vpc.PrefixList]
	listNames  map[string]string
	rules      map[ruleKey]string        // ids
	ruleGroups things[vpc.SecurityGroup] // as their rules alone tell of them
	used       map[string]bool           // ids of rules that a group has
	portZero   ids                       // of what has rules for port 0 alone, which are left out
	bare       ids                       // groups of which only rules are described
	given      map[string]bool           // subnets of a configuration: without an ACL nothing is refused
	unknown    []string                  // calls that the API does not know

	// The file that is read: which prefix list its entries are of, and those.
	list    string
	entries []netip.Prefix
}

// aclOf is a network ACL and the VPC of a subnet.
type aclOf struct{ acl, vpc string }

func newBuilder() *builder {
	return &builder{machines: map[string]vpc.Tags{}, aclOf: map[string]aclOf{}, listNames: map[string]string{}, rules: map[ruleKey]string{},
		used: map[string]bool{}, given: map[string]bool{}}
}

// things are in the order in which they were first put there; one that is put there
// again takes the other's place.
type things[T any] struct {
	list []T
	at   map[string]int
}

func (t *things[T]) put(id string, v T) {
	if n, ok := t.at[id]; ok {
		t.list[n] = v
		return
	}
	if t.at == nil {
		t.at = map[string]int{}
	}
	t.at[id] = len(t.list)
	t.list = append(t.list, v)
}

// get returns nil if there is none.
func (t *things[T]) get(id string) *T {
	if n, ok := t.at[id]; ok {
		return &t.list[n]
	}
	return nil
}

// configured adds the network of a configuration.
func (b *builder) configured(n *vpc.Network) {
	b.owner(n.AccountID)
	b.network.Region = cmp.Or(b.network.Region, n.Region)
	for _, z := range n.Zones {
		b.zone(z)
	}
	for _, i := range n.Interfaces {
		b.interfaces.put(i.ID, i)
	}
	for _, s := range n.Subnets {
		b.subnets.put(s.ID, s)
		b.given[s.ID] = true
	}
	for _, v := range n.VPCs {
		b.vpcs.put(v.ID, v)
	}
	for _, g := range n.SecurityGroups {
		b.groups.put(g.ID, g)
	}
	for _, a := range n.NetworkACLs {
		b.acls.put(a.ID, a)
	}
	for _, l := range n.PrefixLists {
		b.prefixes.put(l.ID, l)
	}
}

// owner notes an account: the network's is the first.
func (b *builder) owner(account string) { b.network.AccountID = cmp.Or(b.network.AccountID, account) }

func (b *builder) zone(z vpc.Zone) {
	if z.ID != "" && !slices.ContainsFunc(b.network.Zones, func(known vpc.Zone) bool { return known.ID == z.ID }) {
		b.network.Zones = append(b.network.Zones, z)
	}
	// An Availability Zone is called like its region, with a letter.
	if name := strings.TrimRight(z.Name, "abcdefghijklmnopqrstuvwxyz"); b.network.Region == "" && len(name) == len(z.Name)-1 {
		b.network.Region = name
	}
}

func (b *builder) iface(i *ec2.NetworkInterface) error {
	made, err := newInterface(i)
	if err != nil {
		return err
	}
	b.owner(i.OwnerID)
	b.zone(vpc.Zone{Name: i.AvailabilityZone, ID: i.AvailabilityZoneID})
	b.interfaces.put(made.ID, made)
	return nil
}

func newInterface(i *ec2.NetworkInterface) (*vpc.Interface, error) {
	if i.ID == "" {
		return nil, absent("NetworkInterfaceId")
	}
	out := &vpc.Interface{
		ID: i.ID, AccountID: i.OwnerID, AZID: i.AvailabilityZoneID, VPCID: i.VPCID, SubnetID: i.SubnetID,
		MAC: i.MACAddress, Type: vpc.InterfaceType(i.InterfaceType), Description: i.Description, Tags: tags(i.Tags),
	}
	if i.InterfaceType == "nat_gateway" { // as the AWS CLI prints it
		out.Type = vpc.TypeNATGateway
	}
	if i.RequesterManaged {
		out.Service = i.RequesterID
	}
	if i.Attachment != nil {
		out.InstanceID = i.Attachment.InstanceID
	}
	add := func(field, text string) error {
		a, err := netip.ParseAddr(text)
		switch {
		case text == "":
			return nil
		case err != nil || a.Zone() != "" || a.Is4In6():
			return &FieldError{field, text, errors.New("it is no address")}
		case !slices.Contains(out.Addrs, a):
			out.Addrs = append(out.Addrs, a)
		}
		return nil
	}
	err := add("PrivateIpAddress", i.PrivateIPAddress)
	for n, a := range i.PrivateIPAddresses {
		err = cmp.Or(err, add(at("PrivateIpAddresses", n, "PrivateIpAddress"), a.PrivateIPAddress))
	}
	for n, a := range i.IPv6Addresses {
		err = cmp.Or(err, add(at("Ipv6Addresses", n, "Ipv6Address"), a.IPv6Address))
	}
	for _, g := range i.Groups {
		out.SecurityGroups = append(out.SecurityGroups, g.ID)
	}
	return out, err
}

func (b *builder) reservation(r *ec2.Reservation) error {
	for n := range r.Instances {
		if err := b.instance(&r.Instances[n]); err != nil {
			return inside(at("Instances", n, ""), err)
		}
	}
	return nil
}

func (b *builder) instance(i *ec2.Instance) error {
	if i.ID == "" {
		return absent("InstanceId")
	}
	b.machines[i.ID] = tags(i.Tags)
	for n := range i.NetworkInterfaces {
		x := &i.NetworkInterfaces[n]
		one := x.NetworkInterface()
		one.SubnetID, one.VPCID = cmp.Or(x.SubnetID, i.SubnetID), cmp.Or(x.VPCID, i.VPCID)
		one.Attachment = &ec2.Attachment{InstanceID: i.ID}
		one.AvailabilityZoneID = i.Placement.AvailabilityZoneID
		made, err := newInterface(&one)
		if err != nil {
			return inside(at("NetworkInterfaces", n, ""), err)
		}
		b.owner(x.OwnerID)
		b.attached.put(made.ID, made)
	}
	return nil
}

func (b *builder) subnet(s *ec2.Subnet) error {
	if s.ID == "" {
		return absent("SubnetId")
	}
	cidrs, err := cidrs(s.CIDRBlock, nil, s.IPv6CIDRs)
	if err != nil {
		return err
	}
	out := vpc.Subnet{
		ID: s.ID, AccountID: s.OwnerID, VPCID: s.VPCID, Name: name(s.Tags), CIDRs: cidrs, Tags: tags(s.Tags),
		Zone: vpc.Zone{Name: s.AvailabilityZone, ID: s.AvailabilityZoneID},
	}
	b.owner(s.OwnerID)
	b.zone(out.Zone)
	b.subnets.put(s.ID, out)
	return nil
}

func (b *builder) vpc(v *ec2.VPC) error {
	if v.ID == "" {
		return absent("VpcId")
	}
	cidrs, err := cidrs(v.CIDRBlock, v.CIDRs, v.IPv6CIDRs)
	if err != nil {
		return err
	}
	b.owner(v.OwnerID)
	b.vpcs.put(v.ID, vpc.VPC{
		ID: v.ID, AccountID: v.OwnerID, Name: name(v.Tags), CIDRs: cidrs, Default: v.IsDefault,
		AmazonPlan: v.DHCPOptionsID != "", Tags: tags(v.Tags),
	})
	return nil
}

// cidrs returns networks, each once: the primary one first, IPv6 last. Those that are
// no longer associated are left out.
func cidrs(primary string, more, six []ec2.CIDRAssociation) (out []netip.Prefix, err error) {
	add := func(field, text string, state *ec2.CIDRState) error {
		if text == "" || state != nil && (state.State == "disassociated" || state.State == "failed") {
			return nil
		}
		p, err := prefix(field, text)
		if err == nil && !slices.Contains(out, p) {
			out = append(out, p)
		}
		return err
	}
	err = add("CidrBlock", primary, nil)
	for n, a := range more {
		err = cmp.Or(err, add(at("CidrBlockAssociationSet", n, "CidrBlock"), a.CIDRBlock, a.State))
	}
	for n, a := range six {
		err = cmp.Or(err, add(at("Ipv6CidrBlockAssociationSet", n, "Ipv6CidrBlock"), a.IPv6CIDRBlock, a.IPv6State))
	}
	return out, err
}

func prefix(field, text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, &FieldError{field, text, errors.New("it is no network such as 10.0.0.0/16 or 2001:db8::/56")}
	}
	return p.Masked(), nil
}

func tags(all []ec2.Tag) vpc.Tags {
	if len(all) == 0 {
		return nil
	}
	out := make(vpc.Tags, len(all))
	for _, t := range all {
		out[t.Key] = t.Value
	}
	return out
}

func name(all []ec2.Tag) string {
	for _, t := range all {
		if t.Key == "Name" {
			return t.Value
		}
	}
	return ""
}
