package api

import (
	"context"

	"weir/internal/cloudwatch"
)

// maxTags is how many tags a group has at most.
const maxTags = 50

// tagged returns the name of the group that an ARN names.
func (s *Service) tagged(arn string) (string, error) {
	name, ok := s.ofARN(arn)
	if !ok {
		return "", cloudwatch.NoSuchResource
	}
	return name, nil
}

func (s *Service) tagResource(ctx context.Context, in *cloudwatch.TagResource) (*nothing, error) {
	name, err := s.tagged(in.ResourceARN)
	if err != nil {
		return nil, err
	}
	return nil, s.tag(ctx, name, in.Tags)
}

func (s *Service) tag(ctx context.Context, name string, tags map[string]string) error {
	g, err := s.cfg.Store.Group(ctx, name)
	if err != nil {
		return err
	}
	n := len(g.Tags)
	for key := range tags {
		if _, has := g.Tags[key]; !has {
			n++
		}
	}
	if n > maxTags {
		return cloudwatch.TooManyTags(s.arn(name))
	}
	return s.cfg.Store.Tag(ctx, name, tags, nil)
}

func (s *Service) untagResource(ctx context.Context, in *cloudwatch.UntagResource) (*nothing, error) {
	name, err := s.tagged(in.ResourceARN)
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Store.Tag(ctx, name, nil, in.TagKeys)
}

func (s *Service) listTagsForResource(ctx context.Context, in *cloudwatch.ListTagsForResource) (*cloudwatch.Tags, error) {
	name, err := s.tagged(in.ResourceARN)
	if err != nil {
		return nil, err
	}
	return s.tagsOf(ctx, name)
}

func (s *Service) tagsOf(ctx context.Context, name string) (*cloudwatch.Tags, error) {
	g, err := s.cfg.Store.Group(ctx, name)
	if err != nil {
		return nil, err
	}
	out := &cloudwatch.Tags{Tags: g.Tags}
	if out.Tags == nil {
		out.Tags = map[string]string{}
	}
	return out, nil
}

func (s *Service) tagLogGroup(ctx context.Context, in *cloudwatch.TagLogGroup) (*nothing, error) {
	return nil, s.tag(ctx, in.LogGroupName, in.Tags)
}

func (s *Service) untagLogGroup(ctx context.Context, in *cloudwatch.UntagLogGroup) (*nothing, error) {
	return nil, s.cfg.Store.Tag(ctx, in.LogGroupName, nil, in.Tags)
}

func (s *Service) listTagsLogGroup(ctx context.Context, in *cloudwatch.GroupName) (*cloudwatch.Tags, error) {
	return s.tagsOf(ctx, in.LogGroupName)
}
