package recordfile

import (
	"fmt"
	"strings"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

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

// columnName returns the name of the column of the field of this name.
func columnName(name string) string { return strings.ReplaceAll(name, "-", "_") }

// newSchema returns the columns of the format and their schema, both in its order.
// The first element of a schema is its root.
func newSchema(f record.Format) ([]column, []format.SchemaElement, error) {
	columns := make([]column, f.Len())
	schema := []format.SchemaElement{{Name: "schema", NumChildren: thrift.New(int32(f.Len()))}}
	taken := map[string]bool{}
	for i := range columns {
		c := &columns[i]
		c.field, c.name = f.Field(i), f.Name(i)
		c.column = columnName(c.name)
		switch t := c.field.Type(); {
		case c.field == record.None:
			c.kind = kindExtension
		case t == record.Int32:
			c.kind = kindInt32
		case t == record.Int64:
			c.kind = kindInt64
		case c.field.IsAddr():
			c.kind = kindAddr
		}
		if c.field != record.None {
			c.column = c.field.Column()
		}
		if taken[c.column] {
			return nil, nil, fmt.Errorf("column %s: comes twice", c.column)
		}
		taken[c.column] = true
		c.dictionary.kind = c.kind
		// Nearly every value of bytes is its own: a dictionary would only cost.
		c.plain = c.field == record.Bytes
		if c.field == record.Version {
			c.missing = int64(f.Version())
		}
		schema = append(schema, newElement(c.column, c.kind))
	}
	return columns, schema, nil
}

// newElement returns the schema of a column. What is no number is text.
func newElement(name string, k kind) format.SchemaElement {
	e := format.SchemaElement{
		Name:           name,
		Type:           thrift.New(k.physical()),
		RepetitionType: thrift.New(format.Optional),
	}
	switch k {
	case kindInt32:
		e.LogicalType = format.LogicalType{Value: &format.IntType{BitWidth: 32, IsSigned: true}}
	case kindInt64:
		e.LogicalType = format.LogicalType{Value: &format.IntType{BitWidth: 64, IsSigned: true}}
	default:
		e.LogicalType = format.LogicalType{Value: &format.StringType{}}
		e.ConvertedType = thrift.New(deprecated.UTF8)
	}
	return e
}

// physical is the type of values of this kind.
func (k kind) physical() format.Type {
	switch k {
	case kindInt32:
		return format.Int32
	case kindInt64:
		return format.Int64
	}
	return format.ByteArray
}
