package place

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"weir/internal/parquet"
	"weir/internal/rows"
	"weir/internal/source"
	"weir/record"
	"weir/recordfile"
)

// TestOnlyWantedColumnsAreDownloaded counts the bytes of queries of few columns: those of
// the columns, of the footer, and of what lies between columns that are near.
func TestOnlyWantedColumnsAreDownloaded(t *testing.T) {
	const n = 400_000
	var text bytes.Buffer
	w, err := recordfile.NewParquetWriter(&text, record.Default(), recordfile.ParquetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	line := func(i int) string {
		h := uint32(i) * 2654435761
		return fmt.Sprintf("2 123456789012 eni-%08x 10.%d.%d.%d 10.%d.9.9 %d 443 6 %d %d 1700000000 1700000059 ACCEPT OK", h,
			h>>24, h>>16&255, h>>8&255, h&255, h>>16, h>>10, h)
	}
	for i := range n {
		var rec record.Record
		if err := record.Default().Parse([]byte(line(i)), &rec); err != nil {
			t.Fatal(err)
		}
		if err := w.Write(&rec); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	st := serve(t)
	st.put(t, "x.parquet", text.String())
	file, err := parquet.Open(bytes.NewReader(text.Bytes()), int64(text.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for _, fields := range []string{"srcaddr", "protocol", "srcaddr bytes start", ""} {
		var want []bool
		need := int64(footer)
		for _, name := range file.Names() {
			// The scan itself needs some.
			columns := " " + fields + " start end log-status interface-id "
			want = append(want, fields == "" || strings.Contains(columns, " "+strings.ReplaceAll(name, "_", "-")+" "))
		}
		for _, p := range file.Parts(want) {
			need += p[1] - p[0]
		}
		need += 2 * near // between columns
		var got, twice, rowsRead atomic.Int64
		var mu sync.Mutex
		seen := map[string]bool{}
		st.spoil = func(_ http.ResponseWriter, r *http.Request) bool {
			from, to, ok := strings.Cut(strings.TrimPrefix(r.Header.Get("Range"), "bytes="), "-")
			switch {
			case r.URL.Query().Has("list-type"):
			case !ok:
				got.Add(int64(text.Len()))
			default:
				a, _ := strconv.ParseInt(from, 10, 64)
				b, _ := strconv.ParseInt(to, 10, 64)
				got.Add(b - a + 1)
				mu.Lock()
				if seen[from] {
					twice.Add(1)
				}
				seen[from] = true
				mu.Unlock()
			}
			return false
		}
		st.gets.Store(0)
		l, err := New(st.config("s3://flow-logs"))
		if err != nil {
			t.Fatal(err)
		}
		scan := source.Scan{Objects: l.Objects(t.Context()), Columns: func(record.Format) []bool { return want }, Sink: func() source.Sink {
			return func(_ *source.Worker, b *rows.Batch) error { rowsRead.Add(int64(b.Rows)); return nil }
		}}
		a, err := scan.Run(t.Context())
		if err != nil || len(a.Damaged) > 0 || rowsRead.Load() != n {
			t.Fatalf("%d rows, %v, %v", rowsRead.Load(), a.Damaged, err)
		}
		t.Logf("%q: %d of %d bytes, allowed %d, in %d requests", fields, got.Load(), text.Len(), need, st.gets.Load())
		if got.Load() > need || twice.Load() > 0 {
			t.Errorf("%q: %d bytes, want at most %d; %d requests twice", fields, got.Load(), need, twice.Load())
		}
	}
}
