package vpc

import (
	"net/netip"
	"path"
	"slices"
)

// A space is a network namespace and what was found in it.
type space struct {
	cookie, inode uint64
	path          string // "" for this process's own
	name          string // for ids; "" for this process's own
	watched       bool   // its devices may become interfaces
	owner         *owner // container that lives in it; nil if none is known
	links         []*link
}

func (s *space) own() bool { return s.path == "" }

// A link is a network device.
type link struct {
	space  *space
	index  int
	name   string
	kind   string // as "ip -d link" says: "veth", "bridge", "vlan"; "device" for hardware
	mac    string // empty if there is none
	perm   string // hardware's own MAC, if that is known
	bus    string // such as a PCI address
	master int    // index of the bridge, bond, … that it is a port of; 0 if none
	parent int    // index of the other end, or of the device below
	nsid   int    // of the namespace parent is in, as this namespace numbers it; -1 is the same

	up, loopback, tap bool

	prefixes []netip.Prefix // IPv4 first, link-local last
	routes   []Route

	peer  *link  // other end of a veth, if that was found
	guest *guest // whose cable a tap is
}

// connected says whether the device is on a network by itself: it has an
// address in a prefix that has room for others. The single addresses that some
// container networks give to the host's end of each cable do not count.
func (l *link) connected() bool {
	return slices.ContainsFunc(l.prefixes, func(p netip.Prefix) bool {
		return p.Bits() < p.Addr().BitLen() && !p.Addr().IsLinkLocalUnicast()
	})
}

func (l *link) addressed() bool {
	return slices.ContainsFunc(l.prefixes, func(p netip.Prefix) bool { return !p.Addr().IsLinkLocalUnicast() })
}

// masterKind returns the kind of the device that l is a port of.
func (l *link) masterKind() string {
	for _, m := range l.space.links {
		if l.master != 0 && m.index == l.master {
			return m.kind
		}
	}
	return ""
}

// port says whether what l carries is seen at another device, too: it is a port
// of a bridge or of a bond. A device in a VRF is not.
func (l *link) port() bool { return l.master != 0 && l.masterKind() != "vrf" }

// An endpoint is a device that becomes an interface.
type endpoint struct {
	at       *link // where packets are seen
	inside   *link // the interface's own end, if that was found
	inverted bool  // at is the other end of the interface's cable
}

// of returns the link that addresses and name are taken from.
func (e *endpoint) of() *link {
	if e.inside != nil {
		return e.inside
	}
	return e.at
}

// choose returns which devices become interfaces: endpoints, so that a packet is
// in the records of the two interfaces it goes between, and not also in those
// of the bridge, the bond and the port on its way.
func choose(spaces []*space, capture func(*endpoint) (yes, known bool)) []endpoint {
	var out []endpoint
	taken := make(map[*link]bool) // interfaces seen at the other end of their cable
	for _, s := range spaces {
		for _, l := range s.links {
			if !s.watched {
				continue
			}
			e, ok := endpointOf(l)
			if yes, known := capture(&e); known {
				ok = yes
			}
			if ok {
				out = append(out, e)
				if e.inside != nil {
					taken[e.inside] = true
				}
			}
		}
	}
	return slices.DeleteFunc(out, func(e endpoint) bool { return taken[e.at] })
}

// endpointOf returns l as an endpoint, and whether it is one by default.
func endpointOf(l *link) (endpoint, bool) {
	e := endpoint{at: l}
	switch l.kind {
	case "veth":
		return vethEnd(l)
	case "tuntap", "tun", "macvtap":
		if l.tap && !l.connected() {
			e.inverted = true // the cable of a virtual machine
			return e, l.guest != nil || l.port() || l.up
		}
		return e, l.addressed() && !l.port()
	case "device":
		return e, !l.loopback && !l.port() && (l.up || l.addressed()) && (l.connected() || !l.carriesVLANs())
	case "bridge":
		return e, l.connected() && l.hasUplink() && !l.port()
	case "bond", "team":
		return e, !l.port() && (l.connected() || !l.carriesVLANs())
	case "dummy", "ifb", "nlmon", "vrf", "openvswitch":
		return e, false
	case "vxlan", "geneve", "gretap", "ip6gretap":
		return e, l.connected() && !l.port()
	}
	return e, !l.loopback && l.addressed() && !l.port()
}

// vethEnd decides about a virtual Ethernet pair: which of its ends stands for
// it, and for whom.
func vethEnd(l *link) (endpoint, bool) {
	e := endpoint{at: l}
	p := l.peer
	if p == nil {
		if l.connected() {
			return e, true
		}
		e.inverted = l.nsid >= 0 // somebody's cable, whoever it is
		return e, l.nsid >= 0 || !l.port()
	}
	if p.space == l.space {
		return e, !l.port() && (l.connected() || p.port())
	}
	forContainer := p.space.owner != nil && !p.space.watched && l.space.owner == nil
	if l.connected() && !forContainer {
		return e, true
	}
	if forContainer || p.connected() || hostEnd(l, p) {
		if p.port() {
			return e, !l.port() // p is the host's end, but nobody watches there
		}
		e.inside, e.inverted = p, true
		return e, true
	}
	return e, !p.space.watched && !l.port()
}

// hostEnd says whether, of two ends that are on no network, l is the host's. Of
// the two ends of a cable at most one is.
func hostEnd(l, p *link) bool {
	switch {
	case l.port() != p.port():
		return l.port()
	case l.port():
		return false // a patch cable between two bridges
	case (l.space.owner == nil) != (p.space.owner == nil):
		return l.space.owner == nil
	case l.space.own() != p.space.own():
		return l.space.own()
	case l.addressed() != p.addressed():
		return p.addressed()
	case l.space.watched != p.space.watched:
		return l.space.watched
	}
	return l.space.inode < p.space.inode
}

func (l *link) carriesVLANs() bool {
	return slices.ContainsFunc(l.space.links, func(o *link) bool { return o.kind == "vlan" && o.parent == l.index && o.nsid < 0 })
}

// hasUplink says whether a bridge leads out of the machine.
func (l *link) hasUplink() bool {
	return slices.ContainsFunc(l.space.links, func(o *link) bool {
		return o.master == l.index && slices.Contains([]string{"device", "bond", "team", "vlan"}, o.kind)
	})
}

// connect finds the other ends of cables. The namespace behind a number is told
// by resolve, which returns nil if it doesn't know.
func connect(spaces []*space, resolve func(s *space, nsid int) *space) {
	for _, s := range spaces {
		for _, l := range s.links {
			if l.kind != "veth" || l.parent == 0 {
				continue
			}
			other := s
			if l.nsid >= 0 {
				other = resolve(s, l.nsid)
			}
			if other == nil {
				continue
			}
			for _, p := range other.links {
				if p.index == l.parent && p.kind == "veth" && p != l {
					l.peer, p.peer = p, l
				}
			}
		}
	}
}

// matches says whether the entry of the configuration means the endpoint.
func (m MatchConfig) matches(e *endpoint, mac string) bool {
	if m == (MatchConfig{}) {
		return false
	}
	if m.Name != "" && !glob(m.Name, e.at.name) && !(e.inside != nil && glob(m.Name, e.inside.name)) {
		return false
	}
	if m.MAC != "" && string(m.MAC) != mac && string(m.MAC) != e.at.mac {
		return false
	}
	return m.Namespace == "" || slices.ContainsFunc(e.spaceNames(), func(n string) bool { return glob(m.Namespace, n) })
}

// spaceNames are what a configuration may call the namespace of an endpoint.
func (e *endpoint) spaceNames() []string {
	l := e.of()
	names := []string{l.space.name}
	if l.space.own() && l.guest == nil {
		names[0] = "host"
	}
	if o := l.space.owner; o != nil {
		names = append(names, o.Name, o.ID)
	}
	if l.guest != nil {
		names = append(names, l.guest.Name, l.guest.UUID)
	}
	return names
}

func glob(pattern, s string) bool {
	ok, err := path.Match(pattern, s)
	return err == nil && ok && s != ""
}
