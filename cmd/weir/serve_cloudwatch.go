package main

import (
	"context"
	"time"

	"weir/internal/cloudwatch"
	"weir/internal/flowlog"
	"weir/internal/logs"
	"weir/internal/logs/api"
	"weir/internal/logs/insights"
	"weir/record"
)

// openGroups opens the log groups, and what answers CloudWatch Logs' calls from them.
func (s *service) openGroups(ctx context.Context) (err error) {
	s.filtered = api.NewMetrics()
	s.groups, err = logs.Open(ctx, logs.Config{Journal: s.journal, Taken: s.taken, Logger: s.log})
	if err != nil {
		return err
	}
	s.cloudwatch, err = api.New(api.Config{
		Account: string(s.cfg.Account), Region: string(s.cfg.Region), Store: s.groups,
		Fields: s.fieldsOf, Metrics: s.filtered, Logger: s.log,
	})
	return err
}

// taken counts what metric filters make of events.
func (s *service) taken(group, _ string, events []cloudwatch.Event) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.filtered.Taken(ctx, s.groups, group, events); err != nil {
		s.log.Warn("events are not counted by metric filters", "group", group, "err", err)
	}
}

// fieldsOf returns what queries call the fields of the records in a group: those of the
// flow logs that deliver there, nil if there is none or they differ.
func (s *service) fieldsOf(group string) []string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	all, err := s.logs.List(ctx)
	if err != nil {
		s.log.Warn("the fields of a group's records are not known", "group", group, "err", err)
		return nil
	}
	text := ""
	for i := range all {
		if all[i].DestinationType != flowlog.CloudWatchLogs {
			continue
		}
		if name, err := all[i].GroupName(); err != nil || name != group {
			continue
		}
		if text != "" && all[i].Format != text {
			return nil
		}
		text = all[i].Format
	}
	if text == "" {
		return nil
	}
	format, err := record.ParseLogFormat(text)
	if err != nil {
		return nil
	}
	return insights.Names(format)
}

// readGroups adds what the log groups count.
func (s *service) readGroups(r *readings) {
	st := s.groups.Stats()
	r.counter("weir_logs_batches_total", "Batches of events that log groups took.", st.Batches)
	r.counter("weir_logs_events_total", "Events that log groups took.", st.Events)
	r.counter("weir_logs_bytes_total", "Bytes of events that log groups took, as CloudWatch Logs counts them.", st.Bytes)
}
