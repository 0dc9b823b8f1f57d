package record

import (
	"errors"
	"fmt"
	"strconv"
)

// What can be wrong with a value; a [*FieldError] wraps one of them.
var (
	ErrEmpty      = errors.New("value is empty")
	ErrAbsent     = errors.New("value must not be absent")
	ErrNotNumber  = errors.New("value is not a decimal number")
	ErrNotAddress = errors.New("value is not an IP address")
	ErrRange      = errors.New("value out of range")
	ErrNotKnown   = errors.New("value is not one of those defined")
	ErrControl    = errors.New("control character after value")
	ErrTooFew     = errors.New("too few fields")
	ErrTooMany    = errors.New("too many fields")
)

// A FieldError says which field of a line is wrong, and how. The caller adds
// the file and the number of the line.
type FieldError struct {
	Field  Field  // None for an extension, and beyond the last field
	Name   string // the field's name; "" beyond the last field
	Column int    // the field's place in the line, from 1
	Want   int    // how many fields the format has
	Value  string // what stands there, at most 64 bytes of it
	Err    error  // one of the errors above
}

// Error returns a text like: field dstaddr "10.0.0.999": value out of range.
func (e *FieldError) Error() string {
	switch e.Err {
	case ErrTooFew:
		return fmt.Sprintf("field %s: too few fields: %d, want %d", e.Name, e.Column-1, e.Want)
	case ErrTooMany:
		return fmt.Sprintf("field %d %q: too many fields, want %d", e.Column, e.Value, e.Want)
	}
	return "field " + e.Name + " " + strconv.Quote(e.Value) + ": " + e.Err.Error()
}

// Unwrap returns Err.
func (e *FieldError) Unwrap() error { return e.Err }

// A FormatError says which token of a format string is wrong.
type FormatError struct {
	Format  string // the whole string
	Offset  int    // where Token begins in Format, in bytes from 0
	Token   string // the offending part; "" at the end of Format
	Reason  string // what is wrong with it
	Suggest string // the nearest name that would be right, or ""
}

// Error returns a text like:
// format column 12: unknown field "srcadr", did you mean "srcaddr"?
func (e *FormatError) Error() string {
	s := "format column " + strconv.Itoa(e.Offset+1) + ": " + e.Reason
	if e.Token != "" {
		s += " " + strconv.Quote(e.Token)
	}
	if e.Suggest != "" {
		s += ", did you mean " + strconv.Quote(e.Suggest) + "?"
	}
	return s
}
