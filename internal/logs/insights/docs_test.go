package insights

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The page lists every function, and no other.
func TestDocsListFunctions(t *testing.T) {
	page, err := os.ReadFile("../../../docs/logs-insights.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Functions\n")
	section, _, _ = strings.Cut(section, "\nPeriods are")
	listed := map[string]bool{}
	for _, code := range regexp.MustCompile("`[^`]*`").FindAllString(section, -1) {
		code = regexp.MustCompile(`\(.*?\)`).ReplaceAllString(strings.Trim(code, "`"), "")
		for _, name := range strings.Fields(code) {
			listed[strings.ToLower(name)] = true
		}
	}
	delete(listed, "stats") // for which there are some
	known := []string{"bin", "datefloor", "dateceil", "now"}
	known = slices.AppendSeq(known, maps.Keys(functions))
	for name := range aggregates {
		if name != "percentile" { // another name of pct
			known = append(known, name)
		}
	}
	for _, name := range known {
		if !listed[name] {
			t.Errorf("%s is not on the page", name)
		}
		delete(listed, name)
	}
	for name := range listed {
		t.Errorf("%s is on the page, and there is no such function", name)
	}
}

// The page's example runs.
func TestDocsExample(t *testing.T) {
	page, err := os.ReadFile("../../../docs/logs-insights.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(page), "```\n")
	if len(parts) < 2 {
		t.Fatal("there is no example")
	}
	want := "srcAddr=192.0.2.9 | dstAddr=10.0.1.3 | bytesTransferred=80\nsrcAddr=192.0.2.9 | dstAddr=10.0.1.2 | bytesTransferred=40\n"
	if got := show(results(t, parts[1], events(), Options{})); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
