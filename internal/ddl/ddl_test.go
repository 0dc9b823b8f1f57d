package ddl_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"weir/internal/ddl"
	"weir/record"
	"weir/recordfile"
)

var update = flag.Bool("update", false, "write the golden files anew")

func mustFormat(tb testing.TB, s string) record.Format {
	tb.Helper()
	f, err := record.ParseFormat(s)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// tables calls fn with a table of each layout, in text and in Parquet.
func tables(t *testing.T, fn func(name string, table ddl.Table)) {
	for _, layout := range ddl.Layouts() {
		for _, kind := range []string{"text", "parquet"} {
			o, ok := layout.Options()
			if !ok || ddl.Of(o) != layout {
				t.Fatalf("layout %s becomes %s", layout, ddl.Of(o))
			}
			o.Parquet = kind == "parquet"
			fn(string(layout)+"-"+kind, ddl.Table{Name: "flow_logs", Location: "s3://logs/web/", Format: mustFormat(t, "all"), Options: o,
				Accounts: []string{"123456789012", "210987654321"}, Regions: []string{"eu-west-1"}, From: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)})
		}
	}
}

// TestGolden pins every statement; a change in it is to be read by eye.
func TestGolden(t *testing.T) {
	for _, engine := range ddl.Engines() {
		tables(t, func(name string, table ddl.Table) {
			got, err := table.SQL(engine)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", string(engine), name+".sql")
			if *update {
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(got), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s differs, got:\n%s", path, got)
			}
			for _, line := range comment.FindAllString(got, -1) {
				// Some clients take what is in a comment for the begin of a text.
				if strings.Count(line, "'")%2 != 0 {
					t.Errorf("%s: half a pair of quotes in %s", path, line)
				}
			}
			for i, f := range table.Format.Fields() {
				if n := strings.Count(got, f.Column()); n == 0 {
					t.Errorf("%s has no column of field %d, %s", path, i, f)
				}
			}
		})
	}
}

// TestTemplates fills in the partitions of a template: what comes out is the folder
// that a file is in.
func TestTemplates(t *testing.T) {
	tables(t, func(name string, table ddl.Table) {
		for _, org := range []string{"", "o-a1b2c3d4e5"} {
			table.Organization = org
			key := recordfile.Key{Prefix: "web", Account: "123456789012", Region: "eu-west-1", FlowLog: "fl-1", Time: table.From,
				Options: table.Options, Organization: org}.String()
			folder := "s3://logs/" + key[:strings.LastIndex(key, "/")+1]
			for _, e := range []ddl.Engine{ddl.Athena, ddl.Trino} {
				sql, err := table.SQL(e)
				if err != nil {
					t.Fatal(err)
				}
				filled := strings.NewReplacer("${aws_account_id}", "123456789012", "${aws_region}", "eu-west-1", "${date}", "2026/11/24",
					"${year}", "2026", "${month}", "11", "${day}", "24", "${hour}", "09").Replace(sql)
				if !strings.Contains(filled, "'"+folder+"'") {
					t.Errorf("%s %s: the files are in %s", e, name, folder)
				}
			}
			for _, e := range []ddl.Engine{ddl.Spark, ddl.ClickHouse, ddl.DuckDB} {
				sql, err := table.SQL(e)
				if err != nil {
					t.Fatal(err)
				}
				if e == ddl.Spark && table.Hive {
					continue // has the root only
				}
				object := "s3://logs/" + key
				if e == ddl.ClickHouse {
					object = "https://logs.s3.amazonaws.com/" + key
				}
				if !globbed(sql, object) {
					t.Errorf("%s %s: no pattern has %s", e, name, object)
				}
			}
		}
	})
}

var comment = regexp.MustCompile("(?m)^--.*$")

// globbed reports whether a text in single quotes is a pattern of the path.
func globbed(sql, path string) bool {
	for i, text := range strings.Split(comment.ReplaceAllString(sql, ""), "'") {
		if ok, err := filepath.Match(text, path); i%2 == 1 && ok && err == nil {
			return true
		}
	}
	return false
}

func TestRefused(t *testing.T) {
	good := ddl.Table{Name: "t", Location: "s3://b"}
	if _, err := good.SQL(ddl.Athena); err != nil {
		t.Fatal(err)
	}
	header, ok := record.ParseHeader([]byte("srcaddr dstaddr end new-field new_field"))
	partition, ok2 := record.ParseHeader([]byte("srcaddr dstaddr end Hour"))
	if !ok || !ok2 {
		t.Fatal("no header")
	}
	for _, tt := range []struct {
		rule   string
		engine ddl.Engine
		spoil  func(*ddl.Table)
		want   string
	}{
		{"a name that would need quotes", ddl.DuckDB, func(t *ddl.Table) { t.Name = `a"b` }, `table name "a\"b": want letters, digits and underscores`},
		{"no name", ddl.DuckDB, func(t *ddl.Table) { t.Name = "" }, `table name "": want letters, digits and underscores`},
		{"no bucket", ddl.DuckDB, func(t *ddl.Table) { t.Location = "s3:///" }, `location "s3:///": no bucket`},
		{"a line break would end the comment", ddl.DuckDB, func(t *ddl.Table) { t.Location = "s3://b/a\nDROP" }, `location "s3://b/a\nDROP": not printable text`},
		{"directories", ddl.Athena, func(t *ddl.Table) { t.Location = "/logs" }, "reads no directories, only s3://BUCKET/FOLDER"},
		{"directories", ddl.Trino, func(t *ddl.Table) { t.Location = "/logs" }, "reads no directories, only s3://BUCKET/FOLDER"},
		{"what looks like a partition", ddl.Trino, func(t *ddl.Table) { t.Location = "s3://b/${x}" }, `location "s3://b/${x}": ${ stands for a partition`},
		{"what looks like a pattern", ddl.Spark, func(t *ddl.Table) { t.Location = "s3://b/a*" }, `location "s3://b/a*": has a character that is a pattern to this engine`},
		{"columns of one name", ddl.DuckDB, func(t *ddl.Table) { t.Format = header }, "column new_field: comes twice, or is the name of a partition"},
		{"a column like a partition", ddl.DuckDB, func(t *ddl.Table) { t.Format = partition }, "column Hour: comes twice, or is the name of a partition"},
		{"an account", ddl.DuckDB, func(t *ddl.Table) { t.Accounts = []string{"1'"} }, `account "1'": want 12 digits`},
		{"a region", ddl.DuckDB, func(t *ddl.Table) { t.Regions = []string{"x,y"} }, `region "x,y": want one like us-east-1`},
		{"an engine", "mysql", func(*ddl.Table) {}, `engine "mysql": unknown`},
	} {
		table := good
		tt.spoil(&table)
		if _, err := table.SQL(tt.engine); err == nil || err.Error() != tt.want {
			t.Errorf("%s: got error %v, want %s", tt.rule, err, tt.want)
		}
	}
}

// TestQuotes has an apostrophe and a backslash in the location.
func TestQuotes(t *testing.T) {
	for engine, want := range map[ddl.Engine]string{
		ddl.Athena: `'s3://b/it\'s \\/AWSLogs/'`, ddl.Trino: `'s3://b/it''s \/AWSLogs/'`, ddl.Spark: `'s3://b/it\'s \\/AWSLogs/`,
		ddl.ClickHouse: `'https://b.s3.amazonaws.com/it\'s \\/AWSLogs/`, ddl.DuckDB: `'s3://b/it''s \/AWSLogs/`,
	} {
		table := ddl.Table{Name: "t", Location: `s3://b/it's \`}
		if got, err := table.SQL(engine); err != nil || !strings.Contains(got, want) {
			t.Errorf("%s: no %s in, error %v:\n%s", engine, want, err, got)
		}
	}
}

// TestUnknown has neither accounts nor regions: engines that must know them ask.
func TestUnknown(t *testing.T) {
	table := ddl.Table{Name: "t", Location: "s3://b", Assumed: []string{"plain folders (--layout)"}}
	for engine, want := range map[ddl.Engine][]string{
		ddl.Athena:     {"'projection.aws_account_id.type' = 'injected'", `WHERE "aws_region" = 'us-east-1' AND "aws_account_id" = '123456789012' AND "date" = `},
		ddl.Trino:      {`"aws_region" varchar WITH (partition_projection_type = 'injected')`},
		ddl.Spark:      {"/AWSLogs/*/vpcflowlogs/*/*/*/*/*.log.gz"},
		ddl.ClickHouse: {"/AWSLogs/*/vpcflowlogs/*/*/*/*/*.log.gz"},
		ddl.DuckDB:     {"/AWSLogs/*/vpcflowlogs/*/*/*/*/*.log.gz"},
	} {
		got, err := table.SQL(engine)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range append(want, "-- ASSUMED: plain folders (--layout).\n") {
			if !strings.Contains(got, w) {
				t.Errorf("%s: no %s in\n%s", engine, w, got)
			}
		}
	}
}
