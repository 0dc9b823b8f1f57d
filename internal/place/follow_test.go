package place

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"weir/internal/rows"
	"weir/internal/source"
	"weir/recordfile"
)

const (
	header = "version srcaddr bytes\n"
	// look is how often tests look.
	look = 20 * time.Millisecond
	// patience is how long tests wait: after a slow look, the next one comes late.
	patience = 90 * time.Second
)

// A followed is what a follow has brought.
type followed struct {
	mu    sync.Mutex
	lines []string
	told  []string
	done  chan error
	stop  context.CancelFunc
	got   *source.Account
	looks atomic.Int64
}

// startFollow follows until the test ends.
func startFollow(t *testing.T, cfg Config) *followed {
	t.Helper()
	l, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	f := &followed{done: make(chan error, 1), stop: cancel}
	s := source.Scan{Output: f, Patience: time.Second, Workers: 2, Sink: func() source.Sink {
		return func(w *source.Worker, b *rows.Batch) error {
			for row := range b.Rows {
				w.Out = append(b.AppendLine(w.Out, row), '\n')
			}
			return nil
		}
	}, Objects: l.Follow(ctx, Follow{Every: look, after: func() { f.looks.Add(1) }, Tell: func(place string, err error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.told = append(f.told, fmt.Sprintf("%v", err))
	}})}
	go func() {
		a, err := s.Run(ctx)
		f.got = a
		f.done <- err
	}()
	t.Cleanup(func() {
		cancel()
		<-f.done
		close(f.done)
	})
	return f
}

func (f *followed) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lines = append(f.lines, strings.Split(strings.TrimSuffix(string(p), "\n"), "\n")...)
	return len(p), nil
}

// want waits until there are exactly these records, named by their last field.
func (f *followed) want(t *testing.T, want string) {
	t.Helper()
	got := ""
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		f.mu.Lock()
		var have []string
		for _, line := range f.lines {
			have = append(have, line[strings.LastIndexByte(line, ' ')+1:])
		}
		f.mu.Unlock()
		if got = strings.Join(have, " "); got == want {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("there is %q, want %q; told %q", got, want, f.told)
}

// tells waits until so much was told.
func (f *followed) tells(t *testing.T, n int) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		f.mu.Lock()
		told := len(f.told)
		f.mu.Unlock()
		if told >= n {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("told %q, want %d", f.told, n)
}

// settle waits until what is there now has been looked at twice. The look that goes on
// may have begun earlier.
func (f *followed) settle(t *testing.T) {
	t.Helper()
	for end, deadline := f.looks.Load()+3, time.Now().Add(patience); f.looks.Load() < end; time.Sleep(look / 2) {
		if time.Now().After(deadline) {
			t.Fatal("nobody looks")
		}
	}
}

func lines(n ...int) string {
	var b strings.Builder
	for _, n := range n {
		fmt.Fprintf(&b, "2 10.0.0.1 %d\n", n)
	}
	return b.String()
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func add(t *testing.T, name, text string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func TestFollowDirectory(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	write(t, in("a.log"), header+lines(1, 2))
	write(t, in("old.log.gz"), compress(header+lines(3)))
	f := startFollow(t, Config{Places: []string{dir}})
	f.settle(t)
	f.want(t, "") // what is there is not new

	add(t, in("a.log"), lines(4)+"2 10.0.0.1 ")
	f.want(t, "4")
	f.settle(t) // half a line is none
	add(t, in("a.log"), "5\n")
	f.want(t, "4 5")

	write(t, in("below/new.log"), header)
	f.settle(t)
	add(t, in("below/new.log"), lines(6))
	f.want(t, "4 5 6")

	// A compressed file is read when it does not change any more.
	write(t, in("new.log.gz"), compress(header + lines(7))[:20])
	f.settle(t)
	write(t, in("new.log.gz"), compress(header+lines(7)))
	f.want(t, "4 5 6 7")

	// A header in the middle holds from there on, also in the next part.
	add(t, in("a.log"), "version bytes srcaddr\n2 8 10.8.0.8\n")
	f.want(t, "4 5 6 7 10.8.0.8")
	add(t, in("a.log"), "2 9 10.9.0.9\n")
	f.want(t, "4 5 6 7 10.8.0.8 10.9.0.9")

	// What was added before a file got another name is not lost, and not twice.
	add(t, in("a.log"), "2 10 10.10.0.10\n")
	if err := errors.Join(os.Rename(in("a.log"), in("a.log.1"))); err != nil {
		t.Fatal(err)
	}
	write(t, in("a.log"), header+lines(11))
	f.want(t, "4 5 6 7 10.8.0.8 10.9.0.9 10.10.0.10 11")
	add(t, in("a.log"), lines(12))
	if err := os.Rename(in("a.log"), in("b.log")); err != nil {
		t.Fatal(err)
	}
	f.want(t, "4 5 6 7 10.8.0.8 10.9.0.9 10.10.0.10 11 12")
	add(t, in("b.log"), lines(13))
	f.want(t, "4 5 6 7 10.8.0.8 10.9.0.9 10.10.0.10 11 12 13")

	// One that was emptied begins anew.
	write(t, in("b.log"), "")
	f.settle(t)
	add(t, in("b.log"), header+lines(14))
	f.want(t, "4 5 6 7 10.8.0.8 10.9.0.9 10.10.0.10 11 12 13 14")

	f.stop()
	if err := <-f.done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	f.done <- nil
	if a := f.got; a.Refused > 0 || len(a.Damaged) > 0 || a.Lines != 11 || len(f.told) > 0 {
		t.Errorf("the account is %+v, told %q", a, f.told)
	}
}

func TestFollowFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "flows")
	write(t, name, header+lines(1))
	f := startFollow(t, Config{Places: []string{name}, Selection: Selection{Since: noon}})
	f.want(t, "1") // what is there is wanted where a time is
	add(t, name, lines(2)+"2 10.0.0.1 x y\n")
	f.want(t, "1 2")
	add(t, name, lines(3))
	f.want(t, "1 2 3")
	// What goes wrong is told once, and when it is over.
	if err := os.Rename(name, name+"-away"); err != nil {
		t.Fatal(err)
	}
	f.settle(t)
	add(t, name+"-away", lines(4))
	if err := os.Rename(name+"-away", name); err != nil {
		t.Fatal(err)
	}
	f.want(t, "1 2 3 4")
	f.settle(t)
	f.stop()
	<-f.done
	f.done <- nil
	want := []string{name + ": no such file or directory", "<nil>"}
	if strings.Join(f.told, "\n") != strings.Join(want, "\n") {
		t.Errorf("told %q, want %q", f.told, want)
	}
	if len(f.got.Refusals) != 1 || f.got.Refusals[0].Line != 4 || f.got.Objects != 1 {
		t.Errorf("the account is %+v", f.got)
	}
}

func TestFollowCSV(t *testing.T) {
	name := filepath.Join(t.TempDir(), "flows.csv")
	write(t, name, "version,srcaddr,bytes\n2,10.0.0.1,1\n")
	f := startFollow(t, Config{Places: []string{name}})
	f.settle(t)
	add(t, name, "2,10.0.0.1,2\n")
	f.want(t, "2")
	add(t, name, "2,10.0.0.1\n2,10.0.0.1,3\n")
	f.want(t, "2 3")
	f.stop()
	<-f.done
	f.done <- nil
	if len(f.got.Refusals) != 1 || f.got.Refusals[0].Line != 4 {
		t.Errorf("the account is %+v", f.got)
	}
}

func TestFollowStandardInput(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	f := startFollow(t, Config{Places: []string{"-"}, Stdin: r})
	w.WriteString(header + lines(1) + "2 10.0")
	f.want(t, "1")
	w.WriteString(".0.1 2\n")
	f.want(t, "1 2")
	w.WriteString("2 10.0.0.1 3")
	w.Close()
	f.want(t, "1 2 3")
	if err := <-f.done; err != nil { // it has ended
		t.Error(err)
	}
	f.done <- nil
}

func TestFollowBucket(t *testing.T) {
	st := serve(t)
	cfg := st.config("s3://flow-logs/web")
	now := noon
	var mu sync.Mutex
	cfg.Now = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	object := func(m int) string {
		return "web/" + key(func(k *recordfile.Key) { k.Time = noon.Add(time.Duration(m) * time.Minute) })
	}
	f := startFollow(t, cfg)
	f.settle(t) // nothing is there yet
	st.put(t, object(-5), compress(header+lines(1)))
	f.want(t, "1")
	st.put(t, object(0), compress(header+lines(2)))
	f.want(t, "1 2")
	st.put(t, object(-120), compress(header+lines(3))) // late
	f.want(t, "1 2 3")
	// At another day, too.
	mu.Lock()
	now = now.Add(13 * time.Hour)
	mu.Unlock()
	st.put(t, object(13*60), compress(header+lines(4)))
	f.want(t, "1 2 3 4")

	again := startFollow(t, cfg)
	again.settle(t)
	again.want(t, "")
	cfg.Since = noon
	since := startFollow(t, cfg)
	since.want(t, "2 4")
	st.put(t, object(13*60+5), compress(header+lines(5)))
	for _, x := range []*followed{f, again, since} {
		x.want(t, map[*followed]string{f: "1 2 3 4 5", again: "5", since: "2 4 5"}[x])
	}
}

// TestFollowAnS3ThatIsAway has one that fails while it is listed, and while an object is
// read.
func TestFollowAnS3ThatIsAway(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	st := serve(t)
	st.put(t, "a.log", header+lines(1))
	var mu sync.Mutex
	lists, gets := false, false
	st.spoil = func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		if list := r.URL.Query().Has("list-type"); list && lists || !list && gets {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return false
	}
	set := func(l, g bool) {
		mu.Lock()
		defer mu.Unlock()
		lists, gets = l, g
	}
	f := startFollow(t, st.config("s3://flow-logs"))
	f.settle(t)
	set(false, true)
	st.put(t, "b.log", header+lines(2))
	f.tells(t, 1)
	set(false, false)
	f.want(t, "2")
	f.tells(t, 2)
	set(true, false)
	st.put(t, "c.log", header+lines(3))
	f.tells(t, 3)
	set(false, false)
	f.want(t, "2 3")
	f.tells(t, 4)
	f.stop()
	<-f.done
	f.done <- nil
	counts := map[string]int{}
	for _, s := range f.told {
		counts[s]++
	}
	if len(f.got.Damaged) > 0 || len(f.told) != 4 || counts["<nil>"] != 2 {
		t.Errorf("told %q, damaged %v", f.told, f.got.Damaged)
	}
}

// TestFollowDoesNotWaitForASlowObject has one that does not come.
func TestFollowDoesNotWaitForASlowObject(t *testing.T) {
	st := serve(t)
	st.put(t, "0.log", "")
	hold := make(chan struct{})
	st.spoil = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/a.log") {
			<-hold
		}
		return false
	}
	f := startFollow(t, st.config("s3://flow-logs"))
	f.settle(t)
	st.put(t, "a.log", header+lines(1))
	f.settle(t)
	st.put(t, "b.log", header+lines(2))
	f.want(t, "2")
	close(hold)
	f.want(t, "2 1")
	st.put(t, "c.log", header+lines(3))
	f.want(t, "2 1 3")
}

func TestFollowLogGroup(t *testing.T) {
	for _, place := range []string{"logs://vpc/flows", "logs://vpc/flows:eni-1-all"} {
		s, cfg := serveLogs(t)
		cfg.Places, cfg.Now = []string{place}, func() time.Time { return noon.Add(time.Hour) }
		s.message = func(_ string, m int) string {
			return fmt.Sprintf("2 123456789012 eni-1 10.0.0.1 10.0.0.2 1 2 6 1 1 %d %d ACCEPT OK", 1700000000+m, m+1700000000)
		}
		wants := func(f *followed, m ...int) {
			t.Helper()
			f.want(t, strings.TrimSpace(strings.Repeat("OK ", len(m))))
			f.mu.Lock()
			defer f.mu.Unlock()
			for i, line := range f.lines {
				if !strings.Contains(line, fmt.Sprintf(" %d ACCEPT", 1700000000+m[i])) {
					t.Errorf("%s: record %d is %s, want that of minute %d", place, i, line, m[i])
				}
			}
		}
		s.asked = 10 // no error
		f := startFollow(t, cfg)
		s.wait(20)
		wants(f)
		s.add("eni-1-all", 41, 45)
		wants(f, 41, 45)
		s.add("eni-1-all", 60)
		wants(f, 41, 45, 60)
		s.add("eni-1-all", 50) // late
		wants(f, 41, 45, 60, 50)
		cfg.Since = noon.Add(40 * time.Minute)
		since := startFollow(t, cfg)
		wants(since, 30, 40, 41, 45, 60, 50)
		s.add("eni-1-all", 61)
		wants(since, 30, 40, 41, 45, 60, 50, 61)
		wants(f, 41, 45, 60, 50, 61)
	}
}

func TestFollowFailsWhereThereIsNothingToFollow(t *testing.T) {
	st := serve(t)
	none := t.TempDir() + "/none"
	_, logs := serveLogs(t)
	logs.Places = []string{"logs://other"}
	nowhere := logs
	nowhere.Places, nowhere.AWS.Region = []string{"logs://vpc/flows"}, ""
	var packed bytes.Buffer
	packed.WriteString(compress("x"))
	for _, tt := range []struct {
		cfg  Config
		want string
	}{
		{Config{Places: []string{none}}, none + ": no such file or directory"},
		{st.config("s3://nothing"), "s3://nothing/: list: NoSuchBucket: The specified bucket does not exist."},
		{logs, "logs://other: DescribeLogStreams: ResourceNotFoundException: The specified log group does not exist."},
		{Config{Places: []string{"-"}, Stdin: &packed}, "-: what is compressed can't be followed"},
		{Config{Places: []string{"-"}, Stdin: iotest.ErrReader(syscall.EISDIR)}, "-: is a directory"},
		{nowhere, "logs://vpc/flows: no region"},
	} {
		l, err := New(tt.cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, err = range l.Follow(t.Context(), Follow{Every: look, Tell: func(string, error) {}}) {
		}
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v, want %s", tt.cfg.Places[0], err, tt.want)
		}
	}
}

// TestStandardInputCanBeInterrupted reads what nobody writes.
func TestStandardInputCanBeInterrupted(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	in, err := entries(t, Config{Places: []string{"-"}, Stdin: r})[0].Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	w.WriteString("abc")
	buf := make([]byte, 8)
	if n, err := in.Read(buf); string(buf[:n]) != "abc" || err != nil {
		t.Errorf("read %q, %v", buf[:n], err)
	}
	cancel()
	if n, err := in.Read(buf); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("read %d, %v", n, err)
	}
}
