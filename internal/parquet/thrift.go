package parquet

import "encoding/binary"

// A cursor reads what is written in Thrift's compact protocol. What is wrong makes it
// bad and ends it; then it reads zeros.
type cursor struct {
	b   []byte
	bad bool
}

// Types of values in the compact protocol.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftI16    = 4
	thriftI32    = 5
	thriftI64    = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
	thriftUUID   = 13
)

// maxDepth is how deep structs may lie in each other.
const maxDepth = 32

func (c *cursor) fail() { c.b, c.bad = nil, true }

func (c *cursor) take(n uint64) []byte {
	if n > uint64(len(c.b)) {
		c.fail()
		return nil
	}
	b := c.b[:n]
	c.b = c.b[n:]
	return b
}

func (c *cursor) byte() byte {
	if len(c.b) == 0 {
		c.fail()
		return 0
	}
	b := c.b[0]
	c.b = c.b[1:]
	return b
}

func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.fail()
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *cursor) varint() int64 {
	v := c.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// int reads a whole number of type t.
func (c *cursor) int(t byte) int64 {
	switch t {
	case thriftByte:
		return int64(int8(c.byte()))
	case thriftI16, thriftI32, thriftI64:
		return c.varint()
	}
	c.fail()
	return 0
}

// int32 reads a number of type t that fits 32 bits.
func (c *cursor) int32(t byte) int32 {
	v := c.int(t)
	if v != int64(int32(v)) {
		c.fail()
		return 0
	}
	return int32(v)
}

// bool reads what a field of type t says; it has no bytes.
func (c *cursor) bool(t byte) bool {
	if t != thriftTrue && t != thriftFalse {
		c.fail()
	}
	return t == thriftTrue
}

func (c *cursor) binary(t byte) []byte {
	if t != thriftBinary {
		c.fail()
		return nil
	}
	return c.take(c.uvarint())
}

// fields calls fn with the id and the type of each field of a struct of type t; fn
// reads its value.
func (c *cursor) fields(t byte, fn func(id int, t byte)) {
	if t != thriftStruct {
		c.fail()
	}
	for id := 0; !c.bad; {
		head := c.byte()
		if head == 0 {
			return
		}
		if delta := int(head >> 4); delta > 0 {
			id += delta
		} else {
			id = int(int16(c.varint()))
		}
		fn(id, head&15)
	}
}

// list calls fn for each element of a list of type t.
func (c *cursor) list(t byte, fn func(i int, t byte)) {
	if t != thriftList && t != thriftSet {
		c.fail()
		return
	}
	head := c.byte()
	n := uint64(head >> 4)
	if n == 15 {
		n = c.uvarint()
	}
	if n > uint64(len(c.b)) { // each has a byte at least
		c.fail()
	}
	for i := 0; i < int(n) && !c.bad; i++ {
		fn(i, head&15)
	}
}

// skip passes over a field's value of type t.
func (c *cursor) skip(t byte) { c.skipValue(t, false, 0) }

func (c *cursor) skipValue(t byte, element bool, depth int) {
	if depth > maxDepth {
		c.fail()
		return
	}
	switch t {
	case thriftTrue, thriftFalse:
		if element {
			c.byte()
		}
	case thriftByte:
		c.byte()
	case thriftI16, thriftI32, thriftI64:
		c.uvarint()
	case thriftDouble:
		c.take(8)
	case thriftUUID:
		c.take(16)
	case thriftBinary:
		c.take(c.uvarint())
	case thriftList, thriftSet:
		c.list(t, func(_ int, t byte) { c.skipValue(t, true, depth+1) })
	case thriftMap:
		n := c.uvarint()
		if n == 0 {
			return
		}
		types := c.byte()
		if n > uint64(len(c.b)) {
			c.fail()
		}
		for i := uint64(0); i < n && !c.bad; i++ {
			c.skipValue(types>>4, true, depth+1)
			c.skipValue(types&15, true, depth+1)
		}
	case thriftStruct:
		c.fields(t, func(_ int, t byte) { c.skipValue(t, false, depth+1) })
	default:
		c.fail()
	}
}
