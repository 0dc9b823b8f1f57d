// Package parquetfile reads files of records in Parquet, a record at a time. Who reads
// many of them reads them in columns, with internal/parquet.
package parquetfile

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"weir/internal/parquet"
	"weir/record"
	"weir/recordfile"
)

// A Reader reads a Parquet file of ours, Amazon's or another's: it goes by the
// names of columns. A field is absent where a value is null, "-" or empty, and
// numbers may have either size or be text.
type Reader struct {
	format  record.Format
	file    *parquet.File
	reader  parquet.Reader
	group   int // row groups begun
	columns []parquet.Vector
	next, n int // of columns: the next row, and how many there are
	line    []byte
	row     int64
	err     error // that ended the file
}

var _ recordfile.Reader = (*Reader)(nil)

// NewReader returns a reader of r, which has size bytes. It reads the footer,
// which is last: of a file that was cut nothing can be read.
func NewReader(r io.ReaderAt, size int64) (*Reader, error) {
	file, err := parquet.Open(r, size)
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", cut(err))
	}
	f, err := Format(file.Names())
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	return &Reader{format: f, file: file}, nil
}

// Format returns the format that the names of columns make, in their order. They may
// be written account_id, account-id or accountId.
func Format(columns []string) (record.Format, error) {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = strings.ReplaceAll(c, "_", "-")
	}
	f, ok := record.ParseHeader([]byte(strings.Join(names, " ")))
	if !ok || f.Len() != len(columns) {
		return record.Format{}, fmt.Errorf("columns are not those of a flow log: %.200q", names)
	}
	return f, nil
}

// cut says in our words that a file ended too soon.
func cut(err error) error {
	if errors.Is(err, parquet.ErrTruncated) {
		return recordfile.ErrTruncated
	}
	return err
}

// Format is the format of the file: a field for each column.
func (p *Reader) Format() record.Format { return p.format }

// Close ends reading. It may be left out.
func (p *Reader) Close() error {
	p.next, p.n, p.err = 0, 0, io.EOF
	return nil
}

// Read reads the next record; see [recordfile.Reader].
func (p *Reader) Read(r *record.Record) error {
	for p.next == p.n {
		if p.err != nil {
			return p.err
		}
		if p.err = p.fill(); p.err != nil && p.err != io.EOF {
			p.err = fmt.Errorf("parquet: after row %d: %w", p.row, cut(p.err))
		}
	}
	p.line = p.line[:0]
	for i := range p.columns {
		if i > 0 {
			p.line = append(p.line, ' ')
		}
		n := len(p.line)
		p.line = p.columns[i].Append(p.line, p.next)
		if string(p.line[n:]) == "-" && p.format.Field(i) == record.Version {
			p.line = fmt.Appendf(p.line[:n], "%d", p.format.Version())
		}
	}
	p.next++
	p.row++
	if err := p.format.Parse(p.line, r); err != nil {
		return &recordfile.RecordError{Row: true, N: p.row, Reason: err}
	}
	return nil
}

// fill reads more rows; the error is io.EOF if there are no more.
func (p *Reader) fill() (err error) {
	p.next, p.n = 0, 0
	if p.group > 0 {
		p.n, p.columns, err = p.reader.Next()
		if err != io.EOF {
			return err
		}
	}
	if p.group == p.file.Groups() {
		if err := p.file.Check(); err != nil {
			return err
		}
		return io.EOF
	}
	p.group++
	return p.reader.Start(p.file, p.group-1, 0, p.file.Rows(p.group-1), nil)
}
