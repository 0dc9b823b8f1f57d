package logs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"weir/internal/cloudwatch"
	"weir/internal/kv"
)

// create writes a record under a key that has none, and waits until it is known. If it
// has one exists is returned; what is in the way because its deletion was interrupted is
// removed.
func (s *Store) create(ctx context.Context, key string, record any, exists error) error {
	value, err := json.Marshal(record)
	if err != nil {
		return err
	}
	for {
		revision, err := s.bucket.Create(ctx, key, value)
		if err == nil {
			return unavailable("create", s.await(ctx, revision))
		}
		if !errors.Is(err, kv.ErrExists) {
			return unavailable("create", err)
		}
		old, revision, err := s.bucket.Get(ctx, key)
		if errors.Is(err, kv.ErrNotFound) {
			continue
		}
		var r struct{ ID string }
		if err == nil {
			err = json.Unmarshal(old, &r)
		}
		if err == nil {
			err = s.catchUp(ctx)
		}
		if err != nil {
			return unavailable("create", err)
		}
		s.mu.RLock()
		gone := s.gone[r.ID]
		s.mu.RUnlock()
		if !gone {
			return exists
		}
		if err := s.bucket.Remove(ctx, key, revision); err != nil && !errors.Is(err, kv.ErrConflict) {
			return unavailable("create", err)
		}
	}
}

// CreateGroup makes a group; its class is "STANDARD" if it is empty. The error is
// [cloudwatch.GroupExists] if there is one of this name.
func (s *Store) CreateGroup(ctx context.Context, name, class string, tags map[string]string) error {
	r := groupRecord{ID: newID(), Name: name, Created: s.now(), Class: cmp.Or(class, "STANDARD"), Tags: tags}
	return s.create(ctx, groupKeys+hash(name), r, cloudwatch.GroupExists)
}

// DeleteGroup deletes a group with all that is in it.
func (s *Store) DeleteGroup(ctx context.Context, name string) error {
	g, err := s.group(ctx, name)
	if err != nil {
		return err
	}
	return s.delete(ctx, goneKeys+g.id, groupKeys+hash(name))
}

// Group returns a group.
func (s *Store) Group(ctx context.Context, name string) (out Group, err error) {
	err = s.find(ctx, func() error {
		g := s.groups[name]
		if g == nil {
			return cloudwatch.NoSuchGroup
		}
		out = g.describe()
		return nil
	})
	return out, err
}

func (g *group) describe() Group {
	return Group{Name: g.Name, Created: g.Created, Retention: g.Retention, Class: g.Class, Tags: g.Tags,
		Bytes: g.bytes, Filters: len(g.filters)}
}

// Groups returns all groups in the order of their names: those of one moment that is not
// before the call.
func (s *Store) Groups(ctx context.Context) ([]Group, error) {
	if err := s.catchUp(ctx); err != nil {
		return nil, unavailable("list", err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]Group, 0, len(s.groups))
	for _, name := range slices.Sorted(maps.Keys(s.groups)) {
		out = append(out, s.groups[name].describe())
	}
	return out, nil
}

// change writes another record of a group.
func (s *Store) change(ctx context.Context, name string, fn func(*groupRecord)) error {
	for {
		g, err := s.group(ctx, name)
		if err != nil {
			return err
		}
		s.mu.RLock()
		r, key, revision := g.groupRecord, g.key, g.revision
		s.mu.RUnlock()
		fn(&r)
		value, err := json.Marshal(r)
		if err != nil {
			return err
		}
		next, err := s.bucket.Update(ctx, key, value, revision)
		if err == nil {
			return unavailable("change", s.await(ctx, next))
		}
		if !errors.Is(err, kv.ErrConflict) {
			return unavailable("change", err)
		}
		if err := s.catchUp(ctx); err != nil {
			return unavailable("change", err)
		}
	}
}

// SetRetention sets for how many days a group keeps its events; 0 is for ever.
func (s *Store) SetRetention(ctx context.Context, name string, days int) error {
	return s.change(ctx, name, func(r *groupRecord) { r.Retention = days })
}

// Tag changes the tags of a group: first those to remove go.
func (s *Store) Tag(ctx context.Context, name string, set map[string]string, remove []string) error {
	return s.change(ctx, name, func(r *groupRecord) {
		tags := make(map[string]string, len(r.Tags)+len(set))
		maps.Copy(tags, r.Tags)
		for _, key := range remove {
			delete(tags, key)
		}
		maps.Copy(tags, set)
		r.Tags = tags
	})
}

// CreateStream makes a stream. The error is [cloudwatch.StreamExists] if the group has
// one of this name.
func (s *Store) CreateStream(ctx context.Context, group, name string) error {
	g, err := s.group(ctx, group)
	if err != nil {
		return err
	}
	r := streamRecord{ID: newID(), Name: name, Created: s.now()}
	return s.create(ctx, streamKeys+g.id+"."+hash(name), r, cloudwatch.StreamExists)
}

// DeleteStream deletes a stream with its events.
func (s *Store) DeleteStream(ctx context.Context, group, name string) error {
	st, err := s.stream(ctx, group, name)
	if err != nil {
		return err
	}
	return s.delete(ctx, goneKeys+st.group.id+"."+st.id, streamKeys+st.group.id+"."+hash(name))
}

// Streams returns the streams of a group in the order of their names.
func (s *Store) Streams(ctx context.Context, group string) (out []Stream, err error) {
	err = s.find(ctx, func() error {
		g := s.groups[group]
		if g == nil {
			return cloudwatch.NoSuchGroup
		}
		out = make([]Stream, 0, len(g.streams))
		for _, st := range g.streams {
			out = append(out, st.describe())
		}
		return nil
	})
	slices.SortFunc(out, func(a, b Stream) int { return strings.Compare(a.Name, b.Name) })
	return out, err
}

func (st *stream) describe() Stream {
	out := Stream{Name: st.Name, Created: st.Created, Bytes: st.bytes}
	if len(st.entries) > 0 {
		out.First, out.Last, out.LastIngested = st.entries[0].first, st.latest, st.ingested
	}
	return out
}
