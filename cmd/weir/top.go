package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/query"
	"weir/internal/rows"
	"weir/internal/show"
	"weir/record"
)

// topOptions are the flags of weir top.
type topOptions struct {
	readingOptions
	csv, tsv bool
	by, sum  string
	n        int
	groups   int
}

func newTop() *cobra.Command {
	var o topOptions
	cmd := &cobra.Command{
		Use:   "top PLACE...",
		Short: "Group records, and rank the groups",
		Long: `Group the records of flow logs by the values of some fields, add up what each group
has, and print the groups that have most.

A flow between two interfaces that are both recorded is in the records of both: --dedup
counts each packet once.` + readingHelp + `

Exit status: 0 done, 1 failed or something could not be read to its end, 2 wrong
usage, 3 no record found.`,
		Example: `  weir top flow.log.gz
  weir top s3://flow-logs --since 1h --by srcaddr,dstport --sum records --where reject
  weir top logs/ --by interface-id --sum packets -n 5 --csv`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runTop(cmd.Context(), &o, args, cmd.OutOrStdout(), os.Stderr)
		},
	}
	o.addFlags(cmd)
	o.naming.addFlags(cmd)
	o.addDedup(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.json, "json", false, "print JSON, with what was read")
	f.BoolVar(&o.csv, "csv", false, "print comma-separated values")
	f.BoolVar(&o.tsv, "tsv", false, "print values separated by tabs")
	f.StringVar(&o.by, "by", "srcaddr,dstaddr,dstport,protocol", "fields whose values make a group")
	f.StringVar(&o.sum, "sum", "bytes", "what groups are ranked by: bytes, packets or records")
	f.IntVarP(&o.n, "number", "n", 20, "print so many groups; 0 prints all")
	f.IntVar(&o.groups, "max-groups", 5_000_000, "fail rather than keep more groups; each takes some 100 bytes of memory")
	cmd.MarkFlagsMutuallyExclusive("json", "csv", "tsv")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("sum", cobra.FixedCompletions([]string{"bytes", "packets", "records"}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

func runTop(ctx context.Context, o *topOptions, places []string, stdout, stderr io.Writer) error {
	if err := o.check("top", places); err != nil {
		return err
	}
	by, err := query.ParseBy(o.by)
	if err != nil {
		return usageError{fmt.Errorf("top: --by: %w", err), "names such as srcaddr,dstport"}
	}
	measure, err := query.ParseMeasure(o.sum)
	if err != nil {
		return usageError{fmt.Errorf("top: --sum: %w", err), "bytes, packets or records"}
	}
	if o.n < 0 || o.groups <= 0 {
		return usageError{fmt.Errorf("top: --number and --max-groups must not be negative"), "see weir top -h"}
	}
	o.wanted = append(append(o.wanted, by...), columnOf(record.Bytes), columnOf(record.Packets))
	if err := o.naming.load(ctx, "top", o.awsOptions()); err != nil {
		return err
	}
	table, found, err := o.group(ctx, by)
	if err != nil {
		return err
	}
	n := o.n
	if n == 0 {
		n = -1
	}
	if err := o.print(stdout, measure, table.Top(n, measure), table, found); err != nil {
		return fmt.Errorf("top: %w", err)
	}
	return o.tell(stderr, found)
}

// A groupAdder is a table that adds up what each group has.
type groupAdder struct{ *query.Table }

func (g groupAdder) add(b *rows.Batch, selected []int32) ([]rows.Bad, error) {
	return g.Add(b, selected)
}

// group adds up records by the values of some fields.
func (o *topOptions) group(ctx context.Context, by []query.Column) (*query.Table, *found, error) {
	wanted := append([]query.Column(nil), by...)
	for _, f := range [...]record.Field{record.Packets, record.Bytes, record.Start, record.End} {
		wanted = append(wanted, columnOf(f))
	}
	all, found, err := addUp(ctx, &o.readingOptions, wanted, func() groupAdder { return groupAdder{query.NewTable(by, o.groups)} })
	if err != nil {
		return nil, nil, o.tooMany(err)
	}
	for _, g := range all[1:] {
		if err := all[0].Merge(g.Table); err != nil {
			return nil, nil, o.tooMany(fmt.Errorf("top: %w", err))
		}
	}
	return all[0].Table, found, nil
}

// tooMany says what to do about too many groups.
func (o *topOptions) tooMany(err error) error {
	if errors.Is(err, query.ErrTooManyGroups) {
		return hintError{fmt.Errorf("%w: more than %s", err, show.Count(int64(o.groups))), "group --by fewer fields, choose records --where, or allow more with --max-groups"}
	}
	return err
}

type topJSON struct {
	Values  map[string]any `json:"values"`
	Records int64          `json:"records"`
	Packets int64          `json:"packets"`
	Bytes   int64          `json:"bytes"`
	Start   string         `json:"start,omitempty"`
	End     string         `json:"end,omitempty"`
}

func (o *topOptions) print(stdout io.Writer, measure query.Measure, groups []query.Group, table *query.Table, f *found) error {
	by := table.By()
	if o.json {
		out := make([]topJSON, len(groups))
		for i, g := range groups {
			out[i] = newTopJSON(by, g, &o.naming)
		}
		return show.WriteJSON(stdout, map[string]any{"groups": out, "of": table.Len(), "account": f.json()})
	}
	form := show.Text
	switch {
	case o.csv:
		form = show.CSV
	case o.tsv:
		form = show.TSV
	}
	if form != show.Text {
		return show.Groups(stdout, by, groups, form)
	}
	if len(groups) == 0 {
		return nil
	}
	return groupsTable(by, groups, table.Total(), measure, &o.naming).write(stdout, widthOf(stdout))
}

func newTopJSON(by []query.Column, g query.Group, n *namingOptions) topJSON {
	out := topJSON{Values: map[string]any{}, Records: g.Records, Packets: g.Packets, Bytes: g.Bytes}
	if g.Start > 0 && g.End > 0 {
		out.Start, out.End = show.Time(g.Start, time.UTC), show.Time(g.End, time.UTC)
	}
	for i, c := range by {
		v := any(g.Values[i])
		if g.Values[i] == "-" {
			v = nil
		} else if n, err := strconv.ParseInt(g.Values[i], 10, 64); err == nil && c.IsInt() {
			v = n
		}
		out.Values[c.Name] = v
		if n.on() && named(c) {
			out.Values[c.Name+"-name"] = nameOrNil(n.during(c, g.Values[i], g.Start, g.End))
		}
	}
	return out
}

// groupsTable is the table of weir top. The last column is the share of a group in all
// that was added up.
func groupsTable(by []query.Column, groups []query.Group, total query.Sums, m query.Measure, n *namingOptions) *table {
	t := &table{}
	for _, c := range by {
		t.columns = append(t.columns, column{name: strings.ToUpper(c.Name), cut: true})
	}
	t.columns = append(t.columns, column{name: "BYTES"}, column{name: "PACKETS", drop: 1}, column{name: "RECORDS", drop: 2}, column{name: "SHARE", drop: 3})
	for _, g := range groups {
		row := append([]string(nil), g.Values...)
		for i, c := range by {
			row[i] = word(c, row[i], g.Sums, n)
		}
		t.add(append(row, show.Bytes(g.Bytes), show.Count(g.Packets), show.Count(g.Records), show.Percent(m.Of(g.Sums), m.Of(total)))...)
	}
	return t
}

// word is a value for people, with what it is called.
func word(c query.Column, value string, s query.Sums, n *namingOptions) string {
	if n.on() && named(c) {
		if name := n.during(c, value, s.Start, s.End); name != "" {
			return value + " " + name
		}
	}
	return query.Word(c, value)
}

func nameOrNil(name string) any {
	if name == "" {
		return nil
	}
	return name
}
