package record

import (
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends r as one JSON object without newline: a member for each
// field of the format, in its order and under its name. Numbers are numbers,
// everything else is a string, and a field that r does not have is null, but for
// a version that r does not have, which is [Format.Version].
func (f Format) AppendJSON(b []byte, r *Record) []byte {
	b = append(b, '{')
	for i := range f.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		field := f.Field(i)
		b = appendJSONString(b, f.Name(i))
		b = append(b, ':')
		switch {
		case field == None:
			if text, ok := r.Extension(f.Name(i)); ok {
				b = appendJSONString(b, string(text))
			} else {
				b = append(b, "null"...)
			}
		case !r.Has(field):
			if field == Version {
				b = strconv.AppendInt(b, int64(f.Version()), 10)
			} else {
				b = append(b, "null"...)
			}
		case field.Type() == String:
			n := len(b)
			b = r.AppendField(b, field)
			text := string(b[n:])
			b = appendJSONString(b[:n], text)
		default:
			b = r.AppendField(b, field)
		}
	}
	return append(b, '}')
}

const hexDigits = "0123456789abcdef"

// appendJSONString appends s in quotes (RFC 8259, section 7). Bytes that are not
// UTF-8 become U+FFFD: JSON cannot hold them.
func appendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			b = utf8.AppendRune(b, c)
		}
	}
	return append(b, '"')
}
