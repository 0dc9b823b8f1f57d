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
	bits map[string]int32 // by group
	by4  map[uint32][]uint64
	by6  map[[2]uint64][]uint64
}

// of returns the groups of an address, and whether it is one of the network's.
func (m *members) of(e *end) (set []uint64, known bool) {
	if e.v4 {
		set, known = m.by4[e.addr4]
	} else {
		set, known = m.by6[[2]uint64{e.hi, e.lo}]
	}
	return set, known
}

func (m *members) put(e *end, set []uint64) {
	if e.v4 {
		m.by4[e.addr4] = set
	} else {
		m.by6[[2]uint64{e.hi, e.lo}] = set
	}
}

func has(set []uint64, bit int32) bool {
	return int(bit>>6) < len(set) && set[bit>>6]>>(bit&63)&1 == 1
}

// A Policy answers for one interface.
type Policy struct {
	Interface *vpc.Interface
	Groups    []string // ids of its security groups; none: nothing is filtered by groups
	ACL       string   // id of its subnet's network ACL; "": not known, nothing is filtered by it

	groups  [2]*table // by Direction
	acl     [2]*table
	members *members

	described   []*vpc.SecurityGroup // of Groups, those that the network describes
	subnet4     []line4              // only net and mask
	subnet6     []line6
	planned     bool // router and dns are set
	router, dns uint32
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
		p := &Policy{Interface: i, Groups: i.SecurityGroups, members: c.members}
		plan := i.Plan
		if len(i.SecurityGroups) > 0 {
			p.groups = c.combine(i.SecurityGroups)
			for _, id := range i.SecurityGroups {
				if g := c.groups[id]; g != nil {
					p.described = append(p.described, g)
				}
			}
		}
		if sub := subnets[i.SubnetID]; sub != nil {
			p.in(sub.CIDRs)
			if acl, ok := c.acls[sub.NetworkACLID]; ok {
				p.ACL, p.acl = sub.NetworkACLID, acl
			}
			if plan == (vpc.Plan{}) {
				plan = sub.Plan
			}
		}
		p.lay(plan)
		s.policies[i.ID] = p
	}
	return s
}

// in says what the interface's subnet is.
func (p *Policy) in(cidrs []netip.Prefix) {
	var t table
	for _, c := range cidrs {
		t.add(Rule{Protocol: vpc.AllProtocols, Peer: Peer{Prefix: c}}, -1, false)
	}
	p.subnet4, p.subnet6 = t.lines4[kindOther], t.lines6[kindOther]
}

// lay says where router and DNS server are.
func (p *Policy) lay(plan vpc.Plan) {
	var router, dns end
	router.set(plan.Router)
	dns.set(plan.DNS)
	p.planned = router.v4 && dns.v4
	p.router, p.dns = router.addr4, dns.addr4
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
	m.bits, m.by4, m.by6 = map[string]int32{}, map[uint32][]uint64{}, map[[2]uint64][]uint64{}
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
			var e end
			e.set(a)
			old, ok := m.of(&e)
			if !ok {
				m.put(&e, set)
				continue
			}
			both := slices.Clone(set) // two VPCs with one network
			for k := range both {
				both[k] |= old[k]
			}
			m.put(&e, both)
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
