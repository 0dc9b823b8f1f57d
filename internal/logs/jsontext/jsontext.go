// Package jsontext finds values in JSON text without decoding the rest. It does not
// allocate, except for strings with escapes in them.
package jsontext

import (
	"encoding/json"
	"strings"
)

// Kind says what a value is.
type Kind uint8

// The kinds of values. The zero kind is no value.
const (
	None Kind = iota
	String
	Number
	True
	False
	Null
	Object
	Array
)

// maxDepth is how deep values may lie in each other; what is deeper is not taken for JSON.
const maxDepth = 200

// A Value is a value in a text that [Parse] has found valid.
type Value struct {
	Kind Kind

	// Text is the value as it is written. Of a string it is what stands between the
	// quotation marks, escapes and all.
	Text string
}

// Scalar reports whether a value is a string, a number or a truth value.
func (v Value) Scalar() bool { return v.Kind >= String && v.Kind <= False }

// String returns a string without escapes, and of other values the text.
func (v Value) String() string {
	if v.Kind == String {
		return unescape(v.Text)
	}
	return v.Text
}

// unescape shares memory with s if there is nothing to do.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var out string
	if err := json.Unmarshal([]byte(`"`+s+`"`), &out); err != nil {
		return s
	}
	return out
}

// Parse returns the value that is the whole of a text, and whether it is valid JSON.
func Parse(s string) (Value, bool) {
	i := space(s, 0)
	end, kind := skip(s, i, 0)
	if end < 0 || space(s, end) != len(s) {
		return Value{}, false
	}
	return value(s, i, end, kind), true
}

func value(s string, from, to int, kind Kind) Value {
	if kind == String {
		from, to = from+1, to-1
	}
	return Value{kind, s[from:to]}
}

// Get returns the first member of an object with a name.
func (v Value) Get(name string) (Value, bool) {
	for key, member := range v.Members {
		if key == name {
			return member, true
		}
	}
	return Value{}, false
}

// Index returns the element of an array at i, from 0.
func (v Value) Index(i int) (Value, bool) {
	for _, e := range v.Elements {
		if i == 0 {
			return e, true
		}
		i--
	}
	return Value{}, false
}

// Members goes over the names and values of an object, in their order; over nothing if
// the value is none.
func (v Value) Members(yield func(string, Value) bool) {
	if v.Kind != Object {
		return
	}
	for i := space(v.Text, 1); v.Text[i] != '}'; {
		end, _ := skip(v.Text, i, 0)
		key := v.Text[i+1 : end-1]
		i = space(v.Text, space(v.Text, end)+1) // behind the colon
		end, kind := skip(v.Text, i, 0)
		if !yield(unescape(key), value(v.Text, i, end, kind)) {
			return
		}
		i = next(v.Text, end)
	}
}

// Elements goes over the elements of an array with their indices; over nothing if the
// value is none.
func (v Value) Elements(yield func(int, Value) bool) {
	if v.Kind != Array {
		return
	}
	n := 0
	for i := space(v.Text, 1); v.Text[i] != ']'; n++ {
		end, kind := skip(v.Text, i, 0)
		if !yield(n, value(v.Text, i, end, kind)) {
			return
		}
		i = next(v.Text, end)
	}
}

// next returns where what comes behind a value begins: the next one or a bracket.
func next(s string, i int) int {
	i = space(s, i)
	if s[i] == ',' {
		i = space(s, i+1)
	}
	return i
}

func space(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t' || s[i] == '\n' || s[i] == '\r') {
		i++
	}
	return i
}

// skip returns where a value that begins at i ends, and its kind; -1 if there is none.
func skip(s string, i, depth int) (int, Kind) {
	if i >= len(s) || depth > maxDepth {
		return -1, None
	}
	switch c := s[i]; {
	case c == '"':
		return skipString(s, i), String
	case c == '{':
		return skipMany(s, i, depth, '}'), Object
	case c == '[':
		return skipMany(s, i, depth, ']'), Array
	case c == '-' || c >= '0' && c <= '9':
		return skipNumber(s, i), Number
	case strings.HasPrefix(s[i:], "true"):
		return i + 4, True
	case strings.HasPrefix(s[i:], "false"):
		return i + 5, False
	case strings.HasPrefix(s[i:], "null"):
		return i + 4, Null
	}
	return -1, None
}

// skipMany skips an object or an array up to its closing bracket.
func skipMany(s string, i, depth int, bracket byte) int {
	i = space(s, i+1)
	if i < len(s) && s[i] == bracket {
		return i + 1
	}
	for i < len(s) {
		if bracket == '}' {
			if s[i] != '"' {
				return -1
			}
			if i = skipString(s, i); i < 0 {
				return -1
			}
			if i = space(s, i); i >= len(s) || s[i] != ':' {
				return -1
			}
			i = space(s, i+1)
		}
		if i, _ = skip(s, i, depth+1); i < 0 {
			return -1
		}
		i = space(s, i)
		switch {
		case i >= len(s):
			return -1
		case s[i] == bracket:
			return i + 1
		case s[i] != ',':
			return -1
		}
		i = space(s, i+1)
	}
	return -1
}

func skipString(s string, i int) int {
	for i++; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return i + 1
		case c < ' ':
			return -1
		case c == '\\':
			if i++; i >= len(s) {
				return -1
			}
			if s[i] == 'u' {
				if i+4 >= len(s) || !isHex(s[i+1:i+5]) {
					return -1
				}
				i += 4
			} else if strings.IndexByte(`"\/bfnrt`, s[i]) < 0 {
				return -1
			}
		}
	}
	return -1
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func skipNumber(s string, i int) int {
	if s[i] == '-' {
		i++
	}
	from := i
	if i = digits(s, i); i == from || s[from] == '0' && i > from+1 {
		return -1
	}
	if i < len(s) && s[i] == '.' {
		from = i + 1
		if i = digits(s, from); i == from {
			return -1
		}
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		from = i + 1
		if from < len(s) && (s[from] == '+' || s[from] == '-') {
			from++
		}
		if i = digits(s, from); i == from {
			return -1
		}
	}
	return i
}

func digits(s string, i int) int {
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return i
}
