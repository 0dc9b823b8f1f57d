package vpc

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"reflect"
	"sync"
	"sync/atomic"
	"time"
)

// Options configure [NewResolver]. Every zero value is a default.
type Options struct {
	Config *Config      // default is that of an empty file
	Host   *Host        // default is [NewHost]
	Logger *slog.Logger // default discards

	// Root is the file system that container engines and libvirt keep their
	// files in, as it begins at "/"; the default is this machine's.
	Root fs.FS

	// Interval is how often namespaces are looked for; devices in known ones are
	// seen at once. The default is half a second.
	Interval time.Duration
}

// Keep is how long a [Resolver] still knows an interface that is gone: its last
// window closes later than that it goes.
const Keep = 15 * time.Minute

// A Resolver knows the interfaces of this host and keeps up with them while
// [Resolver.Run] runs. Its methods are safe for concurrent use; looking
// something up takes no lock.
type Resolver struct {
	opts   Options
	state  atomic.Pointer[resolved]
	config atomic.Pointer[Config]
	wake   chan struct{} // something may have changed

	ready     chan struct{}
	readyOnce sync.Once

	mu      sync.Mutex
	changed chan struct{} // closed at the next change
}

// resolved is what look-ups use; it does not change.
type resolved struct {
	index *Index
	gone  map[deviceKey]departed
}

type departed struct {
	iface *Interface
	until time.Time
}

// NewResolver returns a resolver that knows what the configuration says, until
// Run has had a look at the host.
func NewResolver(o Options) *Resolver {
	if o.Config == nil {
		o.Config = Default()
	}
	if o.Host == nil {
		o.Host = NewHost()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Root == nil {
		o.Root = os.DirFS("/")
	}
	if o.Interval == 0 {
		o.Interval = 500 * time.Millisecond
	}
	r := &Resolver{opts: o, wake: make(chan struct{}, 1), ready: make(chan struct{}), changed: make(chan struct{})}
	r.config.Store(o.Config)
	r.state.Store(&resolved{index: NewIndex(assemble(o.Config, o.Host, nil, nil))})
	return r
}

// Run follows the devices of the host until ctx ends, and returns nil then. It
// fails if this process's own namespace can't be read; what can't be read
// elsewhere is logged once and left out. It is called once.
func (r *Resolver) Run(ctx context.Context) error { return r.run(ctx) }

// Ready is closed when Run has seen the host for the first time.
func (r *Resolver) Ready() <-chan struct{} { return r.ready }

// Index returns the state of the network as it is known now.
func (r *Resolver) Index() *Index { return r.state.Load().index }

// Resolve returns the interface whose packets are seen at a device. It goes by
// cookie and index, or without a cookie by space and name. An interface that is
// gone is still found by cookie and index, for as long as [Keep].
func (r *Resolver) Resolve(d Device) (*Interface, bool) {
	s := r.state.Load()
	if i := s.index.ByDevice(d); i != nil {
		return i, true
	}
	if g, ok := s.gone[deviceKey{d.Cookie, d.Index}]; ok && d.Cookie != 0 {
		return g.iface, true
	}
	return nil, false
}

// Changed returns a channel that is closed when something has changed since the
// call. Call it before looking at Index, so that no change is missed.
func (r *Resolver) Changed() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

// SetConfig makes c the configuration. It must not be changed afterwards.
func (r *Resolver) SetConfig(c *Config) {
	r.config.Store(c)
	r.poke()
}

func (r *Resolver) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// publish makes a network the current state, if it is another.
func (r *Resolver) publish(n Network, now time.Time) {
	old := r.state.Load()
	defer r.readyOnce.Do(func() { close(r.ready) })
	if reflect.DeepEqual(old.index.network, n) {
		return
	}
	next := &resolved{index: NewIndex(n), gone: make(map[deviceKey]departed)}
	for key, g := range old.gone {
		if now.Before(g.until) && next.index.byDevice[key] == nil {
			next.gone[key] = g
		}
	}
	for key, i := range old.index.byDevice {
		if next.index.byDevice[key] == nil {
			next.gone[key] = departed{i, now.Add(Keep)}
		}
	}
	r.state.Store(next)
	r.mu.Lock()
	close(r.changed)
	r.changed = make(chan struct{})
	r.mu.Unlock()
}
