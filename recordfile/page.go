package recordfile

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// A pageWriter writes pages. What it holds is memory that it uses again.
type pageWriter struct {
	codec                       compress.Codec
	levels, values, page, final []byte
	header                      bytes.Buffer
	headers                     *thrift.Encoder // to header
}

func newPageWriter(codec compress.Codec) *pageWriter {
	p := &pageWriter{codec: codec}
	p.headers = thrift.NewEncoder(new(thrift.CompactProtocol).NewWriter(&p.header))
	return p
}

// oneBit is the encoding of levels: a value is there, or not.
var oneBit = rle.Encoding{BitWidth: 1}

// indexes is the encoding of values that are in a dictionary.
var indexes rle.DictionaryEncoding

// writeData writes the page of the column that is being filled.
func (p *pageWriter) writeData(w io.Writer, meta *format.ColumnMetaData, c *column) (err error) {
	encoding, values := format.Plain, c.numbers
	if !c.plain {
		encoding = format.RLEDictionary
		p.values, err = indexes.EncodeInt32(p.values, c.indexes)
		if err != nil {
			return err
		}
		values = p.values
	}
	if p.levels, err = oneBit.EncodeLevels(p.levels, c.levels); err != nil {
		return err
	}
	p.page = binary.LittleEndian.AppendUint32(p.page[:0], uint32(len(p.levels)))
	p.page = append(append(p.page, p.levels...), values...)
	return p.write(w, meta, p.page, format.PageHeader{
		Type: format.DataPage,
		DataPageHeader: thrift.New(format.DataPageHeader{
			NumValues:               int32(len(c.levels)),
			Encoding:                encoding,
			DefinitionLevelEncoding: format.RLE,
			RepetitionLevelEncoding: format.RLE,
		}),
	})
}

// writeDictionary writes the page of the dictionary.
func (p *pageWriter) writeDictionary(w io.Writer, meta *format.ColumnMetaData, d *dictionary) error {
	return p.write(w, meta, d.page, format.PageHeader{
		Type: format.DictionaryPage,
		DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{
			NumValues: d.len,
			Encoding:  format.Plain,
		}),
	})
}

// write compresses a page, completes its header, writes both, and counts them.
func (p *pageWriter) write(w io.Writer, meta *format.ColumnMetaData, page []byte, h format.PageHeader) (err error) {
	if p.final, err = p.codec.Encode(p.final, page); err != nil {
		return err
	}
	h.UncompressedPageSize = int32(len(page))
	h.CompressedPageSize = int32(len(p.final))
	h.CRC = int32(crc32.ChecksumIEEE(p.final))
	p.header.Reset()
	if err := p.headers.Encode(&h); err != nil {
		return err
	}
	n := int64(p.header.Len())
	meta.TotalUncompressedSize += n + int64(len(page))
	meta.TotalCompressedSize += n + int64(len(p.final))
	if _, err := w.Write(p.header.Bytes()); err != nil {
		return err
	}
	_, err = w.Write(p.final)
	return err
}

// bounds are the least and the greatest value of a column.
type bounds struct {
	any              bool
	least, greatest  int64
	minText, maxText []byte
}

// maxBound is how long a text may be that is written as a bound, in bytes.
const maxBound = 1 << 10

func (b *bounds) addInt(v int64) {
	if !b.any {
		b.any, b.least, b.greatest = true, v, v
	}
	b.least, b.greatest = min(b.least, v), max(b.greatest, v)
}

// addText takes a text that stays as it is.
func (b *bounds) addText(v []byte) {
	if !b.any {
		b.any, b.minText, b.maxText = true, v, v
		return
	}
	if bytes.Compare(v, b.minText) < 0 {
		b.minText = v
	}
	if bytes.Compare(v, b.maxText) > 0 {
		b.maxText = v
	}
}

// encoded returns the bounds as statistics have them, nil if there are none.
func (b *bounds) encoded(k kind) (least, greatest []byte) {
	switch {
	case !b.any || len(b.minText) > maxBound || len(b.maxText) > maxBound:
		return nil, nil
	case k == kindInt32 || k == kindInt64:
		return appendInt(nil, k, b.least), appendInt(nil, k, b.greatest)
	}
	return slices.Clone(b.minText), slices.Clone(b.maxText)
}
