package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/vpc"
)

// serveOptions are the flags of weir serve; those that are given take precedence
// over the file.
type serveOptions struct {
	config   string
	data     string
	listen   string
	metrics  string
	flush    time.Duration
	pin      string
	insecure bool
	check    bool
	verbose  bool
}

func newServe() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the flow log service of this host",
		Long: `Run the flow log service: capture the interfaces that flow logs cover, keep their
windows in a journal on disk, and deliver records to S3, as files laid out like
Amazon's, to log groups, or to delivery streams.

Flow logs are made with any AWS client (aws ec2 create-flow-logs, Terraform, weir
create), or declared in a configuration file; see docs/api.md,
docs/configuration.md, and docs/weir.schema.json for editors. A bucket or a log group
for which the file names no service is in the data directory; see docs/delivery.md. The
lines that weir prints at the start make "aws ec2" and "aws s3" use all of it.

If weir is killed, counting goes on in the kernel; the next start continues, and
loses nothing.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 --check found the configuration
wrong.`,
		Example: `  sudo weir serve --config weir.yaml
  weir serve --config weir.yaml --check
  sudo weir serve --config weir.yaml --data /srv/weir --flush 10s`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runServe(cmd.Context(), &o, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.config, "config", "", "configuration file (default: none; nothing is declared)")
	f.StringVar(&o.data, "data", "", "directory of the journal and the embedded S3 (default /var/lib/weir)")
	f.StringVar(&o.listen, "listen", "", "address and port of the API and the embedded S3 (default 127.0.0.1:7979)")
	f.StringVar(&o.metrics, "metrics-listen", "", "address and port of /metrics and /healthz (default 127.0.0.1:7980)")
	f.DurationVar(&o.flush, "flush", 0, "deliver this often instead of every five minutes")
	f.StringVar(&o.pin, "pin", "/sys/fs/bpf/weir-serve", "where counting goes on if weir is killed")
	f.BoolVar(&o.insecure, "insecure", false, "listen without TLS where others can read what is sent")
	f.BoolVar(&o.check, "check", false, "check the configuration and exit")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "log what is attached, detached and delivered")
	return cmd
}

func runServe(ctx context.Context, o *serveOptions, stdout io.Writer) error {
	cfg, err := o.load()
	if err != nil {
		return o.checked(err)
	}
	model := vpc.NewResolver(vpc.Options{Config: cfg, Logger: newLogger(o.verbose)})
	logs, err := declared(cfg, model.Index(), time.Now())
	if err != nil {
		return o.checked(err)
	}
	if o.check {
		name := o.config
		if name == "" {
			name = "the default configuration"
		}
		_, err := fmt.Fprintf(stdout, "%s is right: %d VPCs, %d subnets, %d interfaces, %d flow logs are declared\n",
			name, len(cfg.VPCs), len(cfg.Subnets), len(cfg.Interfaces), len(logs))
		return err
	}
	s, err := openService(ctx, o, cfg, model)
	if err != nil {
		return withServeHint(fmt.Errorf("serve: %w", err))
	}
	defer s.close()
	s.announce(stdout)
	if err := s.run(ctx, logs); err != nil && !errors.Is(err, context.Canceled) {
		return withServeHint(fmt.Errorf("serve: %w", err))
	}
	return nil
}

// checked makes what is wrong in the configuration what --check has found.
func (o *serveOptions) checked(err error) error {
	if o.check && errors.As(err, new(*vpc.ConfigError)) {
		return foundError{err}
	}
	return err
}

// foundError is what a check has found.
type foundError struct{ error }

func (e foundError) Unwrap() []error { return []error{e.error, errDiffer} }

// load reads the file and lets flags take precedence.
func (o *serveOptions) load() (*vpc.Config, error) {
	cfg := vpc.Default()
	if o.config != "" {
		var err error
		if cfg, err = vpc.Load(o.config); err != nil {
			return nil, err
		}
	}
	for _, f := range []struct {
		given string
		to    *string
	}{{o.data, &cfg.Serve.DataDir}, {o.listen, &cfg.Serve.Listen}, {o.metrics, &cfg.Serve.MetricsListen}} {
		if f.given != "" {
			*f.to = f.given
		}
	}
	if o.flush < 0 || o.flush > 0 && o.flush < time.Second {
		return nil, usageError{fmt.Errorf("serve: --flush %v: want 1s or more", o.flush), "see weir serve -h"}
	}
	if o.flush > 0 {
		cfg.Serve.Flush = vpc.Duration(o.flush)
	}
	return cfg, nil
}

func withServeHint(err error) error {
	if errors.Is(err, os.ErrPermission) && os.Geteuid() != 0 {
		return hintError{err, "run it as root: sudo weir serve"}
	}
	return withCaptureHint(err)
}
