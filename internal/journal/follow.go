package journal

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ahead is how many messages are asked for before they are needed, aheadHeads how
// many without their bodies.
const (
	ahead      = 32
	aheadHeads = 1024
)

// errStop ends follow without an error.
var errStop = errors.New("stop")

// follow calls fn with each message of a stream that cfg selects, in order and
// without gaps, until fn returns an error or ctx ends; errStop becomes nil.
// When the server or the connection goes away it goes on behind the last
// message that fn has seen. begin, unless it is nil, is called before reading
// begins, again if that fails; an error of it is one of the server's. started,
// unless it is nil, is called each time that the server has answered, with the
// number of messages that are there already.
//
// The client library's ordered consumer does the same, but waits for a server
// that is away without heeding a context (nats.go 1.55.0).
func (j *Journal) follow(ctx context.Context, stream string, cfg jetstream.ConsumerConfig,
	begin func(context.Context) error, started func(pending uint64) error, fn func(m jetstream.Msg, at *jetstream.MsgMetadata) error) error {
	ctx, cancel := j.during(ctx)
	defer cancel()
	f := follower{j: j, stream: stream, cfg: cfg, begin: begin, started: started, fn: fn}
	for attempt := 0; ; attempt++ {
		before := f.last
		err := f.run(ctx)
		var own *ownError
		switch {
		case errors.As(err, &own) && errors.Is(own.error, errStop):
			return nil
		case errors.As(err, &own):
			return own.error
		case context.Cause(ctx) != nil:
			return context.Cause(ctx)
		case errors.Is(err, jetstream.ErrStreamNotFound):
			return err
		}
		j.cfg.Logger.Debug("journal reads again", "stream", stream, "after", f.last, "err", err)
		if f.last != before {
			attempt = 0
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
}

// ownError is an error of the caller's function.
type ownError struct{ error }

type follower struct {
	j       *Journal
	stream  string
	cfg     jetstream.ConsumerConfig
	begin   func(context.Context) error
	started func(uint64) error
	fn      func(jetstream.Msg, *jetstream.MsgMetadata) error
	last    uint64 // sequence of the last message that fn has seen
}

// run reads with one consumer, which is gone when it returns.
func (f *follower) run(ctx context.Context) error {
	cfg := f.cfg
	cfg.AckPolicy, cfg.Replicas, cfg.MemoryStorage = jetstream.AckNonePolicy, 1, true
	cfg.InactiveThreshold = time.Minute
	if f.last > 0 {
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, f.last+1
	} else if f.begin != nil {
		if err := f.begin(ctx); err != nil {
			return err
		}
	}
	asking, cancel := f.j.ask(ctx)
	consumer, err := f.j.js.CreateConsumer(asking, f.stream, cfg)
	cancel()
	if err != nil {
		return err
	}
	defer f.remove(ctx, consumer.CachedInfo().Name)
	if f.started != nil {
		if err := f.started(consumer.CachedInfo().NumPending); err != nil {
			return &ownError{err}
		}
	}
	pull := ahead
	if cfg.HeadersOnly {
		pull = aheadHeads
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(pull),
		jetstream.PullExpiry(10*time.Second), jetstream.PullHeartbeat(2*time.Second))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for delivered := uint64(1); ; delivered++ {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		at, err := m.Metadata()
		if err != nil {
			return err
		}
		if at.Sequence.Consumer != delivered {
			return errors.New("a message got lost on the way")
		}
		if err := f.fn(m, at); err != nil {
			return &ownError{err}
		}
		f.last = at.Sequence.Stream
	}
}

// remove removes the consumer. The server would do so by itself a minute later.
func (f *follower) remove(ctx context.Context, name string) {
	if f.j.life.Err() != nil || f.j.conn.Status() != nats.CONNECTED {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = f.j.js.DeleteConsumer(ctx, f.stream, name)
}
