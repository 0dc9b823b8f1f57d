package explain_test

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"weir/internal/explain"
	"weir/internal/vpc"
	"weir/record"
)

// FuzzExplain explains whatever is a record, with rules and without, in both languages.
func FuzzExplain(f *testing.F) {
	inputs, err := filepath.Glob("testdata/situations/*.log")
	if err != nil || len(inputs) == 0 {
		f.Fatalf("no situations: %v", err)
	}
	for _, name := range inputs {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, l := range readLines(f, string(text)) {
			f.Add(string(l.format.AppendHeader(nil)), l.text)
		}
	}
	c, err := vpc.Load("testdata/situations/20-group-refuses.yaml")
	if err != nil {
		f.Fatal(err)
	}
	n := c.Network()
	f.Fuzz(func(t *testing.T, header, text string) {
		format, ok := record.ParseHeader([]byte(header))
		if !ok {
			return
		}
		var r record.Record
		if format.Parse([]byte(text), &r) != nil {
			return
		}
		for _, cfg := range []explain.Config{{Words: words()}, {Words: words(), Network: &n, Why: true, Connections: 1}} {
			e := explain.New(cfg)
			e.See(&r)
			x := e.Explain(format, &r)
			for _, l := range []explain.Lang{explain.English, explain.Japanese} {
				p := explain.Printer{W: io.Discard, Lang: l, Width: 40}
				if err := p.Print(text, x); err != nil {
					t.Fatal(err)
				}
				if err := p.Close(); err != nil {
					t.Fatal(err)
				}
				b, err := json.Marshal(explain.NewJSON(format, &r, x, l))
				if err != nil || !json.Valid(b) || !utf8.Valid(b) {
					t.Fatalf("%v: %s", err, b)
				}
			}
			if len(x.Head) == 0 {
				t.Error("nothing is said")
			}
		}
	})
}
