package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"weir/internal/capture"
	"weir/internal/flow"
	"weir/internal/flowlog"
	"weir/internal/journal"
	"weir/internal/kv"
	"weir/internal/vpc"
)

// bucket is one that counts writes.
type bucket struct {
	kv.Bucket
	puts int
}

func (b *bucket) Put(ctx context.Context, key string, value []byte) (uint64, error) {
	b.puts++
	return b.Bucket.Put(ctx, key, value)
}

// source captures nothing. It hands over what the test tells it to, again and
// again until it is taken.
type source struct {
	windows  chan []flow.Window
	taken    chan struct{}
	refused  chan error
	mu       sync.Mutex
	covered  []int // indices, sorted
	interval time.Duration
	closes   int
	closed   time.Time
	fails    int // how often Cover is to fail
	sequence uint64
}

func newSource() *source {
	return &source{windows: make(chan []flow.Window), taken: make(chan struct{}), refused: make(chan error, 100)}
}

func (s *source) Cover(devices []capture.Device) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails > 0 {
		s.fails--
		return errors.New("no room for programs")
	}
	s.covered = nil
	for _, d := range devices {
		s.covered = append(s.covered, d.Index)
	}
	slices.Sort(s.covered)
	return nil
}

func (s *source) SetInterval(d time.Duration) { s.mu.Lock(); s.interval = d; s.mu.Unlock() }

func (s *source) CloseWindow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closes++
	s.closed = time.Now()
}

func (s *source) Closed() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

func (s *source) Run(ctx context.Context, _ time.Duration, sink capture.Sink) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case ws := <-s.windows:
			for {
				err := sink(ws)
				if err == nil {
					break
				}
				s.refused <- err
				select {
				case <-ctx.Done():
					return err
				case <-time.After(10 * time.Millisecond):
				}
			}
			s.taken <- struct{}{}
		}
	}
}

// model is a network that changes when the test says so.
type model struct {
	mu      sync.Mutex
	index   *vpc.Index
	changed chan struct{}
}

func (m *model) Index() *vpc.Index {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.index
}

func (m *model) Changed() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed
}

// set makes the model interfaces eni-N in subnet-N at device N of namespace 7.
func (m *model) set(numbers ...int) {
	var n vpc.Network
	for _, i := range numbers {
		n.Interfaces = append(n.Interfaces, &vpc.Interface{
			ID: fmt.Sprintf("eni-%d", i), AccountID: "123456789012", VPCID: "vpc-1", SubnetID: fmt.Sprintf("subnet-%d", i),
			Addrs:  []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})},
			Routes: []vpc.Route{{Prefix: netip.MustParsePrefix("10.0.0.0/24")}},
			Tags:   vpc.Tags{"role": "web", "other": "unused"},
			Device: vpc.Device{Index: i, Cookie: 7, Name: fmt.Sprintf("eth%d", i)},
		})
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.index = vpc.NewIndex(n)
	if m.changed != nil {
		close(m.changed)
	}
	m.changed = make(chan struct{})
}

// A bed is a journal on disk, flow logs in it, and an agent over fakes.
type bed struct {
	testing.TB
	j      *journal.Journal
	logs   *flowlog.Store
	hosts  kv.Bucket
	ifaces *bucket
	tags   kv.Bucket
	source *source
	model  *model
	agent  *Agent
}

func newBed(tb testing.TB, cfg journal.Config) *bed {
	tb.Helper()
	b := &bed{TB: tb, model: new(model)}
	cfg.Dir = tb.TempDir()
	var err error
	b.j, err = journal.Open(tb.Context(), cfg)
	b.must(err)
	tb.Cleanup(func() { b.must(b.j.Close()) })
	b.logs = flowlog.NewStore(b.bucket("flow-logs"), b.bucket("status"))
	b.hosts, b.ifaces, b.tags = b.bucket("hosts"), b.bucket("interfaces"), b.bucket("tags")
	return b
}

func (b *bed) bucket(name string) *bucket {
	b.Helper()
	kv, err := b.j.KV(b.Context(), name)
	b.must(err)
	return &bucket{Bucket: kv}
}

func (b *bed) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// start runs an agent, as a process that begins, until stop is called. closed is
// when the last window of its tables ended.
func (b *bed) start(closed time.Time) (stop func()) {
	b.Helper()
	b.source = newSource()
	b.source.closed = closed
	var err error
	b.agent, err = New(Config{
		Host: "here", Source: b.source, Journal: b.j, Logs: b.logs, Model: b.model, Hosts: b.hosts, Interfaces: b.ifaces, Tags: b.tags,
	})
	b.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.agent.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			b.Errorf("Run: %v", err)
		}
	})
	b.Cleanup(stop)
	return stop
}

// log creates a flow log of a subnet.
func (b *bed) log(n int, change func(*flowlog.FlowLog)) (id string) {
	b.Helper()
	f := flowlog.FlowLog{ID: fmt.Sprintf("fl-%d", n), Account: "123456789012", Created: time.Now().UTC(), Params: flowlog.Params{
		ResourceType: flowlog.Subnet, ResourceID: fmt.Sprintf("subnet-%d", n), Interval: time.Minute, TrafficType: "ALL",
		Format: "${interface-id} ${packets}", DestinationType: flowlog.S3, Destination: "arn:aws:s3:::b",
	}}
	if change != nil {
		change(&f)
	}
	b.must(b.logs.Create(b.Context(), &f))
	return f.ID
}

// soon waits for what has to be so within the two seconds that a change may take.
func (b *bed) soon(what string, ok func() bool) {
	b.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > time.Minute {
			b.Fatalf("waited a minute until %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if took := time.Since(began); took > 2*time.Second {
		b.Errorf("it took %v until %s, want 2s at most", took, what)
	}
}

// captures waits until exactly these devices are captured.
func (b *bed) captures(indices ...int) {
	b.Helper()
	b.soon(fmt.Sprintf("%v are captured", indices), func() bool {
		b.source.mu.Lock()
		defer b.source.mu.Unlock()
		return slices.Equal(b.source.covered, indices)
	})
}

// offer makes the source hand over a window of each device.
func (b *bed) offer(indices ...int) {
	b.source.sequence++
	var ws []flow.Window
	for _, i := range indices {
		w := flow.Window{Tables: 9, Sequence: b.source.sequence, Start: time.Unix(60, 0), End: time.Unix(120, 0),
			Interface: flow.Interface{Index: i, Netns: 7}}
		f := flow.Flow{Count: flow.Count{Packets: 3, Bytes: 300}, First: 60, Last: 119}
		f.SetAddrs(netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"))
		w.Flows = append(w.Flows, f)
		ws = append(ws, w)
	}
	b.source.windows <- ws
}

// handOver is offer, and waits until the windows are taken.
func (b *bed) handOver(indices ...int) {
	b.offer(indices...)
	<-b.source.taken
}

// journalled returns the stamps of all windows in the journal, as
// "tables/sequence interface".
func (b *bed) journalled() (lines []string, stamps []vpc.Stamp) {
	b.Helper()
	first, err := b.j.First(b.Context())
	b.must(err)
	last, err := b.j.Last(b.Context())
	b.must(err)
	if first > last {
		return nil, nil
	}
	b.must(b.j.ReadRange(b.Context(), first, last, func(m *journal.Message) error {
		for _, e := range m.Entries {
			var s vpc.Stamp
			if err := json.Unmarshal(e.Meta, &s); err != nil {
				return err
			}
			lines = append(lines, fmt.Sprintf("%d/%d %s", e.Window.Tables, e.Window.Sequence, s.ID))
			stamps = append(stamps, s)
		}
		return nil
	}))
	return lines, stamps
}

// written returns the keys of devices in the bucket of interfaces.
func (b *bed) written() []string {
	b.Helper()
	keys := make(map[string]bool)
	b.must(b.ifaces.List(b.Context(), "", func(key string, _ []byte) { keys[key] = true }))
	return slices.Sorted(maps.Keys(keys))
}
