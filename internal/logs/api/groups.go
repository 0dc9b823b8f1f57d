package api

import (
	"context"
	"slices"
	"strings"

	"weir/internal/cloudwatch"
	"weir/internal/logs"
)

func (s *Service) createLogGroup(ctx context.Context, in *cloudwatch.CreateLogGroup) (*nothing, error) {
	if in.KmsKeyID != "" {
		return nil, cloudwatch.NoEncryption
	}
	class := in.LogGroupClass
	if class == "" {
		class = "STANDARD"
	}
	return nil, s.cfg.Store.CreateGroup(ctx, in.LogGroupName, class, in.Tags)
}

func (s *Service) deleteLogGroup(ctx context.Context, in *cloudwatch.GroupName) (*nothing, error) {
	if err := s.cfg.Store.DeleteGroup(ctx, in.LogGroupName); err != nil {
		return nil, err
	}
	s.metrics.forget(in.LogGroupName, "")
	return nil, nil
}

func (s *Service) describeLogGroups(ctx context.Context, in *cloudwatch.DescribeLogGroups) (*cloudwatch.DescribeLogGroupsAnswer, error) {
	if in.LogGroupNamePrefix != "" && in.LogGroupNamePattern != "" {
		return nil, cloudwatch.PrefixAndPattern
	}
	all, err := s.cfg.Store.Groups(ctx)
	if err != nil {
		return nil, err
	}
	named := make([]string, len(in.LogGroupIdentifiers))
	for i, id := range in.LogGroupIdentifiers {
		if named[i], err = s.identified(id); err != nil {
			return nil, err
		}
	}
	var found []logs.Group
	for _, g := range all {
		if strings.HasPrefix(g.Name, in.LogGroupNamePrefix) &&
			strings.Contains(g.Name, in.LogGroupNamePattern) &&
			(in.LogGroupClass == "" || in.LogGroupClass == g.Class) &&
			(len(named) == 0 || slices.Contains(named, g.Name)) &&
			(len(in.AccountIdentifiers) == 0 || slices.Contains(in.AccountIdentifiers, s.cfg.Account)) {
			found = append(found, g)
		}
	}
	page, token, err := pageOf(found, "groups", in.NextToken, in.Limit, 50,
		func(g *logs.Group) string { return g.Name }, func(g *logs.Group, last string) bool { return g.Name > last })
	if err != nil {
		return nil, err
	}
	out := &cloudwatch.DescribeLogGroupsAnswer{LogGroups: make([]cloudwatch.LogGroup, len(page)), NextToken: token}
	for i := range page {
		out.LogGroups[i] = s.described(&page[i])
	}
	return out, nil
}

func (s *Service) described(g *logs.Group) cloudwatch.LogGroup {
	arn := s.arn(g.Name)
	return cloudwatch.LogGroup{
		LogGroupName: g.Name, CreationTime: g.Created, RetentionInDays: g.Retention, MetricFilterCount: g.Filters,
		ARN: arn + ":*", StoredBytes: g.Bytes, LogGroupClass: g.Class, LogGroupARN: arn,
	}
}

// retentions are the days that a group may keep its events, "PutRetentionPolicy".
var retentions = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

func (s *Service) putRetentionPolicy(ctx context.Context, in *cloudwatch.PutRetentionPolicy) (*nothing, error) {
	if !slices.Contains(retentions, *in.RetentionInDays) {
		return nil, cloudwatch.WrongRetention(retentions)
	}
	return nil, s.cfg.Store.SetRetention(ctx, in.LogGroupName, *in.RetentionInDays)
}

func (s *Service) deleteRetentionPolicy(ctx context.Context, in *cloudwatch.GroupName) (*nothing, error) {
	return nil, s.cfg.Store.SetRetention(ctx, in.LogGroupName, 0)
}

// describeSubscriptionFilters lists none: there is nothing to subscribe.
func (s *Service) describeSubscriptionFilters(ctx context.Context, in *cloudwatch.GroupName) (*map[string][]struct{}, error) {
	if _, err := s.cfg.Store.Group(ctx, in.LogGroupName); err != nil {
		return nil, err
	}
	return &map[string][]struct{}{"subscriptionFilters": {}}, nil
}
