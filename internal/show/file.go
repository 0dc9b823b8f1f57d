package show

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"weir/record"
	"weir/recordfile"
)

// ErrFormats reports records of other fields than those before, where there can be
// only one format.
var ErrFormats = errors.New("the files have different fields")

// A FileWriter makes a file of records, text or Parquet, of pieces of lines that begin
// with a header each, as [Records] with the form [Text] gives them.
type FileWriter struct {
	W       io.Writer
	Options recordfile.Options

	out recordfile.Writer
	f   record.Format
	rec record.Record
}

// Write adds the records of a piece. It returns len(p) unless there is an error.
func (w *FileWriter) Write(p []byte) (int, error) {
	n := bytes.IndexByte(p, '\n')
	f, ok := record.ParseHeader(p[:max(n, 0)])
	if !ok {
		return 0, fmt.Errorf("no field of %.100q is one of Amazon's: a file has to have one", p[:max(n, 0)])
	}
	if w.out == nil {
		out, err := recordfile.NewWriter(w.W, f, w.Options)
		if err != nil {
			return 0, err
		}
		w.out, w.f = out, f
	} else if !f.Equal(w.f) {
		return 0, ErrFormats
	}
	for rest := p[n+1:]; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n')
		if err := w.f.Parse(rest[:end], &w.rec); err != nil {
			return 0, err
		}
		if err := w.out.Write(&w.rec); err != nil {
			return 0, err
		}
		rest = rest[end+1:]
	}
	return len(p), nil
}

// Close completes the file; there is none if nothing was written.
func (w *FileWriter) Close() error {
	if w.out == nil {
		return nil
	}
	return w.out.Close()
}
