package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"net/netip"
	"sync"
	"time"

	"weir/internal/capture"
	"weir/internal/flow"
	"weir/internal/flowlog"
	"weir/internal/journal"
	"weir/internal/kv"
	"weir/internal/tag"
	"weir/internal/vpc"
	"weir/record"
)

// Source is what captures: a [capture.Source].
type Source interface {
	Cover([]capture.Device) error
	SetInterval(time.Duration)
	CloseWindow()
	Closed() time.Time
	Run(context.Context, time.Duration, capture.Sink) error
}

// Model is the network model, kept current.
type Model interface {
	// Index returns the model as it is now.
	Index() *vpc.Index

	// Changed returns a channel that is closed when Index returns another.
	Changed() <-chan struct{}
}

// Journal takes batches: a [journal.Journal].
type Journal interface {
	Append(context.Context, *journal.Batch) error
}

// Config configures [New]. Everything but Metrics and Logger is required.
type Config struct {
	Host    string // the name of this host, unique among those that use the journal
	Source  Source
	Journal Journal
	Logs    *flowlog.Store
	Model   Model

	// Hosts is where each host says until when everything it captured is in
	// the journal: see [Through].
	Hosts kv.Bucket

	// Interfaces keeps what each captured interface is, for the windows of
	// those that are gone when the next process finds them in the kernel.
	Interfaces kv.Bucket

	// Tags is what was changed of the model's tags: see package tag. A window has
	// the tags that its interface, and that one's instance, have when it ends.
	Tags kv.Bucket

	Metrics *Metrics
	Logger  *slog.Logger
}

// An Agent captures what flow logs cover.
type Agent struct {
	cfg Config

	mu     sync.Mutex
	active []flowlog.FlowLog
	hops   bool                      // some format shows next hops
	tags   [2][]string               // keys some format shows: of interfaces, of instances
	known  map[device]*vpc.Interface // what has been captured, and may still have a window
	going  map[device]bool           // of these, what is covered no more
	model  *vpc.Index                // as of the last update
	tagged map[string]*tag.Change    // by what has the tags

	// covers is what is captured, and what is about to be or to end.
	covers map[device]*vpc.Interface

	keeping sync.Mutex        // held while Interfaces is written; taken before mu
	kept    map[device]string // what it holds
}

// device is a device as a window names it.
type device struct {
	netns uint64
	index int
}

// New returns an agent that does nothing until Run is called.
func New(cfg Config) (*Agent, error) {
	if cfg.Host == "" || cfg.Source == nil || cfg.Journal == nil || cfg.Logs == nil || cfg.Model == nil ||
		cfg.Hosts == nil || cfg.Interfaces == nil || cfg.Tags == nil {
		return nil, errors.New("agent: Host, Source, Journal, Logs, Model, Hosts, Interfaces and Tags are required")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Metrics == nil {
		cfg.Metrics = NewMetrics()
	}
	return &Agent{cfg: cfg, known: make(map[device]*vpc.Interface), going: make(map[device]bool),
		kept: make(map[device]string), tagged: make(map[string]*tag.Change)}, nil
}

// idle is the interval while there is no flow log to ask for one.
const idle = 10 * time.Minute

// Run captures until ctx ends; then the last window is handed over.
func (a *Agent) Run(ctx context.Context) error {
	if err := a.remember(ctx); err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop(nil)
	logs := make(chan []flowlog.FlowLog, 1)
	wg.Go(func() {
		err := a.cfg.Logs.Watch(ctx, func(all []flowlog.FlowLog) {
			select { // only the newest counts
			case <-logs:
			default:
			}
			logs <- all
		})
		if err != nil && ctx.Err() == nil {
			stop(fmt.Errorf("agent: %w", err))
		}
	})
	tagged := make(chan struct{})
	wg.Go(func() {
		err := tag.Watch(ctx, a.cfg.Tags, func(id string, c *tag.Change) {
			if id == "" {
				close(tagged)
				return
			}
			a.mu.Lock()
			a.tagged[id] = c
			a.mu.Unlock()
		})
		if err != nil && ctx.Err() == nil {
			stop(fmt.Errorf("agent: %w", err))
		}
	})
	// Windows of a former process may be waiting: first know what is covered, and
	// what tags it has.
	select {
	case <-ctx.Done():
		return failure(ctx)
	case <-tagged:
	}
	select {
	case <-ctx.Done():
		return failure(ctx)
	case all := <-logs:
		err := a.update(all)
		wg.Go(func() { a.follow(ctx, logs, all, err) })
	}
	if err := a.cfg.Source.Run(ctx, a.interval(), a.handOver); err != nil {
		return fmt.Errorf("agent: %w", err)
	}
	return failure(ctx)
}

// failure returns why ctx ended, nil if that is because Run was told to.
func failure(ctx context.Context) error {
	if err := context.Cause(ctx); !errors.Is(err, ctx.Err()) {
		return err
	}
	return nil
}

// retry is how long after an update that failed the next one is.
const retry = time.Second

// follow keeps what is captured to what flow logs cover.
func (a *Agent) follow(ctx context.Context, logs <-chan []flowlog.FlowLog, all []flowlog.FlowLog, err error) {
	for last := ""; ; {
		again := (<-chan time.Time)(nil)
		if err != nil {
			a.cfg.Metrics.errors.Inc()
			if err.Error() != last {
				a.cfg.Logger.Error("capture", "err", err)
			}
			last, again = err.Error(), time.After(retry)
		} else {
			last = ""
		}
		changed := a.cfg.Model.Changed()
		if !a.current() {
			err = a.update(all)
			continue
		}
		select {
		case <-ctx.Done():
			return
		case all = <-logs:
		case <-changed:
		case <-again:
		}
		err = a.update(all)
	}
}

// current reports whether the last update saw the model as it is now.
func (a *Agent) current() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.model == a.cfg.Model.Index()
}

// update captures what the flow logs cover in the model as it is now.
func (a *Agent) update(all []flowlog.FlowLog) error {
	var active []flowlog.FlowLog
	var turn time.Time // when a flow log last began or ended
	for i := range all {
		if all[i].Active() {
			active = append(active, all[i])
		}
		for _, t := range []time.Time{all[i].Created, all[i].Deleted} {
			if t.After(turn) {
				turn = t
			}
		}
	}
	index := a.cfg.Model.Index()
	devices, interfaces := covered(index, active)

	a.mu.Lock()
	a.active, a.model = active, index
	a.hops, a.tags = needs(active)
	maps.Copy(a.known, interfaces)
	both := maps.Clone(interfaces)
	maps.Copy(both, a.covers)
	a.covers = both
	a.mu.Unlock()
	// Before the first packet is counted, so that its window has a name whatever
	// happens.
	errs := []error{a.keep(interfaces), a.cfg.Source.Cover(devices)}

	a.mu.Lock()
	a.covers = interfaces
	a.mu.Unlock()
	a.cfg.Metrics.interfaces.Set(float64(len(devices)))
	a.cfg.Source.SetInterval(a.interval())
	if turn.After(a.cfg.Source.Closed()) {
		// A flow log begins, and ends, with a window; also if a former process
		// did not come to it.
		a.cfg.Source.CloseWindow()
	}
	return errors.Join(errs...)
}

// interval returns the shortest interval that an active flow log asks for.
func (a *Agent) interval() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if d := flowlog.Interval(a.active); d > 0 {
		return d
	}
	return idle
}

// covered returns the devices that flow logs cover, and what they are.
func covered(index *vpc.Index, active []flowlog.FlowLog) ([]capture.Device, map[device]*vpc.Interface) {
	var devices []capture.Device
	interfaces := make(map[device]*vpc.Interface)
	for _, i := range index.Network().Interfaces {
		if i.Device.Index == 0 {
			continue // on another host
		}
		r := flowlog.Resources{VPC: i.VPCID, Subnet: i.SubnetID, Interface: i.ID}
		for n := range active {
			if !active[n].Covers(r) {
				continue
			}
			devices = append(devices, capture.Device{
				Netns: i.Device.Netns, Index: i.Device.Index,
				Plan: capture.Plan{Router: i.Plan.Router, DNS: i.Plan.DNS},
			})
			interfaces[device{i.Device.Cookie, i.Device.Index}] = i
			break
		}
	}
	return devices, interfaces
}

// needs returns what formats show that costs space in the journal.
func needs(active []flowlog.FlowLog) (hops bool, tags [2][]string) {
	for i := range active {
		f, err := active[i].RecordFormat()
		if err != nil {
			continue
		}
		for _, field := range []record.Field{
			record.NextHopInterfaceID, record.NextHopSubnetID, record.NextHopAZID, record.NextHopVPCID,
			record.NextHopInterfaceType, record.TrafficPath,
		} {
			hops = hops || f.Has(field)
		}
		for _, t := range active[i].TagFields {
			switch t.ResourceType {
			case "network-interface":
				tags[0] = append(tags[0], t.Keys...)
			case "instance":
				tags[1] = append(tags[1], t.Keys...)
			}
		}
	}
	return hops, tags
}

// patience is how long one attempt to hand windows over may take.
const patience = 30 * time.Second

// handOver puts windows into the journal. They leave the kernel when it returns
// nil.
func (a *Agent) handOver(windows []flow.Window) error {
	// The last window is handed over when Run has been told to stop.
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if len(windows) > 0 {
		b, err := a.batch(windows)
		if err != nil {
			return err
		}
		if err := a.cfg.Journal.Append(ctx, b); err != nil {
			a.cfg.Metrics.errors.Inc()
			return err
		}
		a.cfg.Metrics.count(windows)
	}
	if err := setThrough(ctx, a.cfg.Hosts, a.cfg.Host, a.cfg.Source.Closed()); err != nil {
		return err
	}
	a.forget(ctx)
	return nil
}

// batch stamps windows. Those of interfaces nobody knows any more are left out:
// no flow log can cover them.
func (a *Agent) batch(windows []flow.Window) (*journal.Batch, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := &journal.Batch{Host: a.cfg.Host, Tables: windows[0].Tables, Sequence: windows[0].Sequence}
	for n := range windows {
		w := &windows[n]
		i := a.interfaceOf(w.Interface)
		if i == nil {
			a.cfg.Metrics.unknown.Inc()
			a.cfg.Logger.Warn("window of an unknown interface", "interface", w.Interface.Name, "netns", w.Interface.NetnsName)
			continue
		}
		meta, err := a.stamp(i, w, a.hops)
		if err == nil && len(meta) > journal.MaxMeta {
			// A window that never gets into the journal would hold up all others.
			a.cfg.Logger.Warn("too many next hops for one window: they are left out", "interface", i.ID)
			meta, err = a.stamp(i, w, false)
		}
		if err != nil {
			return nil, fmt.Errorf("agent: stamp window of %s: %w", i.ID, err)
		}
		b.Entries = append(b.Entries, journal.Entry{Meta: meta, Window: w})
	}
	return b, nil
}

// stamp returns what is known of the interface of a window, as it is kept with
// it; with its routes and next hops only if they are asked for.
func (a *Agent) stamp(i *vpc.Interface, w *flow.Window, hops bool) ([]byte, error) {
	if !hops {
		bare := *i
		bare.Routes = nil
		i = &bare
	}
	s := a.model.Stamp(i, addresses(w))
	s.Tags, s.InstanceTags = a.tagged[i.ID].Over(s.Tags), a.tagged[i.InstanceID].Over(s.InstanceTags)
	return json.Marshal(s.WithTags(a.tags[0], a.tags[1]))
}

// interfaceOf returns what a device is, or was when it was captured.
func (a *Agent) interfaceOf(f flow.Interface) *vpc.Interface {
	if i := a.known[device{f.Netns, f.Index}]; i != nil {
		return i
	}
	return a.model.ByDevice(vpc.Device{Cookie: f.Netns, Index: f.Index})
}

// addresses yields the addresses in a window, some more than once.
func addresses(w *flow.Window) iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for n := range w.Flows {
			if !yield(w.Flows[n].SrcAddr()) || !yield(w.Flows[n].DstAddr()) {
				return
			}
		}
	}
}
