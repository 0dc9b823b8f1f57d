package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bytes"

	"weir/internal/flow"
	"weir/internal/flowlog"
	"weir/internal/journal"
	"weir/internal/kv"
	"weir/internal/vpc"
	"weir/record"
	"weir/recordfile"
	"weir/recordfile/parquetfile"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		code = leaks()
	}
	os.Exit(code)
}

// leaks reports goroutines of deliveries that have ended.
func leaks() int {
	var left []string
	for range 100 {
		buf := make([]byte, 1<<20)
		left = nil
		for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(g, "weir/internal/delivery.(") || strings.Contains(g, "weir/internal/journal.(") {
				left = append(left, g)
			}
		}
		if len(left) == 0 {
			return 0
		}
		time.Sleep(100 * time.Millisecond)
	}
	fmt.Printf("%d goroutines leak:\n%s\n", len(left), strings.Join(left, "\n\n"))
	return 1
}

// memory is an ObjectStore that keeps objects, and notes those that were put
// again with another content. fail, if it is there, may refuse or delay.
type memory struct {
	fail func(ctx context.Context, bucket, key string) error

	mu      sync.Mutex
	objects map[string][]byte // by bucket/key
	twice   []string
}

func (m *memory) Put(ctx context.Context, bucket, key string, body []byte, _ string) error {
	if m.fail != nil {
		if err := m.fail(ctx, bucket, key); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key = bucket + "/" + key
	if was, ok := m.objects[key]; ok && !bytes.Equal(was, body) {
		m.twice = append(m.twice, key)
	}
	m.objects[key] = bytes.Clone(body)
	return nil
}

func (m *memory) Check(context.Context, string) error { return nil }

func (m *memory) keys() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.objects))
}

// A bed is a journal on disk, flow logs in it, and a store.
type bed struct {
	testing.TB
	j         *journal.Journal
	logs      *flowlog.Store
	positions kv.Bucket
	store     *memory
	service   *Service
	sequence  uint64
}

func newBed(tb testing.TB) *bed {
	tb.Helper()
	return newBedOver(tb, journal.Config{Dir: tb.TempDir()})
}

func newBedOver(tb testing.TB, cfg journal.Config) *bed {
	tb.Helper()
	b := &bed{TB: tb, store: &memory{objects: make(map[string][]byte)}}
	var err error
	b.j, err = journal.Open(tb.Context(), cfg)
	b.must(err)
	tb.Cleanup(func() { b.must(b.j.Close()) })
	b.logs = flowlog.NewStore(b.bucket("flow-logs"), b.bucket("status"))
	tb.Cleanup(b.logs.Close)
	b.positions = b.bucket("positions")
	b.service = b.open(Config{})
	return b
}

func (b *bed) bucket(name string) kv.Bucket {
	b.Helper()
	bucket, err := b.j.KV(b.Context(), name)
	b.must(err)
	return bucket
}

// open returns a service over the bed; cfg says what is different.
func (b *bed) open(cfg Config) *Service {
	b.Helper()
	cfg.Journal, cfg.Logs = b.j, b.logs
	if cfg.Positions == nil {
		cfg.Positions = b.positions
	}
	if cfg.Sinks == nil {
		cfg.Sinks = inBuckets(b.store)
	}
	if cfg.Owner == "" {
		cfg.Owner = "here"
	}
	s, err := New(cfg)
	b.must(err)
	return s
}

// inBuckets are the sinks of a service that has S3 only.
func inBuckets(store ObjectStore) map[flowlog.DestinationType]Sink {
	return map[flowlog.DestinationType]Sink{flowlog.S3: NewObjects(store)}
}

func (b *bed) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// epoch is when the tests' windows begin: at the beginning of five minutes.
var epoch = time.Date(2026, 1, 15, 8, 0, 0, 0, time.UTC)

// log makes a flow log of the VPC, created at the epoch; change says what is
// different.
func (b *bed) log(id string, change func(*flowlog.FlowLog)) flowlog.FlowLog {
	b.Helper()
	f := flowlog.FlowLog{
		ID: id, Account: "123456789012", Region: "eu-test-1", Created: epoch,
		Params: flowlog.Params{
			ResourceType: flowlog.VPC, ResourceID: "vpc-1", TrafficType: "ALL", Interval: time.Minute,
			Format:          "${interface-id} ${srcport} ${packets} ${start} ${end} ${action} ${log-status}",
			DestinationType: flowlog.S3, Destination: "arn:aws:s3:::" + id,
		},
	}
	if change != nil {
		change(&f)
	}
	b.must(b.logs.Create(b.Context(), &f))
	return f
}

// A win is a window of an interface: seconds since the epoch, and flows, one for
// each of ports, which end with the window.
type win struct {
	iface      string // default eni-1
	start, end int
	ports      []uint16
	rejected   bool
	skipped    uint64
	quiet      bool
}

// window makes a window with what is known of its interface.
func (w win) entry(sequence uint64) journal.Entry {
	if w.iface == "" {
		w.iface = "eni-1"
	}
	meta, err := json.Marshal(&vpc.Stamp{Account: "123456789012", ID: w.iface, VPC: "vpc-1", Subnet: "subnet-" + w.iface, Region: "eu-test-1"})
	if err != nil {
		panic(err)
	}
	at := func(s int) time.Time { return epoch.Add(time.Duration(s) * time.Second) }
	fw := &flow.Window{Tables: 1, Sequence: sequence, Start: at(w.start), End: at(w.end), Quiet: w.quiet}
	fw.Skipped[0].Packets = w.skipped
	for _, port := range w.ports {
		f := flow.Flow{Count: flow.Count{Packets: uint64(port), Bytes: 100}, First: fw.Start.Unix(), Last: fw.LastSecond()}
		f.SetAddrs(netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"))
		f.SrcPort, f.Protocol = port, 17
		if w.rejected {
			f.Verdict = flow.Reject
		}
		fw.Flows = append(fw.Flows, f)
	}
	return journal.Entry{Meta: meta, Window: fw}
}

// append puts windows that end together into the journal.
func (b *bed) append(windows ...win) {
	b.Helper()
	b.sequence++
	batch := &journal.Batch{Host: "here", Tables: 1, Sequence: b.sequence}
	for _, w := range windows {
		batch.Entries = append(batch.Entries, w.entry(b.sequence))
	}
	b.must(b.j.Append(b.Context(), batch))
}

// step makes the worker of a flow log, as a process that begins, publish what
// there is.
func (b *bed) step(s *Service, id string) (ended bool, err error) {
	b.Helper()
	f, err := b.logs.Get(b.Context(), id)
	b.must(err)
	w := newWorker(s, f)
	w.mark = time.Time{}
	_, ended, err = w.step(b.Context(), &f)
	return ended, err
}

// publish is step that has to work.
func (b *bed) publish(id string) (ended bool) {
	b.Helper()
	ended, err := b.step(b.service, id)
	b.must(err)
	return ended
}

// lines returns the records in a bucket, each as text, sorted; with the file's
// five minutes in front if minutes are asked for.
func (b *bed) lines(bucket string, minutes bool) (lines []string) {
	b.Helper()
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	for path, body := range b.store.objects {
		key, ok := strings.CutPrefix(path, bucket+"/")
		if !ok {
			continue
		}
		k, err := recordfile.ParseKey(key)
		b.must(err)
		var r recordfile.Reader = recordfile.NewTextReader(bytes.NewReader(body))
		if k.Parquet {
			r, err = parquetfile.NewReader(bytes.NewReader(body), int64(len(body)))
			b.must(err)
		}
		for {
			var rec record.Record
			err := r.Read(&rec)
			if err == io.EOF {
				break
			}
			b.must(err)
			var fields []string
			if minutes {
				fields = append(fields, k.Time.Format("15:04"))
			}
			for _, f := range []record.Field{record.InterfaceID, record.SrcPort, record.Action, record.LogStatus} {
				text, ok := rec.Text(f)
				switch n, isInt := rec.Int(f); {
				case isInt:
					fields = append(fields, fmt.Sprint(n))
				case ok:
					fields = append(fields, string(text))
				default:
					fields = append(fields, "-")
				}
			}
			lines = append(lines, strings.Join(fields, " "))
		}
	}
	if len(b.store.twice) > 0 {
		b.Errorf("put twice with different content: %q", b.store.twice)
	}
	slices.Sort(lines)
	return lines
}

func (b *bed) until(what string, ok func() bool) {
	b.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatalf("waited a minute until %s", what)
		}
	}
}

// run runs a service until the returned function is called, which is at the end
// of the test at the latest.
func (b *bed) run(s *Service) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if !errors.Is(err, context.Canceled) {
				b.Errorf("Run = %v, want %v", err, context.Canceled)
			}
		case <-time.After(5 * time.Second):
			b.Error("Run goes on 5s after its context has ended")
		}
	})
	b.Cleanup(stop)
	return stop
}
