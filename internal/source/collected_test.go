package source

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/record"
)

var update = flag.Bool("update", false, "write testdata/collected.txt anew, to be reviewed")

func itoa(n int) string { return strconv.Itoa(n) }

// shared returns a file of the material that lies beside the module, or beside a folder
// that the module is in: it is other people's, for tests only. Without it the test is
// skipped.
func shared(t *testing.T, name string) string {
	t.Helper()
	dir, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		text, err := os.ReadFile(filepath.Join(dir, "shared", name))
		if err == nil {
			return string(text)
		}
		if !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	t.Skipf("NOT RUN: the shared material is not beside the module: no %s", name)
	return ""
}

// verdict says in a few words how a text that holds one line was read.
func verdict(t *testing.T, text string) string {
	t.Helper()
	got, acc := scan(t, text)
	for _, r := range acc.Refusals {
		return "refused: " + strings.TrimSuffix(strings.TrimPrefix(r.Reason, "no header, and "), ": name the fields with --format")
	}
	if len(acc.Damaged) > 0 {
		return "damaged: " + acc.Damaged[0].Err.Error()
	}
	if len(got) == 2 {
		// Its fields have to come out as they went in.
		if _, rec, _ := strings.Cut(got[1], ": "); !strings.HasSuffix(text, rec) {
			t.Errorf("got %q\nof  %q", rec, text)
		}
		if len(acc.Assumed) == 1 {
			return "read: " + acc.Assumed[0].Reason
		}
		return "read: by the header before it"
	}
	t.Errorf("%q of %q", got, text)
	return ""
}

// TestCollected reads lines that some thirty other programs are tested with, each
// alone, and after the last header of the same source if there is one with as many
// fields. The verdicts in testdata were reviewed one by one: which parser's material
// each line is, by number, and what must become of it.
func TestCollected(t *testing.T) {
	const golden = "testdata/collected.txt"
	text := shared(t, "data/logs/records.jsonl")
	var got strings.Builder
	headers := map[string][]record.Format{}
	for sc := bufio.NewScanner(strings.NewReader(text)); sc.Scan(); {
		var row struct{ Src, Kind, Line string }
		if err := json.Unmarshal(sc.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		if f, ok := record.ParseHeader([]byte(row.Line)); ok {
			headers[row.Src] = append(headers[row.Src], f)
		}
	}
	n := 0
	for sc := bufio.NewScanner(strings.NewReader(text)); sc.Scan(); {
		n++
		var row struct{ Src, Kind, Line string }
		if err := json.Unmarshal(sc.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		what := ""
		if row.Kind == "header" {
			f, ok := record.ParseHeader([]byte(row.Line))
			switch names := strings.Fields(strings.NewReplacer("${", "", "}", "").Replace(row.Line)); {
			case !ok:
				what = "no header"
			case f.Len() != len(names):
				t.Errorf("%d fields of %s", f.Len(), row.Line)
			default:
				what = "header of " + itoa(f.Len()) + " fields"
				if ext := f.Extensions(); ext != nil {
					what += ", of which not known: " + strings.Join(ext, " ")
				}
			}
		} else {
			what = verdict(t, row.Line)
			for _, f := range headers[row.Src] {
				if f.Len() == strings.Count(row.Line, " ")+1 {
					what += "; with a header of its source " + verdict(t, string(f.AppendHeader(nil))+"\n"+row.Line)
				}
			}
		}
		got.WriteString(itoa(n) + " " + row.Src + " " + row.Kind + ": " + what + "\n")
	}
	if n < 100 {
		t.Fatalf("%d lines are too few to say anything", n)
	}
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); d != "" {
		t.Errorf("verdicts (-want +got):\n%s", d)
	}
}

// TestSeed reads the lines that the project began from, which have no header.
func TestSeed(t *testing.T) {
	text := shared(t, "data/logs/seed-samples.log")
	got, acc := scan(t, text)
	want := []string{v2header + " tcp-flags"}
	for i, l := range strings.Split(strings.TrimSpace(text), "\n") {
		want = append(want, itoa(i+1)+": "+l)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"assumed: 15 fields that look like the default format and tcp-flags"}, told(acc)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
