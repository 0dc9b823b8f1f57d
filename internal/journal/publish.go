package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Headers of atomic batches, and ours. The client library has no batches yet
// (nats.go 1.55.0); the server has since 2.12 (ADR-50 of nats-architecture-and-
// design, read 2026-11-24).
const (
	headerBatch    = "Nats-Batch-Id"
	headerNumber   = "Nats-Batch-Sequence"
	headerCommit   = "Nats-Batch-Commit"
	headerExpected = jetstream.ExpectedLastSubjSeqHeader
	headerTTL      = jetstream.MsgTTLHeader

	headerTables   = "Weir-Tables"
	headerSequence = "Weir-Sequence"
	headerPart     = "Weir-Part" // "2/3" in the second of three messages; absent in an only one
	headerMark     = "Weir-Mark" // in the last message of a step, if another one follows
)

// complete says whether a message with these headers is the last of its batch.
func complete(h nats.Header) bool {
	part, parts, _ := strings.Cut(h.Get(headerPart), "/")
	return part == parts
}

// answerTimeout is how long one question to the server may take.
const answerTimeout = 5 * time.Second

// errIncomplete reports a batch that the server lost a part of.
var errIncomplete = fmt.Errorf("batch was interrupted: %w", errRetry)

// errTooMany reports a batch of more messages than the server takes.
var errTooMany = fmt.Errorf("batch of too many messages: %w", ErrTooLarge)

// errDuplicate reports a batch that is stored already.
var errDuplicate = errors.New("stored before")

// errNotSent reports a message that never reached the server.
var errNotSent = fmt.Errorf("server is away: %w", errRetry)

// ask returns a context for one question to the server: it ends after
// answerTimeout, with the journal, and when the embedded server is about to be
// started again, because the answer to a question of before never comes.
func (j *Journal) ask(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	stop := context.AfterFunc(j.life, cancel)
	stopServer := func() bool { return true }
	if j.embedded != nil {
		stopServer = context.AfterFunc(j.embedded.life(), cancel)
	}
	return ctx, func() { stop(); stopServer(); cancel() }
}

// request sends a message and waits for the answer to be stored, and returns
// its sequence: 0 for a part of a batch that is not its last. It wraps errRetry
// if it is not known whether the message was stored.
func (j *Journal) request(ctx context.Context, m *nats.Msg) (uint64, error) {
	if j.life.Err() != nil {
		return 0, ErrClosed
	}
	if j.embedded != nil && j.embedded.life().Err() != nil {
		return 0, errNotSent // it is about to be started again
	}
	ctx, cancel := j.ask(ctx)
	defer cancel()
	answer, err := j.conn.RequestMsgWithContext(ctx, m)
	switch {
	case errors.Is(err, nats.ErrMaxPayload), errors.Is(err, nats.ErrBadSubject):
		return 0, err
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, nats.ErrReconnectBufExceeded):
		return 0, fmt.Errorf("%w: %w", err, errNotSent)
	case err != nil:
		return 0, fmt.Errorf("%w: %w", err, errRetry)
	case len(answer.Data) == 0:
		return 0, nil
	}
	var ack struct {
		Seq   uint64              `json:"seq"`
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(answer.Data, &ack); err != nil {
		return 0, fmt.Errorf("answer: %w", err)
	}
	return ack.Seq, classify(ack.Error)
}

// Codes of the server's errors, from server/errors.json of nats-server 2.15.2.
const (
	codeInsufficient   = 10023
	codeAccountLimit   = 10002
	codeStorageLimit   = 10047
	codeStoreFailed    = 10077
	codeWrongLast      = 10071
	codeWrongLastConst = 10164
	codeIncomplete     = 10176
	codeTooManyBatches = 10210
	codeBatchTooLarge  = 10199
	codeDuplicate      = 10201
	codeInProcess      = 10158
)

// classify gives an error of the server one of ours to test for.
func classify(e *jetstream.APIError) error {
	if e == nil {
		return nil
	}
	switch e.ErrorCode {
	case codeWrongLast, codeWrongLastConst:
		return fmt.Errorf("%w: %w", e, ErrConflict)
	case codeInsufficient, codeAccountLimit, codeStorageLimit:
		return fmt.Errorf("%w: %w", e, ErrFull)
	case codeIncomplete:
		return fmt.Errorf("%w: %w", e, errIncomplete)
	case codeDuplicate:
		return fmt.Errorf("%w: %w", e, errDuplicate)
	case codeTooManyBatches, codeInProcess:
		return fmt.Errorf("%w: %w", e, errRetry)
	case codeBatchTooLarge:
		return fmt.Errorf("%w: %w", e, errTooMany)
	case codeStoreFailed:
		if strings.Contains(e.Description, "maximum bytes") {
			return fmt.Errorf("%w: %w", e, ErrFull)
		}
	}
	if e.Code == 503 || e.Code == 429 {
		return fmt.Errorf("%w: %w", e, errRetry)
	}
	return e
}

// pause waits before an attempt is repeated: longer each time.
func pause(ctx context.Context, attempt int) error {
	t := time.NewTimer(min(time.Second, 5*time.Millisecond<<min(attempt, 10)))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
