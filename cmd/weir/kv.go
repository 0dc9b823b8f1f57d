package main

import (
	"context"
	"errors"
	"fmt"

	"weir/internal/flowlog"
	"weir/internal/journal"
)

// bucket makes a bucket of the journal what the store of flow logs works over.
type bucket struct{ *journal.KV }

// kvError translates the errors one package returns into those the other knows.
func kvError(err error) error {
	for from, to := range map[error]error{
		journal.ErrNotFound: flowlog.ErrNoKey,
		journal.ErrExists:   flowlog.ErrKeyExists,
		journal.ErrConflict: flowlog.ErrRevision,
	} {
		if errors.Is(err, from) {
			return fmt.Errorf("%w: %w", to, err)
		}
	}
	return err
}

func (b bucket) Get(ctx context.Context, key string) ([]byte, uint64, error) {
	v, revision, err := b.KV.Get(ctx, key)
	return v, revision, kvError(err)
}

func (b bucket) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	revision, err := b.KV.Create(ctx, key, value)
	return revision, kvError(err)
}

func (b bucket) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	next, err := b.KV.Update(ctx, key, value, revision)
	return next, kvError(err)
}

func (b bucket) List(ctx context.Context, prefix string, fn func(string, []byte)) error {
	items, err := b.KV.List(ctx, prefix)
	for _, i := range items {
		fn(i.Key, i.Value)
	}
	return kvError(err)
}

func (b bucket) Watch(ctx context.Context, prefix string, fn func(string, []byte)) error {
	for e := range b.KV.Watch(ctx, prefix) {
		switch {
		case e.UpToDate:
			fn("", nil)
		case e.Deleted:
			fn(e.Key, nil)
		default:
			fn(e.Key, e.Value)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return journal.ErrClosed
}
