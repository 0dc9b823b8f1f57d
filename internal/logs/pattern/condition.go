package pattern

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
)

// op is a comparison.
type op uint8

const (
	eq op = iota
	ne
	lt
	le
	gt
	ge
)

// ops has the comparisons in an order in which the first that fits is right.
var ops = []struct {
	text string
	op   op
}{{"!=", ne}, {"<=", le}, {">=", ge}, {"=", eq}, {"<", lt}, {">", gt}}

func (o op) String() string {
	for _, known := range ops {
		if known.op == o {
			return known.text
		}
	}
	return "?"
}

// A test compares a field with a value.
type test struct {
	op op

	// text is the value as text, without the wildcards: before and after say whether
	// anything may come there.
	text          string
	before, after bool

	// isNumber says that the value is a number, and not in quotation marks.
	isNumber bool
	number   float64

	re   *regexp.Regexp // instead of all these
	expr string         // re as it is written
}

// holds reports whether a field with a text passes. A text that is no number is not equal to
// a number, and neither less nor greater.
func (t *test) holds(s string) bool {
	switch {
	case t.re != nil:
		return t.re.MatchString(s) == (t.op == eq)
	case !t.isNumber:
		return t.like(s) == (t.op == eq)
	case t.op == eq && s == t.text:
		return true
	}
	n, ok := number(s)
	if !ok {
		return t.op == ne
	}
	switch c := cmp.Compare(n, t.number); t.op {
	case eq:
		return c == 0
	case ne:
		return c != 0
	case lt:
		return c < 0
	case le:
		return c <= 0
	case gt:
		return c > 0
	}
	return cmp.Compare(n, t.number) >= 0
}

func (t *test) like(s string) bool {
	switch {
	case t.before && t.after:
		return strings.Contains(s, t.text)
	case t.before:
		return strings.HasSuffix(s, t.text)
	case t.after:
		return strings.HasPrefix(s, t.text)
	}
	return s == t.text
}

// number reads a decimal number, with or without a sign, a fraction and an exponent. It
// does not allocate.
func number(s string) (float64, bool) {
	i, n := 0, uint64(0)
	for i < len(s) && i < 15 && s[i] >= '0' && s[i] <= '9' {
		n = n*10 + uint64(s[i]-'0')
		i++
	}
	if i == len(s) && i > 0 {
		return float64(n), true
	}
	if !isNumber(s) {
		return 0, false
	}
	f, _ := strconv.ParseFloat(s, 64) // it can only be too large, and is infinite then
	return f, true
}

func isNumber(s string) bool {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	before := digits(s)
	s = s[before:]
	after := 0
	if s != "" && s[0] == '.' {
		after = digits(s[1:])
		s = s[1+after:]
	}
	if before+after == 0 {
		return false
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		n := digits(s)
		return n > 0 && n == len(s) && n < 6
	}
	return s == ""
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// test reads a comparison and a value. stop has the characters that end a value which is
// not in quotation marks.
func (s *scanner) test(stop string) (*test, error) {
	s.space()
	t := &test{}
	found := false
	for _, known := range ops {
		if found = s.takes(known.text); found {
			t.op = known.op
			break
		}
	}
	if !found {
		return nil, s.fail(s.at, "%s is where a comparison belongs: write =, !=, <, <=, > or >=", s.near())
	}
	s.space()
	from := s.at
	var first, last bool
	var err error
	switch {
	case s.sees(`"`):
		t.text, first, last, err = s.quoted()
	case s.sees("%"):
		if s.regexps++; s.regexps > maxRegexps {
			return nil, s.fail(from, "the pattern has too many regular expressions: it may have %d", maxRegexps)
		}
		t.re, t.expr, err = s.regex()
	default:
		t.text = s.bare(stop)
		if t.text == "" {
			return nil, s.fail(from, "a value is missing: write a word, a number or a text in quotation marks")
		}
		if i := strings.IndexByte(t.text, '"'); i >= 0 {
			return nil, s.fail(from+i, "a value with a quotation mark needs some around it, and \\ before it")
		}
		first, last = t.text[0] == '*', strings.HasSuffix(t.text, "*")
		if isNumber(t.text) {
			t.isNumber = true
			t.number, _ = number(t.text)
		}
	}
	if err != nil {
		return nil, err
	}
	t.wildcards(first, last)
	if !t.isNumber && t.op != eq && t.op != ne {
		return nil, s.fail(from, "%v needs a number behind it", t.op)
	}
	return t, nil
}

// bare reads a value that is not in quotation marks.
func (s *scanner) bare(stop string) string {
	from := s.at
	for !s.done() && strings.IndexByte(stop, s.text[s.at]) < 0 && s.text[s.at] > ' ' {
		if rest := s.text[s.at:]; strings.HasPrefix(rest, "&&") || strings.HasPrefix(rest, "||") {
			break
		}
		s.at++
	}
	return s.text[from:s.at]
}

// wildcards takes asterisks from the ends of the text. One within is itself.
func (t *test) wildcards(first, last bool) {
	if t.before = first; first {
		t.text = t.text[1:]
		if t.text == "" {
			t.after = true // an asterisk alone
			return
		}
	}
	if t.after = last; last {
		t.text = t.text[:len(t.text)-1]
	}
}

// String returns the test as it is written in a pattern of fields or of JSON.
func (t *test) String() string {
	s := " " + t.op.String() + " "
	switch {
	case t.re != nil:
		return s + "%" + t.expr + "%"
	case t.isNumber:
		return s + t.text
	}
	after := t.after && !(t.before && t.text == "") // an asterisk alone is both
	bare := star(t.before) + t.text + star(after)
	if strings.Trim(bare, plainChars+"*") == "" && strings.Trim(t.text, "*") == t.text && bare != "" && !isNumber(bare) {
		return s + bare
	}
	text := quote(t.text, true)
	return s + `"` + star(t.before) + text[1:len(text)-1] + star(after) + `"`
}

// plainChars are those of values that are printed without quotation marks.
const plainChars = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._:/-@+"

func star(is bool) string {
	if is {
		return "*"
	}
	return ""
}

// A node is a condition made of others, or a leaf.
type node struct {
	kind nodeKind
	kids []*node

	path []step // of a leaf in a pattern of JSON
	is   state  // of such a leaf
	test *test  // of a leaf, unless is says something else
}

type nodeKind uint8

const (
	leaf nodeKind = iota
	allOf
	anyOf
	noneOf
)

// condition reads conditions joined by || and &&, of which && binds closer. one reads what
// they are made of.
func (s *scanner) condition(one func() (*node, error)) (*node, error) {
	return s.joined(anyOf, "||", func() (*node, error) {
		return s.joined(allOf, "&&", func() (*node, error) { return s.unary(one) })
	})
}

func (s *scanner) joined(kind nodeKind, sign string, one func() (*node, error)) (*node, error) {
	first, err := one()
	if err != nil || !s.sees(sign) {
		return first, err
	}
	n := &node{kind: kind}
	n.add(first)
	for s.takes(sign) {
		next, err := one()
		if err != nil {
			return nil, err
		}
		n.add(next)
	}
	return n, nil
}

// add adds a condition, and those of one of the same kind itself.
func (n *node) add(kid *node) {
	if kid.kind == n.kind {
		n.kids = append(n.kids, kid.kids...)
	} else {
		n.kids = append(n.kids, kid)
	}
}

func (s *scanner) unary(one func() (*node, error)) (*node, error) {
	s.space()
	from := s.at
	negated := s.takes("!")
	if !s.takes("(") {
		if negated {
			return nil, s.fail(from, "! stands before a condition in parentheses only")
		}
		return one()
	}
	if s.depth++; s.depth > maxDepth {
		return nil, s.fail(from, "parentheses are too deep: %d may lie in each other", maxDepth)
	}
	n, err := s.condition(one)
	if err != nil {
		return nil, err
	}
	s.depth--
	if !s.takes(")") {
		return nil, s.fail(s.at, "%s is where ) belongs: close the parenthesis", s.near())
	}
	if negated {
		n = &node{kind: noneOf, kids: []*node{n}}
	}
	return n, nil
}

// text returns a condition; each leaf is written by leaf.
func (n *node) text(leafText func(*node) string) string {
	switch n.kind {
	case leaf:
		return leafText(n)
	case noneOf:
		return "!(" + n.kids[0].text(leafText) + ")"
	}
	sign := map[nodeKind]string{allOf: " && ", anyOf: " || "}[n.kind]
	var parts []string
	for _, kid := range n.kids {
		part := kid.text(leafText)
		if n.kind == allOf && kid.kind == anyOf {
			part = "(" + part + ")"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, sign)
}
