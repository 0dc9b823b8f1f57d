package insights

import (
	"math"
	"regexp"
	"regexp/syntax"
	"strings"
)

// An expr is an expression, ready to be evaluated.
type expr struct {
	eval func(*row) value
	text string // the same for all ways to write it

	// literal says that it is a text or a number, which is value.
	literal bool
	value   value
}

func literal(v value, text string) expr {
	return expr{eval: func(*row) value { return v }, text: text, literal: true, value: v}
}

// maxDepth is how deep expressions may lie in each other.
const maxDepth = 100

// expr reads an expression: or, and, not, comparisons, sums, products, powers, in the order
// in which they bind closer.
func (p *parser) expr() (expr, error) {
	if p.depth++; p.depth > maxDepth {
		return expr{}, p.fail(p.token.from, p.token.to, "the expression is too deep: %d may lie in each other", maxDepth)
	}
	defer func() { p.depth-- }()
	return p.joined("or", func() (expr, error) { return p.joined("and", p.not) })
}

func (p *parser) joined(word string, part func() (expr, error)) (expr, error) {
	a, err := part()
	for err == nil && p.token.is(word) {
		if err = p.next(); err != nil {
			break
		}
		var b expr
		if b, err = part(); err != nil {
			break
		}
		left, right := a.eval, b.eval
		a = expr{text: "(" + a.text + " " + word + " " + b.text + ")"}
		if word == "or" {
			a.eval = func(r *row) value { return boolOf(left(r).true() || right(r).true()) }
		} else {
			a.eval = func(r *row) value { return boolOf(left(r).true() && right(r).true()) }
		}
	}
	return a, err
}

func (p *parser) not() (expr, error) {
	if !p.token.is("not") {
		return p.comparison()
	}
	if p.depth++; p.depth > maxDepth {
		return expr{}, p.fail(p.token.from, p.token.to, "the expression is too deep: %d may lie in each other", maxDepth)
	}
	defer func() { p.depth-- }()
	if err := p.next(); err != nil {
		return expr{}, err
	}
	a, err := p.not()
	return negated(a), err
}

func negated(a expr) expr {
	eval := a.eval
	return expr{text: "(not " + a.text + ")", eval: func(r *row) value { return boolOf(!eval(r).true()) }}
}

func (p *parser) comparison() (expr, error) {
	a, err := p.sum()
	if err != nil {
		return a, err
	}
	op := p.token
	opposite := op.is("not")
	if opposite {
		if err := p.next(); err != nil {
			return a, err
		}
		if op = p.token; !op.is("like") && !op.is("in") {
			return a, p.unexpected("like or in")
		}
	}
	switch {
	case op.is("like"), op.is("=~"):
		a, err = p.like(a)
	case op.is("in"):
		a, err = p.in(a)
	case op.kind == symbol && strings.Contains(" = != < <= > >= ", " "+op.text+" "):
		if err = p.next(); err != nil {
			return a, err
		}
		var b expr
		if b, err = p.sum(); err == nil {
			a = compared(a, op.text, b)
		}
	}
	if opposite {
		a = negated(a)
	}
	return a, err
}

func compared(a expr, op string, b expr) expr {
	left, right := a.eval, b.eval
	e := expr{text: "(" + a.text + " " + op + " " + b.text + ")"}
	order := func(holds func(int) bool) func(r *row) value {
		return func(r *row) value {
			x, y := left(r), right(r)
			return boolOf(ordered(x, y) && holds(compare(x, y)))
		}
	}
	switch op {
	case "=":
		e.eval = func(r *row) value { return boolOf(equal(left(r), right(r))) }
	case "!=":
		e.eval = func(r *row) value { return boolOf(!equal(left(r), right(r))) }
	case "<":
		e.eval = order(func(c int) bool { return c < 0 })
	case "<=":
		e.eval = order(func(c int) bool { return c <= 0 })
	case ">":
		e.eval = order(func(c int) bool { return c > 0 })
	case ">=":
		e.eval = order(func(c int) bool { return c >= 0 })
	}
	return e
}

// like reads what a value is like: a text that it contains, or a regular expression.
func (p *parser) like(a expr) (expr, error) {
	if err := p.next(); err != nil {
		return a, err
	}
	eval, t := a.eval, p.token
	switch {
	case t.kind == quoted:
		return expr{text: "(" + a.text + " like " + quote(t.text) + ")", eval: func(r *row) value {
			v := eval(r)
			return boolOf(v.kind != absent && strings.Contains(v.String(), t.text))
		}}, p.next()
	case t.is("/"):
		re, source, err := p.compiled()
		if err != nil {
			return a, err
		}
		matches := re.MatchString
		if prefix, whole := re.LiteralPrefix(); whole {
			matches = func(s string) bool { return strings.Contains(s, prefix) }
		}
		return expr{text: "(" + a.text + " like /" + source + "/)", eval: func(r *row) value {
			v := eval(r)
			return boolOf(v.kind != absent && matches(v.String()))
		}}, nil
	}
	return a, p.unexpected("a text in quotation marks or a /regular expression/")
}

// compiled reads a regular expression, which the current token begins.
func (p *parser) compiled() (*regexp.Regexp, string, error) {
	from := p.token.from
	source, err := p.regexp()
	if err != nil {
		return nil, "", err
	}
	re, err := regexp.Compile(source)
	if err != nil {
		reason := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		return nil, "", p.fail(from, p.last, "%s: write it as Go's package regexp knows it, without looking around", reason)
	}
	if parsed, err := syntax.Parse(source, syntax.Perl); err == nil {
		if prog, err := syntax.Compile(parsed.Simplify()); err == nil && len(prog.Inst) > maxSteps {
			return nil, "", p.fail(from, p.last, "the regular expression is too large: write smaller counts in braces")
		}
	}
	return re, source, nil
}

// maxSteps bounds how many steps a regular expression takes for each character.
const maxSteps = 5000

// in reads a list in brackets.
func (p *parser) in(a expr) (expr, error) {
	if err := p.next(); err != nil {
		return a, err
	}
	closing := "]"
	if p.token.is("(") {
		closing = ")"
	} else if !p.token.is("[") {
		return a, p.unexpected("a list in brackets")
	}
	list, text, err := p.list(closing)
	if err != nil {
		return a, err
	}
	left := a.eval
	return expr{text: "(" + a.text + " in [" + text + "])", eval: func(r *row) value {
		v := left(r)
		for i := range list {
			if equal(v, list[i].eval(r)) {
				return boolOf(true)
			}
		}
		return boolOf(false)
	}}, nil
}

// list reads expressions up to a closing bracket; the current token is the opening one.
func (p *parser) list(closing string) (list []expr, text string, err error) {
	if err = p.next(); err != nil {
		return nil, "", err
	}
	if p.token.is(closing) {
		return nil, "", p.next()
	}
	var texts []string
	for {
		e, err := p.expr()
		if err != nil {
			return nil, "", err
		}
		list, texts = append(list, e), append(texts, e.text)
		if p.token.is(closing) {
			return list, strings.Join(texts, ", "), p.next()
		}
		if !p.token.is(",") {
			return nil, "", p.unexpected(", or " + closing)
		}
		if err := p.next(); err != nil {
			return nil, "", err
		}
	}
}

func (p *parser) sum() (expr, error) {
	return p.arithmetic("+-", func() (expr, error) { return p.arithmetic("*/%", p.power) })
}

func (p *parser) arithmetic(ops string, part func() (expr, error)) (expr, error) {
	a, err := part()
	for err == nil && p.token.kind == symbol && len(p.token.text) == 1 && strings.Contains(ops, p.token.text) {
		op := p.token.text[0]
		if err = p.next(); err != nil {
			break
		}
		var b expr
		if b, err = part(); err == nil {
			a = calculated(a, op, b)
		}
	}
	return a, err
}

func (p *parser) power() (expr, error) {
	a, err := p.signed()
	if err != nil || !p.token.is("^") {
		return a, err
	}
	if p.depth++; p.depth > maxDepth {
		return a, p.fail(p.token.from, p.token.to, "the expression is too deep: %d may lie in each other", maxDepth)
	}
	defer func() { p.depth-- }()
	if err = p.next(); err != nil {
		return a, err
	}
	b, err := p.power()
	return calculated(a, '^', b), err
}

func (p *parser) signed() (expr, error) {
	if !p.token.is("-") {
		return p.primary()
	}
	if p.depth++; p.depth > maxDepth {
		return expr{}, p.fail(p.token.from, p.token.to, "the expression is too deep: %d may lie in each other", maxDepth)
	}
	defer func() { p.depth-- }()
	if err := p.next(); err != nil {
		return expr{}, err
	}
	a, err := p.signed()
	if err != nil {
		return a, err
	}
	if a.literal && a.value.kind == numeric {
		return literal(numberOf(-a.value.f), "-"+a.text), nil
	}
	a = calculated(literal(numberOf(0), "0"), '-', a)
	return a, nil
}

// calculated returns the number that two make, absent if one of them is none.
func calculated(a expr, op byte, b expr) expr {
	f := map[byte]func(x, y float64) float64{
		'+': func(x, y float64) float64 { return x + y },
		'-': func(x, y float64) float64 { return x - y },
		'*': func(x, y float64) float64 { return x * y },
		'/': func(x, y float64) float64 { return x / y },
		'%': math.Mod,
		'^': math.Pow,
	}[op]
	left, right := a.eval, b.eval
	return expr{text: "(" + a.text + " " + string(op) + " " + b.text + ")", eval: func(r *row) value {
		x, isX := left(r).number()
		y, isY := right(r).number()
		if !isX || !isY {
			return value{}
		}
		return numberOf(f(x, y))
	}}
}

// primary reads a text, a number, a name, a call or an expression in parentheses.
func (p *parser) primary() (expr, error) {
	t := p.token
	switch {
	case t.kind == quoted:
		return literal(textOf(t.text), quote(t.text)), p.next()
	case t.kind == number:
		f, _ := parseNumber(t.text)
		return literal(numberOf(f), t.text), p.next()
	case t.kind == period:
		return expr{}, p.fail(t.from, t.to, "%q is a period, which only bin, datefloor and dateceil take", t.text)
	case t.is("("):
		if err := p.next(); err != nil {
			return expr{}, err
		}
		e, err := p.expr()
		if err != nil {
			return e, err
		}
		if !p.token.is(")") {
			return e, p.unexpected(")")
		}
		return e, p.next()
	case t.kind == ticked:
		if err := p.next(); err != nil {
			return expr{}, err
		}
		return p.name(t)
	case t.kind != word:
		return expr{}, p.unexpected("a field, a value or a function")
	}
	if err := p.next(); err != nil {
		return expr{}, err
	}
	if p.token.is("(") {
		return p.call(t)
	}
	if t.is("true") || t.is("false") {
		return literal(boolOf(t.is("true")), strings.ToLower(t.text)), nil
	}
	return p.name(t)
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// name finds what a name stands for: what the query has made, or a field of an event.
func (p *parser) name(t token) (expr, error) {
	if p.aggregating && !p.inAggregate {
		return expr{}, p.fail(t.from, t.to, "%q stands outside of a function such as sum(): name it behind by, or write sum(%s)", t.text, t.text)
	}
	e := expr{text: t.text}
	if t.kind == ticked {
		e.text = "`" + t.text + "`"
	}
	if p.shadow {
		return e, nil
	}
	if slot, ok := p.scope[t.text]; ok {
		e.eval = func(r *row) value { return r.vars[slot] }
		return e, nil
	}
	if p.grouped {
		return expr{}, p.fail(t.from, t.to, "%q is not a field after stats: what stats makes is %s", t.text, p.columnNames())
	}
	switch t.text {
	case "@timestamp":
		e.eval = func(r *row) value { return timeOf(float64(r.event.Time)) }
	case "@ingestionTime":
		e.eval = func(r *row) value { return timeOf(float64(r.event.Ingested)) }
	case "@message":
		e.eval = func(r *row) value { return textOf(r.event.Message) }
	case "@logStream":
		e.eval = func(r *row) value { return textOf(r.event.Stream) }
	case "@log":
		e.eval = func(r *row) value { return textOf(r.source.log) }
	case "@ptr":
		e.eval = func(r *row) value { return textOf(r.pointer()) }
	default:
		slot := p.q.slot(t.text)
		names := &p.q.names // it still grows
		e.eval = func(r *row) value { return r.field(slot, *names) }
	}
	return e, nil
}

// pointer is what @ptr says of an event.
func (r *row) pointer() string {
	return Pointer{Group: r.source.name, Stream: r.event.Stream, Position: r.event.Position}.String()
}
