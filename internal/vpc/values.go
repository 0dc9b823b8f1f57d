package vpc

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The types of values in the configuration. Each reads itself from text, so
// that the loader can say on which line a value is wrong.

// Protocol is the IANA number of an IP protocol; AllProtocols is any.
type Protocol int

// Protocols that have names in rules.
const (
	AllProtocols Protocol = -1
	ProtoICMP    Protocol = 1
	ProtoTCP     Protocol = 6
	ProtoUDP     Protocol = 17
	ProtoICMPv6  Protocol = 58
)

// UnmarshalText reads a name or a number.
func (p *Protocol) UnmarshalText(b []byte) error {
	switch s := strings.ToLower(string(b)); s {
	case "all", "-1", "":
		*p = AllProtocols
	case "icmp":
		*p = ProtoICMP
	case "tcp":
		*p = ProtoTCP
	case "udp":
		*p = ProtoUDP
	case "icmpv6":
		*p = ProtoICMPv6
	default:
		n, err := strconv.ParseUint(s, 10, 8)
		if err != nil || n == 0 {
			return fmt.Errorf("protocol %q: want tcp, udp, icmp, icmpv6, all or a number from 1 to 255", b)
		}
		*p = Protocol(n)
	}
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (p Protocol) MarshalText() ([]byte, error) {
	switch p {
	case AllProtocols:
		return []byte("all"), nil
	case ProtoICMP:
		return []byte("icmp"), nil
	case ProtoTCP:
		return []byte("tcp"), nil
	case ProtoUDP:
		return []byte("udp"), nil
	case ProtoICMPv6:
		return []byte("icmpv6"), nil
	}
	return strconv.AppendInt(nil, int64(p), 10), nil
}

// MarshalText writes what UnmarshalText reads.
func (r PortRange) MarshalText() ([]byte, error) {
	if r == (PortRange{}) {
		return []byte("all"), nil
	}
	out := strconv.AppendUint(nil, uint64(r.From), 10)
	if r.To != r.From {
		out = strconv.AppendUint(append(out, '-'), uint64(r.To), 10)
	}
	return out, nil
}

// UnmarshalText reads "443" or "1024-65535", and "all" as the zero range.
func (r *PortRange) UnmarshalText(b []byte) error {
	s := string(b)
	if s == "all" {
		*r = PortRange{}
		return nil
	}
	from, to, ok := strings.Cut(s, "-")
	if !ok {
		to = from
	}
	lo, err1 := strconv.ParseUint(strings.TrimSpace(from), 10, 16)
	hi, err2 := strconv.ParseUint(strings.TrimSpace(to), 10, 16)
	if err1 != nil || err2 != nil || lo > hi {
		return fmt.Errorf("ports %q: want a port such as 443, or a range such as 1024-65535", s)
	}
	*r = PortRange{uint16(lo), uint16(hi)}
	return nil
}

// Duration is a length of time, such as 10s or 5m.
type Duration time.Duration

// UnmarshalText reads what [time.ParseDuration] reads, if it is above 0.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil || v <= 0 {
		return fmt.Errorf("duration %q: want one such as 10s, 5m or 1h", b)
	}
	*d = Duration(v)
	return nil
}

// Size is a number of bytes, such as 512MiB.
type Size int64

// UnmarshalText reads a number with or without a unit of KiB, MiB, GiB or TiB.
func (z *Size) UnmarshalText(b []byte) error {
	digits, shift := strings.TrimSpace(string(b)), 0
	for i, unit := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if s, ok := strings.CutSuffix(digits, unit); ok {
			digits, shift = strings.TrimSpace(s), 10*(i+1)
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 63)
	if err != nil || n <= 0 || n<<shift>>shift != n {
		return fmt.Errorf("size %q: want one such as 512MiB or 10GiB", b)
	}
	*z = Size(n << shift)
	return nil
}

// CIDR is a prefix; in the configuration, one without bits beyond its length.
type CIDR struct{ netip.Prefix }

// UnmarshalText reads a prefix such as 10.0.0.0/16.
func (c *CIDR) UnmarshalText(b []byte) error {
	p, err := netip.ParsePrefix(string(b))
	if err != nil {
		return fmt.Errorf("CIDR %q: want a network such as 10.0.0.0/16 or 2001:db8::/56", b)
	}
	if p.Addr().Is4In6() {
		return fmt.Errorf("CIDR %q: IPv4 in IPv6 is not a network of either", b)
	}
	if p != p.Masked() {
		return fmt.Errorf("CIDR %q has bits set beyond its length: want %s", b, p.Masked())
	}
	c.Prefix = p
	return nil
}

// IP is an address.
type IP struct{ netip.Addr }

// UnmarshalText reads an address without a zone.
func (a *IP) UnmarshalText(b []byte) error {
	ip, err := netip.ParseAddr(string(b))
	if err != nil || ip.Zone() != "" {
		return fmt.Errorf("address %q: want one such as 10.0.1.5 or 2001:db8::5", b)
	}
	a.Addr = ip.Unmap()
	return nil
}

// MAC is an Ethernet address in lower case, with colons.
type MAC string

// UnmarshalText reads an Ethernet address in any usual notation.
func (m *MAC) UnmarshalText(b []byte) error {
	hw, err := net.ParseMAC(string(b))
	if err != nil || len(hw) != 6 {
		return fmt.Errorf("MAC %q: want one such as 02:00:00:00:00:01", b)
	}
	*m = MAC(hw.String())
	return nil
}

// AccountID is an account's number, 12 digits.
type AccountID string

// UnmarshalText reads 12 digits.
func (a *AccountID) UnmarshalText(b []byte) error {
	if len(b) != 12 || strings.Trim(string(b), "0123456789") != "" {
		return fmt.Errorf("account %q: want 12 digits", b)
	}
	*a = AccountID(b)
	return nil
}

var regionShape = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// Name is what regions and zones are called: lower case letters, digits and
// hyphens, for it becomes part of object names.
type Name string

// UnmarshalText reads such a name.
func (n *Name) UnmarshalText(b []byte) error {
	if len(b) > 63 || !regionShape.Match(b) {
		return fmt.Errorf("name %q: want lower-case letters, digits and hyphens, such as eu-west-1", b)
	}
	*n = Name(b)
	return nil
}

// TypeName is an [InterfaceType] in the configuration. It is a type of its own
// since a journal may hold, one day, types that this version does not know.
type TypeName InterfaceType

// UnmarshalText reads one of the values of [InterfaceTypes].
func (t *TypeName) UnmarshalText(b []byte) error {
	for _, v := range InterfaceTypes() {
		if string(v) == string(b) {
			*t = TypeName(v)
			return nil
		}
	}
	var all []string
	for _, v := range InterfaceTypes() {
		all = append(all, string(v))
	}
	return fmt.Errorf("interface type %q: %s", b, didYouMean(string(b), all))
}

var idShape = regexp.MustCompile(`^[a-z]+-([0-9a-f]{8}|[0-9a-f]{17})$`)

var errID = errors.New("want the prefix and 8 or 17 hexadecimal digits")

// checkID says what is wrong with an id of the given prefix, such as "vpc".
func checkID(prefix, s string) error {
	if !strings.HasPrefix(s, prefix+"-") || !idShape.MatchString(s) || strings.Count(s, "-") != strings.Count(prefix, "-")+1 {
		return fmt.Errorf("id %q: %w, such as %s-0123456789abcdef0", s, errID, prefix)
	}
	return nil
}
