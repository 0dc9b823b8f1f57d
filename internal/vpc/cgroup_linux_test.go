package vpc

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/lab"
)

// startInCgroup runs a process in a namespace and a control group of its own
// until the test ends.
func startInCgroup(t *testing.T, ns *lab.Namespace, group string) {
	t.Helper()
	root := t.TempDir()
	if err := unix.Mount("none", root, "cgroup2", 0, ""); err != nil {
		t.Fatalf("mount cgroup2: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(root, 0); err != nil {
			t.Error(err)
		}
	})
	dir := filepath.Join(root, group)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for at := group; at != "."; at = filepath.Dir(at) {
			remove(t, filepath.Join(root, at))
		}
	})
	g, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestMain$", "-test.timeout=1m")
	cmd.Env = append(os.Environ(), sleeperEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(g.Fd())}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := ns.Do(cmd.Start); err != nil { // a child is born where its parent thread is
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
	})
}

// remove removes a control group as soon as its processes are gone.
func remove(t *testing.T, dir string) {
	var err error
	for range 100 {
		if err = os.Remove(dir); err == nil || os.IsNotExist(err) || strings.Contains(err.Error(), "not empty") {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error(err)
}

const sleeperEnv = "WEIR_VPC_TEST_SLEEP"
