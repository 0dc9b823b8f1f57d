package show

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"weir/internal/source"
)

// A Missing is a stretch of time that the files of a flow log do not cover.
type Missing struct {
	FlowLog  string
	From, To time.Time
	Files    int // of five minutes each
}

// Account writes what was read, and what not, for people: a few lines, each beginning
// with prefix. What is as it should be takes one line.
func Account(w io.Writer, prefix string, a *source.Account, missing []Missing, zone *time.Location) error {
	var b strings.Builder
	say := func(format string, args ...any) {
		b.WriteString(prefix + clean(fmt.Sprintf(format, args...)) + "\n")
	}
	say("%s, %s: %s, %s wanted%s", plural(int64(a.Objects), "object", "objects"), Bytes(a.Bytes),
		plural(a.Lines-a.Refused, "record", "records"), Count(a.Kept), span(a, zone))
	for _, x := range shorten(a.Assumed) {
		say("no header in %s: taken for %s", x.Object, x.Reason)
	}
	if n := len(a.Assumed); n > most {
		say("… and in %d more", n-most)
	}
	if a.Refused > 0 {
		say("%s refused:", plural(a.Refused, "line", "lines"))
		for _, reason := range slices.SortedFunc(maps.Keys(a.Reasons), func(x, y string) int {
			return cmp.Or(cmp.Compare(a.Reasons[y], a.Reasons[x]), cmp.Compare(x, y))
		}) {
			for _, r := range a.Refusals {
				if r.Reason == reason {
					say("  %s: %s, the first in %s", reason, Count(a.Reasons[reason]), place(r))
					break
				}
			}
		}
	}
	for _, x := range shorten(a.Damaged) {
		say("%s could not be read to its end: %v; %s before that are good", x.Object, x.Err, plural(x.Lines, "line", "lines"))
	}
	if n := len(a.Damaged); n > most {
		say("… nor %d more", n-most)
	}
	gaps(say, a)
	files := 0
	for _, m := range missing {
		files += m.Files
	}
	for _, m := range shorten(missing) {
		say("%s: no file for %s to %s: late, lost, or there was nothing to record", m.FlowLog, m.From.In(zone).Format(time.RFC3339), m.To.In(zone).Format(time.RFC3339))
	}
	if n := len(missing); n > most {
		say("… and %d more stretches, %d files of five minutes in all", n-most, files)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// clean takes out what could make a terminal do things: objects have all sorts of names.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

// most is how many of a kind are named.
const most = 5

func shorten[T any](s []T) []T { return s[:min(len(s), most)] }

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + many
}

func place(r source.Refusal) string {
	kind := "line"
	if r.Row {
		kind = "row"
	}
	return fmt.Sprintf("%s %s %d: %q", r.Object, kind, r.Line, r.Text)
}

// span says what time the records cover.
func span(a *source.Account, zone *time.Location) string {
	if a.Start == 0 || a.End == 0 {
		return ""
	}
	return fmt.Sprintf(", %s to %s", Time(a.Start, zone), Time(a.End, zone))
}

// gaps tells of interfaces that had nothing to record, or of which not all was.
func gaps(say func(string, ...any), a *source.Account) {
	var quiet, records int
	var skipped []string
	for eni, g := range a.Gaps {
		if g.NoData > 0 {
			quiet++
			records += int(g.NoData)
		}
		if g.SkipData > 0 {
			skipped = append(skipped, eni)
		}
	}
	if quiet > 0 {
		say("NODATA: %s had windows without traffic (%d)", plural(int64(quiet), "interface", "interfaces"), records)
	}
	slices.SortFunc(skipped, func(x, y string) int {
		return cmp.Or(cmp.Compare(a.Gaps[y].SkipData, a.Gaps[x].SkipData), cmp.Compare(x, y))
	})
	for _, eni := range shorten(skipped) {
		say("SKIPDATA: %s has traffic that was not recorded, in %s", eni, plural(a.Gaps[eni].SkipData, "window", "windows"))
	}
	if n := len(skipped); n > most {
		say("SKIPDATA: … and %s", plural(int64(n-most), "more interface", "more interfaces"))
	}
}

// AccountJSON is an account for programs.
type AccountJSON struct {
	Objects    int                   `json:"objects"`
	Bytes      int64                 `json:"bytes"`
	Records    int64                 `json:"records"`
	Kept       int64                 `json:"kept"`
	Refused    int64                 `json:"refused"`
	Start      string                `json:"start,omitempty"`
	End        string                `json:"end,omitempty"`
	Reasons    map[string]int64      `json:"reasons,omitempty"`
	Refusals   []refusalJSON         `json:"refusals,omitempty"`
	Damaged    []damageJSON          `json:"damaged,omitempty"`
	Assumed    []assumptionJSON      `json:"assumed,omitempty"`
	Interfaces map[string]source.Gap `json:"interfaces,omitempty"`
	Missing    []missingJSON         `json:"missing,omitempty"`
}

type (
	refusalJSON struct {
		Object string `json:"object"`
		Line   int64  `json:"line,omitempty"`
		Row    int64  `json:"row,omitempty"` // instead: of Parquet, or a record of JSON
		Text   string `json:"text"`
		Reason string `json:"reason"`
	}
	damageJSON struct {
		Object string `json:"object"`
		Good   int64  `json:"good"`
		Error  string `json:"error"`
	}
	assumptionJSON struct {
		Object string `json:"object"`
		Format string `json:"format"`
		Reason string `json:"reason"`
	}
	missingJSON struct {
		FlowLog string `json:"flow_log"`
		From    string `json:"from"`
		To      string `json:"to"`
		Files   int    `json:"files"`
	}
)

// NewAccountJSON returns an account for programs. Times are UTC.
func NewAccountJSON(a *source.Account, missing []Missing) AccountJSON {
	out := AccountJSON{Objects: a.Objects, Bytes: a.Bytes, Records: a.Lines - a.Refused, Kept: a.Kept, Refused: a.Refused,
		Reasons: a.Reasons, Interfaces: a.Gaps}
	if a.Start > 0 && a.End > 0 {
		out.Start, out.End = Time(a.Start, time.UTC), Time(a.End, time.UTC)
	}
	for _, r := range a.Refusals {
		at := refusalJSON{Object: r.Object, Line: r.Line, Text: r.Text, Reason: r.Reason}
		if r.Row {
			at.Line, at.Row = 0, r.Line
		}
		out.Refusals = append(out.Refusals, at)
	}
	for _, d := range a.Damaged {
		out.Damaged = append(out.Damaged, damageJSON{d.Object, d.Lines, d.Err.Error()})
	}
	for _, x := range a.Assumed {
		out.Assumed = append(out.Assumed, assumptionJSON{x.Object, x.Format.String(), x.Reason})
	}
	for _, m := range missing {
		out.Missing = append(out.Missing, missingJSON{m.FlowLog, Time(m.From.Unix(), time.UTC), Time(m.To.Unix(), time.UTC), m.Files})
	}
	return out
}
