package advice

import (
	"net/netip"
	"sync"
	"sync/atomic"

	"weir/internal/firewall"
	"weir/internal/vpc"
)

// A Config configures [New]. Network is required.
type Config struct {
	// Network has interfaces with their addresses and groups, and the present rules. It
	// must not change any more.
	Network *vpc.Network
	// Serves says whether servers listen at a port from 1024 on; nil is none.
	Serves func(port uint16) bool
	// MaxNeeds is how many different things that traffic needs are kept, each an
	// interface, direction, service and peer; default 1000000. Records beyond are counted.
	MaxNeeds int64
}

// DefaultNeeds is the default of Config.MaxNeeds.
const DefaultNeeds = 1_000_000

// Sums is how much a rule let pass.
type Sums struct {
	Connections int64 // records that opened one, or went on with it in the same direction
	Bytes       int64 // of them
	First, Last int64 // least start and greatest end, Unix seconds; 0: none
}

func (s *Sums) add(o Sums) {
	if s.First == 0 || o.First != 0 && o.First < s.First {
		s.First = o.First
	}
	s.Last = max(s.Last, o.Last)
	s.Connections += o.Connections
	s.Bytes += o.Bytes
}

// Counts says what became of the records.
type Counts struct {
	Needs       int64 // different things that traffic needs
	Opened      int64 // accepted records that a rule of a group let pass
	Answers     int64 // left out: they pass because of what they answer
	Elsewhere   int64 // left out: of interfaces that the network does not know, or which way they go
	Free        int64 // left out: no security group filters them
	Unexplained int64 // left out: accepted, though no present rule allows them
	Beyond      int64 // left out: there was no room for one more need
}

func (c *Counts) add(o Counts) {
	c.Opened += o.Opened
	c.Answers += o.Answers
	c.Elsewhere += o.Elsewhere
	c.Free += o.Free
	c.Unexplained += o.Unexplained
	c.Beyond += o.Beyond
}

// An Advisor collects what traffic needs. Any number of goroutines may ask it for a
// collector.
type Advisor struct {
	network *vpc.Network
	set     *firewall.Set
	serves  func(uint16) bool
	room    atomic.Int64

	presents []present
	byRule   map[ruleKey]int32
	faces    []*vpc.Interface
	byID     map[string]int32
	byAddr   map[netip.Addr]int32 // -1: of several
	groups   map[string]*group

	mu         sync.Mutex
	collectors []*Collector
}

// A present is a rule with one peer that a group has now.
type present struct{ firewall.Rule }

// A ruleKey is what a rule says; prefix lists are one peer each.
type ruleKey struct {
	owner string
	d     firewall.Direction
	proto vpc.Protocol
	ports vpc.PortRange
	icmp  vpc.ICMP
	peer  firewall.Peer
}

func keyOf(r *firewall.Rule) ruleKey {
	k := ruleKey{r.Owner, r.Direction, r.Protocol, r.Ports, vpc.ICMP{Type: firewall.Unknown, Code: firewall.Unknown}, r.Peer}
	if r.ICMP != nil {
		k.icmp = *r.ICMP
	}
	if k.peer.PrefixList != "" {
		k.peer.Prefix = netip.Prefix{}
	}
	return k
}

// A group is a security group with the interfaces that are in it.
type group struct {
	*vpc.SecurityGroup
	members []int32
}

// New returns an Advisor that has seen nothing.
func New(c Config) *Advisor {
	a := &Advisor{network: c.Network, set: firewall.Compile(c.Network), serves: c.Serves,
		byRule: map[ruleKey]int32{}, byID: map[string]int32{}, byAddr: map[netip.Addr]int32{}, groups: map[string]*group{}}
	if a.serves == nil {
		a.serves = func(uint16) bool { return false }
	}
	if c.MaxNeeds == 0 {
		c.MaxNeeds = DefaultNeeds
	}
	a.room.Store(c.MaxNeeds)
	for i := range c.Network.SecurityGroups {
		g := &c.Network.SecurityGroups[i]
		a.groups[g.ID] = &group{SecurityGroup: g}
		for d, rules := range [...][]vpc.SecurityGroupRule{g.Ingress, g.Egress} {
			for j := range rules {
				a.present(g, firewall.Direction(d), &rules[j])
			}
		}
	}
	for _, i := range c.Network.Interfaces {
		n := int32(len(a.faces))
		a.faces, a.byID[i.ID] = append(a.faces, i), n
		for _, addr := range i.Addrs {
			if old, taken := a.byAddr[addr]; taken && old != n {
				a.byAddr[addr] = -1
			} else if !addr.IsLinkLocalUnicast() {
				a.byAddr[addr] = n
			}
		}
		for _, id := range i.SecurityGroups {
			if g := a.groups[id]; g != nil {
				g.members = append(g.members, n)
			}
		}
	}
	return a
}

// present adds a rule of a group, once for each of its peers.
func (a *Advisor) present(g *vpc.SecurityGroup, d firewall.Direction, r *vpc.SecurityGroupRule) {
	rule := firewall.Rule{Owner: g.ID, OwnerName: g.Name, Direction: d, ID: r.ID, Allow: true,
		Protocol: r.Protocol, Ports: r.Ports, ICMP: r.ICMP, Description: r.Description}
	add := func(p firewall.Peer) {
		rule.Peer = p
		k := keyOf(&rule)
		if _, again := a.byRule[k]; !again { // EC2 has each rule once
			a.byRule[k] = int32(len(a.presents))
			a.presents = append(a.presents, present{rule})
		}
	}
	for _, c := range r.CIDRs {
		add(firewall.Peer{Prefix: c})
	}
	for _, id := range r.Groups {
		add(firewall.Peer{Group: id})
	}
	for _, id := range r.PrefixLists {
		add(firewall.Peer{PrefixList: id})
	}
}

// Collector returns a collector for one goroutine.
func (a *Advisor) Collector() *Collector {
	c := &Collector{Advisor: a, needs: map[needKey]*need{}, seen: make([]bool, len(a.faces))}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.collectors = append(a.collectors, c)
	return c
}
