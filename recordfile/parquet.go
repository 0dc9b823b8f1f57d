package recordfile

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/compress/gzip"
	"github.com/parquet-go/parquet-go/compress/zstd"

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

	// batchRecords is how many records are gathered before their values are
	// handed on, column by column.
	batchRecords = 512
	// A row group has at most so many records, and so many bytes of values and a
	// batch: readers and writers hold a row group in memory.
	groupRecords = 256 * batchRecords
	groupBytes   = 64 << 20
)

// createdBy follows the form that Java's readers parse: they mistrust statistics
// of an author they cannot read. The number is that of our layout, not of a
// release, so that releases write the same bytes.
const createdBy = "weir version 1 (build 1)"

// A ParquetWriter writes a Parquet file.
type ParquetWriter struct {
	config  *parquet.WriterConfig
	file    *parquet.GenericWriter[any]
	cols    []*parquet.ColumnWriter
	out     counter
	columns []column
	version int64

	rows       int      // records in the batch
	text       textArea // of the batch
	batchBytes int64    // values of the batch
	groupRows  int      // records in the row group, without the batch
	groupBytes int64
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
	p := &ParquetWriter{columns: columns, version: int64(f.Version())}
	config, err := parquet.NewWriterConfig(schema, &parquet.WriterConfig{
		CreatedBy:   createdBy,
		Compression: codec,
		// Every reader knows version 1 of pages.
		DataPageVersion: 1,
	}, // The index of pages has the same statistics as their headers would.
		parquet.DataPageStatistics(false))
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	p.config = config
	return p, p.Reset(w)
}

// Reset begins a new file, written to w.
func (p *ParquetWriter) Reset(w io.Writer) error {
	p.out = counter{w: w}
	// Its own Reset loses the names of columns in the second file (v0.32.0), so
	// every file has a new writer. Pages and compressors are pooled all the same.
	p.file = parquet.NewGenericWriter[any](&p.out, p.config)
	p.cols = p.file.ColumnWriters()
	p.text.reset()
	for i := range p.columns {
		p.columns[i].last = nil
	}
	p.rows, p.batchBytes, p.groupRows, p.groupBytes = 0, 0, 0, 0
	p.size, p.closed = Size{}, false
	return nil
}

// Write adds a record.
func (p *ParquetWriter) Write(r *record.Record) error {
	size := 0
	for i := range p.columns {
		c := &p.columns[i]
		v := &c.values[p.rows]
		var text []byte
		var ok bool
		switch c.kind {
		case kindInt32, kindInt64:
			x, ok := r.Int(c.field)
			if !ok && c.field == record.Version {
				x, ok = p.version, true
			}
			switch {
			case !ok:
				*v = c.null
			case c.kind == kindInt32:
				*v = parquet.Int32Value(int32(x)).Level(0, 1, i)
				size += 4
			default:
				*v = parquet.Int64Value(x).Level(0, 1, i)
				size += 8
			}
			continue
		case kindAddr:
			text, ok = p.text.addr(r, c.field)
		case kindText:
			text, ok = r.Text(c.field)
			text = p.text.addUnless(c.last, text)
		case kindExtension:
			text, ok = r.Extension(c.name)
			text = p.text.addUnless(c.last, text)
		}
		switch {
		case !ok:
			*v = c.null
			continue
		case len(text) > 0 && len(c.last) > 0 && &text[0] == &c.last[0]:
			*v = c.lastValue
		default:
			c.last = text
			c.lastValue = parquet.ByteArrayValue(text).Level(0, 1, i)
			*v = c.lastValue
		}
		size += 4 + len(text)
	}
	p.rows++
	p.batchBytes += int64(size)
	p.size.Records++
	p.size.Uncompressed += int64(size)
	if p.rows < batchRecords {
		return nil
	}
	return p.flush()
}

// flush hands the batch on and ends the row group if it is large enough.
func (p *ParquetWriter) flush() error {
	for i := range p.columns {
		c := &p.columns[i]
		c.last = nil
		if _, err := p.cols[i].WriteRowValues(c.values[:p.rows]); err != nil {
			return fmt.Errorf("parquet: column %s: %w", c.column, err)
		}
	}
	p.groupRows += p.rows
	p.groupBytes += p.batchBytes
	p.rows, p.batchBytes = 0, 0
	p.text.reset()
	if p.groupRows >= groupRecords || p.groupBytes >= groupBytes {
		p.groupRows, p.groupBytes = 0, 0
		if err := p.file.Flush(); err != nil {
			return fmt.Errorf("parquet: row group: %w", err)
		}
	}
	p.size.Compressed = max(p.size.Compressed, p.file.Size())
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
	if err := p.flush(); err != nil {
		return err
	}
	if err := p.file.Close(); err != nil {
		return fmt.Errorf("parquet: %w", err)
	}
	p.size.Compressed = p.out.n
	return nil
}
