package journal

import (
	"cmp"
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

// maxMessages is how many messages are stored in one step. A server takes 1,000
// of them if it is not told otherwise; fewer are done sooner, so that something
// remains of an attempt whose time runs out.
const maxMessages = 256

// position is the place of a batch among those of its host.
type position struct {
	tables, sequence uint64

	// mark is how far a batch is stored that takes several steps; empty if it
	// is whole.
	mark string
}

// String returns the form that parsePosition reads, its parts separated by "/".
func (p position) String() string {
	s := fmt.Sprintf("%d/%d", p.tables, p.sequence)
	if p.mark != "" {
		s += "/" + p.mark
	}
	return s
}

// before reports whether q has more than p.
func (p position) before(q position) bool {
	if c := cmp.Or(cmp.Compare(p.tables, q.tables), cmp.Compare(p.sequence, q.sequence)); c != 0 {
		return c < 0
	}
	return p.mark != "" && (q.mark == "" || p.mark < q.mark)
}

func parsePosition(tables, sequence, mark string) (p position, err error) {
	if p.tables, err = strconv.ParseUint(tables, 10, 64); err != nil {
		return p, err
	}
	if p.sequence, err = strconv.ParseUint(sequence, 10, 64); err != nil {
		return p, err
	}
	p.mark = mark
	return p, checkMark(mark)
}

// positionOf returns the position that the last message of a step has.
func positionOf(h nats.Header) (position, error) {
	return parsePosition(h.Get(headerTables), h.Get(headerSequence), h.Get(headerMark))
}

// hostState is what this process knows about a host's last batch.
type hostState struct {
	mu      sync.Mutex // held while a batch of the host is appended
	known   bool
	last    position // of the last step stored; zero is none
	lastSeq uint64   // of its last message, as long as that exists; else 0
	limit   int      // of messages in a step
}

func (j *Journal) host(name string) *hostState {
	j.mu.Lock()
	defer j.mu.Unlock()
	h := j.state[name]
	if h == nil {
		h = &hostState{limit: j.maxMessages}
		j.state[name] = h
	}
	return h
}

// Append stores the batch and returns when it is on disk. One that is small
// enough, as nearly all are, is one step: whole or not at all. One of more
// messages is stored in several; whoever offers it again, after an error or as
// another process, goes on where the last step ended, so that everything is
// there once. For that its flows may be put in another order.
//
// A batch that has been stored before, by whichever process and however long
// ago, is a success and changes nothing; so is one with the Tables of the
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
	if len(b.Entries) == 0 {
		return nil
	}
	ctx, cancel := j.during(ctx)
	defer cancel()
	h := j.host(b.Host)
	h.mu.Lock()
	defer h.mu.Unlock()

	a := appending{j: j, h: h, token: token, batch: b}
	steps, incomplete := 0, 0
	for attempt := 0; ; attempt++ {
		if attempt > 0 {
			if err := pause(ctx, attempt); err != nil {
				return err
			}
		}
		done, err := a.try(ctx)
		switch {
		case done && steps == 0:
			j.counts.again.Add(1)
			return nil
		case done:
			j.counts.batches.Add(1)
			return nil
		case err == nil:
			steps++
			attempt, incomplete = -1, 0
		case context.Cause(ctx) != nil:
			return fmt.Errorf("%w (last: %w)", context.Cause(ctx), err)
		case errors.Is(err, errTooMany) && h.limit > 1:
			h.limit, a.next = h.limit/2, nil // the server was told to take fewer
		case errors.Is(err, errIncomplete) && incomplete >= 10:
			return err // not bad luck
		case errors.Is(err, errIncomplete):
			incomplete++
		case !errors.Is(err, errRetry) && !errors.Is(err, ErrConflict):
			return err
		}
	}
}

// appending is a batch on its way.
type appending struct {
	j     *Journal
	h     *hostState
	token string
	batch *Batch
	next  *step // what was packed last; nil if nothing was
}

// try is one attempt at storing the next step; done says that there is none.
func (a *appending) try(ctx context.Context) (done bool, err error) {
	j, h := a.j, a.h
	if !h.known {
		if h.last, h.lastSeq, err = j.lastOf(ctx, a.token); err != nil {
			return false, fmt.Errorf("last of host: %w: %w", err, errRetry)
		}
		h.known = true
	}
	whole := position{tables: a.batch.Tables, sequence: a.batch.Sequence}
	switch {
	case whole.tables < h.last.tables:
		return false, fmt.Errorf("after %v: %w", h.last, ErrOutOfOrder)
	case !h.last.before(whole):
		return true, nil
	}
	from := ""
	if h.last.tables == whole.tables && h.last.sequence == whole.sequence {
		from = h.last.mark
	}
	if a.next == nil || a.next.from != from {
		if a.next, err = j.pack(a.batch, windowsPrefix+a.token, from, h.limit); err != nil {
			return false, err
		}
	}
	if len(a.next.messages) == 0 {
		return true, nil // nothing is left behind the mark
	}
	if j.embedded != nil {
		ok, err := j.embedded.room(a.next.stored)
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
	seq, err := j.send(ctx, a.next.messages, expected)
	if err != nil {
		return false, err
	}
	whole.mark = a.next.mark
	h.known, h.last, h.lastSeq = true, whole, seq
	j.counts.raw.Add(uint64(a.next.raw))
	j.counts.stored.Add(uint64(a.next.stored))
	return false, nil
}

// send stores the messages in one step, if the last message of their subject
// is expected, and returns the sequence of the last one.
func (j *Journal) send(ctx context.Context, messages []*nats.Msg, expected uint64) (seq uint64, err error) {
	messages[0].Header.Set(headerExpected, strconv.FormatUint(expected, 10))
	return j.sendStep(ctx, messages)
}

// sendStep stores the messages, all or none, and returns the sequence of the last
// one; the others are those before it.
func (j *Journal) sendStep(ctx context.Context, messages []*nats.Msg) (seq uint64, err error) {
	j.sending.RLock()
	defer j.sending.RUnlock()
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
		p, err := positionOf(m.Header)
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
	tables, rest, _ := strings.Cut(string(value), "/")
	sequence, mark, _ := strings.Cut(rest, "/")
	p, err := parsePosition(tables, sequence, mark)
	return p, revision, err
}

// Position returns the Tables and Sequence of the last batch a host appended, or
// a part of it; both are 0 if it never did.
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
