package logs

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"weir/internal/cloudwatch"
	"weir/internal/journal"
)

// TestRetention lets days pass: what is too old is not returned at once, and is off the
// disk when it has been swept.
func TestRetention(t *testing.T) {
	now := noon
	a, b := pair(t, Config{Now: fixed(&now)})
	ctx := t.Context()
	a.make(t, "g", "s", "t")
	a.make(t, "kept", "s")
	must(t, a.SetRetention(ctx, "g", 3))
	a.put(t, "kept", "s", event(now, "for ever"))
	a.put(t, "g", "s", event(now, "0"))
	a.put(t, "g", "s", event(now, "0"), event(now+cloudwatch.MaxAhead, "1")) // this one outlives others
	b.put(t, "g", "t", event(now, "0"))
	a.put(t, "g", "s", event(now-day, "-1"))
	now += day
	a.put(t, "g", "s", event(now-day/4, "2"))
	soon(t, "told of all", func() bool { return len(a.read(t, Query{Group: "g"})) == 6 && len(b.read(t, Query{Group: "g"})) == 6 })
	size := func() uint64 {
		n, err := a.log.Bytes(ctx)
		must(t, err)
		return n
	}
	messages := func(want ...uint64) {
		t.Helper()
		for seq := uint64(1); seq <= a.lastKnown(); seq++ {
			_, _, err := a.log.Read(ctx, seq, nil)
			found := false
			for _, w := range want {
				found = found || w == seq
			}
			if (err == nil) != found {
				t.Errorf("message %d: %v, is to be there: %v", seq, err, found)
			}
		}
	}
	now += day + 1
	for _, s := range []*Store{a, b} {
		s.wantRead(t, Query{Group: "g"}, "s:0", "s:0", "t:0", "s:1", "s:2")
	}
	before := size()
	a.sweep(ctx)
	messages(1, 2, 3, 4, 6)
	if after := size(); after >= before {
		t.Errorf("%d bytes became %d", before, after)
	}

	now += day
	a.wantRead(t, Query{Group: "g"}, "s:1", "s:2")
	a.wantRead(t, Query{Group: "g", Backward: true}, "s:2", "s:1")
	must(t, b.SetRetention(ctx, "g", 0))
	must(t, a.catchUp(ctx))
	a.wantRead(t, Query{Group: "g"}, "s:0", "s:0", "t:0", "s:1", "s:2") // it was not swept
	must(t, b.SetRetention(ctx, "g", 3))
	must(t, a.catchUp(ctx))
	a.sweep(ctx)
	messages(1, 3, 6) // 3 is whole: its last event is not too old
	// The other one finds out when it comes to them.
	must(t, b.SetRetention(ctx, "g", 0))
	b.wantRead(t, Query{Group: "g"}, "s:0", "s:1", "s:2")
	if st, err := b.Streams(ctx, "g"); err != nil || st[1].Bytes != 0 || st[1].Last != 0 {
		t.Errorf("stream whose events are gone: %+v, %v", st[1], err)
	}
	if g, err := b.Group(ctx, "g"); g.Bytes != 3*27 || err != nil {
		t.Errorf("group has %d bytes, %v", g.Bytes, err)
	}
	a.wantRead(t, Query{Group: "kept"}, "s:for ever")

	// Whole and off the disk.
	must(t, b.SetRetention(ctx, "g", 1))
	must(t, a.catchUp(ctx))
	now += 10 * day
	a.sweep(ctx)
	messages(1)
	again := openStore(t, Config{Journal: a.cfg.Journal, Now: a.cfg.Now})
	again.wantRead(t, Query{Group: "g"})
	again.wantRead(t, Query{Group: "kept"}, "s:for ever")
}

// TestSweepKeepsWhatItHasNotHeardOf has a batch of another process, not known yet, between
// two that are too old.
func TestSweepKeepsWhatItHasNotHeardOf(t *testing.T) {
	now := noon
	st := &stream{group: &group{}}
	for _, seq := range []uint64{5, 6, 8, 10} {
		st.add(entry{first: now - 2*day, seq: seq, count: 1, pieces: 1}, now)
	}
	st.add(entry{first: now, seq: 9, count: 1, pieces: 1}, now)
	l, ok := st.lapse(now-day, 6)
	if !ok || l.before != 7 || len(l.others) != 2 || l.others[0].seq != 8 || l.others[1].seq != 10 {
		t.Errorf("lapse is %+v, %v", l, ok)
	}
}

func TestRunSweeps(t *testing.T) {
	now := noon
	s := newStore(t, Config{Now: fixed(&now)})
	s.make(t, "g", "s")
	must(t, s.SetRetention(t.Context(), "g", 1))
	s.put(t, "g", "s", event(now, "x"))
	soon(t, "told", func() bool { s.mu.RLock(); defer s.mu.RUnlock(); return s.told == 1 })
	now += 2 * day
	if err := s.Run(within(t, 100*time.Millisecond)); err == nil {
		t.Error("Run ended by itself")
	}
	if n, err := s.log.Bytes(t.Context()); n != 0 || err != nil {
		t.Errorf("%d bytes are left, %v", n, err)
	}
}

// TestDeletionGoesOn opens stores on what interrupted deletions leave.
func TestDeletionGoesOn(t *testing.T) {
	now := noon
	clock := fixed(&now)
	j := openJournal(t, journal.Config{Dir: t.TempDir()})
	s := openStore(t, Config{Journal: j, Now: clock})
	ctx := t.Context()
	s.make(t, "g", "s")
	s.make(t, "h", "s", "t")
	for _, name := range []string{"g", "h"} {
		s.put(t, name, "s", event(now, "x"))
	}
	g, h := s.groups["g"], s.groups["h"]
	must(t, s.PutFilter(ctx, MetricFilter{Group: "g", Name: "f"}))
	record := fmt.Sprintf(`{"key":%q,"since":%d}`, groupKeys+hash("g"), now)
	_, err := s.bucket.Put(ctx, goneKeys+g.id, []byte(record))
	must(t, err)
	st := h.streams["s"]
	record = fmt.Sprintf(`{"key":%q,"since":%d}`, streamKeys+h.id+"."+hash("s"), now)
	_, err = s.bucket.Put(ctx, goneKeys+h.id+"."+st.id, []byte(record))
	must(t, err)
	must(t, s.catchUp(ctx))
	// What is left of them is not in the way, even before somebody has cleared up.
	s.make(t, "g", "s")
	must(t, s.CreateStream(ctx, "h", "s"))
	s.put(t, "g", "s", event(now, "new"))
	must(t, s.DeleteStream(ctx, "h", "s"))

	again := openStore(t, Config{Journal: j, Now: clock})
	if got, want := again.groupNames(t), "g[s] h[t]"; got != want {
		t.Errorf("groups are %s, want %s", got, want)
	}
	again.wantRead(t, Query{Group: "g"}, "s:new")
	keys := func(want int) {
		t.Helper()
		var keys []string
		must(t, s.bucket.List(ctx, "", func(key string, _ []byte) { keys = append(keys, key) }))
		if len(keys) != want {
			t.Errorf("keys are %q, want %d", keys, want)
		}
	}
	keys(4 + 3) // two groups and two streams, three deletions that are remembered

	// Somebody who has not heard of it adds to the group; an hour later that goes, too.
	_, err = s.log.Append(ctx, []string{g.id, "stream"}, (&entry{count: 1}).note(now), appendBatch(nil, now, []cloudwatch.Event{event(now, "late")}))
	must(t, err)
	before, err := s.log.Bytes(ctx)
	must(t, err)
	now += 2 * remember.Milliseconds()
	again.clearAll(ctx)
	keys(4)
	if after, err := s.log.Bytes(ctx); after >= before || err != nil {
		t.Errorf("%d bytes became %d, %v", before, after, err)
	}
}

// TestManyAtOnce has several stores put to one stream while others read, make and delete.
func TestManyAtOnce(t *testing.T) {
	clock := func() time.Time { return time.UnixMilli(noon) }
	a, b := pair(t, Config{Now: clock})
	ctx := t.Context()
	a.make(t, "g", "s")
	must(t, b.catchUp(ctx))
	const each = 40
	var writers, others sync.WaitGroup
	stop := make(chan struct{})
	tailed := make(chan string, 10_000)
	for _, s := range []*Store{a, b} {
		others.Go(func() {
			_ = s.Follow(within(t, time.Minute), "g", nil, "", func(events []Event) error {
				for _, e := range events {
					tailed <- e.Message
				}
				return nil
			})
		})
	}
	for _, s := range []*Store{a, b} {
		soon(t, "following", func() bool { s.mu.RLock(); defer s.mu.RUnlock(); return len(s.groups["g"].tails) == 1 })
	}
	for i, s := range []*Store{a, b} {
		for w := range 2 {
			writers.Go(func() {
				for n := range each {
					name := fmt.Sprintf("%d/%d/%d", i, w, n)
					if _, err := s.Put(ctx, "g", "s", []cloudwatch.Event{event(noon-int64(n), name)}); err != nil {
						t.Error(err)
					}
					found := false
					for e, err := range s.Read(ctx, Query{Group: "g", From: noon - int64(n), To: noon - int64(n) + 1}) {
						found = found || e.Message == name
						if err != nil {
							t.Error(err)
						}
					}
					if !found {
						t.Errorf("%s was put and is not read", name)
					}
				}
			})
		}
		others.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				group := fmt.Sprint("other", n%2)
				// Either store may be first with each of these.
				_ = s.CreateGroup(ctx, group, "", nil)
				_ = s.CreateStream(ctx, group, "s")
				_, _ = s.Put(ctx, group, "s", []cloudwatch.Event{event(noon, "x")})
				_ = s.SetRetention(ctx, group, 1)
				_ = s.DeleteGroup(ctx, group)
				if _, err := s.Groups(ctx); err != nil {
					t.Error(err)
				}
				s.sweep(ctx)
			}
		})
	}
	writers.Wait()
	close(stop)
	const all = 2 * 2 * each
	counts := map[string]int{}
	for range 2 * all {
		select {
		case name := <-tailed:
			counts[name]++
		case <-time.After(20 * time.Second):
			t.Fatalf("%d events were told of, want %d twice", len(counts), all)
		}
	}
	for name, n := range counts {
		if n != 2 {
			t.Errorf("two tails have told of %s %d times", name, n)
		}
	}
	must(t, a.DeleteGroup(ctx, "g")) // ends the tails
	others.Wait()
	must(t, b.catchUp(ctx))
	_ = a.DeleteGroup(ctx, "other0")
	_ = a.DeleteGroup(ctx, "other1")
	if n, err := a.log.Bytes(ctx); err != nil || n != 0 {
		t.Errorf("%d bytes are left, %v", n, err)
	}
}
