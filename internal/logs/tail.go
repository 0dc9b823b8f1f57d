package logs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"weir/internal/cloudwatch"
)

// A tail is told of batches as they come.
type tail struct {
	mu    sync.Mutex
	queue []tailed
	wake  chan struct{} // has one element when the queue is not empty
}

type tailed struct {
	stream *stream
	entry  entry
}

// offer adds a batch. It does not wait.
func (t *tail) offer(b tailed) {
	t.mu.Lock()
	t.queue = append(t.queue, b)
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

func (t *tail) take() []tailed {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.queue
	t.queue = nil
	return out
}

// Follow calls fn with the events of each batch that comes to a group from now on,
// whichever process takes it, in the order in which they come, until ctx ends, fn returns
// an error, which is returned as it is, or the group is deleted, when the error is
// [cloudwatch.NoSuchGroup]. streams chooses by name, nil is all, also those that are made
// later; without it prefix chooses. fn may keep the events.
func (s *Store) Follow(ctx context.Context, group string, streams []string, prefix string, fn func([]Event) error) error {
	g, err := s.group(ctx, group)
	if err != nil {
		return err
	}
	t := &tail{wake: make(chan struct{}, 1)}
	s.mu.Lock()
	g.tails[t] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(g.tails, t)
		s.mu.Unlock()
	}()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.life.Done():
			return fmt.Errorf("logs: follow %s: the store is closed: %w", group, cloudwatch.Unavailable)
		case <-g.dropped:
			return cloudwatch.NoSuchGroup
		case <-t.wake:
		}
		for _, b := range t.take() {
			events, err := s.tailed(ctx, b, func(name string) bool {
				if streams != nil {
					return slices.Contains(streams, name)
				}
				return strings.HasPrefix(name, prefix)
			})
			if err != nil {
				return unavailable("follow", err)
			}
			if len(events) == 0 {
				continue
			}
			if err := fn(events); err != nil {
				return err
			}
		}
	}
}

// tailed returns the events of a batch, none if its stream is not chosen.
func (s *Store) tailed(ctx context.Context, t tailed, chosen func(string) bool) ([]Event, error) {
	// The batch may be known before its stream is.
	err := s.find(ctx, func() error {
		if t.stream.revision == 0 {
			return cloudwatch.NoSuchStream
		}
		return nil
	})
	if err == cloudwatch.NoSuchStream {
		return nil, nil // it was deleted meanwhile
	}
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	name := t.stream.Name
	s.mu.RUnlock()
	if !chosen(name) {
		return nil, nil
	}
	b, err := s.load(ctx, t.stream, t.entry.seq)
	if b == nil || err != nil {
		return nil, err
	}
	events := make([]Event, len(b.ends))
	for i := range events {
		events[i] = b.event(name, t.entry.seq, i)
	}
	return events, nil
}
