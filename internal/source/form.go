package source

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"weir/record"
)

// form finds out what form text has, and reads it as lines.
func (r *run) form(st *state, in io.Reader) error {
	mem := heads.Get().(*[headSize]byte)
	defer heads.Put(mem) // all is read then
	head, in := peek(mem[:], in)
	if err := unreadable(head); err != nil {
		return err
	}
	text := bytes.TrimPrefix(head, bom)
	if len(text) < len(head) {
		in = skip(in, len(bom))
	}
	lines := r.asLines(st, text, in)
	if lines == nil {
		return r.lines(st, in)
	}
	next, stop := iter.Pull2(lines)
	defer stop()
	return r.lines(st, &pulled{next: next})
}

// asLines finds out by the head of a text what form it has, and returns it as plain
// lines. It returns nil for what is plain lines, those that CloudWatch Logs exports
// among them: their timestamp is a column like others (see infer). What the sequence
// gives is right until the next round; an error is the last that it gives.
func (r *run) asLines(st *state, head []byte, in io.Reader) iter.Seq2[[]byte, error] {
	line, _, _ := bytes.Cut(bytes.TrimLeft(head, " \t\r\n"), []byte{'\n'})
	if len(line) == 0 {
		return nil
	}
	comma, ok, err := delimiter(line)
	if err != nil {
		return func(yield func([]byte, error) bool) { yield(nil, err) }
	}
	if s := st.Stream; ok && s != nil {
		s.comma, s.header = comma, append(bytes.Clone(line), '\n')
	} else if s != nil && s.comma != 0 {
		// A part has the header of the first.
		comma, ok = s.comma, true
		in = io.MultiReader(bytes.NewReader(s.header), in)
		st.lines--
	}
	if before := st.lines; ok {
		return csvLines(in, comma, func(line int64, reason string) { r.refuse(st, before+line, nil, reason) })
	}
	if c := line[0]; c == '{' || c == '[' || c == '"' {
		st.row = true
		return jsonLines(in)
	}
	return nil
}

// delimiter finds out what separates the names in the first line of a CSV file. The
// error is that of a file which certainly is CSV, but not of records.
func delimiter(line []byte) (comma rune, ok bool, err error) {
	if c := line[0]; c <= '9' && c != '"' {
		return 0, false, nil
	}
	for _, comma := range ",\t;" {
		if single := line[0] == '"' || string(line) == insightsMessage; !single && !bytes.ContainsRune(line, comma) {
			continue // most files are not CSV, and a reader of it takes 4 KiB
		}
		r := csv.NewReader(bytes.NewReader(line))
		r.Comma = comma
		names, err := r.Read()
		if err != nil || len(names) < 2 && line[0] != '"' && string(line) != insightsMessage {
			continue
		}
		if _, ok := csvHeader(names); ok {
			return comma, true, nil
		}
		if aggregated(names) {
			return 0, false, errAggregated
		}
	}
	return 0, false, nil
}

// csvHeader returns the names of a header with the spelling that lines have. A column of
// whole lines needs no names beside it.
func csvHeader(row []string) (names []string, ok bool) {
	for _, n := range row {
		names = append(names, fieldName(n))
	}
	if slices.Contains(row, insightsMessage) {
		return names, true
	}
	_, ok = record.ParseHeader([]byte(strings.Join(names, " ")))
	return names, ok
}

var bom = []byte("\ufeff")

// headSize is how much of a text is looked at to find out its form.
const headSize = 16 << 10

var heads = sync.Pool{New: func() any { return new([headSize]byte) }}

// peek reads the first bytes of a text into mem, and returns them and a reader of all
// of it.
func peek(mem []byte, in io.Reader) (head []byte, all io.Reader) {
	n, err := fill(in, mem)
	head = mem[:n]
	if err != nil {
		in = failing{err}
	}
	return head, io.MultiReader(bytes.NewReader(head), in)
}

// A failing reader has nothing but an error.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// skip returns what is left of a text of at least n bytes after them.
func skip(in io.Reader, n int) io.Reader {
	io.ReadFull(in, make([]byte, n))
	return in
}

// pulled reads what a sequence gives.
type pulled struct {
	next func() ([]byte, error, bool)
	rest []byte
	err  error
}

func (p *pulled) Read(b []byte) (int, error) {
	for len(p.rest) == 0 && p.err == nil {
		text, err, ok := p.next()
		if !ok {
			err = io.EOF
		}
		p.rest, p.err = text, err
	}
	if len(p.rest) == 0 {
		return 0, p.err
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// appendValue appends a value as it may stand in a line: one that is empty is absent,
// and what would break the line becomes %XX, as Amazon writes tags.
func appendValue(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	if s == "" {
		return append(b, '-')
	}
	for i := range len(s) {
		if c := s[i]; c > ' ' {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}

// maxValue is how much text may be read to get one row of CSV or one value of JSON.
const maxValue = 64 << 20

var errValueTooLong = fmt.Errorf("one value is longer than %d MiB", maxValue>>20)

// A bounded reader fails where one value would need too much memory.
type bounded struct {
	in   io.Reader
	read int64
	used func() int64 // how many bytes of what was read have been taken apart
}

func (r *bounded) Read(b []byte) (int, error) {
	if r.used != nil && r.read-r.used() > maxValue {
		return 0, errValueTooLong
	}
	n, err := r.in.Read(b)
	r.read += int64(n)
	return n, err
}

// csvLines turns CSV with a header into lines. Each row has the number that it has in
// the file; for that, lines are left empty where a row is refused or takes several.
func csvLines(in io.Reader, comma rune, refuse func(line int64, reason string)) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		from := &bounded{in: in}
		r := csv.NewReader(from)
		from.used = r.InputOffset
		r.Comma, r.ReuseRecord, r.FieldsPerRecord = comma, true, -1
		var out []byte
		message := -1 // the column of whole lines, if there is one
		line := int64(1)
		at := func(n int) {
			for ; line < int64(n); line++ {
				out = append(out, '\n')
			}
		}
		for {
			row, err := r.Read()
			if bad := (*csv.ParseError)(nil); errors.As(err, &bad) {
				at(bad.StartLine)
				refuse(line, "CSV: "+bad.Err.Error())
				continue
			}
			if err != nil {
				if err == io.EOF {
					err = nil
				} else {
					err = fmt.Errorf("CSV after line %d: %w", line-1, err)
				}
				if len(out) > 0 || err != nil {
					yield(out, err)
				}
				return
			}
			n, _ := r.FieldPos(0)
			at(n)
			names, isHeader := []string(nil), false
			if c := row[0]; c != "" && c[0] > '9' {
				names, isHeader = csvHeader(row)
			}
			switch {
			case isHeader:
				if row, message = names, slices.Index(row, insightsMessage); message >= 0 {
					row = nil // an empty line in its place
				}
			case message >= 0 && message < len(row):
				out = append(out, oneLine.Replace(strings.TrimRight(row[message], "\r\n"))...)
				row = nil
			}
			for i, v := range row {
				if i > 0 {
					out = append(out, ' ')
				}
				out = appendValue(out, v)
			}
			out = append(out, '\n')
			line++
			if len(out) >= chunk {
				if !yield(out, nil) {
					return
				}
				out = out[:0]
			}
		}
	}
}

// oneLine keeps a message on the line of its row: with more than one it is no record.
var oneLine = strings.NewReplacer("\r\n", " ", "\n", " ")

// chunk is how many bytes of lines are made at a time.
const chunk = 64 << 10

// unreadable says what a text is that is certainly no flow log.
func unreadable(head []byte) error {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return fmt.Errorf("not a flow log: %s", m.what)
		}
	}
	bad := 0
	for rest := head; len(rest) > 0; {
		c, n := utf8.DecodeRune(rest)
		if c == utf8.RuneError && n == 1 || c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			bad++
		}
		rest = rest[n:]
	}
	if bad > len(head)/16 {
		return errBinary
	}
	return nil
}

var errBinary = errors.New("not a flow log: neither text nor Parquet, gzip or zstd")

var magics = []struct{ magic, what string }{
	{"\xff\xfe", "text in UTF-16, which has to become UTF-8 first"},
	{"\xfe\xff", "text in UTF-16, which has to become UTF-8 first"},
	{"PK\x03\x04", "a ZIP archive, which has to be unpacked first"},
	{"BZh", "a bzip2 file, which has to be unpacked first"},
	{"\xfd7zXZ\x00", "an xz file, which has to be unpacked first"},
	{"\x04\x22\x4d\x18", "an LZ4 file, which has to be unpacked first"},
	{"\xff\x06\x00\x00sNaPpY", "a Snappy stream, which has to be unpacked first"},
	{"Obj\x01", "an Avro file"},
	{"ORC", "an ORC file"},
	{"%PDF-", "a PDF"},
	{"<", "XML or HTML"},
}

// wrongCount says what is wrong with the fields of a line that cannot be told apart.
func wrongCount(text []byte, f record.Format) string {
	if bytes.ContainsFunc(text, func(c rune) bool { return c < ' ' }) {
		return record.ErrControl.Error()
	}
	n := bytes.Count(text, []byte{' '}) + 1
	if n < f.Len() {
		return fmt.Sprintf("%v: %d of %d", record.ErrTooFew, n, f.Len())
	}
	return fmt.Sprintf("%v: %d instead of %d", record.ErrTooMany, n, f.Len())
}
