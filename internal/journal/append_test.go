package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"weir/internal/flow"
)

func TestAppendAndRead(t *testing.T) {
	j := openDir(t, t.TempDir())
	one, two, other := batch("a.example", 7, 1, 3, 4), batch("a.example", 7, 2, 0, 0), batch("host b*>", 9, 1, 1, 0)
	mustAppend(t, j, one)
	mustAppend(t, j, two) // has no windows: nothing to store
	mustAppend(t, j, other)
	wantBatches(t, j, one, other)

	s, err := j.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Messages != 2 || s.First != 1 || s.Last != 2 || s.Batches != 2 || s.Bytes == 0 || s.OutBytes >= s.RawBytes {
		t.Errorf("Stats() = %+v", s)
	}
}

func TestAppendAgain(t *testing.T) {
	dir := t.TempDir()
	big := batch("a", 7, 2, 3, 20_000)
	for range 3 {
		j := openDir(t, dir)
		for range 2 {
			mustAppend(t, j, batch("a", 7, 1, 1, 4))
			mustAppend(t, j, big)
		}
		wantBatches(t, j, batch("a", 7, 1, 1, 4), big)
		tables, sequence, err := j.Position(t.Context(), "a")
		if tables != 7 || sequence != 2 || err != nil {
			t.Errorf("Position() = %d, %d, %v, want 7, 2", tables, sequence, err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAppendAgainAfterRelease(t *testing.T) {
	dir := t.TempDir()
	j := openDir(t, dir)
	a, b, next := batch("a", 7, 3, 1, 4), batch("b", 5, 1, 1, 4), batch("a", 7, 4, 1, 1)
	mustAppend(t, j, a)
	mustAppend(t, j, b)
	if err := j.Release(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		mustAppend(t, j, a)
		mustAppend(t, j, b)
		wantBatches(t, j)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		j = openDir(t, dir)
	}
	first, err := j.First(t.Context())
	if first != 3 || err != nil {
		t.Errorf("First() = %d, %v, want 3", first, err)
	}
	mustAppend(t, j, next)
	wantBatches(t, j, next)
	wantErr(t, j.Append(t.Context(), batch("a", 6, 9, 1, 1)), ErrOutOfOrder)
	mustAppend(t, j, batch("a", 8, 1, 1, 1)) // later tables begin again
}

func TestBigWindowIsSplit(t *testing.T) {
	j := openDir(t, t.TempDir())
	// Small, too big for one message, small; then one that only just is.
	b := batch("a", 1, 1, 3, 50)
	b.Entries[1].Window = batch("a", 1, 1, 2, 100_000).Entries[1].Window
	mustAppend(t, j, b)
	c := readAll(t, j)
	if len(c.seqs) < 10 {
		t.Errorf("100 000 flows are in %d messages", len(c.seqs))
	}
	wantBatches(t, j, b)
}

func TestSizesAtTheLimit(t *testing.T) {
	size := func(flows int) int {
		e := batch("a", 1, 1, 1, flows).Entries[0]
		return len(appendEntry(nil, e.Meta, 0, false, e.Window))
	}
	const flows = 1000
	for _, d := range []int{-1, 0, 1} {
		var bodies int
		p := packer{limit: size(flows) + d, emit: func(body []byte, _ place) error {
			bodies++
			if len(body) > size(flows)+d {
				t.Errorf("body of %d bytes, limit is %d", len(body), size(flows)+d)
			}
			return nil
		}}
		if err := errors.Join(p.add(&piecesOf(batch("a", 1, 1, 1, flows).Entries)[0]), p.flush()); err != nil {
			t.Fatal(err)
		}
		want := 1
		if d < 0 {
			want = 2
		}
		if bodies != want {
			t.Errorf("limit %+d of what it needs: %d messages, want %d", d, bodies, want)
		}
	}
}

func TestRefusedBatches(t *testing.T) {
	j := openDir(t, t.TempDir())
	meta := batch("a", 1, 1, 1, 1)
	meta.Entries[0].Meta = bytes.Repeat([]byte("x"), MaxMeta+1)
	wantErr(t, j.Append(t.Context(), meta), ErrTooLarge)
	for name, b := range map[string]*Batch{
		"no host":        batch("", 1, 1, 1, 1),
		"host too long":  batch(string(bytes.Repeat([]byte("x"), 256)), 1, 1, 1, 1),
		"no window":      {Host: "a", Tables: 1, Sequence: 1, Entries: []Entry{{}}},
		"other sequence": {Host: "a", Tables: 1, Sequence: 1, Entries: batch("a", 1, 2, 1, 1).Entries},
		"no sequence":    {Host: "a", Entries: []Entry{{Window: new(flow.Window)}}},
	} {
		if err := j.Append(t.Context(), b); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	wantBatches(t, j)
}

func TestConcurrentHosts(t *testing.T) {
	j := openDir(t, t.TempDir())
	const hosts, each = 8, 6
	var wg sync.WaitGroup
	for h := range hosts {
		wg.Go(func() {
			for s := range each {
				flows := 5
				if s%3 == 2 {
					flows = 30_000 // several messages
				}
				b := batch(fmt.Sprint("h", h), 1, uint64(s+1), 2, flows)
				for range 2 {
					if err := j.Append(t.Context(), b); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	next := map[string]uint64{}
	for _, b := range readAll(t, j).whole() {
		next[b.Host]++
		if b.Sequence != next[b.Host] || len(b.Entries) != 2 {
			t.Errorf("batch %d of %s has sequence %d and %d windows", next[b.Host], b.Host, b.Sequence, len(b.Entries))
		}
	}
	for h := range hosts {
		if n := next[fmt.Sprint("h", h)]; n != each {
			t.Errorf("host %d has %d batches, want %d", h, n, each)
		}
	}
}

func TestOpen(t *testing.T) {
	for name, cfg := range map[string]Config{
		"neither Dir nor URL":  {},
		"both Dir and URL":     {Dir: t.TempDir(), URL: "nats://127.0.0.1:1"},
		"embedded replicas":    {Dir: t.TempDir(), Replicas: 3},
		"negative limit":       {Dir: t.TempDir(), MaxBytes: -1},
		"server is not there":  {URL: "nats://127.0.0.1:1"},
		"directory not usable": {Dir: "/dev/null/x"},
	} {
		if _, err := Open(t.Context(), cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	dir := t.TempDir() + "/new"
	j := openDir(t, dir)
	if st, err := os.Stat(dir); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("directory has mode %v, %v, want 0700", st.Mode(), err)
	}
	_, err := Open(t.Context(), Config{Dir: dir})
	wantErr(t, err, ErrInUse)
	for range 2 {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}
	wantErr(t, j.Append(t.Context(), batch("a", 1, 1, 1, 1)), ErrClosed)
	_, err = j.First(t.Context())
	wantErr(t, err, ErrClosed)
	_, err = j.KV(t.Context(), "x")
	wantErr(t, err, ErrClosed)
	if err := j.Read(within(t, 5*time.Second), 0, func(*Message) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("Read() = %v, want %v", err, ErrClosed)
	}
	openDir(t, dir)
}
