package record

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseHeader(t *testing.T) {
	tgw := strings.NewReplacer("${", "", "}", "").Replace(tgwString)
	for _, tt := range []struct{ name, line, want string }{
		{"all fields", allHeader, allHeader},
		{"transit gateway", tgw, tgw},
		{"any order", "log-status version bytes", "log-status version bytes"},
		{"one field", "srcaddr", "srcaddr"},
		{"underscores, as Athena has them", "version account_id log_status pkt_src_aws_service", "version account-id log-status pkt-src-aws-service"},
		{"camel case, as Logs Insights has them", "accountId interfaceId srcAddr dstPort logStatus", "account-id interface-id srcaddr dstport log-status"},
		{"upper case", "VERSION ACCOUNT_ID", "version account-id"},
		{"a format string", "${version} ${srcaddr}", "version srcaddr"},
		{"an unknown name is kept as it stands", "version srcaddr Shiny_new-field dstaddr", "version srcaddr Shiny_new-field dstaddr"},
		{"extensions do not outvote", "srcaddr x-rule x-drop-reason x-chain", "srcaddr x-rule x-drop-reason x-chain"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, ok := ParseHeader([]byte(tt.line))
			if !ok {
				t.Fatalf("ParseHeader(%q) finds no header", tt.line)
			}
			if got := string(f.AppendHeader(nil)); got != tt.want {
				t.Errorf("ParseHeader(%q):\n got %s\nwant %s", tt.line, got, tt.want)
			}
		})
	}
	for _, tt := range []struct{ name, line string }{
		{"empty", ""},
		{"a record", "2 123456789012 eni-0a1b 10.0.1.5 10.0.2.9 49152 443 6 10 8400 1700000000 1700000059 ACCEPT OK"},
		{"a record of words only", "ACCEPT OK eni-0a1b vpc-0a1b"},
		{"a record without values", "- - -"},
		{"a tag named like a field", "bytes ACCEPT"},
		{"as many unknown as known", "version elephants"},
		{"extensions alone", "x-rule x-chain"},
		{"two spaces", "version  srcaddr"},
		{"trailing space", "version srcaddr "},
		{"leading space", " version srcaddr"},
		{"a field twice", "version srcaddr version"},
		{"a field twice, spelled otherwise", "account-id version account_id"},
		{"an unknown field twice", "version srcaddr dstaddr new new"},
		{"too many unknown fields", allHeader + strings.Repeat(" x-a", 33)},
		{"a name too long", "version srcaddr " + strings.Repeat("a", 65)},
	} {
		t.Run("not "+tt.name, func(t *testing.T) {
			if f, ok := ParseHeader([]byte(tt.line)); ok {
				t.Errorf("ParseHeader(%q) = %v, want no header", tt.line, f)
			}
		})
	}
}

// TestUnknownFieldIsKept is the probe most readers fail: a field they do not
// know shifts or loses the others.
func TestUnknownFieldIsKept(t *testing.T) {
	f, ok := ParseHeader([]byte("action next-hop-interface-id shiny-field srcaddr x-rule bytes"))
	if !ok {
		t.Fatal("no header")
	}
	const line = "REJECT eni-0a1b 17 10.0.0.1 sg-1/2 -"
	var r Record
	if err := f.Parse([]byte(line), &r); err != nil {
		t.Fatal(err)
	}
	if got := r.Verdict(); got != Reject {
		t.Errorf("action = %v", got)
	}
	if got, _ := r.Addr(SrcAddr); got.String() != "10.0.0.1" {
		t.Errorf("srcaddr = %v", got)
	}
	for name, want := range map[string]string{"shiny-field": "17", "x-rule": "sg-1/2"} {
		if got, ok := r.Extension(name); string(got) != want || !ok {
			t.Errorf("Extension(%q) = %q, %v, want %q", name, got, ok, want)
		}
	}
	if got, ok := r.Extension("x-other"); ok {
		t.Errorf("Extension of a name the header lacks = %q", got)
	}
	if got := string(f.Append(nil, &r)); got != line {
		t.Errorf("printed:\n got %s\nwant %s", got, line)
	}
	if diff := cmp.Diff([]Field{Action, NextHopInterfaceID, None, SrcAddr, None, Bytes}, f.Fields()); diff != "" {
		t.Errorf("Fields (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"shiny-field", "x-rule"}, f.Extensions()); diff != "" {
		t.Errorf("Extensions (-want +got):\n%s", diff)
	}

	// Another format finds the same extensions by name, not by place.
	g := mustFormat(t, "x-none x-rule srcaddr")
	if got, want := string(g.Append(nil, &r)), "- sg-1/2 10.0.0.1"; got != want {
		t.Errorf("in another format %q, want %q", got, want)
	}
	var keep Record
	keep.CopyFrom(&r)
	if got, want := string(g.Append(nil, &keep)), "- sg-1/2 10.0.0.1"; got != want {
		t.Errorf("of a copy, in another format %q, want %q", got, want)
	}
}

// TestHeaderAnywhere reads a file that begins without a header, in a format that
// is given, and has two more in it, one of them again.
func TestHeaderAnywhere(t *testing.T) {
	const file = `2 1 eni-a 10.0.0.1 10.0.0.2 1 2 6 10 100 5 9 ACCEPT OK
version srcaddr bytes
2 10.0.0.3 7
version srcaddr bytes
2 10.0.0.4 8
log_status srcAddr
OK 10.0.0.5`
	f := Default()
	var got []string
	var r Record
	for line := range strings.Lines(file) {
		b := []byte(strings.TrimSuffix(line, "\n"))
		if h, ok := ParseHeader(b); ok {
			f = h
			continue
		}
		if err := f.Parse(b, &r); err != nil {
			t.Fatal(err)
		}
		got = append(got, string(r.AppendField(nil, SrcAddr))+" "+string(r.AppendField(nil, Bytes)))
	}
	want := []string{"10.0.0.1 100", "10.0.0.3 7", "10.0.0.4 8", "10.0.0.5 -"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("srcaddr and bytes (-want +got):\n%s", diff)
	}
}

func TestHeaderOfRecordsCostsNothing(t *testing.T) {
	for _, line := range []string{
		"2 123456789012 eni-0a1b 10.0.1.5 10.0.2.9 49152 443 6 10 8400 1700000000 1700000059 ACCEPT OK",
		"ACCEPT OK eni-0a1b vpc-0a1b",
		"srcaddr version - ",
	} {
		b := []byte(line)
		if n := testing.AllocsPerRun(100, func() { ParseHeader(b) }); n != 0 {
			t.Errorf("ParseHeader(%q) allocates %v times, want 0", line, n)
		}
	}
}
