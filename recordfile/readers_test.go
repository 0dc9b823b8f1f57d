package recordfile_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"weir/record"
	"weir/recordfile"
)

// readersDir has programs that read our files with the readers of others.
const readersDir = "../e2e/readers"

// skipReader says that a reader did not judge, so that nobody takes it for having
// agreed.
func skipReader(t *testing.T, reader, why string) {
	t.Helper()
	t.Skipf("\n*** SKIPPED: %s has NOT read our files: %s ***", reader, why)
}

// TestReaders has the readers of others read our files, and compares what they
// found, value by value, with what was written. They are installed from their
// registries, so the test only runs when WEIR_READERS is set.
func TestReaders(t *testing.T) {
	if os.Getenv("WEIR_READERS") == "" {
		t.Skip("set WEIR_READERS=1 to install and run the readers of others")
	}
	dir := t.TempDir()
	type written struct {
		path string
		text []byte // header and lines
		f    record.Format
	}
	var files []written
	for _, format := range []string{"default", "v5", "all", "tgw"} {
		f := mustFormat(t, format)
		text := append(f.AppendHeader(nil), '\n')
		for line := range bytes.Lines(allLines(f)) {
			if !bytes.Contains(line, []byte("xx.xx")) { // only documentation has those
				text = append(text, line...)
			}
		}
		text = append(text, traffic(t, f, 20_000)...)
		for _, kind := range kinds {
			name := strings.ReplaceAll(kind.name+"-"+format, " ", "-")
			suffix := recordfile.TextSuffix
			if kind.name != "text" {
				suffix = recordfile.ParquetSuffix
			}
			w := written{filepath.Join(dir, name+suffix), text, f}
			file, err := os.Create(w.path)
			if err != nil {
				t.Fatal(err)
			}
			fw, err := kind.new(file, f)
			if err != nil {
				t.Fatal(err)
			}
			writeLines(t, fw, f, text[bytes.IndexByte(text, '\n')+1:])
			if err := file.Close(); err != nil {
				t.Fatal(err)
			}
			files = append(files, w)
		}
	}

	t.Run("DuckDB", func(t *testing.T) {
		npm, err := exec.LookPath("npm")
		if err != nil {
			skipReader(t, "DuckDB", err.Error())
		}
		where := filepath.Join(readersDir, "duckdb")
		if out, err := command(where, npm, "install", "--no-audit", "--no-fund", "--no-package-lock"); err != nil {
			skipReader(t, "DuckDB", "npm install: "+string(out))
		}
		for _, file := range files {
			t.Run(filepath.Base(file.path), func(t *testing.T) {
				out, err := command(where, "node", "read.mjs", file.path)
				if err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				want := file.text
				if strings.HasSuffix(file.path, recordfile.ParquetSuffix) {
					want = duckDBText(file.text, file.f)
				}
				compare(t, out, want)
			})
		}
	})
	t.Run("Elastic", func(t *testing.T) {
		binary := filepath.Join(dir, "elastic")
		if out, err := command(filepath.Join(readersDir, "elastic"), "go", "build", "-o", binary, "."); err != nil {
			skipReader(t, "Filebeat's processor", "go build: "+string(out))
		}
		for _, file := range files {
			switch name := filepath.Base(file.path); name {
			case "text-default.log.gz", "text-v5.log.gz": // newer fields it does not know
				t.Run(name, func(t *testing.T) {
					out, err := command(".", binary, file.path)
					if err != nil {
						t.Fatalf("%v: %s", err, out)
					}
					compare(t, out, file.text)
				})
			}
		}
	})
}

func command(dir, name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		out = append(out[:min(len(out), 1000)], stderr.Bytes()...)
	}
	return out, err
}

// duckDBText is text as the script prints a Parquet file: with column names, and a
// second line of types.
func duckDBText(text []byte, f record.Format) []byte {
	header, lines, _ := bytes.Cut(text, []byte("\n"))
	types := make([]string, f.Len())
	for i := range types {
		types[i] = map[record.ColumnType]string{record.String: "VARCHAR", record.Int32: "INTEGER", record.Int64: "BIGINT"}[f.Field(i).Type()]
	}
	return []byte(strings.ReplaceAll(string(header), "-", "_") + "\n" + strings.Join(types, " ") + "\n" + string(lines))
}

// compare shows the first line that differs.
func compare(t *testing.T, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		t.Logf("%d lines are equal", bytes.Count(want, []byte("\n")))
		return
	}
	g, w := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(g), len(w)) {
		if !bytes.Equal(g[i], w[i]) {
			t.Fatalf("line %d:\ngot  %s\nwant %s", i+1, g[i], w[i])
		}
	}
	t.Fatalf("got %d lines, want %d", len(g), len(w))
}
