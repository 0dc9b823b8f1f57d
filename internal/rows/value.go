package rows

import (
	"encoding/binary"
	"math"
	"net/netip"
)

// ParseInt reads a number as it stands in a line: decimal digits, no sign, no leading
// zero, at most 2⁶³-1.
func ParseInt(b []byte) (v int64, ok bool) {
	if len(b) == 0 || len(b) > 19 || b[0] == '0' && len(b) > 1 {
		return 0, false
	}
	var n uint64
	for len(b) >= 8 {
		w := binary.LittleEndian.Uint64(b)
		if !digits(w) {
			return 0, false
		}
		n = n*1e8 + eight(w)
		b = b[8:]
	}
	for _, c := range b {
		d := uint64(c - '0')
		if d > 9 {
			return 0, false
		}
		n = n*10 + d
	}
	return int64(n), n <= math.MaxInt64
}

// digits reports whether all bytes of w are decimal digits.
func digits(w uint64) bool {
	return (w&0xf0f0f0f0f0f0f0f0)|((w+0x0606060606060606)&0xf0f0f0f0f0f0f0f0)>>4 == 0x3333333333333333
}

// eight is the number that eight digits make, the first in the lowest byte.
func eight(w uint64) uint64 {
	w = w & 0x0f0f0f0f0f0f0f0f * 2561 >> 8
	w = w & 0x00ff00ff00ff00ff * 6553601 >> 16
	return w & 0x0000ffff0000ffff * 42949672960001 >> 32
}

// ParseIPv4 reads an IPv4 address in dotted decimal, without leading zeros.
func ParseIPv4(b []byte) (v uint32, ok bool) {
	if len(b) < 7 || len(b) > 15 {
		return 0, false
	}
	var part, size, dots uint32
	for _, c := range b {
		if d := uint32(c - '0'); d <= 9 {
			if size > 0 && part == 0 {
				return 0, false
			}
			part = part*10 + d
			size++
			continue
		}
		if c != '.' || size == 0 || part > 255 {
			return 0, false
		}
		v = v<<8 | part
		dots++
		part, size = 0, 0
	}
	return v<<8 | part, dots == 3 && size > 0 && part <= 255
}

// ParseAddr reads an address of either version.
func ParseAddr(b []byte) (netip.Addr, bool) {
	if v, ok := ParseIPv4(b); ok {
		return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}), true
	}
	if len(b) < 2 || len(b) > 45 {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(string(b))
	return a, err == nil && a.Zone() == ""
}

// Int returns the number in a row, 0 if it is absent. ok is false if what stands there
// is none.
func (c *Column) Int(row int) (v int64, ok bool) {
	var b []byte
	switch c.Kind {
	case Text:
		b = c.Text(row)
	case Ints:
		if v = c.Ints[row]; v == Null {
			v = 0
		}
		return v, true
	case Dict:
		code := c.Codes[row]
		if code == NullCode {
			return 0, true
		}
		b = c.Values.Text(int(code))
	default:
		return 0, true
	}
	if v, ok = ParseInt(b); !ok && Absent(b) {
		return 0, true
	}
	return v, ok
}
