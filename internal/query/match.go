package query

import (
	"bytes"
	"cmp"
	"net/netip"
	"slices"
	"strconv"

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
		return flagMatcher(e.Values[0].Lo)
	case c.IsInt() || e.Op >= Lt && e.Op <= Ge:
		return newIntMatcher(e, negate)
	case c.Field.IsAddr():
		return newAddrMatcher(e.Values, negate)
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

// wildcard reports whether s is what the pattern says: * is any text, ? any byte.
func wildcard(pattern, s []byte) bool {
	for len(pattern) > 0 {
		if pattern[0] == '*' {
			pattern = bytes.TrimLeft(pattern, "*")
			// What follows the asterisk up to the next one is best found where
			// it comes first.
			next := bytes.IndexByte(pattern, '*')
			if next < 0 {
				n := len(s) - len(pattern)
				return n >= 0 && wildcard(pattern, s[n:])
			}
			part := pattern[:next]
			for len(s) >= len(part) && !wildcard(part, s[:len(part)]) {
				s = s[1:]
			}
			if len(s) < len(part) {
				return false
			}
			pattern, s = pattern[next:], s[len(part):]
			continue
		}
		if len(s) == 0 || pattern[0] != '?' && pattern[0] != s[0] {
			return false
		}
		pattern, s = pattern[1:], s[1:]
	}
	return len(s) == 0
}

type span[T any] struct{ lo, hi T }

// An intMatcher compares with numbers.
type intMatcher struct {
	spans  []span[int64] // in order, apart from each other
	negate bool
}

func newIntMatcher(e *Test, negate bool) *intMatcher {
	m := &intMatcher{negate: negate}
	const most = 1<<63 - 1
	for _, v := range e.Values {
		s := span[int64]{v.Lo, v.Hi}
		switch e.Op {
		case Lt:
			s = span[int64]{0, v.Lo - 1}
		case Le:
			s = span[int64]{0, v.Lo}
		case Gt:
			s = span[int64]{v.Lo + 1, most}
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
	if !ok {
		return false, record.ErrNotNumber
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
type flagMatcher int64

func (m flagMatcher) text(v []byte) (bool, error) {
	n, ok := rows.ParseInt(v)
	if !ok {
		return false, record.ErrNotNumber
	}
	return m.number(n), nil
}

func (m flagMatcher) number(v int64) bool { return v&int64(m) == int64(m) }

// An addrMatcher compares with addresses. Text that is none, such as xx.xx.xx.xx, is
// in no network.
type addrMatcher struct {
	v4     []span[uint32]
	v6     []span[netip.Addr]
	words  map[string]bool // wanted text that is no address
	negate bool
}

func newAddrMatcher(values []Value, negate bool) *addrMatcher {
	m := &addrMatcher{negate: negate}
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
	return m.words[string(v)] != m.negate, nil
}

func (m *addrMatcher) number(int64) bool { return false }
