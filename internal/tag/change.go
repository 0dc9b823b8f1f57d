package tag

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"weir/internal/kv"
	"weir/internal/vpc"
)

// A Change is what CreateTags and DeleteTags made of the tags that the model has for
// a resource. The bucket has it in JSON, under the resource's id. The zero Change
// changes nothing, as does a nil one.
type Change struct {
	Set  vpc.Tags        `json:"set,omitempty"`
	Gone map[string]bool `json:"gone,omitempty"` // of the model's
}

// Over returns the model's tags as they are with the change. Neither is changed
// itself; what is returned may be the model's.
func (c *Change) Over(own vpc.Tags) vpc.Tags {
	if c == nil || len(c.Set) == 0 && len(c.Gone) == 0 {
		return own
	}
	out := make(vpc.Tags, len(own)+len(c.Set))
	for key, value := range own {
		if !c.Gone[key] {
			out[key] = value
		}
	}
	maps.Copy(out, c.Set)
	return out
}

// Put gives the resource a tag, or another value to one that it has.
func (c *Change) Put(key, value string) {
	if c.Set == nil {
		c.Set = make(vpc.Tags)
	}
	c.Set[key] = value
	delete(c.Gone, key)
}

// Remove takes tags away. own are the model's.
func (c *Change) Remove(keys []string, own vpc.Tags) {
	for _, key := range keys {
		delete(c.Set, key)
		if _, ok := own[key]; !ok {
			continue
		}
		if c.Gone == nil {
			c.Gone = make(map[string]bool)
		}
		c.Gone[key] = true
	}
}

// Watch calls fn with the change of each resource, first those there are, then,
// once, an empty id, then each as it becomes another, until ctx ends. A nil change
// says that there is none any more.
func Watch(ctx context.Context, bucket kv.Bucket, fn func(id string, c *Change)) error {
	err := bucket.Watch(ctx, "", func(id string, value []byte, _ uint64) {
		var c *Change
		if value != nil && json.Unmarshal(value, &c) != nil {
			return // whoever lists the bucket names it
		}
		fn(id, c)
	})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("tag: watch: %w", err)
	}
	return ctx.Err()
}
