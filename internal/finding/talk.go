package finding

import (
	"math"

	"weir/record"
)

// A talk is what one client and one service had with each other: the client's address,
// the service's address, port and protocol. Times are Unix seconds.
type talk struct {
	client, server uint32 // numbers of addresses
	port           uint16
	protocol       uint8
	kept           uint8 // lines, two bits for each class

	asks    uint32 // records from the client, refused ones too
	refused uint32 // of asks
	bare    uint32 // of asks that were accepted: TCP of few packets and without data
	half    uint32 // of bare: with nothing but SYN, as far as the record tells

	packets uint32 // of asks that were accepted
	answers uint32 // records from the service, accepted ones
	back    uint32 // packets of them
	least   uint32 // bytes of an ask that was accepted
	most    uint32

	first, last uint32
	answered    uint32 // the last end of an answer; 0: none
	line        uint32 // the first of its lines; 0: none
	face        uint32 // number of an interface that recorded it
	bytes       uint64 // of asks that were accepted
	when        span   // minutes in which asks start
	early       hour   // the first of those that were accepted
	untold      bool   // lines could not be kept
	_           [3]byte
}

// A row is what is read of a record.
type row struct {
	src, dst         addr
	from, to         uint32 // their numbers
	sport, dport     uint16
	protocol         uint8
	flags            record.Flags
	flagged, refused bool
	packets, bytes   uint64
	start, end       uint32
	face             uint32
	n                int32 // in its batch
}

// Protocols.
const (
	icmp = 1
	tcp  = 6
	udp  = 17
)

// bare reports whether a record has no more than the packets of a TCP connection that
// comes to nothing: no data, and three packets at most.
func (r *row) bare() bool {
	size := uint64(60) // IPv4 and TCP with the options of a SYN
	if r.src.hi != ipv4 {
		size = 80
	}
	return r.protocol == tcp && r.packets <= 3 && r.bytes <= r.packets*size
}

// half reports whether a bare record looks like SYN alone.
func (r *row) half() bool {
	return !r.flagged || r.flags&(record.SYN|record.ACK|record.FIN|record.RST) == record.SYN
}

// asks reports whether a record is of what goes to the service. Flags know; else it is
// a matter of ports, and comes out the same for both directions of a connection.
func (r *row) asks() bool {
	if r.protocol == tcp && r.flagged {
		switch r.flags & record.SYNACK {
		case record.SYN:
			return true
		case record.SYNACK:
			// Some logs have ACK of every segment, so that a client has both, too.
			if rank(r.sport) <= known || rank(r.dport) > known {
				return false
			}
		}
	}
	from, to := rank(r.sport), rank(r.dport)
	switch {
	case r.refused:
		// What is refused has no answer: only what looks like one itself is.
		return from > known || to <= known
	case from != to:
		return to < from
	case r.sport != r.dport:
		return r.dport < r.sport
	}
	return !r.src.less(r.dst)
}

// Ranks of ports: the lower one is more likely a service's.
const (
	wellKnown = iota
	known
	registered
	ephemeral
)

func rank(port uint16) int {
	switch {
	case port < 1024:
		return wellKnown
	case services[port>>6]>>(port&63)&1 != 0:
		return known
	case port < 32768: // Linux, net.ipv4.ip_local_port_range
		return registered
	}
	return ephemeral
}

// services are ports from 1024 on at which programs listen by default.
var services = func() (set [1024]uint64) {
	for _, p := range []uint16{
		1080, 1194, 1433, 1521, 1723, 1812, 1813, 1883, 2049, 2181, 2375, 2376, 2379, 2380, 3000, 3128, 3260, 3268, 3269,
		3306, 3389, 4222, 4317, 4318, 4369, 4789, 5000, 5044, 5060, 5061, 5222, 5432, 5439, 5601, 5671, 5672, 5900, 5985,
		5986, 6081, 6379, 6443, 7000, 7199, 7687, 8000, 8008, 8009, 8080, 8081, 8086, 8088, 8125, 8182, 8443, 8500, 8888,
		9000, 9042, 9090, 9092, 9093, 9094, 9096, 9098, 9100, 9200, 9300, 9418, 9443, 10250, 10255, 11211, 11434, 15672,
		25565, 27017, 27018, 51820,
	} {
		set[p>>6] |= 1 << (p & 63)
	}
	return set
}()

// add adds a record, which is an ask or an answer.
func (t *talk) add(r *row, ask bool) {
	if t.first == 0 || r.start < t.first {
		t.first = r.start
	}
	t.last = max(t.last, r.end)
	t.face = max(t.face, r.face)
	switch {
	case !ask && r.refused:
	case !ask:
		t.answers = plus(t.answers, 1)
		t.back = plus(t.back, r.packets)
		t.answered = max(t.answered, r.end)
	default:
		t.asks = plus(t.asks, 1)
		t.when.add(r.start / 60)
		if r.refused {
			t.refused = plus(t.refused, 1)
			return
		}
		t.accept(r)
	}
}

func (t *talk) accept(r *row) {
	t.early.add(r.start / 60)
	size := uint32(min(r.bytes, math.MaxUint32))
	if t.packets == 0 || size < t.least {
		t.least = size
	}
	t.most = max(t.most, size)
	t.packets = plus(t.packets, r.packets)
	if t.bytes += r.bytes; t.bytes < r.bytes {
		t.bytes = math.MaxUint64
	}
	if r.bare() {
		t.bare++
		if r.half() {
			t.half++
		}
	}
}

// merge adds what another collector has of the same talk, but for its lines.
func (t *talk) merge(o *talk) {
	if o.packets > 0 {
		if t.packets == 0 || o.least < t.least {
			t.least = o.least
		}
		t.most = max(t.most, o.most)
	}
	t.asks, t.refused = plus(t.asks, uint64(o.asks)), plus(t.refused, uint64(o.refused))
	t.bare, t.half = plus(t.bare, uint64(o.bare)), plus(t.half, uint64(o.half))
	t.packets, t.answers, t.back = plus(t.packets, uint64(o.packets)), plus(t.answers, uint64(o.answers)), plus(t.back, uint64(o.back))
	if t.bytes += o.bytes; t.bytes < o.bytes {
		t.bytes = math.MaxUint64
	}
	if t.first == 0 || o.first != 0 && o.first < t.first {
		t.first = o.first
	}
	t.last, t.answered, t.face = max(t.last, o.last), max(t.answered, o.answered), max(t.face, o.face)
	t.when.merge(o.when)
	t.early.merge(o.early)
	t.untold = t.untold || o.untold
}

// plus adds, and stays at the greatest value.
func plus(a uint32, b uint64) uint32 { return uint32(min(uint64(a)+b, math.MaxUint32)) }

// accepted returns how many asks were accepted.
func (t *talk) accepted() uint32 { return t.asks - t.refused }

// talks is a table of talks.
type talks struct {
	seed   uint64
	slots  []slot
	chunks [][]talk
	n      int
}

// A slot is where a talk may be. One look says that it is another.
type slot struct {
	hash uint32
	at   uint32 // its number plus 1; 0 is free
}

const chunk = 1 << 10 // talks

func newTalks(seed uint64) talks { return talks{seed: seed, slots: make([]slot, 4096)} }

func (t *talks) at(i uint32) *talk { return &t.chunks[i/chunk][i%chunk] }

func (t *talks) hash(client, server uint32, port uint16, protocol uint8) uint32 {
	return uint32(hash(t.seed, uint64(client)<<32|uint64(server), uint64(port)<<8|uint64(protocol)))
}

// find returns a talk, which it makes if there is none and may be one more; else nil.
func (t *talks) find(h, client, server uint32, port uint16, protocol uint8, may func() bool) *talk {
	mask := uint32(len(t.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.at == 0 {
			if t.n >= maxTalks || !may() {
				return nil
			}
			if t.n%chunk == 0 {
				t.chunks = append(t.chunks, make([]talk, chunk))
			}
			*s = slot{h, uint32(t.n) + 1}
			x := t.at(uint32(t.n))
			x.client, x.server, x.port, x.protocol = client, server, port, protocol
			if t.n++; t.n*2 > len(t.slots) {
				t.grow()
			}
			return x
		}
		if s.hash != h {
			continue
		}
		if x := t.at(s.at - 1); x.client == client && x.server == server && x.port == port && x.protocol == protocol {
			return x
		}
	}
}

func (t *talks) grow() {
	old := t.slots
	t.slots = make([]slot, 4*len(old))
	mask := uint32(len(t.slots) - 1)
	for _, s := range old {
		if s.at == 0 {
			continue
		}
		i := s.hash & mask
		for t.slots[i].at != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = s
	}
}
