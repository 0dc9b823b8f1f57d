package vpc

import (
	"strings"
	"testing"
)

// docker starts Docker's engine on the host, with all of its files in the host's
// directory, and returns what runs the client.
func (h *engineHost) docker(t *testing.T) func(args ...string) (string, error) {
	t.Helper()
	need(t, "dockerd", "docker", "containerd", "runc")
	docker := func(args ...string) (string, error) {
		return h.run("docker", append([]string{"-H", "unix://" + h.path("run/sock")}, args...)...)
	}
	h.write("run/.here", "")
	h.daemon(t, nil, func() error {
		version, err := docker("version", "--format", "dockerd {{.Server.Version}}")
		if err == nil {
			t.Log(version)
		}
		return err
	}, "dockerd", "-H", "unix://"+h.path("run/sock"), "-p", h.path("run/pid"), "--storage-driver", "vfs", "--iptables=false", "--ip-masq=false",
		"--data-root", h.path("var/lib/docker"), "--exec-root", h.path("run/docker"), "--exec-opt", "native.cgroupdriver=cgroupfs")
	return docker
}

func TestDocker(t *testing.T) {
	h := newEngineHost(t)
	rootfs := h.rootfs(t)
	docker := h.docker(t)
	if _, err := h.run("tar", "-C", rootfs, "-cf", h.path("image.tar"), "."); err != nil {
		t.Fatal(err)
	}
	if _, err := docker("import", h.path("image.tar"), "busybox"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		all, err := docker("ps", "-aq")
		if ids := strings.Fields(all); err == nil && len(ids) > 0 {
			_, err = docker(append([]string{"rm", "-f"}, ids...)...)
		}
		if err != nil {
			t.Error(err)
		}
	})
	start := func(args ...string) string {
		t.Helper()
		id, err := docker(append(append([]string{"run", "-d"}, args...), "busybox", "/bin/sleep", "600")...)
		if err != nil {
			unavailable(t, "%v", err)
		}
		return id
	}
	r := h.watch()
	web := start("--name", "web", "--label", "com.example.team=red")
	if i := h.instance(t, r, web, "web"); i != nil && i.InstanceTags["com.example.team"] != "red" {
		t.Errorf("tags are %v, want those of the container's labels", i.InstanceTags)
	}
	job := start("--rm", "--name", "job")
	h.instance(t, r, job, "job")
	start("--name", "aside", "--network", "container:web")
	start("--name", "bare", "--network", "host")
	again := h.watch()
	h.instance(t, again, web, "web")
	h.instance(t, again, job, "job")
	h.only(t, again, 2)
}
