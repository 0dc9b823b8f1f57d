package source

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"

	"weir/internal/rows"
	"weir/record"
)

// object returns an object of these bytes.
func object(name string, data []byte) Object {
	return Object{Name: name, Size: int64(len(data)), Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data)), nil
	}}
}

func objects(all ...Object) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		for _, o := range all {
			if !yield(o, nil) {
				return
			}
		}
	}
}

// run runs a scan whose sink reads every row strictly, and returns a line for each
// that is a record: its number, and it. A line of its own is the format wherever it
// changes.
func runScan(t testing.TB, s *Scan) ([]string, *Account) {
	t.Helper()
	var out bytes.Buffer
	s.Output = &out
	s.Sink = func() Sink {
		var p rows.Parser
		return func(w *Worker, b *rows.Batch) error {
			for row := range b.Rows {
				rec, bad := p.Parse(b, row)
				if rec == nil {
					w.Refuse(b, []rows.Bad{bad})
					continue
				}
				w.Out = b.Format.AppendHeader(w.Out)
				w.Out = append(fmt.Appendf(w.Out, "\x00%d: ", b.Line+int64(row)), b.Format.Append(nil, rec)...)
				w.Out = append(w.Out, '\n')
			}
			return nil
		}
	}
	acc, err := s.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	format := ""
	for line := range strings.Lines(out.String()) {
		f, rec, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\x00")
		if f != format {
			format = f
			got = append(got, f)
		}
		got = append(got, rec)
	}
	return got, acc
}

// scan reads one object.
func scan(t testing.TB, data string) ([]string, *Account) {
	t.Helper()
	return runScan(t, &Scan{Objects: objects(object("o", []byte(data)))})
}

// told is what an account tells about one object, a line for each.
func told(acc *Account) (lines []string) {
	for _, r := range acc.Refusals {
		what := "line"
		if r.Row {
			what = "row"
		}
		lines = append(lines, fmt.Sprintf("%s %d refused: %s", what, r.Line, r.Reason))
	}
	for _, d := range acc.Damaged {
		lines = append(lines, fmt.Sprintf("damaged after %d: %v", d.Lines, d.Err))
	}
	for _, a := range acc.Assumed {
		lines = append(lines, "assumed: "+a.Reason)
	}
	return lines
}

func zip(texts ...string) string {
	var b bytes.Buffer
	for _, text := range texts {
		z := gzip.NewWriter(&b)
		io.WriteString(z, text)
		z.Close()
	}
	return b.String()
}

func parseFormat(t testing.TB, s string) record.Format {
	t.Helper()
	f, err := record.ParseFormat(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

var errOpen = errors.New("no such key")

const (
	v2header = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
	ssh      = "2 123456789012 eni-0a1b2c3d4e5f67890 10.0.1.5 10.0.2.9 49152 22 6 7 4711 1760000000 1760000059 ACCEPT OK"
	rdp      = "2 123456789012 eni-0a1b2c3d4e5f67890 198.51.100.7 10.0.2.9 49153 3389 6 1 40 1760000003 1760000003 REJECT OK"
	nodata   = "2 123456789012 eni-0f0e0d0c0b0a09080 - - - - - - - 1760000000 1760000059 - NODATA"
	skipdata = "2 123456789012 eni-0f0e0d0c0b0a09080 - - - - - - - 1760000000 1760000059 - SKIPDATA"
)
