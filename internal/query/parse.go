package query

import (
	"net/netip"
	"strings"

	"weir/record"
)

const (
	maxNesting = 1000 // of parentheses and not, as they are typed
	maxDepth   = 400  // of the condition, which takes twice as many parentheses at most
)

// Parse reads a condition, the language of docs/formats/filter.md. The error is a
// [*SyntaxError]. What it returns prints itself in one form for all that can be typed,
// and Parse reads that back as the same.
func Parse(s string) (Expr, error) {
	toks, err := scan(s)
	if err != nil {
		return nil, err
	}
	p := &parser{input: s, toks: toks}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != end {
		return nil, p.unwanted(t)
	}
	if depth(e) > maxDepth {
		return nil, p.fail(toks[0], "the condition is nested too deeply", "")
	}
	return e, nil
}

// depth returns how many conditions are inside one another.
func depth(e Expr) int {
	n := 0
	switch e := e.(type) {
	case *And:
		for _, x := range e.All {
			n = max(n, depth(x))
		}
	case *Or:
		for _, x := range e.Any {
			n = max(n, depth(x))
		}
	case *Not:
		n = depth(e.X)
	}
	return n + 1
}

// A parser reads tokens; each of its methods reads what it is named after.
type parser struct {
	input string
	toks  []token
	next  int
	depth int
	// joined is the last And that was read without the word, such as tcp port 80.
	joined Expr
}

func (p *parser) peek() token { return p.toks[p.next] }

// take returns the next token, and stays at the last one.
func (p *parser) take() token {
	t := p.toks[p.next]
	if t.kind != end {
		p.next++
	}
	return t
}

// accept takes the next token if it is a keyword or symbol.
func (p *parser) accept(s string) bool {
	if p.peek().is(s) {
		p.next++
		return true
	}
	return false
}

func (p *parser) fail(t token, reason, suggest string) error {
	return &SyntaxError{Input: p.input, Column: t.column, Token: t.raw, Reason: reason, Suggest: suggest}
}

// unwanted says why a token cannot stand after a whole condition.
func (p *parser) unwanted(t token) error {
	switch {
	case t.is(")"):
		return p.fail(t, "no parenthesis is open", "")
	case t.is(","):
		return p.fail(t, "several values are tested with in, such as dstport in (22, 80)", "")
	}
	return p.fail(t, "want and, or, or the end", "")
}

func (p *parser) or() (Expr, error) {
	var all []Expr
	for {
		e, err := p.and()
		if err != nil {
			return nil, err
		}
		all = append(all, e)
		if !p.accept("or") {
			break
		}
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return &Or{all}, nil
}

func (p *parser) and() (Expr, error) {
	var all []Expr
	for {
		e, err := p.not()
		if err != nil {
			return nil, err
		}
		if and, ok := e.(*And); ok && e == p.joined {
			all = append(all, and.All...)
		} else {
			all = append(all, e)
		}
		if !p.accept("and") {
			break
		}
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return &And{all}, nil
}

func (p *parser) not() (Expr, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, p.fail(p.peek(), "the condition is nested too deeply", "")
	}
	defer func() { p.depth-- }()
	if p.accept("not") {
		x, err := p.not()
		if err != nil {
			return nil, err
		}
		return &Not{x}, nil
	}
	if open := p.peek(); p.accept("(") {
		e, err := p.or()
		if err != nil {
			return nil, err
		}
		if !p.accept(")") {
			if t := p.peek(); t.kind != end {
				return nil, p.unwanted(t)
			}
			return nil, p.fail(open, "the parenthesis is not closed", "")
		}
		p.joined = nil // what is in parentheses stays in them
		return e, nil
	}
	return p.test()
}

// subject is what a test looks at.
type subject struct {
	Column            // the field, or the first of them
	name     string   // as it is printed
	fields   []Column // all of them
	anything bool     // a value may follow without an operator
}

func fieldSubject(f record.Field, anything bool) subject {
	c := Column{f, f.Name()}
	return subject{Column: c, name: c.Name, fields: []Column{c}, anything: anything}
}

func endsSubject(name string) subject {
	s := subject{name: name, anything: true}
	for _, f := range ends[name] {
		s.fields = append(s.fields, Column{f, f.Name()})
	}
	s.Column = s.fields[0]
	return s
}

// with makes a test of the subject.
func (s subject) with(op Op, values ...Value) *Test {
	return &Test{Fields: s.fields, Name: s.name, Op: op, Values: values}
}

// test reads a comparison, or a word that stands for one.
func (p *parser) test() (Expr, error) {
	t := p.take()
	switch t.kind {
	case ticked:
		c, ok := columnOf(t.text, true)
		if !ok {
			return nil, p.fail(t, "not the name of a field: a letter, then letters, digits, - and _", "")
		}
		return p.comparison(subject{Column: c, name: c.Name, fields: []Column{c}})
	case word:
		return p.word(t)
	case end:
		return nil, p.fail(t, "want a condition, such as dstport = 22", "")
	}
	return nil, p.fail(t, "want a condition, which begins with the name of a field", "")
}

// word reads a test that begins with a word.
func (p *parser) word(t token) (Expr, error) {
	w := strings.ToLower(t.text)
	if reserved[w] {
		return nil, p.fail(t, "want a condition, such as dstport = 22", "")
	}
	switch w {
	case "src", "dst":
		return p.comparison(p.end(w))
	case "host", "net":
		return p.comparison(endsSubject("addr"))
	case "portrange":
		return p.comparison(endsSubject("port"))
	case "proto", "protocol":
		return p.comparison(fieldSubject(record.Protocol, true))
	}
	if w == "ip" && (p.operator() || strings.ContainsAny(p.peek().text, ".:")) {
		return p.comparison(endsSubject("addr"))
	}
	if net := networks[w]; net != "" && !p.operator() {
		s := endsSubject("addr")
		return p.join(s.with(Eq, Value{Text: net, Prefix: netip.MustParsePrefix(net)}))
	}
	if s, ok := short[w]; ok && !p.operator() {
		return fieldSubject(s.field, false).with(Eq, Value{Text: s.value}), nil
	}
	if n, ok := protocols[w]; ok && !p.operator() {
		return p.join(fieldSubject(record.Protocol, false).with(Eq, Value{Text: w, Lo: n, Hi: n}))
	}
	if ends[w] != nil {
		return p.comparison(endsSubject(w))
	}
	if name := aliases[w]; name != "" {
		w = name
	}
	if c, ok := columnOf(w, false); ok {
		return p.comparison(subject{Column: c, name: c.Name, fields: []Column{c}})
	}
	return nil, p.unknown(t)
}

// end reads what follows src or dst: port, host and the like. Without any it is the
// address.
func (p *parser) end(dir string) subject {
	addr, port, other := record.SrcAddr, record.SrcPort, "dst"
	if dir == "dst" {
		addr, port, other = record.DstAddr, record.DstPort, "src"
	}
	either := p.peek().is("or") && p.toks[p.next+1].is(other)
	if either {
		p.next += 2
	}
	name, f := "addr", addr
	switch {
	case p.accept("port"), p.accept("portrange"):
		name, f = "port", port
	case p.accept("host"), p.accept("net"), p.accept("addr"), p.accept("ip"):
	}
	if either {
		return endsSubject(name)
	}
	return fieldSubject(f, true)
}

// join reads what may follow a protocol without the word and: tcp port 80.
func (p *parser) join(first *Test) (Expr, error) {
	t := p.peek()
	for _, w := range [...]string{"src", "dst", "host", "net", "port", "portrange", "proto"} {
		if !t.is(w) {
			continue
		}
		second, err := p.test()
		if err != nil {
			return nil, err
		}
		p.joined = &And{[]Expr{first, second}}
		return p.joined, nil
	}
	return first, nil
}

// unknown says why a word is no condition.
func (p *parser) unknown(t token) error {
	if _, ok := digits(t.text); ok {
		return p.fail(t, "a number alone is no condition", "port = "+t.text)
	}
	if isAddress(t.text) {
		return p.fail(t, "an address alone is no condition", "addr = "+t.text)
	}
	for prefix, f := range map[string]record.Field{
		"eni-": record.InterfaceID, "i-": record.InstanceID, "vpc-": record.VPCID, "subnet-": record.SubnetID,
	} {
		if rest, ok := strings.CutPrefix(t.text, prefix); ok && strings.ContainsAny(rest, "0123456789") {
			return p.fail(t, "a value alone is no condition", f.Name()+" = "+t.text)
		}
	}
	if _, ok := services[strings.ToLower(t.text)]; ok && !p.operator() {
		return p.fail(t, "a service alone is no condition", "port = "+strings.ToLower(t.text))
	}
	reason, suggest := unknownName(t.text, true)
	return p.fail(t, reason, suggest)
}
