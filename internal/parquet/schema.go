package parquet

import (
	"errors"
	"fmt"
)

// Physical types.
const (
	typeBoolean = iota
	typeInt32
	typeInt64
	typeInt96
	typeFloat
	typeDouble
	typeByteArray
	typeFixed
	numTypes
)

// A leaf is a column of the schema.
type leaf struct {
	name     string
	physical int
	width    int // of a value, in bytes; 0 where each has its own
	optional bool
	unsigned bool  // a number without a sign
	per      int64 // how many are a second, where the number is a time; else 0
	refused  error // why it cannot be read
}

// integer reports whether values are whole numbers.
func (l *leaf) integer() bool { return l.physical == typeInt32 || l.physical == typeInt64 }

const (
	maxColumns = 10_000
	maxFixed   = 1 << 16 // bytes of a value of fixed length
)

// An element is one of a schema as the footer has it.
type element struct {
	name                             string
	physical, length, repetition     int32
	children, converted              int32
	typed                            bool // has a physical type
	decimal, date, clock, half, uuid bool
	per                              int64
	unsigned                         bool
}

// Converted types that matter to us; the others say nothing about the value.
const (
	convertedDecimal          = 5
	convertedDate             = 6
	convertedTimeMillis       = 7
	convertedTimeMicros       = 8
	convertedMillis           = 9
	convertedMicros           = 10
	convertedUint8            = 11
	convertedUint64           = 14
	convertedInterval         = 21
	repetitionRepeated        = 2
	repetitionOptional        = 1
	logicalDecimal            = 5
	logicalDate               = 6
	logicalTime               = 7
	logicalTimestamp          = 8
	logicalInteger            = 10
	logicalUUID               = 14
	logicalFloat16            = 15
	perMilli, perMicro        = 1000, 1_000_000
	perNano             int64 = 1_000_000_000
)

func (c *cursor) element(t byte) (e element) {
	c.fields(t, func(id int, t byte) {
		switch id {
		case 1:
			e.physical, e.typed = c.int32(t), true
		case 2:
			e.length = c.int32(t)
		case 3:
			e.repetition = c.int32(t)
		case 4:
			e.name = string(c.binary(t))
		case 5:
			e.children = c.int32(t)
		case 6:
			e.converted = c.int32(t)
			switch v := e.converted; {
			case v == convertedDecimal:
				e.decimal = true
			case v == convertedDate:
				e.date = true
			case v == convertedTimeMillis || v == convertedTimeMicros || v == convertedInterval:
				e.clock = true
			case v == convertedMillis:
				e.per = perMilli
			case v == convertedMicros:
				e.per = perMicro
			case v >= convertedUint8 && v <= convertedUint64:
				e.unsigned = true
			}
		case 10:
			c.logical(t, &e)
		default:
			c.skip(t)
		}
	})
	return e
}

func (c *cursor) logical(t byte, e *element) {
	c.fields(t, func(id int, t byte) {
		switch id {
		case logicalDecimal:
			e.decimal = true
		case logicalDate:
			e.date = true
		case logicalTime:
			e.clock = true
		case logicalUUID:
			e.uuid = true
		case logicalFloat16:
			e.half = true
		case logicalTimestamp:
			e.per = perMilli
			c.fields(t, func(id int, t byte) {
				if id != 2 {
					c.skip(t)
					return
				}
				c.fields(t, func(unit int, t byte) {
					switch unit {
					case 2:
						e.per = perMicro
					case 3:
						e.per = perNano
					}
					c.skip(t)
				})
			})
			return
		case logicalInteger:
			c.fields(t, func(id int, t byte) {
				if id == 2 {
					e.unsigned = !c.bool(t)
				} else {
					c.skip(t)
				}
			})
			return
		}
		c.skip(t)
	})
}

// newLeaf makes a column of an element of the schema.
func newLeaf(e *element) (leaf, error) {
	l := leaf{name: e.name, physical: int(e.physical), optional: e.repetition == repetitionOptional}
	switch {
	case e.repetition == repetitionRepeated:
		return l, fmt.Errorf("column %s: repeated: not a single value", e.name)
	case e.children != 0 || !e.typed:
		return l, fmt.Errorf("column %s: nested: not a single value", e.name)
	case e.name == "" || e.physical < 0 || e.physical >= numTypes || e.repetition < 0 || e.repetition > repetitionRepeated:
		return l, errFooter
	}
	if l.integer() {
		l.unsigned, l.per = e.unsigned, e.per
	}
	switch l.physical {
	case typeInt32, typeFloat:
		l.width = 4
	case typeInt64, typeDouble:
		l.width = 8
	case typeFixed:
		l.width = int(e.length)
		if e.length <= 0 || e.length > maxFixed {
			return l, fmt.Errorf("column %s: values of %d bytes", e.name, e.length)
		}
	}
	switch {
	case l.physical == typeInt96:
		l.refused = errors.New("type INT96 is not read")
	case e.decimal:
		l.refused = errors.New("type DECIMAL is not read")
	case e.date:
		l.refused = errors.New("type DATE is not read")
	case e.clock:
		l.refused = errors.New("types TIME and INTERVAL are not read")
	case e.uuid || e.half:
		l.refused = errors.New("types UUID and FLOAT16 are not read")
	}
	return l, nil
}
