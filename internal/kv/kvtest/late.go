package kvtest

import (
	"context"
	"time"

	"weir/internal/kv"
)

// Late is a bucket whose watchers are told of everything after a while, as those of a
// server are that is far away or busy.
type Late struct {
	kv.Bucket
	By time.Duration
}

// Watch implements [kv.Bucket].
func (l Late) Watch(ctx context.Context, prefix string, fn func(string, []byte, uint64)) error {
	return l.Bucket.Watch(ctx, prefix, func(key string, value []byte, revision uint64) {
		select {
		case <-ctx.Done():
		case <-time.After(l.By):
			fn(key, value, revision)
		}
	})
}
