package pattern

import "fmt"

// A SyntaxError says where a pattern cannot be understood.
type SyntaxError struct {
	Column int    // where, in characters from 1
	Reason string // what is wrong, and what to do
}

// Error returns a text like:
// Invalid filter pattern: column 3: …
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("Invalid filter pattern: column %d: %s", e.Column, e.Reason)
}
