package vpc

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// The files here are made by hand after the formats' documentation; no engine
// has written them.

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
        <source network='default' portid='0e1f' bridge='virbr0'/>
        <target dev='vnet7'/>
        <model type='virtio'/>
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
)

const podUIDText = "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0"

func TestOwnersByNamespace(t *testing.T) {
	o := readOwners(fstest.MapFS{
		"var/lib/docker/containers/" + dockerID + "/config.v2.json": {Data: []byte(`{"ID":"` + dockerID + `","Name":"/web",
			"State":{"Running":true,"Pid":4242},"Config":{"Hostname":"web","Labels":{"com.example.team":"red"}},
			"NetworkSettings":{"SandboxID":"5f1e","SandboxKey":"/var/run/docker/netns/5f1e2d3c4b5a"}}`)},
		"var/lib/docker/containers/broken/config.v2.json": {Data: []byte(`{"ID":`)},
		"var/lib/containers/storage/overlay-containers/containers.json": {Data: []byte(
			`[{"id":"` + podmanID + `","names":["db"],"image":"0a","layer":"0b","created":"2026-11-24T00:00:00Z"}]`)},
		"run/containers/storage/overlay-containers/" + podmanID + "/userdata/config.json": {Data: []byte(
			`{"ociVersion":"1.2.0","annotations":{"io.container.manager":"libpod"},
			"linux":{"namespaces":[{"type":"pid"},{"type":"network","path":"/run/netns/netns-1b2c"}]}}`)},
		"run/containerd/io.containerd.runtime.v2.task/k8s.io/" + containerdID + "/config.json": {Data: []byte(
			`{"annotations":{"io.kubernetes.cri.sandbox-name":"api-7d4","io.kubernetes.cri.sandbox-namespace":"prod","io.kubernetes.cri.sandbox-uid":"` + podUIDText + `"},
			"linux":{"namespaces":[{"type":"network","path":"/var/run/netns/cni-3d4e"}]}}`)},
		"var/lib/cni/results/mynet-" + cniID + "-eth0": {Data: []byte(`{"kind":"cniCacheV1","containerId":"` + cniID + `","ifName":"eth0","networkName":"mynet",
			"cniArgs":[["K8S_POD_NAME","job-1"],["K8S_POD_NAMESPACE","batch"]],
			"result":{"cniVersion":"1.0.0","interfaces":[{"name":"cni0"},{"name":"eth0","sandbox":"/var/run/netns/cni-5f60"}]}}`)},
	})
	for _, tt := range []struct{ netns, engine, key, name, tags string }{
		{"/run/docker/netns/5f1e2d3c4b5a", "docker", dockerID, "web", "map[Name:web com.example.team:red]"},
		{"/run/netns/netns-1b2c", "podman", podmanID, "db", "map[Name:db]"},
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
