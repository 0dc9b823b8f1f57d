package insights

import (
	"strconv"
	"strings"

	"weir/internal/logs"
	"weir/internal/logs/jsontext"
	"weir/record"
)

// Names returns what the fields of a record format are called in queries, in their order,
// such as srcAddr for srcaddr and azId for az-id.
func Names(format record.Format) []string {
	names := make([]string, format.Len())
	for i := range names {
		names[i] = camel(format.Name(i))
	}
	return names
}

func camel(name string) string {
	var b strings.Builder
	for i, part := range strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' }) {
		for _, end := range []string{"addr", "port"} { // of srcaddr and dstport
			if before, ok := strings.CutSuffix(part, end); ok && (before == "src" || before == "dst") {
				part = before + strings.ToUpper(end[:1]) + end[1:]
			}
		}
		if i > 0 {
			part = strings.ToUpper(part[:1]) + part[1:]
		}
		b.WriteString(part)
	}
	return b.String()
}

// A row is an event, or a group that stats has made, on its way through a query.
type row struct {
	// Of an event; event is nil for a group.
	event  *logs.Event
	source *source
	fields []value // of the query's names, once split is true
	split  bool

	vars []value // what the query has made
	accs []acc   // of a group while its columns are worked out
	seq  uint64  // of a group: the order in which they were first seen
	now  float64 // what now() says

	parts []string // that a command parse finds, for the moment

	own *logs.Event // event, if it is in memory of the run
}

// A source is a log group as a run knows it.
type source struct {
	name string
	log  string // what @log says

	// given says that the format of the records is known. Without it, lines that look
	// like records of the default format are taken for that.
	given bool
	count int // of fields of a record

	// slots has for each field of a record, as far as one is needed, the name in the query
	// that it is the value of; -1 for none.
	slots []int

	// twins are pairs of slots: the second has the value of the first.
	twins [][2]int
}

// defaultNames is the format of records that nobody has described.
var defaultNames = Names(record.Default())

// otherNames has the names under which Amazon lists fields that its queries also call
// otherwise. Source: "Supported logs and discovered fields", CloudWatch Logs User Guide.
var otherNames = map[string]string{"startTime": "start", "endTime": "end"}

// newSource works out where the named fields are in the records of a group.
func newSource(name, account string, given, names []string) *source {
	s := &source{name: name, log: name, given: given != nil}
	if account != "" {
		s.log = account + ":" + name
	}
	if given == nil {
		given = defaultNames
	}
	s.count = len(given)
	for i, field := range given {
		for slot, wanted := range names {
			if wanted == field || otherNames[wanted] == field {
				for len(s.slots) <= i {
					s.slots = append(s.slots, -1)
				}
				if first := s.slots[i]; first >= 0 {
					s.twins = append(s.twins, [2]int{first, slot})
				} else {
					s.slots[i] = slot
				}
			}
		}
	}
	return s
}

// field returns the value of a name of the query.
func (r *row) field(slot int, names []string) value {
	if !r.split {
		r.discover(names)
	}
	return r.fields[slot]
}

// discover finds the values of all names.
func (r *row) discover(names []string) {
	r.split = true
	if r.fields == nil {
		r.fields = make([]value, len(names))
	}
	clear(r.fields)
	message := strings.TrimRight(r.event.Message, " \r\n")
	if strings.HasPrefix(message, "{") {
		if v, ok := jsontext.Parse(message); ok {
			for i, name := range names {
				r.fields[i] = member(v, strings.TrimPrefix(name, "@"))
			}
			return
		}
	}
	s := r.source
	if !s.given && !looksDefault(message) {
		return
	}
	rest := message
	for i, slot := range s.slots {
		at := strings.IndexByte(rest, ' ')
		if at < 0 {
			if i != s.count-1 {
				clear(r.fields) // not as many fields as a record has
				return
			}
			at = len(rest)
		}
		if slot >= 0 {
			r.fields[slot] = textOf(rest[:at])
		}
		rest = rest[min(at+1, len(rest)):]
	}
	if n := s.count - len(s.slots); n > 0 && strings.Count(rest, " ") != n-1 || n == 0 && rest != "" {
		clear(r.fields)
	}
	for _, twin := range s.twins {
		r.fields[twin[1]] = r.fields[twin[0]]
	}
}

// looksDefault reports whether a message may be a record of the default format.
func looksDefault(s string) bool {
	return s != "" && s[0] >= '0' && s[0] <= '9' && (strings.HasSuffix(s, " OK") || strings.HasSuffix(s, "DATA"))
}

// member returns the value in an object that a name with dots leads to. Names of members may
// have dots themselves.
func member(v jsontext.Value, name string) value {
	if v.Kind == jsontext.Array {
		first, rest, more := strings.Cut(name, ".")
		i, err := strconv.Atoi(first)
		if err != nil || i < 0 {
			return value{}
		}
		e, ok := v.Index(i)
		if ok && more {
			return member(e, rest)
		}
		return scalar(e, ok)
	}
	for at := len(name); at > 0; at = strings.LastIndexByte(name[:at], '.') {
		if m, ok := v.Get(name[:at]); ok {
			if at == len(name) {
				return scalar(m, true)
			}
			if inner := member(m, name[at+1:]); inner.kind != absent {
				return inner
			}
		}
	}
	return value{}
}

// scalar returns a value of JSON; true and false are 1 and 0, an object or an array is its
// text, null is absent.
func scalar(v jsontext.Value, ok bool) value {
	switch {
	case !ok || v.Kind == jsontext.Null || v.Kind == jsontext.None:
		return value{}
	case v.Kind == jsontext.True || v.Kind == jsontext.False:
		return boolOf(v.Kind == jsontext.True)
	}
	return textOf(v.String())
}
