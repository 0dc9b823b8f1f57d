package vpc

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// containerd starts containerd on the host, with all of its files in the host's
// directory, and returns what runs ctr. Both see the host's directory as that of
// CNI.
func (h *engineHost) containerd(t *testing.T) func(args ...string) (string, error) {
	t.Helper()
	need(t, "containerd", "ctr", "containerd-shim-runc-v2", "runc")
	plugins := ""
	for _, dir := range []string{"/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"} {
		if _, err := exec.LookPath(filepath.Join(dir, "bridge")); err == nil && plugins == "" {
			plugins = dir
		}
	}
	if plugins == "" {
		unavailable(t, "CNI's plugins are not installed")
	}
	h.write("etc/cni/net.d/10-lab.conflist", `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "bridge": "cni0",
  "isGateway": true, "ipam": {"type": "host-local", "subnet": "10.8.0.0/24", "routes": [{"dst": "0.0.0.0/0"}]}}]}`)
	h.write("var/lib/cni/.here", "")
	conf := h.write("containerd.toml", fmt.Sprintf(`version = 2
root = %q
state = %q
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = %q
`, h.path("var/lib/containerd"), h.path("run/containerd"), h.path("run/sock")))
	binds := [][2]string{{h.path("etc/cni/net.d"), "/etc/cni/net.d"}, {h.path("var/lib/cni"), "/var/lib/cni"}, {plugins, "/opt/cni/bin"}}
	ctr := func(args ...string) (string, error) {
		return h.run("unshare", bound(binds, append([]string{"ctr", "--address", h.path("run/sock")}, args...)...)...)
	}
	h.daemon(t, binds, func() error {
		version, err := ctr("version")
		if err == nil {
			t.Log(strings.Join(strings.Fields(version), " "))
		}
		return err
	}, "containerd", "--config", conf, "--log-level", "warn")
	return ctr
}

// TestContainerd runs containers with CNI as "ctr" and "nerdctl" do: the network
// is made when the container's first process is there, and its namespace has no
// other name.
func TestContainerd(t *testing.T) {
	h := newEngineHost(t)
	rootfs := h.rootfs(t)
	ctr := h.containerd(t)
	r := h.watch()
	hexID := strings.Repeat("0f1e2d3c", 8)
	for _, c := range []struct{ namespace, id, key, name string }{
		{"default", "web", "default/web", "web"},
		{"blue", "web", "blue/web", "web"},
		{"default", hexID, hexID, "db"},
	} {
		args := []string{"-n", c.namespace, "run", "-d", "--cni", "--rootfs"}
		if c.id == hexID {
			args = append(args, "--annotation", "nerdctl/name="+c.name)
		}
		if _, err := ctr(append(args, rootfs, c.id, "/bin/sleep", "600")...); err != nil {
			unavailable(t, "%v", err)
		}
		t.Cleanup(func() {
			if _, err := ctr("-n", c.namespace, "task", "rm", "-f", c.id); err != nil {
				t.Error(err)
			}
			if _, err := ctr("-n", c.namespace, "container", "rm", c.id); err != nil {
				t.Error(err)
			}
		})
		h.instance(t, r, c.key, c.name)
	}
	h.only(t, r, 3)
}
