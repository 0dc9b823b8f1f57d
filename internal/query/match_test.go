package query

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"weir/internal/rows"
	"weir/record"
)

// TestSpans compares lists of ranges, which lie in and beside one another, with a look
// at each range by itself.
func TestSpans(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		var ports, v4, v6 []Value
		for range 1 + r.IntN(40) {
			lo := r.IntN(120)
			hi := min(lo+r.IntN(1+r.IntN(20)), 119)
			ports = append(ports, Value{Lo: int64(lo), Hi: int64(hi)})
			for _, a := range []struct {
				form string
				to   *[]Value
			}{{"255.255.255.%d", &v4}, {"2001:db8::%x", &v6}} {
				first := netip.MustParseAddr(fmt.Sprintf(a.form, lo))
				*a.to = append(*a.to, Value{Prefix: netip.PrefixFrom(first, first.BitLen()), Last: netip.MustParseAddr(fmt.Sprintf(a.form, hi))})
			}
		}
		for _, op := range []Op{In, NotIn} {
			port := newMatcher(&Test{Fields: []Column{column(record.DstPort)}, Op: op, Values: ports})
			addr := newMatcher(&Test{Fields: []Column{column(record.DstAddr)}, Op: op, Values: append(v4, v6...)})
			for n := range 130 {
				want := op == NotIn
				for _, v := range ports {
					if int64(n) >= v.Lo && int64(n) <= v.Hi {
						want = op == In
					}
				}
				for _, c := range []struct {
					m matcher
					s string
				}{{port, fmt.Sprint(n)}, {addr, fmt.Sprintf("255.255.255.%d", n)}, {addr, fmt.Sprintf("2001:db8::%x", n)}} {
					if got, err := c.m.text([]byte(c.s)); err != nil || got != want {
						t.Fatalf("seed %d: %s %s %v: got %t, %v, want %t", seed, c.s, op, ports, got, err, want)
					}
				}
			}
		}
	}
}

func TestNetworks(t *testing.T) {
	for _, tt := range []struct{ network, in, out string }{
		{"0.0.0.0/0", "0.0.0.0 255.255.255.255", ":: 2001:db8::1"},
		{"10.0.0.0/8", "10.0.0.0 10.255.255.255", "9.255.255.255 11.0.0.0"},
		{"10.1.2.3/32", "10.1.2.3", "10.1.2.2 10.1.2.4"},
		{"255.255.255.254/31", "255.255.255.254 255.255.255.255", "255.255.255.253 0.0.0.0"},
		{"::/0", ":: ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ::ffff:10.0.0.1", "10.0.0.1"},
		{"2001:db8::/33", "2001:db8:: 2001:db8:7fff:ffff:ffff:ffff:ffff:ffff", "2001:db8:8000:: 2001:db7:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"fe80::1/128", "fe80::1 FE80:0:0::1", "fe80::2"},
		{"10.0.0.255-10.0.1.0", "10.0.0.255 10.0.1.0", "10.0.0.254 10.0.1.1"},
	} {
		e, err := Parse("srcaddr = " + tt.network)
		if err != nil {
			t.Fatal(err)
		}
		m := newMatcher(e.(*Test))
		for i, list := range []string{tt.in, tt.out} {
			for a := range strings.FieldsSeq(list) {
				if got, err := m.text([]byte(a)); err != nil || got != (i == 0) {
					t.Errorf("%s in %s: got %t, %v", a, tt.network, got, err)
				}
			}
		}
	}
}

// TestPrintedTextIsReadBack checks that any text can be written as a value, and any
// pattern.
func TestPrintedTextIsReadBack(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	parts := []string{"a", "Z", "7", "-", "_", ".", ":", "/", "%", "+", "@", "#", " ", "\t", "\n", `"`, "'", "`", `\`, "*", "?", "(", ")",
		"[", ",", "=", "!", "&", "|", "<", "~", "ö", "世", "and", "in", "\ufffd", "\x00", "{", "$", ""}
	for range 20000 {
		var text, pattern strings.Builder
		wild := false
		for range r.IntN(5) {
			s := parts[r.IntN(len(parts))]
			text.WriteString(s)
			if special := s == "*" || s == "?"; special && r.IntN(2) == 0 {
				wild = true
			} else if special || s == `\` {
				pattern.WriteByte('\\')
			}
			pattern.WriteString(s)
		}
		v := Value{Text: text.String()}
		if wild {
			v = Value{Text: pattern.String(), Wild: true}
		}
		if v.Text == "-" {
			continue // absent
		}
		want := &Test{Fields: []Column{column(record.InstanceID)}, Name: "instance-id", Op: In, Values: []Value{v}}
		e, err := Parse(want.String())
		if err != nil {
			t.Fatalf("seed %d: %q, printed as %s: %v", seed, v.Text, want, err)
		}
		if got := e.(*Test).Values; len(got) != 1 || got[0] != v {
			t.Fatalf("seed %d: %+v, printed as %s, is read as %+v", seed, v, want, got)
		}
	}
}

// TestBadValues checks what is said about values that are none of their field.
func TestBadValues(t *testing.T) {
	for _, tt := range []struct {
		cond, value string
		want        error
	}{
		{"dstport = 22", "x", record.ErrNotNumber},
		{"dstport = 22", "", record.ErrEmpty},
		{"dstport = 22", "65536", record.ErrRange},
		{"dstport = 22", "99999999999999999999", record.ErrRange},
		{"tcp-flags has syn", "256", record.ErrRange},
		{"tcp-flags has syn", "0x2", record.ErrNotNumber},
		{"dstaddr = 10.0.0.0/8", "10.0.0.999", record.ErrRange},
		{"dstaddr = 10.0.0.0/8", "10.0.0", record.ErrNotAddress},
		{"dstaddr = 10.0.0.0/8", "", record.ErrEmpty},
		{"x-count > 5", "many", record.ErrNotNumber},
	} {
		e, err := Parse(tt.cond)
		if err != nil {
			t.Fatal(err)
		}
		for _, not := range []Expr{e, &Not{e}} {
			name := e.(*Test).Name
			split(t, "1 "+tt.value+"\n", header(t, "version "+name), func(b *rows.Batch) {
				got, bad := Compile(not).Select(b)
				if len(got) != 0 || len(bad) != 1 || bad[0].Reason != tt.want || bad[0].Name != name {
					t.Errorf("%s, %q: got %v, %v", not, tt.value, got, bad)
				}
			})
		}
	}
}
