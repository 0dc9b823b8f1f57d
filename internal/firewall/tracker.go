package firewall

import (
	"maps"
	"time"

	"weir/internal/vpc"
)

// How long a connection without packets is remembered: "Idle connection tracking
// timeout" and "Amazon EC2 security group connection tracking" in the Amazon EC2 User
// Guide, read 2026-11-24, where an interface has no timeouts of its own (TCP on Nitro v6
// instances has 350 s). What is remembered of ICMP, and of TCP after FIN or RST, is not
// documented; ours is a guess.
const (
	idleTCP    = 5 * 24 * time.Hour
	idleUDP    = 30 * time.Second  // one side has sent, or there was one request with one answer
	idleStream = 180 * time.Second // both have sent more than once
	idleOther  = 600 * time.Second
	idleICMP   = 30 * time.Second
	idleClosed = 10 * time.Second
)

// minSweep is how many connections are remembered before expired ones are looked for.
const minSweep = 1024

// A Tracker answers about packets in the order in which they come, and remembers the
// connections that security groups allowed. It belongs to one goroutine. Its memory
// grows with the connections that are open: it holds no more than twice as many as were
// open at one time, or 1024.
type Tracker struct {
	set   *Set
	conns map[connection]tracked
	sweep int // how many conns are worth looking through
}

// A connection is seen from an interface: its own end first.
type connection struct {
	iface string
	local Packet // as the interface sends it
}

// connectionOf returns the connection of a packet. Of ICMP, it tells echo requests that
// go out from those that come in, and all other messages make one; of protocols other
// than TCP, UDP and ICMP, addresses and protocol do.
func connectionOf(iface string, d Direction, k Packet) connection {
	if d == Ingress {
		k = k.Reverse()
	}
	local := Packet{Src: k.Src, Dst: k.Dst, Protocol: k.Protocol}
	switch {
	case k.ports():
		local.SrcPort, local.DstPort = k.SrcPort, k.DstPort
	case k.icmp():
		local.Type = Unknown
		if k.Reverse().Type != Unknown {
			local.Type = k.Type
		}
	}
	return connection{iface, local}
}

type tracked struct {
	last   time.Time
	idle   time.Duration
	counts [2]uint8 // packets in each direction, up to 2
}

func (c *tracked) expired(at time.Time) bool { return at.Sub(c.last) > c.idle }

// NewTracker returns a tracker that knows no connection yet.
func NewTracker(s *Set) *Tracker {
	return &Tracker{set: s, conns: map[connection]tracked{}, sweep: minSweep}
}

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
	key := connectionOf(iface, d, k)
	c, open := t.conns[key]
	if open && c.expired(at) {
		delete(t.conns, key)
		c, open = tracked{}, false
	}
	state := Opens
	if open {
		state = Answers
	}
	v := p.Decide(d, k, state)
	if v != Allowed {
		return v
	}
	if len(t.conns) >= t.sweep {
		t.forget(at)
	}
	c.last = at
	c.counts[d] = min(c.counts[d]+1, 2)
	switch {
	case k.Protocol == uint8(vpc.ProtoTCP) && (fin || c.idle == idleClosed):
		c.idle = idleClosed
	case k.Protocol == uint8(vpc.ProtoTCP):
		c.idle = idleTCP
	case k.Protocol == uint8(vpc.ProtoUDP) && c.counts == [2]uint8{2, 2}:
		c.idle = idleStream
	case k.Protocol == uint8(vpc.ProtoUDP):
		c.idle = idleUDP
	case k.icmp():
		c.idle = idleICMP
	default:
		c.idle = idleOther
	}
	t.conns[key] = c
	return v
}

// forget drops what has expired. It is called when there are twice as many connections
// as it left the last time, so it costs each new one no more than a look at two.
func (t *Tracker) forget(at time.Time) {
	before := len(t.conns)
	maps.DeleteFunc(t.conns, func(_ connection, c tracked) bool { return c.expired(at) })
	if len(t.conns) < before/4 { // a map that entries are deleted from keeps its size
		fresh := make(map[connection]tracked, len(t.conns))
		maps.Copy(fresh, t.conns)
		t.conns = fresh
	}
	t.sweep = max(2*len(t.conns), minSweep)
}

// Connections returns how many connections are remembered; some may have expired.
func (t *Tracker) Connections() int { return len(t.conns) }
