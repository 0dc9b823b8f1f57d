package record

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// fuzzFormats are the formats FuzzParse reads lines in.
var fuzzFormats = []string{
	"default", "default+tcp-flags", "all", "tgw", natFormat, regionalFormat, hopFormat, serviceFormat, flagsFormat,
	"srcaddr", "bytes", "action", "bytes x-rule", "srcaddr dstaddr start", "vpc-id srcaddr region end",
}

// plainCheck says what is wrong with a line, by the rules of the documentation
// page and in the plainest way.
func plainCheck(f Format, line string) error {
	values := strings.Split(line, " ")
	if len(values) < f.Len() {
		return ErrTooFew
	} else if len(values) > f.Len() {
		return ErrTooMany
	}
	for i, v := range values {
		field := f.Field(i)
		switch {
		case v == "":
			return ErrEmpty
		case strings.IndexFunc(v, func(c rune) bool { return c < ' ' }) >= 0:
			return ErrControl
		case v == "-":
			if field != None && !field.Nullable() {
				return ErrAbsent
			}
		case field == Action || field == LogStatus || field == FlowDirection:
			if !slices.Contains(field.Values(), v) {
				return ErrNotKnown
			}
		case field.IsAddr():
			if _, err := netip.ParseAddr(v); err != nil && strings.Trim(v, "0123456789abcdefABCDEF.:") == "" {
				return ErrNotAddress
			}
		case field != None && field.Type() != String:
			n, err := strconv.ParseUint(v, 10, 63)
			if err != nil || n > uint64(field.Max()) || v != strconv.FormatUint(n, 10) {
				return ErrNotNumber
			}
		}
	}
	return nil
}

// FuzzParse checks that we accept the lines that plainCheck does; that a line we
// accept is printed as it stood, but for the form of IPv6 addresses; and that
// what we print is read as the same values.
func FuzzParse(f *testing.F) {
	for i, format := range fuzzFormats {
		for _, l := range goodLines {
			if l.format == format {
				f.Add(uint8(i), []byte(l.line))
			}
		}
	}
	f.Add(uint8(0), []byte("2 1 e 10.0.0.999 - 65543 NaN -1 18446744073709551616 1  2 ACCEPT OK "))
	f.Add(uint8(0), []byte("2 1 eni-12345 10.0.0.1 10.0.0.2 99999 443 999 10 100 1700000000 1700000059 ACCEPT OK"))
	f.Add(uint8(9), []byte("2001:DB8::ffff:10.0.0.1"))
	f.Add(uint8(12), []byte("7\x00\x1f\x7f\xff"))
	f.Fuzz(func(t *testing.T, i uint8, line []byte) {
		format := mustFormat(t, fuzzFormats[int(i)%len(fuzzFormats)])
		before := string(line)
		var r, again Record
		err := format.Parse(line, &r)
		if string(line) != before {
			t.Fatalf("Parse changed the line from %q to %q", before, line)
		}
		if want := plainCheck(format, before); (err == nil) != (want == nil) {
			t.Fatalf("%q: error is %v, the plain reading's %v", before, err, want)
		}
		if err != nil {
			_ = err.Error()
			return
		}
		text := format.Append(nil, &r)
		got, want := strings.Split(string(text), " "), strings.Split(before, " ")
		if len(got) != len(want) || len(got) != format.Len() {
			t.Fatalf("%d fields printed as %d:\n got %q\nwant %q", len(want), len(got), text, before)
		}
		for j, s := range want {
			if f := format.Field(j); f.IsAddr() {
				a, err := netip.ParseAddr(s)
				if v, ok := r.Addr(f); ok != (err == nil && a.Zone() == "") || ok && v != a {
					t.Fatalf("%s %q read as %v, %v; netip: %v, %v", f, s, v, ok, a, err)
				} else if ok {
					s = a.String()
				}
			}
			if v, ok := r.Int(format.Field(j)); ok && strconv.FormatInt(v, 10) != s {
				t.Fatalf("field %d of %q = %d", j, before, v)
			}
			if got[j] != s {
				t.Fatalf("field %d printed:\n got %q\nwant %q", j, got[j], s)
			}
		}
		if err := format.Parse(text, &again); err != nil {
			t.Fatalf("our own %q: %v", text, err)
		}
		for _, f := range format.Fields() {
			if got, want := field(&again, f), field(&r, f); got != want {
				t.Fatalf("%s read again = %v, want %v", f, got, want)
			}
		}
	})
}

// FuzzAddr checks addresses against netip.
func FuzzAddr(f *testing.F) {
	for _, s := range []string{"1.2.3.4", "255.255.255.255", "256.1.1.1", "01.2.3.4", "1.2.3", "::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::",
		"::2:3:4:5:6:7:8", "1::2::3", "1:2:3:4:5:6:7:8:9", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "12345::", "fe80::1%a", ":1", "1:", "1:2:3:4:5:6:7:", ":::", "xx.xx.xx.xx", "ABCD:EF01::",
		"1:2:3:4::5:6:7:8", "::1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8::", "1.2.3.0004", "1.2.3.4000", "1111.2.3.4", "1.2.3.4.", ".1.2.3.4"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := netip.ParseAddr(s)
		if err == nil && want.Zone() != "" {
			return
		}
		b := []byte(s)
		c6, ok6 := ipv6(b)
		v4, ok4 := ipv4Start(b)
		padded := []byte("#1#" + s + " 10.0.0.1 10.0.0.1")
		v4b, ok4b := ipv4(padded, 3, 3+len(s))
		if v4b != v4 && ok4 || ok4 != ok4b {
			t.Fatalf("%q within a line: %v, %v; alone: %v, %v", s, v4b, ok4b, v4, ok4)
		}
		if ok4 != (err == nil && want.Is4()) || ok6 != (err == nil && want.Is6()) {
			t.Fatalf("%q: IPv4 %v, IPv6 %v; netip: %v, %v", s, ok4, ok6, want, err)
		}
		if ok6 && c6.ipv6() != want {
			t.Fatalf("%q = %v, want %v", s, c6.ipv6(), want)
		}
	})
}

// FuzzFormat checks that a format string we accept, printed, is accepted as the
// same format by both parsers, and that an error points into the string.
func FuzzFormat(f *testing.F) {
	for _, s := range []string{defaultString, tgwString, "default+tcp-flags", "v5, x-rule", "all", "${version}  ${srcaddr} ", "accountId", "v6", "${", "${}", "$ {a}", "bytes bytes", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, parse := range map[string]func(string) (Format, error){"ParseFormat": ParseFormat, "ParseLogFormat": ParseLogFormat} {
			got, err := parse(s)
			if err != nil {
				fe := err.(*FormatError)
				if fe.Offset > len(s) || !strings.HasPrefix(s[fe.Offset:], fe.Token) {
					t.Fatalf("%s(%q): %+v points elsewhere", name, s, *fe)
				}
				if fe.Suggest != "" {
					if _, err := ParseFormat(fe.Suggest); err != nil {
						t.Fatalf("%s(%q) suggests %q: %v", name, s, fe.Suggest, err)
					}
				}
				continue
			}
			str := got.String()
			if name == "ParseLogFormat" && str != s {
				t.Fatalf("ParseLogFormat(%q).String() = %q", s, str)
			}
			for _, parse := range []func(string) (Format, error){ParseFormat, ParseLogFormat} {
				again, err := parse(str)
				if err != nil || !again.Equal(got) || again.String() != str {
					t.Fatalf("%s(%q) prints %q, read again as %v, %v", name, s, str, again, err)
				}
			}
			header := got.AppendHeader(nil)
			if h, ok := ParseHeader(header); len(got.Extensions()) < got.Len() && (!ok || !h.Equal(got)) {
				t.Fatalf("header %q read as %v, %v", header, h, ok)
			}
		}
	})
}

// FuzzHeader checks that a header, printed, is the same header, and is no
// record.
func FuzzHeader(f *testing.F) {
	for _, s := range []string{allHeader, "version account_id", "accountId logStatus", "${version} ${bytes}", "version new-field bytes", "srcaddr x-rule", "2 a b", "", " ", "version  bytes"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		h, ok := ParseHeader(line)
		if !ok {
			return
		}
		text := h.AppendHeader(nil)
		again, ok := ParseHeader(text)
		if !ok || !again.Equal(h) {
			t.Fatalf("header %q printed as %q is read as %v, %v", line, text, again, ok)
		}
		if got, want := h.Len(), strings.Count(string(line), " ")+1; got != want {
			t.Fatalf("%d names, want %d", got, want)
		}
		var r Record
		if err := Default().Parse(text, &r); err == nil {
			t.Fatalf("header %q is read as a record", text)
		}
	})
}
