package described

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"weir/internal/ec2"
	"weir/internal/vpc"
)

// API is what is asked of EC2; a client of package ec2client is one.
type API interface {
	NetworkInterfaces(ctx context.Context, ids []string, filters ...ec2.Filter) ([]ec2.NetworkInterface, error)
	Instances(ctx context.Context, ids []string, filters ...ec2.Filter) ([]ec2.Instance, error)
	Subnets(ctx context.Context, ids []string, filters ...ec2.Filter) ([]ec2.Subnet, error)
	VPCs(ctx context.Context, ids []string, filters ...ec2.Filter) ([]ec2.VPC, error)
	SecurityGroups(ctx context.Context, ids []string, filters ...ec2.Filter) ([]ec2.SecurityGroup, error)
	SecurityGroupRules(ctx context.Context, ids []string, filters ...ec2.Filter) ([]ec2.SecurityGroupRule, error)
	NetworkACLs(ctx context.Context, ids []string, filters ...ec2.Filter) ([]ec2.NetworkACL, error)
	PrefixLists(ctx context.Context) ([]ec2.PrefixList, error)
	PrefixListEntries(ctx context.Context, id string) ([]ec2.PrefixListEntry, error)
}

// Ask returns the network that EC2 describes now, and what is missing in it. It is what
// the same descriptions in files would give. Calls that the API does not know, as another
// than Amazon's may not, count as missing.
func Ask(ctx context.Context, api API) (*vpc.Network, []string, error) {
	b := newBuilder()
	for _, ask := range []func(context.Context, API) error{
		asked("DescribeVpcs", API.VPCs, (*builder).vpc, func(v *ec2.VPC) string { return v.ID }, b),
		asked("DescribeSubnets", API.Subnets, (*builder).subnet, func(s *ec2.Subnet) string { return s.ID }, b),
		asked("DescribeNetworkInterfaces", API.NetworkInterfaces, (*builder).iface, func(i *ec2.NetworkInterface) string { return i.ID }, b),
		asked("DescribeInstances", API.Instances, (*builder).instance, func(i *ec2.Instance) string { return i.ID }, b),
		asked("DescribeSecurityGroups", API.SecurityGroups, (*builder).group, func(g *ec2.SecurityGroup) string { return g.ID }, b),
		asked("DescribeSecurityGroupRules", API.SecurityGroupRules, (*builder).rule, func(r *ec2.SecurityGroupRule) string { return r.ID }, b),
		asked("DescribeNetworkAcls", API.NetworkACLs, (*builder).acl, func(a *ec2.NetworkACL) string { return a.ID }, b),
		b.askPrefixLists,
	} {
		if err := ask(ctx, api); err != nil {
			return nil, nil, err
		}
	}
	n, missing := b.finish()
	return n, missing, nil
}

// asked makes a function that asks for all of one kind and builds with it.
func asked[T any](call string, list func(API, context.Context, []string, ...ec2.Filter) ([]T, error),
	build func(*builder, *T) error, id func(*T) string, b *builder) func(context.Context, API) error {
	return func(ctx context.Context, api API) error {
		all, err := list(api, ctx, nil)
		if ec2.InvalidAction.Is(err) {
			b.unknown = append(b.unknown, call)
			return nil
		}
		if err != nil {
			return err
		}
		for n := range all {
			if err := build(b, &all[n]); err != nil {
				return fmt.Errorf("%s: %s: %w", call, id(&all[n]), err)
			}
		}
		return nil
	}
}

// askPrefixLists asks for the prefix lists that rules refer to, if any does.
func (b *builder) askPrefixLists(ctx context.Context, api API) error {
	_, lists := b.referred(&vpc.Network{SecurityGroups: b.groups.list})
	if len(lists.list) == 0 {
		return nil
	}
	all, err := api.PrefixLists(ctx)
	switch {
	case ec2.InvalidAction.Is(err):
		b.unknown = append(b.unknown, "DescribeManagedPrefixLists")
	case err != nil:
		return err
	}
	for n := range all {
		b.listNames[all[n].ID] = all[n].Name
	}
	for _, id := range slices.Sorted(slices.Values(lists.list)) {
		entries, err := api.PrefixListEntries(ctx, id)
		if ec2.InvalidAction.Is(err) {
			b.unknown = append(b.unknown, "GetManagedPrefixListEntries")
			return nil
		}
		if e := new(ec2.Error); errors.As(err, &e) && strings.HasPrefix(strings.ToLower(e.Code), "invalidprefixlistid") {
			continue // it is gone, or of an account that no longer shares it
		}
		if err != nil {
			return err
		}
		l := vpc.PrefixList{ID: id}
		for _, e := range entries {
			p, err := prefix("Cidr", e.CIDR)
			if err != nil {
				return fmt.Errorf("GetManagedPrefixListEntries: %s: %w", id, err)
			}
			l.CIDRs = append(l.CIDRs, p)
		}
		b.prefixes.put(id, l)
	}
	return nil
}
