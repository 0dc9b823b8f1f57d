package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/finding"
	"weir/internal/firewall"
	"weir/internal/query"
	"weir/internal/rows"
	"weir/internal/show"
)

// findingOptions are the flags of what looks wrong.
type findingOptions struct {
	findings string
	against  string
	rules    rulesOptions

	number   int             // of findings that are shown; -1: all
	stretch  time.Duration   // of --against, 0 if it is a place
	finder   *finding.Finder // nil: nothing is looked for
	earlier  *finding.Finder
	policies *firewall.Set // nil without --rules
}

// findingHelp is what the help of weir summary says of it.
const findingHelp = `
What looks wrong, or is worth a look, comes last: scans, floods, services that stopped
answering, who is refused again and again, connections of which one direction is
missing, unusual volumes, gaps, traffic by the clock. Each finding has its confidence,
some of its records, and the command that shows all of them. What is looked for, from
which thresholds on, and what is not seen, is in docs/findings.md. --against also tells
which services and private addresses are new, compared with an earlier period; --rules
says which rule refuses, or which is lacking.`

func (o *findingOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.findings, "findings", "8", `show so many of what looks wrong, or "all"; 0 does not look for it`)
	f.StringVar(&o.against, "against", "", "tell what is new against another place, or against so much time before --since (24h, 7d)")
	o.rules.addFlags(cmd)
}

func (o *findingOptions) check(r *readingOptions) error {
	switch n, err := strconv.Atoi(o.findings); {
	case o.findings == "all":
		o.number = -1
	case err != nil || n < 0:
		return usageError{fmt.Errorf("summary: --findings %q: want a number or all", o.findings), "see weir summary -h"}
	default:
		o.number = n
	}
	if o.number == 0 {
		if o.against != "" || o.rules.given() {
			return usageError{errors.New("summary: --against and --rules find nothing with --findings 0"), "leave one of them out"}
		}
		return nil
	}
	if o.against == "" {
		o.finder = finding.New(finding.Doubtful)
		return nil
	}
	o.finder = finding.New(finding.AllLines)
	var ok bool
	if o.stretch, ok = parseStretch(o.against); ok && r.since == "" {
		return usageError{fmt.Errorf("summary: --against %s: before what?", o.against), "with --since, such as --since 1h --against 24h; or name a place"}
	}
	if slices.Contains(r.places, "-") && (ok || o.against == "-") {
		return usageError{errors.New("summary: --against: standard input is read once"), "name a file"}
	}
	return nil
}

// parseStretch reads a length of time: 24h, 7d.
func parseStretch(s string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return time.Duration(n) * 24 * time.Hour, n > 0
		}
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d > 0
}

// columns are those that findings are made of.
func (o *findingOptions) columns() []query.Column {
	if o.finder == nil {
		return nil
	}
	var out []query.Column
	for _, f := range finding.Fields() {
		out = append(out, columnOf(f))
	}
	return out
}

// collector returns a collector for one worker; nil if nothing is looked for.
func (o *findingOptions) collector() *finding.Collector {
	if o.finder == nil {
		return nil
	}
	return o.finder.Collector()
}

// findingAdder collects what findings are made of, and nothing else.
type findingAdder struct{ *finding.Collector }

func (a findingAdder) add(b *rows.Batch, selected []int32) ([]rows.Bad, error) {
	a.Add(b, selected)
	return nil, nil
}

// loadRules reads the rules that may have refused.
func (o *summaryOptions) loadRules(ctx context.Context, stderr io.Writer) error {
	n, err := o.rules.load(ctx, "summary", o.awsOptions(), stderr)
	if n != nil {
		o.policies = firewall.Compile(n)
	}
	return err
}

// readEarlier reads what the records are compared with.
func (o *summaryOptions) readEarlier(ctx context.Context, stderr io.Writer) error {
	if o.against == "" {
		return nil
	}
	r := o.readingOptions
	r.expr, r.wanted, r.dedup, r.follow = nil, nil, false, false
	places := []string{o.against}
	if o.stretch > 0 {
		s, err := o.selection(time.Now())
		if err != nil {
			return err
		}
		places = o.places
		r.since, r.until = s.Since.Add(-o.stretch).UTC().Format(time.RFC3339), s.Since.UTC().Format(time.RFC3339)
	} else {
		r.since, r.until = "", ""
	}
	if err := r.check("summary", places); err != nil {
		return err
	}
	o.earlier = finding.New(finding.NoLines)
	_, found, err := addUp(ctx, &r, o.columns(), func() findingAdder { return findingAdder{o.earlier.Collector()} })
	if err != nil {
		return err
	}
	if n := len(found.Damaged); n > 0 {
		fmt.Fprintf(stderr, "weir: --against %s: %s could not be read to the end, what was in there is taken for new\n", o.against, count(n, "object"))
	}
	if found.Kept == 0 {
		return notFound("summary: --against %s: no record, so all would be new", o.against)
	}
	return nil
}

// find looks for what is wrong; nil if that is not wanted.
func (o *summaryOptions) find() *finding.Report {
	if o.finder == nil {
		return nil
	}
	r := o.finder.Find(finding.Options{Rules: o.policies, Against: o.earlier, Partial: o.where != ""})
	return &r
}

// maxAlike is how many findings of a kind are shown, unless all are.
const maxAlike = 3

// shown returns the findings that are shown.
func (o *findingOptions) shown(r *finding.Report) []finding.Finding {
	if o.number < 0 {
		return r.Findings
	}
	out := []finding.Finding{}
	alike := map[finding.Kind]int{}
	for _, f := range r.Findings {
		if alike[f.Kind]++; alike[f.Kind] <= maxAlike && len(out) < o.number {
			out = append(out, f)
		}
	}
	return out
}

// command is the command that shows the records of a finding.
func (o *summaryOptions) command(f *finding.Finding) string {
	words := []string{"weir", "read"}
	remote := false
	for _, p := range o.places {
		words = append(words, shellWord(p))
		remote = remote || strings.Contains(p, "://")
	}
	flag := func(name, value string) {
		if value != "" {
			words = append(words, "--"+name, shellWord(value))
		}
	}
	if remote { // so that not all of it is read again
		flag("since", show.Time(f.First, time.UTC))
		flag("until", show.Time(f.Last+1, time.UTC))
		flag("endpoint-url", o.endpoint)
		flag("profile", o.profile)
	}
	flag("account", strings.Join(o.accounts, ","))
	flag("region", strings.Join(o.regions, ","))
	flag("flow-log-id", strings.Join(o.flowLogs, ","))
	flag("format", o.format)
	flag("where", o.condition(f))
	return strings.Join(words, " ")
}

// condition is that of a finding, and what the user asked for.
func (o *summaryOptions) condition(f *finding.Finding) string {
	e, err := query.Parse(f.Where)
	if err != nil {
		panic(fmt.Sprintf("BUG: summary: %s: %v", f.Where, err))
	}
	if o.expr == nil {
		return f.Where
	}
	return (&query.And{All: []query.Expr{o.expr, e}}).String()
}

// shellWord is a word as a shell takes it.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:,=@+") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// printFindings is the last section of a summary.
func (o *summaryOptions) printFindings(out io.Writer, r *finding.Report) {
	if r == nil {
		return
	}
	shown := o.shown(r)
	of := len(r.Findings)
	for _, n := range r.More {
		of += n
	}
	if of == 0 {
		fmt.Fprint(out, "\nWhat looks wrong: nothing of what is looked for\n")
	} else {
		fmt.Fprintf(out, "\nWhat looks wrong (%s of %s)\n", show.Count(int64(len(shown))), show.Count(int64(of)))
	}
	for i := range shown {
		f := &shown[i]
		fmt.Fprintf(out, "%s (confidence: %s)\n  %s\n  %s to %s, %s\n", f.Kind, f.Confidence, printable(f.Text),
			show.Time(f.First, o.in), show.Time(f.Last, o.in), count(int(f.Records), "record"))
		for _, e := range f.Evidence {
			fmt.Fprintf(out, "    %s\n", printable(e.Line))
		}
		fmt.Fprintf(out, "  %s\n", printable(o.command(f)))
	}
	if len(shown) < len(r.Findings) {
		fmt.Fprintf(out, "… and %s more, see --findings all\n", show.Count(int64(len(r.Findings)-len(shown))))
	}
	for _, k := range slices.Sorted(maps.Keys(r.More)) {
		fmt.Fprintf(out, "… and %s more of %s, which are not kept\n", show.Count(int64(r.More[k])), k)
	}
	for _, note := range findingNotes(r) {
		fmt.Fprintln(out, note)
	}
}

// findingNotes say what was not looked at.
func findingNotes(r *finding.Report) (out []string) {
	if r.Beyond > 0 {
		out = append(out, fmt.Sprintf("%s records came when %s clients of services were known, the most that are kept: of whom they are is not known, so scans may be missed",
			show.Count(r.Beyond), show.Count(int64(r.Talks))))
	}
	if r.Unread > 0 {
		out = append(out, fmt.Sprintf("%s records have addresses, ports or times that cannot be read, and were not looked at", show.Count(r.Unread)))
	}
	if r.WithoutLine > 0 {
		out = append(out, fmt.Sprintf("of %s clients of services no record could be kept to show", show.Count(int64(r.WithoutLine))))
	}
	if r.Incomplete {
		out = append(out, "there are more interfaces than are kept: gaps and volumes of the others were not looked at")
	}
	return out
}

// findingJSON is a finding for programs.
type findingJSON struct {
	*finding.Finding
	First string `json:"first"`
	Last  string `json:"last"`
	Query string `json:"query"`
}

// findingsJSON is what was found, for programs.
func (o *summaryOptions) findingsJSON(r *finding.Report) map[string]any {
	out := []findingJSON{}
	shown := o.shown(r)
	for i := range shown {
		f := &shown[i]
		out = append(out, findingJSON{f, show.Time(f.First, time.UTC), show.Time(f.Last, time.UTC), o.command(f)})
	}
	return map[string]any{"found": out, "of": len(r.Findings), "more": r.More, "talks": r.Talks, "beyond": r.Beyond, "unread": r.Unread,
		"without_line": r.WithoutLine, "incomplete": r.Incomplete}
}
