package deliverytest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/internal/delivery"
	"weir/internal/flow"
	"weir/internal/flowlog"
	"weir/internal/journal"
	"weir/internal/kv"
	"weir/internal/vpc"
)

// Epoch is when the suite's windows begin.
var Epoch = time.Date(2026, 1, 15, 8, 0, 0, 0, time.UTC)

// A bed is a journal on disk with flow logs in it.
type bed struct {
	testing.TB
	kit       *Kit
	journal   *journal.Journal
	logs      *flowlog.Store
	positions kv.Bucket
	sequence  uint64
	want      map[string]int

	interfaces int           // of the next append
	ahead      time.Duration // of the clock of the first interface's host
	metrics    *delivery.Metrics
}

func newBed(tb testing.TB, kit *Kit, dir string) *bed {
	tb.Helper()
	b := &bed{TB: tb, kit: kit, want: make(map[string]int), interfaces: interfaces, metrics: delivery.NewMetrics()}
	var err error
	b.journal, err = journal.Open(tb.Context(), journal.Config{Dir: dir})
	b.must(err)
	b.logs = flowlog.NewStore(b.bucket("flow-logs"), b.bucket("status"))
	b.positions = b.bucket("positions")
	tb.Cleanup(b.close)
	return b
}

func (b *bed) close() {
	if b.journal == nil {
		return
	}
	b.logs.Close()
	b.must(b.journal.Close())
	b.journal = nil
}

func (b *bed) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bed) bucket(name string) kv.Bucket {
	b.Helper()
	bucket, err := b.journal.KV(b.Context(), name)
	b.must(err)
	return bucket
}

// log makes a flow log of a subnet.
func (b *bed) log(id string) {
	b.Helper()
	f := flowlog.FlowLog{ID: id, Account: "123456789012", Region: "eu-test-1", Created: Epoch, Params: b.kit.Where}
	f.ResourceType, f.ResourceID, f.TrafficType, f.Interval = flowlog.Subnet, "subnet-"+id, "ALL", time.Minute
	f.Format = "${interface-id} ${srcport} ${start} ${log-status}"
	b.must(b.logs.Create(b.Context(), &f))
}

// The windows of one append are so many that every destination needs several parcels:
// interfaces for log groups, records for delivery streams, five minutes for files.
const (
	interfaces = 4
	flows      = 300
)

// append puts windows of the flow log's interfaces into the journal, and wants their
// records.
func (b *bed) append(id string) {
	b.Helper()
	b.sequence++
	batch := &journal.Batch{Host: "here", Tables: 1, Sequence: b.sequence}
	for n := range b.interfaces {
		eni := fmt.Sprintf("eni-%s-%d", id, n)
		meta, err := json.Marshal(&vpc.Stamp{Account: "123456789012", ID: eni, VPC: "vpc-1", Subnet: "subnet-" + id, Region: "eu-test-1"})
		b.must(err)
		start := Epoch.Add(time.Duration(n)*recordInterval + time.Duration(b.sequence)*time.Second)
		if n == 0 {
			start = start.Add(b.ahead)
		}
		w := &flow.Window{Tables: 1, Sequence: b.sequence, Start: start, End: start.Add(time.Second)}
		for port := range flows {
			f := flow.Flow{Count: flow.Count{Packets: 1, Bytes: 100}, First: start.Unix(), Last: w.LastSecond()}
			f.SetAddrs(netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"))
			f.SrcPort, f.Protocol = uint16(port+1), 17
			w.Flows = append(w.Flows, f)
			b.want[fmt.Sprintf("%s %d %d OK", eni, port+1, start.Unix())]++
		}
		batch.Entries = append(batch.Entries, journal.Entry{Meta: meta, Window: w})
	}
	b.must(b.journal.Append(b.Context(), batch))
}

const recordInterval = 5 * time.Minute

// service returns a process that delivers.
func (b *bed) service(sink delivery.Sink, positions kv.Bucket) *delivery.Service {
	b.Helper()
	s, err := delivery.New(delivery.Config{
		Journal: b.journal, Logs: b.logs, Positions: positions, Owner: "here",
		Sinks: map[flowlog.DestinationType]delivery.Sink{b.kit.Where.DestinationType: sink},
		Flush: 20 * time.Millisecond, MaxPause: pause, Metrics: b.metrics,
	})
	b.must(err)
	return s
}

// pause is what a minute between two attempts is in the suite.
const pause = 10 * time.Millisecond

// run runs a service until stop is called.
func (b *bed) run(s *delivery.Service) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			b.Errorf("Run = %v, want %v", err, context.Canceled)
		}
	})
	b.Cleanup(stop)
	return stop
}

// until waits for something, a minute at the most.
func (b *bed) until(what string, ok func() bool) {
	b.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			st, err := b.logs.Status(b.Context(), "fl-1")
			b.Fatalf("waited a minute until %s; the status is %+v, %v", what, st, err)
		}
	}
}

// delivered reports whether everything is.
func (b *bed) delivered(ids ...string) bool {
	last, err := b.journal.Last(b.Context())
	b.must(err)
	for _, id := range ids {
		ok, err := through(b.Context(), b.positions, id, last)
		b.must(err)
		if !ok {
			return false
		}
	}
	return true
}

// through reports whether a flow log has everything up to a sequence of the journal.
func through(ctx context.Context, positions kv.Bucket, id string, last uint64) (bool, error) {
	raw, _, err := positions.Get(ctx, id)
	if errors.Is(err, kv.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var pos struct {
		Next    uint64
		Batch   *struct{}
		Waiting []struct{}
	}
	err = json.Unmarshal(raw, &pos)
	return pos.Next > last && pos.Batch == nil && len(pos.Waiting) == 0, err
}

// A safeBuffer is what a process writes to while it is read.
type safeBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// status waits until the status of a flow log has this error, "" for none.
func (b *bed) status(id, want string) flowlog.Status {
	b.Helper()
	var st flowlog.Status
	b.until(fmt.Sprintf("the status is %q", want), func() (ok bool) {
		var err error
		st, err = b.logs.Status(b.Context(), id)
		b.must(err)
		return st.Error == want
	})
	return st
}

// check compares what arrived with what was captured; again is how many requests may have
// brought what was there.
func (b *bed) check(server *Server, again int) {
	b.Helper()
	server.With(func(p Protocol) {
		got := p.Lines()
		missing, doubled, strange := 0, 0, 0
		for line := range b.want {
			switch n := got[line]; {
			case n == 0:
				missing++
			case n > 1:
				doubled++
			}
		}
		for line := range got {
			if b.want[line] == 0 {
				strange++
			}
		}
		if n := p.Repeated(); missing > 0 || strange > 0 || n > again || doubled > 0 && again == 0 {
			b.Errorf("of %d records %d are missing, %d are there twice, and %d are there that nobody captured; %d requests brought something again, want at most %d",
				len(b.want), missing, doubled, strange, n, again)
		}
	})
}

// checkLog is check of one flow log's records: those of others are left out.
func (b *bed) checkLog(server *Server, id string, again int) {
	b.Helper()
	server.With(func(p Protocol) {
		got := p.Lines()
		missing, doubled := 0, 0
		for line := range b.want {
			switch n := got[line]; {
			case n == 0:
				missing++
			case n > 1:
				doubled++
			}
		}
		if n := p.Repeated(); missing > 0 || n > again {
			b.Errorf("%s: of %d records %d are missing and %d are there twice; %d requests brought something again, want at most %d",
				id, len(b.want), missing, doubled, n, again)
		}
	})
}
