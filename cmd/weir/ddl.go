package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/ddl"
	"weir/record"
)

// ddlOptions are the flags of weir ddl.
type ddlOptions struct {
	name    string
	format  string
	layout  string
	parquet bool
	account []string
	region  []string
	from    string

	parquetSet bool // --parquet was given, with either value
}

func newDDL() *cobra.Command {
	var o ddlOptions
	cmd := &cobra.Command{
		Use:   "ddl ENGINE PLACE",
		Short: "Write the SQL that makes a table of delivered files",
		Long: `Write the statements that make files of flow logs a table, to standard output.

ENGINE is athena, trino, spark, clickhouse or duckdb. PLACE is where the folder
AWSLogs is: s3://BUCKET, s3://BUCKET/FOLDER, or a directory with a copy of it.

A directory is looked at: keys and headers of its files say what the table is like,
and a flag chooses among them. Of s3:// only the flags say it, and what they leave
open is assumed; a comment in the SQL says so. Columns are the fields of the format,
with hyphens as underscores, in the types that Parquet files have; "-" is NULL.

  --layout plain      AWSLogs/ACCOUNT/vpcflowlogs/REGION/2026/11/24/
  --layout hour       the same, and a folder for each hour
  --layout hive       AWSLogs/aws-account-id=.../.../year=2026/month=11/day=24/
  --layout hive+hour  both

Athena and Trino work out which folders there are (partition projection); nothing has
to be loaded when new ones arrive.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 nothing found.`,
		Example: `  weir ddl athena s3://flow-logs/web --format default+tcp-flags --account 123456789012 --region eu-west-1
  weir ddl duckdb /var/lib/weir/objects/flow-logs
  weir ddl duckdb ./flow-logs > table.sql && duckdb -init table.sql`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.parquetSet = cmd.Flags().Changed("parquet")
			return runDDL(cmd.Context(), &o, args, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "flow_logs", "name of the table")
	f.StringVar(&o.format, "format", "", "fields: names, Amazon's ${...} string, or default, default+FIELD, v3, v5, all, tgw (default: look, else default)")
	f.StringVar(&o.layout, "layout", "", "folders: plain, hive, hour or hive+hour (default: look, else plain)")
	f.BoolVar(&o.parquet, "parquet", false, "Parquet files, not text (default: look, else text)")
	f.StringSliceVar(&o.account, "account", nil, "accounts there are (default: look, else any)")
	f.StringSliceVar(&o.region, "region", nil, "regions there are (default: look, else any)")
	f.StringVar(&o.from, "from", "", "first day with files, 2026-11-24 (default: look, else the first day of this year)")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("format", completeFormat))
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("layout", cobra.FixedCompletions(asStrings(ddl.Layouts()), cobra.ShellCompDirectiveNoFileComp)))
	cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return asStrings(ddl.Engines()), cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	return cmd
}

func asStrings[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

// want is what the flags say.
func (o *ddlOptions) want() (w ddl.Want, err error) {
	if o.format != "" {
		f, err := record.ParseFormat(o.format)
		if err != nil {
			return w, usageError{fmt.Errorf("ddl: --format: %w", err), ""}
		}
		w.Format = &f
	}
	if o.layout != "" {
		options, ok := ddl.Layout(o.layout).Options()
		if !ok {
			return w, usageError{fmt.Errorf("ddl: --layout %s: unknown", o.layout), "known are " + strings.Join(asStrings(ddl.Layouts()), ", ")}
		}
		w.Hive, w.PerHour = &options.Hive, &options.PerHour
	}
	if o.parquetSet {
		w.Parquet = &o.parquet
	}
	w.Accounts, w.Regions = o.account, o.region
	return w, nil
}

func runDDL(ctx context.Context, o *ddlOptions, args []string, stdout io.Writer) error {
	if len(args) != 2 {
		return usageError{errors.New("ddl: want an engine and a place"), "weir ddl duckdb DIRECTORY, weir ddl athena s3://BUCKET/FOLDER"}
	}
	engine, place := ddl.Engine(args[0]), args[1]
	if !slices.Contains(ddl.Engines(), engine) {
		return usageError{fmt.Errorf("ddl: engine %q: unknown", engine), "known are " + strings.Join(asStrings(ddl.Engines()), ", ")}
	}
	want, err := o.want()
	if err != nil {
		return err
	}
	var t ddl.Table
	if strings.HasPrefix(place, "s3://") {
		t = o.assume(place, want)
	} else if t, err = learnDirectory(ctx, place, want); err != nil {
		return fmt.Errorf("ddl: %w", err)
	}
	t.Name = o.name
	if o.from != "" {
		if t.From, err = time.Parse(time.DateOnly, o.from); err != nil {
			return usageError{fmt.Errorf("ddl: --from %q: want a day like 2026-11-24", o.from), ""}
		}
	}
	sql, err := t.SQL(engine)
	if err != nil {
		return fmt.Errorf("ddl: %s: %w", engine, err)
	}
	_, err = io.WriteString(stdout, sql)
	return err
}

// assume returns the table of a place that nobody has looked at.
func (o *ddlOptions) assume(place string, want ddl.Want) ddl.Table {
	// Who names a folder further down means the files of all of AWSLogs.
	place, _, _ = strings.Cut("/"+strings.TrimPrefix(place, "s3://")+"/", "/AWSLogs/")
	t := ddl.Table{Location: "s3://" + strings.Trim(place, "/"), Format: record.Default(), Accounts: want.Accounts, Regions: want.Regions}
	t.From = time.Date(time.Now().UTC().Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	if want.Format != nil {
		t.Format = *want.Format
	} else {
		t.Assumed = append(t.Assumed, "the default format (--format)")
	}
	if want.Hive != nil {
		t.Hive, t.PerHour = *want.Hive, *want.PerHour
	} else {
		t.Assumed = append(t.Assumed, "plain folders (--layout)")
	}
	if t.Parquet = o.parquet; !o.parquetSet {
		t.Assumed = append(t.Assumed, "text (--parquet)")
	}
	if o.from == "" {
		t.Assumed = append(t.Assumed, "no files before this year (--from)")
	}
	return t
}

// learnDirectory returns the table of the files below a directory.
func learnDirectory(ctx context.Context, place string, want ddl.Want) (ddl.Table, error) {
	dir, err := filepath.Abs(place)
	if err != nil {
		return ddl.Table{}, err
	}
	t, prefix, err := ddl.Learn(filesBelow(ctx, dir), want)
	switch mixed := (*ddl.MixedError)(nil); {
	case errors.Is(err, ddl.ErrNone):
		return t, notFound("%s: no file of a flow log below a folder AWSLogs that the flags want", place)
	case errors.As(err, &mixed):
		hint := map[string]string{
			"layout": "choose with --layout", "kind": "choose with --parquet or --parquet=false",
			"format": "give each a folder of its own, or say with --format what the table is to be like",
		}[mixed.What]
		return t, hintError{fmt.Errorf("%s: %w", place, err), cmp.Or(hint, "name one of these directories")}
	case err != nil:
		return t, err
	}
	t.Location = filepath.FromSlash(prefix)
	return t, nil
}

// filesBelow lists the files below a directory, in the order of their paths.
func filesBelow(ctx context.Context, dir string) iter.Seq2[ddl.Object, error] {
	return func(yield func(ddl.Object, error) bool) {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case ctx.Err() != nil:
				return ctx.Err()
			case d.IsDir():
				return nil
			}
			if !yield(ddl.Object{Key: filepath.ToSlash(path), Open: func() (io.ReaderAt, int64, error) { return openFile(path) }}, nil) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield(ddl.Object{}, err)
		}
	}
}

func openFile(path string) (io.ReaderAt, int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, info.Size(), nil
}
