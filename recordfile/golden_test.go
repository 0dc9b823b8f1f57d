package recordfile_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"weir/record"
	"weir/recordfile"
)

var update = flag.Bool("update", false, "write the golden files of this layout anew")

// goldenDir has the files as they are written now. When their bytes are changed on
// purpose, by us or by a library, the number goes up and the old files stay: every
// later release must read them.
const goldenDir = "testdata/golden/2"

// goldens are the golden files and their formats.
var goldens = []struct{ name, format string }{
	{"default", "default"},
	{"v5", "v5"},
	{"all", "all"},
	{"tgw", "tgw"},
	{"extensions", "log-status end start x-drop-reason srcaddr x-a"},
}

func goldenText(f record.Format) []byte {
	text := append(f.AppendHeader(nil), '\n')
	text = append(text, allLines(f)...)
	if len(f.Extensions()) > 0 {
		text = append(text, "OK 1700000059 1700000000 nf_hook 10.0.0.1 -\n"...)
	}
	return text
}

// TestGoldenWrite pins what is written: names and order of columns, the header,
// types, encodings, every byte.
func TestGoldenWrite(t *testing.T) {
	for _, g := range goldens {
		f := mustFormat(t, g.format)
		text := goldenText(f)
		files := map[string][]byte{".txt": text}
		for _, o := range []recordfile.Options{{}, {Parquet: true}} {
			var file bytes.Buffer
			w, err := recordfile.NewWriter(&file, f, o)
			if err != nil {
				t.Fatal(err)
			}
			writeLines(t, w, f, text[bytes.IndexByte(text, '\n')+1:])
			if !o.Parquet {
				files[recordfile.TextSuffix] = file.Bytes()
				continue
			}
			files[recordfile.ParquetSuffix] = file.Bytes()
			files[".schema"] = dumpSchema(t, file.Bytes())
		}
		for suffix, got := range files {
			path := filepath.Join(goldenDir, g.name+suffix)
			if *update {
				if err := errors.Join(os.MkdirAll(goldenDir, 0o755), os.WriteFile(path, got, 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s changed: readers, and objects delivered twice, depend on it (see goldenDir)", path)
			}
		}
	}
}

// TestGoldenRead reads the files of all layouts there ever were.
func TestGoldenRead(t *testing.T) {
	texts, err := filepath.Glob("testdata/golden/*/*.txt")
	if err != nil || len(texts) < len(goldens) {
		t.Fatalf("found %d golden files: %v", len(texts), err)
	}
	for _, path := range texts {
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		base := strings.TrimSuffix(path, ".txt")
		for _, suffix := range []string{recordfile.TextSuffix, recordfile.ParquetSuffix} {
			file, err := os.ReadFile(base + suffix)
			if err != nil {
				t.Fatal(err)
			}
			var rd recordfile.Reader = recordfile.NewTextReader(bytes.NewReader(file))
			if suffix == recordfile.ParquetSuffix {
				if rd, err = openBytes(file); err != nil {
					t.Fatalf("%s: %v", base, err)
				}
			}
			lines, f := readLines(t, rd)
			if got := append(append(f.AppendHeader(nil), '\n'), lines...); !bytes.Equal(got, want) {
				t.Errorf("%s%s: got:\n%.1000s\nwant:\n%.1000s", base, suffix, got, want)
			}
		}
	}
}

// dumpSchema tells what a reader finds in the footer.
func dumpSchema(tb testing.TB, data []byte) []byte {
	tb.Helper()
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		tb.Fatal(err)
	}
	meta := file.Metadata()
	var b bytes.Buffer
	fmt.Fprintf(&b, "version %d, by %q, %d key-values\n", meta.Version, meta.CreatedBy, len(meta.KeyValueMetadata))
	fmt.Fprintf(&b, "%s\n", file.Schema())
	for _, g := range meta.RowGroups {
		fmt.Fprintf(&b, "row group of %d\n", g.NumRows)
		for _, c := range g.Columns {
			fmt.Fprintf(&b, "%s %v %v %v\n", strings.Join(c.MetaData.PathInSchema, "."), c.MetaData.Type, c.MetaData.Codec, c.MetaData.Encoding)
		}
	}
	return b.Bytes()
}

// TestTextHeader pins the first bytes of the gzip stream: no name, no time, and an
// unknown system, so that nothing in it tells where and when it was made.
func TestTextHeader(t *testing.T) {
	var file bytes.Buffer
	w, err := recordfile.NewTextWriter(&file, record.Default())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := file.Bytes()[:10], []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}; !bytes.Equal(got, want) {
		t.Errorf("got % x, want % x", got, want)
	}
}

// TestSchemaTypes compares the columns with the table of fields.
func TestSchemaTypes(t *testing.T) {
	for _, format := range []string{"all", "tgw", "bytes+x-a+account-id"} {
		f := mustFormat(t, format)
		var empty bytes.Buffer
		w, err := recordfile.NewParquetWriter(&empty, f, recordfile.ParquetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		file, err := parquet.OpenFile(bytes.NewReader(empty.Bytes()), int64(empty.Len()))
		if err != nil {
			t.Fatal(err)
		}
		columns := file.Schema().Fields()
		if len(columns) != f.Len() {
			t.Fatalf("%s: %d columns, want %d", format, len(columns), f.Len())
		}
		for i, c := range columns {
			name, want := strings.ReplaceAll(f.Name(i), "-", "_"), "STRING"
			switch f.Field(i).Type() {
			case record.Int32:
				want = "INT(32,true)"
			case record.Int64:
				want = "INT(64,true)"
			}
			if got := c.Type().String(); c.Name() != name || got != want || !c.Optional() {
				t.Errorf("column %d is %s %s, optional %v; want %s %s, true", i, c.Name(), got, c.Optional(), name, want)
			}
		}
	}
	twice, ok := record.ParseHeader([]byte("srcaddr dstaddr end new-field new_field"))
	if !ok {
		t.Fatal("no header")
	}
	if _, err := recordfile.NewParquetWriter(nil, twice, recordfile.ParquetOptions{}); err == nil || err.Error() != "parquet: column new_field: comes twice" {
		t.Errorf("got error %v", err)
	}
}
