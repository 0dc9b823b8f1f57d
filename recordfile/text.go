package recordfile

import (
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/gzip"

	"weir/record"
)

// textLevel is that of gzip itself where none is asked for.
const textLevel = 6

// textChunk is how much text is handed to the compressor at once, in bytes.
const textChunk = 32 << 10

// A TextWriter writes a text file: a header line, then a line for each record, all
// of it compressed with gzip.
type TextWriter struct {
	zip    *gzip.Writer
	out    counter
	format record.Format
	buf    []byte // lines not yet compressed
	size   Size
	closed bool
}

var _ Writer = (*TextWriter)(nil)

// NewTextWriter returns a writer of a file in the given format to w and begins the
// file.
func NewTextWriter(w io.Writer, f record.Format) (*TextWriter, error) {
	t := &TextWriter{format: f, buf: make([]byte, 0, textChunk+4096)}
	zip, err := gzip.NewWriterLevel(&t.out, textLevel)
	if err != nil {
		return nil, fmt.Errorf("text: %w", err)
	}
	t.zip = zip
	return t, t.Reset(w)
}

// Reset begins a new file, written to w.
func (t *TextWriter) Reset(w io.Writer) error {
	t.out = counter{w: w}
	t.zip.Reset(&t.out)
	t.zip.ModTime = time.Unix(0, 0) // in gzip's header, no time
	t.closed = false
	t.buf = append(t.format.AppendHeader(t.buf[:0]), '\n')
	t.size = Size{Uncompressed: int64(len(t.buf))}
	return nil
}

// Write adds a record.
func (t *TextWriter) Write(r *record.Record) error {
	n := len(t.buf)
	t.buf = append(t.format.Append(t.buf, r), '\n')
	t.size.Records++
	t.size.Uncompressed += int64(len(t.buf) - n)
	if len(t.buf) < textChunk {
		return nil
	}
	return t.flush()
}

func (t *TextWriter) flush() error {
	_, err := t.zip.Write(t.buf)
	t.buf = t.buf[:0]
	if err != nil {
		return fmt.Errorf("text: %w", err)
	}
	return nil
}

// Size says how large the file is so far.
func (t *TextWriter) Size() Size {
	s := t.size
	s.Compressed = t.out.n
	return s
}

// Close completes the file; it does not close the underlying writer.
func (t *TextWriter) Close() error {
	if t.closed {
		return nil
	}
	t.closed = true
	if err := t.flush(); err != nil {
		return err
	}
	if err := t.zip.Close(); err != nil {
		return fmt.Errorf("text: %w", err)
	}
	return nil
}
