package logs

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"weir/internal/cloudwatch"
	"weir/internal/journal"
)

// lines makes a batch of records in the default format: flows of one interface within a
// minute, in the order of their times.
func lines(batch, n int) []cloudwatch.Event {
	r := rand.New(rand.NewPCG(uint64(batch), 0))
	start := noon/1000 + int64(batch)
	events := make([]cloudwatch.Event, n)
	for i := range events {
		src := fmt.Sprintf("10.0.%d.%d", r.IntN(4), 4+r.IntN(200))
		port := [...]int{443, 443, 443, 80, 53, 5432, 6379, 9100}[r.IntN(8)]
		packets := 1 + int(r.ExpFloat64()*20)
		first := start + int64(i*60/n)
		events[i] = event(first*1000, fmt.Sprintf("2 123456789012 eni-0a1b2c3d4e5f6%04x %s 10.0.1.%d %d %d 6 %d %d %d %d ACCEPT OK",
			batch%200, src, 4+r.IntN(200), 32768+r.IntN(28000), port, packets, packets*(40+r.IntN(1400)), first, first+int64(r.IntN(60))))
	}
	return events
}

func benchStore(b *testing.B) (*Store, string) {
	dir := b.TempDir()
	s := openStore(b, Config{Journal: openJournal(b, journal.Config{Dir: dir}), Now: func() time.Time { return time.UnixMilli(noon) }})
	s.make(b, "g", "s")
	return s, dir
}

const benchBatch = cloudwatch.MaxBatchEvents * 7 / 10 // of lines, in a megabyte

// BenchmarkPut stores batches of flow log lines, synced to disk: as many as a PutLogEvents
// has at most, which are less than 10,000, and few.
func BenchmarkPut(b *testing.B) {
	for _, n := range []int{benchBatch, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, _ := benchStore(b)
			batches := make([][]cloudwatch.Event, 8)
			bytes := int64(0)
			for i := range batches {
				batches[i] = lines(i, n)
			}
			for i := range batches[0] {
				bytes += int64(len(batches[0][i].Message))
			}
			b.SetBytes(bytes)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if _, err := s.Put(b.Context(), "g", "s", batches[i%len(batches)]); err != nil {
					b.Fatal(err)
				}
				i++
			}
			b.ReportMetric(float64(b.N)*float64(n)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkRead reads a million events, from one stream and from ten whose times overlap.
func BenchmarkRead(b *testing.B) {
	for _, streams := range []int{1, 10} {
		b.Run(fmt.Sprint(streams), func(b *testing.B) {
			s, _ := benchStore(b)
			for i := range streams {
				must(b, s.CreateStream(b.Context(), "g", fmt.Sprint(i)))
			}
			total := 0
			for i := 0; total < 1_000_000; i++ {
				s.put(b, "g", fmt.Sprint(i%streams), lines(i/streams, benchBatch)...)
				total += benchBatch
			}
			for _, backward := range []bool{false, true} {
				b.Run(map[bool]string{false: "forward", true: "backward"}[backward], func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						n := 0
						for _, err := range s.Read(b.Context(), Query{Group: "g", Backward: backward}) {
							must(b, err)
							n++
						}
						if n != total {
							b.Fatalf("read %d events, want %d", n, total)
						}
					}
					b.ReportMetric(float64(b.N)*float64(total)/b.Elapsed().Seconds(), "events/s")
				})
			}
		})
	}
}

// BenchmarkOpen opens a store with many small batches: the index is made of their heads.
func BenchmarkOpen(b *testing.B) {
	s, _ := benchStore(b)
	const batches = 20_000
	events := lines(0, 1)
	put := make(chan error)
	for range 20 {
		go func() {
			for range batches / 20 {
				if _, err := s.Put(b.Context(), "g", "s", events); err != nil {
					put <- err
					return
				}
			}
			put <- nil
		}()
	}
	for range 20 {
		must(b, <-put)
	}
	for b.Loop() {
		again, err := Open(b.Context(), Config{Journal: s.cfg.Journal})
		must(b, err)
		again.Close()
	}
	b.ReportMetric(float64(b.N)*batches/b.Elapsed().Seconds(), "batches/s")
}

// resident returns the memory that the process has in use, and the most it ever had, in
// MB; 0 where that is not known.
func resident() (now, most int) {
	raw, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(raw)) {
		var kb int
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kb); n == 1 {
			now = kb / 1024
		}
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kb); n == 1 {
			most = kb / 1024
		}
	}
	return now, most
}

func diskUse(t testing.TB, dir string) (n int64) {
	must(t, filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	}))
	return n
}

// TestMillion measures what a million events take to be stored and to be read back, and
// what they take. docs/benchmarks/logs.md has the figures.
func TestMillion(t *testing.T) {
	if os.Getenv("WEIR_LOAD") == "" {
		t.Skip("set WEIR_LOAD to measure")
	}
	dir := t.TempDir()
	j := openJournal(t, journal.Config{Dir: dir})
	s := openStore(t, Config{Journal: j, Now: func() time.Time { return time.UnixMilli(noon) }})
	streams := []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}
	s.make(t, "g", streams...)
	empty := diskUse(t, dir)
	before, _ := resident()
	total, raw := 0, 0
	var took time.Duration
	for i := 0; total < 1_000_000; i++ {
		events := lines(i/10, benchBatch)
		start := time.Now()
		s.put(t, "g", streams[i%10], events...)
		took += time.Since(start)
		total += len(events)
		for _, e := range events {
			raw += len(e.Message)
		}
	}
	t.Logf("put %d events of %.1f bytes, one after the other: %.0f events/s", total, float64(raw)/float64(total), float64(total)/took.Seconds())
	t.Logf("disk: %.1f bytes for each", float64(diskUse(t, dir)-empty)/float64(total))
	debug.FreeOSMemory()
	now, most := resident()
	t.Logf("resident: %d MB before, %d MB after, %d MB at most", before, now, most)
	for _, backward := range []bool{false, true} {
		n, start := 0, time.Now()
		for _, err := range s.Read(t.Context(), Query{Group: "g", Backward: backward}) {
			must(t, err)
			n++
		}
		if n != total {
			t.Errorf("read %d events, want %d", n, total)
		}
		t.Logf("read them, backward %v: %.0f events/s", backward, float64(n)/time.Since(start).Seconds())
	}
	now, most = resident()
	t.Logf("resident: %d MB after reading, %d MB at most", now, most)
}
