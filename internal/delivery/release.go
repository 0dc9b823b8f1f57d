package delivery

import (
	"context"
	"time"
)

// releasePause is how often the journal is freed of what has been delivered.
const releasePause = 5 * time.Second

// release frees the journal of what every flow log has delivered.
func (s *Service) release(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(releasePause):
		}
		if err := s.releaseOnce(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Logger.Error("free the journal", "err", err)
		}
	}
}

func (s *Service) releaseOnce(ctx context.Context) error {
	// What is in the journal now is needed by the flow logs that are there
	// now: one that is made later wants nothing from before.
	last, err := s.cfg.Journal.Last(ctx)
	if err != nil {
		return err
	}
	logs, err := s.cfg.Logs.List(ctx)
	if err != nil {
		return err
	}
	delivered, furthest := last, uint64(0)
	for i := range logs {
		if s.cfg.Sinks[logs[i].DestinationType] == nil {
			continue
		}
		pos, ok, err := s.positions.get(ctx, logs[i].ID)
		if err != nil {
			return err
		}
		if !ok {
			return nil // its worker has not begun
		}
		through := pos.through()
		s.cfg.Metrics.behind(logs[i].ID, last-min(last, through))
		delivered, furthest = min(delivered, through), max(furthest, through)
	}
	if delivered == 0 {
		return nil
	}
	if now, err := s.cfg.Journal.Last(ctx); err != nil || furthest > now {
		return err // the journal is not the one it was; workers say so
	}
	return s.cfg.Journal.Release(ctx, delivered)
}
