package ec2client

import (
	"context"
	"crypto/rand"
	"encoding/xml"
	"fmt"
	"net/url"
	"slices"

	"weir/internal/ec2"
)

// Limits of one call.
const (
	perPage = 1000 // what one page may hold; pages of calls with ids have no size
	perCall = 1000 // ids

	perListPage = 100 // of prefix lists and their entries
)

// CreateFlowLogs creates flow logs. A request without a client token gets one, so
// that one that is sent again creates nothing again.
func (c *Client) CreateFlowLogs(ctx context.Context, r ec2.CreateFlowLogs) (*ec2.CreateFlowLogsAnswer, error) {
	if r.ClientToken == "" {
		r.ClientToken = rand.Text()
	}
	answer := new(ec2.CreateFlowLogsAnswer)
	return answer, c.Do(ctx, "CreateFlowLogs", &r, answer)
}

// DeleteFlowLogs deletes flow logs and returns those for which that failed.
func (c *Client) DeleteFlowLogs(ctx context.Context, ids []string) ([]ec2.Unsuccessful, error) {
	var failed []ec2.Unsuccessful
	for some := range slices.Chunk(ids, perCall) {
		var answer ec2.DeleteFlowLogsAnswer
		if err := c.Do(ctx, "DeleteFlowLogs", &ec2.DeleteFlowLogs{FlowLogIDs: some}, &answer); err != nil {
			return failed, err
		}
		failed = append(failed, answer.Unsuccessful...)
	}
	return failed, nil
}

// FlowLogs describes flow logs: those with the ids, or all. There is nothing in the
// result of ids that nothing has.
func (c *Client) FlowLogs(ctx context.Context, ids []string, filters ...ec2.Filter) ([]ec2.FlowLog, error) {
	return all(ids, func(ids []string, size *int, token string) ([]ec2.FlowLog, string, error) {
		var a ec2.DescribeFlowLogsAnswer
		err := c.Do(ctx, "DescribeFlowLogs",
			&ec2.DescribeFlowLogs{FlowLogIDs: ids, Filters: filters, MaxResults: size, NextToken: token}, &a)
		return a.FlowLogs, a.NextToken, err
	})
}

// NetworkInterfaces describes interfaces: those with the ids, or all. An id that
// nothing has is an error.
func (c *Client) NetworkInterfaces(ctx context.Context, ids []string, filters ...ec2.Filter) ([]ec2.NetworkInterface, error) {
	return all(ids, func(ids []string, size *int, token string) ([]ec2.NetworkInterface, string, error) {
		var a ec2.DescribeNetworkInterfacesAnswer
		err := c.Do(ctx, "DescribeNetworkInterfaces",
			&ec2.DescribeNetworkInterfaces{NetworkInterfaceIDs: ids, Filters: filters, MaxResults: size, NextToken: token}, &a)
		return a.NetworkInterfaces, a.NextToken, err
	})
}

// Instances describes instances: those with the ids, or all. An id that nothing has is
// an error.
func (c *Client) Instances(ctx context.Context, ids []string, filters ...ec2.Filter) ([]ec2.Instance, error) {
	return all(ids, func(ids []string, size *int, token string) ([]ec2.Instance, string, error) {
		var a ec2.DescribeInstancesAnswer
		err := c.Do(ctx, "DescribeInstances",
			&ec2.DescribeInstances{InstanceIDs: ids, Filters: filters, MaxResults: size, NextToken: token}, &a)
		var out []ec2.Instance
		for _, r := range a.Reservations {
			out = append(out, r.Instances...)
		}
		return out, a.NextToken, err
	})
}

// Subnets describes subnets: those with the ids, or all.
func (c *Client) Subnets(ctx context.Context, ids []string, filters ...ec2.Filter) ([]ec2.Subnet, error) {
	return all(ids, func(ids []string, size *int, token string) ([]ec2.Subnet, string, error) {
		var a ec2.DescribeSubnetsAnswer
		err := c.Do(ctx, "DescribeSubnets",
			&ec2.DescribeSubnets{SubnetIDs: ids, Filters: filters, MaxResults: size, NextToken: token}, &a)
		return a.Subnets, a.NextToken, err
	})
}

// VPCs describes VPCs: those with the ids, or all.
func (c *Client) VPCs(ctx context.Context, ids []string, filters ...ec2.Filter) ([]ec2.VPC, error) {
	return all(ids, func(ids []string, size *int, token string) ([]ec2.VPC, string, error) {
		var a ec2.DescribeVPCsAnswer
		err := c.Do(ctx, "DescribeVpcs",
			&ec2.DescribeVPCs{VPCIDs: ids, Filters: filters, MaxResults: size, NextToken: token}, &a)
		return a.VPCs, a.NextToken, err
	})
}

// SecurityGroups describes security groups: those with the ids, or all.
func (c *Client) SecurityGroups(ctx context.Context, ids []string, filters ...ec2.Filter) ([]ec2.SecurityGroup, error) {
	return all(ids, func(ids []string, size *int, token string) ([]ec2.SecurityGroup, string, error) {
		var a ec2.DescribeSecurityGroupsAnswer
		err := c.Do(ctx, "DescribeSecurityGroups",
			&ec2.DescribeSecurityGroups{GroupIDs: ids, Filters: filters, MaxResults: size, NextToken: token}, &a)
		return a.SecurityGroups, a.NextToken, err
	})
}

// SecurityGroupRules describes rules of security groups: those with the ids, or all.
func (c *Client) SecurityGroupRules(ctx context.Context, ids []string, filters ...ec2.Filter) ([]ec2.SecurityGroupRule, error) {
	return all(ids, func(ids []string, size *int, token string) ([]ec2.SecurityGroupRule, string, error) {
		var a ec2.DescribeSecurityGroupRulesAnswer
		err := c.Do(ctx, "DescribeSecurityGroupRules",
			&ec2.DescribeSecurityGroupRules{RuleIDs: ids, Filters: filters, MaxResults: size, NextToken: token}, &a)
		return a.Rules, a.NextToken, err
	})
}

// PrefixLists describes all prefix lists, without their entries.
func (c *Client) PrefixLists(ctx context.Context) ([]ec2.PrefixList, error) {
	size := perListPage
	return pages(nil, &size, func(_ []string, size *int, token string) ([]ec2.PrefixList, string, error) {
		var a ec2.DescribeManagedPrefixListsAnswer
		err := c.Do(ctx, "DescribeManagedPrefixLists", &ec2.DescribeManagedPrefixLists{MaxResults: size, NextToken: token}, &a)
		return a.PrefixLists, a.NextToken, err
	})
}

// PrefixListEntries returns the entries of a prefix list. An id that nothing has is an
// error.
func (c *Client) PrefixListEntries(ctx context.Context, id string) ([]ec2.PrefixListEntry, error) {
	size := perListPage
	return pages(nil, &size, func(_ []string, size *int, token string) ([]ec2.PrefixListEntry, string, error) {
		var a ec2.GetManagedPrefixListEntriesAnswer
		err := c.Do(ctx, "GetManagedPrefixListEntries",
			&ec2.GetManagedPrefixListEntries{PrefixListID: id, MaxResults: size, NextToken: token}, &a)
		return a.Entries, a.NextToken, err
	})
}

// NetworkACLs describes network ACLs: those with the ids, or all.
func (c *Client) NetworkACLs(ctx context.Context, ids []string, filters ...ec2.Filter) ([]ec2.NetworkACL, error) {
	return all(ids, func(ids []string, size *int, token string) ([]ec2.NetworkACL, string, error) {
		var a ec2.DescribeNetworkACLsAnswer
		err := c.Do(ctx, "DescribeNetworkAcls",
			&ec2.DescribeNetworkACLs{NetworkACLIDs: ids, Filters: filters, MaxResults: size, NextToken: token}, &a)
		return a.NetworkACLs, a.NextToken, err
	})
}

// all calls page for each lot of ids, or without ids, until the last page.
func all[T any](ids []string, page func(ids []string, size *int, token string) ([]T, string, error)) ([]T, error) {
	if len(ids) > 0 {
		var out []T
		for some := range slices.Chunk(ids, perCall) {
			found, err := pages(some, nil, page)
			if err != nil {
				return nil, err
			}
			out = append(out, found...)
		}
		return out, nil
	}
	size := perPage
	return pages(nil, &size, page)
}

func pages[T any](ids []string, size *int, page func([]string, *int, string) ([]T, string, error)) ([]T, error) {
	var out []T
	for token := ""; ; {
		found, next, err := page(ids, size, token)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
		if next == "" {
			return out, nil
		}
		if next == token {
			return nil, fmt.Errorf("the next page of %q is the same page", token)
		}
		token = next
	}
}

// Account returns the number of the account that the credentials belong to, as STS
// says it. At an endpoint of the user's own STS is at the same one, unless another
// is configured.
func (c *Client) Account(ctx context.Context) (string, error) {
	endpoint, err := c.cfg.Endpoint(ctx, "", "STS")
	if endpoint == "" && err == nil {
		endpoint, err = c.find(ctx, c.cfg.Given(), "STS")
	}
	if err != nil {
		return "", err
	}
	const action = "GetCallerIdentity"
	body, err := c.call(ctx, "sts", endpoint, url.Values{"Action": {action}, "Version": {"2011-06-15"}})
	var answer struct {
		XMLName xml.Name `xml:"GetCallerIdentityResponse"`
		Account string   `xml:"GetCallerIdentityResult>Account"`
	}
	if err == nil {
		err = decode(body, &answer)
	}
	if err != nil {
		return "", c.explain(action, fmt.Errorf("%s: %w", action, err))
	}
	return answer.Account, nil
}
