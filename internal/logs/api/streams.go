package api

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"weir/internal/cloudwatch"
	"weir/internal/logs"
)

func (s *Service) createLogStream(ctx context.Context, in *cloudwatch.CreateLogStream) (*nothing, error) {
	return nil, s.cfg.Store.CreateStream(ctx, in.LogGroupName, in.LogStreamName)
}

func (s *Service) deleteLogStream(ctx context.Context, in *cloudwatch.DeleteLogStream) (*nothing, error) {
	return nil, s.cfg.Store.DeleteStream(ctx, in.LogGroupName, in.LogStreamName)
}

// A streamKey is what streams are in the order of: the name, or first the time of the last
// event.
type streamKey struct {
	Last int64  `json:"l,omitempty"`
	Name string `json:"n"`
}

func (k streamKey) compare(o streamKey) int {
	return cmp.Or(cmp.Compare(k.Last, o.Last), cmp.Compare(k.Name, o.Name))
}

func (s *Service) describeLogStreams(ctx context.Context, in *cloudwatch.DescribeLogStreams) (*cloudwatch.DescribeLogStreamsAnswer, error) {
	group, err := s.group(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	byTime := in.OrderBy == cloudwatch.OrderByTime
	if byTime && in.LogStreamNamePrefix != "" {
		return nil, cloudwatch.PrefixAndTime
	}
	all, err := s.cfg.Store.Streams(ctx, group)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(slices.Clone(all), func(t logs.Stream) bool { return !strings.HasPrefix(t.Name, in.LogStreamNamePrefix) })
	key := func(t *logs.Stream) streamKey {
		if byTime {
			return streamKey{t.Last, t.Name}
		}
		return streamKey{Name: t.Name}
	}
	sign := 1
	if in.Descending {
		sign = -1
	}
	slices.SortFunc(all, func(a, b logs.Stream) int { return sign * key(&a).compare(key(&b)) })
	kind := "streams" // a place in one order is none in another
	if byTime {
		kind += " by time"
	}
	page, token, err := pageOf(all, kind, in.NextToken, in.Limit, 50, key,
		func(t *logs.Stream, last streamKey) bool { return sign*key(t).compare(last) > 0 })
	if err != nil {
		return nil, err
	}
	out := &cloudwatch.DescribeLogStreamsAnswer{LogStreams: make([]cloudwatch.LogStream, len(page)), NextToken: token}
	for i := range page {
		out.LogStreams[i] = s.describedStream(group, &page[i])
	}
	return out, nil
}

func (s *Service) describedStream(group string, t *logs.Stream) cloudwatch.LogStream {
	d := cloudwatch.LogStream{
		LogStreamName: t.Name, CreationTime: t.Created, ARN: s.arn(group) + ":log-stream:" + t.Name,
		UploadSequenceToken: sequenceToken,
	}
	if t.LastIngested != 0 {
		d.FirstEventTimestamp, d.LastEventTimestamp, d.LastIngestionTime = &t.First, &t.Last, &t.LastIngested
	}
	return d
}
