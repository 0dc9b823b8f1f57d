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
		name string
		path string
		text []byte // header and lines
		f    record.Format
	}
	var files []written
	for _, format := range []struct{ name, format string }{
		{"default", "default"},
		{"v5", "v5"},
		{"all", "all"},
		{"tgw", "tgw"},
		{"custom", "log-status end start x-drop-reason pkt-dstaddr srcaddr bytes x-a"},
	} {
		f := mustFormat(t, format.format)
		text := append(f.AppendHeader(nil), '\n')
		// Only documentation has addresses with letters.
		text = append(text, bytes.ReplaceAll(allLines(f), []byte("xx.xx.xx.xx"), []byte("192.0.2.255"))...)
		var r record.Record
		r.SetText(record.AccountID, "123456789012")
		r.SetText(record.InterfaceID, "eni-1")
		r.SetInt(record.Start, 1700000000)
		r.SetInt(record.End, 1700000059)
		r.SetStatus(record.SkipData)
		text = append(f.Append(text, &r), '\n')
		if len(f.Extensions()) > 0 {
			text = append(text, "OK 1700000059 1700000000 nf_hook 10.0.0.1 10.0.0.2 40 -\n"...)
		}
		text = append(text, traffic(t, f, 20_000)...)
		for _, kind := range kinds {
			name := strings.ReplaceAll(kind.name+"-"+format.name, " ", "-")
			suffix := recordfile.TextSuffix
			if kind.name != "text" {
				suffix = recordfile.ParquetSuffix
			}
			w := written{name + suffix, filepath.Join(dir, name+suffix), text, f}
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

	// Of text there is one layout.
	layouts, err := filepath.Glob("testdata/golden/*")
	if err != nil || len(layouts) < 2 {
		t.Fatalf("found %d layouts: %v", len(layouts), err)
	}
	for _, layout := range layouts {
		for _, g := range goldens {
			text, err := os.ReadFile(filepath.Join(layout, g.name+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			path, err := filepath.Abs(filepath.Join(layout, g.name+recordfile.ParquetSuffix))
			if err != nil {
				t.Fatal(err)
			}
			name := "layout-" + filepath.Base(layout) + "-" + g.name + recordfile.ParquetSuffix
			files = append(files, written{name, path, text, mustFormat(t, g.format)})
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
			t.Run(file.name, func(t *testing.T) {
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
			readText(t, file.path, withoutNewer(t, file.text, file.f), binary)
		}
	})
	t.Run("Vector", func(t *testing.T) {
		npm, err := exec.LookPath("npm")
		if err != nil {
			skipReader(t, "Vector", err.Error())
		}
		where := filepath.Join(readersDir, "vector")
		if out, err := command(where, npm, "install", "--no-audit", "--no-fund", "--no-package-lock"); err != nil {
			skipReader(t, "Vector", "npm install: "+string(out))
		}
		for _, file := range files {
			readText(t, file.path, withoutNewer(t, file.text, file.f), "node", filepath.Join(where, "read.mjs"))
		}
	})
}

// readText has a program that only reads text read the file, unless it is Parquet.
func readText(t *testing.T, path string, want []byte, program ...string) {
	if !strings.HasSuffix(path, recordfile.TextSuffix) {
		return
	}
	t.Run(filepath.Base(path), func(t *testing.T) {
		out, err := command(".", program[0], append(program[1:], path)...)
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		compare(t, out, want)
	})
}

// withoutNewer is text with "?" for each value of a field that Filebeat and Vector,
// in the releases that we have, do not know: those newer than version 5, all others
// they know, and those that are not Amazon's.
func withoutNewer(t *testing.T, text []byte, f record.Format) []byte {
	t.Helper()
	header, lines, _ := bytes.Cut(text, []byte("\n"))
	out := append(bytes.Clone(header), '\n')
	for line := range bytes.Lines(lines) {
		values := strings.Split(strings.TrimSuffix(string(line), "\n"), " ")
		if len(values) != f.Len() {
			t.Fatalf("%d values for %d fields: %s", len(values), f.Len(), line)
		}
		for i := range values {
			if field := f.Field(i); field == record.None || field.Version() > 5 {
				values[i] = "?"
			}
		}
		out = append(out, strings.Join(values, " ")+"\n"...)
	}
	return out
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
