package journal

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

const (
	headerNote = "Weir-Note"
	headerID   = jetstream.MsgIDHeader

	// appendMemory is how long the server knows what was appended, appendPatience how
	// long a message is offered whose fate is not known. What is offered again after
	// the first is over would be stored twice.
	appendMemory   = 2 * time.Minute
	appendPatience = time.Minute

	maxNote    = 1 << 10
	maxLogBody = 4 << 20
)

// A Log is a stream of messages that are added at its end, by whomever, and stay until
// they are removed. Each has a subject of one or more parts. Its methods are safe for
// concurrent use.
type Log struct {
	j      *Journal
	name   string
	stream jetstream.Stream
	prefix string // of subjects
	pieces int    // bytes of one message's body
	zstd   *zstd.Decoder
}

// A Head is what is known of a message without reading it.
type Head struct {
	Seq     uint64    // in the log; they only grow
	Pieces  int       // messages of the server that it takes; Seq is of the last one, the others are before it
	Subject []string  // its parts
	Note    string    // as it was appended
	Time    time.Time // when it was stored, by the server's clock
}

// Log opens a log, creating it if necessary. Its name is made of letters, digits, "-"
// and "_".
func (j *Journal) Log(ctx context.Context, name string) (*Log, error) {
	l, err := j.log(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("journal: log %q: %w", name, err)
	}
	return l, nil
}

func (j *Journal) log(ctx context.Context, name string) (*Log, error) {
	if len(name) > maxBucket || !validBucket.MatchString(name) {
		return nil, errors.New("not a valid name")
	}
	if j.life.Err() != nil {
		return nil, ErrClosed
	}
	stream, err := j.js.Stream(ctx, logStream+name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		cfg := streamConfig{AllowAtomicPublish: true, StreamConfig: jetstream.StreamConfig{
			Name:         logStream + name,
			Subjects:     []string{logPrefix + name + ".>"},
			Discard:      jetstream.DiscardNew,
			Storage:      jetstream.FileStorage,
			Replicas:     max(1, j.cfg.Replicas),
			Duplicates:   appendMemory,
			AllowDirect:  true, // a message is the same wherever it is
			MaxBytes:     -1,
			MaxMsgs:      -1,
			MaxMsgSize:   -1,
			MaxConsumers: -1,
		}}
		err = j.api(ctx, "STREAM.CREATE."+logStream+name, cfg, nil)
		if err == nil || errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			stream, err = j.js.Stream(ctx, logStream+name)
		}
	}
	if err != nil {
		return nil, err
	}
	if err := j.replicateLog(ctx, logStream+name); err != nil {
		return nil, err
	}
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxLogBody), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	const headers = 8 << 10 // of them the subject has the most
	pieces := int(min(j.conn.MaxPayload(), 1<<20)) - headers
	if pieces < headers {
		return nil, fmt.Errorf("server takes messages of %d bytes only", j.conn.MaxPayload())
	}
	return &Log{j: j, name: name, stream: stream, prefix: logPrefix + name + ".", pieces: pieces, zstd: z}, nil
}

// replicateLog gives a log's stream the number of replicas asked for.
func (j *Journal) replicateLog(ctx context.Context, stream string) error {
	if j.cfg.Replicas == 0 {
		return nil
	}
	// Not with the client library, which would turn off what it does not know.
	var info struct {
		Config streamConfig `json:"config"`
	}
	if err := j.api(ctx, "STREAM.INFO."+stream, nil, &info); err != nil {
		return err
	}
	if info.Config.Replicas == j.cfg.Replicas {
		return nil
	}
	info.Config.Replicas = j.cfg.Replicas
	return j.api(ctx, "STREAM.UPDATE."+stream, info.Config, nil)
}

// subject returns the subject of these parts.
func (l *Log) subject(parts []string) (string, error) {
	if len(parts) == 0 {
		return "", errors.New("subject has no parts")
	}
	var b strings.Builder
	b.WriteString(l.prefix)
	for i, part := range parts {
		token, err := escape(part, false)
		if err != nil {
			return "", fmt.Errorf("subject: %w", err)
		}
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(token)
	}
	if b.Len() > 2<<10 {
		return "", fmt.Errorf("subject of %d bytes", b.Len())
	}
	return b.String(), nil
}

// parts undoes subject.
func (l *Log) parts(subject string) ([]string, error) {
	tokens := strings.Split(strings.TrimPrefix(subject, l.prefix), ".")
	for i, token := range tokens {
		if !strings.Contains(token, "=") {
			continue
		}
		part, err := unescape(token)
		if err != nil {
			return nil, err
		}
		tokens[i] = part
	}
	return tokens, nil
}

// Append stores a message with a body of up to 4 MiB, and returns its head when it is on
// disk. It is there once, whole, or not at all. note is printable ASCII of up to 1 KiB:
// what Follow tells without reading the body.
//
// While the server cannot be reached it goes on trying until ctx ends, but for no longer
// than a minute if it is not known whether the message was stored. An error wraps
// [ErrFull], [ErrTooLarge] or [ErrClosed] where they apply; after another one the message
// may or may not be there.
func (l *Log) Append(ctx context.Context, subject []string, note string, body []byte) (Head, error) {
	h, err := l.append(ctx, subject, note, body)
	if err != nil {
		return Head{}, fmt.Errorf("journal: log %s: append: %w", l.name, err)
	}
	return h, nil
}

func (l *Log) append(ctx context.Context, parts []string, note string, body []byte) (Head, error) {
	if len(body) > maxLogBody {
		return Head{}, fmt.Errorf("body of %d bytes: %w", len(body), ErrTooLarge)
	}
	if err := checkNote(note); err != nil {
		return Head{}, err
	}
	subject, err := l.subject(parts)
	if err != nil {
		return Head{}, err
	}
	ctx, cancel := l.j.during(ctx)
	defer cancel()
	messages := l.pack(subject, note, body)
	var unknownSince time.Time
	for attempt := 0; ; attempt++ {
		seq, err := l.offer(ctx, messages)
		if err == nil {
			return Head{Seq: seq, Pieces: len(messages), Subject: parts, Note: note}, nil
		}
		if !errors.Is(err, errRetry) {
			return Head{}, err
		}
		if !errors.Is(err, errNotSent) && unknownSince.IsZero() {
			unknownSince = time.Now()
		}
		if !unknownSince.IsZero() && time.Since(unknownSince) > appendPatience {
			return Head{}, err
		}
		if cause := pause(ctx, attempt); cause != nil {
			return Head{}, fmt.Errorf("%w (last: %w)", cause, err)
		}
	}
}

func checkNote(note string) error {
	if len(note) > maxNote {
		return fmt.Errorf("note of %d bytes: %w", len(note), ErrTooLarge)
	}
	for i := range len(note) {
		if note[i] < ' ' || note[i] > '~' {
			return fmt.Errorf("note %q is not printable ASCII", note)
		}
	}
	return nil
}

// pack makes the server's messages of one of ours.
func (l *Log) pack(subject, note string, body []byte) (messages []*nats.Msg) {
	data := l.j.coder.envelope(body)
	for {
		m := nats.NewMsg(subject)
		n := min(len(data), l.pieces)
		m.Data, data = data[:n:n], data[n:]
		messages = append(messages, m)
		if len(data) == 0 {
			m.Header.Set(headerNote, note)
			m.Header.Set(headerID, nuid.Next())
			return messages
		}
	}
}

// offer is one attempt at storing the messages.
func (l *Log) offer(ctx context.Context, messages []*nats.Msg) (uint64, error) {
	if e := l.j.embedded; e != nil {
		size := 0
		for _, m := range messages {
			size += len(m.Data)
		}
		ok, err := e.room(size)
		if err != nil {
			return 0, err
		}
		if !ok {
			return 0, fmt.Errorf("disk of %s: %w", l.j.cfg.Dir, ErrFull)
		}
	}
	seq, err := l.j.sendStep(ctx, messages)
	if !errors.Is(err, errDuplicate) {
		return seq, err
	}
	// An earlier attempt was stored. The answer to a message of the same id says where;
	// that to a batch does not.
	last := messages[len(messages)-1]
	m := nats.NewMsg(last.Subject)
	m.Header.Set(headerID, last.Header.Get(headerID))
	return l.j.sendStep(ctx, []*nats.Msg{m})
}

// Read returns the head of a message and its body, which it writes over the memory of
// buf. The error wraps [ErrNotFound] if there is no such message, and [ErrDamaged] if it
// cannot be read. While the server cannot be reached it tries again for some seconds.
func (l *Log) Read(ctx context.Context, seq uint64, buf []byte) (h Head, body []byte, err error) {
	giveUp := time.Now().Add(answerTimeout)
	for attempt := 0; ; attempt++ {
		h, body, err = l.read(ctx, seq, buf)
		if err == nil {
			return h, body, nil
		}
		if errors.Is(err, ErrNotFound) || errors.Is(err, ErrDamaged) || errors.Is(err, ErrClosed) ||
			time.Now().After(giveUp) || pause(ctx, attempt) != nil {
			return Head{}, nil, fmt.Errorf("journal: log %s: read %d: %w", l.name, seq, err)
		}
	}
}

func (l *Log) read(ctx context.Context, seq uint64, buf []byte) (Head, []byte, error) {
	m, err := l.get(ctx, seq)
	if err != nil {
		return Head{}, nil, err
	}
	h, ok := l.head(m.Subject, m.Header, m.Sequence, m.Time)
	if !ok {
		return Head{}, nil, fmt.Errorf("not a whole message: %w", ErrNotFound)
	}
	data := m.Data
	if h.Pieces > 1 {
		var all []byte
		for s := seq - uint64(h.Pieces) + 1; s < seq; s++ {
			piece, err := l.get(ctx, s)
			if errors.Is(err, ErrNotFound) {
				return Head{}, nil, fmt.Errorf("piece %d: %w: %w", s, err, ErrDamaged)
			}
			if err != nil {
				return Head{}, nil, err
			}
			all = append(all, piece.Data...)
		}
		data = append(all, data...)
	}
	body, err := openEnvelope(l.zstd, buf[:0], data, maxLogBody)
	return h, body, err
}

// get returns a message of the server.
func (l *Log) get(ctx context.Context, seq uint64) (*jetstream.RawStreamMsg, error) {
	if l.j.life.Err() != nil {
		return nil, ErrClosed
	}
	ctx, cancel := l.j.ask(ctx)
	defer cancel()
	m, err := l.stream.GetMsg(ctx, seq)
	if !errors.Is(err, jetstream.ErrMsgNotFound) {
		return m, err
	}
	// Who answered may be a replica that is behind. The leader knows.
	var leader struct {
		Message *struct {
			Subject string    `json:"subject"`
			Header  []byte    `json:"hdrs"`
			Data    []byte    `json:"data"`
			Time    time.Time `json:"time"`
		} `json:"message"`
	}
	err = l.j.api(ctx, "STREAM.MSG.GET."+logStream+l.name, map[string]uint64{"seq": seq}, &leader)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound), err == nil && leader.Message == nil:
		return nil, ErrNotFound
	case err != nil:
		return nil, err
	}
	out := &jetstream.RawStreamMsg{Subject: leader.Message.Subject, Sequence: seq, Data: leader.Message.Data, Time: leader.Message.Time}
	if len(leader.Message.Header) > 0 {
		out.Header, err = nats.DecodeHeadersMsg(leader.Message.Header)
	}
	return out, err
}

// head returns the head of one of our messages; ok is false for a piece that is not the
// last.
func (l *Log) head(subject string, header nats.Header, seq uint64, at time.Time) (h Head, ok bool) {
	note := header[headerNote]
	if len(note) == 0 || !complete(header) {
		return h, false
	}
	parts, err := l.parts(subject)
	if err != nil {
		return h, false
	}
	h = Head{Seq: seq, Pieces: 1, Subject: parts, Note: note[0], Time: at}
	if _, n, ok := strings.Cut(header.Get(headerPart), "/"); ok {
		if h.Pieces, err = strconv.Atoi(n); err != nil || uint64(h.Pieces) > seq {
			return h, false
		}
	}
	return h, true
}

// Follow calls fn with the head of each message from sequence from on, in order, and of
// new ones as they come, whoever appends them, until ctx ends or fn returns an error,
// which is returned as it is. complete is called once, when those that were there at the
// beginning have been told. Follow survives restarts of the server.
func (l *Log) Follow(ctx context.Context, from uint64, complete func(), fn func(Head) error) error {
	cfg := jetstream.ConsumerConfig{HeadersOnly: true,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(1, from)}
	told := false
	check := func(pending uint64) error {
		if pending == 0 && !told {
			told = true
			complete()
		}
		return nil
	}
	var own error
	err := l.j.follow(ctx, logStream+l.name, cfg, nil, check, func(m jetstream.Msg, at *jetstream.MsgMetadata) error {
		if h, ok := l.head(m.Subject(), m.Headers(), at.Sequence.Stream, at.Timestamp); ok {
			if own = fn(h); own != nil {
				return own
			}
		}
		return check(at.NumPending)
	})
	if own != nil {
		return own
	}
	return fmt.Errorf("journal: log %s: follow: %w", l.name, err)
}

// Purge removes the messages of a subject whose sequences are below before; 0 removes
// all.
func (l *Log) Purge(ctx context.Context, before uint64, subject ...string) error {
	filter, err := l.subject(subject)
	if err == nil {
		err = l.purge(ctx, filter, before)
	}
	return l.removed("purge", err)
}

// PurgeBelow removes the messages of all subjects that begin with these parts and have
// more.
func (l *Log) PurgeBelow(ctx context.Context, subject ...string) error {
	filter, err := l.subject(subject)
	if err == nil {
		err = l.purge(ctx, filter+".>", 0)
	}
	return l.removed("purge", err)
}

func (l *Log) purge(ctx context.Context, filter string, before uint64) error {
	opts := []jetstream.StreamPurgeOpt{jetstream.WithPurgeSubject(filter)}
	if before > 0 {
		opts = append(opts, jetstream.WithPurgeSequence(before))
	}
	return l.ask(ctx, func(ctx context.Context) error { return l.stream.Purge(ctx, opts...) })
}

// Delete removes a message of so many pieces. One that is gone stays so.
func (l *Log) Delete(ctx context.Context, seq uint64, pieces int) error {
	for s := seq - uint64(pieces) + 1; s <= seq; s++ {
		request := map[string]any{"seq": s, "no_erase": true}
		err := l.ask(ctx, func(ctx context.Context) error {
			err := l.j.api(ctx, "STREAM.MSG.DELETE."+logStream+l.name, request, nil)
			if err == nil {
				return nil
			}
			// The server has several errors for what is not there.
			if _, gone := l.get(ctx, s); errors.Is(gone, ErrNotFound) {
				return nil
			}
			return err
		})
		if err != nil {
			return l.removed("delete", err)
		}
	}
	return nil
}

// Bytes returns how much the messages take on disk.
func (l *Log) Bytes(ctx context.Context) (n uint64, err error) {
	err = l.ask(ctx, func(ctx context.Context) error {
		info, err := l.stream.Info(ctx)
		if err == nil {
			n = info.State.Bytes
		}
		return err
	})
	return n, l.removed("bytes", err)
}

// ask asks the server something that may be asked again; while it cannot be reached, for
// answerTimeout.
func (l *Log) ask(ctx context.Context, question func(context.Context) error) error {
	giveUp := time.Now().Add(answerTimeout)
	for attempt := 0; ; attempt++ {
		if l.j.life.Err() != nil {
			return ErrClosed
		}
		asking, cancel := l.j.ask(ctx)
		err := question(asking)
		cancel()
		var api *jetstream.APIError
		if err == nil || errors.As(err, &api) && api.Code < 500 || time.Now().After(giveUp) || pause(ctx, attempt) != nil {
			return err
		}
	}
}

func (l *Log) removed(what string, err error) error {
	if err != nil {
		return fmt.Errorf("journal: log %s: %s: %w", l.name, what, err)
	}
	return nil
}
