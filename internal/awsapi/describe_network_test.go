package awsapi

import (
	"testing"

	"weir/internal/ec2"
	"weir/internal/vpc"
)

func TestDescribeSubnets(t *testing.T) {
	got, err := call[ec2.DescribeSubnetsAnswer](t, townAPI(t), "DescribeSubnets", "")
	if err != nil || len(got.Subnets) != 4 {
		t.Fatalf("%+v, %v", got, err)
	}
	associated := &ec2.CIDRState{State: "associated"}
	same(t, "a subnet with both families", got.Subnets[0], ec2.Subnet{
		ID: web, ARN: "arn:aws:ec2:eu-west-1:" + account + ":subnet/" + web, State: "available", OwnerID: account, VPCID: prod,
		CIDRBlock: "10.0.1.0/24", AvailableIPAddressCount: 256 - 5 - 4, AvailabilityZone: "eu-west-1a", AvailabilityZoneID: "euw1-az1",
		IPv6CIDRs: []ec2.CIDRAssociation{{AssociationID: hashID("subnet-cidr-assoc", web, "2001:db8:1:1::/64"), IPv6CIDRBlock: "2001:db8:1:1::/64", IPv6State: associated}},
		Tags:      []ec2.Tag{{Key: "tier", Value: "web"}},
	})
	if s := got.Subnets[2]; s.CIDRBlock != "" || s.AvailableIPAddressCount != 0 || len(s.IPv6CIDRs) != 1 || !s.IPv6Native {
		t.Errorf("a subnet with IPv6 only: %+v", s)
	}
	for bits, want := range map[int]int{32: 0, 30: 0, 29: 2, 28: 10, 8: 1<<24 - 6} {
		if got := free(cidrs("10.0.0.0/8")[0], 1); bits == 8 && got != want {
			t.Errorf("/8: %d addresses left, want %d", got, want)
		}
		p, _ := addrs("10.0.0.0")[0].Prefix(bits)
		if got := free(p, 1); got != want {
			t.Errorf("/%d with one in use: %d addresses left, want %d", bits, got, want)
		}
	}
}

func TestSubnetFilters(t *testing.T) {
	x := vpc.NewIndex(town())
	testFilters(t, listSubnets, newView(x).subnetAttrs(), []filterCase{
		{"availability-zone=eu-west-1b", []string{factory, six}},
		{"availabilityZone=eu-west-1a", []string{web}},
		{"availability-zone-id=euw1-lax1-az1", []string{edgeZone}},
		{"availabilityZoneId=euw1-az1", []string{web}},
		{"available-ip-address-count=10", []string{factory}},
		{"cidr-block=10.0.1.0/24", []string{web}},
		{"cidr=10.0.?.0/24", []string{web, edgeZone}},
		{"cidrBlock=172.16.1.0/28", []string{factory}},
		{"default-for-az=false", []string{web, factory, six, edgeZone}},
		{"defaultForAz=true", nil},
		{"ipv6-cidr-block-association.ipv6-cidr-block=2001:db8:1:1::/64", []string{web}},
		{"ipv6-cidr-block-association.association-id=" + hashID("subnet-cidr-assoc", six, "2001:db8:1:6::/64"), []string{six}},
		{"ipv6-cidr-block-association.state=associated", []string{web, six}},
		{"ipv6-native=true", []string{six}},
		{"ipv6-native=false", []string{web, factory, edgeZone}},
		{"map-public-ip-on-launch=false", []string{web, factory, six, edgeZone}},
		{"map-public-ip-on-launch=true", nil},
		{"map-customer-owned-ip-on-launch=false", []string{web, factory, six, edgeZone}},
		{"enable-dns64=false", []string{web, factory, six, edgeZone}},
		{"outpost-arn=" + townOutpost, []string{factory}},
		{"owner-id=" + other, []string{factory}},
		{"state=available", []string{web, factory, six, edgeZone}},
		{"subnet-arn=*/" + web, []string{web}},
		{"subnet-id=" + six, []string{six}},
		{"vpc-id=" + lab, []string{factory}},
		{"tag:tier=web", []string{web}},
		{"tag-key=tier", []string{web}},
	})
}

func TestDescribeVPCs(t *testing.T) {
	got, err := call[ec2.DescribeVPCsAnswer](t, townAPI(t), "DescribeVpcs", "")
	if err != nil || len(got.VPCs) != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	associated := &ec2.CIDRState{State: "associated"}
	same(t, "a VPC with three prefixes", got.VPCs[0], ec2.VPC{
		ID: prod, OwnerID: account, State: "available", CIDRBlock: "10.0.0.0/16", InstanceTenancy: "default",
		CIDRs: []ec2.CIDRAssociation{
			{AssociationID: hashID("vpc-cidr-assoc", prod, "10.0.0.0/16"), CIDRBlock: "10.0.0.0/16", State: associated},
			{AssociationID: hashID("vpc-cidr-assoc", prod, "10.9.0.0/16"), CIDRBlock: "10.9.0.0/16", State: associated},
		},
		IPv6CIDRs: []ec2.CIDRAssociation{{AssociationID: hashID("vpc-cidr-assoc", prod, "2001:db8:1::/56"), IPv6CIDRBlock: "2001:db8:1::/56", IPv6State: associated}},
		Tags:      []ec2.Tag{{Key: "Name", Value: "prod"}, {Key: "team", Value: "platform"}},
	})
	same(t, "the VPC of a host that declares none", got.VPCs[2], ec2.VPC{
		ID: host, OwnerID: account, State: "available", InstanceTenancy: "default", IsDefault: true,
	})
}

func TestVPCFilters(t *testing.T) {
	testFilters(t, listVPCs, vpcAttrs(), []filterCase{
		{"cidr=10.0.0.0/16", []string{prod}},
		{"cidr=10.9.0.0/16", nil}, // not the primary one
		{"cidr-block-association.cidr-block=10.9.0.0/16", []string{prod}},
		{"cidr-block-association.association-id=" + hashID("vpc-cidr-assoc", lab, "172.16.0.0/12"), []string{lab}},
		{"cidr-block-association.state=associated", []string{prod, lab}},
		{"ipv6-cidr-block-association.ipv6-cidr-block=2001:db8:1::/*", []string{prod}},
		{"ipv6-cidr-block-association.association-id=vpc-cidr-assoc-*", []string{prod}},
		{"ipv6-cidr-block-association.state=associated", []string{prod}},
		{"is-default=true", []string{host}},
		{"isDefault=false", []string{prod, lab}},
		{"owner-id=" + other, []string{lab}},
		{"state=available", []string{prod, lab, host}},
		{"vpc-id=" + prod, []string{prod}},
		{"tag:team=platform", []string{prod}},
		{"tag-key=added", []string{lab}},
	})
}

func TestRegionFilters(t *testing.T) {
	testFilters(t, listRegions, map[string]func(*ec2.Region) []string{}, []filterCase{
		{"opt-in-status=opt-in-not-required", []string{"eu-west-1"}},
		{"region-name=us-east-1", nil},
	})
}

// TestTheRegionIsWhereTheClientCame: Amazon's own name for the region's endpoint would
// send it somewhere else.
func TestTheRegionIsWhereTheClientCame(t *testing.T) {
	b := newBed(t)
	for query, want := range map[string]int{
		"": 1, "Filter.1.Name=endpoint&Filter.1.Value.1=weir.*": 1, "Filter.1.Name=endpoint&Filter.1.Value.1=ec2.*": 0,
	} {
		got := ok[ec2.DescribeRegionsAnswer](b, "DescribeRegions", query).Regions
		if len(got) != want || want == 1 && got[0].Endpoint != "weir.test" {
			t.Errorf("%q: %+v, want %d at weir.test", query, got, want)
		}
	}
}

func TestAvailabilityZoneFilters(t *testing.T) {
	both := []string{"euw1-az1", "euw1-az2"}
	testFilters(t, listZones, zoneAttrs(), []filterCase{
		{"group-name=eu-west-1", both},
		{"opt-in-status=opt-in-not-required", both},
		{"region-name=eu-west-1", both},
		{"state=available", both},
		{"zone-id=euw1-az2", both[1:]},
		{"zone-name=eu-west-1a", both[:1]},
		{"zone-type=local-zone", nil},
	})
}
