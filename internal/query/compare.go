package query

import (
	"strings"

	"weir/record"
)

// operator reports whether an operator is next.
func (p *parser) operator() bool {
	t := p.peek()
	return symbolOp(t) || t.is("in") || t.is("has") || t.is("is") || t.is("not") && p.toks[p.next+1].is("in")
}

// symbolOp reports whether a token is = or one of its kind.
func symbolOp(t token) bool {
	_, ok := symbolOps[t.text]
	return ok && t.kind == symbol
}

var symbolOps = map[string]Op{"=": Eq, "!=": Ne, "<": Lt, "<=": Le, ">": Gt, ">=": Ge}

// comparison reads an operator and values.
func (p *parser) comparison(s subject) (Expr, error) {
	t := p.peek()
	if !p.operator() {
		if s.anything {
			return p.single(s, Eq)
		}
		return nil, p.noOperator(s, t)
	}
	p.next++
	switch {
	case t.is("in"):
		return p.list(s, In)
	case t.is("not"):
		p.next++
		return p.list(s, NotIn)
	case t.is("is"):
		op := Is
		if p.accept("not") {
			op = IsNot
		}
		if v := p.take(); !isNothing(v) {
			return nil, p.fail(v, "is and is not test whether there is a value: "+s.name+" is -, "+s.name+" is not -", "")
		}
		return s.with(op), nil
	case t.is("has"):
		if s.Field != record.TCPFlags {
			return nil, p.fail(t, "has tests the flags in tcp-flags", "")
		}
		return p.single(s, Has)
	}
	op := symbolOps[t.text]
	if op >= Lt && !s.IsInt() && s.Field != record.None {
		if s.Field.IsAddr() {
			return nil, p.fail(t, s.name+" is an address, which has no order: use =, !=, in or not in with a network or a range", "")
		}
		return nil, p.fail(t, s.name+" is text, which has no order: use =, !=, in or not in; * stands for any text", "")
	}
	return p.single(s, op)
}

// isNothing reports whether a token stands for no value after is.
func isNothing(t token) bool { return t.text == "-" || t.is("null") || t.is("absent") }

// noOperator says what is wanted after a field.
func (p *parser) noOperator(s subject, t token) error {
	want := "=, !=, in, not in or is"
	switch {
	case s.Field == record.TCPFlags:
		want = "has, =, !=, <, <=, >, >=, in, not in or is"
	case s.IsInt() || s.Field == record.None:
		want = "=, !=, <, <=, >, >=, in, not in or is"
	}
	want = "want an operator after " + s.name + ": " + want
	isValue := func(t token) bool {
		return t.kind == quoted || t.kind == word && !reserved[strings.ToLower(t.text)]
	}
	next := token{}
	if t.kind != end {
		next = p.toks[p.next+1]
	}
	switch {
	case t.is("not") && isValue(next):
		return p.fail(t, want, s.name+" != "+next.raw)
	case t.is("like") || t.is("contains") || t.is("matches"):
		return p.fail(t, want+"; * in a value stands for any text", "")
	case t.is("between"):
		return p.fail(t, want+"; a range is written 1000-2000", "")
	case isValue(t) && !isValue(next) && !next.is("("):
		return p.fail(t, want, s.name+" = "+t.raw)
	}
	return p.fail(t, want, "")
}

// single reads the one value of an operator.
func (p *parser) single(s subject, op Op) (Expr, error) {
	t := p.peek()
	if t.is("(") && (op == Eq || op == Ne) {
		return nil, p.fail(t, "several values are tested with "+map[Op]string{Eq: "in", Ne: "not in"}[op], "")
	}
	if t.text == "-" && (t.kind == word || t.kind == quoted) && (op == Eq || op == Ne) {
		p.next++
		return s.with(map[Op]Op{Eq: Is, Ne: IsNot}[op]), nil
	}
	v, span, err := p.value(s, true)
	if err != nil {
		return nil, err
	}
	switch {
	case span && op >= Lt && op <= Ge:
		return nil, p.fail(t, "a range has no order: use = or in, or one end of it", "")
	case op == Has && v.Lo == 0:
		return nil, p.fail(t, "that is no flag, which every value has: tcp-flags = 0 is for those without", "")
	case op == Has && v.Lo != v.Hi:
		return nil, p.fail(t, "has tests flags, not a range of numbers", "")
	case op >= Lt && op <= Ge && s.Field == record.None:
		// The values of extensions are text, but order makes them numbers.
		n, ok := digits(v.Text)
		if !ok {
			return nil, p.fail(t, "only numbers have an order", "")
		}
		v = Value{Text: v.Text, Lo: n, Hi: n}
	}
	return s.with(op, v), nil
}

// list reads the values of in: in parentheses, or separated by commas.
func (p *parser) list(s subject, op Op) (Expr, error) {
	open := p.peek()
	inside := p.accept("(")
	var values []Value
	for {
		if t := p.peek(); t.text == "-" && (t.kind == word || t.kind == quoted) {
			return nil, p.fail(t, "no value is not a value: write "+s.name+" is - or …", "")
		}
		v, _, err := p.value(s, false)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
		comma := p.accept(",")
		t := p.peek()
		switch {
		case inside && !comma && t.is(")"):
			p.next++
			return s.with(op, values...), nil
		case inside && t.kind == end:
			return nil, p.fail(open, "the parenthesis is not closed", "")
		case !inside && !comma:
			return s.with(op, values...), nil
		}
	}
}
