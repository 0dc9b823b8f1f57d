package source

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"weir/internal/parquet"
	"weir/internal/rows"
	"weir/record"
	"weir/recordfile"
	"weir/recordfile/parquetfile"
)

const (
	// maxHeld is how large a Parquet file may be that has to be held in memory,
	// because it can only be read from its beginning.
	maxHeld = 1 << 30
	// groupRows is how many rows of a row group are one block: where there are
	// more, several workers share it. Pages that lie in two blocks are decoded
	// twice.
	groupRows = 256 << 10
)

// parquet reads a Parquet file, of which in is the beginning: each row group is a
// block.
func (r *run) parquet(st *state, rc io.Reader, in io.Reader) error {
	st.row = true
	at, size, err := r.anywhere(st, rc, in)
	if err != nil {
		return err
	}
	if c, ok := at.(io.Closer); ok && st.OpenAt != nil {
		defer c.Close()
	}
	file, err := parquet.Open(at, size)
	if err != nil {
		if errors.Is(err, parquet.ErrTruncated) {
			err = recordfile.ErrTruncated
		}
		return err
	}
	f, err := parquetfile.Format(file.Names())
	if err != nil {
		return err
	}
	r.parts(st, at, file, f)
	// The file is closed only when nobody reads it any more.
	st.pending.Wait()
	st.lines = st.given.Load()
	if st.damage != nil {
		return st.damage
	}
	return file.Check()
}

// parts sends all rows of a file.
func (r *run) parts(st *state, at io.ReaderAt, file *parquet.File, f record.Format) {
	want := r.wanted(f)
	if p, ok := at.(Planner); ok {
		p.Plan(file.Parts(want))
	}
	begin := int64(1)
	for g := range file.Groups() {
		for from := int64(0); from < file.Rows(g); from += groupRows {
			r.order.wait(st.index)
			p := &part{file, f, want, g, from, min(file.Rows(g), from+groupRows)}
			if !r.send(block{of: st, part: p, line: begin + from}) {
				return
			}
		}
		begin += file.Rows(g)
	}
}

// anywhere returns what an object can be read from at any place.
func (r *run) anywhere(st *state, rc io.Reader, in io.Reader) (io.ReaderAt, int64, error) {
	if st.OpenAt != nil {
		return st.OpenAt(r.ctx)
	}
	if file, ok := rc.(interface {
		io.ReaderAt
		Stat() (fs.FileInfo, error)
	}); ok {
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			return file, info.Size(), nil
		}
	}
	held := &held{}
	most := cmp.Or(r.maxHeld, maxHeld)
	n, err := io.Copy(held, io.LimitReader(in, most+1))
	if err != nil {
		return nil, 0, cut(err)
	}
	if n > most {
		return nil, 0, fmt.Errorf("a Parquet file of more than %d bytes cannot be read from a pipe: save it, and name the file", most)
	}
	return held, n, nil
}

// A held file lies in memory, in pieces, so that none is ever copied.
type held struct{ pieces [][]byte }

const heldPiece = 1 << 20

// Write appends to the file.
func (h *held) Write(p []byte) (n int, err error) {
	for n < len(p) {
		last := len(h.pieces) - 1
		if last < 0 || len(h.pieces[last]) == heldPiece {
			h.pieces = append(h.pieces, make([]byte, 0, heldPiece))
			last++
		}
		b := h.pieces[last]
		m := copy(b[len(b):heldPiece], p[n:])
		h.pieces[last] = b[:len(b)+m]
		n += m
	}
	return n, nil
}

// ReadAt reads from the file.
func (h *held) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		i, at := int(off/heldPiece), int(off%heldPiece)
		if i >= len(h.pieces) || at >= len(h.pieces[i]) {
			return n, io.EOF
		}
		m := copy(p[n:], h.pieces[i][at:])
		n += m
		off += int64(m)
	}
	return n, nil
}

// wanted says which columns of a format are to be read; nil if all are.
func (r *run) wanted(f record.Format) []bool {
	if r.Columns == nil {
		return nil
	}
	want := r.Columns(f)
	if want == nil {
		return nil
	}
	want = slices.Clone(want)
	for _, field := range needs {
		if i := f.Index(field); i >= 0 {
			want[i] = true
		}
	}
	return want
}

// A part is some rows of a row group.
type part struct {
	file     *parquet.File
	format   record.Format
	want     []bool
	group    int
	from, to int64
}

// A decoder makes batches of parts. It belongs to a worker.
type decoder struct {
	reader  parquet.Reader
	columns []rows.Column
	dicts   []dict // of each column
	batch   rows.Batch
}

// A dict is a dictionary as it is in a file, and as rows have it. Whoever looked its
// entries up goes by the address of the latter, so each has one of its own.
type dict struct {
	from *parquet.Text
	to   *rows.Column
}

// decode hands the rows of a part to each. damage is what is wrong with the file, err
// what each returned.
func (d *decoder) decode(p *part, line int64, each func(*rows.Batch) error) (damage, err error) {
	if err := d.reader.Start(p.file, p.group, p.from, p.to, p.want); err != nil {
		return err, nil
	}
	for {
		n, vectors, err := d.reader.Next()
		if err == io.EOF {
			return nil, nil
		}
		if err != nil {
			return err, nil
		}
		for len(d.columns) < len(vectors) {
			d.columns, d.dicts = append(d.columns, rows.Column{}), append(d.dicts, dict{})
		}
		for i := range vectors {
			d.column(&d.columns[i], &d.dicts[i], &vectors[i], n)
		}
		if i := p.format.Index(record.Version); i >= 0 {
			setVersion(&d.columns[i], n, p.format)
		}
		d.batch = rows.Batch{Format: p.format, Columns: d.columns[:len(vectors)], Rows: n, Line: line}
		if err := each(&d.batch); err != nil {
			return nil, err
		}
		line += int64(n)
	}
}

// column makes a column of a vector.
func (d *decoder) column(c *rows.Column, known *dict, v *parquet.Vector, n int) {
	switch v.Kind {
	case parquet.Ints:
		*c = rows.Column{Kind: rows.Ints, Ints: v.Ints[:n]}
	case parquet.Dict:
		if known.from != v.Values {
			*known = dict{v.Values, &rows.Column{Kind: rows.Text, Data: v.Values.Data, Ends: v.Values.Ends, Stride: 1}}
		}
		*c = rows.Column{Kind: rows.Dict, Codes: v.Codes[:n], Values: known.to}
	case parquet.Chars:
		*c = rows.Column{Kind: rows.Text, Data: v.Data, Ends: v.Ends, Stride: 1}
	default:
		*c = rows.Column{}
	}
}

// setVersion puts the version of the format where the file has none: records always
// have one.
func setVersion(c *rows.Column, n int, f record.Format) {
	switch c.Kind {
	case rows.Missing:
		return
	case rows.Ints:
		for i, v := range c.Ints {
			if v == rows.Null {
				c.Ints[i] = int64(f.Version())
			}
		}
		return
	}
	absent := false
	for row := range n {
		absent = absent || c.Absent(row)
	}
	if !absent {
		return
	}
	version := fmt.Append(nil, f.Version())
	var text rows.Column
	for row := range n {
		if c.Absent(row) {
			text.AppendText(version)
		} else {
			text.AppendText(c.Bytes(row, nil))
		}
	}
	*c = text
}

// wrong notes what is wrong with a part of a Parquet file: the rest is read all the
// same.
func (st *state) wrong(err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.damage == nil {
		st.damage = err
	}
}
