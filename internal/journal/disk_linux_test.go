package journal

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// smallDisk mounts a file system of some MiB.
func smallDisk(t *testing.T, mib string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting takes root")
	}
	dir := t.TempDir()
	if err := unix.Mount("weir-journal-test", dir, "tmpfs", 0, "size="+mib+"m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Detached: after a failed write the server may keep a file open that
		// it has removed (nats-server 2.15.2).
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill takes all free space of a file system but some bytes.
func fill(t *testing.T, dir string, but int64) (undo func()) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	free, err := freeBytes(dir)
	if err != nil {
		t.Fatal(err)
	}
	chunk := make([]byte, 4<<10)
	for n := int64(free); n > but; n -= int64(len(chunk)) {
		if _, err := f.Write(chunk); err != nil {
			if errors.Is(err, unix.ENOSPC) {
				break
			}
			t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(f.Name()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDiskFull(t *testing.T) {
	disk := smallDisk(t, "28")
	j := openDir(t, filepath.Join(disk, "j"))
	kv, err := j.KV(t.Context(), "positions")
	if err != nil {
		t.Fatal(err)
	}
	var stored []*Batch
	for len(stored) < 1000 {
		b := batch("a", 1, uint64(len(stored)+1), 2, 15_000)
		if err := j.Append(t.Context(), b); err != nil {
			wantErr(t, err, ErrFull)
			break
		}
		stored = append(stored, b)
	}
	wantBatches(t, j, stored...)
	// There is still room for what makes room.
	if _, err := kv.Put(t.Context(), "reader", []byte("1")); err != nil {
		t.Error(err)
	}
	last, err := j.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Release(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	b := batch("a", 1, uint64(len(stored)+1), 2, 15_000)
	mustAppend(t, j, b)
	wantBatches(t, j, b)
}

// TestDiskFilledByOthers takes away even the reserve while the journal writes,
// all of it or so much that a batch can be begun but not finished, and gives it
// back: the server must get over it, with nothing half stored.
func TestDiskFilledByOthers(t *testing.T) {
	disk := smallDisk(t, "64")
	j := openDir(t, filepath.Join(disk, "j"))
	kv, err := j.KV(t.Context(), "positions")
	if err != nil {
		t.Fatal(err)
	}
	var stored []*Batch
	next := func(flows int) *Batch { return batch("a", 1, uint64(len(stored)+1), 1, flows) }
	for _, free := range []int64{0, 100 << 10, 300 << 10, 600 << 10, 700 << 10} {
		for _, flows := range []int{9_000, 40_000} { // one message, several
			undo := fill(t, disk, free)
			wantErr(t, j.Append(t.Context(), next(flows)), ErrFull)
			// Let one through, as if the disk had been filled a moment later.
			packed, err := j.pack(next(flows), windowsPrefix+"a", "", maxMessages)
			if err != nil {
				t.Fatal(err)
			}
			_, expected, err := j.lastOf(t.Context(), "a")
			if err == nil {
				_, err = j.send(within(t, 2*time.Second), packed.messages, expected)
			}
			t.Logf("%d KiB free, %d messages: %v", free>>10, len(packed.messages), err)
			if free == 0 && err == nil {
				t.Error("could append to a full disk")
			}
			if _, err := kv.Put(within(t, 100*time.Millisecond), "reader", make([]byte, 800<<10)); err == nil {
				t.Error("could write to a full disk")
			}
			undo()

			b := next(flows)
			if err := j.Append(within(t, 20*time.Second), b); err != nil {
				t.Fatalf("after there was room again: %v", err)
			}
			stored = append(stored, b)
			if _, err := kv.Put(within(t, 20*time.Second), "reader", []byte("2")); err != nil {
				t.Fatalf("after there was room again: %v", err)
			}
		}
	}
	wantBatches(t, j, stored...)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = openDir(t, filepath.Join(disk, "j"))
	wantBatches(t, j, stored...)
}

// TestLogDiskFull fills a disk with a log, up to the reserve, then has others take even
// that away while it writes: what was not stored is not there, and it gets over it.
func TestLogDiskFull(t *testing.T) {
	disk := smallDisk(t, "40")
	j := openDir(t, filepath.Join(disk, "j"))
	l := openLog(t, j)
	var last Head
	for n := 0; ; n++ {
		h, err := l.Append(t.Context(), []string{"s"}, "", noise(uint64(n), 1_200_000))
		if err != nil {
			wantErr(t, err, ErrFull)
			break
		}
		if last = h; n > 100 {
			t.Fatal("40 MB hold more than 120")
		}
	}
	if err := l.Purge(t.Context(), last.Seq-uint64(last.Pieces)+1, "s"); err != nil {
		t.Fatal(err)
	}
	want := []uint64{last.Seq}
	for _, size := range []int{1_200_000, 300_000} {
		undo := fill(t, disk, 200<<10)
		_, err := l.Append(t.Context(), []string{"s"}, "", noise(1, size))
		wantErr(t, err, ErrFull)
		// Let one through, as if the disk had been filled a moment later.
		_, err = j.sendStep(within(t, 2*time.Second), l.pack(l.prefix+"s", "", noise(1, size)))
		if err == nil {
			t.Errorf("%d bytes were stored on a full disk", size)
		}
		undo()
		h, err := l.Append(within(t, 30*time.Second), []string{"s"}, "", noise(2, size))
		if err != nil {
			t.Fatalf("after there was room again: %v", err)
		}
		want = append(want, h.Seq)
	}
	stop := errors.New("stop")
	var got []uint64
	err := l.Follow(t.Context(), 0, func() {}, func(h Head) error {
		got = append(got, h.Seq)
		if h.Seq == want[len(want)-1] {
			return stop
		}
		return nil
	})
	if err != stop || !slices.Equal(got, want) {
		t.Errorf("messages are %v, %v, want %v", got, err, want)
	}
}
