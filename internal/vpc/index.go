package vpc

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/gaissmai/bart"
)

// An Index answers questions about one state of a network. It does not change,
// so any number of goroutines may ask.
type Index struct {
	network  Network
	byID     map[string]*Interface
	byDevice map[deviceKey]*Interface
	byName   map[deviceName]*Interface
	byAddr   map[addrKey]*Interface
	routes   map[*Interface]*bart.Table[netip.Addr] // invalid gateway: on the link
	vpcs     map[string]*VPC
	subnets  map[string]*Subnet
	machines map[string][]*Interface // by instance, in the order of [Index.Instances]
	tags     map[string]Tags         // of instances with several interfaces
}

type deviceKey struct {
	cookie uint64
	index  int
}

type deviceName struct{ space, name string }

// addrKey: the same private address may be in use in several VPCs.
type addrKey struct {
	vpc  string
	addr netip.Addr
}

// NewIndex returns an index of n, which must not change any more. Where two
// interfaces claim the same id, device or address, the first one has it.
func NewIndex(n Network) *Index {
	x := &Index{
		network:  n,
		byID:     make(map[string]*Interface, len(n.Interfaces)),
		byDevice: make(map[deviceKey]*Interface, len(n.Interfaces)),
		byName:   make(map[deviceName]*Interface, len(n.Interfaces)),
		byAddr:   make(map[addrKey]*Interface, 2*len(n.Interfaces)),
		routes:   make(map[*Interface]*bart.Table[netip.Addr], len(n.Interfaces)),
		vpcs:     make(map[string]*VPC, len(n.VPCs)),
		subnets:  make(map[string]*Subnet, len(n.Subnets)),
	}
	for i := range n.VPCs {
		x.vpcs[n.VPCs[i].ID] = &n.VPCs[i]
	}
	for i := range n.Subnets {
		x.subnets[n.Subnets[i].ID] = &n.Subnets[i]
	}
	for _, i := range n.Interfaces {
		x.add(i)
	}
	x.join()
	return x
}

func (x *Index) add(i *Interface) {
	if _, taken := x.byID[i.ID]; !taken {
		x.byID[i.ID] = i
	}
	if i.Device != (Device{}) {
		if key := (deviceKey{i.Device.Cookie, i.Device.Index}); i.Device.Cookie != 0 && x.byDevice[key] == nil {
			x.byDevice[key] = i
		}
		if key := (deviceName{i.Device.Space, i.Device.Name}); x.byName[key] == nil {
			x.byName[key] = i
		}
	}
	for _, a := range i.Addrs {
		if a.IsLinkLocalUnicast() || a.IsLoopback() {
			continue // every link has these
		}
		if key := (addrKey{i.VPCID, a}); x.byAddr[key] == nil {
			x.byAddr[key] = i
		}
	}
	if len(i.Routes) > 0 {
		t := new(bart.Table[netip.Addr])
		for _, r := range i.Routes {
			t.Insert(r.Prefix, r.Via)
		}
		x.routes[i] = t
	}
}

// join puts the interfaces of each instance together, and their word on its tags.
func (x *Index) join() {
	x.machines, x.tags = make(map[string][]*Interface), make(map[string]Tags)
	for _, i := range x.network.Interfaces {
		if i.InstanceID != "" && x.byID[i.ID] == i {
			x.machines[i.InstanceID] = append(x.machines[i.InstanceID], i)
		}
	}
	for id, list := range x.machines {
		if len(list) == 1 {
			continue
		}
		slices.SortStableFunc(list, func(a, b *Interface) int {
			return cmp.Or(strings.Compare(a.Device.Space, b.Device.Space), a.Device.Index-b.Device.Index, strings.Compare(a.ID, b.ID))
		})
		var tags Tags
		for _, i := range slices.Backward(list) {
			tags = tags.merge(i.InstanceTags)
		}
		x.tags[id] = tags
	}
}

// Instances returns the interfaces of each instance in the order of their device
// indexes, those in the host's own namespace first: the first is the primary one.
// They must not be changed.
func (x *Index) Instances() map[string][]*Interface { return x.machines }

// InstanceTags returns the tags of an instance: what its interfaces say of it
// together. Where they differ, the primary one is right.
func (x *Index) InstanceTags(id string) Tags {
	if list := x.machines[id]; len(list) == 1 {
		return list[0].InstanceTags
	}
	return x.tags[id]
}

// Network returns all that is known. It must not be changed.
func (x *Index) Network() *Network { return &x.network }

// ByID returns the interface of the given id, or nil.
func (x *Index) ByID(id string) *Interface { return x.byID[id] }

// VPC returns the VPC of the given id, or nil.
func (x *Index) VPC(id string) *VPC { return x.vpcs[id] }

// Subnet returns the subnet of the given id, or nil.
func (x *Index) Subnet(id string) *Subnet { return x.subnets[id] }

// ByDevice returns the interface whose packets are seen at d, or nil. A device
// with a cookie is known by cookie and index, another by space and name.
func (x *Index) ByDevice(d Device) *Interface {
	if d.Cookie != 0 {
		return x.byDevice[deviceKey{d.Cookie, d.Index}]
	}
	return x.byName[deviceName{d.Space, d.Name}]
}

// ByAddr returns the interface that has the address in the VPC, or nil.
func (x *Index) ByAddr(vpc string, a netip.Addr) *Interface {
	return x.byAddr[addrKey{vpc, a.Unmap()}]
}

// Covered returns the interfaces that a resource covers: a VPC, a subnet or an
// interface itself, by its id.
func (x *Index) Covered(resource string) []*Interface {
	var out []*Interface
	for _, i := range x.network.Interfaces {
		if i.ID == resource || i.SubnetID == resource || i.VPCID == resource {
			out = append(out, i)
		}
	}
	return out
}

// A Hop is an interface as the next-hop fields of a record name it. Of one in
// another account only AZ is known, as on Amazon's network.
type Hop struct {
	ID     string `json:"i,omitempty"`
	Subnet string `json:"s,omitempty"`
	VPC    string `json:"v,omitempty"`
	AZ     string `json:"z,omitempty"`
	Type   string `json:"t,omitempty"` // the field's value, see [InterfaceType.Field]
}

// NextHop returns the interface that packets to dst leave i for: the one that
// has dst, if dst is on the link, or else the route's gateway. For ingress ask
// for the source: that is who sent the packet, if it came the way the answer
// goes. It returns false if no such interface is known, or if it lies in
// another region.
func (x *Index) NextHop(i *Interface, dst netip.Addr) (Hop, bool) {
	n := x.nextHop(i, dst.Unmap())
	if n == nil || n == i || n.Region != i.Region {
		return Hop{}, false
	}
	return hopOf(i, n), true
}

func hopOf(i, n *Interface) Hop {
	if n.AccountID != i.AccountID {
		return Hop{AZ: n.AZID}
	}
	return Hop{ID: n.ID, Subnet: n.SubnetID, VPC: n.VPCID, AZ: n.AZID, Type: n.Type.Field()}
}

func (x *Index) nextHop(i *Interface, dst netip.Addr) *Interface {
	t := x.routes[i]
	if t == nil {
		return nil
	}
	via, ok := t.Lookup(dst)
	switch {
	case !ok:
		return nil
	case via.IsValid():
		return x.byAddr[addrKey{i.VPCID, via}]
	}
	return x.byAddr[addrKey{i.VPCID, dst}]
}

// sortInterfaces puts them into an order that stays while they stay.
func sortInterfaces(list []*Interface) {
	slices.SortFunc(list, func(a, b *Interface) int {
		switch {
		case a.ID < b.ID:
			return -1
		case a.ID > b.ID:
			return 1
		}
		return 0
	})
}
