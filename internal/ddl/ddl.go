package ddl

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"weir/record"
	"weir/recordfile"
)

// An Engine is what runs SQL.
type Engine string

// Engines.
const (
	Athena     Engine = "athena"
	Trino      Engine = "trino"
	Spark      Engine = "spark"
	ClickHouse Engine = "clickhouse"
	DuckDB     Engine = "duckdb"
)

// Engines returns all engines.
func Engines() []Engine { return []Engine{Athena, Trino, Spark, ClickHouse, DuckDB} }

// A Table is files of flow logs that are to be a table. All have one format and lie in
// folders of one kind.
type Table struct {
	Name string // letters, digits and underscores
	// Location is where the folder AWSLogs is: s3://BUCKET or s3://BUCKET/FOLDER, or
	// the path of a directory. A slash at its end does not matter.
	Location string
	Format   record.Format
	recordfile.Options
	Organization   string // folder between AWSLogs and accounts, usually empty
	TransitGateway bool   // see [recordfile.Key]

	Accounts, Regions []string // those there are; none if that is not known
	// From is the first day that has files. Engines that work out by themselves
	// which folders there are look at none before.
	From time.Time
	// Assumed is what nobody has said or seen, for a comment: "the default format".
	Assumed []string
}

// SQL returns statements, each ending in a semicolon, that make the table. The error
// says what of the table the engine cannot have.
func (t *Table) SQL(e Engine) (string, error) {
	if err := t.check(); err != nil {
		return "", err
	}
	w := &writer{Table: t, local: !strings.HasPrefix(t.Location, "s3://")}
	w.place = strings.TrimRight(t.Location, "/")
	var err error
	switch e {
	case Athena:
		err = w.athena()
	case Trino:
		err = w.trino()
	case Spark:
		err = w.spark()
	case ClickHouse:
		err = w.clickHouse()
	case DuckDB:
		err = w.duckDB()
	default:
		err = fmt.Errorf("engine %q: unknown", e)
	}
	return w.String(), err
}

func (t *Table) check() error {
	if t.Name == "" || strings.Trim(t.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
		return fmt.Errorf("table name %q: want letters, digits and underscores", t.Name)
	}
	if bucket, ok := strings.CutPrefix(t.Location, "s3://"); ok && strings.Trim(bucket, "/") == "" || t.Location == "" {
		return fmt.Errorf("location %q: no bucket", t.Location)
	}
	if !utf8.ValidString(t.Location) || strings.ContainsFunc(t.Location, unicode.IsControl) {
		return fmt.Errorf("location %q: not printable text", t.Location)
	}
	taken := map[string]bool{}
	for _, p := range partitionNames {
		taken[p] = true
	}
	for _, c := range t.columns() {
		// Engines take names in either case for the same.
		if name := strings.ToLower(c.name); taken[name] {
			return fmt.Errorf("column %s: comes twice, or is the name of a partition", c.name)
		} else {
			taken[name] = true
		}
	}
	for _, a := range t.Accounts {
		if len(a) != 12 || strings.Trim(a, "0123456789") != "" {
			return fmt.Errorf("account %q: want 12 digits", a)
		}
	}
	for _, r := range t.Regions {
		if r == "" || strings.Trim(r, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return fmt.Errorf("region %q: want one like us-east-1", r)
		}
	}
	return nil
}

// A column is one of the table, as the files have it.
type column struct {
	name string
	typ  record.ColumnType
}

func (t *Table) columns() []column {
	out := make([]column, t.Format.Len())
	for i := range out {
		out[i] = column{strings.ReplaceAll(t.Format.Name(i), "-", "_"), t.Format.Field(i).Type()}
	}
	return out
}

// suffix is how names of files end.
func (t *Table) suffix() string {
	if t.Parquet {
		return ".log.parquet"
	}
	return ".log.gz"
}

// writer writes the statements of one table.
type writer struct {
	*Table
	strings.Builder
	place string // Location without slash
	local bool   // it is a directory
}

func (w *writer) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

// begin writes the comment at the top: what the table is of, what is a guess, and what
// to change.
func (w *writer) begin(engine string, change ...string) {
	kind := "gzip text"
	if w.Parquet {
		kind = "Parquet"
	}
	w.line("-- Flow logs in %s, for %s: %s of %d fields, in folders", w.place, engine, kind, w.Format.Len())
	w.line("-- %s%s", strings.TrimPrefix(w.root(), w.place+"/"), w.path("<account>", "<region>", "<year>", "<month>", "<day>", "<hour>"))
	for _, a := range w.Assumed {
		w.line("-- ASSUMED: %s.", a)
	}
	w.line("--")
	w.line("-- What to change:")
	for _, c := range change {
		w.line("--   %s", c)
	}
	w.line("")
}

// list writes items with a comma behind each but the last.
func (w *writer) list(indent string, items []string) {
	w.line("%s%s", indent, strings.Join(items, ",\n"+indent))
}

// quoted is text in single quotes, which SQL doubles within it.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// escaped is text in single quotes, for engines where a backslash escapes.
func escaped(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

func ticked(name string) string { return "`" + name + "`" }

func double(name string) string { return `"` + name + `"` }
