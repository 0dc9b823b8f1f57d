package query

import (
	"net/netip"
	"strings"

	"weir/record"
)

// An Expr is a condition on a record: an [*And], [*Or], [*Not] or [*Test].
type Expr interface {
	// String returns the condition as [Parse] reads it.
	String() string
}

type (
	// And holds if all of its parts do. It has two at least.
	And struct{ All []Expr }
	// Or holds if one of its parts does. It has two at least.
	Or struct{ Any []Expr }
	// Not holds if X does not.
	Not struct{ X Expr }

	// Test compares a field with values.
	Test struct {
		// Fields are the fields that are looked at, by name: one, or several, such
		// as srcaddr and dstaddr, of which one has to meet the test; with Ne and
		// NotIn all that are there, and at least one.
		Fields []Column
		// Name is what the user called Fields, such as "addr".
		Name   string
		Op     Op
		Values []Value // one, or any number with In and NotIn
	}
)

// A Column is a field of a record by name, so that fields that are not Amazon's can be
// asked for too.
type Column struct {
	Field record.Field // None for an extension
	Name  string       // as in a header, such as "tcp-flags"
}

// Op is what a test does.
type Op uint8

// Operators.
const (
	Eq    Op = iota // =
	Ne              // !=
	Lt              // <
	Le              // <=
	Gt              // >
	Ge              // >=
	In              // in (…)
	NotIn           // not in (…)
	Has             // has: all bits of tcp-flags
	Is              // is -: absent
	IsNot           // is not -: present
)

var opNames = [...]string{"=", "!=", "<", "<=", ">", ">=", "in", "not in", "has", "is", "is not"}

func (o Op) String() string { return opNames[o] }

// A Value is what a field is compared with. Which member counts depends on the field.
type Value struct {
	// Text is the value as it is printed.
	Text string

	// Lo and Hi are the numbers that an integer field may have: equal for a
	// single one.
	Lo, Hi int64
	// Prefix are the addresses that an address field may have, unless Last is
	// set: then they are those from Prefix.Addr() to Last.
	Prefix netip.Prefix
	Last   netip.Addr
	// Wild says that Text holds * for any text and ? for any character.
	Wild bool
}

func (e *And) String() string { return join(e.All, " and ") }
func (e *Or) String() string  { return join(e.Any, " or ") }

func (e *Not) String() string { return "not " + wrap(e.X) }

// wrap puts what has parts of its own in parentheses: every nesting is seen.
func wrap(e Expr) string {
	switch e.(type) {
	case *And, *Or:
		return "(" + e.String() + ")"
	}
	return e.String()
}

func join(all []Expr, with string) string {
	parts := make([]string, len(all))
	for i, e := range all {
		parts[i] = wrap(e)
	}
	return strings.Join(parts, with)
}

func (e *Test) String() string {
	var b strings.Builder
	b.WriteString(e.Name)
	b.WriteByte(' ')
	b.WriteString(e.Op.String())
	b.WriteByte(' ')
	switch e.Op {
	case In, NotIn:
		b.WriteByte('(')
		for i, v := range e.Values {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(quote(v.Text))
		}
		b.WriteByte(')')
	case Is, IsNot:
		b.WriteByte('-')
	default:
		b.WriteString(quote(e.Values[0].Text))
	}
	return b.String()
}

// quote puts a value in quotation marks if it could not be read back without them.
func quote(s string) string {
	if s != "" && s != "-" && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("._:/-*?@", r))
	}) < 0 && !reserved[strings.ToLower(s)] {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// reserved are the words that are no values without quotation marks.
var reserved = map[string]bool{"and": true, "or": true, "not": true, "in": true, "has": true, "is": true}

// Columns returns the fields that a condition looks at, each once; nil has none.
func Columns(e Expr) []Column {
	var out []Column
	seen := map[string]bool{}
	var walk func(Expr)
	walk = func(e Expr) {
		switch e := e.(type) {
		case *And:
			for _, x := range e.All {
				walk(x)
			}
		case *Or:
			for _, x := range e.Any {
				walk(x)
			}
		case *Not:
			walk(e.X)
		case *Test:
			for _, c := range e.Fields {
				if !seen[c.Name] {
					seen[c.Name] = true
					out = append(out, c)
				}
			}
		}
	}
	walk(e)
	return out
}
