package journal

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func openLog(t testing.TB, j *Journal) *Log {
	t.Helper()
	l, err := j.Log(t.Context(), "events")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func appendLog(t testing.TB, l *Log, body []byte, subject ...string) Head {
	t.Helper()
	h, err := l.Append(t.Context(), subject, fmt.Sprint("note ", len(body)), body)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// noise is n bytes that nothing makes smaller.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// both runs a test against the embedded server and against one of its own.
func both(t *testing.T, fn func(t *testing.T, open func() *Journal)) {
	t.Run("embedded", func(t *testing.T) {
		j := openDir(t, t.TempDir())
		fn(t, func() *Journal { return j })
	})
	t.Run("external", func(t *testing.T) {
		url := external(t, t.TempDir(), 0).ClientURL()
		fn(t, func() *Journal { return openConfig(t, Config{URL: url}) })
	})
}

func TestLog(t *testing.T) {
	both(t, func(t *testing.T, open func() *Journal) {
		l := openLog(t, open())
		subjects := [][]string{{"a"}, {"a", "b.c *>"}, {"", "x"}}
		for _, s := range subjects[:2] {
			appendLog(t, l, []byte("small"), s...)
		}
		if _, err := l.Append(t.Context(), subjects[2], "", nil); err == nil {
			t.Error("a subject may have an empty part")
		}
		if _, err := l.Append(t.Context(), subjects[0], "line\nbreak", nil); err == nil {
			t.Error("a note may have a line break")
		}
		_, err := l.Append(t.Context(), subjects[0], "", make([]byte, maxLogBody+1))
		wantErr(t, err, ErrTooLarge)

		// What fills a message of the server to the last byte, or not quite.
		other := openLog(t, open())
		for _, n := range []int{0, l.pieces - 100, l.pieces, 1 << 20, 1<<20 + 70_000, maxLogBody} {
			body := noise(uint64(n), n)
			h := appendLog(t, l, body, "a", "large")
			got, stored, err := other.Read(t.Context(), h.Seq, nil)
			if err != nil || !bytes.Equal(stored, body) {
				t.Fatalf("%d bytes come back as %d, %v", n, len(stored), err)
			}
			if got.Note != h.Note || got.Pieces != h.Pieces || !slices.Equal(got.Subject, h.Subject) || got.Seq != h.Seq {
				t.Errorf("head is %+v, want %+v", got, h)
			}
			if (h.Pieces > 1) != (n >= l.pieces) {
				t.Errorf("%d bytes take %d pieces", n, h.Pieces)
			}
		}
	})
}

func TestLogFollow(t *testing.T) {
	both(t, func(t *testing.T, open func() *Journal) {
		j := open()
		l := openLog(t, j)
		var want []uint64
		for i := range 40 {
			h := appendLog(t, l, noise(uint64(i), i%2*1_200_000), "s", fmt.Sprint(i))
			want = append(want, h.Seq)
		}
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan uint64, 1000)
		complete := make(chan int, 2)
		done := make(chan error, 1)
		go func() {
			done <- openLog(t, open()).Follow(ctx, 0, func() { complete <- len(got) }, func(h Head) error {
				got <- h.Seq
				return nil
			})
		}()
		if n := <-complete; n != len(want) {
			t.Errorf("complete after %d heads, want %d", n, len(want))
		}
		for i := range 10 {
			want = append(want, appendLog(t, l, nil, "s", fmt.Sprint(i)).Seq)
		}
		for i, seq := range want {
			if g := <-got; g != seq {
				t.Fatalf("head %d is of %d, want %d", i, g, seq)
			}
		}
		cancel()
		if err := <-done; err == nil || len(complete) > 0 {
			t.Errorf("Follow() = %v, complete was told %d times more", err, len(complete))
		}
		stop := fmt.Errorf("stop")
		if err := l.Follow(t.Context(), want[3], func() {}, func(h Head) error {
			if h.Seq != want[3] {
				t.Errorf("follow from %d begins with %d", want[3], h.Seq)
			}
			return stop
		}); err != stop {
			t.Errorf("error of fn becomes %v", err)
		}
	})
}

func TestLogRemoves(t *testing.T) {
	both(t, func(t *testing.T, open func() *Journal) {
		l := openLog(t, open())
		large := func(subject ...string) Head { return appendLog(t, l, noise(1, 1_500_000), subject...) }
		one, two, three := large("g", "1"), large("g", "1"), large("g", "1")
		other, group := large("g", "2"), large("h", "1")
		want := func(rule string, want ...Head) {
			t.Helper()
			var seqs, left []uint64
			for _, h := range []Head{one, two, three, other, group} {
				if _, _, err := l.Read(t.Context(), h.Seq, nil); err == nil {
					left = append(left, h.Seq)
				} else {
					wantErr(t, err, ErrNotFound)
				}
			}
			for _, h := range want {
				seqs = append(seqs, h.Seq)
			}
			if !slices.Equal(left, seqs) {
				t.Errorf("%s: left are %v, want %v", rule, left, seqs)
			}
		}
		do := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		do(l.Purge(t.Context(), one.Seq+1, "g", "1"))
		want("those of the subject before a sequence go", two, three, other, group)
		before, err := l.Bytes(t.Context())
		do(err)
		for range 2 {
			do(l.Delete(t.Context(), three.Seq, three.Pieces))
		}
		want("one goes, and may be gone", two, other, group)
		if after, err := l.Bytes(t.Context()); err != nil || before-after < 1_500_000 {
			t.Errorf("%d bytes became %d, %v: pieces are left", before, after, err)
		}
		do(l.PurgeBelow(t.Context(), "g"))
		want("all below go", group)
		do(l.Purge(t.Context(), 0, "h", "1"))
		want("all of a subject go")
		if n, err := l.Bytes(t.Context()); n != 0 || err != nil {
			t.Errorf("%d bytes are left, %v: pieces", n, err)
		}
	})
}

// TestLogOfferedAgain offers messages again, as after an answer that got lost.
func TestLogOfferedAgain(t *testing.T) {
	both(t, func(t *testing.T, open func() *Journal) {
		l := openLog(t, open())
		for _, size := range []int{10, 1_500_000} {
			messages := l.pack(l.prefix+"s", "note", noise(1, size))
			first, err := l.offer(t.Context(), messages)
			if err != nil {
				t.Fatal(err)
			}
			appendLog(t, l, nil, "s")
			for range 2 {
				if seq, err := l.offer(t.Context(), messages); seq != first || err != nil {
					t.Errorf("%d bytes offered again are message %d, %v, want %d", size, seq, err, first)
				}
			}
		}
		if info, err := l.stream.Info(t.Context()); err != nil || info.State.Msgs != 5 {
			t.Errorf("%d messages are stored, %v, want 5", info.State.Msgs, err)
		}
	})
}

// TestLogRestarts has several append while the server goes away and comes back: all is
// there once.
func TestLogRestarts(t *testing.T) {
	for name, size := range map[string]int{"one piece": 1000, "several": 1_200_000} {
		t.Run(name, func(t *testing.T) {
			t.Run("embedded", func(t *testing.T) {
				j := openDir(t, t.TempDir())
				restarts(t, j, size, func() { j.embedded.fail() })
			})
			t.Run("external", func(t *testing.T) {
				dir := t.TempDir()
				s := external(t, dir, 0)
				port := s.Addr().(*net.TCPAddr).Port
				j := openConfig(t, Config{URL: s.ClientURL()})
				restarts(t, j, size, func() { stopServer(s); s = external(t, dir, port) })
			})
		})
	}
}

func restarts(t *testing.T, j *Journal, size int, restart func()) {
	l := openLog(t, j)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	heads := make(chan Head, 10_000)
	followed := make(chan error, 1)
	go func() {
		followed <- l.Follow(ctx, 0, func() {}, func(h Head) error { heads <- h; return nil })
	}()
	stop := make(chan struct{})
	var mu sync.Mutex
	want := map[uint64]string{}
	var work sync.WaitGroup
	for w := range 3 {
		work.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprintf("%d/%d", w, i)
				h, err := l.Append(within(t, 30*time.Second), []string{"s"}, id, noise(uint64(w), size))
				if err != nil {
					t.Errorf("%s: %v", id, err)
					return
				}
				mu.Lock()
				want[h.Seq] = id
				mu.Unlock()
			}
		})
	}
	count := func() int { mu.Lock(); defer mu.Unlock(); return len(want) }
	times := 3
	if testing.Short() {
		times = 1
	}
	for range times {
		for had := count(); count() < had+5 && !t.Failed(); {
			time.Sleep(time.Millisecond)
		}
		restart()
	}
	close(stop)
	work.Wait()
	got := map[string]bool{}
	for len(got) < len(want) {
		select {
		case h := <-heads:
			if want[h.Seq] != h.Note || got[h.Note] {
				t.Fatalf("head %d is %s, appended was %q; told before: %v", h.Seq, h.Note, want[h.Seq], got[h.Note])
			}
			got[h.Note] = true
		case <-time.After(20 * time.Second):
			t.Fatalf("told %d of %d", len(got), len(want))
		}
	}
	cancel()
	<-followed
	if len(heads) > 0 {
		t.Errorf("%d heads too many", len(heads))
	}
}

func TestLogRefuses(t *testing.T) {
	j := openDir(t, t.TempDir())
	l := openLog(t, j)
	_, err := l.Append(t.Context(), []string{"s"}, strings.Repeat("x", maxNote+1), nil)
	wantErr(t, err, ErrTooLarge)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = l.Append(t.Context(), []string{"s"}, "", nil)
	wantErr(t, err, ErrClosed)
	_, _, err = l.Read(t.Context(), 1, nil)
	wantErr(t, err, ErrClosed)
	wantErr(t, l.Purge(t.Context(), 0, "s"), ErrClosed)
}

func TestBucketRemove(t *testing.T) {
	j := openDir(t, t.TempDir())
	kv, err := j.KV(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	var rev [4]uint64
	for i, key := range []string{"a.1", "a.2", "b", "ab.1"} {
		if rev[i], err = kv.Put(t.Context(), key, []byte("v")); err != nil {
			t.Fatal(err)
		}
	}
	wantErr(t, kv.Remove(t.Context(), "b", rev[1]), ErrConflict)
	if err := kv.Remove(t.Context(), "b", rev[2]); err != nil {
		t.Error(err)
	}
	if err := kv.Forget(t.Context(), "a."); err != nil {
		t.Error(err)
	}
	var left []string
	if err := kv.List(t.Context(), "", func(key string, _ []byte) { left = append(left, key) }); err != nil || !slices.Equal(left, []string{"ab.1"}) {
		t.Errorf("left are %q, %v", left, err)
	}
}

// TestLogInCluster stops the leader while several append, and reads all from who is left.
func TestLogInCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	servers := cluster(t)
	var urls []string
	for _, s := range servers {
		urls = append(urls, s.ClientURL())
	}
	j := openConfig(t, Config{URL: strings.Join(urls, ","), Replicas: 3})
	l := openLog(t, j)
	var mu sync.Mutex
	want := map[uint64]int{}
	var work sync.WaitGroup
	for w := range 3 {
		work.Go(func() {
			for i := range 12 {
				size := i % 2 * 1_200_000
				h, err := l.Append(within(t, time.Minute), []string{"s"}, fmt.Sprint(size), noise(uint64(w), size))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				want[h.Seq] = size
				mu.Unlock()
			}
		})
	}
	time.Sleep(100 * time.Millisecond) // let some be under way
	info, err := l.stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range servers {
		if s.Name() == info.Cluster.Leader {
			stopServer(s)
		}
	}
	work.Wait()
	for seq, size := range want {
		if _, body, err := l.Read(t.Context(), seq, nil); err != nil || len(body) != size {
			t.Errorf("message %d has %d bytes, %v, want %d", seq, len(body), err, size)
		}
	}
	heads := 0
	if err := l.Follow(t.Context(), 0, func() {}, func(h Head) error {
		if size, ok := want[h.Seq]; !ok || h.Note != fmt.Sprint(size) {
			t.Errorf("head %d %q is of nothing that was acknowledged", h.Seq, h.Note)
		}
		if heads++; heads == len(want) {
			return errStop
		}
		return nil
	}); err != nil && err != errStop {
		t.Error(err)
	}
	if len(want) != 36 {
		t.Errorf("%d messages, want 36", len(want))
	}
}
