package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream/eventstreamapi"

	"weir/internal/cloudwatch"
	"weir/internal/logs"
	"weir/internal/logs/pattern"
)

// Bounds of live tails.
const (
	maxTails   = 15
	tailTime   = 3 * time.Hour
	tailEvery  = time.Second
	tailEvents = 500              // of one message
	tailWrite  = 30 * time.Second // until a client that does not read is given up
)

// A tail is a StartLiveTail on its way.
type tail struct {
	*Service
	in     *cloudwatch.StartLiveTail
	groups []string
	match  *pattern.Pattern // nil chooses all

	mu      sync.Mutex
	waiting []cloudwatch.LiveTailEvent // at most tailEvents
	sampled bool                       // there were more
}

// Tail answers a StartLiveTail until its client does not listen any more, or [Service.Close].
// Events are sent once in a second. If it fails, nothing was written.
func (s *Service) Tail(w http.ResponseWriter, r *http.Request, id string, body []byte) error {
	t, err := s.readTail(r.Context(), body)
	if err != nil {
		return err
	}
	select {
	case s.tails <- struct{}{}:
		defer func() { <-s.tails }()
	default:
		return cloudwatch.TooManyTails
	}
	ctx, cancel := context.WithTimeout(r.Context(), tailTime)
	defer cancel()
	defer context.AfterFunc(s.over, cancel)()
	if s.over.Err() != nil {
		return cloudwatch.Unavailable
	}

	failed := make(chan error, len(t.groups))
	var following sync.WaitGroup
	defer following.Wait()
	defer cancel()
	for _, group := range t.groups {
		following.Go(func() { failed <- t.follow(ctx, group) })
	}
	out := &messages{w: w, control: http.NewResponseController(w)}
	out.begin(id)
	if out.event("sessionStart", t.start(id)) != nil {
		return nil
	}
	t.send(ctx, out, failed)
	return nil
}

// readTail reads a request, and checks what it is about.
func (s *Service) readTail(ctx context.Context, body []byte) (*tail, error) {
	in := new(cloudwatch.StartLiveTail)
	if err := cloudwatch.Decode(body, in); err != nil {
		return nil, err
	}
	t := &tail{Service: s, in: in}
	var err error
	if t.match, err = readPattern(in.LogEventFilterPattern); err != nil {
		return nil, err
	}
	if len(in.LogStreamNames)+len(in.LogStreamNamePrefixes) > 0 && len(in.LogGroupIdentifiers) != 1 {
		return nil, cloudwatch.StreamsOfMany
	}
	if len(in.LogStreamNames) > 0 && len(in.LogStreamNamePrefixes) > 0 {
		return nil, cloudwatch.NamesAndPrefixes
	}
	for _, id := range in.LogGroupIdentifiers {
		group, err := s.identified(id)
		if err != nil {
			return nil, err
		}
		g, err := s.cfg.Store.Group(ctx, group)
		if err != nil {
			return nil, err
		}
		if g.Class != "" && g.Class != "STANDARD" {
			return nil, cloudwatch.ClassOfGroup
		}
		if !slices.Contains(t.groups, group) {
			t.groups = append(t.groups, group)
		}
	}
	return t, nil
}

func (t *tail) start(id string) *cloudwatch.LiveTailStart {
	return &cloudwatch.LiveTailStart{
		RequestID: id, SessionID: id, LogGroupIdentifiers: t.in.LogGroupIdentifiers,
		LogStreamNames: t.in.LogStreamNames, LogStreamNamePrefixes: t.in.LogStreamNamePrefixes,
		LogEventFilterPattern: t.in.LogEventFilterPattern,
	}
}

// follow collects a group's events until ctx ends.
func (t *tail) follow(ctx context.Context, group string) error {
	prefix, identifier := "", t.cfg.Account+":"+group
	if len(t.in.LogStreamNamePrefixes) == 1 {
		prefix = t.in.LogStreamNamePrefixes[0]
	}
	return t.cfg.Store.Follow(ctx, group, t.in.LogStreamNames, prefix, func(events []logs.Event) error {
		t.mu.Lock()
		defer t.mu.Unlock()
		for i := range events {
			e := &events[i]
			if t.match != nil && !t.match.Match(e.Message) || !t.wants(e.Stream) {
				continue
			}
			if len(t.waiting) == tailEvents {
				t.sampled = true
				break
			}
			t.waiting = append(t.waiting, cloudwatch.LiveTailEvent{
				LogStreamName: e.Stream, LogGroupIdentifier: identifier,
				Message: e.Message, Timestamp: e.Time, IngestionTime: e.Ingested,
			})
		}
		return nil
	})
}

// wants says whether one of several prefixes is a stream's.
func (t *tail) wants(stream string) bool {
	prefixes := t.in.LogStreamNamePrefixes
	return len(prefixes) == 0 || slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(stream, p) })
}

// take returns what waits.
func (t *tail) take() *cloudwatch.LiveTailUpdate {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := &cloudwatch.LiveTailUpdate{SessionResults: t.waiting}
	if u.SessionResults == nil {
		u.SessionResults = []cloudwatch.LiveTailEvent{}
	}
	u.SessionMetadata.Sampled = t.sampled
	t.waiting, t.sampled = nil, false
	return u
}

// send sends what is collected until the session ends or somebody fails.
func (t *tail) send(ctx context.Context, out *messages, failed <-chan error) {
	tick := time.NewTicker(tailEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if out.event("sessionUpdate", t.take()) != nil {
				return
			}
		case err := <-failed:
			if ctx.Err() != nil {
				continue
			}
			t.cfg.Logger.Warn("live tail ends", "err", err)
			_ = out.exception("SessionStreamingException", whyEnded(err))
			return
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				_ = out.exception("SessionTimeoutException", "The session is over: it lasted three hours.")
			}
			return
		}
	}
}

// whyEnded is what a client is told of an error.
func whyEnded(err error) string {
	if e := (*cloudwatch.Error)(nil); errors.As(err, &e) {
		return e.Message
	}
	return cloudwatch.InternalError.Message
}

// messages writes an event stream, "Amazon Event Stream Specification" of Smithy, read
// 2026-11-24. Each message is on its way when the method returns.
type messages struct {
	w       http.ResponseWriter
	control *http.ResponseController
	encoder *eventstream.Encoder
}

// begin writes the head of the answer, and the message that clients of JSON wait for.
func (m *messages) begin(id string) {
	m.encoder = eventstream.NewEncoder()
	h := m.w.Header()
	h.Set("Content-Type", "application/vnd.amazon.eventstream")
	h.Set("X-Amzn-Requestid", id)
	h.Set("Cache-Control", "no-cache, no-store")
	m.w.WriteHeader(http.StatusOK)
	_ = m.event("initial-response", struct{}{}) // the next fails as well
}

func (m *messages) event(name string, payload any) error {
	return m.write(eventstreamapi.EventMessageType, eventstreamapi.EventTypeHeader, name, payload)
}

func (m *messages) exception(name, message string) error {
	return m.write(eventstreamapi.ExceptionMessageType, eventstreamapi.ExceptionTypeHeader, name, map[string]string{"message": message})
}

func (m *messages) write(kind, nameHeader, name string, payload any) error {
	var msg eventstream.Message
	msg.Headers.Set(eventstreamapi.MessageTypeHeader, eventstream.StringValue(kind))
	msg.Headers.Set(nameHeader, eventstream.StringValue(name))
	msg.Headers.Set(eventstreamapi.ContentTypeHeader, eventstream.StringValue(cloudwatch.ContentType))
	var err error
	if msg.Payload, err = json.Marshal(payload); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := m.encoder.Encode(&b, msg); err != nil {
		return err
	}
	_ = m.control.SetWriteDeadline(time.Now().Add(tailWrite)) // not every server can
	if _, err := m.w.Write(b.Bytes()); err != nil {
		return err
	}
	return m.control.Flush()
}
