package rows

import (
	"math"
	"strconv"

	"weir/record"
)

// A Batch is a number of rows in the columns of one format. It belongs to whoever
// was handed it until it says that it is done; what lies in it changes after that.
type Batch struct {
	Format  record.Format
	Columns []Column // one for each field of the format
	Rows    int

	// Object and Seq say where in the input the batch is: batches of one object
	// are numbered from 0, objects in the order in which they are to be read.
	Object, Seq int
	// Line is the number of the first line, or row of a Parquet file, from 1.
	// The rows of a batch follow each other without a gap.
	Line int64
}

// Kind says how a column holds its values.
type Kind uint8

const (
	// Missing is a column that was not read, because nobody asked for it.
	Missing Kind = iota
	// Text holds what stands in a line.
	Text
	// Ints holds numbers.
	Ints
	// Dict holds numbers of entries in a list of distinct values.
	Dict
)

// Null is how Ints says that a value is absent, and NullCode how Dict does.
const (
	Null     = math.MinInt64
	NullCode = math.MaxUint32
)

// A Column is one field of all rows of a batch.
type Column struct {
	Kind Kind

	// Text: the value of row i lies in Data between the delimiters
	// Ends[i*Stride+At] and Ends[i*Stride+At+1], neither included. An absent one
	// is "-". The delimiter before the first byte is ^0, so that adding 1 to any
	// of them gives where a value begins.
	Data       []byte
	Ends       []uint32
	Stride, At int

	// Ints: the value of row i, or Null.
	Ints []int64

	// Dict: the value of row i is row Codes[i] of Values, a Text column, or
	// NullCode.
	Codes  []uint32
	Values *Column
}

// Len returns how many values a column of Text with a stride of its own holds, such as
// the values of a dictionary.
func (c *Column) Len() int { return (len(c.Ends) - 1) / c.Stride }

// Bytes returns the value of a row as it stands in a line, "-" if it is absent. The
// bytes are those of the batch, or of buf, which is made longer if need be.
func (c *Column) Bytes(row int, buf []byte) []byte {
	switch c.Kind {
	case Text:
		return c.Text(row)
	case Ints:
		if v := c.Ints[row]; v != Null {
			return strconv.AppendInt(buf[:0], v, 10)
		}
	case Dict:
		if code := c.Codes[row]; code != NullCode {
			return c.Values.Text(int(code))
		}
	}
	return absent
}

var absent = []byte{'-'}

// Text returns the value of a row of a column of Text.
func (c *Column) Text(row int) []byte {
	k := row*c.Stride + c.At
	return c.Data[c.Ends[k]+1 : c.Ends[k+1]]
}

// Absent reports whether a row has no value.
func (c *Column) Absent(row int) bool {
	switch c.Kind {
	case Text:
		return Absent(c.Text(row))
	case Ints:
		return c.Ints[row] == Null
	case Dict:
		code := c.Codes[row]
		return code == NullCode || Absent(c.Values.Text(int(code)))
	}
	return true
}

// Absent reports whether a value, as it stands in a line, is none.
func Absent(v []byte) bool { return len(v) == 1 && v[0] == '-' }

// AppendText adds a value to a column of Text with a stride of 1, which the zero
// Column becomes by it.
func (c *Column) AppendText(v []byte) {
	if c.Ends == nil {
		*c = Column{Kind: Text, Ends: []uint32{math.MaxUint32}, Stride: 1}
	}
	c.Data = append(append(c.Data, v...), ' ')
	c.Ends = append(c.Ends, uint32(len(c.Data)-1))
}

// A Bad is a value that is not what its field should hold.
type Bad struct {
	Row    int
	Name   string // of the field
	Reason error  // one of package record
}

// AppendLine appends a row as the line it is, or would be, without a newline.
func (b *Batch) AppendLine(out []byte, row int) []byte {
	if line, ok := lineOf(b, row); ok {
		return append(out, line...)
	}
	var num [20]byte
	for i := range b.Columns {
		if i > 0 {
			out = append(out, ' ')
		}
		out = appendEscaped(out, b.Columns[i].Bytes(row, num[:]))
	}
	return out
}
