package vpc

import (
	"iter"
	"maps"
	"net/netip"
	"slices"
)

// A Stamp is what a recorder needs to know of the interface of a window: it is
// kept with the window, since interfaces change and go. Absent strings are
// unknown. Its JSON is small; a reader ignores what it does not know, so that
// later versions may add to it.
type Stamp struct {
	Account     string       `json:"a"`
	ID          string       `json:"i"`
	VPC         string       `json:"v,omitempty"`
	Subnet      string       `json:"s,omitempty"`
	Instance    string       `json:"n,omitempty"`
	Region      string       `json:"r,omitempty"`
	AZ          string       `json:"z,omitempty"`
	Sublocation Sublocation  `json:"l,omitzero"`
	Type        string       `json:"t,omitempty"` // the field interface-type's value
	Addrs       []netip.Addr `json:"d,omitempty"` // as in [Interface]

	Tags         Tags `json:"g,omitempty"`
	InstanceTags Tags `json:"ng,omitempty"`

	// Hops are next hops; Ways lead to them, the longest prefix first; Near
	// tells which of them has which address, on a link.
	Hops []Hop              `json:"h,omitempty"`
	Ways []Way              `json:"w,omitempty"`
	Near map[netip.Addr]int `json:"p,omitempty"`

	// Inverted is the interface's: ingress at the device is egress of the
	// interface. Whoever makes records inverts, unless whoever captured has.
	Inverted bool `json:"x,omitempty"`
}

// A Way leads packets for Prefix to Hops[Hop]; OnLink and Unknown are no index.
type Way struct {
	Prefix netip.Prefix `json:"p"`
	Hop    int          `json:"h"`
}

// What [Way.Hop] is if not an index.
const (
	OnLink  = -1 // the destinations themselves are the next hops
	Unknown = -2 // a gateway that is no known interface
)

// Stamp returns the stamp of an interface, with the tags that its instance has by
// whatever interface of it. The next hops in it are those of the
// addresses in seen; a nil seen means all that the model has.
func (x *Index) Stamp(i *Interface, seen iter.Seq[netip.Addr]) *Stamp {
	s := &Stamp{
		Account: i.AccountID, ID: i.ID, VPC: i.VPCID, Subnet: i.SubnetID, Instance: i.InstanceID,
		Region: i.Region, AZ: i.AZID, Sublocation: i.Sublocation, Type: i.Type.Field(), Addrs: i.Addrs,
		Tags: i.Tags, InstanceTags: i.InstanceTags.merge(x.InstanceTags(i.InstanceID)), Inverted: i.Inverted,
	}
	if len(i.Routes) == 0 {
		return s
	}
	b := hopTable{stamp: s, from: i, index: make(map[*Interface]int)}
	for _, r := range i.Routes {
		way := Way{Prefix: r.Prefix, Hop: OnLink}
		if r.Via.IsValid() {
			way.Hop = Unknown
			if n := x.byAddr[addrKey{i.VPCID, r.Via}]; n != nil {
				way.Hop = b.hop(n)
			}
		}
		s.Ways = append(s.Ways, way)
	}
	slices.SortStableFunc(s.Ways, func(a, b Way) int { return b.Prefix.Bits() - a.Prefix.Bits() })
	if seen == nil {
		seen = x.addrsOf(i.VPCID)
	}
	for a := range seen {
		a = a.Unmap()
		if way, ok := s.way(a); !ok || way != OnLink {
			continue
		}
		if n := x.byAddr[addrKey{i.VPCID, a}]; n != nil && n != i {
			if h := b.hop(n); h >= 0 {
				if s.Near == nil {
					s.Near = make(map[netip.Addr]int)
				}
				s.Near[a] = h
			}
		}
	}
	return s
}

// addrsOf yields the addresses of a VPC in order, so that equal models make
// equal stamps.
func (x *Index) addrsOf(vpc string) iter.Seq[netip.Addr] {
	var all []netip.Addr
	for k := range x.byAddr {
		if k.vpc == vpc {
			all = append(all, k.addr)
		}
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Values(all)
}

type hopTable struct {
	stamp *Stamp
	from  *Interface
	index map[*Interface]int
}

func (b *hopTable) hop(n *Interface) int {
	if n == b.from || n.Region != b.from.Region {
		return Unknown
	}
	h, ok := b.index[n]
	if !ok {
		h = len(b.stamp.Hops)
		b.stamp.Hops = append(b.stamp.Hops, hopOf(b.from, n))
		b.index[n] = h
	}
	return h
}

func (s *Stamp) way(a netip.Addr) (int, bool) {
	for i := range s.Ways {
		if s.Ways[i].Prefix.Contains(a) {
			return s.Ways[i].Hop, true
		}
	}
	return 0, false
}

// NextHop is [Index.NextHop] for the state of the model that the stamp is from,
// for the addresses it was made with. It allocates nothing.
func (s *Stamp) NextHop(dst netip.Addr) (Hop, bool) {
	dst = dst.Unmap()
	h, ok := s.way(dst)
	if ok && h == OnLink {
		h, ok = s.Near[dst]
	}
	if !ok || h < 0 || h >= len(s.Hops) {
		return Hop{}, false
	}
	return s.Hops[h], true
}

// PrimaryIPv4 returns the address that stands for the interface in srcaddr and
// dstaddr; it is invalid if the interface has no IPv4 address.
func (s *Stamp) PrimaryIPv4() netip.Addr { return primaryIPv4(s.Addrs) }

// Has says whether the address is one of the interface's own.
func (s *Stamp) Has(a netip.Addr) bool { return slices.Contains(s.Addrs, a.Unmap()) }

// WithTags returns a copy with only the tags whose keys are given. Most tags
// are in no flow log's format and need not be kept.
func (s *Stamp) WithTags(interfaceKeys, instanceKeys []string) *Stamp {
	out := *s
	keep := func(t Tags, keys []string) Tags {
		t = maps.Clone(t)
		maps.DeleteFunc(t, func(k, _ string) bool { return !slices.Contains(keys, k) })
		return t
	}
	out.Tags, out.InstanceTags = keep(s.Tags, interfaceKeys), keep(s.InstanceTags, instanceKeys)
	return &out
}
