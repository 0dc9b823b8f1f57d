package pattern

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"weir/internal/logs/jsontext"
)

// Value returns a field of a message which the pattern chooses: $name or $3, the third, for a
// pattern of fields, $.path for one of JSON. It has none for patterns of terms, for what
// the message has not, and for objects, arrays and null.
func (p *Pattern) Value(message, selector string) (string, bool) {
	switch {
	case p.fields != nil && strings.HasPrefix(selector, "$"):
		var buf [64]span
		spans := split(buf[:0], message, 0)
		i := p.fields.index(selector[1:], len(spans))
		if i < 0 || i >= len(spans) {
			return "", false
		}
		return message[spans[i].from:spans[i].to], true
	case p.json != nil:
		s := &scanner{text: selector}
		path, err := s.path()
		if err != nil || !s.done() {
			return "", false
		}
		v, ok := jsontext.Parse(message)
		return valueAt(v, path, ok)
	}
	return "", false
}

// valueAt returns the first value that a path leads to, if it is a string, a number or a
// truth value.
func valueAt(v jsontext.Value, path []step, ok bool) (string, bool) {
	for i, next := range path {
		if !ok {
			return "", false
		}
		switch {
		case next.every && next.inArray:
			for _, e := range v.Elements {
				if s, ok := valueAt(e, path[i+1:], true); ok {
					return s, true
				}
			}
			return "", false
		case next.every:
			for _, m := range v.Members {
				if s, ok := valueAt(m, path[i+1:], true); ok {
					return s, true
				}
			}
			return "", false
		}
		v, ok = next.in(v)
	}
	if !ok || !v.Scalar() {
		return "", false
	}
	return v.String(), true
}

// Extract returns what TestMetricFilter answers as extractedValues for a message which the
// pattern chooses: of a pattern of fields all that the message has, those without a name by
// their numbers, such as $3; of one of JSON the values at its selectors. It is empty, and not
// nil, for others.
func (p *Pattern) Extract(message string) map[string]string {
	values := map[string]string{}
	switch {
	case p.fields != nil:
		spans := split(nil, message, 0)
		named := make([]bool, len(spans))
		for i := range p.fields.list {
			name, at := p.fields.list[i].name, p.fields.place(i, len(spans))
			if name == "" || at < 0 || at >= len(spans) {
				continue
			}
			named[at] = true
			if _, ok := values["$"+name]; !ok { // the first, as of Value
				values["$"+name] = message[spans[at].from:spans[at].to]
			}
		}
		for i, s := range spans {
			number := "$" + strconv.Itoa(i+1)
			if _, ok := values[number]; !ok && !named[i] {
				values[number] = message[s.from:s.to]
			}
		}
	case p.json != nil:
		v, ok := jsontext.Parse(message)
		p.json.extract(v, ok, values)
	}
	return values
}

func (n *node) extract(v jsontext.Value, ok bool, values map[string]string) {
	for _, kid := range n.kids {
		kid.extract(v, ok, values)
	}
	if n.kind == leaf {
		if s, ok := valueAt(v, n.path, ok); ok {
			values[pathText(n.path)] = s
		}
	}
}

// maxMetric is how far from 0 a metric's value may be: 2^360, MetricDatum, CloudWatch API
// Reference, read 2026-11-24.
const maxMetric = 0x1p360

// Metric returns what a message which the pattern chooses adds to a metric: value is the
// metricValue of a metric filter, a number such as "1", or a selector as for [Pattern.Value].
// It has none if the message has no number there, or one that is too large for a metric.
func (p *Pattern) Metric(message, value string) (float64, bool) {
	if strings.HasPrefix(value, "$") {
		s, ok := p.Value(message, value)
		if !ok {
			return 0, false
		}
		value = s
	}
	f, ok := number(value)
	if !ok || math.Abs(f) > maxMetric {
		return 0, false
	}
	return f, true
}

// CheckValue returns an error if a metricValue, or the selector of a dimension, can never be
// found in what the pattern chooses: it is neither a number nor a selector, or names a field
// that the pattern does not.
func (p *Pattern) CheckValue(value string) error {
	name, ok := strings.CutPrefix(value, "$")
	switch {
	case isNumber(value):
		return nil
	case !ok:
		return fmt.Errorf("%q is neither a number nor a selector: write 1, $name or $.path", value)
	case p.fields != nil:
		const many = 1 << 20
		if p.fields.index(name, many) < 0 {
			return fmt.Errorf("%q is not a field of the pattern %s", value, p)
		}
		return nil
	case p.json != nil:
		s := &scanner{text: value}
		if _, err := s.path(); err != nil || !s.done() {
			return fmt.Errorf("%q is not a selector: write $. and names with dots between them, such as $.user.id", value)
		}
		return nil
	}
	return fmt.Errorf("%q needs a pattern of fields or of JSON; write 1 to count", value)
}
