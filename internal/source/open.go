package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"weir/record"
	"weir/recordfile"
)

// contents reads an object, whatever it is.
func (r *run) contents(st *state) error {
	rc, err := st.Open(r.ctx)
	if err != nil {
		return err
	}
	defer rc.Close()
	in := bufio.NewReaderSize(rc, 128<<10)
	magic, err := in.Peek(4)
	if err != nil && err != io.EOF {
		return err
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(in)
		if err != nil {
			return cut(err)
		}
		return r.form(st, z)
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
		if err != nil {
			return err
		}
		defer z.Close()
		return r.form(st, z)
	case string(magic) == "PAR1":
		return r.parquet(st, rc, in)
	}
	return r.form(st, in)
}

// cut says in our words that a stream ended too soon.
func cut(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return recordfile.ErrTruncated
	}
	return err
}

// form finds out what form text has, and reads it as lines.
func (r *run) form(st *state, in io.Reader) error {
	lines, err := asLines(in)
	if err != nil {
		return cut(err)
	}
	return r.lines(st, lines)
}

// lines reads lines and cuts them into blocks of one format.
func (r *run) lines(st *state, in io.Reader) error {
	buf := r.buffer()
	defer func() { r.release(buf) }()
	for {
		r.order.wait(st.index)
		n, err := fill(in, buf.b[len(buf.b):cap(buf.b)])
		buf.b = buf.b[:len(buf.b)+n]
		if err == io.EOF && len(buf.b) > 0 && buf.b[len(buf.b)-1] != '\n' {
			buf.b = append(buf.b, '\n') // the last line need not end
		}
		whole := bytes.LastIndexByte(buf.b, '\n') + 1
		rest := buf.b[whole:]
		if whole == 0 && err == nil {
			if len(buf.b) >= maxLine {
				return fmt.Errorf("line %d: %w", st.lines+1, recordfile.ErrTooLong)
			}
			buf.b = append(make([]byte, 0, 2*cap(buf.b)), buf.b...)
			continue
		}
		// What follows the last newline begins the next block.
		next := r.buffer()
		if len(rest) > cap(next.b)/2 {
			next.b = make([]byte, 0, 2*len(rest)+blockSize)
		}
		next.b = append(next.b, rest...)
		ok := r.pieces(st, buf, buf.b[:whole])
		r.release(buf)
		buf = next
		switch {
		case !ok:
			return nil
		case err == io.EOF:
			return nil
		case err != nil:
			if len(rest) > 0 {
				r.book.refuse(Refusal{Object: st.Name, Line: st.lines + 1, Text: string(rest), Reason: "the line is cut short"})
				r.book.mu.Lock()
				r.book.Lines++
				r.book.mu.Unlock()
			}
			return cut(err)
		}
	}
}

// fill reads until b is full or there is an error.
func fill(in io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var m int
		m, err = in.Read(b[n:])
		n += m
	}
	return n, err
}

// pieces sends the lines of text, without headers and empty lines; false if the scan
// has ended.
func (r *run) pieces(st *state, hold *buffer, text []byte) bool {
	if bytes.IndexByte(text, '\r') >= 0 {
		text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	}
	begin, first := 0, st.lines+1
	flush := func(end int) bool {
		piece := text[begin:end]
		if len(piece) == 0 {
			return true
		}
		if !st.known {
			r.assume(st, piece)
		}
		return r.send(block{of: st, text: piece, n: int(st.lines + 1 - first), form: st.format, line: first, hold: hold})
	}
	for at := 0; at < len(text); {
		end := at + bytes.IndexByte(text[at:], '\n') + 1
		// What begins with a digit or a hyphen is no header.
		if c := text[at]; c > '9' || c < '-' {
			f, header := record.ParseHeader(text[at : end-1])
			if header || end-at == 1 {
				if !flush(at) {
					return false
				}
				if header {
					st.format, st.known = f, true
				}
				begin, first = end, st.lines+2
			}
		}
		st.lines++
		at = end
	}
	return flush(len(text))
}

// assume finds out the format of lines without a header.
func (r *run) assume(st *state, text []byte) {
	a := Assumption{Object: st.Name}
	if r.Assume != nil {
		a.Format, a.Reason = *r.Assume, "as told"
	} else {
		a.Format, a.Reason = infer(text)
	}
	st.format, st.known = a.Format, true
	r.book.mu.Lock()
	defer r.book.mu.Unlock()
	r.book.Assumed = append(r.book.Assumed, a)
}
