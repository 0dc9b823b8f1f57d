package explain_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/explain"
	"weir/internal/query"
	"weir/internal/show"
	"weir/internal/vpc"
	"weir/record"
)

var update = flag.Bool("update", false, "write the golden files")

// words write numbers as the commands do.
func words() explain.Words {
	return explain.Words{
		Protocol: func(n int64) string {
			return query.Word(query.Column{Field: record.Protocol}, strconv.FormatInt(n, 10))
		},
		Service: query.Service,
		Count:   show.Count,
		Bytes:   show.Bytes,
		Time:    func(unix int64) string { return show.Time(unix, time.UTC) },
	}
}

// A line is one of an input, with its format.
type line struct {
	format record.Format
	text   string
}

// readLines reads records below headers; lines that begin with # are comments.
func readLines(t testing.TB, text string) (out []line) {
	t.Helper()
	f := record.Default()
	for l := range strings.Lines(text) {
		l = strings.TrimRight(l, "\n")
		if h, ok := record.ParseHeader([]byte(l)); ok {
			f = h
		} else if l != "" && l[0] != '#' {
			out = append(out, line{f, l})
		}
	}
	return out
}

// explained is what an input comes to.
func explained(t testing.TB, input string, cfg explain.Config, l explain.Lang) string {
	t.Helper()
	cfg.Words = words()
	e := explain.New(cfg)
	lines := readLines(t, input)
	records := make([]record.Record, len(lines))
	for i, l := range lines {
		if err := l.format.Parse([]byte(l.text), &records[i]); err != nil {
			t.Fatalf("%s: %v", l.text, err)
		}
		e.See(&records[i])
	}
	var b bytes.Buffer
	p := explain.Printer{W: &b, Lang: l}
	for i, l := range lines {
		if err := p.Print(l.text, e.Explain(l.format, &records[i])); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestSituations compares what is said of each situation that Amazon documents with
// files that were read, one by one, beside the documentation.
func TestSituations(t *testing.T) {
	inputs, err := filepath.Glob("testdata/situations/*.log")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no situations: %v", err)
	}
	for _, name := range inputs {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		cfg := explain.Config{}
		if rules := strings.TrimSuffix(name, ".log") + ".yaml"; exists(rules) {
			c, err := vpc.Load(rules)
			if err != nil {
				t.Fatal(err)
			}
			n := c.Network()
			cfg.Network, cfg.Why = &n, true
		}
		for lang, l := range map[string]explain.Lang{"en": explain.English, "ja": explain.Japanese} {
			t.Run(filepath.Base(name)+"/"+lang, func(t *testing.T) {
				got := explained(t, string(text), cfg, l)
				golden := strings.TrimSuffix(name, ".log") + "." + lang + ".txt"
				if *update {
					if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			})
		}
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
