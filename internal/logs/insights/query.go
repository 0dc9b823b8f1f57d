package insights

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of a query. Source: StartQuery, CloudWatch Logs API Reference, and "limit",
// CloudWatch Logs User Guide, read 2026-11-24.
const (
	MaxLength    = 10_000  // characters
	DefaultLimit = 10_000  // rows
	MaxLimit     = 100_000 // rows
)

// A Query is a query that was understood.
type Query struct {
	names   []string // of fields of events that it needs
	vars    int      // how many values it makes
	stages  []*stage // the last is of kind keep
	columns []column
	grouped bool // rows of the result are made by stats
	limited bool // it ends with a limit of its own
}

// A stage takes rows one by one through its steps, and then holds what it needs of them
// until all have come.
type stage struct {
	steps []step
	kind  stageKind

	order []key // of the rows that come out; the newest event or the first group if none decides
	limit int   // of keep; 0 is that of the run
	by    []expr
	slots []int // of stats: where the values of by and then of columns go

	columns    []expr // of stats
	aggregates []aggregate
}

type stageKind uint8

const (
	keep  stageKind = iota // the first rows
	dedup                  // the first row for each value of by
	stats                  // a group for each value of by
)

// A step says whether a row goes on; it may set values of it.
type step func(*row) bool

// A key is what rows are sorted by.
type key struct {
	eval func(*row) value
	desc bool
}

// A column is shown.
type column struct {
	name string
	eval func(*row) value
}

// slot returns the place of a field's name.
func (q *Query) slot(name string) int {
	i := slices.Index(q.names, name)
	if i < 0 {
		i = len(q.names)
		q.names = append(q.names, name)
	}
	return i
}

// A parser reads a query.
type parser struct {
	*lexer
	q     *Query
	stage *stage

	// scope has the names that the query has made, and where their values are.
	scope   map[string]int
	made    []column // of stats, with the text of each
	grouped bool

	columns   []column // of fields and display
	parsed    []column // of parse, shown if nothing else is said
	order     []key
	depth     int
	limitLast bool // a limit was the last that chose rows

	// aggregating says that it reads the functions of stats, inAggregate that it is within
	// one.
	aggregating, inAggregate bool

	// shadow says that only the text of an expression is wanted.
	shadow bool
}

// Parse reads a query. Its errors are of type [*SyntaxError].
func Parse(text string) (*Query, error) {
	p := &parser{lexer: &lexer{text: text}, q: &Query{}, stage: &stage{}, scope: map[string]int{}}
	if !utf8.ValidString(text) {
		return nil, p.fail(strings.IndexRune(text, utf8.RuneError), len(text), "the query is not UTF-8")
	}
	if utf8.RuneCountInString(text) > MaxLength {
		return nil, p.fail(0, len(text), "the query is too long: it may have %d characters", MaxLength)
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	if p.token.kind == end {
		return nil, p.fail(p.token.from, p.token.to, "the query is empty: write a command such as fields @timestamp, @message")
	}
	for {
		if err := p.command(); err != nil {
			return nil, err
		}
		if p.token.kind == end {
			break
		}
		if !p.token.is("|") {
			return nil, p.unexpected("| or the end of the query")
		}
		if err := p.next(); err != nil {
			return nil, err
		}
	}
	return p.finish(), nil
}

// finish adds the last stage and says what is shown.
func (p *parser) finish() *Query {
	q := p.q
	if q.limited = p.limitLast; !p.limitLast || len(p.stage.steps) > 0 {
		p.end(keep)
	}
	q.grouped, q.columns = p.grouped, p.columns
	switch {
	case len(q.columns) > 0:
	case q.grouped:
		q.columns = p.made
	default:
		for _, name := range []string{"@timestamp", "@message"} {
			e, _ := p.name(token{kind: word, text: name}) // it is always known
			q.columns = append(q.columns, column{name, e.eval})
		}
		q.columns = append(q.columns, p.parsed...)
	}
	return q
}

// end ends the current stage; another of the same order begins.
func (p *parser) end(kind stageKind) *stage {
	s := p.stage
	s.kind, s.order = kind, p.order
	p.q.stages = append(p.q.stages, s)
	p.stage = &stage{}
	p.limitLast = false
	return s
}

func (p *parser) add(s step) { p.stage.steps = append(p.stage.steps, s) }

// define returns the place of a new value.
func (p *parser) define(name string) int {
	slot := p.q.vars
	p.q.vars++
	p.scope[name] = slot
	return slot
}

// refused are commands of Amazon's that Weir does not run, and what to do instead.
var refused = map[string]string{
	"source":      "the log groups are parameters of StartQuery: name them there",
	"pattern":     "group by what is alike with parse and stats",
	"diff":        "run the query for both times",
	"anomaly":     "it is not known here",
	"unnest":      "name elements, such as list.0",
	"join":        "it is not known here",
	"lookup":      "it is not known here",
	"filterindex": "write filter",
	"tail":        "write sort and limit",
	"search":      "write filter @message like",
	"unmask":      "nothing is masked: leave it out",
	"order":       "write sort",
}

// command reads a command.
func (p *parser) command() error {
	t := p.token
	if t.kind != word {
		return p.unexpected("a command such as fields, filter or stats")
	}
	if err := p.next(); err != nil {
		return err
	}
	switch name := strings.ToLower(t.text); name {
	case "fields":
		return p.fields(false)
	case "display":
		return p.fields(true)
	case "filter", "where":
		e, err := p.expr()
		if eval := e.eval; err == nil {
			p.add(func(r *row) bool { return eval(r).true() })
			p.limitLast = false
		}
		return err
	case "stats":
		return p.stats()
	case "sort":
		return p.sort()
	case "limit", "head":
		return p.limit()
	case "dedup":
		return p.dedup()
	case "parse":
		return p.parse()
	default:
		if instead, ok := refused[name]; ok {
			return p.fail(t.from, t.to, "the command %s is not known to Weir: %s", t.text, instead)
		}
		return p.fail(t.from, t.to, "%q is not a command: there are fields, display, filter, stats, sort, limit, dedup and parse", clip(t.text))
	}
}

// named reads an expression, and the name behind as.
func (p *parser) named() (e expr, name string, alias bool, err error) {
	t := p.token
	if e, err = p.expr(); err != nil {
		return e, "", false, err
	}
	name = strings.Join(strings.Fields(p.text[t.from:p.last]), " ")
	if t.kind == ticked && p.last == t.to {
		name = t.text
	}
	if !p.token.is("as") {
		return e, name, false, nil
	}
	if err = p.next(); err != nil {
		return e, "", false, err
	}
	name, err = p.newName()
	return e, name, true, err
}

// newName reads a name that the query makes.
func (p *parser) newName() (string, error) {
	t := p.token
	if t.kind != word && t.kind != ticked {
		return "", p.unexpected("a name")
	}
	return t.text, p.next()
}

// comma goes past a comma, and reports whether there is one.
func (p *parser) comma() (bool, error) {
	if !p.token.is(",") {
		return false, nil
	}
	return true, p.next()
}

// fields reads what is shown. display replaces what was said before.
func (p *parser) fields(display bool) error {
	if display {
		p.columns = nil
	} else if p.grouped && len(p.columns) == 0 {
		p.columns = slices.Clone(p.made)
	}
	for more := true; more; {
		e, name, alias, err := p.named()
		if err != nil {
			return err
		}
		if alias {
			slot, eval := p.define(name), e.eval
			p.add(func(r *row) bool {
				r.vars[slot] = eval(r)
				return true
			})
			e.eval = func(r *row) value { return r.vars[slot] }
		}
		p.columns = slices.DeleteFunc(p.columns, func(c column) bool { return alias && c.name == name })
		if !slices.ContainsFunc(p.columns, func(c column) bool { return c.name == name }) {
			p.columns = append(p.columns, column{name, e.eval})
		}
		if more, err = p.comma(); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) sort() error {
	p.order = nil
	for more := true; more; {
		e, err := p.expr()
		if err != nil {
			return err
		}
		k := key{eval: e.eval, desc: p.token.is("desc")}
		if p.token.is("asc") || p.token.is("desc") {
			if err := p.next(); err != nil {
				return err
			}
		}
		p.order = append(p.order, k)
		if more, err = p.comma(); err != nil {
			return err
		}
	}
	p.limitLast = false
	return nil
}

func (p *parser) limit() error {
	t := p.token
	n, err := strconv.Atoi(t.text)
	if t.kind != number || err != nil || n < 1 || n > MaxLimit {
		return p.unexpected("a whole number from 1 to 100000")
	}
	if p.stage.kind == keep && len(p.stage.steps) == 0 && p.limitLast {
		n = min(n, p.q.stages[len(p.q.stages)-1].limit)
	}
	p.end(keep).limit = n
	p.limitLast = true
	return p.next()
}

func (p *parser) dedup() error {
	by, err := p.keys()
	if err != nil {
		return err
	}
	for _, e := range by {
		p.stage.by = append(p.stage.by, e.expr)
	}
	p.end(dedup)
	return nil
}

// A namedExpr is one that a column is called after.
type namedExpr struct {
	expr
	name string
}

// keys reads expressions with commas between them.
func (p *parser) keys() (list []namedExpr, err error) {
	for more := true; more; {
		e, name, _, err := p.named()
		if err != nil {
			return nil, err
		}
		list = append(list, namedExpr{e, name})
		if more, err = p.comma(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// stats reads aggregates and what they are grouped by.
func (p *parser) stats() error {
	p.aggregating = true
	selected, err := p.keys()
	p.aggregating = false
	if err != nil {
		return err
	}
	var by []namedExpr
	if p.token.is("by") {
		if err := p.next(); err != nil {
			return err
		}
		if by, err = p.keys(); err != nil {
			return err
		}
	}
	s := p.stage
	p.scope, p.made, p.grouped, p.columns, p.parsed = map[string]int{}, nil, true, nil, nil
	for i, e := range append(by, selected...) {
		slot := p.define(e.name)
		s.slots = append(s.slots, slot)
		p.made = append(p.made, column{e.name, func(r *row) value { return r.vars[slot] }})
		if i < len(by) {
			s.by = append(s.by, e.expr)
		} else {
			s.columns = append(s.columns, e.expr)
		}
	}
	for i, e := range append(by, selected...) {
		if _, ok := p.scope[e.text]; !ok { // so that sort finds bin(5m) however it is written
			p.scope[e.text] = s.slots[i]
		}
	}
	p.order = nil
	p.end(stats)
	return nil
}

// columnNames lists what stats makes, for an error.
func (p *parser) columnNames() string {
	var names []string
	for _, c := range p.made {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}
