package parquet

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

// Codecs by their number, of which some are not read.
const (
	codecNone   = 0
	codecSnappy = 1
	codecGzip   = 2
	codecZstd   = 6
)

var codecNames = [...]string{"UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW"}

// checkCodec returns an error that names a codec that is not read.
func checkCodec(codec int32) error {
	switch codec {
	case codecNone, codecSnappy, codecGzip, codecZstd:
		return nil
	}
	if codec >= 0 && int(codec) < len(codecNames) {
		return fmt.Errorf("compression %s is not read", codecNames[codec])
	}
	return fmt.Errorf("compression %d is not known", codec)
}

const (
	// maxPage is how large a page may be, in bytes; usual is 1 MiB.
	maxPage = 256 << 20
	// at once is how much memory is taken before it turns out that a page really
	// is as large as it says.
	atOnce = 1 << 20
)

var errPageSize = errors.New("a page has another size than it says")

// A decompressor decompresses pages.
type decompressor struct {
	gzip *gzip.Reader
	zstd *zstd.Decoder
	src  bytes.Reader
}

// decompress returns src, decompressed into the memory of dst, if it has exactly size
// bytes.
func (d *decompressor) decompress(dst, src []byte, size int, codec int32) ([]byte, error) {
	dst = dst[:0]
	switch codec {
	case codecNone:
		if len(src) != size {
			return dst, errPageSize
		}
		return append(dst, src...), nil
	case codecSnappy:
		if n, err := snappy.DecodedLen(src); err != nil || n != size || n/64 > len(src) {
			return dst, errPageSize
		}
		return snappy.Decode(dst[:cap(dst)], src)
	case codecGzip:
		d.src.Reset(src)
		if d.gzip == nil {
			z, err := gzip.NewReader(&d.src)
			if err != nil {
				return dst, err
			}
			d.gzip = z
		} else if err := d.gzip.Reset(&d.src); err != nil {
			return dst, err
		}
		return readSize(dst, d.gzip, size)
	case codecZstd:
		d.src.Reset(src)
		if d.zstd == nil {
			z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPage), zstd.WithDecodeAllCapLimit(true))
			if err != nil {
				return dst, err
			}
			d.zstd = z
		}
		if size <= max(atOnce, cap(dst)) {
			dst, err := d.zstd.DecodeAll(src, grow(dst, size))
			if err == nil && len(dst) != size {
				err = errPageSize
			}
			return dst, err
		}
		if err := d.zstd.Reset(&d.src); err != nil {
			return dst, err
		}
		return readSize(dst, d.zstd, size)
	}
	return dst, checkCodec(codec)
}

// grow returns b, of length 0, with room for n bytes.
func grow(b []byte, n int) []byte {
	if cap(b) < n {
		b = make([]byte, 0, n)
	}
	return b[:0]
}

// readSize reads r into dst, if it has exactly size bytes.
func readSize(dst []byte, r io.Reader, size int) ([]byte, error) {
	dst = grow(dst, min(size, max(atOnce, cap(dst))))
	for len(dst) < size {
		if len(dst) == cap(dst) {
			dst = append(make([]byte, 0, min(size, 2*cap(dst))), dst...)
		}
		n, err := io.ReadFull(r, dst[len(dst):min(size, cap(dst))])
		dst = dst[:len(dst)+n]
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return dst, errPageSize
		}
		if err != nil {
			return dst, err
		}
	}
	var more [1]byte
	if n, err := io.ReadFull(r, more[:]); n > 0 || err != io.EOF {
		if err == nil {
			err = errPageSize
		}
		return dst, err
	}
	return dst, nil
}
