package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/recordfile"
)

// A slowS3 is a dirS3 that counts downloads. Of all but the first so many it sends half
// and then nothing.
type slowS3 struct {
	dirS3
	whole int // negative: all

	mu    sync.Mutex
	gets  int
	stuck int
}

func (s *slowS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("list-type") {
		s.dirS3.ServeHTTP(w, r)
		return
	}
	s.mu.Lock()
	s.gets++
	slow := s.whole >= 0 && s.gets > s.whole
	s.mu.Unlock()
	if !slow {
		s.dirS3.ServeHTTP(w, r)
		return
	}
	b, err := os.ReadFile(filepath.Join(string(s.dirS3), filepath.FromSlash(r.URL.Path)))
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(b)))
	w.Write(b[:len(b)/2])
	w.(http.Flusher).Flush()
	s.mu.Lock()
	s.stuck++
	s.mu.Unlock()
	<-r.Context().Done()
}

// state returns how many downloads were begun and do not go on.
func (s *slowS3) state() (gets, stuck int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gets, s.stuck
}

// fillFlows puts n files of one record each into the bucket flows.
func fillFlows(t *testing.T, dir string, n int) {
	t.Helper()
	for i := range n {
		k := recordfile.Key{Account: "123456789012", Region: "us-east-1", FlowLog: "fl-1", Time: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * recordfile.Interval), Hash: 1}
		putFile(t, dir, "flows/"+k.String(), []byte("version srcaddr dstaddr bytes start end\n2 10.0.0.1 10.0.0.2 "+fmt.Sprint(i)+" 1795500000 1795500059\n"))
	}
}

// fetchProcess is a command line in a process of its own.
func fetchProcess(t *testing.T, out io.Writer, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &exec.Cmd{Path: self, Args: append([]string{"weir"}, args...), Stdout: out, Stderr: out,
		Env: append(os.Environ(), "AWS_EC2_METADATA_DISABLED=true")}
}

// TestFetchKilledInTheMiddle ends a process while it downloads, and starts it again.
func TestFetchKilledInTheMiddle(t *testing.T) {
	const objects, whole, workers = 300, 120, 32
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(sig.String(), func(t *testing.T) {
			store, dir := t.TempDir(), filepath.Join(t.TempDir(), "copy")
			fillFlows(t, store, objects)
			s := &slowS3{dirS3: dirS3(store), whole: whole}
			server := httptest.NewServer(s)
			defer server.Close()
			atEndpoint(t, server.URL)

			var out bytes.Buffer
			cmd := fetchProcess(t, &out, "fetch", "s3://flows", "--dir", dir, "--parallel", fmt.Sprint(workers))
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
				if _, stuck := s.state(); stuck == workers {
					break
				}
				if time.Now().After(deadline) {
					cmd.Process.Kill()
					cmd.Wait()
					t.Fatalf("it does not come to the middle: %s", out.String())
				}
			}
			cmd.Process.Signal(sig)
			if err := cmd.Wait(); err == nil {
				t.Errorf("it ended well: %s", out.String())
			}
			if text := out.String(); sig != syscall.SIGKILL && (!strings.Contains(text, fmt.Sprintf("weir: fetch: interrupted: %d of ", whole)) ||
				!strings.Contains(text, fmt.Sprintf("weir: %d objects downloaded, ", whole)) || !strings.Contains(text, "hint: the same command again goes on")) {
				t.Errorf("it says %s", text)
			} else if strings.ContainsAny(text, "\r\033") {
				t.Errorf("no terminal gets a meter: %q", text)
			}
			parts := partials(t, dir)
			if sig == syscall.SIGKILL && parts != workers || sig != syscall.SIGKILL && parts != 0 {
				t.Errorf("%d files are not whole", parts)
			}
			// What is there is read as it is.
			if r := weir(t.Context(), "read", dir); r.err != nil || strings.Count(r.stdout, "10.0.0.1") != whole {
				t.Errorf("read: %v, %d records", r.err, strings.Count(r.stdout, "10.0.0.1"))
			}

			s.mu.Lock()
			s.whole, s.gets = -1, 0
			s.mu.Unlock()
			out.Reset()
			if err := fetchProcess(t, &out, "fetch", "s3://flows", "--dir", dir).Run(); err != nil {
				t.Errorf("again: %v", err)
			}
			if gets, _ := s.state(); gets != objects-whole || !strings.HasPrefix(out.String(), fmt.Sprintf("weir: %d objects downloaded, ", objects-whole)) ||
				!strings.Contains(out.String(), fmt.Sprintf("; %d were there already\n", whole)) {
				t.Errorf("again: %d downloads; it says %s", gets, out.String())
			}
			if r := weir(t.Context(), "read", dir); r.err != nil || strings.Count(r.stdout, "10.0.0.1") != objects || partials(t, dir) != 0 {
				t.Errorf("read: %v, %d records, %d files that are not whole", r.err, strings.Count(r.stdout, "10.0.0.1"), partials(t, dir))
			}
		})
	}
}

// partials counts the files that are not whole.
func partials(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(p, ".weir-part") {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestFetchShowsHowFarItIsOnATerminal waits for bytes and for the time that is left.
func TestFetchShowsHowFarItIsOnATerminal(t *testing.T) {
	store := t.TempDir()
	fillFlows(t, store, 24) // as many as are waited for are listed
	s := &slowS3{dirS3: dirS3(store), whole: 20}
	server := httptest.NewServer(s)
	defer server.Close()
	atEndpoint(t, server.URL)
	screen, terminal := openTerminal(t)
	cmd := fetchProcess(t, terminal, "fetch", "s3://flows", "--dir", t.TempDir(), "--parallel", "4")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	terminal.Close()
	timer := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() })
	defer timer.Stop()
	var seen []byte
	buf := make([]byte, 4096)
	for !bytes.Contains(seen, []byte("20 of 24 objects, 1.")) || !bytes.Contains(seen, []byte("s left")) {
		n, err := screen.Read(buf)
		if seen = append(seen, buf[:n]...); err != nil {
			break
		}
	}
	cmd.Process.Signal(syscall.SIGINT)
	rest, _ := io.ReadAll(screen) // ends with an error when nobody has the terminal
	cmd.Wait()
	for _, want := range []string{"\r\033[K20 of 24 objects, 1.", " kB of 2.", " kB/s, ", "s left"} {
		if !bytes.Contains(seen, []byte(want)) {
			t.Errorf("%q is not in %q", want, seen)
		}
	}
	if !bytes.Contains(rest, []byte("\r\033[K")) || !bytes.Contains(rest, []byte("interrupted: 20 of 24 objects")) {
		t.Errorf("at the end: %q", rest)
	}
}

// openTerminal makes a terminal of 120 columns: its screen, and what a process has of it.
func openTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("SKIPPED: no terminals: %v", err)
	}
	t.Cleanup(func() { screen.Close() })
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 120}); err != nil {
		t.Fatal(err)
	}
	return screen, terminal
}
