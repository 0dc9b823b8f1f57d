package explain

import (
	"bufio"
	"encoding/json"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"weir/record"
)

// A Printer writes explanations for people: the record's line, a paragraph, and points.
// What records cannot tell is written once, by [Printer.Close].
type Printer struct {
	W     io.Writer
	Lang  Lang
	Width int // columns of the terminal; 0 leaves lines as long as they are

	out    *bufio.Writer
	many   bool
	gap    bool // whether a blank line comes before the next point
	cannot []string
	told   map[string]bool
}

// Print writes the explanation of a record, below the line that it is.
func (p *Printer) Print(line string, x *Explanation) error {
	if p.out == nil {
		p.out, p.told = bufio.NewWriter(p.W), map[string]bool{}
	}
	if p.many {
		p.out.WriteByte('\n')
	}
	p.many, p.gap = true, false
	p.out.WriteString(printable(line) + "\n\n")
	head, between := "", " "
	if p.Lang == Japanese {
		between = ""
	}
	for _, s := range x.Head {
		if text := s.Text(p.Lang); text != "" {
			if head != "" {
				head += between
			}
			head += text
		}
	}
	p.write(head, "", "")
	p.points(x.Points, "  ")
	if len(x.Rules) > 0 {
		p.write(say("section.rules").Text(p.Lang), "", "")
		p.points(x.Rules, "  ")
	}
	for _, s := range x.Cannot {
		if text := s.Text(p.Lang); !p.told[s.Key] {
			p.told[s.Key] = true
			p.cannot = append(p.cannot, text)
		}
	}
	return p.out.Flush()
}

// Close writes what the records that were printed cannot tell.
func (p *Printer) Close() error {
	if len(p.cannot) == 0 {
		return nil
	}
	p.out.WriteByte('\n')
	p.write(say("section.cannot").Text(p.Lang), "", "")
	for _, text := range p.cannot {
		p.write(text, "  - ", "    ")
	}
	return p.out.Flush()
}

func (p *Printer) points(list []Point, indent string) {
	for _, point := range list {
		if p.gap {
			p.out.WriteByte('\n')
			p.gap = false
		}
		p.write(point.Text(p.Lang), indent+"- ", indent+"  ")
		p.points(point.Below, indent+"  ")
		for _, code := range point.Code {
			p.out.WriteByte('\n')
			for line := range strings.Lines(code) {
				p.out.WriteString(indent + "      " + strings.TrimRight(line, "\n") + "\n")
			}
			p.gap = true
		}
	}
}

// write writes a text in lines that fit.
func (p *Printer) write(text, first, rest string) {
	for i, line := range wrap(text, p.Width-len(first)) {
		if i == 0 {
			p.out.WriteString(first)
		} else {
			p.out.WriteString(rest)
		}
		p.out.WriteString(line + "\n")
	}
}

// wrap breaks a text into lines of at most width columns, where it may be broken: at
// spaces, and between characters of Japanese. What can't be broken may be longer. A width
// below 20 breaks nothing.
func wrap(text string, width int) (lines []string) {
	if width < 20 {
		return []string{text}
	}
	line, columns := "", 0
	for len(text) > 0 {
		n := piece(text)
		s, w := text[:n], columnsOf(text[:n])
		text = text[n:]
		if columns > 0 && columns+columnsOf(strings.TrimRight(s, " ")) > width {
			lines = append(lines, strings.TrimRight(line, " "))
			line, columns = "", 0
		}
		line, columns = line+s, columns+w
	}
	return append(lines, strings.TrimRight(line, " "))
}

// piece returns how many bytes at the beginning of a text must stay together: a word with
// the spaces behind it, or a wide character with what must not begin a line.
func piece(text string) int {
	r, n := utf8.DecodeRuneInString(text)
	last := r
	for n < len(text) {
		next, size := utf8.DecodeRuneInString(text[n:])
		switch {
		case last == ' ' && next != ' ':
			return n
		case strings.ContainsRune(closing, next) || strings.ContainsRune(opening, last) || next == ' ':
		case wide(last) || wide(next):
			return n
		}
		last = next
		n += size
	}
	return n
}

// Characters that begin no line, and that end none.
const (
	closing = "、。，．）」』】？！ーっゃゅょッャュョァィゥェォ々:,.)"
	opening = "（「『【("
)

func wide(r rune) bool {
	return r >= 0x1100 && (unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) ||
		r >= 0x3000 && r <= 0x303f || r >= 0xff01 && r <= 0xff60 || r == 'ー')
}

// columnsOf returns how many columns of a terminal a text takes.
func columnsOf(s string) (n int) {
	for _, r := range s {
		if n++; wide(r) {
			n++
		}
	}
	return n
}

// JSON is an explanation for programs. Texts are in one language; keys and facts do not
// depend on it.
type JSON struct {
	Line   string          `json:"line"`
	Record json.RawMessage `json:"record"`
	Facts  Facts           `json:"facts"`
	Head   []PointJSON     `json:"head"`
	Points []PointJSON     `json:"points"`
	Rules  []PointJSON     `json:"rules"`
	Cannot []PointJSON     `json:"cannot"`
}

// PointJSON is a sentence for programs.
type PointJSON struct {
	Key   string            `json:"key"`
	Text  string            `json:"text"`
	Args  map[string]string `json:"args,omitempty"`
	Code  []string          `json:"code,omitempty"`
	Below []PointJSON       `json:"below,omitempty"`
}

// NewJSON returns an explanation of a record of a format for programs.
func NewJSON(f record.Format, r *record.Record, x *Explanation, l Lang) JSON {
	return JSON{
		Line: string(f.Append(nil, r)), Record: f.AppendJSON(nil, r), Facts: x.Facts,
		Head: pointsJSON(points(x.Head), l), Points: pointsJSON(x.Points, l), Rules: pointsJSON(x.Rules, l),
		Cannot: pointsJSON(points(x.Cannot), l),
	}
}

func points(list []Sentence) (out []Point) {
	for _, s := range list {
		if s.Key != "empty" {
			out = append(out, Point{Sentence: s})
		}
	}
	return out
}

func pointsJSON(list []Point, l Lang) []PointJSON {
	out := []PointJSON{}
	for _, p := range list {
		j := PointJSON{Key: p.Key, Text: p.Text(l), Code: p.Code}
		for name, v := range p.Args {
			if j.Args == nil {
				j.Args = map[string]string{}
			}
			j.Args[name] = argText(v, l)
		}
		if len(p.Below) > 0 {
			j.Below = pointsJSON(p.Below, l)
		}
		out = append(out, j)
	}
	return out
}
