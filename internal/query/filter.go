package query

import (
	"math"
	"slices"

	"weir/internal/rows"
	"weir/record"
)

// A Filter says which rows of batches meet a condition. It belongs to one goroutine.
type Filter struct {
	root node
	all  []int32 // 0, 1, 2, …
	out  []int32
	bad  []rows.Bad
}

// Compile returns a filter for a condition; nil selects everything.
func Compile(e Expr) *Filter {
	f := &Filter{}
	if e != nil {
		f.root = compile(e, f)
	}
	return f
}

// Select returns the numbers of the rows of b that meet the condition, in order, and
// what it found wrong on the way: a row in which a test met a bad value is not
// selected, whatever the rest of the condition says of it. Tests are made from left to
// right, and only on rows for which those before have not settled and, or or the ends
// of addr; other values are not looked at. Both results are right until the next call.
func (f *Filter) Select(b *rows.Batch) (selected []int32, bad []rows.Bad) {
	for i := len(f.all); i < b.Rows; i++ {
		f.all = append(f.all, int32(i))
	}
	return f.Among(b, f.all[:b.Rows])
}

// Among is [Filter.Select] of some rows of b only, given in order.
func (f *Filter) Among(b *rows.Batch, some []int32) (selected []int32, bad []rows.Bad) {
	if f.root == nil {
		return some, nil
	}
	f.bad = f.bad[:0]
	f.out = f.root.sel(b, some, f.out[:0])
	if len(f.bad) > 0 {
		slices.SortStableFunc(f.bad, func(x, y rows.Bad) int { return x.Row - y.Row })
		f.bad = slices.CompactFunc(f.bad, func(x, y rows.Bad) bool { return x.Row == y.Row })
		i := 0
		f.out = slices.DeleteFunc(f.out, func(row int32) bool {
			for i < len(f.bad) && f.bad[i].Row < int(row) {
				i++
			}
			return i < len(f.bad) && f.bad[i].Row == int(row)
		})
	}
	return f.out, f.bad
}

// A node appends those rows of in that meet its part of the condition to out. Both are
// in order.
type node interface {
	sel(b *rows.Batch, in, out []int32) []int32
}

func compile(e Expr, f *Filter) node {
	switch e := e.(type) {
	case *And:
		n := &andNode{}
		for _, x := range e.All {
			n.all = append(n.all, compile(x, f))
		}
		return n
	case *Or:
		n := &orNode{}
		for _, x := range e.Any {
			n.any = append(n.any, compile(x, f))
		}
		return n
	case *Not:
		return &notNode{x: compile(e.X, f)}
	case *Test:
		return compileTest(e, f)
	}
	panic("query: an Expr of another package")
}

type andNode struct {
	all  []node
	temp [2][]int32
}

func (n *andNode) sel(b *rows.Batch, in, out []int32) []int32 {
	for i, x := range n.all {
		if i == len(n.all)-1 {
			return x.sel(b, in, out)
		}
		in = x.sel(b, in, n.temp[i&1][:0])
		n.temp[i&1] = in
	}
	return out
}

type orNode struct {
	any        []node
	hits, rest []int32
	union      [2][]int32
}

func (n *orNode) sel(b *rows.Batch, in, out []int32) []int32 {
	n.rest = append(n.rest[:0], in...)
	n.union[0] = n.union[0][:0]
	for _, x := range n.any {
		n.hits = x.sel(b, n.rest, n.hits[:0])
		n.rest = without(n.rest[:0], n.rest, n.hits)
		n.union[1] = merge(n.union[1][:0], n.union[0], n.hits)
		n.union[0], n.union[1] = n.union[1], n.union[0]
	}
	return append(out, n.union[0]...)
}

type notNode struct {
	x    node
	hits []int32
}

func (n *notNode) sel(b *rows.Batch, in, out []int32) []int32 {
	n.hits = n.x.sel(b, in, n.hits[:0])
	return without(out, in, n.hits)
}

// without appends all of a that is not in b, both in order, b a part of a. What it
// appends to may be a[:0].
func without(out, a, b []int32) []int32 {
	for _, row := range a {
		if len(b) > 0 && b[0] == row {
			b = b[1:]
			continue
		}
		out = append(out, row)
	}
	return out
}

// merge appends the rows of a and b in order; none is in both.
func merge(out, a, b []int32) []int32 {
	for len(a) > 0 && len(b) > 0 {
		if a[0] < b[0] {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// testNode compares a column with values.
type testNode struct {
	filter *Filter
	test   *Test // of one field
	match  matcher
	max    uint64 // of a number

	bound  bool
	format record.Format // that at is of
	at     int           // where the column is, -1 if the format does not have it

	known []verdict // of the entries of a dictionary, for one batch
}

// A verdict is what is known of an entry of a dictionary.
type verdict uint8

const (
	unknown verdict = iota
	yes
	no
	wrong
)

// A matcher says whether a value, as it stands in a line and not absent, meets a test.
type matcher interface {
	text(v []byte) (bool, error)
	number(v int64) bool // of a number that is not negative
}

// compileTest makes the tests of several fields of tests of one:
//
//	addr = x     srcaddr = x or dstaddr = x
//	addr != x    (srcaddr is not - or dstaddr is not -) and not addr = x
//	addr is -    srcaddr is - and dstaddr is -
func compileTest(e *Test, f *Filter) node {
	if len(e.Fields) == 1 {
		return newTestNode(e, f)
	}
	var parts []node
	for _, c := range e.Fields {
		one := *e
		one.Fields, one.Name = []Column{c}, c.Name
		parts = append(parts, newTestNode(&one, f))
	}
	switch e.Op {
	case Is:
		return &andNode{all: parts}
	case Ne, NotIn:
		there, equal := *e, *e
		there.Op, equal.Op = IsNot, In
		return &andNode{all: []node{compileTest(&there, f), &notNode{x: compileTest(&equal, f)}}}
	}
	return &orNode{any: parts}
}

func newTestNode(e *Test, f *Filter) *testNode {
	n := &testNode{filter: f, test: e, match: newMatcher(e), max: math.MaxInt64}
	if c := e.Fields[0]; c.IsInt() {
		n.max = uint64(c.Field.Max())
	}
	return n
}

// column returns the column that the test looks at; nil if there is none.
func (n *testNode) column(b *rows.Batch) *rows.Column {
	if !n.bound || !n.format.Equal(b.Format) {
		n.bound, n.format, n.at = true, b.Format, n.test.Fields[0].Index(b.Format)
	}
	if n.at < 0 || b.Columns[n.at].Kind == rows.Missing {
		return nil
	}
	return &b.Columns[n.at]
}

// Index returns where a format has the column, -1 if it does not.
func (c Column) Index(f record.Format) int {
	if c.Field != record.None {
		return f.Index(c.Field)
	}
	name := looseName(c.Name)
	for i := range f.Len() {
		if f.Field(i) == record.None && looseName(f.Name(i)) == name {
			return i
		}
	}
	return -1
}

func (n *testNode) sel(b *rows.Batch, in, out []int32) []int32 {
	col := n.column(b)
	if n.test.Op == Is || n.test.Op == IsNot {
		return n.selAbsent(col, in, out)
	}
	if col == nil {
		return out
	}
	switch col.Kind {
	case rows.Text:
		return n.selText(col, in, out)
	case rows.Ints:
		return n.selInts(col, in, out)
	case rows.Dict:
		return n.selDict(col, in, out)
	}
	return out
}

func (n *testNode) selAbsent(col *rows.Column, in, out []int32) []int32 {
	for _, row := range in {
		if (col == nil || col.Absent(int(row))) == (n.test.Op == Is) {
			out = append(out, row)
		}
	}
	return out
}

func (n *testNode) selText(col *rows.Column, in, out []int32) []int32 {
	// One word to compare with is the usual case, and much faster by itself.
	if m, ok := n.match.(*textMatcher); ok && m.only != nil {
		only, negate := m.only, m.negate
		for _, row := range in {
			// Most values are not as long as the word, and so not it.
			if k := int(row)*col.Stride + col.At; !negate && int(col.Ends[k+1]-col.Ends[k]) != len(only)+1 {
				continue
			}
			v := col.Text(int(row))
			if string(v) == string(only) != negate && !rows.Absent(v) {
				out = append(out, row)
			}
		}
		return out
	}
	for _, row := range in {
		v := col.Text(int(row))
		if rows.Absent(v) {
			continue
		}
		ok, err := n.match.text(v)
		if err != nil {
			n.refuse(row, err)
		} else if ok {
			out = append(out, row)
		}
	}
	return out
}

func (n *testNode) selInts(col *rows.Column, in, out []int32) []int32 {
	for _, row := range in {
		switch v := col.Ints[row]; {
		case v == rows.Null:
		case uint64(v) > n.max: // negative ones too
			n.refuse(row, record.ErrRange)
		case n.match.number(v):
			out = append(out, row)
		}
	}
	return out
}

// selDict looks at each entry of the dictionary once at most. What it finds is not
// kept: the next batch may have another dictionary in the same place.
func (n *testNode) selDict(col *rows.Column, in, out []int32) []int32 {
	if size := col.Values.Len(); cap(n.known) < size {
		n.known = make([]verdict, size)
	} else {
		n.known = n.known[:size]
		clear(n.known)
	}
	for _, row := range in {
		code := col.Codes[row]
		if code == rows.NullCode {
			continue
		}
		k := n.known[code]
		if k == unknown {
			k, _ = n.judge(col.Values.Text(int(code)))
			n.known[code] = k
		}
		switch k {
		case yes:
			out = append(out, row)
		case wrong:
			_, err := n.judge(col.Values.Text(int(code)))
			n.refuse(row, err)
		}
	}
	return out
}

func (n *testNode) judge(v []byte) (verdict, error) {
	if rows.Absent(v) {
		return no, nil
	}
	switch ok, err := n.match.text(v); {
	case err != nil:
		return wrong, err
	case ok:
		return yes, nil
	}
	return no, nil
}

// refuse notes that a row has a bad value.
func (n *testNode) refuse(row int32, err error) {
	n.filter.bad = append(n.filter.bad, rows.Bad{Row: int(row), Name: n.test.Fields[0].Name, Reason: err})
}
