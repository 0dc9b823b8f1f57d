package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/internal/rows"
)

// echo appends the rows of a batch to the output.
func echo() Sink {
	return func(w *Worker, b *rows.Batch) error {
		for row := range b.Rows {
			w.Out = append(b.AppendLine(w.Out, row), '\n')
		}
		return nil
	}
}

// many returns objects of some lines each, and what they are in order. Some have no
// lines, some can't be opened, some break off.
func many(n int) (all []Object, want string) {
	for i := range n {
		var text strings.Builder
		text.WriteString("version x-object x-line\n")
		for j := range (i * 37) % 100 {
			fmt.Fprintf(&text, "2 %d %d\n", i, j)
		}
		name := fmt.Sprint(i)
		_, body, _ := strings.Cut(text.String(), "\n")
		o := object(name, []byte(text.String()))
		switch i % 7 {
		case 3:
			o = object(name, []byte(zip(text.String())))
		case 5:
			o, body = Object{Name: name, Open: func(context.Context) (io.ReadCloser, error) { return nil, errOpen }}, ""
		case 6:
			o = failAfter(text.String(), errOpen)
			o.Remote = true
		}
		all = append(all, o)
		want += body
	}
	return all, want
}

// within fails where fn takes so long that it must be waiting for itself.
func within(t *testing.T, fn func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("does not end")
	}
}

// TestOrder reads many objects with several workers, and hardly any room for what has
// to wait for its turn.
func TestOrder(t *testing.T) {
	all, want := many(200)
	for workers := 1; workers <= 8; workers++ {
		for _, pending := range []int{1, 500, maxPending} {
			within(t, func() {
				var out bytes.Buffer
				var done atomic.Int64
				s := Scan{Objects: objects(all...), Sink: echo, Output: &out, Workers: workers,
					blockSize: 64, maxPending: pending, Progress: func(Object) { done.Add(1) }}
				acc, err := s.Run(t.Context())
				if err != nil || out.String() != want {
					t.Errorf("%d workers, %d pending: %v, %d bytes of %d", workers, pending, err, out.Len(), len(want))
				}
				if lines := int64(strings.Count(want, "\n")); acc.Lines != lines || acc.Refused != 0 || acc.Objects != len(all) ||
					done.Load() != int64(len(all)) || len(acc.Damaged) == 0 {
					t.Errorf("%d lines of %d, %d objects", acc.Lines, lines, acc.Objects)
				}
			})
		}
	}
}

// TestStop ends scans in each of the ways: nothing hangs, and what is written is the
// beginning of all of it, with nothing left out.
func TestStop(t *testing.T) {
	all, want := many(200)
	boom := errors.New("boom")
	for at := range 40 {
		stop := func(name string, change func(s *Scan, cancel context.CancelFunc)) {
			within(t, func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var out bytes.Buffer
				s := Scan{Objects: objects(all...), Sink: echo, Output: &out, Workers: 3, blockSize: 64, maxPending: 100}
				change(&s, cancel)
				_, err := s.Run(ctx)
				if !errors.Is(err, boom) && !errors.Is(err, context.Canceled) {
					t.Errorf("%s: error is %v", name, err)
				}
				if !strings.HasPrefix(want, out.String()) {
					t.Errorf("%s: what was written is not the beginning", name)
				}
			})
		}
		var n atomic.Int64
		reached := func() bool { return n.Add(1) == int64(at*5+1) }
		stop("sink", func(s *Scan, _ context.CancelFunc) {
			s.Sink = func() Sink {
				sink := echo()
				return func(w *Worker, b *rows.Batch) error {
					if reached() {
						return boom
					}
					return sink(w, b)
				}
			}
		})
		n.Store(0)
		stop("context", func(s *Scan, cancel context.CancelFunc) {
			s.Progress = func(Object) {
				if reached() {
					cancel()
				}
			}
		})
		stop("objects", func(s *Scan, _ context.CancelFunc) {
			s.Objects = iter.Seq2[Object, error](func(yield func(Object, error) bool) {
				for _, o := range all[:at] {
					if !yield(o, nil) {
						return
					}
				}
				yield(Object{}, boom)
			})
		})
		n.Store(0)
		stop("output", func(s *Scan, _ context.CancelFunc) {
			s.Output = writerFunc(func(b []byte) (int, error) {
				if n.Add(1) > int64(at) {
					return 0, boom
				}
				return len(b), nil
			})
		})
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// TestWriteError stops reading as soon as nobody takes what is written.
func TestWriteError(t *testing.T) {
	text := "version x-note\n" + strings.Repeat("2 a\n", 1<<20)
	read := 0
	o := Object{Name: "o", Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(io.TeeReader(strings.NewReader(text), writerFunc(func(b []byte) (int, error) {
			read += len(b)
			return len(b), nil
		}))), nil
	}}
	closed := writerFunc(func([]byte) (int, error) { return 0, io.ErrClosedPipe })
	s := Scan{Objects: objects(slices.Repeat([]Object{o}, 10)...), Sink: echo, Output: closed, Workers: 1, blockSize: 4096}
	if _, err := s.Run(t.Context()); err != io.ErrClosedPipe {
		t.Errorf("error is %v", err)
	}
	if read > len(text) {
		t.Errorf("%d bytes read after the output had failed", read)
	}
}

// TestGaps counts records that are none of a flow, of inferred formats too.
func TestGaps(t *testing.T) {
	_, acc := scan(t, nodata+"\n"+nodata+"\n"+skipdata+"\n"+ssh+"\n")
	if got := acc.Gaps["eni-0f0e0d0c0b0a09080"]; got != (Gap{2, 1}) || len(acc.Gaps) != 1 {
		t.Errorf("%+v", acc.Gaps)
	}
	if acc.Start != 1760000000 || acc.End != 1760000059 {
		t.Errorf("from %d to %d", acc.Start, acc.End)
	}
}

// TestAppendRead shows of a refused row which columns were not read: they are not absent.
func TestAppendRead(t *testing.T) {
	b := &rows.Batch{Format: parseFormat(t, "srcaddr dstaddr bytes"), Columns: make([]rows.Column, 3), Rows: 1}
	b.Columns[0].AppendText([]byte("10.0 .1"))
	b.Columns[2] = rows.Column{Kind: rows.Ints, Ints: []int64{rows.Null}}
	if got, want := string(appendRead(nil, b, 0)), "10.0%20.1 ? -"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	b.Columns[1].AppendText([]byte("::1"))
	if got, want := string(appendRead(nil, b, 0)), "10.0%20.1 ::1 -"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
