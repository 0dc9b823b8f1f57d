package query

import (
	"strings"

	"weir/record"
)

// ends are the fields of a record's either end, by the name that stands for both.
var ends = map[string][]record.Field{
	"addr":    {record.SrcAddr, record.DstAddr},
	"port":    {record.SrcPort, record.DstPort},
	"pktaddr": {record.PktSrcAddr, record.PktDstAddr},
}

// aliases are other names of fields that are taken.
var aliases = map[string]string{"proto": "protocol", "flags": "tcp-flags"}

// meant are names that other tools have for our fields, which we suggest and do not
// take: what a condition says should look like the record.
var meant = map[string]string{
	"sport": "srcport", "sourceport": "srcport", "dport": "dstport", "destport": "dstport", "destinationport": "dstport",
	"sip": "srcaddr", "srcip": "srcaddr", "source": "srcaddr", "sourceaddress": "srcaddr", "sa": "srcaddr",
	"dip": "dstaddr", "dstip": "dstaddr", "destination": "dstaddr", "destinationaddress": "dstaddr", "da": "dstaddr",
	"address": "addr", "direction": "flow-direction", "status": "log-status", "eni": "interface-id", "interface": "interface-id",
	"account": "account-id", "vpc": "vpc-id", "subnet": "subnet-id", "instance": "instance-id", "az": "az-id",
	"verdict": "action", "octets": "bytes", "drop": "reject", "dropped": "reject", "deny": "reject", "denied": "reject",
	"refused": "reject", "rejected": "reject", "block": "reject", "blocked": "reject", "accepted": "accept", "allow": "accept",
	"allowed": "accept", "pass": "accept", "inbound": "ingress", "outbound": "egress", "out": "egress",
}

// short are the words that are a condition by themselves, and what they stand for.
var short = map[string]struct {
	field record.Field
	value string
}{
	"accept": {record.Action, "ACCEPT"}, "reject": {record.Action, "REJECT"},
	"ok": {record.LogStatus, "OK"}, "nodata": {record.LogStatus, "NODATA"}, "skipdata": {record.LogStatus, "SKIPDATA"},
	"ingress": {record.FlowDirection, "ingress"}, "egress": {record.FlowDirection, "egress"},
}

// networks are the words for all addresses of a version.
var networks = map[string]string{
	"ip": "0.0.0.0/0", "ip4": "0.0.0.0/0", "ipv4": "0.0.0.0/0", "ip6": "::/0", "ipv6": "::/0",
}

// fieldNames finds a field by looseName of its name.
var fieldNames = func() map[string]record.Field {
	m := map[string]record.Field{}
	for _, f := range record.AllFields() {
		m[looseName(f.Name())] = f
	}
	return m
}()

// looseName makes one of account-id, account_id and accountId.
func looseName(s string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r == '-' || r == '_' {
			return -1
		}
		return r
	}, s))
}

// isName reports whether s may be the name of a field in the header of a file.
func isName(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r != '-' && r != '_' && (r < '0' || r > '9')) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// isExtension reports whether s is a name of the kind x-drop-reason.
func isExtension(s string) bool {
	return len(s) > 2 && strings.HasPrefix(s, "x-") && isName(s)
}

// columnOf returns the field with a name in any spelling: one of Amazon's, or an
// extension. Any name of a header will do if it stood in backticks.
func columnOf(name string, ticked bool) (Column, bool) {
	if !isName(name) {
		return Column{}, false
	}
	if f, ok := fieldNames[looseName(name)]; ok {
		return Column{f, f.Name()}, true
	}
	if x := strings.ReplaceAll(strings.ToLower(name), "_", "-"); isExtension(x) {
		return Column{Name: x}, true
	}
	return Column{Name: name}, ticked
}

// unknownName says why a name is no field, and which is nearest.
func unknownName(name string, words bool) (reason, suggest string) {
	if strings.HasPrefix(name, "`") || !isName(name) {
		return "not the name of a field", ""
	}
	suggest = meant[looseName(name)]
	if _, isShort := short[suggest]; !words && isShort {
		suggest = ""
	}
	if both := ends[suggest]; !words && both != nil {
		suggest = both[0].Name()
	}
	if suggest == "" {
		var names []string
		for _, f := range record.AllFields() {
			names = append(names, f.Name())
		}
		if words {
			for w := range ends {
				names = append(names, w)
			}
			for w := range short {
				names = append(names, w)
			}
			for w := range protocols {
				names = append(names, w)
			}
		}
		suggest = nearest(name, names)
	}
	if suggest == "" {
		return "unknown field; one that is not Amazon's is written `" + name + "` in backticks", ""
	}
	if _, isField := fieldNames[looseName(suggest)]; isField || ends[suggest] != nil {
		return "unknown field", suggest
	}
	return "unknown word", suggest
}

// nearest returns the word that is fewest edits away from s, and "" if none is near.
func nearest(s string, words []string) string {
	if len(s) > 64 {
		return ""
	}
	best, most := "", 1+max(1, len(s)/3)
	for _, w := range words {
		if d := distance(strings.ToLower(s), strings.ToLower(w)); d < most || d == most && best != "" && w < best {
			best, most = w, d
		}
	}
	return best
}

// distance returns how many insertions, deletions, replacements and exchanges of
// neighbours make b of a.
func distance(a, b string) int {
	var old, prev []int
	cur := make([]int, len(b)+1)
	for j := range cur {
		cur[j] = j
	}
	for i := 1; i <= len(a); i++ {
		old, prev, cur = prev, cur, make([]int, len(b)+1)
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			d := prev[j-1]
			if a[i-1] != b[j-1] {
				d++
			}
			d = min(d, prev[j]+1, cur[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, old[j-2]+1)
			}
			cur[j] = d
		}
	}
	return cur[len(b)]
}

// ParseBy reads a list of fields, such as "srcaddr,dst_port": names in any
// spelling, separated by commas, spaces or plus signs, none twice. The error is a
// [*SyntaxError].
func ParseBy(s string) ([]Column, error) {
	sc := scanner{input: s, column: 1}
	var out []Column
	seen := map[string]bool{}
	for sc.at < len(s) {
		n := strings.IndexAny(s[sc.at:], ", +\t\r\n")
		if n < 0 {
			n = len(s) - sc.at
		}
		at := sc.column
		name := sc.take(n)
		if n == 0 {
			sc.take(1)
			continue
		}
		inner, ticked := strings.CutPrefix(name, "`")
		if ticked {
			inner, ticked = strings.CutSuffix(inner, "`")
		}
		c, ok := columnOf(inner, ticked)
		if !ok {
			if both := ends[looseName(name)]; both != nil {
				return nil, sc.fail(at, name, "stands for two fields", both[0].Name()+","+both[1].Name())
			}
			reason, suggest := unknownName(name, false)
			return nil, sc.fail(at, name, reason, suggest)
		}
		if seen[looseName(c.Name)] {
			return nil, sc.fail(at, name, "field comes twice", "")
		}
		seen[looseName(c.Name)] = true
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, sc.fail(sc.column, "", "no fields", "")
	}
	return out, nil
}

var measureNames = [...]string{ByBytes: "bytes", ByPackets: "packets", ByRecords: "records"}

// String returns "bytes", "packets" or "records".
func (m Measure) String() string { return measureNames[m] }

// ParseMeasure reads what groups are ranked by: bytes, packets or records. The error
// is a [*SyntaxError].
func ParseMeasure(s string) (Measure, error) {
	for m, name := range measureNames {
		if strings.EqualFold(s, name) {
			return Measure(m), nil
		}
	}
	sc := scanner{input: s}
	suggest := map[string]string{"flows": "records", "count": "records", "octets": "bytes"}[strings.ToLower(s)]
	if suggest == "" {
		suggest = nearest(s, measureNames[:])
	}
	return 0, sc.fail(1, s, "want bytes, packets or records", suggest)
}

// Word returns a value for people: the name of a protocol instead of its number, any
// other as it stands in a record.
func Word(c Column, v string) string {
	if c.Field == record.Protocol {
		if name, ok := protocolNames[v]; ok {
			return name
		}
	}
	return v
}

// protocolNames are the first name of each number in the table of protocols.
var protocolNames = func() map[string]string {
	m := map[string]string{}
	for entry := range strings.SplitSeq(protocolTable, ",") {
		name, number, _ := strings.Cut(strings.TrimSpace(entry), " ")
		if m[number] == "" {
			m[number] = name
		}
	}
	return m
}()
