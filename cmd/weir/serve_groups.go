package main

import (
	"context"

	"weir/internal/cloudwatch"
	"weir/internal/delivery"
	"weir/internal/logs"
)

// ownGroups is a [delivery.LogService] over Weir's own log groups.
type ownGroups struct{ store *logs.Store }

var _ delivery.LogService = ownGroups{}

// PutLogEvents implements [delivery.LogService].
func (o ownGroups) PutLogEvents(ctx context.Context, in *cloudwatch.PutLogEvents) (*cloudwatch.PutLogEventsAnswer, error) {
	r, err := o.store.Put(ctx, in.LogGroupName, in.LogStreamName, in.LogEvents)
	if err != nil {
		return nil, err
	}
	rejected := new(cloudwatch.Rejected)
	if r.Old > 0 {
		rejected.TooOldLogEventEndIndex = &r.Old
	}
	if r.Expired > 0 {
		rejected.ExpiredLogEventEndIndex = &r.Expired
	}
	if r.New < len(in.LogEvents) {
		rejected.TooNewLogEventStartIndex = &r.New
	}
	return &cloudwatch.PutLogEventsAnswer{RejectedLogEventsInfo: rejected}, nil
}

// CreateLogGroup implements [delivery.LogService].
func (o ownGroups) CreateLogGroup(ctx context.Context, in *cloudwatch.CreateLogGroup) error {
	return o.store.CreateGroup(ctx, in.LogGroupName, in.LogGroupClass, in.Tags)
}

// CreateLogStream implements [delivery.LogService].
func (o ownGroups) CreateLogStream(ctx context.Context, in *cloudwatch.CreateLogStream) error {
	return o.store.CreateStream(ctx, in.LogGroupName, in.LogStreamName)
}
