package journal

import (
	"testing"
	"time"
)

func TestLimit(t *testing.T) {
	for name, flows := range map[string]int{"batches of one message": 3_000, "batches of several": 30_000} {
		t.Run(name, func(t *testing.T) {
			j := openConfig(t, Config{Dir: t.TempDir(), MaxBytes: 2 << 20})
			var stored []*Batch
			next := func() *Batch { return batch("a", 1, uint64(len(stored)+1), 1, flows) }
			fill := func() {
				for {
					b := next()
					err := j.Append(t.Context(), b)
					if err != nil {
						wantErr(t, err, ErrFull)
						return
					}
					if stored = append(stored, b); len(stored) > 1000 {
						t.Fatal("2 MiB hold more than 1000 batches")
					}
				}
			}
			fill()
			wantErr(t, j.Append(t.Context(), next()), ErrFull)
			wantBatches(t, j, stored...)
			if s, err := j.Stats(t.Context()); err != nil || s.Bytes > s.MaxBytes || s.MaxBytes != 2<<20 || s.Refused != 2 {
				t.Errorf("Stats() = %+v, %v", s, err)
			}

			last, err := j.Last(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := j.Release(t.Context(), last); err != nil {
				t.Fatal(err)
			}
			before := len(stored)
			fill()
			if len(stored) < before+before/2 {
				t.Errorf("%d batches fit, and %d after everything was released", before, len(stored)-before)
			}
			wantBatches(t, j, stored[before:]...)
		})
	}
}

func TestLimitCanBeChanged(t *testing.T) {
	dir := t.TempDir()
	b := batch("a", 1, 1, 1, 30_000)
	small := openConfig(t, Config{Dir: dir, MaxBytes: 100 << 10})
	wantErr(t, small.Append(t.Context(), b), ErrFull)
	if err := small.Close(); err != nil {
		t.Fatal(err)
	}
	large := openConfig(t, Config{Dir: dir})
	mustAppend(t, large, b)
	wantBatches(t, large, b)
}

func TestReleaseRefusesTheFuture(t *testing.T) {
	j := openDir(t, t.TempDir())
	wantErr(t, j.Release(t.Context(), 1), ErrRange)
	mustAppend(t, j, batch("a", 1, 1, 1, 1))
	wantErr(t, j.Release(t.Context(), 2), ErrRange)
	for range 2 {
		if err := j.Release(within(t, 10*time.Second), 1); err != nil {
			t.Error(err)
		}
	}
}
