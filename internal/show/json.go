package show

import (
	"encoding/json"
	"io"

	"weir/internal/rows"
)

// appendJSON appends a value as it stands in a line: a number, a string, or null.
func appendJSON(out, v []byte, number bool) []byte {
	switch {
	case rows.Absent(v):
		return append(out, "null"...)
	case number:
		return append(out, v...)
	}
	return appendQuoted(out, v)
}

// appendQuoted appends a string.
func appendQuoted(out, v []byte) []byte {
	for _, c := range v {
		if c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			quoted, _ := json.Marshal(string(v)) // a string always can be
			return append(out, quoted...)
		}
	}
	out = append(out, '"')
	out = append(out, v...)
	return append(out, '"')
}

// WriteJSON writes a value for people and programs alike.
func WriteJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "    ")
	return e.Encode(v)
}
