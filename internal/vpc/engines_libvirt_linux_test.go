package vpc

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
	"time"
)

// libvirt starts libvirtd on the host, with all of its files in the host's
// directory, and returns what runs virsh.
func (h *engineHost) libvirt(t *testing.T) func(args ...string) (string, error) {
	t.Helper()
	need(t, "libvirtd", "virsh", "qemu-system-x86_64", "dnsmasq")
	// Nothing of the machine's own is asked for: no control groups, no other
	// users, no daemon for the guests' logs.
	h.write("etc/libvirt/qemu.conf", `user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
security_default_confined = 0
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
max_core = 0
`)
	conf := h.write("etc/libvirt/libvirtd.conf", "auth_unix_ro = \"none\"\nauth_unix_rw = \"none\"\nunix_sock_group = \"root\"\n")
	var binds [][2]string
	for _, dir := range []string{"run/libvirt", "etc/libvirt", "var/lib/libvirt", "var/cache/libvirt", "var/log/libvirt"} {
		h.write(dir+"/.here", "")
		binds = append(binds, [2]string{h.path(dir), "/" + dir})
	}
	virsh := func(args ...string) (string, error) {
		return h.run("virsh", append([]string{"-c", "qemu+unix:///system?socket=" + h.path("run/libvirt/libvirt-sock")}, args...)...)
	}
	h.daemon(t, binds, func() error {
		version, err := virsh("version")
		if err == nil {
			t.Log(strings.ReplaceAll(version, "\n", ", "))
		}
		return err
	}, "libvirtd", "-f", conf, "-p", h.path("run/pid"))
	return virsh
}

const guestXML = `<domain type='qemu'>
  <name>web-vm</name>
  <memory unit='MiB'>32</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='network'/></os>
  <devices>
    <interface type='network'><source network='lab'/><model type='e1000'/></interface>
    <interface type='bridge'><source bridge='br0'/><model type='virtio'/></interface>
    <interface type='ethernet'><target dev='tapweb' managed='yes'/><model type='virtio'/></interface>
  </devices>
</domain>`

// TestLibvirt starts a guest without a disk. It looks for something to boot from
// on the network, and gets an address there.
func TestLibvirt(t *testing.T) {
	h := newEngineHost(t)
	virsh := h.libvirt(t)
	must := func(args ...string) string {
		t.Helper()
		out, err := virsh(args...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if _, err := h.ns.Bridge("br0"); err != nil {
		t.Fatal(err)
	}
	must("net-create", h.write("net.xml", `<network><name>lab</name><bridge name='virbr7' stp='off' delay='0'/>
  <ip address='10.7.0.1' netmask='255.255.255.0'><dhcp><range start='10.7.0.100' end='10.7.0.200'/></dhcp></ip></network>`))
	t.Cleanup(func() { _, _ = virsh("net-destroy", "lab") })
	r := h.watch()
	if _, err := virsh("create", h.write("guest.xml", guestXML)); err != nil {
		unavailable(t, "%v", err)
	}
	began := time.Now()
	t.Cleanup(func() {
		if _, err := virsh("destroy", "web-vm"); err != nil {
			t.Error(err)
		}
	})

	// What libvirt itself says, not its files.
	var domain struct {
		UUID       string `xml:"uuid"`
		Interfaces []struct {
			Type string `xml:"type,attr"`
			MAC  struct {
				Address string `xml:"address,attr"`
			} `xml:"mac"`
			Target struct {
				Dev string `xml:"dev,attr"`
			} `xml:"target"`
		} `xml:"devices>interface"`
	}
	if err := xml.Unmarshal([]byte(must("dumpxml", "web-vm")), &domain); err != nil || len(domain.Interfaces) != 3 {
		t.Fatalf("dumpxml: %v, %+v", err, domain)
	}
	find := func(dev string, limit time.Duration, ok func(*Interface) bool) *Interface {
		t.Helper()
		d, err := h.ns.Device(dev)
		if err != nil {
			t.Fatal(err)
		}
		return h.within(r, limit, func() *Interface {
			i, found := r.Resolve(Device{Cookie: h.ns.Cookie(), Index: d.Index()})
			if found && ok(i) {
				return i
			}
			return nil
		})
	}
	for _, c := range domain.Interfaces {
		want := r.opts.Host.ID("i", "guest", domain.UUID)
		i := find(c.Target.Dev, 5*time.Second, func(i *Interface) bool { return i.InstanceID == want })
		t.Logf("%s %s is known after %v", c.Type, c.Target.Dev, time.Since(began).Round(time.Millisecond))
		if !i.Inverted || i.MAC != c.MAC.Address || i.InstanceTags["Name"] != "web-vm" || i.ID != r.opts.Host.ID("eni", "guest", domain.UUID, c.MAC.Address) {
			t.Errorf("%s at %s: %+v", c.Type, c.Target.Dev, i)
		}
	}
	h.only(t, r, 3)
	dev, leased := domain.Interfaces[0].Target.Dev, ""
	for began := time.Now(); leased == "" && time.Since(began) < time.Minute; time.Sleep(200 * time.Millisecond) {
		for _, word := range strings.Fields(must("net-dhcp-leases", "lab")) {
			if addr, ok := strings.CutSuffix(word, "/24"); ok {
				leased = addr
			}
		}
	}
	if leased == "" {
		t.Log("the guest asked for no address within a minute: it has no network boot")
		return
	}
	began = time.Now()
	find(dev, 5*time.Second, func(i *Interface) bool { return fmt.Sprint(i.Addrs) == "["+leased+"]" })
	t.Logf("its address %s is known after %v", leased, time.Since(began).Round(time.Millisecond))
}
