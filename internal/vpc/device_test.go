package vpc

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// dev makes a link; how is a list of words: up, lo, "master=N", "parent=N",
// "nsid=N", "mac=…", "perm=…", tap, or a prefix.
func dev(index int, name, kind, how string) *link {
	l := &link{index: index, name: name, kind: kind, nsid: -1}
	for _, w := range strings.Fields(how) {
		key, value, _ := strings.Cut(w, "=")
		n := 0
		_, _ = fmt.Sscan(value, &n)
		switch key {
		case "up":
			l.up = true
		case "lo":
			l.loopback = true
		case "tap":
			l.tap = true
		case "master":
			l.master = n
		case "parent":
			l.parent = n
		case "nsid":
			l.nsid = n
		case "mac":
			l.mac = value
		case "perm":
			l.perm = value
		case "bus":
			l.bus = value
		default:
			l.prefixes = append(l.prefixes, netip.MustParsePrefix(w))
		}
	}
	return l
}

// in makes namespaces of links. The first is this process's own; they number
// each other by their place. All are watched but those whose name begins with "-".
func in(names string, links ...[]*link) []*space {
	var out []*space
	for n, name := range strings.Fields(names) {
		s := &space{cookie: uint64(n + 1), inode: uint64(n + 1), watched: !strings.HasPrefix(name, "-"), links: links[n]}
		if n > 0 {
			s.name, s.path = strings.TrimPrefix(name, "-"), "/run/netns/"+name
		}
		for _, l := range links[n] {
			l.space = s
		}
		out = append(out, s)
	}
	connect(out, func(_ *space, nsid int) *space {
		if nsid < len(out) {
			return out[nsid]
		}
		return nil
	})
	return out
}

func byDefault(*endpoint) (bool, bool) { return false, false }

// chosen lists what becomes an interface: "eth0", or "veth1=c/eth0" for the
// interface c/eth0 that is seen at veth1.
func chosen(spaces []*space) string {
	var out []string
	for _, e := range choose(spaces, byDefault) {
		s := e.at.name
		if !e.at.space.own() {
			s = e.at.space.name + "/" + s
		}
		if e.inverted {
			s += "="
			if e.inside != nil {
				s += e.inside.space.name + "/" + e.inside.name
			}
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestWhichDevicesBecomeInterfaces(t *testing.T) {
	lo := func() *link { return dev(1, "lo", "device", "lo up 127.0.0.1/8") }
	for _, tt := range []struct {
		name   string
		spaces []*space
		want   string
	}{
		{"a network card", in("host", []*link{lo(), dev(2, "eth0", "device", "up 192.0.2.2/24")}), "eth0"},
		{"a card that is not in use", in("host", []*link{dev(2, "eth1", "device", "")}), ""},
		{"a card without address that is up", in("host", []*link{dev(2, "eth1", "device", "up")}), "eth1"},
		{"a bond, not its members", in("host", []*link{dev(2, "eth0", "device", "up master=4"), dev(3, "eth1", "device", "up master=4"), dev(4, "bond0", "bond", "up 192.0.2.2/24")}), "bond0"},
		{"the bridge that the host itself is on, not its uplink", in("host", []*link{dev(2, "eth0", "device", "up master=3"), dev(3, "br0", "bridge", "up 192.0.2.2/24")}), "br0"},
		{"no bridge without addresses", in("host", []*link{dev(2, "eth0", "device", "up master=3"), dev(3, "br0", "bridge", "up")}), ""},
		{"no bridge without uplink, but its containers", in("host -c", []*link{dev(3, "docker0", "bridge", "up 172.17.0.1/16"), dev(4, "veth9", "veth", "up master=3 parent=2 nsid=1")},
			[]*link{dev(2, "eth0", "veth", "up parent=4 nsid=0 172.17.0.2/16")}), "veth9=c/eth0"},
		{"containers once if their namespaces are watched too", in("host c", []*link{dev(3, "docker0", "bridge", "up 172.17.0.1/16"), dev(4, "veth9", "veth", "up master=3 parent=2 nsid=1")},
			[]*link{dev(2, "eth0", "veth", "up parent=4 nsid=0 172.17.0.2/16")}), "veth9=c/eth0"},
		{"a container without address yet", in("host c", []*link{dev(3, "docker0", "bridge", "up"), dev(4, "veth9", "veth", "up master=3 parent=2 nsid=1")},
			[]*link{dev(2, "eth0", "veth", "parent=4 nsid=0")}), "veth9=c/eth0"},
		{"a cable without address and without bridge", in("host c", []*link{dev(4, "veth9", "veth", "up parent=2 nsid=1")},
			[]*link{dev(2, "eth0", "veth", "parent=4 nsid=0")}), "veth9=c/eth0"},
		{"a routed container: the host's single address is no network", in("host c", []*link{dev(4, "cali9", "veth", "up parent=2 nsid=1 169.254.1.1/32 10.0.0.1/32 fe80::1/64")},
			[]*link{dev(2, "eth0", "veth", "up parent=4 nsid=0 10.244.0.7/32")}), "cali9=c/eth0"},
		{"a cable between two networks has two interfaces", in("host c", []*link{dev(4, "a", "veth", "up parent=2 nsid=1 10.0.0.1/24")},
			[]*link{dev(2, "b", "veth", "up parent=4 nsid=0 10.0.0.2/24")}), "a c/b"},
		{"a cable whose end nobody knows", in("host", []*link{dev(3, "br0", "bridge", "up"), dev(4, "veth9", "veth", "up master=3 parent=2 nsid=7")}), "veth9="},
		{"a patch cable between bridges", in("host", []*link{dev(3, "br0", "bridge", "up"), dev(4, "br1", "bridge", "up"),
			dev(5, "p0", "veth", "up master=3 parent=6"), dev(6, "p1", "veth", "up master=4 parent=5")}), ""},
		{"the host on a bridge by cable", in("host", []*link{dev(3, "br0", "bridge", "up"),
			dev(5, "p0", "veth", "up master=3 parent=6"), dev(6, "p1", "veth", "up parent=5 10.0.0.1/24")}), "p1"},
		{"a guest's tap", in("host", []*link{dev(3, "virbr0", "bridge", "up 192.168.122.1/24"), dev(4, "vnet0", "tuntap", "up tap master=3")}), "vnet0="},
		{"a tunnel of the host's own", in("host", []*link{dev(4, "tun0", "tuntap", "up 10.8.0.2/32"), dev(5, "wg0", "wireguard", "up 10.9.0.2/32")}), "tun0 wg0"},
		{"an overlay's device", in("host", []*link{dev(4, "flannel.1", "vxlan", "up 10.244.0.0/32")}), ""},
		{"VLANs, not the card that carries them", in("host", []*link{dev(2, "eth0", "device", "up"), dev(3, "eth0.7", "vlan", "up parent=2 10.7.0.1/24"), dev(4, "eth0.8", "vlan", "up parent=2 10.8.0.1/24")}), "eth0.7 eth0.8"},
		{"a card with an address that carries VLANs as well", in("host", []*link{dev(2, "eth0", "device", "up 192.0.2.2/24"), dev(3, "eth0.7", "vlan", "up parent=2 10.7.0.1/24")}), "eth0 eth0.7"},
		{"a card in a VRF", in("host", []*link{dev(2, "eth0", "device", "up master=3 192.0.2.2/24"), dev(3, "red", "vrf", "up")}), "eth0"},
		{"dummies", in("host", []*link{dev(2, "kube-ipvs0", "dummy", "10.96.0.1/32")}), ""},
		{"a device moved into a container", in("host c", []*link{lo()}, []*link{dev(7, "net1", "macvlan", "up 192.0.2.9/24")}), "c/net1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := chosen(tt.spaces); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestACableStandsForAnUnwatchedContainer(t *testing.T) {
	s := in("host -c", []*link{dev(4, "a", "veth", "up parent=2 nsid=1 10.0.0.1/24")}, []*link{dev(2, "b", "veth", "up parent=4 nsid=0 10.0.0.2/24")})
	if got := chosen(s); got != "a" {
		t.Errorf("without container: %q", got)
	}
	s[1].owner = &owner{ID: "x"}
	if got := chosen(s); got != "a=c/b" {
		t.Errorf("of a container: %q", got)
	}
}

func mustParse(t testing.TB, text string) *Config {
	t.Helper()
	c, err := Parse("weir.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func named(n Network, name string) *Interface {
	for _, i := range n.Interfaces {
		if i.Device.Name == name {
			return i
		}
	}
	return nil
}

func TestIDsOfHardware(t *testing.T) {
	h := &Host{machine: "m"}
	of := func(links ...*link) map[string]string {
		out := make(map[string]string)
		for _, i := range assemble(Default(), h, in("host", links), nil).Interfaces {
			out[i.Device.Name] = i.ID
		}
		return out
	}
	before := of(dev(2, "eth0", "device", "up mac=02:00:00:00:00:01 perm=02:00:00:00:00:01 1.0.0.1/24"))
	after := of(dev(5, "enp1s0", "device", "up mac=02:00:00:00:00:99 perm=02:00:00:00:00:01 1.0.0.1/24"))
	if before["eth0"] != after["enp1s0"] {
		t.Errorf("renamed and with another address: %s, was %s", after["enp1s0"], before["eth0"])
	}
	vlans := of(dev(2, "eth0", "device", "up mac=02:00:00:00:00:01 1.0.0.1/24"),
		dev(3, "eth0.7", "vlan", "up parent=2 mac=02:00:00:00:00:01 1.0.7.1/24"),
		dev(4, "eth0.8", "vlan", "up parent=2 mac=02:00:00:00:00:01 1.0.8.1/24"))
	if vlans["eth0"] == vlans["eth0.7"] || vlans["eth0.7"] == vlans["eth0.8"] || vlans["eth0"] != before["eth0"] {
		t.Errorf("VLANs on one card: %v", vlans)
	}
	twins := of(dev(2, "a", "device", "up bus=2 mac=02:00:00:00:00:01"), dev(3, "b", "device", "up bus=1 mac=02:00:00:00:00:01"))
	turned := of(dev(2, "b", "device", "up bus=1 mac=02:00:00:00:00:01"), dev(3, "a", "device", "up bus=2 mac=02:00:00:00:00:01"))
	if twins["a"] == twins["b"] || twins["a"] != turned["a"] || twins["b"] != turned["b"] {
		t.Errorf("two cards with one MAC: %v, then %v", twins, turned)
	}
}

func TestConfigurationOverrides(t *testing.T) {
	c := mustParse(t, `
account: "123456789012"
region: eu-west-1
availability-zone-id: euw1-az1
vpcs:
- {id: vpc-0a1b2c3d, name: p, cidrs: [10.0.0.0/16], amazon-address-plan: true}
- {id: vpc-0a1b2c3e, name: q, cidrs: [10.1.0.0/16], default: true}
subnets:
- {id: subnet-0a1b2c3d, name: a, vpc: p, cidrs: [10.0.1.0/24], availability-zone-id: euw1-az2}
security-groups: [{id: sg-0a1b2c3d, name: web, vpc: p}]
interfaces:
- match: {name: eth0}
  id: eni-0a1b2c3d
  instance-id: i-0a1b2c3d
  addresses: [10.0.1.9]
  tags: {a: first}
  security-groups: [web]
- {match: {name: "eth*"}, tags: {a: second, b: second}, description: all}
- {match: {namespace: c}, type: branch, service: amazon-elb}
- {match: {name: lo}, capture: true}
- {match: {name: eth2}, capture: false}
- {id: eni-0a1b2c3f, subnet: a, addresses: [10.0.1.7], type: natGateway, account: "210987654321"}
`)
	n := assemble(c, &Host{machine: "m"}, in("host c", []*link{
		dev(1, "lo", "device", "lo up 127.0.0.1/8"),
		dev(2, "eth0", "device", "up mac=02:00:00:00:00:01 10.0.1.5/24 10.0.1.9/24"),
		dev(3, "eth1", "device", "up 10.1.3.5/24"),
		dev(4, "eth2", "device", "up 10.1.4.5/24"),
	}, []*link{dev(2, "net0", "macvlan", "up 10.7.0.1/24")}), nil)
	x := NewIndex(n)

	i := named(n, "eth0")
	if i.ID != "eni-0a1b2c3d" || i.AZID != "euw1-az2" || i.SubnetID != "subnet-0a1b2c3d" || i.Tags["a"] != "first" || i.Tags["b"] != "second" ||
		i.PrimaryIPv4().String() != "10.0.1.9" || len(i.Addrs) != 2 || i.InstanceID != "i-0a1b2c3d" || i.Plan.DNS.String() != "10.0.0.2" || i.AccountID != "123456789012" || !slices.Equal(i.SecurityGroups, []string{"sg-0a1b2c3d"}) {
		t.Errorf("eth0: %+v", i)
	}
	if i := named(n, "eth1"); i.VPCID != "vpc-0a1b2c3e" || i.SubnetID == "" || i.AZID != "euw1-az1" || i.Plan != (Plan{}) {
		t.Errorf("eth1, in no declared subnet: %+v", i)
	}
	if i := named(n, "net0"); i.Type != TypeBranch || i.InstanceID != "" || !i.RequesterManaged() || i.VPCID != "vpc-0a1b2c3e" {
		t.Errorf("net0, of a service: %+v", i)
	}
	if named(n, "lo") == nil || named(n, "eth2") != nil {
		t.Error("capture: true and false have no effect")
	}
	hop, ok := x.NextHop(i, netip.MustParseAddr("10.0.1.7"))
	if !ok || hop != (Hop{AZ: "euw1-az2"}) {
		t.Errorf("next hop in another account: %+v, %v", hop, ok)
	}
	if got := len(x.Covered("vpc-0a1b2c3d")); got != 2 {
		t.Errorf("the VPC covers %d interfaces, want 2", got)
	}
}
