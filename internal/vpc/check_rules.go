package vpc

import (
	"fmt"
	"net"
	"strconv"
)

func (k *checker) groups() {
	type inVPC struct{ vpc, name string }
	seen := make(map[inVPC]bool)
	for i := range k.c.SecurityGroups {
		g := &k.c.SecurityGroups[i]
		k.inVPC(at("security-groups", i, ""), &g.VPC)
		if g.ID == "" {
			g.ID = id("sg", g.VPC, g.Name)
		}
		key := inVPC{g.VPC, g.Name}
		if !seen[key] {
			k.identify(&k.groupNames, "security group", "security-groups", i, g.ID, g.Name)
		} else {
			k.problem(at("security-groups", i, "name"), "another security group is called %q", g.Name)
		}
		seen[key] = true
	}
}

func (k *checker) prefixLists() {
	for i := range k.c.PrefixLists {
		l := &k.c.PrefixLists[i]
		if l.ID == "" {
			l.ID = id("pl", string(k.c.Account), string(k.c.Region), l.Name)
		}
		k.identify(&k.listNames, "prefix list", "prefix-lists", i, l.ID, l.Name)
	}
}

func (k *checker) groupRules() {
	for i := range k.c.SecurityGroups {
		g := &k.c.SecurityGroups[i]
		lists := map[string][]RuleConfig{"ingress": g.Ingress}
		if g.Egress != nil {
			lists["egress"] = *g.Egress
		}
		for dir, rules := range lists {
			for n := range rules {
				r := &rules[n]
				place := at("security-groups", i, fmt.Sprintf("%s[%d]", dir, n))
				k.ports(place, r.Protocol, r.Ports, r.ICMP)
				if len(r.CIDRs) == 0 && len(r.SecurityGroups) == 0 && len(r.PrefixLists) == 0 {
					k.problem(place, "needs cidrs, security-groups or prefix-lists: a rule without allows nothing")
				}
				for m := range r.PrefixLists {
					k.refer(&k.listNames, "prefix list", fmt.Sprintf("%s.prefix-lists[%d]", place, m), &r.PrefixLists[m])
				}
				for m := range r.SecurityGroups {
					k.refer(&k.groupNames, "security group", fmt.Sprintf("%s.security-groups[%d]", place, m), &r.SecurityGroups[m])
				}
			}
		}
	}
}

func (k *checker) acls() {
	defaults := make(map[string]bool)
	for i := range k.c.NetworkACLs {
		a := &k.c.NetworkACLs[i]
		k.inVPC(at("network-acls", i, ""), &a.VPC)
		if a.ID == "" {
			a.ID = id("acl", a.VPC, a.Name)
		}
		k.identify(&k.aclNames, "network ACL", "network-acls", i, a.ID, a.Name)
		if a.Default && defaults[a.VPC] {
			k.problem(at("network-acls", i, "default"), "another network ACL is the VPC's default already")
		}
		defaults[a.VPC] = defaults[a.VPC] || a.Default
		for dir, entries := range map[string][]ACLEntryConfig{"ingress": a.Ingress, "egress": a.Egress} {
			numbers := make(map[int]int)
			for n, e := range entries {
				place := at("network-acls", i, fmt.Sprintf("%s[%d]", dir, n))
				k.ports(place, e.Protocol, e.Ports, e.ICMP)
				if first, taken := numbers[e.Number]; taken {
					k.problem(place+".number", "rule %d is also %s[%d]", e.Number, dir, first)
				}
				numbers[e.Number] = n
			}
		}
	}
}

func (k *checker) ports(place string, p Protocol, ports PortRange, icmp *ICMPConfig) {
	if ports != (PortRange{}) && p != ProtoTCP && p != ProtoUDP {
		k.problem(place+".ports", "only tcp and udp have ports")
	}
	if icmp != nil && p != ProtoICMP && p != ProtoICMPv6 {
		k.problem(place+".icmp", "only with protocol icmp or icmpv6")
	}
}

func checkListen(s string) error {
	_, port, err := net.SplitHostPort(s)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%q: want address and port, such as 127.0.0.1:7979", s)
	}
	return nil
}
