package awsapi

import (
	"testing"

	"weir/internal/ec2"
	"weir/internal/vpc"
)

func TestDescribeInstances(t *testing.T) {
	got, err := call[ec2.DescribeInstancesAnswer](t, townAPI(t), "DescribeInstances", "")
	if err != nil || len(got.Reservations) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	groups := []ec2.Group{{ID: webGroup, Name: "web"}, {ID: dbGroup, Name: "db"}}
	same(t, "an instance of two interfaces", got.Reservations[0], ec2.Reservation{
		ID: hashID("r", machine), OwnerID: account,
		Instances: []ec2.Instance{{
			ID: machine, State: ec2.InstanceState{Code: 16, Name: "running"}, Placement: ec2.Placement{AvailabilityZone: "eu-west-1a", AvailabilityZoneID: "euw1-az1", Tenancy: "default"},
			SubnetID: web, VPCID: prod, PrivateIPAddress: "10.0.1.5", IPv6Address: "2001:db8:1:1::5", SourceDestCheck: true, Groups: groups, Tags: []ec2.Tag{{Key: "Name", Value: "web-1"}},
			NetworkInterfaces: []ec2.InstanceInterface{
				{ID: eth0, SubnetID: web, VPCID: prod, Description: "front door", OwnerID: account, Status: "in-use", MACAddress: "02:00:00:00:00:01",
					PrivateIPAddress: "10.0.1.5", Groups: groups, IPv6Addresses: []ec2.IPv6Address{{IPv6Address: "2001:db8:1:1::5"}}, InterfaceType: "interface",
					SourceDestCheck: true, PrivateIPAddresses: []ec2.PrivateAddress{{PrivateIPAddress: "10.0.1.5", Primary: true}, {PrivateIPAddress: "10.0.1.6"}},
					Attachment: &ec2.Attachment{ID: hashID("eni-attach", eth0, machine), Status: "attached"}},
				{ID: eth1, SubnetID: factory, VPCID: lab, OwnerID: account, Status: "in-use", MACAddress: "02:00:00:00:00:02",
					PrivateIPAddress: "172.16.1.5", InterfaceType: "interface",
					SourceDestCheck: true, PrivateIPAddresses: []ec2.PrivateAddress{{PrivateIPAddress: "172.16.1.5", Primary: true}},
					Attachment: &ec2.Attachment{ID: hashID("eni-attach", eth1, machine), DeviceIndex: 1, Status: "attached"}},
			},
		}},
	})
}

func TestInstanceFilters(t *testing.T) {
	both, first, second := []string{machine, container}, []string{machine}, []string{container}
	t1 := newView(vpc.NewIndex(town())).instancesWith(&tagger{})
	testFilters(t, listInstances, t1.attrs, []filterCase{
		{"availability-zone=eu-west-1a", first},
		{"availability-zone-id=euw1-az2", second},
		{"group-id=" + dbGroup, first},
		{"group-name=web", first},
		{"instance-id=" + container, second},
		{"instance-state-code=16", both},
		{"instance-state-name=running", both},
		{"instance.group-id=" + webGroup, first},
		{"instance.group-name=db", first},
		{"ipv6-address=2001:db8:1:6::7", second},
		{"operator.managed=false", both},
		{"outpost-arn=*", nil}, // of the primary interface
		{"owner-id=" + account, both},
		{"private-dns-name=*", nil},
		{"private-ip-address=10.0.1.5", first},
		{"private-ip-address=10.0.1.6", nil}, // not the primary one
		{"reservation-id=" + hashID("r", container), second},
		{"source-dest-check=true", both},
		{"subnet-id=" + six, second},
		{"tenancy=default", both},
		{"vpc-id=" + lab, nil}, // of the primary interface
		{"network-interface.addresses.primary=false", first},
		{"network-interface.addresses.private-ip-address=10.0.1.6", first},
		{"network-interface.attachment.attachment-id=" + hashID("eni-attach", eth1, machine), first},
		{"network-interface.attachment.device-index=1", first},
		{"network-interface.attachment.instance-id=" + container, second},
		{"network-interface.attachment.instance-owner-id=" + account, both},
		{"network-interface.attachment.status=attached", both},
		{"network-interface.availability-zone=eu-west-1b", both},
		{"network-interface.availability-zone-id=euw1-az1", first},
		{"network-interface.description=front door", first},
		{"network-interface.group-id=" + webGroup, first},
		{"network-interface.group-name=web", first},
		{"network-interface.interface-type=interface", both},
		{"network-interface.ipv6-address=2001:db8:1:6::7", second},
		{"network-interface.ipv6-addresses.ipv6-address=2001:db8:1:1::5", first},
		{"network-interface.ipv6-addresses.is-primary-ipv6=false", both},
		{"network-interface.ipv6-native=true", second},
		{"network-interface.mac-address=02:00:00:00:00:02", first},
		{"network-interface.network-interface-id=" + pod, second},
		{"network-interface.operator.managed=false", both},
		{"network-interface.outpost-arn=*/op-0a1b2c3d4e5f60718", first},
		{"network-interface.owner-id=" + account, both},
		{"network-interface.private-dns-name=*", nil},
		{"network-interface.private-ip-address=172.16.1.5", first},
		{"network-interface.requester-id=*", nil},
		{"network-interface.requester-managed=false", both},
		{"network-interface.source-dest-check=true", both},
		{"network-interface.status=in-use", both},
		{"network-interface.subnet-id=" + factory, first},
		{"network-interface.tag-key=zebra", first},
		{"network-interface.tag-value=frontend", first},
		{"network-interface.vpc-id=" + lab, first},
		{"tag:Name=web-1", first},
		{"tag-key=app", second},
	})
}
