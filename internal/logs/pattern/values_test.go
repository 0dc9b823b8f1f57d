package pattern

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mustParse(t testing.TB, text string) *Pattern {
	t.Helper()
	p, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestValue(t *testing.T) {
	for _, tt := range []struct{ pattern, message, selector, want string }{
		{bySSH, reject, "$bytes", "40"},
		{bySSH, reject, "$flowlogstatus", "OK"},
		{byShort, reject, "$status", "OK"},
		{byShort, reject, "$10", "40"},
		{byShort, reject, "$15", ""},
		{byShort, reject, "$0", ""},
		{byShort, reject, "$x", ""},
		{byShort, reject, "bytes", ""},
		{`[a, a]`, "x y", "$a", "x"},
		{`[..., request, code, bytes]`, web, "$request", "GET /index.html HTTP/1.0"},
		{`{ $.user.id = 1 }`, object, "$.user.id", "1"},
		{`{ $.user.id = 1 }`, object, "$.f", "55.5"},
		{`{ $.user.id = 1 }`, object, "$.quote", `a"b`},
		{`{ $.user.id = 1 }`, object, "$.user", ""},
		{`{ $.user.id = 1 }`, object, "$.nil", ""},
		{`{ $.user.id = 1 }`, object, "$.x.y", ""},
		{`{ $.user.id = 1 }`, object, "$.objects[*].name", "a"},
		{`{ $.user.id = 1 }`, object, "$.objects[1].name", "b"},
		{`{ $.user.id = 1 }`, object, "$.user.id x", ""},
		{`REJECT`, reject, "$10", ""},
		{``, reject, "$10", ""},
	} {
		got, ok := mustParse(t, tt.pattern).Value(tt.message, tt.selector)
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: %s is %q, %v; want %q", tt.pattern, tt.selector, got, ok, tt.want)
		}
	}
}

// The first case is Amazon's own example of extracted fields.
func TestExtract(t *testing.T) {
	for _, tt := range []struct {
		pattern, message string
		want             map[string]string
	}{
		{`[..., request=*.html*, status_code=4*,]`, web, map[string]string{
			"$status_code": "404", "$request": "GET /index.html HTTP/1.0", "$7": "1534",
			"$4": "10/Oct/2000:13:25:15 -0700", "$3": "frank", "$2": "-", "$1": "127.0.0.1",
		}},
		{`[, 1, a, a]`, "w x y z", map[string]string{"$1": "x", "$a": "y"}},
		{`[a, b, ...]`, "x y z", map[string]string{"$a": "x", "$b": "y", "$3": "z"}},
		{`{ $.n >= 400 && ($.user.id = 1 || $.x = 1) }`, object, map[string]string{"$.n": "400", "$.user.id": "1"}},
		{`{ $.x NOT EXISTS }`, object, map[string]string{}},
		{`ERROR`, "ERROR", map[string]string{}},
		{``, "x", map[string]string{}},
	} {
		p := mustParse(t, tt.pattern)
		if !p.Match(tt.message) {
			t.Errorf("%s does not choose %s", tt.pattern, tt.message)
		}
		if diff := cmp.Diff(tt.want, p.Extract(tt.message)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.pattern, diff)
		}
	}
}

func TestMetric(t *testing.T) {
	for _, tt := range []struct {
		pattern, message, value string
		want                    float64
		ok                      bool
	}{
		{bySSH, reject, "1", 1, true},
		{bySSH, reject, "2.5e1", 25, true},
		{bySSH, reject, "$bytes", 40, true},
		{bySSH, reject, "$eni", 0, false},
		{`[..., bytes, start, end, action, status]`, nodata, "$bytes", 0, false},
		{`{ $.f = * }`, object, "$.f", 55.5, true},
		{`{ $.f = * }`, object, "$.user", 0, false},
		{`REJECT`, reject, "1", 1, true},
		{`{ $.n = * }`, `{"n":1e400}`, "$.n", 0, false},
		{`{ $.n = * }`, `{"n":-2.4e108}`, "$.n", 0, false},
		{`{ $.n = * }`, `{"n":2.3e108}`, "$.n", 2.3e108, true},
		{`[n]`, `inf`, "$n", 0, false},
		{`[n]`, `NaN`, "$n", 0, false},
	} {
		got, ok := mustParse(t, tt.pattern).Metric(tt.message, tt.value)
		if got != tt.want || ok != tt.ok {
			t.Errorf("%s: %s adds %v, %v; want %v, %v", tt.pattern, tt.value, got, ok, tt.want, tt.ok)
		}
	}
}

func TestCheckValue(t *testing.T) {
	for _, tt := range []struct {
		pattern, value string
		ok             bool
	}{
		{bySSH, "1", true}, {bySSH, "$bytes", true}, {bySSH, "$14", true}, {bySSH, "$bites", false},
		{bySSH, "bytes", false}, {bySSH, "", false}, {bySSH, "$", false},
		{`{ $.f = * }`, "$.g", true}, {`{ $.f = * }`, "$f", false}, {`{ $.f = * }`, "$", false},
		{`REJECT`, "1", true}, {`REJECT`, "$1", false}, {``, "-1.5", true},
	} {
		if err := mustParse(t, tt.pattern).CheckValue(tt.value); (err == nil) != tt.ok {
			t.Errorf("%s: CheckValue(%s) is %v", tt.pattern, tt.value, err)
		}
	}
}
