package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"weir/internal/capture"
	"weir/internal/flow"
	"weir/internal/recorder"
	"weir/internal/vpc"
	"weir/record"
)

// Config configures [Run]. Every zero value is a default.
type Config struct {
	// Interval is the length of the window; traffic takes about two seconds
	// of it. 0 means 5 s, less than 3 s is an error.
	Interval time.Duration

	// Step is told what is going on, a sentence each; nil means nobody is.
	Step func(string)
}

// A Line is a record and what it says.
type Line struct {
	Record string // in Report.Format
	JSON   string
	Says   string
}

// A Report is what came of a demonstration.
type Report struct {
	Format record.Format
	Lines  []Line

	// Packets, Flows and Refused count what was recorded; Refused in packets.
	Packets, Flows, Refused uint64

	// Differences are between what was sent and what was recorded; none if
	// the capture is right.
	Differences []string

	// How the capture worked, such as "tcx + tp_btf".
	Features string
}

// Run builds the network, sends the traffic, waits until the window ends and
// takes everything down again, also when ctx ends before. It needs root.
func Run(ctx context.Context, cfg Config) (_ *Report, err error) {
	if cfg.Interval == 0 {
		cfg.Interval = 5 * time.Second
	}
	if cfg.Interval < 3*time.Second {
		return nil, fmt.Errorf("demo: interval %v: want 3s or more, the traffic takes two", cfg.Interval)
	}
	if cfg.Step == nil {
		cfg.Step = func(string) {}
	}
	n, err := build()
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	defer func() { err = errors.Join(err, n.lab.Close()) }()
	cfg.Step("built a web server behind a firewall, a router and three clients, each in a network namespace of its own")

	s, err := capture.Open(capture.Config{Exclude: capture.DefaultExclusions, MaxFlows: 4096})
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	target := capture.Target{Netns: n.serverPath(), Names: []string{"eth0", "eth1"}}
	if err := s.Watch(target); err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	windows, err := n.record(ctx, s, cfg)
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	return n.report(s, windows)
}

// record sends the traffic and returns the windows it falls into.
func (n *network) record(ctx context.Context, s *capture.Source, cfg Config) ([]flow.Window, error) {
	var windows []flow.Window
	run, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() {
		done <- s.Run(run, cfg.Interval, func(w []flow.Window) error {
			windows = append(windows, w...)
			stop() // one window will do; what is left comes with the end
			return nil
		})
	}()
	cfg.Step("capturing the server's eth0 and eth1 (" + s.Features().String() + ")")
	err := n.traffic(ctx)
	if err != nil {
		stop()
		return nil, errors.Join(err, <-done)
	}
	cfg.Step(fmt.Sprintf("sent everything; the window of %v is about to end", cfg.Interval))
	err = <-done
	if ctx.Err() != nil {
		return nil, errors.Join(context.Cause(ctx), err)
	}
	return windows, err
}

// report turns windows into lines and compares them with what was sent.
func (n *network) report(s *capture.Source, windows []flow.Window) (*Report, error) {
	format, err := record.ParseFormat("default+tcp-flags")
	if err != nil {
		return nil, err
	}
	expected, err := n.expected()
	if err != nil {
		return nil, fmt.Errorf("demo: count what was sent: %w", err)
	}
	rep := &Report{Format: format, Features: s.Features().String()}
	host := vpc.NewHost()
	quiet := make(map[string]flow.Window)
	for _, w := range windows {
		if w.Quiet {
			quiet[w.Interface.Name] = w
		}
		if c := w.SkippedAll(); c.Packets > 0 {
			rep.differ("%d packets were skipped on %s", c.Packets, w.Interface.Name)
		}
	}
	eth0, err := n.identify(host, "eth0")
	if err != nil {
		return nil, err
	}
	eth1, err := n.identify(host, "eth1")
	if err != nil {
		return nil, err
	}
	flows := sum(windows)
	r := recorder.New(recorder.Config{Format: format})
	add := func(w *flow.Window, i *vpc.Stamp, says string) error {
		return r.Each(w, i, func(rec *record.Record) error {
			rep.Lines = append(rep.Lines, Line{
				Record: string(format.Append(nil, rec)),
				JSON:   string(format.AppendJSON(nil, rec)),
				Says:   says,
			})
			return nil
		})
	}
	for _, e := range expected {
		i := slices.IndexFunc(flows, e.matches)
		if i < 0 {
			rep.differ("not recorded: %v", e)
			continue
		}
		f := flows[i]
		flows = slices.Delete(flows, i, i+1)
		rep.count(&f)
		if f.Count != e.sent || f.Flags != e.flags {
			rep.differ("%v: recorded %d packets, %d bytes, flags %d", e, f.Packets, f.Bytes, f.Flags)
		}
		if err := add(&flow.Window{Flows: []flow.Flow{f}}, eth0, e.says); err != nil {
			return nil, err
		}
	}
	for _, f := range flows {
		rep.differ("recorded, but nobody sent it: %v, %d packets", f.Key, f.Packets)
	}
	if _, ok := quiet["eth0"]; ok && len(windows) < 3 {
		rep.differ("eth0 had traffic and was recorded as quiet")
	}
	w, ok := quiet["eth1"]
	if !ok {
		rep.differ("eth1 was quiet and has no NODATA record")
		return rep, nil
	}
	return rep, add(&w, eth1, "eth1 carried nothing in this window; no record at all would mean it was not watched")
}

func (r *Report) differ(format string, args ...any) {
	r.Differences = append(r.Differences, fmt.Sprintf(format, args...))
}

func (r *Report) count(f *flow.Flow) {
	r.Flows++
	r.Packets += f.Packets
	if f.Verdict == flow.Reject {
		r.Refused += f.Packets
	}
}

// sum joins the flows of several windows; usually there is one.
func sum(windows []flow.Window) []flow.Flow {
	var all []flow.Flow
	at := make(map[flow.Key]int)
	for _, w := range windows {
		for _, f := range w.Flows {
			i, ok := at[f.Key]
			if !ok {
				at[f.Key] = len(all)
				all = append(all, f)
				continue
			}
			all[i].Count.Add(f.Count)
			all[i].First = min(all[i].First, f.First)
			all[i].Last = max(all[i].Last, f.Last)
			all[i].Flags |= f.Flags
		}
	}
	return all
}
