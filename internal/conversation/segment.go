package conversation

import (
	"encoding/binary"
	"math"
	"net/netip"

	"weir/record"
)

const keySize = 37

// makeKey puts two endpoints, the lesser first, and the protocol into a key, and
// returns 0 if the source is the first of them, else 1.
func makeKey(key *[keySize]byte, src, dst netip.Addr, srcPort, dstPort uint16, protocol uint8) (dir uint8) {
	put := func(at int, a netip.Addr, port uint16) {
		b := a.As16()
		copy(key[at:], b[:])
		binary.BigEndian.PutUint16(key[at+16:], port)
	}
	if c := src.Compare(dst); c > 0 || c == 0 && srcPort > dstPort {
		src, dst, srcPort, dstPort, dir = dst, src, dstPort, srcPort, 1
	}
	put(0, src, srcPort)
	put(18, dst, dstPort)
	key[36] = protocol
	return dir
}

// endpoint returns the first or the second endpoint of a key.
func endpoint(key *[keySize]byte, n int) netip.AddrPort {
	b := key[18*n:]
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[:16])).Unmap(), binary.BigEndian.Uint16(b[16:]))
}

// A segment is a conversation, or a part of one: pieces that surely belong together.
// It holds no pointers, so that a million of them cost the garbage collector nothing.
type segment struct {
	key     [keySize]byte
	known   uint8
	flags   [2]record.Flags // each way
	first   [2]int64        // least start each way, MaxInt64 if there was nothing
	end     int64
	syn     int64 // least start of what has a SYN without ACK, MaxInt64 if none has
	records int64
	views   uint32 // the first of its views
	next    uint32 // another segment with the same key
}

// Bits of known.
const (
	knowsTime = 1 << iota
	knowsFlags
	knowsVerdict
	lacksCounts   // a record without packets or bytes
	lacksProtocol // a record without protocol
)

// A view is what one interface saw of a segment, one way, with one verdict.
type view struct {
	packets, bytes uint64
	of             uint32 // interface<<viewBits and the bits below
	next           uint32
}

// Bits of view.of. The lowest is the way.
const (
	refused    = 1 << (iota + 1)
	rewroteSrc // srcaddr is not the packet's: what leaves a hop
	rewroteDst // dstaddr is not the packet's: what comes to a hop, or to a secondary address
	viewBits   = iota + 1
)

const none = math.MaxUint32

// Times between which conversations are one.
const (
	// slack is how far times of one packet may be apart in two records: "up to 60
	// seconds" ("Flow log records", start and end, read 2026-11-24). It is also
	// how long Linux keeps a closed connection's ports (TIME_WAIT).
	slack = 60
	// silence is how long a conversation may be silent: the longest aggregation
	// interval, and longer than NAT gateways and load balancers (350 s) and
	// security groups (UDP, 180 s) remember one.
	silence = 600
	// patience is the same where tcp-flags would tell of a new connection: the
	// time after which Linux asks an idle peer whether it is still there.
	patience = 7200
)

func (s *segment) start() int64 { return min(s.first[0], s.first[1]) }

// opens reports whether the segment begins with a SYN.
func (s *segment) opens() bool { return s.syn != math.MaxInt64 && s.syn <= s.start()+slack }

// closed reports whether its end was seen.
func (s *segment) closed() bool {
	return (s.flags[0]|s.flags[1])&record.RST != 0 || s.flags[0]&s.flags[1]&record.FIN != 0
}

// answered reports whether something came back, or what came was more than a request.
func (s *segment) answered() bool {
	return s.first[0] != math.MaxInt64 && s.first[1] != math.MaxInt64 || s.closed()
}

// pause returns how long the segment may be silent before it is over.
func (s *segment) pause() int64 {
	switch {
	case s.closed():
		return slack
	case s.key[36] == 6 && s.known&knowsFlags != 0:
		return patience
	}
	return silence
}

// tells reports whether flags say where the segment begins and ends.
func (s *segment) tells() bool {
	return s.known&knowsFlags != 0 && (s.key[36] == 6 || s.known&lacksProtocol != 0)
}

// near reports whether two segments of one key are surely parts of one conversation,
// whatever comes yet: so the order in which they come makes no difference. Where flags
// tell, a longer silence may turn out to be one after an end.
func (s *segment) near(o *segment) bool {
	if o.start() < s.start() {
		s, o = o, s
	}
	gap := o.start() - s.end
	return gap <= slack || gap <= silence && !s.tells() && !o.tells()
}

// continues reports whether o, which begins after s and of which everything is known,
// is the same conversation: not after too long a silence, and not with a SYN after
// one that was answered.
func (s *segment) continues(o *segment) bool {
	return s.near(o) || o.start()-s.end <= s.pause() && !(o.opens() && s.answered())
}

// take adds o to s, all but its views.
func (s *segment) take(o *segment) {
	for i := range s.flags {
		s.flags[i] |= o.flags[i]
		s.first[i] = min(s.first[i], o.first[i])
	}
	s.known |= o.known
	s.end = max(s.end, o.end)
	s.syn = min(s.syn, o.syn)
	s.records += o.records
}

// A list is a slice that grows without being copied.
type list[T any] struct {
	chunks [][]T
	n      uint32
}

const chunk = 4096

func (l *list[T]) len() int { return int(l.n) }

func (l *list[T]) at(n uint32) *T { return &l.chunks[n/chunk][n%chunk] }

func (l *list[T]) add(v T) uint32 {
	if l.n%chunk == 0 {
		l.chunks = append(l.chunks, make([]T, chunk))
	}
	*l.at(l.n) = v
	l.n++
	return l.n - 1
}
