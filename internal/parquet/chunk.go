package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// A chunk is a column of a row group that is being read. Its memory is used again for
// others.
type chunk struct {
	owner  *Reader
	leaf   *leaf
	meta   chunkMeta
	window window
	left   int64 // rows in pages that were not yet begun
	page   page
	raw    []byte // the page, decompressed

	// The dictionary: ints, or text of which some is absent.
	known bool
	ints  []int64
	text  *Text
	remap []uint32 // the code to give instead, nil if that is the same
	spare Text     // memory of a dictionary that was

	valid  []uint32 // levels
	codes  []uint32
	dense  []int64 // numbers without the absent ones
	floats []byte
}

func (c *chunk) reset(owner *Reader, f *File, group, column int) error {
	c.owner, c.leaf, c.meta = owner, &f.leaves[column], f.groups[group].chunks[column]
	c.window.reset(f.r, c.meta.begin, c.meta.begin+c.meta.size)
	c.left, c.known, c.page.left = c.meta.values, false, 0
	if c.leaf.refused != nil {
		return c.leaf.refused
	}
	return checkCodec(c.meta.codec)
}

var (
	errRows   = errors.New("a page has more rows than there are left, or the column too few")
	errValues = errors.New("the values of a page are damaged")
	errCode   = errors.New("a value is not in the dictionary")
)

// begin begins the next data page; those that have not more than skip rows are passed
// over, and skipped says how many rows that were.
func (c *chunk) begin(skip int64) (skipped int64, err error) {
	for {
		if c.left == 0 {
			return skipped, errRows
		}
		h, err := c.window.header()
		if err != nil {
			return skipped, err
		}
		switch h.kind {
		case pageData, pageDataV2:
			if int64(h.values) > c.left {
				return skipped, errRows
			}
			if int64(h.values) <= skip {
				skip -= int64(h.values)
				skipped += int64(h.values)
				c.left -= int64(h.values)
				if err := c.window.skip(int(h.packed)); err != nil || skip == 0 {
					return skipped, err
				}
				continue
			}
			if err := c.load(&h); err != nil {
				return skipped, err
			}
			c.left -= int64(h.values)
			return skipped, nil
		case pageDictionary:
			if c.known || c.left < c.meta.values {
				return skipped, errors.New("a dictionary comes after another or after values")
			}
			if err := c.loadDictionary(&h); err != nil {
				return skipped, fmt.Errorf("dictionary: %w", err)
			}
		default:
			if err := c.window.skip(int(h.packed)); err != nil {
				return skipped, err
			}
		}
	}
}

// load makes a page the one that values are taken from.
func (c *chunk) load(h *header) error {
	levels, values, err := c.body(h)
	if err != nil {
		return err
	}
	p, l := &c.page, c.leaf
	p.left, p.encoding, p.data = int(h.values), h.encoding, values
	if p.nulls = l.optional; p.nulls {
		p.levels = newHybrid(levels, 1)
	}
	switch e := h.encoding; {
	case e == encPlain && l.physical == typeBoolean:
		// Packed bits, as in a run, without its head.
		p.codes = hybrid{b: values, width: 1, bits: true, left: len(values) * 8}
		p.encoding = encRLEDictionary
		c.booleans()
	case e == encRLE && l.physical == typeBoolean:
		if len(values) < 4 {
			return errValues
		}
		p.codes = newHybrid(values[4:], 1)
		p.encoding = encRLEDictionary
		c.booleans()
	case e == encPlain:
	case e == encPlainDictionary || e == encRLEDictionary:
		p.encoding = encRLEDictionary
		if !c.known {
			return errors.New("there is no dictionary")
		}
		if len(values) == 0 { // where all are absent
			p.codes = hybrid{}
			break
		}
		if values[0] > 32 {
			return errValues
		}
		p.codes = newHybrid(values[1:], int(values[0]))
	case e == encDeltaBinary && l.integer():
		if !p.lengths.reset(values, p.left, l.physical == typeInt32) {
			return errValues
		}
	case e == encDeltaLength && l.physical == typeByteArray:
		return p.begun(p.lengths.reset(values, p.left, true))
	case e == encDeltaBytes && (l.physical == typeByteArray || l.physical == typeFixed):
		p.last = p.last[:0]
		if !p.prefixes.reset(values, p.left, true) {
			return errValues
		}
		rest, ok := p.prefixes.end()
		return p.begun(ok && p.lengths.reset(rest, p.left, true))
	default:
		return encodingError(e)
	}
	return nil
}

// begun finds where the text begins that lengths are of.
func (p *page) begun(ok bool) error {
	if ok {
		p.data, ok = p.lengths.end()
	}
	if !ok {
		return errValues
	}
	return nil
}

// booleans gives a column of truth values a dictionary.
func (c *chunk) booleans() {
	if !c.known {
		t := &Text{}
		t.reset()
		t.add([]byte("false"))
		t.add([]byte("true"))
		c.known, c.text, c.remap = true, t, nil
	}
}

func (c *chunk) loadDictionary(h *header) error {
	if h.encoding != encPlain && h.encoding != encPlainDictionary {
		return encodingError(h.encoding)
	}
	plain := header{kind: pageDictionary, size: h.size, packed: h.packed, crc: h.crc, checked: h.checked}
	_, values, err := c.body(&plain)
	if err != nil {
		return err
	}
	n := int(h.values)
	c.remap, c.text = nil, nil
	if c.leaf.width > 0 && len(values)/c.leaf.width < n {
		return errValues
	}
	if c.leaf.integer() {
		c.ints = extend(c.ints[:0], n)
		c.plainInts(c.ints, values)
		c.known = true
		return nil
	}
	if c.leaf.physical == typeBoolean {
		return errors.New("truth values have none")
	}
	// Whoever was given the last dictionary tells by its address that this is
	// another, so only what it consists of is used again.
	t := &Text{c.spare.Data, c.spare.Ends}
	t.reset()
	for i := range n {
		v, rest, ok := c.plainText(values)
		if !ok {
			return errValues
		}
		values = rest
		if len(v) == 0 || len(v) == 1 && v[0] == '-' {
			if c.remap == nil {
				c.remap = make([]uint32, n)
				for k := range c.remap {
					c.remap[k] = uint32(k)
				}
			}
			c.remap[i] = NullCode
		}
		t.add(v)
	}
	t.finish()
	if len(t.Data) > maxText {
		return errText
	}
	c.known, c.text, c.spare = true, t, *t
	return nil
}

// plainInts reads numbers in plain encoding, as many as out has.
func (c *chunk) plainInts(out []int64, b []byte) {
	if c.leaf.physical == typeInt32 {
		b = b[:4*len(out)]
		for i := range out {
			out[i] = int64(int32(binary.LittleEndian.Uint32(b[4*i:])))
		}
		return
	}
	b = b[:8*len(out)]
	for i := range out {
		out[i] = int64(binary.LittleEndian.Uint64(b[8*i:]))
	}
}

// plainText reads a value in plain encoding that is no whole number.
func (c *chunk) plainText(b []byte) (v, rest []byte, ok bool) {
	switch c.leaf.physical {
	case typeByteArray:
		if len(b) < 4 {
			return nil, nil, false
		}
		n := uint64(binary.LittleEndian.Uint32(b))
		if n > uint64(len(b)-4) {
			return nil, nil, false
		}
		return b[4 : 4+n], b[4+n:], true
	case typeFixed:
		n := c.leaf.width
		if len(b) < n {
			return nil, nil, false
		}
		return b[:n], b[n:], true
	case typeFloat:
		if len(b) < 4 {
			return nil, nil, false
		}
		return c.float(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 32), b[4:], true
	case typeDouble:
		if len(b) < 8 {
			return nil, nil, false
		}
		return c.float(math.Float64frombits(binary.LittleEndian.Uint64(b)), 64), b[8:], true
	}
	return nil, nil, false
}

// float writes a number as a line would have it: whole ones without point and
// exponent, which is how some write numbers of which some are absent. NaN is such.
func (c *chunk) float(v float64, size int) []byte {
	switch {
	case math.IsNaN(v):
		return nil
	case v == math.Trunc(v) && math.Abs(v) < 1<<53:
		c.floats = strconv.AppendInt(c.floats[:0], int64(v), 10)
	default:
		c.floats = strconv.AppendFloat(c.floats[:0], v, 'g', -1, size)
	}
	return c.floats
}

// fill appends n rows to v.
func (c *chunk) fill(v *Vector, n int) error {
	for n > 0 {
		if c.page.left == 0 {
			if _, err := c.begin(0); err != nil {
				return err
			}
			continue // a page may have no rows
		}
		k := min(n, c.page.left)
		c.page.left -= k
		n -= k
		if err := c.take(v, k); err != nil {
			return err
		}
	}
	return nil
}

// skip passes over n rows.
func (c *chunk) skip(n int64) error {
	for n > 0 {
		if c.page.left == 0 {
			skipped, err := c.begin(n)
			if err != nil {
				return err
			}
			n -= skipped
			continue
		}
		k := min(n, int64(c.page.left), skipRows)
		c.owner.skipped.reset()
		if err := c.fill(&c.owner.skipped, int(k)); err != nil {
			return err
		}
		n -= k
	}
	return nil
}

// skipRows is how many rows that nobody wants are decoded at once.
const skipRows = 4096

// take appends n rows of the page to v.
func (c *chunk) take(v *Vector, n int) error {
	p := &c.page
	present, valid := n, []uint32(nil)
	if p.nulls && !p.levels.ones(n) {
		c.valid = extend(c.valid[:0], n)
		valid = c.valid
		if !p.levels.next(valid) {
			return errors.New("levels are damaged")
		}
		present = 0
		for _, l := range valid {
			present += int(l)
		}
		if present == n {
			valid = nil
		}
	}
	if c.leaf.integer() {
		v.Kind = Ints
		return c.takeInts(v, n, present, valid)
	}
	if p.encoding == encRLEDictionary {
		return c.takeCodes(v, n, present, valid)
	}
	return c.takeText(v, n, valid)
}

// takeInts appends numbers.
func (c *chunk) takeInts(v *Vector, n, present int, valid []uint32) error {
	at := len(v.Ints)
	v.Ints = extend(v.Ints, n)
	out := v.Ints[at:]
	dense := out
	if valid != nil {
		c.dense = extend(c.dense[:0], present+1)
		dense = c.dense[:present]
	}
	p := &c.page
	switch p.encoding {
	case encPlain:
		size := present * c.leaf.width
		if len(p.data) < size {
			return errValues
		}
		c.plainInts(dense, p.data)
		p.data = p.data[size:]
	case encDeltaBinary:
		if !p.lengths.next(dense) {
			return errValues
		}
	default:
		codes := c.nextCodes(present)
		if codes == nil && present > 0 {
			return errValues
		}
		dict := c.ints
		for i, code := range codes[:len(dense)] {
			if int(code) >= len(dict) {
				return errCode
			}
			dense[i] = dict[code]
		}
	}
	c.numbers(v, dense)
	if valid != nil {
		// What is not there is overwritten by the next one that is.
		dense = c.dense[:present+1]
		k := 0
		for i, l := range valid {
			x := dense[k]
			if l == 0 {
				x = Null
			}
			out[i] = x
			k += int(l)
		}
	}
	return nil
}

// numbers makes numbers what the column says they are.
func (c *chunk) numbers(v *Vector, b []int64) {
	if per := c.leaf.per; per > 0 {
		for i, x := range b {
			s := x / per
			if x%per < 0 {
				s--
			}
			b[i] = s
		}
	} else if c.leaf.unsigned && c.leaf.physical == typeInt32 {
		for i, x := range b {
			b[i] = int64(uint32(x))
		}
	}
	all := int64(0)
	for _, x := range b {
		all |= x
	}
	if all < 0 {
		v.negative = true
		for i, x := range b {
			if x == Null { // it is there: one more is as wrong
				b[i]++
			}
		}
	}
}

// nextCodes returns the next n codes, nil if there are not so many.
func (c *chunk) nextCodes(n int) []uint32 {
	c.codes = extend(c.codes[:0], n)
	if !c.page.codes.next(c.codes) {
		return nil
	}
	return c.codes
}

// takeCodes appends codes of a dictionary.
func (c *chunk) takeCodes(v *Vector, n, present int, valid []uint32) error {
	if err := v.become(Dict, c.text); err != nil {
		return err
	}
	text := v.Kind != Dict
	var out, dense []uint32
	switch {
	case text || valid != nil:
		c.codes = extend(c.codes[:0], present+1)
		dense = c.codes[:present]
	default:
		at := len(v.Codes)
		v.Codes = extend(v.Codes, n)
		dense = v.Codes[at:]
	}
	if !c.page.codes.next(dense) {
		return errValues
	}
	most := uint32(0)
	for _, code := range dense {
		most = max(most, code)
	}
	if len(dense) > 0 && int(most) >= c.text.Len() {
		return errCode
	}
	if c.remap != nil {
		for i, code := range dense {
			dense[i] = c.remap[code]
		}
	}
	if text {
		return c.expand(v, n, dense, valid)
	}
	if valid != nil {
		at := len(v.Codes)
		v.Codes = extend(v.Codes, n)
		out = v.Codes[at:]
		dense = c.codes[:present+1]
		k := 0
		for i, l := range valid {
			x := dense[k]
			if l == 0 {
				x = NullCode
			}
			out[i] = x
			k += int(l)
		}
	}
	return nil
}

// expand appends the text of codes to text.
func (c *chunk) expand(v *Vector, n int, dense, valid []uint32) error {
	k := 0
	for i := range n {
		if valid != nil && valid[i] == 0 {
			v.Text.add(nil)
			continue
		}
		if code := dense[k]; code == NullCode {
			v.Text.add(nil)
		} else {
			v.Text.add(c.text.At(int(code)))
		}
		k++
		if len(v.Data) > maxText {
			return errText
		}
	}
	return nil
}

// maxText is how many bytes of text a batch may have in one column.
const maxText = 256 << 20

var errText = fmt.Errorf("values are too long: more than %d bytes in a batch", maxText)

// takeText appends text.
func (c *chunk) takeText(v *Vector, n int, valid []uint32) error {
	if err := v.become(Chars, nil); err != nil {
		return err
	}
	p := &c.page
	var size, prefix [1]int64
	for i := range n {
		if valid != nil && valid[i] == 0 {
			v.Text.add(nil)
			continue
		}
		var b []byte
		switch p.encoding {
		case encPlain:
			var ok bool
			if b, p.data, ok = c.plainText(p.data); !ok {
				return errValues
			}
		default:
			if !p.lengths.next(size[:]) || size[0] < 0 || size[0] > int64(len(p.data)) {
				return errValues
			}
			b, p.data = p.data[:size[0]], p.data[size[0]:]
			if p.encoding == encDeltaBytes {
				if !p.prefixes.next(prefix[:]) || prefix[0] < 0 || prefix[0] > int64(len(p.last)) {
					return errValues
				}
				p.last = append(p.last[:prefix[0]], b...)
				b = p.last
			}
		}
		if len(v.Data)+len(b) > maxText {
			return errText
		}
		v.Text.add(b)
	}
	return nil
}
