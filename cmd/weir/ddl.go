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

	"weir/internal/awsconfig"
	"weir/internal/ddl"
	"weir/internal/place"
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
	assume  bool
	bucket  placeOptions // how a bucket is reached

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

The place is looked at: keys of its files, and one file of each flow log, say what
the table is like, and a flag chooses among them. All keys of a bucket are listed. It
is not asked if the flags say everything, nor with --assume: what they leave open is
then assumed, and a comment in the SQL says so. Columns are the fields of the format,
with hyphens as underscores, in the types that Parquet files have; "-" is NULL.

  --layout plain      AWSLogs/ACCOUNT/vpcflowlogs/REGION/2026/11/24/
  --layout hour       the same, and a folder for each hour
  --layout hive       AWSLogs/aws-account-id=.../.../year=2026/month=11/day=24/
  --layout hive+hour  both

Athena and Trino work out which folders there are (partition projection); nothing has
to be loaded when new ones arrive.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 nothing found.`,
		Example: `  weir ddl athena s3://flow-logs/web --format default+tcp-flags --account 123456789012 --region eu-west-1
  weir ddl trino s3://flow-logs/web --endpoint-url http://127.0.0.1:9444
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
	f.BoolVar(&o.assume, "assume", false, "do not look into the bucket")
	addBucketFlags(cmd, &o.bucket)
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
			return w, usageError{fmt.Errorf("ddl: --format: %w", err), "see docs/formats/flow-record.md for the fields"}
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
	engine, where := ddl.Engine(args[0]), args[1]
	if !slices.Contains(ddl.Engines(), engine) {
		return usageError{fmt.Errorf("ddl: engine %q: unknown", engine), "known are " + strings.Join(asStrings(ddl.Engines()), ", ")}
	}
	want, err := o.want()
	if err != nil {
		return err
	}
	if o.assume && !isBucket(where) {
		return usageError{fmt.Errorf("ddl: --assume: %s is no bucket", where), "a directory is always looked at"}
	}
	var from time.Time
	if o.from != "" {
		if from, err = time.Parse(time.DateOnly, o.from); err != nil {
			return usageError{fmt.Errorf("ddl: --from: %q is no day", o.from), "such as 2026-11-24"}
		}
	}
	t, err := o.table(ctx, where, want)
	if err != nil {
		return fmt.Errorf("ddl: %w", err)
	}
	t.Name = o.name
	if o.from != "" {
		t.From = from
	}
	sql, err := t.SQL(engine)
	if err != nil {
		return fmt.Errorf("ddl: %s: %w", engine, err)
	}
	if _, err = io.WriteString(stdout, sql); err != nil {
		return fmt.Errorf("ddl: %w", err)
	}
	return nil
}

func isBucket(place string) bool { return strings.HasPrefix(place, "s3://") }

// table returns the table of what is at a place.
func (o *ddlOptions) table(ctx context.Context, where string, want ddl.Want) (ddl.Table, error) {
	if !isBucket(where) {
		return learnDirectory(ctx, where, want)
	}
	said := want.Format != nil && want.Hive != nil && want.Parquet != nil && len(want.Accounts) > 0 && len(want.Regions) > 0 && o.from != ""
	// A place without a bucket is wrong in itself.
	if said || o.assume || strings.Trim(strings.TrimPrefix(where, "s3://"), "/") == "" {
		return o.assumed(where, want), nil
	}
	return o.learnBucket(ctx, where, want)
}

// assumed returns the table of a place that nobody has looked at.
func (o *ddlOptions) assumed(where string, want ddl.Want) ddl.Table {
	// Who names a folder further down means the files of all of AWSLogs.
	where, _, _ = strings.Cut("/"+strings.TrimPrefix(where, "s3://")+"/", "/AWSLogs/")
	t := ddl.Table{Location: "s3://" + strings.Trim(where, "/"), Format: record.Default(), Accounts: want.Accounts, Regions: want.Regions}
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
func learnDirectory(ctx context.Context, where string, want ddl.Want) (ddl.Table, error) {
	dir, err := filepath.Abs(where)
	if err != nil {
		return ddl.Table{}, err
	}
	t, prefix, err := ddl.Learn(filesBelow(ctx, dir), want)
	if err != nil {
		return t, learnError(where, err, "")
	}
	t.Location = filepath.FromSlash(prefix)
	return t, nil
}

// learnBucket returns the table of the objects at a place in a bucket.
func (o *ddlOptions) learnBucket(ctx context.Context, where string, want ddl.Want) (ddl.Table, error) {
	o.bucket.accounts, o.bucket.regions = want.Accounts, want.Regions
	list, err := o.bucket.list([]string{where}, nil)
	if err != nil {
		return ddl.Table{}, err
	}
	t, prefix, err := ddl.Learn(objectsOf(ctx, list), want)
	if err != nil {
		return t, learnError(where, err, "--assume writes the SQL without looking, as for files that are still to come")
	}
	bucket, _, _ := strings.Cut(strings.TrimPrefix(where, "s3://"), "/")
	t.Location = strings.TrimSuffix("s3://"+bucket+"/"+prefix, "/")
	return t, nil
}

// learnError says what to do about what [ddl.Learn] has failed with; none is what to do
// if there are no files.
func learnError(where string, err error, none string) error {
	switch mixed := (*ddl.MixedError)(nil); {
	case errors.Is(err, ddl.ErrNone):
		err := notFound("%s: no file of a flow log below a folder AWSLogs that the flags want", where)
		if none != "" {
			return awsconfig.Hint(err, none)
		}
		return err
	case errors.As(err, &mixed):
		hint := map[string]string{
			"layout": "choose with --layout", "kind": "choose with --parquet or --parquet=false",
			"format": "give each a folder of its own, or say with --format what the table is to be like",
		}[mixed.What]
		return hintError{fmt.Errorf("%s: %w", where, err), cmp.Or(hint, "name one of these folders")}
	}
	return err
}

// objectsOf hands on what a list names.
func objectsOf(ctx context.Context, list *place.List) iter.Seq2[ddl.Object, error] {
	return func(yield func(ddl.Object, error) bool) {
		for e, err := range list.Entries(ctx) {
			if !yield(ddl.Object{Key: e.Path, Open: func() (io.ReaderAt, int64, error) { return e.OpenAt(ctx) }}, err) {
				return
			}
		}
	}
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
