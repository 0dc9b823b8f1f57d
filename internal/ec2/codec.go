package ec2

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Encode writes a request's parameters. The zero value of a field is not sent,
// unless a pointer points to it.
func Encode(action string, request any) url.Values {
	out := url.Values{"Action": {action}, "Version": {Version}}
	encode(out, "", reflect.ValueOf(request))
	return out
}

func encode(out url.Values, name string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		if v = v.Elem(); v.Kind() != reflect.Struct {
			out.Set(name, text(v))
			return
		}
		encode(out, name, v)
		return
	case reflect.Struct:
		if _, ok := v.Interface().(time.Time); ok {
			break
		}
		for _, f := range fieldsOf(v.Type()).list {
			encode(out, join(name, f.name), v.Field(f.index))
		}
		return
	case reflect.Slice:
		for i := range v.Len() {
			at := join(name, strconv.Itoa(i+1))
			if e := v.Index(i); isValue(e.Type()) {
				out.Set(at, text(e))
			} else {
				encode(out, at, e)
			}
		}
		return
	}
	if v.Kind() != reflect.Pointer && !v.IsZero() {
		out.Set(name, text(v))
	}
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

func text(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Time:
		return x.UTC().Format("2006-01-02T15:04:05.999Z")
	default:
		return fmt.Sprint(x)
	}
}

var timeType = reflect.TypeFor[time.Time]()

// isValue says whether a type is one parameter, not several.
func isValue(t reflect.Type) bool {
	return t == timeType || t.Kind() != reflect.Struct && t.Kind() != reflect.Slice
}

// Bounds of a request, which a stranger's may exceed.
const (
	maxParameters = 10_000 // a thousand ids and their filters are far below
	maxIndex      = 1_000_000
	maxDepth      = 8
)

// Decode reads a request's parameters into the struct that request points to. The
// parameters of every request (Action, Version, those of signatures) are passed
// over; another one that the struct does not have is an error, as is a value of a
// wrong form. List members may come in any order and with gaps; order counts.
func Decode(params url.Values, request any) error {
	if len(params) > maxParameters {
		return TooManyParameters.With(len(params), maxParameters)
	}
	root := &node{}
	for name, values := range params {
		if common(name) {
			continue
		}
		if len(values) > 1 {
			return ParameterGivenTwice.With(name, len(values))
		}
		if err := root.put(name, values[0]); err != nil {
			return err
		}
	}
	return root.into("", reflect.ValueOf(request).Elem())
}

func common(name string) bool {
	switch name {
	case "Action", "Version", "AWSAccessKeyId", "SignatureMethod", "SignatureVersion", "Signature", "Timestamp":
		return true
	}
	return strings.HasPrefix(name, "X-Amz-")
}

// A node is a parameter, or what parameters have in common before a dot.
type node struct {
	value  *string
	name   string // as it was sent
	inside map[string]*node
}

func (n *node) put(name, value string) error {
	parts := strings.Split(name, ".")
	if len(parts) > maxDepth {
		return unknown(name)
	}
	at := n
	for _, p := range parts {
		if at.inside == nil {
			at.inside = make(map[string]*node)
		}
		next := at.inside[p]
		if next == nil {
			next = &node{}
			at.inside[p] = next
		}
		at = next
	}
	at.value, at.name = &value, name
	return nil
}

// any returns the name of a parameter in the node, for messages.
func (n *node) any() string {
	if n.value != nil {
		return n.name
	}
	var names []string
	for _, child := range n.inside {
		names = append(names, child.any())
	}
	return slices.Min(names)
}

func unknown(name string) error {
	return UnknownParameter.With(name)
}

func (n *node) into(name string, v reflect.Value) error {
	t := v.Type()
	if t.Kind() == reflect.Pointer {
		p := reflect.New(t.Elem())
		if err := n.into(name, p.Elem()); err != nil {
			return err
		}
		v.Set(p)
		return nil
	}
	if isValue(t) {
		if len(n.inside) > 0 || n.value == nil {
			return unknown(n.any())
		}
		return set(v, n.name, *n.value)
	}
	if n.value != nil {
		if *n.value == "" {
			return nil // an empty list or structure, as some clients send it
		}
		return unknown(n.name)
	}
	if t.Kind() == reflect.Slice {
		return n.intoList(name, v)
	}
	fields := fieldsOf(t)
	for part, child := range n.inside {
		i, ok := fields.byName[part]
		if !ok {
			return unknown(child.any())
		}
		if err := child.into(join(name, part), v.Field(i)); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) intoList(name string, v reflect.Value) error {
	var order []int
	for part, child := range n.inside {
		i, err := strconv.Atoi(part)
		if err != nil || i < 1 || i > maxIndex || strconv.Itoa(i) != part {
			return unknown(child.any())
		}
		order = append(order, i)
	}
	slices.Sort(order)
	list := reflect.MakeSlice(v.Type(), len(order), len(order))
	for at, i := range order {
		part := strconv.Itoa(i)
		if err := n.inside[part].into(join(name, part), list.Index(at)); err != nil {
			return err
		}
	}
	v.Set(list)
	return nil
}

func set(v reflect.Value, name, value string) error {
	if v.Type() == timeType {
		t, err := time.Parse(time.RFC3339, value)
		if err != nil {
			return NoTime.With(value, name)
		}
		v.Set(reflect.ValueOf(t))
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(value)
	case reflect.Bool:
		b, err := strconv.ParseBool(value)
		if err != nil {
			return NoBoolean.With(value, name)
		}
		v.SetBool(b)
	case reflect.Int:
		i, err := strconv.ParseInt(value, 10, 32)
		if err != nil {
			return NoInteger.With(value, name)
		}
		v.SetInt(i)
	default:
		panic("BUG: a request has a field of type " + v.Type().String())
	}
	return nil
}

type field struct {
	name  string
	index int
}

type fields struct {
	list   []field
	byName map[string]int
}

var known sync.Map // reflect.Type to *fields

func fieldsOf(t reflect.Type) *fields {
	if f, ok := known.Load(t); ok {
		return f.(*fields)
	}
	f := &fields{byName: make(map[string]int)}
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("ec2"); name != "" {
			f.list = append(f.list, field{name, i})
			f.byName[name] = i
		}
	}
	known.Store(t, f)
	return f
}
