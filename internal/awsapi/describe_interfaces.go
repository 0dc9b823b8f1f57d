package awsapi

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"weir/internal/ec2"
	"weir/internal/vpc"
)

var interfaceIDs = idNames{
	prefix: "eni", malformed: ec2.NetworkInterfaceIDMalformed, ofOthers: ec2.NetworkInterfaceIDOfOthers,
	notFound: ec2.NetworkInterfaceNotFound, set: "networkInterfaceIdSet",
}

func (s *views) describeNetworkInterfaces(a *API, ctx context.Context, in *ec2.DescribeNetworkInterfaces) (*ec2.DescribeNetworkInterfacesAnswer, error) {
	list, next, err := described(ctx, s, a, func(v *view) *table[ec2.NetworkInterface] { return v.interfaces() },
		ask{ids: in.NetworkInterfaceIDs, filters: in.Filters, max: in.MaxResults, token: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &ec2.DescribeNetworkInterfacesAnswer{NetworkInterfaces: list, NextToken: next}, nil
}

func (v *view) makeInterfaces() *table[ec2.NetworkInterface] {
	index := make(map[*vpc.Interface]int) // of those whose device index is not 0
	for _, list := range v.x.Instances() {
		for n, i := range list[1:] {
			index[i] = n + 1
		}
	}
	out := make([]ec2.NetworkInterface, 0, len(v.n.Interfaces))
	for _, i := range v.n.Interfaces {
		out = append(out, v.networkInterface(i, index[i]))
	}
	return newTable(kind[ec2.NetworkInterface]{
		names: interfaceIDs,
		id:    func(i *ec2.NetworkInterface) string { return i.ID },
		tags:  func(i *ec2.NetworkInterface) *[]ec2.Tag { return &i.Tags },
		own:   func(id string) vpc.Tags { return v.x.ByID(id).Tags },
		attrs: interfaceAttrs(),
	}, out)
}

func (v *view) networkInterface(i *vpc.Interface, index int) ec2.NetworkInterface {
	out := ec2.NetworkInterface{
		ID: i.ID, SubnetID: i.SubnetID, VPCID: i.VPCID, AvailabilityZone: v.zones[i.AZID], AvailabilityZoneID: i.AZID,
		Description: cmp.Or(i.Description, description(i)), OwnerID: i.AccountID,
		RequesterID: i.Service, RequesterManaged: i.RequesterManaged(), Status: "available", MACAddress: i.MAC,
		SourceDestCheck: i.Type != vpc.TypeNATGateway, Groups: v.groupsOf(i.SecurityGroups),
		InterfaceType: string(cmp.Or(i.Type, vpc.TypeInterface)), Attachment: attachment(i, index),
	}
	if s := v.x.Subnet(i.SubnetID); s != nil {
		out.AvailabilityZone, out.AvailabilityZoneID = v.zone(s)
		out.OutpostARN = v.outpost(s)
	}
	if out.Attachment != nil || i.Device != (vpc.Device{}) {
		out.Status = "in-use"
	}
	for _, a := range i.Addrs {
		switch {
		case a.Is4():
			if out.PrivateIPAddress == "" {
				out.PrivateIPAddress = a.String()
			}
			out.PrivateIPAddresses = append(out.PrivateIPAddresses, ec2.PrivateAddress{
				PrivateIPAddress: a.String(), Primary: len(out.PrivateIPAddresses) == 0,
			})
		case !a.IsLinkLocalUnicast(): // every interface has one of those, and Amazon shows none
			out.IPv6Addresses = append(out.IPv6Addresses, ec2.IPv6Address{IPv6Address: a.String()})
		}
	}
	if len(out.IPv6Addresses) > 0 {
		out.IPv6Address = out.IPv6Addresses[0].IPv6Address
	}
	out.IPv6Native = out.PrivateIPAddress == "" && out.IPv6Address != ""
	return out
}

// attachment returns how an interface is attached to its instance, or to what the
// service that made it has behind it, which is not shown.
func attachment(i *vpc.Interface, index int) *ec2.Attachment {
	switch {
	case i.InstanceID != "":
		return &ec2.Attachment{
			ID: hashID("eni-attach", i.ID, i.InstanceID), InstanceID: i.InstanceID, InstanceOwnerID: i.AccountID,
			DeviceIndex: index, Status: "attached",
		}
	case i.RequesterManaged():
		return &ec2.Attachment{ID: hashID("ela-attach", i.ID), InstanceOwnerID: i.Service, DeviceIndex: 1, Status: "attached"}
	}
	return nil
}

// description returns what Amazon's services write on their interfaces (from memory;
// what was found of them elsewhere is in the rules of internal/eni). The ids in it, and
// a name if there is no tag Name, are made from the interface's id.
func description(i *vpc.Interface) string {
	if i.Type == "" && i.Service == "" {
		return "" // nearly all
	}
	name := cmp.Or(i.Tags["Name"], strings.TrimPrefix(i.ID, "eni-"))
	balancer := name + "/" + strings.TrimPrefix(hashID("elb", i.ID), "elb-")[:16]
	switch i.Type {
	case vpc.TypeNATGateway:
		return "Interface for NAT Gateway " + hashID("nat", i.ID)
	case vpc.TypeVPCEndpoint, vpc.TypeGatewayLBEndpoint:
		return "VPC Endpoint Interface " + hashID("vpce", i.ID)
	case vpc.TypeLoadBalancer:
		return "ELB app/" + balancer
	case vpc.TypeNetworkLoadBalancer:
		return "ELB net/" + balancer
	case vpc.TypeGatewayLoadBalancer:
		return "ELB gwy/" + balancer
	case vpc.TypeTransitGateway:
		return "Network Interface for Transit Gateway Attachment " + hashID("tgw-attach", i.ID)
	case vpc.TypeLambda:
		return "AWS Lambda VPC ENI-" + name
	}
	switch i.Service {
	case "amazon-elb":
		return "ELB app/" + balancer
	case "amazon-rds":
		return "RDSNetworkInterface"
	case "amazon-redshift":
		return "RedshiftNetworkInterface"
	case "amazon-elasticache":
		return "ElastiCache " + name
	}
	return ""
}

// interfaceAttrs are the filters of DescribeNetworkInterfaces (the service
// model of botocore, read 2026-11-24).
func interfaceAttrs() map[string]func(*ec2.NetworkInterface) []string {
	type eni = ec2.NetworkInterface
	addresses := func(i *eni) []ec2.PrivateAddress { return i.PrivateIPAddresses }
	groups := func(i *eni) []ec2.Group { return i.Groups }
	address := many(addresses, func(a *ec2.PrivateAddress) string { return a.PrivateIPAddress })
	attached := func(get func(*ec2.Attachment) string) func(*eni) []string {
		return one(func(i *eni) string {
			if i.Attachment == nil {
				return ""
			}
			return get(i.Attachment)
		})
	}
	attrs := map[string]func(*eni) []string{
		"addresses.primary":            many(addresses, func(a *ec2.PrivateAddress) string { return strconv.FormatBool(a.Primary) }),
		"addresses.private-ip-address": address,
		"attachment.attachment-id":     attached(func(a *ec2.Attachment) string { return a.ID }),
		"attachment.device-index":      attached(func(a *ec2.Attachment) string { return strconv.Itoa(a.DeviceIndex) }),
		"attachment.instance-id":       attached(func(a *ec2.Attachment) string { return a.InstanceID }),
		"attachment.instance-owner-id": attached(func(a *ec2.Attachment) string { return a.InstanceOwnerID }),
		"attachment.status":            attached(func(a *ec2.Attachment) string { return a.Status }),
		"availability-zone":            one(func(i *eni) string { return i.AvailabilityZone }),
		"availability-zone-id":         one(func(i *eni) string { return i.AvailabilityZoneID }),
		"description":                  func(i *eni) []string { return []string{i.Description} },
		"group-id":                     many(groups, func(g *ec2.Group) string { return g.ID }),
		"group-name":                   many(groups, func(g *ec2.Group) string { return g.Name }),
		"ipv6-addresses.ipv6-address": many(func(i *eni) []ec2.IPv6Address { return i.IPv6Addresses },
			func(a *ec2.IPv6Address) string { return a.IPv6Address }),
		"interface-type":       one(func(i *eni) string { return i.InterfaceType }),
		"mac-address":          one(func(i *eni) string { return i.MACAddress }),
		"network-interface-id": one(func(i *eni) string { return i.ID }),
		"operator.managed":     always[eni]("false"),
		"owner-id":             one(func(i *eni) string { return i.OwnerID }),
		"private-dns-name":     one(func(i *eni) string { return i.PrivateDNSName }),
		"private-ip-address":   address,
		"requester-id":         one(func(i *eni) string { return i.RequesterID }),
		"requester-managed":    flag(func(i *eni) bool { return i.RequesterManaged }),
		"source-dest-check":    flag(func(i *eni) bool { return i.SourceDestCheck }),
		"status":               one(func(i *eni) string { return i.Status }),
		"subnet-id":            one(func(i *eni) string { return i.SubnetID }),
		"vpc-id":               one(func(i *eni) string { return i.VPCID }),
	}
	unknown(attrs, "association.allocation-id", "association.association-id", "addresses.association.owner-id",
		"addresses.association.public-ip", "association.ip-owner-id", "association.public-ip", "association.public-dns-name",
		"attachment.attach-time", "attachment.delete-on-termination", "operator.principal")
	return attrs
}
