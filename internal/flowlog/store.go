package flowlog

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"weir/internal/ec2"
	"weir/internal/kv"
)

// A Store holds the flow logs, and how their delivery is doing. Its methods may be
// called from any goroutine.
type Store struct {
	logs, status kv.Bucket
	known        *kv.Copy[*FlowLog] // of logs
	statuses     *kv.Copy[Status]
}

// NewStore returns a store over two buckets, one for flow logs, one for
// their status, which changes far more often. What is asked for all of them is
// answered from memory; see [kv.Copy].
func NewStore(logs, status kv.Bucket) *Store {
	return &Store{
		logs: logs, known: kv.NewCopy(logs, decode[*FlowLog]),
		status: status, statuses: kv.NewCopy(status, decode[Status]),
	}
}

func decode[V any](value []byte) (v V, err error) {
	err = json.Unmarshal(value, &v)
	return v, err
}

// Close ends watching the buckets. It is safe to repeat.
func (s *Store) Close() {
	s.known.Close()
	s.statuses.Close()
}

// Status is how the delivery of a flow log is doing.
type Status struct {
	// Error is empty, "Access error", "Rate limited" or "Unknown error", as
	// DescribeFlowLogs says it; Cause is what stands behind it.
	Error string `json:"error,omitempty"`
	Cause string `json:"cause,omitempty"`

	Last    time.Time `json:"last,omitzero"` // of the last successful delivery
	Objects uint64    `json:"objects"`       // delivered, with the next two
	Records uint64    `json:"records"`
	Bytes   uint64    `json:"bytes"`

	Lost uint64 `json:"lost,omitempty"` // records that the destination never takes
}

// NewID returns an id that no other flow log has.
func NewID() string {
	b := make([]byte, 9)
	rand.Read(b) // never fails
	return "fl-" + hex.EncodeToString(b)[:17]
}

// Create stores a flow log whose parameters have been checked. Its ID must be
// new; there must be none for the same resource with the same destination, and
// no more than [MaxPerResource] for the resource.
func (s *Store) Create(ctx context.Context, f *FlowLog) error {
	if err := s.Conflict(ctx, &f.Params, ""); err != nil {
		return err
	}
	raw, err := json.Marshal(f)
	if err == nil {
		_, err = s.logs.Create(ctx, f.ID, raw)
	}
	if err != nil {
		return fmt.Errorf("flowlog: create %s: %w", f.ID, err)
	}
	return nil
}

// Conflict reports why a flow log cannot be made beside those that there are, but
// for the one with the id except: an [*Error] of the kind
// [ec2.FlowLogAlreadyExists] or [ec2.FlowLogsLimit].
func (s *Store) Conflict(ctx context.Context, p *Params, except string) error {
	all, err := s.known.Values(ctx)
	if err != nil {
		return fmt.Errorf("flowlog: list: %w", err)
	}
	same := 0
	for _, other := range all {
		if other.ResourceID != p.ResourceID || !other.Active() || other.ID == except {
			continue
		}
		same++
		if samePlace(&other.Params, p) {
			return ec2.FlowLogAlreadyExists.With()
		}
	}
	if same >= MaxPerResource {
		return ec2.FlowLogsLimit.With(p.ResourceID, MaxPerResource)
	}
	return nil
}

// Get returns a flow log. If there is none the error is an [*Error] of the
// kind [ec2.FlowLogNotFound].
func (s *Store) Get(ctx context.Context, id string) (FlowLog, error) {
	f, _, err := s.get(ctx, id)
	return f, err
}

func (s *Store) get(ctx context.Context, id string) (f FlowLog, revision uint64, err error) {
	raw, revision, err := s.logs.Get(ctx, id)
	if errors.Is(err, kv.ErrNotFound) {
		return f, 0, ec2.FlowLogNotFound.With(1, id)
	}
	if err == nil {
		err = json.Unmarshal(raw, &f)
	}
	if err != nil {
		return f, 0, fmt.Errorf("flowlog: read %s: %w", id, err)
	}
	return f, revision, nil
}

// List returns the flow logs with these ids that there are, without ids all of them;
// those that are ending too, the oldest first.
func (s *Store) List(ctx context.Context, ids ...string) ([]FlowLog, error) {
	all, err := s.known.Values(ctx)
	if err != nil {
		return nil, fmt.Errorf("flowlog: list: %w", err)
	}
	list := make([]*FlowLog, 0, len(all))
	if len(ids) == 0 {
		list = slices.AppendSeq(list, maps.Values(all))
	}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		if f := all[id]; f != nil {
			list = append(list, f)
		}
	}
	slices.SortFunc(list, func(a, b *FlowLog) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	out := make([]FlowLog, len(list))
	for i, f := range list {
		out[i] = f.clone()
	}
	return out, nil
}

// Change rewrites a flow log, again if somebody else did meanwhile.
func (s *Store) Change(ctx context.Context, id string, change func(*FlowLog)) error {
	for {
		f, revision, err := s.get(ctx, id)
		if err != nil {
			return err
		}
		change(&f)
		raw, err := json.Marshal(&f)
		if err == nil {
			_, err = s.logs.Update(ctx, id, raw, revision)
		}
		if errors.Is(err, kv.ErrConflict) {
			continue
		}
		if err != nil {
			return fmt.Errorf("flowlog: change %s: %w", id, err)
		}
		return nil
	}
}

// Delete asks a flow log to end: it captures nothing from now on, and is gone
// when everything captured until now has been delivered. Deleting it again
// changes nothing.
func (s *Store) Delete(ctx context.Context, id string, now time.Time) error {
	return s.Change(ctx, id, func(f *FlowLog) {
		if f.Active() {
			f.Deleted = now
		}
	})
}

// Forget removes a flow log that has ended.
func (s *Store) Forget(ctx context.Context, id string) error {
	// The status first: nobody would come back for it.
	err := s.status.Delete(ctx, id)
	if err == nil {
		err = s.logs.Delete(ctx, id)
	}
	if err != nil {
		return fmt.Errorf("flowlog: forget %s: %w", id, err)
	}
	return nil
}

// Watch calls fn with all flow logs, now and after every change, until ctx ends.
func (s *Store) Watch(ctx context.Context, fn func([]FlowLog)) error {
	known := make(map[string]FlowLog)
	ready := false
	err := s.logs.Watch(ctx, "", func(key string, value []byte, _ uint64) {
		switch {
		case key == "":
			ready = true
		case value == nil:
			delete(known, key)
		default:
			var f FlowLog
			if json.Unmarshal(value, &f) != nil {
				return // List and Get name it
			}
			known[key] = f
		}
		if !ready {
			return
		}
		all := make([]FlowLog, 0, len(known))
		for _, f := range known {
			all = append(all, f)
		}
		slices.SortFunc(all, func(a, b FlowLog) int { return cmp.Compare(a.ID, b.ID) })
		fn(all)
	})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("flowlog: watch: %w", err)
	}
	return ctx.Err()
}

// Statuses returns how the delivery of every flow log is doing, by id; of one that has
// not been delivered to yet there is none.
func (s *Store) Statuses(ctx context.Context) (map[string]Status, error) {
	all, err := s.statuses.Values(ctx)
	if err != nil {
		return nil, fmt.Errorf("flowlog: list statuses: %w", err)
	}
	return maps.Clone(all), nil
}

// Status returns how delivery is doing; the zero Status before the first.
func (s *Store) Status(ctx context.Context, id string) (st Status, err error) {
	raw, _, err := s.status.Get(ctx, id)
	if errors.Is(err, kv.ErrNotFound) {
		return st, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &st)
	}
	if err != nil {
		return st, fmt.Errorf("flowlog: status of %s: %w", id, err)
	}
	return st, nil
}

// SetStatus records how delivery is doing.
func (s *Store) SetStatus(ctx context.Context, id string, st Status) error {
	raw, err := json.Marshal(st)
	if err == nil {
		_, err = s.status.Put(ctx, id, raw)
	}
	if err != nil {
		return fmt.Errorf("flowlog: status of %s: %w", id, err)
	}
	return nil
}
