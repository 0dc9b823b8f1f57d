package ddl_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/internal/ddl"
	"weir/record"
	"weir/recordfile"
)

// line makes up the n-th record of a format; every third has nothing that can be absent.
func line(f record.Format, n int) string {
	var values []string
	for i, field := range f.Fields() {
		switch {
		case field == record.Version:
			values = append(values, strconv.Itoa(f.Version()))
		case n%3 == 2 && (field == record.None || field.Nullable()):
			values = append(values, "-")
		case field == record.LogStatus:
			values = append(values, "OK")
		case field == record.Bytes:
			values = append(values, strconv.FormatInt(1<<40+int64(n), 10))
		case field.Type() != record.String:
			values = append(values, strconv.Itoa(n%200))
		case field.IsAddr():
			values = append(values, fmt.Sprintf("2001:db8::%x", n+1))
		case len(field.Values()) > 0:
			values = append(values, field.Values()[0])
		default:
			values = append(values, fmt.Sprintf(`"it's-%d-%d\`, i, n))
		}
	}
	return strings.Join(values, " ")
}

// A file is one that was written, and its lines.
type file struct {
	key   recordfile.Key
	lines []string
}

// write writes files of two accounts, regions, days and hours below dir.
func write(t *testing.T, dir string, f record.Format, o recordfile.Options) (files []file) {
	t.Helper()
	n := 0
	for i := range 16 {
		k := recordfile.Key{Prefix: "it's a/copy", Account: "123456789012", Region: "us-east-1", FlowLog: "fl-1234abcd", Options: o,
			Time: time.Date(2026, 11, 23, 8, 55, 0, 0, time.UTC)}
		if i&1 > 0 {
			k.Account = "000000000001"
		}
		if i&2 > 0 {
			k.Region = "eu-west-1"
		}
		if i&4 > 0 {
			k.Time = k.Time.AddDate(0, 0, 1)
		}
		if i&8 > 0 {
			k.Time = k.Time.Add(5 * time.Minute)
		}
		var buf bytes.Buffer
		w, err := recordfile.NewWriter(&buf, f, o)
		if err != nil {
			t.Fatal(err)
		}
		out := file{key: k}
		for range 5 {
			out.lines = append(out.lines, line(f, n))
			var r record.Record
			if err := f.Parse([]byte(line(f, n)), &r); err != nil {
				t.Fatal(err)
			}
			if err := w.Write(&r); err != nil {
				t.Fatal(err)
			}
			n++
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		put(t, dir, k.String(), buf.Bytes())
		files = append(files, out)
	}
	return files
}

func put(t *testing.T, dir, key string, data []byte) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// objects lists the files below a directory.
func objects(dir string) iter.Seq2[ddl.Object, error] {
	return func(yield func(ddl.Object, error) bool) {
		fsys := os.DirFS(dir)
		err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if !yield(ddl.Object{Key: path, Open: func() (io.ReaderAt, int64, error) {
				data, err := fs.ReadFile(fsys, path)
				return bytes.NewReader(data), int64(len(data)), err
			}}, nil) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield(ddl.Object{}, err)
		}
	}
}
