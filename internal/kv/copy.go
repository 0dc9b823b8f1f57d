package kv

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// patience is how long a reader waits for news that were promised.
	patience = 10 * time.Second

	// trust is how long a watch may have gone on unseen. It is well below the day
	// for which a bucket promises that a watch misses nothing.
	trust = 12 * time.Hour
)

// A Copy is what is in a bucket, decoded, and kept as it is there by watching it. Its
// methods may be called from any goroutine.
//
// Reading is not from memory alone. The bucket is asked for the revision of its last
// change, and the copy is waited for until it has that: so a reader sees all that
// anybody has written before, in this process or in another one, and gets an error,
// and nothing old, from a bucket that is out of reach.
type Copy[V any] struct {
	bucket Bucket
	decode func([]byte) (V, error)

	mu      sync.Mutex
	watch   *watch[V] // nil before the first reader comes
	closed  bool
	watches sync.WaitGroup
}

// NewCopy returns the copy of a bucket. Watching begins with the first reader.
func NewCopy[V any](bucket Bucket, decode func(value []byte) (V, error)) *Copy[V] {
	return &Copy[V]{bucket: bucket, decode: decode}
}

// Values returns the values by key, those of one moment that is not before the call.
// Neither the map nor what is in it may be changed: others read them, too. A value
// that cannot be decoded makes it fail, with an error that names the key.
func (c *Copy[V]) Values(ctx context.Context) (map[string]V, error) {
	w, err := c.watching()
	if err != nil {
		return nil, err
	}
	had, asked := w.told(), time.Now()
	last, err := c.bucket.Revision(ctx)
	if err != nil {
		return nil, err
	}
	if last < had {
		// Another bucket has its place, one from a backup perhaps.
		c.drop(w)
		if w, err = c.watching(); err != nil {
			return nil, err
		}
	}
	values, err := w.until(ctx, last, asked)
	if errors.Is(err, errSilent) {
		c.drop(w)
	}
	return values, err
}

// Close ends watching. It is safe to repeat.
func (c *Copy[V]) Close() {
	c.mu.Lock()
	c.closed = true
	if c.watch != nil {
		c.watch.stop()
	}
	c.mu.Unlock()
	c.watches.Wait()
}

// watching returns the watch, a new one if there is none that can be relied on.
func (c *Copy[V]) watching() (*watch[V], error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errors.New("kv: the copy is closed")
	}
	if c.watch != nil && c.watch.reliable() {
		return c.watch, nil
	}
	if c.watch != nil {
		c.watch.stop()
	}
	ctx, stop := context.WithCancel(context.Background())
	w := &watch[V]{
		stop: stop, ended: make(chan struct{}), seen: time.Now(),
		values: make(map[string]V), bad: make(map[string]error), news: make(chan struct{}),
	}
	c.watch = w
	c.watches.Go(func() {
		defer close(w.ended)
		w.why = c.bucket.Watch(ctx, "", func(key string, value []byte, revision uint64) {
			var v V
			var err error
			if value != nil {
				v, err = c.decode(value)
			}
			w.tell(key, value != nil, v, err, revision)
		})
	})
	return w, nil
}

// drop ends a watch, so that the next reader begins another one.
func (c *Copy[V]) drop(w *watch[V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.watch == w {
		c.watch = nil
	}
	w.stop()
}

// A watch is one call of [Bucket.Watch], and what it has told.
type watch[V any] struct {
	stop  context.CancelFunc
	ended chan struct{} // closed when it has ended; then why is set
	why   error

	mu       sync.Mutex
	values   map[string]V
	lent     bool             // a reader has values: change another map
	bad      map[string]error // of values that cannot be decoded
	complete bool             // all of the beginning has been told
	revision uint64
	news     chan struct{} // closed with each news
	seen     time.Time     // when it was last known to have missed nothing
}

// errSilent says that news did not come.
var errSilent = fmt.Errorf("its watch has told nothing for %v", patience)

// tell takes what the bucket tells.
func (w *watch[V]) tell(key string, there bool, v V, bad error, revision uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lent && key != "" {
		w.values, w.lent = maps.Clone(w.values), false
	}
	delete(w.bad, key)
	switch {
	case key == "":
		w.complete = true
	case bad != nil:
		w.bad[key] = bad
		delete(w.values, key)
	case there:
		w.values[key] = v
	default:
		delete(w.values, key)
	}
	w.revision = max(w.revision, revision)
	close(w.news)
	w.news = make(chan struct{})
}

// told returns the revision that the watch has come to, 0 in its beginning.
func (w *watch[V]) told() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.complete {
		return 0
	}
	return w.revision
}

// reliable reports whether the watch goes on, and has not been out of sight for so
// long that it may have missed something.
func (w *watch[V]) reliable() bool {
	select {
	case <-w.ended:
		return false
	default:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	// Without the monotonic clock, which may stand still while the machine sleeps.
	return time.Now().Round(0).Sub(w.seen.Round(0)) < trust
}

// until returns the values once the watch has come to a revision, which the bucket
// had after asked.
func (w *watch[V]) until(ctx context.Context, revision uint64, asked time.Time) (map[string]V, error) {
	silence := time.NewTimer(patience)
	defer silence.Stop()
	for {
		w.mu.Lock()
		if w.complete && w.revision >= revision {
			defer w.mu.Unlock()
			if asked.After(w.seen) {
				w.seen = asked
			}
			for _, key := range slices.Sorted(maps.Keys(w.bad)) {
				return nil, fmt.Errorf("%s: %w", key, w.bad[key])
			}
			w.lent = true
			return w.values, nil
		}
		at, news := w.revision, w.news
		w.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("kv: wait for revision %d at %d: %w", revision, at, context.Cause(ctx))
		case <-w.ended:
			return nil, fmt.Errorf("kv: wait for revision %d at %d: %w", revision, at, w.why)
		case <-silence.C:
			return nil, fmt.Errorf("kv: wait for revision %d at %d: %w", revision, at, errSilent)
		case <-news:
			silence.Reset(patience)
		}
	}
}
