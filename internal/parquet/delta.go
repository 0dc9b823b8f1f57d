package parquet

import "encoding/binary"

// A delta reads numbers as differences: the encoding DELTA_BINARY_PACKED.
type delta struct {
	b     []byte
	left  int // numbers not yet given
	begun bool
	value int64
	short bool // numbers have 32 bits
	bad   bool

	minis, size int    // miniblocks of a block, numbers of a miniblock
	widths      []byte // of the miniblocks of the block that are left
	min         int64
	mini        []int64 // differences of the miniblock
	at          int
	packed      []byte // with room behind it
}

// maxMini is how many numbers a miniblock may have, and maxMinis how many of them a
// block. Usual are 32 and 4.
const maxMini, maxMinis = 1 << 15, 1 << 10

// reset begins to read b, which holds at most most numbers.
func (d *delta) reset(b []byte, most int, short bool) bool {
	*d = delta{b: b, short: short, mini: d.mini[:0], packed: d.packed}
	block, minis, total, first := d.uvarint(), d.uvarint(), d.uvarint(), d.uvarint()
	if d.bad || minis == 0 || minis > maxMinis || block%minis != 0 || block/minis > maxMini || block/minis%8 != 0 ||
		block == 0 || total > uint64(most) {
		return false
	}
	d.minis, d.size, d.left = int(minis), int(block/minis), int(total)
	d.value = int64(first>>1) ^ -int64(first&1)
	return true
}

func (d *delta) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

// miniblock finds the next miniblock and the width of its numbers.
func (d *delta) miniblock() (b []byte, width int, ok bool) {
	if len(d.widths) == 0 {
		m := d.uvarint()
		d.min = int64(m>>1) ^ -int64(m&1)
		if d.bad || len(d.b) < d.minis {
			return nil, 0, false
		}
		d.widths, d.b = d.b[:d.minis], d.b[d.minis:]
	}
	width = int(d.widths[0])
	d.widths = d.widths[1:]
	n := width * d.size / 8
	if width > 64 || n > len(d.b) {
		return nil, 0, false
	}
	b, d.b = d.b[:n], d.b[n:]
	return b, width, true
}

// next fills out; false if there are not so many.
func (d *delta) next(out []int64) bool {
	if len(out) > d.left {
		return false
	}
	d.left -= len(out)
	if !d.begun && len(out) > 0 {
		d.begun = true
		if d.short {
			d.value = int64(int32(d.value))
		}
		out[0] = d.value
		out = out[1:]
	}
	for len(out) > 0 {
		if d.at == len(d.mini) {
			b, width, ok := d.miniblock()
			if !ok {
				return false
			}
			if cap(d.mini) < d.size {
				d.mini = make([]int64, d.size)
			}
			d.mini, d.at = d.mini[:d.size], 0
			d.packed = append(append(d.packed[:0], b...), make([]byte, 16)...)
			unpack64(d.mini, d.packed, width)
		}
		n := min(len(out), len(d.mini)-d.at)
		v := d.value
		if d.short {
			for i, m := range d.mini[d.at : d.at+n] {
				v = int64(int32(v + d.min + m))
				out[i] = v
			}
		} else {
			for i, m := range d.mini[d.at : d.at+n] {
				v += d.min + m
				out[i] = v
			}
		}
		d.value = v
		d.at += n
		out = out[n:]
	}
	return true
}

// end returns what follows the numbers of a fresh delta.
func (d delta) end() (rest []byte, ok bool) {
	for n := d.left - 1; n > 0; {
		// Miniblocks that no number is in have no bytes.
		if _, _, ok := d.miniblock(); !ok {
			return nil, false
		}
		n -= d.size
	}
	return d.b, true
}

// unpack64 reads numbers of width bits of b, which has 16 bytes more than they need.
func unpack64(out []int64, b []byte, width int) {
	mask := uint64(1)<<width - 1
	if width == 64 {
		mask = ^uint64(0)
	}
	for i, bit := 0, 0; i < len(out); i, bit = i+1, bit+width {
		at, shift := bit>>3, bit&7
		v := binary.LittleEndian.Uint64(b[at:]) >> shift
		if shift+width > 64 {
			v |= uint64(b[at+8]) << (64 - shift)
		}
		out[i] = int64(v & mask)
	}
}
