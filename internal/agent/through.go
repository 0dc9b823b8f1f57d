package agent

import (
	"context"
	"fmt"
	"time"

	"weir/internal/kv"
)

// setThrough says that everything a host captured before t is in the journal.
func setThrough(ctx context.Context, hosts kv.Bucket, host string, t time.Time) error {
	raw, err := t.UTC().MarshalText()
	if err == nil {
		_, err = hosts.Put(ctx, host, raw)
	}
	if err != nil {
		return fmt.Errorf("agent: say until when windows are in the journal: %w", err)
	}
	return nil
}

// Through returns, for each host that ever captured, the moment before which
// everything it captured is in the journal.
func Through(ctx context.Context, hosts kv.Bucket) ([]time.Time, error) {
	var all []time.Time
	var bad error
	err := hosts.List(ctx, "", func(host string, value []byte) {
		var t time.Time
		if err := t.UnmarshalText(value); err != nil {
			bad = fmt.Errorf("agent: host %s: %w", host, err)
			return
		}
		all = append(all, t)
	})
	if err != nil {
		return nil, fmt.Errorf("agent: list hosts: %w", err)
	}
	return all, bad
}
