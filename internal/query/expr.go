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
		// Fields are the fields that are looked at: one, or several, such as
		// srcaddr and dstaddr, of which one has to meet the test. With Ne and NotIn
		// all that are there have to, and at least one is; with Is all.
		Fields []Column
		// Name is that of the one field, or what stands for several, such as "addr".
		Name   string
		Op     Op
		Values []Value // one; at least one with In and NotIn; none with Is and IsNot
	}
)

// A Column is a field of a record by name, so that fields that are not Amazon's can be
// asked for too. Their names are compared as loosely as Amazon's are typed: x-a is x_a.
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
	// Text is the value as it is printed, and for text fields what is compared.
	Text string

	// Lo and Hi are the numbers that an integer field may have: equal for a
	// single one. With an order (<, <=, >, >=) they are the beginning and the end of
	// what is meant, such as a day.
	Lo, Hi int64
	// Prefix are the addresses that an address field may have, unless Last is
	// set: then they are those from Prefix.Addr() to Last.
	Prefix netip.Prefix
	Last   netip.Addr
	// Wild says that Text is a pattern: * is any text, ? any character, and a
	// backslash takes such a meaning from the one after it.
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
	b.WriteString(e.name())
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
			b.WriteString(e.quote(v))
		}
		b.WriteByte(')')
	case Is, IsNot:
		b.WriteByte('-')
	default:
		b.WriteString(e.quote(e.Values[0]))
	}
	return b.String()
}

// name is the name in backticks if it is one that only a header made a field's.
func (e *Test) name() string {
	if len(e.Fields) == 1 && e.Fields[0].Field == record.None && !isExtension(e.Name) {
		return "`" + e.Name + "`"
	}
	return e.Name
}

// quote puts a value in quotation marks if it could not be read back without them.
func (e *Test) quote(v Value) string {
	bare := v.Text != "" && v.Text != "-" && !reserved[strings.ToLower(v.Text)]
	if e.Fields[0].Field.IsAddr() && !v.Prefix.IsValid() {
		bare = false // text that is no address has to look like it
	}
	for _, r := range v.Text {
		bare = bare && (plain(r) || v.Wild && (r == '*' || r == '?'))
	}
	if bare {
		return v.Text
	}
	escape := strings.NewReplacer(`"`, `\"`)
	if !v.Wild {
		escape = strings.NewReplacer(`"`, `\"`, `\`, `\\`, `*`, `\*`, `?`, `\?`)
	}
	return `"` + escape.Replace(v.Text) + `"`
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
