package query

import (
	"bytes"

	"weir/internal/rows"
	"weir/record"
)

// A Check finds values that are not what their fields may hold, among columns that are
// counted without being read. It belongs to one goroutine.
type Check struct {
	columns []Column
	checks  []checker
	last    [][]byte // the text of a column that was found to be right last
	num     [20]byte
	bad     []rows.Bad
}

// NewCheck returns a check of these columns.
func NewCheck(columns []Column) *Check {
	c := &Check{columns: columns, checks: make([]checker, len(columns)), last: make([][]byte, len(columns))}
	for i := range columns {
		c.checks[i].field = columns[i].Field
	}
	return c
}

// Rows checks rows of a batch. Each that has a bad value is in bad once, in order, and
// left out of good. Both are right until the next call; good is selected if nothing is
// bad.
func (c *Check) Rows(b *rows.Batch, selected []int32) (good []int32, bad []rows.Bad) {
	c.bad = c.bad[:0]
	var wrong map[int32]rows.Bad
	for i := range c.columns {
		at := c.columns[i].Index(b.Format)
		if at < 0 {
			continue
		}
		for _, row := range selected {
			err := c.value(i, b.Columns[at].Bytes(int(row), c.num[:]))
			if err == nil {
				continue
			}
			if wrong == nil {
				wrong = map[int32]rows.Bad{}
			}
			if _, ok := wrong[row]; !ok {
				wrong[row] = rows.Bad{Row: int(row), Name: c.columns[i].Name, Reason: err}
			}
		}
	}
	if wrong == nil {
		return selected, nil
	}
	for _, row := range selected {
		if x, ok := wrong[row]; ok {
			c.bad = append(c.bad, x)
		} else {
			good = append(good, row)
		}
	}
	return good, c.bad
}

// value checks one value of a column, which is in a format that has the column.
func (c *Check) value(i int, v []byte) error {
	column := &c.columns[i]
	switch {
	case column.Field == record.None:
		if len(v) == 0 {
			return record.ErrEmpty
		}
		return nil
	case column.Field.IsAddr():
		if _, ok := rows.ParseIPv4(v); ok {
			return nil
		}
	case column.IsInt():
		if n, ok := rows.ParseInt(v); ok && n <= column.Field.Max() {
			return nil
		}
	case len(v) > 0 && bytes.Equal(v, c.last[i]):
		return nil
	}
	if bytes.ContainsFunc(v, func(r rune) bool { return r <= ' ' }) {
		// Text of a Parquet file: a line would have it escaped.
		v = bytes.Map(func(r rune) rune { return max(r, '%') }, v)
	}
	if err := c.checks[i].err(v); err != nil {
		return err
	}
	c.last[i] = append(c.last[i][:0], v...)
	return nil
}
