package query

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind says what a token is.
type kind uint8

const (
	end    kind = iota
	word        // letters, digits and the like: a keyword, a name or a value
	quoted      // a value in quotation marks
	ticked      // a name in backticks
	symbol      // an operator or a parenthesis
)

// A token is a piece of a condition.
type token struct {
	kind kind
	// text is what it means: quotation marks are gone, operators have one form
	// each ("and" for &&).
	text string
	// pattern is text with its wildcards, and with a backslash before what looks
	// like one and is none; "" if there are no wildcards.
	pattern string
	raw     string // as typed
	column  int    // in characters, from 1
}

// is reports whether a token is a keyword or a symbol.
func (t token) is(s string) bool {
	return t.kind == symbol && t.text == s || t.kind == word && strings.EqualFold(t.text, s)
}

// symbols are in an order in which the first that fits is right.
var symbols = []struct{ typed, text string }{
	{"==", "="}, {"!=", "!="}, {"<>", "!="}, {"<=", "<="}, {">=", ">="}, {"&&", "and"}, {"||", "or"},
	{"=", "="}, {"<", "<"}, {">", ">"}, {"!", "not"}, {"(", "("}, {")", ")"}, {"[", "("}, {"]", ")"}, {",", ","},
}

// inWord reports whether a character may stand in a word.
func inWord(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return plain(r) || strings.ContainsRune("*?#", r)
	case r == utf8.RuneError:
		return false
	}
	return unicode.IsPrint(r)
}

// plain reports whether a character of a value is printed without quotation marks.
func plain(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("._:/-@%+", r)
}

// A scanner takes an input apart.
type scanner struct {
	input  string
	at     int // in bytes
	column int // of at, from 1
}

func (s *scanner) fail(column int, token, reason, suggest string) error {
	return &SyntaxError{Input: s.input, Column: column, Token: token, Reason: reason, Suggest: suggest}
}

// take moves on by n bytes and returns them.
func (s *scanner) take(n int) string {
	t := s.input[s.at : s.at+n]
	s.at += n
	s.column += utf8.RuneCountInString(t)
	return t
}

// scan returns the tokens of an input, the last one of kind end.
func scan(input string) ([]token, error) {
	s := &scanner{input: input, column: 1}
	if valid := strings.ToValidUTF8(input, ""); valid != input {
		n := 0
		for _, r := range input {
			if r == utf8.RuneError && !strings.HasPrefix(input[n:], string(utf8.RuneError)) {
				break
			}
			n += utf8.RuneLen(r)
		}
		return nil, s.fail(1+utf8.RuneCountInString(input[:n]), input[n:n+1], "not UTF-8", "")
	}
	var all []token
	for {
		t, err := s.next()
		if err != nil {
			return nil, err
		}
		all = append(all, t)
		if t.kind == end {
			return all, nil
		}
	}
}

func (s *scanner) next() (token, error) {
	rest := s.input[s.at:]
	s.take(len(rest) - len(strings.TrimLeftFunc(rest, unicode.IsSpace)))
	rest = s.input[s.at:]
	t := token{column: s.column}
	if rest == "" {
		return t, nil
	}
	if n := strings.IndexFunc(rest, func(r rune) bool { return !inWord(r) }); n != 0 {
		if n < 0 {
			n = len(rest)
		}
		t.kind, t.raw = word, s.take(n)
		t.text = t.raw
		if strings.ContainsAny(t.text, "*?") {
			t.pattern = t.text
		}
		return t, nil
	}
	switch rest[0] {
	case '"', '\'':
		return s.quoted(t)
	case '`':
		n := strings.IndexByte(rest[1:], '`')
		if n < 0 {
			return t, s.fail(t.column, rest, "the name has no closing backtick", "")
		}
		t.kind, t.raw = ticked, s.take(n+2)
		t.text = t.raw[1 : n+1]
		return t, nil
	}
	for _, y := range symbols {
		if strings.HasPrefix(rest, y.typed) {
			t.kind, t.text, t.raw = symbol, y.text, s.take(len(y.typed))
			return t, nil
		}
	}
	r, n := utf8.DecodeRuneInString(rest)
	if r == '&' || r == '|' {
		return t, s.fail(t.column, rest[:n], "not an operator", strings.Repeat(rest[:n], 2))
	}
	if r == '~' {
		return t, s.fail(t.column, rest[:n], "not an operator: * in a value stands for any text, such as instance-id = i-0a*", "")
	}
	return t, s.fail(t.column, rest[:n], "a value with this character needs quotation marks", "")
}

// quoted reads a value in quotation marks of either kind. A backslash takes the
// meaning of the character after it.
func (s *scanner) quoted(t token) (token, error) {
	rest := s.input[s.at:]
	var text, pattern strings.Builder
	wild := false
	for i := 1; i < len(rest); {
		r, n := utf8.DecodeRuneInString(rest[i:])
		switch {
		case r == rune(rest[0]):
			t.kind, t.raw, t.text = quoted, s.take(i+1), text.String()
			if wild {
				t.pattern = pattern.String()
			}
			return t, nil
		case r == '\\' && i+1 < len(rest):
			i++
			if r, n = utf8.DecodeRuneInString(rest[i:]); strings.ContainsRune(`*?\`, r) {
				pattern.WriteByte('\\')
			}
		case r == '*' || r == '?':
			wild = true
		}
		text.WriteString(rest[i : i+n])
		pattern.WriteString(rest[i : i+n])
		i += n
	}
	return t, s.fail(t.column, rest, "the value has no closing quotation mark", "")
}
