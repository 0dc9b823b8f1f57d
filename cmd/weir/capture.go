package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/capture"
	"weir/internal/recorder"
	"weir/record"
)

// captureOptions are the flags of weir capture.
type captureOptions struct {
	interval  time.Duration
	duration  time.Duration
	format    string
	filter    string
	netns     []string
	maxFlows  int
	exclude   string
	out       string
	json      bool
	pin       string
	uninstall bool
	verbose   bool
}

func newCapture() *cobra.Command {
	var o captureOptions
	cmd := &cobra.Command{
		Use:   "capture IFACE...",
		Short: "Print the flow log of network interfaces",
		Long: `Capture IP traffic on network interfaces and print it as flow log records, one
line for each flow and window. Nothing else is needed: no server, no
configuration, no account.

IFACE is the name of an interface, or a pattern such as "veth*". Interfaces that
do not exist yet are captured from the moment they appear.

Counting happens in the kernel. If weir is killed the counting goes on, and the
next "weir capture" continues the same window; if it ends by ^C, SIGTERM or
--for, the last window is printed and nothing stays behind.

A packet that a firewall on this machine refused (nftables, iptables, tc, XDP,
...) is a REJECT, every other an ACCEPT. Traffic that Amazon's flow logs leave out
is left out too; "--exclude list" shows what that is.` + exitHelp,
		Example: `  sudo weir capture eth0
  sudo weir capture 'veth*' --interval 10s --format default+tcp-flags --filter REJECT
  sudo weir capture eth0 --netns blue --for 10m --out /var/log/flows
  sudo weir capture --uninstall`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runCapture(cmd.Context(), &o, args, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.DurationVar(&o.interval, "interval", time.Minute, "aggregation interval: the time after which each flow is printed")
	f.DurationVar(&o.duration, "for", 0, "stop after this time (default: when interrupted)")
	f.StringVar(&o.format, "format", "default", "fields: Amazon's ${...} string, names, or default, default+FIELD, v3, v5, all")
	f.StringVar(&o.filter, "filter", "ALL", "traffic to record: ALL, ACCEPT or REJECT")
	f.StringArrayVar(&o.netns, "netns", nil, "network namespace of the interfaces, a name or a path; may be repeated")
	f.IntVar(&o.maxFlows, "max-flows", capture.DefaultMaxFlows,
		fmt.Sprintf("flows of each IP version a window can hold; each takes %d bytes of kernel memory", capture.BytesPerFlow))
	f.StringVar(&o.exclude, "exclude", "default", "traffic to leave out: list, default, none, or names such as default,-dhcp")
	f.StringVar(&o.out, "out", "", "write gzip-compressed files to this directory, one for each window, instead of printing")
	f.BoolVar(&o.json, "json", false, "print JSON, one object a line")
	f.StringVar(&o.pin, "pin", "/sys/fs/bpf/weir", "where counting goes on if weir is killed; another place for a second capture at a time")
	f.BoolVar(&o.uninstall, "uninstall", false, "remove what a killed capture left in the kernel, with all it counted")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "log what is attached and detached")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("filter", cobra.FixedCompletions([]string{"ALL", "ACCEPT", "REJECT"}, cobra.ShellCompDirectiveNoFileComp)))
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("exclude", completeExclusions))
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("format", completeFormat))
	cmd.ValidArgsFunction = completeInterfaces
	return cmd
}

// captureJob is a capture with its flags understood.
type captureJob struct {
	format  record.Format
	traffic recorder.Traffic
	exclude capture.Exclusions
}

func (o *captureOptions) parse(args []string) (job captureJob, err error) {
	const hint = "see weir capture -h"
	if len(args) == 0 {
		return job, usageError{errors.New("capture: which interface?"), "weir capture eth0; ip link lists the names"}
	}
	if o.interval < time.Second {
		return job, usageError{fmt.Errorf("capture: --interval %v: want 1s or more", o.interval), hint}
	}
	if o.json && o.out != "" {
		return job, usageError{errors.New("capture: --json and --out: files are text, have one or the other"), hint}
	}
	if o.duration < 0 {
		return job, usageError{fmt.Errorf("capture: --for %v: want a positive time", o.duration), hint}
	}
	if job.format, err = record.ParseFormat(o.format); err != nil {
		return job, usageError{fmt.Errorf("capture: --format: %w", err), "the fields are listed in docs/formats/flow-record.md"}
	}
	if job.traffic, err = recorder.ParseTraffic(o.filter); err != nil {
		return job, usageError{fmt.Errorf("capture: --filter: %w", err), hint}
	}
	if job.exclude, err = capture.ParseExclusions(o.exclude); err != nil {
		return job, usageError{fmt.Errorf("capture: --exclude: %w", err), "weir capture --exclude list"}
	}
	if o.maxFlows < capture.MinMaxFlows || o.maxFlows > capture.LimitMaxFlows {
		return job, usageError{fmt.Errorf("capture: --max-flows %d: want %d to %d", o.maxFlows, capture.MinMaxFlows, capture.LimitMaxFlows), hint}
	}
	return job, nil
}

func runCapture(ctx context.Context, o *captureOptions, args []string, stdout io.Writer) error {
	if o.exclude == "list" {
		return listExclusions(stdout)
	}
	if o.uninstall {
		return uninstallCapture(o.pin)
	}
	job, err := o.parse(args)
	if err != nil {
		return err
	}
	out, err := o.output(stdout, job.format, args)
	if err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	s, err := capture.Open(capture.Config{
		MaxFlows: o.maxFlows,
		Exclude:  job.exclude,
		Pin:      o.pin,
		Logger:   newLogger(o.verbose),
	})
	if err != nil {
		return withCaptureHint(err)
	}
	namespaces := o.netns
	if len(namespaces) == 0 {
		namespaces = []string{""}
	}
	for _, ns := range namespaces {
		if err := s.Watch(capture.Target{Netns: ns, Names: args}); err != nil {
			return errors.Join(withCaptureHint(err), s.Close())
		}
	}
	err = o.record(ctx, s, &job, out)
	return errors.Join(err, s.Close())
}

// record runs an opened source until it is to end and says what came of it.
func (o *captureOptions) record(ctx context.Context, s *capture.Source, job *captureJob, out output) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if o.duration > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, o.duration)
		defer stop()
	}
	p := newProgress(os.Stderr, o.interval)
	p.start(s)
	defer p.stop()
	w := &windowWriter{
		recorder: recorder.New(recorder.Config{Format: job.format, Traffic: job.traffic}),
		out:      out, progress: p, host: newHostNames(),
	}
	// A full disk or a closed pipe will not mend while we wait: the window
	// stays in the kernel for the next capture.
	err := s.Run(ctx, o.interval, func(windows []flowWindow) error {
		err := w.write(windows)
		if err != nil {
			cancel(err)
		}
		return err
	})
	p.stop()
	if err != nil {
		return err
	}
	return o.account(s, w)
}

// newLogger logs to standard error: warnings, and what is going on if verbose.
func newLogger(verbose bool) *slog.Logger {
	level := slog.LevelWarn
	if verbose {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}

func uninstallCapture(pin string) error {
	err := capture.Uninstall(pin)
	if errors.Is(err, os.ErrNotExist) {
		fmt.Fprintf(os.Stderr, "weir: nothing to remove at %s\n", pin)
		return nil
	}
	if err != nil {
		return withCaptureHint(err)
	}
	fmt.Fprintf(os.Stderr, "weir: removed %s with all hooks and tables\n", pin)
	return nil
}

// withCaptureHint adds what to do about an error of package capture.
func withCaptureHint(err error) error {
	switch {
	case errors.Is(err, os.ErrPermission):
		return hintError{err, "run it as root (sudo), or grant CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN"}
	case errors.Is(err, capture.ErrInUse):
		return hintError{err, "stop the other capture, or give this one a place of its own with --pin /sys/fs/bpf/NAME"}
	case errors.Is(err, capture.ErrOtherLayout):
		return hintError{err, "weir capture --uninstall removes it, with what it counted"}
	}
	return err
}
