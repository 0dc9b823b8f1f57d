package source

import (
	"bytes"
	"fmt"
	"io"

	"weir/record"
)

// asLines finds out what form a stream of text has, and returns it as lines with a
// header, if the form has one.
func asLines(in io.Reader) (io.Reader, error) { return in, nil }

// infer finds out the format of lines from the shape of their values.
func infer(text []byte) (f record.Format, reason string) {
	return record.Default(), "the default format"
}

// wrongCount says what is wrong with the number of fields of a line.
func wrongCount(text []byte, f record.Format) string {
	n := len(bytes.Fields(text))
	if n < f.Len() {
		return fmt.Sprintf("%v: %d of %d", record.ErrTooFew, n, f.Len())
	}
	return fmt.Sprintf("%v: %d instead of %d", record.ErrTooMany, n, f.Len())
}
