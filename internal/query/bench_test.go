package query

import (
	"fmt"
	"testing"

	"weir/internal/rows"
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

func column(f record.Field) Column { return Column{f, f.Name()} }

func BenchmarkGroup(b *testing.B) {
	const n = 2300
	text := sample(n)
	reject := &Test{Fields: []Column{column(record.Action)}, Op: Eq, Values: []Value{{Text: "REJECT"}}}
	for _, c := range []struct {
		name string
		expr Expr
		by   []Column
	}{
		{"all", nil, []Column{column(record.SrcAddr)}},
		{"reject", reject, []Column{column(record.SrcAddr)}},
		{"reject4", reject, []Column{column(record.SrcAddr), column(record.DstAddr), column(record.DstPort), column(record.Protocol)}},
	} {
		b.Run(c.name, func(b *testing.B) {
			f, t := Compile(c.expr), NewTable(c.by, 1e6)
			var s rows.Splitter
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				s.Split(text, 2300, record.Default(), 1, func(batch *rows.Batch) error {
					sel, _ := f.Select(batch)
					_, err := t.Add(batch, sel)
					return err
				}, nil)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
		})
	}
}
