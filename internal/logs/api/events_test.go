package api

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/cloudwatch"
	"weir/internal/logs"
)

// fill makes a group g with streams a and b, and n events in turn, some of the same time.
// It returns the messages in the order of reading.
func (b *bed) fill(n int) []string {
	b.t.Helper()
	ok[nothing](b, "CreateLogGroup", cloudwatch.CreateLogGroup{LogGroupName: "g"})
	for _, stream := range []string{"a", "b"} {
		ok[nothing](b, "CreateLogStream", cloudwatch.CreateLogStream{LogGroupName: "g", LogStreamName: stream})
	}
	var all []string
	for i := range n {
		e := cloudwatch.Event{Timestamp: noon.UnixMilli() + int64(i/3), Message: fmt.Sprintf("%s %d", "ab"[i%2:i%2+1], i)}
		ok[cloudwatch.PutLogEventsAnswer](b, "PutLogEvents", cloudwatch.PutLogEvents{LogGroupName: "g", LogStreamName: e.Message[:1], LogEvents: []cloudwatch.Event{e}})
		all = append(all, e.Message)
	}
	return all
}

// of returns the messages of a stream.
func of(stream string, all []string) (out []string) {
	for _, m := range all {
		if m[:1] == stream {
			out = append(out, m)
		}
	}
	return out
}

// get reads a stream page by page until a token comes again.
func (b *bed) get(in cloudwatch.GetLogEvents, backward bool) (messages []string, last *cloudwatch.GetLogEventsAnswer) {
	b.t.Helper()
	for range 1000 {
		out := ok[cloudwatch.GetLogEventsAnswer](b, "GetLogEvents", in)
		var page []string
		for _, e := range out.Events {
			page = append(page, e.Message)
		}
		next := out.NextForwardToken
		if backward {
			next = out.NextBackwardToken
			messages = append(page, messages...)
		} else {
			messages = append(messages, page...)
		}
		if next == in.NextToken {
			if len(page) > 0 {
				b.t.Errorf("the same token again with %d events", len(page))
			}
			return messages, out
		}
		in.NextToken = next
	}
	b.t.Fatal("no end")
	return nil, nil
}

// TestPagesAgree reads the same in all ways and with pages of every size.
func TestPagesAgree(t *testing.T) {
	b := newBed(t)
	all := b.fill(20)
	inA := of("a", all)
	for limit := 1; limit <= len(all)+1; limit++ {
		in := cloudwatch.GetLogEvents{LogGroupName: "g", LogStreamName: "a", Limit: &limit}
		backward, last := b.get(in, true)
		if diff := cmp.Diff(inA, backward); diff != "" {
			t.Errorf("backward, %d at a time: %s", limit, diff)
		}
		in.NextToken = last.NextForwardToken // and all the way back
		if again, _ := b.get(in, false); !slices.Equal(again, inA) {
			t.Errorf("forward from the beginning, %d at a time: %q", limit, again)
		}
		in.NextToken, in.StartFromHead = "", true
		forward, last := b.get(in, false)
		if diff := cmp.Diff(inA, forward); diff != "" {
			t.Errorf("forward, %d at a time: %s", limit, diff)
		}
		in.NextToken = last.NextBackwardToken
		if again, _ := b.get(in, true); !slices.Equal(again, inA) {
			t.Errorf("backward from the end, %d at a time: %q", limit, again)
		}
		if got := b.filter(cloudwatch.FilterLogEvents{LogGroupName: "g", Limit: &limit}); !slices.Equal(got, all) {
			t.Errorf("the group, %d at a time: %q", limit, got)
		}
		if got := b.filter(cloudwatch.FilterLogEvents{LogGroupName: "g", FilterPattern: "a", Limit: &limit}); !slices.Equal(got, inA) {
			t.Errorf("by a pattern, %d at a time: %q", limit, got)
		}
	}
}

func (b *bed) filter(in cloudwatch.FilterLogEvents) (messages []string) {
	b.t.Helper()
	ids := make(map[string]bool)
	for range 1000 {
		out := ok[cloudwatch.FilterLogEventsAnswer](b, "FilterLogEvents", in)
		for _, e := range out.Events {
			if messages = append(messages, e.Message); ids[e.EventID] || len(e.EventID) != 56 {
				b.t.Errorf("the event id %s comes again", e.EventID)
			}
			ids[e.EventID] = true
		}
		if in.NextToken = out.NextToken; in.NextToken == "" {
			return messages
		}
	}
	b.t.Fatal("no end")
	return nil
}

// TestTokenSeesWhatComes keeps the last token, as clients do that follow a stream.
func TestTokenSeesWhatComes(t *testing.T) {
	b := newBed(t)
	b.fill(0)
	in := cloudwatch.GetLogEvents{LogGroupName: "g", LogStreamName: "a", StartFromHead: true}
	for i := range 3 {
		_, last := b.get(in, false)
		in.NextToken = last.NextForwardToken
		ok[cloudwatch.PutLogEventsAnswer](b, "PutLogEvents", cloudwatch.PutLogEvents{LogGroupName: "g", LogStreamName: "a",
			LogEvents: []cloudwatch.Event{{Timestamp: noon.UnixMilli() + int64(i), Message: fmt.Sprint(i)}}})
		if got, _ := b.get(in, false); !slices.Equal(got, []string{fmt.Sprint(i)}) {
			t.Errorf("after event %d: %q", i, got)
		}
	}
}

// TestPageBytes: a page ends before it is larger than a megabyte, but never without an event.
func TestPageBytes(t *testing.T) {
	b := newBed(t)
	b.fill(0)
	const third = cloudwatch.MaxPageBytes/3 - cloudwatch.EventOverhead
	put := func(at int64, sizes ...int) {
		in := cloudwatch.PutLogEvents{LogGroupName: "g", LogStreamName: "a"}
		for _, n := range sizes {
			in.LogEvents = append(in.LogEvents, cloudwatch.Event{Timestamp: noon.UnixMilli() + at, Message: strings.Repeat("x", n)})
		}
		ok[cloudwatch.PutLogEventsAnswer](b, "PutLogEvents", in)
	}
	put(0, third, third, third)
	put(1, 1, cloudwatch.MaxBatchBytes-1-2*cloudwatch.EventOverhead)
	sizes := func(events []cloudwatch.OutputEvent) (n []int) {
		for _, e := range events {
			n = append(n, len(e.Message))
		}
		return n
	}
	in := cloudwatch.GetLogEvents{LogGroupName: "g", LogStreamName: "a", StartFromHead: true}
	for _, want := range [][]int{{third, third, third}, {1, cloudwatch.MaxBatchBytes - 1 - 2*cloudwatch.EventOverhead}, nil} {
		out := ok[cloudwatch.GetLogEventsAnswer](b, "GetLogEvents", in)
		if got := sizes(out.Events); !slices.Equal(got, want) {
			t.Errorf("a page of %d, want %d", got, want)
		}
		in.NextToken = out.NextForwardToken
	}
	out := ok[cloudwatch.FilterLogEventsAnswer](b, "FilterLogEvents", cloudwatch.FilterLogEvents{LogGroupName: "g"})
	if len(out.Events) != 3 || out.NextToken == "" {
		t.Errorf("a page of a search has %d events", len(out.Events))
	}
	for n, want := range map[int]string{
		cloudwatch.MaxBatchBytes - cloudwatch.EventOverhead:     "",
		cloudwatch.MaxBatchBytes - cloudwatch.EventOverhead + 1: "InvalidParameterException: Upload too large: 1048577 bytes exceeds limit of 1048576",
	} {
		body := fmt.Sprintf(`{"logGroupName":"g","logStreamName":"a","logEvents":[{"timestamp":%d,"message":"%s"}]}`, noon.UnixMilli(), strings.Repeat("x", n))
		if _, failed := b.call("PutLogEvents", body); failed != want {
			t.Errorf("a batch of %d bytes: %q, want %q", n+cloudwatch.EventOverhead, failed, want)
		}
	}
	in2 := cloudwatch.PutLogEvents{LogGroupName: "g", LogStreamName: "a"}
	for range cloudwatch.MaxBatchEvents {
		in2.LogEvents = append(in2.LogEvents, cloudwatch.Event{Timestamp: noon.UnixMilli(), Message: "x"})
	}
	ok[cloudwatch.PutLogEventsAnswer](b, "PutLogEvents", in2)
}

// TestSearchInTime: a search that takes long answers with what it has, and a token.
func TestSearchInTime(t *testing.T) {
	b := newBed(t)
	b.fill(0)
	in := cloudwatch.PutLogEvents{LogGroupName: "g", LogStreamName: "a"}
	for i := range 3 * lookEvery {
		in.LogEvents = append(in.LogEvents, cloudwatch.Event{Timestamp: noon.UnixMilli(), Message: fmt.Sprint("e", i)})
	}
	in.LogEvents[len(in.LogEvents)-1].Message = "needle"
	ok[cloudwatch.PutLogEventsAnswer](b, "PutLogEvents", in)
	b.cfg.Now = func() time.Time { b.now = b.now.Add(2 * searchTime); return b.now }
	pages := 0
	search := cloudwatch.FilterLogEvents{LogGroupName: "g", FilterPattern: "needle"}
	for {
		out := ok[cloudwatch.FilterLogEventsAnswer](b, "FilterLogEvents", search)
		pages++
		if search.NextToken = out.NextToken; out.NextToken == "" {
			if len(out.Events) != 1 || out.Events[0].Message != "needle" {
				t.Errorf("found %v", out.Events)
			}
			break
		}
		if len(out.Events) != 0 || pages > 10 {
			t.Fatalf("page %d has %d events", pages, len(out.Events))
		}
	}
	if pages < 3 {
		t.Errorf("%d pages, want at least 3", pages)
	}
}

func TestPositions(t *testing.T) {
	for _, p := range []logs.Position{
		{Time: 1, Seq: 1, Index: 1}, {Time: 1, Seq: 1}, {Time: 1}, {}, first, {Time: 5, Seq: 7, Index: math.MaxUint32},
		{Time: 5, Seq: math.MaxUint64, Index: math.MaxUint32}, {Time: math.MaxInt64, Seq: math.MaxUint64, Index: math.MaxUint32},
	} {
		q, ok := readPosition(positionToken("", p))
		if !ok || q != p {
			t.Errorf("the token of %v is read as %v", p, q)
		}
		if b := before(p); b.Compare(p) >= 0 && p != first || behind(b) != p && p != first {
			t.Errorf("before %v is %v, and behind that %v", p, b, behind(b))
		}
	}
	for _, text := range []string{"", "A", strings.Repeat("A", 26), strings.Repeat("A", 28), strings.Repeat("A", 26) + "B", strings.Repeat("!", 27)} {
		if p, ok := readPosition(text); ok {
			t.Errorf("%q is read as %v", text, p)
		}
	}
}
