package rows

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"

	"weir/record"
)

// A Splitter finds the fields of lines. It is meant to be used again and belongs to
// one goroutine; a batch it gave is right until the next call.
type Splitter struct {
	ends    []uint32
	columns []Column
	batch   Batch
}

// MaxText is how much text Split takes at once.
const MaxText = math.MaxInt32

// Split hands the rows of text to fn: so many lines of the given format, each ending in
// '\n', of which the first has the number line. Fields are separated by one space. Lines
// with more or fewer fields than the format, or with a control character, go to refuse,
// with their number, and the rows before and after them into batches of their own.
func (s *Splitter) Split(text []byte, lines int, f record.Format, line int64, fn func(*Batch) error,
	refuse func(line int64, text []byte) error) error {
	n := f.Len()
	s.find(text)
	// As many spaces as there should be leave no delimiter to be a control character.
	if len(s.ends)-1 == lines*n && bytes.Count(text, space) == lines*(n-1) && s.aligned(text, n) {
		return s.emit(text, f, lines, line, fn)
	}
	// Some line is wrong: take what is right up to it, and go on after it.
	for len(text) > 0 {
		good, size := 0, 0
		var bad []byte
		for rest := text; len(rest) > 0; {
			end := bytes.IndexByte(rest, '\n') + 1
			if fields(rest[:end]) != n {
				bad = rest[:end-1]
				break
			}
			good, size, rest = good+1, size+end, rest[end:]
		}
		if good > 0 {
			s.find(text[:size])
			if err := s.emit(text[:size], f, good, line, fn); err != nil {
				return err
			}
		}
		line += int64(good)
		text = text[size:]
		if bad != nil {
			if err := refuse(line, bad); err != nil {
				return err
			}
			line++
			text = text[len(bad)+1:]
		}
	}
	return nil
}

var space = []byte{' '}

// emit hands on a batch of the rows whose delimiters have been found.
func (s *Splitter) emit(text []byte, f record.Format, rows int, line int64, fn func(*Batch) error) error {
	if rows == 0 {
		return nil
	}
	n := f.Len()
	if cap(s.columns) < n {
		s.columns = make([]Column, n)
	}
	s.columns = s.columns[:n]
	for i := range s.columns {
		s.columns[i] = Column{Kind: Text, Data: text, Ends: s.ends, Stride: n, At: i}
	}
	s.batch = Batch{Format: f, Columns: s.columns, Rows: rows, Line: line}
	return fn(&s.batch)
}

// aligned reports whether every n-th delimiter is the end of a line.
func (s *Splitter) aligned(text []byte, n int) bool {
	for i := n; i < len(s.ends); i += n {
		if text[s.ends[i]] != '\n' {
			return false
		}
	}
	return true
}

// fields counts the fields of a line that ends in '\n'; -1 if it has another control
// character.
func fields(line []byte) int {
	n := 1
	for _, c := range line[:len(line)-1] {
		if c < ' ' {
			return -1
		}
		if c == ' ' {
			n++
		}
	}
	return n
}

const (
	low7   = 0x7f7f7f7f7f7f7f7f
	high   = 0x8080808080808080
	beyond = (0x80 - (' ' + 1)) * (math.MaxUint64 / 255)
	gather = 0x0002040810204081
)

// delimiters returns a bit for each byte of w that is not greater than a space.
func delimiters(w uint64) uint64 {
	return (^((w&low7 + beyond) | w) & high) * gather >> 56
}

// find fills ends with ^0 and where each delimiter of text is.
func (s *Splitter) find(text []byte) {
	// As many as there are bytes is the most there can be; usual is one in eight.
	ends := s.ends[:cap(s.ends)]
	if len(ends) < 1024 {
		ends = make([]uint32, 1024)
	}
	ends[0] = math.MaxUint32
	n := 1
	i := 0
	for ; i+64 <= len(text); i += 64 {
		if n+64 > len(ends) {
			ends = append(ends, make([]uint32, len(ends))...)
		}
		b := text[i : i+64 : i+64]
		m := delimiters(binary.LittleEndian.Uint64(b[0:])) |
			delimiters(binary.LittleEndian.Uint64(b[8:]))<<8 |
			delimiters(binary.LittleEndian.Uint64(b[16:]))<<16 |
			delimiters(binary.LittleEndian.Uint64(b[24:]))<<24 |
			delimiters(binary.LittleEndian.Uint64(b[32:]))<<32 |
			delimiters(binary.LittleEndian.Uint64(b[40:]))<<40 |
			delimiters(binary.LittleEndian.Uint64(b[48:]))<<48 |
			delimiters(binary.LittleEndian.Uint64(b[56:]))<<56
		// Eight are written whether there are so many or not: a loop that ends
		// after the last would be guessed wrong for every other word.
		out, at := ends[n:n+64:n+64], uint32(i)
		n += bits.OnesCount64(m)
		for {
			o := (*[8]uint32)(out)
			o[0] = at + uint32(bits.TrailingZeros64(m))
			m &= m - 1
			o[1] = at + uint32(bits.TrailingZeros64(m))
			m &= m - 1
			o[2] = at + uint32(bits.TrailingZeros64(m))
			m &= m - 1
			o[3] = at + uint32(bits.TrailingZeros64(m))
			m &= m - 1
			o[4] = at + uint32(bits.TrailingZeros64(m))
			m &= m - 1
			o[5] = at + uint32(bits.TrailingZeros64(m))
			m &= m - 1
			o[6] = at + uint32(bits.TrailingZeros64(m))
			m &= m - 1
			o[7] = at + uint32(bits.TrailingZeros64(m))
			m &= m - 1
			if m == 0 {
				break
			}
			out = out[8:]
		}
	}
	if n+64 > len(ends) {
		ends = append(ends, make([]uint32, len(ends))...)
	}
	for ; i < len(text); i++ {
		if text[i] <= ' ' {
			ends[n] = uint32(i)
			n++
		}
	}
	s.ends = ends[:n]
}
