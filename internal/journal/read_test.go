package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// appendSome appends n batches of one message each.
func appendSome(t testing.TB, j *Journal, n int) {
	t.Helper()
	for i := range n {
		mustAppend(t, j, batch("a", 1, uint64(i+1), 1, 3))
	}
}

func TestReadRange(t *testing.T) {
	j := openDir(t, t.TempDir())
	appendSome(t, j, 9)
	if err := j.Release(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name     string
		from, to uint64
		want     error
	}{
		{"all there is", 3, 9, nil},
		{"one", 5, 5, nil},
		{"again", 5, 5, nil},
		{"a part released", 2, 5, ErrRange},
		{"not there yet", 5, 10, ErrRange},
		{"backwards", 5, 4, ErrRange},
	} {
		var got []uint64
		err := j.ReadRange(within(t, 20*time.Second), tt.from, tt.to, func(m *Message) error {
			got = append(got, m.Seq)
			if m.Host != "a" || time.Since(m.Time) > time.Minute || len(m.Entries) != 1 || m.Entries[0].Window.Sequence != m.Seq {
				t.Errorf("message %d is %+v", m.Seq, m)
			}
			return nil
		})
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: error is %v, want %v", tt.name, err, tt.want)
		}
		var want []uint64
		for s := tt.from; tt.want == nil && s <= tt.to; s++ {
			want = append(want, s)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: read %v, want %v", tt.name, got, want)
		}
	}
}

func TestReadBeginsWhereItCan(t *testing.T) {
	j := openDir(t, t.TempDir())
	appendSome(t, j, 4)
	if err := j.Release(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	own := errors.New("own")
	for from, want := range map[uint64]uint64{0: 3, 2: 3, 4: 4, 5: 5} {
		time.AfterFunc(50*time.Millisecond, func() {
			if err := j.Append(context.WithoutCancel(t.Context()), batch("a", 1, 5, 1, 3)); err != nil {
				t.Error(err)
			}
		})
		var got uint64
		err := j.Read(within(t, 20*time.Second), from, func(m *Message) error { got = m.Seq; return own })
		if err != own || got != want {
			t.Errorf("Read(from %d) begins with %d, %v, want %d and the function's own error", from, got, err, want)
		}
	}
	if err := j.Read(within(t, 50*time.Millisecond), 6, func(*Message) error { return own }); err != context.DeadlineExceeded {
		t.Errorf("Read() of nothing = %v, want %v", err, context.DeadlineExceeded)
	}
}

func TestSlowReaderMissesNothing(t *testing.T) {
	j := openDir(t, t.TempDir())
	const n = 3 * ahead
	go appendSome(t, j, n)
	next := uint64(1)
	err := j.Read(t.Context(), 0, func(m *Message) error {
		if m.Seq != next {
			t.Errorf("read %d, want %d", m.Seq, next)
		}
		if next++; next > n {
			return errStop
		}
		time.Sleep(time.Millisecond)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestDamagedMessage(t *testing.T) {
	j := openDir(t, t.TempDir())
	appendSome(t, j, 1)
	m := nats.NewMsg(windowsPrefix + "x")
	m.Data = []byte{envelopeVersion, codingPlain, 3, 1, 2, 3, 4, 'x', 'y', 'z'}
	if _, err := j.request(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, j, batch("a", 1, 2, 1, 3))
	err := j.Read(t.Context(), 0, func(*Message) error { return nil })
	wantErr(t, err, ErrDamaged)
	if err == nil || !strings.Contains(err.Error(), "message 2") {
		t.Errorf("error %q does not name the sequence", err)
	}
	if err := j.ReadRange(t.Context(), 3, 3, func(*Message) error { return nil }); err != nil {
		t.Errorf("behind the damaged message: %v", err)
	}
}

// TestRepair makes what a disk leaves that forgot a part of a batch.
func TestRepair(t *testing.T) {
	dir := t.TempDir()
	j := openDir(t, dir)
	appendSome(t, j, 2)
	big := batch("a", 1, 3, 1, 30_000)
	packed, err := j.pack(big, windowsPrefix+"a", "", maxMessages)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range packed.messages[:2] {
		m.Header.Set(headerPart, fmt.Sprintf("%d/%d", i+1, len(packed.messages)))
		if _, err := j.request(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Append(within(t, 100*time.Millisecond), big); err == nil {
		t.Error("took a batch of which a part is there")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		j = openDir(t, dir)
		mustAppend(t, j, big)
		wantBatches(t, j, batch("a", 1, 1, 1, 3), batch("a", 1, 2, 1, 3), big)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRangeThatEndsWithARepair(t *testing.T) {
	dir := t.TempDir()
	j := openDir(t, dir)
	appendSome(t, j, 1)
	m := nats.NewMsg(windowsPrefix + "a")
	m.Header.Set(headerPart, "1/2")
	if _, err := j.request(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	wantBatches(t, openDir(t, dir), batch("a", 1, 1, 1, 3)) // reads 1 to 2
}
