package recordfile

import (
	"bytes"
	"fmt"
	"math/bits"

	"github.com/parquet-go/parquet-go/format"

	"weir/record"
)

// A column is one column of a Parquet file: its values of the page that is being
// filled, and its pages of the row group.
type column struct {
	field   record.Field
	name    string // the field's, as in a header
	column  string // the column's
	kind    kind
	plain   bool  // values are not in a dictionary; only of kindInt64
	missing int64 // stands for an absent value; 0 means null does

	// The page. Memory is used again for the next one.
	levels  []byte  // for each record 1, or 0 if it has no value
	nulls   int     // how many levels are 0
	indexes []int32 // the values, by their number in the dictionary
	numbers []byte  // the values, in plain encoding, if plain

	// The row group.
	dictionary dictionary
	bounds     bounds // if plain
	pages      bytes.Buffer
	numPages   int
	meta       format.ColumnMetaData // so far
}

// add adds the value of a record and returns how large it is, in bytes.
func (c *column) add(r *record.Record) int {
	switch c.kind {
	case kindInt32, kindInt64:
		v, ok := r.Int(c.field)
		if !ok {
			if v = c.missing; v == 0 {
				return c.addNull()
			}
		}
		if !c.plain {
			return c.addEntry(c.dictionary.int(v))
		}
		c.levels = append(c.levels, 1)
		c.numbers = appendInt(c.numbers, c.kind, v)
		c.bounds.addInt(v)
		return 8
	case kindAddr:
		if a, ok := r.Addr(c.field); ok {
			return c.addEntry(c.dictionary.addr(a))
		}
	case kindExtension:
		return c.addText(r.Extension(c.name))
	}
	return c.addText(r.Text(c.field))
}

func (c *column) addText(text []byte, ok bool) int {
	if !ok {
		return c.addNull()
	}
	return c.addEntry(c.dictionary.text(text))
}

func (c *column) addEntry(e entry) int {
	c.levels = append(c.levels, 1)
	c.indexes = append(c.indexes, e.index)
	return int(e.size)
}

func (c *column) addNull() int {
	c.levels = append(c.levels, 0)
	c.nulls++
	return 0
}

// size is at most how many bytes the row group would have if it ended now, without
// what compression and headers add.
func (c *column) size() int {
	// Runs cost up to a byte for each 8 values.
	width := bits.Len32(uint32(c.dictionary.len)) + 1
	n := len(c.indexes)*width/8 + len(c.numbers) + len(c.dictionary.page) + c.pages.Len()
	if c.nulls > 0 {
		n += len(c.levels) / 4
	}
	return n
}

// reset begins a row group.
func (c *column) reset() {
	c.levels, c.nulls, c.indexes, c.numbers = c.levels[:0], 0, c.indexes[:0], c.numbers[:0]
	c.dictionary.reset()
	c.bounds = bounds{}
	c.pages.Reset()
	c.numPages = 0
	c.meta = format.ColumnMetaData{}
}

// endPage makes a page of the values and puts it to the pages of the row group.
func (c *column) endPage(p *pageWriter) error {
	if len(c.levels) == 0 {
		return nil
	}
	err := p.writeData(&c.pages, &c.meta, c)
	c.numPages++
	c.meta.NumValues += int64(len(c.levels))
	c.meta.Statistics.NullCount += int64(c.nulls)
	c.levels, c.nulls, c.indexes, c.numbers = c.levels[:0], 0, c.indexes[:0], c.numbers[:0]
	if err != nil {
		return fmt.Errorf("column %s: %w", c.column, err)
	}
	return nil
}

// endGroup writes the column of the row group and returns what the footer says
// about it.
func (c *column) endGroup(p *pageWriter, out *counter) (format.ColumnChunk, error) {
	if err := c.endPage(p); err != nil {
		return format.ColumnChunk{}, err
	}
	m := &c.meta
	m.Type, m.Codec, m.PathInSchema = c.kind.physical(), p.codec.CompressionCodec(), []string{c.column}
	data := format.PageEncodingStats{PageType: format.DataPage, Encoding: format.Plain, Count: int32(c.numPages)}
	if c.plain {
		m.Encoding = []format.Encoding{format.Plain, format.RLE}
		m.EncodingStats = []format.PageEncodingStats{data}
		m.Statistics.MinValue, m.Statistics.MaxValue = c.bounds.encoded(c.kind)
	} else {
		data.Encoding = format.RLEDictionary
		m.Encoding = []format.Encoding{format.Plain, format.RLE, format.RLEDictionary}
		m.EncodingStats = []format.PageEncodingStats{data, {PageType: format.DictionaryPage, Encoding: format.Plain, Count: 1}}
		m.Statistics.MinValue, m.Statistics.MaxValue = c.dictionary.bounds.encoded(c.kind)
		m.DictionaryPageOffset = out.n
		if err := p.writeDictionary(out, m, &c.dictionary); err != nil {
			return format.ColumnChunk{}, fmt.Errorf("column %s: %w", c.column, err)
		}
	}
	m.DataPageOffset = out.n
	_, err := out.Write(c.pages.Bytes())
	chunk := format.ColumnChunk{MetaData: *m}
	c.reset()
	return chunk, err
}
