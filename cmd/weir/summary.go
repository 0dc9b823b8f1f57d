package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"weir/internal/finding"
	"weir/internal/query"
	"weir/internal/rows"
	"weir/internal/show"
	"weir/internal/source"
	"weir/record"
)

// summaryOptions are the flags of weir summary.
type summaryOptions struct {
	readingOptions
	findingOptions
	csv, tsv bool
	n        int
}

func newSummary() *cobra.Command {
	var o summaryOptions
	cmd := &cobra.Command{
		Use:   "summary PLACE...",
		Short: "Tell on one page what is in flow logs",
		Long: `Tell on one page what is in flow logs: the time they cover, how much was accepted and
refused, who sends most, which services are used, what was refused and to whom, and
which interfaces recorded it.

A flow between two interfaces that are both recorded is in the records of both: --dedup
counts each packet once.
` + findingHelp + `
` + readingHelp + `

Exit status: 0 done, 1 failed or something could not be read to its end, 2 wrong
usage, 3 no record found.`,
		Example: `  weir summary flow.log.gz
  weir summary s3://flow-logs --since 1h
  weir summary logs/ --where 'addr = 10.0.1.5' --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runSummary(cmd.Context(), &o, args, cmd.OutOrStdout(), os.Stderr)
		},
	}
	o.readingOptions.addFlags(cmd)
	o.findingOptions.addFlags(cmd)
	o.naming.addFlags(cmd)
	o.addDedup(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.json, "json", false, "print JSON, with what was read")
	f.BoolVar(&o.csv, "csv", false, "print comma-separated values: a table of all sections")
	f.BoolVar(&o.tsv, "tsv", false, "print values separated by tabs")
	f.IntVarP(&o.n, "number", "n", 5, "rows of each section")
	cmd.MarkFlagsMutuallyExclusive("json", "csv", "tsv")
	return cmd
}

// A section is one table of a summary.
type section struct {
	name, title string
	where       string // besides what the user asks for
	by          string
	measure     query.Measure
}

// ephemeral is the first port that a client of ours would choose: what is sent there
// is most likely an answer (Linux, net.ipv4.ip_local_port_range).
const ephemeral = "32768"

var sections = []section{
	{"verdicts", "", "", "action", query.ByBytes},
	{"talkers", "Who sends most", "", "srcaddr", query.ByBytes},
	{"services", "Services that are used", "accept and dstport < " + ephemeral, "dstaddr,dstport,protocol", query.ByBytes},
	{"refused", "Refused, by service", "reject", "dstport,protocol", query.ByRecords},
	{"refused-sources", "Refused, by who sent it", "reject", "srcaddr", query.ByRecords},
	{"refused-pairs", "Refused, by source and destination", "reject", "srcaddr,dstaddr,dstport,protocol", query.ByRecords},
	{"interfaces", "Interfaces that recorded most", "", "interface-id", query.ByBytes},
}

// maxSummaryGroups is how many groups a section may have; one with more is left out.
const maxSummaryGroups = 1_000_000

// A filled section is what one worker, or all of them, found.
type filledSection struct {
	filter *query.Filter
	table  *query.Table
	full   bool // more groups than may be
}

func (s *filledSection) note(err error) {
	if err != nil { // a table has no other error than that there are too many groups
		s.full, s.table = true, nil
	}
}

func runSummary(ctx context.Context, o *summaryOptions, places []string, stdout, stderr io.Writer) error {
	if err := o.readingOptions.check("summary", places); err != nil {
		return err
	}
	if err := o.findingOptions.check(&o.readingOptions); err != nil {
		return err
	}
	if o.n <= 0 {
		return usageError{fmt.Errorf("summary: --number %d: less than one", o.n), "see weir summary -h"}
	}
	if err := o.naming.load(ctx, "summary", o.awsOptions()); err != nil {
		return err
	}
	if err := o.loadRules(ctx, stderr); err != nil {
		return err
	}
	if err := o.readEarlier(ctx, stderr); err != nil {
		return err
	}
	filled, found, err := o.fill(ctx)
	if err != nil {
		return err
	}
	switch {
	case o.json:
		err = o.printJSON(stdout, filled, found)
	case o.csv:
		err = o.printTable(stdout, stderr, filled, show.CSV)
	case o.tsv:
		err = o.printTable(stdout, stderr, filled, show.TSV)
	case found.Kept > 0:
		err = o.print(stdout, filled, found.Account)
	}
	if err != nil {
		return fmt.Errorf("summary: %w", err)
	}
	return o.tell(stderr, found)
}

// A sectionAdder adds up all sections.
type sectionAdder struct {
	sections []filledSection
	check    *query.Check // of what any of them groups by
	findings *finding.Collector
}

func (a sectionAdder) add(b *rows.Batch, selected []int32) ([]rows.Bad, error) {
	// A row in which one section finds something wrong is in none of them.
	selected, found := a.check.Rows(b, selected)
	all := slices.Clone(found)
	wrong := map[int32]bool{}
	mine := make([][]int32, len(a.sections))
	for i := range a.sections {
		var bad []rows.Bad
		mine[i], bad = a.sections[i].filter.Among(b, selected)
		for _, x := range bad {
			if row := int32(x.Row); !wrong[row] {
				wrong[row] = true
				all = append(all, x)
			}
		}
	}
	for i := range a.sections {
		s := &a.sections[i]
		if s.full {
			continue
		}
		if len(wrong) > 0 {
			mine[i] = slices.DeleteFunc(slices.Clone(mine[i]), func(row int32) bool { return wrong[row] })
		}
		bad, err := s.table.Add(b, mine[i])
		if i == 0 { // sums, of all rows: the others find nothing else
			all = append(all, bad...)
		}
		s.note(err)
	}
	if a.findings != nil {
		if len(wrong) > 0 {
			selected = slices.DeleteFunc(slices.Clone(selected), func(row int32) bool { return wrong[row] })
		}
		a.findings.Add(b, selected)
	}
	return all, nil
}

// fill reads the places, once for all sections.
func (o *summaryOptions) fill(ctx context.Context) ([]filledSection, *found, error) {
	var wanted []query.Column
	for _, f := range [...]record.Field{record.Action, record.SrcAddr, record.DstAddr, record.DstPort, record.Protocol, record.InterfaceID} {
		wanted = append(wanted, columnOf(f))
	}
	grouped := slices.Clone(wanted)
	for _, f := range [...]record.Field{record.Packets, record.Bytes, record.Start, record.End} {
		wanted = append(wanted, columnOf(f))
	}
	o.wanted = append(o.wanted, wanted...)
	all, found, err := addUp(ctx, &o.readingOptions, append(wanted, o.findingOptions.columns()...), func() sectionAdder {
		return sectionAdder{emptySections(), query.NewCheck(grouped), o.collector()}
	})
	if err != nil {
		return nil, nil, err
	}
	first := all[0].sections
	for _, other := range all[1:] {
		for i := range other.sections {
			sum := &first[i]
			if sum.full || other.sections[i].full {
				*sum = filledSection{full: true}
			} else {
				sum.note(sum.table.Merge(other.sections[i].table))
			}
		}
	}
	return first, found, nil
}

// emptySections returns sections that hold nothing yet.
func emptySections() []filledSection {
	out := make([]filledSection, len(sections))
	for i, s := range sections {
		by, err := query.ParseBy(s.by)
		var where query.Expr
		if err == nil && s.where != "" {
			where, err = query.Parse(s.where)
		}
		if err != nil {
			panic("BUG: summary: " + err.Error())
		}
		out[i] = filledSection{filter: query.Compile(where), table: query.NewTable(by, maxSummaryGroups)}
	}
	return out
}

func (o *summaryOptions) print(stdout io.Writer, filled []filledSection, a *source.Account) error {
	out := bufio.NewWriter(stdout)
	if a.Start > 0 && a.End > 0 {
		fmt.Fprintf(out, "%s to %s\n", show.Time(a.Start, o.in), show.Time(a.End, o.in))
	}
	verdicts := map[string]query.Sums{}
	for _, g := range filled[0].table.Top(-1, query.ByRecords) {
		verdicts[g.Values[0]] = g.Sums
	}
	flows := verdicts["ACCEPT"].Records + verdicts["REJECT"].Records
	for _, v := range [...]struct{ name, action string }{{"accepted", "ACCEPT"}, {"refused", "REJECT"}} {
		s := verdicts[v.action]
		fmt.Fprintf(out, "%-8s  %10s records (%s)  %12s packets  %10s\n", v.name, show.Count(s.Records), show.Percent(s.Records, flows), show.Count(s.Packets), show.Bytes(s.Bytes))
	}
	width := widthOf(stdout)
	for i, s := range sections {
		if s.title == "" || !filled[i].full && filled[i].table.Len() == 0 {
			continue
		}
		if filled[i].full {
			fmt.Fprintf(out, "\n%s: more than %s, see weir top --by %s\n", s.title, show.Count(maxSummaryGroups), s.by)
			continue
		}
		table := filled[i].table
		fmt.Fprintf(out, "\n%s (%s of %s)\n", s.title, show.Count(int64(min(o.n, table.Len()))), show.Count(int64(table.Len())))
		if err := groupsTable(table.By(), table.Top(o.n, s.measure), table.Total(), s.measure, &o.naming).write(out, width); err != nil {
			return err
		}
	}
	o.printFindings(out, o.find())
	return out.Flush()
}

// rows returns how many groups of a section are printed as numbers: the two verdicts are
// not ranked.
func (o *summaryOptions) rows(s section) int {
	if s.title == "" {
		return -1
	}
	return o.n
}

// printTable prints all sections as one table: each row has the section it is of, and
// values in the columns that the section groups by.
func (o *summaryOptions) printTable(stdout, stderr io.Writer, filled []filledSection, form show.Form) error {
	columns := []query.Column{{Name: "section"}}
	for _, f := range [...]record.Field{record.Action, record.SrcAddr, record.DstAddr, record.DstPort, record.Protocol, record.InterfaceID} {
		columns = append(columns, columnOf(f))
	}
	var all []query.Group
	for i, s := range sections {
		if filled[i].full {
			fmt.Fprintf(stderr, "weir: the section %s has more than %s groups and is left out, see weir top --by %s\n", s.name, show.Count(maxSummaryGroups), s.by)
			continue
		}
		table := filled[i].table
		for _, g := range table.Top(o.rows(s), s.measure) {
			values := slices.Repeat([]string{"-"}, len(columns))
			values[0] = s.name
			for j, c := range table.By() {
				values[slices.Index(columns, c)] = g.Values[j]
			}
			g.Values = values
			all = append(all, g)
		}
	}
	return show.Groups(stdout, columns, all, form)
}

func (o *summaryOptions) printJSON(stdout io.Writer, filled []filledSection, f *found) error {
	out := map[string]any{"account": f.json()}
	for i, s := range sections {
		if filled[i].full {
			out[s.name] = map[string]any{"more_than": maxSummaryGroups}
			continue
		}
		table := filled[i].table
		groups := []topJSON{}
		for _, g := range table.Top(o.rows(s), s.measure) {
			groups = append(groups, newTopJSON(table.By(), g, &o.naming))
		}
		out[s.name] = map[string]any{"groups": groups, "of": table.Len()}
	}
	if r := o.find(); r != nil {
		out["findings"] = o.findingsJSON(r)
	}
	return show.WriteJSON(stdout, out)
}
