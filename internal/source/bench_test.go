package source_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"weir/internal/query"
	"weir/internal/rows"
	"weir/internal/source"
	"weir/record"
)

// BenchmarkScan reads an object of 16 MB, selects what was refused, and adds it up by
// source address: what "weir top" does.
func BenchmarkScan(b *testing.B) {
	const n = 150_000
	header := string(record.Default().AppendHeader(nil)) + "\n"
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "2 123456789012 eni-0a1b2c3d4e5f6%04d 10.0.%d.%d 172.31.%d.7 %d 443 6 %d %d %d %d %s OK\n",
			i%240, i%7, i%251, i%13, 32768+i%28000, 1+i%90, 90+i*i%90000, 1700000000+i/200, 1700000059+i/200,
			[]string{"ACCEPT", "REJECT"}[i%9/8])
	}
	var zip bytes.Buffer
	z, _ := gzip.NewWriterLevel(&zip, 6)
	io.WriteString(z, header+text.String())
	z.Close()

	each := func(before, after string) []byte {
		var out []byte
		for line := range strings.Lines(text.String()) {
			out = append(append(append(out, before...), strings.TrimSuffix(line, "\n")...), after...)
		}
		return out
	}
	for _, c := range []struct {
		name string
		data []byte
	}{
		{"plain", []byte(header + text.String())},
		{"gzip", zip.Bytes()},
		{"inferred", []byte(text.String())},
		{"export", each("2025-10-09T08:53:20.000Z ", "\n")},
		{"firehose", each(`{"message":"`, "\"}\n")},
		{"csv", []byte(strings.ReplaceAll(header+text.String(), " ", ","))},
	} {
		b.Run(c.name, func(b *testing.B) {
			o := source.Object{Name: "o", Size: int64(len(c.data)), Open: func(context.Context) (io.ReadCloser, error) {
				return io.NopCloser(bytes.NewReader(c.data)), nil
			}}
			reject := &query.Test{Fields: []query.Column{{Field: record.Action, Name: "action"}}, Op: query.Eq,
				Values: []query.Value{{Text: "REJECT"}}}
			b.SetBytes(int64(len(header) + text.Len()))
			b.ReportAllocs()
			for b.Loop() {
				table := query.NewTable([]query.Column{{Field: record.SrcAddr, Name: "srcaddr"}}, 1e6)
				s := source.Scan{Workers: 1, Objects: func(yield func(source.Object, error) bool) { yield(o, nil) },
					Sink: func() source.Sink {
						f := query.Compile(reject)
						return func(w *source.Worker, batch *rows.Batch) error {
							selected, _ := f.Select(batch)
							_, err := table.Add(batch, selected)
							return err
						}
					}}
				acc, err := s.Run(b.Context())
				if err != nil || acc.Lines != n || acc.Refused != 0 || table.Len() == 0 {
					b.Fatal(err, acc)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
		})
	}
}
