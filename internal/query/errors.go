package query

import (
	"fmt"
	"strconv"
	"strings"
)

// A SyntaxError says where a condition, or a list of fields, cannot be understood.
type SyntaxError struct {
	Input   string // all of it
	Column  int    // where Token begins, in characters from 1
	Token   string // the offending part as it was typed; "" at the end of Input
	Reason  string // what is wrong, or what is wanted instead
	Suggest string // what was probably meant, or ""
}

// Error returns a text like:
// column 1: "srcadr": unknown field; did you mean srcaddr?
func (e *SyntaxError) Error() string {
	where := "at the end"
	if e.Token != "" {
		where = strconv.Quote(clip(e.Token))
		if strings.ContainsRune("\"'`", rune(e.Token[0])) && where == `"`+strings.ReplaceAll(clip(e.Token), `"`, `\"`)+`"` {
			where = clip(e.Token) // it has marks of its own
		}
	}
	s := fmt.Sprintf("column %d: %s: %s", e.Column, where, e.Reason)
	if e.Suggest != "" {
		s += "; did you mean " + e.Suggest + "?"
	}
	return s
}

// Pointer returns two lines for a terminal: the input, and a caret below the place.
// It ends without a newline.
func (e *SyntaxError) Pointer() string {
	line := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' ' // one column each, as they are counted
		}
		return r
	}, e.Input)
	return line + "\n" + strings.Repeat(" ", e.Column-1) + "^"
}

// clip shortens what would fill the screen.
func clip(s string) string {
	if r := []rune(s); len(r) > 64 {
		return string(r[:63]) + "…"
	}
	return s
}
