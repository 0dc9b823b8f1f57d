package source

import (
	"bufio"
	"bytes"
	"io"
	"sync"

	"weir/record"
)

// A Stream is something that comes in parts, each an [Object]: a file that grows. A
// part begins and ends where a line does. What the parts before it have said of the
// format holds for it, and its lines are numbered on. A part may be handed to a scan
// when what Open returned for the one before it has been closed.
//
// The zero value is a stream of which there has been no part.
type Stream struct {
	mu    sync.Mutex
	begun bool
	lines int64

	format   record.Format
	known    bool
	inferred bool

	comma  rune // of CSV, else 0
	header []byte
}

// part reads an object that may be a part of a stream; first is false for those parts
// that are not the first.
func (r *run) part(st *state) (first bool, err error) {
	s := st.Stream
	if s == nil {
		return true, r.contents(st)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	first, s.begun = !s.begun, true
	st.lines, st.format, st.known, st.inferred = s.lines, s.format, s.known, s.inferred
	err = r.contents(st)
	// Where no format was found, more lines may help.
	s.lines, s.format, s.known, s.inferred = st.lines, st.format, st.known && st.unknown == "", st.inferred
	return first, err
}

// Skip returns the stream whose first part is what r has, without anybody reading that
// part: of it, only the format is wanted. The part ends behind the last whole line, at
// end.
func Skip(r io.Reader) (s *Stream, end int64, err error) {
	s = &Stream{}
	in := bufio.NewReaderSize(r, 256<<10)
	at, cut := int64(0), false // cut: the line is longer than the buffer
	for {
		line, err := in.ReadSlice('\n')
		at += int64(len(line))
		if err == bufio.ErrBufferFull {
			cut = true
			continue
		}
		if err == io.EOF {
			return s, end, nil // without the line that is not whole
		}
		if err != nil {
			return nil, 0, err
		}
		end = at
		if !cut {
			s.skip(line)
		}
		s.lines++
		cut = false
	}
}

// skip takes from a line what it says of the format.
func (s *Stream) skip(line []byte) {
	if c := line[0]; c >= '-' && c <= '9' {
		return // as lines of records begin
	}
	if s.lines == 0 {
		line = bytes.TrimPrefix(line, bom)
		if comma, ok, _ := delimiter(bytes.TrimRight(line, "\r\n")); ok {
			s.comma, s.header = comma, bytes.Clone(line)
		}
	}
	if f, ok := record.ParseHeader(bytes.TrimRight(line, " \t\r\n")); ok {
		s.format, s.known = f, true
	}
}
