package awsapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"weir/internal/ec2"
	"weir/internal/flowlog"
	"weir/internal/kv"
	"weir/internal/tag"
	"weir/internal/vpc"
)

// Bounds of tags, in characters but for the numbers.
const (
	maxTags     = 50 // of a resource, without those of Amazon's own
	maxTagKey   = 128
	maxTagValue = 256

	maxTagged = 1000 // resources of one call
)

// amazonTag begins the keys that only Amazon may give.
const amazonTag = "aws:"

// checkTags reports what is wrong with tags that somebody wants to set.
func checkTags(tags []ec2.Tag) error {
	seen := make(map[string]bool, len(tags))
	for _, t := range tags {
		if err := checkTagKey(t.Key); err != nil {
			return err
		}
		if utf8.RuneCountInString(t.Value) > maxTagValue {
			return ec2.TagValueTooLong.With(maxTagValue)
		}
		if seen[t.Key] {
			return ec2.TagTwice.With(t.Key)
		}
		seen[t.Key] = true
	}
	return nil
}

func checkTagKey(key string) error {
	switch {
	case key == "":
		return ec2.TagKeyMissing.With()
	case utf8.RuneCountInString(key) > maxTagKey:
		return ec2.TagKeyTooLong.With(maxTagKey)
	case strings.HasPrefix(strings.ToLower(key), amazonTag):
		return ec2.TagReserved.With()
	}
	return nil
}

// A tagger knows the changes of all resources' tags. It is read once for each request;
// nobody may change them.
type tagger struct{ changes map[string]*tag.Change }

// tagger returns one that knows what was changed until now.
func (a *API) tagger(ctx context.Context) (*tagger, error) {
	changes, err := a.changes.Values(ctx)
	if err != nil {
		return nil, fmt.Errorf("awsapi: tags: %w", err)
	}
	return &tagger{changes}, nil
}

func decodeChange(value []byte) (*tag.Change, error) {
	c := new(tag.Change)
	return c, json.Unmarshal(value, c)
}

// of returns the tags of a resource, by key: own are those the model has.
func (t *tagger) of(id string, own vpc.Tags) []ec2.Tag {
	tags := t.changes[id].Over(own)
	if len(tags) == 0 {
		return nil
	}
	out := make([]ec2.Tag, 0, len(tags))
	for key, value := range tags {
		out = append(out, ec2.Tag{Key: key, Value: value})
	}
	slices.SortFunc(out, func(a, b ec2.Tag) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// changeTags changes the tags of a resource other than a flow log, and again if
// somebody else did meanwhile. The resource has to keep within maxTags.
func (a *API) changeTags(ctx context.Context, r *taggable, change func(*tag.Change) error) error {
	for {
		var c tag.Change
		value, revision, err := a.cfg.Tags.Get(ctx, r.id)
		if err == nil {
			err = json.Unmarshal(value, &c)
		} else if errors.Is(err, kv.ErrNotFound) {
			err = nil
		}
		if err == nil {
			err = change(&c)
		}
		if err == nil {
			value, err = json.Marshal(&c)
		}
		switch {
		case err != nil:
		case revision == 0:
			_, err = a.cfg.Tags.Create(ctx, r.id, value)
		default:
			_, err = a.cfg.Tags.Update(ctx, r.id, value, revision)
		}
		if errors.Is(err, kv.ErrConflict) || errors.Is(err, kv.ErrExists) {
			continue
		}
		if e := (*ec2.Error)(nil); err != nil && !errors.As(err, &e) {
			return fmt.Errorf("awsapi: tags of %s: %w", r.id, err)
		}
		return err
	}
}

// changeFlowLogTags is changeTags for a flow log.
func (a *API) changeFlowLogTags(ctx context.Context, id string, change func(vpc.Tags) error) error {
	var refused error
	err := a.cfg.Logs.Change(ctx, id, func(f *flowlog.FlowLog) {
		tags := make(vpc.Tags, len(f.Tags))
		for _, t := range f.Tags {
			tags[t.Key] = t.Value
		}
		if refused = change(tags); refused != nil {
			return
		}
		f.Tags = nil
		for _, key := range slices.Sorted(maps.Keys(tags)) {
			f.Tags = append(f.Tags, flowlog.Tag{Key: key, Value: tags[key]})
		}
	})
	return errors.Join(refused, err)
}

// tooMany reports more tags than a resource may have.
func tooMany(tags vpc.Tags) error {
	n := 0
	for key := range tags {
		if !strings.HasPrefix(key, amazonTag) {
			n++
		}
	}
	if n > maxTags {
		return ec2.TagLimitExceeded.With()
	}
	return nil
}
