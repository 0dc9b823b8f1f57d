// Package parquetfile reads files of records in Parquet. It is not a part of
// recordfile, which writes them: reading takes parquet-go as a whole, and it
// protobuf, and who only writes does not want to compile them.
package parquetfile

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"

	"weir/record"
	"weir/recordfile"
)

// A Reader reads a Parquet file of ours, Amazon's or another's: it goes by the
// names of columns. A field is absent where a value is null, "-" or empty, and
// numbers may have either size or be text.
type Reader struct {
	format record.Format
	groups []parquet.RowGroup
	rows   parquet.Rows // of the row group being read, or nil
	buf    []parquet.Row
	next   []parquet.Row // rows of buf not yet given
	ended  bool          // the row group has no more rows than next
	line   []byte
	values []parquet.Value // of the row, by column
	row    int64
	err    error // that ended the file
}

var _ recordfile.Reader = (*Reader)(nil)

// NewReader returns a reader of r, which has size bytes. It reads the footer,
// which is last: of a file that was cut nothing can be read.
func NewReader(r io.ReaderAt, size int64) (*Reader, error) {
	file, err := openParquet(r, size)
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	columns := file.Schema().Fields()
	names := make([]string, len(columns))
	for i, c := range columns {
		if !c.Leaf() || c.Repeated() {
			return nil, fmt.Errorf("parquet: column %s: not a single value", c.Name())
		}
		names[i] = strings.ReplaceAll(c.Name(), "_", "-")
	}
	f, ok := record.ParseHeader([]byte(strings.Join(names, " ")))
	if !ok {
		return nil, fmt.Errorf("parquet: columns are not those of a flow log: %.200q", names)
	}
	p := &Reader{format: f, groups: file.RowGroups(), buf: make([]parquet.Row, 256), values: make([]parquet.Value, len(names))}
	return p, nil
}

// magic begins and ends each file.
const magic = "PAR1"

func openParquet(r io.ReaderAt, size int64) (file *parquet.File, err error) {
	var head, tail [len(magic)]byte
	if n, err := r.ReadAt(head[:], 0); n < len(head) && err != io.EOF {
		return nil, err
	}
	if string(head[:]) != magic {
		return nil, errors.New("not a Parquet file")
	}
	if n, err := r.ReadAt(tail[:], max(0, size-int64(len(tail)))); n < len(tail) && err != io.EOF {
		return nil, err
	}
	if string(tail[:]) != magic {
		return nil, recordfile.ErrTruncated
	}
	defer damaged(&err)
	return parquet.OpenFile(r, size, parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true))
}

// damaged makes an error of a panic: the library checks less than what a damaged
// file can hold.
func damaged(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("damaged file: %v", p)
	}
}

// Format is the format of the file: a field for each column.
func (p *Reader) Format() record.Format { return p.format }

// Close lets go of memory that is held for reading. It may be left out when Read
// has come to the end.
func (p *Reader) Close() error {
	p.groups, p.next, p.err = nil, nil, io.EOF
	return p.closeRows()
}

func (p *Reader) closeRows() (err error) {
	if p.rows != nil {
		err, p.rows = p.rows.Close(), nil
	}
	return err
}

// Read reads the next record; see [recordfile.Reader].
func (p *Reader) Read(r *record.Record) error {
	for len(p.next) == 0 {
		if p.err != nil {
			return p.err
		}
		if p.err = p.fill(); p.err != nil && p.err != io.EOF {
			if errors.Is(p.err, io.ErrUnexpectedEOF) {
				p.err = recordfile.ErrTruncated
			}
			p.err = fmt.Errorf("parquet: after row %d: %w", p.row, errors.Join(p.err, p.closeRows()))
		}
	}
	row := p.next[0]
	p.next = p.next[1:]
	p.row++
	clear(p.values)
	for _, v := range row {
		p.values[v.Column()] = v
	}
	p.line = p.line[:0]
	for i, v := range p.values {
		if i > 0 {
			p.line = append(p.line, ' ')
		}
		p.line = p.appendValue(p.line, i, v)
	}
	if err := p.format.Parse(p.line, r); err != nil {
		return &recordfile.RecordError{Row: true, N: p.row, Reason: err}
	}
	return nil
}

// fill reads rows into next; the error is io.EOF if there are no more.
func (p *Reader) fill() (err error) {
	defer damaged(&err)
	if p.rows == nil {
		if len(p.groups) == 0 {
			return io.EOF
		}
		p.rows, p.groups = p.groups[0].Rows(), p.groups[1:]
	}
	n, err := p.rows.ReadRows(p.buf)
	p.next = p.buf[:n]
	if err == io.EOF {
		p.ended = true
		err = nil
	}
	if n == 0 && p.ended {
		p.ended = false
		return p.closeRows()
	}
	return err
}

// appendValue appends the value as it would stand in a line of text.
func (p *Reader) appendValue(b []byte, i int, v parquet.Value) []byte {
	n := len(b)
	switch {
	case v.IsNull():
	case v.Kind() == parquet.ByteArray || v.Kind() == parquet.FixedLenByteArray:
		for _, c := range v.ByteArray() {
			if c > ' ' {
				b = append(b, c)
			} else { // as record.SetText does
				b = fmt.Appendf(b, "%%%02X", c)
			}
		}
	case v.Kind() == parquet.Int32:
		b = strconv.AppendInt(b, int64(v.Int32()), 10)
	case v.Kind() == parquet.Int64:
		b = strconv.AppendInt(b, v.Int64(), 10)
	default:
		b = append(b, v.String()...)
	}
	if len(b) > n {
		return b
	}
	if p.format.Field(i) == record.Version {
		return fmt.Appendf(b, "%d", p.format.Version())
	}
	return append(b, '-')
}
