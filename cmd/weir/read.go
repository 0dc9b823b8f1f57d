package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"weir/internal/query"
	"weir/internal/show"
	"weir/internal/source"
	"weir/recordfile"
)

// readOptions are the flags of weir read.
type readOptions struct {
	readingOptions
	csv, tsv bool
	ocsf     bool

	conversations bool
	parquet       string
	fields        string
	limit         int64

	maxConversations int // tests make it small; 0 is conversation.MaxConversations
}

func newRead() *cobra.Command {
	var o readOptions
	cmd := &cobra.Command{
		Use:   "read PLACE...",
		Short: "Print records",
		Long: `Print the records of flow logs, in the order in which they are stored: as the lines
they are, below a header, or in another form.

Every field of a record is checked: a line that is none is left out, counted, and
shown at the end with what is wrong with it.

With --follow, what comes from now on is printed as it comes: new files and what is
added to text files, new objects of a bucket, new events of a log group. An S3 that is
away for a while is waited for.` + readingHelp + `

Exit status: 0 done, 1 failed or something could not be read to its end, 2 wrong
usage, 3 no record found.`,
		Example: `  weir read flow.log.gz
  weir read s3://flow-logs --since 1h --where 'reject and dstport = ssh'
  weir read logs/ --fields srcaddr,dstaddr,dstport,action --csv
  weir read s3://flow-logs --follow --where reject
  zcat flow.log.gz | weir read - --where 'bytes > 10M' --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runRead(cmd.Context(), &o, args, cmd.OutOrStdout(), os.Stderr)
		},
	}
	o.addFlags(cmd)
	o.naming.addFlags(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.json, "json", false, "print an object on each line; what was read is told as JSON too")
	f.BoolVar(&o.csv, "csv", false, "print comma-separated values")
	f.BoolVar(&o.tsv, "tsv", false, "print values separated by tabs")
	f.BoolVar(&o.ocsf, "ocsf", false, "print events of the Open Cybersecurity Schema Framework, one on each line")
	f.StringVar(&o.parquet, "parquet", "", "write a Parquet file, as Amazon delivers them, instead")
	f.BoolVar(&o.conversations, "conversations", false, "print a row for each conversation: both directions, what all interfaces recorded of it, all its windows")
	f.StringVar(&o.fields, "fields", "", "print these fields, in this order (default: all)")
	f.Int64VarP(&o.limit, "limit", "n", 0, "print so many records at most (default: all)")
	cmd.MarkFlagsMutuallyExclusive("json", "csv", "tsv", "ocsf", "parquet")
	f.BoolVar(&o.follow, "follow", false, "go on with what comes, until ^C; what is there now is printed with --since only")
	cmd.MarkFlagsMutuallyExclusive("ocsf", "fields", "conversations")
	cmd.MarkFlagsMutuallyExclusive("parquet", "conversations", "follow")
	cmd.MarkFlagsMutuallyExclusive("follow", "until")
	return cmd
}

func runRead(ctx context.Context, o *readOptions, places []string, stdout, stderr io.Writer) error {
	if err := o.check("read", places); err != nil {
		return err
	}
	if o.limit < 0 {
		return usageError{fmt.Errorf("read: --limit %d: less than nothing", o.limit), "a number of records"}
	}
	r := &show.Records{Where: o.expr}
	switch {
	case o.json:
		r.Form = show.JSON
	case o.csv:
		r.Form = show.CSV
	case o.tsv:
		r.Form = show.TSV
	case o.ocsf:
		r.Form = show.OCSF
	}
	if o.fields != "" {
		columns, err := query.ParseBy(o.fields)
		if err != nil {
			return usageError{fmt.Errorf("read: --fields: %w", err), "names such as srcaddr,dstaddr,dstport"}
		}
		r.Columns = columns
		o.wanted = append(o.wanted, columns...)
	}
	if err := o.naming.load(ctx, "read", o.awsOptions()); err != nil {
		return err
	}
	if o.naming.on() {
		r.Name, r.Named = o.naming.of, named
	}
	if o.conversations {
		return o.converse(ctx, stdout, stderr)
	}
	f, err := o.write(ctx, r, stdout)
	if err != nil {
		return err
	}
	if o.json && !o.quiet {
		return o.tellJSON(stderr, f)
	}
	return o.tell(stderr, f)
}

// write reads the places and writes the records to stdout, or into a file.
func (o *readOptions) write(ctx context.Context, r *show.Records, stdout io.Writer) (f *found, err error) {
	if o.parquet == "" {
		return o.print(ctx, r, stdout)
	}
	err = writeFile(o.command, o.parquet, func(w io.Writer) error {
		buffered := bufio.NewWriterSize(w, 1<<16)
		file := &show.FileWriter{W: buffered, Options: recordfile.Options{Parquet: true}}
		if f, err = o.print(ctx, r, file); err != nil {
			return err
		}
		if f.Kept == 0 {
			return nil // there is no format to write a file of
		}
		return errors.Join(file.Close(), buffered.Flush())
	})
	if err == nil && f.Kept == 0 {
		err = os.Remove(o.parquet)
	}
	return f, err
}

// print reads the places and prints the records.
func (o *readOptions) print(ctx context.Context, r *show.Records, stdout io.Writer) (*found, error) {
	out := stdout
	var buffered *bufio.Writer
	if o.parquet == "" {
		if !o.follow {
			buffered = bufio.NewWriterSize(stdout, 1<<16)
			out = buffered
		}
		if !r.Form.Lines() {
			out = o.headers(out, r.Form)
		}
	}
	if o.limit > 0 {
		out = &show.LimitWriter{W: out, N: o.limit, Header: !r.Form.Lines()}
	}
	f, err := o.scan(ctx, source.Scan{Sink: r.Sink, Output: out})
	if errors.Is(err, show.ErrFormats) {
		err = hintError{fmt.Errorf("read: %w", errFormats), "name the fields with --fields"}
	}
	if buffered != nil {
		if flushed := buffered.Flush(); err == nil && flushed != nil {
			err = fmt.Errorf("read: %w", flushed)
		}
	}
	return f, err
}

// errFormats is a table whose columns would change in the middle.
var errFormats = errors.New("the files have different fields, which one table cannot have")

// headers passes on only those headers that say something new.
func (o *readOptions) headers(out io.Writer, form show.Form) io.Writer {
	h := &show.HeaderWriter{W: out}
	if form != show.Text {
		h.Changed = func([]byte) error {
			return hintError{errFormats, "name the fields with --fields, or use --json"}
		}
	}
	return h
}

// tellJSON tells what was read, for programs.
func (o *readOptions) tellJSON(stderr io.Writer, f *found) error {
	if err := show.WriteJSON(stderr, map[string]any{"account": f.json()}); err != nil {
		return err
	}
	o.quiet = true
	return o.tell(io.Discard, f)
}
