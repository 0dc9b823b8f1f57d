package main

import (
	"context"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"weir/internal/delivery"
	"weir/internal/flowlog"
	"weir/internal/vpc"
)

// destinations are where records can be delivered to.
type destinations struct {
	buckets delivery.Stores
	groups  delivery.LogServices
	streams delivery.StreamServices
}

// sinks returns what delivers to each type of destination.
func (d *destinations) sinks(logs *flowlog.Store) map[flowlog.DestinationType]delivery.Sink {
	return map[flowlog.DestinationType]delivery.Sink{
		flowlog.S3: delivery.NewObjects(d.buckets),
		flowlog.CloudWatchLogs: delivery.NewEvents(d.groups, func(ctx context.Context) ([]flowlog.FlowLog, error) {
			return logs.List(ctx)
		}),
		flowlog.Firehose: delivery.NewStreamRecords(d.streams),
	}
}

// destinations returns where each bucket, log group and delivery stream is: where the
// configuration says. A bucket that it does not name is in the embedded store, and a log
// group that it does not name is our own.
func (s *service) destinations(ctx context.Context) (*destinations, error) {
	embedded, err := delivery.NewS3(delivery.S3Config{
		Endpoint: s.objects.Endpoint(), Region: string(s.cfg.Region), PathStyle: true,
		AccessKey: s.key.ID, SecretKey: s.key.Secret, Sync: s.objects.Sync,
	})
	if err != nil {
		return nil, err
	}
	out := new(destinations)
	for i := range s.cfg.Destinations {
		d := &s.cfg.Destinations[i]
		if err := out.add(ctx, d, s.cfg.Region); err != nil {
			return nil, fmt.Errorf("destination %s: %w", strings.Join(slices.Concat(d.Buckets, d.LogGroups, d.DeliveryStreams), ", "), err)
		}
	}
	out.buckets = append(out.buckets, delivery.Buckets{Match: func(string) bool { return true }, Store: embedded})
	out.groups = append(out.groups, delivery.LogGroups{Match: func(string) bool { return true }, Service: ownGroups{s.groups}})
	return out, nil
}

// add adds what an entry names.
func (d *destinations) add(ctx context.Context, e *vpc.DestinationConfig, region vpc.Name) error {
	if e.Region != "" {
		region = e.Region
	}
	c := delivery.ServiceConfig{Endpoint: e.Endpoint, Region: string(region), Profile: e.Profile}
	for _, v := range []struct {
		name string
		to   *string
	}{{e.AccessKeyIDEnv, &c.AccessKey}, {e.SecretAccessKeyEnv, &c.SecretKey}, {e.SessionTokenEnv, &c.SessionToken}} {
		if *v.to = os.Getenv(v.name); *v.to == "" && v.name != "" {
			return fmt.Errorf("environment variable %s is not set", v.name)
		}
	}
	if len(e.Buckets) > 0 {
		pathStyle := e.Endpoint != ""
		if e.PathStyle != nil {
			pathStyle = *e.PathStyle
		}
		store, err := delivery.NewS3(delivery.S3Config{
			Endpoint: e.Endpoint, Region: string(region), PathStyle: pathStyle, Profile: e.Profile,
			AccessKey: c.AccessKey, SecretKey: c.SecretKey, SessionToken: c.SessionToken,
		})
		if err != nil {
			return err
		}
		d.buckets = append(d.buckets, delivery.Buckets{Match: matcher(e.Buckets), Store: store})
	}
	if len(e.LogGroups) > 0 {
		logs, err := delivery.NewLogs(ctx, c)
		if err != nil {
			return err
		}
		d.groups = append(d.groups, delivery.LogGroups{Match: matcher(e.LogGroups), Service: logs})
	}
	if len(e.DeliveryStreams) > 0 {
		firehose, err := delivery.NewFirehose(ctx, c)
		if err != nil {
			return err
		}
		d.streams = append(d.streams, delivery.DeliveryStreams{Match: matcher(e.DeliveryStreams), Service: firehose})
	}
	return nil
}

// matcher returns what reports whether a name matches one of the patterns. A * stands for
// slashes too, which the names of log groups are full of.
func matcher(patterns []string) func(string) bool {
	flat := strings.NewReplacer("/", "\x00")
	return func(name string) bool {
		for _, p := range patterns {
			if ok, _ := path.Match(flat.Replace(p), flat.Replace(name)); ok {
				return true
			}
		}
		return false
	}
}
