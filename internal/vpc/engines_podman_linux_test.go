package vpc

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// podman returns what runs podman with all of its files in the host's directory,
// once it has run something.
func (h *engineHost) podman(t *testing.T, driver string) func(args ...string) (string, error) {
	t.Helper()
	need(t, "podman")
	rootfs := h.rootfs(t)
	h.env = append(h.env, "CONTAINERS_CONF="+h.path("containers.conf"))
	global := []string{"--root", h.path("var/lib/containers/storage"), "--runroot", h.path("run/containers/storage"),
		"--tmpdir", h.path("run/libpod"), "--network-config-dir", h.path("etc/networks"), "--storage-driver", driver}
	podman := func(args ...string) (string, error) { return h.run("podman", append(global, args...)...) }
	t.Cleanup(func() {
		var err error
		for range 3 { // a container that shares another's network has to go first
			if _, err = podman("rm", "-f", "-a", "-t", "0"); err == nil {
				break
			}
		}
		_, errPods := podman("pod", "rm", "-f", "-a", "-t", "0")
		_, errImages := podman("rmi", "-f", "-a")
		if err := errors.Join(err, errPods, errImages); err != nil {
			t.Error(err)
		}
	})
	var failed []error
	for _, runtime := range []string{"crun", "runc"} {
		if _, err := exec.LookPath(runtime); err != nil {
			continue
		}
		h.write("containers.conf", podmanConf(t, runtime))
		_, err := podman("run", "--rm", "--rootfs", rootfs, "/bin/sleep", "0")
		if err == nil {
			version, _ := podman("--version")
			t.Logf("%s, %s, %s", version, runtime, driver)
			return podman
		}
		failed = append(failed, err)
	}
	unavailable(t, "podman starts nothing: %v", errors.Join(failed...))
	return nil
}

func podmanConf(t *testing.T, runtime string) string {
	limit := func(which int) uint64 { // a higher one takes a capability that root need not have
		var l unix.Rlimit
		if err := unix.Getrlimit(which, &l); err != nil {
			t.Fatal(err)
		}
		return min(l.Max, 4096)
	}
	return fmt.Sprintf(`[containers]
default_ulimits = ["nofile=%d:%[1]d", "nproc=%[2]d:%[2]d"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
lock_type = "file"
runtime = %[3]q
`, limit(syscall.RLIMIT_NOFILE), limit(unix.RLIMIT_NPROC), runtime)
}

func TestPodman(t *testing.T) {
	for _, driver := range []string{"overlay", "vfs"} {
		t.Run(driver, func(t *testing.T) {
			h := newEngineHost(t)
			podman := h.podman(t, driver)
			must := func(args ...string) string {
				t.Helper()
				out, err := podman(args...)
				if err != nil {
					t.Fatal(err)
				}
				lines := strings.Split(out, "\n")
				return lines[len(lines)-1]
			}
			start := func(args ...string) string {
				t.Helper()
				return must(append([]string{"run", "-d"}, args...)...)
			}
			rootfs := h.path("rootfs")
			r := h.watch()

			// One after the other, so that the files are read between them.
			web := start("--name", "web", "--rootfs", rootfs, "/bin/sleep", "600")
			h.instance(t, r, web, "web")
			job := start("--rm", "--name", "job", "--rootfs", rootfs, "/bin/sleep", "600")
			h.instance(t, r, job, "job")
			h.only(t, r, 2)

			// One that shares a network changes nothing about whose it is.
			start("--name", "aside", "--network", "container:web", "--rootfs", rootfs, "/bin/sleep", "600")
			other := h.watch()
			h.instance(t, other, web, "web")
			h.only(t, other, 2)

			if _, err := h.run("tar", "-C", rootfs, "-cf", h.path("image.tar"), "."); err != nil {
				t.Fatal(err)
			}
			must("import", h.path("image.tar"), "localhost/busybox")
			pod := must("pod", "create", "--name", "shop", "--infra-image", "localhost/busybox", "--infra-command", "/bin/sleep 600")
			start("--pod", "shop", "--name", "till", "localhost/busybox", "/bin/sleep", "600")
			infra := must("pod", "inspect", "--format", "{{.InfraContainerID}}", pod)
			h.instance(t, r, infra, "shop")
			h.only(t, r, 3)
		})
	}
}
