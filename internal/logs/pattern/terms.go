package pattern

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// terms is a pattern of words that a message contains.
type terms struct {
	all, any, none []term
}

// A term is a text, or a regular expression.
type term struct {
	text string
	re   *regexp.Regexp
	expr string // re as it is written
}

func (t *term) in(message string) bool {
	if t.re != nil {
		return t.re.MatchString(message)
	}
	return strings.Contains(message, t.text)
}

// match reports whether a message has all terms and none of those that are excluded. One of
// the optional terms has to be there if these are the only ones: next to others they do not
// count.
func (t *terms) match(message string) bool {
	for i := range t.all {
		if !t.all[i].in(message) {
			return false
		}
	}
	for i := range t.none {
		if t.none[i].in(message) {
			return false
		}
	}
	if len(t.all) > 0 || len(t.none) > 0 {
		return true
	}
	for i := range t.any {
		if t.any[i].in(message) {
			return true
		}
	}
	return false
}

func (s *scanner) terms() (*terms, error) {
	t := &terms{}
	for s.space(); !s.done(); s.space() {
		list := &t.all
		switch s.text[s.at] {
		case '?':
			s.at++
			list = &t.any
		case '-':
			s.at++
			list = &t.none
			s.space() // Amazon's own example is: "ERROR" - "Exiting"
		}
		one, err := s.term()
		if err != nil {
			return nil, err
		}
		*list = append(*list, one)
		if r, _ := utf8.DecodeRuneInString(s.text[s.at:]); !s.done() && !unicode.IsSpace(r) {
			return nil, s.fail(s.at, "invalid character %s in a term: put terms with other characters than letters, digits and _ in quotation marks", s.near())
		}
	}
	return t, nil
}

// inTerm reports whether a character may stand in a term without quotation marks.
func inTerm(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

func (s *scanner) term() (t term, err error) {
	from := s.at
	switch {
	case s.done():
		return t, s.fail(from, "a term is missing")
	case s.text[from] == '"':
		if t.text, _, _, err = s.quoted(); strings.TrimSpace(t.text) == "" {
			t.text = "" // which is how Amazon's page chooses everything
		}
	case s.text[from] == '%':
		t.re, t.expr, err = s.regex()
	default:
		if t.text = s.while(inTerm); t.text == "" {
			err = s.fail(from, "invalid character %s in a term: put terms with other characters than letters, digits and _ in quotation marks", s.near())
		}
	}
	return t, err
}

func (t *term) String() string {
	switch {
	case t.re != nil:
		return "%" + t.expr + "%"
	case t.text == "":
		return `" "`
	case strings.IndexFunc(t.text, func(r rune) bool { return !inTerm(r) }) >= 0:
		return quote(t.text, false)
	}
	return t.text
}

// String returns first what has to be there, then what may be, then what may not.
func (t *terms) String() string {
	var words []string
	for i := range t.all {
		words = append(words, t.all[i].String())
	}
	for i := range t.any {
		words = append(words, "?"+t.any[i].String())
	}
	for i := range t.none {
		words = append(words, "-"+t.none[i].String())
	}
	return strings.Join(words, " ")
}
