package recordfile_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"weir/record"
	"weir/recordfile"
)

// parquetOf returns a Parquet file of the lines.
func parquetOf(tb testing.TB, f record.Format, lines []byte) []byte {
	tb.Helper()
	var file bytes.Buffer
	w, err := recordfile.NewParquetWriter(&file, f, recordfile.ParquetOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	writeLines(tb, w, f, lines)
	return file.Bytes()
}

// TestStatistics compares what the footer says about each column of each row group
// with the values that are in it, as parquet-go reads them.
func TestStatistics(t *testing.T) {
	for _, format := range []string{"all", "tgw", "v5"} {
		f := mustFormat(t, format)
		lines := allLines(f)
		if format == "v5" { // two row groups, pages of many sizes
			lines = append(lines, traffic(t, f, recordfile.GroupRecords+recordfile.BatchRecords)...)
		}
		data := parquetOf(t, f, lines)
		file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		records := int64(bytes.Count(lines, []byte("\n")))
		meta := file.Metadata()
		if meta.NumRows != records || len(meta.ColumnOrders) != f.Len() {
			t.Errorf("%s: footer has %d rows and %d orders, want %d, %d", format, meta.NumRows, len(meta.ColumnOrders), records, f.Len())
		}
		for g, group := range file.RowGroups() {
			size := int64(0)
			for i, chunk := range group.ColumnChunks() {
				m := meta.RowGroups[g].Columns[i].MetaData
				size += m.TotalCompressedSize
				want := readChunk(t, chunk)
				if m.NumValues != want.values || m.Statistics.NullCount != want.nulls ||
					!bytes.Equal(m.Statistics.MinValue, want.least) || !bytes.Equal(m.Statistics.MaxValue, want.greatest) {
					t.Errorf("%s: column %s: got %d values, %+v; want %+v", format, f.Name(i), m.NumValues, m.Statistics, want)
				}
			}
			if got := meta.RowGroups[g].TotalCompressedSize; got != size {
				t.Errorf("%s: row group has %d bytes, want %d", format, got, size)
			}
		}
	}
}

type chunkValues struct {
	values, nulls   int64
	least, greatest []byte
}

func readChunk(t *testing.T, chunk parquet.ColumnChunk) (c chunkValues) {
	t.Helper()
	pages := chunk.Pages()
	defer pages.Close()
	var least, greatest parquet.Value
	values := make([]parquet.Value, 1000)
	for {
		page, err := pages.ReadPage()
		if err == io.EOF {
			if c.values > c.nulls {
				c.least, c.greatest = least.Bytes(), greatest.Bytes()
			}
			return c
		}
		if err != nil {
			t.Fatal(err)
		}
		for rd := page.Values(); err == nil; {
			var n int
			n, err = rd.ReadValues(values)
			for _, v := range values[:n] {
				c.values++
				if v.IsNull() {
					c.nulls++
					continue
				}
				if least.IsNull() || chunk.Type().Compare(v, least) < 0 {
					least = v.Clone()
				}
				if greatest.IsNull() || chunk.Type().Compare(v, greatest) > 0 {
					greatest = v.Clone()
				}
			}
		}
		if err != io.EOF {
			t.Fatal(err)
		}
	}
}

// TestLongBounds checks that a long text does not swell the footer.
func TestLongBounds(t *testing.T) {
	f := mustFormat(t, "end start log-status srcaddr x-a")
	const most = recordfile.MaxBound
	for n, want := range map[int]int{most - 1: most - 1, most: most, most + 1: 0} {
		data := parquetOf(t, f, []byte("2 1 OK 10.0.0.1 "+strings.Repeat("a", n)+"\n"))
		file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		if s := file.Metadata().RowGroups[0].Columns[4].MetaData.Statistics; len(s.MinValue) != want || len(s.MaxValue) != want {
			t.Errorf("text of %d bytes has bounds of %d and %d, want %d", n, len(s.MinValue), len(s.MaxValue), want)
		}
	}
}

func rowGroups(tb testing.TB, data []byte) []parquet.RowGroup {
	tb.Helper()
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		tb.Fatal(err)
	}
	return file.RowGroups()
}

// TestGroupBytes ends a row group where its values are large.
func TestGroupBytes(t *testing.T) {
	f := mustFormat(t, "end start log-status srcaddr x-a")
	const long = recordfile.GroupBytes / 100
	line := []byte("2 1 OK 10.0.0.1 " + strings.Repeat("a", long) + "\n")
	var got []int64
	for _, g := range rowGroups(t, parquetOf(t, f, bytes.Repeat(line, 101))) {
		got = append(got, g.NumRows())
	}
	if !slices.Equal(got, []int64{100, 1}) {
		t.Errorf("row groups have %d records, want 100 and 1", got)
	}
}

// brokenOnce fails the first time that so much was written, and not again.
type brokenOnce struct{ after int }

func (b *brokenOnce) Write(p []byte) (int, error) {
	before := b.after
	if b.after -= len(p); before >= 0 && b.after < 0 {
		return 0, os.ErrPermission
	}
	return len(p), nil
}

// TestErrorStays holds for a file that lacks a piece in its middle.
func TestErrorStays(t *testing.T) {
	f := record.Default()
	var r record.Record
	if err := f.Parse(bytes.TrimSuffix(traffic(t, f, 1), []byte("\n")), &r); err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds {
		w, err := kind.new(&brokenOnce{1}, f)
		if err != nil {
			t.Fatal(err)
		}
		failed := false
		for range recordfile.GroupRecords + 1 {
			failed = w.Write(&r) != nil || failed
		}
		if err := w.Close(); !errors.Is(err, os.ErrPermission) {
			t.Errorf("%s: Close returned %v after a failed write (Write failed: %v)", kind.name, err, failed)
		}
	}
}

// FuzzParquetWriter checks that parquet-go reads what is written, whatever it is,
// and in whatever order values come again.
func FuzzParquetWriter(f *testing.F) {
	format := mustFormat(f, "version srcaddr srcport bytes end x-a log-status")
	f.Add([]byte("2 10.0.0.1 443 0 1 a OK\n- - - - - - NODATA\n3 ::1 - 9223372036854775807 1 - OK\n2 xx.xx 1 1 1 a OK"), uint16(9))
	f.Add([]byte("- - - - - - -\n- - - - - - -"), uint16(1))
	f.Fuzz(func(t *testing.T, text []byte, times uint16) {
		var lines []byte
		var r record.Record
		for line := range bytes.SplitSeq(text, []byte("\n")) {
			if format.Parse(line, &r) == nil {
				lines = append(format.Append(lines, &r), '\n')
			}
		}
		lines = bytes.Repeat(lines, int(times%1000))
		rd, err := openBytes(parquetOf(t, format, lines))
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := readLines(t, rd); !bytes.Equal(got, lines) {
			t.Errorf("got:\n%.1000q\nwant:\n%.1000q", got, lines)
		}
	})
}
