package awsapi

import (
	"testing"

	"weir/internal/ec2"
	"weir/internal/vpc"
)

func TestDescribeNetworkInterfaces(t *testing.T) {
	a := townAPI(t)
	got, err := call[ec2.DescribeNetworkInterfacesAnswer](t, a, "DescribeNetworkInterfaces", "")
	if err != nil || len(got.NetworkInterfaces) != 6 {
		t.Fatalf("%+v, %v", got, err)
	}
	byID := make(map[string]ec2.NetworkInterface)
	for _, i := range got.NetworkInterfaces {
		byID[i.ID] = i
	}
	same(t, "an interface of an instance", byID[eth0], ec2.NetworkInterface{
		ID: eth0, SubnetID: web, VPCID: prod, AvailabilityZone: "eu-west-1a", AvailabilityZoneID: "euw1-az1",
		Description: "front door", OwnerID: account, Status: "in-use", MACAddress: "02:00:00:00:00:01", PrivateIPAddress: "10.0.1.5",
		SourceDestCheck: true, Groups: []ec2.Group{{ID: webGroup, Name: "web"}, {ID: dbGroup, Name: "db"}},
		Attachment:         &ec2.Attachment{ID: byID[eth0].Attachment.ID, InstanceID: machine, InstanceOwnerID: account, Status: "attached"},
		Tags:               []ec2.Tag{{Key: "alpha", Value: "1"}, {Key: "role", Value: "frontend"}, {Key: "zebra", Value: "z"}},
		PrivateIPAddresses: []ec2.PrivateAddress{{PrivateIPAddress: "10.0.1.5", Primary: true}, {PrivateIPAddress: "10.0.1.6"}},
		IPv6Addresses:      []ec2.IPv6Address{{IPv6Address: "2001:db8:1:1::5"}}, IPv6Address: "2001:db8:1:1::5", InterfaceType: "interface",
	})
	same(t, "a service's interface", byID[nat], ec2.NetworkInterface{
		ID: nat, SubnetID: web, VPCID: prod, AvailabilityZone: "eu-west-1a", AvailabilityZoneID: "euw1-az1",
		Description: "Interface for NAT Gateway nat-0a1b2c3d4e5f60718", OwnerID: other, RequesterID: "amazon-nat", RequesterManaged: true,
		Status: "in-use", PrivateIPAddress: "10.0.1.10",
		Attachment:         &ec2.Attachment{ID: byID[nat].Attachment.ID, InstanceOwnerID: "amazon-nat", DeviceIndex: 1, Status: "attached"},
		PrivateIPAddresses: []ec2.PrivateAddress{{PrivateIPAddress: "10.0.1.10", Primary: true}}, InterfaceType: "natGateway",
	})
	same(t, "an interface in a Local Zone that nothing has", byID[free4], ec2.NetworkInterface{
		ID: free4, SubnetID: edgeZone, VPCID: prod, AvailabilityZoneID: "euw1-lax1-az1", OwnerID: account, Status: "available",
		PrivateIPAddress: "10.0.7.9", SourceDestCheck: true,
		PrivateIPAddresses: []ec2.PrivateAddress{{PrivateIPAddress: "10.0.7.9", Primary: true}}, InterfaceType: "interface",
	})
	if i := byID[eth1]; i.Attachment.DeviceIndex != 1 || i.AvailabilityZone != "eu-west-1b" || i.OutpostARN != townOutpost {
		t.Errorf("the second interface of an instance, in an Outpost: %+v", i)
	}
	if i := byID[pod]; i.PrivateIPAddress != "" || !i.IPv6Native || len(i.PrivateIPAddresses) != 0 || i.IPv6Addresses[0].IPv6Address != "2001:db8:1:6::7" {
		t.Errorf("an interface with IPv6 only: %+v", i)
	}
}

func TestDescriptions(t *testing.T) {
	for _, tt := range []struct {
		i    vpc.Interface
		want string
	}{
		{vpc.Interface{}, ""},
		{vpc.Interface{Type: vpc.TypeNATGateway}, "Interface for NAT Gateway nat-"},
		{vpc.Interface{Type: vpc.TypeVPCEndpoint}, "VPC Endpoint Interface vpce-"},
		{vpc.Interface{Type: vpc.TypeGatewayLBEndpoint}, "VPC Endpoint Interface vpce-"},
		{vpc.Interface{Type: vpc.TypeNetworkLoadBalancer, Tags: vpc.Tags{"Name": "shop"}}, "ELB net/shop/"},
		{vpc.Interface{Type: vpc.TypeLoadBalancer, Tags: vpc.Tags{"Name": "shop"}}, "ELB app/shop/"},
		{vpc.Interface{Type: vpc.TypeGatewayLoadBalancer, Tags: vpc.Tags{"Name": "shop"}}, "ELB gwy/shop/"},
		{vpc.Interface{Type: vpc.TypeTransitGateway}, "Network Interface for Transit Gateway Attachment tgw-attach-"},
		{vpc.Interface{Type: vpc.TypeLambda, Tags: vpc.Tags{"Name": "f"}}, "AWS Lambda VPC ENI-f"},
		{vpc.Interface{Service: "amazon-elb", Tags: vpc.Tags{"Name": "shop"}}, "ELB app/shop/"},
		{vpc.Interface{Service: "amazon-rds"}, "RDSNetworkInterface"},
		{vpc.Interface{Service: "amazon-redshift"}, "RedshiftNetworkInterface"},
		{vpc.Interface{Service: "amazon-elasticache", Tags: vpc.Tags{"Name": "c"}}, "ElastiCache c"},
		{vpc.Interface{Service: "amazon-eks"}, ""},
	} {
		tt.i.ID = eth0
		got := description(&tt.i)
		if n := min(len(got), len(tt.want)); tt.want == "" && got != "" || got[:n] != tt.want {
			t.Errorf("%s %s: got %q, want %q", tt.i.Type, tt.i.Service, got, tt.want)
		}
	}
}

func TestNetworkInterfaceFilters(t *testing.T) {
	attachment := hashID("eni-attach", eth1, machine)
	all := []string{eth0, eth1, pod, nat, elb, free4}
	testFilters(t, listInterfaces, interfaceAttrs(), []filterCase{
		{"addresses.primary=false", []string{eth0}},
		{"addresses.private-ip-address=10.0.1.6", []string{eth0}},
		{"attachment.attachment-id=" + attachment, []string{eth1}},
		{"attachment.device-index=1", []string{eth1, nat, elb}},
		{"attachment.instance-id=" + machine, []string{eth0, eth1}},
		{"attachment.instance-owner-id=amazon-*", []string{nat, elb}},
		{"attachment.status=attached", []string{eth0, eth1, pod, nat, elb}},
		{"availability-zone=eu-west-1b", []string{eth1, pod}},
		{"availability-zone-id=euw1-az1", []string{eth0, nat, elb}},
		{"description=Interface for NAT Gateway *", []string{nat}},
		{"description=", []string{eth1, pod, free4}},
		{"group-id=" + webGroup, []string{eth0}},
		{"group-name=d?", []string{eth0}},
		{"ipv6-addresses.ipv6-address=2001:db8:1:6::7", []string{pod}},
		{"ipv6-addresses.ipv6-address=fe80::1", nil},
		{"interface-type=natGateway", []string{nat}},
		{"mac-address=02:00:00:00:00:0?", []string{eth0, eth1}},
		{"network-interface-id=" + elb, []string{elb}},
		{"operator.managed=false", all},
		{"owner-id=" + other, []string{nat}},
		{"private-dns-name=*", nil},
		{"private-ip-address=10.0.1.*", []string{eth0, nat, elb}},
		{"requester-id=amazon-elb", []string{elb}},
		{"requester-managed=true", []string{nat, elb}},
		{"source-dest-check=false", []string{nat}},
		{"status=available", []string{free4}},
		{"subnet-id=" + factory, []string{eth1}},
		{"vpc-id=" + prod, []string{eth0, pod, nat, elb, free4}},
		{"tag:role=front*", []string{eth0}},
		{"tag:Name=*", []string{elb}}, // DeleteTags took the other
		{"tag-key=zebra", []string{eth0}},
	})
}

// TestManagedResourcesAreShown: nothing here is hidden, so that a client that also
// asks for what is gets the same.
func TestManagedResourcesAreShown(t *testing.T) {
	a := townAPI(t)
	for action, count := range map[string]func(string) (int, error){
		"DescribeNetworkInterfaces": func(q string) (int, error) {
			out, err := call[ec2.DescribeNetworkInterfacesAnswer](t, a, "DescribeNetworkInterfaces", q)
			return len(out.NetworkInterfaces), err
		},
		"DescribeInstances": func(q string) (int, error) {
			out, err := call[ec2.DescribeInstancesAnswer](t, a, "DescribeInstances", q)
			return len(out.Reservations), err
		},
	} {
		want, _ := count("")
		for _, q := range []string{"IncludeManagedResources=true", "IncludeManagedResources=false"} {
			if got, err := count(q); err != nil || got != want || got == 0 {
				t.Errorf("%s %s: %d, %v, want %d", action, q, got, err, want)
			}
		}
	}
}
