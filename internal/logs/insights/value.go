package insights

import (
	"cmp"
	"math"
	"strconv"
	"strings"
	"time"
)

// A value is what a field has or an expression comes to.
type value struct {
	kind valueKind
	s    string  // of a text
	f    float64 // of a number; of a time the milliseconds since 1970
}

type valueKind uint8

const (
	absent valueKind = iota
	text
	numeric
	moment
)

func textOf(s string) value   { return value{kind: text, s: s} }
func timeOf(ms float64) value { return value{kind: moment, f: ms} }
func boolOf(b bool) value {
	if b {
		return value{kind: numeric, f: 1}
	}
	return value{kind: numeric}
}

// numberOf returns a number; what is infinite or not a number is absent.
func numberOf(f float64) value {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return value{}
	}
	return value{kind: numeric, f: f}
}

// number returns a value as a number, and whether it is one. A text of digits is.
func (v value) number() (float64, bool) {
	switch v.kind {
	case numeric, moment:
		return v.f, true
	case text:
		return parseNumber(v.s)
	}
	return 0, false
}

// parseNumber reads a decimal number. It does not allocate.
func parseNumber(s string) (float64, bool) {
	n := uint64(0)
	i := 0
	for i < len(s) && i < 15 && s[i]-'0' < 10 {
		n = n*10 + uint64(s[i]-'0')
		i++
	}
	if i == len(s) && i > 0 {
		return float64(n), true
	}
	if s == "" || len(s) > 64 {
		return 0, false
	}
	t := s
	if t[0] == '-' || t[0] == '+' {
		t = t[1:]
	}
	if t == "" || t == "." || numberLength(t) != len(t) || t[0] == 'e' || t[0] == 'E' || strings.HasPrefix(t, ".e") {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// true reports whether a condition with this value holds.
func (v value) true() bool {
	f, ok := v.number()
	return ok && f != 0
}

// String returns a value as results show it.
func (v value) String() string {
	switch v.kind {
	case text:
		return v.s
	case numeric:
		return formatNumber(v.f)
	case moment:
		return time.UnixMilli(int64(v.f)).UTC().Format("2006-01-02 15:04:05.000")
	}
	return ""
}

// formatNumber writes whole numbers in full and others with four decimals at most.
func formatNumber(f float64) string {
	if f == math.Trunc(f) {
		return strconv.FormatFloat(f+0, 'f', -1, 64) // no -0
	}
	s := strings.TrimRight(strconv.FormatFloat(f, 'f', 4, 64), "0")
	if s = strings.TrimSuffix(s, "."); s == "-0" || s == "0" {
		return strconv.FormatFloat(f, 'g', 4, 64) // too small for decimals
	}
	return s
}

// append adds what tells a value from others, for keys of groups.
func (v value) append(b []byte) []byte {
	switch v.kind {
	case text:
		b = append(b, byte(text), byte(len(v.s)), byte(len(v.s)>>8), byte(len(v.s)>>16))
		return append(b, v.s...)
	case absent:
		return append(b, byte(absent))
	}
	u := math.Float64bits(v.f)
	return append(b, byte(v.kind), byte(u), byte(u>>8), byte(u>>16), byte(u>>24), byte(u>>32), byte(u>>40), byte(u>>48), byte(u>>56))
}

// clone returns a value that shares no memory with an event.
func (v value) clone() value {
	v.s = strings.Clone(v.s)
	return v
}

// compare orders values: numbers by size before texts by their bytes, what is absent last.
func compare(a, b value) int {
	x, isX := a.number()
	y, isY := b.number()
	switch {
	case isX && isY:
		return cmp.Compare(x, y)
	case a.kind == absent || b.kind == absent:
		return -cmp.Compare(min(a.kind, 1), min(b.kind, 1))
	case isX != isY:
		if isX {
			return -1
		}
		return 1
	}
	return strings.Compare(a.s, b.s)
}

// ordered reports whether one of two values can be less than the other: two numbers, or
// two texts that are none.
func ordered(a, b value) bool {
	_, isX := a.number()
	_, isY := b.number()
	return isX == isY && a.kind != absent && b.kind != absent
}

// equal reports whether two values are the same: as numbers if one of them is a number and
// no text, as texts otherwise. What is absent is equal to nothing.
func equal(a, b value) bool {
	if a.kind == absent || b.kind == absent {
		return false
	}
	if a.kind == text && b.kind == text {
		return a.s == b.s
	}
	x, isX := a.number()
	y, isY := b.number()
	return isX && isY && x == y
}
