package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/conversation"
	"weir/internal/place"
	"weir/internal/query"
	"weir/internal/rows"
	"weir/internal/show"
	"weir/internal/source"
	"weir/record"
)

// readingOptions are the flags of every command that reads records.
type readingOptions struct {
	placeOptions
	where  string
	format string
	quiet  bool
	json   bool
	dedup  bool
	follow bool
	naming namingOptions

	command string
	places  []string
	given   []source.Object // read instead of places
	expr    query.Expr
	wanted  []query.Column // that the user named
	assume  *record.Format
	in      *time.Location
	views   *conversation.Views
}

// readingHelp is what their help has in common.
const readingHelp = placeHelp + `
Files may be text, compressed with gzip or zstd, or Parquet, written by Weir, by Amazon
or by what keeps their records. Each says what its fields are, or it is found out, and
told. What was read is told at the end, on standard error: how much, what was refused
and why, the time that the records cover, and what is missing. No record is not the
same as no traffic.

--where takes a condition, such as 'reject and dstport in (22, 3389)'; its language
is in docs/formats/filter.md.`

func (o *readingOptions) addFlags(cmd *cobra.Command) {
	addPlaceFlags(cmd, &o.placeOptions)
	f := cmd.Flags()
	f.StringVarP(&o.where, "where", "w", "", "only records that meet this condition")
	f.StringVar(&o.format, "format", "", "fields of files without a header: Amazon's format string, names, or such as default+tcp-flags")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "do not tell what was read, unless something is wrong")
}

// addDedup adds the flag of the commands that add up.
func (o *readingOptions) addDedup(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.dedup, "dedup", false, "count each packet once, though two interfaces recorded it; reads everything twice")
}

// check reads the flags that all have in common.
func (o *readingOptions) check(command string, places []string) (err error) {
	o.command, o.places = command, places
	if len(places) == 0 {
		return usageError{fmt.Errorf("%s: no place to read from", command), `a file, a directory, s3://BUCKET/PREFIX, or "-" for standard input`}
	}
	if o.where != "" {
		if o.expr, err = query.Parse(o.where); err != nil {
			return whereError(command, o.where, err)
		}
	}
	if o.format != "" {
		f, err := record.ParseFormat(o.format)
		if err != nil {
			return usageError{fmt.Errorf("%s: --format: %w", command, err), "see docs/formats/flow-record.md for the fields"}
		}
		o.assume = &f
	}
	if o.dedup && slices.Contains(places, "-") {
		return usageError{fmt.Errorf("%s: --dedup: %w", command, conversation.ErrOnce), "weir " + command + " --dedup FILE"}
	}
	if o.in, err = o.location(); err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	s, err := o.selection(time.Now())
	if err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	if o.expr = within(o.expr, s.Since, s.Until); o.expr != nil {
		o.wanted = query.Columns(o.expr)
	}
	return nil
}

// within adds to a condition that a record overlaps a stretch of time.
func within(e query.Expr, since, until time.Time) query.Expr {
	var all []query.Expr
	if e != nil {
		all = append(all, e)
	}
	for _, t := range [...]struct {
		field record.Field
		op    query.Op
		at    time.Time
	}{{record.End, query.Ge, since}, {record.Start, query.Lt, until}} {
		if !t.at.IsZero() {
			all = append(all, &query.Test{Fields: []query.Column{{Field: t.field, Name: t.field.Name()}}, Name: t.field.Name(), Op: t.op,
				Values: []query.Value{{Text: t.at.UTC().Format(time.RFC3339), Lo: t.at.Unix(), Hi: t.at.Unix()}}})
		}
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return &query.And{All: all}
}

// whereError is a condition that cannot be read, with the place where.
func whereError(command, where string, err error) error {
	if syntax, ok := errors.AsType[*query.SyntaxError](err); ok {
		err = fmt.Errorf("%w\n%s", err, syntax.Pointer())
	}
	return usageError{fmt.Errorf("%s: --where: %w", command, err), "see docs/formats/filter.md"}
}

// A found is what was read.
type found struct {
	*source.Account
	missing []show.Missing
	skipped place.Account
	views   *conversation.Picker // with --dedup
}

// json is what was read, for programs.
func (f *found) json() show.AccountJSON { return show.NewAccountJSON(f.Account, f.missing) }

// scan reads the places. Each worker has a sink of its own.
func (o *readingOptions) scan(ctx context.Context, s source.Scan) (*found, error) {
	s.Assume = o.assume
	if o.given != nil {
		return o.scanGiven(ctx, s)
	}
	if !o.follow {
		largePages()
	}
	list, err := o.list(o.places, os.Stdin)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.command, err)
	}
	if o.follow {
		objects, end := follow(ctx, list, &s)
		defer end()
		s.Objects = objects
	} else {
		progress := newReadProgress(os.Stderr)
		defer progress.stop()
		s.Objects, s.Progress = progress.count(list.Objects(ctx)), progress.done
	}
	a, err := s.Run(ctx)
	if o.follow && ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil
	}
	if errors.Is(err, show.ErrLimit) {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", o.command, err)
	}
	return &found{Account: a, missing: missing(list.Missing()), skipped: list.Account()}, err
}

// scanGiven reads what was given instead of places.
func (o *readingOptions) scanGiven(ctx context.Context, s source.Scan) (*found, error) {
	s.Objects = func(yield func(source.Object, error) bool) {
		for _, object := range o.given {
			if !yield(object, nil) {
				return
			}
		}
	}
	a, err := s.Run(ctx)
	if err != nil {
		err = fmt.Errorf("%s: %w", o.command, err)
	}
	return &found{Account: a}, err
}

// missing joins the five minutes for which there is no file to stretches.
func missing(gaps []place.Gap) []show.Missing {
	var out []show.Missing
	for _, g := range gaps {
		n := len(out)
		if n > 0 && out[n-1].FlowLog == g.FlowLog && out[n-1].To.Equal(g.From) {
			out[n-1].To = g.To
			out[n-1].Files++
			continue
		}
		out = append(out, show.Missing{FlowLog: g.FlowLog, From: g.From, To: g.To, Files: 1})
	}
	return out
}

// A selector chooses rows, for one worker.
type selector struct {
	filter *query.Filter
	picker *conversation.Picker
}

func (s *selector) rows(w *source.Worker, b *rows.Batch) []int32 {
	selected, bad := s.filter.Select(b)
	w.Refuse(b, bad)
	w.Keep(len(selected))
	if s.picker != nil {
		selected = s.picker.Pick(b, selected)
	}
	return selected
}

// An adder adds up rows, for one worker.
type adder interface {
	add(b *rows.Batch, selected []int32) ([]rows.Bad, error)
}

// addUp reads the places, and lets one adder for each worker add up the rows that are
// wanted; make makes an adder. With --dedup it reads them twice.
func addUp[A adder](ctx context.Context, o *readingOptions, wanted []query.Column, make func() A) ([]A, *found, error) {
	wanted = append(wanted, query.Columns(o.expr)...)
	if o.dedup {
		for _, f := range conversation.ViewColumns() {
			wanted = append(wanted, columnOf(f))
		}
		if err := o.learn(ctx, wanted); err != nil {
			return nil, nil, err
		}
	}
	var mu sync.Mutex
	var all []A
	var pickers []*conversation.Picker
	f, err := o.scan(ctx, source.Scan{Columns: columnsOf(wanted), Sink: func() source.Sink {
		mine, s := make(), &selector{filter: query.Compile(o.expr)}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, mine)
		if o.views != nil {
			s.picker = o.views.Picker()
			pickers = append(pickers, s.picker)
		}
		return func(w *source.Worker, b *rows.Batch) error {
			bad, err := mine.add(b, s.rows(w, b))
			w.Refuse(b, bad)
			w.Keep(-len(bad))
			return err
		}
	}})
	if err != nil {
		return nil, nil, err
	}
	for _, p := range pickers {
		if f.views == nil {
			f.views = p
		} else {
			f.views.Merge(p)
		}
	}
	return all, f, nil
}

// learn reads the places to find out which interface has which addresses.
func (o *readingOptions) learn(ctx context.Context, wanted []query.Column) error {
	var mu sync.Mutex
	var all []*conversation.Learner
	_, err := o.scan(ctx, source.Scan{Columns: columnsOf(wanted), Sink: func() source.Sink {
		mine, filter := conversation.NewLearner(), query.Compile(o.expr)
		mu.Lock()
		all = append(all, mine)
		mu.Unlock()
		return func(_ *source.Worker, b *rows.Batch) error {
			selected, _ := filter.Select(b)
			mine.Learn(b, selected)
			return nil
		}
	}})
	if err != nil {
		return err
	}
	for _, l := range all[1:] {
		all[0].Merge(l)
	}
	o.views = all[0].Views()
	return nil
}

// columnsOf says which columns of a format are wanted.
func columnsOf(wanted []query.Column) func(record.Format) []bool {
	return func(f record.Format) []bool {
		out := make([]bool, f.Len())
		for _, c := range wanted {
			if i := c.Index(f); i >= 0 {
				out[i] = true
			}
		}
		return out
	}
}

// columnOf returns the column of a field.
func columnOf(f record.Field) query.Column { return query.Column{Field: f, Name: f.Name()} }

// tell tells what was read. Something that could not be read makes the command fail.
func (o *readingOptions) tell(stderr io.Writer, f *found) error {
	if !o.quiet || f.Refused > 0 || len(f.Damaged) > 0 {
		if err := show.Account(stderr, "weir: ", f.Account, f.missing, o.in); err != nil {
			return err
		}
		if n := f.skipped.Skipped; n > 0 {
			fmt.Fprintf(stderr, "weir: %d objects do not look like flow logs and were left out, such as %s\n", n, printable(f.skipped.Examples[0]))
		}
		if n := f.skipped.Unnamed; n > 0 {
			fmt.Fprintf(stderr, "weir: %s read without knowing the account, region and flow log, which names do not say\n", count(n, "object"))
		}
		if n := f.skipped.Again; n > 0 {
			fmt.Fprintf(stderr, "weir: %d objects are in several of the places and were read once\n", n)
		}
		lacking(stderr, o.wanted, f.Account)
		o.tellViews(stderr, f.views)
	}
	switch {
	case len(f.Damaged) > 0:
		err := fmt.Errorf("%s: %d of %d objects could not be read to their end", o.command, len(f.Damaged), f.Objects)
		for _, d := range f.Damaged {
			if hint := hintOf(d.Err); hint != "" {
				return hintError{err, hint}
			}
		}
		return err
	case f.Kept == 0 && !o.follow:
		return notFound("%s: no record%s; that is not to say that there was no traffic", o.command, narrowed(o.expr != nil))
	}
	return nil
}

// tellViews tells what counting each packet once came to.
func (o *readingOptions) tellViews(stderr io.Writer, p *conversation.Picker) {
	if p == nil {
		return
	}
	fmt.Fprintf(stderr, "weir: %s records are counted, %s are another interface's of the same packets\n", show.Count(p.Kept), show.Count(p.Dropped))
	if n := len(o.views.Unknown); n > 0 {
		fmt.Fprintf(stderr, "weir: all records of %d interfaces are counted, whose addresses are not known, such as %s\n", n, o.views.Unknown[0])
	}
	if p.Untold > 0 {
		fmt.Fprintf(stderr, "weir: of %s records it is not known which way they go; they are counted\n", show.Count(p.Untold))
	}
	if sent, received := p.Agreement(); received < sent {
		fmt.Fprintf(stderr, "weir: %s of %s packets between recorded interfaces have no record of who received them: records are missing\n",
			show.Count(sent-received), show.Count(sent))
	}
}

// lacking says which of the wanted fields some records cannot have, because their files
// do not: nothing can be said about them.
func lacking(stderr io.Writer, wanted []query.Column, a *source.Account) {
	for i, c := range wanted {
		if slices.ContainsFunc(wanted[:i], func(x query.Column) bool { return x.Name == c.Name }) {
			continue
		}
		var without, all int64
		for _, f := range a.Formats {
			all += f.Records
			if c.Index(f.Format) < 0 {
				without += f.Records
			}
		}
		switch {
		case without == 0:
		case without == all:
			fmt.Fprintf(stderr, "weir: no file has the field %s\n", c.Name)
		default:
			fmt.Fprintf(stderr, "weir: %s of %s records are in files without the field %s\n", show.Count(without), show.Count(all), c.Name)
		}
	}
}
