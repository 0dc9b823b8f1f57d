package journal

import (
	"context"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// An Event is what a watcher of a bucket is told.
type Event struct {
	Item // without a Value if Deleted; zero if UpToDate

	// Deleted says that the key has no value any more. Keys that were deleted
	// before the watch began may be among the first events, too.
	Deleted bool

	// UpToDate marks the moment at which everything that was there when the
	// watch began has been told. It comes once.
	UpToDate bool
}

// Watch tells about all keys that begin with prefix: first the present values,
// then that they are complete, then each change, in the order of revisions. If
// a key changes several times in quick succession only the last value may be
// told. It goes on where it was after the server was away; for up to a day no
// deletion is missed.
//
// The channel is closed when ctx ends or the journal is closed. Events wait
// until they are taken.
func (kv *KV) Watch(ctx context.Context, prefix string) <-chan Event {
	events := make(chan Event)
	ok := kv.j.start(func() {
		defer close(events)
		ctx, cancel := kv.j.during(ctx)
		defer cancel()
		err := kv.follow(ctx, prefix, func(e Event) error {
			select {
			case events <- e:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
		if ctx.Err() == nil {
			kv.j.cfg.Logger.Error("journal watch ended", "bucket", kv.bucket, "prefix", prefix, "err", err)
		}
	})
	if !ok {
		close(events)
	}
	return events
}

func (kv *KV) follow(ctx context.Context, prefix string, fn func(Event) error) error {
	cfg := jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy, FilterSubjects: kv.filter(prefix)}
	told := false
	complete := func(pending uint64) error {
		if told || pending > 0 {
			return nil
		}
		told = true
		return fn(Event{UpToDate: true})
	}
	return kv.j.follow(ctx, kv.name, cfg, complete, func(m jetstream.Msg, at *jetstream.MsgMetadata) error {
		key, err := unescape(strings.TrimPrefix(m.Subject(), kv.prefix))
		if err != nil {
			return err
		}
		if strings.HasPrefix(key, prefix) {
			e := Event{Item: Item{Key: key, Revision: at.Sequence.Stream}, Deleted: deleted(m.Headers())}
			if !e.Deleted {
				e.Value = m.Data()
			}
			if err := fn(e); err != nil {
				return err
			}
		}
		return complete(at.NumPending)
	})
}
