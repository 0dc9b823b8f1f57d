package source

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

var (
	gzipMagic   = []byte{0x1f, 0x8b}
	errTrailing = errors.New("bytes that are not gzip after the end of the compressed data")
)

// members reads gzip data, one piece after the other. Zeros may follow, as tapes and
// some writers of blocks leave them; anything else is errTrailing, after all data.
type members struct {
	in  *bufio.Reader
	z   *gzip.Reader
	err error
}

// Readers are used again: with many small objects most of the work would be to clear
// their memory.
var (
	readers   = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 128<<10) }}
	inflaters = sync.Pool{New: func() any { return new(gzip.Reader) }}
	unzstds   sync.Pool // of *zstd.Decoder
)

func buffered(in io.Reader) *bufio.Reader {
	b := readers.Get().(*bufio.Reader)
	b.Reset(in)
	return b
}

// letGo makes a reader another's. What was read does not stay.
func letGo(b *bufio.Reader) {
	b.Reset(nil)
	readers.Put(b)
}

func newZstd(in io.Reader) (*zstd.Decoder, error) {
	if z, ok := unzstds.Get().(*zstd.Decoder); ok {
		return z, z.Reset(in)
	}
	return zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
}

func newMembers(in *bufio.Reader) (*members, error) {
	z := inflaters.Get().(*gzip.Reader)
	if err := z.Reset(in); err != nil {
		return nil, short(err)
	}
	z.Multistream(false)
	return &members{in: in, z: z}, nil
}

// close lets go of the reader, which nothing may be read from afterwards.
func (m *members) close() {
	inflaters.Put(m.z)
	m.z = nil
}

// short takes the end of a file for what it is within a header.
func short(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (m *members) Read(b []byte) (int, error) {
	for m.err == nil {
		n, err := m.z.Read(b)
		if err == io.EOF {
			err = m.next()
		}
		m.err = err
		if n > 0 {
			return n, nil
		}
	}
	return 0, m.err
}

// next goes on with the next piece.
func (m *members) next() error {
	magic, err := m.in.Peek(2)
	if bytes.Equal(magic, gzipMagic) {
		if err := m.z.Reset(m.in); err != nil {
			return short(err)
		}
		m.z.Multistream(false)
		return nil
	}
	if err != nil && err != io.EOF {
		return err
	}
	for {
		switch c, err := m.in.ReadByte(); {
		case err != nil:
			return err
		case c != 0:
			return errTrailing
		}
	}
}
