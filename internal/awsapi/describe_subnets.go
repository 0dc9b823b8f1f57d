package awsapi

import (
	"context"
	"net/netip"
	"strconv"

	"weir/internal/ec2"
	"weir/internal/vpc"
)

var subnetIDs = idNames{prefix: "subnet", notFound: ec2.SubnetNotFound}

func (s *views) describeSubnets(a *API, ctx context.Context, in *ec2.DescribeSubnets) (*ec2.DescribeSubnetsAnswer, error) {
	list, next, err := described(ctx, s, a, func(v *view) *table[ec2.Subnet] { return v.subnets() },
		ask{ids: in.SubnetIDs, filters: in.Filters, max: in.MaxResults, token: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &ec2.DescribeSubnetsAnswer{Subnets: list, NextToken: next}, nil
}

func (v *view) makeSubnets() *table[ec2.Subnet] {
	used := make(map[string]int) // IPv4 addresses by subnet
	for _, i := range v.n.Interfaces {
		s := v.x.Subnet(i.SubnetID)
		if s == nil {
			continue
		}
		v4, _ := split(s.CIDRs)
		for _, a := range i.Addrs {
			if len(v4) > 0 && v4[0].Contains(a) {
				used[s.ID]++
			}
		}
	}
	out := make([]ec2.Subnet, 0, len(v.n.Subnets))
	for i := range v.n.Subnets {
		out = append(out, v.subnet(&v.n.Subnets[i], used[v.n.Subnets[i].ID]))
	}
	return newTable(kind[ec2.Subnet]{
		names: subnetIDs,
		id:    func(s *ec2.Subnet) string { return s.ID },
		tags:  func(s *ec2.Subnet) *[]ec2.Tag { return &s.Tags },
		own:   func(id string) vpc.Tags { return v.x.Subnet(id).Tags },
		attrs: v.subnetAttrs(),
	}, out)
}

func (v *view) subnet(s *vpc.Subnet, used int) ec2.Subnet {
	v4, v6 := split(s.CIDRs)
	out := ec2.Subnet{
		ID: s.ID, ARN: v.arn(s.AccountID, "subnet", s.ID), State: "available", OwnerID: s.AccountID, VPCID: s.VPCID,
		IPv6CIDRs: associations("subnet", s.ID, v6), IPv6Native: len(v4) == 0 && len(v6) > 0, OutpostARN: v.outpost(s),
	}
	out.AvailabilityZone, out.AvailabilityZoneID = v.zone(s)
	if len(v4) > 0 {
		out.CIDRBlock, out.AvailableIPAddressCount = v4[0].String(), free(v4[0], used)
	}
	return out
}

// free returns how many addresses of a subnet are not in use. The first four and
// the last are nobody's ("Subnet CIDR blocks", Amazon VPC User Guide, read
// 2026-11-24).
func free(p netip.Prefix, used int) int {
	const reserved = 5
	return max(0, 1<<(32-p.Bits())-reserved-used)
}

// subnetAttrs are the filters of DescribeSubnets (Amazon EC2 API Reference, read
// 2026-11-24), with the second names it has for some.
func (v *view) subnetAttrs() map[string]func(*ec2.Subnet) []string {
	type subnet = ec2.Subnet
	attrs := map[string]func(*subnet) []string{
		"available-ip-address-count": one(func(s *subnet) string { return strconv.Itoa(s.AvailableIPAddressCount) }),
		"outpost-arn":                one(func(s *subnet) string { return s.OutpostARN }),
		"owner-id":                   one(func(s *subnet) string { return s.OwnerID }),
		"state":                      one(func(s *subnet) string { return s.State }),
		"subnet-arn":                 one(func(s *subnet) string { return s.ARN }),
		"subnet-id":                  one(func(s *subnet) string { return s.ID }),
		"vpc-id":                     one(func(s *subnet) string { return s.VPCID }),
		"ipv6-native":                flag(func(s *subnet) bool { return s.IPv6Native }),
	}
	associationAttrs(attrs, "ipv6-", func(s *subnet) []ec2.CIDRAssociation { return s.IPv6CIDRs })
	for _, name := range []string{"availability-zone", "availabilityZone"} {
		attrs[name] = one(func(s *subnet) string { return s.AvailabilityZone })
	}
	for _, name := range []string{"availability-zone-id", "availabilityZoneId"} {
		attrs[name] = one(func(s *subnet) string { return s.AvailabilityZoneID })
	}
	for _, name := range []string{"cidr-block", "cidr", "cidrBlock"} {
		attrs[name] = one(func(s *subnet) string { return s.CIDRBlock })
	}
	for _, name := range []string{"default-for-az", "defaultForAz"} {
		attrs[name] = flag(func(s *subnet) bool { return s.DefaultForAZ })
	}
	for _, name := range []string{"enable-dns64", "map-customer-owned-ip-on-launch", "map-public-ip-on-launch"} {
		attrs[name] = always[subnet]("false")
	}
	unknown(attrs, "customer-owned-ipv4-pool", "enable-lni-at-device-index", "private-dns-name-options-on-launch.hostname-type",
		"private-dns-name-options-on-launch.enable-resource-name-dns-a-record",
		"private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record")
	return attrs
}
