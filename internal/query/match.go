package query

import (
	"cmp"
	"errors"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"unicode/utf8"

	"weir/internal/rows"
	"weir/record"
)

// newMatcher returns what compares the values of a test with one field.
func newMatcher(e *Test) matcher {
	negate := e.Op == Ne || e.Op == NotIn
	switch c := e.Fields[0]; {
	case e.Op == Is || e.Op == IsNot:
		return nil
	case e.Op == Has:
		return &flagMatcher{e.Values[0].Lo, checker{field: record.TCPFlags}}
	case c.IsInt() || e.Op >= Lt && e.Op <= Ge:
		return newIntMatcher(e, negate)
	case c.Field.IsAddr():
		return newAddrMatcher(c.Field, e.Values, negate)
	}
	return newTextMatcher(e.Values, negate)
}

// IsInt reports whether the column holds numbers.
func (c Column) IsInt() bool { return c.Field != record.None && c.Field.Type() != record.String }

// A textMatcher compares with words.
type textMatcher struct {
	only   []byte // if there is just one
	set    map[string]bool
	wild   [][]byte
	negate bool
}

func newTextMatcher(values []Value, negate bool) *textMatcher {
	m := &textMatcher{set: map[string]bool{}, negate: negate}
	for _, v := range values {
		if v.Wild {
			m.wild = append(m.wild, []byte(v.Text))
		} else {
			m.set[v.Text] = true
		}
	}
	if len(values) == 1 && !values[0].Wild {
		m.only = []byte(values[0].Text)
	}
	return m
}

func (m *textMatcher) text(v []byte) (bool, error) {
	ok := m.set[string(v)]
	for _, w := range m.wild {
		ok = ok || wildcard(w, v)
	}
	return ok != m.negate, nil
}

func (m *textMatcher) number(v int64) bool {
	var buf [20]byte
	ok, _ := m.text(strconv.AppendInt(buf[:0], v, 10))
	return ok
}

// wildcard reports whether s is what the pattern says: * is any text, ? any character,
// a backslash takes the meaning of what follows it.
func wildcard(pattern, s []byte) bool {
	// Where to go on if the last asterisk has to stand for one character more.
	var again, from []byte
	starred := false
	for len(s) > 0 || len(pattern) > 0 {
		if len(pattern) > 0 {
			switch c := pattern[0]; {
			case c == '*':
				pattern = pattern[1:]
				again, from, starred = pattern, s, true
				continue
			case len(s) == 0:
			case c == '?':
				_, n := utf8.DecodeRune(s)
				pattern, s = pattern[1:], s[n:]
				continue
			case c == '\\' && len(pattern) > 1 && pattern[1] == s[0]:
				pattern, s = pattern[2:], s[1:]
				continue
			case c != '\\' && c == s[0]:
				pattern, s = pattern[1:], s[1:]
				continue
			}
		}
		if !starred || len(from) == 0 {
			return false
		}
		_, n := utf8.DecodeRune(from)
		from = from[n:]
		pattern, s = again, from
	}
	return true
}

type span[T any] struct{ lo, hi T }

// An intMatcher compares with numbers.
type intMatcher struct {
	spans  []span[int64] // in order, apart from each other
	negate bool
	max    int64
	check  checker
}

func newIntMatcher(e *Test, negate bool) *intMatcher {
	c := e.Fields[0]
	m := &intMatcher{negate: negate, max: math.MaxInt64, check: checker{field: c.Field}}
	if c.IsInt() {
		m.max = c.Field.Max()
	}
	const most = math.MaxInt64
	for _, v := range e.Values {
		s := span[int64]{v.Lo, v.Hi}
		switch e.Op {
		case Lt:
			s = span[int64]{0, v.Lo - 1}
		case Le:
			s = span[int64]{0, v.Hi}
		case Gt:
			if v.Hi == most {
				continue // nothing is more
			}
			s = span[int64]{v.Hi + 1, most}
		case Ge:
			s = span[int64]{v.Lo, most}
		}
		if s.lo <= s.hi {
			m.spans = append(m.spans, s)
		}
	}
	slices.SortFunc(m.spans, func(a, b span[int64]) int { return cmp.Compare(a.lo, b.lo) })
	joined := m.spans[:0]
	for _, s := range m.spans {
		if n := len(joined); n > 0 && (joined[n-1].hi == most || s.lo <= joined[n-1].hi+1) {
			joined[n-1].hi = max(joined[n-1].hi, s.hi)
			continue
		}
		joined = append(joined, s)
	}
	m.spans = joined
	return m
}

func (m *intMatcher) text(v []byte) (bool, error) {
	n, ok := rows.ParseInt(v)
	if !ok || n > m.max {
		return false, m.check.err(v)
	}
	return m.number(n), nil
}

func (m *intMatcher) number(v int64) bool { return inside(m.spans, v) != m.negate }

// inside reports whether one of the spans, which are in order, holds v.
func inside[T int64 | uint32](spans []span[T], v T) bool {
	for len(spans) > 8 {
		if mid := len(spans) / 2; spans[mid].lo <= v {
			spans = spans[mid:]
		} else {
			spans = spans[:mid]
		}
	}
	for _, s := range spans {
		if v >= s.lo && v <= s.hi {
			return true
		}
	}
	return false
}

// A flagMatcher wants all of its bits.
type flagMatcher struct {
	bits  int64
	check checker
}

func (m *flagMatcher) text(v []byte) (bool, error) {
	n, ok := rows.ParseInt(v)
	if !ok || n > record.TCPFlags.Max() {
		return false, m.check.err(v)
	}
	return m.number(n), nil
}

func (m *flagMatcher) number(v int64) bool { return v&m.bits == m.bits }

// A checker says what is wrong with a value of a field. It is for values that are no
// number of the field, or no address.
type checker struct {
	field  record.Field // None for a number of an extension
	format record.Format
	rec    *record.Record
}

// err returns one of the errors of package record; nil for text that cannot have been
// meant as an address.
func (c *checker) err(v []byte) error {
	if c.field == record.None {
		return record.ErrNotNumber
	}
	if c.rec == nil {
		c.rec = new(record.Record)
		c.format, _ = record.NewFormat(c.field) // one known field is a format
	}
	if bad := (*record.FieldError)(nil); errors.As(c.format.Parse(v, c.rec), &bad) {
		return bad.Err
	}
	return nil
}

// An addrMatcher compares with addresses. Text that cannot be meant as one, such as
// xx.xx.xx.xx, is in no network.
type addrMatcher struct {
	v4     []span[uint32]
	v6     []span[netip.Addr]
	words  map[string]bool // wanted text that is no address
	negate bool
	check  checker
}

func newAddrMatcher(f record.Field, values []Value, negate bool) *addrMatcher {
	m := &addrMatcher{negate: negate, check: checker{field: f}}
	for _, v := range values {
		if !v.Prefix.IsValid() {
			if m.words == nil {
				m.words = map[string]bool{}
			}
			m.words[v.Text] = true
			continue
		}
		lo, hi := v.Prefix.Masked().Addr(), last(v.Prefix)
		if v.Last.IsValid() {
			lo, hi = v.Prefix.Addr(), v.Last
		}
		if lo.Is4() {
			m.v4 = append(m.v4, span[uint32]{number4(lo), number4(hi)})
		} else {
			m.v6 = append(m.v6, span[netip.Addr]{lo, hi})
		}
	}
	slices.SortFunc(m.v4, func(a, b span[uint32]) int { return cmp.Compare(a.lo, b.lo) })
	joined := m.v4[:0]
	for _, s := range m.v4 {
		if n := len(joined); n > 0 && uint64(s.lo) <= uint64(joined[n-1].hi)+1 {
			joined[n-1].hi = max(joined[n-1].hi, s.hi)
			continue
		}
		joined = append(joined, s)
	}
	m.v4 = joined
	return m
}

func number4(a netip.Addr) uint32 {
	b := a.As4()
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

// last returns the last address of a network.
func last(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func (m *addrMatcher) text(v []byte) (bool, error) {
	if n, ok := rows.ParseIPv4(v); ok {
		return inside(m.v4, n) != m.negate, nil
	}
	if a, ok := rows.ParseAddr(v); ok {
		for _, s := range m.v6 {
			if s.lo.Compare(a) <= 0 && a.Compare(s.hi) <= 0 {
				return !m.negate, nil
			}
		}
		return m.negate, nil
	}
	if err := m.check.err(v); err != nil {
		return false, err
	}
	return m.words[string(v)] != m.negate, nil
}

// number is of a column that should hold text: no number is an address.
func (m *addrMatcher) number(int64) bool { return m.negate }
