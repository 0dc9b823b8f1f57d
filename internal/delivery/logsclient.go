package delivery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"weir/internal/awsconfig"
	"weir/internal/awsjson"
	"weir/internal/cloudwatch"
)

// ServiceConfig configures [NewLogs] and [NewFirehose]. The zero value is Amazon's service
// with region and credentials of the environment.
type ServiceConfig struct {
	// Endpoint is the URL of the service; empty is that of the environment, or Amazon's.
	Endpoint string
	// Region is what requests are signed for; empty is that of the environment.
	Region string

	// AccessKey and SecretKey, and a token if they are temporary, or a profile of the
	// shared configuration files; if neither is given, the SDK's order.
	AccessKey, SecretKey, SessionToken string
	Profile                            string

	Timeout  time.Duration // of one attempt; default 1m
	Attempts int           // of one call; default 3
}

// String leaves the secrets out.
func (c ServiceConfig) String() string {
	return fmt.Sprintf("{Endpoint:%s Region:%s AccessKey:%s Profile:%s Timeout:%v}", c.Endpoint, c.Region, c.AccessKey, c.Profile, c.Timeout)
}

// GoString is String.
func (c ServiceConfig) GoString() string { return c.String() }

// LogValue is String.
func (c ServiceConfig) LogValue() slog.Value { return slog.StringValue(c.String()) }

// A jsonService is a service that speaks JSON 1.1.
type jsonService struct {
	client  *awsjson.Client
	host    string // for messages
	timeout time.Duration
}

func newService(ctx context.Context, cfg ServiceConfig, id, name, target string) (*jsonService, error) {
	if (cfg.AccessKey == "") != (cfg.SecretKey == "") || cfg.SessionToken != "" && cfg.AccessKey == "" {
		return nil, errors.New("an access key and a secret key have to be given together")
	}
	cfg.Timeout = cmp.Or(cfg.Timeout, time.Minute)
	conf, err := awsconfig.Load(ctx, awsconfig.Options{
		Endpoint: cfg.Endpoint, Region: cfg.Region, Profile: cfg.Profile,
		AccessKey: cfg.AccessKey, SecretKey: cfg.SecretKey, SessionToken: cfg.SessionToken, Attempts: cfg.Attempts,
	})
	if err != nil {
		return nil, err
	}
	client, err := awsjson.New(ctx, awsjson.Config{AWS: conf, Service: name, ID: id, Target: target, Timeout: cfg.Timeout})
	if err != nil {
		return nil, err
	}
	s := &jsonService{client: client, host: "Amazon " + id, timeout: cfg.Timeout}
	if u, err := url.Parse(client.Endpoint); err == nil && !client.Amazon {
		s.host = u.Host
	}
	return s, nil
}

// call calls an action. If there is no answer the error is ctx's, or a [*Failure].
func (s *jsonService) call(ctx context.Context, action string, in, out any) (*awsjson.Error, error) {
	err := s.client.Call(ctx, action, in, out)
	if err == nil {
		return nil, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if e := (*awsjson.Error)(nil); errors.As(err, &e) {
		if e.Message == "" {
			// Its code is the status in words.
			e.Message = fmt.Sprintf("%s answered %d, which is not an error's form", s.host, e.Status)
		}
		return e, nil
	}
	f := &Failure{Kind: UnknownError, Message: unreachable(err, s.host, s.timeout, false), Err: err}
	if noCredentials(err) {
		f.Kind, f.Permanent = AccessError, true
	}
	return nil, f
}

// Logs is a [LogService] over HTTP.
type Logs struct{ service *jsonService }

var _ LogService = (*Logs)(nil)

// NewLogs returns a client of CloudWatch Logs. It reads the environment and the shared
// configuration files where cfg leaves something to them, but sends nothing.
func NewLogs(ctx context.Context, cfg ServiceConfig) (*Logs, error) {
	s, err := newService(ctx, cfg, "CloudWatch Logs", cloudwatch.Service, cloudwatch.Target)
	if err != nil {
		return nil, fmt.Errorf("CloudWatch Logs: %w", err)
	}
	return &Logs{s}, nil
}

// String names the service, without secrets.
func (l *Logs) String() string { return l.service.host }

func (l *Logs) call(ctx context.Context, action string, in, out any) error {
	answered, err := l.service.call(ctx, action, in, out)
	if answered != nil {
		return &cloudwatch.Error{Code: answered.Code, Message: answered.Message, Status: answered.Status}
	}
	return err
}

// PutLogEvents implements [LogService].
func (l *Logs) PutLogEvents(ctx context.Context, in *cloudwatch.PutLogEvents) (*cloudwatch.PutLogEventsAnswer, error) {
	out := new(cloudwatch.PutLogEventsAnswer)
	return out, l.call(ctx, "PutLogEvents", in, out)
}

// CreateLogGroup implements [LogService].
func (l *Logs) CreateLogGroup(ctx context.Context, in *cloudwatch.CreateLogGroup) error {
	return l.call(ctx, "CreateLogGroup", in, nil)
}

// CreateLogStream implements [LogService].
func (l *Logs) CreateLogStream(ctx context.Context, in *cloudwatch.CreateLogStream) error {
	return l.call(ctx, "CreateLogStream", in, nil)
}
