package insights

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind says what a token is.
type kind uint8

const (
	end    kind = iota
	word        // a keyword or a name
	ticked      // a name in backticks
	quoted      // a text in quotation marks
	number
	period // such as 5m
	symbol
)

// A token is a piece of a query.
type token struct {
	kind     kind
	text     string // without quotation marks and backticks
	from, to int    // in bytes
}

// is reports whether a token is a keyword or a symbol.
func (t token) is(s string) bool {
	return t.kind == symbol && t.text == s || t.kind == word && strings.EqualFold(t.text, s)
}

// A lexer takes a query apart. Only the parser knows where a slash begins a regular
// expression, so it asks for tokens one by one.
type lexer struct {
	text  string
	at    int
	token token // the next one
	last  int   // where the one before it ended
}

// space goes past spaces and comments.
func (l *lexer) space() {
	for l.at < len(l.text) {
		r, n := utf8.DecodeRuneInString(l.text[l.at:])
		switch {
		case unicode.IsSpace(r):
			l.at += n
		case r == '#':
			n := strings.IndexByte(l.text[l.at:], '\n')
			if n < 0 {
				n = len(l.text) - l.at
			}
			l.at += n
		default:
			return
		}
	}
}

func isStart(r rune) bool { return r == '@' || r == '_' || unicode.IsLetter(r) }
func isWord(r rune) bool  { return isStart(r) || r == '.' || unicode.IsDigit(r) }

// run returns the length of the characters at the beginning of s that are wanted.
func run(s string, wanted func(rune) bool) int {
	n := strings.IndexFunc(s, func(r rune) bool { return !wanted(r) })
	if n < 0 {
		return len(s)
	}
	return n
}

// next makes the next token of the text the current one.
func (p *parser) next() error {
	p.space()
	rest := p.text[p.at:]
	t := token{from: p.at}
	r, n := utf8.DecodeRuneInString(rest)
	switch {
	case rest == "":
	case isStart(r):
		t.kind, n = word, run(rest, isWord)
		t.text = rest[:n]
	case r >= '0' && r <= '9' || r == '.' && len(rest) > 1 && rest[1] >= '0' && rest[1] <= '9':
		t.kind, n = number, numberLength(rest)
		if letters := run(rest[n:], unicode.IsLetter); letters > 0 {
			t.kind, n = period, n+letters
		}
		t.text = rest[:n]
	case r == '`':
		if n = strings.IndexByte(rest[1:], '`'); n < 1 {
			return p.fail(p.at, p.at+1, "a name in backticks is empty or has no closing backtick")
		}
		t.kind, t.text, n = ticked, rest[1:n+1], n+2
	case r == '"' || r == '\'':
		text, length, ok := unquote(rest)
		if !ok {
			return p.fail(p.at, p.at+1, "the text has no closing quotation mark")
		}
		t.kind, t.text, n = quoted, text, length
	default:
		t.kind = symbol
		for _, s := range []string{"!=", "<=", ">=", "=~"} {
			if strings.HasPrefix(rest, s) {
				n = len(s)
			}
		}
		if t.text = rest[:n]; n == 1 && strings.IndexByte("=<>+-*/%^()[],|", rest[0]) < 0 || n > 1 && r >= utf8.RuneSelf {
			return p.fail(p.at, p.at+n, "%q has no meaning here: names with such characters need backticks", t.text)
		}
	}
	p.at += n
	t.to = p.at
	p.last, p.token = p.token.to, t
	return nil
}

// numberLength returns how long the number is that s begins with.
func numberLength(s string) int {
	isDigit := func(r rune) bool { return r >= '0' && r <= '9' }
	n := run(s, isDigit)
	if n < len(s) && s[n] == '.' {
		n += 1 + run(s[n+1:], isDigit)
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		m := n + 1
		if m < len(s) && (s[m] == '+' || s[m] == '-') {
			m++
		}
		if digits := run(s[m:], isDigit); digits > 0 {
			n = m + digits
		}
	}
	return n
}

// unquote reads a text in quotation marks of either kind. A backslash takes the meaning of
// a quotation mark or a backslash; before anything else it is itself.
func unquote(s string) (text string, length int, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == s[0]:
			return b.String(), i + 1, true
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == s[0] || s[i+1] == '\\'):
			i++
		}
		b.WriteByte(s[i])
	}
	return "", 0, false
}

// regexp returns the regular expression between slashes that the current token begins, and
// goes past it.
func (p *parser) regexp() (string, error) {
	from := p.token.from
	for i := from + 1; i < len(p.text); i++ {
		switch p.text[i] {
		case '\\':
			i++
		case '/':
			expr := strings.ReplaceAll(p.text[from+1:i], `\/`, `/`)
			p.at = i + 1
			return expr, p.next()
		}
	}
	return "", p.fail(from, from+1, "the regular expression has no closing slash")
}
