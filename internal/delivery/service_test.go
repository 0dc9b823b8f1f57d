package delivery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"weir/internal/flowlog"
	"weir/internal/journal"
)

// TestADeadDestinationHoldsUpNobody has more flow logs with a destination that
// never answers than batches are made at a time.
func TestADeadDestinationHoldsUpNobody(t *testing.T) {
	b := newBed(t)
	var hanging atomic.Int32
	b.store.fail = func(ctx context.Context, bucket, _ string) error {
		if bucket != "dead" {
			return nil
		}
		hanging.Add(1)
		<-ctx.Done()
		return ctx.Err()
	}
	for n := range 5 {
		b.log(fmt.Sprintf("fl-dead%d", n), func(f *flowlog.FlowLog) { f.Destination = fmt.Sprintf("arn:aws:s3:::dead/%d", n) })
	}
	b.append(win{end: 60, ports: []uint16{1}})
	stop := b.run(b.open(Config{Flush: time.Second}))
	b.until("the dead destination is asked", func() bool { return hanging.Load() >= parallel })
	b.log("fl-alive", nil)
	b.until("the other one has its object", func() bool { return len(b.lines("fl-alive", false)) == 1 })
	stop()
}

func TestAccessErrorHealsByItself(t *testing.T) {
	client, _, _ := embedded(t)
	b := newBed(t)
	b.log("fl-1", func(f *flowlog.FlowLog) { f.Destination = "arn:aws:s3:::not-yet/folder" })
	b.append(win{end: 60, ports: []uint16{1}})
	b.run(b.open(Config{Flush: time.Second, Sinks: inBuckets(client)}))
	status := func() flowlog.Status {
		st, err := b.logs.Status(t.Context(), "fl-1")
		b.must(err)
		return st
	}
	b.until("the status is an error", func() bool { return status().Error != "" })
	if st := status(); st.Error != "Access error" || !strings.Contains(st.Cause, "NoSuchBucket") {
		t.Errorf("status is %+v, want an access error because of NoSuchBucket", st)
	}
	b.append(win{start: 60, end: 120, ports: []uint16{2}})
	bucket := "not-yet"
	_, err := client.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket})
	b.must(err)
	b.until("everything is delivered", func() bool { return status().Records == 2 })
	if st := status(); st.Error != "" || st.Cause != "" || st.Objects == 0 || st.Bytes == 0 || st.Last.IsZero() {
		t.Errorf("after the repair the status is %+v", st)
	}
}

func TestADeletedFlowLogEnds(t *testing.T) {
	deleted := epoch.Add(90 * time.Second)
	for _, tt := range []struct {
		name    string
		through []time.Duration // of each host, since the deletion
		linger  time.Duration   // since now
		want    bool
	}{
		{"without hosts", nil, time.Hour, true},
		{"when a host is behind", []time.Duration{time.Hour, -1}, time.Hour, false},
		{"when all hosts are there", []time.Duration{time.Hour, 0}, time.Hour, true},
		{"when a host is behind for too long", []time.Duration{-1}, -time.Nanosecond, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t)
			s := b.open(Config{Linger: time.Since(deleted) + tt.linger, Agents: func(context.Context) (all []time.Time, err error) {
				for _, d := range tt.through {
					all = append(all, deleted.Add(d))
				}
				return all, nil
			}})
			const id = "fl-1"
			b.log(id, nil)
			b.append(win{start: 0, end: 60, ports: []uint16{1}}, win{start: 89, end: 120, ports: []uint16{2}}, win{start: 90, end: 120, ports: []uint16{3}})
			b.must(b.logs.Delete(t.Context(), id, deleted))
			ended, err := b.step(s, id)
			b.must(err)
			if ended != tt.want {
				t.Errorf("ended is %v, want %v", ended, tt.want)
			}
			if diff := cmp.Diff([]string{"eni-1 1 ACCEPT OK", "eni-1 2 ACCEPT OK"}, b.lines(id, false)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			_, err = b.logs.Get(t.Context(), id)
			_, has, e := b.service.positions.get(t.Context(), id)
			b.must(e)
			if gone := err != nil; gone != tt.want || has == tt.want {
				t.Errorf("gone is %v, a position is there %v, want %v and %v", gone, has, tt.want, !tt.want)
			}
			if st, err := b.logs.Status(t.Context(), id); tt.want && (err != nil || st != flowlog.Status{}) {
				t.Errorf("the status of what has ended is %+v, %v", st, err)
			}
		})
	}
}

// TestAnEndedFlowLogStaysEnded tells the service of it again, as the store does
// when another flow log changed before this one was gone.
func TestAnEndedFlowLogStaysEnded(t *testing.T) {
	b := newBed(t)
	s := b.open(Config{Flush: time.Second, Agents: func(context.Context) ([]time.Time, error) { return nil, nil }})
	b.log("fl-1", nil)
	b.append(win{end: 60, ports: []uint16{1}})
	b.must(b.logs.Delete(t.Context(), "fl-1", epoch.Add(time.Hour)))
	f, err := b.logs.Get(t.Context(), "fl-1")
	b.must(err)
	var wg sync.WaitGroup
	s.follow(t.Context(), &wg, []flowlog.FlowLog{f})
	wg.Wait()
	s.follow(t.Context(), &wg, []flowlog.FlowLog{f})
	wg.Wait()
	if n := len(b.store.keys()); n != 1 {
		t.Errorf("%d objects, want 1", n)
	}
	if _, ok, err := s.positions.get(t.Context(), "fl-1"); ok || err != nil {
		t.Errorf("it has a position again, %v", err)
	}
	s.follow(t.Context(), &wg, nil)
	if len(s.workers) > 0 {
		t.Error("it is still known when the store does not tell of it any more")
	}
}

func TestTheJournalIsFreedOfWhatAllHave(t *testing.T) {
	b := newBed(t)
	first := func(want uint64) {
		t.Helper()
		b.must(b.service.releaseOnce(t.Context()))
		if got, err := b.j.First(t.Context()); err != nil || got != want {
			t.Errorf("the journal begins at %d, %v, want %d", got, err, want)
		}
	}
	b.log("fl-1", nil)
	b.log("fl-2", nil)
	for n := range 5 {
		b.append(win{start: n, end: n + 1, ports: []uint16{1}})
	}
	first(1) // nobody has begun
	b.publish("fl-1")
	first(1) // the other one has not
	b.store.fail = func(context.Context, string, string) error {
		return &Failure{Kind: UnknownError, Err: errors.New("no")}
	}
	if _, err := b.step(b.service, "fl-2"); err == nil {
		t.Error("a put that failed is no error")
	}
	first(1) // its batch is on its way
	b.store.fail = nil
	b.publish("fl-2")
	first(6)
	b.append(win{start: 5, end: 6, ports: []uint16{1}})
	b.publish("fl-2")
	first(6)
	b.publish("fl-1")
	first(7)
	first(7)
	b.must(b.logs.Forget(t.Context(), "fl-1"))
	b.must(b.logs.Forget(t.Context(), "fl-2"))
	b.append(win{start: 6, end: 7, ports: []uint16{1}})
	first(8) // nobody wants it
}

func TestABacklogIsDeliveredInParts(t *testing.T) {
	b := newBed(t)
	b.log("fl-1", nil)
	var want int
	for n := range 2*maxBatch + 1 {
		b.append(win{start: n % 300, end: n%300 + 1, ports: []uint16{uint16(n + 1)}})
		want++
	}
	b.publish("fl-1")
	if got := len(b.lines("fl-1", false)); got != want {
		t.Errorf("%d records, want %d", got, want)
	}
	if n := len(b.store.keys()); n != 3 {
		t.Errorf("%d objects, want one for each %d messages", n, maxBatch)
	}
}

// TestAnotherJournal delivers into a journal that is younger than the positions.
func TestAnotherJournal(t *testing.T) {
	b := newBed(t)
	b.log("fl-1", nil)
	b.append(win{end: 60, ports: []uint16{1}})
	b.must(b.service.positions.put(t.Context(), "fl-1", &position{Next: 100}))
	if _, err := b.step(b.service, "fl-1"); err == nil || !strings.Contains(err.Error(), "delivered up to 99, but the journal ends at 1") {
		t.Errorf("error is %v", err)
	}
	if st, err := b.logs.Status(t.Context(), "fl-1"); err != nil || st.Error != "Unknown error" {
		t.Errorf("status is %+v, %v", st, err)
	}
	b.must(b.service.releaseOnce(t.Context()))
	if first, err := b.j.First(t.Context()); err != nil || first != 1 {
		t.Errorf("the journal begins at %d, %v, want 1: nothing was delivered", first, err)
	}
}

// external starts a NATS server for a journal that others can reach.
func external(t *testing.T) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		ServerName: "external", Host: "127.0.0.1", Port: server.RANDOM_PORT, StoreDir: t.TempDir(),
		JetStream: true, SyncAlways: true, NoSigs: true, NoLog: true, JetStreamMaxStore: 1 << 40,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server is not ready")
	}
	return s
}

// TestADamagedMessageIsNamed keeps what is behind it until somebody has decided.
func TestADamagedMessageIsNamed(t *testing.T) {
	s := external(t)
	b := newBedOver(t, journal.Config{URL: s.ClientURL()})
	b.log("fl-1", nil)
	b.append(win{end: 60, ports: []uint16{1}})
	conn, err := nats.Connect(s.ClientURL())
	b.must(err)
	defer conn.Close()
	_, err = conn.Request("weir.windows.somebody", []byte("not an envelope"), 10*time.Second)
	b.must(err)
	b.append(win{start: 60, end: 120, ports: []uint16{2}})
	if _, err := b.step(b.service, "fl-1"); !errors.Is(err, journal.ErrDamaged) {
		t.Errorf("error is %v, want %v", err, journal.ErrDamaged)
	}
	if st, err := b.logs.Status(t.Context(), "fl-1"); err != nil || st.Error != "Unknown error" || !strings.Contains(st.Cause, "message 2") {
		t.Errorf("status is %+v, %v, want one that names message 2", st, err)
	}
	_, err = conn.Request("$JS.API.STREAM.MSG.DELETE.WEIR_WINDOWS", []byte(`{"seq":2}`), 10*time.Second)
	b.must(err)
	b.publish("fl-1")
	if diff := cmp.Diff([]string{"eni-1 1 ACCEPT OK", "eni-1 2 ACCEPT OK"}, b.lines("fl-1", false)); diff != "" {
		t.Errorf("after its removal (-want +got):\n%s", diff)
	}
}

// TestTwoProcesses share a journal: one delivers, the other when that has ended.
func TestTwoProcesses(t *testing.T) {
	b := newBed(t)
	b.log("fl-1", nil)
	stop := b.run(b.open(Config{Flush: time.Second, Owner: "a"}))
	b.append(win{end: 60, ports: []uint16{1}})
	b.until("the first delivers", func() bool { return len(b.lines("fl-1", false)) == 1 })
	stopOther := b.run(b.open(Config{Flush: time.Second, Owner: "b"}))
	b.append(win{start: 60, end: 120, ports: []uint16{2}})
	b.until("somebody delivers", func() bool { return len(b.lines("fl-1", false)) == 2 })
	stop()
	b.append(win{start: 120, end: 180, ports: []uint16{3}})
	b.until("the second delivers", func() bool { return len(b.lines("fl-1", false)) >= 3 })
	stopOther()
	if diff := cmp.Diff([]string{"eni-1 1 ACCEPT OK", "eni-1 2 ACCEPT OK", "eni-1 3 ACCEPT OK"}, b.lines("fl-1", false)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestManyFlowLogs are restarted again and again while windows arrive.
func TestManyFlowLogs(t *testing.T) {
	b := newBed(t)
	const logs, rounds = 20, 5
	for n := range logs {
		b.log(fmt.Sprintf("fl-%d", n), func(f *flowlog.FlowLog) {
			f.Parquet, f.Destination = n%2 == 0, fmt.Sprintf("arn:aws:s3:::bucket-%d", n)
		})
	}
	var want []string
	for r := range rounds {
		stop := b.run(b.open(Config{Flush: time.Second}))
		b.append(win{start: 60 * r, end: 60*r + 60, ports: []uint16{uint16(r + 1)}})
		want = append(want, fmt.Sprintf("eni-1 %d ACCEPT OK", r+1))
		if r < rounds-1 {
			b.until("the first has something new", func() bool { return len(b.lines("bucket-0", false)) > r })
		} else {
			b.until("all have everything", func() bool {
				for n := range logs {
					if len(b.lines(fmt.Sprintf("bucket-%d", n), false)) < rounds {
						return false
					}
				}
				return true
			})
		}
		stop()
	}
	for n := range logs {
		if diff := cmp.Diff(want, b.lines(fmt.Sprintf("bucket-%d", n), false)); diff != "" {
			t.Errorf("flow log %d (-want +got):\n%s", n, diff)
		}
	}
}

// TestDeletionIsSeenAtOnce deletes a flow log while it waits for its mark.
func TestDeletionIsSeenAtOnce(t *testing.T) {
	b := newBed(t)
	b.log("fl-1", nil)
	b.run(b.open(Config{Agents: func(context.Context) ([]time.Time, error) { return nil, nil }}))
	b.until("it has begun", func() bool { _, ok, err := b.service.positions.get(t.Context(), "fl-1"); return ok && err == nil })
	b.append(win{end: 60, ports: []uint16{1}})
	b.must(b.logs.Delete(t.Context(), "fl-1", epoch.Add(time.Hour)))
	b.until("it is gone", func() bool { _, err := b.logs.Get(t.Context(), "fl-1"); return err != nil })
	if n := len(b.lines("fl-1", false)); n != 1 {
		t.Errorf("%d records, want 1", n)
	}
}

// eager is a sink whose batches are full with each message.
type eager struct{ Sink }

type eagerMaker struct{ Maker }

func (e eager) Make(f *flowlog.FlowLog, from, to uint64) (Maker, error) {
	m, err := e.Sink.Make(f, from, to)
	return eagerMaker{m}, err
}

func (eagerMaker) Full() bool { return true }

func TestAFullBatchEndsEarly(t *testing.T) {
	b := newBed(t)
	b.log("fl-1", nil)
	for n := range 3 {
		b.append(win{start: n, end: n + 1, ports: []uint16{uint16(n + 1)}})
	}
	_, err := b.step(b.open(Config{Sinks: map[flowlog.DestinationType]Sink{flowlog.S3: eager{NewObjects(b.store)}}}), "fl-1")
	b.must(err)
	if diff := cmp.Diff([]string{"eni-1 1 ACCEPT OK", "eni-1 2 ACCEPT OK", "eni-1 3 ACCEPT OK"}, b.lines("fl-1", false)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := len(b.store.keys()); n != 3 {
		t.Errorf("%d objects, want one for each message", n)
	}
}
