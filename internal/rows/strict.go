package rows

import (
	"errors"

	"weir/record"
)

// A Parser reads whole rows strictly, every value of them: what prints or converts
// records needs it, where a query leaves alone what it does not ask for. It belongs to
// one goroutine.
type Parser struct {
	rec  record.Record
	line []byte
}

// Parse reads a row, of which no column may be Missing. The record is right until the
// next call, and as long as the batch is. If the row is no record of its format, rec is
// nil and bad says what is wrong; the line itself is not in bad.
func (p *Parser) Parse(b *Batch, row int) (rec *record.Record, bad Bad) {
	line, ok := lineOf(b, row)
	if !ok {
		p.line = b.AppendLine(p.line[:0], row)
		line = p.line
	}
	err := b.Format.Parse(line, &p.rec)
	if err == nil {
		return &p.rec, Bad{}
	}
	fe, ok := errors.AsType[*record.FieldError](err)
	if !ok {
		panic("BUG: rows: Parse: " + err.Error())
	}
	return nil, Bad{Row: row, Name: fe.Name, Reason: fe.Err}
}

// lineOf returns a row as it lies in the text that the batch was split from.
func lineOf(b *Batch, row int) ([]byte, bool) {
	c := &b.Columns[0]
	if c.Kind != Text || c.Stride != len(b.Columns) || c.At != 0 {
		return nil, false
	}
	k := row * c.Stride
	return c.Data[c.Ends[k]+1 : c.Ends[k+c.Stride]], true
}

// appendEscaped appends a value with what would break a line as %XX, as Amazon writes
// tags: a Parquet file may hold any text.
func appendEscaped(b, v []byte) []byte {
	const hex = "0123456789ABCDEF"
	for _, c := range v {
		if c > ' ' {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}
