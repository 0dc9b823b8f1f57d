package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"weir/internal/flowlog"
	"weir/internal/journal"
	"weir/internal/vpc"
	"weir/recordfile"
)

// Config configures [New]. Journal, Logs, Positions and Store are required.
type Config struct {
	Journal   *journal.Journal
	Logs      *flowlog.Store
	Positions flowlog.KV // how far each flow log has been delivered
	Store     ObjectStore

	// Agents tells until when everything captured is in the journal, for every
	// host that captures: a flow log that was deleted ends when all of them are
	// past its end. nil means that it ends Linger after it was deleted.
	Agents func(context.Context) ([]time.Time, error)

	// Flush publishes this often instead of every five minutes.
	Flush time.Duration

	// Settle is how long after a mark publishing waits for the windows that
	// end with it; default 2s, less if Flush is short.
	Settle time.Duration

	// Linger bounds the wait for hosts that may never come back; default 1h.
	Linger time.Duration

	Ranges  *vpc.Ranges // Amazon's published addresses; nil is none
	Metrics *Metrics    // default counts for nobody
	Logger  *slog.Logger
}

// A Service delivers the flow logs of a store.
type Service struct {
	cfg       Config
	positions positions
	slots     chan struct{} // bounds how many batches are in memory at once

	mu      sync.Mutex
	workers map[string]*worker
}

// parallel is how many batches are made and sent at the same time.
const parallel = 2

// New returns a service that does nothing until Run is called.
func New(cfg Config) (*Service, error) {
	if cfg.Journal == nil || cfg.Logs == nil || cfg.Positions == nil || cfg.Store == nil {
		return nil, errors.New("delivery: Journal, Logs, Positions and Store are required")
	}
	if cfg.Flush < 0 || cfg.Settle < 0 || cfg.Linger < 0 {
		return nil, errors.New("delivery: Flush, Settle and Linger can't be negative")
	}
	if cfg.Settle == 0 {
		cfg.Settle = 2 * time.Second
		if cfg.Flush > 0 {
			cfg.Settle = min(cfg.Settle, cfg.Flush/4)
		}
	}
	if cfg.Linger == 0 {
		cfg.Linger = time.Hour
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Metrics == nil {
		cfg.Metrics = NewMetrics()
	}
	return &Service{
		cfg:       cfg,
		positions: positions{cfg.Positions},
		slots:     make(chan struct{}, parallel),
		workers:   make(map[string]*worker),
	}, nil
}

// Run delivers until ctx ends: a worker for each flow log, and one that lets go
// of what all of them have delivered.
func (s *Service) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	wg.Go(func() { s.release(ctx) })
	err := s.cfg.Logs.Watch(ctx, func(logs []flowlog.FlowLog) {
		for i := range logs {
			if logs[i].DestinationType != flowlog.S3 {
				continue
			}
			s.follow(ctx, &wg, logs[i])
		}
	})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("delivery: %w", err)
	}
	return ctx.Err()
}

// follow starts the worker of a flow log, or tells it what has changed.
func (s *Service) follow(ctx context.Context, wg *sync.WaitGroup, f flowlog.FlowLog) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.workers[f.ID]; w != nil {
		w.set(f)
		return
	}
	w := newWorker(s, f)
	s.workers[f.ID] = w
	wg.Go(func() {
		if ended := w.run(ctx); ended {
			s.mu.Lock()
			delete(s.workers, f.ID)
			s.mu.Unlock()
		}
	})
}

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
	for i := range logs {
		if logs[i].DestinationType != flowlog.S3 {
			continue
		}
		pos, ok, err := s.positions.get(ctx, logs[i].ID)
		if err != nil {
			return err
		}
		if !ok {
			return nil // its worker has not begun
		}
		if pos.Batch != nil {
			last = min(last, pos.Batch.From-1)
		} else {
			last = min(last, pos.Next-1)
		}
	}
	if last == 0 {
		return nil
	}
	return s.cfg.Journal.Release(ctx, last)
}

// nextMark returns when to publish next: at the end of the current five minutes
// (or of Flush), and a little later, so that the windows that end with them are
// there.
func (s *Service) nextMark(now time.Time) time.Time {
	every := recordfile.Interval
	if s.cfg.Flush > 0 {
		every = s.cfg.Flush
	}
	mark := now.Truncate(every).Add(s.cfg.Settle)
	if !mark.After(now) {
		mark = mark.Add(every)
	}
	return mark
}
