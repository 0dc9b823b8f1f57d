package record

import (
	"math/bits"
	"slices"
	"strconv"
)

// Append appends the line of r in this format, without newline. It does not
// allocate if b has room for it. Fields that r does not have are "-", but a
// version that r does not have is [Format.Version]. An extension is looked up
// by its name.
func (f Format) Append(b []byte, r *Record) []byte {
	p := f.plan()
	room := p.width + len(r.line)
	b = slices.Grow(b, room)
	n := len(b)
	b = b[:cap(b)]
	for i := range p.cols {
		c := &p.cols[i]
		slot := c.slot
		if slot >= uint8(numFields) && !sameExtensions(r.ext, p.ext) {
			slot = r.extension(p.name(c))
		}
		switch {
		case !r.set.has(slot):
			if slot == uint8(Version) {
				n = putInt(b, n, uint64(p.version))
			} else {
				b[n] = '-'
				n++
			}
		case c.kind == kindInt:
			n = putInt(b, n, r.cells[slot].a)
		default:
			switch cell := &r.cells[slot]; r.form[slot] {
			case formIPv4:
				n = putIPv4(b, n, uint32(cell.b))
			case formLine:
				n += copy(b[n:], r.line[cell.a:cell.b])
			case formIPv6:
				n = len(cell.ipv6().AppendTo(b[:n]))
			case formOwn:
				text := r.own[slot]
				if len(b)-n < len(text)+room {
					b = slices.Grow(b[:n], len(text)+room)
					b = b[:cap(b)]
				}
				n += copy(b[n:], text)
			}
		}
		b[n] = ' '
		n++
	}
	return b[:n-1]
}

// AppendField appends the value of f as it stands in a line: "-" if f is
// absent.
func (r *Record) AppendField(b []byte, f Field) []byte {
	if !r.Has(f) {
		return append(b, '-')
	}
	if table[f].kind == kindInt {
		return strconv.AppendUint(b, r.cells[f].a, 10)
	}
	if text, ok := r.text(uint8(f)); ok {
		return append(b, text...)
	}
	a, _ := r.addr(f)
	return a.AppendTo(b)
}

// sameExtensions reports whether a and b are one slice, which they are if the
// record was parsed in the format that prints it.
func sameExtensions(a, b []string) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// extension returns the slot of the extension of this name. If r has none it
// is None's, which is never set.
func (r *Record) extension(name string) uint8 {
	if i := slices.Index(r.ext, name); i >= 0 {
		return uint8(numFields) + uint8(i)
	}
	return uint8(None)
}

// putInt writes v at b[n:] and returns where it ends. It may overwrite 20 bytes.
func putInt(b []byte, n int, v uint64) int {
	switch {
	case v < 1e8:
		return putHead(b, n, v)
	case v < 1e16:
		hi := v / 1e8
		n = putHead(b, n, hi)
		le.PutUint64(b[n:n+8], digits(v-hi*1e8)|'0'*ones)
		return n + 8
	}
	return len(strconv.AppendUint(b[:n], v, 10))
}

// putHead writes v, which is below 1e8.
func putHead(b []byte, n int, v uint64) int {
	x := digits(v)
	zeros := bits.TrailingZeros64(x|1<<63) &^ 7 // of the leading zeros, keep the last digit
	le.PutUint64(b[n:n+8], (x|'0'*ones)>>(zeros&63))
	return n + 8 - zeros>>3
}

// digits returns the eight decimal digits of v, which is below 1e8, the first
// one lowest: it is cut into fours, then pairs, then digits, by multiplications
// that give the exact quotient for numbers this small.
func digits(v uint64) uint64 {
	hi := v / 10000
	x := hi | (v-hi*10000)<<32
	t := x * 10486 >> 20 & 0x0000007f0000007f
	x = t | (x-t*100)<<16
	t = x * 103 >> 10 & 0x000f000f000f000f
	return t | (x-t*10)<<8
}

// putIPv4 writes the address v. It may overwrite 16 bytes.
func putIPv4(b []byte, n int, v uint32) int {
	o := b[n : n+16]
	d := &octets[v>>24]
	le.PutUint32(o[0:4], d.text)
	i := uint(d.len)
	d = &octets[v>>16&0xff]
	le.PutUint32(o[i:i+4], d.text)
	i += uint(d.len)
	d = &octets[v>>8&0xff]
	le.PutUint32(o[i:i+4], d.text)
	i += uint(d.len)
	d = &octets[v&0xff]
	le.PutUint32(o[i:i+4], d.text)
	return n + int(i+uint(d.len)) - 1
}

// octets is the text of each octet of an IPv4 address and a dot, and how long
// that is.
var octets = func() (t [256]struct{ text, len uint32 }) {
	for i := range t {
		b := append(strconv.AppendInt(nil, int64(i), 10), '.', 0, 0)
		t[i].text, t[i].len = le.Uint32(b), uint32(slices.Index(b, '.'))+1
	}
	return t
}()
