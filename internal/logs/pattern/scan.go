package pattern

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDepth is how deep parentheses may lie in each other.
const maxDepth = 50

// A scanner reads a pattern from left to right.
type scanner struct {
	text    string
	at      int // in bytes
	depth   int // of parentheses
	regexps int
	every   int // wildcards in selectors
}

// fail returns an error about what begins at a byte.
func (s *scanner) fail(at int, format string, args ...any) error {
	return &SyntaxError{Column: 1 + utf8.RuneCountInString(s.text[:at]), Reason: fmt.Sprintf(format, args...)}
}

func (s *scanner) space() {
	rest := s.text[s.at:]
	s.at += len(rest) - len(strings.TrimLeftFunc(rest, unicode.IsSpace))
}

func (s *scanner) done() bool { return s.at >= len(s.text) }

// sees reports whether a text comes next, after spaces.
func (s *scanner) sees(text string) bool {
	s.space()
	return strings.HasPrefix(s.text[s.at:], text)
}

// takes goes past a text if it comes next, after spaces.
func (s *scanner) takes(text string) bool {
	if !s.sees(text) {
		return false
	}
	s.at += len(text)
	return true
}

// while goes past the characters that are wanted, and returns them.
func (s *scanner) while(wanted func(rune) bool) string {
	from := s.at
	n := strings.IndexFunc(s.text[from:], func(r rune) bool { return !wanted(r) })
	if n < 0 {
		n = len(s.text) - from
	}
	s.at += n
	return s.text[from:s.at]
}

// keyword goes past a word of letters if it comes next, in upper or lower case.
func (s *scanner) keyword(word string) bool {
	s.space()
	from := s.at
	if strings.EqualFold(s.while(unicode.IsLetter), word) {
		return true
	}
	s.at = from
	return false
}

// near shows what comes next, for an error.
func (s *scanner) near() string {
	if s.done() {
		return "the end"
	}
	r, _ := utf8.DecodeRuneInString(s.text[s.at:])
	return fmt.Sprintf("%q", string(r))
}

// quoted reads a text in quotation marks, which comes next. A backslash takes the meaning
// of a quotation mark, a backslash or an asterisk; before anything else it is itself. first
// and last say whether the text begins and ends with an asterisk that has its meaning; these
// are still in the text.
func (s *scanner) quoted() (text string, first, last bool, err error) {
	var b strings.Builder
	from := s.at
	for i := from + 1; i < len(s.text); i++ {
		c := s.text[i]
		switch {
		case c == '"':
			s.at = i + 1
			return b.String(), first, last, nil
		case c == '\\' && i+1 < len(s.text) && strings.IndexByte(`"\*`, s.text[i+1]) >= 0:
			i++
			c, last = s.text[i], false
		default:
			last = c == '*'
			first = first || last && b.Len() == 0
		}
		b.WriteByte(c)
	}
	return "", false, false, s.fail(from, "the quotation marks are not closed: write \" behind the text, and \\\" for one in it")
}

// quote is the reverse of quoted for a text without a meaning of asterisks.
func quote(s string, star bool) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		if c := s[i]; c == '"' || c == '\\' || c == '*' && star {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	b.WriteByte('"')
	return b.String()
}
