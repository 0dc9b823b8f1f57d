package names

import (
	"errors"
	"net/netip"
	"strings"

	"weir/internal/described"
)

// A prefixJSON is an element of ip-ranges.json ("AWS IP address ranges", Amazon VPC
// User Guide, read 2026-11-24).
type prefixJSON struct {
	IPv4    string `json:"ip_prefix"`
	IPv6    string `json:"ipv6_prefix"`
	Region  string `json:"region"`
	Service string `json:"service"`
}

// tier is which of overlapping ranges counts, as in vpc.Ranges: AMAZON contains all
// others, and EC2 many.
func tier(service string) int {
	switch service {
	case "AMAZON":
		return 2
	case "EC2":
		return 1
	}
	return 0
}

func (l *loader) prefix(p *prefixJSON) error {
	field, text := "ip_prefix", p.IPv4
	if text == "" {
		field, text = "ipv6_prefix", p.IPv6
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return &described.FieldError{Field: field, Value: text, Err: errors.New("it is no network")}
	}
	if network = network.Masked(); network.Addr().Is4In6() {
		return &described.FieldError{Field: field, Value: text, Err: errors.New("it is IPv4 as IPv6")}
	}
	name := clean(p.Service)
	if p.Region != "" && !strings.EqualFold(p.Region, "GLOBAL") {
		name += " " + clean(p.Region)
	}
	t := &l.book.ranges[tier(p.Service)]
	// Of one prefix in two services the first in the alphabet counts.
	if other, ok := t.Get(network); !ok || name < other {
		t.Insert(network, name)
	}
	return nil
}
