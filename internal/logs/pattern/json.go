package pattern

import (
	"strconv"
	"strings"
	"unicode"

	"weir/internal/logs/jsontext"
)

// state is what a leaf asks of a value beside a comparison.
type state uint8

const (
	compared state = iota
	isNull
	isTrue
	isFalse
	notExists
)

var states = map[state]string{isNull: "IS NULL", isTrue: "IS TRUE", isFalse: "IS FALSE", notExists: "NOT EXISTS"}

// A step leads from a value to one in it.
type step struct {
	name  string // of a member
	index int    // of an element, if inArray
	// inArray is for an element, every for all elements or members.
	inArray, every bool
}

func matchJSON(n *node, message string) bool {
	root, ok := jsontext.Parse(message)
	return ok && root.Kind == jsontext.Object && n.holdsIn(root)
}

// holdsIn reports whether an object meets a condition.
func (n *node) holdsIn(root jsontext.Value) bool {
	switch n.kind {
	case allOf:
		for _, kid := range n.kids {
			if !kid.holdsIn(root) {
				return false
			}
		}
		return true
	case anyOf:
		for _, kid := range n.kids {
			if kid.holdsIn(root) {
				return true
			}
		}
		return false
	case noneOf:
		return !n.kids[0].holdsIn(root)
	}
	if n.is == notExists {
		return !anyAt(root, n.path, nil)
	}
	return anyAt(root, n.path, n)
}

// anyAt reports whether a value that a path leads to passes a leaf; with nil all do. Where
// a path leads to several, one is enough.
func anyAt(v jsontext.Value, path []step, n *node) bool {
	if len(path) == 0 {
		return n == nil || n.passes(v)
	}
	next, rest := path[0], path[1:]
	switch {
	case next.every && next.inArray:
		for _, e := range v.Elements {
			if anyAt(e, rest, n) {
				return true
			}
		}
		return false
	case next.every:
		for _, m := range v.Members {
			if anyAt(m, rest, n) {
				return true
			}
		}
		return false
	}
	v, ok := next.in(v)
	return ok && anyAt(v, rest, n)
}

func (t step) in(v jsontext.Value) (jsontext.Value, bool) {
	if t.inArray {
		return v.Index(t.index)
	}
	return v.Get(t.name)
}

// passes reports whether a value passes a leaf. Objects, arrays and null pass no comparison.
func (n *node) passes(v jsontext.Value) bool {
	switch n.is {
	case isNull:
		return v.Kind == jsontext.Null
	case isTrue:
		return v.Kind == jsontext.True
	case isFalse:
		return v.Kind == jsontext.False
	}
	return v.Scalar() && n.test.holds(v.String())
}

// json reads a pattern behind its opening brace.
func (s *scanner) json() (*node, error) {
	n, err := s.condition(s.jsonLeaf)
	if err != nil {
		return nil, err
	}
	if !s.takes("}") {
		return nil, s.fail(s.at, "%s is where &&, || or } belongs", s.near())
	}
	return n, nil
}

func (s *scanner) jsonLeaf() (*node, error) {
	path, err := s.path()
	if err != nil {
		return nil, err
	}
	n := &node{path: path}
	s.space()
	from := s.at
	switch {
	case s.keyword("is"):
		for is, text := range states {
			if word, ok := strings.CutPrefix(text, "IS "); ok && s.keyword(word) {
				n.is = is
				return n, nil
			}
		}
		return nil, s.fail(from, "IS is followed by NULL, TRUE or FALSE; for the opposite write !($.name IS NULL)")
	case s.keyword("not"):
		if !s.keyword("exists") {
			return nil, s.fail(from, "NOT is followed by EXISTS; for the opposite of a condition write !(…)")
		}
		n.is = notExists
		return n, nil
	case s.keyword("exists"):
		return nil, s.fail(from, "EXISTS is not known: write = * for what is there, NOT EXISTS for what is not")
	case s.keyword("in"):
		return nil, s.fail(from, "IN is not known: write conditions with || between them")
	}
	n.test, err = s.test(`)}`)
	return n, err
}

// Bounds of wildcards in selectors. Source: "Filter pattern syntax", CloudWatch Logs User
// Guide.
const (
	maxEveryOfPath = 1
	maxEvery       = 3
)

// path reads a selector such as $.a.b[0].
func (s *scanner) path() (path []step, err error) {
	s.space()
	begin := s.at
	if !s.takes("$") {
		return nil, s.fail(s.at, "%s is where a selector belongs: write $. and the name of a property", s.near())
	}
	every := 0
	for !s.done() && (s.text[s.at] == '.' || s.text[s.at] == '[') {
		one, err := s.step()
		if err != nil {
			return nil, err
		}
		if one.every {
			every++
		}
		path = append(path, one)
	}
	s.every += every
	switch {
	case len(path) == 0:
		return nil, s.fail(s.at, "a selector begins with $. and the name of a property")
	case every > maxEveryOfPath:
		return nil, s.fail(begin, "the selector has too many wildcards: it may have %d", maxEveryOfPath)
	case s.every > maxEvery:
		return nil, s.fail(begin, "the pattern has too many wildcards in selectors: it may have %d", maxEvery)
	}
	return path, nil
}

// step reads a step of a selector, at a point or a bracket: .name, .*, ['name'], [0] or [*].
// A point before the bracket of a name is Amazon's own way to write it.
func (s *scanner) step() (t step, err error) {
	from := s.at
	if rest := s.text[from:]; strings.HasPrefix(rest, ".['") || strings.HasPrefix(rest, `.["`) {
		s.at++
	}
	if s.text[s.at] == '.' {
		if s.at++; strings.HasPrefix(s.text[s.at:], "*") {
			s.at++
			return step{every: true}, nil
		}
		if t.name = s.while(inProperty); t.name == "" {
			err = s.fail(s.at, "%s is where the name of a property belongs: write letters, digits, _ and -, and others as ['name']", s.near())
		}
		return t, err
	}
	s.at++
	switch rest := s.text[s.at:]; {
	case strings.HasPrefix(rest, "*"):
		s.at++
		t = step{inArray: true, every: true}
	case rest != "" && (rest[0] == '\'' || rest[0] == '"'):
		n := strings.IndexByte(rest[1:], rest[0])
		if n < 1 {
			return t, s.fail(from, "the name in brackets is empty or has no closing quotation mark")
		}
		t.name = rest[1 : n+1]
		s.at += n + 2
	default:
		t.inArray = true
		if t.index, err = strconv.Atoi(s.while(unicode.IsDigit)); err != nil {
			return t, s.fail(from, "brackets have the number of an element, from 0, * for any, or a name in quotation marks")
		}
	}
	if !strings.HasPrefix(s.text[s.at:], "]") {
		return t, s.fail(from, "the bracket is not closed")
	}
	s.at++
	return t, nil
}

// inProperty reports whether a character may stand in a name behind a point.
func inProperty(r rune) bool { return inName(r) || r == '@' || r == '$' }

func pathText(path []step) string {
	s := "$"
	for _, t := range path {
		switch {
		case t.inArray && t.every:
			s += "[*]"
		case t.inArray:
			s += "[" + strconv.Itoa(t.index) + "]"
		case t.every:
			s += ".*"
		case strings.IndexFunc(t.name, func(r rune) bool { return !inProperty(r) }) >= 0:
			mark := "'"
			if strings.Contains(t.name, mark) {
				mark = `"`
			}
			s += ".[" + mark + t.name + mark + "]"
		default:
			s += "." + t.name
		}
	}
	return s
}

// String returns a condition of a pattern of JSON.
func (n *node) String() string {
	return n.text(func(n *node) string {
		if n.is != compared {
			return pathText(n.path) + " " + states[n.is]
		}
		return pathText(n.path) + n.test.String()
	})
}
