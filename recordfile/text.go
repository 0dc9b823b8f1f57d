package recordfile

import (
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"

	"weir/record"
)

// A TextWriter writes a text file: a header line, then a line a record, all of
// it compressed with gzip.
type TextWriter struct {
	zip    *gzip.Writer
	format record.Format
	line   []byte
}

// NewTextWriter returns a writer of a file in the given format to w and writes
// the header.
func NewTextWriter(w io.Writer, f record.Format) (*TextWriter, error) {
	t := &TextWriter{zip: gzip.NewWriter(w), format: f}
	t.line = append(f.AppendHeader(t.line), '\n')
	if _, err := t.zip.Write(t.line); err != nil {
		return nil, fmt.Errorf("write header: %w", err)
	}
	return t, nil
}

// Write writes one record.
func (t *TextWriter) Write(r *record.Record) error {
	t.line = append(t.format.Append(t.line[:0], r), '\n')
	if _, err := t.zip.Write(t.line); err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	return nil
}

// Close writes what is left; it does not close the underlying writer.
func (t *TextWriter) Close() error {
	if err := t.zip.Close(); err != nil {
		return fmt.Errorf("finish file: %w", err)
	}
	return nil
}
