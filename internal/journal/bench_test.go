package journal

import (
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

const benchWindows, benchFlows = 200, 50

// BenchmarkAppend stores what a host with 200 interfaces hands over each
// minute, synced to disk.
func BenchmarkAppend(b *testing.B) {
	j := openDir(b, b.TempDir())
	batches := make([]*Batch, 16)
	for i := range batches {
		batches[i] = batch("host", 1, uint64(i+1), benchWindows, benchFlows)
	}
	n := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		next := batches[n%uint64(len(batches))]
		n++
		next.Sequence = n
		for i := range next.Entries {
			next.Entries[i].Window.Sequence = n
		}
		if err := j.Append(b.Context(), next); err != nil {
			b.Fatal(err)
		}
	}
	s, err := j.Stats(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	windows, flows := float64(n*benchWindows), float64(n*benchWindows*benchFlows)
	b.ReportMetric(windows/b.Elapsed().Seconds(), "windows/s")
	b.ReportMetric(flows/b.Elapsed().Seconds(), "flows/s")
	b.ReportMetric(float64(s.RawBytes)/flows, "raw-B/flow")
	b.ReportMetric(float64(s.Bytes)/flows, "disk-B/flow")
}

// BenchmarkRead reads the same from disk, decoded.
func BenchmarkRead(b *testing.B) {
	j := openDir(b, b.TempDir())
	const batches = 20
	for i := range batches {
		mustAppend(b, j, batch("host", 1, uint64(i+1), benchWindows, benchFlows))
	}
	last, err := j.Last(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	flows := 0
	b.ReportAllocs()
	for b.Loop() {
		err := j.ReadRange(b.Context(), 1, last, func(m *Message) error {
			for i := range m.Entries {
				flows += len(m.Entries[i].Window.Flows)
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(flows)/b.Elapsed().Seconds(), "flows/s")
}

// BenchmarkCompress compares what a body can be compressed with.
func BenchmarkCompress(b *testing.B) {
	raw := body(batch("host", 1, 1, benchWindows, benchFlows))[:bodySize]
	run := func(name string, compress func(dst, src []byte) []byte) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			var out []byte
			for b.Loop() {
				out = compress(out[:0], raw)
			}
			b.ReportMetric(float64(len(out))/float64(len(raw)), "of-raw")
		})
	}
	for _, level := range []zstd.EncoderLevel{zstd.SpeedFastest, zstd.SpeedDefault, zstd.SpeedBetterCompression} {
		z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(bodySize))
		if err != nil {
			b.Fatal(err)
		}
		run("zstd-"+level.String(), func(dst, src []byte) []byte { return z.EncodeAll(src, dst) })
	}
	run("s2", func(dst, src []byte) []byte { return s2.Encode(dst[:cap(dst)], src) })
	run("s2-better", func(dst, src []byte) []byte { return s2.EncodeBetter(dst[:cap(dst)], src) })
}
