package awsapi

import (
	"strings"
	"unicode/utf8"

	"weir/internal/ec2"
)

// What a call may send. Both numbers are from Amazon's messages
// (https://github.com/gjbae1212/gossm/issues/47 and
// https://github.com/ansible/ansible/issues/84327, read 2026-11-24).
const (
	maxFilterValues = 200 // of all filters together
	maxFilterValue  = 255 // characters
)

// A matcher tells what the filters of a call let through: what has, for every
// filter, one of its values. It does not change, so any number of goroutines may
// ask.
type matcher[T any] struct {
	tests []test[T]
	tags  func(*T) []ec2.Tag
}

// A test is one filter. Exactly one of attr, tagged and keyed is set.
type test[T any] struct {
	attr   func(*T) []string
	tagged string // the key of "tag:<key>"
	keyed  bool   // "tag-key"
	values valueSet
}

// newMatcher returns the matcher for filters. attrs has what the call knows, by the
// filter's name: the values of an item, of which one must match. A nil function is
// a filter of Amazon's for what no item here has: it is taken and matches nothing.
// tags returns an item's tags for "tag:<key>" and "tag-key"; without it these are
// no filters of the call. Values are compared as they are written, but for * (any
// characters), ? (one character) and \ (the next character is meant as it stands). A
// filter without values is taken and matches nothing, as Amazon recorded in
// https://github.com/getmoto/moto/pull/8570 (read 2026-11-24).
func newMatcher[T any](fs []ec2.Filter, attrs map[string]func(*T) []string, tags func(*T) []ec2.Tag) (*matcher[T], error) {
	m := &matcher[T]{tags: tags}
	n := 0
	for _, f := range fs {
		var t test[T]
		key, isTag := strings.CutPrefix(f.Name, "tag:")
		attr, ok := attrs[f.Name]
		switch {
		case ok && attr != nil:
			t.attr = attr
		case ok:
			t.attr = func(*T) []string { return nil }
		case tags != nil && isTag && key != "":
			t.tagged = key
		case tags != nil && f.Name == "tag-key":
			t.keyed = true
		case f.Name == "":
			return nil, ec2.InvalidFilter.With("null")
		default:
			return nil, ec2.InvalidFilter.With(f.Name)
		}
		if n += len(f.Values); n > maxFilterValues {
			return nil, ec2.TooManyFilterValues.With(maxFilterValues)
		}
		for _, v := range f.Values {
			if utf8.RuneCountInString(v) > maxFilterValue {
				return nil, ec2.FilterValueTooLong.With(maxFilterValue)
			}
			t.values.add(v)
		}
		m.tests = append(m.tests, t)
	}
	return m, nil
}

// match says whether every filter lets an item through.
func (m *matcher[T]) match(item *T) bool {
	for i := range m.tests {
		t := &m.tests[i]
		if t.attr != nil && !t.values.hasAny(t.attr(item)) || t.attr == nil && !t.hasTag(m.tags(item)) {
			return false
		}
	}
	return true
}

func (t *test[T]) hasTag(tags []ec2.Tag) bool {
	for i := range tags {
		if t.keyed && t.values.has(tags[i].Key) || tags[i].Key == t.tagged && !t.keyed && t.values.has(tags[i].Value) {
			return true
		}
	}
	return false
}

// A valueSet are the values of a filter.
type valueSet struct {
	literal  map[string]struct{}
	patterns []pattern
}

func (s *valueSet) add(value string) {
	if p, ok := compile(value); ok {
		s.patterns = append(s.patterns, p)
		return
	}
	if s.literal == nil {
		s.literal = make(map[string]struct{})
	}
	s.literal[unescape(value)] = struct{}{}
}

func (s *valueSet) hasAny(list []string) bool {
	for _, v := range list {
		if s.has(v) {
			return true
		}
	}
	return false
}

func (s *valueSet) has(v string) bool {
	if _, ok := s.literal[v]; ok {
		return true
	}
	for _, p := range s.patterns {
		if p.match(v) {
			return true
		}
	}
	return false
}

// unescape takes away the backslashes; one at the end stands for itself.
func unescape(value string) string {
	if !strings.Contains(value, `\`) {
		return value
	}
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] == '\\' && i+1 < len(value) {
			i++
		}
		b.WriteByte(value[i])
	}
	return b.String()
}

// A pattern is a value with wildcards: what is between the stars, each part one
// rune or anyRune after another.
type pattern [][]rune

// anyRune is "?". No rune of a string has its value.
const anyRune rune = -1

// compile returns the pattern of a value, and whether it is one.
func compile(value string) (pattern, bool) {
	if !strings.ContainsAny(value, "*?") {
		return nil, false
	}
	p, part, wild, escaped := pattern(nil), []rune{}, false, false
	runes := []rune(value)
	for i, r := range runes {
		switch {
		case escaped:
			part, escaped = append(part, r), false
		case r == '\\' && i+1 < len(runes):
			escaped = true
		case r == '*':
			p, part, wild = append(p, part), []rune{}, true
		case r == '?':
			part, wild = append(part, anyRune), true
		default:
			part = append(part, r)
		}
	}
	return append(p, part), wild
}

// match takes the first place for each part, since a later one leaves less for
// those behind it; only the last part has its place given, at the end.
func (p pattern) match(s string) bool {
	first, last := p[0], p[len(p)-1]
	rest, ok := cutRunes(s, first)
	if !ok || len(p) == 1 {
		return ok && rest == ""
	}
	for _, part := range p[1 : len(p)-1] {
		for {
			after, ok := cutRunes(rest, part)
			if ok {
				rest = after
				break
			}
			if rest == "" {
				return false
			}
			_, size := utf8.DecodeRuneInString(rest)
			rest = rest[size:]
		}
	}
	skip := utf8.RuneCountInString(rest) - len(last)
	if skip < 0 {
		return false
	}
	for range skip {
		_, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
	}
	_, ok = cutRunes(rest, last)
	return ok
}

// cutRunes returns what is left of s after part, if s begins with it.
func cutRunes(s string, part []rune) (rest string, ok bool) {
	for _, want := range part {
		r, size := utf8.DecodeRuneInString(s)
		if size == 0 || want != anyRune && r != want {
			return "", false
		}
		s = s[size:]
	}
	return s, true
}
