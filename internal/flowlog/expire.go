package flowlog

import (
	"context"
	"maps"
	"slices"
	"time"
)

// ExpiresTag is the key of the tag that says when a flow log is to be deleted; its
// value is a time of RFC 3339.
const ExpiresTag = "weir:expires"

// Expires returns when the flow log is to be deleted, and false if its tags do not
// say or what they say is no time.
func (p *Params) Expires() (time.Time, bool) {
	for _, t := range p.Tags {
		if t.Key == ExpiresTag {
			at, err := time.Parse(time.RFC3339, t.Value)
			return at, err == nil
		}
	}
	return time.Time{}, false
}

// Expired reports whether a flow log is to be deleted by now: its time has come, it
// is not ending already, and no configuration file declares it, which would bring it
// back.
func Expired(f *FlowLog, now time.Time) bool {
	at, ok := f.Expires()
	return ok && f.Active() && !f.Declared && !at.After(now)
}

// Expire deletes flow logs when they have expired, until ctx ends. It tells done of
// each, and of an error, after which it tries again a minute later. Several hosts may
// do so at once.
func (s *Store) Expire(ctx context.Context, done func(f *FlowLog, err error)) error {
	changes := make(chan []FlowLog, 1)
	failed := make(chan error, 1)
	go func() {
		failed <- s.Watch(ctx, func(all []FlowLog) {
			select {
			case <-changes: // what nobody has looked at is old
			default:
			}
			changes <- all
		})
	}()
	var all []FlowLog
	gone := make(map[string]bool) // what was deleted here; news of others' changes may be older
	for {
		maps.DeleteFunc(gone, func(id string, _ bool) bool {
			return !slices.ContainsFunc(all, func(f FlowLog) bool { return f.ID == id })
		})
		wake := time.NewTimer(s.expire(ctx, all, gone, done))
		select {
		case all = <-changes:
		case <-wake.C:
		case err := <-failed:
			wake.Stop()
			return err
		}
		wake.Stop()
	}
}

// expire deletes what has expired and returns when to look again, at the latest. The
// deleted ones come back as changes.
func (s *Store) expire(ctx context.Context, all []FlowLog, gone map[string]bool, done func(*FlowLog, error)) time.Duration {
	next := time.Hour // clocks are set, and a timer does not know
	for i := range all {
		f := &all[i]
		now := time.Now().UTC()
		if gone[f.ID] {
			continue
		}
		if Expired(f, now) {
			err := s.Delete(ctx, f.ID, now)
			done(f, err)
			if err != nil {
				next = min(next, time.Minute)
			} else {
				gone[f.ID] = true
			}
			continue
		}
		if at, ok := f.Expires(); ok && f.Active() && !f.Declared {
			next = min(next, at.Sub(now))
		}
	}
	return next
}
