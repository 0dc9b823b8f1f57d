package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/query"
	"weir/internal/show"
	"weir/internal/source"
	"weir/record"
)

// readingOptions are the flags of every command that reads records.
type readingOptions struct {
	where  string
	format string
	tz     string
	quiet  bool
	json   bool

	expr   query.Expr
	wanted []query.Column // that were named
	assume *record.Format
	zone   *time.Location
}

// readingHelp is what their help has in common.
const readingHelp = `

A PLACE is a file, a directory, "-" (standard input), s3://BUCKET[/PREFIX] or
logs://GROUP[/STREAM]. Files may be text, compressed with gzip or zstd, or Parquet,
written by Weir, by Amazon or by what keeps their records; each says what its fields
are, or it is found out and said.

What was read is told at the end, on standard error: how much, what was refused and
why, the time that the records cover, and what is missing. No record is not the same
as no traffic.

--where takes a condition, such as 'reject and dstport in (22, 3389)'; the language
is in docs/formats/filter.md.`

func (o *readingOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&o.where, "where", "w", "", "only records that meet this condition")
	f.StringVar(&o.format, "format", "", "fields of files without a header: Amazon's format string, names, or such as default+tcp-flags")
	f.StringVar(&o.tz, "tz", "UTC", "time zone of the times that are shown, such as Europe/Berlin or local")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "do not tell what was read, unless something is wrong")
}

// check reads the flags that all have in common.
func (o *readingOptions) check(command string) (err error) {
	if o.where != "" {
		if o.expr, err = query.Parse(o.where); err != nil {
			return whereError(command, o.where, err)
		}
		o.wanted = query.Columns(o.expr)
	}
	if o.format != "" {
		f, err := record.ParseFormat(o.format)
		if err != nil {
			if f, err = record.ParseLogFormat(o.format); err != nil {
				return usageError{fmt.Errorf("%s: --format: %w", command, err), "see docs/formats/flow-record.md for the fields"}
			}
		}
		o.assume = &f
	}
	name := o.tz
	if name == "local" {
		name = "Local"
	}
	if o.zone, err = time.LoadLocation(name); err != nil {
		return usageError{fmt.Errorf("%s: --tz: %w", command, err), `a name such as "Europe/Berlin", "local" or "UTC"`}
	}
	return nil
}

// whereError is a condition that cannot be read, with the place where.
func whereError(command, where string, err error) error {
	if syntax := (*query.SyntaxError)(nil); errors.As(err, &syntax) {
		err = fmt.Errorf("%w\n%s", err, syntax.Pointer())
	}
	return usageError{fmt.Errorf("%s: --where: %w", command, err), "see docs/formats/filter.md"}
}

// lacking says which of the wanted fields some records cannot have, because their files
// do not: nothing can be said about them.
func lacking(stderr io.Writer, wanted []query.Column, a *source.Account) {
	for _, c := range wanted {
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

// scan reads the places, and tells on stderr what was read. Each worker has a sink of
// its own.
func (o *readingOptions) scan(ctx context.Context, command string, places []string, s source.Scan) (*source.Account, []show.Missing, error) {
	if len(places) == 0 {
		return nil, nil, usageError{fmt.Errorf("%s: no place to read from", command), `a file, a directory, s3://BUCKET/PREFIX, or "-" for standard input`}
	}
	s.Objects, s.Assume = objects(places), o.assume
	a, err := s.Run(ctx)
	if errors.Is(err, show.ErrLimit) {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", command, err)
	}
	return a, nil, err
}

// tell tells what was read. Something that could not be read makes the command fail.
func (o *readingOptions) tell(stderr io.Writer, command string, a *source.Account, missing []show.Missing) error {
	wrong := a.Refused > 0 || len(a.Damaged) > 0
	if !o.quiet || wrong {
		if err := show.Account(stderr, "weir: ", a, missing, o.zone); err != nil {
			return err
		}
	}
	lacking(stderr, o.wanted, a)
	switch {
	case len(a.Damaged) > 0:
		return fmt.Errorf("%s: %d of %d objects could not be read to their end", command, len(a.Damaged), a.Objects)
	case a.Kept == 0:
		return notFound("%s: no record%s; that is not to say that there was no traffic", command, narrowed(o.where != ""))
	}
	return nil
}

// objects lists files.
func objects(places []string) iter.Seq2[source.Object, error] {
	return func(yield func(source.Object, error) bool) {
		for _, p := range places {
			o := source.Object{Name: p, Size: -1, Open: func(context.Context) (io.ReadCloser, error) { return os.Open(p) }}
			if p == "-" {
				o.Open = func(context.Context) (io.ReadCloser, error) { return io.NopCloser(os.Stdin), nil }
			} else if info, err := os.Stat(p); err == nil {
				o.Size = info.Size()
			}
			if !yield(o, nil) {
				return
			}
		}
	}
}
