package accesskey

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 1, time.UTC)

func write(t *testing.T, dir, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func list(t *testing.T, dir string) string {
	t.Helper()
	keys, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, k := range keys {
		ids = append(ids, k.ID)
	}
	return strings.Join(ids, " ")
}

func TestFirstStart(t *testing.T) {
	dir := t.TempDir()
	k, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	root := k.Root()
	if !regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`).MatchString(root.ID) || !regexp.MustCompile(`^[A-Za-z0-9+/]{40}$`).MatchString(root.Secret) {
		t.Errorf("the root key is %s with a secret of %d bytes", root, len(root.Secret))
	}
	if got, ok := k.Lookup(root.ID); !ok || got != root {
		t.Errorf("Lookup of the root key returns %v, %v", got, ok)
	}
	if got, ok := k.Lookup(""); ok || got.Secret != "" {
		t.Errorf("Lookup of no key returns %v, %v", got, ok)
	}
	if st, err := os.Stat(filepath.Join(dir, FileName)); err != nil || st.Mode() != 0o600 {
		t.Errorf("the file is %v, %v, want mode 0600", st.Mode(), err)
	}
	if again, err := Open(dir, nil); err != nil || again.Root() != root {
		t.Errorf("the second start has %v, %v, the first %v", again.Root(), err, root)
	}
}

func TestTakesOverRootKey(t *testing.T) {
	const old = `{"accessKeyId":"AKIAOLD","secretAccessKey":"s"}`
	dir := t.TempDir()
	path := write(t, dir, oldName, old, 0o600)
	for range 2 { // the second time as if the first had been cut short
		k, err := Open(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r := k.Root(); r.ID != "AKIAOLD" || r.Secret != "s" {
			t.Errorf("the root key is %v", r)
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the old file: %v, want none", err)
		}
		write(t, dir, oldName, old, 0o600)
	}
	for text, mode := range map[string]os.FileMode{"{}": 0o600, "x": 0o600, old: 0o644} {
		dir := t.TempDir()
		write(t, dir, oldName, text, mode)
		if k, err := Open(dir, nil); err == nil {
			t.Errorf("an old file %q of mode %v: %v, want an error", text, mode, k.Root())
		}
		if _, err := os.Stat(filepath.Join(dir, FileName)); err == nil {
			t.Errorf("an old file %q of mode %v: another key was made", text, mode)
		}
	}
}

func TestRefusesToShareSecrets(t *testing.T) {
	dir := t.TempDir()
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o601} {
		path := write(t, dir, FileName, `[{"accessKeyId":"A","secretAccessKey":"s"}]`, mode)
		_, err := Open(dir, nil)
		var open *OpenError
		if !errors.As(err, &open) || open.Hint() != "chmod 600 "+path {
			t.Errorf("mode %v: %v, want an OpenError", mode, err)
		}
		if err := Delete(dir, "B"); !errors.As(err, &open) {
			t.Errorf("mode %v: Delete: %v, want an OpenError", mode, err)
		}
	}
}

func TestAddAndDelete(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load of nothing: %v", err)
	}
	if err := Delete(dir, "A"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Delete from nothing: %v", err)
	}
	a, err := Add(dir, "for a test", now)
	if err != nil || a.Name != "for a test" || !a.Created.Equal(now.Truncate(time.Second)) {
		t.Fatalf("Add: %v, %v", a, err)
	}
	b, err := Add(dir, "", now)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := Load(dir)
	if err != nil || len(keys) != 3 || keys[0].Name != "root" || keys[1] != a || keys[2] != b {
		t.Fatalf("Load returns %v, %v, want the root key, %v and %v", keys, err, a, b)
	}
	if err := Delete(dir, keys[0].ID); !errors.Is(err, ErrRoot) {
		t.Errorf("Delete of the root key: %v", err)
	}
	if err := Delete(dir, "AKIANONE"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Delete of what is not there: %v", err)
	}
	if err := Delete(dir, a.ID); err != nil {
		t.Error(err)
	}
	if got := list(t, dir); got != keys[0].ID+" "+b.ID {
		t.Errorf("after Delete there are %s", got)
	}
	if _, err := Add(dir, "a\nb", now); err == nil {
		t.Error("a name of two lines is added")
	}
}

func TestAddAtOnce(t *testing.T) {
	dir := t.TempDir()
	const n = 16
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if _, err := Add(dir, "", now); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if keys, err := Load(dir); err != nil || len(keys) != n+1 {
		t.Errorf("%d keys, %v, want %d", len(keys), err, n+1)
	}
}

func TestLookupReadsAgain(t *testing.T) {
	dir := t.TempDir()
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		k, err := Open(dir, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		a, err := Add(dir, "", now)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(checkTime - 1)
		if _, ok := k.Lookup(a.ID); ok {
			t.Error("the file is read more often than it should be")
		}
		time.Sleep(time.Nanosecond)
		if got, ok := k.Lookup(a.ID); !ok || got != a.Signing() {
			t.Errorf("an added key: %v, %v", got, ok)
		}
		// What cannot be used changes nothing, and is logged once.
		raw, err := os.ReadFile(filepath.Join(dir, FileName))
		if err != nil {
			t.Fatal(err)
		}
		for text, mode := range map[string]os.FileMode{"": 0o600, "[]": 0o600, `[{"accessKeyId":"A","secretAccessKey":"s"}]`: 0o600, string(raw): 0o644} {
			log.Reset()
			write(t, dir, FileName, text, mode)
			for range 3 {
				time.Sleep(checkTime)
				if _, ok := k.Lookup(a.ID); !ok {
					t.Errorf("%q of mode %v: a key is lost", text, mode)
				}
			}
			if n := strings.Count(log.String(), "level=ERROR"); n != 1 || strings.Contains(log.String(), a.Secret) {
				t.Errorf("%q of mode %v: %d messages:\n%s", text, mode, n, &log)
			}
		}
		write(t, dir, FileName, string(raw), 0o600)
		time.Sleep(checkTime)
		k.Lookup("")
		if err := Delete(dir, a.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(checkTime)
		if _, ok := k.Lookup(a.ID); ok {
			t.Error("a deleted key still counts")
		}
	})
}

// TestLookupSeesOldFile is a file that was last changed long ago, and is read once.
func TestLookupSeesOldFile(t *testing.T) {
	dir := t.TempDir()
	k, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	path, long := filepath.Join(dir, FileName), time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, long, long); err != nil {
		t.Fatal(err)
	}
	k.refresh(time.Now())
	if k.read == nil {
		t.Fatal("the file is read every time")
	}
	before := k.read
	if k.refresh(time.Now()); k.read != before {
		t.Error("the file was read again")
	}
	a, err := Add(dir, "", now)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, long, long); err != nil { // another file of the same time
		t.Fatal(err)
	}
	if k.refresh(time.Now()); k.byID[a.ID] != a {
		t.Error("another file in its place was not read")
	}
}

func TestParse(t *testing.T) {
	const root = `{"accessKeyId":"AKIAROOT","secretAccessKey":"s"}`
	for text, want := range map[string]string{
		"[" + root + "]": "",
		"[" + root + `,{"accessKeyId":"test","secretAccessKey":"test","sessionToken":"t","name":"é","created":"2026-11-24T12:00:00Z"}]`: "",
		"":                            "EOF",
		"[]":                          "there is no key in it",
		root:                          "cannot unmarshal object",
		"[" + root + "] []":           "something after the list",
		"[" + root + ",{}]":           `key 2: accessKeyId ""`,
		"[" + root + "," + root + "]": "key 2: AKIAROOT is there twice",
		`[{"accessKeyId":"a/b","secretAccessKey":"s"}]`:                                         `accessKeyId "a/b"`,
		`[{"accessKeyId":"A"}]`:                                                                 "secretAccessKey is missing",
		`[{"accessKeyId":"A","secretAccessKey":"hidden\n"}]`:                                    "visible ASCII",
		`[{"accessKeyId":"A","secretAccessKey":"s","sessionToken":"t"}]`:                        "the root key cannot have a sessionToken",
		`[{"accessKeyId":"A","secretAccessKey":"s","secretAcessKey":"t"}]`:                      "unknown field",
		`[{"accessKeyId":"A","secretAccessKey":"s","name":"a\u0000"}]`:                          "control characters",
		`[{"accessKeyId":"A","secretAccessKey":"s","name":"` + strings.Repeat("n", 129) + `"}]`: "at most 128",
	} {
		keys, err := parse(text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) || err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v, %v, want %q", text, keys, err, want)
		}
	}
}

func TestKeyHidesSecrets(t *testing.T) {
	k := Key{ID: "AKID", Secret: "hidden", Token: "hidden"}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("key", "key", k)
	if text := fmt.Sprintf("%v %+v %#v", k, k, []Key{k}) + log.String(); strings.Contains(text, "hidden") {
		t.Errorf("a key prints as %s", text)
	}
}

// FuzzParse checks that what we read is what we write.
func FuzzParse(f *testing.F) {
	f.Add(`[{"accessKeyId":"A","secretAccessKey":"s","name":"n"},{"accessKeyId":"B","secretAccessKey":"s","sessionToken":"t","created":"2026-11-24T12:00:00+01:00"}]`)
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := parse(text)
		if err != nil {
			return
		}
		raw, err := json.Marshal(keys)
		if err != nil {
			return // a year that has no form
		}
		again, err := parse(string(raw))
		if err != nil || len(again) != len(keys) {
			t.Fatalf("%s is written as %s: %v", text, raw, err)
		}
		for i := range keys {
			if !keys[i].Created.Equal(again[i].Created) || keys[i].Signing() != again[i].Signing() || keys[i].Name != again[i].Name {
				t.Errorf("%s is written as %s", text, raw)
			}
		}
	})
}
