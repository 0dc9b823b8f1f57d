package logs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"weir/internal/cloudwatch"
	"weir/internal/kv"
)

// A MetricFilter makes a metric of the events of a group that its pattern matches. The
// store only keeps it.
type MetricFilter struct {
	Group           string           `json:"group"`
	Name            string           `json:"name"`
	Pattern         string           `json:"pattern"`
	Created         int64            `json:"created"` // milliseconds since 1970; set by PutFilter
	Transformations []Transformation `json:"transformations"`
}

// A Transformation says which metric a filter makes.
type Transformation struct {
	MetricName      string            `json:"metricName"`
	MetricNamespace string            `json:"metricNamespace"`
	MetricValue     string            `json:"metricValue"`
	DefaultValue    *float64          `json:"defaultValue,omitempty"`
	Dimensions      map[string]string `json:"dimensions,omitempty"`
	Unit            string            `json:"unit,omitempty"`
}

// PutFilter adds a metric filter to its group, in the place of one of the same name.
func (s *Store) PutFilter(ctx context.Context, f MetricFilter) error {
	g, err := s.group(ctx, f.Group)
	if err != nil {
		return err
	}
	key := filterKeys + g.id + "." + hash(f.Name)
	s.mu.RLock()
	old, replaced := g.filters[key]
	s.mu.RUnlock()
	f.Created = s.now()
	if replaced {
		f.Created = old.Created
	}
	value, err := json.Marshal(f)
	if err != nil {
		return err
	}
	revision, err := s.bucket.Put(ctx, key, value)
	if err == nil {
		err = s.await(ctx, revision)
	}
	return unavailable("put metric filter", err)
}

// Filters returns the metric filters of a group, of all groups if it is empty, in the
// order of groups and names. They may not be changed.
func (s *Store) Filters(ctx context.Context, group string) (out []MetricFilter, err error) {
	err = s.find(ctx, func() error {
		out = nil
		for name, g := range s.groups {
			if group == "" || group == name {
				for _, f := range g.filters {
					out = append(out, f.MetricFilter)
				}
			}
		}
		if group != "" && s.groups[group] == nil {
			return cloudwatch.NoSuchGroup
		}
		return nil
	})
	slices.SortFunc(out, func(a, b MetricFilter) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Name, b.Name))
	})
	return out, err
}

// DeleteFilter deletes a metric filter.
func (s *Store) DeleteFilter(ctx context.Context, group, name string) error {
	g, err := s.group(ctx, group)
	if err != nil {
		return err
	}
	key := filterKeys + g.id + "." + hash(name)
	for {
		var revision uint64
		err := s.find(ctx, func() error {
			f, ok := g.filters[key]
			if !ok {
				return cloudwatch.NoSuchFilter
			}
			revision = f.revision
			return nil
		})
		if err != nil {
			return err
		}
		err = s.bucket.Remove(ctx, key, revision)
		if err == nil {
			return unavailable("delete metric filter", s.catchUp(ctx))
		}
		if !errors.Is(err, kv.ErrConflict) {
			return unavailable("delete metric filter", err)
		}
		if err := s.catchUp(ctx); err != nil {
			return unavailable("delete metric filter", err)
		}
	}
}
