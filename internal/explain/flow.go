package explain

import (
	"strconv"

	"weir/record"
)

// IANA protocol numbers.
const (
	icmp   = 1
	tcp    = 6
	udp    = 17
	icmpv6 = 58
)

// nothing explains a record that is none of a flow.
func (a *account) nothing() {
	key := "nodata"
	if a.r.Status() == record.SkipData {
		key = "skipdata"
	}
	a.x.Head = append(a.x.Head, say(key, "interface", a.recorder()), a.times("window"))
	a.point(say(key + ".not"))
	if key == "nodata" {
		a.point(say("nodata.never"))
	}
	a.point(say(key + ".other"))
}

// recorder is what recorded the traffic.
func (a *account) recorder() any {
	for _, f := range [...]record.Field{record.InterfaceID, record.ResourceID, record.TGWID} {
		if v := a.called(f); v != "" {
			return v
		}
	}
	if a.iface != nil {
		return a.iface.ID
	}
	return say("interface.unknown")
}

// times says when it was; prefix is "window" or "when". What is absent is empty.
func (a *account) times(prefix string) Sentence {
	start, end := a.number(record.Start), a.number(record.End)
	switch {
	case start < 0 && end < 0:
		return say("empty")
	case start < 0:
		return say(prefix+".end", "end", a.words.Time(end))
	case end < 0 || end == start && prefix == "when":
		return say(prefix+".at", "start", a.words.Time(start))
	}
	return say(prefix, "start", a.words.Time(start), "end", a.words.Time(end), "long", a.duration(end-start))
}

func (a *account) duration(seconds int64) Sentence {
	n := strconv.FormatInt
	switch {
	case seconds < 0:
		return say("long.negative")
	case seconds == 1:
		return say("long.second")
	case seconds < 120:
		return say("long.seconds", "n", n(seconds, 10))
	case seconds < 2*3600:
		return say("long.minutes", "m", n(seconds/60, 10), "s", n(seconds%60, 10))
	}
	return say("long.hours", "h", a.words.Count(seconds/3600), "m", n(seconds%3600/60, 10))
}

// direction finds out which way the traffic goes, seen from the interface.
func (a *account) direction() {
	f := &a.x.Facts
	src, srcOK := a.r.Addr(record.SrcAddr)
	dst, dstOK := a.r.Addr(record.DstAddr)
	switch d := a.text(record.FlowDirection); {
	case d != "":
		f.Direction, f.DirectionFrom = d, record.FlowDirection.Name()
	case a.r.Has(record.TrafficPath):
		f.Direction, f.DirectionFrom = "egress", record.TrafficPath.Name()
	case srcOK && dstOK && a.own(src) && !a.own(dst):
		f.Direction, f.DirectionFrom = "egress", "addresses"
	case srcOK && dstOK && a.own(dst) && !a.own(src):
		f.Direction, f.DirectionFrom = "ingress", "addresses"
	}
}

// head says who sent what to whom.
func (a *account) head() {
	f := &a.x.Facts
	proto := a.number(record.Protocol)
	if proto >= 0 {
		f.Protocol = a.words.Protocol(proto)
	}
	src, dst := a.ends(proto)
	flow := say("flow.plain", "src", src, "dst", dst)
	if proto >= 0 {
		flow = say("flow", "protocol", a.protocol(proto), "src", src, "dst", dst)
	}
	key := "head.seen"
	switch a.r.Verdict() {
	case record.Accept:
		key, f.Verdict = "head.accepted", "accepted"
	case record.Reject:
		key, f.Verdict = "head.refused", "refused"
	}
	a.x.Head = append(a.x.Head, say(key, "flow", flow))
	if amount := a.amount(); amount != nil {
		a.x.Head = append(a.x.Head, say("amount", "amount", amount))
	}
	if when := a.times("when"); when.Key != "empty" {
		a.x.Head = append(a.x.Head, when)
	}
	var recorded Sentence
	switch {
	case f.Direction == "":
		return
	case a.r.Has(record.TGWID):
		recorded = say("direction.tgw."+f.Direction, "tgw", a.called(record.TGWID))
	default:
		recorded = say("direction."+f.Direction, "interface", a.recorder())
	}
	a.x.Head = append(a.x.Head, recorded)
	if f.DirectionFrom != record.FlowDirection.Name() {
		a.x.Head = append(a.x.Head, say("direction.from."+f.DirectionFrom))
	}
}

// protocol is how people write a protocol.
func (a *account) protocol(n int64) any {
	switch n {
	case icmp:
		return "ICMP"
	case tcp:
		return "TCP"
	case udp:
		return "UDP"
	case icmpv6:
		return "ICMPv6"
	}
	name := a.words.Protocol(n)
	if name == strconv.FormatInt(n, 10) {
		return say("protocol.number", "n", name)
	}
	return say("protocol.name", "name", name, "n", strconv.FormatInt(n, 10))
}

// ends are the two ends of a flow, with ports where the protocol has some.
func (a *account) ends(proto int64) (src, dst any) {
	srcPort, dstPort := a.number(record.SrcPort), a.number(record.DstPort)
	if proto >= 0 && !ports(proto) && srcPort <= 0 && dstPort <= 0 {
		return a.address(record.SrcAddr), a.address(record.DstAddr)
	}
	service := a.service(dstPort)
	a.x.Facts.Service = service
	answers := ""
	if service == "" && srcPort >= 0 && (dstPort < 0 || srcPort < dstPort) {
		answers = a.service(srcPort)
		a.x.Facts.Service = answers
	}
	return a.end(record.SrcAddr, srcPort, answers), a.end(record.DstAddr, dstPort, service)
}

func ports(proto int64) bool {
	return proto == tcp || proto == udp || proto == 33 || proto == 132 || proto == 136
}

func (a *account) service(port int64) string {
	if port < 0 {
		return ""
	}
	return a.words.Service(port)
}

func (a *account) end(f record.Field, port int64, service string) any {
	addr, n := a.address(f), strconv.FormatInt(port, 10)
	switch {
	case port < 0:
		return addr
	case service != "":
		return say("end.service", "address", addr, "port", n, "service", service)
	}
	return say("end.port", "address", addr, "port", n)
}

// address is an address, or what the record's lack of one is called.
func (a *account) address(f record.Field) any {
	if a.r.Has(f) {
		return a.called(f)
	}
	pkt := record.PktSrcAddr
	if f == record.DstAddr {
		pkt = record.PktDstAddr
	}
	if a.r.Has(pkt) {
		return a.called(pkt)
	}
	return say("address.unknown")
}

// amount is how much there was, nil if the record does not say.
func (a *account) amount() (all []Sentence) {
	if n := a.number(record.Packets); n >= 0 {
		all = append(all, a.packets(n))
	}
	if n := a.number(record.Bytes); n >= 0 {
		all = append(all, say("bytes", "n", a.words.Bytes(n)))
	}
	return all
}

func (a *account) packets(n int64) Sentence {
	if n == 1 {
		return say("packet")
	}
	return say("packets", "n", a.words.Count(n))
}

// verdict says what the firewall did, and why, as far as the record tells.
func (a *account) verdict() {
	if a.r.Verdict() != record.Reject {
		if a.r.Verdict() == record.Accept {
			a.cannot("cannot.arrived")
		}
		return
	}
	switch reason := a.text(record.RejectReason); reason {
	case "":
		if a.late() {
			return
		}
		a.point(say("refused"))
		if a.format.Has(record.RejectReason) {
			a.point(say("refused.no-reason"))
		}
		if a.rules == nil {
			a.cannot("cannot.rule")
		}
		a.seenBefore()
	case "BPA":
		a.point(say("refused.bpa"))
		if !a.r.Has(record.Bytes) && a.format.Has(record.Bytes) {
			a.point(say("refused.bpa.bytes"))
		}
	case "EC":
		a.point(say("refused.ec"))
	default:
		a.point(say("refused.other", "reason", reason))
	}
}

// flags says what tcp-flags tells of the connection.
func (a *account) flags() {
	if a.number(record.Protocol) >= 0 && a.number(record.Protocol) != tcp {
		return
	}
	flags, ok := a.r.Flags()
	if !ok {
		if a.number(record.Protocol) == tcp {
			if a.format.Has(record.TCPFlags) {
				a.point(say("flags.absent"))
			} else {
				a.cannot("cannot.flags")
			}
		}
		return
	}
	key := flagsKey(flags)
	a.x.Facts.Flags = key
	if key == "syn" {
		switch {
		case a.r.Verdict() == record.Reject:
			key = "syn.refused"
		case a.back.flags&record.SYNACK == record.SYNACK:
			key = "syn.answered"
		case a.back.flags&record.RST != 0:
			key = "syn.reset"
		}
	}
	if key == "rst" && a.r.Verdict() == record.Accept && a.back.refused && !a.back.accepted {
		key = "rst.refused"
	}
	a.point(say("flags."+key, "flags", strconv.Itoa(int(flags))))
	if key == "none" {
		a.cannot("cannot.zero")
	}
	more := flags &^ (record.SYN | record.FIN | record.RST)
	if flags&record.SYN != 0 {
		more &^= record.ACK
	}
	if more != 0 {
		a.point(say("flags.more", "names", more.String()))
	}
}

// flagsKey names what matters of tcp-flags.
func flagsKey(f record.Flags) string {
	key, end := "", ""
	switch {
	case f&record.SYNACK == record.SYNACK:
		key = "syn-ack"
	case f&record.SYN != 0:
		key = "syn"
	}
	switch {
	case f&record.RST != 0:
		end = "rst"
	case f&record.FIN != 0:
		end = "fin"
	}
	switch {
	case key == "" && end == "":
		return "none"
	case key == "" || end == "":
		return key + end
	}
	return key + "-" + end
}

// opens says whether a record's packets ask for a connection: nothing before is about them.
func (a *account) opens() bool {
	flags, _ := a.r.Flags()
	return flags&record.SYNACK == record.SYN
}

// closing returns what was recorded first of the end of the record's connection.
func (a *account) closing() way {
	if a.mine.closed == 0 || a.back.closed != 0 && a.back.closed < a.mine.closed {
		return a.back
	}
	return a.mine
}

// late says so if the packets certainly came after their connection was closed.
func (a *account) late() bool {
	c := a.closing()
	if c.closed == 0 || a.number(record.Protocol) != tcp || a.opens() || a.number(record.Start) < c.closed {
		return false
	}
	a.x.Facts.Late = true
	a.point(say("late", "time", a.words.Time(c.closed)))
	return true
}

// seenBefore says what else was recorded of a connection that was refused.
func (a *account) seenBefore() {
	isTCP := a.number(record.Protocol) == tcp
	if isTCP && a.opens() {
		return
	}
	c := a.closing()
	switch {
	case isTCP && c.closed != 0 && a.number(record.Start) >= c.closing:
		a.point(say("late.likely", "start", a.words.Time(c.closing), "end", a.words.Time(c.closed)))
	case a.mine.accepted:
		a.point(say("refused.later"))
	case a.back.accepted && a.back.flags&(record.RST|record.SYN) != record.RST:
		// A RST alone is what a host's firewall answers a refused packet with.
		a.point(say("refused.answer"))
	}
}
