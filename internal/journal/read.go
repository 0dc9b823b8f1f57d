package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// Read calls fn with each message from sequence from on, or from the first one
// behind it that exists, in order, and waits for new ones until ctx ends; it
// then returns the error of ctx. It survives restarts of the server. An error
// of fn ends it and is returned as it is; one about a message that cannot be
// read wraps [ErrDamaged], and Read can go on behind it.
func (j *Journal) Read(ctx context.Context, from uint64, fn func(*Message) error) error {
	return j.read(ctx, from, noEnd, fn)
}

// ReadRange calls fn with each message from sequence from to sequence to, both
// inclusive. It gives the same messages each time, or an error: one that wraps
// [ErrRange], before any call of fn, if a part was released or does not exist
// yet.
func (j *Journal) ReadRange(ctx context.Context, from, to uint64, fn func(*Message) error) error {
	info, err := j.info(ctx)
	if err != nil {
		return fmt.Errorf("journal: read %d to %d: %w", from, to, err)
	}
	first, last := info.State.FirstSeq, info.State.LastSeq
	if from < first || to > last || from > to {
		return fmt.Errorf("journal: read %d to %d: there is %d to %d: %w", from, to, first, last, ErrRange)
	}
	if info.State.NumDeleted > 0 {
		// Messages were removed by a repair: find the last one that exists.
		for ; to >= from; to-- {
			asking, cancel := j.ask(ctx)
			_, err := j.windows.GetMsg(asking, to)
			cancel()
			if err == nil {
				break
			}
			if !errors.Is(err, jetstream.ErrMsgNotFound) {
				return fmt.Errorf("journal: read %d to %d: %w", from, to, err)
			}
		}
		if to < from {
			return nil
		}
	}
	next := from
	return j.read(ctx, from, to, func(m *Message) error {
		if m.Seq != next && info.State.NumDeleted == 0 {
			return fmt.Errorf("journal: read %d to %d: message %d was released meanwhile: %w", from, to, next, ErrRange)
		}
		next = m.Seq + 1
		return fn(m)
	})
}

func (j *Journal) read(ctx context.Context, from, to uint64, fn func(*Message) error) error {
	d, err := newDecoder()
	if err != nil {
		return fmt.Errorf("journal: read: %w", err)
	}
	defer d.close()
	cfg := jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(1, from),
	}
	var own error // told apart from those of reading
	err = j.follow(ctx, windowsStream, cfg, nil, nil, func(raw jetstream.Msg, at *jetstream.MsgMetadata) error {
		if at.Sequence.Stream > to {
			own = fmt.Errorf("journal: read: message %d was released meanwhile: %w", to, ErrRange)
			return own
		}
		m := Message{Seq: at.Sequence.Stream, Time: at.Timestamp}
		var err error
		if m.Host, err = unescape(strings.TrimPrefix(raw.Subject(), windowsPrefix)); err == nil {
			m.Entries, err = d.decode(raw.Data())
		}
		if err != nil {
			return fmt.Errorf("message %d: %w", m.Seq, err)
		}
		if own = fn(&m); own != nil {
			return own
		}
		if m.Seq == to {
			return errStop
		}
		return nil
	})
	switch {
	case err == nil:
		return nil
	case own != nil:
		return own
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("journal: read: %w", err)
}

// Release says that everything up to and including sequence upTo has been
// delivered by everybody, and deletes it. It is for the caller to know: the
// journal does not ask who has read what. Releasing what was released before is
// a success.
//
// Batches stay known after their messages are gone: what [Journal.Append]
// needs to recognise them is kept.
func (j *Journal) Release(ctx context.Context, upTo uint64) error {
	if err := j.release(ctx, upTo); err != nil {
		return fmt.Errorf("journal: release up to %d: %w", upTo, err)
	}
	return nil
}

func (j *Journal) release(ctx context.Context, upTo uint64) error {
	info, err := j.info(ctx)
	if err != nil {
		return err
	}
	if upTo > info.State.LastSeq {
		return fmt.Errorf("last is %d: %w", info.State.LastSeq, ErrRange)
	}
	if info.State.Msgs == 0 || upTo < info.State.FirstSeq {
		return nil
	}
	// Hosts that have nothing behind upTo would be forgotten.
	cfg := jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy,
		HeadersOnly: true, FilterSubject: windowsPrefix + "*"}
	var left uint64
	started := func(pending uint64) error {
		if left = pending; left == 0 {
			return errStop
		}
		return nil
	}
	err = j.follow(ctx, windowsStream, cfg, nil, started, func(m jetstream.Msg, at *jetstream.MsgMetadata) error {
		if at.Sequence.Stream > upTo {
			return errStop // they come in order
		}
		p, err := positionOf(m.Headers())
		if err != nil {
			return fmt.Errorf("message %d: %w: %w", at.Sequence.Stream, err, ErrDamaged)
		}
		if err := j.remember(ctx, strings.TrimPrefix(m.Subject(), windowsPrefix), p); err != nil {
			return err
		}
		if at.NumPending == 0 {
			return errStop
		}
		return nil
	})
	if err != nil {
		return err
	}
	ctx, cancel := j.ask(ctx)
	defer cancel()
	return j.windows.Purge(ctx, jetstream.WithPurgeSequence(upTo+1))
}

// remember writes the position of a host to the bucket, unless a later one is
// there.
func (j *Journal) remember(ctx context.Context, token string, p position) error {
	for attempt := 0; ; attempt++ {
		was, revision, err := j.released(ctx, token)
		if err != nil {
			return err
		}
		if !was.before(p) {
			return nil
		}
		_, err = j.hosts.update(ctx, token, []byte(p.String()), revision, 0)
		if !errors.Is(err, ErrConflict) {
			return err
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
}
