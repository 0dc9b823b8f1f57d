package names

import (
	"context"
	"fmt"
	"time"

	"weir/internal/ec2"
)

// API is what is asked of EC2; a client of package ec2client is one.
type API interface {
	NetworkInterfaces(ctx context.Context, ids []string, filters ...ec2.Filter) ([]ec2.NetworkInterface, error)
	Instances(ctx context.Context, ids []string, filters ...ec2.Filter) ([]ec2.Instance, error)
	Subnets(ctx context.Context, ids []string, filters ...ec2.Filter) ([]ec2.Subnet, error)
	VPCs(ctx context.Context, ids []string, filters ...ec2.Filter) ([]ec2.VPC, error)
}

// Ask returns a book of what EC2 describes now. It is what the same descriptions in
// files of this time would give.
func Ask(ctx context.Context, api API, now time.Time) (*Book, error) {
	l := loader{book: newBook(), instances: map[string]string{}}
	if err := l.ask(ctx, api, max(now.Unix(), 1)); err != nil {
		return nil, err
	}
	l.finish()
	return l.book, nil
}

func (l *loader) ask(ctx context.Context, api API, seen int64) error {
	instances, err := api.Instances(ctx, nil)
	if err != nil {
		return err
	}
	for _, i := range instances {
		// Their interfaces are described by themselves.
		one := instanceJSON{InstanceID: i.ID, VPCID: i.VPCID, PrivateIPAddress: i.PrivateIPAddress, Tags: tags(i.Tags)}
		if err := l.instance(&one, seen); err != nil {
			return fmt.Errorf("DescribeInstances: %s: %w", i.ID, err)
		}
	}
	ifaces, err := api.NetworkInterfaces(ctx, nil)
	if err != nil {
		return err
	}
	for n := range ifaces {
		one := interfaceOf(&ifaces[n])
		if err := l.iface(&one, seen); err != nil {
			return fmt.Errorf("DescribeNetworkInterfaces: %s: %w", ifaces[n].ID, err)
		}
	}
	subnets, err := api.Subnets(ctx, nil)
	if err != nil {
		return err
	}
	for _, s := range subnets {
		one := networkJSON{SubnetID: s.ID, VPCID: s.VPCID, CIDRBlock: s.CIDRBlock, Tags: tags(s.Tags),
			IPv6CIDRs: cidrs(s.IPv6CIDRs)}
		if err := l.subnet(&one, seen); err != nil {
			return fmt.Errorf("DescribeSubnets: %s: %w", s.ID, err)
		}
	}
	vpcs, err := api.VPCs(ctx, nil)
	if err != nil {
		return err
	}
	for _, v := range vpcs {
		one := networkJSON{VPCID: v.ID, CIDRBlock: v.CIDRBlock, Tags: tags(v.Tags),
			CIDRs: cidrs(v.CIDRs), IPv6CIDRs: cidrs(v.IPv6CIDRs)}
		if err := l.vpc(&one, seen); err != nil {
			return fmt.Errorf("DescribeVpcs: %s: %w", v.ID, err)
		}
	}
	return nil
}

func tags(all []ec2.Tag) (out []tagJSON) {
	for _, t := range all {
		out = append(out, tagJSON{t.Key, t.Value})
	}
	return out
}

func cidrs(all []ec2.CIDRAssociation) (out []cidrJSON) {
	for _, a := range all {
		out = append(out, cidrJSON{CIDRBlock: a.CIDRBlock, IPv6CIDRBlock: a.IPv6CIDRBlock})
	}
	return out
}

func interfaceOf(i *ec2.NetworkInterface) interfaceJSON {
	public := func(a *ec2.Association) *associationJSON {
		if a == nil {
			return nil
		}
		return &associationJSON{a.PublicIP}
	}
	out := interfaceJSON{
		NetworkInterfaceID: i.ID, VPCID: i.VPCID, InterfaceType: i.InterfaceType, RequesterID: i.RequesterID,
		Description: i.Description, PrivateIPAddress: i.PrivateIPAddress, Association: public(i.Association), TagSet: tags(i.Tags),
	}
	if i.Attachment != nil {
		out.Attachment = &attachmentJSON{InstanceID: i.Attachment.InstanceID}
	}
	for _, a := range i.PrivateIPAddresses {
		out.PrivateIPAddresses = append(out.PrivateIPAddresses, addressJSON{a.PrivateIPAddress, public(a.Association)})
	}
	for _, a := range i.IPv6Addresses {
		out.IPv6Addresses = append(out.IPv6Addresses, ipv6JSON{a.IPv6Address})
	}
	return out
}
