package pattern

import (
	"strings"
	"unicode/utf8"
)

// MaxLength is how many characters a pattern has at most. Source: PutMetricFilter,
// CloudWatch Logs API Reference.
const MaxLength = 1024

// A Pattern chooses messages. The zero Pattern chooses all.
type Pattern struct {
	// At most one of them is set.
	terms  *terms
	fields *fields
	json   *node
}

// Parse reads a pattern. Its errors are of type [*SyntaxError].
func Parse(text string) (*Pattern, error) {
	s := &scanner{text: text}
	if !utf8.ValidString(text) {
		at := strings.IndexRune(text, utf8.RuneError) // one that is written out is as suspect
		return nil, s.fail(at, "the pattern is not UTF-8")
	}
	if utf8.RuneCountInString(text) > MaxLength {
		return nil, &SyntaxError{Column: MaxLength + 1, Reason: "the pattern is too long: it may have 1024 characters"}
	}
	p := &Pattern{}
	var err error
	switch s.space(); {
	case s.done():
		return p, nil
	case s.takes("{"):
		p.json, err = s.json()
	case s.takes("["):
		p.fields, err = s.fields()
	default:
		p.terms, err = s.terms()
		return p, err
	}
	if err != nil {
		return nil, err
	}
	if s.space(); !s.done() {
		return nil, s.fail(s.at, "%s is behind the closing bracket: a pattern ends there", s.near())
	}
	return p, nil
}

// Match reports whether a message is chosen. It does not allocate, except for some JSON
// with escapes in it, for regular expressions, and for messages of more than 64 fields.
func (p *Pattern) Match(message string) bool {
	switch {
	case p.terms != nil:
		return p.terms.match(message)
	case p.fields != nil:
		return p.fields.match(message)
	case p.json != nil:
		return matchJSON(p.json, message)
	}
	return true
}

// String returns the pattern as it can be parsed: the same for all ways to write it.
func (p *Pattern) String() string {
	switch {
	case p.terms != nil:
		return p.terms.String()
	case p.fields != nil:
		return p.fields.String()
	case p.json != nil:
		return "{ " + p.json.String() + " }"
	}
	return ""
}
