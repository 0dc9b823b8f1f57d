package awsapi

import (
	"context"
	"slices"
	"strings"

	"weir/internal/ec2"
	"weir/internal/tag"
	"weir/internal/vpc"
)

// Types of resources, as tags name them.
const (
	typeFlowLog           = "vpc-flow-log"
	typeVPC               = "vpc"
	typeSubnet            = "subnet"
	typeNetworkInterface  = "network-interface"
	typeSecurityGroup     = "security-group"
	typeNetworkACL        = "network-acl"
	typeSecurityGroupRule = "security-group-rule"
	typeInstance          = "instance"
)

// A taggable is a resource that can have tags, and those that the model has for it.
type taggable struct {
	id, kind string
	own      vpc.Tags
}

// A taggableKind are the resources of one of the view's tables.
type taggableKind struct {
	get  func(id string) (taggable, bool)
	each func(func(taggable))
}

func taggableIn[T any](kind string, t *table[T]) taggableKind {
	return taggableKind{
		get: func(id string) (taggable, bool) {
			if t.byID[id] == nil {
				return taggable{}, false
			}
			return taggable{id, kind, t.own(id)}, true
		},
		each: func(fn func(taggable)) {
			for _, r := range t.rows {
				id := t.id(r)
				fn(taggable{id, kind, t.own(id)})
			}
		},
	}
}

// taggables returns what can have tags but for flow logs, by what ids begin with.
func (v *view) taggables() map[string]taggableKind {
	return map[string]taggableKind{
		"vpc":    taggableIn(typeVPC, v.vpcs()),
		"subnet": taggableIn(typeSubnet, v.subnets()),
		"eni":    taggableIn(typeNetworkInterface, v.interfaces()),
		"sg":     taggableIn(typeSecurityGroup, v.secGroups()),
		"sgr":    taggableIn(typeSecurityGroupRule, v.rules()),
		"acl":    taggableIn(typeNetworkACL, v.acls()),
		"i":      taggableIn(typeInstance, v.instances()),
	}
}

// notThere are the errors for ids that nothing has, by what they begin with.
var notThere = map[string]*ec2.Kind{
	"vpc": ec2.VPCNotFound, "subnet": ec2.SubnetNotFound, "eni": ec2.NetworkInterfaceNotFound,
	"sg": ec2.SecurityGroupNotFound, "sgr": ec2.SecurityGroupRuleNotFound, "acl": ec2.NetworkACLNotFound, "i": ec2.InstanceNotFound,
}

// tagged returns the resources that a call names.
func (a *API) tagged(ctx context.Context, ids []string) ([]taggable, error) {
	switch n := len(ids); {
	case n == 0:
		return nil, ec2.MissingParameter.With("ResourceId")
	case n > maxTagged:
		return nil, ec2.TooManyValues.With("ResourceId", n, maxTagged)
	}
	known := a.views.of(a.cfg.Model()).taggables()
	out := make([]taggable, 0, len(ids))
	for _, id := range ids {
		if strings.HasPrefix(id, "fl-") {
			there, err := a.hasFlowLog(ctx, id)
			if err != nil {
				return nil, err
			}
			if !there {
				return nil, ec2.FlowLogNotFound.With(1, id)
			}
			out = append(out, taggable{id: id, kind: typeFlowLog})
			continue
		}
		prefix, _, ok := strings.Cut(id, "-")
		kind, known := known[prefix]
		if !ok || !known {
			return nil, ec2.InvalidID.With(id)
		}
		r, ok := kind.get(id)
		if !ok {
			return nil, notThere[prefix].With(id)
		}
		out = append(out, r)
	}
	return out, nil
}

func (a *API) createTags(ctx context.Context, in *ec2.CreateTags) (*ec2.CreateTagsAnswer, error) {
	if len(in.Tags) == 0 && len(in.ResourceIDs) > 0 {
		return nil, ec2.MissingParameter.With("Tag")
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	list, err := a.tagged(ctx, in.ResourceIDs)
	if err != nil {
		return nil, err
	}
	if len(in.Tags) > maxTags {
		return nil, ec2.TagLimitExceeded.With()
	}
	if in.DryRun {
		return nil, ec2.DryRunOperation.With()
	}
	for i := range list {
		r := &list[i]
		if r.kind == typeFlowLog {
			err = a.changeFlowLogTags(ctx, r.id, func(tags vpc.Tags) error {
				for _, t := range in.Tags {
					tags[t.Key] = t.Value
				}
				return tooMany(tags)
			})
		} else {
			err = a.changeTags(ctx, r, func(c *tag.Change) error {
				for _, t := range in.Tags {
					c.Put(t.Key, t.Value)
				}
				return tooMany(c.Over(r.own))
			})
		}
		if err != nil {
			return nil, err
		}
	}
	return &ec2.CreateTagsAnswer{Return: true}, nil
}

func (a *API) deleteTags(ctx context.Context, in *ec2.DeleteTags) (*ec2.DeleteTagsAnswer, error) {
	for _, t := range in.Tags {
		if err := checkTagKey(t.Key); err != nil {
			return nil, err
		}
	}
	list, err := a.tagged(ctx, in.ResourceIDs)
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		return nil, ec2.DryRunOperation.With()
	}
	for i := range list {
		r := &list[i]
		if r.kind == typeFlowLog {
			err = a.changeFlowLogTags(ctx, r.id, func(tags vpc.Tags) error {
				for _, key := range doomed(tags, in.Tags) {
					delete(tags, key)
				}
				return nil
			})
		} else {
			err = a.changeTags(ctx, r, func(c *tag.Change) error {
				c.Remove(doomed(c.Over(r.own), in.Tags), r.own)
				return nil
			})
		}
		if err != nil {
			return nil, err
		}
	}
	return &ec2.DeleteTagsAnswer{Return: true}, nil
}

// doomed returns the keys of the tags to delete: those named, if the value is the
// one named or none is; all but Amazon's if none is named.
func doomed(tags vpc.Tags, named []ec2.DeleteTag) []string {
	var out []string
	for _, n := range named {
		if value, ok := tags[n.Key]; ok && (n.Value == nil || *n.Value == value) {
			out = append(out, n.Key)
		}
	}
	if len(named) == 0 {
		for key := range tags {
			if !strings.HasPrefix(key, amazonTag) {
				out = append(out, key)
			}
		}
	}
	return out
}

// tagFilters are the filters of DescribeTags, with tag:<key>.
var tagFilters = map[string]func(*ec2.TagDescription) []string{
	"key":           func(t *ec2.TagDescription) []string { return []string{t.Key} },
	"value":         func(t *ec2.TagDescription) []string { return []string{t.Value} },
	"resource-id":   func(t *ec2.TagDescription) []string { return []string{t.ResourceID} },
	"resource-type": func(t *ec2.TagDescription) []string { return []string{t.ResourceType} },
}

func (a *API) describeTags(ctx context.Context, in *ec2.DescribeTags) (*ec2.DescribeTagsAnswer, error) {
	m, err := newMatcher(in.Filters, tagFilters, func(t *ec2.TagDescription) []ec2.Tag {
		return []ec2.Tag{{Key: t.Key, Value: t.Value}}
	})
	if err != nil {
		return nil, err
	}
	all, err := a.allTags(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(t ec2.TagDescription) bool { return !m.match(&t) })
	id := func(t *ec2.TagDescription) string { return t.ResourceID + "\x00" + t.Key }
	all, next, err := page(all, id, in.MaxResults, in.NextToken, minResults, maxResults)
	if err != nil {
		return nil, err
	}
	return &ec2.DescribeTagsAnswer{Tags: all, NextToken: next}, nil
}

// allTags returns every tag of every resource.
func (a *API) allTags(ctx context.Context) ([]ec2.TagDescription, error) {
	var out []ec2.TagDescription
	add := func(id, kind string, tags []ec2.Tag) {
		for _, t := range tags {
			out = append(out, ec2.TagDescription{Key: t.Key, ResourceID: id, ResourceType: kind, Value: t.Value})
		}
	}
	logs, err := a.cfg.Logs.List(ctx)
	if err != nil {
		return nil, err
	}
	for i := range logs {
		if logs[i].Active() {
			add(logs[i].ID, typeFlowLog, ec2Tags(logs[i].Tags))
		}
	}
	tags, err := a.tagger(ctx)
	if err != nil {
		return nil, err
	}
	for _, kind := range a.views.of(a.cfg.Model()).taggables() {
		kind.each(func(r taggable) { add(r.id, r.kind, tags.of(r.id, r.own)) })
	}
	return out, nil
}
