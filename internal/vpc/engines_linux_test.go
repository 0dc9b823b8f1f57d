package vpc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/lab"
)

// The tests in engines_*_linux_test.go have real engines start real containers,
// each engine with its files in a directory of the test and its bridge in a
// namespace of the lab. Nothing is downloaded: what runs is a static busybox.
// An engine that is not installed, or can't start anything on this machine, is
// skipped; with WEIR_ENGINES=required in the environment that is a failure.

// need skips the test unless the commands are there.
func need(t *testing.T, commands ...string) {
	t.Helper()
	for _, c := range commands {
		if _, err := exec.LookPath(c); err != nil {
			unavailable(t, "%s is not installed", c)
		}
	}
}

func unavailable(t *testing.T, format string, args ...any) {
	t.Helper()
	why := fmt.Sprintf(format, args...)
	if os.Getenv("WEIR_ENGINES") == "required" {
		t.Fatal(why)
	}
	t.Skip("SKIPPED: not tested with a real engine: " + why)
}

// An engineHost is a namespace of the lab in which an engine runs, and the
// engine's file system.
type engineHost struct {
	*bed
	ns  *lab.Namespace
	dir string // the root of its files
	env []string
}

func newEngineHost(t *testing.T) *engineHost {
	t.Helper()
	b := newBed(t)
	dir, err := os.MkdirTemp("", "weir") // the engines' sockets have no room for the names of tests
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return &engineHost{bed: b, ns: b.ns("host"), dir: dir}
}

func (h *engineHost) path(name string) string { return filepath.Join(h.dir, name) }

func (h *engineHost) write(name, text string) string {
	h.t.Helper()
	p := h.path(name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte(text), 0o644)); err != nil {
		h.t.Fatal(err)
	}
	return p
}

// rootfs makes the file system of a container.
func (h *engineHost) rootfs(t *testing.T) string {
	t.Helper()
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		unavailable(t, "busybox is not installed")
	}
	text, err := os.ReadFile(busybox)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"bin", "proc", "sys", "dev", "etc", "tmp", "run"} {
		if err := os.MkdirAll(h.path("rootfs/"+d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	h.write("rootfs/etc/passwd", "root:x:0:0:root:/:/bin/sleep\n")
	if err := os.WriteFile(h.path("rootfs/bin/sleep"), text, 0o755); err != nil {
		t.Fatal(err)
	}
	return h.path("rootfs")
}

// run runs a command in the host's namespace and returns what it printed.
func (h *engineHost) run(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), h.env...)
	var text []byte
	err := h.ns.Do(func() (err error) { text, err = cmd.CombinedOutput(); return err })
	if err != nil {
		err = fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, text)
	}
	return strings.TrimSpace(string(text)), err
}

// watch runs a resolver on the host, with the engine's files.
func (h *engineHost) watch() *Resolver {
	return h.start(Options{Root: h.files()}, "host")
}

func (h *engineHost) files() fs.FS { return os.DirFS(h.dir) }

// instance waits for an interface of the instance, and checks that it is at the
// host's end of the cable and about the container's.
func (h *engineHost) instance(t *testing.T, r *Resolver, key, name string) *Interface {
	t.Helper()
	want := r.opts.Host.ID("i", "container", key)
	var last []*Interface
	for began := time.Now(); time.Since(began) < 10*time.Second; time.Sleep(50 * time.Millisecond) {
		last = r.Index().Network().Interfaces
		for _, i := range last {
			if i.InstanceID != want || i.InstanceTags["Name"] != name || !i.PrimaryIPv4().IsValid() {
				continue
			}
			if !i.Inverted || i.Name != "eth0" || i.Device.Cookie != h.ns.Cookie() || i.Inside.Name != "eth0" {
				t.Errorf("%s: %+v, want the container's eth0, seen at the host's end", name, i)
			}
			if id := r.opts.Host.ID("eni", "container", key, "eth0"); i.ID != id {
				t.Errorf("%s: id is %s, want %s, made from the container's", name, i.ID, id)
			}
			return i
		}
	}
	for _, i := range last {
		t.Logf("known: %+v", i)
	}
	t.Errorf("no interface of %s (%s)", name, key)
	return nil
}

// only checks that the host has no other interfaces than so many.
func (h *engineHost) only(t *testing.T, r *Resolver, n int) {
	t.Helper()
	var names []string
	for _, i := range r.Index().Network().Interfaces {
		if i.Device.Cookie == h.ns.Cookie() || i.Inside.Cookie != 0 {
			names = append(names, i.Device.Name+"/"+i.InstanceTags["Name"])
		}
	}
	if len(names) != n {
		t.Errorf("interfaces %q, want %d: neither the bridge nor a port twice", names, n)
	}
}

// daemon starts a daemon in the host's namespace, with some of the machine's
// directories replaced by others for it alone, and waits until ready returns nil.
// It is stopped when the test ends.
func (h *engineHost) daemon(t *testing.T, binds [][2]string, ready func() error, command ...string) {
	t.Helper()
	log := new(strings.Builder)
	cmd := exec.Command("unshare", bound(binds, command...)...)
	cmd.Env = append(os.Environ(), h.env...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := h.ns.Do(cmd.Start); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	var result error
	go func() { result = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(unix.SIGTERM)
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
	})
	for began := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		err := ready()
		if err == nil {
			return
		}
		select {
		case <-ended:
			unavailable(t, "%s ends: %v: %s", command[0], result, log)
		default:
		}
		if time.Since(began) > 30*time.Second {
			unavailable(t, "%s is not ready: %v", command[0], err)
		}
	}
}

// bound returns the arguments of unshare(1) for a command that sees directories
// at other places.
func bound(binds [][2]string, command ...string) []string {
	script := ""
	for _, b := range binds {
		script += fmt.Sprintf("mkdir -p %s && mount --bind %s %[1]s || exit 1\n", b[1], b[0])
	}
	return append([]string{"--mount", "--propagation", "private", "sh", "-c", script + `exec "$@"`, "sh"}, command...)
}
