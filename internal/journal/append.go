package journal

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

// maxMessages is how many messages the server takes in one batch.
const maxMessages = 1000

// position is the place of a batch among those of its host.
type position struct{ tables, sequence uint64 }

func (p position) String() string { return fmt.Sprintf("%d/%d", p.tables, p.sequence) }

func parsePosition(tables, sequence string) (p position, err error) {
	if p.tables, err = strconv.ParseUint(tables, 10, 64); err != nil {
		return p, err
	}
	p.sequence, err = strconv.ParseUint(sequence, 10, 64)
	return p, err
}

// hostState is what this process knows about a host's last batch.
type hostState struct {
	mu      sync.Mutex // held while a batch of the host is appended
	known   bool
	last    position // of the last batch stored; zero is none
	lastSeq uint64   // of its last message, as long as that exists; else 0
}

func (j *Journal) host(name string) *hostState {
	j.mu.Lock()
	defer j.mu.Unlock()
	h := j.state[name]
	if h == nil {
		h = new(hostState)
		j.state[name] = h
	}
	return h
}

// Append stores the batch, whole or not at all, and returns when it is on
// disk. A batch that has been stored before, by whichever process and however
// long ago, is a success and changes nothing; so is one with the Tables of the
// host's last batch and a Sequence below it.
//
// Errors wrap [ErrFull], [ErrOutOfOrder], [ErrTooLarge] or [ErrClosed] where
// they apply. While the server cannot be reached Append goes on trying until
// ctx ends. After an error other than these it is not known whether the batch
// was stored: offer it again.
func (j *Journal) Append(ctx context.Context, b *Batch) error {
	if err := j.append(ctx, b); err != nil {
		if errors.Is(err, ErrFull) {
			j.counts.refused.Add(1)
		}
		return fmt.Errorf("journal: append: host %s: window %d/%d: %w", b.Host, b.Tables, b.Sequence, err)
	}
	return nil
}

func (j *Journal) append(ctx context.Context, b *Batch) error {
	token, err := escape(b.Host, false)
	if err != nil {
		return err
	}
	if err := b.check(); err != nil {
		return err
	}
	ctx, cancel := j.during(ctx)
	defer cancel()
	h := j.host(b.Host)
	h.mu.Lock()
	defer h.mu.Unlock()

	// Packing costs more than looking: look first.
	if h.known && h.last == (position{b.Tables, b.Sequence}) {
		j.counts.again.Add(1)
		return nil
	}
	messages, raw, stored, err := j.pack(b, windowsPrefix+token)
	if err != nil || len(messages) == 0 {
		return err
	}
	incomplete := 0
	for attempt := 0; ; attempt++ {
		if attempt > 0 {
			if err := pause(ctx, attempt); err != nil {
				return err
			}
		}
		done, err := j.tryAppend(ctx, h, token, b, messages, stored)
		switch {
		case err == nil:
			if done {
				j.counts.again.Add(1)
			} else {
				j.counts.batches.Add(1)
				j.counts.raw.Add(uint64(raw))
				j.counts.stored.Add(uint64(stored))
			}
			return nil
		case context.Cause(ctx) != nil:
			return fmt.Errorf("%w (last: %w)", context.Cause(ctx), err)
		case errors.Is(err, errIncomplete) && incomplete >= 10:
			return err // not bad luck
		case errors.Is(err, errIncomplete):
			incomplete++
		case !errors.Is(err, errRetry) && !errors.Is(err, ErrConflict):
			return err
		}
	}
}

// tryAppend is one attempt at storing messages; done says that there is
// nothing to store.
func (j *Journal) tryAppend(ctx context.Context, h *hostState, token string, b *Batch, messages []*nats.Msg, size int) (done bool, err error) {
	if !h.known {
		if h.last, h.lastSeq, err = j.lastOf(ctx, token); err != nil {
			return false, fmt.Errorf("last of host: %w: %w", err, errRetry)
		}
		h.known = true
	}
	at := position{b.Tables, b.Sequence}
	switch {
	case at.tables < h.last.tables:
		return false, fmt.Errorf("after %v: %w", h.last, ErrOutOfOrder)
	case at.tables == h.last.tables && at.sequence <= h.last.sequence:
		return true, nil
	}
	if j.embedded != nil {
		ok, err := j.embedded.room(size)
		if err != nil {
			return false, err
		}
		if !ok {
			return false, fmt.Errorf("disk of %s: %w", j.cfg.Dir, ErrFull)
		}
	}
	// Whatever happens until the answer is here, look again next time.
	expected := h.lastSeq
	h.known = false
	seq, err := j.send(ctx, messages, expected)
	if err != nil {
		return false, err
	}
	h.known, h.last, h.lastSeq = true, at, seq
	return false, nil
}

// send stores the messages in one step, if the last message of their subject
// is expected, and returns the sequence of the last one.
func (j *Journal) send(ctx context.Context, messages []*nats.Msg, expected uint64) (seq uint64, err error) {
	j.sending.RLock()
	defer j.sending.RUnlock()
	messages[0].Header.Set(headerExpected, strconv.FormatUint(expected, 10))
	if len(messages) == 1 {
		return j.request(ctx, messages[0])
	}
	// Asking for an answer now and then keeps what is under way small.
	const every = 16
	id := nuid.Next()
	for i, m := range messages {
		last := i == len(messages)-1
		m.Header.Set(headerBatch, id)
		m.Header.Set(headerNumber, strconv.Itoa(i+1))
		m.Header.Set(headerPart, fmt.Sprintf("%d/%d", i+1, len(messages)))
		if last {
			m.Header.Set(headerCommit, "1")
		}
		if last || i%every == every-1 {
			seq, err = j.request(ctx, m)
		} else {
			err = j.conn.PublishMsg(m)
			if err != nil && !errors.Is(err, nats.ErrMaxPayload) {
				err = fmt.Errorf("%w: %w", err, errRetry)
			}
		}
		if err != nil {
			return 0, err
		}
	}
	return seq, nil
}

// pack makes the messages of a batch. raw and stored are the bytes of their
// bodies before and after compression.
func (j *Journal) pack(b *Batch, subject string) (messages []*nats.Msg, raw, stored int, err error) {
	tables, sequence := strconv.FormatUint(b.Tables, 10), strconv.FormatUint(b.Sequence, 10)
	p := packer{limit: j.bodySize, emit: func(body []byte) {
		m := nats.NewMsg(subject)
		m.Data = j.coder.envelope(body)
		m.Header.Set(headerTables, tables)
		m.Header.Set(headerSequence, sequence)
		messages = append(messages, m)
		raw, stored = raw+len(body), stored+len(m.Data)
	}}
	for i := range b.Entries {
		if err := p.add(&b.Entries[i]); err != nil {
			return nil, 0, 0, fmt.Errorf("entry %d: %w", i, err)
		}
	}
	p.flush()
	if len(messages) > maxMessages {
		return nil, 0, 0, fmt.Errorf("batch of %d messages, the limit is %d: %w", len(messages), maxMessages, ErrTooLarge)
	}
	return messages, raw, stored, nil
}

// lastOf returns the position of the last batch of a host, and the sequence of
// its last message, 0 if that was released. The stream is asked first: a
// position is written to the bucket before its message is removed.
func (j *Journal) lastOf(ctx context.Context, token string) (position, uint64, error) {
	asking, cancel := j.ask(ctx)
	defer cancel()
	m, err := j.windows.GetLastMsgForSubject(asking, windowsPrefix+token)
	if err == nil {
		if !complete(m.Header) {
			return position{}, 0, errors.New("its batch is not complete")
		}
		p, err := parsePosition(m.Header.Get(headerTables), m.Header.Get(headerSequence))
		return p, m.Sequence, err
	}
	if !errors.Is(err, jetstream.ErrMsgNotFound) {
		return position{}, 0, err
	}
	p, _, err := j.released(ctx, token)
	return p, 0, err
}

// released returns the position of a host in the bucket, with its revision;
// both are zero if there is none.
func (j *Journal) released(ctx context.Context, token string) (position, uint64, error) {
	value, revision, err := j.hosts.get(ctx, token)
	if errors.Is(err, ErrNotFound) {
		return position{}, revision, nil
	}
	if err != nil {
		return position{}, 0, err
	}
	tables, sequence, _ := strings.Cut(string(value), "/")
	p, err := parsePosition(tables, sequence)
	return p, revision, err
}

// Position returns the Tables and Sequence of the last batch a host appended;
// both are 0 if it never did.
func (j *Journal) Position(ctx context.Context, host string) (tables, sequence uint64, err error) {
	token, err := escape(host, false)
	if err != nil {
		return 0, 0, fmt.Errorf("journal: position: %w", err)
	}
	if j.life.Err() != nil {
		return 0, 0, fmt.Errorf("journal: position: %w", ErrClosed)
	}
	p, _, err := j.lastOf(ctx, token)
	if err != nil {
		return 0, 0, fmt.Errorf("journal: position: host %s: %w", host, err)
	}
	return p.tables, p.sequence, nil
}
