package awsapi

import (
	"context"

	"weir/internal/ec2"
)

// describeVPCAttribute answers for Terraform's data source "aws_vpc", which asks for
// each attribute. All are off: no host gives names to instances, answers their DNS
// queries or counts their addresses as Amazon's services do. What is refused was read
// in the API Reference (2026-11-24); the texts are those of other calls.
func (s *views) describeVPCAttribute(a *API, _ context.Context, in *ec2.DescribeVPCAttribute) (*ec2.DescribeVPCAttributeAnswer, error) {
	switch {
	case in.VPCID == "":
		return nil, ec2.MissingParameter.With("VpcId")
	case in.Attribute == "":
		return nil, ec2.MissingParameter.With("Attribute")
	}
	if _, err := s.of(a.cfg.Model()).vpcs().chosen([]string{in.VPCID}); err != nil {
		return nil, err
	}
	out := &ec2.DescribeVPCAttributeAnswer{VPCID: in.VPCID}
	off := &ec2.AttributeBool{}
	switch in.Attribute {
	case "enableDnsSupport":
		out.DNSSupport = off
	case "enableDnsHostnames":
		out.DNSHostnames = off
	case "enableNetworkAddressUsageMetrics":
		out.AddressUsageMetrics = off
	default:
		return nil, ec2.NoEnumValue.With(in.Attribute, "attribute")
	}
	return out, nil
}
