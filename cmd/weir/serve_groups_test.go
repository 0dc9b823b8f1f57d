package main

import (
	"errors"
	"testing"
	"time"

	"weir/internal/cloudwatch"
	"weir/internal/journal"
	"weir/internal/logs"
)

func TestOwnGroupsAnswerAsCloudWatchLogs(t *testing.T) {
	j, err := journal.Open(t.Context(), journal.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	store, err := logs.Open(t.Context(), logs.Config{Journal: j})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	own := ownGroups{store}
	now := time.Now().UnixMilli()
	in := &cloudwatch.PutLogEvents{LogGroupName: "g", LogStreamName: "s", LogEvents: []cloudwatch.Event{
		{Timestamp: now - cloudwatch.MaxAge - 60_000, Message: "too old"},
		{Timestamp: now, Message: "now"},
		{Timestamp: now + cloudwatch.MaxAhead + 60_000, Message: "too new"},
	}}
	if _, err := own.PutLogEvents(t.Context(), in); !errors.Is(err, cloudwatch.NoSuchGroup) {
		t.Errorf("without a group: %v, want %v", err, cloudwatch.NoSuchGroup)
	}
	for _, want := range []error{nil, cloudwatch.GroupExists} {
		if err := own.CreateLogGroup(t.Context(), &cloudwatch.CreateLogGroup{LogGroupName: "g"}); !errors.Is(err, want) {
			t.Errorf("a group is made: %v, want %v", err, want)
		}
	}
	if _, err := own.PutLogEvents(t.Context(), in); !errors.Is(err, cloudwatch.NoSuchStream) {
		t.Errorf("without a stream: %v, want %v", err, cloudwatch.NoSuchStream)
	}
	for _, want := range []error{nil, cloudwatch.StreamExists} {
		if err := own.CreateLogStream(t.Context(), &cloudwatch.CreateLogStream{LogGroupName: "g", LogStreamName: "s"}); !errors.Is(err, want) {
			t.Errorf("a stream is made: %v, want %v", err, want)
		}
	}
	answer, err := own.PutLogEvents(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	r := answer.RejectedLogEventsInfo
	if r.TooOldLogEventEndIndex == nil || *r.TooOldLogEventEndIndex != 1 || r.TooNewLogEventStartIndex == nil || *r.TooNewLogEventStartIndex != 2 {
		t.Errorf("rejected are %+v, want the first and the last", r)
	}
	in.LogEvents = in.LogEvents[1:2]
	if answer, err = own.PutLogEvents(t.Context(), in); err != nil || *answer.RejectedLogEventsInfo != (cloudwatch.Rejected{}) {
		t.Errorf("of what can be taken %+v, %v", answer, err)
	}
}
