package ddl_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weir/internal/ddl"
	"weir/record"
)

// TestDuckDB has DuckDB run what is written for it, over files of every layout, text
// and Parquet, and compares types and values with what the files were written from. It
// is installed from its registry, so the test only runs when WEIR_READERS is set.
func TestDuckDB(t *testing.T) {
	if os.Getenv("WEIR_READERS") == "" {
		t.Skip("set WEIR_READERS=1 to install and run DuckDB")
	}
	const where = "../../e2e/readers/duckdb"
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skipf("\n*** SKIPPED: DuckDB has NOT run our SQL: %v ***", err)
	}
	install := exec.Command(npm, "install", "--no-audit", "--no-fund", "--no-package-lock")
	install.Dir = where
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("\n*** SKIPPED: DuckDB has NOT run our SQL: npm install: %s ***", out)
	}
	for _, format := range []string{"default", "all", "tgw", "bytes+x-drop-reason+end+srcaddr"} {
		for _, layout := range ddl.Layouts() {
			for _, kind := range []string{"text", "parquet"} {
				t.Run(format+"/"+string(layout)+"/"+kind, func(t *testing.T) {
					dir := t.TempDir()
					f := mustFormat(t, format)
					o, _ := layout.Options()
					o.Parquet = kind == "parquet"
					files := write(t, dir, f, o)
					table, prefix, err := ddl.Learn(objects(dir), ddl.Want{})
					if err != nil {
						t.Fatal(err)
					}
					table.Name, table.Location = "flows", filepath.Join(dir, prefix)
					sql, err := table.SQL(ddl.DuckDB)
					if err != nil {
						t.Fatal(err)
					}
					script := filepath.Join(dir, "table.sql")
					if err := os.WriteFile(script, []byte(sql), 0o644); err != nil {
						t.Fatal(err)
					}
					day := `"date" = '2026-11-24'`
					if o.Hive {
						day = "year = '2026' AND month = '11' AND day = '24'"
					}
					cmd := exec.Command("node", "query.mjs", script, "SELECT * FROM flows",
						"SELECT count(*) FROM flows WHERE aws_account_id = '000000000001' AND aws_region = 'eu-west-1' AND "+day)
					cmd.Dir = where
					var stderr bytes.Buffer
					cmd.Stderr = &stderr
					out, err := cmd.Output()
					if err != nil {
						t.Fatalf("%v: %s\n%s", err, stderr.Bytes(), sql)
					}
					parts := strings.Split(string(out), "\n\n")
					got, want := strings.Split(parts[0], "\n"), wanted(f, files)
					slices.Sort(got[2:])
					slices.Sort(want[2:])
					for i := range min(len(got), len(want)) {
						if got[i] != want[i] {
							t.Fatalf("row %d:\ngot  %s\nwant %s", i-2, got[i], want[i])
						}
					}
					if len(got) != len(want) {
						t.Errorf("got %d rows, want %d", len(got)-2, len(want)-2)
					}
					if n := strings.Split(parts[1], "\n")[2]; n != "10" {
						t.Errorf("an account, region and day have %s records, want 10", n)
					}
				})
			}
		}
	}
}

// wanted is the table as the script prints it: columns, types, rows.
func wanted(f record.Format, files []file) []string {
	var names, types []string
	for i, field := range f.Fields() {
		names = append(names, strings.ReplaceAll(f.Name(i), "-", "_"))
		types = append(types, map[record.ColumnType]string{record.String: "VARCHAR", record.Int32: "INTEGER", record.Int64: "BIGINT"}[field.Type()])
	}
	o := files[0].key.Options
	names, types = append(names, "aws_account_id", "aws_region"), append(types, "VARCHAR", "VARCHAR")
	if o.Hive {
		names, types = append(names, "year", "month", "day"), append(types, "VARCHAR", "VARCHAR", "VARCHAR")
	} else {
		names, types = append(names, "date"), append(types, "DATE")
	}
	if o.PerHour {
		names, types = append(names, "hour"), append(types, "VARCHAR")
	}
	out := []string{strings.Join(names, " "), strings.Join(types, " ")}
	for _, file := range files {
		k := file.key
		end := " " + k.Account + " " + k.Region
		if o.Hive {
			end += k.Time.Format(" 2006 01 02")
		} else {
			end += k.Time.Format(" 2006-01-02")
		}
		if o.PerHour {
			end += k.Time.Format(" 15")
		}
		for _, line := range file.lines {
			out = append(out, line+end)
		}
	}
	return out
}
