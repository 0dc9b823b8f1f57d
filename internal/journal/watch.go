package journal

import (
	"context"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// Watch calls fn with all keys that begin with prefix: first the present values,
// then an empty key, which says that they are complete, then each change, in the
// order of revisions; a nil value is a deletion. Keys that were deleted before may
// be among the first, too. If a key changes several times in quick succession
// only the last value may be told. It goes on where it was after the server was
// away; for up to a day no deletion is missed. The revision is that of the change;
// with the empty key, one up to which everything has been told.
//
// It returns when ctx ends or the journal is closed.
func (kv *KV) Watch(ctx context.Context, prefix string, fn func(key string, value []byte, revision uint64)) error {
	err := kv.follow(ctx, prefix, func(key string, value []byte, revision uint64) error {
		fn(key, value, revision)
		return nil
	})
	return fmt.Errorf("journal: bucket %s: watch %q: %w", kv.bucket, prefix, err)
}

// follow calls fn as Watch does, until it returns an error.
func (kv *KV) follow(ctx context.Context, prefix string, fn func(key string, value []byte, revision uint64) error) error {
	cfg := jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy, FilterSubjects: kv.filter(prefix)}
	var last uint64 // revision up to which everything has been told when all of the beginning has
	told := false
	begin := func(ctx context.Context) (err error) {
		// Not of the last message told: that of the last change may be gone, as
		// that of a deletion is after markerTTL.
		last, err = kv.last(ctx)
		return err
	}
	complete := func(pending uint64) error {
		if told || pending > 0 {
			return nil
		}
		told = true
		return fn("", nil, last)
	}
	return kv.j.follow(ctx, kv.name, cfg, begin, complete, func(m jetstream.Msg, at *jetstream.MsgMetadata) error {
		key, err := unescape(strings.TrimPrefix(m.Subject(), kv.prefix))
		if err != nil {
			return err
		}
		if strings.HasPrefix(key, prefix) {
			value := m.Data()
			if deleted(m.Headers()) {
				value = nil
			} else if value == nil {
				value = []byte{}
			}
			if err := fn(key, value, at.Sequence.Stream); err != nil {
				return err
			}
		}
		last = max(last, at.Sequence.Stream)
		return complete(at.NumPending)
	})
}
