package show

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"weir/internal/query"
	"weir/internal/source"
	"weir/record"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, got, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs, got:\n%s", path, got)
	}
}

// failing is a disk that is full.
type failing struct{}

var errFull = errors.New("no space")

func (failing) Write([]byte) (int, error) { return 0, errFull }

// accounts are one of a run without trouble, and one of a run with all of it.
func accounts() (good, bad *source.Account, missing []Missing) {
	good = &source.Account{Objects: 1, Bytes: 22_000_000, Lines: 1_000_000, Kept: 1234, Start: 1700000000, End: 1700003600}
	bad = &source.Account{Objects: 12, Bytes: 999, Lines: 2010, Kept: 1, Refused: 1008, Reasons: map[string]int64{"too few fields": 1000, "field bytes: value is not a decimal number": 4, "b": 4},
		Start: 1700000000, End: 1700003600, Gaps: map[string]source.Gap{"eni-1": {NoData: 3}, "eni-2": {NoData: 1, SkipData: 1}}}
	for i := range 7 {
		name := fmt.Sprintf("s3://logs/%d.log.gz", i)
		bad.Refusals = append(bad.Refusals, source.Refusal{Object: name, Line: int64(i + 1), Row: i == 5,
			Text: "2 \x1b[31mred\xff", Reason: []string{"too few fields", "b", "field bytes: value is not a decimal number"}[i%3]})
		bad.Damaged = append(bad.Damaged, source.Damage{Object: name, Lines: int64(i), Err: io.ErrUnexpectedEOF})
		bad.Assumed = append(bad.Assumed, source.Assumption{Object: name, Format: record.Default(), Reason: "14 fields that look like the default format"})
		bad.Gaps[fmt.Sprintf("eni-0%d", i)] = source.Gap{SkipData: int64(i) + 1}
		from := time.Unix(1700000100+int64(i)*3600, 0)
		missing = append(missing, Missing{FlowLog: "fl-1", From: from, To: from.Add(10 * time.Minute), Files: 2})
	}
	return good, bad, missing
}

func TestAccount(t *testing.T) {
	good, bad, missing := accounts()
	var out bytes.Buffer
	for _, a := range []*source.Account{{}, good, bad} {
		var gone []Missing
		if a == bad {
			gone = missing
		}
		if err := Account(&out, "weir: ", a, gone, time.FixedZone("CET", 3600)); err != nil {
			t.Fatal(err)
		}
		out.WriteString("\n")
	}
	for line := range strings.Lines(out.String()) {
		if line != "\n" && !strings.HasPrefix(line, "weir: ") {
			t.Errorf("a line without prefix: %s", line)
		}
	}
	if bytes.ContainsAny(out.Bytes(), "\x1b") || !utf8.Valid(out.Bytes()) {
		t.Error("what a refused line holds comes through to the terminal")
	}
	golden(t, "account.txt", out.Bytes())
	if err := Account(failing{}, "", good, nil, time.UTC); !errors.Is(err, errFull) {
		t.Errorf("got error %v", err)
	}
}

func TestAccountJSON(t *testing.T) {
	good, bad, missing := accounts()
	var out bytes.Buffer
	for _, a := range []AccountJSON{NewAccountJSON(&source.Account{}, nil), NewAccountJSON(good, nil), NewAccountJSON(bad, missing)} {
		if err := WriteJSON(&out, a); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "account.json", out.Bytes())
}

// hours are bins with nothing, little, much, and much of one beside little of the other.
func hours() []query.Minute {
	bins := make([]query.Minute, 10)
	for i := range bins {
		bins[i].Start = 1700000000/3600*3600 + int64(i)*3600
	}
	bins[1].Accepted = query.Sums{Records: 1, Packets: 1, Bytes: 40}
	bins[2].Refused = query.Sums{Records: 1, Packets: 1, Bytes: 40}
	bins[3].Accepted = query.Sums{Records: 90_000, Packets: 1_000_000, Bytes: 5_000_000_000}
	bins[4] = query.Minute{Start: bins[4].Start, Accepted: bins[3].Accepted, Refused: bins[2].Refused}
	bins[5] = query.Minute{Start: bins[5].Start, Accepted: bins[1].Accepted, Refused: bins[3].Accepted}
	bins[6] = query.Minute{Start: bins[6].Start, Accepted: bins[3].Accepted, Refused: bins[3].Accepted}
	return bins
}

func TestChart(t *testing.T) {
	zone, err := time.LoadLocation("Europe/London") // in 1970 it was BST there in winter
	if err != nil {
		t.Skip(err)
	}
	var out bytes.Buffer
	for _, m := range []query.Measure{query.ByBytes, query.ByPackets, query.ByRecords} {
		if err := Chart(&out, hours(), m, 40, zone); err != nil {
			t.Fatal(err)
		}
	}
	if err := Chart(&out, nil, query.ByBytes, 40, time.UTC); err != nil {
		t.Fatal(err)
	}
	golden(t, "chart.txt", out.Bytes())
}

// TestBars has bars within the width, and shows whatever is not nothing.
func TestBars(t *testing.T) {
	for _, width := range []int{0, 1, 2, 3, 40} {
		for _, accepted := range []int64{0, 1, 39, 1000, math.MaxInt64} {
			for _, refused := range []int64{0, 1, 39, 1000, math.MaxInt64} {
				for _, more := range []int64{0, 5000} {
					a, r := bars(accepted, refused, plus(plus(accepted, refused), more), width)
					if (a > 0) != (accepted > 0) || (r > 0) != (refused > 0) || a+r > max(2, width) || a < 0 || r < 0 {
						t.Errorf("%d accepted and %d refused in %d: bars of %d and %d", accepted, refused, width, a, r)
					}
				}
			}
		}
	}
}

// attributes are those that may name something outside of a picture.
var attributes = map[string]bool{"href": true, "src": true, "style": true, "class": true}

// checkSVG checks that a picture is well-formed and needs nothing else.
func checkSVG(t *testing.T, picture []byte) {
	t.Helper()
	for dec := xml.NewDecoder(bytes.NewReader(picture)); ; {
		token, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, picture)
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch e.Name.Local {
		case "svg", "title", "rect", "text", "line":
		default:
			t.Errorf("there is an element %s", e.Name.Local)
		}
		for _, a := range e.Attr {
			if attributes[a.Name.Local] || strings.Contains(a.Value, "url(") || strings.Contains(a.Value, "://") && a.Name.Local != "xmlns" {
				t.Errorf("%s names something outside: %s", a.Name.Local, a.Value)
			}
			if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") || strings.Contains(a.Name.Local, "width") && strings.HasPrefix(a.Value, "-") {
				t.Errorf("%s is %s", a.Name.Local, a.Value)
			}
		}
	}
}

func TestSVG(t *testing.T) {
	var out bytes.Buffer
	if err := SVG(&out, hours(), query.ByBytes, 3600, time.UTC); err != nil {
		t.Fatal(err)
	}
	checkSVG(t, out.Bytes())
	golden(t, "timeline.svg", out.Bytes())
	huge := []query.Minute{{Start: 60, Accepted: query.Sums{Bytes: math.MaxInt64}, Refused: query.Sums{Bytes: 1}}, {Start: 120, Accepted: query.Sums{Bytes: math.MaxInt64 / 2}}}
	for _, bins := range [][]query.Minute{nil, hours()[:1], huge, make([]query.Minute, 5000)} {
		for _, m := range []query.Measure{query.ByBytes, query.ByPackets, query.ByRecords} {
			out.Reset()
			if err := SVG(&out, bins, m, 86400, time.FixedZone("<&\">", 0)); err != nil {
				t.Fatal(err)
			}
			checkSVG(t, out.Bytes())
			if bytes.Contains(out.Bytes(), []byte(">-")) {
				t.Errorf("a negative amount in\n%.2000s", out.Bytes())
			}
			if err := Chart(io.Discard, bins, m, 40, time.UTC); err != nil {
				t.Fatal(err)
			}
		}
	}
}
