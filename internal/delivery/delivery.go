package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"weir/internal/flowlog"
	"weir/internal/journal"
	"weir/internal/kv"
	"weir/internal/vpc"
	"weir/recordfile"
)

// Config configures [New]. Journal, Logs, Positions, Sinks and Owner are
// required.
type Config struct {
	Journal   *journal.Journal
	Logs      *flowlog.Store
	Positions kv.Bucket // how far each flow log has been delivered

	// Sinks are where flow logs of each type go. Those of a type that has none are
	// left alone, and nothing is kept for them.
	Sinks map[flowlog.DestinationType]Sink

	// Owner names this process among those that share the journal, and is the
	// same after a restart. One of them delivers at a time.
	Owner string

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

	// MaxPause is the longest time between two attempts to deliver; default 1m. The
	// first one is a second, or less if that is longer.
	MaxPause time.Duration

	Ranges  *vpc.Ranges // Amazon's published addresses; nil is none
	Metrics *Metrics    // default counts for nobody
	Logger  *slog.Logger
}

// A Service delivers the flow logs of a store.
type Service struct {
	cfg       Config
	positions positions
	making    chan struct{} // bounds how many batches are made at once

	mu      sync.Mutex
	workers map[string]*worker
	sending map[string]chan struct{} // by place: bounds how many batches wait for it
}

// parallel is how many batches are made at the same time, and how many are on
// their way to one place. A place that does not answer holds up nobody else.
const parallel = 2

// New returns a service that does nothing until Run is called.
func New(cfg Config) (*Service, error) {
	if cfg.Journal == nil || cfg.Logs == nil || cfg.Positions == nil || len(cfg.Sinks) == 0 || cfg.Owner == "" {
		return nil, errors.New("delivery: Journal, Logs, Positions, Sinks and Owner are required")
	}
	if cfg.Flush < 0 || cfg.Settle < 0 || cfg.Linger < 0 || cfg.MaxPause < 0 {
		return nil, errors.New("delivery: Flush, Settle, Linger and MaxPause can't be negative")
	}
	if cfg.Settle == 0 {
		cfg.Settle = 2 * time.Second
		if cfg.Flush > 0 {
			cfg.Settle = min(cfg.Settle, cfg.Flush/4)
		}
	}
	if cfg.MaxPause == 0 {
		cfg.MaxPause = lastPause
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
		making:    make(chan struct{}, parallel),
		workers:   make(map[string]*worker),
		sending:   make(map[string]chan struct{}),
	}, nil
}

// The lease that whoever delivers has. Nobody waits for it longer than leaseTime
// after its owner died; an owner that comes back has it at once.
const (
	leaseName = "delivery"
	leaseTime = 15 * time.Second
)

// Run delivers until ctx ends, whenever no other process does.
func (s *Service) Run(ctx context.Context) error {
	for {
		lease, err := s.cfg.Journal.Lease(ctx, leaseName, s.cfg.Owner, leaseTime)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("delivery: %w", err)
		}
		mine, stop := context.WithCancel(ctx)
		go func() {
			select {
			case <-lease.Lost():
				stop()
			case <-mine.Done():
			}
		}()
		err = s.run(mine)
		lost := mine.Err() != nil && ctx.Err() == nil
		stop()
		release, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		_ = lease.Release(release) // it ends by itself
		cancel()
		if !lost {
			return err
		}
		s.cfg.Logger.Warn("another process may deliver now")
	}
}

// run delivers until ctx ends: a worker for each flow log, and one that lets go
// of what all of them have delivered.
func (s *Service) run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if err := s.positions.forgetEnded(ctx, s.cfg.Logs); err != nil && ctx.Err() == nil {
		return fmt.Errorf("delivery: %w", err)
	}
	s.mu.Lock()
	clear(s.workers) // of a former lease; all have ended
	s.mu.Unlock()
	wg.Go(func() { s.release(ctx) })
	err := s.cfg.Logs.Watch(ctx, func(logs []flowlog.FlowLog) { s.follow(ctx, &wg, logs) })
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("delivery: %w", err)
	}
	return ctx.Err()
}

// follow starts the workers of new flow logs and tells the others what has
// changed. A worker that has ended stays known until its flow log is gone from
// what the store tells: it would begin anew otherwise.
func (s *Service) follow(ctx context.Context, wg *sync.WaitGroup, logs []flowlog.FlowLog) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range logs {
		f := logs[i]
		if s.cfg.Sinks[f.DestinationType] == nil {
			continue
		}
		if w := s.workers[f.ID]; w != nil {
			w.set(f)
			continue
		}
		w := newWorker(s, f)
		var own context.Context
		own, w.stop = context.WithCancel(ctx)
		s.workers[f.ID] = w
		wg.Go(func() { w.run(own) })
	}
	for id, w := range s.workers {
		if !slices.ContainsFunc(logs, func(f flowlog.FlowLog) bool { return f.ID == id }) {
			w.stop()
			delete(s.workers, id)
			s.cfg.Metrics.forget(id)
		}
	}
}

// sendingTo returns the slots of a place.
func (s *Service) sendingTo(place string) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	slots := s.sending[place]
	if slots == nil {
		slots = make(chan struct{}, parallel)
		s.sending[place] = slots
	}
	return slots
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
