package vpc

import (
	"encoding"
	"fmt"
	"path"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// A decoder fills structs from a YAML tree. It is stricter than that of the
// library, which stops at the first error and reads an account of 012… as an
// octal number: all problems are found in one go, each with its place, and a
// value is the text that was written.
type decoder struct {
	problems []Problem
	anchors  map[string]ast.Node
	places   map[string]ast.Node // path of a value: where it was written
	budget   int                 // nodes that may still be visited; aliases multiply
}

func newDecoder() *decoder {
	return &decoder{anchors: make(map[string]ast.Node), places: make(map[string]ast.Node), budget: maxNodes}
}

// maxNodes is how many values a configuration can have, aliases counted as
// often as they are used.
const maxNodes = 1 << 18

func (d *decoder) problem(n ast.Node, at, format string, args ...any) {
	d.problems = append(d.problems, newProblem(tokenOf(n), at, fmt.Sprintf(format, args...)))
}

func tokenOf(n ast.Node) *token.Token {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		return tokenOf(m.Values[0])
	}
	if v, ok := n.(*ast.MappingValueNode); ok && v.Key != nil {
		return v.Key.GetToken()
	}
	if n == nil || reflect.ValueOf(n).IsNil() {
		return nil
	}
	return n.GetToken()
}

// collect finds the anchors of a tree.
type collect map[string]ast.Node

func (c collect) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok && a.Name != nil && a.Value != nil {
		c[a.Name.String()] = a.Value
	}
	return c
}

// bare returns the value behind anchors, aliases and tags; nil if there is none.
func (d *decoder) bare(n ast.Node, at string) ast.Node {
	for range 32 {
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.TagNode:
			n = v.Value
		case *ast.AliasNode:
			target, ok := d.anchors[v.Value.String()]
			if !ok {
				d.problem(n, at, "no anchor &%s in the file", v.Value)
				return nil
			}
			n = target
		case nil, *ast.NullNode:
			return nil
		default:
			return n
		}
	}
	d.problem(n, at, "an alias that leads to itself")
	return nil
}

func (d *decoder) value(n ast.Node, v reflect.Value, tag reflect.StructTag, at string) {
	if d.budget--; d.budget < 0 {
		if d.budget == -1 {
			d.problem(n, at, "more than %d values", maxNodes)
		}
		return
	}
	written := n
	n = d.bare(n, at)
	d.places[at] = written
	if n == nil {
		return // a key without a value says nothing
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), tag, at)
		d.places[at] = written
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if text, ok := d.scalar(n, at); ok {
			if err := u.UnmarshalText([]byte(text)); err != nil {
				d.problem(written, at, "%v", err)
			}
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.mapping(n, v, at)
	case reflect.Slice:
		d.sequence(n, v, tag, at)
	case reflect.Map:
		d.tags(n, v, at)
	default:
		if text, ok := d.scalar(n, at); ok {
			d.plain(written, text, v, tag, at)
		}
	}
}

// pairs returns the entries of a mapping, which the parser gives in two forms.
func (d *decoder) pairs(n ast.Node, at string) []*ast.MappingValueNode {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}
	}
	d.problem(n, at, "%s, want keys with values", kindOf(n))
	return nil
}

func (d *decoder) mapping(n ast.Node, v reflect.Value, at string) {
	fields := keysOf(v.Type())
	seen := make(map[string]bool)
	for _, p := range d.pairs(n, at) {
		key := keyText(p)
		f, ok := fields.byKey[key]
		switch {
		case key == "<<":
			d.problem(p, at, "merging with << is not supported: repeat the keys, or use an alias for a whole value")
		case !ok:
			d.problem(p, join(at, key), "unknown key %q: %s", key, didYouMean(key, fields.keys))
		case seen[key]:
			d.problem(p, join(at, key), "key %q is given twice", key)
		default:
			seen[key] = true
			d.value(p.Value, v.FieldByIndex(f.Index), f.Tag, join(at, key))
		}
	}
	for _, key := range fields.keys {
		if fields.byKey[key].Tag.Get("required") != "" && !seen[key] {
			d.problem(n, at, "key %q is missing", key)
		}
	}
}

func (d *decoder) sequence(n ast.Node, v reflect.Value, tag reflect.StructTag, at string) {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		d.problem(n, at, "%s, want a list: lines that begin with \"- \", or [ ]", kindOf(n))
		return
	}
	if v.IsNil() {
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	}
	for i, e := range s.Values {
		if d.budget < 0 {
			return
		}
		item := reflect.New(v.Type().Elem()).Elem()
		place := at + "[" + strconv.Itoa(i) + "]"
		before := len(d.problems)
		d.value(e, item, tag, place)
		if d.bare(e, place) == nil && len(d.problems) == before {
			d.problem(s, place, "an empty entry")
		}
		v.Set(reflect.Append(v, item))
	}
}

func (d *decoder) tags(n ast.Node, v reflect.Value, at string) {
	out := reflect.MakeMap(v.Type())
	for _, p := range d.pairs(n, at) {
		if d.budget--; d.budget < 0 {
			return
		}
		key := keyText(p)
		place := join(at, key)
		if out.MapIndex(reflect.ValueOf(key)).IsValid() {
			d.problem(p, place, "key %q is given twice", key)
			continue
		}
		text := ""
		if b := d.bare(p.Value, place); b != nil {
			text, _ = d.scalar(b, place)
		}
		d.places[place] = p
		out.SetMapIndex(reflect.ValueOf(key), reflect.ValueOf(text))
	}
	v.Set(out)
}

func keyText(p *ast.MappingValueNode) string {
	if p.Key == nil || p.Key.GetToken() == nil {
		return ""
	}
	return p.Key.GetToken().Value
}

// scalar returns the text of a single value as it was written.
func (d *decoder) scalar(n ast.Node, at string) (string, bool) {
	switch s := n.(type) {
	case *ast.StringNode:
		return s.Value, true
	case *ast.LiteralNode:
		if s.Value != nil {
			return s.Value.Value, true
		}
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return s.GetToken().Value, true
	}
	d.problem(n, at, "%s, want a single value", kindOf(n))
	return "", false
}

func (d *decoder) plain(n ast.Node, text string, v reflect.Value, tag reflect.StructTag, at string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b := text == "true"
		if !b && text != "false" {
			d.problem(n, at, "%q: want true or false", text)
		}
		v.SetBool(b)
	case reflect.Int:
		i, err := strconv.Atoi(text)
		if err != nil {
			d.problem(n, at, "%q: want a whole number", text)
			return
		}
		v.SetInt(int64(i))
		lo, hi := tag.Get("min"), tag.Get("max")
		if low, err := strconv.Atoi(lo); err == nil && i < low {
			d.problem(n, at, "%d: want %s to %s", i, lo, hi)
		} else if high, err := strconv.Atoi(hi); err == nil && i > high {
			d.problem(n, at, "%d: want %s to %s", i, lo, hi)
		}
	}
	if e := tag.Get("enum"); e != "" && e != "types" {
		if list := strings.Split(e, ","); !contains(list, text) {
			d.problem(n, at, "%q: %s", text, didYouMean(text, list))
		}
	}
	if prefix := tag.Get("id"); prefix != "" && text != "" && !(prefix == "i" && text == "-") {
		if err := checkID(prefix, text); err != nil {
			d.problem(n, at, "%v", err)
		}
	}
	if tag.Get("pattern") != "" {
		if _, err := path.Match(text, ""); err != nil {
			d.problem(n, at, "pattern %q: a [ without its ], or a \\ at the end", text)
		}
	}
}

func kindOf(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys with values"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	}
	return "a single value"
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}

// keys are the keys of a struct of the configuration, in the order of its fields.
type keys struct {
	keys  []string
	byKey map[string]reflect.StructField
}

func keysOf(t reflect.Type) keys {
	k := keys{byKey: make(map[string]reflect.StructField)}
	for i := range t.NumField() {
		f := t.Field(i)
		if key := f.Tag.Get("yaml"); key != "" {
			k.keys = append(k.keys, key)
			k.byKey[key] = f
		}
	}
	return k
}

// text sets v, of a type of single values, from our own text.
func (d *decoder) text(text string, v reflect.Value) {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(text)); err != nil {
			panic("BUG: default of the configuration: " + err.Error())
		}
		return
	}
	d.plain(nil, text, v, "", "")
}
