package api

import (
	"context"
	"slices"

	"weir/internal/cloudwatch"
	"weir/internal/logs"
)

// Tokens of GetLogEvents begin with their direction.
const (
	forward  = "f/"
	backward = "b/"
)

func (s *Service) getLogEvents(ctx context.Context, in *cloudwatch.GetLogEvents) (*cloudwatch.GetLogEventsAnswer, error) {
	group, err := s.group(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	q := logs.Query{Group: group, Streams: []string{in.LogStreamName}, Backward: !in.StartFromHead}
	never, err := times(&q, in.StartTime, in.EndTime)
	if err != nil {
		return nil, err
	}
	if in.NextToken != "" {
		kind := in.NextToken[:min(len(in.NextToken), len(forward))]
		p, ok := readPosition(in.NextToken[len(kind):])
		if !ok || kind != forward && kind != backward {
			return nil, cloudwatch.InvalidToken
		}
		q.After, q.Backward = &p, kind == backward
	}
	if err := s.mustHave(ctx, group, []string{in.LogStreamName}); err != nil {
		return nil, err
	}
	var found []logs.Event
	if !never {
		if found, err = s.page(ctx, q, in.Limit); err != nil {
			return nil, err
		}
	}
	return answerOf(&q, found, in.NextToken), nil
}

// page returns the events of a page, from the oldest to the newest.
func (s *Service) page(ctx context.Context, q logs.Query, limit *int) ([]logs.Event, error) {
	most := cloudwatch.MaxPageEvents
	if limit != nil {
		most = *limit
	}
	var found []logs.Event
	size := 0
	for e, err := range s.cfg.Store.Read(ctx, q) {
		if err != nil {
			return nil, err
		}
		size += len(e.Message) + cloudwatch.EventOverhead
		if len(found) == most || len(found) > 0 && size > cloudwatch.MaxPageBytes {
			break
		}
		found = append(found, e)
	}
	if q.Backward {
		slices.Reverse(found)
	}
	return found, nil
}

// answerOf returns the answer with a page that a query has found. At an end it has the token
// again that asked for it, so that a client knows, and can ask later for what comes.
func answerOf(q *logs.Query, found []logs.Event, token string) *cloudwatch.GetLogEventsAnswer {
	out := &cloudwatch.GetLogEventsAnswer{Events: make([]cloudwatch.OutputEvent, len(found))}
	for i := range found {
		e := &found[i]
		out.Events[i] = cloudwatch.OutputEvent{Timestamp: e.Time, Message: e.Message, IngestionTime: e.Ingested}
	}
	switch n := len(found); {
	case n > 0:
		out.NextForwardToken = positionToken(forward, found[n-1].Position)
		out.NextBackwardToken = positionToken(backward, found[0].Position)
	case q.After == nil:
		out.NextForwardToken, out.NextBackwardToken = positionToken(forward, first), positionToken(backward, first)
	case q.Backward:
		out.NextForwardToken, out.NextBackwardToken = positionToken(forward, before(*q.After)), token
	default:
		out.NextForwardToken, out.NextBackwardToken = token, positionToken(backward, behind(*q.After))
	}
	return out
}

// times puts the bounds of a request into a query, of which to is exclusive. Never says that
// no event can lie between them.
func times(q *logs.Query, from, to *int64) (never bool, err error) {
	if from != nil {
		q.From = *from
	}
	if to == nil {
		return false, nil
	}
	if q.From > *to {
		return false, cloudwatch.StartAfterEnd
	}
	q.To = *to
	return q.From == *to, nil
}
