package recordfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"

	"weir/record"
)

// A TextReader reads a text file, compressed with gzip, in one piece or several one
// after the other, or not compressed. A header is recognised wherever it stands,
// so that files may be joined; lines may end in CR LF, and the last one need not
// end at all. Empty lines are skipped.
type TextReader struct {
	src    io.Reader
	lines  *bufio.Reader // nil before the first Read
	format record.Format
	known  bool // format is the file's
	line   int64
	err    error // that ended the file
}

var _ Reader = (*TextReader)(nil)

// NewTextReader returns a reader of r. It reads nothing yet.
func NewTextReader(r io.Reader) *TextReader { return &TextReader{src: r} }

// AssumeFormat says what the format of lines before the first header is; without
// it they are an error.
func (t *TextReader) AssumeFormat(f record.Format) { t.format, t.known = f, true }

// Format is the format of the line last read.
func (t *TextReader) Format() record.Format { return t.format }

// Line is the number of the line last read, from 1.
func (t *TextReader) Line() int64 { return t.line }

// maxLine is the length of the longest line, in bytes.
const maxLine = 1 << 20

// Read reads the next record; see [Reader].
func (t *TextReader) Read(r *record.Record) error {
	for t.err == nil {
		line, err := t.next()
		if err != nil {
			var bad *RecordError
			if !errors.As(err, &bad) {
				t.err = err
			}
			return err
		}
		if len(line) == 0 {
			continue
		}
		if f, ok := record.ParseHeader(line); ok {
			t.format, t.known = f, true
			continue
		}
		if !t.known {
			t.err = fmt.Errorf("line %d: %w", t.line, ErrNoHeader)
			return t.err
		}
		if err := t.format.Parse(line, r); err != nil {
			return &RecordError{N: t.line, Reason: err}
		}
		return nil
	}
	return t.err
}

// next returns the next line, without its end.
func (t *TextReader) next() ([]byte, error) {
	if t.lines == nil {
		if err := t.open(); err != nil {
			return nil, err
		}
	}
	line, err := t.lines.ReadSlice('\n')
	if len(line) > 0 {
		t.line++
	}
	switch {
	case err == nil:
		line = line[:len(line)-1]
	case err == io.EOF && len(line) > 0:
	case err == io.EOF:
		return nil, io.EOF
	case err == bufio.ErrBufferFull:
		return nil, t.skip()
	default: // the rest of a line is not a line
		return nil, t.broken(err)
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line, nil
}

// open finds out whether the file is compressed.
func (t *TextReader) open() error {
	raw := bufio.NewReader(t.src)
	t.lines = raw
	magic, err := raw.Peek(2)
	if len(magic) == 0 && err == io.EOF {
		return io.EOF
	}
	if len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		zip, err := gzip.NewReader(raw)
		if err != nil {
			return t.broken(err)
		}
		t.lines = bufio.NewReaderSize(zip, maxLine)
		return nil
	}
	t.lines = bufio.NewReaderSize(raw, maxLine)
	return nil
}

// skip reads on to the end of a line that is too long.
func (t *TextReader) skip() error {
	for {
		_, err := t.lines.ReadSlice('\n')
		switch err {
		case bufio.ErrBufferFull:
		case nil, io.EOF:
			return &RecordError{N: t.line, Reason: ErrTooLong}
		default:
			return t.broken(err)
		}
	}
}

// broken says at which line reading failed.
func (t *TextReader) broken(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF {
		err = ErrTruncated
	}
	return fmt.Errorf("after line %d: %w", max(0, t.line), err)
}
