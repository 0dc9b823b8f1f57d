package record

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// benchFormats are the formats the benchmarks report on.
var benchFormats = []struct{ name, format string }{
	{"default", "default"},
	{"default+tcp-flags", "default+tcp-flags"},
	{"all", "all"},
}

// randomRecord fills r with values of every field, from rng, as a busy IPv4
// network would have them.
func randomRecord(r *Record, rng *rand.Rand) {
	r.Reset()
	start := int64(1700000000) + rng.Int64N(1e7)
	packets := int64(1) << rng.IntN(16)
	for _, f := range AllFields() {
		switch f.Type() {
		case String:
			switch {
			case f.IsAddr():
				r.SetText(f, fmt.Sprintf("%d.%d.%d.%d", 1+rng.IntN(254), rng.IntN(256), rng.IntN(256), rng.IntN(256)))
			case len(f.Values()) > 0:
				r.SetText(f, f.Values()[rng.IntN(len(f.Values()))])
			case rng.IntN(3) > 0:
				r.SetText(f, fmt.Sprintf("%s-%017x", f.Name()[:3], rng.Uint64()>>8))
			}
		case Int32:
			r.SetInt(f, rng.Int64N(min(f.Max(), 250)+1))
		}
	}
	r.Unset(Version)
	r.SetText(AccountID, "123456789012")
	r.SetText(InterfaceID, fmt.Sprintf("eni-%017x", rng.Uint64N(240)*0x9e3779b97f4a7c))
	r.SetText(LogStatus, "OK")
	r.SetText(Action, []string{"ACCEPT", "ACCEPT", "ACCEPT", "REJECT"}[rng.IntN(4)])
	r.SetInt(SrcPort, rng.Int64N(65536))
	r.SetInt(DstPort, []int64{22, 53, 80, 443, 3389, 8080, 41234}[rng.IntN(7)])
	r.SetInt(Protocol, []int64{1, 6, 6, 6, 17}[rng.IntN(5)])
	r.SetInt(Packets, packets)
	r.SetInt(Bytes, packets*(40+rng.Int64N(1400)))
	r.SetInt(Start, start)
	r.SetInt(End, start+rng.Int64N(60))
}

// benchLines returns lines, one after the other in memory as in a file, and
// their mean size with the newline. They differ in the length of every field,
// so that the processor cannot learn one line by heart.
func benchLines(f Format) (lines [][]byte, size int64) {
	rng := rand.New(rand.NewPCG(1, 2))
	var r Record
	var text []byte
	for range 4096 {
		randomRecord(&r, rng)
		text = append(f.Append(text, &r), '\n')
	}
	for line := range bytes.Lines(text) {
		lines = append(lines, line[:len(line)-1])
	}
	return lines, int64(len(text)) / int64(len(lines))
}

// reportRate adds records/s to a benchmark whose iteration is one record.
func reportRate(b *testing.B) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkParse reports the cost of reading one line out of 4096.
func BenchmarkParse(b *testing.B) {
	for _, bb := range benchFormats {
		b.Run(bb.name, func(b *testing.B) {
			f := mustFormat(b, bb.format)
			lines, size := benchLines(f)
			var r Record
			b.ReportAllocs()
			b.SetBytes(size)
			for i := 0; b.Loop(); i++ {
				if err := f.Parse(lines[i%4096], &r); err != nil {
					b.Fatal(err)
				}
			}
			reportRate(b)
		})
	}
}

// BenchmarkAppend reports the cost of printing one record out of 256 that were
// parsed.
func BenchmarkAppend(b *testing.B) {
	for _, bb := range benchFormats {
		b.Run(bb.name, func(b *testing.B) {
			f := mustFormat(b, bb.format)
			lines, size := benchLines(f)
			records := make([]Record, 256)
			for i := range records {
				if err := f.Parse(lines[i], &records[i]); err != nil {
					b.Fatal(err)
				}
			}
			buf := make([]byte, 0, 8192)
			b.ReportAllocs()
			b.SetBytes(size)
			for i := 0; b.Loop(); i++ {
				buf = f.Append(buf[:0], &records[i%256])
			}
			reportRate(b)
		})
	}
}

// BenchmarkSetAndAppend reports the cost of making a record with setters, as
// the capture side does, and printing it in the default format.
func BenchmarkSetAndAppend(b *testing.B) {
	f := Default()
	var src Record
	randomRecord(&src, rand.New(rand.NewPCG(1, 2)))
	srcAddr, _ := src.Addr(SrcAddr)
	dstAddr, _ := src.Addr(DstAddr)
	buf := make([]byte, 0, 1024)
	var r Record
	b.ReportAllocs()
	for i := int64(0); b.Loop(); i++ {
		r.Reset()
		r.SetText(AccountID, "123456789012")
		r.SetText(InterfaceID, "eni-0123456789abcdef0")
		r.SetAddr(SrcAddr, srcAddr)
		r.SetAddr(DstAddr, dstAddr)
		r.SetInt(SrcPort, i&0xffff)
		r.SetInt(DstPort, 443)
		r.SetInt(Protocol, 6)
		r.SetInt(Packets, i&0xfff)
		r.SetInt(Bytes, i&0xfffff)
		r.SetInt(Start, 1700000000+i&0xff)
		r.SetInt(End, 1700000059)
		r.SetVerdict(Accept)
		r.SetStatus(OK)
		buf = f.Append(buf[:0], &r)
	}
	b.SetBytes(int64(len(buf)) + 1)
	reportRate(b)
}

func mustFormat(tb testing.TB, s string) Format {
	tb.Helper()
	f, err := ParseFormat(s)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}
