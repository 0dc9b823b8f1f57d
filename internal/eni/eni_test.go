package eni

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/ec2"
)

func TestService(t *testing.T) {
	attached := &ec2.Attachment{InstanceID: "i-1"}
	for _, tt := range []struct {
		name string
		of   ec2.NetworkInterface
		want string
	}{
		{"nothing tells", ec2.NetworkInterface{InterfaceType: "interface", Description: "mine"}, ""},
		{"an instance's", ec2.NetworkInterface{InterfaceType: "interface", Description: "Primary network interface", Attachment: attached}, "ec2"},
		{"a service is before the instance", ec2.NetworkInterface{Description: "aws-K8S-i-0a1b", Attachment: attached}, "eks"},
		{"application load balancer", ec2.NetworkInterface{RequesterID: "amazon-elb", Description: "ELB app/my-alb/50dc6c495c0c9188"}, "alb"},
		{"network load balancer", ec2.NetworkInterface{InterfaceType: "network_load_balancer", Description: "ELB net/my/50dc"}, "nlb"},
		{"gateway load balancer", ec2.NetworkInterface{InterfaceType: "gateway_load_balancer", Description: "ELB gwy/my/50dc"}, "gwlb"},
		{"classic load balancer", ec2.NetworkInterface{RequesterID: "amazon-elb", Description: "ELB web-1"}, "clb"},
		{"load balancer of a kind unknown", ec2.NetworkInterface{RequesterID: "amazon-elb", Description: "ELB new/my/50dc"}, "elb"},
		{"somebody's remark on a load balancer", ec2.NetworkInterface{Description: "ELB of the shop"}, ""},
		{"RDS by requester", ec2.NetworkInterface{RequesterID: "amazon-rds"}, "rds"},
		{"RDS by description", ec2.NetworkInterface{RequesterID: "123456789012", Description: "RDSNetworkInterface"}, "rds"},
		{"RDS proxy", ec2.NetworkInterface{Description: "Network interface for DBProxy prx-1"}, "rds"},
		{"ElastiCache", ec2.NetworkInterface{RequesterID: "amazon-elasticache", Description: "ElastiCache cache-0001-001"}, "elasticache"},
		{"Redshift", ec2.NetworkInterface{Description: "RedshiftNetworkInterface"}, "redshift"},
		{"WorkSpaces", ec2.NetworkInterface{Description: "Created By Amazon Workspaces for AWS Account ID 123456789012"}, "workspaces"},
		{"NAT gateway", ec2.NetworkInterface{InterfaceType: "natGateway", Description: "Interface for NAT Gateway nat-0f4d22a3e997d73c2"}, "nat"},
		{"transit gateway", ec2.NetworkInterface{InterfaceType: "transit_gateway", Description: "Network Interface for Transit Gateway Attachment tgw-attach-1"}, "tgw"},
		{"Lambda", ec2.NetworkInterface{InterfaceType: "lambda", Description: "AWS Lambda VPC ENI-f-8a"}, "lambda"},
		{"VPC endpoint", ec2.NetworkInterface{InterfaceType: "vpc_endpoint", Description: "VPC Endpoint Interface vpce-1"}, "endpoint"},
		{"endpoint of a gateway load balancer", ec2.NetworkInterface{InterfaceType: "gateway_load_balancer_endpoint"}, "endpoint"},
		{"EFS", ec2.NetworkInterface{Description: "EFS mount target for fs-1 (fsmt-2)"}, "efs"},
		{"ECS task", ec2.NetworkInterface{Description: "arn:aws-cn:ecs:cn-north-1:123456789012:attachment/0b1f"}, "ecs"},
		{"EKS control plane", ec2.NetworkInterface{Description: "Amazon EKS prod"}, "eks"},
		{"directory", ec2.NetworkInterface{Description: "AWS created network interface for directory d-926"}, "directory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Service(&tt.of); got != tt.want {
				t.Errorf("Service is %q, want %q", got, tt.want)
			}
		})
	}
}

func TestLoadBalancersAreOneService(t *testing.T) {
	for _, d := range []string{"ELB app/a/1", "ELB net/a/1", "ELB gwy/a/1", "ELB a"} {
		if !BelongsTo(&ec2.NetworkInterface{Description: d}, "elb") {
			t.Errorf("%q is not of elb", d)
		}
	}
	if BelongsTo(&ec2.NetworkInterface{Description: "ELB app/a/1"}, "nlb") {
		t.Error("an application load balancer is a network load balancer")
	}
}

func TestRulesHaveASource(t *testing.T) {
	for _, r := range rules() {
		if r.source == "" {
			t.Errorf("%s has none", r.service)
		}
	}
	if s := Services(); !slices.IsSorted(s) || !slices.Contains(s, "elb") || !slices.Contains(s, "ec2") {
		t.Errorf("the services are %q", s)
	}
}

func TestAddresses(t *testing.T) {
	public := &ec2.Association{PublicIP: "203.0.113.5"}
	got := Addresses(&ec2.NetworkInterface{
		PrivateIPAddress: "10.0.0.5", Association: public,
		PrivateIPAddresses: []ec2.PrivateAddress{{PrivateIPAddress: "10.0.0.5", Primary: true, Association: public}, {PrivateIPAddress: "10.0.0.6"}},
		IPv6Addresses:      []ec2.IPv6Address{{IPv6Address: "2001:db8::5"}},
	})
	if diff := cmp.Diff(got, []string{"10.0.0.5", "10.0.0.6", "2001:db8::5", "203.0.113.5"}); diff != "" {
		t.Errorf("addresses (-got +want):\n%s", diff)
	}
	if got := Tag([]ec2.Tag{{Key: "Name", Value: "web"}}, "Name"); got != "web" {
		t.Errorf("the name is %q", got)
	}
}
