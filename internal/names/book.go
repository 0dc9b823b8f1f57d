package names

import (
	"math"
	"net/netip"
	"time"

	"github.com/gaissmai/bart"
)

// A Book knows names. It does not change once it is loaded, and any number of
// goroutines may ask; nil knows none.
type Book struct {
	addrs    map[netip.Addr][]entry
	networks bart.Table[[]entry]
	ranges   [3]bart.Table[string] // Amazon's services, EC2, AMAZON: the first that has an address wins
	ids      map[string][]entry
}

// An entry is a name that something had for a time.
type entry struct {
	name string
	vpc  string // "" if not known: it may be any
	// from and until, not included, are Unix seconds within which the name holds.
	from, until int64
	// seen is when somebody looked; 0 for what the user wrote, which comes before
	// everything that was seen.
	seen int64
	rank uint8 // of entries seen at one time the least counts
}

// Ranks.
const (
	own      = iota // the thing's own name
	attached        // of what it is attached to
	service         // of the service it belongs to
	bare            // no more than an id
)

const (
	always = math.MinInt64
	ever   = math.MaxInt64
)

func newBook() *Book {
	return &Book{addrs: map[netip.Addr][]entry{}, ids: map[string][]entry{}}
}

// Addr returns the name of an address at a time. An address that has several names at
// that time, in several VPCs, has none: see [Book.AddrIn].
func (b *Book) Addr(a netip.Addr, at time.Time) (name string, ok bool) { return b.AddrIn("", a, at) }

// AddrIn returns the name of an address seen from a VPC at a time: the name that it
// has there, else, if it never has one there, the one that it has in another VPC,
// unless several have it. Networks stand for the addresses in them, the longest prefix
// first, then Amazon's ranges.
func (b *Book) AddrIn(vpc string, a netip.Addr, at time.Time) (name string, ok bool) {
	if b == nil || !a.IsValid() {
		return "", false
	}
	a = a.Unmap()
	t := at.Unix()
	if name, ok = choose(b.addrs[a], vpc, t); ok {
		return name, true
	}
	if list, found := b.networks.Lookup(a); found {
		if name, ok = choose(list, vpc, t); ok {
			return name, true
		}
		// The nearest network had no name then, or none in this VPC; a wider
		// one may have.
		for _, list := range b.networks.Supernets(netip.PrefixFrom(a, a.BitLen())) {
			if name, ok = choose(list, vpc, t); ok {
				return name, true
			}
		}
	}
	for i := range b.ranges {
		if name, ok = b.ranges[i].Lookup(a); ok {
			return name, true
		}
	}
	return "", false
}

// ID returns the name of an interface, an instance, a subnet, a VPC or whatever else
// has an id, such as "eni-0a1b2c3d4e5f67890", at a time.
func (b *Book) ID(id string, at time.Time) (name string, ok bool) {
	if b == nil {
		return "", false
	}
	return choose(b.ids[id], "", at.Unix())
}

// Len returns how many addresses, networks and ids have names.
func (b *Book) Len() int {
	if b == nil {
		return 0
	}
	n := len(b.addrs) + len(b.ids) + b.networks.Size()
	for i := range b.ranges {
		n += b.ranges[i].Size()
	}
	return n
}

// choose returns the name that holds at a time, seen from a VPC.
func choose(list []entry, vpc string, at int64) (string, bool) {
	if len(list) == 0 {
		return "", false
	}
	if len(list) == 1 { // the usual case
		e := &list[0]
		return e.name, e.holds(at)
	}
	var best, foreign *entry
	several, local := false, false
	for i := range list {
		e := &list[i]
		// What this VPC has at any time is no address of another one in it.
		local = local || vpc != "" && e.vpc == vpc
		switch {
		case !e.holds(at):
		case vpc == "" || e.vpc == "" || e.vpc == vpc:
			switch {
			case best == nil:
				best = e
			case vpc == "" && best.vpc != "" && e.vpc != "" && best.vpc != e.vpc:
				several = several || best.name != e.name
			case e.before(best, at):
				best = e
			}
		case foreign == nil:
			foreign = e
		case foreign.vpc != e.vpc:
			several = several || foreign.name != e.name
		case e.before(foreign, at):
			foreign = e
		}
	}
	switch {
	case best != nil && (vpc != "" || !several || best.seen == 0):
		return best.name, true
	case best == nil && foreign != nil && !several && !local:
		return foreign.name, true
	}
	return "", false
}

func (e *entry) holds(at int64) bool { return e.from <= at && at < e.until }

// before reports whether e, which comes after o, counts rather than o: what the user
// wrote, if o is not; then what was seen last before the time; then what was seen
// first after it.
func (e *entry) before(o *entry, at int64) bool {
	switch {
	case e.seen == 0 || o.seen == 0:
		return o.seen != 0 // of two of the user's own the later one comes first
	case e.seen == o.seen:
		return e.rank < o.rank
	case (e.seen <= at) != (o.seen <= at):
		return e.seen <= at
	case e.seen <= at:
		return e.seen > o.seen
	}
	return e.seen < o.seen
}

// The names that are added are cleaned: an id may be anything in a file that somebody
// else wrote.
func (b *Book) addAddr(a netip.Addr, e entry) {
	e.name = clean(e.name)
	if a = a.Unmap(); a.IsValid() && e.name != "" {
		b.addrs[a] = append(b.addrs[a], e)
	}
}

func (b *Book) addNetwork(p netip.Prefix, e entry) {
	e.name = clean(e.name)
	if e.name == "" {
		return
	}
	if p = p.Masked(); p.IsSingleIP() {
		b.addAddr(p.Addr(), e)
		return
	}
	list, _ := b.networks.Get(p)
	b.networks.Insert(p, append(list, e))
}

func (b *Book) addID(id string, e entry) {
	e.name = clean(e.name)
	if id != "" && e.name != "" {
		b.ids[id] = append(b.ids[id], e)
	}
}
