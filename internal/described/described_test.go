package described

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"weir/internal/ec2client"
	"weir/internal/vpc"
)

var _ API = (*ec2client.Client)(nil)

// write makes files and returns their directory.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

var equal = cmp.Options{cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmpopts.EquateEmpty()}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(got, want, equal); diff != "" {
		t.Errorf("%s (-got +want):\n%s", what, diff)
	}
}

func p(s string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(s)} }

const groups = `{"SecurityGroups": [
 {"GroupId": "sg-1", "GroupName": "web", "Description": "web servers", "OwnerId": "123456789012", "VpcId": "vpc-1",
  "Tags": [{"Key": "team", "Value": "a"}],
  "IpPermissions": [
   {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
    "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "all"}, {"CidrIp": "10.1.2.3/8"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
    "UserIdGroupPairs": [{"GroupId": "sg-2", "UserId": "123456789012", "Description": "lb"}, {"GroupId": "sg-9", "UserId": "999999999999"}],
    "PrefixListIds": [{"PrefixListId": "pl-01", "Description": "cdn"}]},
   {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
   {"IpProtocol": "icmpv6", "FromPort": -1, "ToPort": -1, "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}]}],
  "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]},
 {"GroupId": "sg-2", "GroupName": "lb", "OwnerId": "123456789012", "VpcId": "vpc-1", "IpPermissions": [
   {"IpProtocol": "UDP", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
   {"IpProtocol": "6", "FromPort": 0, "ToPort": 65535, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
   {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 0, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
   {"IpProtocol": "50", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]}]}`

const acls = `{"NetworkAcls": [{"NetworkAclId": "acl-1", "VpcId": "vpc-1", "OwnerId": "123456789012", "IsDefault": true,
  "Associations": [{"NetworkAclAssociationId": "aclassoc-1", "NetworkAclId": "acl-1", "SubnetId": "subnet-1"}],
  "Tags": [{"Key": "Name", "Value": "edge"}],
  "Entries": [
   {"RuleNumber": 200, "Egress": false, "Protocol": "-1", "RuleAction": "allow", "CidrBlock": "0.0.0.0/0"},
   {"RuleNumber": 100, "Egress": false, "Protocol": "6", "RuleAction": "deny", "CidrBlock": "203.0.113.0/24", "PortRange": {"From": 22, "To": 23}},
   {"RuleNumber": 110, "Egress": false, "Protocol": "1", "RuleAction": "deny", "CidrBlock": "203.0.113.0/24", "IcmpTypeCode": {"Type": 8, "Code": 0}},
   {"RuleNumber": 101, "Egress": true, "Protocol": "17", "RuleAction": "allow", "Ipv6CidrBlock": "::/0", "PortRange": {"From": 0, "To": 65535}},
   {"RuleNumber": 32767, "Egress": false, "Protocol": "-1", "RuleAction": "deny", "CidrBlock": "0.0.0.0/0"},
   {"RuleNumber": 32768, "Egress": true, "Protocol": "-1", "RuleAction": "deny", "Ipv6CidrBlock": "::/0"}]}]}`

const interfaces = `{"NetworkInterfaces": [
 {"NetworkInterfaceId": "eni-1", "VpcId": "vpc-1", "SubnetId": "subnet-1", "OwnerId": "123456789012", "MacAddress": "02:00:00:00:00:01",
  "InterfaceType": "interface", "PrivateIpAddress": "10.0.0.4", "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.4", "Association": {"PublicIp": "203.0.113.4"}}, {"PrivateIpAddress": "10.0.0.5"}],
  "Ipv6Addresses": [{"Ipv6Address": "2001:db8::4"}], "Attachment": {"InstanceId": "i-1"}, "Groups": [{"GroupId": "sg-1"}],
  "AvailabilityZone": "eu-west-1a", "TagSet": [{"Key": "role", "Value": "front"}]},
 {"NetworkInterfaceId": "eni-2", "VpcId": "vpc-1", "SubnetId": "subnet-2", "OwnerId": "123456789012", "InterfaceType": "nat_gateway",
  "RequesterManaged": true, "RequesterId": "amazon-nat", "PrivateIpAddress": "10.0.1.4"}]}`

const places = `{"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.0.0/24", "OwnerId": "123456789012", "AvailabilityZone": "eu-west-1a", "AvailabilityZoneId": "euw1-az1",
  "Ipv6CidrBlockAssociationSet": [{"Ipv6CidrBlock": "2001:db8::/64", "Ipv6CidrBlockState": {"State": "associated"}}, {"Ipv6CidrBlock": "2001:db8:9::/64", "Ipv6CidrBlockState": {"State": "disassociated"}}]}]}
{"Vpcs": [{"VpcId": "vpc-1", "OwnerId": "123456789012", "CidrBlock": "10.0.0.0/16", "DhcpOptionsId": "dopt-1", "IsDefault": true,
  "CidrBlockAssociationSet": [{"CidrBlock": "10.0.0.0/16", "CidrBlockState": {"State": "associated"}}], "Tags": [{"Key": "Name", "Value": "main"}]}]}
{"Reservations": [{"Instances": [{"InstanceId": "i-1", "VpcId": "vpc-1", "Tags": [{"Key": "Name", "Value": "web-1"}]},
  {"InstanceId": "i-2", "VpcId": "vpc-1", "SubnetId": "subnet-1", "NetworkInterfaces": [
   {"NetworkInterfaceId": "eni-3", "OwnerId": "123456789012", "PrivateIpAddress": "10.0.0.9", "Groups": [{"GroupId": "sg-2"}]}]}]}]}`

const lists = `{"PrefixLists": [{"PrefixListId": "pl-01", "PrefixListName": "cdn"}, {"PrefixListId": "pl-02", "PrefixListName": "com.amazonaws.eu-west-1.s3", "Cidrs": ["52.218.0.0/17"]}]}`

const ruleIDs = `{"SecurityGroupRules": [
 {"SecurityGroupRuleId": "sgr-1", "GroupId": "sg-1", "IsEgress": false, "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv4": "0.0.0.0/0"},
 {"SecurityGroupRuleId": "sgr-2", "GroupId": "sg-1", "IsEgress": false, "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv6": "::/0"},
 {"SecurityGroupRuleId": "sgr-3", "GroupId": "sg-1", "IsEgress": false, "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "ReferencedGroupInfo": {"GroupId": "sg-2"}},
 {"SecurityGroupRuleId": "sgr-4", "GroupId": "sg-1", "IsEgress": false, "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListId": "pl-01"},
 {"SecurityGroupRuleId": "sgr-5", "GroupId": "sg-1", "IsEgress": false, "IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "CidrIpv4": "10.0.0.0/8"},
 {"SecurityGroupRuleId": "sgr-6", "GroupId": "sg-1", "IsEgress": true, "IpProtocol": "-1", "FromPort": -1, "ToPort": -1, "CidrIpv4": "0.0.0.0/0"},
 {"SecurityGroupRuleId": "sgr-7", "GroupId": "sg-1", "IsEgress": true, "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv4": "0.0.0.0/0"},
 {"SecurityGroupRuleId": "sgr-8", "GroupId": "sg-3", "IsEgress": false, "IpProtocol": "udp", "FromPort": 53, "ToPort": 53, "CidrIpv4": "10.0.0.0/8"}]}`

func TestLoad(t *testing.T) {
	dir := write(t, map[string]string{"sg.json": groups, "acl.json": acls, "eni.json": interfaces, "places.json": places,
		"lists.json": lists, "pl-01.json": `{"Entries": [{"Cidr": "192.0.2.0/24", "Description": "a"}, {"Cidr": "198.51.100.0/24"}]}`,
		"rules.json": ruleIDs, "other.json": `{"Functions": [1]}`, "entries.json": `{"Entries": [{"Source": "aws"}, 7]}`, "note.txt": "{"})
	n, missing, err := Load([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	tcp := func(id, description string) vpc.SecurityGroupRule {
		return vpc.SecurityGroupRule{ID: id, Description: description, Protocol: 6, Ports: vpc.PortRange{From: 443, To: 443}}
	}
	all, private, six, lb, other, cdn := tcp("sgr-1", "all"), tcp("", ""), tcp("sgr-2", ""), tcp("sgr-3", "lb"), tcp("", ""), tcp("sgr-4", "cdn")
	all.CIDRs, private.CIDRs, six.CIDRs = p("0.0.0.0/0"), p("10.0.0.0/8"), p("::/0")
	lb.Groups, other.Groups, cdn.PrefixLists = []string{"sg-2"}, []string{"sg-9"}, []string{"pl-01"}
	same(t, "security groups", n.SecurityGroups, []vpc.SecurityGroup{
		{ID: "sg-1", AccountID: "123456789012", VPCID: "vpc-1", Name: "web", Description: "web servers", Tags: vpc.Tags{"team": "a"},
			Ingress: []vpc.SecurityGroupRule{all, private, six, lb, other, cdn,
				{ID: "sgr-5", Protocol: 1, ICMP: &vpc.ICMP{Type: 8, Code: -1}, CIDRs: p("10.0.0.0/8")}, {Protocol: 58, CIDRs: p("2001:db8::/32")}},
			Egress: []vpc.SecurityGroupRule{{ID: "sgr-6", Protocol: vpc.AllProtocols, CIDRs: p("0.0.0.0/0")}}},
		{ID: "sg-2", AccountID: "123456789012", VPCID: "vpc-1", Name: "lb", Ingress: []vpc.SecurityGroupRule{
			{Protocol: 17, CIDRs: p("10.0.0.0/8")}, {Protocol: 6, CIDRs: p("10.0.0.0/8")}, {Protocol: 50, CIDRs: p("10.0.0.0/8")}}},
		{ID: "sg-3", Ingress: []vpc.SecurityGroupRule{{ID: "sgr-8", Protocol: 17, Ports: vpc.PortRange{From: 53, To: 53}, CIDRs: p("10.0.0.0/8")}}},
	})
	same(t, "network ACLs", n.NetworkACLs, []vpc.NetworkACL{{ID: "acl-1", AccountID: "123456789012", VPCID: "vpc-1", Name: "edge", Default: true,
		Tags: vpc.Tags{"Name": "edge"},
		Ingress: []vpc.ACLEntry{
			{Number: 100, Protocol: 6, CIDR: p("203.0.113.0/24")[0], Ports: vpc.PortRange{From: 22, To: 23}},
			{Number: 110, Protocol: 1, CIDR: p("203.0.113.0/24")[0], ICMP: &vpc.ICMP{Type: 8}},
			{Number: 200, Allow: true, Protocol: vpc.AllProtocols, CIDR: p("0.0.0.0/0")[0]}},
		Egress: []vpc.ACLEntry{{Number: 101, Allow: true, Protocol: 17, CIDR: p("::/0")[0]}}}})
	plan := vpc.AmazonPlan(p("10.0.0.0/16")[0], p("10.0.0.0/24")[0])
	same(t, "subnets", n.Subnets, []vpc.Subnet{{ID: "subnet-1", AccountID: "123456789012", VPCID: "vpc-1", NetworkACLID: "acl-1",
		CIDRs: append(p("10.0.0.0/24"), p("2001:db8::/64")...), Zone: vpc.Zone{Name: "eu-west-1a", ID: "euw1-az1"}, Plan: plan}})
	same(t, "VPCs", n.VPCs, []vpc.VPC{{ID: "vpc-1", AccountID: "123456789012", Name: "main", CIDRs: p("10.0.0.0/16"), Default: true, AmazonPlan: true, Tags: vpc.Tags{"Name": "main"}}})
	same(t, "interfaces", n.Interfaces, []*vpc.Interface{
		{ID: "eni-1", AccountID: "123456789012", Region: "eu-west-1", AZID: "euw1-az1", VPCID: "vpc-1", SubnetID: "subnet-1", InstanceID: "i-1", MAC: "02:00:00:00:00:01",
			Type: "interface", Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.4"), netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("2001:db8::4")},
			SecurityGroups: []string{"sg-1"}, Tags: vpc.Tags{"role": "front"}, InstanceTags: vpc.Tags{"Name": "web-1"}, Plan: plan},
		{ID: "eni-2", AccountID: "123456789012", Region: "eu-west-1", VPCID: "vpc-1", SubnetID: "subnet-2", Type: vpc.TypeNATGateway, Service: "amazon-nat", Addrs: []netip.Addr{netip.MustParseAddr("10.0.1.4")}},
		{ID: "eni-3", AccountID: "123456789012", Region: "eu-west-1", AZID: "euw1-az1", VPCID: "vpc-1", SubnetID: "subnet-1", InstanceID: "i-2", Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.9")}, SecurityGroups: []string{"sg-2"}, Plan: plan},
	})
	same(t, "prefix lists", n.PrefixLists, []vpc.PrefixList{
		{ID: "pl-02", Name: "com.amazonaws.eu-west-1.s3", CIDRs: p("52.218.0.0/17")},
		{ID: "pl-01", Name: "cdn", CIDRs: append(p("192.0.2.0/24"), p("198.51.100.0/24")...)}})
	if n.AccountID != "123456789012" || n.Region != "eu-west-1" {
		t.Errorf("account %q and region %q", n.AccountID, n.Region)
	}
	same(t, "missing", missing, []string{
		"security group sg-9 is referred to and not described",
		"security group sg-3 is known by rules alone",
		"security group rule sgr-7 is left out: the group, as it is described, has no such rule",
		"a rule for port 0 alone is left out of sg-2",
		"subnet subnet-2 is not described: what stays in it, where no network ACL sees it, is not known",
	})
}

func TestMissing(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		want       []string // parts, one for each that is missing
	}{
		{"interfaces alone", interfaces, []string{"no security groups: nothing can be said of them", "no network ACLs: nothing can be said of them"}},
		{"groups alone", groups, []string{"no network ACLs", "no network interfaces", "sg-9 is referred to", "prefix list pl-01 is referred to, with entries that are not known", "port 0"}},
		{"network ACLs alone", acls, []string{"no security groups", "no network interfaces"}},
		{"a list of nothing", `{"NetworkAcls": []}`, []string{"no security groups", "no network ACLs", "no network interfaces"}},
		{"an interface whose subnet has no ACL", strings.ReplaceAll(acls, "subnet-1", "subnet-7") + interfaces + places,
			[]string{"no security groups", "subnet subnet-2 is not described", "subnet subnet-1 is in no network ACL"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, missing, err := Load([]string{filepath.Join(write(t, map[string]string{"a.json": tt.file}), "a.json")})
			if err != nil || len(missing) != len(tt.want) {
				t.Fatalf("missing is %q, %v; want %q", missing, err, tt.want)
			}
			for i, want := range tt.want {
				if !strings.Contains(missing[i], want) {
					t.Errorf("missing is %q, want %q", missing[i], want)
				}
			}
		})
	}
}
