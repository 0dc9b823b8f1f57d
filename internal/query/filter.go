package query

import (
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
// what it found wrong on the way: a row with a bad value is not selected, whatever the
// rest of the condition says of it. Both are right until the next call.
func (f *Filter) Select(b *rows.Batch) (selected []int32, bad []rows.Bad) {
	for i := len(f.all); i < b.Rows; i++ {
		f.all = append(f.all, int32(i))
	}
	if f.root == nil {
		return f.all[:b.Rows], nil
	}
	f.bad = f.bad[:0]
	f.out = f.root.sel(b, f.all[:b.Rows], f.out[:0])
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

// testNode compares columns with values.
type testNode struct {
	filter *Filter
	test   *Test
	match  matcher

	dict  *rows.Column // the one that table is of
	table []bool
}

// A matcher says whether a value, as it stands in a line and not absent, meets a test.
type matcher interface {
	text(v []byte) (bool, error)
	number(v int64) bool
}

func compileTest(e *Test, f *Filter) node {
	var any []node
	for _, c := range e.Fields {
		one := *e
		one.Fields = []Column{c}
		any = append(any, &testNode{filter: f, test: &one, match: newMatcher(&one)})
	}
	if len(any) == 1 {
		return any[0]
	}
	if e.Op == Ne || e.Op == NotIn {
		return &everyNode{any}
	}
	return &orNode{any: any}
}

// everyNode holds where all columns that have a value match, and one has.
type everyNode struct{ all []node }

func (n *everyNode) sel(b *rows.Batch, in, out []int32) []int32 {
	// Rows that some column refuses; absent values refuse nothing.
	keep := append([]int32(nil), in...)
	var present []int32
	for _, x := range n.all {
		t := x.(*testNode)
		col := t.column(b)
		hits := t.sel(b, in, nil)
		var refused []int32
		if col != nil {
			for _, row := range without(nil, in, hits) {
				if !rows.Absent(col.Bytes(int(row), nil)) {
					refused = append(refused, row)
				}
			}
		}
		keep = without(keep[:0], keep, intersect(keep, refused))
		present = union(present, hits)
	}
	return append(out, intersect(keep, present)...)
}

func intersect(a, b []int32) (out []int32) {
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			a = a[1:]
		case a[0] > b[0]:
			b = b[1:]
		default:
			out, a, b = append(out, a[0]), a[1:], b[1:]
		}
	}
	return out
}

func union(a, b []int32) []int32 {
	return merge(nil, a, without(nil, b, intersect(a, b)))
}

// column returns the column that a test with one field looks at; nil if there is none.
func (n *testNode) column(b *rows.Batch) *rows.Column {
	i := n.test.Fields[0].Index(b.Format)
	if i < 0 || b.Columns[i].Kind == rows.Missing {
		return nil
	}
	return &b.Columns[i]
}

// Index returns where a format has the column, -1 if it does not.
func (c Column) Index(f record.Format) int {
	if c.Field != record.None {
		return f.Index(c.Field)
	}
	for i := range f.Len() {
		if f.Field(i) == record.None && f.Name(i) == c.Name {
			return i
		}
	}
	return -1
}

func (n *testNode) sel(b *rows.Batch, in, out []int32) []int32 {
	col := n.column(b)
	switch n.test.Op {
	case Is, IsNot:
		return n.selAbsent(col, in, out)
	}
	if col == nil {
		return out
	}
	switch col.Kind {
	case rows.Text:
		return n.selText(col, in, out)
	case rows.Ints:
		for _, row := range in {
			if v := col.Ints[row]; v != rows.Null && n.match.number(v) {
				out = append(out, row)
			}
		}
	case rows.Dict:
		n.fill(col.Values)
		for _, row := range in {
			if code := col.Codes[row]; code != rows.NullCode && n.table[code] {
				out = append(out, row)
			}
		}
	}
	return out
}

func (n *testNode) selAbsent(col *rows.Column, in, out []int32) []int32 {
	for _, row := range in {
		absent := col == nil
		if !absent {
			switch col.Kind {
			case rows.Text:
				absent = rows.Absent(col.Text(int(row)))
			case rows.Ints:
				absent = col.Ints[row] == rows.Null
			case rows.Dict:
				absent = col.Codes[row] == rows.NullCode
			}
		}
		if absent == (n.test.Op == Is) {
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
			n.filter.bad = append(n.filter.bad, rows.Bad{Row: int(row), Name: n.test.Fields[0].Name, Reason: err})
		} else if ok {
			out = append(out, row)
		}
	}
	return out
}

// fill says of each entry of a dictionary whether it matches, once.
func (n *testNode) fill(dict *rows.Column) {
	if n.dict == dict {
		return
	}
	n.dict, n.table = dict, n.table[:0]
	for i := range dict.Len() {
		v := dict.Text(i)
		ok, err := n.match.text(v)
		n.table = append(n.table, ok && err == nil && !rows.Absent(v))
	}
}
