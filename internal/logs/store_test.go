package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/cloudwatch"
	"weir/internal/journal"
)

// noon is a time that tests begin with, in milliseconds since 1970.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC).UnixMilli()

func fixed(at *int64) func() time.Time {
	return func() time.Time { return time.UnixMilli(*at) }
}

func TestGroupsAndStreams(t *testing.T) {
	now := noon
	long := "/" + strings.Repeat("x", 511)
	a, b := pair(t, Config{Now: fixed(&now)})
	ctx := t.Context()
	wantErr := func(got error, want *cloudwatch.Error) {
		t.Helper()
		if got != want {
			t.Errorf("error is %v, want %v", got, want)
		}
	}
	a.make(t, "g", "s2", "s1", "ümläut/[$LATEST]")
	a.make(t, long, strings.Repeat("ü", 512))
	// The other store knows at once what it is asked for.
	wantErr(b.CreateGroup(ctx, "g", "", nil), cloudwatch.GroupExists)
	wantErr(b.CreateStream(ctx, "g", "s1"), cloudwatch.StreamExists)
	wantErr(a.CreateStream(ctx, "h", "s1"), cloudwatch.NoSuchGroup)
	if got, want := b.groupNames(t), long+"["+strings.Repeat("ü", 512)+"] g[s1 s2 ümläut/[$LATEST]]"; got != want {
		t.Errorf("groups are %q, want %q", got, want)
	}

	must(t, a.SetRetention(ctx, "g", 30))
	must(t, b.Tag(ctx, "g", map[string]string{"a": "1", "b": "2"}, nil))
	must(t, a.Tag(ctx, "g", map[string]string{"c": "3"}, []string{"a", "x"}))
	b.put(t, "g", "s1", event(now, "four"), event(now+5, ""))
	got, err := b.Group(ctx, "g")
	soon(t, "told of the tags", func() bool { got, err = b.Group(ctx, "g"); return err == nil && got.Tags["c"] != "" })
	want := Group{Name: "g", Created: noon, Retention: 30, Class: "STANDARD", Tags: map[string]string{"b": "2", "c": "3"}, Bytes: 56}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("group (-want +got):\n%s", diff)
	}
	streams, err := b.Streams(ctx, "g")
	must(t, err)
	if diff := cmp.Diff(Stream{Name: "s1", Created: noon, First: noon, Last: noon + 5, LastIngested: noon, Bytes: 56}, streams[0]); diff != "" {
		t.Errorf("stream (-want +got):\n%s", diff)
	}

	wantErr(a.DeleteStream(ctx, "g", "s3"), cloudwatch.NoSuchStream)
	must(t, a.DeleteStream(ctx, "g", "s1"))
	wantErr(a.DeleteStream(ctx, "g", "s1"), cloudwatch.NoSuchStream)
	must(t, b.DeleteGroup(ctx, long))
	wantErr(b.DeleteGroup(ctx, long), cloudwatch.NoSuchGroup)
	for _, s := range []*Store{a, b} {
		if got, want := s.groupNames(t), "g[s2 ümläut/[$LATEST]]"; got != want {
			t.Errorf("groups are %q, want %q", got, want)
		}
		if g, err := s.Group(ctx, "g"); g.Bytes != 0 || err != nil {
			t.Errorf("group has %d bytes, %v", g.Bytes, err)
		}
		for what, err := range map[string]error{
			"SetRetention": s.SetRetention(ctx, "no", 1), "Tag": s.Tag(ctx, "no", nil, nil), "DeleteStream": s.DeleteStream(ctx, "no", "s"),
			"Follow": s.Follow(ctx, "no", nil, "", nil), "PutFilter": s.PutFilter(ctx, MetricFilter{Group: "no"}),
		} {
			if err != cloudwatch.NoSuchGroup {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
}

// TestDeletedEventsStayAway makes again what was deleted.
func TestDeletedEventsStayAway(t *testing.T) {
	now := noon
	a, b := pair(t, Config{Now: fixed(&now)})
	ctx := t.Context()
	for range 3 {
		a.make(t, "g", "s", "t")
		a.wantRead(t, Query{Group: "g"})
		a.put(t, "g", "s", event(now, "old"))
		b.put(t, "g", "t", event(now, "kept"))
		soon(t, "told of the event", func() bool { return len(a.read(t, Query{Group: "g"})) == 2 })
		before, err := a.log.Bytes(ctx)
		must(t, err)
		must(t, a.DeleteStream(ctx, "g", "s"))
		if after, err := a.log.Bytes(ctx); after >= before || err != nil {
			t.Errorf("%d bytes became %d, %v", before, after, err)
		}
		must(t, a.CreateStream(ctx, "g", "s"))
		a.put(t, "g", "s", event(now, "new"))
		a.wantRead(t, Query{Group: "g"}, "t:kept", "s:new")
		soon(t, "told of the deletion", func() bool { return fmt.Sprint(b.read(t, Query{Group: "g"})) == "[t:kept s:new]" })
		must(t, b.PutFilter(ctx, MetricFilter{Group: "g", Name: "f"}))
		must(t, b.DeleteGroup(ctx, "g"))
		if n, err := a.log.Bytes(ctx); n != 0 || err != nil {
			t.Errorf("%d bytes are left, %v", n, err)
		}
		if err := a.catchUp(ctx); err != nil {
			t.Error(err)
		}
		if f, err := a.Filters(ctx, ""); len(f) > 0 || err != nil {
			t.Errorf("filters %v, %v", f, err)
		}
	}
}

func TestPutRejects(t *testing.T) {
	now := noon
	taken := 0
	s := newStore(t, Config{Now: fixed(&now), Taken: func(group, stream string, events []cloudwatch.Event) {
		if group != "g" || stream != "s" {
			t.Errorf("taken for %s/%s", group, stream)
		}
		taken += len(events)
	}})
	s.make(t, "g", "s")
	const age, ahead = cloudwatch.MaxAge, cloudwatch.MaxAhead
	count := 0
	for _, tt := range []struct {
		name      string
		retention int
		times     []int64 // from now
		want      Rejected
	}{
		{"none", 0, []int64{-age, 0, 0, ahead}, Rejected{New: 4}},
		{"too old", 0, []int64{-age - 1, -age}, Rejected{Old: 1, New: 2}},
		{"too new", 0, []int64{0, ahead, ahead + 1, ahead + 2}, Rejected{New: 2}},
		{"all too old", 0, []int64{-age - 2, -age - 1}, Rejected{Old: 2, New: 2}},
		{"all too new", 0, []int64{ahead + 1}, Rejected{New: 0}},
		{"expired", 1, []int64{-day - 1, -day, 0}, Rejected{Expired: 1, New: 3}},
		{"expired and too old", 7, []int64{-age - 1, -age, -7 * day}, Rejected{Old: 1, Expired: 2, New: 3}},
		{"a group that keeps longer than a client may be late", 30, []int64{-age - 1, -age}, Rejected{Old: 1, New: 2}},
		{"nothing", 0, nil, Rejected{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			must(t, s.SetRetention(t.Context(), "g", tt.retention))
			var events []cloudwatch.Event
			for _, at := range tt.times {
				events = append(events, event(now+at, "m"))
			}
			got, err := s.Put(t.Context(), "g", "s", events)
			if err != nil || got != tt.want {
				t.Errorf("Put() = %+v, %v, want %+v", got, err, tt.want)
			}
			count += len(tt.want.taken(events))
			if taken != count {
				t.Errorf("%d events were taken, want %d", taken, count)
			}
		})
	}
	must(t, s.SetRetention(t.Context(), "g", 0))
	if got := len(s.read(t, Query{Group: "g"})); got != count {
		t.Errorf("%d events are there, want %d", got, count)
	}
	if st := s.Stats(); st.Events != uint64(count) || st.Bytes != uint64(27*count) {
		t.Errorf("stats are %+v", st)
	}
	_, err := s.Put(t.Context(), "g", "s", []cloudwatch.Event{event(now, "b"), event(now-1, "a")})
	if !errors.Is(err, cloudwatch.Invalid("")) {
		t.Errorf("unordered events: %v", err)
	}
	if _, err := s.Put(t.Context(), "g", "no", []cloudwatch.Event{event(now, "b")}); err != cloudwatch.NoSuchStream {
		t.Errorf("unknown stream: %v", err)
	}
}

// TestLargestBatch puts a batch as large as the API takes, of what nothing makes smaller.
func TestLargestBatch(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	noise := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return string(b)
	}
	now := noon
	one := []cloudwatch.Event{event(now, noise(cloudwatch.MaxBatchBytes-cloudwatch.EventOverhead))}
	var many []cloudwatch.Event
	for i := range cloudwatch.MaxBatchEvents {
		many = append(many, event(now+int64(i), noise(cloudwatch.MaxBatchBytes/cloudwatch.MaxBatchEvents-cloudwatch.EventOverhead)))
	}
	for name, cfg := range map[string]journal.Config{"embedded": {Dir: t.TempDir()}, "external": {URL: serverURL(t)}} {
		t.Run(name, func(t *testing.T) {
			s := openStore(t, Config{Now: fixed(&now), Journal: openJournal(t, cfg)})
			s.make(t, "g", "one", "many")
			s.put(t, "g", "one", one...)
			s.put(t, "g", "many", many...)
			for stream, want := range map[string][]cloudwatch.Event{"one": one, "many": many} {
				n := 0
				for e, err := range s.Read(t.Context(), Query{Group: "g", Streams: []string{stream}}) {
					must(t, err)
					if e.Message != want[n].Message || e.Time != want[n].Timestamp {
						t.Fatalf("%s: event %d is another", stream, n)
					}
					n++
				}
				if n != len(want) {
					t.Errorf("%s: %d events, want %d", stream, n, len(want))
				}
			}
		})
	}
}

func TestFollow(t *testing.T) {
	now := noon
	a, b := pair(t, Config{Now: fixed(&now)})
	a.make(t, "g", "a1", "b1")
	a.make(t, "h", "a1")
	a.put(t, "g", "a1", event(now, "before"))
	soon(t, "told of it", func() bool { return len(b.read(t, Query{Group: "g"})) == 1 })
	type tailing struct {
		streams []string
		prefix  string
		want    string
		got     bytes.Buffer
		done    chan error
	}
	tails := []*tailing{
		{want: "a1:1 a1:2 b1:3 a2:4 "}, {prefix: "a", want: "a1:1 a1:2 a2:4 "}, {streams: []string{"b1", "no"}, want: "b1:3 "},
	}
	stop := errors.New("stop")
	for _, tl := range tails {
		tl.done = make(chan error, 1)
		go func() {
			tl.done <- b.Follow(t.Context(), "g", tl.streams, tl.prefix, func(events []Event) error {
				for _, e := range events {
					fmt.Fprintf(&tl.got, "%s:%s ", e.Stream, e.Message)
				}
				if tl.got.Len() >= len(tl.want) {
					return stop
				}
				return nil
			})
		}()
	}
	g, err := b.group(t.Context(), "g")
	must(t, err)
	soon(t, "following", func() bool { b.mu.RLock(); defer b.mu.RUnlock(); return len(g.tails) == len(tails) })
	a.put(t, "h", "a1", event(now, "another group"))
	_, err = a.log.Append(t.Context(), []string{g.id, "no stream"}, (&entry{count: 1}).note(now), appendBatch(nil, now, []cloudwatch.Event{event(now, "of no stream")}))
	must(t, err)
	a.put(t, "g", "a1", event(now, "1"), event(now, "2"))
	soon(t, "told", func() bool { return b.lastKnown() >= 4 })
	b.put(t, "g", "b1", event(now-1000, "3"))
	must(t, a.CreateStream(t.Context(), "g", "a2"))
	a.put(t, "g", "a2", event(now, "4"))
	for _, tl := range tails {
		if err := <-tl.done; err != stop || tl.got.String() != tl.want {
			t.Errorf("Follow(%q, %q) = %v with %q, want %q", tl.streams, tl.prefix, err, tl.got.String(), tl.want)
		}
	}
	done := make(chan error, 1)
	go func() { done <- b.Follow(t.Context(), "g", nil, "", nil) }()
	soon(t, "following", func() bool { b.mu.RLock(); defer b.mu.RUnlock(); return len(g.tails) == 1 })
	must(t, a.DeleteGroup(t.Context(), "g"))
	if err := <-done; err != cloudwatch.NoSuchGroup {
		t.Errorf("after the group was deleted: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Follow(ctx, "h", nil, "", nil); err != context.Canceled {
		t.Errorf("after the context has ended: %v", err)
	}
}

func TestFilters(t *testing.T) {
	now := noon
	a, b := pair(t, Config{Now: fixed(&now)})
	ctx := t.Context()
	a.make(t, "g")
	a.make(t, "h")
	zero := 0.0
	f := MetricFilter{Group: "g", Name: "f2", Pattern: "{ $.a = 1 }", Transformations: []Transformation{
		{MetricName: "m", MetricNamespace: "n", MetricValue: "$.a", DefaultValue: &zero, Dimensions: map[string]string{"d": "$.d"}, Unit: "Bytes"}}}
	must(t, b.PutFilter(ctx, f))
	now += 1000
	f.Pattern = "other"
	must(t, b.PutFilter(ctx, f))
	must(t, b.PutFilter(ctx, MetricFilter{Group: "g", Name: "f1"}))
	must(t, b.PutFilter(ctx, MetricFilter{Group: "h", Name: "f0"}))
	must(t, a.catchUp(ctx))
	f.Created = noon
	want := []MetricFilter{{Group: "g", Name: "f1", Created: now}, f}
	got, err := a.Filters(ctx, "g")
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("filters: %v (-want +got):\n%s", err, diff)
	}
	if all, err := a.Filters(ctx, ""); len(all) != 3 || err != nil {
		t.Errorf("all filters: %v, %v", all, err)
	}
	if g, err := a.Group(ctx, "g"); g.Filters != 2 || err != nil {
		t.Errorf("group has %d filters, %v", g.Filters, err)
	}
	must(t, a.DeleteFilter(ctx, "g", "f1"))
	if err := a.DeleteFilter(ctx, "g", "f1"); err != cloudwatch.NoSuchFilter {
		t.Errorf("deleted again: %v", err)
	}
	if got, err := a.Filters(ctx, "g"); len(got) != 1 || err != nil {
		t.Errorf("filters left: %v, %v", got, err)
	}
}
