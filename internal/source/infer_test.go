package source

import (
	"strings"
	"testing"

	"weir/record"
)

// Lines of Amazon's formats; values by us.
const (
	tail3   = " vpc-0a0b0c0d subnet-01020304 i-0123456789abcdef0 2 IPv4 10.0.1.5 10.0.2.9"
	tail4   = tail3 + " eu-west-1 euw1-az2 - -"
	tail5   = tail4 + " - S3 egress 8"
	v7      = "7" + ssh7 + tail5 + " - - - - - - - - - -"
	ssh7    = " 123456789012 eni-0a1b2c3d4e5f67890 10.0.1.5 10.0.2.9 49152 22 6 7 4711 1760000000 1760000059 ACCEPT OK"
	flags   = "3 vpc-0a0b0c0d subnet-01020304 i-0123456789abcdef0 eni-0a1b2c3d4e5f67890 123456789012 IPv4 10.0.1.5 10.0.2.9 49152 22 10.0.1.5 10.0.2.9 6 4711 7 1760000000 1760000059 ACCEPT 3 OK"
	flagsNo = "3 vpc-0a0b0c0d subnet-01020304 i-0123456789abcdef0 eni-0a1b2c3d4e5f67890 123456789012 - - - - - - - - - - 1760000000 1760000059 - - NODATA"
	hop     = "3 eni-0a1b2c3d4e5f67890 123456789012 vpc-0a0b0c0d subnet-01020304 - 10.0.1.5 10.0.2.9 49152 22 6 3 IPv4 10.0.1.5 10.0.2.9 ACCEPT OK"
	service = "5 10.0.1.5 10.0.2.9 49152 22 6 1760000000 1760000059 IPv4 7 4711 123456789012 vpc-0a0b0c0d subnet-01020304 i-0123456789abcdef0 eni-0a1b2c3d4e5f67890 eu-west-1 euw1-az2 - - ACCEPT 3 10.0.1.5 10.0.2.9 - S3 8 egress OK"
	nat     = "- eni-0a1b2c3d4e5f67890 10.0.1.5 10.0.2.9 10.0.1.5 203.0.113.5"
	transit = "6 TransitGateway 123456789012 tgw-01020304 tgw-attach-01020304 123456789012 123456789013 vpc-0a0b0c0d vpc-0e0b0c0d subnet-01020304 subnet-05020304 eni-01020304 eni-05020304 euw1-az1 euw1-az2 tgw-attach-05020304 10.0.1.5 10.0.2.9 49152 22 6 7 4711 1760000000 1760000059 OK IPv4 0 0 0 0 19 eu-west-1 ingress - -"
)

func TestInfer(t *testing.T) {
	good := []struct{ name, format, text string }{
		{"the default", "default", ssh},
		{"NODATA and nothing else", "default", nodata},
		{"SKIPDATA and nothing else", "default", skipdata + "\n" + skipdata},
		{"account unknown", "default", strings.Replace(nodata, "123456789012", "unknown", 1)},
		{"masked addresses", "default+tcp-flags", "3 123456789012 eni-0a1b2c3d xx.xx.xx.xx 10.0.2.9 1 80 6 5 260 1760000000 1760000059 REJECT OK 2"},
		{"IPv6", "default", strings.NewReplacer("10.0.1.5", "2001:db8::1", "10.0.2.9", "2001:db8::2").Replace(ssh)},
		{"version 3", "v3", "3" + ssh7 + tail3},
		{"version 3 by an example of as many fields", "version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr srcport dstport pkt-srcaddr pkt-dstaddr protocol bytes packets start end action tcp-flags log-status", flags},
		{"the same without traffic", "version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr srcport dstport pkt-srcaddr pkt-dstaddr protocol bytes packets start end action tcp-flags log-status", flagsNo},
		{"version 4", "v4", "4" + ssh7 + tail4},
		{"version 5", "v5", "5" + ssh7 + tail5},
		{"version 5 by an example of as many fields", "version srcaddr dstaddr srcport dstport protocol start end type packets bytes account-id vpc-id subnet-id instance-id interface-id region az-id sublocation-type sublocation-id action tcp-flags pkt-srcaddr pkt-dstaddr pkt-src-aws-service pkt-dst-aws-service traffic-path flow-direction log-status", service},
		{"transit gateway example", "version interface-id account-id vpc-id subnet-id instance-id srcaddr dstaddr srcport dstport protocol tcp-flags type pkt-srcaddr pkt-dstaddr action log-status", hop},
		{"transit gateway default", "tgw", transit},
		{"NAT gateway example", "instance-id interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr", nat},
		{"version 7", "v7", v7},
		{"version 8", "v8", "8" + v7[1:] + " -"},
		{"version 9", "v9", "9" + v7[1:] + " - -"},
		{"version 10", "v10", "10" + v7[1:] + " - - 1"},
		{"version 11", "v11", "11" + v7[1:] + " BPA - 1" + strings.Repeat(" -", 12)},
		{"a bad line among good ones", "default", ssh + "\n" + strings.Replace(ssh, "ACCEPT", "SUCCESS", 1) + "\n" + rdp},
		{"columns in an order of their own", "version account-id vpc-id action srcaddr dstaddr srcport dstport protocol packets bytes start end log-status flow-direction",
			"5 123456789012 vpc-1234 ACCEPT 10.0.0.1 10.0.0.2 1 2 6 7 4711 1760000000 1760000059 OK ingress"},
		{"columns with TCP flags", "version start end srcaddr dstaddr srcport dstport protocol packets bytes action tcp-flags",
			"3 1760000000 1760000059 10.0.0.1 10.0.0.2 1 2 6 7 4711 ACCEPT 3"},
	}
	for _, tt := range good {
		t.Run(tt.name, func(t *testing.T) {
			f, reason, err := infer([]byte(tt.text + "\n"))
			if err != nil {
				t.Fatal(err)
			}
			if want := parseFormat(t, tt.format); !f.Equal(want) {
				t.Errorf("%s:\ngot  %v\nwant %v", reason, f, want)
			}
		})
	}
	bad := []struct{ name, text, err string }{
		{"bytes before packets", strings.Replace(ssh, "7 4711", "4711 7", 1), `14 fields that are not the default format, with bytes "7": value does not go with its neighbours`},
		{"end before start", strings.Replace(ssh, "1760000000 1760000059", "1760000059 1760000000", 1), `14 fields that are not the default format, with start "1760000059": value does not go with its neighbours`},
		{"a version that is not the format's", "3" + ssh[1:], `14 fields that are not the default format, with version "3": version is not that of the format`},
		{"an action that is none", strings.Replace(ssh, "ACCEPT", "SUCCESS", 1), `14 fields that are not the default format, with action "SUCCESS": value is not one of those defined`},
		{"traffic path or TCP flags", "5 1760000000 1760000059 10.0.0.1 10.0.0.2 1 2 6 7 4711 ingress 3", "the numbers of column 12 may be tcp-flags or traffic-path"},
		{"numbers that TCP flags are not", "3 1760000000 1760000059 10.0.0.1 10.0.0.2 1 2 6 7 4711 ACCEPT 64", "the numbers of column 12, such as 64, are no tcp-flags"},
		{"lines of two formats of as many fields", "3" + ssh7 + tail3 + "\n" + flags, "21 fields that fit several formats, all fields up to version 3 among them"},
		{"one column more than the default", "8 123456789012" + ssh7[13:] + " BPA", "the values of column 15 of 15 do not tell what it is"},
		{"two interfaces", "2" + ssh7 + " eni-01020304", "columns 3 and 15 both look like interface-id"},
		{"the vpc-id of a next hop", "11 vpc-01020304 10.0.0.1 10.0.0.2 ACCEPT OK", `version "11": version is not that of the format`},
		{"packets equal to bytes", "3 1760000000 1760000059 10.0.0.1 10.0.0.2 1 2 6 40 40 ACCEPT 3", "which column is packets cannot be told"},
		{"four numbers", "2 1760000000 1760000059 10.0.0.1 10.0.0.2 1 2 6 7 ACCEPT", "4 columns of numbers"},
		{"one address", "2 10.0.0.1 OK", "1 columns of addresses"},
		{"three times", "2 10.0.0.1 10.0.0.2 1760000000 1760000059 1760000059 OK", "3 columns of times"},
		{"no version", "10.0.0.1 10.0.0.2 1 2 6 7 4711 ACCEPT", "no version in the first column"},
		{"nothing of a flow log", "2 10.0.0.1 10.0.0.2", "nothing in the lines tells that this is a flow log"},
		{"a column without values", "2 10.0.0.1 10.0.0.2 - OK", "the values of column 4 of 5 do not tell what it is"},
		{"lines of two formats", ssh + "\n" + "3" + ssh7 + tail3, "lines have different numbers of fields"},
		{"a web server's log", `10.0.0.1 - - [09/Oct/2025:08:53:20 +0000] "GET / HTTP/1.1" 200 1 "-" "curl"`, "the values of column 2 of 12 do not tell what it is"},
	}
	for _, tt := range bad {
		t.Run(tt.name, func(t *testing.T) {
			f, _, err := infer([]byte(tt.text + "\n"))
			if err == nil {
				t.Fatalf("inferred %v", f)
			}
			if want := "no header, and " + tt.err + ": name the fields with --format"; err.Error() != want {
				t.Errorf("\ngot  %v\nwant %s", err, want)
			}
		})
	}
}

// TestInferredLines reads lines that are not of the format that others have.
func TestInferredLines(t *testing.T) {
	text := ssh + "\n" + rdp + "\n\n" + strings.Replace(rdp, "REJECT", "DENY", 1) + "\n" + ssh + " 3\n" +
		strings.Replace(rdp, "eni-", "vpc-", 1) + "\n" + nodata
	got, acc := scan(t, text)
	want := []string{v2header, "1: " + ssh, "2: " + rdp, "7: " + nodata}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q", got)
	}
	notes := strings.Join(told(acc), "\n")
	for _, want := range []string{
		"line 4 refused: action: value is not one of those defined",
		"line 5 refused: too many fields: 15 instead of 14",
		"line 6 refused: interface-id: value does not look like one of this field",
		looksDefault,
	} {
		if !strings.Contains(notes, want) {
			t.Errorf("missing %q in\n%s", want, notes)
		}
	}
	if acc.Lines != 6 || acc.Refused != 3 {
		t.Errorf("%d lines, %d refused", acc.Lines, acc.Refused)
	}
}

// TestAssumed reads lines with a format that the user names.
func TestAssumed(t *testing.T) {
	f := parseFormat(t, "default x-note")
	for _, front := range []string{"", "2025-10-09T08:53:20.000Z "} {
		got, acc := runScan(t, &Scan{Objects: objects(object("o", []byte(front+ssh+" hello\n"))), Assume: &f})
		if len(got) != 2 || got[1] != "1: "+front+ssh+" hello" {
			t.Errorf("got %q", got)
		}
		if len(acc.Assumed) != 1 || !strings.HasPrefix(acc.Assumed[0].Reason, "the format that was given") {
			t.Errorf("%+v", acc.Assumed)
		}
	}
}

func FuzzInfer(f *testing.F) {
	for _, s := range []string{ssh, rdp, nodata, v7, flags, flagsNo, hop, service, nat, transit, "2025-10-09T08:53:20.000Z " + ssh, v2header} {
		f.Add(s + "\n")
	}
	f.Fuzz(func(t *testing.T, text string) {
		format, _, err := infer([]byte(text))
		if err != nil {
			return
		}
		// What was inferred reads most of what it was inferred from.
		good, all := 0, 0
		var r record.Record
		for _, line := range sample([]byte(text)) {
			all++
			if format.Parse(line, &r) == nil {
				good++
			}
		}
		if 8*good < all {
			t.Errorf("%v reads %d of %d lines", format, good, all)
		}
	})
}

// TestInferLate has the lines that tell the format behind many that do not.
func TestInferLate(t *testing.T) {
	quiet := "- eni-0a1b2c3d4e5f67890 - - - -\n" // of two columns nothing is told
	loud := nat + "\n"
	interfaces := "3 10.0.0.1 10.0.0.2 - OK\n"
	told5 := "3 10.0.0.1 10.0.0.2 vpc-01020304 OK\n"
	for _, tt := range []struct {
		name, text, format string
	}{
		{"behind the first lines", strings.Repeat(interfaces, 1000) + strings.Repeat(told5, 100), "version srcaddr dstaddr vpc-id log-status"},
		{"behind the first block", strings.Repeat(interfaces, 3*blockSize/len(interfaces)) + strings.Repeat(told5, 2*blockSize/len(told5)), "version srcaddr dstaddr vpc-id log-status"},
		{"NODATA and then traffic", strings.Repeat(nodata+"\n", 20_000) + ssh + "\n", "default"},
		{"too late", strings.Repeat(interfaces, 2*maxInfer/len(interfaces)) + told5, ""},
		{"known at once", strings.Repeat(quiet, 10) + strings.Repeat(loud, 10), "instance-id interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, acc := scan(t, tt.text)
			lines := int64(strings.Count(tt.text, "\n"))
			if tt.format == "" {
				if acc.Refused != lines || len(acc.Assumed) > 0 {
					t.Errorf("%d of %d lines refused", acc.Refused, lines)
				}
				return
			}
			if acc.Refused > 0 || acc.Lines != lines || len(acc.Assumed) != 1 || !acc.Assumed[0].Format.Equal(parseFormat(t, tt.format)) {
				t.Errorf("%d of %d lines refused; %q", acc.Refused, lines, told(acc))
			}
		})
	}
}

// TestSample has lines of traffic among a text that is mostly without.
func TestSample(t *testing.T) {
	text := strings.Repeat(nodata+"\n", 5000) + strings.Repeat(ssh+"\n", 50) + strings.Repeat(nodata+"\n", 5000)
	lines := sample([]byte(text))
	n := 0
	for _, l := range lines {
		if string(l) == ssh {
			n++
		} else if string(l) != nodata {
			t.Fatalf("a line is %q", l)
		}
	}
	if n != 50 || len(lines) > inferLines {
		t.Errorf("%d of %d lines have traffic, want 50 of at most %d", n, len(lines), inferLines)
	}
}
