package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"weir/record"
)

// jsonLines turns JSON into lines: values one after the other, or arrays of them, each
// of which is
//
//   - an object whose names are fields, as [record.Format.AppendJSON] writes it: a
//     header comes before it where the names change;
//   - an object with a message, as Firehose and CloudWatch Logs wrap a line;
//   - an object with an array of those, named logEvents (the envelope of a
//     CloudWatch Logs subscription), events (what "aws logs" prints) or records;
//   - an object with the results of a query of CloudWatch Logs Insights;
//   - a string, which is a line.
//
// Either all are fields or all are lines. What is in memory at a time is one value that
// has no parts.
func jsonLines(in io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		from := &bounded{in: in}
		j := &jsonForm{dec: json.NewDecoder(from), yield: yield}
		from.used = j.dec.InputOffset
		j.dec.UseNumber()
		err := j.all()
		switch {
		case err == errStopped:
			return
		case err != nil:
			err = fmt.Errorf("JSON after byte %d: %w", j.dec.InputOffset(), err)
		}
		if len(j.out) > 0 || err != nil {
			yield(j.out, err)
		}
	}
}

var errStopped = errors.New("stopped")

type jsonForm struct {
	dec   *json.Decoder
	yield func([]byte, error) bool
	out   []byte

	names, header []byte // of this object, and of the header last written
	values        []byte
	fields, lines bool // which of the two there has been
	depth         int  // of arrays
}

func (j *jsonForm) all() error {
	for {
		t, err := j.dec.Token()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = j.value(t, false)
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
	}
}

// value reads the value that begins with t; dead ones are read and left out.
func (j *jsonForm) value(t json.Token, dead bool) error {
	switch t := t.(type) {
	case string:
		return j.line(t, dead)
	case json.Delim:
		if t == '{' {
			return j.object(dead)
		}
		return j.array(dead)
	}
	if t == nil {
		return errors.New("null is not a record")
	}
	return fmt.Errorf("%v is not a record", t)
}

const maxDepth = 16

func (j *jsonForm) array(dead bool) error {
	if j.depth++; j.depth > maxDepth {
		return errors.New("too many arrays in each other")
	}
	defer func() { j.depth-- }()
	for j.dec.More() {
		t, err := j.dec.Token()
		if err == nil {
			err = j.value(t, dead)
		}
		if err != nil {
			return err
		}
	}
	_, err := j.dec.Token()
	return err
}

// wraps reports whether arrays of this name hold records or messages: the envelope of a
// subscription, what "aws logs" prints, and archives.
func wraps(name string) bool {
	switch name {
	case "logEvents", "events", "records", "Records":
		return true
	}
	return false
}

func (j *jsonForm) object(dead bool) error {
	o := j.begin(dead)
	for j.dec.More() {
		t, err := j.dec.Token()
		if err != nil {
			return err
		}
		name := t.(string)
		if t, err = j.dec.Token(); err != nil {
			return err
		}
		switch v := t.(type) {
		case json.Delim:
			inside := j.leaveOut
			switch {
			case v == '[' && wraps(name) && o.wraps == "":
				// Names and values of this object are not needed any more.
				o.wraps, inside = name, func() error { return j.array(o.dead) }
			case v == '[' && name == "results" && o.wraps == "":
				o.wraps, inside = name, func() error { return j.results(o.dead) }
			case o.nested == "":
				o.nested = name
			}
			if err := inside(); err != nil {
				return err
			}
		case string:
			o.dead = o.dead || name == "messageType" && v == "CONTROL_MESSAGE"
			o.add(name, v)
		case json.Number:
			o.add(name, v.String())
		case bool:
			o.add(name, fmt.Sprint(v))
		default:
			o.add(name, "")
		}
	}
	if _, err := j.dec.Token(); err != nil {
		return err
	}
	return o.end()
}

// An objectForm is an object that is being read. Names and values are those of jsonForm.
type objectForm struct {
	*jsonForm
	dead       bool
	wraps      string // the name of the array that it wraps
	nested     string // the name of the first value that is not plain
	message    string
	hasMessage bool
}

func (j *jsonForm) begin(dead bool) *objectForm {
	j.names, j.values = j.names[:0], j.values[:0]
	return &objectForm{jsonForm: j, dead: dead}
}

// add adds a plain value.
func (o *objectForm) add(name, text string) {
	if o.wraps != "" {
		return
	}
	if name == "message" || name == insightsMessage {
		o.message, o.hasMessage = text, true
	}
	if len(o.names) > 0 {
		o.names, o.values = append(o.names, ' '), append(o.values, ' ')
	}
	o.names, o.values = appendValue(o.names, fieldName(name)), appendValue(o.values, text)
}

// end takes the object for a record or a message.
func (o *objectForm) end() error {
	j := o.jsonForm
	switch {
	case o.wraps != "" || o.dead:
		return nil
	case o.hasMessage && strings.Contains(o.message, " "): // no field's value has one
		return j.line(o.message, false)
	case j.fields && o.nested == "" && bytes.Equal(j.names, j.header):
	default:
		if _, ok := record.ParseHeader(j.names); !ok {
			return o.unknown()
		}
		if o.nested != "" {
			return fmt.Errorf("the value of %q is not a plain value", o.nested)
		}
		if j.lines {
			return errMixed
		}
		j.fields = true
		j.header = append(j.header[:0], j.names...)
		j.out = append(append(j.out, j.header...), '\n')
	}
	j.out = append(append(j.out, j.values...), '\n')
	return j.flush()
}

// unknown says what an object is that is no record.
func (o *objectForm) unknown() error {
	names := string(o.names)
	switch {
	case o.hasMessage:
		return o.line(o.message, false) // to be refused, unless it is empty
	case aggregated(strings.Fields(names)):
		return errAggregated
	case o.nested != "":
		names = strings.TrimSpace(names + " " + o.nested)
	}
	return fmt.Errorf("an object that is neither a record nor has a message; its names are: %s", names)
}

var errMixed = errors.New("objects of fields and lines in one file")

// line takes a string for a line, or several.
func (j *jsonForm) line(s string, dead bool) error {
	if dead || s == "" {
		return nil
	}
	if j.fields {
		return errMixed
	}
	j.lines = true
	j.out = append(j.out, s...)
	if j.out[len(j.out)-1] != '\n' {
		j.out = append(j.out, '\n')
	}
	return j.flush()
}

func (j *jsonForm) flush() error {
	if len(j.out) < chunk {
		return nil
	}
	ok := j.yield(j.out, nil)
	j.out = j.out[:0]
	if !ok {
		return errStopped
	}
	return nil
}

// leaveOut reads to the end of the array or object that has begun.
func (j *jsonForm) leaveOut() error {
	for depth := 1; depth > 0; {
		t, err := j.dec.Token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
	}
	return nil
}
