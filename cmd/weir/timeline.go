package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/query"
	"weir/internal/rows"
	"weir/internal/show"
	"weir/record"
)

// timelineOptions are the flags of weir timeline.
type timelineOptions struct {
	readingOptions
	csv, tsv bool
	sum      string
	every    time.Duration
	svg      string
}

func newTimeline() *cobra.Command {
	var o timelineOptions
	cmd := &cobra.Command{
		Use:   "timeline PLACE...",
		Short: "Draw what was accepted and refused over time",
		Long: `Draw what was accepted and what was refused over time: a line for each stretch of
time, with a bar. A record counts where it starts.` + readingHelp + `

Exit status: 0 done, 1 failed or something could not be read to its end, 2 wrong
usage, 3 no record found.`,
		Example: `  weir timeline flow.log.gz
  weir timeline s3://flow-logs --since 24h --where 'addr = 10.0.1.5' --sum records
  weir timeline logs/ --every 5m --svg traffic.svg`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runTimeline(cmd.Context(), &o, args, cmd.OutOrStdout(), os.Stderr)
		},
	}
	o.addFlags(cmd)
	o.addDedup(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.json, "json", false, "print JSON, with what was read")
	f.BoolVar(&o.csv, "csv", false, "print comma-separated values")
	f.BoolVar(&o.tsv, "tsv", false, "print values separated by tabs")
	f.StringVar(&o.sum, "sum", "bytes", "what is drawn: bytes, packets or records")
	f.DurationVar(&o.every, "every", 0, "the stretch of time of a line, whole minutes (default: whatever fits)")
	f.StringVar(&o.svg, "svg", "", "draw a picture into this file instead")
	cmd.MarkFlagsMutuallyExclusive("json", "csv", "tsv", "svg")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("sum", cobra.FixedCompletions([]string{"bytes", "packets", "records"}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

func runTimeline(ctx context.Context, o *timelineOptions, places []string, stdout, stderr io.Writer) error {
	if err := o.check("timeline", places); err != nil {
		return err
	}
	measure, err := query.ParseMeasure(o.sum)
	if err != nil {
		return usageError{fmt.Errorf("timeline: --sum: %w", err), "bytes, packets or records"}
	}
	if o.every < 0 || o.every%time.Minute != 0 {
		return usageError{fmt.Errorf("timeline: --every %v: not whole minutes", o.every), "such as 5m or 1h"}
	}
	// Records without one of these are not drawn.
	o.wanted = append(o.wanted, columnOf(record.Start), columnOf(record.Action))
	switch measure {
	case query.ByBytes:
		o.wanted = append(o.wanted, columnOf(record.Bytes))
	case query.ByPackets:
		o.wanted = append(o.wanted, columnOf(record.Packets))
	}
	t, found, err := o.minutes(ctx)
	if err != nil {
		return err
	}
	width := int64(o.every / time.Second)
	if width == 0 {
		n := 60
		if o.svg != "" {
			n = 240
		}
		width = t.Width(n)
	}
	bins, err := t.Bins(width)
	if err != nil {
		return usageError{fmt.Errorf("timeline: --every %v: %w", o.every, err), "a longer stretch of time"}
	}
	if o.svg != "" {
		err = writeFile(o.command, o.svg, func(w io.Writer) error { return show.SVG(w, bins, measure, width, o.in) })
	} else if err = o.draw(stdout, bins, measure, width, found); err != nil {
		err = fmt.Errorf("timeline: %w", err)
	}
	if err != nil {
		return err
	}
	return o.tell(stderr, found)
}

// A minuteAdder is a timeline.
type minuteAdder struct{ *query.Timeline }

func (m minuteAdder) add(b *rows.Batch, selected []int32) ([]rows.Bad, error) {
	return m.Add(b, selected), nil
}

func (o *timelineOptions) minutes(ctx context.Context) (*query.Timeline, *found, error) {
	var wanted []query.Column
	for _, f := range [...]record.Field{record.Action, record.Packets, record.Bytes, record.Start} {
		wanted = append(wanted, columnOf(f))
	}
	all, found, err := addUp(ctx, &o.readingOptions, wanted, func() minuteAdder { return minuteAdder{query.NewTimeline()} })
	if err != nil {
		return nil, nil, err
	}
	for _, m := range all[1:] {
		all[0].Merge(m.Timeline)
	}
	return all[0].Timeline, found, nil
}

type minuteJSON struct {
	Start    string   `json:"start"`
	Accepted sumsJSON `json:"accepted"`
	Refused  sumsJSON `json:"refused"`
}

type sumsJSON struct {
	Records int64 `json:"records"`
	Packets int64 `json:"packets"`
	Bytes   int64 `json:"bytes"`
}

func (o *timelineOptions) draw(stdout io.Writer, bins []query.Minute, measure query.Measure, width int64, f *found) error {
	if o.json {
		out := make([]minuteJSON, len(bins))
		for i, b := range bins {
			out[i] = minuteJSON{show.Time(b.Start, time.UTC),
				sumsJSON{b.Accepted.Records, b.Accepted.Packets, b.Accepted.Bytes},
				sumsJSON{b.Refused.Records, b.Refused.Packets, b.Refused.Bytes}}
		}
		return show.WriteJSON(stdout, map[string]any{"seconds": width, "bins": out, "account": f.json()})
	}
	switch {
	case o.csv:
		return show.Timeline(stdout, bins, width, show.CSV)
	case o.tsv:
		return show.Timeline(stdout, bins, width, show.TSV)
	case len(bins) == 0:
		return nil
	}
	columns := 40
	if w := widthOf(stdout); w > 0 {
		columns = max(10, w-48)
	}
	return show.Chart(stdout, bins, measure, columns, o.in)
}

// writeFile writes a file that is there as a whole or not at all. Errors of write are
// returned as they are, others for the command.
func writeFile(command, name string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".weir-*")
	if err != nil {
		if wrong := (*os.PathError)(nil); errors.As(err, &wrong) {
			err = wrong.Err // its path is one that nobody knows
		}
		return hintError{fmt.Errorf("%s: write %s: %w", command, name, err), "a file in a directory that is there and may be written"}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err = errors.Join(write(f), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), name); err != nil {
		if wrong := (*os.LinkError)(nil); errors.As(err, &wrong) {
			err = wrong.Err
		}
		err = hintError{fmt.Errorf("%s: write %s: %w", command, name, err), "the name of a file"}
	}
	return err
}
