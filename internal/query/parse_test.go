package query

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// accepted has what can be typed, and how it is printed; "" for as it was typed.
var accepted = []struct{ typed, printed string }{
	// Comparisons of numbers.
	{"dstport = 22", ""},
	{"dstport==22", "dstport = 22"},
	{"dstport<>22", "dstport != 22"},
	{"packets > 10", ""},
	{"packets >= 10 ", "packets >= 10"},
	{"packets<10", "packets < 10"},
	{"packets <= 10", ""},
	{"version = 2", ""},
	{"traffic-path in (1, 8)", ""},
	{"DSTPORT = 22", "dstport = 22"},
	{"log_status = ok", "log-status = OK"},
	{"logStatus = NoData", "log-status = NODATA"},
	{"bytes = 9223372036854775807", ""},

	// Lists and ranges.
	{"dstport in (22, 1000-2000)", ""},
	{"dstport in(22,1000..2000)", "dstport in (22, 1000-2000)"},
	{"dstport in 22", "dstport in (22)"},
	{"dstport in 22, 80 and reject", "dstport in (22, 80) and action = REJECT"},
	{"port in [ 80 443 ]", "port in (80, 443)"},
	{"dstport NOT IN (22)", "dstport not in (22)"},
	{"not dstport in (22)", ""},
	{"dstport = 1000-2000", ""},
	{"dstport = 1000 - 2000", "dstport = 1000-2000"},
	{"dstport = ssh-http", ""},

	// And, or, not.
	{"reject and tcp or udp", "(action = REJECT and protocol = tcp) or protocol = udp"},
	{"reject && (tcp || udp)", "action = REJECT and (protocol = tcp or protocol = udp)"},
	{"!tcp", "not protocol = tcp"},
	{"not tcp and reject", "not protocol = tcp and action = REJECT"},
	{"not not tcp", "not not protocol = tcp"},
	{"not (tcp and reject)", "not (protocol = tcp and action = REJECT)"},
	{"((tcp))", "protocol = tcp"},
	{"(tcp and reject) and ok", "(protocol = tcp and action = REJECT) and log-status = OK"},

	// Addresses.
	{"srcaddr = 10.0.0.0/8", ""},
	{"srcaddr in 10.0.0.0/8", "srcaddr in (10.0.0.0/8)"},
	{"srcaddr = 10.1.2.3/8", "srcaddr = 10.0.0.0/8"},
	{"srcaddr = 10.0.0.1/32", "srcaddr = 10.0.0.1/32"},
	{"dstaddr = 10.0.0.1-10.0.0.9", ""},
	{"dstaddr = 10.0.0.1 - 10.0.0.9", "dstaddr = 10.0.0.1-10.0.0.9"},
	{"pkt-srcaddr = 2001:DB8:0::1", "pkt-srcaddr = 2001:db8::1"},
	{"srcaddr in (2001:db8::/32, 10.0.0.1, ::1..::9)", "srcaddr in (2001:db8::/32, 10.0.0.1, ::1-::9)"},
	{"srcaddr = ::ffff:10.0.0.1", ""},
	{`srcaddr = "xx.xx.xx.xx"`, ""},
	{`srcaddr = "10.0.0.1"`, "srcaddr = 10.0.0.1"},

	// Names of numbers, sizes, times, flags.
	{"dstport = SSH", "dstport = ssh"},
	{"dstport in (http, https, dns, rdp, mysql, postgresql, redis, ms-wbt-server)", ""},
	{"protocol = TCP", "protocol = tcp"},
	{"protocol in (icmp, icmpv6, 6, ipv6)", ""},
	{"protocol = ipv6-icmp", ""},
	{"bytes > 10M", ""},
	{"bytes > 10m", "bytes > 10M"},
	{"bytes > 1.5gi", "bytes > 1.5Gi"},
	{"packets in (1K-2k, 1T)", "packets in (1k-2k, 1T)"},
	{"start >= 2026-11-23T10:00Z", "start >= 2026-11-23T10:00:00Z"},
	{"start >= 2026-11-23t10:00:30+02:00", "start >= 2026-11-23T08:00:30Z"},
	{"end < 2026-11-23T10:00", "end < 2026-11-23T10:00:00Z"},
	{"start = 2026-11-23", ""},
	{"start = 2026-11-23..2026-11-24T10:00Z", "start = 2026-11-23..2026-11-24T10:00:00Z"},
	{"start = 2026-11-23-2026-11-24", "start = 2026-11-23..2026-11-24"},
	{"start = 1700000000-1700000059", "start = 1700000000..1700000059"},
	{"end > 1700000000", ""},
	{"tcp-flags has syn", ""},
	{"tcp_flags has SYN,ACK", "tcp-flags has syn+ack"},
	{"tcp-flags has syn, ack and reject", "tcp-flags has syn+ack and action = REJECT"},
	{"flags has rst", "tcp-flags has rst"},
	{"tcp-flags has 18", ""},
	{"tcp-flags = syn-ack", "tcp-flags = syn+ack"},
	{"tcp-flags = none", ""},
	{"tcp-flags in (syn, syn+ack, 3-4)", ""},
	{"tcp-flags in syn,ack", "tcp-flags in (syn, ack)"},

	// Either end.
	{"addr = 10.0.0.1", ""},
	{"addr 10.0.0.1", "addr = 10.0.0.1"},
	{"net 10.1.0.0/16", "addr = 10.1.0.0/16"},
	{"host 10.0.0.1", "addr = 10.0.0.1"},
	{"host != 10.0.0.1", "addr != 10.0.0.1"},
	{"port 443", "port = 443"},
	{"port in (80, 443)", ""},
	{"port > 1024", ""},
	{"portrange 1000-2000", "port = 1000-2000"},
	{"pktaddr = 10.0.0.1", ""},
	{"addr is -", ""},

	// As tcpdump's and nfdump's users type.
	{"src net 10.0.0.0/8", "srcaddr = 10.0.0.0/8"},
	{"src 10.0.0.1", "srcaddr = 10.0.0.1"},
	{"dst host 10.0.0.1", "dstaddr = 10.0.0.1"},
	{"dst ip 10.0.0.1", "dstaddr = 10.0.0.1"},
	{"src port 22", "srcport = 22"},
	{"src port > 1024", "srcport > 1024"},
	{"src port in [22 23]", "srcport in (22, 23)"},
	{"src or dst port 53", "port = 53"},
	{"src or dst 10.0.0.1", "addr = 10.0.0.1"},
	{"dst or src port > 1024", "port > 1024"},
	{"tcp or udp and reject", "protocol = tcp or (protocol = udp and action = REJECT)"},
	{"proto tcp", "protocol = tcp"},
	{"proto != 6", "protocol != 6"},
	{"ip 10.0.0.1", "addr = 10.0.0.1"},
	{"ip in (10.0.0.1, 10.0.0.2)", "addr in (10.0.0.1, 10.0.0.2)"},
	{"ip 10.0.0.1-10.0.0.9", "addr = 10.0.0.1-10.0.0.9"},
	{"ip host 10.0.0.1", "addr = 0.0.0.0/0 and addr = 10.0.0.1"},
	{"ip and not ip6", "addr = 0.0.0.0/0 and not addr = ::/0"},
	{"ipv6", "addr = ::/0"},
	{"tcp port 80", "protocol = tcp and port = 80"},
	{"tcp port 80 and reject", "protocol = tcp and port = 80 and action = REJECT"},
	{"not udp dst port dns", "not (protocol = udp and dstport = dns)"},
	{"tcp", "protocol = tcp"},
	{"icmp or icmp6", "protocol = icmp or protocol = icmp6"},

	// Words.
	{"reject", "action = REJECT"}, {"ACCEPT", "action = ACCEPT"}, {"ok", "log-status = OK"},
	{"nodata", "log-status = NODATA"}, {"skipdata", "log-status = SKIPDATA"},
	{"ingress", "flow-direction = ingress"}, {"egress", "flow-direction = egress"},

	// Absent.
	{"dstport = -", "dstport is -"},
	{"dstport != -", "dstport is not -"},
	{"dstport is -", ""},
	{"instance-id is not -", ""},
	{"instance-id is null", "instance-id is -"},
	{"instance-id is not absent", "instance-id is not -"},
	{`instance-id = "-"`, "instance-id is -"},

	// Text.
	{"action = reject", "action = REJECT"},
	{"action in (accept, REJECT)", "action in (ACCEPT, REJECT)"},
	{"type = ipv6", "type = IPv6"},
	{"type = IPv7", ""},
	{"instance-id = i-0a*", ""},
	{`instance-id = "i-0a*"`, "instance-id = i-0a*"},
	{`instance-id = 'i-0a?'`, "instance-id = i-0a?"},
	{`instance-tag = "a\*b"`, ""},
	{`instance-tag = "a\**"`, ""},
	{`instance-tag = "a\\\"b*'"`, `instance-tag = "a\\\"b*'"`},
	{`instance-tag = ""`, ""},
	{`instance-tag = "and"`, ""},
	{`instance-tag = "a b"`, ""},
	{`instance-tag = ä`, `instance-tag = "ä"`},
	{"ecs-cluster-arn = arn:aws:ecs:eu-west-1:123456789012:cluster/web", ""},
	{"pkt-dst-aws-service = s3", "pkt-dst-aws-service = S3"},
	{"account-id = 012345678901", ""},

	// Fields that are not Amazon's.
	{"x-drop-reason = NETFILTER_DROP", ""},
	{"X_Drop_Reason = a", "x-drop-reason = a"},
	{"`Rule` = a", ""},
	{"`srcaddr` = 10.0.0.1", "srcaddr = 10.0.0.1"},
	{"`and` is -", ""},
	{"`tcp` = 1", ""},
	{"`port` = a", ""},
	{"x-count > 5", ""},
	{"x-count = 5-9", ""},
}

func TestParse(t *testing.T) {
	for _, tt := range accepted {
		e, err := Parse(tt.typed)
		if err != nil {
			t.Errorf("%s\n%v", tt.typed, err)
			continue
		}
		want := tt.printed
		if want == "" {
			want = tt.typed
		}
		if got := e.String(); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.typed, got, want)
		}
		again, err := Parse(e.String())
		if err != nil || !reflect.DeepEqual(e, again) {
			t.Errorf("%s: printed as %s, which is %#v, %v", tt.typed, e, again, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct{ typed, want string }{
		{"", "column 1: at the end: want a condition, such as dstport = 22"},
		{"and", `column 1: "and": want a condition, such as dstport = 22`},
		{"tcp and", "column 8: at the end: want a condition, such as dstport = 22"},
		{"tcp or or udp", `column 8: "or": want a condition, such as dstport = 22`},
		{"tcp udp", `column 5: "udp": want and, or, or the end`},
		{"not", "column 4: at the end: want a condition, such as dstport = 22"},
		{"(tcp", `column 1: "(": the parenthesis is not closed`},
		{"tcp)", `column 4: ")": no parenthesis is open`},
		{"(tcp udp)", `column 6: "udp": want and, or, or the end`},
		{"dstport = 22, 80", `column 13: ",": several values are tested with in, such as dstport in (22, 80)`},
		{"port 80,443", `column 8: ",": several values are tested with in, such as dstport in (22, 80)`},
		{"port 80 or 443", `column 12: "443": a number alone is no condition; did you mean port = 443?`},
		{"dstport = (22, 80)", `column 11: "(": several values are tested with in`},
		{"dstport in ()", `column 13: ")": want a value of dstport`},
		{"dstport in (22", `column 12: "(": the parenthesis is not closed`},
		{"dstport in (22,", `column 12: "(": the parenthesis is not closed`},
		{"dstport in (22,,23)", `column 16: ",": want a value of dstport`},
		{"dstport in (22 and 23)", `column 16: "and": want a value of dstport`},
		{"dstport in (22, -)", `column 17: "-": no value is not a value: write dstport is - or …`},
		{"dstport", "column 8: at the end: want an operator after dstport: =, !=, <, <=, >, >=, in, not in or is"},
		{"dstport 22", `column 9: "22": want an operator after dstport: =, !=, <, <=, >, >=, in, not in or is; did you mean dstport = 22?`},
		{"dstport ssh", `column 9: "ssh": want an operator after dstport: =, !=, <, <=, >, >=, in, not in or is; did you mean dstport = ssh?`},
		{"dstport and tcp", `column 9: "and": want an operator after dstport: =, !=, <, <=, >, >=, in, not in or is`},
		{"dstport =", "column 10: at the end: want a value of dstport"},
		{"dstport = and", `column 11: "and": want a value of dstport`},
		{"dstport = 70000", `column 11: "70000": a port is a number from 0 to 65535, a range such as 1000-2000, or a service such as ssh`},
		{"dstport = -1", `column 11: "-1": a port is a number from 0 to 65535, a range such as 1000-2000, or a service such as ssh`},
		{"dstport = 022", `column 11: "022": a port is a number from 0 to 65535, a range such as 1000-2000, or a service such as ssh`},
		{"dstport = shs", `column 11: "shs": a port is a number from 0 to 65535, a range such as 1000-2000, or a service such as ssh; did you mean ssh?`},
		{"dstport = 10.0.0.0/8", `column 11: "10.0.0.0/8": a port is a number from 0 to 65535, a range such as 1000-2000, or a service such as ssh`},
		{"dstport = 2000-1000", `column 11: "2000-1000": the range ends before it begins; did you mean 1000-2000?`},
		{"dstport = 22*", `column 11: "22*": numbers have no wildcards: a range is written 1000-2000`},
		{"dstport > 10-20", `column 11: "10-20": a range has no order: use = or in, or one end of it`},
		{"dstport < -", `column 11: "-": a port is a number from 0 to 65535, a range such as 1000-2000, or a service such as ssh`},
		{"dstport has syn", `column 9: "has": has tests the flags in tcp-flags`},
		{"dstport is 22", `column 12: "22": is and is not test whether there is a value: dstport is -, dstport is not -`},
		{"dstport like 22", `column 9: "like": want an operator after dstport: =, !=, <, <=, >, >=, in, not in or is; * in a value stands for any text`},
		{"dstport between 1 and 2", `column 9: "between": want an operator after dstport: =, !=, <, <=, >, >=, in, not in or is; a range is written 1000-2000`},
		{"dstport ~ 22", `column 9: "~": not an operator: * in a value stands for any text, such as instance-id = i-0a*`},
		{"dstport =~ 22", `column 10: "~": not an operator: * in a value stands for any text, such as instance-id = i-0a*`},
		{"srcadr = 10.0.0.1", `column 1: "srcadr": unknown field; did you mean srcaddr?`},
		{"SRC-PROT = 22", `column 1: "SRC-PROT": unknown field; did you mean srcport?`},
		{"hostname = web", "column 1: \"hostname\": unknown field; one that is not Amazon's is written `hostname` in backticks"},
		{"`host name` = web", "column 1: `host name`: not the name of a field: a letter, then letters, digits, - and _"},
		{"`1` = 2", "column 1: `1`: not the name of a field: a letter, then letters, digits, - and _"},
		{"`srcaddr = 1", "column 1: `srcaddr = 1: the name has no closing backtick"},
		{`"srcaddr" = 10.0.0.1`, `column 1: "srcaddr": want a condition, which begins with the name of a field`},
		{"sport = 22", `column 1: "sport": unknown field; did you mean srcport?`},
		{"dst_ip = 10.0.0.1", `column 1: "dst_ip": unknown field; did you mean dstaddr?`},
		{"direction = ingress", `column 1: "direction": unknown field; did you mean flow-direction?`},
		{"drop", `column 1: "drop": unknown word; did you mean reject?`},
		{"rejected", `column 1: "rejected": unknown word; did you mean reject?`},
		{"inbound", `column 1: "inbound": unknown word; did you mean ingress?`},
		{"denied", `column 1: "denied": unknown word; did you mean reject?`},
		{"tpc", `column 1: "tpc": unknown word; did you mean tcp?`},
		{"srcaddr > 5", `column 9: ">": srcaddr is an address, which has no order: use =, !=, in or not in with a network or a range`},
		{"srcaddr = 10.0.0.999", `column 11: "10.0.0.999": want an address, a network such as 10.0.0.0/8, or a range such as 10.0.0.1-10.0.0.9`},
		{"srcaddr = 10.0.0.0/33", `column 11: "10.0.0.0/33": want an address, a network such as 10.0.0.0/8, or a range such as 10.0.0.1-10.0.0.9`},
		{"srcaddr = 10.1", `column 11: "10.1": want an address, a network such as 10.0.0.0/8, or a range such as 10.0.0.1-10.0.0.9; did you mean 10.1.0.0/16?`},
		{"net 10/8", `column 5: "10/8": want an address, a network such as 10.0.0.0/8, or a range such as 10.0.0.1-10.0.0.9; did you mean 10.0.0.0/8?`},
		{"srcaddr = 10.1.*", `column 11: "10.1.*": addresses have no wildcards: a network is written 10.0.0.0/8; did you mean 10.1.0.0/16?`},
		{"srcaddr = web.example.com", `column 11: "web.example.com": want an address, a network such as 10.0.0.0/8, or a range such as 10.0.0.1-10.0.0.9; names are not looked up, and other text is put in quotation marks`},
		{"srcaddr = fe80::1%eth0", `column 11: "fe80::1%eth0": addresses of a flow log have no zone; did you mean fe80::1?`},
		{"srcaddr = 10.0.0.9-10.0.0.1", `column 11: "10.0.0.9-10.0.0.1": the range ends before it begins; did you mean 10.0.0.1-10.0.0.9?`},
		{"srcaddr = 10.0.0.1-::1", `column 11: "10.0.0.1-::1": both ends of a range are of one version of IP`},
		{`srcaddr = "10.0.0.999"`, `column 11: "10.0.0.999": want an address, a network such as 10.0.0.0/8, or a range such as 10.0.0.1-10.0.0.9`},
		{"srcaddr = 5", `column 11: "5": want an address, a network such as 10.0.0.0/8, or a range such as 10.0.0.1-10.0.0.9`},
		{"action = REFUSED", `column 10: "REFUSED": action is ACCEPT or REJECT; did you mean REJECT?`},
		{"action = REJCT", `column 10: "REJCT": action is ACCEPT or REJECT; did you mean REJECT?`},
		{"action = dropped", `column 10: "dropped": action is ACCEPT or REJECT; did you mean REJECT?`},
		{"action > ACCEPT", `column 8: ">": action is text, which has no order: use =, !=, in or not in; * stands for any text`},
		{"log-status = SKIP", `column 14: "SKIP": log-status is OK, NODATA or SKIPDATA; did you mean SKIPDATA?`},
		{"flow-direction = in", `column 18: "in": flow-direction is ingress or egress; did you mean ingress?`},
		{"protocol = tpc", `column 12: "tpc": a protocol is a number from 0 to 255 or a name such as tcp; did you mean tcp?`},
		{"protocol = 256", `column 12: "256": a protocol is a number from 0 to 255 or a name such as tcp`},
		{"tcp-flags has 0", `column 15: "0": that is no flag, which every value has: tcp-flags = 0 is for those without`},
		{"tcp-flags has none", `column 15: "none": that is no flag, which every value has: tcp-flags = 0 is for those without`},
		{"tcp-flags has 1-3", `column 15: "1-3": has tests flags, not a range of numbers`},
		{"tcp-flags has foo", `column 15: "foo": flags are a number from 0 to 255, or names such as syn,ack: syn, ack, fin, rst, psh, urg, ece, cwr, none`},
		{"tcp-flags = syn-foo", `column 13: "syn-foo": flags are a number from 0 to 255, or names such as syn,ack: syn, ack, fin, rst, psh, urg, ece, cwr, none`},
		{"tcp-flags = S", `column 13: "S": flags are a number from 0 to 255, or names such as syn,ack: syn, ack, fin, rst, psh, urg, ece, cwr, none`},
		{"tcp-flags > 3-4", `column 13: "3-4": a range has no order: use = or in, or one end of it`},
		{"bytes > 10X", `column 9: "10X": bytes are a number such as 1500, 10k, 2.5M or 1Gi`},
		{"bytes > 1.5", `column 9: "1.5": bytes are a number such as 1500, 10k, 2.5M or 1Gi`},
		{"bytes > 0.5", `column 9: "0.5": bytes are a number such as 1500, 10k, 2.5M or 1Gi`},
		{"bytes > 9999999999T", `column 9: "9999999999T": bytes are a number such as 1500, 10k, 2.5M or 1Gi`},
		{"bytes > -5", `column 9: "-5": bytes are a number such as 1500, 10k, 2.5M or 1Gi`},
		{"version = 2.0", `column 11: "2.0": version is a number from 0 to 2147483647`},
		{"start > yesterday", `column 9: "yesterday": a time is 2026-11-23T10:00Z, a day such as 2026-11-23, or Unix seconds`},
		{"start > 2026", `column 9: "2026": a time is 2026-11-23T10:00Z, a day such as 2026-11-23, or Unix seconds; did you mean 2026-01-01?`},
		{"start > 2026-13-01", `column 9: "2026-13-01": a time is 2026-11-23T10:00Z, a day such as 2026-11-23, or Unix seconds`},
		{"start > 2026-11", `column 9: "2026-11": a time is 2026-11-23T10:00Z, a day such as 2026-11-23, or Unix seconds; did you mean 2026-11-01?`},
		{"start > 1700000000000", `column 9: "1700000000000": a time is 2026-11-23T10:00Z, a day such as 2026-11-23, or Unix seconds`},
		{"start > 1969-12-31", `column 9: "1969-12-31": a time is 2026-11-23T10:00Z, a day such as 2026-11-23, or Unix seconds`},
		{"start > 2026-11-23T10:00:00.5Z", `column 9: "2026-11-23T10:00:00.5Z": a time is 2026-11-23T10:00Z, a day such as 2026-11-23, or Unix seconds`},
		{"start = 2026-11-24..2026-11-23", `column 9: "2026-11-24..2026-11-23": the range ends before it begins; did you mean 2026-11-23..2026-11-24?`},
		{"instance-id > i-0", `column 13: ">": instance-id is text, which has no order: use =, !=, in or not in; * stands for any text`},
		{"instance-id = i-0a{1}", `column 19: "{": a value with this character needs quotation marks`},
		{"instance-tag = a|b", `column 17: "|": not an operator; did you mean ||?`},
		{"tcp & udp", `column 5: "&": not an operator; did you mean &&?`},
		{`instance-tag = "a`, `column 16: "a: the value has no closing quotation mark`},
		{"x-count > many", `column 11: "many": only numbers have an order`},
		{"x-count > 5*", `column 11: "5*": only numbers have an order`},
		{"x = 5", "column 1: \"x\": unknown field; one that is not Amazon's is written `x` in backticks"},
		{"foo bar", "column 1: \"foo\": unknown field; one that is not Amazon's is written `foo` in backticks"},
		{"443", `column 1: "443": a number alone is no condition; did you mean port = 443?`},
		{"10.0.0.0/8", `column 1: "10.0.0.0/8": an address alone is no condition; did you mean addr = 10.0.0.0/8?`},
		{"eni-0a1b2c3d4e5f67890", `column 1: "eni-0a1b2c3d4e5f67890": a value alone is no condition; did you mean interface-id = eni-0a1b2c3d4e5f67890?`},
		{"ssh", `column 1: "ssh": a service alone is no condition; did you mean port = ssh?`},
		{"src", "column 4: at the end: want a value of srcaddr"},
		{"src or src port 5", `column 5: "or": want a value of srcaddr`},
		{`src "port" 5`, `column 12: "5": want and, or, or the end`},
		{"src or", `column 5: "or": want a value of srcaddr`},
		{"src port", "column 9: at the end: want a value of srcport"},
		{"dst port > ", "column 12: at the end: want a value of dstport"},
		{"icmp type 8", `column 6: "type": want and, or, or the end`},
		{"vpc-12", `column 1: "vpc-12": a value alone is no condition; did you mean vpc-id = vpc-12?`},
		{"ähm = 1", `column 1: "ähm": not the name of a field`},
		{"ä and srcadr = 1", `column 1: "ä": not the name of a field`},
		{"dstport = 22 # web", `column 14: "#": want and, or, or the end`},
		{"dstport = 22;", `column 13: ";": a value with this character needs quotation marks`},
		{"dstport not 22", `column 9: "not": want an operator after dstport: =, !=, <, <=, >, >=, in, not in or is; did you mean dstport != 22?`},
		{"dstport ! 22", `column 9: "!": want an operator after dstport: =, !=, <, <=, >, >=, in, not in or is; did you mean dstport != 22?`},
		{"protocol tcp udp", `column 14: "udp": want and, or, or the end`},
		{"bytes > 10 M", `column 12: "M": want and, or, or the end`},
		{"is - ", `column 1: "is": want a condition, such as dstport = 22`},
	} {
		_, err := Parse(tt.typed)
		if err == nil {
			t.Errorf("%s: accepted", tt.typed)
			continue
		}
		if got := err.Error(); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.typed, got, tt.want)
		}
		if e := (*SyntaxError)(nil); !errors.As(err, &e) || e.Input != tt.typed {
			t.Errorf("%s: %#v is no SyntaxError of it", tt.typed, err)
		}
	}
}

func TestNestingHasALimit(t *testing.T) {
	for _, s := range []string{
		strings.Repeat("(", 1e5), strings.Repeat("!", 1e5) + "tcp", strings.Repeat("not ", 500) + "tcp",
		strings.Repeat("(", 1200) + "tcp" + strings.Repeat(")", 1200),
	} {
		if _, err := Parse(s); err == nil || !strings.Contains(err.Error(), "nested too deeply") {
			t.Errorf("%.10s…: %v", s, err)
		}
	}
}
