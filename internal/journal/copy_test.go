package journal

import (
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"weir/internal/kv"
)

func copyOf(t testing.TB, b kv.Bucket) *kv.Copy[int] {
	c := kv.NewCopy(b, func(value []byte) (int, error) { return strconv.Atoi(string(value)) })
	t.Cleanup(c.Close)
	return c
}

func wantCopy(t testing.TB, c *kv.Copy[int], want string) {
	t.Helper()
	if got, err := c.Values(t.Context()); err != nil || fmt.Sprint(got) != "map["+want+"]" {
		t.Errorf("values are %v, %v, want %s", got, err, want)
	}
}

func TestRevision(t *testing.T) {
	ctx, kv := t.Context(), openKV(t, openDir(t, t.TempDir()), "things")
	want := func(want uint64) {
		t.Helper()
		if got, err := kv.Revision(ctx); err != nil || got != want {
			t.Errorf("revision is %d, %v, want %d", got, err, want)
		}
	}
	want(0)
	one, err := kv.Put(ctx, "a", []byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	want(one)
	_, err = kv.Create(ctx, "a", nil)
	wantErr(t, err, ErrExists)
	want(one)
	if err := kv.Delete(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	want(one + 1)
}

// TestCopyReadsWhatWasWritten has many who write to one bucket, half of them through
// another journal, and who read at once what they wrote.
func TestCopyReadsWhatWasWritten(t *testing.T) {
	url := external(t, t.TempDir(), 0).ClientURL()
	var buckets []*KV
	var copies []*kv.Copy[int]
	for range 2 {
		b := openKV(t, openConfig(t, Config{URL: url}), "things")
		buckets, copies = append(buckets, b), append(copies, copyOf(t, b))
	}
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			key := fmt.Sprint(n)
			for i := range 25 {
				_, err := buckets[n%2].Put(t.Context(), key, []byte(strconv.Itoa(i)))
				if err != nil {
					t.Error(err)
				}
				for _, c := range copies {
					if values, err := c.Values(t.Context()); err != nil || values[key] != i {
						t.Errorf("%s is %d, %v, want %d", key, values[key], err, i)
					}
				}
				if err := buckets[n%2].Delete(t.Context(), key); err != nil {
					t.Error(err)
				}
				for _, c := range copies {
					if values, err := c.Values(t.Context()); err != nil || values[key] != 0 {
						t.Errorf("%s is %d, %v after it was deleted", key, values[key], err)
					}
				}
			}
		})
	}
	wg.Wait()
}

// TestCopyOfABucketWhoseLastChangeIsGone: a deletion is kept for a day only.
func TestCopyOfABucketWhoseLastChangeIsGone(t *testing.T) {
	b := openKV(t, openDir(t, t.TempDir()), "things")
	wantCopy(t, copyOf(t, b), "")
	if _, err := b.Put(t.Context(), "a", []byte("1")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.update(t.Context(), "b", []byte("2"), 0, time.Second); err != nil {
		t.Fatal(err)
	}
	wantCopy(t, copyOf(t, b), "a:1 b:2")
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if _, _, err := b.Get(t.Context(), "b"); err != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("b does not expire")
		}
	}
	start := time.Now()
	wantCopy(t, copyOf(t, b), "a:1")
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("waited %v for a revision that nobody tells", d)
	}
}

func TestCopyAfterTheServerWasAway(t *testing.T) {
	dir := t.TempDir()
	s := external(t, dir, 0)
	port := s.Addr().(*net.TCPAddr).Port
	b := openKV(t, openConfig(t, Config{URL: s.ClientURL()}), "things")
	for _, key := range []string{"a", "b"} {
		if _, err := b.Put(t.Context(), key, []byte("1")); err != nil {
			t.Fatal(err)
		}
	}
	c := copyOf(t, b)
	wantCopy(t, c, "a:1 b:1")
	stopServer(s)
	if got, err := c.Values(within(t, time.Second)); err == nil {
		t.Errorf("without a server the values are %v", got)
	}
	s = external(t, dir, port)
	// Somebody else is faster.
	other := openKV(t, openConfig(t, Config{URL: s.ClientURL()}), "things")
	if _, err := other.Put(t.Context(), "a", []byte("2")); err != nil {
		t.Fatal(err)
	}
	if err := other.Delete(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	wantCopy(t, c, "a:2")
}

func TestCopyOfAClosedJournal(t *testing.T) {
	j, err := Open(t.Context(), Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	c := copyOf(t, openKV(t, j, "things"))
	wantCopy(t, c, "")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = c.Values(t.Context())
	wantErr(t, err, ErrClosed)
	c.Close()
}
