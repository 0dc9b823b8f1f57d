package cloudwatch

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// A rule is what the service's model asks of a value. Lengths are in characters, or in
// members of a list.
type rule struct {
	min, max int      // of a length; max 0 is no bound
	lo, hi   int64    // of a number; both 0 is no bound but that of hi
	pattern  string   // which all of a text has to be
	enum     []string // of which a text has to be one

	re *regexp.Regexp
}

// rules are named by the tag "is" of a member. They are those of botocore's service model,
// read 2026-11-24.
var rules = compiled(map[string]rule{
	"group":       {min: 1, max: 512, pattern: `[\.\-_/#A-Za-z0-9]+`},
	"groupPart":   {max: 512, pattern: `[\.\-_/#A-Za-z0-9]*`},
	"stream":      {min: 1, max: 512, pattern: `[^:*]*`},
	"filter":      {min: 1, max: 512, pattern: `[^:*]*`},
	"identifier":  {min: 1, max: 2048, pattern: `[\w#+=/:,.@-]*`},
	"arn":         {min: 1, max: 1011, pattern: `[\w+=/:,.@-]*`},
	"tagKey":      {min: 1, max: 128, pattern: `([\p{L}\p{Z}\p{N}_.:/=+\-@]+)`},
	"tagValue":    {max: 256, pattern: `([\p{L}\p{Z}\p{N}_.:/=+\-@]*)`},
	"kmsKey":      {max: 256},
	"class":       {enum: []string{"STANDARD", "INFREQUENT_ACCESS", "DELIVERY"}},
	"orderBy":     {enum: []string{OrderByName, OrderByTime}},
	"token":       {min: 1},
	"pattern":     {max: 1024},
	"message":     {min: 1},
	"metric":      {max: 255, pattern: `[^:*$]*`},
	"metricValue": {max: 100},
	"dimension":   {max: 255},
	"queryID":     {min: 1, max: 256},
	"query":       {max: 10000},
	"language":    {enum: []string{"CWLI", "SQL", "PPL"}},
	"status":      {enum: []string{"Scheduled", "Running", "Complete", "Failed", "Cancelled", "Timeout", "Unknown"}},
	"time":        {hi: 1<<63 - 1},
	"limit50":     {lo: 1, hi: 50},
	"limit1000":   {lo: 1, hi: 1000},
	"limit10000":  {lo: 1, hi: 10_000},
	"limit100000": {lo: 1, hi: 100_000},
	"items":       {hi: 10_000},
})

func compiled(all map[string]rule) map[string]rule {
	for name, r := range all {
		if r.pattern != "" {
			r.re = regexp.MustCompile(`(?s)^(?:` + r.pattern + `)$`)
			all[name] = r
		}
	}
	return all
}

// Decode reads the body of a request into the struct that in points to, and checks its
// members against their rules. The error is an [*Error]: SerializationException, or
// InvalidParameterException with all that is wrong. Members that in does not have are
// passed over, as Amazon passes over them.
func Decode(body []byte, in any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	if err := json.Unmarshal(body, in); err != nil {
		return notRead(err)
	}
	c := checker{body: body, empty: bytes.Contains(body, []byte(`""`))}
	c.members("", reflect.ValueOf(in).Elem())
	return c.err()
}

// notRead is the error for a body of another form. Its texts are those of another of
// Amazon's services with this protocol, from memory.
func notRead(err error) *Error {
	e := &Error{Code: "SerializationException"}
	var t *json.UnmarshalTypeError
	if !errors.As(err, &t) {
		return e
	}
	got, _, _ := strings.Cut(t.Value, " ")
	switch want := names[t.Type.Kind()]; {
	case got == "object":
		e.Message = "Start of structure or map found where not expected."
	case got == "array":
		e.Message = "Start of list found where not expected"
	case got == "bool":
		e.Message = "TRUE_VALUE or FALSE_VALUE cannot be converted to " + want
	case want == "":
		e.Message = "Unexpected field type"
	default:
		e.Message = strings.ToUpper(got) + "_VALUE cannot be converted to " + want
	}
	return e
}

var names = map[reflect.Kind]string{
	reflect.String: "String", reflect.Int64: "Long", reflect.Int: "Integer", reflect.Bool: "Boolean", reflect.Float64: "Double",
}

// A checker collects what is wrong with a request.
type checker struct {
	body  []byte
	empty bool                       // the body has an empty text somewhere
	given map[string]json.RawMessage // of the body; nil until it is needed
	found []string
}

// maxFound is how many violations are told of, maxShown how much of a value.
const (
	maxFound = 20
	maxShown = 512
)

func (c *checker) err() error {
	switch n := len(c.found); n {
	case 0:
		return nil
	case 1:
		return Invalid("1 validation error detected: " + c.found[0])
	default:
		return Invalid(fmt.Sprintf("%d validation errors detected: %s", n, strings.Join(c.found, "; ")))
	}
}

func (c *checker) wrong(path, value, constraint string) {
	if len(c.found) < maxFound {
		c.found = append(c.found, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: Member must %s", value, path, constraint))
	}
}

func quoted(v any) string {
	s := fmt.Sprint(v)
	if len(s) > maxShown {
		s = strings.ToValidUTF8(s[:maxShown], "") + "…"
	}
	return "'" + s + "'"
}

// has says whether the body has a member, even if it is empty.
func (c *checker) has(name string) bool {
	if c.given == nil {
		c.given = make(map[string]json.RawMessage)
		_ = json.Unmarshal(c.body, &c.given) // has been read once
	}
	v, ok := c.given[name]
	return ok && string(v) != "null"
}

// members checks the members of a struct. Path is where it is, with a point at the end.
func (c *checker) members(path string, v reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		tag, ok := f.Tag.Lookup("is")
		if !ok {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		c.member(path, name, v.Field(i), readTag(tag))
	}
}

// A tag is a tag "is", as "required,list=1-100,stream".
type tag struct {
	required bool
	list     *rule  // of the length of a list or a map
	rule     string // of the value, or of each member
	value    string // of a map's values
}

func readTag(text string) (t tag) {
	for word := range strings.SplitSeq(text, ",") {
		switch bounds, isList := strings.CutPrefix(word, "list="); {
		case word == "required":
			t.required = true
		case isList:
			t.list = new(rule)
			fmt.Sscanf(bounds, "%d-%d", &t.list.min, &t.list.max)
		default:
			t.rule, t.value, _ = strings.Cut(word, ":")
		}
	}
	return t
}

func (c *checker) member(path, name string, v reflect.Value, t tag) {
	at := path + name
	if v.IsZero() {
		switch nested := path != ""; {
		case v.Kind() == reflect.String && !nested && c.empty && c.has(name):
			c.text(at, "", t.rule)
		case t.required && v.Kind() == reflect.String && nested && rules[t.rule].min > 0:
			c.text(at, "", t.rule)
		case t.required:
			c.wrong(at, "null", "not be null")
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		c.number(at, v.Elem().Int(), t.rule)
	case reflect.Int64, reflect.Int:
		c.number(at, v.Int(), t.rule)
	case reflect.String:
		c.text(at, v.String(), t.rule)
	case reflect.Slice:
		c.list(at, v, t)
	case reflect.Map:
		c.dict(at, v, t)
	default:
		panic("BUG: no rule for " + at)
	}
}

func (c *checker) list(at string, v reflect.Value, t tag) {
	if t.list != nil {
		c.length(at, fmt.Sprintf("'[%d members]'", v.Len()), v.Len(), *t.list)
	}
	if events, ok := v.Interface().([]Event); ok {
		c.events(at, events)
		return
	}
	for i := range v.Len() {
		at := fmt.Sprintf("%s.%d.member", at, i+1)
		switch m := v.Index(i); m.Kind() {
		case reflect.Struct:
			c.members(at+".", m)
		case reflect.String:
			c.text(at, m.String(), t.rule)
		}
	}
}

// events checks events without the cost of reflection for each.
func (c *checker) events(at string, events []Event) {
	for i := range events {
		if events[i].Message == "" {
			c.text(fmt.Sprintf("%s.%d.member.message", at, i+1), "", "message")
		}
		if events[i].Timestamp < 0 {
			c.number(fmt.Sprintf("%s.%d.member.timestamp", at, i+1), events[i].Timestamp, "time")
		}
	}
}

func (c *checker) dict(at string, v reflect.Value, t tag) {
	if t.list != nil {
		c.length(at, fmt.Sprintf("'[%d members]'", v.Len()), v.Len(), *t.list)
	}
	m, ok := v.Interface().(map[string]string)
	if !ok {
		panic("BUG: no rule for " + at)
	}
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		c.text(at+".key", k, t.rule)
		c.text(at+"."+k+".member", m[k], t.value)
	}
}

func (c *checker) text(at, s, name string) {
	r := rules[name]
	n := len(s)
	if n >= cmp.Or(r.max, 1<<62) || n < r.min {
		n = utf8.RuneCountInString(s)
	}
	c.length(at, quoted(s), n, r)
	if r.re != nil && n >= r.min && !r.re.MatchString(s) {
		c.wrong(at, quoted(s), "satisfy regular expression pattern: "+r.pattern)
	}
	if r.enum != nil && !slices.Contains(r.enum, s) {
		c.wrong(at, quoted(s), "satisfy enum value set: ["+strings.Join(r.enum, ", ")+"]")
	}
}

func (c *checker) length(at, value string, n int, r rule) {
	if n < r.min {
		c.wrong(at, value, fmt.Sprintf("have length greater than or equal to %d", r.min))
	}
	if r.max > 0 && n > r.max {
		c.wrong(at, value, fmt.Sprintf("have length less than or equal to %d", r.max))
	}
}

func (c *checker) number(at string, n int64, name string) {
	r := rules[name]
	if n < r.lo {
		c.wrong(at, quoted(n), fmt.Sprintf("have value greater than or equal to %d", r.lo))
	}
	if r.hi > 0 && n > r.hi {
		c.wrong(at, quoted(n), fmt.Sprintf("have value less than or equal to %d", r.hi))
	}
}
