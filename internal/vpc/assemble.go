package vpc

import (
	"net/netip"
	"slices"
	"strings"
)

// assemble makes a network of what the configuration says and what was found on
// this host. remembered are ids of devices seen before, by namespace and index:
// a device that is renamed is still the same.
func assemble(c *Config, h *Host, spaces []*space, remembered map[rememberKey]string) Network {
	n := c.network(h.machine)
	a := assembly{c: c, h: h, n: &n, made: make(map[string]bool), remembered: remembered}
	ends := choose(spaces, a.capture)
	slices.SortStableFunc(ends, compareEnds)
	for i := range ends {
		n.Interfaces = append(n.Interfaces, a.iface(&ends[i]))
	}
	for i := range c.Interfaces {
		if e := &c.Interfaces[i]; e.Match == (MatchConfig{}) {
			n.Interfaces = append(n.Interfaces, a.declared(e))
		}
	}
	sortInterfaces(n.Interfaces)
	return n
}

// compareEnds gives the first of several devices with one MAC the id that is
// made from it, whatever order they were found in.
func compareEnds(a, b endpoint) int {
	if c := strings.Compare(a.at.space.name, b.at.space.name); c != 0 {
		return c
	}
	if c := strings.Compare(a.at.bus, b.at.bus); c != 0 {
		return c
	}
	return strings.Compare(a.at.name, b.at.name)
}

// rememberKey is a device and who owned it: what was seen before its owner was
// known is not the same interface.
type rememberKey struct {
	deviceKey
	owner string
}

type assembly struct {
	c          *Config
	h          *Host
	n          *Network
	made       map[string]bool // ids given
	remembered map[rememberKey]string
}

func (a *assembly) capture(e *endpoint) (yes, known bool) {
	for i := range a.c.Interfaces {
		if x := &a.c.Interfaces[i]; x.Capture != nil && x.Match.matches(e, macOf(e)) {
			return *x.Capture, true
		}
	}
	return false, false
}

func macOf(e *endpoint) string {
	if e.at.guest != nil && e.at.guest.MAC != "" {
		return e.at.guest.MAC
	}
	if e.inside == nil && e.inverted {
		return ""
	}
	return e.of().mac
}

func (a *assembly) iface(e *endpoint) *Interface {
	l := e.of()
	i := &Interface{
		AccountID: a.n.AccountID, Region: a.n.Region,
		Name: l.name, MAC: macOf(e), Device: l.device(), Inverted: e.inverted,
		InstanceID: a.h.ID("i"),
		Routes:     slices.Clone(l.routes),
	}
	if e.inverted {
		i.Device = e.at.device()
		i.Routes = nil
		if e.inside != nil {
			i.Inside, i.Routes = e.inside.device(), slices.Clone(e.inside.routes)
		}
	}
	prefixes := l.prefixes
	switch g, o := e.at.guest, l.space.owner; {
	case g != nil:
		i.InstanceID, i.InstanceTags, prefixes = a.h.ID("i", "guest", g.UUID), Tags{"Name": g.Name}, nil
		i.Addrs = slices.Clone(g.Addrs)
	case o != nil:
		i.InstanceID, i.InstanceTags = a.h.ID("i", "container", o.key()), o.Tags
	case e.inverted && e.inside == nil:
		i.InstanceID, prefixes = "", nil // whose it is isn't known
	}
	for _, p := range prefixes {
		i.Addrs = append(i.Addrs, p.Addr())
		if p.Bits() < p.Addr().BitLen() {
			i.Routes = append(i.Routes, Route{Prefix: p.Masked()})
		}
	}
	i.ID = a.id(e)
	subnet := a.override(i, e)
	if i.ID == "" || a.made[i.ID] {
		i.ID = a.h.ID("eni", a.h.interfaceParts(l.device(), l, true)...)
	}
	a.made[i.ID] = true
	a.place(i, subnet, prefixes, e.at.space.name)
	return i
}

func (l *link) device() Device {
	return Device{Netns: l.space.path, Space: l.space.name, Name: l.name, Index: l.index, Cookie: l.space.cookie, MAC: l.mac}
}

// id returns the id of an endpoint: the one it has had since it was first seen,
// or else one that is made from what stays.
func (a *assembly) id(e *endpoint) string {
	l := e.of()
	key := rememberKey{deviceKey{l.space.cookie, l.index}, ""}
	switch {
	case e.at.guest != nil:
		key.owner = e.at.guest.UUID
	case l.space.owner != nil:
		key.owner = l.space.owner.key()
	}
	if id := a.remembered[key]; id != "" && !a.made[id] {
		return id
	}
	made := ""
	switch g, o := e.at.guest, l.space.owner; {
	case g != nil:
		made = a.h.ID("eni", "guest", g.UUID, g.MAC)
	case o != nil:
		made = a.h.ID("eni", "container", o.key(), l.name)
	case e.inside != nil && l.space.anonymous():
		made = a.h.ID("eni", a.h.interfaceParts(e.at.device(), e.at, false)...)
	default:
		made = a.h.ID("eni", a.h.interfaceParts(l.device(), l, false)...)
	}
	if a.remembered != nil && key.cookie != 0 {
		a.remembered[key] = made
	}
	return made
}

// anonymous says that the namespace has no name that is the same after a restart.
func (s *space) anonymous() bool {
	return strings.HasPrefix(s.name, "/proc/") || strings.HasPrefix(s.name, "/run/docker/")
}

// override applies what the configuration says of an endpoint and returns the
// subnet it names.
func (a *assembly) override(i *Interface, e *endpoint) (subnet string) {
	for n := range a.c.Interfaces {
		if x := &a.c.Interfaces[n]; x.Match.matches(e, i.MAC) {
			if subnet == "" {
				subnet = x.Subnet
			}
			if x.ID != "" && !a.made[x.ID] {
				i.ID = x.ID
			}
			x.apply(i)
		}
	}
	if i.Service != "" {
		i.InstanceID = ""
	}
	return subnet
}

// apply sets what is not set yet by an earlier entry.
func (x *InterfaceConfig) apply(i *Interface) {
	if len(x.Addresses) > 0 {
		var addrs []netip.Addr
		for _, p := range x.Addresses {
			addrs = append(addrs, p.Addr)
		}
		for _, p := range i.Addrs {
			if !slices.Contains(addrs, p) {
				addrs = append(addrs, p)
			}
		}
		i.Addrs = addrs
	}
	if x.Account != "" {
		i.AccountID = string(x.Account)
	}
	switch {
	case x.InstanceID == "-":
		i.InstanceID = ""
	case x.InstanceID != "":
		i.InstanceID = x.InstanceID
	}
	if i.Type == "" {
		i.Type = InterfaceType(x.Type)
	}
	if i.Service == "" {
		i.Service = x.Service
	}
	if i.Description == "" {
		i.Description = x.Description
	}
	if i.SecurityGroups == nil {
		i.SecurityGroups = x.SecurityGroups
	}
	i.Tags = x.Tags.merge(i.Tags)
	i.InstanceTags = i.InstanceTags.merge(x.InstanceTags)
}

// declared makes the interface of an entry about one elsewhere.
func (a *assembly) declared(x *InterfaceConfig) *Interface {
	i := &Interface{AccountID: a.n.AccountID, Region: a.n.Region, ID: x.ID}
	x.apply(i)
	a.place(i, x.Subnet, nil, "")
	if i.ID == "" {
		i.ID = id("eni", i.VPCID, i.Addrs[0].String())
	}
	if i.Service != "" {
		i.InstanceID = ""
	}
	return i
}

// place puts an interface into its subnet and VPC.
func (a *assembly) place(i *Interface, subnet string, prefixes []netip.Prefix, space string) {
	slices.SortStableFunc(i.Addrs, func(x, y netip.Addr) int { return addrRank(x) - addrRank(y) })
	s := a.subnet(subnet, i.Addrs)
	if s == nil {
		s = a.connectedSubnet(prefixes, i.Addrs, space)
	}
	v := a.defaultVPC()
	if s != nil {
		v = a.vpc(s.VPCID)
		i.SubnetID, i.Sublocation, i.AZID, i.Plan = s.ID, s.Sublocation, s.Zone.ID, s.Plan
		i.Routes = append(i.Routes, s.Routes...)
		for _, c := range s.CIDRs {
			i.Routes = append(i.Routes, Route{Prefix: c})
		}
		if i.Sublocation.Type != "" {
			i.AZID = ""
		}
	} else {
		i.AZID = string(a.c.AvailabilityZoneID)
	}
	i.VPCID = v.ID
	if v.AmazonPlan {
		// There the VPC's own router is nobody's interface: the next hop is
		// whoever has the address, in any subnet.
		i.Routes = slices.DeleteFunc(i.Routes, func(r Route) bool { return r.Via.IsValid() && r.Via == i.Plan.Router })
		for _, c := range v.CIDRs {
			i.Routes = append(i.Routes, Route{Prefix: c})
		}
	}
	i.Routes = tidy(i.Routes)
}

// tidy sorts routes and leaves one for each prefix: the first.
func tidy(routes []Route) []Route {
	slices.SortStableFunc(routes, func(x, y Route) int {
		if c := y.Prefix.Bits() - x.Prefix.Bits(); c != 0 {
			return c
		}
		return x.Prefix.Addr().Compare(y.Prefix.Addr())
	})
	return slices.CompactFunc(routes, func(x, y Route) bool { return x.Prefix == y.Prefix })
}

// addrRank is the order of an interface's addresses.
func addrRank(a netip.Addr) (rank int) {
	if a.IsLinkLocalUnicast() {
		rank = 2
	}
	if !a.Is4() {
		rank++
	}
	return rank
}
