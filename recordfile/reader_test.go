package recordfile_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"weir/record"
	"weir/recordfile"
)

func zipped(tb testing.TB, text string) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// outcome reads a file to the end and tells what came, a line for each call.
func outcome(rd recordfile.Reader) string {
	var out []string
	var r record.Record
	for {
		err := rd.Read(&r)
		var bad *recordfile.RecordError
		switch {
		case err == nil:
			out = append(out, string(rd.Format().Append(nil, &r)))
		case err == io.EOF:
			return strings.Join(append(out, "EOF"), "\n")
		case errors.As(err, &bad):
			out = append(out, "bad "+err.Error())
		default:
			if again := rd.Read(&r); again != err {
				return "error changed from " + err.Error()
			}
			return strings.Join(append(out, "stop "+err.Error()), "\n")
		}
	}
}

func TestTextReader(t *testing.T) {
	const header = "srcaddr packets log-status\n"
	long := strings.Repeat("a", recordfile.MaxLine)
	for _, tt := range []struct {
		name, text, want string
	}{
		{"header and lines", header + "10.0.0.1 1 OK\n- - NODATA\n", "10.0.0.1 1 OK\n- - NODATA\nEOF"},
		{"no newline at the end", header + "10.0.0.1 1 OK", "10.0.0.1 1 OK\nEOF"},
		{"CR LF and empty lines", header + "\r\n10.0.0.1 1 OK\r\n\n", "10.0.0.1 1 OK\nEOF"},
		{"a bad line costs that line", header + "10.0.0.1 1\n10.0.0.1 1 OK\n",
			"bad line 2: field log-status: too few fields: 2, want 3\n10.0.0.1 1 OK\nEOF"},
		{"a header in the middle", header + "10.0.0.1 1 OK\nend start log-status\n2 1 OK\n", "10.0.0.1 1 OK\n2 1 OK\nEOF"},
		{"no header", "2 10.0.0.1\n", "stop line 1: no header line"},
		{"a line too long", header + long + "\n10.0.0.1 1 OK\n", "bad line 2: line is too long\n10.0.0.1 1 OK\nEOF"},
		{"empty", "", "EOF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := outcome(recordfile.NewTextReader(strings.NewReader(tt.text))); got != tt.want {
				t.Errorf("plain: got:\n%.200s\nwant:\n%s", got, tt.want)
			}
			if got := outcome(recordfile.NewTextReader(bytes.NewReader(zipped(t, tt.text)))); got != tt.want {
				t.Errorf("gzip: got:\n%.200s\nwant:\n%s", got, tt.want)
			}
		})
	}
	t.Run("assumed format", func(t *testing.T) {
		rd := recordfile.NewTextReader(strings.NewReader("10.0.0.1 6\n"))
		rd.AssumeFormat(mustFormat(t, "srcaddr protocol"))
		if got, want := outcome(rd), "10.0.0.1 6\nEOF"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("several members", func(t *testing.T) {
		file := append(zipped(t, header+"10.0.0.1 1 OK\n"), zipped(t, header+"10.0.0.2 2 OK\n")...)
		if got, want := outcome(recordfile.NewTextReader(bytes.NewReader(file))), "10.0.0.1 1 OK\n10.0.0.2 2 OK\nEOF"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// TestTruncated cuts files everywhere: what comes before the cut is right, and the
// end is not taken for the file's.
func TestTruncated(t *testing.T) {
	f := record.Default()
	lines := traffic(t, f, 300)
	for _, kind := range kinds {
		var file bytes.Buffer
		w, err := kind.new(&file, f)
		if err != nil {
			t.Fatal(err)
		}
		writeLines(t, w, f, lines)
		for n := 1; n < file.Len(); n += 1 + n/50 {
			rd, err := kind.open(file.Bytes()[:n])
			var got []byte
			var r record.Record
			for err == nil {
				if err = rd.Read(&r); err == nil {
					got = append(f.Append(got, &r), '\n')
				}
			}
			if !errors.Is(err, recordfile.ErrTruncated) && n > 4 {
				t.Fatalf("%s: cut after %d bytes: got error %v", kind.name, n, err)
			}
			if !bytes.HasPrefix(lines, got) {
				t.Fatalf("%s: cut after %d bytes: got wrong records", kind.name, n)
			}
		}
	}
}

// TestForeignParquet reads what others may write: columns in another order and of
// other types, fields that are missing, "-" for null, a column that nobody knows.
func TestForeignParquet(t *testing.T) {
	type row struct {
		LogStatus string  `parquet:"log_status"`
		Protocol  int64   `parquet:"protocol"`
		Bytes     *int32  `parquet:"bytes,optional"`
		SrcAddr   *string `parquet:"srcaddr,optional"`
		Port      string  `parquet:"dstport"`
		Tag       string  `parquet:"instance_tag"`
		New       *string `parquet:"new_field,optional"`
		Version   *int32  `parquet:"version,optional"`
	}
	addr, value, size := "10.0.0.1", "v", int32(7)
	var file bytes.Buffer
	w := parquet.NewGenericWriter[row](&file)
	if _, err := w.Write([]row{
		{"OK", 6, &size, &addr, "443", "a b", &value, nil},
		{"NODATA", 0, nil, nil, "-", "", nil, nil},
		{"OK", -1, nil, nil, "-", "", nil, nil},
		{"SKIPDATA", 17, nil, nil, "0", "-", nil, nil},
	}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rd, err := openBytes(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(rd.Format().AppendHeader(nil)), "log-status protocol bytes srcaddr dstport instance-tag new-field version"; got != want {
		t.Errorf("got header %s, want %s", got, want)
	}
	want := `OK 6 7 10.0.0.1 443 a%20b v 11
NODATA 0 - - - - - 11
bad row 3: field protocol "-1": value is not a decimal number
SKIPDATA 17 - - 0 - - 11
EOF`
	if got := outcome(rd); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestNotParquet(t *testing.T) {
	for _, tt := range []struct{ file, want string }{
		{"", "not a Parquet file"},
		{"PAR", "not a Parquet file"},
		{"version account-id\n", "not a Parquet file"},
		{"PAR1", ""},
		{"PAR1 some PAR1", ""},
	} {
		if _, err := openBytes([]byte(tt.file)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got error %v, want %q", tt.file, err, tt.want)
		}
	}
	var file bytes.Buffer
	w := parquet.NewGenericWriter[struct{ A, B int }](&file)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := openBytes(file.Bytes()); err == nil || !strings.Contains(err.Error(), "not those of a flow log") {
		t.Errorf("other columns: got error %v", err)
	}
}

// FuzzTextReader checks that any text, compressed or not, is read to an end, and
// that what is read can be written and read again.
func FuzzTextReader(f *testing.F) {
	f.Add([]byte("srcaddr packets x-a log-status\n10.0.0.1 1 b OK\n- - - NODATA\n"))
	f.Add([]byte("version end start log-status\r\n2 1 0 OK\nsrcaddr\n::1"))
	f.Add(zipped(f, "srcaddr packets log-status\n10.0.0.1 1 OK\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		rd := recordfile.NewTextReader(io.LimitReader(bytes.NewReader(file), 1<<20))
		var r record.Record
		for {
			err := rd.Read(&r)
			var bad *recordfile.RecordError
			if errors.As(err, &bad) {
				continue
			}
			if err != nil {
				return
			}
			line := rd.Format().Append(nil, &r)
			var again bytes.Buffer
			w, err := recordfile.NewTextWriter(&again, rd.Format())
			if err != nil {
				t.Fatal(err)
			}
			writeLines(t, w, rd.Format(), append(line, '\n'))
			got := outcome(recordfile.NewTextReader(&again))
			if got != string(line)+"\nEOF" {
				t.Errorf("got %q, want %q", got, line)
			}
		}
	})
}
