package main

import (
	"context"

	"weir/internal/flowlog"
)

// expire deletes the flow logs whose tag says that their time is over, as weir create
// --for makes them.
func (s *service) expire(ctx context.Context) error {
	return s.logs.Expire(ctx, func(f *flowlog.FlowLog, err error) {
		if err != nil {
			s.log.Error("delete expired flow log", "flow-log", f.ID, "err", err)
			return
		}
		s.log.Info("deleted expired flow log", "flow-log", f.ID, "resource", f.ResourceID)
	})
}
