package place

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/recordfile"
)

func fetchTo(t *testing.T, cfg Config, dir string) (Fetched, error) {
	t.Helper()
	l, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return (&Fetch{List: l, Dir: dir}).Run(t.Context())
}

// tree returns the files below a directory with what is in them.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		out = append(out, filepath.ToSlash(rel)+"="+string(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, " ")
}

func TestFetch(t *testing.T) {
	st := serve(t)
	one := key(func(k *recordfile.Key) { k.Prefix = "p" })
	two := key(func(k *recordfile.Key) { k.Prefix, k.Time = "p", noon.Add(time.Hour) })
	st.put(t, one, "one")
	st.put(t, two, "two")
	st.put(t, "plain/x", "x")
	dir := filepath.Join(t.TempDir(), "new")
	done, err := fetchTo(t, st.config("s3://flow-logs/p"), dir)
	if err != nil || done.Copied != 2 || done.Written != 6 || !done.Listed {
		t.Fatalf("%+v, %v", done, err)
	}
	if got, want := tree(t, dir), one+"=one "+two+"=two"; got != want {
		t.Errorf("there is %s, want %s", got, want)
	}
	st.gets.Store(0)
	// A file that is short was not written by us, or lost its end since.
	if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(one)), []byte("on"), 0o600); err != nil {
		t.Fatal(err)
	}
	part := filepath.Join(dir, filepath.Dir(filepath.FromSlash(one)), "."+filepath.Base(one)+Partial)
	if err := os.WriteFile(part, []byte("left by one that was killed"), 0o600); err != nil {
		t.Fatal(err)
	}
	done, err = fetchTo(t, st.config("s3://flow-logs/"), dir)
	if err != nil || done.Copied != 2 || done.Present != 1 || st.gets.Load() != 2 {
		t.Errorf("%+v, %v, %d requests", done, err, st.gets.Load())
	}
	if got, want := tree(t, dir), one+"=one "+two+"=two plain/x=x"; got != want {
		t.Errorf("there is %s, want %s", got, want)
	}
	// What is no flow log may be another object of the same size.
	st.put(t, "plain/x", "y")
	if err := os.Chtimes(filepath.Join(st.dir, "objects", bucketT, "plain", "x"), noon, noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if done, err = fetchTo(t, st.config("s3://flow-logs/plain"), dir); err != nil || done.Copied != 1 {
		t.Errorf("of a replaced one: %+v, %v", done, err)
	}
	// And what was fetched is a place itself.
	got, _ := names(t, Config{Places: []string{dir}, Selection: Selection{Until: noon}})
	if len(got) != 1 || !strings.HasSuffix(filepath.ToSlash(got[0]), one) {
		t.Errorf("in the directory there is %q", got)
	}
}

// page answers a listing with keys that no file system would have.
func page1(keys ...string) string {
	s := `<ListBucketResult><IsTruncated>false</IsTruncated>`
	for _, k := range keys {
		s += `<Contents><Key>` + k + `</Key><Size>1</Size><ETag>"x"</ETag></Contents>`
	}
	return s + `</ListBucketResult>`
}

func TestKeysThatAreNoPaths(t *testing.T) {
	st := serve(t)
	keys := []string{"../x", "/etc/x", "a/../../x", "a//b", "a/./b", "a&#10;b", "a\x7fb", "dir/", "ok"}
	st.spoil = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("list-type") {
			w.Write([]byte(page1(keys...)))
		} else {
			w.Write([]byte("x"))
		}
		return true
	}
	parent := t.TempDir()
	done, err := fetchTo(t, st.config("s3://flow-logs"), filepath.Join(parent, "dir"))
	if err != nil || done.Copied != 1 || len(done.Failed) != 7 {
		t.Errorf("%+v, %v", done, err)
	}
	for _, f := range done.Failed {
		want := "its key is no path below a directory"
		if strings.ContainsAny(f.Object, "\n\x7f") {
			want = "its key has control characters"
		}
		if f.Err.Error() != want {
			t.Errorf("%q: %v, want %s", f.Object, f.Err, want)
		}
	}
	if got := tree(t, parent); got != "dir/ok=x" {
		t.Errorf("there is %s", got)
	}
	// A link in the directory leads out of it.
	if err := os.Symlink(parent, filepath.Join(parent, "dir", "link")); err != nil {
		t.Skip(err)
	}
	keys = []string{"link/x"}
	if done, _ = fetchTo(t, st.config("s3://flow-logs"), filepath.Join(parent, "dir")); len(done.Failed) != 1 {
		t.Errorf("through a link: %+v", done)
	}
}

func TestWrongContent(t *testing.T) {
	st := serve(t)
	st.spoil = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("list-type") {
			w.Write([]byte(page1("x")))
			return true
		}
		w.Header().Set("ETag", `"0123456789abcdef0123456789abcdef"`)
		w.Write([]byte("x"))
		return true
	}
	dir := t.TempDir()
	done, err := fetchTo(t, st.config("s3://flow-logs"), dir)
	if err != nil || len(done.Failed) != 1 || !strings.Contains(done.Failed[0].Err.Error(), "its MD5 is 9dd4e461268c8034f5c8564e155c67a6") {
		t.Errorf("%+v, %v", done, err)
	}
	if got := tree(t, dir); got != "" {
		t.Errorf("there is %s", got)
	}
}

// TestOtherSizes has an S3 that does not say how long an object is, and sends one that is
// longer than it was listed, and a directory where a file has to be.
func TestOtherSizes(t *testing.T) {
	st := serve(t)
	st.spoil = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("list-type") {
			w.Write([]byte(page1("x", "y")))
			return true
		}
		w.(http.Flusher).Flush() // without a length
		w.Write([]byte("xx"))
		return true
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "y"), 0o700); err != nil {
		t.Fatal(err)
	}
	done, err := fetchTo(t, st.config("s3://flow-logs"), dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range done.Failed {
		got = append(got, f.Object+": "+f.Err.Error())
	}
	want := []string{"s3://flow-logs/x: 2 bytes came, want 1 as it was listed", "s3://flow-logs/y: " + filepath.Join(dir, "y") + " is there and no file: move it away"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := tree(t, dir); got != "" {
		t.Errorf("there is %s", got)
	}
}

// TestManyFailures has a bucket of which nothing may be read: after a hundred objects it
// is no matter of one.
func TestManyFailures(t *testing.T) {
	st := serve(t)
	for _, n := range []int{maxFailures - 1, maxFailures, 3 * maxFailures} {
		var keys []string
		for i := range n {
			keys = append(keys, fmt.Sprintf("x%03d", i))
		}
		st.spoil = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Query().Has("list-type") {
				w.Write([]byte(page1(keys...)))
			} else {
				refuse(w, http.StatusForbidden, "AccessDenied", "Access Denied")
			}
			return true
		}
		l, err := New(st.config("s3://flow-logs"))
		if err != nil {
			t.Fatal(err)
		}
		done, err := (&Fetch{List: l, Dir: t.TempDir(), Workers: 1}).Run(t.Context())
		want, hint := "", ""
		if n >= maxFailures {
			want, hint = "100 objects have failed, the last: s3://flow-logs/x099: AccessDenied: Access Denied", "the policy must allow "
		}
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want || !strings.HasPrefix(hintOf(err), hint) || len(done.Failed) != min(n, maxFailures) {
			t.Errorf("%d objects: %d failed, error %q, want %q; hint %q", n, len(done.Failed), got, want, hintOf(err))
		}
	}
}

func TestInterruptedFetch(t *testing.T) {
	st := serve(t)
	for _, k := range []string{"a", "b", "c"} {
		st.put(t, k, k)
	}
	ctx, cancel := context.WithCancel(t.Context())
	st.spoil = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/flow-logs/b" {
			return false
		}
		w.Header().Set("Content-Length", "100")
		w.Write([]byte("b"))
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
		return true
	}
	l, err := New(st.config("s3://flow-logs"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	done, err := (&Fetch{List: l, Dir: dir, Workers: 1}).Run(ctx)
	if !errors.Is(err, context.Canceled) || done.Copied != 1 || len(done.Failed) != 0 {
		t.Errorf("%+v, %v", done, err)
	}
	if got := tree(t, dir); got != "a=a" {
		t.Errorf("there is %s", got)
	}
	st.spoil = nil
	if done, err = fetchTo(t, st.config("s3://flow-logs"), dir); err != nil || done.Present != 1 || done.Copied != 2 {
		t.Errorf("again: %+v, %v", done, err)
	}
}

func TestLongAndHiddenNames(t *testing.T) {
	st := serve(t)
	keys := []string{".team/AWSLogs/x.log", "a/.x.log", "ok.log"}
	for _, n := range []int{243, 244, 245, 255} {
		keys = append(keys, strings.Repeat("ü", 100)+strings.Repeat("x", n-200))
	}
	st.spoil = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("list-type") {
			w.Write([]byte(page1(keys...)))
		} else {
			w.Write([]byte("x"))
		}
		return true
	}
	dir := t.TempDir()
	done, err := fetchTo(t, st.config("s3://flow-logs"), dir)
	if err != nil || done.Copied != len(keys) || done.Hidden != 2 || done.Example != keys[0] {
		t.Errorf("%+v, %v", done, err)
	}
	if got := strings.Fields(tree(t, dir)); len(got) != len(keys) {
		t.Errorf("there is %q", got)
	}
	// Read as a directory, it says that these were left out. What is not whole is not said.
	if err := os.WriteFile(filepath.Join(dir, partial("y.log")), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, l := names(t, Config{Places: []string{dir}})
	if got, want := l.Account().Examples, []string{filepath.Join(dir, ".team"), filepath.Join(dir, "a", ".x.log")}; strings.Join(got[:2], " ") != strings.Join(want, " ") {
		t.Errorf("left out: %q, want %q", got, want)
	}
	keys = []string{strings.Repeat("x", 256)}
	if done, _ = fetchTo(t, st.config("s3://flow-logs"), dir); len(done.Failed) != 1 {
		t.Errorf("a name that no file can have: %+v", done)
	}
}

func TestPartialNamesDiffer(t *testing.T) {
	long := strings.Repeat("x", 254)
	seen := map[string]bool{}
	for _, base := range []string{"a", "b", long + "a", long + "b", strings.Repeat("ü", 127)} {
		p := partial(base)
		if len(p) > maxName || !hidden(p) || !strings.HasSuffix(p, Partial) || seen[p] {
			t.Errorf("of %q it is %q", base, p)
		}
		seen[p] = true
	}
}
