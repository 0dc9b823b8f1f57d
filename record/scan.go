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
	n := len(line) - from
	if n >= 64 {
		return endMask64((*[64]byte)(line[from:]))
	}
	var m uint64
	switch {
	case n == 0:
	case len(line) >= 64: // once more what came before, and then n bytes
		m = endMask64((*[64]byte)(line[len(line)-64:])) >> (uint(64-n) & 63)
	default:
		m = endMaskShort(line[from:])
	}
	end := uint64(1) << (uint(n) & 63)
	return m&(end-1) | end
}

// endMaskShort returns a bit for each byte of b, at most 63, that ends a field.
func endMaskShort(b []byte) (m uint64) {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		m |= pack(ends(le.Uint64(b[i:i+8]))) << (uint(i) & 63)
	}
	for ; i < len(b); i++ {
		if b[i] <= ' ' {
			m |= 1 << (uint(i) & 63)
		}
	}
	return m
}

// endMask64 returns a bit for each byte of b that ends a field.
func endMask64(b *[64]byte) uint64 {
	// For ASCII, one sum sets the high bit of each byte that ends no field.
	const c = (0x80 - 0x21) * ones
	x0, x1, x2, x3 := le.Uint64(b[0:]), le.Uint64(b[8:]), le.Uint64(b[16:]), le.Uint64(b[24:])
	x4, x5, x6, x7 := le.Uint64(b[32:]), le.Uint64(b[40:]), le.Uint64(b[48:]), le.Uint64(b[56:])
	if (x0|x1|x2|x3|x4|x5|x6|x7)&highs != 0 {
		return pack(ends(x0)) | pack(ends(x1))<<8 | pack(ends(x2))<<16 | pack(ends(x3))<<24 |
			pack(ends(x4))<<32 | pack(ends(x5))<<40 | pack(ends(x6))<<48 | pack(ends(x7))<<56
	}
	// Bit i of byte j is bit j of word i: gather, then exchange i and j.
	m := (x0+c)&highs>>7 | (x1+c)&highs>>6 | (x2+c)&highs>>5 | (x3+c)&highs>>4 |
		(x4+c)&highs>>3 | (x5+c)&highs>>2 | (x6+c)&highs>>1 | (x7+c)&highs
	t := (m ^ m>>7) & 0x00aa00aa00aa00aa
	m ^= t ^ t<<7
	t = (m ^ m>>14) & 0x0000cccc0000cccc
	m ^= t ^ t<<14
	t = (m ^ m>>28) & 0x00000000f0f0f0f0
	return ^(m ^ t ^ t<<28)
}

// lastBytes returns the n bytes before line[e] as the upper bytes of a number,
// the last one highest, after an xor with mask; the lower bytes are 0. e is 8 at
// least, n is 1 to 8; 0 is taken as 8.
func lastBytes(line []byte, e int, n uint, mask uint64) uint64 {
	shift := (64 - 8*n) & 63
	return (le.Uint64(line[e-8:e]) ^ mask) >> shift << shift
}

// leastNumber is the least number that has so many digits.
var leastNumber = [16]uint64{0, 0, 10, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7}

// number reads line[s:e] as a decimal number. ok is false if it is not one, has
// a leading zero or is above max.
func number(line []byte, s, e int, max uint64) (v uint64, ok bool) {
	n := uint(e - s)
	if n-9 < 8 && e >= 16 {
		lo := le.Uint64(line[e-8:e]) ^ '0'*ones
		hi := le.Uint64(line[e-16:e-8]) ^ '0'*ones
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
		dots = pack(equal(le.Uint64(line[s:s+8]), '.')) | pack(equal(le.Uint64(line[s+8:s+16]), '.'))<<8
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
	n1, n2, n3, n4 := uint(p1), uint(p2-p1-1), uint(p3-p2-1), n-uint(p3)-1
	if (n1|n2|n3|n4)&^3 != 0 {
		return 0, false
	}
	// Two octets at a time, each in four bytes. An octet of no digits is the
	// dot before it, and so refused with all that are not digits.
	ab := octet(line, s+p1, n1) | octet(line, s+p2, n2)<<32
	cd := octet(line, s+p3, n3) | octet(line, e, n4)<<32
	bad := notDigits(ab) | notDigits(cd)
	const each = 0x000000ff000000ff
	ab = ab>>24&each + ab>>16&each*10 + ab>>8&each*100
	cd = cd>>24&each + cd>>16&each*10 + cd>>8&each*100
	bad |= (ab | cd) &^ each // above 255
	const sign = 0x8000000080000000
	bad |= ^((ab | sign) - leastOctets[n1|n2<<2]) & sign // leading zero
	bad |= ^((cd | sign) - leastOctets[n3|n4<<2]) & sign
	return uint64(uint32(ab)<<24 | uint32(ab>>32)<<16 | uint32(cd)<<8 | uint32(cd>>32)), bad == 0
}

// octet returns the n bytes before line[end], '0' taken from them, in the upper
// bytes of a 32-bit number. end is 4 at least and n is 3 at most.
func octet(line []byte, end int, n uint) uint64 {
	x := le.Uint32(line[end-4:end]) ^ '0'*(ones&0xffffffff)
	shift := (32 - 8*n) & 31
	return uint64(x >> shift << shift)
}

// leastOctets is the least number that has so many digits, for two numbers: one
// in the lower half, by the lower two bits of the index, and one in the upper.
var leastOctets = func() (t [16]uint64) {
	least := [4]uint64{0, 0, 10, 100}
	for i := range t {
		t[i] = least[i&3] | least[i>>2]<<32
	}
	return t
}()

// ipv4Start does the same without looking at bytes outside b.
func ipv4Start(b []byte) (v uint64, ok bool) {
	var buf [3 + 15]byte
	return ipv4(buf[:3+copy(buf[3:], b)], 3, 3+len(b))
}
