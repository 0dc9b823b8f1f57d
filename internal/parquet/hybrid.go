package parquet

import "encoding/binary"

// A hybrid reads runs of equal numbers, and numbers packed into as few bits as they
// need: the RLE encoding, which levels and the codes of dictionaries have.
type hybrid struct {
	b     []byte
	width int    // bits of a number, at most 32
	left  int    // numbers left of the run
	value uint32 // of a run of equal ones
	bits  bool   // the run is packed

	rest   [8]uint32 // of eight that were unpacked together, those not yet given
	remain int
}

func newHybrid(b []byte, width int) hybrid { return hybrid{b: b, width: width} }

// run begins the next run; false if there is none.
func (h *hybrid) run() bool {
	for h.left == 0 {
		head, n := binary.Uvarint(h.b)
		if n <= 0 || head>>1 > 1<<40 {
			return false
		}
		h.b = h.b[n:]
		if h.bits = head&1 != 0; h.bits {
			// The last run may lack what would only fill up its last eight.
			most := len(h.b) * 8
			if h.width > 0 {
				most /= h.width
				h.left = min(int(head>>1)*8, most)
			} else {
				h.left = int(head>>1) * 8
			}
			if h.left == 0 && head>>1 > 0 {
				return false
			}
			continue
		}
		size := (h.width + 7) / 8
		if len(h.b) < size {
			return false
		}
		var v [4]byte
		copy(v[:], h.b[:size])
		h.b = h.b[size:]
		h.value, h.left = binary.LittleEndian.Uint32(v[:]), int(head>>1)
		if uint64(h.value)>>h.width != 0 {
			return false
		}
	}
	return true
}

// ones reports whether the next n numbers are a run of ones, and takes them if so.
func (h *hybrid) ones(n int) bool {
	if h.remain > 0 || h.left == 0 && !h.run() || h.bits || h.left < n || h.value != 1 {
		return false
	}
	h.left -= n
	return true
}

// next fills out; false if there are not so many.
func (h *hybrid) next(out []uint32) bool {
	for len(out) > 0 {
		if h.remain > 0 {
			n := copy(out, h.rest[8-h.remain:])
			h.remain -= n
			out = out[n:]
			continue
		}
		if h.left == 0 && !h.run() {
			return false
		}
		if !h.bits {
			n := min(h.left, len(out))
			v := h.value
			part := out[:n]
			for i := range part {
				part[i] = v
			}
			h.left -= n
			out = out[n:]
			continue
		}
		n := min(h.left, len(out)) &^ 7
		if n > 0 {
			unpack(out[:n], h.b, h.width)
			h.b = h.b[n/8*h.width:]
			h.left -= n
			out = out[n:]
			continue
		}
		unpack(h.rest[:], h.b, h.width)
		h.b = h.b[min(h.width, len(h.b)):]
		// The eight begin where they would if there were fewer at the front.
		k := min(8, h.left)
		copy(h.rest[8-k:], h.rest[:k])
		h.remain = k
		h.left -= k
	}
	return true
}

// unpack reads numbers of width bits, lowest bit first, as many as out has, which are
// a multiple of eight. What b lacks is zero.
func unpack(out []uint32, b []byte, width int) {
	mask := uint32(1<<width - 1)
	switch {
	case width == 0:
		clear(out)
		return
	case width == 1:
		for ; len(out) >= 8 && len(b) >= 1; out, b = out[8:], b[1:] {
			o, w := (*[8]uint32)(out), uint32(b[0])
			o[0], o[1], o[2], o[3] = w&1, w>>1&1, w>>2&1, w>>3&1
			o[4], o[5], o[6], o[7] = w>>4&1, w>>5&1, w>>6&1, w>>7
		}
	case width <= 8:
		k := uint(width)
		for ; len(out) >= 8 && len(b) >= 8; out, b = out[8:], b[width:] {
			o, w := (*[8]uint32)(out), binary.LittleEndian.Uint64(b)
			o[0] = uint32(w) & mask
			o[1] = uint32(w>>(k&63)) & mask
			o[2] = uint32(w>>(2*k&63)) & mask
			o[3] = uint32(w>>(3*k&63)) & mask
			o[4] = uint32(w>>(4*k&63)) & mask
			o[5] = uint32(w>>(5*k&63)) & mask
			o[6] = uint32(w>>(6*k&63)) & mask
			o[7] = uint32(w>>(7*k&63)) & mask
		}
	case width <= 16:
		k := uint(width)
		half, odd := 4*width/8, 4*k&7
		for ; len(out) >= 8 && len(b) >= 16; out, b = out[8:], b[width:] {
			o, w := (*[8]uint32)(out), binary.LittleEndian.Uint64(b)
			o[0] = uint32(w) & mask
			o[1] = uint32(w>>(k&63)) & mask
			o[2] = uint32(w>>(2*k&63)) & mask
			o[3] = uint32(w>>(3*k&63)) & mask
			w = binary.LittleEndian.Uint64(b[half:]) >> odd
			o[4] = uint32(w) & mask
			o[5] = uint32(w>>(k&63)) & mask
			o[6] = uint32(w>>(2*k&63)) & mask
			o[7] = uint32(w>>(3*k&63)) & mask
		}
	default:
		for ; len(out) >= 8 && len(b) >= width+8; out, b = out[8:], b[width:] {
			o, bit := (*[8]uint32)(out), 0
			for i := range o {
				o[i] = uint32(binary.LittleEndian.Uint64(b[bit>>3:])>>(bit&7)) & mask
				bit += width
			}
		}
	}
	for ; len(out) >= 8; out = out[8:] {
		var last [40]byte
		n := copy(last[:width], b)
		b = b[n:]
		o, bit := (*[8]uint32)(out), 0
		for i := range o {
			o[i] = uint32(binary.LittleEndian.Uint64(last[bit>>3:])>>(bit&7)) & mask
			bit += width
		}
	}
}
