package record

import (
	"encoding/binary"
	"net/netip"
)

// A Record is the values of one line: at most one for each field, the others
// are absent. It is a reusable buffer: make one, then for each record call
// Reset and setters, or [Format.Parse]. The zero Record is empty and ready. It
// is some 5 KB large, of which a line touches only what it has fields for.
//
// Text that Parse found is not copied: it lies in the line given to Parse and
// is right as long as the caller leaves that line alone. [Record.CopyFrom] makes
// a record that stands on its own. Do not copy a Record by assignment, and do
// not use one from two goroutines at once.
type Record struct {
	set   bitmap // slots that have a value
	line  []byte // what Parse was given; the caller's
	ext   []string
	form  [numSlots]form   // how the value is held; only of text and addresses
	cells [numSlots]cell   // the value
	own   [numSlots][]byte // text given to a setter
}

// form is how a text or an address is held.
type form uint8

const (
	formLine form = iota // text: cell is where it begins and ends in line
	formOwn              // text: in own
	formIPv4             // address: the low 32 bits of cell.b
	formIPv6             // address: cell as one 128-bit number
)

// cell holds a number (a), a piece of line (a to b), or an address (a, b).
type cell struct{ a, b uint64 }

// bitmap is a set of slots.
type bitmap [2]uint64

var _ [numSlots - int(numFields) - maxExtensions]struct{} // there are slots for all

func (m *bitmap) has(slot uint8) bool { return m[slot>>6&1]>>(slot&63)&1 != 0 }
func (m *bitmap) add(slot uint8)      { m[slot>>6&1] |= 1 << (slot & 63) }
func (m *bitmap) remove(slot uint8)   { m[slot>>6&1] &^= 1 << (slot & 63) }

// Reset makes every field absent. It touches a bitmap only, so it costs
// nothing, and keeps memory for the next use.
func (r *Record) Reset() {
	r.set = bitmap{}
	r.line, r.ext = nil, nil
}

// Has reports whether f has a value.
func (r *Record) Has(f Field) bool { return f.known() && r.set.has(uint8(f)) }

// Unset makes f absent.
func (r *Record) Unset(f Field) {
	if f.known() {
		r.set.remove(uint8(f))
	}
}

// SetInt sets an integer field. A value outside 0 to [Field.Max] cannot be
// written: it leaves f absent. Setting any other field is a bug and panics.
func (r *Record) SetInt(f Field, v int64) {
	in := f.info()
	if in.kind != kindInt {
		panic("BUG: record: SetInt of field " + f.Name())
	}
	if uint64(v) > in.max {
		r.set.remove(uint8(f))
		return
	}
	r.cells[f].a = uint64(v)
	r.set.add(uint8(f))
}

// SetAddr sets an address field. The zone is dropped: no flow log has one. The
// zero Addr leaves f absent. Setting any other field is a bug and panics.
func (r *Record) SetAddr(f Field, a netip.Addr) {
	if f.info().kind != kindAddr {
		panic("BUG: record: SetAddr of field " + f.Name())
	}
	switch {
	case a.Is4():
		b := a.As4()
		r.form[f] = formIPv4
		r.cells[f].b = uint64(binary.BigEndian.Uint32(b[:]))
	case a.IsValid():
		b := a.As16()
		r.form[f] = formIPv6
		r.cells[f] = cell{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
	default:
		r.set.remove(uint8(f))
		return
	}
	r.set.add(uint8(f))
}

// SetText sets a text or address field; s is copied. Bytes that would break the
// line (spaces and control characters) become %XX, as Amazon writes tags. An
// empty text or "-", a text that is not one of the values of action, log-status
// or flow-direction, and a wrong address such as 10.0.0.999 leave f absent. A
// right one is set as by SetAddr, others, such as xx.xx.xx.xx, stay text.
// Setting an integer field is a bug and panics.
func (r *Record) SetText(f Field, s string) {
	in := f.info()
	if !f.known() || in.kind == kindInt {
		panic("BUG: record: SetText of field " + f.Name())
	}
	b := appendText(r.own[f][:0], s)
	r.own[f] = b
	r.form[f] = formOwn
	ok := len(b) > 0 && string(b) != "-"
	switch in.kind {
	case kindSet:
		ok = ok && isOneOf(in.values, b)
	case kindAddr:
		ok = ok && r.address(uint8(f), b, formOwn, cell{}) == nil
	}
	if !ok {
		r.set.remove(uint8(f))
		return
	}
	r.set.add(uint8(f))
}

// appendText appends s with spaces and control characters as %XX.
func appendText(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; c > ' ' {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}

// Int returns the value of an integer field. ok is false if f is absent or not
// an integer field.
func (r *Record) Int(f Field) (v int64, ok bool) {
	if !r.Has(f) || table[f].kind != kindInt {
		return 0, false
	}
	return int64(r.cells[f].a), true
}

// Addr returns the value of an address field. ok is false if f is absent, not
// an address field, or holds text such as xx.xx.xx.xx.
func (r *Record) Addr(f Field) (a netip.Addr, ok bool) {
	if !r.Has(f) || table[f].kind != kindAddr {
		return netip.Addr{}, false
	}
	return r.addr(f)
}

func (r *Record) addr(f Field) (netip.Addr, bool) {
	switch c := &r.cells[f]; r.form[f] {
	case formIPv4:
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(c.b))
		return netip.AddrFrom4(b), true
	case formIPv6:
		return c.ipv6(), true
	}
	return netip.Addr{}, false
}

func (c *cell) ipv6() netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], c.a)
	binary.BigEndian.PutUint64(b[8:], c.b)
	return netip.AddrFrom16(b)
}

// Text returns the value of a text field, or of an address field that holds
// text such as xx.xx.xx.xx. ok is false if f is absent or holds a number or an
// address; [Record.AppendText] writes those too. The bytes belong to the record
// or to the line given to Parse: do not change them, and copy what must outlive
// the next call of Parse or of a setter.
func (r *Record) Text(f Field) (text []byte, ok bool) {
	if !r.Has(f) || table[f].kind == kindInt {
		return nil, false
	}
	return r.text(uint8(f))
}

func (r *Record) text(slot uint8) ([]byte, bool) {
	switch c := &r.cells[slot]; r.form[slot] {
	case formLine:
		return r.line[c.a:c.b:c.b], true
	case formOwn:
		return r.own[slot], true
	}
	return nil, false
}

// Extension returns the value of a field that is not one of ours, under the
// name it had in the header. ok is false if the line last parsed had no such
// field, or "-" in it. The bytes are those of that line.
func (r *Record) Extension(name string) (text []byte, ok bool) {
	for i, e := range r.ext {
		if slot := uint8(numFields) + uint8(i); e == name && r.set.has(slot) {
			return r.text(slot)
		}
	}
	return nil, false
}

// CopyFrom makes r an equal of src that shares no memory with it, nor with the
// line src was parsed from. It does not allocate once r's memory has grown.
func (r *Record) CopyFrom(src *Record) {
	if r == src {
		return
	}
	r.set, r.line, r.ext = src.set, nil, src.ext
	for slot := range uint8(numSlots) {
		if !r.set.has(slot) {
			continue
		}
		r.cells[slot], r.form[slot] = src.cells[slot], src.form[slot]
		if slot < uint8(numFields) && table[slot].kind == kindInt {
			continue
		}
		if text, ok := src.text(slot); ok {
			r.own[slot] = append(r.own[slot][:0], text...)
			r.form[slot] = formOwn
		}
	}
}
