package record

import "math/bits"

// Parse reads one line, without its newline, into r, which it resets first. The
// error is a [*FieldError], and r is then empty. Parse does not allocate unless
// it fails. It keeps line: see [Record] for how long text is valid.
//
// What several fields say together is not checked: a record may be OK without
// addresses, and may end before it starts.
func (f Format) Parse(line []byte, r *Record) error {
	p := f.plan()
	r.line, r.ext, r.set = line, p.ext, p.set
	var (
		cols = p.cols
		mask = endMask(line, 0) // ends of fields from base on, not yet used
		base = 0
		s, e = 0, -1 // the field is line[s:e]
	)
	for i := 0; i < len(cols); i++ {
		if cols[i].kind == kindInt && mask != 0 {
			var n int
			if n, mask, e = r.numbers(line, cols[i:], mask, base, e); n > 0 {
				i += n - 1
				continue
			}
		}
		c := &cols[i]
		for mask == 0 {
			if base += 64; base > len(line) {
				return p.tooFew(r, i)
			}
			mask = endMask(line, base)
		}
		s, e = e+1, base+bits.TrailingZeros64(mask)
		mask &= mask - 1
		if e < len(line) && line[e] != ' ' {
			return p.fail(r, i, s, e, ErrControl)
		}
		n, slot := uint(e-s), c.slot&(numSlots-1)
		switch c.kind {
		case kindInt:
			v, ok := number(line, s, e, c.max)
			if !ok {
				if err := numberError(line[s:e]); err != nil || !c.nullable {
					return p.fail(r, i, s, e, err)
				}
				r.set.remove(slot)
				continue
			}
			r.cells[slot].a = v
		case kindAddr:
			if v, ok := ipv4(line, s, e); ok {
				r.cells[slot].b = v
				r.form[slot] = formIPv4
				continue
			}
			if n == 1 && line[s] == '-' {
				r.set.remove(slot)
				continue
			}
			if err := r.address(slot, line[s:e], formLine, cell{uint64(s), uint64(e)}); err != nil {
				return p.fail(r, i, s, e, err)
			}
		default:
			if n <= 1 {
				if n == 0 {
					return p.fail(r, i, s, e, ErrEmpty)
				}
				if line[s] == '-' && c.nullable {
					r.set.remove(slot)
					continue
				}
			}
			if c.kind == kindSet {
				var x uint64 // the text as a number; 0 is none of the values
				if n <= 8 && e >= 8 {
					x = lastBytes(line, e, n, 0)
				} else if n <= 8 {
					x = setWord(string(line[s:e]))
				}
				if w := &c.words; x != w[0] && x != w[1] && x != w[2] {
					return p.fail(r, i, s, e, ErrNotKnown)
				}
			}
			r.cells[slot] = cell{uint64(s), uint64(e)}
			r.form[slot] = formLine
		}
	}
	if e != len(line) {
		return p.tooMany(r, e)
	}
	return nil
}

// numbers reads fields from line[e+1:] on, as long as they are what most are:
// numbers of 1 to 8 or 10 digits in columns of numbers, well before the end of
// the line and before mask is used up. It returns how many it has read, the rest
// of mask, and where the last one ends. It calls nothing, so that all of this
// stays in registers.
func (r *Record) numbers(line []byte, cols []column, mask uint64, base, e int) (int, uint64, int) {
	for i := range cols {
		c := &cols[i]
		end := base + bits.TrailingZeros64(mask)
		if mask == 0 || c.kind != kindInt || end < 8 || end >= len(line) || line[end] != ' ' {
			return i, mask, e
		}
		n := uint(end - e - 1)
		var high uint64
		if n == 10 { // a time
			a, b := uint64(line[end-10]-'0'), uint64(line[end-9]-'0')
			if a-1 > 8 || b > 9 {
				return i, mask, e
			}
			high, n = a*1e9+b*1e8, 0
		} else if n-1 > 7 {
			return i, mask, e
		}
		x := lastBytes(line, end, n, '0'*ones)
		v := eightDigits(x) + high
		if notDigits(x)|((v-leastNumber[n&15])|(c.max-v))>>63 != 0 {
			return i, mask, e
		}
		r.cells[c.slot&(numSlots-1)].a = v
		mask &= mask - 1
		e = end
	}
	return len(cols), mask, e
}

// isOneOf reports whether b is one of values.
func isOneOf(values []string, b []byte) bool {
	for _, v := range values {
		if string(b) == v {
			return true
		}
	}
	return false
}

// address stores text, which is not an IPv4 address in a line, in an address
// field: as an address if it is one, and else as text of this form and cell. It
// refuses what is made of hex digits, dots and colons only: that was meant as
// an address.
func (r *Record) address(slot uint8, text []byte, form form, c cell) error {
	if v, ok := ipv4Start(text); ok {
		r.cells[slot].b, r.form[slot] = v, formIPv4
		return nil
	}
	if c, ok := ipv6(text); ok {
		r.cells[slot], r.form[slot] = c, formIPv6
		return nil
	}
	if err := addressError(text); err != nil {
		return err
	}
	r.cells[slot], r.form[slot] = c, form
	return nil
}

// tooFew empties r and returns the error of a line that ends before the i-th
// field.
func (p *plan) tooFew(r *Record, i int) error {
	r.Reset()
	c := &p.cols[i]
	return &FieldError{Field: c.field(), Name: p.name(c), Column: i + 1, Want: len(p.cols), Err: ErrTooFew}
}

// tooMany empties r and returns the error of a line that goes on after line[:e].
func (p *plan) tooMany(r *Record, e int) error {
	value, _, _ := cutSpace(r.line[e+1:])
	r.Reset()
	return &FieldError{Column: len(p.cols) + 1, Want: len(p.cols), Value: clip(value), Err: ErrTooMany}
}

// fail empties r and returns the error of the i-th field, which is
// r.line[s:e]. A nil err says that it is absent but must not be.
func (p *plan) fail(r *Record, i, s, e int, err error) error {
	if s == e {
		err = ErrEmpty
	} else if err == nil {
		err = ErrAbsent
	}
	value := clip(r.line[s:e])
	r.Reset()
	c := &p.cols[i]
	return &FieldError{Field: c.field(), Name: p.name(c), Column: i + 1, Want: len(p.cols), Value: value, Err: err}
}

// clip returns the first 64 bytes of b.
func clip(b []byte) string { return string(b[:min(len(b), 64)]) }

// numberError says why text is not a number of its field; nil if it is "-".
func numberError(text []byte) error {
	if string(text) == "-" {
		return nil
	}
	for i, c := range text {
		if c < '0' || c > '9' || c == '0' && i == 0 && len(text) > 1 {
			return ErrNotNumber
		}
	}
	return ErrRange
}

// addressError says what is wrong with text that is not an address; nil if it
// cannot have been meant as one. Only four decimal numbers are out of range.
func addressError(text []byte) error {
	decimal, dots, digits := true, 0, 0 // digits of this octet
	for i, c := range text {
		switch {
		case '0' <= c && c <= '9':
			decimal = decimal && (digits != 1 || text[i-1] != '0')
			digits++
		case c == '.':
			decimal = decimal && digits > 0
			dots++
			digits = 0
		case c == ':', 'a' <= c|0x20 && c|0x20 <= 'f':
			decimal = false
		default:
			return nil
		}
	}
	if decimal && digits > 0 && dots == 3 {
		return ErrRange
	}
	return ErrNotAddress
}
