package record

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"testing"
)

// Formats of Amazon's examples ("Flow log record examples", Amazon VPC User
// Guide) that are not the default.
const (
	flagsFormat    = "version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr srcport dstport pkt-srcaddr pkt-dstaddr protocol bytes packets start end action tcp-flags log-status"
	natFormat      = "instance-id interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr"
	regionalFormat = "resource-id instance-id interface-id subnet-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr"
	hopFormat      = "version interface-id account-id vpc-id subnet-id instance-id srcaddr dstaddr srcport dstport protocol tcp-flags type pkt-srcaddr pkt-dstaddr action log-status"
	serviceFormat  = "version srcaddr dstaddr srcport dstport protocol start end type packets bytes account-id vpc-id subnet-id instance-id interface-id region az-id sublocation-type sublocation-id action tcp-flags pkt-srcaddr pkt-dstaddr pkt-src-aws-service pkt-dst-aws-service traffic-path flow-direction log-status"
)

// goodLines are read and printed byte for byte.
var goodLines = []struct{ name, format, line string }{
	{"SSH allowed", "default", "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK"},
	{"RDP denied", "default", "2 123456789010 eni-1235b8ca123456789 172.31.9.69 172.31.9.12 49761 3389 6 20 4249 1418530010 1418530070 REJECT OK"},
	{"no traffic", "default", "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA"},
	{"skipped", "default", "2 123456789010 eni-11111111aaaaaaaaa - - - - - - - 1431280876 1431280934 - SKIPDATA"},
	{"ping has ports 0", "default", "2 123456789010 eni-1235b8ca123456789 203.0.113.12 172.31.16.139 0 0 1 4 336 1432917027 1432917142 ACCEPT OK"},
	{"ping reply refused", "default", "2 123456789010 eni-1235b8ca123456789 172.31.16.139 203.0.113.12 0 0 1 4 336 1432917094 1432917142 REJECT OK"},
	{"IPv6", "default", "2 123456789010 eni-1235b8ca123456789 2001:db8:1234:a100:8d6e:3477:df66:f105 2001:db8:1234:a102:3304:8879:34cf:4071 34892 22 6 54 8855 1477913708 1477913820 ACCEPT OK"},
	{"IPv6 unspecified and loopback", "default", "2 unknown eni-1 :: ::1 0 0 58 1 56 1 1 REJECT OK"},
	{"IPv4-mapped IPv6", "srcaddr dstaddr", "::ffff:10.0.0.1 2001:db8::ffff:0:1"},
	{"account unknown", "default", "2 unknown eni-0608192d5c498fbcd - - - - - - - 1538696170 1538696308 - NODATA"},
	{"masked source", "default+tcp-flags", "3 999999999999 eni-0123456789abcdef xx.xx.xx.xx 10.10.0.83 1466 80 6 5 260 1596470553 1596470610 REJECT OK 2"},
	{"masked source, SYN and FIN", "default+tcp-flags", "3 999999999999 eni-0123456789abcdef xx.xx.xx.xx 10.10.0.83 6266 80 6 5 342 1596471933 1596471990 ACCEPT OK 3"},
	{"masked destination, SYN-ACK and FIN", "default+tcp-flags", "3 999999999999 eni-0123456789abcdef 10.10.0.83 xx.xx.xx.xx 80 6266 6 4 332 1596471933 1596471990 ACCEPT OK 19"},
	{"masked otherwise", "srcaddr dstaddr pkt-srcaddr pkt-dstaddr", "10.0.x.x *** <client> 2001:db8:xxxx::1"},
	{"flags of a client", flagsFormat, "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 eni-1235b8ca123456789 123456789010 IPv4 52.213.180.42 10.0.0.62 43416 5001 52.213.180.42 10.0.0.62 6 568 8 1566848875 1566848933 ACCEPT 2 OK"},
	{"flags of a server", flagsFormat, "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 eni-1235b8ca123456789 123456789010 IPv4 10.0.0.62 52.213.180.42 5001 43416 10.0.0.62 52.213.180.42 6 376 7 1566848875 1566848933 ACCEPT 18 OK"},
	{"NAT gateway", natFormat, "- eni-1235b8ca123456789 10.0.0.220 203.0.113.5 10.0.0.220 203.0.113.5"},
	{"NAT gateway, way back", natFormat, "- eni-1235b8ca123456789 10.0.0.220 10.0.1.5 203.0.113.5 10.0.1.5"},
	{"behind a NAT gateway", natFormat, "i-01234567890123456 eni-1111aaaa2222bbbb3 10.0.1.5 203.0.113.5 10.0.1.5 203.0.113.5"},
	{"regional NAT gateway", regionalFormat, "nat-1234567890abcdef - - - 107.22.182.139 203.0.113.5 107.22.182.139 203.0.113.5"},
	{"transit gateway on the way", hopFormat, "3 eni-11111111111111111 123456789010 vpc-abcdefab012345678 subnet-11111111aaaaaaaaa - 10.40.1.175 10.40.2.236 39812 80 6 3 IPv4 10.20.33.164 10.40.2.236 ACCEPT OK"},
	{"from a service", serviceFormat, "5 52.95.128.179 10.0.0.71 80 34210 6 1616729292 1616729349 IPv4 14 15044 123456789012 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-0c50d5961bcb2d47b eni-1235b8ca123456789 ap-southeast-2 apse2-az3 - - ACCEPT 19 52.95.128.179 10.0.0.71 S3 - - ingress OK"},
	{"to a service", serviceFormat, "5 10.0.0.71 52.95.128.179 34210 80 6 1616729292 1616729349 IPv4 7 471 123456789012 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-0c50d5961bcb2d47b eni-1235b8ca123456789 ap-southeast-2 apse2-az3 - - ACCEPT 3 10.0.0.71 52.95.128.179 - S3 8 egress OK"},
	{"no traffic in version 5 keeps what is known of the interface", serviceFormat, "5 - - - - - 1616729292 1616729349 - - - 123456789012 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-0c50d5961bcb2d47b eni-1235b8ca123456789 ap-southeast-2 apse2-az3 - - - - - - - - - - NODATA"},
	{"refused by Block Public Access has no bytes", "version bytes action reject-reason", "8 - REJECT BPA"},
	{"refused by a security group has no reason", "version bytes action reject-reason", "8 40 REJECT -"},
	{"next hop", "version interface-type next-hop-interface-type instance-tag", "11 - regional_nat_gateway a%20b"},
	{"transit gateway", "tgw", "6 TransitGateway 123456789012 tgw-0abc tgw-attach-0abc 123456789012 210987654321 vpc-0abc vpc-0def subnet-0abc subnet-0def eni-0abc eni-0def use1-az1 use1-az2 tgw-attach-0def 10.0.0.1 10.0.1.1 12345 443 6 10 1000 1700000000 1700000060 OK IPv4 1 2 3 4 16 us-east-1 ingress - S3"},
	{"least and largest values", "version srcaddr dstaddr srcport dstport protocol packets bytes start end tcp-flags traffic-path", "0 0.0.0.0 255.255.255.255 0 65535 255 0 9223372036854775807 0 9223372036854775807 255 2147483647"},
	{"text beyond ASCII", "ecs-service-name", "zażółć"},
	{"one field", "bytes", "8400"},
	{"one byte", "bytes", "0"},
	{"address first", "srcaddr", "1.2.3.4"},
	{"address after one digit", "version srcaddr", "2 1.2.3.4"},
}

func TestGoodLines(t *testing.T) {
	for _, tt := range goodLines {
		t.Run(tt.name, func(t *testing.T) {
			f := mustFormat(t, tt.format)
			var r Record
			if err := f.Parse([]byte(tt.line), &r); err != nil {
				t.Fatal(err)
			}
			if got := string(f.Append(nil, &r)); got != tt.line {
				t.Errorf("printed:\n got %s\nwant %s", got, tt.line)
			}
			var c Record
			c.CopyFrom(&r)
			r.Reset()
			if got := string(f.Append(nil, &c)); got != tt.line {
				t.Errorf("the copy printed:\n got %s\nwant %s", got, tt.line)
			}
		})
	}
}

// field returns what a record holds, in Go's own form.
func field(r *Record, f Field) any {
	if v, ok := r.Int(f); ok {
		return v
	}
	if a, ok := r.Addr(f); ok {
		return a
	}
	if text, ok := r.Text(f); ok {
		return string(text)
	}
	return nil
}

// TestParsedValues checks each value of a line, which the round trip does not.
func TestParsedValues(t *testing.T) {
	f := mustFormat(t, "default+tcp-flags+pkt-srcaddr+pkt-dstaddr+flow-direction")
	line := "5 123456789012 eni-0a1b 10.0.1.250 2001:DB8:0:0::9 49152 443 6 12345678 1234567890123 1700000000 1700000059 REJECT SKIPDATA 19 xx.xx.xx.xx - egress"
	var r Record
	if err := f.Parse([]byte(line), &r); err != nil {
		t.Fatal(err)
	}
	for f, want := range map[Field]any{
		Version: int64(5), AccountID: "123456789012", InterfaceID: "eni-0a1b",
		SrcAddr: netip.MustParseAddr("10.0.1.250"), DstAddr: netip.MustParseAddr("2001:db8::9"),
		SrcPort: int64(49152), DstPort: int64(443), Protocol: int64(6), Packets: int64(12345678), Bytes: int64(1234567890123),
		Start: int64(1700000000), End: int64(1700000059), Action: "REJECT", LogStatus: "SKIPDATA", TCPFlags: int64(19),
		PktSrcAddr: "xx.xx.xx.xx", PktDstAddr: nil, FlowDirection: "egress", VPCID: nil, None: nil,
	} {
		if got := field(&r, f); got != want {
			t.Errorf("%s = %v, want %v", f, got, want)
		}
		if got := r.Has(f); got != (want != nil) {
			t.Errorf("Has(%s) = %v", f, got)
		}
		want := want
		if want == nil {
			want = "-"
		}
		if got := string(r.AppendField([]byte("="), f)); got != "="+asText(want) {
			t.Errorf("AppendField(%s) = %q, want =%v", f, got, want)
		}
	}
	if got := r.Verdict(); got != Reject {
		t.Errorf("Verdict = %v", got)
	}
	if got := r.Status(); got != SkipData {
		t.Errorf("Status = %v", got)
	}
	if got, ok := r.Flags(); got != SYNACK|FIN || !ok {
		t.Errorf("Flags = %v, %v", got, ok)
	}
	if got, want := string(f.Append(nil, &r)), strings.Replace(line, "2001:DB8:0:0::9", "2001:db8::9", 1); got != want {
		t.Errorf("printed:\n got %s\nwant %s", got, want)
	}
}

func TestBadLines(t *testing.T) {
	const (
		head = "2 123456789012 eni-0a1b "
		tail = " 49152 443 6 10 8400 1700000000 1700000059 ACCEPT OK"
	)
	for _, tt := range []struct {
		name, format, line string
		want               error
		text               string
	}{
		{"octet above 255", "default", head + "10.0.1.5 10.0.0.999" + tail, ErrRange, `field dstaddr "10.0.0.999": value out of range`},
		{"octet 256", "default", head + "10.0.1.256 10.0.0.9" + tail, ErrRange, `field srcaddr "10.0.1.256": value out of range`},
		{"octet with leading zero", "default", head + "10.0.1.05 10.0.0.9" + tail, ErrNotAddress, `field srcaddr "10.0.1.05": value is not an IP address`},
		{"three octets", "default", head + "10.0.1 10.0.0.9" + tail, ErrNotAddress, `field srcaddr "10.0.1": value is not an IP address`},
		{"five octets", "default", head + "10.0.1.2.3 10.0.0.9" + tail, ErrNotAddress, `field srcaddr "10.0.1.2.3": value is not an IP address`},
		{"octet missing", "default", head + "10..1.2 10.0.0.9" + tail, ErrNotAddress, `field srcaddr "10..1.2": value is not an IP address`},
		{"first octet missing", "default", head + ".10.1.22 10.0.0.9" + tail, ErrNotAddress, `field srcaddr ".10.1.22": value is not an IP address`},
		{"last octet missing", "default", head + "10.1.22. 10.0.0.9" + tail, ErrNotAddress, `field srcaddr "10.1.22.": value is not an IP address`},
		{"four digits", "default", head + "10.0.1.1000 10.0.0.9" + tail, ErrRange, `field srcaddr "10.0.1.1000": value out of range`},
		{"a number for an address", "default", head + "20641 10.0.0.9" + tail, ErrNotAddress, `field srcaddr "20641": value is not an IP address`},
		{"address and port", "default", head + "10.0.1.5:80 10.0.0.9" + tail, ErrNotAddress, `field srcaddr "10.0.1.5:80": value is not an IP address`},
		{"IPv6 too short", "default", head + "2001:db8:1 ::1" + tail, ErrNotAddress, `field srcaddr "2001:db8:1": value is not an IP address`},
		{"IPv6 with two gaps", "default", head + "2001::db8::1 ::1" + tail, ErrNotAddress, `field srcaddr "2001::db8::1": value is not an IP address`},
		{"port above 65535", "srcport dstport", "65543 80", ErrRange, `field srcport "65543": value out of range`},
		{"port 65536", "srcport dstport", "80 65536", ErrRange, `field dstport "65536": value out of range`},
		{"protocol 256", "protocol", "256", ErrRange, `field protocol "256": value out of range`},
		{"flags 256", "tcp-flags", "256", ErrRange, `field tcp-flags "256": value out of range`},
		{"bytes above 63 bits", "bytes", "9223372036854775808", ErrRange, `field bytes "9223372036854775808": value out of range`},
		{"bytes above 64 bits", "bytes", "18446744073709551617", ErrRange, `field bytes "18446744073709551617": value out of range`},
		{"version above 31 bits", "version", "2147483648", ErrRange, `field version "2147483648": value out of range`},
		{"negative", "packets bytes", "10 -5", ErrNotNumber, `field bytes "-5": value is not a decimal number`},
		{"plus sign", "bytes", "+5", ErrNotNumber, `field bytes "+5": value is not a decimal number`},
		{"NaN", "bytes packets", "NaN 1", ErrNotNumber, `field bytes "NaN": value is not a decimal number`},
		{"fraction", "bytes", "1.5", ErrNotNumber, `field bytes "1.5": value is not a decimal number`},
		{"exponent", "bytes", "1e9", ErrNotNumber, `field bytes "1e9": value is not a decimal number`},
		{"leading zero", "bytes", "007", ErrNotNumber, `field bytes "007": value is not a decimal number`},
		{"leading zero of ten digits", "packets end", "1 0700000000", ErrNotNumber, `field end "0700000000": value is not a decimal number`},
		{"letter in ten digits", "packets packets-lost-no-route end", "1 1 17000000a0", ErrNotNumber, `field end "17000000a0": value is not a decimal number`},
		{"version absent", "version bytes", "- 1", ErrAbsent, `field version "-": value must not be absent`},
		{"start absent", "start end", "- 1", ErrAbsent, `field start "-": value must not be absent`},
		{"end absent", "start end", "1 -", ErrAbsent, `field end "-": value must not be absent`},
		{"log-status absent", "start log-status", "1 -", ErrNotKnown, `field log-status "-": value is not one of those defined`},
		{"unknown action", "action", "SUCCESS", ErrNotKnown, `field action "SUCCESS": value is not one of those defined`},
		{"action in lower case", "action", "accept", ErrNotKnown, `field action "accept": value is not one of those defined`},
		{"unknown status", "log-status", "NOTOK", ErrNotKnown, `field log-status "NOTOK": value is not one of those defined`},
		{"unknown direction", "flow-direction", "in", ErrNotKnown, `field flow-direction "in": value is not one of those defined`},
		{"one field too few", "default", head + "10.0.1.5 10.0.0.9 49152 443 6 10 8400 1700000000 1700000059 ACCEPT", ErrTooFew, "field log-status: too few fields: 13, want 14"},
		{"empty line", "default", "", ErrEmpty, `field version "": value is empty`},
		{"one field too many", "default", head + "10.0.1.5 10.0.0.9" + tail + " one-too-many", ErrTooMany, `field 15 "one-too-many": too many fields, want 14`},
		{"two fields too many", "bytes", "1 2 3", ErrTooMany, `field 2 "2": too many fields, want 1`},
		{"trailing space", "default", head + "10.0.1.5 10.0.0.9" + tail + " ", ErrTooMany, `field 15 "": too many fields, want 14`},
		{"leading space", "bytes packets", " 1 2", ErrEmpty, `field bytes "": value is empty`},
		{"two spaces before a number", "bytes packets", "1  2", ErrEmpty, `field packets "": value is empty`},
		{"two spaces before a text", "bytes region", "1  us", ErrEmpty, `field region "": value is empty`},
		{"two spaces before an address", "bytes srcaddr", "1  10.0.0.1", ErrEmpty, `field srcaddr "": value is empty`},
		{"tab", "bytes packets", "1\t2", ErrControl, `field bytes "1": control character after value`},
		{"carriage return", "bytes log-status", "1 OK\r", ErrControl, `field log-status "OK": control character after value`},
		{"newline", "bytes log-status", "1 OK\n", ErrControl, `field log-status "OK": control character after value`},
		{"NUL", "bytes region", "1 us\x00east", ErrControl, `field region "us": control character after value`},
		{"header", "default", strings.Join(strings.Fields(allHeader)[:14], " "), ErrNotNumber, `field version "version": value is not a decimal number`},
		{"long value is cut", "bytes", strings.Repeat("9", 70), ErrRange, `field bytes "` + strings.Repeat("9", 64) + `": value out of range`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := mustFormat(t, tt.format)
			var r Record
			r.SetInt(Packets, 1)
			err := f.Parse([]byte(tt.line), &r)
			var fe *FieldError
			if !errors.As(err, &fe) {
				t.Fatalf("error is %v, want a *FieldError", err)
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("error wraps %v, want %v", fe.Err, tt.want)
			}
			if got := err.Error(); got != tt.text {
				t.Errorf("error:\n got %s\nwant %s", got, tt.text)
			}
			if fe.Want != f.Len() || fe.Name != fe.Field.Name() {
				t.Errorf("error: %+v", fe)
			}
			if fe.Field != None && f.Index(fe.Field) != fe.Column-1 {
				t.Errorf("column of %s is %d", fe.Field, fe.Column)
			}
			for _, f := range AllFields() {
				if r.Has(f) {
					t.Errorf("after the error the record has %s", f)
				}
			}
		})
	}
}

// TestLineLengths has a space, and the end of the line, at each place within
// the 64 bytes that the scanner takes at a time, with and without bytes that
// are not ASCII.
func TestLineLengths(t *testing.T) {
	f := mustFormat(t, "vpc-id srcaddr region end")
	var r Record
	for _, fill := range []string{"v", "!", "é", "\xff", "\x7f"} {
		for a := 1; a < 140; a++ {
			for _, b := range []int{1, 7, 8, 9, 63, 64, 65} {
				line := strings.Repeat(fill, a) + " 192.168.100.200 " + strings.Repeat("r", b) + " 1700000059"
				if err := f.Parse([]byte(line), &r); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				if got := string(f.Append(nil, &r)); got != line {
					t.Fatalf("printed:\n got %q\nwant %q", got, line)
				}
				if err := f.Parse([]byte(line+" "), &r); !errors.Is(err, ErrTooMany) {
					t.Fatalf("%q and a space: error is %v", line, err)
				}
				if err := f.Parse([]byte(line[:len(line)-11]), &r); !errors.Is(err, ErrTooFew) {
					t.Fatalf("%q without the last field: error is %v", line, err)
				}
				if err := f.Parse([]byte(line[:len(line)-11]+"\x1f"+line[len(line)-10:]), &r); !errors.Is(err, ErrControl) {
					t.Fatalf("%q with a control character: error is %v", line, err)
				}
			}
		}
	}
}

// TestNumbers has a number of each length, right and wrong, at the beginning, in
// the middle and at the end of a line: the scanner takes different paths.
func TestNumbers(t *testing.T) {
	short, long := mustFormat(t, "packets bytes"), mustFormat(t, "region packets bytes end az-id")
	type variant struct {
		format Format
		line   string
	}
	variants := func(v string) []variant {
		return []variant{
			{short, v + " 1"}, {short, "1 " + v}, {short, v + " " + v}, {short, "12345678901234567 " + v},
			{long, "us-east-1 " + v + " 1 1700000000 use1-az1"}, {long, "us-east-1 1 " + v + " 1700000000 use1-az1"}, {long, "u 1 1 " + v + " -"},
		}
	}
	var r Record
	for _, v := range []string{"0", "1", "9", "10", "99", "100", "9999999", "10000000", "99999999", "100000000", "123456789", "1000000000", "9999999999", "10000000000", "9999999999999999", "10000000000000000", "12345678901234567", "999999999999999999", "1000000000000000000", "9223372036854775807"} {
		for _, tt := range variants(v) {
			if err := tt.format.Parse([]byte(tt.line), &r); err != nil {
				t.Errorf("%q: %v", tt.line, err)
				continue
			}
			if got := string(tt.format.Append(nil, &r)); got != tt.line {
				t.Errorf("printed %q, want %q", got, tt.line)
			}
		}
		bad := []string{"0" + v}
		for i := range v {
			for _, c := range "/:-\x80\xff" {
				if len(v) > 1 || c != '-' {
					bad = append(bad, v[:i]+string(c)+v[i+1:])
				}
			}
		}
		for _, v := range bad {
			for _, tt := range variants(v) {
				if err := tt.format.Parse([]byte(tt.line), &r); !errors.Is(err, ErrNotNumber) {
					t.Errorf("%q: error is %v, want %v", tt.line, err, ErrNotNumber)
				}
			}
		}
	}
}

// TestRangesAnywhere has the largest value of each integer field, and larger
// ones, at each kind of place in a line.
func TestRangesAnywhere(t *testing.T) {
	var r Record
	for _, field := range AllFields() {
		if field.Type() == String {
			continue
		}
		for _, tt := range []struct{ format, before, after string }{
			{"%s", "", ""}, {"%s az-id", "", " a"}, {"region %s", "us-east-1-and-more ", ""}, {"region %s az-id", "us-east-1-and-more ", " a"},
		} {
			f := mustFormat(t, strings.Replace(tt.format, "%s", field.Name(), 1))
			line := tt.before + strconv.FormatUint(uint64(field.Max()), 10) + tt.after
			if err := f.Parse([]byte(line), &r); err != nil {
				t.Errorf("%q: %v", line, err)
			}
			above := strconv.FormatUint(uint64(field.Max())+1, 10)
			nines := strings.Repeat("9", len(above))
			for _, v := range []string{above, nines, nines + "9", nines + strings.Repeat("0", 20)} {
				line := tt.before + v + tt.after
				if err := f.Parse([]byte(line), &r); !errors.Is(err, ErrRange) {
					t.Errorf("%s in %q: error is %v, want %v", field, line, err, ErrRange)
				}
			}
		}
	}
	for field, want := range map[Field]int64{
		Version: 1<<31 - 1, SrcPort: 65535, DstPort: 65535, Protocol: 255, TCPFlags: 255, TrafficPath: 1<<31 - 1,
		EncryptionStatus: 1<<31 - 1, Packets: 1<<63 - 1, Bytes: 1<<63 - 1, Start: 1<<63 - 1, End: 1<<63 - 1,
	} {
		if got := field.Max(); got != want {
			t.Errorf("Max of %s = %d, want %d", field, got, want)
		}
	}
}

func asText(v any) string {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case netip.Addr:
		return v.String()
	}
	return v.(string)
}
