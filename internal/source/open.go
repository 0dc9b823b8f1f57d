package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"

	"weir/internal/parquet"
	"weir/record"
	"weir/recordfile"
)

// contents reads an object, whatever it is.
func (r *run) contents(st *state) error {
	if st.Remote && st.OpenAt != nil && st.Size > 0 && strings.HasSuffix(st.Name, ".parquet") {
		// A request for all of it would bring more than what is read of its beginning.
		if err := r.parquet(st, nil, nil); !errors.Is(err, parquet.ErrNotParquet) {
			return err
		}
		st.row = false
	}
	rc, err := st.Open(r.ctx)
	if err != nil {
		return err
	}
	defer rc.Close()
	in := buffered(rc)
	defer letGo(in)
	magic, err := in.Peek(4)
	if err != nil && err != io.EOF {
		return err
	}
	switch {
	case len(magic) == 0 && packed(st.Name):
		return recordfile.ErrTruncated
	case bytes.HasPrefix(magic, gzipMagic):
		z, err := newMembers(in)
		if err != nil {
			return cut(err)
		}
		defer z.close()
		return r.unpacked(st, z)
	case len(magic) == 4 && (string(magic) == "\x28\xb5\x2f\xfd" || magic[0]&0xf0 == 0x50 && string(magic[1:]) == "\x2a\x4d\x18"):
		z, err := newZstd(in)
		if err != nil {
			return err
		}
		defer func() {
			z.Reset(nil)
			unzstds.Put(z)
		}()
		return r.unpacked(st, z)
	case string(magic) == "PAR1" || string(magic) == "PARE": // the latter is encrypted
		return r.parquet(st, rc, in)
	}
	return r.form(st, in)
}

// packed reports whether what has the name can't be empty. A file of text can.
func packed(name string) bool {
	return strings.HasSuffix(name, ".gz") || strings.HasSuffix(name, ".zst") || strings.HasSuffix(name, ".parquet")
}

// unpacked reads what was compressed. What Firehose gets from CloudWatch Logs is
// compressed already, and often once more by Firehose.
func (r *run) unpacked(st *state, in io.Reader) error {
	twice := bufio.NewReaderSize(in, 16)
	if magic, _ := twice.Peek(2); !bytes.Equal(magic, gzipMagic) {
		return r.form(st, io.MultiReader(io.LimitReader(twice, int64(twice.Buffered())), in))
	}
	inner := buffered(twice)
	defer letGo(inner)
	z, err := newMembers(inner)
	if err != nil {
		return cut(err)
	}
	defer z.close()
	return r.form(st, z)
}

// cut says in our words what is wrong with a compressed stream.
func cut(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return recordfile.ErrTruncated
	case errors.Is(err, gzip.ErrChecksum):
		return fmt.Errorf("%w: what was read may be wrong", err)
	}
	return err
}

// endOfLine reads to the end of a line that nobody wants, into the memory of b, and
// returns what was read of the next one.
func endOfLine(in io.Reader, b []byte) ([]byte, error) {
	for {
		n, err := fill(in, b[:cap(b)])
		b = b[:n]
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			return b[:copy(b, b[i+1:])], nil // an error comes again
		}
		if err != nil {
			return b[:0], err
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

// pieces adds the lines of text to blocks, without headers and empty lines; false if the
// scan has ended.
func (r *run) pieces(st *state, blocks *[]block, text []byte) bool {
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
		if st.unknown == "" {
			*blocks = append(*blocks, block{of: st, seq: st.seq, text: piece, n: int(st.lines + 1 - first), form: st.format,
				strict: st.inferred, line: first})
			st.seq++
			return r.ctx.Err() == nil
		}
		n := first
		for line := range bytes.Lines(piece) {
			r.refuse(st, n, line[:len(line)-1], st.unknown)
			n++
		}
		return r.ctx.Err() == nil
	}
	for at := 0; at < len(text); {
		end := at + bytes.IndexByte(text[at:], '\n') + 1
		// What begins with a digit or a hyphen is no header.
		if c := text[at]; c > '9' || c < '-' {
			if c == bom[0] && bytes.HasPrefix(text[at:], bom) { // of the next one of joined files
				if !flush(at) {
					return false
				}
				at += len(bom)
				begin, first = at, st.lines+1
				continue
			}
			f, header := record.ParseHeader(bytes.TrimRight(text[at:end-1], " \t"))
			if header || end-at == 1 {
				if !flush(at) {
					return false
				}
				begin, first = end, st.lines+2
				if header {
					st.format, st.known, st.inferred, st.unknown = f, true, false, ""
				}
				if header && st.row { // which the object does not have
					at, first = end, st.lines+1
					continue
				}
			} else if line := bytes.TrimRight(text[at:end-1], " \t"); len(line) <= r.maxLine {
				if reason, stray := strayHeader(line); stray {
					if !flush(at) {
						return false
					}
					r.refuse(st, st.lines+1, line, reason)
					begin, first = end, st.lines+2
					st.known, st.inferred, st.unknown = false, false, ""
				}
			}
		}
		if end-at-1 > r.maxLine {
			if !flush(at) {
				return false
			}
			r.refuse(st, st.lines+1, text[at:end-1], recordfile.ErrTooLong.Error())
			begin, first = end, st.lines+2
		}
		st.lines++
		at = end
	}
	return flush(len(text))
}

// refuse books a line that no worker gets to see.
func (r *run) refuse(st *state, line int64, text []byte, reason string) {
	r.book.refuse(Refusal{Object: st.Name, Row: st.row, Line: line, Text: string(text[:min(len(text), maxText+1)]), Reason: reason})
	r.book.mu.Lock()
	r.book.Lines++
	r.book.mu.Unlock()
}

// assume finds out the format of lines without a header.
func (r *run) assume(st *state, text []byte) {
	st.known = true
	a := Assumption{Object: st.Name}
	if r.Assume != nil {
		a.Format, a.Reason = *r.Assume, "the format that was given"
		if front := frontOf(sample(text)); len(front) > 0 {
			a.Format, a.Reason = inFront(front, a.Format), "the format that was given, after CloudWatch's "+strings.Join(front, " and ")
		}
	} else {
		var err error
		if a.Format, a.Reason, err = infer(text); err != nil {
			st.unknown = err.Error()
			return
		}
		st.inferred = true
	}
	st.format = a.Format
	r.book.mu.Lock()
	defer r.book.mu.Unlock()
	r.book.Assumed = append(r.book.Assumed, a)
}
