package source

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	upstream "github.com/parquet-go/parquet-go"

	"weir/internal/rows"
	"weir/record"
	"weir/recordfile"
)

// parquetOf returns lines of the default format as a Parquet file.
func parquetOf(tb testing.TB, text string, o recordfile.ParquetOptions) []byte {
	tb.Helper()
	var file bytes.Buffer
	w, err := recordfile.NewParquetWriter(&file, record.Default(), o)
	if err != nil {
		tb.Fatal(err)
	}
	var r record.Record
	for line := range strings.Lines(text) {
		if err := record.Default().Parse([]byte(strings.TrimSuffix(line, "\n")), &r); err != nil {
			tb.Fatal(err)
		}
		if err := w.Write(&r); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return file.Bytes()
}

func parquetText(n int) string {
	var b strings.Builder
	for i := range n {
		switch {
		case i%11 == 10:
			fmt.Fprintf(&b, "2 123456789012 eni-%d - - - - - - - 1700000000 1700000059 - NODATA\n", i%3)
		default:
			fmt.Fprintf(&b, "2 123456789012 eni-%d 10.0.%d.%d 2001:db8::%x %d 443 6 %d %d %d %d %s OK\n", i%3, i/251%7, i%251, 1+i%5000,
				32768+i%28000, 1+i%90, 40+i, 1700000000+i/200, 1700000059+i/200, []string{"ACCEPT", "REJECT"}[i%9/8])
		}
	}
	return b.String()
}

// memory is an object of which the bytes are there.
func memory(name string, b []byte, at bool) Object {
	o := Object{Name: name, Size: int64(len(b)), Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewBuffer(b)), nil
	}}
	if at {
		o.OpenAt = func(context.Context) (io.ReaderAt, int64, error) { return bytes.NewReader(b), int64(len(b)), nil }
	}
	return o
}

// scanned returns the lines of objects, and the account.
func scanned(t *testing.T, columns func(record.Format) []bool, objects ...Object) (string, *Account) {
	t.Helper()
	var out bytes.Buffer
	s := Scan{Output: &out, Workers: 3, Columns: columns}
	s.Objects = func(yield func(Object, error) bool) {
		for _, o := range objects {
			if !yield(o, nil) {
				return
			}
		}
	}
	s.Sink = func() Sink {
		return func(w *Worker, b *rows.Batch) error {
			for row := range b.Rows {
				w.Out = append(b.AppendLine(w.Out, row), '\n')
			}
			return nil
		}
	}
	a, err := s.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), a
}

func TestParquet(t *testing.T) {
	text := parquetText(300_000) // three row groups
	want, wantAccount := scanned(t, nil, memory("text", []byte(text), false))
	if want != text {
		t.Fatal("text is not read as it is")
	}
	for _, codec := range []recordfile.Codec{recordfile.Gzip, recordfile.Zstd} {
		file := parquetOf(t, text, recordfile.ParquetOptions{Codec: codec})
		path := filepath.Join(t.TempDir(), "a.parquet")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, o := range []Object{
			memory("anywhere", file, true), memory("from its beginning", file, false),
			{Name: "file", Size: int64(len(file)), Open: func(context.Context) (io.ReadCloser, error) { return os.Open(path) }},
		} {
			got, a := scanned(t, nil, o)
			if got != want {
				t.Errorf("%s: other lines", o.Name)
			}
			if len(a.Damaged) > 0 || a.Lines != wantAccount.Lines || a.Start != wantAccount.Start || a.End != wantAccount.End ||
				fmt.Sprint(a.Gaps) != fmt.Sprint(wantAccount.Gaps) {
				t.Errorf("%s: got account %+v, want %+v", o.Name, a, wantAccount)
			}
		}
		got, a := scanned(t, func(f record.Format) []bool {
			want := make([]bool, f.Len())
			want[f.Index(record.Action)] = true
			return want
		}, memory("columns", file, true))
		if first, _, _ := strings.Cut(got, "\n"); first != "- - eni-0 - - - - - - - 1700000000 1700000059 ACCEPT OK" {
			t.Errorf("got line %s of some columns", first)
		}
		if fmt.Sprint(a.Gaps) != fmt.Sprint(wantAccount.Gaps) {
			t.Errorf("got gaps %v, want %v", a.Gaps, wantAccount.Gaps)
		}
	}
}

// TestParquetDamaged reads what is left of a file of which a part is destroyed.
func TestParquetDamaged(t *testing.T) {
	text := parquetText(300_000)
	file := parquetOf(t, text, recordfile.ParquetOptions{})
	clear(file[len(file)/2 : len(file)/2+1000])
	got, a := scanned(t, nil, memory("damaged", file, true))
	if len(a.Damaged) != 1 || !strings.Contains(a.Damaged[0].Err.Error(), "row group 2: column ") {
		t.Errorf("got damage %+v", a.Damaged)
	}
	lines := strings.Count(got, "\n")
	if lines < 150_000 || lines == 300_000 || a.Lines != int64(lines) || a.Damaged[0].Lines != int64(lines) {
		t.Errorf("got %d lines, %d in the account", lines, a.Lines)
	}
	_, a = scanned(t, nil, memory("cut", file[:len(file)-1], true))
	if len(a.Damaged) != 1 || a.Damaged[0].Err != recordfile.ErrTruncated {
		t.Errorf("got damage %+v", a.Damaged)
	}
}

// TestParquetFromPipes reads files of as many bytes as are held in memory, and of one
// more.
func TestParquetFromPipes(t *testing.T) {
	file := parquetOf(t, parquetText(10), recordfile.ParquetOptions{})
	o := memory("pipe", file, false)
	_, a := runScan(t, &Scan{Objects: objects(o), maxHeld: int64(len(file))})
	if a.Lines != 10 || len(a.Damaged) > 0 {
		t.Errorf("%d lines, damage %v", a.Lines, a.Damaged)
	}
	_, a = runScan(t, &Scan{Objects: objects(o), maxHeld: int64(len(file)) - 1})
	want := fmt.Sprintf("a Parquet file of more than %d bytes cannot be read from a pipe: save it, and name the file", len(file)-1)
	if len(a.Damaged) != 1 || a.Damaged[0].Err.Error() != want {
		t.Errorf("got damage %v, want %s", a.Damaged, want)
	}
}

// TestParquetForeign reads a large row group with columns that are not as ours are.
func TestParquetForeign(t *testing.T) {
	type row struct {
		LogStatus string `parquet:"log-status,dict"`
		Version   *int32 `parquet:"version,optional"`
		Port      string `parquet:"dst_port"`
		Protocol  int64  `parquet:"protocol"`
		Bytes     int32  `parquet:"bytes,delta"`
	}
	var file bytes.Buffer
	w := upstream.NewGenericWriter[row](&file, upstream.Compression(&upstream.Snappy))
	var text strings.Builder
	text.WriteString("log-status version dstport protocol bytes\n")
	const n = 2*groupRows + 5
	x := make([]row, 0, n)
	for i := range n {
		x = append(x, row{"OK", nil, fmt.Sprint(i % 70000), int64(6 - i%100/99*7), int32(i)})
		fmt.Fprintf(&text, "OK 2 %d %d %d\n", i%70000, 6-i%100/99*7, i)
	}
	if _, err := w.Write(x); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want, _ := scanned(t, nil, memory("text", []byte(text.String()), true))
	got, a := scanned(t, nil, memory("foreign", file.Bytes(), true))
	if got != want || len(a.Damaged) > 0 {
		t.Errorf("other lines; damage: %v", a.Damaged)
	}
}
