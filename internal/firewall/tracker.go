package firewall

import (
	"time"

	"weir/internal/vpc"
)

// How long a connection without packets is remembered: "Idle connection tracking
// timeout" in the Amazon EC2 User Guide, read 2026-11-24, where an interface has no
// timeouts of its own. What is remembered of ICMP, and of TCP after FIN or RST, is not
// documented; ours is a guess.
const (
	idleTCP    = 5 * 24 * time.Hour
	idleUDP    = 30 * time.Second  // only one side has sent
	idleStream = 180 * time.Second // both have, more than once
	idleOther  = 30 * time.Second
	idleClosed = 10 * time.Second
)

// A Tracker answers about packets in the order in which they come, and remembers the
// connections that security groups allowed. It belongs to one goroutine. Its memory
// grows with the connections that are open.
type Tracker struct {
	set   *Set
	conns map[connection]*tracked
}

// A connection is seen from an interface: its own end first.
type connection struct {
	iface string
	local Packet // as the interface sends it
}

type tracked struct {
	last   time.Time
	idle   time.Duration
	opened Direction
	counts [2]int // packets in each direction, up to 2
}

// NewTracker returns a tracker that knows no connection yet.
func NewTracker(s *Set) *Tracker { return &Tracker{set: s, conns: map[connection]*tracked{}} }

// Packet returns what becomes of a packet at an interface. fin says that it ends its
// connection: a TCP segment with FIN or RST. An interface that the network does not have
// lets everything pass.
//
// ICMP errors about a connection are not recognised as its own: they need a rule.
func (t *Tracker) Packet(at time.Time, iface string, d Direction, k Packet, fin bool) Verdict {
	p := t.set.Policy(iface)
	if p == nil {
		return Allowed
	}
	key := connection{iface, k}
	if d == Ingress {
		key.local = k.Reverse()
	}
	if k.icmp() {
		key.local.Type, key.local.Code = 0, 0
	}
	c := t.conns[key]
	if c != nil && at.Sub(c.last) > c.idle {
		delete(t.conns, key)
		c = nil
	}
	state := Opens
	if c != nil {
		state = Answers
	}
	v := p.Decide(d, k, state)
	if v != Allowed {
		return v
	}
	if c == nil {
		c = &tracked{opened: d, idle: idleOther}
		t.conns[key] = c
	}
	c.last = at
	c.counts[d] = min(c.counts[d]+1, 2)
	switch {
	case k.Protocol == uint8(vpc.ProtoTCP) && (fin || c.idle == idleClosed):
		c.idle = idleClosed
	case k.Protocol == uint8(vpc.ProtoTCP):
		c.idle = idleTCP
	case k.Protocol == uint8(vpc.ProtoUDP) && c.counts[0] > 0 && c.counts[1] > 0 && c.counts[0]+c.counts[1] > 2:
		c.idle = idleStream
	case k.Protocol == uint8(vpc.ProtoUDP):
		c.idle = idleUDP
	}
	return v
}

// Connections returns how many connections are remembered.
func (t *Tracker) Connections() int { return len(t.conns) }
