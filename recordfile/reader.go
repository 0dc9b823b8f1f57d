package recordfile

import (
	"errors"
	"fmt"

	"weir/record"
)

// A Reader reads the records of a file. It belongs to one goroutine.
type Reader interface {
	// Read reads the next record into r. What r holds is right until the next
	// call; [record.Record.CopyFrom] makes a copy. The error is
	//
	//	io.EOF           after the last record
	//	*RecordError     this record is wrong; Read again for the next one
	//	ErrTruncated     the file was cut; all records before are good
	//	anything else    the file cannot be read on
	//
	// possibly wrapped, but for io.EOF.
	Read(r *record.Record) error
	// Format is the format of the record last read, or of the file where that
	// is known before.
	Format() record.Format
}

var (
	// ErrTruncated reports a file that ends too soon.
	ErrTruncated = errors.New("file is truncated")
	// ErrNoHeader reports a text file whose first line is not a header, so that
	// nothing says what its fields are.
	ErrNoHeader = errors.New("no header line")
	// ErrTooLong reports a line longer than 1 MiB.
	ErrTooLong = errors.New("line is too long")
)

// A RecordError says which record of a file is wrong. The caller adds the name of
// the file.
type RecordError struct {
	Row    bool  // N is a row of a Parquet file, not a line of text
	N      int64 // from 1; the header is line 1
	Reason error // usually a *record.FieldError
}

// Error returns a text like: line 3: field dstaddr "10.0.0.999": value out of range.
func (e *RecordError) Error() string {
	what := "line"
	if e.Row {
		what = "row"
	}
	return fmt.Sprintf("%s %d: %v", what, e.N, e.Reason)
}

// Unwrap returns Reason.
func (e *RecordError) Unwrap() error { return e.Reason }
