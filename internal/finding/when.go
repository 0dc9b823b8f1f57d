package finding

import "math/bits"

// A span is a set of minutes, in 64 bits for equally long stretches of 2^level minutes
// each: as short as possible. It does not depend on the order in which minutes come.
type span struct {
	base  uint32 // the first stretch, from 1970 on; its bit is the lowest
	level uint8
	bits  uint64
}

func (s *span) add(minute uint32) {
	at := minute >> s.level
	if s.bits != 0 && at >= s.base && at-s.base < 64 {
		s.bits |= 1 << (at - s.base)
		return
	}
	s.merge(span{base: minute, bits: 1})
}

func (s *span) merge(o span) {
	switch {
	case o.bits == 0:
		return
	case s.bits == 0:
		*s = o
		return
	}
	for s.level < o.level {
		s.double()
	}
	for o.level < s.level {
		o.double()
	}
	for {
		from, to := min(s.base, o.base), max(s.last(), o.last())
		if to-from < 64 {
			s.bits = s.bits<<(s.base-from) | o.bits<<(o.base-from)
			s.base = from
			return
		}
		s.double()
		o.double()
	}
}

// last returns the last stretch.
func (s *span) last() uint32 { return s.base + 63 - uint32(bits.LeadingZeros64(s.bits)) }

// double makes the stretches twice as long.
func (s *span) double() {
	if s.base&1 == 0 {
		s.bits = pairs(s.bits)
	} else {
		s.bits = 1 | pairs(s.bits>>1)<<1
	}
	s.base >>= 1
	s.level++
}

// pairs makes one bit of two neighbours.
func pairs(x uint64) uint64 {
	x = (x | x>>1) & 0x5555555555555555
	x = (x | x>>1) & 0x3333333333333333
	x = (x | x>>2) & 0x0f0f0f0f0f0f0f0f
	x = (x | x>>4) & 0x00ff00ff00ff00ff
	x = (x | x>>8) & 0x0000ffff0000ffff
	return (x | x>>16) & 0x00000000ffffffff
}

// count returns how many stretches have a minute.
func (s *span) count() int { return bits.OnesCount64(s.bits) }

// after returns how many stretches begin after a time in Unix seconds.
func (s *span) after(t int64) (n int) {
	for x := s.bits; x != 0; x &= x - 1 {
		if int64(s.base+uint32(bits.TrailingZeros64(x)))<<s.level*60 > t {
			n++
		}
	}
	return n
}

// A hour is a set of minutes in the 64 that begin with its first.
type hour struct {
	base uint32
	bits uint64
}

func (h *hour) add(minute uint32) { h.merge(hour{minute, 1}) }

func (h *hour) merge(o hour) {
	switch {
	case o.bits == 0:
	case h.bits == 0:
		*h = o
	case o.base < h.base:
		h.bits = h.bits<<(h.base-o.base) | o.bits
		h.base = o.base
	default:
		h.bits |= o.bits << (o.base - h.base)
	}
}

// period returns how many bits lie between those that are set, if that is always about
// the same: each differs from the one in the middle by one at most. It is 0 if it is
// not, or if there are fewer than least.
func period(x uint64, least int) int {
	if bits.OnesCount64(x) < least {
		return 0
	}
	var gaps [64]int // how many there are of each width
	n := 0
	at := bits.TrailingZeros64(x)
	for x &= x - 1; x != 0; x &= x - 1 {
		next := bits.TrailingZeros64(x)
		gaps[next-at]++
		n++
		at = next
	}
	middle, seen := 0, 0
	for seen <= n/2 {
		middle++
		seen += gaps[middle]
	}
	for width, k := range gaps {
		if k > 0 && (width < middle-1 || width > middle+1) {
			return 0
		}
	}
	return middle
}
