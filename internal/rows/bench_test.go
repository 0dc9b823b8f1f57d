package rows

import (
	"fmt"
	"testing"

	"weir/record"
)

func sample(n int) []byte {
	var text []byte
	for i := range n {
		text = fmt.Appendf(text, "2 123456789012 eni-0a1b2c3d4e5f6%04d 10.0.%d.%d 172.31.%d.7 %d 443 6 %d %d %d %d %s OK\n",
			i%240, i%7, i%251, i%13, 32768+i%28000, 1+i%90, 40+i%90000, 1700000000+i/200, 1700000059+i/200,
			[]string{"ACCEPT", "REJECT"}[i%9/8])
	}
	return text
}

func BenchmarkSplit(b *testing.B) {
	text := sample(2300)
	var s Splitter
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		s.Split(text, 2300, record.Default(), 1, func(*Batch) error { return nil }, nil)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2300, "ns/row")
}
