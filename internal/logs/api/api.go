package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"time"

	"weir/internal/cloudwatch"
	"weir/internal/logs"
)

// A Store keeps groups, streams, events and metric filters, as *logs.Store does. Errors
// that clients are to be told are [*cloudwatch.Error].
type Store interface {
	CreateGroup(ctx context.Context, name, class string, tags map[string]string) error
	DeleteGroup(ctx context.Context, name string) error
	Group(ctx context.Context, name string) (logs.Group, error)
	Groups(ctx context.Context) ([]logs.Group, error) // in the order of names
	SetRetention(ctx context.Context, name string, days int) error
	Tag(ctx context.Context, name string, set map[string]string, remove []string) error

	CreateStream(ctx context.Context, group, stream string) error
	DeleteStream(ctx context.Context, group, stream string) error
	Streams(ctx context.Context, group string) ([]logs.Stream, error)

	Put(ctx context.Context, group, stream string, events []cloudwatch.Event) (logs.Rejected, error)
	Read(ctx context.Context, q logs.Query) iter.Seq2[logs.Event, error]
	Follow(ctx context.Context, group string, streams []string, prefix string, fn func([]logs.Event) error) error

	PutFilter(ctx context.Context, f logs.MetricFilter) error
	Filters(ctx context.Context, group string) ([]logs.MetricFilter, error) // of all groups if it is empty
	DeleteFilter(ctx context.Context, group, name string) error
}

// Config configures [New]. Account, Region and Store are required; any other zero value
// selects the default given in its comment.
type Config struct {
	Account string // 12 digits
	Region  string // such as "eu-central-1"
	Store   Store

	// Fields returns what queries call the fields of a group's records, by their places.
	// Default: none, so that only those of the default format are known.
	Fields func(group string) []string

	Metrics *Metrics         // what deleted filters have counted is dropped there; default none
	Logger  *slog.Logger     // default discards
	Now     func() time.Time // default time.Now
}

// A Service answers calls. Its methods may be called from any goroutine.
type Service struct {
	cfg     Config
	metrics *Metrics
	actions map[string]action

	// over ends what lasts longer than a call: live tails and queries.
	over  context.Context
	end   context.CancelFunc
	lasts sync.WaitGroup
	tails chan struct{} // one for each live tail

	searches chan struct{} // one for each FilterLogEvents that reads
	patience time.Duration // for how long another waits for its turn

	asking queries
}

// New returns a service. It fails only when cfg is wrong.
func New(cfg Config) (*Service, error) {
	if cfg.Account == "" || cfg.Region == "" || cfg.Store == nil {
		return nil, errors.New("logs: Account, Region and Store are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Logger = cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	metrics := cfg.Metrics
	if metrics == nil {
		metrics = NewMetrics()
	}
	s := &Service{cfg: cfg, metrics: metrics, actions: actions(), tails: make(chan struct{}, maxTails),
		searches: make(chan struct{}, maxSearches), patience: searchPatience}
	s.over, s.end = context.WithCancel(context.Background())
	return s, nil
}

// Close ends live tails and queries, and waits for them. It is safe to repeat.
func (s *Service) Close() {
	s.end()
	s.lasts.Wait()
}

// An action is a call.
type action struct {
	changes bool // more than a question
	run     func(s *Service, ctx context.Context, body []byte) (any, error)
}

// Changes says whether an action is more than a question.
func (s *Service) Changes(name string) bool { return s.actions[name].changes }

// Do does what a request asks and returns the answer, in JSON. The error is a
// [*cloudwatch.Error], any other is ours.
func (s *Service) Do(ctx context.Context, name string, body []byte) ([]byte, error) {
	act, ok := s.actions[name]
	if !ok {
		return nil, cloudwatch.UnknownOperation
	}
	answer, err := act.run(s, ctx, body)
	if err != nil || answer == nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(answer); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// actions returns the table of all calls but StartLiveTail.
func actions() map[string]action {
	return map[string]action{
		"CreateLogGroup":    change((*Service).createLogGroup),
		"DeleteLogGroup":    change((*Service).deleteLogGroup),
		"DescribeLogGroups": read((*Service).describeLogGroups),

		"PutRetentionPolicy":    change((*Service).putRetentionPolicy),
		"DeleteRetentionPolicy": change((*Service).deleteRetentionPolicy),

		"TagResource":         change((*Service).tagResource),
		"UntagResource":       change((*Service).untagResource),
		"ListTagsForResource": read((*Service).listTagsForResource),
		"TagLogGroup":         change((*Service).tagLogGroup),
		"UntagLogGroup":       change((*Service).untagLogGroup),
		"ListTagsLogGroup":    read((*Service).listTagsLogGroup),

		"CreateLogStream":    change((*Service).createLogStream),
		"DeleteLogStream":    change((*Service).deleteLogStream),
		"DescribeLogStreams": read((*Service).describeLogStreams),

		"PutLogEvents":    change((*Service).putLogEvents),
		"GetLogEvents":    read((*Service).getLogEvents),
		"FilterLogEvents": read((*Service).filterLogEvents),

		"StartQuery":      read((*Service).startQuery),
		"GetQueryResults": read((*Service).getQueryResults),
		"StopQuery":       read((*Service).stopQuery),
		"DescribeQueries": read((*Service).describeQueries),
		"GetLogRecord":    read((*Service).getLogRecord),

		"PutMetricFilter":       change((*Service).putMetricFilter),
		"DescribeMetricFilters": read((*Service).describeMetricFilters),
		"DeleteMetricFilter":    change((*Service).deleteMetricFilter),
		"TestMetricFilter":      read((*Service).testMetricFilter),

		"DescribeResourcePolicies":    none("resourcePolicies"),
		"DescribeSubscriptionFilters": read((*Service).describeSubscriptionFilters),
		"DescribeDestinations":        none("destinations"),
		"DescribeExportTasks":         none("exportTasks"),
		"DescribeQueryDefinitions":    none("queryDefinitions"),
		"DescribeAccountPolicies":     none("accountPolicies"),
	}
}

// read makes an action of a method that changes nothing. A nil answer has no body.
func read[In, Out any](handle func(*Service, context.Context, *In) (*Out, error)) action {
	return action{run: func(s *Service, ctx context.Context, body []byte) (any, error) {
		in := new(In)
		if err := cloudwatch.Decode(body, in); err != nil {
			return nil, err
		}
		out, err := handle(s, ctx, in)
		if err != nil || out == nil {
			return nil, err
		}
		return out, nil
	}}
}

// change makes an action of a method that changes something.
func change[In, Out any](handle func(*Service, context.Context, *In) (*Out, error)) action {
	act := read(handle)
	act.changes = true
	return act
}

// nothing is the answer of calls that have none.
type nothing struct{}

// none makes an action that lists what nobody can make here.
func none(list string) action {
	return read(func(*Service, context.Context, *struct{}) (*map[string][]struct{}, error) {
		return &map[string][]struct{}{list: {}}, nil
	})
}
