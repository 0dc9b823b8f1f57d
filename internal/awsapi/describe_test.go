package awsapi

import (
	"encoding/xml"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/ec2"
	"weir/internal/kv"
	"weir/internal/kv/kvtest"
	"weir/internal/vpc"
)

func cidrs(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func addrs(list ...string) (out []netip.Addr) {
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

// Ids of the town, which has one of everything.
const (
	account = "123456789012"
	other   = "210987654321"

	prod, lab, host = "vpc-0000000000000000a", "vpc-0000000000000000b", "vpc-0000000000000000c"

	web, factory, six, edgeZone = "subnet-0000000000000000a", "subnet-0000000000000000b", "subnet-0000000000000000c", "subnet-0000000000000000d"

	eth0, eth1, pod, nat, elb, free4 = "eni-0000000000000000a", "eni-0000000000000000b", "eni-0000000000000000c",
		"eni-0000000000000000d", "eni-0000000000000000e", "eni-0000000000000000f"

	machine, container = "i-0000000000000000a", "i-0000000000000000b"

	webGroup, dbGroup, hostGroup = "sg-0000000000000000a", "sg-0000000000000000b", "sg-0000000000000000c"
	offices                      = "pl-0000000000000000a"
	edge, labACL                 = "acl-0000000000000000a", "acl-0000000000000000b"
)

func town() vpc.Network {
	zone1, zone2 := vpc.Zone{Name: "eu-west-1a", ID: "euw1-az1"}, vpc.Zone{Name: "eu-west-1b", ID: "euw1-az2"}
	return vpc.Network{
		AccountID: account, Region: "eu-west-1", Zones: []vpc.Zone{zone1, zone2},
		VPCs: []vpc.VPC{
			{ID: prod, AccountID: account, CIDRs: cidrs("10.0.0.0/16", "10.9.0.0/16", "2001:db8:1::/56"), Tags: vpc.Tags{"team": "platform", "Name": "prod"}},
			{ID: lab, AccountID: other, CIDRs: cidrs("172.16.0.0/12")},
			{ID: host, AccountID: account, Default: true},
		},
		Subnets: []vpc.Subnet{
			{ID: web, AccountID: account, VPCID: prod, CIDRs: cidrs("10.0.1.0/24", "2001:db8:1:1::/64"), Zone: zone1, NetworkACLID: edge, Tags: vpc.Tags{"tier": "web"}},
			{ID: factory, AccountID: other, VPCID: lab, CIDRs: cidrs("172.16.1.0/28"), Zone: zone2, Sublocation: vpc.Sublocation{Type: "outpost", ID: "op-0a1b2c3d4e5f60718"}, NetworkACLID: labACL},
			{ID: six, AccountID: account, VPCID: prod, CIDRs: cidrs("2001:db8:1:6::/64"), Zone: zone2},
			{ID: edgeZone, AccountID: account, VPCID: prod, CIDRs: cidrs("10.0.7.0/24"), Zone: zone1, Sublocation: vpc.Sublocation{Type: "localzone", ID: "euw1-lax1-az1"}},
		},
		SecurityGroups: []vpc.SecurityGroup{
			{ID: webGroup, AccountID: account, VPCID: prod, Name: "web", Description: "web servers", Tags: vpc.Tags{"team": "web"},
				Ingress: []vpc.SecurityGroupRule{
					{Protocol: vpc.ProtoTCP, Ports: vpc.PortRange{From: 443, To: 443}, CIDRs: cidrs("0.0.0.0/0", "::/0"), Description: "HTTPS"},
					{Protocol: vpc.ProtoTCP, Ports: vpc.PortRange{From: 443, To: 443}, Groups: []string{dbGroup}},
					{Protocol: vpc.ProtoICMP, ICMP: &vpc.ICMP{Type: 8, Code: -1}, CIDRs: cidrs("10.0.0.0/8")},
				},
				Egress: []vpc.SecurityGroupRule{{Protocol: vpc.AllProtocols, CIDRs: cidrs("0.0.0.0/0")}}},
			{ID: dbGroup, AccountID: account, VPCID: prod, Name: "db",
				Ingress: []vpc.SecurityGroupRule{{Protocol: 47, Groups: []string{webGroup}}},
				Egress:  []vpc.SecurityGroupRule{{Protocol: vpc.ProtoUDP, CIDRs: cidrs("2001:db8::/32"), Groups: []string{dbGroup}, PrefixLists: []string{offices}, Description: "there"}}},
			{ID: hostGroup, AccountID: other, VPCID: host, Name: "web"},
		},
		NetworkACLs: []vpc.NetworkACL{
			{ID: edge, AccountID: account, VPCID: prod, Name: "edge", Tags: vpc.Tags{"team": "network"},
				Ingress: []vpc.ACLEntry{
					{Number: 100, Protocol: vpc.ProtoTCP, CIDR: cidrs("203.0.113.0/24")[0], Ports: vpc.PortRange{From: 22, To: 23}},
					{Number: 110, Allow: true, Protocol: vpc.ProtoICMP, CIDR: cidrs("0.0.0.0/0")[0], ICMP: &vpc.ICMP{Type: 3, Code: 4}},
				},
				Egress: []vpc.ACLEntry{{Number: 120, Allow: true, Protocol: vpc.ProtoUDP, CIDR: cidrs("2001:db8::/32")[0]}}},
			{ID: labACL, AccountID: other, VPCID: lab, Default: true,
				Ingress: []vpc.ACLEntry{{Number: 90, Allow: true, Protocol: vpc.ProtoICMPv6, CIDR: cidrs("0.0.0.0/0")[0]}}},
		},
		Interfaces: []*vpc.Interface{
			{ID: eth1, AccountID: account, Region: "eu-west-1", VPCID: lab, SubnetID: factory, InstanceID: machine, Name: "eth1",
				Addrs: addrs("172.16.1.5"), MAC: "02:00:00:00:00:02", Device: vpc.Device{Name: "eth1", Index: 3}},
			{ID: eth0, AccountID: account, Region: "eu-west-1", AZID: "euw1-az1", VPCID: prod, SubnetID: web, InstanceID: machine, Name: "eth0",
				Addrs: addrs("10.0.1.5", "10.0.1.6", "2001:db8:1:1::5", "fe80::1"), MAC: "02:00:00:00:00:01", Description: "front door",
				SecurityGroups: []string{webGroup, dbGroup}, Tags: vpc.Tags{"role": "frontend", "Name": "a"}, InstanceTags: vpc.Tags{"Name": "web-1"},
				Device: vpc.Device{Name: "eth0", Index: 2}},
			{ID: pod, AccountID: account, Region: "eu-west-1", AZID: "euw1-az2", VPCID: prod, SubnetID: six, InstanceID: container,
				Addrs: addrs("2001:db8:1:6::7"), InstanceTags: vpc.Tags{"app": "shop"}, Device: vpc.Device{Name: "eth0", Index: 2, Space: "pod"}},
			{ID: nat, AccountID: other, Region: "eu-west-1", AZID: "euw1-az1", VPCID: prod, SubnetID: web, Addrs: addrs("10.0.1.10"),
				Type: vpc.TypeNATGateway, Service: "amazon-nat", Description: "Interface for NAT Gateway nat-0a1b2c3d4e5f60718"},
			{ID: elb, AccountID: account, Region: "eu-west-1", AZID: "euw1-az1", VPCID: prod, SubnetID: web, Addrs: addrs("10.0.1.11"),
				Service: "amazon-elb", Tags: vpc.Tags{"Name": "shop"}},
			{ID: free4, AccountID: account, Region: "eu-west-1", VPCID: prod, SubnetID: edgeZone, Addrs: addrs("10.0.7.9")},
		},
	}
}

// townOutpost is where the subnet factory is.
const townOutpost = "arn:aws:outposts:eu-west-1:" + other + ":outpost/op-0a1b2c3d4e5f60718"

// townAPI is a service that knows the town. CreateTags gave eth0 a tag and took
// one; the model's subnets have theirs.
func townAPI(tb testing.TB) *API {
	x, tags := vpc.NewIndex(town()), kvtest.New()
	for id, o := range map[string]string{
		eth0: `{"set":{"zebra":"z","alpha":"1"},"gone":{"Name":true}}`,
		lab:  `{"set":{"added":"yes"}}`,
	} {
		if _, err := tags.Put(tb.Context(), id, []byte(o)); err != nil {
			tb.Fatal(err)
		}
	}
	s := new(views)
	a := &API{views: s, actions: actions(s), changes: kv.NewCopy(tags, decodeChange), cfg: Config{
		Account: account, Region: "eu-west-1", Model: func() *vpc.Index { return x }, Tags: tags,
	}}
	tb.Cleanup(a.Close)
	return a
}

// call makes a call with the parameters of a query, and reads the answer as a
// client does.
func call[T any](t testing.TB, a *API, action, query string) (*T, error) {
	t.Helper()
	params, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := a.actions[action].run(a, t.Context(), params)
	if err != nil {
		return nil, err
	}
	body, err := ec2.AppendAnswer(nil, answer, "request")
	if err != nil {
		t.Fatal(err)
	}
	out := new(T)
	if err := xml.Unmarshal(body, out); err != nil {
		t.Fatal(err)
	}
	return out, nil
}

// A listing makes a call and returns the ids in its answer.
type listing func(t *testing.T, a *API, query string) ([]string, error)

func lists[T, E any](action string, items func(*T) []E, id func(*E) string) listing {
	return func(t *testing.T, a *API, query string) ([]string, error) {
		t.Helper()
		answer, err := call[T](t, a, action, query)
		if err != nil {
			return nil, err
		}
		var out []string
		for _, item := range items(answer) {
			out = append(out, id(&item))
		}
		return out, nil
	}
}

var (
	listInterfaces = lists("DescribeNetworkInterfaces", func(a *ec2.DescribeNetworkInterfacesAnswer) []ec2.NetworkInterface { return a.NetworkInterfaces },
		func(i *ec2.NetworkInterface) string { return i.ID })
	listSubnets = lists("DescribeSubnets", func(a *ec2.DescribeSubnetsAnswer) []ec2.Subnet { return a.Subnets }, func(s *ec2.Subnet) string { return s.ID })
	listVPCs    = lists("DescribeVpcs", func(a *ec2.DescribeVPCsAnswer) []ec2.VPC { return a.VPCs }, func(p *ec2.VPC) string { return p.ID })
	listGroups  = lists("DescribeSecurityGroups", func(a *ec2.DescribeSecurityGroupsAnswer) []ec2.SecurityGroup { return a.SecurityGroups },
		func(g *ec2.SecurityGroup) string { return g.ID })
	listRules = lists("DescribeSecurityGroupRules", func(a *ec2.DescribeSecurityGroupRulesAnswer) []ec2.SecurityGroupRule { return a.Rules },
		func(r *ec2.SecurityGroupRule) string { return r.ID })
	listACLs      = lists("DescribeNetworkAcls", func(a *ec2.DescribeNetworkACLsAnswer) []ec2.NetworkACL { return a.NetworkACLs }, func(a *ec2.NetworkACL) string { return a.ID })
	listInstances = lists("DescribeInstances", func(a *ec2.DescribeInstancesAnswer) []ec2.Reservation { return a.Reservations },
		func(r *ec2.Reservation) string { return r.Instances[0].ID })
	listRegions = lists("DescribeRegions", func(a *ec2.DescribeRegionsAnswer) []ec2.Region { return a.Regions }, func(r *ec2.Region) string { return r.Name })
	listZones   = lists("DescribeAvailabilityZones", func(a *ec2.DescribeAvailabilityZonesAnswer) []ec2.AvailabilityZone { return a.Zones },
		func(z *ec2.AvailabilityZone) string { return z.ID })
)

// A filterCase is a filter "name=value" and the ids it lets through.
type filterCase struct {
	filter string
	want   []string
}

// testFilters tests filters, and that there is a case for each that can match.
func testFilters[T any](t *testing.T, list listing, attrs map[string]func(*T) []string, cases []filterCase) {
	t.Helper()
	a := townAPI(t)
	missing := make(map[string]bool)
	for name, get := range attrs {
		missing[name] = get != nil
		if get == nil {
			cases = append(cases, filterCase{name + "=*", nil})
		}
	}
	for _, c := range cases {
		name, value, _ := strings.Cut(c.filter, "=")
		missing[name] = false
		got, err := list(t, a, url.Values{"Filter.1.Name": {name}, "Filter.1.Value.1": {value}}.Encode())
		if slices.Sort(c.want); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, %v, want %v", c.filter, got, err, c.want)
		}
	}
	for name, yes := range missing {
		if yes {
			t.Errorf("no case for %s", name)
		}
	}
}

// same compares an item of an answer with what it should be.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("%s (-got +want):\n%s", what, d)
	}
}

func TestDescribeRefuses(t *testing.T) {
	a := townAPI(t)
	for _, tt := range []struct {
		list  listing
		query string
		want  string
	}{
		{listInterfaces, "NetworkInterfaceId.1=eni-01234567", "InvalidNetworkInterfaceID.NotFound: The networkInterface ID 'eni-01234567' does not exist"},
		{listInterfaces, "NetworkInterfaceId.1=" + eth0 + "&NetworkInterfaceId.2=eni-01234567", "InvalidNetworkInterfaceID.NotFound: The networkInterface ID 'eni-01234567' does not exist"},
		{listInterfaces, "NetworkInterfaceId.1=to-set", `InvalidNetworkInterfaceId.Malformed: Invalid id: "to-set" (expecting "eni-...")`},
		{listInterfaces, "NetworkInterfaceId.1=" + eth0 + "&MaxResults=5", "InvalidParameterCombination: The parameter networkInterfaceIdSet cannot be used with the parameter maxResults"},
		{listInterfaces, "MaxResults=4", "InvalidParameterValue: Value ( 4 ) for parameter maxResults is invalid. Expecting a value greater than 5."},
		{listInterfaces, "NextToken=x", "InvalidNextToken: The token 'x' is invalid"},
		{listInterfaces, "Filter.1.Name=tag&Filter.1.Value.1=x", "InvalidParameterValue: The filter 'tag' is invalid"},
		{listSubnets, "SubnetId.1=subnet-x", "InvalidSubnetID.NotFound: The subnet ID 'subnet-x' does not exist"},
		{listVPCs, "VpcId.1=vpc-x", "InvalidVpcID.NotFound: The vpc ID 'vpc-x' does not exist"},
		{listGroups, "GroupId.1=sg-01234567", "InvalidGroup.NotFound: The security group 'sg-01234567' does not exist"},
		{listGroups, "GroupId.1=default", `InvalidGroupId.Malformed: Invalid id: "default" (expecting "sg-...")`},
		{listGroups, "GroupName.1=db", "InvalidGroup.NotFound: The security group 'db' does not exist in default VPC '" + host + "'"},
		{listRules, "SecurityGroupRuleId.1=sgr-01234567", "InvalidSecurityGroupRuleId.NotFound: The security group rule ID 'sgr-01234567' does not exist"},
		{listACLs, "NetworkAclId.1=acl-01234567", "InvalidNetworkAclID.NotFound: The network acl ID 'acl-01234567' does not exist"},
		{listInstances, "InstanceId.1=i-01234567", "InvalidInstanceID.NotFound: The instance ID 'i-01234567' does not exist"},
		{listInstances, "InstanceId.1=i-01234567&InstanceId.2=" + machine + "&InstanceId.3=i-12345678", "InvalidInstanceID.NotFound: The instance IDs 'i-01234567, i-12345678' do not exist"},
		{listInstances, "InstanceId.1=i-x", `InvalidInstanceID.Malformed: Invalid id: "i-x"`},
		{listInstances, "InstanceId.1=foo", `InvalidInstanceID.Malformed: Invalid id: "foo" (expecting "i-...")`},
		{listInstances, "InstanceId.1=" + machine + "&MaxResults=5", "InvalidParameterCombination: The parameter instancesSet cannot be used with the parameter maxResults"},
		{listRegions, "RegionName.1=us-east-1", "InvalidParameterValue: Value (us-east-1) for parameter RegionName is invalid."},
		{listZones, "ZoneName.1=eu-west-1c", "InvalidParameterValue: Value (eu-west-1c) for parameter ZoneName is invalid."},
		{listZones, "ZoneId.1=x", "InvalidParameterValue: Value (x) for parameter ZoneId is invalid."},
		{listZones, "Filter.1.Name=tag-key&Filter.1.Value.1=x", "InvalidParameterValue: The filter 'tag-key' is invalid"},
	} {
		got, err := tt.list(t, a, tt.query)
		var e *ec2.Error
		if !errors.As(err, &e) || e.Error() != tt.want {
			t.Errorf("%s: got %v, %v, want %s", tt.query, got, err, tt.want)
		}
	}
}

func TestDescribeByID(t *testing.T) {
	a := townAPI(t)
	for _, tt := range []struct {
		list  listing
		query string
		want  []string
	}{
		{listInterfaces, "NetworkInterfaceId.1=" + nat + "&NetworkInterfaceId.2=" + eth0 + "&NetworkInterfaceId.3=" + nat, []string{eth0, nat}},
		{listInterfaces, "NetworkInterfaceId.1=" + nat + "&Filter.1.Name=status&Filter.1.Value.1=available", nil},
		{listSubnets, "SubnetId.1=" + web + "&MaxResults=5", []string{web}},
		{listVPCs, "VpcId.1=" + lab, []string{lab}},
		{listGroups, "GroupId.1=" + dbGroup, []string{dbGroup}},
		{listGroups, "GroupName.1=web", []string{hostGroup}},
		{listACLs, "NetworkAclId.1=" + edge, []string{edge}},
		{listInstances, "InstanceId.1=" + container, []string{container}},
		{listRegions, "RegionName.1=eu-west-1&AllRegions=true", []string{"eu-west-1"}},
		{listZones, "ZoneName.1=eu-west-1b", []string{"euw1-az2"}},
		{listZones, "ZoneId.1=euw1-az1", []string{"euw1-az1"}},
		{listZones, "", []string{"euw1-az1", "euw1-az2"}},
	} {
		if got, err := tt.list(t, a, tt.query); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, %v, want %v", tt.query, got, err, tt.want)
		}
	}
}

func TestDescribePages(t *testing.T) {
	a := townAPI(t)
	first, err := call[ec2.DescribeNetworkInterfacesAnswer](t, a, "DescribeNetworkInterfaces", "MaxResults=5")
	if err != nil || len(first.NetworkInterfaces) != 5 || first.NextToken == "" {
		t.Fatalf("%+v, %v", first, err)
	}
	rest, err := call[ec2.DescribeNetworkInterfacesAnswer](t, a, "DescribeNetworkInterfaces", "MaxResults=5&NextToken="+url.QueryEscape(first.NextToken))
	if err != nil || len(rest.NetworkInterfaces) != 1 || rest.NextToken != "" || rest.NetworkInterfaces[0].ID != free4 {
		t.Errorf("%+v, %v", rest, err)
	}
}

func TestViewIsMadeOnceForAnIndex(t *testing.T) {
	var s views
	x, y := vpc.NewIndex(town()), vpc.NewIndex(town())
	v := s.of(x)
	if s.of(x) != v || s.of(y) == v || s.of(y).x != y {
		t.Error("a view belongs to one index")
	}
	if first := v.interfaces(); v.interfaces() != first {
		t.Error("a table is made twice")
	}
}
