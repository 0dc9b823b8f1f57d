package awsapi

import (
	"context"
	"weir/internal/ec2"
	"weir/internal/vpc"
)

var vpcIDs = idNames{prefix: "vpc", notFound: ec2.VPCNotFound}

func (s *views) describeVPCs(a *API, ctx context.Context, in *ec2.DescribeVPCs) (*ec2.DescribeVPCsAnswer, error) {
	list, next, err := described(ctx, s, a, func(v *view) *table[ec2.VPC] { return v.vpcs() },
		ask{ids: in.VPCIDs, filters: in.Filters, max: in.MaxResults, token: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &ec2.DescribeVPCsAnswer{VPCs: list, NextToken: next}, nil
}

func (v *view) makeVPCs() *table[ec2.VPC] {
	out := make([]ec2.VPC, 0, len(v.n.VPCs))
	for i := range v.n.VPCs {
		out = append(out, describedVPC(&v.n.VPCs[i]))
	}
	return newTable(kind[ec2.VPC]{
		names: vpcIDs,
		id:    func(p *ec2.VPC) string { return p.ID },
		tags:  func(p *ec2.VPC) *[]ec2.Tag { return &p.Tags },
		own:   func(id string) vpc.Tags { return v.x.VPC(id).Tags },
		attrs: vpcAttrs(),
	}, out)
}

func describedVPC(p *vpc.VPC) ec2.VPC {
	v4, v6 := split(p.CIDRs)
	out := ec2.VPC{
		ID: p.ID, OwnerID: p.AccountID, State: "available", CIDRs: associations("vpc", p.ID, v4),
		IPv6CIDRs: associations("vpc", p.ID, v6), InstanceTenancy: "default", IsDefault: p.Default,
	}
	if len(v4) > 0 {
		out.CIDRBlock = v4[0].String()
	}
	return out
}

// vpcAttrs are the filters of DescribeVpcs (Amazon EC2 API Reference, read
// 2026-11-24). "isDefault" is not documented: Terraform's data source sends it.
func vpcAttrs() map[string]func(*ec2.VPC) []string {
	attrs := map[string]func(*ec2.VPC) []string{
		"cidr":       one(func(p *ec2.VPC) string { return p.CIDRBlock }),
		"is-default": flag(func(p *ec2.VPC) bool { return p.IsDefault }),
		"isDefault":  flag(func(p *ec2.VPC) bool { return p.IsDefault }),
		"owner-id":   one(func(p *ec2.VPC) string { return p.OwnerID }),
		"state":      one(func(p *ec2.VPC) string { return p.State }),
		"vpc-id":     one(func(p *ec2.VPC) string { return p.ID }),
	}
	associationAttrs(attrs, "", func(p *ec2.VPC) []ec2.CIDRAssociation { return p.CIDRs })
	associationAttrs(attrs, "ipv6-", func(p *ec2.VPC) []ec2.CIDRAssociation { return p.IPv6CIDRs })
	unknown(attrs, "dhcp-options-id", "ipv6-cidr-block-association.ipv6-pool")
	return attrs
}
