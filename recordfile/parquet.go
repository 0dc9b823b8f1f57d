package recordfile

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/compress/gzip"
	"github.com/parquet-go/parquet-go/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"weir/record"
)

// A Codec says how the pages of a Parquet file are compressed.
type Codec uint8

// Codecs.
const (
	Gzip Codec = iota // as Amazon does
	Zstd
)

func (c Codec) codec() (compress.Codec, error) {
	switch c {
	case Gzip:
		return &gzip.Codec{Level: parquetLevel}, nil
	case Zstd:
		return &zstd.Codec{Level: zstd.SpeedDefault, Concurrency: 1}, nil
	}
	return nil, fmt.Errorf("unknown codec %d", c)
}

// ParquetOptions are options of a Parquet file. The zero value is as Amazon
// writes them.
type ParquetOptions struct {
	Codec Codec
}

const (
	// parquetLevel: encoded values leave gzip little to find; level 6 would save 3 %.
	parquetLevel = 3

	// A page has so many records.
	pageRecords = 32 << 10
	// A row group has at most so many records, and so many bytes of values and a
	// record: readers and writers hold a row group in memory.
	groupRecords = 4 * pageRecords
	groupBytes   = 64 << 20

	// batchRecords is after how many records the size is estimated anew.
	batchRecords = 512
)

// createdBy follows the form that Java's readers parse: they mistrust statistics
// of an author they cannot read. The number is that of schema and encodings, not of
// a release, so that releases write the same bytes.
const createdBy = "weir version 1 (build 1)"

// magic begins and ends each file.
const magic = "PAR1"

// A ParquetWriter writes a Parquet file.
type ParquetWriter struct {
	columns []column
	pages   *pageWriter
	out     counter
	footer  format.FileMetaData // so far

	footerSize int64 // of the footer's row groups, in bytes
	rows       int   // records in the row group
	bytes      int   // of their values
	size       Size
	closed     bool
}

var _ Writer = (*ParquetWriter)(nil)

// NewParquetWriter returns a writer of a file in the given format to w. It fails if
// two fields of the format have one column name, as x-a and x_a would.
func NewParquetWriter(w io.Writer, f record.Format, o ParquetOptions) (*ParquetWriter, error) {
	codec, err := o.Codec.codec()
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	columns, schema, err := newSchema(f)
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	p := &ParquetWriter{columns: columns, pages: newPageWriter(codec)}
	p.footer = format.FileMetaData{Version: 2, Schema: schema, CreatedBy: createdBy}
	for range columns { // bounds are in the order of the type
		p.footer.ColumnOrders = append(p.footer.ColumnOrders, format.ColumnOrder{Value: new(format.TypeDefinedOrder)})
	}
	return p, p.Reset(w)
}

// Reset begins a new file, written to w.
func (p *ParquetWriter) Reset(w io.Writer) error {
	p.out = counter{w: w}
	for i := range p.columns {
		p.columns[i].reset()
	}
	p.footer.NumRows, p.footer.RowGroups, p.footerSize = 0, nil, 0
	p.rows, p.bytes = 0, 0
	p.size, p.closed = Size{}, false
	return nil
}

// Write adds a record.
func (p *ParquetWriter) Write(r *record.Record) error {
	size := 0
	for i := range p.columns {
		size += p.columns[i].add(r)
	}
	p.rows++
	p.bytes += size
	p.size.Records++
	p.size.Uncompressed += int64(size)
	switch {
	case p.rows >= groupRecords || p.bytes >= groupBytes:
		return p.endGroup()
	case p.rows%pageRecords == 0:
		for i := range p.columns {
			if err := p.columns[i].endPage(p.pages); err != nil {
				return fmt.Errorf("parquet: %w", err)
			}
		}
	case p.rows%batchRecords != 0:
		return nil
	}
	p.estimate()
	return nil
}

// estimate says anew how large the file is.
func (p *ParquetWriter) estimate() {
	n := p.out.n + p.footerSize
	for i := range p.columns {
		n += int64(p.columns[i].size())
	}
	p.size.Compressed = max(p.size.Compressed, n)
}

// endGroup writes the row group.
func (p *ParquetWriter) endGroup() error {
	if err := p.begin(); err != nil {
		return err
	}
	g := format.RowGroup{NumRows: int64(p.rows), FileOffset: p.out.n, Ordinal: int16(len(p.footer.RowGroups))}
	for i := range p.columns {
		chunk, err := p.columns[i].endGroup(p.pages, &p.out)
		if err != nil {
			return fmt.Errorf("parquet: %w", err)
		}
		g.TotalByteSize += chunk.MetaData.TotalUncompressedSize
		g.TotalCompressedSize += chunk.MetaData.TotalCompressedSize
		g.Columns = append(g.Columns, chunk)
	}
	b, err := thrift.Marshal(new(thrift.CompactProtocol), &g)
	if err != nil {
		return fmt.Errorf("parquet: row group: %w", err)
	}
	p.footerSize += int64(len(b))
	p.footer.RowGroups = append(p.footer.RowGroups, g)
	p.footer.NumRows += g.NumRows
	p.rows, p.bytes = 0, 0
	p.estimate()
	return nil
}

// begin writes what a file begins with, unless it is there.
func (p *ParquetWriter) begin() error {
	if p.out.n > 0 {
		return nil
	}
	if _, err := io.WriteString(&p.out, magic); err != nil {
		return fmt.Errorf("parquet: %w", err)
	}
	return nil
}

// Size says how large the file is so far.
func (p *ParquetWriter) Size() Size { return p.size }

// Close completes the file; it does not close the underlying writer.
func (p *ParquetWriter) Close() error {
	if p.closed {
		return nil
	}
	p.closed = true
	if p.rows > 0 {
		if err := p.endGroup(); err != nil {
			return err
		}
	}
	if err := p.begin(); err != nil {
		return err
	}
	b, err := thrift.Marshal(new(thrift.CompactProtocol), &p.footer)
	if err != nil {
		return fmt.Errorf("parquet: footer: %w", err)
	}
	b = append(binary.LittleEndian.AppendUint32(b, uint32(len(b))), magic...)
	if _, err := p.out.Write(b); err != nil {
		return fmt.Errorf("parquet: %w", err)
	}
	p.size.Compressed = p.out.n
	return nil
}
