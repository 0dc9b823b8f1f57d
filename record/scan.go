package record

import (
	"encoding/binary"
	"math/bits"
)

// The scanner looks at 8 bytes at a time, as a little-endian number in which
// the first byte of the text is the lowest. Sums below never carry from one
// byte into the next, so each byte is judged exactly.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
	lows  = 0x7f * ones
)

var le = binary.LittleEndian

// ends sets the high bit of each byte of x that ends a field: a space or a
// control character.
func ends(x uint64) uint64 { return ^(x&lows + (0x80-0x21)*ones | x) & highs }

// equal sets the high bit of each byte of x that is c.
func equal(x uint64, c byte) uint64 {
	x ^= uint64(c) * ones
	return ^(x&lows + lows | x) & highs
}

// pack gathers the high bits of the bytes of x: the i-th bit is the i-th byte's.
func pack(x uint64) uint64 { return x >> 7 * 0x0102040810204080 >> 56 }

// notDigits is not zero if a byte of x, from which '0' was taken by xor, was
// not a digit.
func notDigits(x uint64) uint64 { return (x&lows + (0x80-10)*ones | x) & highs }

// endMask returns a bit for each byte of line[from:from+64] that ends a field,
// the end of line among them if it lies within.
func endMask(line []byte, from int) uint64 {
	if b := line[from:]; len(b) >= 64 {
		b = b[:64]
		return pack(ends(le.Uint64(b))) |
			pack(ends(le.Uint64(b[8:])))<<8 |
			pack(ends(le.Uint64(b[16:])))<<16 |
			pack(ends(le.Uint64(b[24:])))<<24 |
			pack(ends(le.Uint64(b[32:])))<<32 |
			pack(ends(le.Uint64(b[40:])))<<40 |
			pack(ends(le.Uint64(b[48:])))<<48 |
			pack(ends(le.Uint64(b[56:])))<<56
	}
	var m uint64
	b, shift := line[from:], uint(0)
	for len(b) >= 8 {
		m |= pack(ends(le.Uint64(b))) << (shift & 63)
		b, shift = b[8:], shift+8
	}
	if len(b) > 0 {
		var x uint64
		if len(line) >= 8 {
			x = le.Uint64(line[len(line)-8:]) >> ((64 - 8*uint(len(b))) & 63)
		} else {
			for i, c := range b {
				x |= uint64(c) << (8 * uint(i))
			}
		}
		m |= pack(ends(x)) << (shift & 63)
	}
	end := uint64(1) << ((shift + uint(len(b))) & 63)
	return m&(end-1) | end
}

// number reads line[s:e] as a decimal number. ok is false if it is not one, has
// a leading zero or is above max.
func number(line []byte, s, e int, max uint64) (v uint64, ok bool) {
	n := uint(e - s)
	if n-1 < 8 && e >= 8 {
		x := le.Uint64(line[e-8:]) ^ '0'*ones
		shift := (64 - 8*n) & 63
		x >>= shift // only the digits stay, the first lowest
		if n > 1 && x&0xff == 0 {
			return 0, false
		}
		x <<= shift
		v = eightDigits(x)
		return v, notDigits(x) == 0 && v <= max
	}
	if n-9 < 8 && e >= 16 {
		lo := le.Uint64(line[e-8:]) ^ '0'*ones
		hi := le.Uint64(line[e-16:]) ^ '0'*ones
		shift := (128 - 8*n) & 63
		hi >>= shift
		if hi&0xff == 0 {
			return 0, false
		}
		hi <<= shift
		v = eightDigits(hi)*1e8 + eightDigits(lo)
		return v, notDigits(hi)|notDigits(lo) == 0 && v <= max
	}
	if n == 0 || n > 19 || n > 1 && line[s] == '0' {
		return 0, false
	}
	for _, c := range line[s:e] {
		if c -= '0'; c > 9 {
			return 0, false
		} else {
			v = v*10 + uint64(c)
		}
	}
	return v, v <= max
}

// eightDigits returns the number whose decimal digits are the bytes of x, the
// first one lowest: pairs become 0 to 99, then fours, then all eight.
func eightDigits(x uint64) uint64 {
	x = x*10 + x>>8
	x = x & 0x00ff00ff00ff00ff * (1 + 100<<16) >> 16
	return x & 0x0000ffff0000ffff * (1 + 10000<<32) >> 32
}

// ipv4 reads line[s:e] as an IPv4 address.
func ipv4(line []byte, s, e int) (v uint64, ok bool) {
	n := uint(e - s)
	if n-7 > 8 {
		return 0, false
	}
	if s < 3 { // octet looks at the bytes before
		return ipv4Start(line[s:e])
	}
	var dots uint64
	if s+16 <= len(line) {
		dots = pack(equal(le.Uint64(line[s:]), '.')) | pack(equal(le.Uint64(line[s+8:]), '.'))<<8
	} else {
		for i, c := range line[s:e] {
			if c == '.' {
				dots |= 1 << i
			}
		}
	}
	dots &= 1<<(n&63) - 1
	p1 := bits.TrailingZeros64(dots)
	dots &= dots - 1
	p2 := bits.TrailingZeros64(dots)
	dots &= dots - 1
	p3 := bits.TrailingZeros64(dots)
	if dots&(dots-1) != 0 || dots == 0 || p1 == 0 {
		return 0, false
	}
	a, bad1 := octet(line, s+p1, p1)
	b, bad2 := octet(line, s+p2, p2-p1-1)
	c, bad3 := octet(line, s+p3, p3-p2-1)
	d, bad4 := octet(line, e, int(n)-p3-1)
	return uint64(a<<24 | b<<16 | c<<8 | d), bad1|bad2|bad3|bad4 == 0
}

// ipv4Start does the same without looking at bytes outside b.
func ipv4Start(b []byte) (v uint64, ok bool) {
	var buf [3 + 15]byte
	return ipv4(buf[:3+copy(buf[3:], b)], 3, 3+len(b))
}

// octet reads the n bytes before line[end] as a number from 0 to 255; bad is
// not zero if they are not one. end is 4 at least.
func octet(line []byte, end, n int) (v, bad uint32) {
	x := le.Uint32(line[end-4:]) ^ '0'*(ones&0xffffffff)
	shift := (32 - 8*uint(n)) & 31
	x = x >> shift << shift
	bad = (x&0x7f7f7f7f + 0x76767676 | x) & 0x80808080
	v = x>>24 + x>>16&0xff*10 + x>>8&0xff*100
	bad |= v >> 8                              // above 255
	bad |= (v - leastOctet[n&3]) >> 31         // leading zero
	bad |= uint32(uint(n-1)/3) | uint32(n>>31) // no digit, or more than three
	return v, bad
}

// leastOctet is the least number that has so many digits.
var leastOctet = [4]uint32{0, 0, 10, 100}
