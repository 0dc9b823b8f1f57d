package query

import (
	"os"
	"strings"
	"testing"

	"weir/record"
)

func TestParseBy(t *testing.T) {
	for _, tt := range []struct{ typed, want string }{
		{"srcaddr,dstport", "srcaddr,dstport"},
		{"SrcAddr dst_port + tcpFlags", "srcaddr,dstport,tcp-flags"},
		{"log_status,x_Drop-Reason,`rule`", "log-status,x-drop-reason,rule"},
		{",srcaddr,", "srcaddr"},
		{"", "column 1: at the end: no fields"},
		{" , ", "column 4: at the end: no fields"},
		{"srcaddr,dst-prot", `column 9: "dst-prot": unknown field; did you mean dstport?`},
		{"srcaddr,src_addr", `column 9: "src_addr": field comes twice`},
		{"x-a,x_a", `column 5: "x_a": field comes twice`},
		{"ä, sport", `column 1: "ä": not the name of a field`},
		{"`ä`", "column 1: `ä`: not the name of a field"},
		{"`rule", "column 1: `rule: not the name of a field"},
		{"addr", `column 1: "addr": stands for two fields; did you mean srcaddr,dstaddr?`},
		{"sport", `column 1: "sport": unknown field; did you mean srcport?`},
		{"address", `column 1: "address": unknown field; did you mean srcaddr?`},
		{"reject", "column 1: \"reject\": unknown field; one that is not Amazon's is written `reject` in backticks"},
		{"rule", "column 1: \"rule\": unknown field; one that is not Amazon's is written `rule` in backticks"},
	} {
		cols, err := ParseBy(tt.typed)
		var names []string
		for _, c := range cols {
			names = append(names, c.Name)
			if c.Field != record.None && c.Field.Name() != c.Name {
				t.Errorf("%q: %+v", tt.typed, c)
			}
		}
		got := strings.Join(names, ",")
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%q:\ngot  %s\nwant %s", tt.typed, got, tt.want)
		}
	}
	// Every field is found by its own name and by that of its Parquet column.
	for _, f := range record.AllFields() {
		for _, name := range []string{f.Name(), f.Column(), strings.ToUpper(f.Name())} {
			if cols, err := ParseBy(name); err != nil || len(cols) != 1 || cols[0].Field != f {
				t.Errorf("%s: %v, %v", name, cols, err)
			}
		}
	}
}

func TestParseMeasure(t *testing.T) {
	for _, tt := range []struct{ typed, want string }{
		{"bytes", "bytes"}, {"Packets", "packets"}, {"records", "records"},
		{"flows", `column 1: "flows": want bytes, packets or records; did you mean records?`},
		{"byte", `column 1: "byte": want bytes, packets or records; did you mean bytes?`},
		{"", "column 1: at the end: want bytes, packets or records"},
	} {
		m, err := ParseMeasure(tt.typed)
		got := m.String()
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.typed, got, tt.want)
		}
	}
}

// TestWordsAreApart checks that no word of the language is the name of a field, and
// that what is suggested can be typed.
func TestWordsAreApart(t *testing.T) {
	words := []string{"src", "dst", "host", "net", "portrange"}
	for w := range ends {
		words = append(words, w)
	}
	for w := range short {
		words = append(words, w)
	}
	for w := range networks {
		words = append(words, w)
	}
	for w := range protocols {
		words = append(words, w)
	}
	for w := range reserved {
		words = append(words, w)
	}
	for _, w := range words {
		if f, ok := fieldNames[looseName(w)]; ok {
			t.Errorf("%s is a word and the field %s", w, f)
		}
	}
	for typed, name := range meant {
		if looseName(typed) != typed {
			t.Errorf("%s is never looked up", typed)
		}
		_, isField := fieldNames[looseName(name)]
		if _, isShort := short[name]; !isField && !isShort && ends[name] == nil {
			t.Errorf("%s suggests %s, which is no word", typed, name)
		}
		if _, err := Parse(typed); err == nil {
			t.Errorf("%s is accepted, so nothing need be suggested", typed)
		}
	}
	for name, n := range services {
		if e, err := Parse("dstport = " + name); err != nil || e.(*Test).Values[0].Lo != n {
			t.Errorf("dstport = %s: %v, %v", name, e, err)
		}
	}
	for name, n := range protocols {
		if e, err := Parse("protocol = " + name); err != nil || e.(*Test).Values[0].Lo != n {
			t.Errorf("protocol = %s: %v, %v", name, e, err)
		}
	}
}

// TestPage checks what docs/formats/filter.md shows.
func TestPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/formats/filter.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	intro, _, _ := strings.Cut(page, "## Tests")
	n := 0
	for line := range strings.Lines(intro) {
		if cond, ok := strings.CutPrefix(line, "    "); ok {
			n++
			if _, err := Parse(cond); err != nil {
				t.Errorf("%s%v", line, err)
			}
		}
	}
	if n == 0 {
		t.Error("the page has no examples")
	}
	_, err = Parse("srcaddr = 10.0.0.1 and srcprot = 22")
	bad, ok := err.(*SyntaxError)
	if !ok {
		t.Fatal(err)
	}
	want := "    " + strings.ReplaceAll(bad.Pointer()+"\n"+bad.Error(), "\n", "\n    ") + "\n"
	if !strings.Contains(page, want) {
		t.Errorf("the page does not have\n%s", want)
	}
}

func TestService(t *testing.T) {
	for port, want := range map[int64]string{22: "ssh", 53: "dns", 443: "https", 3389: "rdp", 6: "", -1: "", 51820: "wireguard"} {
		if got := Service(port); got != want {
			t.Errorf("Service(%d) = %q, want %q", port, got, want)
		}
	}
}
