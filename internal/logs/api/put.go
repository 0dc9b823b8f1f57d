package api

import (
	"context"

	"weir/internal/cloudwatch"
)

// sequenceToken is what a PutLogEvents had to have until 2023. Clients of that time send
// back what they are given, and nobody looks at it.
const sequenceToken = "49600000000000000000000000000000000000000000000000000001"

func (s *Service) putLogEvents(ctx context.Context, in *cloudwatch.PutLogEvents) (*cloudwatch.PutLogEventsAnswer, error) {
	if err := checkBatch(in.LogEvents); err != nil {
		return nil, err
	}
	r, err := s.cfg.Store.Put(ctx, in.LogGroupName, in.LogStreamName, in.LogEvents)
	if err != nil {
		return nil, err
	}
	out := &cloudwatch.PutLogEventsAnswer{NextSequenceToken: sequenceToken}
	if n := len(in.LogEvents); r.New < n || r.Old > 0 || r.Expired > 0 {
		out.RejectedLogEventsInfo = &cloudwatch.Rejected{
			TooNewLogEventStartIndex: indexIf(r.New < n, r.New),
			TooOldLogEventEndIndex:   indexIf(r.Old > 0, r.Old),
			ExpiredLogEventEndIndex:  indexIf(r.Expired > 0, r.Expired),
		}
	}
	return out, nil
}

func indexIf(is bool, i int) *int {
	if !is {
		return nil
	}
	return &i
}

// checkBatch says what is wrong with a batch whose events are each right.
func checkBatch(events []cloudwatch.Event) error {
	size := 0
	for i := range events {
		size += len(events[i].Message) + cloudwatch.EventOverhead
		if i > 0 && events[i].Timestamp < events[i-1].Timestamp {
			return cloudwatch.NotInOrder
		}
	}
	if size > cloudwatch.MaxBatchBytes {
		return cloudwatch.UploadTooLarge(size)
	}
	if events[len(events)-1].Timestamp-events[0].Timestamp > cloudwatch.MaxBatchSpan {
		return cloudwatch.SpanTooLong
	}
	return nil
}
