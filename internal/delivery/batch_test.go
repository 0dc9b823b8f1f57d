package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/flowlog"
	"weir/internal/kv"
)

// errKilled is what a process that is dead gets from everybody.
var errKilled = errors.New("killed")

// A life is that of a process, which ends with its nth step: before the step, or
// after it and before it knows.
type life struct {
	mu    sync.Mutex
	steps int // left
	after bool
}

func (l *life) step(do func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.steps--; l.steps > 0 {
		return do()
	}
	if l.steps == 0 && l.after {
		_ = do()
	}
	return errKilled
}

// mortalKV and mortalStore take part in a life.
type mortalKV struct {
	kv.Bucket
	*life
}

func (k mortalKV) Create(ctx context.Context, key string, value []byte) (revision uint64, err error) {
	err = k.step(func() error { revision, err = k.Bucket.Create(ctx, key, value); return err })
	return revision, err
}

func (k mortalKV) Update(ctx context.Context, key string, value []byte, was uint64) (revision uint64, err error) {
	err = k.step(func() error { revision, err = k.Bucket.Update(ctx, key, value, was); return err })
	return revision, err
}

func (k mortalKV) Delete(ctx context.Context, key string) error {
	return k.step(func() error { return k.Bucket.Delete(ctx, key) })
}

type mortalStore struct {
	ObjectStore
	*life
}

func (s mortalStore) Put(ctx context.Context, bucket, key string, body []byte, contentType string) error {
	return s.step(func() error { return s.ObjectStore.Put(ctx, bucket, key, body, contentType) })
}

// TestOnceWhicheverStepIsTheLast kills a process at each of its steps. Windows
// arrive before the next one begins, so that its ranges would be others. Three
// five minutes are begun, so a batch has three objects.
func TestOnceWhicheverStepIsTheLast(t *testing.T) {
	for _, parquet := range []bool{false, true} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("parquet %v, after %v", parquet, after), func(t *testing.T) {
				t.Parallel()
				b := newBed(t)
				for n := 1; ; n++ {
					if n > 50 {
						t.Fatal("no process comes to its end in 50 steps")
					}
					id := fmt.Sprintf("fl-%05d", n)
					b.log(id, func(f *flowlog.FlowLog) {
						f.Parquet = parquet
						f.ResourceType, f.ResourceID = flowlog.Subnet, "subnet-"+id
					})
					var want []string
					add := func(ports ...uint16) {
						for i, p := range ports {
							b.append(win{iface: id, start: 300*i + 60, end: 300*i + 120, ports: []uint16{p}})
							want = append(want, fmt.Sprintf("%s %d ACCEPT OK", id, p))
						}
					}
					add(11, 12, 13)
					l := &life{steps: n, after: after}
					_, err := b.step(b.open(Config{Positions: mortalKV{b.positions, l}, Sinks: inBuckets(mortalStore{b.store, l})}), id)
					ended := err == nil
					if !ended && !errors.Is(err, errKilled) {
						t.Fatal(err)
					}
					add(21, 22, 23)
					b.publish(id)
					slices.Sort(want)
					if diff := cmp.Diff(want, b.lines(id, false)); diff != "" {
						t.Errorf("killed at step %d (-want +got):\n%s", n, diff)
					}
					if ended {
						if n < 7 { // create, batch, three objects, position
							t.Errorf("a process needs only %d steps", n-1)
						}
						return
					}
				}
			})
		}
	}
}

// TestEndWhicheverStepIsTheLast kills a process that ends a flow log.
func TestEndWhicheverStepIsTheLast(t *testing.T) {
	agents := func(context.Context) ([]time.Time, error) { return []time.Time{epoch.Add(time.Hour)}, nil }
	for _, after := range []bool{false, true} {
		b := newBed(t)
		for n := 1; ; n++ {
			id := fmt.Sprintf("fl-%05d", n)
			b.log(id, func(f *flowlog.FlowLog) { f.ResourceType, f.ResourceID = flowlog.Subnet, "subnet-"+id })
			b.append(win{iface: id, start: 60, end: 120, ports: []uint16{1}})
			b.must(b.logs.Delete(t.Context(), id, epoch.Add(2*time.Minute)))
			l := &life{steps: n, after: after}
			ended, err := b.step(b.open(Config{Positions: mortalKV{b.positions, l}, Sinks: inBuckets(mortalStore{b.store, l}), Agents: agents}), id)
			if _, gone := b.logs.Get(t.Context(), id); gone == nil {
				_, again := b.step(b.open(Config{Agents: agents}), id)
				b.must(again)
			}
			b.must(b.service.positions.forgetEnded(t.Context(), b.logs))
			if diff := cmp.Diff([]string{id + " 1 ACCEPT OK"}, b.lines(id, false)); diff != "" {
				t.Errorf("killed at step %d (-want +got):\n%s", n, diff)
			}
			if _, ok, err := b.service.positions.get(t.Context(), id); ok || err != nil {
				t.Errorf("killed at step %d: the position is still there, %v", n, err)
			}
			if err == nil {
				if !ended {
					t.Error("a process that was not killed has not ended the flow log")
				}
				break
			}
			if n > 20 {
				t.Fatal("no process comes to its end in 20 steps")
			}
		}
	}
}

func TestHashesDiffer(t *testing.T) {
	seen := make(map[uint32]bool)
	for from := range uint64(2000) {
		for part := range 3 {
			h := hash("fl-1", from, part)
			if seen[h] {
				t.Fatalf("batch %d part %d has the hash of another", from, part)
			}
			seen[h] = true
		}
	}
}

func TestTwoWhoDeliver(t *testing.T) {
	b := newBed(t)
	b.log("fl-1", nil)
	b.append(win{end: 60, ports: []uint16{1}})
	pos, _, err := b.service.positions.get(t.Context(), "fl-1")
	b.must(err)
	b.publish("fl-1")
	// This one read the position before the other had delivered.
	pos.Next = 1
	if err := b.service.positions.put(t.Context(), "fl-1", &pos); !errors.Is(err, kv.ErrExists) && !errors.Is(err, kv.ErrConflict) {
		t.Errorf("put over a position that was not read = %v, want %v", err, kv.ErrConflict)
	}
}

// TestOldPositions reads what was written before batches had parts.
func TestOldPositions(t *testing.T) {
	b := newBed(t)
	b.log("fl-1", nil)
	b.append(win{end: 60, ports: []uint16{1}})
	b.append(win{start: 60, end: 120, ports: []uint16{2}})
	_, err := b.positions.Create(t.Context(), "fl-1", []byte(`{"next":2,"batch":{"from":1,"to":1}}`))
	b.must(err)
	b.publish("fl-1")
	if diff := cmp.Diff([]string{"eni-1 1 ACCEPT OK", "eni-1 2 ACCEPT OK"}, b.lines("fl-1", false)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	raw, _, err := b.positions.Get(t.Context(), "fl-1")
	if err != nil || string(raw) != `{"next":3}` {
		t.Errorf("the position is %s, %v", raw, err)
	}
}
