package place

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/recordfile"
)

func TestDirectories(t *testing.T) {
	dir := t.TempDir()
	early := key(func(k *recordfile.Key) { k.Time = noon.AddDate(0, 0, -1) })
	at := key(func(k *recordfile.Key) {})
	for _, name := range []string{early, at, "b.log", "a.parquet", "c/d.csv", "notes.md", ".hidden.log", ".git/x.log", ".x.log" + Partial,
		"c/stream-1-2026-11-24-10-00-00-8f", "README"} {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	links := map[string]string{"c/loop": dir, "c/link.log": filepath.Join(dir, "b.log"), "c/gone.log": "nowhere"}
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			t.Skip(err)
		}
	}
	for _, tt := range []struct {
		name          string
		place         string
		since         time.Time
		want, skipped string
	}{
		{"all", "", time.Time{}, early + " " + at + " a.parquet b.log c/d.csv c/link.log c/stream-1-2026-11-24-10-00-00-8f", "README c/gone.log c/loop notes.md"},
		{"what can match", "", noon, at + " a.parquet b.log c/d.csv c/link.log c/stream-1-2026-11-24-10-00-00-8f", "README c/gone.log c/loop notes.md"},
		{"a folder of the layout", "AWSLogs/111111111111/vpcflowlogs", noon, at, ""},
		{"a file whatever its name", "notes.md", noon, "notes.md", ""},
		{"a file whose name says no", early, noon, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			short := func(list []string) string {
				s := filepath.ToSlash(strings.Join(list, " "))
				return strings.ReplaceAll(s, filepath.ToSlash(dir)+"/", "")
			}
			got, l := names(t, Config{Places: []string{filepath.Join(dir, filepath.FromSlash(tt.place))}, Selection: Selection{Since: tt.since}})
			if short(got) != tt.want {
				t.Errorf("found %s\nwant  %s", short(got), tt.want)
			}
			if s := short(l.Account().Examples); s != tt.skipped {
				t.Errorf("skipped %s, want %s", s, tt.skipped)
			}
		})
	}
}
