package firewall

import (
	"net/netip"
	"slices"
	"strings"

	"weir/internal/vpc"
)

// A Set has the policies of a network. It does not change, and any number of goroutines
// may ask.
type Set struct {
	policies map[string]*Policy // by interface
	members  members
}

// members tells which groups an address is in, a bit for each group that rules refer to.
type members struct {
	bits   map[string]int32 // by group
	byAddr map[netip.Addr][]uint64
}

// A Policy answers for one interface.
type Policy struct {
	Interface *vpc.Interface
	Groups    []string // ids of its security groups; none: nothing is filtered by groups
	ACL       string   // id of its subnet's network ACL; "": not known, nothing is filtered by it

	groups  [2]*table // by Direction
	acl     [2]*table
	subnet  []netip.Prefix
	plan    vpc.Plan
	members *members
}

// Compile makes the policies of all interfaces of a network, which must not change any
// more. What the network does not have is left out: an interface without groups passes
// everything that the network ACL passes, and the other way round.
func Compile(n *vpc.Network) *Set {
	c := compiler{n: n, groups: map[string]*vpc.SecurityGroup{}, lists: map[string]*vpc.PrefixList{},
		combined: map[string][2]*table{}, acls: map[string][2]*table{}}
	s := &Set{policies: make(map[string]*Policy, len(n.Interfaces))}
	c.members = &s.members
	for i := range n.SecurityGroups {
		c.groups[n.SecurityGroups[i].ID] = &n.SecurityGroups[i]
	}
	for i := range n.PrefixLists {
		c.lists[n.PrefixLists[i].ID] = &n.PrefixLists[i]
	}
	c.join()
	for i := range n.NetworkACLs {
		c.acls[n.NetworkACLs[i].ID] = c.acl(&n.NetworkACLs[i])
	}
	subnets := map[string]*vpc.Subnet{}
	for i := range n.Subnets {
		subnets[n.Subnets[i].ID] = &n.Subnets[i]
	}
	for _, i := range n.Interfaces {
		p := &Policy{Interface: i, Groups: i.SecurityGroups, plan: i.Plan, members: c.members}
		if len(i.SecurityGroups) > 0 {
			p.groups = c.combine(i.SecurityGroups)
		}
		if sub := subnets[i.SubnetID]; sub != nil {
			p.subnet = sub.CIDRs
			if acl, ok := c.acls[sub.NetworkACLID]; ok {
				p.ACL, p.acl = sub.NetworkACLID, acl
			}
			if p.plan == (vpc.Plan{}) {
				p.plan = sub.Plan
			}
		}
		s.policies[i.ID] = p
	}
	return s
}

// Policy returns the policy of an interface, or nil if the network has no such interface.
func (s *Set) Policy(id string) *Policy {
	if s == nil {
		return nil
	}
	return s.policies[id]
}

type compiler struct {
	n        *vpc.Network
	groups   map[string]*vpc.SecurityGroup
	lists    map[string]*vpc.PrefixList
	members  *members
	combined map[string][2]*table // by ids of groups
	acls     map[string][2]*table
}

// join finds out which addresses are in the groups that rules refer to.
func (c *compiler) join() {
	m := c.members
	m.bits, m.byAddr = map[string]int32{}, map[netip.Addr][]uint64{}
	for i := range c.n.SecurityGroups {
		g := &c.n.SecurityGroups[i]
		for _, r := range slices.Concat(g.Ingress, g.Egress) {
			for _, id := range r.Groups {
				if _, ok := m.bits[id]; !ok {
					m.bits[id] = int32(len(m.bits))
				}
			}
		}
	}
	for _, i := range c.n.Interfaces {
		set := make([]uint64, (len(m.bits)+63)/64)
		for _, id := range i.SecurityGroups {
			if bit, ok := m.bits[id]; ok {
				set[bit>>6] |= 1 << (bit & 63)
			}
		}
		for _, a := range i.Addrs {
			old := m.byAddr[a]
			if old == nil {
				m.byAddr[a] = set
				continue
			}
			both := slices.Clone(set) // two VPCs with one network
			for k := range both {
				both[k] |= old[k]
			}
			m.byAddr[a] = both
		}
	}
}

// combine makes the tables of an interface that is in all these groups.
func (c *compiler) combine(ids []string) [2]*table {
	key := strings.Join(ids, " ")
	if t, ok := c.combined[key]; ok {
		return t
	}
	t := [2]*table{new(table), new(table)}
	for _, id := range ids {
		g := c.groups[id]
		if g == nil {
			// Nobody described it: whatever it allows is not known.
			for d, table := range t {
				table.add(Rule{Owner: id, Direction: Direction(d), Allow: true, Protocol: vpc.AllProtocols}, -1, true)
			}
			continue
		}
		for d, rules := range [...][]vpc.SecurityGroupRule{g.Ingress, g.Egress} {
			for i := range rules {
				c.groupRule(t[d], g, Direction(d), &rules[i])
			}
		}
	}
	c.combined[key] = t
	return t
}

func (c *compiler) groupRule(t *table, g *vpc.SecurityGroup, d Direction, r *vpc.SecurityGroupRule) {
	rule := Rule{Owner: g.ID, OwnerName: g.Name, Direction: d, ID: r.ID, Allow: true,
		Protocol: r.Protocol, Ports: r.Ports, ICMP: r.ICMP, Description: r.Description}
	for _, cidr := range r.CIDRs {
		rule.Peer = Peer{Prefix: cidr}
		t.add(rule, -1, false)
	}
	for _, id := range r.Groups {
		rule.Peer = Peer{Group: id}
		t.add(rule, c.members.bits[id], c.groups[id] == nil)
	}
	for _, id := range r.PrefixLists {
		list := c.lists[id]
		if list == nil {
			rule.Peer = Peer{PrefixList: id}
			t.add(rule, -1, true)
			continue
		}
		for _, cidr := range list.CIDRs {
			rule.Peer = Peer{Prefix: cidr, PrefixList: id}
			t.add(rule, -1, false)
		}
	}
}

func (c *compiler) acl(a *vpc.NetworkACL) [2]*table {
	t := [2]*table{new(table), new(table)}
	for d, entries := range [...][]vpc.ACLEntry{a.Ingress, a.Egress} {
		entries = slices.SortedStableFunc(slices.Values(entries), func(x, y vpc.ACLEntry) int { return x.Number - y.Number })
		for _, e := range entries {
			t[d].add(Rule{Layer: NetworkACL, Owner: a.ID, OwnerName: a.Name, Direction: Direction(d), Number: e.Number,
				Allow: e.Allow, Protocol: e.Protocol, Ports: e.Ports, ICMP: e.ICMP, Peer: Peer{Prefix: e.CIDR}}, -1, false)
		}
	}
	return t
}
