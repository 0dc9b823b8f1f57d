package described

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Lists are the keys of lists in what describe commands print, such as
// "NetworkInterfaces", and what reads an element of each.
type Lists map[string]func(dec *json.Decoder) error

// A FieldError is a value that is not what it should be.
type FieldError struct {
	Field string // in its element, such as "IpPermissions[0].FromPort"
	Value string // as it was written
	Err   error
}

// Error returns field, value and what is wrong.
func (e *FieldError) Error() string { return fmt.Sprintf("%s %.60q: %v", e.Field, e.Value, e.Err) }

// Unwrap returns what is wrong.
func (e *FieldError) Unwrap() error { return e.Err }

// Element makes a reader of elements that are a T.
func Element[T any](fn func(*T) error) func(dec *json.Decoder) error {
	return func(dec *json.Decoder) error {
		var v T
		if err := dec.Decode(&v); err != nil {
			return err
		}
		return fn(&v)
	}
}

// Read reads what a command has printed, or several one after the other, and returns
// the keys of the lists that were there. Other keys are skipped. An error names line and
// field.
func (l Lists) Read(data []byte) (found []string, err error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	for dec.More() {
		some, err := l.object(dec, data)
		if err != nil {
			return found, err
		}
		found = append(found, some...)
	}
	// More is false at the end, and at a bracket that nothing opened.
	if rest := bytes.TrimSpace(data[dec.InputOffset():]); len(rest) > 0 {
		return found, fmt.Errorf("line %d: there is more after the end of the JSON", lineAt(data, dec.InputOffset()))
	}
	return found, nil
}

// object reads one object.
func (l Lists) object(dec *json.Decoder, data []byte) (found []string, err error) {
	open, err := dec.Token()
	if err != nil {
		return nil, wrong(data, dec.InputOffset(), "", err)
	}
	if open != json.Delim('{') {
		return nil, fmt.Errorf("line %d: it is no JSON object", lineAt(data, dec.InputOffset()))
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return found, wrong(data, dec.InputOffset(), "", err)
		}
		name, _ := key.(string)
		read := l[name]
		if read == nil {
			var skip json.RawMessage
			if err := dec.Decode(&skip); err != nil {
				return found, wrong(data, dec.InputOffset(), name+": ", err)
			}
			continue
		}
		found = append(found, name)
		if err := list(dec, data, name, read); err != nil {
			return found, err
		}
	}
	if _, err := dec.Token(); err != nil {
		return found, wrong(data, dec.InputOffset(), "", err)
	}
	return found, nil
}

// list reads the list that is a key's value.
func list(dec *json.Decoder, data []byte, name string, read func(*json.Decoder) error) error {
	open, err := dec.Token()
	if err != nil {
		return wrong(data, dec.InputOffset(), name+": ", err)
	}
	if open != json.Delim('[') {
		return fmt.Errorf("line %d: %s is no list", lineAt(data, dec.InputOffset()), name)
	}
	for n := 0; dec.More(); n++ {
		at := dec.InputOffset()
		at += int64(len(data[at:]) - len(bytes.TrimLeft(data[at:], ", \t\r\n")))
		if err := read(dec); err != nil {
			if f := new(FieldError); errors.As(err, &f) {
				at += within(data[at:dec.InputOffset()], f)
			}
			return wrong(data, at, fmt.Sprintf("%s[%d].", name, n), err)
		}
	}
	if _, err := dec.Token(); err != nil {
		return wrong(data, dec.InputOffset(), name+": ", err)
	}
	return nil
}

// within returns where in an element a field with a value is, 0 if it is not found.
func within(element []byte, e *FieldError) int64 {
	field := e.Field[strings.LastIndexByte(e.Field, '.')+1:]
	field, _, _ = strings.Cut(field, "[")
	m := regexp.MustCompile(`"` + regexp.QuoteMeta(field) + `"\s*:\s*"?` + regexp.QuoteMeta(e.Value) + `\b`).FindIndex(element)
	if m == nil || e.Value == "" {
		return 0
	}
	return int64(m[0])
}

// wrong adds the line, and where it is, to an error.
func wrong(data []byte, at int64, where string, err error) error {
	if s := new(json.SyntaxError); errors.As(err, &s) {
		return fmt.Errorf("line %d: %s%w", lineAt(data, s.Offset), where, err)
	}
	if s := new(json.UnmarshalTypeError); errors.As(err, &s) {
		return fmt.Errorf("line %d: %s%s: it is a JSON %s", lineAt(data, at), where, s.Field, s.Value)
	}
	if strings.Contains(err.Error(), "unexpected EOF") || err.Error() == "EOF" {
		err = errors.New("the JSON is cut short")
		at = int64(len(data))
	}
	return fmt.Errorf("line %d: %s%w", lineAt(data, at), where, err)
}

// lineAt returns the number of the line that an offset is in.
func lineAt(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(int(offset), len(data))], []byte("\n"))
}
