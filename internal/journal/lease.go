package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nuid"
)

// A Lease is a right that one owner has at a time. It is renewed in the
// background until it is released, lost, or the journal is closed.
//
// The server counts its time: a lease that is not renewed ends ttl after its
// last renewal by the server's clock. The owner counts by its own monotonic
// clock from before it asked for the renewal, and gives up a tenth of ttl
// earlier, so two owners never overlap unless their clocks run at speeds that
// differ by more than that, or the server's clock is set forward. Where this is
// not enough, write with [KV.Update] under a revision read after the lease was
// got: somebody who lost the lease meanwhile then conflicts.
type Lease struct {
	kv         *KV
	token      string
	name       string
	value      []byte // owner, and what tells this lease from others of the owner
	ttl        time.Duration
	revision   uint64
	validUntil time.Time

	stop context.CancelFunc
	done chan struct{} // closed when it is not renewed any more
	lost chan struct{}
	once sync.Once
}

// Lease waits for the lease called name and takes it, until ctx ends. ttl is
// how long it outlives an owner that dies; it is whole seconds, at least 1.
// An owner who comes back after a crash takes over its own lease at once, so
// the name must not be that of anybody else who may be alive.
func (j *Journal) Lease(ctx context.Context, name, owner string, ttl time.Duration) (*Lease, error) {
	l, err := j.lease(ctx, name, owner, ttl)
	if err != nil {
		return nil, fmt.Errorf("journal: lease %s: %w", name, err)
	}
	return l, nil
}

func (j *Journal) lease(ctx context.Context, name, owner string, ttl time.Duration) (*Lease, error) {
	if ttl < time.Second || ttl%time.Second != 0 {
		return nil, fmt.Errorf("ttl is %v, want whole seconds", ttl)
	}
	if owner == "" || strings.ContainsRune(owner, '\n') {
		return nil, fmt.Errorf("owner %q is not a name", owner)
	}
	token, err := escape(name, true)
	if err != nil {
		return nil, err
	}
	ctx, cancel := j.during(ctx)
	defer cancel()
	l := &Lease{kv: j.leases, token: token, name: name, ttl: ttl, value: []byte(owner + "\n" + nuid.Next()),
		done: make(chan struct{}), lost: make(chan struct{})}
	for {
		err := l.take(ctx, owner)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%w (last: %w)", context.Cause(ctx), err)
		}
		if !errors.Is(err, ErrConflict) && !errors.Is(err, errRetry) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w (last: %w)", context.Cause(ctx), err)
		case <-time.After(min(ttl/4, time.Second)):
		}
	}
	life, stop := context.WithCancel(j.life)
	l.stop = stop
	if !j.start(func() { l.keep(life) }) {
		return nil, ErrClosed
	}
	return l, nil
}

// take takes the lease if it is free or was the owner's.
func (l *Lease) take(ctx context.Context, owner string) error {
	value, revision, err := l.kv.get(ctx, l.token)
	switch was, _, _ := strings.Cut(string(value), "\n"); {
	case err != nil && !errors.Is(err, ErrNotFound):
		return fmt.Errorf("%w: %w", err, errRetry)
	case err == nil && was != owner:
		return fmt.Errorf("%s has it: %w", was, ErrConflict)
	}
	return l.renew(ctx, revision)
}

// renew writes the lease again over the revision given.
func (l *Lease) renew(ctx context.Context, revision uint64) error {
	asked := time.Now()
	next, err := l.kv.update(ctx, l.token, l.value, revision, l.ttl)
	if errors.Is(err, ErrConflict) {
		// An earlier attempt whose answer got lost may have succeeded. When is
		// not known: write once more to know how long the lease is.
		value, at, getErr := l.kv.get(ctx, l.token)
		if getErr == nil && string(value) == string(l.value) && at != revision {
			asked = time.Now()
			next, err = l.kv.update(ctx, l.token, l.value, at, l.ttl)
		}
	}
	if err == nil {
		l.revision, l.validUntil = next, asked.Add(l.ttl-l.ttl/10)
	}
	return err
}

// keep renews the lease until ctx ends.
func (l *Lease) keep(ctx context.Context) {
	defer close(l.done)
	wait := l.ttl / 3
	for {
		select {
		case <-ctx.Done():
			if l.kv.j.life.Err() != nil {
				close(l.lost) // nobody renews it any more
			}
			return
		case <-time.After(wait):
		}
		try, cancel := context.WithDeadline(ctx, l.validUntil)
		err := l.renew(try, l.revision)
		cancel()
		wait = l.ttl / 3
		switch {
		case err == nil || ctx.Err() != nil:
		case errors.Is(err, ErrConflict) || !time.Now().Before(l.validUntil):
			l.kv.j.cfg.Logger.Warn("journal lease lost", "lease", l.name, "err", err)
			close(l.lost)
			return
		default:
			wait = min(l.ttl/10, time.Until(l.validUntil))
		}
	}
}

// Lost returns a channel that is closed when somebody else may have the lease:
// it could not be renewed in time, or the journal was closed.
func (l *Lease) Lost() <-chan struct{} { return l.lost }

// Release gives the lease back, so that others get it at once. It is safe to
// repeat, and harmless after the lease was lost.
func (l *Lease) Release(ctx context.Context) (err error) {
	l.once.Do(func() {
		l.stop()
		<-l.done
		m := l.kv.message(l.token, nil)
		m.Header.Set(headerOperation, operationDelete)
		m.Header.Set(headerTTL, markerTTL.String())
		m.Header.Set(headerExpected, fmt.Sprint(l.revision))
		if _, sendErr := l.kv.send(ctx, m); sendErr != nil && !errors.Is(sendErr, ErrConflict) {
			err = fmt.Errorf("journal: release lease %s: %w", l.name, sendErr)
		}
	})
	return err
}
