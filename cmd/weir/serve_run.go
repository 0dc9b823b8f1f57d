package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"weir/internal/accesskey"
	"weir/internal/agent"
	"weir/internal/awsapi"
	"weir/internal/capture"
	"weir/internal/delivery"
	"weir/internal/flowlog"
	"weir/internal/journal"
	"weir/internal/logs"
	"weir/internal/logs/api"
	"weir/internal/objectstore"
	"weir/internal/sigv4"
	"weir/internal/vpc"
)

// service is everything weir serve runs.
type service struct {
	cfg      *vpc.Config
	log      *slog.Logger
	ranges   *vpc.Ranges // nil if there are none
	host     string      // this host's name in the journal
	model    *vpc.Resolver
	keys     *accesskey.Keys
	key      sigv4.Key // the root key
	journal  *journal.Journal
	objects  *objectstore.Server
	source   *capture.Source
	logs     *flowlog.Store
	agent    *agent.Agent
	delivery *delivery.Service
	api      *awsapi.API

	groups     *logs.Store
	cloudwatch *api.Service
	filtered   *api.Metrics // of metric filters

	front   net.Listener // of the API
	metrics net.Listener

	captured  *agent.Metrics
	delivered *delivery.Metrics
}

// openService opens everything and starts nothing.
func openService(ctx context.Context, o *serveOptions, cfg *vpc.Config, model *vpc.Resolver) (_ *service, err error) {
	s := &service{cfg: cfg, log: newLogger(o.verbose), model: model}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	// The embedded S3 changes the working directory: first whatever a relative
	// path may name.
	dir, err := filepath.Abs(cfg.Serve.DataDir)
	if err != nil {
		return nil, err
	}
	if cfg.IPRanges != "" {
		if s.ranges, err = vpc.LoadRanges(cfg.IPRanges); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if s.keys, err = accesskey.Open(dir, s.log); err != nil {
		return nil, err
	}
	s.key = s.keys.Root()
	if s.journal, err = journal.Open(ctx, journalConfig(cfg, dir, s.log)); err != nil {
		return nil, err
	}
	if s.metrics, err = net.Listen("tcp", cfg.Serve.MetricsListen); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	if s.front, err = listen(&cfg.Serve, o.insecure); err != nil {
		return nil, err
	}
	// Delivery goes straight to the store; everybody else to the API's address.
	s.objects, err = objectstore.Open(objectstore.Config{
		Dir: filepath.Join(dir, "s3"), Region: string(cfg.Region),
		AccessKey: s.key.ID, SecretKey: s.key.Secret, Keys: s.keys.Lookup, Logger: s.log,
	})
	if err != nil {
		return nil, err
	}
	s.host = vpc.NewHost().ID("host")
	tables, _, err := s.journal.Position(ctx, s.host)
	if err != nil {
		return nil, err
	}
	s.source, err = capture.Open(capture.Config{
		MaxFlows: cfg.Serve.MaxFlows, Exclude: capture.DefaultExclusions, Pin: o.pin,
		Aligned: true, Covered: true, After: tables, Logger: s.log,
	})
	if err != nil {
		return nil, err
	}
	return s, s.wire(ctx)
}

func journalConfig(cfg *vpc.Config, dir string, log *slog.Logger) journal.Config {
	c := journal.Config{MaxBytes: int64(cfg.Serve.JournalMax), Logger: log}
	if cfg.Serve.JournalURL != "" {
		c.URL = cfg.Serve.JournalURL
	} else {
		c.Dir = filepath.Join(dir, "journal")
	}
	return c
}

// wire joins the parts.
func (s *service) wire(ctx context.Context) error {
	buckets := make(map[string]*journal.KV)
	for _, name := range []string{"flow-logs", "status", "positions", "hosts", "interfaces", "tags", "tokens"} {
		kv, err := s.journal.KV(ctx, name)
		if err != nil {
			return err
		}
		buckets[name] = kv
	}
	s.logs = flowlog.NewStore(buckets["flow-logs"], buckets["status"])
	if err := s.openGroups(ctx); err != nil {
		return err
	}
	s.captured, s.delivered = agent.NewMetrics(), delivery.NewMetrics()
	destinations, err := s.destinations(ctx)
	if err != nil {
		return err
	}
	s.agent, err = agent.New(agent.Config{
		Host: s.host, Source: s.source, Journal: s.journal, Logs: s.logs, Model: s.model,
		Hosts: buckets["hosts"], Interfaces: buckets["interfaces"], Tags: buckets["tags"], Metrics: s.captured, Logger: s.log,
	})
	if err != nil {
		return err
	}
	s.delivery, err = delivery.New(delivery.Config{
		Journal: s.journal, Logs: s.logs, Positions: buckets["positions"], Owner: s.host, Ranges: s.ranges,
		Sinks:  destinations.sinks(s.logs),
		Agents: func(ctx context.Context) ([]time.Time, error) { return agent.Through(ctx, buckets["hosts"]) },
		Flush:  time.Duration(s.cfg.Serve.Flush), Metrics: s.delivered, Logger: s.log,
	})
	if err != nil {
		return err
	}
	return s.openAPI(buckets["tags"], buckets["tokens"], destinations)
}

// announce tells how to use the API.
func (s *service) announce(w io.Writer) {
	fmt.Fprintf(w, `export AWS_ENDPOINT_URL=%s
export AWS_ACCESS_KEY_ID=%s
export AWS_SECRET_ACCESS_KEY=%s
export AWS_DEFAULT_REGION=%s
`, s.endpoint(), s.key.ID, s.key.Secret, s.cfg.Region)
}

// run starts everything and waits until ctx ends or a part fails.
func (s *service) run(ctx context.Context, logs []flowlog.FlowLog) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// What others need ends after them: the agent hands over its last window
	// when ctx ends.
	base, stopBase := context.WithCancel(context.WithoutCancel(ctx))
	var parts, basis sync.WaitGroup
	defer basis.Wait()
	defer stopBase()
	var failed failures
	start := func(wg *sync.WaitGroup, ctx context.Context, name string, run func(context.Context) error) {
		wg.Go(func() {
			err := run(ctx)
			if err == nil || errors.Is(err, context.Canceled) && ctx.Err() != nil {
				return
			}
			err = fmt.Errorf("%s: %w", name, err)
			failed.add(err) // also what the end itself fails with, as windows that stay in the kernel
			cancel(err)
		})
	}
	start(&basis, base, "s3", s.objects.Run)
	start(&basis, base, "metrics", s.serveMetrics)
	start(&basis, base, "network model", s.model.Run)
	select {
	case <-s.model.Ready():
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := s.createBuckets(ctx, logs); err != nil {
		return err
	}
	if err := s.declare(ctx, logs); err != nil {
		return err
	}
	start(&parts, ctx, "capture", s.agent.Run)
	start(&parts, ctx, "delivery", s.delivery.Run)
	start(&parts, ctx, "api", s.serveAPI)
	start(&parts, ctx, "expiry", s.expire)
	start(&parts, ctx, "log groups", s.groups.Run)
	s.log.Info("serving", "flow-logs", len(logs), "features", s.source.Features().String())
	parts.Wait()
	return failed.err()
}

// declare makes this host's flow logs those of its configuration file, while no
// other host that shares the journal does.
func (s *service) declare(ctx context.Context, logs []flowlog.FlowLog) error {
	lease, err := s.journal.Lease(ctx, "declare", s.host, 15*time.Second)
	if err != nil {
		return err
	}
	err = s.logs.Declare(ctx, s.host, logs, time.Now().UTC())
	return errors.Join(err, lease.Release(ctx))
}

// failures are errors of several goroutines.
type failures struct {
	mu   sync.Mutex
	errs []error
}

func (f *failures) add(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errs = append(f.errs, err)
}

func (f *failures) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return errors.Join(f.errs...)
}

// createBuckets makes the embedded buckets that declared flow logs go to; nobody
// else could.
func (s *service) createBuckets(ctx context.Context, logs []flowlog.FlowLog) error {
	for i := range logs {
		if logs[i].DestinationType != flowlog.S3 {
			continue
		}
		bucket, _, err := flowlog.BucketFolder(logs[i].Destination)
		if err != nil {
			return err
		}
		elsewhere := false
		for _, d := range s.cfg.Destinations {
			elsewhere = elsewhere || matcher(d.Buckets)(bucket)
		}
		if elsewhere {
			continue
		}
		if err := s.objects.CreateBucket(ctx, bucket); err != nil {
			return err
		}
	}
	return nil
}

func (s *service) serveMetrics(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", s.showMetrics)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		if _, err := s.journal.Stats(ctx); err != nil {
			http.Error(w, "journal: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(s.metrics); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (s *service) close() {
	var errs []error
	if s.source != nil {
		errs = append(errs, s.source.Close())
	}
	if s.objects != nil {
		errs = append(errs, s.objects.Close())
	}
	if s.api != nil {
		s.api.Close()
	}
	if s.cloudwatch != nil {
		s.cloudwatch.Close()
	}
	if s.groups != nil {
		s.groups.Close()
	}
	if s.logs != nil {
		s.logs.Close()
	}
	if s.journal != nil {
		errs = append(errs, s.journal.Close())
	}
	for _, l := range []net.Listener{s.front, s.metrics} {
		if l != nil {
			l.Close()
		}
	}
	if err := errors.Join(errs...); err != nil {
		s.log.Error("close", "err", err)
	}
}
