package recordfile

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"

	"weir/record"
)

// kind says how the value of a column is taken from a record.
type kind uint8

const (
	kindText kind = iota
	kindAddr
	kindInt32
	kindInt64
	kindExtension
)

// A column is one column of a Parquet file.
type column struct {
	field  record.Field
	name   string // the field's, as in a header
	column string // the column's
	kind   kind
	values []parquet.Value // of the batch
	null   parquet.Value

	// The last text of the batch, which is often that of the next record too.
	last      []byte
	lastValue parquet.Value
}

// columnName returns the name of the column of the field of this name.
func columnName(name string) string { return strings.ReplaceAll(name, "-", "_") }

// newSchema returns the columns of the format and their schema, both in its order.
func newSchema(f record.Format) ([]column, *parquet.Schema, error) {
	columns := make([]column, f.Len())
	group := &orderedGroup{Group: parquet.Group{}}
	for i := range columns {
		c := &columns[i]
		c.field, c.name = f.Field(i), f.Name(i)
		c.column = columnName(c.name)
		c.values = make([]parquet.Value, batchRecords)
		c.null = parquet.NullValue().Level(0, 0, i)
		node := parquet.String()
		switch t := c.field.Type(); {
		case c.field == record.None:
			c.kind = kindExtension
		case t == record.Int32:
			c.kind, node = kindInt32, parquet.Leaf(parquet.Int32Type)
		case t == record.Int64:
			c.kind, node = kindInt64, parquet.Leaf(parquet.Int64Type)
		case c.field.IsAddr():
			c.kind = kindAddr
		}
		if c.field != record.None {
			c.column = c.field.Column()
		}
		// Nearly every value of bytes is its own: a dictionary would only cost.
		if c.field == record.Bytes {
			node = parquet.Encoded(node, &parquet.Plain)
		} else {
			node = parquet.Encoded(node, &parquet.RLEDictionary)
		}
		if _, twice := group.Group[c.column]; twice {
			return nil, nil, fmt.Errorf("column %s: comes twice", c.column)
		}
		group.Group[c.column] = parquet.Optional(node)
		group.order = append(group.order, c.column)
	}
	return columns, parquet.NewSchema("schema", group), nil
}

// An orderedGroup is a group whose fields have an order of ours, which
// parquet.Group sorts by name.
type orderedGroup struct {
	parquet.Group
	order []string
}

// Fields returns the fields in order.
func (g *orderedGroup) Fields() []parquet.Field {
	fields := g.Group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int {
		return slices.Index(g.order, a.Name()) - slices.Index(g.order, b.Name())
	})
	return fields
}

// GoType returns a type without meaning: rows are never made of Go values.
func (g *orderedGroup) GoType() reflect.Type { return g.Group.GoType() }
