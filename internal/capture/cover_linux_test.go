package capture

import (
	"context"
	"testing"
	"time"

	"weir/internal/flow"
	"weir/internal/lab"
)

// device is a lab's device for [Source.Cover].
func device(d *lab.Device) Device {
	return Device{Netns: nsPath(d.Namespace()), Index: d.Index()}
}

func TestCoverIsWhatIsCaptured(t *testing.T) {
	b := newBed(t)
	s := b.open(Config{Covered: true})
	ping := func() {
		t.Helper()
		_, _, err := b.client.Ping(deadline(t), lab.PingConfig{Dst: server4})
		b.must(err)
	}
	for _, step := range []struct {
		name  string
		cover []Device
		want  int // flows
	}{
		{"nothing", nil, 0},
		{"one end", []Device{device(b.s)}, 2},
		{"both ends", []Device{device(b.s), device(b.c)}, 4},
		{"the other end", []Device{device(b.c)}, 2},
		{"a device that is not there", []Device{{Netns: nsPath(b.server), Index: 12345}}, 0},
	} {
		b.must(s.Cover(step.cover))
		b.window(s)
		ping()
		n := 0
		for _, w := range b.window(s) {
			n += len(w.Flows)
		}
		if n != step.want {
			t.Errorf("%s: %d flows, want %d", step.name, n, step.want)
		}
	}
}

func TestWindowsFollowTheClock(t *testing.T) {
	b := newBed(t)
	s := b.open(Config{Covered: true, Aligned: true})
	b.must(s.Cover([]Device{device(b.s)}))
	ctx, cancel := context.WithCancel(deadline(t))
	defer cancel()
	var got []flow.Window
	done := make(chan error, 1)
	go func() {
		done <- s.Run(ctx, time.Second, func(w []flow.Window) error {
			if got = append(got, w...); len(got) == 4 {
				cancel()
			}
			return nil
		})
	}()
	b.must(<-done)
	if len(got) < 4 {
		t.Fatalf("%d windows, want 4", len(got))
	}
	for i, w := range got[:4] {
		// The first one may have been over before Run began.
		if i > 0 && !w.End.Equal(w.End.Truncate(time.Second)) {
			t.Errorf("window %d ends at %v, want a whole second", i, w.End)
		}
		if i > 1 && !w.Start.Equal(got[i-1].End) {
			t.Errorf("window %d starts at %v, the one before ended at %v", i, w.Start, got[i-1].End)
		}
		if i > 1 && w.End.Sub(w.Start) != time.Second {
			t.Errorf("window %d lasts %v, want 1s", i, w.End.Sub(w.Start))
		}
	}
}

func TestIntervalChangesAtOnce(t *testing.T) {
	b := newBed(t)
	s := b.open(Config{Covered: true})
	b.must(s.Cover([]Device{device(b.s)}))
	ctx, cancel := context.WithCancel(deadline(t))
	defer cancel()
	began := time.Now()
	var ends []time.Duration
	done := make(chan error, 1)
	go func() {
		done <- s.Run(ctx, time.Hour, func([]flow.Window) error {
			ends = append(ends, time.Since(began))
			if len(ends) == 1 {
				s.SetInterval(2 * time.Second)
			} else {
				cancel()
			}
			return nil
		})
	}()
	s.CloseWindow()
	b.must(<-done)
	if len(ends) < 2 || ends[1] > 10*time.Second {
		t.Errorf("windows ended after %v, want one at once and one after 2s", ends)
	}
}

// A clock that was set back must not make new tables look older than those whose
// windows were handed over.
func TestTablesOnlyGrow(t *testing.T) {
	b := newBed(t)
	after := uint64(time.Now().Add(time.Hour).UnixNano())
	s := b.open(Config{Covered: true, After: after})
	b.must(s.Cover([]Device{device(b.s)}))
	for _, w := range b.window(s) {
		if w.Tables <= after {
			t.Errorf("tables %d, want more than %d", w.Tables, after)
		}
	}
}
