package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A Journal is an open journal. Its methods are safe for concurrent use.
type Journal struct {
	cfg      Config
	embedded *embedded // nil if the server is external
	conn     *nats.Conn
	js       jetstream.JetStream
	windows  jetstream.Stream
	hosts    *KV
	leases   *KV
	coder    *coder

	bodySize    int // aim of a message's body
	maxMessages int // of one step, as long as the server takes so many

	// life ends with Close; work counts the goroutines that heed it.
	life    context.Context
	end     context.CancelFunc
	work    sync.WaitGroup
	closing sync.Once
	closed  error

	// sending is held for reading while a batch is on its way.
	sending sync.RWMutex

	mu    sync.Mutex
	state map[string]*hostState // by host

	counts counts
}

// Open opens the journal, creating what is missing. An error wraps [ErrInUse]
// if another process has the directory open.
func Open(ctx context.Context, cfg Config) (*Journal, error) {
	j, err := open(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("journal: open: %w", err)
	}
	return j, nil
}

func open(ctx context.Context, cfg Config) (_ *Journal, err error) {
	if cfg, err = cfg.check(); err != nil {
		return nil, err
	}
	j := &Journal{cfg: cfg, maxMessages: maxMessages, state: map[string]*hostState{}}
	j.life, j.end = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			_ = j.Close() // the first error says more
		}
	}()
	if j.coder, err = newCoder(); err != nil {
		return nil, err
	}
	if cfg.Dir != "" {
		if j.embedded, err = openEmbedded(cfg.Dir, cfg.Logger); err != nil {
			return nil, err
		}
	}
	if err := j.connect(); err != nil {
		return nil, err
	}
	// A message has headers too, and the server's limit counts them.
	const headers = 4 << 10
	j.bodySize = int(min(bodySize, j.conn.MaxPayload()-headers))
	if j.bodySize < headers {
		return nil, fmt.Errorf("server takes messages of %d bytes only", j.conn.MaxPayload())
	}
	if err := j.createStream(ctx); err != nil {
		return nil, err
	}
	if j.windows, err = j.js.Stream(ctx, windowsStream); err != nil {
		return nil, err
	}
	if j.hosts, err = j.bucket(ctx, hostsBucket); err != nil {
		return nil, err
	}
	if j.leases, err = j.bucket(ctx, leaseBucket); err != nil {
		return nil, err
	}
	if j.embedded != nil {
		if err := j.repair(ctx); err != nil {
			return nil, err
		}
		j.start(func() { j.embedded.keep(j.life, j.restart) })
	}
	return j, nil
}

func (j *Journal) connect() (err error) {
	log := j.cfg.Logger
	opts := []nats.Option{
		nats.Name("weir"),
		nats.MaxReconnects(-1),
		// What cannot be sent now must fail now: half a batch sent after a
		// reconnection is worth nothing.
		nats.ReconnectBufSize(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Debug("journal connection", "err", err)
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("journal server disconnected", "err", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { log.Info("journal server connected again") }),
	}
	if j.embedded != nil {
		opts = append(opts, nats.InProcessServer(j.embedded), nats.ReconnectWait(20*time.Millisecond))
	}
	if j.conn, err = nats.Connect(j.cfg.URL, opts...); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	j.js, err = jetstream.New(j.conn)
	return err
}

// streamConfig is what the client library knows of a stream's configuration,
// and what it does not.
type streamConfig struct {
	jetstream.StreamConfig
	AllowAtomicPublish bool `json:"allow_atomic,omitempty"`
}

// createStream creates the stream of windows, or gives it the limits asked for.
func (j *Journal) createStream(ctx context.Context) error {
	var info struct {
		Config streamConfig `json:"config"`
	}
	err := j.api(ctx, "STREAM.INFO."+windowsStream, nil, &info)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		cfg := streamConfig{AllowAtomicPublish: true, StreamConfig: jetstream.StreamConfig{
			Name:         windowsStream,
			Description:  "windows that wait for their delivery",
			Subjects:     []string{windowsPrefix + "*"},
			Discard:      jetstream.DiscardNew,
			Storage:      jetstream.FileStorage,
			Replicas:     max(1, j.cfg.Replicas),
			MaxBytes:     limit(j.cfg.MaxBytes),
			MaxMsgs:      -1,
			MaxMsgSize:   -1,
			MaxConsumers: -1,
		}}
		err = j.api(ctx, "STREAM.CREATE."+windowsStream, cfg, nil)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			return nil // somebody else was faster
		}
	case err == nil:
		cfg := info.Config
		if j.cfg.MaxBytes != 0 || j.embedded != nil {
			cfg.MaxBytes = limit(j.cfg.MaxBytes)
		}
		if j.cfg.Replicas != 0 {
			cfg.Replicas = j.cfg.Replicas
		}
		if cfg.MaxBytes == info.Config.MaxBytes && cfg.Replicas == info.Config.Replicas {
			return nil
		}
		err = j.api(ctx, "STREAM.UPDATE."+windowsStream, cfg, nil)
	}
	if err != nil {
		return fmt.Errorf("stream %s: %w", windowsStream, err)
	}
	return nil
}

func limit(maxBytes int64) int64 {
	if maxBytes == 0 {
		return -1
	}
	return maxBytes
}

// api calls the JetStream API where the client library lacks what we need.
func (j *Journal) api(ctx context.Context, call string, req, resp any) error {
	var body []byte
	if req != nil {
		var err error
		if body, err = json.Marshal(req); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	m, err := j.conn.RequestWithContext(ctx, "$JS.API."+call, body)
	if err != nil {
		return err
	}
	var failed struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &failed); err != nil {
		return err
	}
	if failed.Error != nil {
		return failed.Error
	}
	if resp == nil {
		return nil
	}
	return json.Unmarshal(m.Data, resp)
}

// repair removes the beginning of a batch whose rest is missing. The server
// completes such a batch itself when it starts; only a disk that forgot a
// synced file can leave one.
func (j *Journal) repair(ctx context.Context) error {
	info, err := j.info(ctx)
	if err != nil {
		return err
	}
	for seq := info.State.LastSeq; seq >= info.State.FirstSeq && seq > 0; seq-- {
		asking, cancel := j.ask(ctx)
		m, err := j.windows.GetMsg(asking, seq)
		cancel()
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // removed by an earlier repair
		}
		if err != nil {
			return fmt.Errorf("message %d: %w", seq, err)
		}
		if complete(m.Header) {
			return nil
		}
		j.cfg.Logger.Warn("journal removes a message of an incomplete batch", "seq", seq)
		if err := j.windows.DeleteMsg(ctx, seq); err != nil {
			return fmt.Errorf("message %d: %w", seq, err)
		}
	}
	return nil
}

// restart starts the embedded server again and repairs what it left. Nothing is
// sent meanwhile: a batch on its way would look like one without its rest.
func (j *Journal) restart(ctx context.Context) (err error) {
	j.sending.Lock()
	defer j.sending.Unlock()
	j.embedded.stop()
	if err := j.embedded.start(); err != nil {
		return err
	}
	for attempt := range 10 { // the connection may not be back yet
		if err = j.repair(ctx); err == nil || ctx.Err() != nil {
			return err
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
	j.embedded.fail() // try again from the beginning
	return err
}

// Close ends everything that runs, and closes the files. It is safe to repeat.
func (j *Journal) Close() error {
	j.closing.Do(func() {
		j.mu.Lock() // against start
		j.end()
		j.mu.Unlock()
		j.work.Wait()
		if j.conn != nil {
			j.conn.Close()
		}
		if j.coder != nil {
			_ = j.coder.zstd.Close() // nothing is being written
		}
		if j.embedded != nil {
			if err := j.embedded.close(); err != nil {
				j.closed = fmt.Errorf("journal: close: %w", err)
			}
		}
	})
	return j.closed
}

// start runs fn in the background, unless the journal is closed. fn heeds life.
func (j *Journal) start(fn func()) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.life.Err() != nil {
		return false
	}
	j.work.Go(fn)
	return true
}

// during returns a context that also ends with the journal.
func (j *Journal) during(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(j.life, func() { cancel(ErrClosed) })
	return ctx, func() { stop(); cancel(nil) }
}

// counts are the counters of Stats.
type counts struct{ batches, again, refused, raw, stored atomic.Uint64 }

// Stats says how a journal is doing. The counters are those of this process
// since Open.
type Stats struct {
	Messages, Bytes uint64 // waiting, and what they take on disk
	MaxBytes        uint64 // limit of Bytes; 0 is none
	First, Last     uint64 // sequences; First is Last + 1 if nothing waits

	Batches  uint64 // appended
	Again    uint64 // batches that had been appended before
	Refused  uint64 // batches that found the journal full
	RawBytes uint64 // of bodies appended, before compression
	OutBytes uint64 // of the same, after compression
}

// Stats asks the server for the state of the stream of windows.
func (j *Journal) Stats(ctx context.Context) (Stats, error) {
	info, err := j.info(ctx)
	if err != nil {
		return Stats{}, fmt.Errorf("journal: stats: %w", err)
	}
	s := Stats{
		Messages: info.State.Msgs, Bytes: info.State.Bytes, MaxBytes: uint64(max(0, info.Config.MaxBytes)),
		First: info.State.FirstSeq, Last: info.State.LastSeq,
		Batches: j.counts.batches.Load(), Again: j.counts.again.Load(), Refused: j.counts.refused.Load(),
		RawBytes: j.counts.raw.Load(), OutBytes: j.counts.stored.Load(),
	}
	return s, nil
}

func (j *Journal) info(ctx context.Context) (*jetstream.StreamInfo, error) {
	if j.life.Err() != nil {
		return nil, ErrClosed
	}
	ctx, cancel := j.ask(ctx)
	defer cancel()
	info, err := j.windows.Info(ctx)
	if err != nil {
		return nil, err
	}
	if info.State.Msgs == 0 {
		info.State.FirstSeq = info.State.LastSeq + 1
	}
	return info, nil
}

// First returns the sequence of the first message that is there, or the one
// the next message will get.
func (j *Journal) First(ctx context.Context) (uint64, error) {
	info, err := j.info(ctx)
	if err != nil {
		return 0, fmt.Errorf("journal: first: %w", err)
	}
	return info.State.FirstSeq, nil
}

// Last returns the sequence of the last message ever stored; 0 is none.
func (j *Journal) Last(ctx context.Context) (uint64, error) {
	info, err := j.info(ctx)
	if err != nil {
		return 0, fmt.Errorf("journal: last: %w", err)
	}
	return info.State.LastSeq, nil
}

// noEnd is a position behind everything that exists.
const noEnd uint64 = math.MaxUint64
