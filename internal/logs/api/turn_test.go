package api

import (
	"context"
	"iter"
	"sync"
	"testing"
	"time"

	"weir/internal/logs"
)

// A slowStore reads nothing before it is let go.
type slowStore struct {
	*logs.Store
	reads chan struct{} // one for each that has begun
	let   chan struct{}
}

func (s slowStore) Read(context.Context, logs.Query) iter.Seq2[logs.Event, error] {
	return func(func(logs.Event, error) bool) {
		s.reads <- struct{}{}
		<-s.let
	}
}

// TestSearchesAreBounded: searches beyond those that may read wait, and are told to come back
// if that takes too long.
func TestSearchesAreBounded(t *testing.T) {
	b := newBed(t)
	b.fill(0)
	slow := slowStore{b.store, make(chan struct{}, maxSearches+1), make(chan struct{})}
	b.cfg.Store, b.patience = slow, 10*time.Millisecond
	const search = `{"logGroupName":"g"}`
	var done sync.WaitGroup
	for range maxSearches {
		done.Go(func() {
			if _, err := b.Do(context.Background(), "FilterLogEvents", []byte(search)); err != nil {
				t.Error(err)
			}
		})
		<-slow.reads
	}
	if _, failed := b.call("FilterLogEvents", search); failed != "ThrottlingException: Rate exceeded" {
		t.Errorf("one more is answered with %q", failed)
	}
	b.patience = time.Minute
	done.Go(func() {
		if _, err := b.Do(context.Background(), "FilterLogEvents", []byte(search)); err != nil {
			t.Error(err)
		}
	})
	close(slow.let)
	done.Wait()
	if len(slow.reads) != 1 || len(b.searches) != 0 {
		t.Errorf("%d have read when there was room, and %d do still", len(slow.reads), len(b.searches))
	}
}
