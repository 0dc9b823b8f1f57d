package query

import (
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"time"

	"weir/record"
)

// value reads a value of a subject. span says that it was typed as a range. Flags may
// be separated by commas if commas is set.
func (p *parser) value(s subject, commas bool) (v Value, span bool, err error) {
	t := p.take()
	if t.is("in") && s.Field == record.FlowDirection {
		return v, false, p.fail(t, "flow-direction is ingress or egress", "ingress")
	}
	if t.kind != quoted && (t.kind != word || reserved[strings.ToLower(t.text)]) {
		return v, false, p.fail(t, "want a value of "+s.name, "")
	}
	if s.Field == record.None || !s.IsInt() && !s.Field.IsAddr() {
		v, err = p.textValue(s, t)
		return v, false, err
	}
	// A range may have spaces in it, and a list of flags commas.
	for more := p.peek(); t.kind == word; more = p.peek() {
		after := token{}
		if more.kind != end {
			after = p.toks[p.next+1]
		}
		hyphen := more.kind == word && more.text == "-" && after.kind == word && !reserved[strings.ToLower(after.text)]
		comma := commas && s.Field == record.TCPFlags && more.is(",") && after.kind == word && flag(strings.ToLower(after.text)) != 0
		if !hyphen && !comma {
			break
		}
		t.text += more.text + after.text
		t.raw = t.text
		p.next += 2
	}
	if s.Field.IsAddr() {
		return p.addrValue(s, t)
	}
	return p.numberValue(s, t)
}

// closed are the fields that hold nothing but the values that Amazon documents.
var closed = map[record.Field]bool{record.Action: true, record.LogStatus: true, record.FlowDirection: true}

func (p *parser) textValue(s subject, t token) (Value, error) {
	if t.pattern != "" {
		return Value{Text: t.pattern, Wild: true}, nil
	}
	known := s.Field.Values()
	for _, v := range known {
		if strings.EqualFold(v, t.text) {
			return Value{Text: v}, nil
		}
	}
	if !closed[s.Field] {
		return Value{Text: t.text}, nil
	}
	suggest := nearest(t.text, known)
	for _, v := range known {
		if t.text != "" && strings.HasPrefix(strings.ToLower(v), strings.ToLower(t.text)) {
			suggest = v
		}
	}
	if m := short[meant[looseName(t.text)]]; m.field == s.Field {
		suggest = m.value
	}
	n := len(known) - 1
	return Value{}, p.fail(t, s.name+" is "+strings.Join(known[:n], ", ")+" or "+known[n], suggest)
}

func (p *parser) addrValue(s subject, t token) (v Value, span bool, err error) {
	if t.pattern != "" {
		return v, false, p.fail(t, "addresses have no wildcards: a network is written 10.0.0.0/8", network(t.text))
	}
	if a, err := netip.ParseAddr(t.text); err == nil {
		if a.Zone() != "" {
			return v, false, p.fail(t, "addresses of a flow log have no zone", a.WithZone("").String())
		}
		return Value{Text: a.String(), Prefix: netip.PrefixFrom(a, a.BitLen())}, false, nil
	}
	if n, err := netip.ParsePrefix(t.text); err == nil {
		n = n.Masked()
		return Value{Text: n.String(), Prefix: n}, false, nil
	}
	for _, cut := range cuts(t.text) {
		lo, err1 := netip.ParseAddr(cut[0])
		hi, err2 := netip.ParseAddr(cut[1])
		switch {
		case err1 != nil || err2 != nil || lo.Zone() != "" || hi.Zone() != "":
			continue
		case lo.BitLen() != hi.BitLen():
			return v, true, p.fail(t, "both ends of a range are of one version of IP", "")
		case hi.Less(lo):
			return v, true, p.fail(t, "the range ends before it begins", hi.String()+"-"+lo.String())
		}
		return Value{Text: lo.String() + "-" + hi.String(), Prefix: netip.PrefixFrom(lo, lo.BitLen()), Last: hi}, true, nil
	}
	likeAddress := strings.Trim(t.text, "0123456789abcdefABCDEF.:/-") == ""
	if t.kind == quoted && !likeAddress {
		return Value{Text: t.text}, false, nil
	}
	want := "want an address, a network such as 10.0.0.0/8, or a range such as 10.0.0.1-10.0.0.9"
	if !likeAddress {
		want += "; names are not looked up, and other text is put in quotation marks"
	}
	return v, false, p.fail(t, want, network(t.text))
}

// network guesses the network that was meant by 10.1, 10/8 or 10.1.*; "" if it cannot.
func network(s string) string {
	if !strings.ContainsAny(s, "./") {
		return ""
	}
	s, size, sized := strings.Cut(s, "/")
	parts := strings.Split(strings.TrimRight(s, ".*"), ".")
	bits := fmt.Sprint(8 * len(parts))
	if sized {
		bits = size
	}
	for len(parts) < 4 {
		parts = append(parts, "0")
	}
	n, err := netip.ParsePrefix(strings.Join(parts, ".") + "/" + bits)
	if err != nil {
		return ""
	}
	return n.Masked().String()
}

// isAddress reports whether s is an address or a network.
func isAddress(s string) bool {
	_, err1 := netip.ParseAddr(s)
	_, err2 := netip.ParsePrefix(s)
	return err1 == nil || err2 == nil
}

// cuts returns all the ways to take a range apart: at .. or at one of its hyphens.
func cuts(s string) (all [][2]string) {
	if lo, hi, ok := strings.Cut(s, ".."); ok {
		all = append(all, [2]string{lo, hi})
	}
	for i := range len(s) {
		if s[i] == '-' {
			all = append(all, [2]string{s[:i], s[i+1:]})
		}
	}
	return all
}

func (p *parser) numberValue(s subject, t token) (v Value, span bool, err error) {
	if t.pattern != "" {
		return v, false, p.fail(t, "numbers have no wildcards: a range is written 1000-2000", "")
	}
	v, err = number(s.Field, t.text)
	if err == nil {
		return v, false, nil
	}
	for _, cut := range cuts(t.text) {
		lo, err1 := number(s.Field, cut[0])
		hi, err2 := number(s.Field, cut[1])
		if err1 != nil || err2 != nil || s.Field == record.TCPFlags && (flagged(lo) || flagged(hi)) {
			continue
		}
		sep := "-"
		if isTime(s.Field) {
			sep = ".." // dates have hyphens of their own
		}
		if hi.Hi < lo.Lo {
			return v, true, p.fail(t, "the range ends before it begins", hi.Text+sep+lo.Text)
		}
		return Value{Text: lo.Text + sep + hi.Text, Lo: lo.Lo, Hi: hi.Hi}, true, nil
	}
	suggest := ""
	switch {
	case s.Field == record.Protocol:
		suggest = nearestKey(t.text, protocols)
	case isPort(s.Field):
		suggest = nearestKey(t.text, services)
	case isTime(s.Field):
		for _, more := range [...]string{"-01", "-01-01", ":00Z"} {
			if _, ok := parseTime(t.text + more); ok {
				suggest = t.text + more
			}
		}
	}
	return v, false, p.fail(t, err.Error(), suggest)
}

func nearestKey(s string, m map[string]int64) string {
	if _, ok := digits(s[:min(1, len(s))]); ok {
		return ""
	}
	var names []string
	for name := range m {
		names = append(names, name)
	}
	return nearest(s, names)
}

func flagged(v Value) bool { _, ok := digits(v.Text); return !ok }

func isPort(f record.Field) bool { return f == record.SrcPort || f == record.DstPort }
func isTime(f record.Field) bool { return f == record.Start || f == record.End }

// isSize reports whether a field counts packets or bytes, which may be many.
func isSize(f record.Field) bool { return f.Type() == record.Int64 && !isTime(f) }

// number reads one value of an integer field. The error says what is wanted.
func number(f record.Field, s string) (Value, error) {
	n, ok := digits(s)
	if ok && n <= f.Max() && !isTime(f) {
		return Value{Text: s, Lo: n, Hi: n}, nil
	}
	switch lower := strings.ToLower(s); {
	case isTime(f):
		if v, ok := parseTime(s); ok {
			return v, nil
		}
	case ok:
	case f == record.Protocol:
		if n, ok := protocols[lower]; ok {
			return Value{Text: lower, Lo: n, Hi: n}, nil
		}
	case isPort(f):
		if n, ok := services[lower]; ok {
			return Value{Text: lower, Lo: n, Hi: n}, nil
		}
	case f == record.TCPFlags:
		if bits, ok := parseFlags(s); ok {
			return Value{Text: flagText(bits), Lo: int64(bits), Hi: int64(bits)}, nil
		}
	case isSize(f):
		if v, ok := parseSize(s); ok {
			return v, nil
		}
	}
	switch {
	case f == record.Protocol:
		return Value{}, errors.New("a protocol is a number from 0 to 255 or a name such as tcp")
	case isPort(f):
		return Value{}, errors.New("a port is a number from 0 to 65535, a range such as 1000-2000, or a service such as ssh")
	case f == record.TCPFlags:
		return Value{}, errors.New("flags are a number from 0 to 255, or names such as syn,ack: syn, ack, fin, rst, psh, urg, ece, cwr, none")
	case isTime(f):
		return Value{}, errors.New("a time is 2026-11-23T10:00Z, a day such as 2026-11-23, or Unix seconds")
	case isSize(f):
		return Value{}, fmt.Errorf("%s are a number such as 1500, 10k, 2.5M or 1Gi", f)
	}
	return Value{}, fmt.Errorf("%s is a number from 0 to %d", f, f.Max())
}

// latest is the last second that can be written as a date.
const latest = 253402300799

// parseTime reads a day, which is all of its seconds, or a time, which is one. They
// are of UTC unless they say otherwise.
func parseTime(s string) (Value, bool) {
	if n, ok := digits(s); ok {
		// Years and milliseconds are no Unix seconds, but are easily taken for them.
		return Value{Text: s, Lo: n, Hi: n}, n <= latest && (n < 1900 || n > 2999)
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		lo := t.Unix()
		return Value{Text: s, Lo: lo, Hi: lo + 24*60*60 - 1}, lo >= 0
	}
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, strings.ToUpper(s)); err == nil && t.Nanosecond() == 0 {
			n := t.Unix()
			return Value{Text: t.UTC().Format(time.RFC3339), Lo: n, Hi: n}, n >= 0 && n <= latest
		}
	}
	return Value{}, false
}

// sizes are the ends of numbers. Those without i are powers of 1000.
var sizes = []struct {
	suffix string
	factor int64
}{
	{"Ki", 1 << 10}, {"Mi", 1 << 20}, {"Gi", 1 << 30}, {"Ti", 1 << 40}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12},
}

// parseSize reads a number with a suffix, such as 2.5M.
func parseSize(s string) (Value, bool) {
	for _, z := range sizes {
		n := len(s) - len(z.suffix)
		if n < 1 || n > 40 || !strings.EqualFold(s[n:], z.suffix) {
			continue
		}
		whole, part, point := strings.Cut(s[:n], ".")
		if _, ok := digits(whole); !ok || point && part == "" || strings.Trim(part, "0123456789") != "" {
			return Value{}, false
		}
		r, ok := new(big.Rat).SetString(s[:n])
		if !ok {
			return Value{}, false
		}
		r.Mul(r, new(big.Rat).SetInt64(z.factor))
		if !r.IsInt() || !r.Num().IsInt64() {
			return Value{}, false
		}
		v := r.Num().Int64()
		return Value{Text: s[:n] + z.suffix, Lo: v, Hi: v}, true
	}
	return Value{}, false
}
