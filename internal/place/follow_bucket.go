package place

import (
	"context"
	"errors"
	"time"
)

// A bucketFollower follows a prefix of a bucket.
type bucketFollower struct {
	*follower
	seen map[string]bool // keys of the last look; nil before the first
}

// look lists what there is, of the last hours only after the first time, and hands out
// what it has not seen.
func (b *bucketFollower) look(ctx context.Context) error {
	round := b.round()
	cfg := &round.cfg
	first, wanted := b.seen == nil, !cfg.Since.IsZero()
	if since := cfg.Now().Add(-back); !first && since.After(cfg.Since) || !wanted {
		cfg.Since = since
	}
	begun := time.Now()
	keys := map[string]bool{}
	var fresh []Entry
	err := round.bucket(ctx, b.p, func(e Entry) bool {
		keys[e.Path] = true
		if !b.seen[e.Path] && (!first || wanted) {
			fresh = append(fresh, e)
		}
		return true
	})
	if errors.Is(err, errNothing) {
		err = nil // yet
	}
	b.looked = time.Since(begun)
	if err != nil && first {
		return err
	}
	if first {
		b.adopt(round)
	}
	if err != nil {
		// What was not listed is not gone.
		for key := range b.seen {
			keys[key] = true
		}
	}
	b.seen = keys
	for _, e := range fresh {
		if !b.offer(ctx, e) {
			break
		}
	}
	return err
}
