package vpc

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// The files here are what engines wrote, cut down to what is read and with ids
// that are easier to look at: Docker 20.10.24, Podman 4.3.1, containerd 1.6.20
// with CNI 1.0.0, libvirt 9.0.0, all 2026-11-24. Made by hand, after the formats'
// documentation, are those of CRI-O and Kubernetes, and Podman's list of volatile
// containers. The tests in engines_*_linux_test.go have engines write them anew.

func libvirtFixture() fstest.MapFS {
	return fstest.MapFS{
		"run/libvirt/qemu/web-vm.xml": {Data: []byte(`<!--
WARNING: THIS IS AN AUTO-GENERATED FILE. CHANGES TO IT ARE LIKELY TO BE
OVERWRITTEN AND LOST.
-->
<domstatus state='running' reason='booted' pid='4242'>
  <monitor path='/var/lib/libvirt/qemu/domain-1-web-vm/monitor.sock' type='unix'/>
  <domain type='kvm' id='1'>
    <name>web-vm</name>
    <uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid>
    <devices>
      <interface type='network'>
        <mac address='52:54:00:12:34:56'/>
        <source network='default' portid='54bf5f9d-ac32-4b2d-bf62-86c71d8ab76d'/>
        <actual type='network'>
          <source bridge='virbr0'/>
        </actual>
        <target dev='vnet7'/>
        <model type='virtio'/>
        <alias name='net0'/>
        <address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x0'/>
      </interface>
    </devices>
  </domain>
</domstatus>`)},
		"run/libvirt/qemu/broken.xml": {Data: []byte("<domstatus><domain>")},
		"var/lib/libvirt/dnsmasq/virbr0.status": {Data: []byte(`[
  {"ip-address": "192.168.122.10", "mac-address": "52:54:00:12:34:56", "hostname": "web-vm", "expiry-time": 1795500000}
]`)},
	}
}

func TestGuests(t *testing.T) {
	g := readGuests(libvirtFixture())
	if len(g) != 1 || g["vnet7"] == nil {
		t.Fatalf("guests are %v, want one at vnet7", g)
	}
	if got := fmt.Sprintf("%+v", *g["vnet7"]); got != "{Name:web-vm UUID:4dea22b3-1d52-d8f3-2516-782e98ab3fa0 MAC:52:54:00:12:34:56 Addrs:[192.168.122.10]}" {
		t.Error(got)
	}
}

var (
	dockerID     = strings.Repeat("d0", 32)
	podmanID     = strings.Repeat("b0", 32)
	containerdID = strings.Repeat("c0", 32)
	cniID        = strings.Repeat("a0", 32)
	infraID      = strings.Repeat("b1", 32)
	asideID      = strings.Repeat("b2", 32)
	volatileID   = strings.Repeat("b3", 32)
	hostnetID    = strings.Repeat("d1", 32)
)

const podUIDText = "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0"

func TestOwnersByNamespace(t *testing.T) {
	o := readOwners(fstest.MapFS{
		"var/lib/docker/containers/" + dockerID + "/config.v2.json": {Data: []byte(`{"ID":"` + dockerID + `","Name":"/web",
			"State":{"Running":true,"Pid":4242},"Config":{"Hostname":"web","Labels":{"com.example.team":"red"}},
			"NetworkSettings":{"SandboxID":"5f1e","SandboxKey":"/var/run/docker/netns/5f1e2d3c4b5a"}}`)},
		"var/lib/docker/containers/" + hostnetID + "/config.v2.json": {Data: []byte(`{"ID":"` + hostnetID + `","Name":"/bare",
			"State":{"Running":true,"Pid":4243},"Config":{"Labels":{}},"NetworkSettings":{"SandboxKey":"/var/run/docker/netns/default"}}`)},
		"var/lib/docker/containers/broken/config.v2.json": {Data: []byte(`{"ID":`)},
		"var/lib/containers/storage/overlay-containers/containers.json": {Data: []byte(
			`[{"id":"` + podmanID + `","names":["db"],"image":"","layer":"25b5","metadata":"{\"name\":\"db\"}","created":"2026-11-24T08:42:14.924664584Z","flags":{"MountLabel":"","ProcessLabel":""}},
			{"id":"` + asideID + `","names":["aside"],"image":"","layer":"20c8"},
			{"id":"` + infraID + `","names":["fac4df880a28-infra"],"image":"e1ac","layer":"55bc"}]`)},
		"var/lib/containers/storage/overlay-containers/" + podmanID + "/userdata/config.json": {Data: []byte(
			`{"ociVersion":"1.0.2-dev","hostname":"b0b0b0b0b0b0","annotations":{"io.container.manager":"libpod","io.kubernetes.cri-o.TTY":"false","io.podman.annotations.autoremove":"FALSE"},
			"linux":{"cgroupsPath":"/libpod_parent/libpod-b0","namespaces":[{"type":"pid"},{"type":"network","path":"/run/netns/netns-1b2c"},{"type":"ipc"}]}}`)},
		"var/lib/containers/storage/overlay-containers/" + asideID + "/userdata/config.json": {Data: []byte(
			`{"hostname":"b0b0b0b0b0b0","linux":{"namespaces":[{"type":"network","path":"/proc/5924/ns/net"}]}}`)},
		"var/lib/containers/storage/overlay-containers/" + infraID + "/userdata/config.json": {Data: []byte(
			`{"hostname":"shop","linux":{"namespaces":[{"type":"network","path":"/run/netns/netns-7cfc"}]}}`)},
		"var/lib/containers/storage/vfs-containers/volatile-containers.json": {Data: []byte(`[{"id":"` + volatileID + `","names":["job"],"flags":{"Volatile":true}}]`)},
		"var/lib/containers/storage/vfs-containers/" + volatileID + "/userdata/config.json": {Data: []byte(
			`{"hostname":"b3b3b3b3b3b3","linux":{"namespaces":[{"type":"network","path":"/run/netns/netns-eb93"}]}}`)},
		"run/containerd/io.containerd.runtime.v2.task/k8s.io/" + containerdID + "/config.json": {Data: []byte(
			`{"annotations":{"io.kubernetes.cri.sandbox-name":"api-7d4","io.kubernetes.cri.sandbox-namespace":"prod","io.kubernetes.cri.sandbox-uid":"` + podUIDText + `"},
			"linux":{"namespaces":[{"type":"network","path":"/var/run/netns/cni-3d4e"}]}}`)},
		"run/containerd/io.containerd.runtime.v2.task/blue/web/config.json": {Data: []byte(`{"ociVersion":"1.0.2-dev",
			"linux":{"cgroupsPath":"/blue/web","namespaces":[{"type":"pid"},{"type":"network"},{"type":"mount"}]}}`)},
		"run/containerd/io.containerd.runtime.v2.task/blue/web/init.pid": {Data: []byte("5555")},
		"var/lib/cni/results/lab-blue-web-eth0": {Data: []byte(`{"kind":"cniCacheV1","containerId":"blue-web","config":"eyJj","ifName":"eth0","networkName":"lab",
			"result":{"cniVersion":"1.0.0","dns":{},"interfaces":[{"mac":"42:b8:c2:12:76:93","name":"cni0"},{"mac":"7a:43:d5:02:b7:98","name":"veth1b8da6bb"},
			{"mac":"42:42:fc:67:8e:22","name":"eth0","sandbox":"/proc/5555/ns/net"}]}}`)},
		"var/lib/cni/results/mynet-" + cniID + "-eth0": {Data: []byte(`{"kind":"cniCacheV1","containerId":"` + cniID + `","ifName":"eth0","networkName":"mynet",
			"cniArgs":[["K8S_POD_NAME","job-1"],["K8S_POD_NAMESPACE","batch"]],
			"result":{"cniVersion":"1.0.0","interfaces":[{"name":"cni0"},{"name":"eth0","sandbox":"/var/run/netns/cni-5f60"}]}}`)},
	})
	for _, tt := range []struct{ netns, engine, key, name, tags string }{
		{"/run/docker/netns/5f1e2d3c4b5a", "docker", dockerID, "web", "map[Name:web com.example.team:red]"},
		{"/run/netns/netns-1b2c", "podman", podmanID, "db", "map[Name:db]"},
		{"/run/netns/netns-7cfc", "podman", infraID, "shop", "map[Name:shop]"},
		{"/run/netns/netns-eb93", "podman", volatileID, "job", "map[Name:job]"},
		{"/run/netns/cni-3d4e", "containerd", "pod " + podUIDText, "api-7d4", "map[Name:api-7d4 kubernetes-namespace:prod kubernetes-pod:api-7d4]"},
		{"/var/run/netns/cni-5f60", "", cniID, "job-1", "map[Name:job-1 kubernetes-namespace:batch kubernetes-pod:job-1]"},
	} {
		g := o.netns(tt.netns)
		if g == nil {
			t.Errorf("%s: no owner", tt.netns)
		} else if g.Engine != tt.engine || g.key() != tt.key || g.Name != tt.name || fmt.Sprint(g.Tags) != tt.tags {
			t.Errorf("%s: %+v", tt.netns, *g)
		}
	}
	// Whoever is found by its first process has no path, and who shares another's
	// namespace, or has the machine's, does not own it.
	for _, netns := range []string{"/proc/5924/ns/net", "/proc/5555/ns/net", "/run/docker/netns/default"} {
		if g := o.netns(netns); g != nil {
			t.Errorf("%s is of %+v", netns, *g)
		}
	}
	if g := o.byPID[5555]; len(o.byPID) != 1 || g == nil || g.key() != "blue/web" || g.Name != "web" || g.Engine != "containerd" {
		t.Errorf("by process: %v", o.byPID)
	}
	if g := o.process("0::/system.slice/docker-" + dockerID + ".scope\n"); g == nil || g.Name != "web" {
		t.Errorf("a process of a known container is of %+v", g)
	}
}

func TestOwnerOfCgroup(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	pod := strings.ReplaceAll(podUIDText, "-", "_")
	for _, tt := range []struct{ name, text, engine, pod string }{
		{"docker, systemd driver", "0::/system.slice/docker-" + id + ".scope", "docker", ""},
		{"docker, cgroupfs driver, version 1", "12:pids:/docker/" + id + "\n1:name=systemd:/docker/" + id, "docker", ""},
		{"podman", "0::/machine.slice/libpod-" + id + ".scope/container", "podman", ""},
		{"podman, in a pod, cgroupfs driver", "9:name=systemd:/libpod_parent/" + strings.Repeat("ef", 32) + "/libpod-" + id, "podman", ""},
		{"kubernetes, systemd driver", "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + pod + ".slice/cri-containerd-" + id + ".scope", "containerd", podUIDText},
		{"kubernetes, cgroupfs driver", "0::/kubepods/besteffort/pod" + podUIDText + "/" + id, "kubernetes", podUIDText},
		{"cri-o", "0::/kubepods.slice/kubepods-pod" + pod + ".slice/crio-" + id + ".scope", "cri-o", podUIDText},
		{"nerdctl", "0::/system.slice/nerdctl-" + id + ".scope", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := ownerOfCgroup(tt.text)
			if o == nil || o.ID != id || o.Engine != tt.engine || o.Pod != tt.pod {
				t.Errorf("%+v", o)
			}
		})
	}
	for _, text := range []string{"", "0::/user.slice/user-0.slice/session-1.scope", "0::/docker/" + id[:63], "0::/x" + id, "nonsense"} {
		if o := ownerOfCgroup(text); o != nil {
			t.Errorf("%q is of %+v", text, o)
		}
	}
}
