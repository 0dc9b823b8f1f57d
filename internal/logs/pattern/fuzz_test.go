package pattern

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// FuzzParse checks that what is parsed is printed as the same pattern, and that errors name
// a column of the text.
func FuzzParse(f *testing.F) {
	for _, tt := range matches {
		f.Add(tt.pattern)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil {
			e, ok := err.(*SyntaxError)
			if !ok || e.Column < 1 || e.Column > len(text)+1 {
				t.Fatalf("Parse(%q): %v", text, err)
			}
			return
		}
		again, err := Parse(p.String())
		if len(p.String()) > MaxLength {
			return // it was nearly as long
		}
		if err != nil || !reflect.DeepEqual(again, p) {
			t.Fatalf("%q is printed as %q, and that is another pattern: %v", text, p, err)
		}
	})
}

// FuzzMatch checks that no message makes a pattern panic.
func FuzzMatch(f *testing.F) {
	for _, tt := range matches {
		f.Add(tt.pattern, tt.yes)
		f.Add(tt.pattern, tt.no)
	}
	f.Fuzz(func(t *testing.T, text, message string) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		matched := p.Match(message)
		values := p.Extract(message)
		for selector, want := range values {
			if p.fields != nil && matched {
				if got, ok := p.Value(message, selector); !ok || got != want {
					t.Fatalf("%q: %s of %q is %q and %q", text, selector, message, want, got)
				}
			}
		}
	})
}

// TestMatchAsWritten compares patterns of fields, on random lines of a flow log, with a
// second reading of the rules that splits the line and loops.
func TestMatchAsWritten(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	names := strings.Fields("version account eni src dst sp dp proto packets bytes start end action status")
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	chosen := 0
	for range 20000 {
		line := strings.Join([]string{
			"2", "123456789010", pick("eni-1", "eni-2"), pick("10.0.0.1", "10.0.1.2", "-"), pick("10.0.0.1", "192.0.2.1"), pick("22", "443", "-"),
			pick("22", "443", "-"), pick("6", "17"), "1", pick("40", "1500"), "1", "60", pick("ACCEPT", "REJECT", "-"), pick("OK", "NODATA"),
		}[:12+r.IntN(3)], pick(" ", "  "))
		head, tail := r.IntN(len(names)+1), 0
		gap := head < len(names) && r.IntN(2) == 0
		if !gap {
			head = 14 - r.IntN(2)
		} else {
			tail = r.IntN(len(names) - head + 1)
		}
		var parts []string
		want := true
		words := strings.Fields(line)
		if gap && len(words) < head+tail || !gap && len(words) != head {
			want = false
		}
		add := func(i, at int) {
			op, value := pick("=", "!="), pick("22", "443", "6", "REJECT", "OK", "10.0.*", "*.1", "eni-1", "*4*")
			if r.IntN(4) > 0 {
				parts = append(parts, names[i])
				return
			}
			parts = append(parts, names[i]+op+value)
			if !want || at >= len(words) {
				return
			}
			is := words[at] == value
			switch {
			case value == "*4*":
				is = strings.Contains(words[at], "4")
			case strings.HasPrefix(value, "*"):
				is = strings.HasSuffix(words[at], value[1:])
			case strings.HasSuffix(value, "*"):
				is = strings.HasPrefix(words[at], value[:len(value)-1])
			}
			want = is == (op == "=")
		}
		for i := range head {
			add(i, i)
		}
		if gap {
			parts = append(parts, "...")
		}
		for i := range tail {
			add(head+i, len(words)-tail+i)
		}
		if len(parts) == 0 {
			continue
		}
		text := fmt.Sprintf("[%s]", strings.Join(parts, ","))
		p, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if want {
			chosen++
		}
		if got := p.Match(line); got != want {
			t.Fatalf("%s chooses %q: %v, want %v", text, line, got, want)
		}
	}
	if chosen < 1000 {
		t.Errorf("%d lines were chosen: too few to prove anything", chosen)
	}
}
