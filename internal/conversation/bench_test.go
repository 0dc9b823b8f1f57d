package conversation

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"weir/internal/rows"
	"weir/record"
)

// connections is n records of n/4 conversations, each seen at both ends both ways.
func connections(from, n int) []byte {
	var text []byte
	for i := from; i < from+n/4; i++ {
		a, b := fmt.Sprintf("10.0.%d.%d", i%7, i%251), fmt.Sprintf("172.31.%d.7", i%13)
		for k := range 4 {
			src, dst, sp, dp := a, b, 32768+i/1000%28000, 443
			if k&1 == 1 {
				src, dst, sp, dp = dst, src, dp, sp
			}
			text = fmt.Appendf(text, "2 123456789012 eni-0a1b2c3d4e5f6%04d %s %s %d %d 6 %d %d %d %d ACCEPT OK\n",
				k/2*1000+i%240, src, dst, sp, dp, 1+i%90, 40+i%90000, 1700000000+i/2000, 1700000059+i/2000)
		}
	}
	return text
}

var splitter rows.Splitter

func split(b testing.TB, text []byte, fn func(*rows.Batch)) {
	if err := splitter.Split(text, bytes.Count(text, []byte("\n")), record.Default(), 1, func(b *rows.Batch) error { fn(b); return nil }, nil); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkAdd(b *testing.B) {
	const n = 2400
	text, all := connections(0, n), everything(n)
	table := NewTable(1e6)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		split(b, text, func(batch *rows.Batch) {
			if _, err := table.Add(batch, all); err != nil {
				b.Fatal(err)
			}
		})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
}

// BenchmarkMillion makes a million conversations of four million records, and says
// what they take.
func BenchmarkMillion(b *testing.B) {
	const million, lot = 1_000_000, 25_000
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		table := NewTable(2 * million)
		all := everything(4 * lot)
		b.StopTimer()
		for from := 0; from < million; from += lot {
			text := connections(from, 4*lot)
			b.StartTimer()
			split(b, text, func(batch *rows.Batch) {
				if _, err := table.Add(batch, all); err != nil {
					b.Fatal(err)
				}
			})
			b.StopTimer()
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB")
		b.ReportMetric(float64(table.Len()), "conversations")
		b.StartTimer()
		n := 0
		for range table.Rows(ByBytes, 10) {
			n++
		}
		if n != 10 {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(4*million), "ns/record")
}

func BenchmarkPick(b *testing.B) {
	const n = 2400
	text, all := connections(0, n), everything(n)
	l := NewLearner()
	split(b, text, func(batch *rows.Batch) { l.Learn(batch, all) })
	p := l.Views().Picker()
	for _, c := range []struct {
		name string
		fn   func(*rows.Batch)
	}{
		{"learn", func(batch *rows.Batch) { l.Learn(batch, all) }},
		{"pick", func(batch *rows.Batch) { p.Pick(batch, all) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				split(b, text, c.fn)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
		})
	}
}
