package conversation

import (
	"math"
	"net/netip"
	"slices"

	"weir/record"
)

// services are ports from 1024 on that servers listen at, by the names that the
// programs are known by; whoever's port is in it is not an ephemeral one by chance
// more often than one time in thousands.
var services = []uint16{
	1194, 1433, 1521, 1883, 2049, 2181, 2379, 2380, 3128, 3260, 3306, 3389, 4222, 4317, 4318, 5000, 5044, 5060, 5061,
	5432, 5439, 5601, 5671, 5672, 5900, 5985, 5986, 6379, 6443, 7000, 7199, 7687, 8000, 8008, 8080, 8081, 8086, 8088,
	8125, 8182, 8443, 8500, 8888, 9000, 9042, 9090, 9092, 9093, 9094, 9096, 9098, 9100, 9200, 9300, 9418, 9443,
	10250, 10255, 11211, 11434, 15672, 25565, 27017, 27018,
}

// ephemeral is the least port that Linux and Windows give to whoever asks for any:
// Linux has 32768 to 60999, Windows and the IANA 49152 to 65535. NAT gateways and load
// balancers take ports from 1024 on.
const ephemeral = 32768

// decide returns which endpoint is the client's, 0 or 1, and how that was decided.
//
// Ranges of ports come before who was first: the seconds of two interfaces are up to
// a minute off, and a log begins in the middle of conversations.
func decide(s *segment) (client int, by Decided) {
	// The bits of all windows are together: SYN of a way with ACK is a SYN-ACK.
	asks := func(n int) bool { return s.flags[n]&record.SYNACK == record.SYN }
	answers := func(n int) bool { return s.flags[n]&record.SYNACK == record.SYNACK }
	for n := range 2 {
		if (asks(n) || answers(1-n)) && !asks(1-n) && !answers(n) {
			return n, BySYN
		}
	}
	a, b := endpoint(&s.key, 0), endpoint(&s.key, 1)
	if x, y := known(a), known(b); x != y {
		return which(y), ByPort
	}
	if hasPorts(a, b) {
		if x, y := a.Port() >= ephemeral, b.Port() >= ephemeral; x != y {
			return which(x), ByRange
		}
	}
	if x, y := s.first[0], s.first[1]; x != y && s.known&knowsTime != 0 {
		return which(x < y), ByStart
	}
	switch {
	case s.first[1] == math.MaxInt64:
		return 0, ByStart
	case s.first[0] == math.MaxInt64:
		return 1, ByStart
	}
	return 0, Undecided
}

// which returns 0 if the first endpoint is the client.
func which(first bool) int {
	if first {
		return 0
	}
	return 1
}

func hasPorts(a, b netip.AddrPort) bool { return a.Port() != 0 && b.Port() != 0 }

// known reports whether a port is one of a service.
func known(a netip.AddrPort) bool {
	if p := a.Port(); p >= 1024 {
		_, found := slices.BinarySearch(services, p)
		return found
	}
	return a.Port() != 0
}
