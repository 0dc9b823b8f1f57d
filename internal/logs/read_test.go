package logs

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"weir/internal/cloudwatch"
)

// model is what a store should have: a sorted slice.
type model []Event

func (m model) read(q Query, limit int64) (out []Event) {
	for _, e := range m {
		chosen := q.Streams == nil && len(e.Stream) >= len(q.Prefix) && e.Stream[:len(q.Prefix)] == q.Prefix || slices.Contains(q.Streams, e.Stream)
		if !chosen || e.Time < limit || q.From != 0 && e.Time < q.From || q.To != 0 && e.Time >= q.To {
			continue
		}
		if q.After != nil && (q.Backward && e.Compare(*q.After) >= 0 || !q.Backward && e.Compare(*q.After) <= 0) {
			continue
		}
		out = append(out, e)
	}
	if q.Backward {
		slices.Reverse(out)
	}
	return out
}

// TestModel puts batches in any order, with times that overlap, to several streams, and
// compares what queries find with a model, for both directions and with After at every
// event.
func TestModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	now := noon
	s := newStore(t, Config{Now: fixed(&now)})
	streams := []string{"a1", "a2", "b1", "b2", "empty"}
	s.make(t, "g", streams...)
	s.make(t, "other", "a1")
	var want model
	for n := range 60 {
		now = noon + int64(n)
		stream := streams[r.IntN(4)]
		at := noon - int64(r.IntN(500))
		if n%10 == 9 {
			at = noon - day - int64(r.IntN(2*day)) // late, or of a long time
		}
		var events []cloudwatch.Event
		for i := range 1 + r.IntN(12) {
			events = append(events, event(at, fmt.Sprint(n, "/", i)))
			if r.IntN(3) > 0 {
				at += int64(r.IntN(60))
			}
			if n%20 == 19 {
				at += int64(r.IntN(day / 12))
			}
		}
		s.put(t, "g", stream, events...)
		s.put(t, "other", "a1", events[0])
		seq := s.lastKnown() - 1
		for i, e := range events {
			want = append(want, Event{Position: Position{Time: e.Timestamp, Seq: seq, Index: uint32(i)}, Stream: stream, Ingested: now, Message: e.Message})
		}
	}
	slices.SortFunc(want, func(a, b Event) int { return a.Compare(b.Position) })
	compare := func(q Query, limit int64) {
		t.Helper()
		wanted, i := want.read(q, limit), 0
		for e, err := range s.Read(t.Context(), q) {
			must(t, err)
			if i >= len(wanted) || e != wanted[i] {
				t.Fatalf("%+v, after %v: event %d of %d is %+v", q, q.After, i, len(wanted), e)
			}
			i++
		}
		if i != len(wanted) {
			t.Fatalf("%+v, after %v: %d events, want %d", q, q.After, i, len(wanted))
		}
	}
	bound := func() int64 {
		switch r.IntN(4) {
		case 0:
			return 0
		case 1:
			return want[r.IntN(len(want))].Time + int64(r.IntN(3)) - 1
		default:
			return noon - 500 + int64(r.IntN(1200))
		}
	}
	query := func() Query {
		q := Query{Group: "g", From: bound(), To: bound(), Backward: r.IntN(2) == 0}
		switch r.IntN(4) {
		case 0:
			q.Prefix = []string{"a", "b1", "x", "e"}[r.IntN(4)]
		case 1:
			q.Streams = []string{"b2", "a1", "b2"}[:r.IntN(4)]
		case 2:
			q.Streams = []string{streams[r.IntN(len(streams))]}
		}
		return q
	}
	for range 20 {
		compare(query(), 0)
	}
	for i := range want {
		q := Query{Group: "g", After: &want[i].Position}
		if r.IntN(2) == 0 {
			q = query()
			q.After = &want[i].Position
		}
		compare(q, 0)
		q.Backward = !q.Backward
		compare(q, 0)
	}
	must(t, s.SetRetention(t.Context(), "g", 1))
	compare(Query{Group: "g"}, now-day)
	compare(Query{Group: "g", Backward: true, To: noon - 100}, now-day)
	s.sweep(t.Context())
	compare(Query{Group: "g"}, now-day)
	must(t, s.SetRetention(t.Context(), "g", 0))
	left := 0
	for range s.Read(t.Context(), Query{Group: "g"}) {
		left++
	}
	if kept := len(want.read(Query{}, now-day)); left < kept || left == len(want) {
		t.Errorf("%d of %d events are left, %d are to be kept", left, len(want), kept)
	}
}

// TestReadWhileOthersPut has what comes meanwhile left out, and goes on over a stream that
// is deleted.
func TestReadWhileOthersPut(t *testing.T) {
	now := noon
	for _, backward := range []bool{false, true} {
		s := newStore(t, Config{Now: fixed(&now)})
		s.make(t, "g", "a", "b")
		for i := range int64(4) {
			s.put(t, "g", "a", event(now+10*i, fmt.Sprint(i)))
		}
		s.put(t, "g", "b", event(now, "b"), event(now+40, "b"))
		var got []string
		for e, err := range s.Read(t.Context(), Query{Group: "g", Backward: backward}) {
			must(t, err)
			got = append(got, e.Message)
			switch len(got) {
			case 2:
				s.put(t, "g", "a", event(now-5, "new"), event(now+25, "new"), event(now+90, "new"))
				s.put(t, "g", "a", event(now+15, "new"))
			case 4:
				must(t, s.DeleteStream(t.Context(), "g", "a"))
			}
		}
		want := "[0 b 1 2 b]" // 3 is gone
		if backward {
			want = "[b 3 2 1 b]"
		}
		if fmt.Sprint(got) != want {
			t.Errorf("backward %v: read %v, want %v", backward, got, want)
		}
	}
}
