package show

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"weir/internal/query"
	"weir/internal/rows"
	"weir/internal/source"
	"weir/record"
)

// Form is how records and groups are written.
type Form uint8

const (
	Text Form = iota // a header, then values separated by spaces, "-" where absent
	CSV              // RFC 4180 with a header, empty where absent
	TSV              // the same, separated by tabs
	JSON             // an object on each line, null where absent
	OCSF             // an event on each line, see [AppendOCSF]
)

// Lines reports whether a form has no header.
func (f Form) Lines() bool { return f >= JSON }

// Records writes the records that meet a condition.
type Records struct {
	Form    Form
	Columns []query.Column // in this order; nil writes all that a record has
	Where   query.Expr
	// Name returns what the value of a column is called at a time, in Unix seconds,
	// seen from a VPC; "" if it has no name. Columns that are Named get another
	// one for it at the end, x-srcaddr-name for srcaddr. nil names nothing.
	Name  func(c query.Column, value, vpc string, unix int64) string
	Named func(c query.Column) bool
}

// Sink returns what writes the records of one worker to its Out. Each output begins
// with the header, if the form has one: [HeaderWriter] takes out those that say nothing
// new.
func (r *Records) Sink() source.Sink {
	s := &recordSink{Records: r, filter: query.Compile(r.Where)}
	return s.batch
}

type recordSink struct {
	*Records
	filter *query.Filter
	rows   rows.Parser
	value  []byte

	bound   record.Format
	ready   bool
	columns []query.Column
	names   []string // of the columns as the format has them, "" where it does not
	named   []int    // the columns that the last ones are names of
	whole   bool     // the columns are those of the format
	header  []byte
}

func (s *recordSink) bind(f record.Format) {
	if s.ready && s.bound.Equal(f) {
		return
	}
	s.ready, s.bound, s.columns = true, f, s.Columns
	if s.columns == nil {
		for i := range f.Len() {
			s.columns = append(s.columns, query.Column{Field: f.Field(i), Name: f.Name(i)})
		}
	}
	s.names, s.whole = s.names[:0], len(s.columns) == f.Len()
	for i, c := range s.columns {
		at := c.Index(f)
		s.whole = s.whole && at == i
		name := ""
		if at >= 0 {
			name = f.Name(at)
		}
		s.names = append(s.names, name)
	}
	s.named = s.named[:0]
	if s.Name != nil && s.Form != OCSF {
		s.columns = slices.Clone(s.columns)
		for i, c := range s.columns[:len(s.names)] {
			if s.Named(c) {
				s.named, s.whole = append(s.named, i), false
				s.columns = append(s.columns, query.Column{Name: "x-" + c.Name + "-name"})
			}
		}
	}
	s.header = s.header[:0]
	for i, c := range s.columns {
		if i > 0 {
			s.header = append(s.header, s.separator())
		}
		s.header = append(s.header, c.Name...)
	}
	s.header = append(s.header, '\n')
}

func (r *Records) separator() byte {
	switch r.Form {
	case CSV:
		return ','
	case TSV:
		return '\t'
	}
	return ' '
}

func (s *recordSink) batch(w *source.Worker, b *rows.Batch) error {
	s.bind(b.Format)
	selected, bad := s.filter.Select(b)
	w.Refuse(b, bad)
	for _, row := range selected {
		// Whoever prints a record vouches for all of it.
		rec, wrong := s.rows.Parse(b, int(row))
		if rec == nil {
			w.Refuse(b, []rows.Bad{wrong})
			continue
		}
		if len(w.Out) == 0 && !s.Form.Lines() {
			w.Out = append(w.Out, s.header...)
		}
		w.Out = s.append(w.Out, b, int(row), rec)
		w.Keep(1)
	}
	return nil
}

// append appends a row in the form that is wanted.
func (s *recordSink) append(out []byte, b *rows.Batch, row int, rec *record.Record) []byte {
	if s.Form == Text && s.whole {
		return append(b.AppendLine(out, row), '\n')
	}
	switch s.Form {
	case OCSF:
		return append(AppendOCSF(out, b.Format, rec), '\n')
	case JSON:
		out = append(out, '{')
	}
	for i, c := range s.columns {
		v := s.of(i, rec)
		switch s.Form {
		case JSON:
			if i > 0 {
				out = append(out, ',')
			}
			out = append(appendQuoted(out, []byte(c.Name)), ':')
			out = appendJSON(out, v, c.IsInt())
			continue
		case CSV, TSV:
			if i > 0 {
				out = append(out, s.separator())
			}
			if !rows.Absent(v) {
				out = appendCell(out, v, s.Form)
			}
			continue
		}
		if i > 0 {
			out = append(out, ' ')
		}
		out = append(out, v...)
	}
	if s.Form == JSON {
		out = append(out, '}')
	}
	return append(out, '\n')
}

// of returns the value of a column as it stands in a line.
func (s *recordSink) of(i int, rec *record.Record) []byte {
	if n := i - len(s.names); n >= 0 {
		return s.nameOf(s.named[n], rec)
	}
	if f := s.columns[i].Field; f != record.None {
		s.value = rec.AppendField(s.value[:0], f)
	} else if text, ok := rec.Extension(s.names[i]); ok {
		s.value = append(s.value[:0], text...)
	} else {
		s.value = append(s.value[:0], '-')
	}
	return s.value
}

// nameOf returns what the value of a column is called, as it stands in a line.
func (s *recordSink) nameOf(i int, rec *record.Record) []byte {
	at, _ := rec.Int(record.Start)
	vpc, _ := rec.Text(record.VPCID)
	name := s.Name(s.columns[i], string(s.of(i, rec)), string(vpc), at)
	if name == "" {
		return append(s.value[:0], '-')
	}
	s.value = s.value[:0]
	for _, c := range []byte(name) {
		if s.Form == Text && (c <= ' ' || c == 0x7f) {
			s.value = fmt.Appendf(s.value, "%%%02X", c) // as Amazon writes tags
			continue
		}
		s.value = append(s.value, c)
	}
	return s.value
}

// appendCell appends a value of a CSV or TSV file.
func appendCell(out, v []byte, f Form) []byte {
	if f == TSV {
		for _, c := range v {
			if c == '\t' || c == '\n' || c == '\r' {
				c = ' '
			}
			out = append(out, c)
		}
		return out
	}
	if !bytes.ContainsAny(v, ",\"\r\n") {
		return append(out, v...)
	}
	out = append(out, '"')
	out = append(out, bytes.ReplaceAll(v, []byte{'"'}, []byte{'"', '"'})...)
	return append(out, '"')
}

// A HeaderWriter passes on pieces of lines that begin with a header each, without the
// headers that are the same as the one before.
type HeaderWriter struct {
	W io.Writer
	// Changed is asked before another header than the first is written; its
	// error ends the output. nil writes it.
	Changed func(header []byte) error

	last []byte
}

// Write writes a piece. It returns len(p) unless there is an error.
func (h *HeaderWriter) Write(p []byte) (int, error) {
	n := bytes.IndexByte(p, '\n') + 1
	rest := p
	if n == 0 {
		// No header: nothing, or the rest of a line.
	} else if bytes.Equal(p[:n], h.last) {
		rest = p[n:]
	} else {
		if h.last != nil && h.Changed != nil {
			if err := h.Changed(p[:n-1]); err != nil {
				return 0, err
			}
		}
		h.last = append(h.last[:0], p[:n]...)
	}
	if _, err := h.W.Write(rest); err != nil {
		return 0, err
	}
	return len(p), nil
}

// ErrLimit is what a [LimitWriter] returns when it has written enough.
var ErrLimit = errors.New("enough records")

// A LimitWriter passes on so many lines, and ends the output then with [ErrLimit].
type LimitWriter struct {
	W io.Writer
	N int64
	// Header is set if each piece begins with a header, which does not count.
	Header bool
}

// Write writes a piece of whole lines.
func (l *LimitWriter) Write(p []byte) (int, error) {
	end := 0
	if l.Header {
		end = bytes.IndexByte(p, '\n') + 1
	}
	for ; l.N > 0 && end < len(p); l.N-- {
		end += bytes.IndexByte(p[end:], '\n') + 1
	}
	if _, err := l.W.Write(p[:end]); err != nil {
		return 0, err
	}
	if l.N == 0 {
		return end, ErrLimit
	}
	return len(p), nil
}

// Groups writes groups as CSV or TSV.
func Groups(w io.Writer, by []query.Column, groups []query.Group, f Form) error {
	sep := (&Records{Form: f}).separator()
	var out []byte
	for _, c := range by {
		out = append(appendCell(out, []byte(c.Name), f), sep)
	}
	for i, name := range [...]string{"records", "packets", "bytes", "start", "end"} {
		if i > 0 {
			out = append(out, sep)
		}
		out = append(out, name...)
	}
	out = append(out, '\n')
	for _, g := range groups {
		for _, v := range g.Values {
			if v != "-" {
				out = appendCell(out, []byte(v), f)
			}
			out = append(out, sep)
		}
		for i, n := range [...]int64{g.Records, g.Packets, g.Bytes, g.Start, g.End} {
			if i > 0 {
				out = append(out, sep)
			}
			if i < 3 || n != 0 { // no time is not 1970
				out = strconv.AppendInt(out, n, 10)
			}
		}
		out = append(out, '\n')
	}
	_, err := w.Write(out)
	return err
}
