package pattern

import (
	"strconv"
	"strings"
	"unicode"
)

// fields is a pattern of the fields of a message, which stand between spaces.
type fields struct {
	list []field

	// gap is how many of them stand before an ellipsis; -1 if there is none.
	gap int
}

// A field has a name, unless it is "", and a condition, unless it is nil.
type field struct {
	name string
	cond *node
}

func (f *field) holds(s string) bool { return f.cond == nil || f.cond.holds(s) }

// holds reports whether a field with a text meets a condition.
func (n *node) holds(s string) bool {
	switch n.kind {
	case allOf:
		for _, kid := range n.kids {
			if !kid.holds(s) {
				return false
			}
		}
		return true
	case anyOf:
		for _, kid := range n.kids {
			if kid.holds(s) {
				return true
			}
		}
		return false
	case noneOf:
		return !n.kids[0].holds(s)
	}
	return n.test.holds(s)
}

// A span is a part of a message.
type span struct{ from, to int }

// match reports whether a message has the right number of fields, and each meets its
// condition.
func (f *fields) match(message string) bool {
	head := len(f.list)
	if f.gap >= 0 {
		head = f.gap
	}
	at := 0
	for i := range head {
		var part string
		var ok bool
		if part, at, ok = cut(message, at); !ok || !f.list[i].holds(part) {
			return false
		}
	}
	if f.gap < 0 {
		_, _, more := cut(message, at)
		return !more
	}
	tail := f.list[head:]
	if len(tail) == 0 {
		return true
	}
	var buf [64]span
	rest := split(buf[:0], message, at)
	if len(rest) < len(tail) {
		return false
	}
	rest = rest[len(rest)-len(tail):]
	for i := range tail {
		if !tail[i].holds(message[rest[i].from:rest[i].to]) {
			return false
		}
	}
	return true
}

// split adds the fields from a byte on.
func split(spans []span, message string, at int) []span {
	for {
		from, to, next := bounds(message, at)
		if from < 0 {
			return spans
		}
		spans = append(spans, span{from, to})
		at = next
	}
}

// cut returns the field that begins at a byte or behind spaces there, and where to go on.
func cut(message string, at int) (part string, next int, ok bool) {
	from, to, next := bounds(message, at)
	if from < 0 {
		return "", at, false
	}
	return message[from:to], next, true
}

// bounds returns where the next field begins and ends, and where to go on; from is -1 if
// there is none. What stands in quotation marks or brackets is one field, without these, if
// a space or the end comes behind them.
func bounds(s string, i int) (from, to, next int) {
	for i < len(s) && isSpace(s[i]) {
		i++
	}
	if i == len(s) {
		return -1, i, i
	}
	if s[i] == '"' || s[i] == '[' {
		if end := closing(s, i); end > 0 {
			return i + 1, end, end + 1
		}
	}
	from = i
	for i < len(s) && !isSpace(s[i]) {
		i++
	}
	return from, i, i
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// closing returns where the mark is that closes the one at i; -1 if none does.
func closing(s string, i int) int {
	mark := s[i]
	if mark == '[' {
		mark = ']'
	}
	for i++; i < len(s); i++ {
		switch {
		case s[i] == '\\' && mark == '"':
			i++
		case s[i] == mark && (i+1 == len(s) || isSpace(s[i+1])):
			return i
		}
	}
	return -1
}

// fields reads a pattern behind its opening bracket.
func (s *scanner) fields() (*fields, error) {
	f := &fields{gap: -1}
	if s.sees("]") {
		return nil, s.fail(s.at, "the pattern has no fields: write a name for each, such as [ip, user, ...]")
	}
	for {
		s.space()
		from := s.at
		switch {
		case s.takes("..."):
			if f.gap >= 0 {
				return nil, s.fail(from, "a second ellipsis: a pattern may have one")
			}
			f.gap = len(f.list)
		case s.sees(",") || s.sees("]"):
			f.list = append(f.list, field{})
		default:
			one, err := s.field()
			if err != nil {
				return nil, err
			}
			f.list = append(f.list, one)
		}
		if s.takes("]") {
			return f, nil
		}
		if !s.takes(",") {
			return nil, s.fail(s.at, "%s is where , or ] belongs", s.near())
		}
	}
}

// inName reports whether a character may stand in the name of a field.
func inName(r rune) bool { return r == '_' || r == '-' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// field reads a name, or conditions that all have the same name.
func (s *scanner) field() (f field, err error) {
	one := func() (*node, error) {
		s.space()
		from := s.at
		name := s.while(inName)
		switch {
		case name == "":
			return nil, s.fail(from, "%s is where the name of a field belongs: write letters, digits, _ and -", s.near())
		case f.name != "" && f.name != name:
			return nil, s.fail(from, "the condition is about %s, and the field is %s: conditions of other fields stand in these", name, f.name)
		}
		f.name = name
		t, err := s.test(`,])`)
		return &node{test: t}, err
	}
	from := s.at
	if name := s.while(inName); name != "" && (s.sees(",") || s.sees("]") || s.done()) {
		return field{name: name}, nil
	}
	s.at = from
	f.cond, err = s.condition(one)
	return f, err
}

func (f *fields) String() string {
	var parts []string
	for i := range f.list {
		if i == f.gap {
			parts = append(parts, "...")
		}
		one := &f.list[i]
		if one.cond == nil {
			parts = append(parts, one.name)
			continue
		}
		parts = append(parts, one.cond.text(func(n *node) string { return one.name + n.test.String() }))
	}
	if f.gap == len(f.list) {
		parts = append(parts, "...")
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// index returns where in a message with so many fields one with a name lies, or one with a
// number, from 1; -1 if there is none.
func (f *fields) index(name string, count int) int {
	for i := range f.list {
		if f.list[i].name == name {
			return f.place(i, count)
		}
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 1 && n <= count && name[0] != '+' {
		return n - 1
	}
	return -1
}

// place returns where field i of the pattern lies in a message with so many fields.
func (f *fields) place(i, count int) int {
	if f.gap >= 0 && i >= f.gap {
		return count - len(f.list) + i
	}
	return i
}
