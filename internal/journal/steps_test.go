package journal

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"weir/internal/flow"
)

// Small steps, so that a batch of some thousand flows has many.
const (
	stepBody     = 4 << 10
	stepMessages = 3
)

// stepBatch has windows of all sizes; two are of one interface, which was
// captured, let go and captured again.
func stepBatch() *Batch {
	b := batch("a", 7, 5, 6, 2000)
	for i := range b.Entries {
		w := b.Entries[i].Window
		w.Flows = slices.CompactFunc(sortedFlows(w.Flows), func(a, b flow.Flow) bool { return a.Key == b.Key })
	}
	b.Entries[1].Window.Flows = b.Entries[1].Window.Flows[:1]
	b.Entries[2].Window.Flows, b.Entries[2].Window.Quiet = nil, true
	b.Entries[3].Window.Flows = b.Entries[3].Window.Flows[:30]
	b.Entries[4].Window.Interface = b.Entries[0].Window.Interface
	return b
}

func sortedFlows(flows []flow.Flow) []flow.Flow {
	slices.SortFunc(flows, func(a, b flow.Flow) int { return compareKeys(&a.Key, &b.Key) })
	return flows
}

// shuffled is the batch as another process offers it.
func shuffled(b *Batch) *Batch {
	for i := range b.Entries {
		f := b.Entries[i].Window.Flows
		rand.Shuffle(len(f), func(i, j int) { f[i], f[j] = f[j], f[i] })
	}
	return b
}

// wantWhole fails unless what was collected is this one batch, once.
func wantWhole(t *testing.T, c *collector, want *Batch) {
	t.Helper()
	ps := ordered(piecesOf(want.Entries))
	got := c.whole()
	if len(got) != 1 || len(got[0].Entries) != len(ps) {
		t.Fatalf("%d batches, want one with %d windows", len(got), len(ps))
	}
	for i, e := range got[0].Entries {
		w := *e.Window
		if !reflect.DeepEqual(e.Meta, ps[i].meta) || len(w.Flows) != len(ps[i].window.Flows) ||
			len(w.Flows) > 0 && !reflect.DeepEqual(w.Flows, ps[i].window.Flows) {
			t.Errorf("window %d of %s has %d flows, want the %d of %s", i, w.Interface.Name, len(w.Flows),
				len(ps[i].window.Flows), ps[i].window.Interface.Name)
		}
		if w.Skipped != ps[i].window.Skipped || w.Quiet != ps[i].window.Quiet || e.More {
			t.Errorf("window %d of %s: skipped %v, quiet %v, more %v", i, w.Interface.Name, w.Skipped, w.Quiet, e.More)
		}
	}
}

// TestMoreThanOneBatchOfTheServer appends what the server would refuse at once.
func TestMoreThanOneBatchOfTheServer(t *testing.T) {
	j := openDir(t, t.TempDir())
	j.bodySize = stepBody
	b := batch("a", 7, 5, 3, 90_000)
	mustAppend(t, j, b)
	mustAppend(t, j, shuffled(b))
	next := batch("a", 7, 6, 1, 1)
	mustAppend(t, j, next)
	c := readAll(t, j)
	if len(c.seqs) < 1100 {
		t.Errorf("it took %d messages only", len(c.seqs))
	}
	for i := range b.Entries {
		sortedFlows(b.Entries[i].Window.Flows)
	}
	if got := c.whole(); len(got) != 2 || !sameFlows(got[0], b) || !reflect.DeepEqual(got[1], next) {
		t.Errorf("what is stored is not what was appended")
	}
	if s, err := j.Stats(t.Context()); err != nil || s.Batches != 2 || s.Again != 1 {
		t.Errorf("Stats() = %+v, %v, want 2 batches and 1 again", s, err)
	}
}

// sameFlows compares as sets: keys made at random may be equal.
func sameFlows(a, b *Batch) bool {
	total := func(b *Batch) (flows int, c flow.Count) {
		for i := range b.Entries {
			flows += len(b.Entries[i].Window.Flows)
			for _, f := range b.Entries[i].Window.Flows {
				c.Add(f.Count)
			}
		}
		return flows, c
	}
	n, c := total(a)
	m, d := total(b)
	return n == m && c == d && len(a.Entries) == len(b.Entries)
}

// TestABatchLargerThanTheJournal goes in by and by, as what is before it is
// released, whoever offers it; the flows of each are in another order.
func TestABatchLargerThanTheJournal(t *testing.T) {
	for _, again := range []bool{false, true} { // whether it is another process
		dir := t.TempDir()
		var j *Journal
		var c collector
		full := 0
		for done := false; !done; {
			if full > 1000 {
				t.Fatal("it never goes in")
			}
			if j == nil {
				j = openConfig(t, Config{Dir: dir, MaxBytes: 16 << 10})
				j.bodySize, j.maxMessages = stepBody, stepMessages
			}
			err := j.Append(t.Context(), shuffled(stepBatch()))
			switch {
			case err == nil:
				done = true
			case errors.Is(err, ErrFull):
				full++
			default:
				t.Fatal(err)
			}
			take(t, j, &c)
			last, err := j.Last(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := j.Release(t.Context(), last); err != nil {
				t.Fatal(err)
			}
			if again {
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
				j = nil
			}
		}
		if full < 3 {
			t.Errorf("the journal was full %d times, want often", full)
		}
		wantWhole(t, &c, stepBatch())
	}
}

// TestKillBetweenSteps kills whoever appends a batch of many steps, until one
// comes to its end.
func TestKillBetweenSteps(t *testing.T) {
	dir := t.TempDir()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	kills, between := 0, 0
	for runChild(t, dir, 0, false, time.Duration(r.IntN(100)+10*kills)*time.Millisecond) == 0 {
		if kills++; kills > 100 {
			t.Fatal("no process comes to its end")
		}
		j, err := Open(t.Context(), Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(readAll(t, j).seqs); n > 0 {
			between++
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills, %d of them after the first step", kills, between)
	wantWhole(t, readAll(t, openDir(t, dir)), stepBatch())
}

func TestPositions(t *testing.T) {
	early := place{piece: &piece{}}.mark()
	late := place{piece: &piece{nth: 1}}.mark()
	all := []position{{}, {1, 0, early}, {1, 0, late}, {1, 0, ""}, {1, 1, early}, {1, 1, ""}, {2, 0, late}, {2, 0, ""}}
	for i, p := range all {
		for k, q := range all {
			if got, want := p.before(q), i < k; got != want {
				t.Errorf("%v before %v is %v", p, q, got)
			}
		}
	}
	for _, bad := range []string{"x", early[2:], early + "00"} {
		if _, err := parsePosition("1", "1", bad); !errors.Is(err, ErrDamaged) {
			t.Errorf("mark %q: %v, want %v", bad, err, ErrDamaged)
		}
	}
}

// TestAServerThatTakesFewer has an operator who lowered its limit.
func TestAServerThatTakesFewer(t *testing.T) {
	s := startServer(t, &server.Options{ServerName: "external", Host: "127.0.0.1", Port: server.RANDOM_PORT,
		StoreDir: t.TempDir(), JetStreamLimits: server.JSLimitOpts{MaxBatchSize: 20}})
	j := openConfig(t, Config{URL: s.ClientURL()})
	j.bodySize = stepBody
	mustAppend(t, j, shuffled(stepBatch()))
	mustAppend(t, j, shuffled(stepBatch()))
	c := readAll(t, j)
	if len(c.seqs) <= 20 {
		t.Errorf("it took %d messages only", len(c.seqs))
	}
	wantWhole(t, c, stepBatch())
}
