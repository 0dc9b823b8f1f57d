package firewall

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"weir/internal/vpc"
)

// This translates a network's rules for nftables. It shares nothing with the package but
// the model.

// hostRules are the security groups of an interface, at its host: stateful, by the
// kernel's connection tracking.
func hostRules(n *vpc.Network, i *vpc.Interface) string {
	var b strings.Builder
	b.WriteString("add table inet fw\ndelete table inet fw\ntable inet fw {\n")
	for _, hook := range []string{"input", "output"} {
		fmt.Fprintf(&b, "chain %s { type filter hook %s priority 0; policy drop;\n iifname lo accept\n oifname lo accept\n ct state established accept\n", hook, hook)
		for _, g := range n.SecurityGroups {
			if !slices.Contains(i.SecurityGroups, g.ID) {
				continue
			}
			rules, side := g.Ingress, "saddr"
			if hook == "output" {
				rules, side = g.Egress, "daddr"
			}
			for _, r := range rules {
				for _, p := range nftPeers(n, r) {
					fmt.Fprintf(&b, " %s %s accept\n", nftAddr(side, p), nftService(r.Protocol, r.Ports, r.ICMP))
				}
			}
		}
		b.WriteString("}\n")
	}
	return b.String() + "}\n"
}

func nftPeers(n *vpc.Network, r vpc.SecurityGroupRule) (out []netip.Prefix) {
	out = append(out, r.CIDRs...)
	for _, i := range n.Interfaces {
		for _, id := range r.Groups {
			if slices.Contains(i.SecurityGroups, id) {
				for _, a := range i.Addrs {
					out = append(out, netip.PrefixFrom(a, a.BitLen()))
				}
			}
		}
	}
	for _, l := range n.PrefixLists {
		if slices.Contains(r.PrefixLists, l.ID) {
			out = append(out, l.CIDRs...)
		}
	}
	return out
}

func nftAddr(side string, p netip.Prefix) string {
	family, meta := "ip", "ipv4"
	if p.Addr().Is6() {
		family, meta = "ip6", "ipv6"
	}
	if p.Bits() == 0 {
		return "meta nfproto " + meta
	}
	return fmt.Sprintf("%s %s %s", family, side, p)
}

func nftService(p vpc.Protocol, ports vpc.PortRange, icmp *vpc.ICMP) string {
	if p == vpc.AllProtocols {
		return ""
	}
	s := fmt.Sprintf("meta l4proto %d", int(p))
	if ports != (vpc.PortRange{}) {
		s += fmt.Sprintf(" th dport %d-%d", ports.From, ports.To)
		if ports.From == ports.To {
			s = fmt.Sprintf("meta l4proto %d th dport %d", int(p), ports.From)
		}
	}
	if icmp != nil && icmp.Type >= 0 {
		s += fmt.Sprintf(" @th,0,8 %d", icmp.Type)
		if icmp.Code >= 0 {
			s += fmt.Sprintf(" @th,8,8 %d", icmp.Code)
		}
	}
	return s
}

// routerRules are the network ACLs, where packets leave one subnet and enter another.
// devices are the router's, by subnet.
func routerRules(n *vpc.Network, devices map[string][]string) string {
	var b, jumps strings.Builder
	b.WriteString("add table inet fw\ndelete table inet fw\ntable inet fw {\n")
	for _, leaving := range []bool{true, false} {
		for i, s := range n.Subnets {
			names := strings.Join(devices[s.ID], ", ")
			chain, match := fmt.Sprintf("in%d", i), fmt.Sprintf("oifname { %s } iifname != { %s }", names, names)
			side := "saddr"
			if leaving {
				chain, match, side = fmt.Sprintf("out%d", i), fmt.Sprintf("iifname { %s } oifname != { %s }", names, names), "daddr"
			}
			fmt.Fprintf(&jumps, " %s jump %s\n", match, chain)
			fmt.Fprintf(&b, "chain %s {\n", chain)
			for _, a := range n.NetworkACLs {
				if a.ID != s.NetworkACLID {
					continue
				}
				entries := slices.Clone(a.Ingress)
				if leaving {
					entries = slices.Clone(a.Egress)
				}
				slices.SortFunc(entries, func(x, y vpc.ACLEntry) int { return x.Number - y.Number })
				for _, e := range entries {
					verdict := "drop"
					if e.Allow {
						verdict = "return"
					}
					fmt.Fprintf(&b, " %s %s %s\n", nftAddr(side, e.CIDR), nftService(e.Protocol, e.Ports, e.ICMP), verdict)
				}
			}
			b.WriteString(" drop\n}\n")
		}
	}
	return b.String() + "chain forward { type filter hook forward priority 0;\n" + jumps.String() + "}\n}\n"
}
