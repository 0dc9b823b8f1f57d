package recordfile

import (
	"io"

	"weir/record"
)

// A Writer writes a file of records. It belongs to one goroutine.
//
// After an error the file is lost: only Reset helps. What Write does with a record
// it does before it returns: the record may be used again.
type Writer interface {
	// Write adds a record. Fields that are not in the format are left out.
	Write(*record.Record) error
	// Size says how large the file is so far. It costs next to nothing.
	Size() Size
	// Close writes what is left and makes the file complete; it does not close
	// the underlying writer. Once a file is closed, Close does nothing.
	Close() error
	// Reset begins a new file of the same format, written to w, whatever became
	// of the last one.
	Reset(w io.Writer) error
}

// NewWriter returns a writer of a file in the given format to w: Parquet if o says
// so, text otherwise.
func NewWriter(w io.Writer, f record.Format, o Options) (Writer, error) {
	if o.Parquet {
		return NewParquetWriter(w, f, ParquetOptions{})
	}
	return NewTextWriter(w, f)
}

// MaxSize is how large a file may become, in bytes: Amazon's 75 MB, which we take
// to be of the file as it is delivered, and 10⁶ bytes each.
const MaxSize = 75_000_000

// slack is more than what closing a file may add to [Size.Compressed].
const slack = 1 << 20

// A Size is how large a file is.
type Size struct {
	// Records is how many were written.
	Records int64
	// Uncompressed is how many bytes the file would have without compression: of
	// text, the header and the lines; of Parquet, the values of all columns.
	Uncompressed int64
	// Compressed is how many bytes the file has, exactly so once it is closed.
	// Before that it is an estimate, because compressors hold back what they may
	// yet shorten: it only grows while records are added, and if the file were
	// closed now it would be at most 1 MiB larger.
	Compressed int64
}

// Full reports whether the file must be closed now so as to stay within [MaxSize].
func (s Size) Full() bool { return s.Compressed >= MaxSize-slack }

// counter counts what is written to w. After an error it writes nothing more.
type counter struct {
	w   io.Writer
	n   int64
	err error
}

func (c *counter) Write(b []byte) (n int, err error) {
	if c.err == nil {
		n, c.err = c.w.Write(b)
		c.n += int64(n)
	}
	return n, c.err
}
