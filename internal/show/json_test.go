package show

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

func TestAppendJSON(t *testing.T) {
	for _, tt := range []struct {
		value  string
		number bool
		want   string
	}{
		{"-", false, "null"},
		{"-", true, "null"},
		{"6", true, "6"},
		{"6", false, `"6"`},
		{"", false, `""`},
		{"eni-1", false, `"eni-1"`},
		{`a"b\c`, false, `"a\"b\\c"`},
		{"a\tb\x00\x1f", false, `"a\tb\u0000\u001f"`},
		{"a/b'c", false, `"a/b'c"`},
		{"größe", false, `"größe"`},
		{"a\xffb\xc3", false, `"a\ufffdb\ufffd"`},
		{"\u2028", false, `"\u2028"`},
	} {
		got := appendJSON([]byte("x"), []byte(tt.value), tt.number)
		if string(got) != "x"+tt.want || !json.Valid(got[1:]) || !utf8.Valid(got) {
			t.Errorf("%q: got %s, want x%s", tt.value, got, tt.want)
		}
	}
}

func FuzzAppendQuoted(f *testing.F) {
	f.Add([]byte("eni-1"))
	f.Add([]byte("\xff\"\\\n\u2028<>"))
	f.Fuzz(func(t *testing.T, v []byte) {
		var got string
		if err := json.Unmarshal(appendQuoted(nil, v), &got); err != nil {
			t.Fatal(err)
		}
		if want := string(v); utf8.Valid(v) && got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
