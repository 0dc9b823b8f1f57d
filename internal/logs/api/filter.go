package api

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"weir/internal/cloudwatch"
	"weir/internal/logs"
	"weir/internal/logs/pattern"
)

// searchTime is how long a page is looked for; what was found until then is answered with
// a token.
const searchTime = 5 * time.Second

// maxSearches is how many searches read at a time: each may have a batch of a megabyte of
// every stream in memory. Others wait, for searchPatience at most, which clients wait for an
// answer, too.
const (
	maxSearches    = 4
	searchPatience = 20 * time.Second
)

// lookEvery is after how many events the time is looked at.
const lookEvery = 1024

// searchToken begins the tokens of FilterLogEvents: what is behind a position.
const searchToken = "s/"

func (s *Service) filterLogEvents(ctx context.Context, in *cloudwatch.FilterLogEvents) (*cloudwatch.FilterLogEventsAnswer, error) {
	group, err := s.group(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	if len(in.LogStreamNames) > 0 && in.LogStreamNamePrefix != "" {
		return nil, cloudwatch.NamesAndPrefix
	}
	match, err := readPattern(in.FilterPattern)
	if err != nil {
		return nil, err
	}
	q := logs.Query{Group: group, Streams: in.LogStreamNames, Prefix: in.LogStreamNamePrefix}
	if err := timesInclusive(&q, in.StartTime, in.EndTime); err != nil {
		return nil, err
	}
	if in.NextToken != "" {
		rest, ok := strings.CutPrefix(in.NextToken, searchToken)
		p, read := readPosition(rest)
		if !ok || !read {
			return nil, cloudwatch.InvalidToken
		}
		q.After = &p
	}
	if err := s.mustHave(ctx, group, in.LogStreamNames); err != nil {
		return nil, err
	}
	out := &cloudwatch.FilterLogEventsAnswer{Events: []cloudwatch.FilteredEvent{}, SearchedLogStreams: []cloudwatch.SearchedStream{}}
	most := cloudwatch.MaxPageEvents
	if in.Limit != nil {
		most = *in.Limit
	}
	leave, err := s.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	return out, s.search(ctx, q, match, most, out)
}

// turn waits until a search may read, and returns what has to be called when it has. The
// error is [cloudwatch.Throttled] if it would have to wait for too long.
func (s *Service) turn(ctx context.Context) (leave func(), err error) {
	wait := time.NewTimer(s.patience)
	defer wait.Stop()
	select {
	case s.searches <- struct{}{}:
		return func() { <-s.searches }, nil
	case <-wait.C:
		return nil, cloudwatch.Throttled
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// timesInclusive puts the bounds of a request into a query. Unlike GetLogEvents' the end is a
// time of which events are wanted: "Events with a timestamp later than this time are not
// returned", API reference, read 2026-11-24.
func timesInclusive(q *logs.Query, from, to *int64) error {
	if _, err := times(q, from, to); err != nil || to == nil {
		return err
	}
	q.To = 0 // no event is later than the last millisecond
	if *to < math.MaxInt64 {
		q.To = *to + 1
	}
	return nil
}

// readPattern returns the pattern of a text, nil for one that all events match.
func readPattern(text string) (*pattern.Pattern, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	p, err := pattern.Parse(text)
	if err != nil {
		return nil, cloudwatch.Invalid(err.Error())
	}
	return p, nil
}

// search puts a page of the events that a query and a pattern choose into out, with a token
// if there is more to look at.
func (s *Service) search(ctx context.Context, q logs.Query, match *pattern.Pattern, most int, out *cloudwatch.FilterLogEventsAnswer) error {
	until := s.cfg.Now().Add(searchTime)
	last, size, looked := first, 0, 0
	for e, err := range s.cfg.Store.Read(ctx, q) {
		if err != nil {
			return err
		}
		chosen := match == nil || match.Match(e.Message)
		if chosen {
			size += len(e.Message) + cloudwatch.EventOverhead
		}
		looked++
		if len(out.Events) == most || chosen && len(out.Events) > 0 && size > cloudwatch.MaxPageBytes ||
			looked > 1 && looked%lookEvery == 0 && s.cfg.Now().After(until) {
			out.NextToken = positionToken(searchToken, last)
			return nil
		}
		last = e.Position
		if chosen {
			out.Events = append(out.Events, cloudwatch.FilteredEvent{
				LogStreamName: e.Stream, Timestamp: e.Time, Message: e.Message, IngestionTime: e.Ingested, EventID: eventID(e.Position),
			})
		}
	}
	return nil
}

// mustHave returns an error if a group does not exist, or has no stream of one of the names.
func (s *Service) mustHave(ctx context.Context, group string, names []string) error {
	if len(names) == 0 {
		_, err := s.cfg.Store.Group(ctx, group)
		return err
	}
	all, err := s.cfg.Store.Streams(ctx, group)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !slices.ContainsFunc(all, func(t logs.Stream) bool { return t.Name == name }) {
			return cloudwatch.NoSuchStream
		}
	}
	return nil
}
