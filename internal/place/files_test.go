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
		{"all", "", time.Time{}, early + " " + at + " a.parquet b.log c/d.csv c/link.log c/stream-1-2026-11-24-10-00-00-8f", ".git .hidden.log README c/gone.log c/loop"},
		{"what can match", "", noon, at + " a.parquet b.log c/d.csv c/link.log c/stream-1-2026-11-24-10-00-00-8f", ".git .hidden.log README c/gone.log c/loop"},
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

// TestUnnamed asks for the flow logs of an account among files that do not say whose
// they are: they are read, and counted.
func TestUnnamed(t *testing.T) {
	dir := t.TempDir()
	named := filepath.FromSlash(filepath.Base(key(func(*recordfile.Key) {})))
	for _, name := range []string{named, "a.log", "b.log"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		what string
		Selection
		want, unnamed int
	}{
		{"everything", Selection{}, 3, 0},
		{"a time", Selection{Since: noon}, 3, 0},
		{"an account", Selection{Accounts: []string{"111111111111"}}, 3, 2},
		{"another account", Selection{Accounts: []string{"222222222222"}}, 2, 2},
		{"a region", Selection{Regions: []string{"eu-nowhere-1"}}, 2, 2},
		{"a flow log", Selection{FlowLogs: []string{"fl-0"}}, 2, 2},
	} {
		got, l := names(t, Config{Places: []string{dir}, Selection: tt.Selection})
		if a := l.Account(); len(got) != tt.want || a.Unnamed != tt.unnamed {
			t.Errorf("%s: %d files, %d without names, want %d and %d", tt.what, len(got), a.Unnamed, tt.want, tt.unnamed)
		}
	}
}

// TestOnce names a file that is in several places, under several names.
func TestOnce(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.log")
	if err := os.WriteFile(file, []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, filepath.Join(dir, "b.log")); err != nil {
		t.Fatal(err)
	}
	l, err := New(Config{Places: []string{file, dir + "/../" + filepath.Base(dir) + "/a.log", dir}})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range l.Objects(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if a := l.Account(); n != 1 || a.Again != 3 {
		t.Errorf("%d objects, %d of them again, want 1 and 3", n, a.Again)
	}
}
