// Package deliverytest is what every destination of package delivery has to stand: a
// service that is away, slow, overloaded, half full, closed to us, deleted, at another
// time; and a process of ours that dies at any moment. After each of it everything that
// was captured has to be there once, without anybody's help. Twice is allowed for what was
// sent when an answer was lost, and only where the destination can't replace.
//
// The services are played by servers that speak the real protocols.
package deliverytest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/internal/delivery"
	"weir/internal/flowlog"
	"weir/internal/kv"
)

// A Kit is a kind of destination.
type Kit struct {
	Where flowlog.Params // the destination

	// Protocol returns a service that has the destination, or makes it when it is missing.
	Protocol func() Protocol

	// Sink returns what delivers to a server at a URL, with [Key]. Requests are given up
	// after timeout, and are not repeated by anything below the sink.
	Sink func(ctx context.Context, url string, timeout time.Duration) (delivery.Sink, error)

	Parts    bool // a part of a parcel may be taken
	Replaces bool // what is sent again replaces itself
	Makes    bool // what is missing is made
}

// timeout is how long the suite's sinks wait for an answer.
const timeout = 2 * time.Second

// Run runs the suite.
func (k *Kit) Run(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault Fault
		want  string // the status meanwhile
	}{
		{"a service that is away for an hour", Down, "Unknown error"},
		{"one that is slow", Slow, ""},
		{"one that is asked too often", Throttling, "Rate limited"},
		{"one with another clock", Skewed, "Access error"},
		{"one that never answers", Hanging, "Unknown error"},
	} {
		t.Run(tt.name, func(t *testing.T) { k.fault(t, tt.fault, tt.want) })
	}
	t.Run("one that takes half", k.half)
	t.Run("one that loses its answers", k.silent)
	t.Run("wrong credentials", k.credentials)
	t.Run("a destination that is deleted", k.deleted)
	t.Run("positions that can't be written", k.unwritten)
	t.Run("a host whose clock is ahead", k.early)
	t.Run("records that are too old", k.late)
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("a process that dies at each step, after it %v", after), func(t *testing.T) { k.dies(t, after) })
	}
}

// open returns a bed with a flow log and records, a server, and a sink.
func (k *Kit) open(t *testing.T) (*bed, *Server, delivery.Sink) {
	t.Helper()
	b := newBed(t, k, t.TempDir())
	server := NewServer(t, k.Protocol())
	return b, server, k.sink(b, server)
}

func (k *Kit) sink(b *bed, server *Server) delivery.Sink {
	b.Helper()
	wait := timeout
	sink, err := k.Sink(b.Context(), server.URL, wait)
	b.must(err)
	return sink
}

// attempts are an hour's, a minute apart.
const attempts = 60

func (k *Kit) fault(t *testing.T, f Fault, want string) {
	b, server, sink := k.open(t)
	many := attempts
	if f == Hanging {
		sink = must(k.Sink(t.Context(), server.URL, 50*time.Millisecond))(t)
		many = 3
	}
	b.log("fl-1")
	b.append("fl-1")
	server.Set(f)
	b.run(b.service(sink, b.positions))
	if want == "" {
		b.until("everything is delivered", func() bool { return b.delivered("fl-1") })
		b.check(server, 0)
		return
	}
	if st := b.status("fl-1", want); st.Cause == "" {
		t.Error("the status has no cause")
	}
	b.until("it was tried for an hour", func() bool { return server.Asked() >= many })
	b.append("fl-1") // capture goes on
	server.Set(None)
	b.status("fl-1", "")
	b.until("everything is delivered", func() bool { return b.delivered("fl-1") })
	b.check(server, 0)
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

// half has a service that takes half of each request for a while.
func (k *Kit) half(t *testing.T) {
	if !k.Parts {
		t.Skip("SKIPPED: it takes all or nothing")
	}
	b, server, sink := k.open(t)
	b.log("fl-1")
	b.append("fl-1")
	server.Set(Half)
	stop := b.run(b.service(sink, b.positions))
	b.until("it was tried often", func() bool { return server.Asked() >= 12 })
	stop() // and another process goes on with what is left
	b.append("fl-1")
	stop = b.run(b.service(sink, b.positions))
	asked := server.Asked()
	b.until("it was tried again", func() bool { return server.Asked() >= asked+3 })
	server.Set(None)
	b.until("everything is delivered", func() bool { return b.delivered("fl-1") })
	b.status("fl-1", "")
	stop()
	b.check(server, 0)
}

// silent has a service that takes what is sent and does not answer: only that may be there
// twice, and must be there once.
func (k *Kit) silent(t *testing.T) {
	b, server, sink := k.open(t)
	b.log("fl-1")
	b.append("fl-1")
	if k.Makes { // the destination is there
		stop := b.run(b.service(sink, b.positions))
		b.until("something is delivered", func() bool { return b.delivered("fl-1") })
		stop()
		b.append("fl-1")
	}
	asked := server.Asked()
	server.Set(Silent)
	b.run(b.service(sink, b.positions))
	b.status("fl-1", "Unknown error")
	server.Set(None)
	lost := server.Asked() - asked
	b.until("everything is delivered", func() bool { return b.delivered("fl-1") })
	if k.Replaces {
		lost = 0
	}
	b.check(server, lost)
}

func (k *Kit) credentials(t *testing.T) {
	b, server, sink := k.open(t)
	server.SetKey("AKIAANOTHER")
	b.log("fl-1")
	b.append("fl-1")
	b.run(b.service(sink, b.positions))
	b.status("fl-1", "Access error")
	server.SetKey(Key)
	b.until("everything is delivered", func() bool { return b.delivered("fl-1") })
	b.status("fl-1", "")
	b.check(server, 0)
}

func (k *Kit) deleted(t *testing.T) {
	b, server, sink := k.open(t)
	b.log("fl-1")
	b.append("fl-1")
	b.run(b.service(sink, b.positions))
	b.until("it is delivered", func() bool { return b.delivered("fl-1") })
	server.With(Protocol.Remove)
	if k.Replaces {
		clear(b.want) // they went with it
	}
	b.append("fl-1")
	if !k.Makes {
		b.status("fl-1", "Access error")
		server.With(Protocol.Restore)
	}
	b.until("everything is delivered", func() bool { return b.delivered("fl-1") })
	b.status("fl-1", "")
	b.check(server, 0)
}

// early has windows of a day to come: they wait, what came later does not, and they arrive
// when their time does.
func (k *Kit) early(t *testing.T) {
	b, server, sink := k.open(t)
	clock := false
	server.With(func(p Protocol) { _, clock = p.(*Logs) })
	if !clock {
		t.Skip("SKIPPED: it takes records of any time")
	}
	b.log("fl-1")
	const day = 24 * time.Hour
	b.ahead = day
	b.append("fl-1")
	b.ahead = 0
	b.append("fl-1")
	stop := b.run(b.service(sink, b.positions))
	st := b.status("fl-1", "Unknown error")
	if !strings.Contains(st.Cause, "ahead of its clock") {
		t.Errorf("the cause is %q", st.Cause)
	}
	arrived := func(want int) bool {
		n := 0
		server.With(func(p Protocol) { n = len(p.Lines()) })
		return n == want
	}
	b.until("all others are delivered", func() bool { return arrived(len(b.want) - flows) })
	stop()
	b.append("fl-1")
	stop = b.run(b.service(sink, b.positions))
	b.until("what came later is delivered", func() bool { return arrived(len(b.want) - flows) })
	server.With(func(p Protocol) {
		l := p.(*Logs)
		now := l.Now()
		l.Now = func() time.Time { return now.Add(day) }
	})
	b.until("everything is delivered", func() bool { return b.delivered("fl-1") })
	b.status("fl-1", "")
	stop()
	b.check(server, 0)
}

// late has windows that are older than the service takes: they are counted, and do not hold
// up those that are not.
func (k *Kit) late(t *testing.T) {
	b, server, sink := k.open(t)
	clock := false
	server.With(func(p Protocol) { _, clock = p.(*Logs) })
	if !clock {
		t.Skip("SKIPPED: it takes records of any time")
	}
	const days = 15 * 24 * time.Hour
	server.With(func(p Protocol) { p.(*Logs).Now = func() time.Time { return Epoch.Add(days) } })
	b.log("fl-1")
	b.append("fl-1")
	clear(b.want) // they are lost
	b.interfaces, b.ahead = 1, days
	b.append("fl-1")
	b.run(b.service(sink, b.positions))
	b.until("everything is delivered", func() bool { return b.delivered("fl-1") })
	b.check(server, 0)
	var page strings.Builder
	b.metrics.Set().WritePrometheus(&page)
	if want := fmt.Sprintf("weir_delivery_lost_records_total{flow_log=\"fl-1\"} %d\n", interfaces*flows); !strings.Contains(page.String(), want) {
		t.Errorf("there is no %s in\n%s", want, page.String())
	}
	b.until("the status counts them", func() bool {
		st, err := b.logs.Status(b.Context(), "fl-1")
		b.must(err)
		return st.Lost == interfaces*flows && st.Records == flows && st.Error == ""
	})
}

// errDead is what a process that is dead gets from everybody.
var errDead = errors.New("killed")

// A step is one that is seen from outside.
type step int

const (
	write step = iota // of a position
	send              // of a parcel
)

// A life is that of a process, which ends with one of its steps: before it, or after it
// and before the process knows. Only some steps fail if it is no more than an error.
type life struct {
	mu    sync.Mutex
	left  int
	after bool
	once  bool // the step fails, and the process lives on
	last  step // that it ended with
	dead  chan struct{}
}

func newLife(steps int, after bool) *life {
	return &life{left: steps, after: after, dead: make(chan struct{})}
}

func (l *life) step(s step, do func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left--; l.left > 0 || l.once && l.left < 0 {
		return do()
	}
	if l.left == 0 {
		if l.after {
			_ = do()
		}
		l.last = s
		close(l.dead)
	}
	return errDead
}

// mortalKV, mortalSink and mortalMaker take part in a life.
type mortalKV struct {
	kv.Bucket
	*life
}

func (k mortalKV) Create(ctx context.Context, key string, value []byte) (revision uint64, err error) {
	err = k.step(write, func() error { revision, err = k.Bucket.Create(ctx, key, value); return err })
	return revision, err
}

func (k mortalKV) Update(ctx context.Context, key string, value []byte, was uint64) (revision uint64, err error) {
	err = k.step(write, func() error { revision, err = k.Bucket.Update(ctx, key, value, was); return err })
	return revision, err
}

type mortalSink struct {
	delivery.Sink
	*life
}

func (s mortalSink) Make(f *flowlog.FlowLog, from, to uint64) (delivery.Maker, error) {
	m, err := s.Sink.Make(f, from, to)
	return mortalMaker{m, s.life}, err
}

type mortalMaker struct {
	delivery.Maker
	*life
}

func (m mortalMaker) Parcels(ctx context.Context, items delivery.Spans) ([]delivery.Parcel, error) {
	parcels, err := m.Maker.Parcels(ctx, items)
	for i := range parcels {
		deliver := parcels[i].Send
		parcels[i].Send = func(ctx context.Context) (answer delivery.Answer, err error) {
			err = m.step(send, func() error { answer, err = deliver(ctx); return err })
			return answer, err
		}
	}
	return parcels, err
}

// dies kills a process at each of its steps. Windows arrive before the next one begins, so that
// its ranges would be others. Who dies between the answer and writing it down sends one
// parcel again.
func (k *Kit) dies(t *testing.T, after bool) {
	b, server, sink := k.open(t)
	for n := 1; ; n++ {
		if n > 40 {
			t.Fatal("no process comes to its end in 40 steps")
		}
		clear(b.want)
		var before int
		server.With(func(p Protocol) { before = p.Repeated() })
		id := fmt.Sprintf("fl-%d", n)
		b.log(id)
		b.append(id)
		l := newLife(n, after)
		stop := b.run(b.service(mortalSink{sink, l}, mortalKV{b.positions, l}))
		ended := false
		b.until("the process dies or ends", func() bool {
			select {
			case <-l.dead:
				return true
			default:
				ended = b.delivered(id)
				return ended
			}
		})
		stop()
		b.append(id)
		stop = b.run(b.service(sink, b.positions))
		b.until("everything is delivered", func() bool { return b.delivered(id) })
		stop()
		again := 0
		if !ended && !k.Replaces && after == (l.last == send) {
			again = 1
		}
		b.checkLog(server, id, before+again)
		b.must(b.logs.Forget(t.Context(), id))
		b.must(b.positions.Delete(t.Context(), id))
		if ended {
			if least := 5; n < least {
				t.Errorf("a process needs only %d steps, want %d", n-1, least)
			}
			return
		}
	}
}

// unwritten fails to write each position once, of a process that lives on: what was
// acknowledged is not sent again.
func (k *Kit) unwritten(t *testing.T) {
	for _, after := range []bool{false, true} {
		b, server, sink := k.open(t)
		for n := 1; n <= 8; n++ {
			clear(b.want)
			id := fmt.Sprintf("fl-%d", n)
			b.log(id)
			b.append(id)
			l := newLife(n, after)
			l.once = true
			stop := b.run(b.service(sink, mortalKV{b.positions, l}))
			b.until("everything is delivered", func() bool { return b.delivered(id) })
			stop()
			b.checkLog(server, id, 0)
			b.must(b.logs.Forget(t.Context(), id))
			b.must(b.positions.Delete(t.Context(), id))
		}
	}
}
