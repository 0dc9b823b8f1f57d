package vpc

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// office is a network of one subnet with n interfaces and a gateway.
func office(n int) (*Index, *Interface) {
	prefix := netip.MustParsePrefix("10.0.0.0/16")
	routes := []Route{{Prefix: prefix}, {Prefix: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("10.0.255.1")},
		{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Via: netip.MustParseAddr("10.0.255.2")}}
	var list []*Interface
	add := func(id string, a netip.Addr) *Interface {
		i := &Interface{ID: id, AccountID: DefaultAccount, Region: DefaultRegion, AZID: DefaultAZID, VPCID: "vpc-1", SubnetID: "subnet-1",
			Addrs: []netip.Addr{a}, Routes: slices.Clone(routes), Device: Device{Name: id, Cookie: 1, Index: len(list) + 1}}
		list = append(list, i)
		return i
	}
	for k := range n {
		add(fmt.Sprintf("eni-%017x", k), netip.AddrFrom4([4]byte{10, 0, byte(k >> 8), byte(k)}))
	}
	add("eni-gateway", netip.MustParseAddr("10.0.255.1")).Type = TypeNATGateway
	return NewIndex(Network{Interfaces: list}), list[0]
}

func TestNextHop(t *testing.T) {
	x, i := office(3)
	seen := []netip.Addr{}
	for _, tt := range []struct{ rule, dst, want string }{
		{"on the link and known", "10.0.0.2", "eni-00000000000000002"},
		{"IPv4 in IPv6", "::ffff:10.0.0.2", "eni-00000000000000002"},
		{"on the link and unknown", "10.0.0.99", ""},
		{"behind the gateway", "198.51.100.1", "eni-gateway"},
		{"behind a gateway that is not known", "192.0.2.1", ""},
		{"itself", "10.0.0.0", ""},
		{"no route", "2001:db8::1", ""},
	} {
		dst := netip.MustParseAddr(tt.dst)
		hop, ok := x.NextHop(i, dst)
		if hop.ID != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: %+v, %v", tt.rule, hop, ok)
		}
		seen = append(seen, dst)
		for name, s := range map[string]*Stamp{"all": x.Stamp(i, nil), "seen": x.Stamp(i, slices.Values(seen))} {
			if got, found := s.NextHop(dst); got != hop || found != ok {
				t.Errorf("%s: stamp with %s: %+v, %v", tt.rule, name, got, found)
			}
		}
	}
	if hop, _ := x.NextHop(i, netip.MustParseAddr("198.51.100.1")); hop.Type != "nat_gateway" || hop.AZ != DefaultAZID || hop.VPC != "vpc-1" || hop.Subnet != "subnet-1" {
		t.Errorf("%+v", hop)
	}
}

func TestStampSurvivesTheJournal(t *testing.T) {
	x, i := office(3)
	i.Tags, i.InstanceTags = Tags{"role": "web", "cost": "7"}, Tags{"Name": "a"}
	i.Sublocation, i.Inverted = Sublocation{"outpost", "op-1"}, true
	i.Addrs = append(i.Addrs, netip.MustParseAddr("2001:db8::1"))
	s := x.Stamp(i, nil).WithTags([]string{"role"}, nil)
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var got Stamp
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.InstanceTags) != 0 || got.Tags["role"] != "web" || len(got.Tags) != 1 {
		t.Errorf("tags are %v and %v", got.Tags, got.InstanceTags)
	}
	got.InstanceTags = s.InstanceTags // empty, or nil
	if !reflect.DeepEqual(&got, s) {
		t.Errorf("\n got %+v\nwant %+v", &got, s)
	}
	if !got.Has(netip.MustParseAddr("2001:db8::1")) || got.Has(netip.MustParseAddr("10.0.0.1")) || got.PrimaryIPv4().String() != "10.0.0.0" {
		t.Errorf("addresses are %v", got.Addrs)
	}
	const want = `{"a":"000000000000","i":"eni-1","r":"local-1"}`
	bare, err := json.Marshal(NewIndex(Network{}).Stamp(&Interface{ID: "eni-1", AccountID: DefaultAccount, Region: DefaultRegion}, nil))
	if err != nil || string(bare) != want {
		t.Errorf("of an interface of which little is known: %s, want %s (%v)", bare, want, err)
	}
	if h, ok := (&Stamp{Ways: []Way{{Prefix: everywhere4, Hop: 7}}}).NextHop(netip.MustParseAddr("1.1.1.1")); ok {
		t.Errorf("a hop that is not there is %+v", h)
	}
}

func TestNetworkSurvivesJSON(t *testing.T) {
	c, err := Load("../../examples/weir.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := c.Network()
	raw, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Network
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

func TestInterfaceTypeField(t *testing.T) {
	want := map[InterfaceType]string{TypeNATGateway: "nat_gateway", TypeNetworkLoadBalancer: "network_load_balancer",
		TypeRegionalNATGateway: "regional_nat_gateway", TypeTransitGateway: "transit_gateway", TypeVPCEndpoint: "vpc_endpoint"}
	for _, typ := range append(InterfaceTypes(), "") {
		if typ.Field() != want[typ] {
			t.Errorf("%s: %q, want %q", typ, typ.Field(), want[typ])
		}
	}
}

func TestLookUpsDoNotAllocate(t *testing.T) {
	x, i := office(100)
	s := x.Stamp(i, nil)
	r := NewResolver(Options{})
	r.state.Store(&resolved{index: x})
	dst := netip.MustParseAddr("10.0.0.9")
	ranges := testRanges(t)
	for name, f := range map[string]func(){
		"Index.NextHop":  func() { x.NextHop(i, dst) },
		"Stamp.NextHop":  func() { s.NextHop(dst) },
		"Resolve":        func() { r.Resolve(i.Device) },
		"Ranges.Service": func() { ranges.Service(dst) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times, want 0", name, n)
		}
	}
}

func BenchmarkResolve(b *testing.B) {
	x, i := office(200)
	r := NewResolver(Options{})
	r.state.Store(&resolved{index: x})
	b.ReportAllocs()
	for b.Loop() {
		r.Resolve(i.Device)
	}
}

func BenchmarkNextHop(b *testing.B) {
	x, i := office(200)
	s := x.Stamp(i, nil)
	dst := netip.MustParseAddr("10.0.0.150")
	b.Run("index", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			x.NextHop(i, dst)
		}
	})
	b.Run("stamp", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.NextHop(dst)
		}
	})
}

func BenchmarkStamp(b *testing.B) {
	x, i := office(200)
	b.ReportAllocs()
	for b.Loop() {
		x.Stamp(i, nil)
	}
}

func BenchmarkService(b *testing.B) {
	r := testRanges(b)
	dst := netip.MustParseAddr("203.0.113.200")
	b.ReportAllocs()
	for b.Loop() {
		r.Service(dst)
	}
}

// BenchmarkIndex is what a change on a host of 200 interfaces costs.
func BenchmarkIndex(b *testing.B) {
	x, _ := office(200)
	b.ReportAllocs()
	for b.Loop() {
		NewIndex(x.network)
	}
}

// TestInstanceTagsAreOfAllItsInterfaces: one may be declared with tags and another
// not, and the instance still is one.
func TestInstanceTagsAreOfAllItsInterfaces(t *testing.T) {
	nic := func(id, space string, index int, instance string, tags Tags) *Interface {
		return &Interface{ID: id, InstanceID: instance, InstanceTags: tags, Device: Device{Name: id, Space: space, Index: index}}
	}
	n := Network{Interfaces: []*Interface{
		nic("eni-3", "pod", 2, "i-1", Tags{"Name": "inside", "Pod": "p"}),
		nic("eni-2", "", 3, "i-1", Tags{"Name": "second", "Rack": "7"}),
		nic("eni-1", "", 2, "i-1", Tags{"Name": "primary"}),
		nic("eni-4", "", 4, "i-2", nil),
		nic("eni-5", "", 5, "", Tags{"Name": "nobody's"}),
	}}
	x := NewIndex(n)
	want := Tags{"Name": "primary", "Rack": "7", "Pod": "p"}
	if diff := cmp.Diff(want, x.InstanceTags("i-1")); diff != "" {
		t.Errorf("of the instance (-want +got):\n%s", diff)
	}
	for _, i := range n.Interfaces[:3] {
		if diff := cmp.Diff(want, x.Stamp(i, nil).InstanceTags); diff != "" {
			t.Errorf("%s is stamped (-want +got):\n%s", i.ID, diff)
		}
	}
	if got := x.Instances()["i-1"]; len(got) != 3 || got[0].ID != "eni-1" || got[1].ID != "eni-2" || got[2].ID != "eni-3" {
		t.Errorf("its interfaces are %v", got)
	}
	if x.InstanceTags("i-2") != nil || x.InstanceTags("") != nil {
		t.Error("tags of an instance that has none")
	}
}
