package logs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"weir/internal/cloudwatch"
	"weir/internal/journal"
)

const (
	logName    = "events"
	bucketName = "logs"

	// patience is how long a call waits for news of the bucket that it knows of.
	patience = 5 * time.Second
)

// Config configures [Open]. Journal is required; any other zero value selects the default
// given in its comment.
type Config struct {
	Journal *journal.Journal // stays open

	// Taken is called once for each batch that this process took, with the events that
	// were taken, when they are on disk; Put waits for it. It must not change them.
	Taken func(group, stream string, events []cloudwatch.Event) // default does nothing

	Now    func() time.Time // default time.Now
	Logger *slog.Logger     // default discards
}

// A Store keeps log groups. Its methods may be called from any goroutine. What any
// process has put or changed through one journal is seen by all stores that are open on
// it: by the one it was done with when the method returns, by others within a second.
//
// Errors that a client is answered with are a [*cloudwatch.Error], or wrap one.
type Store struct {
	cfg    Config
	bucket *journal.KV
	log    *journal.Log

	life context.Context // ends with Close
	end  context.CancelFunc
	work sync.WaitGroup

	mu sync.RWMutex
	state
	counts counts
}

// Open opens the store, and reads the heads of all batches. It finishes what was being
// deleted when a process died.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	s, err := open(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("logs: open: %w", err)
	}
	return s, nil
}

func open(ctx context.Context, cfg Config) (_ *Store, err error) {
	if cfg.Journal == nil {
		return nil, errors.New("a Journal is required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Logger = cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	s := &Store{cfg: cfg, state: newState()}
	if s.bucket, err = cfg.Journal.KV(ctx, bucketName); err != nil {
		return nil, err
	}
	if s.log, err = cfg.Journal.Log(ctx, logName); err != nil {
		return nil, err
	}
	s.life, s.end = context.WithCancel(context.Background())
	known, read := make(chan struct{}), make(chan struct{})
	s.work.Go(func() { s.followBucket(sync.OnceFunc(func() { close(known) })) })
	s.work.Go(func() { s.followLog(sync.OnceFunc(func() { close(read) })) })
	for _, ready := range []chan struct{}{known, read} {
		select {
		case <-ready:
		case <-ctx.Done():
			s.Close()
			return nil, context.Cause(ctx)
		}
	}
	s.clearAll(ctx)
	return s, nil
}

// Close ends what runs in the background. It is safe to repeat. The journal stays open.
func (s *Store) Close() {
	s.end()
	s.work.Wait()
}

// followBucket applies all changes of the bucket until the store is closed.
func (s *Store) followBucket(complete func()) {
	for {
		err := s.bucket.Watch(s.life, "", func(key string, value []byte, revision uint64) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if key == "" {
				complete()
			} else if err := s.apply(key, value, revision); err != nil {
				s.cfg.Logger.Error("log groups: a record cannot be read", "key", key, "err", err)
			}
			s.saw(revision)
		})
		if !s.again("log groups are not followed", err) {
			return
		}
	}
}

// followLog takes the heads of all batches until the store is closed.
func (s *Store) followLog(complete func()) {
	for {
		s.mu.RLock()
		from := s.told + 1
		s.mu.RUnlock()
		err := s.log.Follow(s.life, from, complete, func(h journal.Head) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.told = h.Seq
			if err := s.addHead(&h); err != nil {
				s.cfg.Logger.Error("log events: a batch is not known", "seq", h.Seq, "err", err)
			}
			return nil
		})
		if !s.again("log events are not followed", err) {
			return
		}
	}
}

// again waits a moment; it reports whether the store is still open.
func (s *Store) again(what string, err error) bool {
	if s.life.Err() != nil || errors.Is(err, journal.ErrClosed) {
		return false
	}
	s.cfg.Logger.Error(what, "err", err)
	select {
	case <-s.life.Done():
		return false
	case <-time.After(time.Second):
		return true
	}
}

// await waits until all changes of the bucket up to a revision are known.
func (s *Store) await(ctx context.Context, revision uint64) error {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		s.mu.RLock()
		seen, news := s.seen, s.news
		s.mu.RUnlock()
		if seen >= revision {
			return nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.life.Done():
			return errors.New("the store is closed")
		case <-timeout.C:
			return fmt.Errorf("revision %d of the log groups is not known after %v", revision, patience)
		}
	}
}

// catchUp waits until all changes of the bucket that were made before it was called are
// known.
func (s *Store) catchUp(ctx context.Context) error {
	revision, err := s.bucket.Revision(ctx)
	if err != nil {
		return err
	}
	return s.await(ctx, revision)
}

// find calls look, which returns nil if it found what it needs. If it did not, another
// process may have made it a moment ago: then find catches up and calls it again.
func (s *Store) find(ctx context.Context, look func() error) error {
	locked := func() error {
		s.mu.RLock()
		defer s.mu.RUnlock()
		return look()
	}
	if locked() == nil {
		return nil
	}
	if err := s.catchUp(ctx); err != nil {
		return unavailable("look for news", err)
	}
	return locked()
}

// group returns a group. Only its id may be used without the lock.
func (s *Store) group(ctx context.Context, name string) (g *group, err error) {
	err = s.find(ctx, func() error {
		if g = s.groups[name]; g == nil {
			return cloudwatch.NoSuchGroup
		}
		return nil
	})
	return g, err
}

// stream returns a stream. Only its id and that of its group may be used without the
// lock.
func (s *Store) stream(ctx context.Context, group, name string) (st *stream, err error) {
	err = s.find(ctx, func() error {
		g := s.groups[group]
		if g == nil {
			return cloudwatch.NoSuchGroup
		}
		if st = g.streams[name]; st == nil {
			return cloudwatch.NoSuchStream
		}
		return nil
	})
	return st, err
}

func (s *Store) now() int64 { return s.cfg.Now().UnixMilli() }
