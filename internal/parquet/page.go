package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// Encodings.
const (
	encPlain           = 0
	encPlainDictionary = 2
	encRLE             = 3
	encDeltaBinary     = 5
	encDeltaLength     = 6
	encDeltaBytes      = 7
	encRLEDictionary   = 8
)

var encNames = [...]string{"PLAIN", "GROUP_VAR_INT", "PLAIN_DICTIONARY", "RLE", "BIT_PACKED", "DELTA_BINARY_PACKED",
	"DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "RLE_DICTIONARY", "BYTE_STREAM_SPLIT"}

func encodingError(encoding int32) error {
	if encoding >= 0 && int(encoding) < len(encNames) {
		return fmt.Errorf("encoding %s is not read", encNames[encoding])
	}
	return fmt.Errorf("encoding %d is not known", encoding)
}

// Types of pages.
const (
	pageData       = 0
	pageIndex      = 1
	pageDictionary = 2
	pageDataV2     = 3
)

// A header is that of a page.
type header struct {
	kind                    int32
	size, packed            int32 // of the page, decompressed and as it is in the file
	crc                     int32
	checked                 bool // there is a crc
	there                   bool // the header of its type is
	values, encoding        int32
	levels                  int32 // how these are encoded, in version 1
	levelBytes, repeatBytes int32 // of version 2
	plain                   bool  // values of version 2 are not compressed
}

var errHeader = errors.New("the header of a page is damaged")

func (c *cursor) header() (h header) {
	h.levels = encRLE
	c.fields(thriftStruct, func(id int, t byte) {
		switch id {
		case 1:
			h.kind = c.int32(t)
		case 2:
			h.size = c.int32(t)
		case 3:
			h.packed = c.int32(t)
		case 4:
			h.crc, h.checked = int32(c.int(t)), true
		case 5, 7:
			h.there = true
			c.fields(t, func(id int, t byte) {
				switch id {
				case 1:
					h.values = c.int32(t)
				case 2:
					h.encoding = c.int32(t)
				case 3:
					if t > thriftFalse { // of a dictionary it is whether it is sorted
						h.levels = c.int32(t)
					}
				default:
					c.skip(t)
				}
			})
		case 8:
			h.there = true
			c.fields(t, func(id int, t byte) {
				switch id {
				case 1:
					h.values = c.int32(t)
				case 4:
					h.encoding = c.int32(t)
				case 5:
					h.levelBytes = c.int32(t)
				case 6:
					h.repeatBytes = c.int32(t)
				case 7:
					h.plain = !c.bool(t)
				default:
					c.skip(t)
				}
			})
		default:
			c.skip(t)
		}
	})
	return h
}

// A window is the piece of a file that was read last.
type window struct {
	r    io.ReaderAt
	b    []byte // not yet taken
	buf  []byte
	next int64 // where what follows b begins
	end  int64
}

const (
	readAhead = 256 << 10
	maxHeader = 16 << 20 // statistics may hold long text
)

func (w *window) reset(r io.ReaderAt, begin, end int64) {
	w.r, w.b, w.next, w.end = r, nil, begin, end
}

func (w *window) left() int64 { return w.end - w.next + int64(len(w.b)) }

// need returns the next n bytes, which are right until the call after; they are not
// taken yet.
func (w *window) need(n int) ([]byte, error) {
	if n <= len(w.b) {
		return w.b[:n], nil
	}
	if int64(n) > w.left() {
		return nil, fmt.Errorf("a page goes beyond its column: %w", errHeader)
	}
	size := int(min(int64(max(n, readAhead)), w.left()))
	if cap(w.buf) < size {
		buf := make([]byte, size)
		copy(buf, w.b)
		w.buf = buf
	} else {
		copy(w.buf[:size], w.b)
	}
	have := len(w.b)
	w.b = w.buf[:size]
	if got, err := w.r.ReadAt(w.b[have:], w.next); got < size-have {
		if err == nil || err == io.EOF {
			err = ErrTruncated
		}
		w.b = nil
		return nil, err
	}
	w.next += int64(size - have)
	return w.b[:n], nil
}

// skip passes over n bytes.
func (w *window) skip(n int) error {
	if n <= len(w.b) {
		w.b = w.b[n:]
		return nil
	}
	if int64(n) > w.left() {
		return fmt.Errorf("a page goes beyond its column: %w", errHeader)
	}
	w.next += int64(n - len(w.b))
	w.b = nil
	return nil
}

// header reads the header of the next page.
func (w *window) header() (header, error) {
	for n := int64(128); ; n *= 8 {
		most := min(n, w.left(), maxHeader)
		b, err := w.need(int(most))
		if err != nil {
			return header{}, err
		}
		c := cursor{b: b}
		h := c.header()
		if !c.bad {
			if h.size < 0 || h.packed < 0 || h.values < 0 || h.levelBytes < 0 || h.repeatBytes < 0 ||
				!h.there && h.kind != pageIndex {
				return h, errHeader
			}
			if h.size > maxPage || h.packed > maxPage {
				return h, fmt.Errorf("a page has %d bytes, which are more than %d", max(h.size, h.packed), maxPage)
			}
			return h, w.skip(len(b) - len(c.b))
		}
		if most == w.left() || most == maxHeader {
			return header{}, errHeader
		}
	}
}

// A page is the data page of a column that values are taken from.
type page struct {
	left     int  // rows not yet taken
	nulls    bool // there are levels
	levels   hybrid
	encoding int32
	data     []byte // values not yet taken
	codes    hybrid
	lengths  delta // or numbers
	prefixes delta
	last     []byte // of DELTA_BYTE_ARRAY
}

// body reads what is in a page: its levels and its values.
func (c *chunk) body(h *header) (levels, values []byte, err error) {
	raw, err := c.window.need(int(h.packed))
	if err != nil {
		return nil, nil, err
	}
	if h.checked && int32(crc32.ChecksumIEEE(raw)) != h.crc {
		return nil, nil, errors.New("a page is damaged: its checksum is another")
	}
	defer c.window.skip(int(h.packed))
	size := int(h.size)
	codec := c.meta.codec
	if h.kind == pageDataV2 {
		n := int(h.levelBytes) + int(h.repeatBytes)
		if n > len(raw) || n > size {
			return nil, nil, errHeader
		}
		levels = raw[h.repeatBytes:n]
		raw, size = raw[n:], size-n
		if h.plain {
			codec = codecNone
		}
		if !c.leaf.optional {
			levels = nil
		}
	}
	switch {
	case codec == codecNone && len(raw) != size:
		return nil, nil, errPageSize
	case codec == codecNone:
		values = raw
	case size == 0:
	default:
		before := cap(c.raw)
		c.raw, err = c.owner.decompressor.decompress(c.raw, raw, size, codec)
		if c.owner.memory += max(0, cap(c.raw)-before); err == nil && c.owner.memory > c.owner.most() {
			err = fmt.Errorf("pages need more than %d bytes of memory", c.owner.most())
		}
		if err != nil {
			return nil, nil, fmt.Errorf("decompress a page: %w", err)
		}
		values = c.raw
	}
	if h.kind == pageData && c.leaf.optional {
		if h.levels != encRLE {
			return nil, nil, fmt.Errorf("levels: %w", encodingError(h.levels))
		}
		if len(values) < 4 {
			return nil, nil, errHeader
		}
		n := binary.LittleEndian.Uint32(values)
		if uint64(n) > uint64(len(values)-4) {
			return nil, nil, errHeader
		}
		levels, values = values[4:4+n], values[4+n:]
	}
	return levels, values, nil
}
