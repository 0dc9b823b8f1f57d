package delivery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"unsafe"

	"weir/internal/cloudwatch"
	"weir/internal/flowlog"
	"weir/record"
)

// A LogService is CloudWatch Logs, Amazon's or another, as far as delivery needs it. Its
// methods may be called from several goroutines. What the service answers instead of what
// was asked for is a [*cloudwatch.Error].
type LogService interface {
	// PutLogEvents adds events to a stream and returns when those that are not in the
	// answer as rejected are durable.
	PutLogEvents(context.Context, *cloudwatch.PutLogEvents) (*cloudwatch.PutLogEventsAnswer, error)
	CreateLogGroup(context.Context, *cloudwatch.CreateLogGroup) error
	CreateLogStream(context.Context, *cloudwatch.CreateLogStream) error
}

// LogServices have log groups by name; the first that matches has it.
type LogServices []LogGroups

// LogGroups are the groups of one service.
type LogGroups struct {
	Match   func(group string) bool
	Service LogService
}

func (s LogServices) of(group string) (LogService, error) {
	for _, g := range s {
		if g.Match(group) {
			return g.Service, nil
		}
	}
	return nil, failing(UnknownError, fmt.Sprintf("no entry under destinations names the log group %s", group))
}

// events is the [Sink] of CloudWatch Logs: an event for each record, in a stream for each
// interface.
type events struct {
	services LogServices
	logs     func(context.Context) ([]flowlog.FlowLog, error)
}

// NewEvents returns a sink of events in log groups. logs returns all flow logs: those that
// share a group share streams.
func NewEvents(services LogServices, logs func(context.Context) ([]flowlog.FlowLog, error)) Sink {
	return events{services, logs}
}

// Place is the group.
func (e events) Place(f *flowlog.FlowLog) (string, error) {
	group, err := f.GroupName()
	return "logs://" + group, err
}

// Make implements [Sink].
func (e events) Make(f *flowlog.FlowLog, _, _ uint64) (Maker, error) {
	format, err := f.RecordFormat()
	if err != nil {
		return nil, err
	}
	group, err := f.GroupName()
	if err != nil {
		return nil, err
	}
	service, err := e.services.of(group)
	if err != nil {
		return nil, err
	}
	return &batches{
		sink: e, log: f, group: group, service: service, format: format,
		interfaces: make(map[string]*stream), limits: putLimits,
	}, nil
}

// limits bound a batch of events.
type limits struct {
	events int
	bytes  int   // with cloudwatch.EventOverhead for each
	span   int64 // milliseconds between the first and the last
}

var putLimits = limits{cloudwatch.MaxBatchEvents, cloudwatch.MaxBatchBytes, cloudwatch.MaxBatchSpan}

// maxHeld is about how many bytes of lines are held at once.
const maxHeld = 32 << 20

// batches makes batches of events of one flow log. Its items are the records, sorted by
// interface, then by time, then by their order in the journal: none of it depends on the
// text of a record, which other address ranges may change.
type batches struct {
	sink    events
	log     *flowlog.FlowLog
	group   string
	service LogService
	format  record.Format
	limits  limits

	interfaces map[string]*stream
	held       int
	sorted     []*stream
}

// A stream has the lines of one interface.
type stream struct {
	on    flowlog.Resources
	text  []byte
	lines []line
	first int // the item that the first line is
}

// A line is an event: it begins in the stream's text where the one that came before it
// ended.
type line struct {
	time       int64 // milliseconds since 1970
	begin, end int
}

// Write implements [Maker].
func (b *batches) Write(r *record.Record, on flowlog.Resources) error {
	s := b.interfaces[on.Interface]
	if s == nil {
		s = &stream{on: on}
		b.interfaces[on.Interface] = s
	}
	start, ok := r.Int(record.Start)
	if !ok {
		return errors.New("a record has no start")
	}
	begin := len(s.text)
	s.text = b.format.Append(s.text, r)
	s.lines = append(s.lines, line{start * 1000, begin, len(s.text)})
	b.held += len(s.text) - begin + int(unsafe.Sizeof(line{}))
	return nil
}

// Full implements [Maker].
func (b *batches) Full() bool { return b.held >= maxHeld }

// Close implements [Maker].
func (b *batches) Close() (items int, err error) {
	for _, id := range slices.Sorted(maps.Keys(b.interfaces)) {
		s := b.interfaces[id]
		slices.SortFunc(s.lines, func(x, y line) int { return cmp.Or(cmp.Compare(x.time, y.time), cmp.Compare(x.begin, y.begin)) })
		s.first = items
		items += len(s.lines)
		b.sorted = append(b.sorted, s)
	}
	return items, nil
}

// Parcels implements [Maker].
func (b *batches) Parcels(ctx context.Context, items Spans) ([]Parcel, error) {
	all, err := b.sink.logs(ctx)
	if err != nil {
		return nil, err
	}
	var parcels []Parcel
	for _, s := range b.sorted {
		mine := within(items, s.first, s.first+len(s.lines))
		if len(mine) == 0 {
			continue
		}
		name := b.log.LogStream(s.on, all)
		b.limits.cut(s, mine, func(batch Spans, bytes int) {
			parcels = append(parcels, b.parcel(s, name, batch, bytes))
		})
	}
	return parcels, nil
}

// within returns the items from from on up to to, without it.
func within(items Spans, from, to int) Spans {
	var out Spans
	for _, r := range items {
		out = out.add(Span{max(r.From, from), min(r.To, to)})
	}
	return out
}

// cut calls fn for each batch of a stream's items, with its bytes as they are counted.
func (l limits) cut(s *stream, items Spans, fn func(batch Spans, bytes int)) {
	var batch Spans
	var begin int64
	events, bytes := 0, 0
	items.Each(func(i int) {
		line := &s.lines[i-s.first]
		size := line.end - line.begin + cloudwatch.EventOverhead
		if events > 0 && (events == l.events || bytes+size > l.bytes || line.time-begin > l.span) {
			fn(batch, bytes)
			batch, events, bytes = nil, 0, 0
		}
		if events == 0 {
			begin = line.time
		}
		batch = batch.add(Span{i, i + 1})
		events++
		bytes += size
	})
	if events > 0 {
		fn(batch, bytes)
	}
}

func (b *batches) parcel(s *stream, name string, items Spans, bytes int) Parcel {
	n := items.Len()
	p := Parcel{
		Name:  fmt.Sprintf("put %d events to %s:%s", n, b.group, name),
		Items: items, Records: int64(n), Bytes: int64(bytes - n*cloudwatch.EventOverhead),
	}
	if bytes > b.limits.bytes {
		p.Send = func(context.Context) (Answer, error) {
			return Answer{Lost: int64(n), LostWhy: fmt.Sprintf("a record of %d bytes is larger than an event may be", p.Bytes)}, nil
		}
		return p
	}
	p.Send = func(ctx context.Context) (Answer, error) {
		in := &cloudwatch.PutLogEvents{LogGroupName: b.group, LogStreamName: name, LogEvents: make([]cloudwatch.Event, 0, n)}
		items.Each(func(i int) {
			l := &s.lines[i-s.first]
			// The text is not changed any more.
			in.LogEvents = append(in.LogEvents, cloudwatch.Event{Timestamp: l.time, Message: unsafe.String(&s.text[l.begin], l.end-l.begin)})
		})
		answer, err := b.put(ctx, in)
		if err != nil {
			return Answer{}, err
		}
		return b.read(items, answer.RejectedLogEventsInfo), nil
	}
	return p
}

// put puts events into their stream, which is made if it is not there, and the group too.
func (b *batches) put(ctx context.Context, in *cloudwatch.PutLogEvents) (*cloudwatch.PutLogEventsAnswer, error) {
	answer, err := b.service.PutLogEvents(ctx, in)
	if missing(err) {
		if err := b.create(ctx, in.LogStreamName); err != nil {
			return nil, logFailure(ctx, err)
		}
		answer, err = b.service.PutLogEvents(ctx, in)
	}
	if e := (*cloudwatch.Error)(nil); errors.As(err, &e) && e.Code == "DataAlreadyAcceptedException" {
		return new(cloudwatch.PutLogEventsAnswer), nil // what it says since tokens have no meaning, if at all
	}
	if err != nil {
		return nil, logFailure(ctx, err)
	}
	return answer, nil
}

// create makes the stream. That another process was faster is as good.
func (b *batches) create(ctx context.Context, name string) error {
	stream := &cloudwatch.CreateLogStream{LogGroupName: b.group, LogStreamName: name}
	err := b.service.CreateLogStream(ctx, stream)
	if missing(err) {
		err = b.service.CreateLogGroup(ctx, &cloudwatch.CreateLogGroup{LogGroupName: b.group})
		if err == nil || errors.Is(err, cloudwatch.GroupExists) {
			err = b.service.CreateLogStream(ctx, stream)
		}
	}
	if errors.Is(err, cloudwatch.StreamExists) {
		return nil
	}
	return err
}

func missing(err error) bool { return errors.Is(err, cloudwatch.NoSuchStream) }

// read says what became of the items of a batch of which some were rejected: those at its
// beginning are too old, and those at its end too new yet.
func (b *batches) read(items Spans, r *cloudwatch.Rejected) Answer {
	if r == nil {
		return Answer{}
	}
	n := items.Len()
	index := func(p *int, without int) int {
		if p == nil {
			return without
		}
		return min(max(*p, 0), n)
	}
	old := max(index(r.TooOldLogEventEndIndex, 0), index(r.ExpiredLogEventEndIndex, 0))
	late := max(index(r.TooNewLogEventStartIndex, n), old)
	var a Answer
	if old > 0 {
		a.Lost = int64(old)
		a.LostWhy = fmt.Sprintf("log group %s takes no events that are older than 14 days or than it keeps events", b.group)
	}
	at := 0
	items.Each(func(i int) {
		if at >= late {
			a.Left = a.Left.add(Span{i, i + 1})
		}
		at++
	})
	if len(a.Left) > 0 {
		a.Ahead = true
		a.Why = failing(UnknownError, fmt.Sprintf("log group %s takes no events that are more than 2 hours ahead of its clock: is that of the host that captured them right?", b.group))
	}
	return a
}

// logFailure returns ctx's error if it has ended, or else a [*Failure].
func logFailure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if f := (*Failure)(nil); errors.As(err, &f) {
		return f
	}
	f := &Failure{Kind: UnknownError, Message: err.Error(), Err: err}
	if e := (*cloudwatch.Error)(nil); errors.As(err, &e) {
		f.Code, f.Message, f.status = e.Code, e.Message, e.HTTPStatus()
		f.judge()
	}
	return f
}

// judge makes kind and permanence of code and status.
func (f *Failure) judge() {
	kind, known := jsonKinds[f.Code]
	switch {
	case known:
		f.Kind = kind
	case f.status == http.StatusTooManyRequests:
		f.Kind = RateLimited
	case f.status == http.StatusUnauthorized || f.status == http.StatusForbidden:
		f.Kind = AccessError
	}
	f.Permanent = f.Kind == AccessError || f.Kind == UnknownError && f.status >= 300 && f.status < 500 && f.status != http.StatusRequestTimeout
}

// jsonKinds are codes of CloudWatch Logs and Firehose whose kind the HTTP status does not
// tell ("Common errors" and the actions in their API References, read 2026-11-24).
var jsonKinds = map[string]Kind{
	"AccessDeniedException":               AccessError,
	"ExpiredTokenException":               AccessError,
	"IncompleteSignature":                 AccessError,
	"InvalidClientTokenId":                AccessError,
	"InvalidSignatureException":           AccessError,
	"MissingAuthenticationTokenException": AccessError,
	"MissingAuthenticationToken":          AccessError,
	"NotAuthorized":                       AccessError,
	"OptInRequired":                       AccessError,
	"ResourceNotFoundException":           AccessError,
	"SignatureDoesNotMatch":               AccessError,
	"UnrecognizedClientException":         AccessError,
	"InvalidKMSResourceException":         AccessError,
	"LimitExceededException":              RateLimited,
	"RequestLimitExceeded":                RateLimited,
	"Throttling":                          RateLimited,
	"ThrottlingException":                 RateLimited,
	"TooManyRequestsException":            RateLimited,
}

// failing returns a failure that no service answered with.
func failing(kind Kind, message string) *Failure {
	return &Failure{Kind: kind, Message: message, Err: errors.New(message)}
}
