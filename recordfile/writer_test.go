package recordfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"weir/record"
	"weir/recordfile"
	"weir/recordfile/parquetfile"
)

// A kindOfFile is an implementation of Writer and Reader, for tests that hold for
// all of them.
type kindOfFile struct {
	name string
	new  func(w io.Writer, f record.Format) (recordfile.Writer, error)
	open func(file []byte) (recordfile.Reader, error)
}

var kinds = []kindOfFile{
	{
		"text",
		func(w io.Writer, f record.Format) (recordfile.Writer, error) {
			return recordfile.NewWriter(w, f, recordfile.Options{})
		},
		func(file []byte) (recordfile.Reader, error) {
			return recordfile.NewTextReader(bytes.NewReader(file)), nil
		},
	},
	{
		"parquet",
		func(w io.Writer, f record.Format) (recordfile.Writer, error) {
			return recordfile.NewWriter(w, f, recordfile.Options{Parquet: true})
		},
		openBytes,
	},
	{
		"parquet zstd",
		func(w io.Writer, f record.Format) (recordfile.Writer, error) {
			return recordfile.NewParquetWriter(w, f, recordfile.ParquetOptions{Codec: recordfile.Zstd})
		},
		openBytes,
	},
}

func openBytes(file []byte) (recordfile.Reader, error) {
	return parquetfile.NewReader(bytes.NewReader(file), int64(len(file)))
}

// writeLines writes the lines, of this format, and closes the file.
func writeLines(tb testing.TB, w recordfile.Writer, f record.Format, lines []byte) {
	tb.Helper()
	var r record.Record
	for line := range bytes.Lines(lines) {
		if err := f.Parse(bytes.TrimSuffix(line, []byte("\n")), &r); err != nil {
			tb.Fatalf("%s: %v", line, err)
		}
		if err := w.Write(&r); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
}

// readLines reads all records, as lines of the format of the file.
func readLines(tb testing.TB, rd recordfile.Reader) (lines []byte, f record.Format) {
	tb.Helper()
	var r record.Record
	for {
		err := rd.Read(&r)
		if err == io.EOF {
			return lines, rd.Format()
		}
		if err != nil {
			tb.Fatal(err)
		}
		lines = append(rd.Format().Append(lines, &r), '\n')
	}
}

// allLines has every shape of value in the format of all fields and an extension.
func allLines(f record.Format) []byte {
	var r record.Record
	var lines []byte
	add := func() { lines = append(f.Append(lines, &r), '\n') }
	r.SetText(record.AccountID, "123456789012")
	r.SetText(record.InterfaceID, "eni-1")
	r.SetInt(record.Start, 1700000000)
	r.SetInt(record.End, 1700000059)
	r.SetStatus(record.NoData)
	add()
	r.SetStatus(record.OK)
	for _, addr := range []string{"10.0.0.1", "0.0.0.0", "255.255.255.255", "2001:db8::1", "::", "xx.xx.xx.xx"} {
		for _, field := range record.AllFields() {
			if field.IsAddr() {
				r.SetText(field, addr)
			}
		}
		add()
	}
	for i, field := range record.AllFields() {
		switch {
		case field == record.Version || field.IsAddr() || len(field.Values()) > 0:
		case field.Type() == record.String:
			r.SetText(field, fmt.Sprintf("%s-%d%%20ü", field.Name(), i))
		default:
			r.SetInt(field, field.Max())
		}
		add()
	}
	for _, field := range []record.Field{record.SrcPort, record.Packets, record.Bytes, record.TCPFlags} {
		r.SetInt(field, 0)
	}
	add()
	return lines
}

// TestWriters holds every kind of file against the contract of Writer and Reader.
func TestWriters(t *testing.T) {
	formats := []string{"default", "v5", "all", "tgw", "end+start+x-drop-reason+srcaddr+x-a"}
	for _, kind := range kinds {
		for _, format := range formats {
			t.Run(kind.name+"/"+format, func(t *testing.T) { testWriter(t, kind, mustFormat(t, format)) })
		}
	}
}

func testWriter(t *testing.T, kind kindOfFile, f record.Format) {
	lines := allLines(f)
	if f.Has(record.LogStatus) {
		lines = append(lines, traffic(t, f, 2*recordfile.BatchRecords+1)...)
	}
	if n := len(f.Extensions()); n > 0 {
		lines = append(lines, "1700000059 1700000000 nf_hook 10.0.0.1 -\n1700000059 1700000000 - - b\n"...)
	}
	var first, again, empty bytes.Buffer
	w, err := kind.new(&first, f)
	if err != nil {
		t.Fatal(err)
	}
	writeLines(t, w, f, lines)

	t.Run("read back", func(t *testing.T) {
		rd, err := kind.open(first.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		got, gotFormat := readLines(t, rd)
		if !gotFormat.Equal(f) {
			t.Errorf("format is %s, want %s", gotFormat, f)
		}
		if !bytes.Equal(got, lines) {
			t.Errorf("got:\n%.2000s\nwant:\n%.2000s", got, lines)
		}
	})
	t.Run("size", func(t *testing.T) {
		s := w.Size()
		if s.Compressed != int64(first.Len()) {
			t.Errorf("size is %d, want %d", s.Compressed, first.Len())
		}
		if want := int64(bytes.Count(lines, []byte("\n"))); s.Records != want {
			t.Errorf("got %d records, want %d", s.Records, want)
		}
	})
	t.Run("closing twice is nothing", func(t *testing.T) {
		n := first.Len()
		if err := w.Close(); err != nil || first.Len() != n {
			t.Errorf("error %v, %d bytes written", err, first.Len()-n)
		}
	})
	t.Run("same records, same bytes", func(t *testing.T) {
		if err := w.Reset(io.Discard); err != nil { // a file that is given up
			t.Fatal(err)
		}
		var r record.Record
		if err := f.Parse(lines[:bytes.IndexByte(lines, '\n')], &r); err != nil {
			t.Fatal(err)
		}
		for range recordfile.BatchRecords + 7 {
			if err := w.Write(&r); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Reset(&again); err != nil {
			t.Fatal(err)
		}
		writeLines(t, w, f, lines)
		if !bytes.Equal(first.Bytes(), again.Bytes()) {
			t.Errorf("a writer used again wrote other bytes: %d, want %d", again.Len(), first.Len())
		}
	})
	t.Run("no records", func(t *testing.T) {
		if err := w.Reset(&empty); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		rd, err := kind.open(empty.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if got, gotFormat := readLines(t, rd); len(got) > 0 || !gotFormat.Equal(f) && f.Has(record.LogStatus) {
			t.Errorf("got %q of format %s", got, gotFormat)
		}
	})
	t.Run("disk full", func(t *testing.T) {
		if err := w.Reset(failing{}); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); !errors.Is(err, os.ErrPermission) {
			t.Errorf("got %v, want the underlying error", err)
		}
	})
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, os.ErrPermission }

// TestSizeBounds closes files of many lengths and compares them with what their
// size was before.
func TestSizeBounds(t *testing.T) {
	f := mustFormat(t, "v5")
	lines := bytes.SplitAfter(traffic(t, f, 20_000), []byte("\n"))
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			w, err := kind.new(io.Discard, f)
			if err != nil {
				t.Fatal(err)
			}
			var r record.Record
			for n := 1; n < len(lines); n = n*3 + 1 {
				if err := w.Reset(io.Discard); err != nil {
					t.Fatal(err)
				}
				last := int64(0)
				for _, line := range lines[:n] {
					if err := f.Parse(line[:len(line)-1], &r); err != nil {
						t.Fatal(err)
					}
					if err := w.Write(&r); err != nil {
						t.Fatal(err)
					}
					s := w.Size()
					if s.Compressed < last {
						t.Fatalf("after %d records size fell from %d to %d", s.Records, last, s.Compressed)
					}
					last = s.Compressed
				}
				before := w.Size().Compressed
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				if after := w.Size().Compressed; after > before+recordfile.Slack {
					t.Errorf("%d records: size was %d and became %d, more than %d", n, before, after, recordfile.Slack)
				}
			}
		})
	}
	for _, tt := range []struct {
		size int64
		want bool
	}{
		{recordfile.MaxSize - recordfile.Slack - 1, false},
		{recordfile.MaxSize - recordfile.Slack, true},
		{recordfile.MaxSize - recordfile.Slack + 1, true},
	} {
		if got := (recordfile.Size{Compressed: tt.size}).Full(); got != tt.want {
			t.Errorf("%d bytes: full is %v, want %v", tt.size, got, tt.want)
		}
	}
}

// TestWriteDoesNotAllocate holds for a writer that has been used: over many
// records, what is allocated for each page does not count.
func TestWriteDoesNotAllocate(t *testing.T) {
	f := mustFormat(t, "v5")
	lines := traffic(t, f, 4*recordfile.BatchRecords)
	for _, kind := range kinds {
		w, err := kind.new(io.Discard, f)
		if err != nil {
			t.Fatal(err)
		}
		writeLines(t, w, f, lines)
		perFile := testing.AllocsPerRun(3, func() {
			if err := w.Reset(io.Discard); err != nil {
				t.Fatal(err)
			}
			writeLines(t, w, f, lines)
		})
		if perRecord := perFile / (4 * recordfile.BatchRecords); perRecord > 1 {
			t.Errorf("%s: %v allocations for each record, want next to none", kind.name, perRecord)
		}
	}
}

// TestRowGroups crosses the boundaries of a page and of a row group.
func TestRowGroups(t *testing.T) {
	f := mustFormat(t, "account-id+srcport+start+end+log-status+version")
	var r record.Record
	for _, n := range []int{recordfile.PageRecords - 1, recordfile.PageRecords, recordfile.PageRecords + 1, recordfile.GroupRecords - 1, recordfile.GroupRecords, recordfile.GroupRecords + 1} {
		var file bytes.Buffer
		w, err := recordfile.NewParquetWriter(&file, f, recordfile.ParquetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			r.SetInt(record.SrcPort, int64(i&0xffff))
			r.SetInt(record.Start, int64(i))
			r.SetInt(record.End, int64(i))
			r.SetStatus(record.OK)
			if err := w.Write(&r); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		rd, err := openBytes(file.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if got, want := len(rowGroups(t, file.Bytes())), (n+recordfile.GroupRecords-1)/recordfile.GroupRecords; got != want {
			t.Errorf("%d records are in %d row groups, want %d", n, got, want)
		}
		i := 0
		for ; ; i++ {
			if err := rd.Read(&r); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if got, _ := r.Int(record.Start); got != int64(i) {
				t.Fatalf("record %d has start %d", i, got)
			}
		}
		if i != n {
			t.Errorf("read %d records, want %d", i, n)
		}
	}
}
