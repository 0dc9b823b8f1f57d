package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

func openKV(t testing.TB, j *Journal, bucket string) *KV {
	t.Helper()
	kv, err := j.KV(t.Context(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	return kv
}

// watch tells what a watcher is told, until ctx ends and the channel is closed.
func watch(t testing.TB, ctx context.Context, kv *KV, prefix string) <-chan string {
	events := make(chan string)
	go func() {
		defer close(events)
		err := kv.Watch(ctx, prefix, func(key string, value []byte, _ uint64) {
			text := key + "=" + string(value)
			switch {
			case key == "":
				text = "up to date"
			case value == nil:
				text = key + " deleted"
			}
			select {
			case events <- text:
			case <-ctx.Done():
			}
		})
		if !errors.Is(err, context.Canceled) && !errors.Is(err, ErrClosed) {
			t.Errorf("Watch = %v, want %v or %v", err, context.Canceled, ErrClosed)
		}
	}()
	return events
}

// wantEvents takes events until all these came, in this order.
func wantEvents(t testing.TB, events <-chan string, want ...string) {
	t.Helper()
	for _, w := range want {
		select {
		case e, ok := <-events:
			if !ok || e != w {
				t.Fatalf("event %q (open: %v), want %q", e, ok, w)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("no event, want %q", w)
		}
	}
}

func TestKV(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	j := openDir(t, dir)
	kv := openKV(t, j, "things")
	if _, _, err := kv.Get(ctx, "a"); true {
		wantErr(t, err, ErrNotFound)
	}
	one, err := kv.Create(ctx, "a", []byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = kv.Create(ctx, "a", []byte("2"))
	wantErr(t, err, ErrExists)
	two, err := kv.Update(ctx, "a", []byte("2"), one)
	if err != nil || two <= one {
		t.Fatalf("Update() = %d, %v, want more than %d", two, err, one)
	}
	_, err = kv.Update(ctx, "a", []byte("3"), one)
	wantErr(t, err, ErrConflict)
	_, err = kv.Update(ctx, "b", []byte("3"), one)
	wantErr(t, err, ErrConflict)
	if _, err := kv.Update(ctx, "b", nil, 0); err != nil {
		t.Errorf("Update() of a new key: %v", err)
	}
	for range 2 {
		if err := kv.Delete(ctx, "b"); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err = kv.Get(ctx, "b")
	wantErr(t, err, ErrNotFound)
	if _, err := kv.Create(ctx, "b", []byte("again")); err != nil {
		t.Errorf("Create() after Delete(): %v", err)
	}

	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	_, _, err = kv.Get(ctx, "a")
	wantErr(t, err, ErrClosed)
	kv = openKV(t, openDir(t, dir), "things")
	if v, r, err := kv.Get(ctx, "a"); string(v) != "2" || r != two || err != nil {
		t.Errorf("Get() = %q, %d, %v, want 2, %d", v, r, err, two)
	}
}

func TestKeysAndPrefixes(t *testing.T) {
	ctx, j := t.Context(), openDir(t, t.TempDir())
	kv := openKV(t, j, "things")
	keys := []string{"a", "a.b", "a.b.c", "a.bc", "ab", ".a", "a.", "a..b", "arn:aws:s3:::x/y", "*", ">", "a b", "ü", "=2E", "\x00\xff"}
	for _, k := range keys {
		if _, err := kv.Put(ctx, k, []byte(k)); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range keys {
		if v, _, err := kv.Get(ctx, k); string(v) != k || err != nil {
			t.Errorf("Get(%q) = %q, %v", k, v, err)
		}
	}
	for _, prefix := range append(keys, "", "a.b.", "a..", ".", "nothing", "arn:aws:s3:::x/") {
		var want, got []string
		for _, k := range keys {
			if strings.HasPrefix(k, prefix) {
				want = append(want, k)
			}
		}
		if err := kv.List(ctx, prefix, func(key string, _ []byte) { got = append(got, key) }); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
			t.Errorf("List(%q) = %q, want %q", prefix, got, want)
		}
	}
	for _, k := range []string{"", strings.Repeat("x", 256)} {
		if _, err := kv.Put(ctx, k, nil); err == nil {
			t.Errorf("key of %d bytes: no error", len(k))
		}
	}
	for _, b := range []string{"", "_hosts", "a.b", "a b"} {
		if _, err := j.KV(ctx, b); err == nil {
			t.Errorf("bucket %q: no error", b)
		}
	}
	err := openKV(t, j, "other").List(ctx, "", func(key string, _ []byte) { t.Errorf("the other bucket has %q", key) })
	if err != nil {
		t.Error(err)
	}
}

func TestWatch(t *testing.T) {
	ctx, kv := t.Context(), openKV(t, openDir(t, t.TempDir()), "things")
	for _, k := range []string{"f.1", "f.2", "g.1"} {
		if _, err := kv.Put(ctx, k, []byte("old")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := kv.Put(ctx, "f.2", nil); err != nil { // a value without bytes is none that was deleted
		t.Fatal(err)
	}
	watchCtx, cancel := context.WithCancel(ctx)
	events, empty := watch(t, watchCtx, kv, "f."), watch(t, watchCtx, kv, "h")
	wantEvents(t, events, "f.1=old", "f.2=", "up to date")
	wantEvents(t, empty, "up to date")
	if err := kv.Delete(ctx, "f.1"); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"g.2", "f.3", "h.1"} {
		if _, err := kv.Put(ctx, k, []byte("new")); err != nil {
			t.Fatal(err)
		}
	}
	wantEvents(t, events, "f.1 deleted", "f.3=new")
	wantEvents(t, empty, "h.1=new")
	cancel()
	for range events {
	}
	for range empty {
	}
}

func TestCounterUnderContention(t *testing.T) {
	ctx, kv := t.Context(), openKV(t, openDir(t, t.TempDir()), "things")
	const workers, each = 4, 25
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for done := 0; done < each; {
				value, revision, err := kv.Get(ctx, "n")
				n := 0
				if err == nil {
					_, err = fmt.Sscan(string(value), &n)
				}
				if err == nil || revision == 0 {
					_, err = kv.Update(ctx, "n", fmt.Append(nil, n+1), revision)
				}
				if err == nil {
					done++
				}
			}
		})
	}
	wg.Wait()
	if v, _, err := kv.Get(ctx, "n"); string(v) != fmt.Sprint(workers*each) || err != nil {
		t.Errorf("counted %s, %v, want %d", v, err, workers*each)
	}
}

func TestLease(t *testing.T) {
	ctx, j := t.Context(), openDir(t, t.TempDir())
	const ttl = 2 * time.Second
	a, err := j.Lease(ctx, "delivery", "a", ttl)
	if err != nil {
		t.Fatal(err)
	}
	// Kept for longer than ttl.
	if _, err := j.Lease(within(t, ttl+ttl/2), "delivery", "b", ttl); err == nil {
		t.Fatal("two have the lease")
	}
	select {
	case <-a.Lost():
		t.Fatal("lost the lease while renewing it")
	default:
	}
	// Given back.
	for range 2 {
		if err := a.Release(ctx); err != nil {
			t.Fatal(err)
		}
	}
	b, err := j.Lease(within(t, ttl), "delivery", "b", ttl)
	if err != nil {
		t.Fatal(err)
	}
	// The owner dies: nobody renews.
	b.stop()
	<-b.done
	start := time.Now()
	c, err := j.Lease(within(t, 5*ttl), "delivery", "c", ttl)
	if err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d < ttl/2 || d > 3*ttl {
		t.Errorf("taken over after %v, want about %v", d, ttl)
	}
	// The owner comes back under its name; the one before finds out.
	again, err := j.Lease(within(t, ttl/2), "delivery", "c", ttl)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.Lost():
	case <-time.After(2 * ttl):
		t.Error("did not notice that the lease was taken")
	}
	if err := c.Release(ctx); err != nil { // does not take it from its owner
		t.Error(err)
	}
	if _, err := j.Lease(within(t, ttl), "delivery", "d", ttl); err == nil {
		t.Error("two have the lease")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	<-again.Lost()
	for _, bad := range []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond} {
		if _, err := j.Lease(ctx, "x", "a", bad); err == nil {
			t.Errorf("ttl %v: no error", bad)
		}
	}
}

func TestLeaseIsLostWithTheServer(t *testing.T) {
	s := external(t, t.TempDir(), 0)
	j := openConfig(t, Config{URL: s.ClientURL()})
	l, err := j.Lease(t.Context(), "x", "a", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	stopServer(s)
	<-l.Lost()
	if d := time.Since(start); d > time.Second {
		t.Errorf("lost after %v, the lease was for 1 s", d)
	}
}
