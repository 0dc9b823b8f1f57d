package pattern

import (
	"os"
	"strings"
	"testing"
)

// The patterns that the page shows in blocks choose a record that was refused, or its JSON.
func TestDocsExamples(t *testing.T) {
	page, err := os.ReadFile("../../../docs/logs-patterns.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for i, block := range strings.Split(string(page), "```\n") {
		if i%2 == 0 {
			continue // between blocks
		}
		for text := range strings.Lines(block) {
			p, err := Parse(strings.TrimSpace(text))
			if err != nil {
				t.Errorf("%s: %v", text, err)
				continue
			}
			n++
			if !p.Match(reject) && !p.Match(`{"action":"REJECT","bytes":1500,"instance":null}`) {
				t.Errorf("%s chooses nothing", text)
			}
		}
	}
	if n < 3 {
		t.Errorf("the page shows %d patterns", n)
	}
}
