package finding

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"weir/internal/firewall"
	"weir/internal/vpc"
)

// maxListed is how many addresses or ports a condition lists; with more it names none.
const maxListed = 10

// and joins conditions, leaving out those that are empty.
func and(all ...string) string {
	return strings.Join(slices.DeleteFunc(all, func(s string) bool { return s == "" }), " and ")
}

// oneOf is the condition that a field has one of some values; empty if they are many.
func oneOf(field string, values []string) string {
	switch n := len(values); {
	case n == 0 || n > maxListed:
		return ""
	case n == 1:
		return field + " = " + values[0]
	}
	return field + " in (" + strings.Join(values, ", ") + ")"
}

// ofProtocol is the condition on protocol and, where there are ports, the service's.
func ofProtocol(protocol uint8, port uint16) string {
	if protocol != tcp && protocol != udp {
		return fmt.Sprintf("protocol = %d", protocol)
	}
	return fmt.Sprintf("protocol = %d and dstport = %d", protocol, port)
}

// quoted is a text as a condition takes it.
func quoted(s string) string {
	plain := s != "" && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && strings.HasPrefix(s, "eni-")
	if plain {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `*`, `\*`, `?`, `\?`).Replace(s) + `"`
}

// between is the condition that a record starts in a stretch of time.
func between(from, to int64) string {
	return fmt.Sprintf("start >= %d and start < %d", from, to)
}

func protocolName(p uint8) string { return firewall.ProtocolName(vpc.Protocol(p)) }

// serviceName is "10.0.2.9 tcp 443", as it is said.
func (c *Collector) serviceName(t *talk) string {
	return c.name(t.server) + " " + portName(t.protocol, t.port)
}

func portName(protocol uint8, port uint16) string {
	if protocol != tcp && protocol != udp {
		return protocolName(protocol)
	}
	return fmt.Sprintf("%s %d", protocolName(protocol), port)
}

func (c *Collector) name(n uint32) string { return c.addrs.list[n].netip().String() }

// names returns addresses without repetition, in their order.
func (c *Collector) names(numbers []uint32) []string {
	numbers = slices.Clone(numbers)
	slices.SortFunc(numbers, func(a, b uint32) int {
		x, y := c.addrs.list[a], c.addrs.list[b]
		switch {
		case x.less(y):
			return -1
		case y.less(x):
			return 1
		}
		return 0
	})
	numbers = slices.Compact(numbers)
	if len(numbers) > maxListed {
		return make([]string, len(numbers)) // nobody lists them
	}
	var out []string
	for _, n := range numbers {
		out = append(out, c.name(n))
	}
	return out
}

// those says a number and what there is so many of.
func those(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func clock(t int64) string { return time.Unix(t, 0).UTC().Format(time.RFC3339) }

// lasting says a length of time.
func lasting(seconds int64) string {
	switch {
	case seconds%3600 == 0:
		return those(seconds/3600, "hour", "hours")
	case seconds%60 == 0:
		return those(seconds/60, "minute", "minutes")
	}
	return those(seconds, "second", "seconds")
}

// groups sorts the talks that are wanted by a key, and calls fn with those of each. A
// key has 44 bits at most.
func (c *Collector) groups(key func(*talk) (uint64, bool), fn func(all []*talk)) {
	var keys []uint64
	for i := range uint32(c.talks.n) {
		if k, ok := key(c.talks.at(i)); ok {
			keys = append(keys, k<<20|uint64(i))
		}
	}
	slices.Sort(keys)
	var all []*talk
	for i, k := range keys {
		all = append(all, c.talks.at(uint32(k&(1<<20-1))))
		if i+1 == len(keys) || keys[i+1]>>20 != k>>20 {
			fn(all)
			all = all[:0]
		}
	}
}

// extent returns the least start and the greatest end of some talks.
func extent(all []*talk) (first, last int64) {
	for _, t := range all {
		if first == 0 || int64(t.first) < first {
			first = int64(t.first)
		}
		last = max(last, int64(t.last))
	}
	return first, last
}
