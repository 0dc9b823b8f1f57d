package awsapi

import (
	"context"
	"maps"

	"weir/internal/ec2"
)

var instanceIDs = idNames{
	prefix: "i", malformed: ec2.InstanceIDMalformed, ofOthers: ec2.InstanceIDOfOthers,
	notFound: ec2.InstanceNotFound, several: ec2.InstancesNotFound, set: "instancesSet",
}

// An instance is what is known of one from its interfaces, the first of which is
// its primary one.
type instance struct {
	ec2.Instance
	owner      string
	interfaces []*ec2.NetworkInterface
}

func (s *views) describeInstances(a *API, ctx context.Context, in *ec2.DescribeInstances) (*ec2.DescribeInstancesAnswer, error) {
	tagger, err := a.tagger(ctx)
	if err != nil {
		return nil, err
	}
	v := s.of(a.cfg.Model())
	list, next, err := describe(v.instancesWith(tagger),
		ask{tagger: tagger, ids: in.InstanceIDs, filters: in.Filters, max: in.MaxResults, token: in.NextToken})
	if err != nil {
		return nil, err
	}
	out := &ec2.DescribeInstancesAnswer{NextToken: next}
	for _, i := range list { // each was started alone
		out.Reservations = append(out.Reservations, ec2.Reservation{
			ID: reservation(&i), OwnerID: i.owner, Instances: []ec2.Instance{i.Instance},
		})
	}
	return out, nil
}

func reservation(i *instance) string { return hashID("r", i.ID) }

// instancesWith returns the table of instances, with the filters for the tags of
// their interfaces, which depend on what CreateTags did since the table was made.
func (v *view) instancesWith(tags *tagger) *table[instance] {
	t := *v.instances()
	t.attrs = maps.Clone(t.attrs)
	each := func(get func(*ec2.Tag) string) func(*instance) []string {
		return func(i *instance) (out []string) {
			for _, n := range i.interfaces {
				for _, tag := range tags.current(n.ID, n.Tags, v.interfaces().own) {
					out = append(out, get(&tag))
				}
			}
			return out
		}
	}
	t.attrs["network-interface.tag-key"] = each(func(t *ec2.Tag) string { return t.Key })
	t.attrs["network-interface.tag-value"] = each(func(t *ec2.Tag) string { return t.Value })
	return &t
}

func (v *view) makeInstances() *table[instance] {
	all := v.x.Instances()
	out := make([]instance, 0, len(all))
	for _, primary := range v.n.Interfaces { // what is read together was made together
		id := primary.InstanceID
		list := all[id]
		if len(list) == 0 || list[0] != primary {
			continue
		}
		i := instance{
			owner: list[0].AccountID,
			Instance: ec2.Instance{
				ID: id, State: ec2.InstanceState{Code: 16, Name: "running"},
				Placement: ec2.Placement{Tenancy: "default"},
			},
		}
		for at, n := range list {
			eni := v.interfaces().byID[n.ID]
			if at == 0 {
				i.SubnetID, i.VPCID, i.PrivateIPAddress, i.Groups = eni.SubnetID, eni.VPCID, eni.PrivateIPAddress, eni.Groups
				i.IPv6Address, i.SourceDestCheck, i.OutpostARN = eni.IPv6Address, eni.SourceDestCheck, eni.OutpostARN
				i.Placement.AvailabilityZone, i.Placement.AvailabilityZoneID = eni.AvailabilityZone, eni.AvailabilityZoneID
			}
			i.interfaces = append(i.interfaces, eni)
			i.NetworkInterfaces = append(i.NetworkInterfaces, ec2.InstanceInterface{
				ID: eni.ID, SubnetID: eni.SubnetID, VPCID: eni.VPCID, Description: eni.Description, OwnerID: eni.OwnerID,
				Status: eni.Status, MACAddress: eni.MACAddress, PrivateIPAddress: eni.PrivateIPAddress, Groups: eni.Groups,
				Attachment: instanceAttachment(eni.Attachment), IPv6Addresses: eni.IPv6Addresses, InterfaceType: eni.InterfaceType,
				SourceDestCheck: eni.SourceDestCheck, PrivateIPAddresses: eni.PrivateIPAddresses,
			})
		}
		out = append(out, i)
	}
	return newTable(kind[instance]{
		names: instanceIDs,
		id:    func(i *instance) string { return i.ID },
		tags:  func(i *instance) *[]ec2.Tag { return &i.Tags },
		own:   v.x.InstanceTags,
		attrs: v.instanceAttrs(),
	}, out)
}

// instanceAttachment leaves out whose the instance is: there that goes without
// saying.
func instanceAttachment(a *ec2.Attachment) *ec2.Attachment {
	return &ec2.Attachment{ID: a.ID, DeviceIndex: a.DeviceIndex, Status: a.Status}
}

// instanceAttrs are the filters of DescribeInstances (Amazon EC2 API Reference, read
// 2026-11-24) but for those with the tags of interfaces.
func (v *view) instanceAttrs() map[string]func(*instance) []string {
	first := func(get func(*ec2.NetworkInterface) string) func(*instance) []string {
		return one(func(i *instance) string { return get(i.interfaces[0]) })
	}
	groups := func(i *instance) []ec2.Group { return i.Groups }
	groupID, groupName := many(groups, func(g *ec2.Group) string { return g.ID }), many(groups, func(g *ec2.Group) string { return g.Name })
	outpost := func(i *ec2.NetworkInterface) string { return i.OutpostARN }
	attrs := map[string]func(*instance) []string{
		"availability-zone":    first(func(i *ec2.NetworkInterface) string { return i.AvailabilityZone }),
		"availability-zone-id": first(func(i *ec2.NetworkInterface) string { return i.AvailabilityZoneID }),
		"group-id":             groupID,
		"group-name":           groupName,
		"instance-id":          one(func(i *instance) string { return i.ID }),
		"instance-state-code":  always[instance]("16"),
		"instance-state-name":  always[instance]("running"),
		"instance.group-id":    groupID,
		"instance.group-name":  groupName,
		"operator.managed":     always[instance]("false"),
		"outpost-arn":          first(outpost),
		"owner-id":             one(func(i *instance) string { return i.owner }),
		"private-dns-name":     one(func(i *instance) string { return i.PrivateDNSName }),
		"private-ip-address":   one(func(i *instance) string { return i.PrivateIPAddress }),
		"reservation-id":       one(reservation),
		"source-dest-check":    func(i *instance) []string { return interfaceFlag(i.interfaces[0].SourceDestCheck) },
		"subnet-id":            one(func(i *instance) string { return i.SubnetID }),
		"tenancy":              always[instance]("default"),
		"vpc-id":               one(func(i *instance) string { return i.VPCID }),
	}
	each := func(get func(*ec2.NetworkInterface) []string) func(*instance) []string {
		return func(i *instance) (out []string) {
			for _, n := range i.interfaces {
				out = append(out, get(n)...)
			}
			return out
		}
	}
	of := interfaceAttrs()
	of["outpost-arn"] = one(outpost)
	of["ipv6-address"] = of["ipv6-addresses.ipv6-address"]
	of["ipv6-addresses.is-primary-ipv6"] = many(func(i *ec2.NetworkInterface) []ec2.IPv6Address { return i.IPv6Addresses },
		func(*ec2.IPv6Address) string { return "false" })
	of["ipv6-native"] = flag(func(i *ec2.NetworkInterface) bool { return i.IPv6Native })
	for name, get := range of {
		if get != nil {
			attrs["network-interface."+name] = each(get)
		}
	}
	attrs["ipv6-address"] = each(of["ipv6-address"])
	unknown(attrs, neverOfInstances...)
	return attrs
}

func interfaceFlag(on bool) []string {
	if on {
		return []string{"true"}
	}
	return []string{"false"}
}

// neverOfInstances are the filters of DescribeInstances for what is not known of a
// host, or what it does not have.
var neverOfInstances = []string{
	"affinity", "architecture", "block-device-mapping.attach-time", "block-device-mapping.delete-on-termination",
	"block-device-mapping.device-name", "block-device-mapping.status", "block-device-mapping.volume-id", "boot-mode",
	"capacity-reservation-id", "capacity-reservation-specification.capacity-reservation-preference",
	"capacity-reservation-specification.capacity-reservation-target.capacity-reservation-id",
	"capacity-reservation-specification.capacity-reservation-target.capacity-reservation-resource-group-arn",
	"client-token", "current-instance-boot-mode", "dns-name", "ebs-optimized", "ena-support", "enclave-options.enabled",
	"hibernation-options.configured", "host-id", "hypervisor", "iam-instance-profile.arn", "iam-instance-profile.id", "image-id",
	"instance-lifecycle", "instance-type", "ip-address", "kernel-id", "key-name", "launch-index", "launch-time",
	"maintenance-options.auto-recovery", "metadata-options.http-endpoint", "metadata-options.http-protocol-ipv4",
	"metadata-options.http-protocol-ipv6", "metadata-options.http-put-response-hop-limit", "metadata-options.http-tokens",
	"metadata-options.instance-metadata-tags", "metadata-options.state", "monitoring-state",
	"network-interface.addresses.association.allocation-id", "network-interface.addresses.association.association-id",
	"network-interface.addresses.association.carrier-ip", "network-interface.addresses.association.customer-owned-ip",
	"network-interface.addresses.association.ip-owner-id", "network-interface.addresses.association.public-dns-name",
	"network-interface.addresses.association.public-ip", "network-interface.addresses.private-dns-name",
	"network-interface.association.allocation-id", "network-interface.association.association-id",
	"network-interface.association.carrier-ip", "network-interface.association.customer-owned-ip",
	"network-interface.association.ip-owner-id", "network-interface.association.public-dns-name",
	"network-interface.association.public-ip", "network-interface.attachment.attach-time",
	"network-interface.attachment.delete-on-termination", "network-interface.attachment.network-card-index",
	"network-interface.deny-all-igw-traffic", "network-interface.ipv4-prefixes.ipv4-prefix",
	"network-interface.ipv6-prefixes.ipv6-prefix", "network-interface.operator.principal", "network-interface.public-dns-name",
	"network-performance-options.bandwidth-weighting", "operator.principal", "placement-group-name",
	"placement-partition-number", "platform", "platform-details", "private-dns-name-options.enable-resource-name-dns-a-record",
	"private-dns-name-options.enable-resource-name-dns-aaaa-record", "private-dns-name-options.hostname-type", "product-code",
	"product-code.type", "ramdisk-id", "reason", "requester-id", "root-device-name", "root-device-type",
	"spot-instance-request-id", "state-reason-code", "state-reason-message", "tpm-support", "usage-operation",
	"usage-operation-update-time", "virtualization-type",
}
