package kv_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"weir/internal/kv"
	"weir/internal/kv/kvtest"
)

func number(value []byte) (int, error) { return strconv.Atoi(string(value)) }

func newCopy(t *testing.T, b kv.Bucket) *kv.Copy[int] {
	c := kv.NewCopy(b, number)
	t.Cleanup(c.Close)
	return c
}

func set(t *testing.T, b kv.Bucket, key, value string) {
	t.Helper()
	if _, err := b.Put(t.Context(), key, []byte(value)); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, b kv.Bucket, key string) {
	t.Helper()
	if err := b.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
}

// wantValues fails unless the copy has these, printed as maps are: "a:1 b:2".
func wantValues(t *testing.T, c *kv.Copy[int], want string) map[string]int {
	t.Helper()
	got, err := c.Values(t.Context())
	if text := fmt.Sprint(got); err != nil || text != "map["+want+"]" {
		t.Fatalf("values are %q, %v, want %q", text, err, want)
	}
	return got
}

func TestCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := kvtest.New()
		set(t, b, "a", "1")
		c := newCopy(t, b)
		before := wantValues(t, c, "a:1")
		set(t, b, "b", "2")
		wantValues(t, c, "a:1 b:2")
		set(t, b, "a", "3")
		remove(t, b, "b")
		remove(t, b, "never there")
		wantValues(t, c, "a:3")
		if len(before) != 1 || before["a"] != 1 {
			t.Errorf("what was read before is now %v", before)
		}
		c.Close()
		if _, err := c.Values(t.Context()); err == nil {
			t.Error("a closed copy can be read")
		}
		c.Close()
	})
}

// TestCopyReadsWhatWasWritten has many who write, some with a copy of their own as
// another process has it, and read at once what they wrote.
func TestCopyReadsWhatWasWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := kvtest.New()
		copies := []*kv.Copy[int]{newCopy(t, b), newCopy(t, kvtest.Late{Bucket: b, By: time.Millisecond}), newCopy(t, kvtest.Late{Bucket: b, By: time.Second})}
		var wg sync.WaitGroup
		for n := range 12 {
			wg.Go(func() {
				key, c := fmt.Sprint(n), copies[n%len(copies)]
				for i := range 50 {
					time.Sleep(rand.N(20 * time.Millisecond))
					there := rand.IntN(3) > 0
					if there {
						set(t, b, key, fmt.Sprint(i))
					} else {
						remove(t, b, key)
					}
					values, err := c.Values(t.Context())
					if got, ok := values[key]; err != nil || ok != there || there && got != i {
						t.Errorf("%s after it was written: %d (there: %v), %v, want %d (%v)", key, got, ok, err, i, there)
						return
					}
				}
			})
		}
		wg.Wait()
	})
}

// moody is a bucket whose watches do as the test says.
type moody struct {
	kv.Bucket
	watch    func(ctx context.Context, prefix string, fn func(string, []byte, uint64)) error
	revision func() (uint64, error)
	watches  int
}

func (m *moody) Watch(ctx context.Context, prefix string, fn func(string, []byte, uint64)) error {
	m.watches++
	if m.watch != nil {
		return m.watch(ctx, prefix, fn)
	}
	return m.Bucket.Watch(ctx, prefix, fn)
}

func (m *moody) Revision(ctx context.Context) (uint64, error) {
	if m.revision != nil {
		return m.revision()
	}
	return m.Bucket.Revision(ctx)
}

func TestCopyOfASilentWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &moody{Bucket: kvtest.New()}
		var silent atomic.Bool
		b.watch = func(ctx context.Context, prefix string, fn func(string, []byte, uint64)) error {
			return b.Bucket.Watch(ctx, prefix, func(key string, value []byte, revision uint64) {
				if !silent.Load() {
					fn(key, value, revision)
				}
			})
		}
		set(t, b, "a", "1")
		c := newCopy(t, b)
		wantValues(t, c, "a:1")
		silent.Store(true)
		set(t, b, "a", "2")
		start := time.Now()
		if got, err := c.Values(t.Context()); err == nil || !strings.Contains(err.Error(), "told nothing for 10s") {
			t.Errorf("values of a watch that tells nothing: %v, %v", got, err)
		}
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("waited %v", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Values(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v, want %v", err, context.DeadlineExceeded)
		}
		silent.Store(false)
		if _, err := c.Values(t.Context()); err == nil { // the watch that began in silence
			t.Error("values of a watch whose beginning was silent")
		}
		wantValues(t, c, "a:2")
	})
}

func TestCopyWaitsWhileThereIsNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := kvtest.New()
		for n := range 10 {
			set(t, b, fmt.Sprint(n), "1")
		}
		start := time.Now()
		wantValues(t, newCopy(t, kvtest.Late{Bucket: b, By: 9 * time.Second}), "0:1 1:1 2:1 3:1 4:1 5:1 6:1 7:1 8:1 9:1")
		if d := time.Since(start); d != 99*time.Second { // and for the end of the beginning
			t.Errorf("read after %v", d)
		}
	})
}

func TestCopyOfABucketOutOfReach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &moody{Bucket: kvtest.New()}
		set(t, b, "a", "1")
		c := newCopy(t, b)
		wantValues(t, c, "a:1")
		away := errors.New("away")
		b.revision = func() (uint64, error) { return 0, away }
		if got, err := c.Values(t.Context()); !errors.Is(err, away) {
			t.Errorf("values of a bucket out of reach: %v, %v, want %v", got, err, away)
		}
		b.revision = nil
		wantValues(t, c, "a:1")
		if b.watches != 1 {
			t.Errorf("%d watches, want 1", b.watches)
		}
	})
}

func TestCopyWatchesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &moody{Bucket: kvtest.New()}
		set(t, b, "a", "1")
		broken := errors.New("broken")
		b.watch = func(context.Context, string, func(string, []byte, uint64)) error { return broken }
		c := newCopy(t, b)
		if _, err := c.Values(t.Context()); !errors.Is(err, broken) {
			t.Errorf("error is %v, want %v", err, broken)
		}
		b.watch = nil
		wantValues(t, c, "a:1")
	})
}

// TestCopyOfAnotherBucket reads after the bucket was replaced, as by its backup.
func TestCopyOfAnotherBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &moody{Bucket: kvtest.New()}
		set(t, b, "a", "1")
		set(t, b, "b", "2")
		c := newCopy(t, b)
		wantValues(t, c, "a:1 b:2")
		b.Bucket = kvtest.New()
		set(t, b, "a", "5")
		wantValues(t, c, "a:5")
	})
}

// TestCopyThatNobodyReadsForLong: a deletion is forgotten after a day, and a watch
// that is away for as long does not hear of it.
func TestCopyThatNobodyReadsForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &moody{Bucket: kvtest.New()}
		var away atomic.Bool
		b.watch = func(ctx context.Context, prefix string, fn func(string, []byte, uint64)) error {
			return b.Bucket.Watch(ctx, prefix, func(key string, value []byte, revision uint64) {
				if !away.Load() || value != nil {
					fn(key, value, revision)
				}
			})
		}
		set(t, b, "a", "1")
		c := newCopy(t, b)
		wantValues(t, c, "a:1")
		time.Sleep(11 * time.Hour)
		wantValues(t, c, "a:1")
		time.Sleep(11 * time.Hour)
		wantValues(t, c, "a:1")
		if b.watches != 1 {
			t.Errorf("%d watches, want 1", b.watches)
		}
		away.Store(true)
		remove(t, b, "a")
		set(t, b, "b", "2")
		time.Sleep(13 * time.Hour)
		away.Store(false)
		wantValues(t, c, "b:2")
	})
}

func TestCopyOfWhatCannotBeDecoded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := kvtest.New()
		set(t, b, "a", "1")
		set(t, b, "b", "2")
		c := newCopy(t, b)
		wantValues(t, c, "a:1 b:2")
		for _, heal := range []func(){func() { set(t, b, "b", "3") }, func() { remove(t, b, "b") }} {
			set(t, b, "b", "many")
			if _, err := c.Values(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "b: ") {
				t.Errorf("error is %v, want one that names b", err)
			}
			heal()
			if _, err := c.Values(t.Context()); err != nil {
				t.Error(err)
			}
		}
		wantValues(t, c, "a:1")
	})
}
