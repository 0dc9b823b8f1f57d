package jsontext

import (
	"encoding/json"
	"testing"
)

func TestParseAsTheStandardLibrary(t *testing.T) {
	for _, s := range []string{
		``, ` `, `{}`, `[]`, ` [ ] `, `{"a":1}`, `{"a" : [1, 2.5e-3, -0, true, false, null, "x\n\u00e9"] }`,
		`{"a":1,}`, `[1,]`, `[1 2]`, `{"a"}`, `{a:1}`, `01`, `-`, `1.`, `1e`, `1e+`, `"a`, "\"a\nb\"", `"\x"`, `"\u12"`,
		`"\u12g4"`, `tru`, `truex`, `{} {}`, `nul`, `"\`, `[`, `{`, `{"a":`, `[[[]]]`, `1e5`, `1E-5`, `-01`, `{"a":{}}`,
	} {
		if _, got := Parse(s); got != json.Valid([]byte(s)) {
			t.Errorf("Parse(%q) is valid: %v, want %v", s, got, !got)
		}
	}
}

func TestValues(t *testing.T) {
	v, ok := Parse(`{"a": {"b": [10, "x\ty", {"c": null}]}, "k\u0065y": true, "a": 2}`)
	if !ok {
		t.Fatal("not valid")
	}
	a, _ := v.Get("a")
	b, _ := a.Get("b")
	if e, ok := b.Index(1); !ok || e.String() != "x\ty" || e.Kind != String {
		t.Errorf("a.b[1] = %v %v", e, ok)
	}
	if e, ok := b.Index(0); !ok || e.String() != "10" || e.Kind != Number {
		t.Errorf("a.b[0] = %v %v", e, ok)
	}
	if _, ok := b.Index(3); ok {
		t.Error("a.b[3] exists")
	}
	if _, ok := b.Get("x"); ok {
		t.Error("an array has members")
	}
	if e, ok := v.Get("key"); !ok || e.Kind != True {
		t.Errorf("key = %v %v", e, ok)
	}
}

// FuzzParse compares with the standard library what is valid, and takes all values apart.
func FuzzParse(f *testing.F) {
	f.Add(`{"a":[1,{"b":"\u00e9"}],"c":null}`)
	f.Add(`[[[1e5]]]`)
	f.Fuzz(func(t *testing.T, s string) {
		v, ok := Parse(s)
		if ok && !json.Valid([]byte(s)) {
			t.Fatalf("Parse(%q) is valid, and is not", s)
		}
		walk(v)
	})
}

func walk(v Value) {
	_ = v.String()
	for _, m := range v.Members {
		walk(m)
	}
	for _, e := range v.Elements {
		walk(e)
	}
}
