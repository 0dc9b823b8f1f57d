package ddl

import (
	"fmt"
	"strings"

	"weir/record"
)

var clickHouseTypes = map[record.ColumnType]string{record.String: "Nullable(String)", record.Int32: "Nullable(Int32)", record.Int64: "Nullable(Int64)"}

// clickHouse writes a view whose partition columns come from the paths of files, over a
// table of the S3 engine or, of a directory, over the function file.
func (w *writer) clickHouse() error {
	glob, err := w.glob()
	if err != nil {
		return err
	}
	settings := []string{
		// Else a space is trimmed, not a delimiter.
		"format_csv_delimiter = ' '", "input_format_csv_allow_whitespace_or_tab_as_delimiter = 1",
		"input_format_csv_skip_first_lines = 1", "format_csv_null_representation = '-'",
		"format_csv_allow_single_quotes = 0", "format_csv_allow_double_quotes = 0",
	}
	format := "'CSV'"
	compression := ", 'gzip'"
	if w.Parquet {
		settings, format, compression = nil, "'Parquet'", ""
	}
	// The name of a file has account, region and time, and folders agree with it.
	name := func(i int) string { return fmt.Sprintf("splitByChar('_', _file)[%d]", i) }
	view := []string{"*",
		name(1) + " AS `aws_account_id`",
		name(3) + " AS `aws_region`",
		"parseDateTime(substring(" + name(5) + ", 1, 8), '%Y%m%d')::Date AS `date`"}
	if w.PerHour {
		view = append(view, "substring("+name(5)+", 10, 2) AS `hour`")
	}
	columns := w.columnList(ticked, clickHouseTypes)
	if w.local {
		w.begin("ClickHouse", "the name of the view", "the path: a server reads only below its user_files_path, clickhouse-local anywhere")
		w.line("CREATE OR REPLACE VIEW %s AS", ticked(w.Name))
		w.line("SELECT")
		w.list("  ", view)
		w.line("FROM file(%s, %s, %s%s)", escaped(glob), format, escaped(strings.Join(columns, ", ")), compression)
		if len(settings) > 0 {
			w.line("SETTINGS")
			w.list("  ", settings)
		}
		w.trim(";")
	} else {
		files := ticked(w.Name + "_files")
		w.begin("ClickHouse", "the names of table and view", "the address: one with the region of the bucket, such as s3.eu-west-1.amazonaws.com, is faster",
			"and sometimes needed; other S3 servers: http://HOST:9000/BUCKET/...", "keys, unless the server finds them itself: S3('...', 'KEY ID', 'SECRET', ...)")
		w.line("CREATE TABLE IF NOT EXISTS %s (", files)
		w.list("  ", columns)
		w.line(")")
		w.line("ENGINE = S3(%s, %s%s)", escaped(address(glob)), format, compression)
		if len(settings) > 0 {
			w.line("SETTINGS")
			w.list("  ", settings)
		}
		w.trim(";")
		w.line("")
		w.line("CREATE OR REPLACE VIEW %s AS", ticked(w.Name))
		w.line("SELECT")
		w.list("  ", view)
		w.line("FROM %s;", files)
	}
	w.nulls()
	return nil
}

// trim puts what ends a statement behind the last line.
func (w *writer) trim(end string) {
	text := strings.TrimSuffix(w.String(), "\n")
	w.Reset()
	w.WriteString(text + end + "\n")
}

// address is the web address of an object in Amazon's S3.
func address(s3 string) string {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(s3, "s3://"), "/")
	if strings.Contains(bucket, ".") { // no certificate covers it as a host
		return "https://s3.amazonaws.com/" + bucket + "/" + key
	}
	return "https://" + bucket + ".s3.amazonaws.com/" + key
}
