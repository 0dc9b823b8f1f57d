package record

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

// TestSettersPrint builds records field by field, as the capture side does.
func TestSettersPrint(t *testing.T) {
	addr := netip.MustParseAddr
	for _, tt := range []struct {
		name, format string
		set          func(r *Record)
		want         string
	}{
		{"a flow", "default+tcp-flags", func(r *Record) {
			r.SetText(AccountID, "123456789012")
			r.SetText(InterfaceID, "eni-0a1b")
			r.SetAddr(SrcAddr, addr("10.0.1.5"))
			r.SetAddr(DstAddr, addr("2001:db8::9"))
			r.SetInt(SrcPort, 49152)
			r.SetInt(DstPort, 443)
			r.SetInt(Protocol, 6)
			r.SetInt(Packets, 10)
			r.SetInt(Bytes, 8400)
			r.SetInt(Start, 1700000000)
			r.SetInt(End, 1700000059)
			r.SetVerdict(Accept)
			r.SetStatus(OK)
			r.SetInt(TCPFlags, int64(SYNACK|FIN))
		}, "3 123456789012 eni-0a1b 10.0.1.5 2001:db8::9 49152 443 6 10 8400 1700000000 1700000059 ACCEPT OK 19"},
		{"no traffic", "default", func(r *Record) {
			r.SetText(AccountID, "123456789012")
			r.SetText(InterfaceID, "eni-0a1b")
			r.SetInt(Start, 1700000000)
			r.SetInt(End, 1700000059)
			r.SetStatus(NoData)
		}, "2 123456789012 eni-0a1b - - - - - - - 1700000000 1700000059 - NODATA"},
		{"version is the format's unless set", "version resource-id", func(r *Record) {}, "9 -"},
		{"version that was set stays", "version resource-id", func(r *Record) { r.SetInt(Version, 2) }, "2 -"},
		{"zero is not absent", "srcport packets", func(r *Record) { r.SetInt(SrcPort, 0); r.SetInt(Packets, 0) }, "0 0"},
		{"unset", "srcport packets", func(r *Record) { r.SetInt(SrcPort, 1); r.SetInt(Packets, 1); r.Unset(SrcPort); r.Unset(None) }, "- 1"},
		{"reset", "srcport region", func(r *Record) { r.SetInt(SrcPort, 1); r.SetText(Region, "a"); r.Reset() }, "- -"},
		{"a number out of range is absent", "srcport protocol bytes", func(r *Record) {
			for _, f := range []Field{SrcPort, Protocol, Bytes} {
				r.SetInt(f, 1)
			}
			r.SetInt(SrcPort, 65536)
			r.SetInt(Protocol, 256)
			r.SetInt(Bytes, -1)
		}, "- - -"},
		{"an address without value is absent", "srcaddr", func(r *Record) { r.SetAddr(SrcAddr, addr("::1")); r.SetAddr(SrcAddr, netip.Addr{}) }, "-"},
		{"a zone is dropped", "srcaddr", func(r *Record) { r.SetAddr(SrcAddr, addr("fe80::1%eth0")) }, "fe80::1"},
		{"IPv4-mapped stays IPv6", "srcaddr", func(r *Record) { r.SetAddr(SrcAddr, addr("::ffff:10.0.0.1")) }, "::ffff:10.0.0.1"},
		{"address as text", "srcaddr dstaddr", func(r *Record) { r.SetText(SrcAddr, "10.0.0.1"); r.SetText(DstAddr, "2001:DB8::1") }, "10.0.0.1 2001:db8::1"},
		{"masked address as text", "srcaddr", func(r *Record) { r.SetText(SrcAddr, "xx.xx.xx.xx") }, "xx.xx.xx.xx"},
		{"wrong address is absent", "srcaddr", func(r *Record) { r.SetText(SrcAddr, "10.0.0.999") }, "-"},
		{"empty text and hyphen are absent", "region az-id", func(r *Record) {
			r.SetText(Region, "a")
			r.SetText(Region, "")
			r.SetText(AZID, "-")
		}, "- -"},
		{"unknown action is absent", "action", func(r *Record) { r.SetText(Action, "SUCCESS") }, "-"},
		{"no verdict and no status are absent", "action log-status", func(r *Record) {
			r.SetVerdict(Reject)
			r.SetVerdict(NoVerdict)
			r.SetStatus(OK)
			r.SetStatus(NoStatus)
		}, "- -"},
		{"spaces cannot break the line", "instance-tag region", func(r *Record) { r.SetText(InstanceTag, "my web\n1%"); r.SetText(Region, "r") }, "my%20web%0A1% r"},
		{"text replaces an address", "srcaddr", func(r *Record) { r.SetAddr(SrcAddr, addr("::1")); r.SetText(SrcAddr, "x") }, "x"},
		{"the last value counts", "region", func(r *Record) { r.SetText(Region, "a-long-region"); r.SetText(Region, "b") }, "b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var r Record
			tt.set(&r)
			f := mustFormat(t, tt.format)
			if got := string(f.Append([]byte("> "), &r)); got != "> "+tt.want {
				t.Errorf("printed:\n got %s\nwant > %s", got, tt.want)
			}
			for i, want := range strings.Split(tt.want, " ") {
				if got := r.Has(f.Field(i)); got != (want != "-") && f.Field(i) != Version {
					t.Errorf("Has(%s) = %v", f.Field(i), got)
				}
			}
		})
	}
}

// TestSettersAfterParse changes a parsed record.
func TestSettersAfterParse(t *testing.T) {
	f := mustFormat(t, "version region srcaddr bytes")
	var r Record
	if err := f.Parse([]byte("4 us-east-1 xx.xx.xx.xx 7"), &r); err != nil {
		t.Fatal(err)
	}
	r.SetText(Region, "eu-central-1")
	r.SetAddr(SrcAddr, netip.MustParseAddr("10.0.0.1"))
	r.Unset(Version)
	g := mustFormat(t, "srcaddr region az-id bytes version next-hop-az-id")
	if got, want := string(g.Append(nil, &r)), "10.0.0.1 eu-central-1 - 7 11 -"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

// TestParseForgetsTheLineBefore parses a line with every field absent after one
// with every field present.
func TestParseForgetsTheLineBefore(t *testing.T) {
	f := mustFormat(t, "region srcaddr bytes x-rule")
	var r Record
	for _, line := range []string{"us-east-1 10.0.0.1 7 a", "- - - -", "us-east-2 ::1 0 b", "- x - -"} {
		if err := f.Parse([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if got := string(f.Append(nil, &r)); got != line {
			t.Errorf("printed %q, want %q", got, line)
		}
	}
	if err := Default().Parse([]byte("bad"), &r); err == nil {
		t.Fatal("no error")
	}
	if got, want := string(f.Append(nil, &r)), "- - - -"; got != want {
		t.Errorf("after an error printed %q, want %q", got, want)
	}
}

// TestCopyOutlivesTheLine overwrites the line a record was parsed from.
func TestCopyOutlivesTheLine(t *testing.T) {
	f := mustFormat(t, "region srcaddr x-rule bytes dstaddr")
	const want = "us-east-1 xx.xx.xx.xx sg-1 7 2001:db8::1"
	line := []byte(want)
	var r, c Record
	c.SetText(AZID, "stale")
	if err := f.Parse(line, &r); err != nil {
		t.Fatal(err)
	}
	c.CopyFrom(&r)
	c.CopyFrom(&c)
	copy(line, strings.Repeat("#", len(line)))
	r.SetText(Region, "changed")
	if got := string(f.Append(nil, &c)); got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	if c.Has(AZID) {
		t.Error("the copy kept a field the source does not have")
	}
}

// TestAppendGrows prints into every capacity, so that no value is written past
// what was made room for.
func TestAppendGrows(t *testing.T) {
	f := mustFormat(t, "all")
	rng := rand.New(rand.NewPCG(3, 4))
	var set, parsed Record
	for range 50 {
		randomRecord(&set, rng)
		set.SetText(SrcAddr, "2001:db8:1111:2222:3333:4444:5555:6666")
		set.SetInt(Bytes, 1<<63-1)
		line := f.Append(nil, &set)
		if err := f.Parse(line, &parsed); err != nil {
			t.Fatal(err)
		}
		for n := 0; n < 2*len(line); n += 7 {
			prefix := make([]byte, 3, 3+n)
			copy(prefix, "abc")
			if got := string(f.Append(prefix, &set)); got != "abc"+string(line) {
				t.Fatalf("set record, capacity %d:\n got %s\nwant abc%s", n, got, line)
			}
			if got := string(f.Append(prefix, &parsed)); got != "abc"+string(line) {
				t.Fatalf("parsed record, capacity %d:\n got %s\nwant abc%s", n, got, line)
			}
		}
	}
}

// TestWidestLines prints values of the greatest length into no room at all.
func TestWidestLines(t *testing.T) {
	var r Record
	for _, f := range AllFields() {
		switch {
		case f.IsAddr():
			r.SetAddr(f, netip.MustParseAddr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"))
		case f.Type() != String:
			r.SetInt(f, f.Max())
		}
	}
	for _, format := range []string{
		"srcaddr dstaddr pkt-srcaddr pkt-dstaddr",
		"packets bytes start end packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired",
	} {
		f := mustFormat(t, format)
		var want []string
		for _, field := range f.Fields() {
			want = append(want, string(r.AppendField(nil, field)))
		}
		if got := string(f.Append(nil, &r)); got != strings.Join(want, " ") {
			t.Errorf("printed:\n got %s\nwant %s", got, strings.Join(want, " "))
		}
	}
}

func TestWrongKindIsABug(t *testing.T) {
	var r Record
	for name, fn := range map[string]func(){
		"SetInt of an address":   func() { r.SetInt(SrcAddr, 1) },
		"SetInt of a text":       func() { r.SetInt(Region, 1) },
		"SetInt of none":         func() { r.SetInt(None, 1) },
		"SetAddr of a number":    func() { r.SetAddr(Bytes, netip.IPv6Loopback()) },
		"SetText of a number":    func() { r.SetText(Bytes, "1") },
		"SetText of none":        func() { r.SetText(None, "1") },
		"SetText of not a field": func() { r.SetText(numFields, "1") },
		"SetAddr of not a field": func() { r.SetAddr(255, netip.IPv6Loopback()) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if got, _ := recover().(string); !strings.HasPrefix(got, "BUG: record: ") {
					t.Errorf("panic is %q", got)
				}
			}()
			fn()
		})
	}
}

func TestGettersOfTheWrongKind(t *testing.T) {
	var r Record
	r.SetInt(Bytes, 1)
	r.SetText(Region, "us")
	r.SetAddr(SrcAddr, netip.MustParseAddr("::1"))
	if v, ok := r.Int(Region); ok {
		t.Errorf("Int(region) = %v", v)
	}
	if v, ok := r.Addr(Region); ok {
		t.Errorf("Addr(region) = %v", v)
	}
	if v, ok := r.Text(Bytes); ok {
		t.Errorf("Text(bytes) = %q", v)
	}
	if v, ok := r.Text(SrcAddr); ok {
		t.Errorf("Text(srcaddr) of an address = %q", v)
	}
	if r.Has(None) || r.Has(255) {
		t.Error("a record has what is not a field")
	}
	if got := r.Verdict(); got != NoVerdict {
		t.Errorf("Verdict = %v", got)
	}
	if got := r.Status(); got != NoStatus {
		t.Errorf("Status = %v", got)
	}
}

func TestVerdictAndStatusText(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{NoVerdict.String(), "-"}, {Accept.String(), "ACCEPT"}, {Reject.String(), "REJECT"}, {Verdict(7).String(), "Verdict(7)"},
		{NoStatus.String(), "-"}, {OK.String(), "OK"}, {NoData.String(), "NODATA"}, {SkipData.String(), "SKIPDATA"}, {Status(9).String(), "Status(9)"},
	} {
		if tt.got != tt.want {
			t.Errorf("String = %q, want %q", tt.got, tt.want)
		}
	}
	var r Record
	for _, v := range []Verdict{Accept, Reject, NoVerdict} {
		if r.SetVerdict(v); r.Verdict() != v {
			t.Errorf("Verdict = %v, want %v", r.Verdict(), v)
		}
	}
	for _, s := range []Status{OK, NoData, SkipData, NoStatus} {
		if r.SetStatus(s); r.Status() != s {
			t.Errorf("Status = %v, want %v", r.Status(), s)
		}
	}
}

// TestNoAllocations turns the promise of the package into a gate.
func TestNoAllocations(t *testing.T) {
	buf := make([]byte, 0, 4096)
	var r, c Record
	check := func(name string, fn func()) {
		t.Helper()
		if n := testing.AllocsPerRun(100, fn); n != 0 {
			t.Errorf("%s allocates %v times, want 0", name, n)
		}
	}
	for _, tt := range goodLines {
		f, line := mustFormat(t, tt.format), []byte(tt.line)
		check("parse "+tt.name, func() { _ = f.Parse(line, &r) })
		check("print "+tt.name, func() { buf = f.Append(buf[:0], &r) })
	}
	for _, bb := range benchFormats {
		f := mustFormat(t, bb.format)
		lines, _ := benchLines(f)
		i := 0
		check("parse "+bb.name, func() { _ = f.Parse(lines[i], &r); i++ })
		check("print "+bb.name, func() { buf = f.Append(buf[:0], &r) })
		check("copy "+bb.name, func() { c.CopyFrom(&r) })
	}
	src := netip.MustParseAddr("2001:db8::1")
	check("set", func() {
		r.Reset()
		r.SetAddr(SrcAddr, src)
		r.SetInt(Bytes, 1)
		r.SetText(Region, "us-east-1")
		r.SetText(DstAddr, "10.0.0.1")
		r.SetVerdict(Accept)
	})
	check("get", func() {
		r.Addr(SrcAddr)
		r.Addr(DstAddr)
		r.Int(Bytes)
		r.Text(Region)
		r.Verdict()
		r.Status()
		buf = r.AppendField(buf[:0], SrcAddr)
	})
	check("header", func() { buf = Default().AppendHeader(buf[:0]) })
}
