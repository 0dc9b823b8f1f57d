package awsapi

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"weir/internal/flowlog"
	"weir/internal/kv"
	"weir/internal/sigv4"
	"weir/internal/tag"
	"weir/internal/vpc"
)

// Config configures [New]. Account, Region, Keys, Logs, Model, Tags and Tokens are
// required; any other zero value selects the default given in its comment.
type Config struct {
	Account string // 12 digits
	Region  string // such as "eu-central-1"

	// Keys returns the secret of an access key. It may be called at any time,
	// from any goroutine, as may the other functions.
	Keys func(id string) (sigv4.Key, bool)

	Logs   *flowlog.Store
	Model  func() *vpc.Index // the network as it is now; never nil
	Tags   kv.Bucket         // tags that CreateTags put on resources other than flow logs
	Tokens kv.Bucket         // client tokens and signatures that were seen

	// Bucket says why nothing can be delivered to a bucket: nil, an [*ec2.Error]
	// whose text the answer has, or another error. Default: nil for every bucket.
	Bucket func(ctx context.Context, bucket string) error

	// CloudWatch answers requests signed for logs. Default: they are told that the
	// service is not available.
	CloudWatch LogsService

	// Stream says the same of a delivery stream, by its name. Default: nil for every
	// stream.
	Stream func(ctx context.Context, stream string) error

	Caller string           // ARN of who calls; default arn:aws:iam::<account>:root
	S3     http.Handler     // requests signed for s3, and all that are no Query requests; default refuses them
	Logger *slog.Logger     // default discards
	Now    func() time.Time // default time.Now
}

// An API is the service. It is an [http.Handler].
type API struct {
	cfg     Config
	actions map[string]action
	views   *views
	slots   chan struct{} // one for each request being worked on
	replays replays

	changes *kv.Copy[*tag.Change] // cfg.Tags

	// making is held while flow logs are made, so that two requests do not both
	// find that there is none yet. Another process may still come between.
	making sync.Mutex
}

// maxAtOnce is how many requests are worked on at the same time; more are told to
// come back.
const maxAtOnce = 64

// New returns the service. It fails only when cfg is wrong.
func New(cfg Config) (*API, error) {
	switch {
	case cfg.Account == "" || cfg.Region == "":
		return nil, errors.New("awsapi: Account and Region are required")
	case cfg.Keys == nil || cfg.Logs == nil || cfg.Model == nil || cfg.Tags == nil || cfg.Tokens == nil:
		return nil, errors.New("awsapi: Keys, Logs, Model, Tags and Tokens are required")
	}
	if cfg.Bucket == nil {
		cfg.Bucket = func(context.Context, string) error { return nil }
	}
	if cfg.Stream == nil {
		cfg.Stream = func(context.Context, string) error { return nil }
	}
	if cfg.S3 == nil {
		cfg.S3 = http.HandlerFunc(noS3)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Caller = cmp.Or(cfg.Caller, "arn:aws:iam::"+cfg.Account+":root")
	cfg.Logger = cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	s := new(views)
	return &API{
		cfg:     cfg,
		actions: actions(s),
		views:   s,
		slots:   make(chan struct{}, maxAtOnce),
		changes: kv.NewCopy(cfg.Tags, decodeChange),
		replays: replays{bucket: cfg.Tokens, now: cfg.Now, log: cfg.Logger, running: make(map[string]chan struct{})},
	}, nil
}

// Warm reads what describes are answered from, so that the first one need not wait for
// it. An error is one that the first call would have met, and may be gone by then.
func (a *API) Warm(ctx context.Context) error {
	_, logs := a.cfg.Logs.List(ctx)
	_, statuses := a.cfg.Logs.Statuses(ctx)
	_, tags := a.changes.Values(ctx)
	return errors.Join(logs, statuses, tags)
}

// Close ends watching the tags. It is safe to repeat.
func (a *API) Close() { a.changes.Close() }
