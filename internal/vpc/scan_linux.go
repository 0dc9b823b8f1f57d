package vpc

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// maxRoutes is how many routes of a namespace are kept. A router may have a
// million; next hops are told by the first of the main table only then.
const maxRoutes = 4096

func sortInts(list []int) { slices.Sort(list) }

// scan reads the devices of a namespace, with addresses and routes.
func scan(h *netlink.Handle) ([]*link, error) {
	list, err := h.LinkList()
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	links := make([]*link, 0, len(list))
	byIndex := make(map[int]*link, len(list))
	for _, l := range list {
		f := linkOf(l)
		links = append(links, f)
		byIndex[f.index] = f
	}
	for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
		addrs, err := h.AddrList(nil, family)
		if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
			return nil, fmt.Errorf("list addresses: %w", err)
		}
		for _, a := range addrs {
			if l := byIndex[a.LinkIndex]; l != nil {
				l.addPrefix(a)
			}
		}
	}
	for _, l := range links {
		slices.SortStableFunc(l.prefixes, func(a, b netip.Prefix) int { return addrRank(a.Addr()) - addrRank(b.Addr()) })
	}
	return links, scanRoutes(h, byIndex)
}

func linkOf(l netlink.Link) *link {
	a := l.Attrs()
	f := &link{
		index: a.Index, name: a.Name, kind: l.Type(), mac: etherMAC(a.HardwareAddr), perm: etherMAC(a.PermHWAddr),
		bus: a.ParentDev, master: a.MasterIndex, parent: a.ParentIndex, nsid: a.NetNsID,
		up: a.RawFlags&unix.IFF_UP != 0, loopback: a.RawFlags&unix.IFF_LOOPBACK != 0,
	}
	if t, ok := l.(*netlink.Tuntap); ok {
		f.tap = t.Mode == netlink.TUNTAP_MODE_TAP
	}
	f.tap = f.tap || f.kind == "macvtap"
	return f
}

func etherMAC(b []byte) string {
	if len(b) != 6 || slices.Equal(b, make([]byte, 6)) {
		return ""
	}
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5])
}

// addPrefix adds an address, secondary ones behind the primary one: that is the
// order in which the kernel lists them.
func (l *link) addPrefix(a netlink.Addr) {
	if a.IPNet == nil {
		return
	}
	addr, ok := netip.AddrFromSlice(a.IP)
	if !ok || a.Flags&unix.IFA_F_TENTATIVE != 0 && a.Flags&unix.IFA_F_DADFAILED != 0 {
		return
	}
	ones, _ := a.Mask.Size()
	if a.Peer != nil { // the prefix of a point-to-point address is the peer's
		ones, _ = a.Peer.Mask.Size()
	}
	l.prefixes = append(l.prefixes, netip.PrefixFrom(addr.Unmap(), ones))
}

func scanRoutes(h *netlink.Handle, byIndex map[int]*link) error {
	for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
		n := 0
		err := h.RouteListFilteredIter(family, &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE, func(r netlink.Route) bool {
			if addRoute(r, family, byIndex) {
				n++
			}
			return n < maxRoutes
		})
		if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
			return fmt.Errorf("list routes: %w", err)
		}
	}
	return nil
}

func addRoute(r netlink.Route, family int, byIndex map[int]*link) bool {
	if r.Type != unix.RTN_UNICAST {
		return false
	}
	index, gw := r.LinkIndex, r.Gw
	if len(r.MultiPath) > 0 {
		index, gw = r.MultiPath[0].LinkIndex, r.MultiPath[0].Gw
	}
	l := byIndex[index]
	if l == nil || l.loopback {
		return false
	}
	p := everywhere4
	if family == unix.AF_INET6 {
		p = everywhere6
	}
	if r.Dst != nil {
		addr, ok := netip.AddrFromSlice(r.Dst.IP)
		ones, _ := r.Dst.Mask.Size()
		if !ok {
			return false
		}
		if family == unix.AF_INET {
			addr = addr.Unmap() // a default route's is written as of IPv6
		}
		p = netip.PrefixFrom(addr, ones)
	}
	if p.Addr().IsLinkLocalUnicast() || p.Addr().IsMulticast() {
		return false
	}
	via, _ := netip.AddrFromSlice(gw)
	l.routes = append(l.routes, Route{Prefix: p.Masked(), Via: via.Unmap()})
	return true
}
