package sdktest

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"weir/internal/awsapi"
	"weir/internal/flowlog"
	"weir/internal/kv/kvtest"
	"weir/internal/sigv4"
	"weir/internal/vpc"
)

// office is a network with one of everything that is described, and twelve
// interfaces more.
const office = `
account: "123456789012"
region: eu-west-1
availability-zone: eu-west-1a
availability-zone-id: euw1-az1
vpcs:
  - {id: vpc-0a1b2c3d4e5f60718, name: production, cidrs: [10.0.0.0/16, "2001:db8:1::/56"], default: true, tags: {team: platform}}
subnets:
  - {id: subnet-0a1b2c3d4e5f60718, name: web-a, cidrs: [10.0.1.0/24, "2001:db8:1:1::/64"], network-acl: edge, tags: {tier: web}}
interfaces:
  - id: eni-0a1b2c3d4e5f60718
    addresses: [10.0.1.5, 10.0.1.6, "2001:db8:1:1::5"]
    instance-id: i-0a1b2c3d4e5f60718
    instance-tags: {Name: web-1}
    tags: {role: frontend}
    description: front door
    security-groups: [web]
  - {id: eni-0b1b2c3d4e5f60718, addresses: [10.0.1.10], account: "210987654321", type: natGateway, service: amazon-nat}
security-groups:
  - name: web
    id: sg-0a1b2c3d4e5f60718
    description: web servers
    ingress:
      - {protocol: tcp, ports: 443, cidrs: [0.0.0.0/0, "::/0"], description: HTTPS}
      - {protocol: icmp, icmp: {type: 8}, security-groups: [web]}
network-acls:
  - {name: edge, id: acl-0a1b2c3d4e5f60718, ingress: [{number: 100, action: deny, protocol: tcp, cidr: 203.0.113.0/24, ports: 22}]}
`

const more = 12

// describer returns a client of a service that knows the office.
func describer(t *testing.T) *ec2.Client {
	t.Helper()
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	text := office
	declared, rest, _ := strings.Cut(text, "security-groups:\n  - name")
	for n := range more {
		declared += fmt.Sprintf("  - {addresses: [10.0.1.%d], tags: {number: \"%d\"}}\n", 100+n, n)
	}
	c, err := vpc.Parse("weir.yaml", []byte(declared+"security-groups:\n  - name"+rest))
	if err != nil {
		t.Fatal(err)
	}
	index := vpc.NewIndex(c.Network())
	key := sigv4.Key{ID: "AKIAIOSFODNN7EXAMPLE", Secret: "secret"}
	api, err := awsapi.New(awsapi.Config{
		Account: "123456789012", Region: "eu-west-1", Logs: flowlog.NewStore(kvtest.New(), kvtest.New()),
		Keys:  func(id string) (sigv4.Key, bool) { return key, id == key.ID },
		Model: func() *vpc.Index { return index }, Tags: kvtest.New(), Tokens: kvtest.New(),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	// Retries are left on: the SDK closes, once in a hundred calls, a request that is
	// being answered already (seen with smithy-go 1.28.9 against any Go server).
	return ec2.New(ec2.Options{
		BaseEndpoint: &server.URL, Region: "eu-west-1",
		Credentials: credentials.NewStaticCredentialsProvider(key.ID, key.Secret, ""),
	})
}

func where(name string, values ...string) []types.Filter {
	return []types.Filter{{Name: &name, Values: values}}
}

func TestDescribeInterfaces(t *testing.T) {
	c := describer(t)
	got, err := c.DescribeNetworkInterfaces(t.Context(), &ec2.DescribeNetworkInterfacesInput{Filters: where("tag:role", "front*")})
	if err != nil || len(got.NetworkInterfaces) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	i := got.NetworkInterfaces[0]
	if aws.ToString(i.PrivateIpAddress) != "10.0.1.5" || len(i.PrivateIpAddresses) != 2 || !*i.PrivateIpAddresses[0].Primary ||
		aws.ToString(i.Ipv6Addresses[0].Ipv6Address) != "2001:db8:1:1::5" || i.Status != types.NetworkInterfaceStatusInUse ||
		i.InterfaceType != types.NetworkInterfaceTypeInterface || aws.ToString(i.Groups[0].GroupName) != "web" ||
		aws.ToString(i.Attachment.InstanceId) != "i-0a1b2c3d4e5f60718" || i.Attachment.Status != types.AttachmentStatusAttached ||
		i.Association != nil || len(i.TagSet) != 1 || aws.ToString(i.AvailabilityZoneId) != "euw1-az1" {
		t.Errorf("an interface of an instance: %+v", i)
	}
	got, err = c.DescribeNetworkInterfaces(t.Context(), &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{"eni-0b1b2c3d4e5f60718"}})
	if err != nil || !*got.NetworkInterfaces[0].RequesterManaged || got.NetworkInterfaces[0].InterfaceType != types.NetworkInterfaceTypeNatGateway {
		t.Errorf("a service's interface: %+v, %v", got, err)
	}
}

func TestPaginator(t *testing.T) {
	p := ec2.NewDescribeNetworkInterfacesPaginator(describer(t), &ec2.DescribeNetworkInterfacesInput{MaxResults: aws.Int32(5)})
	var ids []string
	pages := 0
	for ; p.HasMorePages(); pages++ {
		got, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range got.NetworkInterfaces {
			ids = append(ids, *i.NetworkInterfaceId)
		}
	}
	if pages != 3 || len(ids) != more+2 || !slices.IsSorted(ids) || len(slices.Compact(ids)) != more+2 {
		t.Errorf("%d pages: %v", pages, ids)
	}
}

func TestDescribeNetwork(t *testing.T) {
	c, ctx := describer(t), t.Context()
	vpcs, err := c.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{Filters: where("isDefault", "true")})
	if err != nil || len(vpcs.Vpcs) != 1 || aws.ToString(vpcs.Vpcs[0].CidrBlock) != "10.0.0.0/16" || len(vpcs.Vpcs[0].Ipv6CidrBlockAssociationSet) != 1 {
		t.Errorf("DescribeVpcs: %+v, %v", vpcs, err)
	}
	subnets, err := c.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: where("vpc-id", "vpc-0a1b2c3d4e5f60718")})
	if err != nil || len(subnets.Subnets) != 1 || aws.ToInt32(subnets.Subnets[0].AvailableIpAddressCount) != 256-5-3-more {
		t.Errorf("DescribeSubnets: %+v, %v", subnets, err)
	}
	groups, err := c.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupNames: []string{"web"}})
	if err != nil || len(groups.SecurityGroups) != 1 || len(groups.SecurityGroups[0].IpPermissions) != 2 ||
		aws.ToInt32(groups.SecurityGroups[0].IpPermissions[1].ToPort) != -1 {
		t.Errorf("DescribeSecurityGroups: %+v, %v", groups, err)
	}
	rules, err := c.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{Filters: where("group-id", "sg-0a1b2c3d4e5f60718")})
	if err != nil || len(rules.SecurityGroupRules) != 5 {
		t.Errorf("DescribeSecurityGroupRules: %+v, %v", rules, err)
	}
	acls, err := c.DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{Filters: where("association.subnet-id", "subnet-0a1b2c3d4e5f60718")})
	if err != nil || len(acls.NetworkAcls) != 1 || len(acls.NetworkAcls[0].Entries) != 5 || aws.ToInt32(acls.NetworkAcls[0].Entries[0].RuleNumber) != 32767 {
		t.Errorf("DescribeNetworkAcls: %+v, %v", acls, err)
	}
	regions, err := c.DescribeRegions(ctx, &ec2.DescribeRegionsInput{AllRegions: aws.Bool(true)})
	if err != nil || len(regions.Regions) != 1 || aws.ToString(regions.Regions[0].RegionName) != "eu-west-1" {
		t.Errorf("DescribeRegions: %+v, %v", regions, err)
	}
	zones, err := c.DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{ZoneNames: []string{"eu-west-1a"}})
	if err != nil || len(zones.AvailabilityZones) != 1 || zones.AvailabilityZones[0].State != types.AvailabilityZoneStateAvailable {
		t.Errorf("DescribeAvailabilityZones: %+v, %v", zones, err)
	}
}

func TestInstancesAreRunning(t *testing.T) {
	c := describer(t)
	w := ec2.NewInstanceRunningWaiter(c)
	got, err := w.WaitForOutput(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{"i-0a1b2c3d4e5f60718"}}, time.Minute)
	if err != nil || len(got.Reservations) != 1 || aws.ToString(got.Reservations[0].Instances[0].PrivateIpAddress) != "10.0.1.5" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestDescribeErrors(t *testing.T) {
	c, ctx := describer(t), t.Context()
	for want, run := range map[string]func() error{
		"InvalidNetworkInterfaceID.NotFound": func() error {
			_, err := c.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{"eni-0123456789abcdef0"}})
			return err
		},
		"InvalidInstanceID.Malformed": func() error {
			_, err := c.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{"web-1"}})
			return err
		},
		"InvalidParameterCombination": func() error {
			_, err := c.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{"i-0a1b2c3d4e5f60718"}, MaxResults: aws.Int32(5)})
			return err
		},
		"InvalidParameterValue": func() error {
			_, err := c.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: where("colour", "red")})
			return err
		},
		"InvalidNextToken": func() error {
			_, err := c.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{NextToken: aws.String("x")})
			return err
		},
		"DryRunOperation": func() error {
			_, err := c.DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{DryRun: aws.Bool(true)})
			return err
		},
	} {
		var e smithy.APIError
		if err := run(); !errors.As(err, &e) || e.ErrorCode() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
