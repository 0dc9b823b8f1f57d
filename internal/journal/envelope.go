package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/klauspost/compress/zstd"

	"weir/internal/flow"
)

// The wire form of a message, version 1. Integers are unsigned varints unless
// a width is given.
//
//	version   1 byte, 1
//	coding    1 byte: 0 plain, 1 zstd
//	length    of the body, before coding
//	checksum  4 bytes, little-endian: CRC-32C of the body, before coding
//	body      coded; its entries, until it ends, each:
//	  part      part << 1 | more
//	  meta      its length and its bytes
//	  window    as flow.Window.AppendWire makes it
const envelopeVersion = 1

const (
	codingPlain = iota
	codingZstd
)

const (
	bodySize = 256 << 10 // aim of a body
	maxBody  = 1 << 20   // what this release would still read
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func appendEntry(b, meta []byte, part int, more bool, w *flow.Window) []byte {
	n := uint64(part) << 1
	if more {
		n |= 1
	}
	b = binary.AppendUvarint(b, n)
	b = binary.AppendUvarint(b, uint64(len(meta)))
	b = append(b, meta...)
	return w.AppendWire(b)
}

// A coder makes envelopes. It is safe for concurrent use.
type coder struct{ zstd *zstd.Encoder }

func newCoder() (*coder, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2),
		zstd.WithWindowSize(bodySize), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	return &coder{z}, nil
}

// envelope returns body in its envelope.
func (c *coder) envelope(body []byte) []byte {
	out := make([]byte, 0, 64+len(body)/2)
	out = append(out, envelopeVersion, codingZstd)
	out = binary.AppendUvarint(out, uint64(len(body)))
	out = binary.LittleEndian.AppendUint32(out, crc32.Checksum(body, castagnoli))
	head := len(out)
	out = c.zstd.EncodeAll(body, out)
	if len(out)-head >= len(body) {
		out = append(out[:head], body...)
		out[1] = codingPlain
	}
	return out
}

// A decoder reads envelopes into memory that it uses again.
type decoder struct {
	zstd    *zstd.Decoder
	body    []byte
	entries []Entry // as many as were ever needed, each with its window
}

func newDecoder() (*decoder, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBody), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	return &decoder{zstd: z}, nil
}

func (d *decoder) close() { d.zstd.Close() }

// decode returns the entries of an envelope, valid until the next call. An
// error wraps [ErrDamaged].
func (d *decoder) decode(b []byte) (_ []Entry, err error) {
	if d.body, err = openEnvelope(d.zstd, d.body[:0], b, maxBody); err != nil {
		return nil, err
	}
	return d.parse(d.body)
}

// openEnvelope appends the body of an envelope, which may have limit bytes, to
// dst, which is empty. An error wraps [ErrDamaged].
func openEnvelope(z *zstd.Decoder, dst, b []byte, limit uint64) ([]byte, error) {
	if len(b) < 2 {
		return dst, fmt.Errorf("%d bytes: %w", len(b), ErrDamaged)
	}
	if b[0] != envelopeVersion {
		return dst, fmt.Errorf("version %d, this program reads 1: %w", b[0], ErrDamaged)
	}
	coding, b := b[1], b[2:]
	size, n := binary.Uvarint(b)
	if n <= 0 || size > limit || len(b) < n+4 {
		return dst, fmt.Errorf("head: %w", ErrDamaged)
	}
	sum := binary.LittleEndian.Uint32(b[n:])
	b = b[n+4:]

	switch coding {
	case codingPlain:
		dst = append(dst, b...)
	case codingZstd:
		var err error
		if dst, err = z.DecodeAll(b, dst); err != nil {
			return dst, fmt.Errorf("zstd: %w: %w", err, ErrDamaged)
		}
	default:
		return dst, fmt.Errorf("coding %d: %w", coding, ErrDamaged)
	}
	if uint64(len(dst)) != size || crc32.Checksum(dst, castagnoli) != sum {
		return dst, fmt.Errorf("checksum: %w", ErrDamaged)
	}
	return dst, nil
}

func (d *decoder) parse(b []byte) ([]Entry, error) {
	count := 0
	for len(b) > 0 {
		if count == len(d.entries) {
			d.entries = append(d.entries, Entry{Window: new(flow.Window)})
		}
		e := &d.entries[count]
		part, n := binary.Uvarint(b)
		if n <= 0 || part>>1 > math.MaxInt32 {
			return nil, fmt.Errorf("entry %d: part: %w", count, ErrDamaged)
		}
		b = b[n:]
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return nil, fmt.Errorf("entry %d: meta: %w", count, ErrDamaged)
		}
		b = b[n:]
		// The capacity ends with it: appending to Meta must not reach the rest.
		e.Meta, e.Part, e.More = b[:size:size], int(part>>1), part&1 == 1
		rest, err := e.Window.ParseWire(b[size:])
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w: %w", count, err, ErrDamaged)
		}
		b = rest
		count++
	}
	return d.entries[:count], nil
}
