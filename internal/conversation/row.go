package conversation

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"

	"weir/record"
)

// A Row is a conversation.
type Row struct {
	// Client and Server are by the packets' addresses. The port is 0 where the
	// protocol has none. If Decided is Undecided they are in the order of their
	// addresses.
	Client, Server netip.AddrPort
	Decided        Decided
	Protocol       uint8
	NoProtocol     bool // a record did not say the protocol

	ToServer, ToClient Way

	// Start and End are the first start and the last end, in Unix seconds; 0 if
	// no record had one. End-Start is how long it took.
	Start, End int64

	Verdict Verdict
	// RefusedAt are the interfaces that refused packets, in order.
	RefusedAt []string
	Ending    Ending

	// Interfaces are all that recorded it, in order; "-" is one that the format
	// does not name.
	Interfaces []string
	// Through are those of them whose own address stands in a record in place of
	// a packet's: hops on the way, or the receiver if it was sent to a secondary
	// address. Formats without pkt-srcaddr and pkt-dstaddr do not tell.
	Through []string
	Records int64
	// Uncounted says that a record had no packets or bytes: there were more.
	Uncounted bool
}

// A Way is what went in one direction.
type Way struct {
	// Packets and Bytes are those that View recorded, which is the interface
	// that recorded most packets; of equal ones the first by name.
	Packets, Bytes int64
	View           string
	// Refused are the packets that were refused on the way, at any interface.
	Refused int64
	Flags   record.Flags

	refused bool // some were, be it that nobody said how many
}

// Decided is how it was decided who is the client. The lesser, the surer.
type Decided uint8

// Ways to decide.
const (
	BySYN     Decided = iota // the client sent a SYN, or the server a SYN-ACK: sure
	ByPort                   // the server's port is one of a known service, the client's is not: likely
	ByRange                  // the client's port is ephemeral, the server's is not: likely
	ByStart                  // the client's packets were there first: a guess
	Undecided                // nothing tells
)

// String returns the word for it: "syn", "port", "range", "first" or "undecided".
func (d Decided) String() string {
	return [...]string{"syn", "port", "range", "first", "undecided"}[d]
}

// Sure returns how sure that is: "sure", "likely", "guess", or "" if it is undecided.
func (d Decided) Sure() string { return [...]string{"sure", "likely", "likely", "guess", ""}[d] }

// Verdict is what became of a conversation.
type Verdict uint8

// Verdicts.
const (
	NoVerdict     Verdict = iota // the format does not tell
	Accepted                     // nothing was refused
	Refused                      // nothing passed
	RefusedAnswer                // all that the server sent was refused, what the client sent passed
	RefusedAsk                   // all that the client sent was refused, what the server sent passed
	Partly                       // some packets passed, others of the same way were refused
)

// String returns the word for it.
func (v Verdict) String() string {
	return [...]string{"-", "accepted", "refused", "answer refused", "request refused", "partly refused"}[v]
}

// Ending is how a conversation ended.
type Ending uint8

// Endings.
const (
	NotTold    Ending = iota // the protocol has no end, or the format does not tell
	Closed                   // both sides sent a FIN
	HalfClosed               // one side sent a FIN
	Reset                    // one side sent a RST
	Open                     // no end was seen
	Unanswered               // nothing came back
	NotAllowed               // nothing passed
)

// String returns the word for it.
func (e Ending) String() string {
	return [...]string{"-", "closed", "half closed", "reset", "open", "unanswered", "refused"}[e]
}

// Order is how rows are ordered.
type Order uint8

// Orders. Equal ones are in the order of time, then of their endpoints.
const (
	ByTime Order = iota
	ByBytes
	ByPackets
)

// Rows returns the first n conversations in an order; all if n is negative. Nothing may
// be added to the table afterwards.
func (t *Table) Rows(order Order, n int) iter.Seq[Row] {
	type ranked struct {
		s    *segment
		size int64
	}
	joined := t.join()
	all := make([]ranked, len(joined))
	for i, n := range joined {
		s := t.segs.at(n)
		all[i].s = s
		if order != ByTime {
			r := t.row(s)
			if all[i].size = r.ToServer.Bytes + r.ToClient.Bytes; order == ByPackets {
				all[i].size = r.ToServer.Packets + r.ToClient.Packets
			}
		}
	}
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.s.start(), b.s.start()), slices.Compare(a.s.key[:], b.s.key[:]))
	})
	if n >= 0 && n < len(all) {
		all = all[:n]
	}
	return func(yield func(Row) bool) {
		for _, x := range all {
			if !yield(t.row(x.s)) {
				return
			}
		}
	}
}

// join puts segments together that are one conversation, and returns what is left.
func (t *Table) join() []uint32 {
	all := make([]uint32, 0, t.segs.len())
	var chain []uint32
	for i, slot := range t.slots {
		if slot == 0 {
			continue
		}
		chain = chain[:0]
		for n := uint32(slot) - 1; n != none; n = t.segs.at(n).next {
			chain = append(chain, n)
		}
		slices.SortFunc(chain, func(x, y uint32) int {
			a, b := t.segs.at(x), t.segs.at(y)
			return cmp.Or(cmp.Compare(a.start(), b.start()), cmp.Compare(a.end, b.end))
		})
		// What is near comes first: only then is known how each of the others begins.
		kept := t.fold(t.fold(chain, (*segment).near), (*segment).continues)
		head := uint32(none)
		for _, n := range kept {
			t.segs.at(n).next = head
			head = n
		}
		t.slots[i] = slot&^low | uint64(head+1)
		all = append(all, kept...)
	}
	return all
}

// fold puts segments of a chain, in the order of time, together with the one before if
// they are one. It returns what is left of the chain.
func (t *Table) fold(chain []uint32, one func(s, o *segment) bool) []uint32 {
	kept := chain[:1]
	for _, n := range chain[1:] {
		g, s := t.segs.at(kept[len(kept)-1]), t.segs.at(n)
		if !one(g, s) {
			kept = append(kept, n)
			continue
		}
		g.take(s)
		for v := s.views; v != none; {
			w := *t.views.at(v)
			v = w.next
			t.view(g, w)
		}
	}
	return kept
}

// A sum is what one interface saw one way.
type sum struct {
	at             uint32 // view.of without the verdict
	packets, bytes int64
}

// row makes a row of a segment of which nothing is missing.
func (t *Table) row(s *segment) Row {
	a, b := endpoint(&s.key, 0), endpoint(&s.key, 1)
	r := Row{
		Client: a, Server: b, Protocol: s.key[36], NoProtocol: s.known&lacksProtocol != 0,
		Records: s.records, Uncounted: s.known&lacksCounts != 0,
	}
	if s.known&knowsTime != 0 {
		r.Start, r.End = s.start(), s.end
	}
	var ways [2]Way
	var seen [2][]sum
	for n := s.views; n != none; {
		v := t.views.at(n)
		n = v.next
		name := t.names[v.of>>viewBits]
		r.Interfaces = append(r.Interfaces, name)
		if v.of&(rewroteSrc|rewroteDst) != 0 {
			r.Through = append(r.Through, name)
		}
		way := &seen[v.of&1]
		at := v.of &^ refused
		i := slices.IndexFunc(*way, func(x sum) bool { return x.at == at })
		if i < 0 {
			i = len(*way)
			*way = append(*way, sum{at: at})
		}
		x := &(*way)[i]
		x.packets += int64(v.packets)
		x.bytes += int64(v.bytes)
		if v.of&refused != 0 {
			ways[v.of&1].Refused += int64(v.packets)
			ways[v.of&1].refused = true
			r.RefusedAt = append(r.RefusedAt, name)
		}
	}
	for i := range ways {
		w := &ways[i]
		w.Flags = s.flags[i]
		if len(seen[i]) == 0 {
			continue
		}
		best := slices.MaxFunc(seen[i], func(x, y sum) int {
			return cmp.Or(cmp.Compare(x.packets, y.packets), cmp.Compare(x.bytes, y.bytes),
				cmp.Compare(t.names[y.at>>viewBits], t.names[x.at>>viewBits]), cmp.Compare(y.at, x.at))
		})
		w.Packets, w.Bytes, w.View = best.packets, best.bytes, t.names[best.at>>viewBits]
	}
	for _, names := range []*[]string{&r.Interfaces, &r.Through, &r.RefusedAt} {
		slices.Sort(*names)
		*names = slices.Compact(*names)
	}
	r.ToServer, r.ToClient = ways[0], ways[1]
	var client int
	if client, r.Decided = decide(s); client == 1 {
		r.Client, r.Server = b, a
		r.ToServer, r.ToClient = ways[1], ways[0]
	}
	r.Verdict = verdict(s, &r)
	r.Ending = ending(s, &r)
	return r
}

// fate is what became of what went one way.
func (w *Way) fate() Verdict {
	switch {
	case w.View == "":
		return NoVerdict
	case !w.refused:
		return Accepted
	case w.Refused >= w.Packets:
		return Refused
	}
	return Partly
}

func verdict(s *segment, r *Row) Verdict {
	if s.known&knowsVerdict == 0 {
		return NoVerdict
	}
	ask, answer := r.ToServer.fate(), r.ToClient.fate()
	switch {
	case ask == NoVerdict:
		return answer
	case answer == NoVerdict || ask == answer:
		return ask
	case ask == Refused && answer == Accepted:
		return RefusedAsk
	case ask == Accepted && answer == Refused:
		return RefusedAnswer
	}
	return Partly
}

func ending(s *segment, r *Row) Ending {
	switch fin := s.flags[0]&record.FIN + s.flags[1]&record.FIN; {
	case r.Verdict == Refused:
		return NotAllowed
	case (s.flags[0]|s.flags[1])&record.RST != 0:
		return Reset
	case fin == 2*record.FIN:
		return Closed
	case r.ToServer.View == "" || r.ToClient.View == "":
		return Unanswered
	case fin != 0:
		return HalfClosed
	case r.Protocol == 6 && s.known&knowsFlags != 0:
		return Open
	}
	return NotTold
}
