package insights

import (
	"fmt"
	"unicode/utf8"
)

// A SyntaxError says where a query cannot be understood: the message and the location of a
// MalformedQueryException.
type SyntaxError struct {
	Line, Column int // where it begins, both from 1, the column in characters
	Start, End   int // in characters from 0, End exclusive
	Reason       string
}

// Error returns a text like:
// line 2, column 9: "srcAdr" is not a field after stats: …
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Reason)
}

// fail returns an error about a part of the query.
func (p *parser) fail(from, to int, format string, args ...any) error {
	before := p.text[:from]
	line, start := 1, 0
	for i := range before {
		if before[i] == '\n' {
			line, start = line+1, i+1
		}
	}
	first := utf8.RuneCountInString(before)
	return &SyntaxError{
		Line: line, Column: 1 + utf8.RuneCountInString(before[start:]),
		Start: first, End: first + utf8.RuneCountInString(p.text[from:to]),
		Reason: fmt.Sprintf(format, args...),
	}
}

// unexpected is an error about the next token.
func (p *parser) unexpected(wanted string) error {
	t := p.token
	if t.kind == end {
		return p.fail(t.from, t.to, "the query ends where %s belongs", wanted)
	}
	return p.fail(t.from, t.to, "%q is where %s belongs", clip(p.text[t.from:t.to]), wanted)
}

func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:39]) + "…"
	}
	return s
}
