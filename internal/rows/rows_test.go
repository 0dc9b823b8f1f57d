package rows

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"weir/record"
)

// values splits text the long way and returns what [Splitter.Split] gave, one line
// for each row or refusal.
func values(t testing.TB, text string, f record.Format) []string {
	t.Helper()
	var got []string
	var s Splitter
	err := s.Split([]byte(text), strings.Count(text, "\n"), f, 1, func(b *Batch) error {
		for row := range b.Rows {
			var fields []string
			for i := range b.Columns {
				fields = append(fields, string(b.Columns[i].Bytes(row, nil)))
			}
			got = append(got, fmt.Sprintf("%d %q", b.Line+int64(row), fields))
		}
		return nil
	}, func(line int64, text []byte) error {
		got = append(got, fmt.Sprintf("%d refused %q", line, text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func naive(text string, f record.Format) []string {
	var want []string
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if text == "" {
			break
		}
		if fields := strings.Split(line, " "); len(fields) == f.Len() && !strings.ContainsFunc(line, func(c rune) bool { return c < ' ' }) {
			want = append(want, fmt.Sprintf("%d %q", i+1, fields))
		} else {
			want = append(want, fmt.Sprintf("%d refused %q", i+1, line))
		}
	}
	return want
}

func TestSplit(t *testing.T) {
	f, err := record.ParseFormat("srcaddr,dstport,action")
	if err != nil {
		t.Fatal(err)
	}
	good := "10.0.0.1 22 REJECT\n"
	for _, text := range []string{
		"", good, good + good + good,
		"one\n", good + "one two\n" + good, "a b c d\n" + good,
		// Too few and too many, together as many as should be.
		"a b\nc d e f\n", "a b\n" + good + "c d e f\n",
		"  \n", " a \n", strings.Repeat(good, 500) + "bad\n" + strings.Repeat(good, 500),
		"ä ö ü\n",
		// Control characters are no separators, even where that would give as many fields.
		"a\tb\tc\n", good + "a b\x1bc\n" + good, "a b\x00c\n", "a b c\r\n", "a b c\x1f\n", "a b\x1f\x1fc\n",
	} {
		got, want := values(t, text, f), naive(text, f)
		if !slices.Equal(got, want) {
			t.Errorf("%.80q:\ngot  %.200q\nwant %.200q", text, got, want)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("2 1 eni-1 10.0.0.1 10.0.0.2 1 2 6 1 1 1 1 ACCEPT OK\n", uint8(14))
	f.Add("a b\nc d e f\n", uint8(3))
	f.Fuzz(func(t *testing.T, text string, n uint8) {
		if n == 0 || n > 20 {
			return
		}
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		format, err := record.NewFormat(record.AllFields()[:n]...)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := values(t, text, format), naive(text, format); !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}

func TestParseInt(t *testing.T) {
	for _, s := range []string{"0", "7", "10", "12345678", "123456789", "1700000000", "9223372036854775807",
		"9223372036854775808", "18446744073709551616", "99999999999999999999", "", "-", "-1", "+1", "01", "00", "1a",
		"1234567a", "12345678a", ":2345678", "/2345678", "1 345678", "1234567\xb9", "1.5"} {
		want, err := strconv.ParseInt(s, 10, 64)
		ok := err == nil && strconv.FormatInt(want, 10) == s && want >= 0
		if got, gotOK := ParseInt([]byte(s)); gotOK != ok || ok && got != want {
			t.Errorf("%q: got %d, %t", s, got, gotOK)
		}
	}
	for range 1000 {
		want := rand.Int64N(math.MaxInt64) >> rand.IntN(60)
		if got, ok := ParseInt(strconv.AppendInt(nil, want, 10)); !ok || got != want {
			t.Errorf("%d: got %d, %t", want, got, ok)
		}
	}
}

func FuzzParseAddr(f *testing.F) {
	for _, s := range []string{"10.0.0.1", "255.255.255.255", "256.1.1.1", "1.2.3", "1..2.3", "01.2.3.4", "1.2.3.4.5",
		"2001:db8::1", "::", "fe80::1%eth0", "xx.xx.xx.xx", "-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := netip.ParseAddr(s)
		wantOK := err == nil && want.Zone() == ""
		got, ok := ParseAddr([]byte(s))
		if ok != wantOK || ok && got != want {
			t.Errorf("%q: got %v, %t, want %v, %v", s, got, ok, want, err)
		}
	})
}

func TestColumns(t *testing.T) {
	var dict Column
	for _, v := range []string{"ACCEPT", "", "REJECT"} {
		dict.AppendText([]byte(v))
	}
	if dict.Len() != 3 {
		t.Errorf("Len: %d", dict.Len())
	}
	c := Column{Kind: Dict, Codes: []uint32{2, 0, NullCode, 1}, Values: &dict}
	var got []string
	for row := range c.Codes {
		got = append(got, string(c.Bytes(row, nil)))
	}
	if want := []string{"REJECT", "ACCEPT", "-", ""}; !slices.Equal(got, want) {
		t.Errorf("dictionary: %q", got)
	}
	ints := Column{Kind: Ints, Ints: []int64{7, Null}}
	if a, b := ints.Bytes(0, nil), ints.Bytes(1, nil); string(a) != "7" || !Absent(b) {
		t.Errorf("numbers: %q %q", a, b)
	}
	dash := Column{Kind: Dict, Codes: []uint32{0}, Values: &Column{}}
	dash.Values.AppendText([]byte("-"))
	if c.Absent(0) || !c.Absent(2) || ints.Absent(0) || !ints.Absent(1) || !dash.Absent(0) || !(&Column{}).Absent(0) {
		t.Error("Absent does not agree with Bytes")
	}
	if v := (&Column{}).Bytes(0, nil); !bytes.Equal(v, []byte("-")) {
		t.Errorf("a column that was not read: %q", v)
	}
}
