package advice

import (
	"net/netip"

	"weir/internal/firewall"
	"weir/internal/rows"
	"weir/internal/vpc"
	"weir/record"
)

// A Collector adds up records for one goroutine.
type Collector struct {
	*Advisor
	needs  map[needKey]*need
	seen   []bool // interfaces that have records
	counts Counts

	bound record.Format
	ready bool
	cols  columns
}

// A needKey is what traffic at an interface needs. Without pointers, a million of them
// are nothing to the garbage collector.
type needKey struct {
	peer  [16]byte
	face  int32
	port  uint16
	proto uint8
	d     firewall.Direction
}

// A need is how much needed it, and which rules of a group let it pass: one, or several
// of which it is not known whether one does.
type need struct {
	Sums
	rules []int32
	maybe bool
}

// columns are where a format has the fields; -1 where it does not.
type columns struct {
	face, src, dst, pktSrc, pktDst, sport, dport, protocol, bytes, start, end, action, flags, direction int
}

// Fields returns the fields that a collector looks at.
func Fields() []record.Field {
	return []record.Field{record.InterfaceID, record.SrcAddr, record.DstAddr, record.PktSrcAddr, record.PktDstAddr, record.SrcPort, record.DstPort,
		record.Protocol, record.Bytes, record.Start, record.End, record.Action, record.TCPFlags, record.FlowDirection}
}

func (c *Collector) bind(f record.Format) {
	if c.ready && c.bound.Equal(f) {
		return
	}
	c.ready, c.bound = true, f
	at := make([]int, 0, 14)
	for _, field := range Fields() {
		at = append(at, f.Index(field))
	}
	c.cols = columns{at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7], at[8], at[9], at[10], at[11], at[12], at[13]}
}

// Add adds rows of a batch, whose values have been checked: what cannot be read counts
// as absent.
func (c *Collector) Add(b *rows.Batch, selected []int32) {
	c.bind(b.Format)
	for _, n := range selected {
		c.row(reader{b, int(n)})
	}
}

// A reader reads fields of one row.
type reader struct {
	b   *rows.Batch
	row int
}

// text reads a value as it stands there; nothing if it is absent.
func (r reader) text(col int) []byte {
	if col < 0 || r.b.Columns[col].Absent(r.row) {
		return nil
	}
	return r.b.Columns[col].Bytes(r.row, nil)
}

func (r reader) number(col int) (int64, bool) {
	if col < 0 || r.b.Columns[col].Absent(r.row) {
		return 0, false
	}
	return r.b.Columns[col].Int(r.row)
}

// addr reads an address: the first of the columns that has one.
func (r reader) addr(cols ...int) netip.Addr {
	for _, col := range cols {
		if col < 0 || r.b.Columns[col].Absent(r.row) {
			continue
		}
		if a, ok := rows.ParseAddr(r.b.Columns[col].Bytes(r.row, nil)); ok {
			return a.Unmap()
		}
	}
	return netip.Addr{}
}

func (c *Collector) row(r reader) {
	n := &c.cols
	id := r.text(n.face)
	face, known := c.byID[string(id)]
	if known {
		c.seen[face] = true
	}
	if string(r.text(n.action)) != "ACCEPT" {
		return
	}
	f, ok := c.flow(r)
	if !ok {
		c.counts.Elsewhere++
		return
	}
	if len(id) > 0 {
		if !known {
			c.counts.Elsewhere++
			return
		}
		d, ok := c.direction(r, c.faces[face])
		if !ok {
			c.counts.Elsewhere++
			return
		}
		c.at(face, d, f)
		return
	}
	// Nobody says which end recorded it: whichever is ours.
	src, one := c.byAddr[f.k.Src]
	if one = one && src >= 0; one {
		c.seen[src] = true
		c.at(src, firewall.Egress, f)
	}
	dst, other := c.byAddr[f.k.Dst]
	if other = other && dst >= 0; other {
		c.seen[dst] = true
		c.at(dst, firewall.Ingress, f)
	}
	if !one && !other {
		c.counts.Elsewhere++
	}
}

// A flow is what a record says.
type flow struct {
	k       firewall.Packet
	flags   record.Flags
	flagged bool
	sums    Sums
}

func (c *Collector) flow(r reader) (f flow, ok bool) {
	n := &c.cols
	f.k.Src, f.k.Dst = r.addr(n.pktSrc, n.src), r.addr(n.pktDst, n.dst)
	proto, ok := r.number(n.protocol)
	if !ok || proto < 0 || proto > 255 || !f.k.Src.IsValid() || !f.k.Dst.IsValid() || f.k.Src.Is4() != f.k.Dst.Is4() {
		return f, false
	}
	f.k.Protocol, f.k.Type, f.k.Code = uint8(proto), firewall.Unknown, firewall.Unknown
	if ports(f.k.Protocol) {
		sport, ok1 := r.number(n.sport)
		dport, ok2 := r.number(n.dport)
		if !ok1 || !ok2 {
			return f, false
		}
		f.k.SrcPort, f.k.DstPort = uint16(sport), uint16(dport)
	}
	if flags, ok := r.number(n.flags); ok {
		f.flags, f.flagged = record.Flags(flags), true
	}
	f.sums.Connections = 1
	f.sums.Bytes, _ = r.number(n.bytes)
	f.sums.First, _ = r.number(n.start)
	f.sums.Last, _ = r.number(n.end)
	return f, true
}

// direction is which way a record goes at its interface.
func (c *Collector) direction(r reader, i *vpc.Interface) (firewall.Direction, bool) {
	n := &c.cols
	switch string(r.text(n.direction)) {
	case "ingress":
		return firewall.Ingress, true
	case "egress":
		return firewall.Egress, true
	}
	src, dst := has(i, r.addr(n.src)), has(i, r.addr(n.dst))
	if src == dst {
		return 0, false
	}
	if src {
		return firewall.Egress, true
	}
	return firewall.Ingress, true
}

func has(i *vpc.Interface, addr netip.Addr) bool {
	for _, a := range i.Addrs {
		if a == addr {
			return true
		}
	}
	return false
}

func ports(proto uint8) bool { return proto == uint8(vpc.ProtoTCP) || proto == uint8(vpc.ProtoUDP) }

// at adds a record at an interface.
func (c *Collector) at(face int32, d firewall.Direction, f flow) {
	p := c.set.Policy(c.faces[face].ID)
	if p == nil || len(p.Groups) == 0 || p.Unfiltered(f.k) {
		c.counts.Free++
		return
	}
	asks, sure := c.asks(p, d, &f)
	switch {
	case !asks && (sure || allows(p, d.Reverse(), f.k.Reverse())):
		c.counts.Answers++
	case c.use(p, face, d, &f):
	case !sure && allows(p, d.Reverse(), f.k.Reverse()):
		c.counts.Answers++
	default:
		c.counts.Unexplained++
	}
}

func allows(p *firewall.Policy, d firewall.Direction, k firewall.Packet) bool {
	step := p.Explain(d, k, firewall.Opens).Steps
	for i := range step {
		if step[i].Layer == firewall.SecurityGroups {
			return step[i].Verdict != firewall.Refused
		}
	}
	return false
}

// Ranks of ports: the lower one is more likely a server's.
const (
	wellKnown  = iota
	served     // programs listen there by default
	registered // below 32768 (Linux, net.ipv4.ip_local_port_range)
	ephemeral
)

func (a *Advisor) rank(port uint16) int {
	switch {
	case port < 1024:
		return wellKnown
	case a.serves(port):
		return served
	case port < 32768:
		return registered
	}
	return ephemeral
}

// asks says whether a record is of whoever opened the connection, and whether that is
// sure. Of two ports at which nobody listens by default a rule tells that names few ports,
// for it was made for this. Of two ports that are alike, the record is taken for one that
// opens: a need too many is a rule that stays.
func (c *Collector) asks(p *firewall.Policy, d firewall.Direction, f *flow) (asks, sure bool) {
	if !ports(f.k.Protocol) {
		return true, false
	}
	from, to := c.rank(f.k.SrcPort), c.rank(f.k.DstPort)
	if f.flagged && f.k.Protocol == uint8(vpc.ProtoTCP) {
		switch f.flags & record.SYNACK {
		case record.SYN:
			return true, true
		case record.SYNACK:
			// Some logs have ACK of every segment, so that a client has both, too.
			if from <= served || to > served {
				return false, true
			}
		}
	}
	if min(from, to) > served {
		if mine, other := named(p, d, f.k), named(p, d.Reverse(), f.k.Reverse()); mine != other {
			return mine, false
		}
	}
	switch {
	case from != to:
		return to < from, false
	case from == wellKnown && f.k.SrcPort != f.k.DstPort:
		return f.k.DstPort < f.k.SrcPort, false
	}
	return true, false
}

// fewPorts is how many a rule names that was made for one service.
const fewPorts = 1024

// named says whether a rule that names few ports lets a packet pass.
func named(p *firewall.Policy, d firewall.Direction, k firewall.Packet) bool {
	for _, step := range p.Explain(d, k, firewall.Opens).Steps {
		if step.Layer == firewall.SecurityGroups && step.Verdict == firewall.Allowed {
			return step.Rule.Ports != vpc.PortRange{} && int(step.Rule.Ports.To)-int(step.Rule.Ports.From) < fewPorts
		}
	}
	return false
}

// use adds a record to what it needs. It returns false if no rule allows that.
func (c *Collector) use(p *firewall.Policy, face int32, d firewall.Direction, f *flow) bool {
	key := needKey{peer: f.k.Remote(d).As16(), face: face, proto: f.k.Protocol, d: d}
	if ports(f.k.Protocol) {
		key.port = f.k.DstPort
	}
	n := c.needs[key]
	if n == nil {
		rules, maybe, ok := c.rulesFor(p, d, f.k)
		if !ok {
			return false
		}
		if c.room.Add(-1) < 0 {
			c.counts.Beyond++
			return true
		}
		n = &need{rules: rules, maybe: maybe}
		c.needs[key] = n
	}
	n.add(f.sums)
	c.counts.Opened++
	return true
}

// rulesFor returns the present rule that lets a packet pass, or those that may.
func (a *Advisor) rulesFor(p *firewall.Policy, d firewall.Direction, k firewall.Packet) (rules []int32, maybe, ok bool) {
	for _, step := range p.Explain(d, k, firewall.Opens).Steps {
		if step.Layer != firewall.SecurityGroups || step.Verdict == firewall.Refused {
			continue
		}
		if step.Rule != nil {
			return []int32{a.byRule[keyOf(step.Rule)]}, false, true
		}
		for i := range step.Depends {
			// A group that nobody described has no present rule.
			if n, ok := a.byRule[keyOf(&step.Depends[i])]; ok {
				rules = append(rules, n)
			}
		}
		return rules, true, true
	}
	return nil, false, false
}

// merge adds what another collector has.
func (c *Collector) merge(o *Collector) {
	c.counts.add(o.counts)
	for i, seen := range o.seen {
		c.seen[i] = c.seen[i] || seen
	}
	for key, n := range o.needs {
		if mine := c.needs[key]; mine != nil {
			mine.add(n.Sums)
		} else {
			c.needs[key] = n
		}
	}
}
