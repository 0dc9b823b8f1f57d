package query

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"weir/internal/rows"
	"weir/record"
)

// A naive evaluator: one row at a time, values as strings, the standard library only.

// naiveEval says whether a row, values by name of field, meets a condition. bad says
// that a value which had to be looked at is none of its field.
func naiveEval(e Expr, row map[string]string) (ok, bad bool) {
	switch e := e.(type) {
	case *And:
		for _, x := range e.All {
			if ok, bad := naiveEval(x, row); bad || !ok {
				return false, bad
			}
		}
		return true, false
	case *Or:
		for _, x := range e.Any {
			if ok, bad := naiveEval(x, row); bad || ok {
				return ok, bad
			}
		}
		return false, false
	case *Not:
		ok, bad := naiveEval(e.X, row)
		return !ok, bad
	}
	return naiveTest(e.(*Test), row)
}

func naiveTest(e *Test, row map[string]string) (ok, bad bool) {
	negate, there := e.Op == Ne || e.Op == NotIn, false
	for _, c := range e.Fields {
		v, ok := row[looseName(c.Name)]
		if !ok || v == "-" {
			continue
		}
		there = true
		if e.Op == Is || e.Op == IsNot {
			continue
		}
		switch hit, bad := naiveValue(e, c, v); {
		case bad:
			return false, true
		case hit:
			return !negate, false
		}
	}
	switch {
	case e.Op == Is:
		return !there, false
	case e.Op == IsNot || negate:
		return there, false
	}
	return false, false
}

// naiveValue says whether a value is one of those of a test, whether that is what is
// wanted or not.
func naiveValue(e *Test, c Column, v string) (hit, bad bool) {
	order := e.Op >= Lt && e.Op <= Ge
	switch {
	case c.IsInt() || order:
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || strconv.FormatInt(n, 10) != v || n < 0 || c.IsInt() && n > c.Field.Max() {
			return false, true
		}
		for _, w := range e.Values {
			switch e.Op {
			case Lt:
				hit = hit || n < w.Lo
			case Le:
				hit = hit || n <= w.Hi
			case Gt:
				hit = hit || n > w.Hi
			case Ge:
				hit = hit || n >= w.Lo
			case Has:
				hit = hit || n&w.Lo == w.Lo
			default:
				hit = hit || n >= w.Lo && n <= w.Hi
			}
		}
	case c.Field.IsAddr():
		a, err := netip.ParseAddr(v)
		isAddr := err == nil && a.Zone() == ""
		if !isAddr && strings.Trim(v, "0123456789abcdefABCDEF.:") == "" {
			return false, true
		}
		for _, w := range e.Values {
			switch {
			case !isAddr:
				hit = hit || !w.Prefix.IsValid() && w.Text == v
			case w.Last.IsValid():
				lo := w.Prefix.Addr()
				hit = hit || lo.BitLen() == a.BitLen() && !a.Less(lo) && !w.Last.Less(a)
			default:
				hit = hit || w.Prefix.IsValid() && w.Prefix.Contains(a)
			}
		}
	default:
		for _, w := range e.Values {
			hit = hit || w.Text == v && !w.Wild || w.Wild && naivePattern(w.Text).MatchString(v)
		}
	}
	return hit, false
}

func naivePattern(s string) *regexp.Regexp {
	re := "(?s)^"
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '*':
			re += ".*"
		case s[i] == '?':
			re += "."
		case s[i] == '\\' && i+1 < len(s):
			i++
			re += regexp.QuoteMeta(s[i : i+1])
		case s[i] < 0x80:
			re += regexp.QuoteMeta(s[i : i+1])
		default:
			re += s[i : i+1]
		}
	}
	return regexp.MustCompile(re + "$")
}

// rowsOf returns the values of all rows of a batch, by name as conditions may write it.
func rowsOf(b *rows.Batch) []map[string]string {
	all := make([]map[string]string, b.Rows)
	for row := range all {
		all[row] = map[string]string{}
		for i := range b.Columns {
			all[row][looseName(b.Format.Name(i))] = string(b.Columns[i].Bytes(row, nil))
		}
	}
	return all
}

// checkSelect compares what a filter says of a batch with what the naive evaluator
// says.
func checkSelect(t testing.TB, e Expr, f *Filter, b *rows.Batch) {
	t.Helper()
	var want, wantBad, gotBad []int32
	for i, row := range rowsOf(b) {
		ok, bad := naiveEval(e, row)
		if bad {
			wantBad = append(wantBad, int32(i))
		} else if ok {
			want = append(want, int32(i))
		}
	}
	got, bad := f.Select(b)
	for _, x := range bad {
		gotBad = append(gotBad, int32(x.Row))
		if x.Reason == nil || x.Name == "" {
			t.Errorf("%s: bad value without a name or a reason: %+v", e, x)
		}
	}
	if !slices.Equal(got, want) || !slices.Equal(gotBad, wantBad) {
		t.Errorf("%s: got %v, bad %v, want %v, bad %v", e, got, gotBad, want, wantBad)
		for i, row := range rowsOf(b) {
			t.Logf("%d %v", i, row)
		}
	}
}

// split makes a batch of text.
func split(t testing.TB, text string, f record.Format, fn func(*rows.Batch)) {
	t.Helper()
	var s rows.Splitter
	err := s.Split([]byte(text), strings.Count(text, "\n"), f, 1, func(b *rows.Batch) error {
		fn(b)
		return nil
	}, func(int64, []byte) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
}

func header(t testing.TB, s string) record.Format {
	t.Helper()
	f, ok := record.ParseHeader([]byte(s))
	if !ok {
		t.Fatalf("%s is no header", s)
	}
	return f
}

func TestSelect(t *testing.T) {
	const format = "srcaddr dstaddr srcport dstport protocol bytes start action tcp-flags instance-id x-note"
	lines := []string{
		0: "10.0.0.1 10.0.0.2 40000 22 6 9000 1795600000 ACCEPT 2 i-0abc -",
		1: "10.0.0.1 192.0.2.9 40001 443 6 20000000 1795600001 REJECT 18 i-0abd 5",
		2: "2001:db8::1 2001:db8:0:0::2 0 0 58 64 1795651199 REJECT 0 - ssh",
		3: "- - - - - - 1795564800 - - i-1 -",
		4: "10.1.0.1 - 53 - 17 - 1795651200 ACCEPT - x*y 7",
		5: "xx.xx.xx.xx 10.0.0.999 53 70000 17 01 1795600000 ACCEPT 3 i-0ö -",
		6: "::ffff:10.0.0.1 0.0.0.0 65535 1023 255 9223372036854775807 0 ACCEPT 255 \\ 12a",
	}
	for _, tt := range []struct{ cond, want string }{
		{"srcaddr = 10.0.0.1", "0 1"},
		{"srcaddr = 10.0.0.0/8", "0 1 4"},
		{"srcaddr != 10.0.0.1", "2 4 5 6"},
		{"not srcaddr = 10.0.0.1", "2 3 4 5 6"},
		{"srcaddr in (10.0.0.0-10.0.255.255, 2001:db8::/32)", "0 1 2"},
		{"srcaddr = ::ffff:10.0.0.1", "6"},
		{"srcaddr = 2001:db8::-2001:db8::1", "2"},
		{"dstaddr = 2001:db8::2", "2 bad 5"},
		{`srcaddr = "xx.xx.xx.xx"`, "5"},
		{"ip", "0 1 4 6 bad 5"},
		{"ip6", "2 6 bad 5"},
		{"srcaddr = 0.0.0.0-255.255.255.255", "0 1 4"},
		{"addr = 10.0.0.2", "0 bad 5"},
		{"addr != 10.0.0.2", "1 2 4 6 bad 5"},
		{"not addr = 10.0.0.2", "1 2 3 4 6 bad 5"},
		{"addr is -", "3"},
		{"addr is not -", "0 1 2 4 5 6"},
		{"dstaddr is -", "3 4"},
		{"port = ssh", "0 bad 5"},
		{"port in (53, 443)", "1 4 5"},
		{"port not in (0-1023)", ""},
		{"port not in (22, 443)", "2 4 6 bad 5"},
		{"dstport < 1024", "0 1 2 6 bad 5"},
		{"dstport > 65535", "bad 5"},
		{"dstport != 22", "1 2 6 bad 5"},
		{"dstport = -", "3 4"},
		{"bytes > 9223372036854775807", "bad 5"},
		{"bytes >= 9223372036854775807", "6 bad 5"},
		{"bytes >= 20M and reject", "1 bad 5"},
		{"reject and bytes >= 20M", "1"},
		{"start = 2026-11-25", "0 1 2 3 5"},
		{"start > 2026-11-25", "4"},
		{"start >= 2026-11-25", "0 1 2 3 4 5"},
		{"start < 2026-11-25", "6"},
		{"start <= 2026-11-25", "0 1 2 3 5 6"},
		{"tcp-flags has syn", "0 1 5 6"},
		{"tcp-flags has syn,ack", "1 6"},
		{"tcp-flags = syn", "0"},
		{"tcp-flags = none", "2"},
		{"not tcp-flags has syn", "2 3 4"},
		{"instance-id = i-0*", "0 1 5"},
		{"instance-id = i-0?", "5"},
		{"instance-id = *-0ab?", "0 1"},
		{`instance-id = "*\**"`, "4"},
		{`instance-id = "*\\*"`, "6"},
		{"instance-id = *", "0 1 3 4 5 6"},
		{"instance-id != i-0*", "3 4 6"},
		{"instance-id in (i-1, i-0abc)", "0 3"},
		{"x-note = ssh", "2"},
		{"X_NOTE != ssh", "1 4 6"},
		{"x-note > 5", "4 bad 2 6"},
		{"x-note is not -", "1 2 4 6"},
		{"vpc-id = vpc-1", ""},
		{"vpc-id != vpc-1", ""},
		{"vpc-id is -", "0 1 2 3 4 5 6"},
		{"x-other is -", "0 1 2 3 4 5 6"},
		{"tcp and (port = 22 or port = 443)", "0 1"},
		{"tcp port 22 or icmp6", "0 2"},
		{"not (reject or tcp)", "3 4 5 6"},
		{"dstport = 22 or dstport = 22 or srcport = 53", "0 4 bad 5"},
		{"srcport = 53 or dstport = 22", "0 4 5"},
	} {
		e, err := Parse(tt.cond)
		if err != nil {
			t.Errorf("%s: %v", tt.cond, err)
			continue
		}
		split(t, strings.Join(lines, "\n")+"\n", header(t, format), func(b *rows.Batch) {
			var s []string
			selected, bad := Compile(e).Select(b)
			for _, row := range selected {
				s = append(s, fmt.Sprint(row))
			}
			for i, x := range bad {
				if i == 0 {
					s = append(s, "bad")
				}
				s = append(s, fmt.Sprint(x.Row))
			}
			if got := strings.Join(s, " "); got != tt.want {
				t.Errorf("%s: got %q, want %q", tt.cond, got, tt.want)
			}
			checkSelect(t, e, Compile(e), b)
		})
	}
	split(t, strings.Join(lines, "\n")+"\n", header(t, format), func(b *rows.Batch) {
		if all, bad := Compile(nil).Select(b); len(all) != len(lines) || bad != nil {
			t.Errorf("no condition: %v, %v", all, bad)
		}
	})
}

// pool has values of each field, as they stand in lines: right, absent and wrong ones.
var pool = map[string][]string{
	"srcaddr":     {"10.0.0.1", "10.0.0.9", "10.255.255.255", "11.0.0.0", "192.0.2.1", "2001:db8::1", "2001:DB8:0::2", "::ffff:10.0.0.1", "xx.xx.xx.xx", "10.0.0.999", "10.0.0", "", "-"},
	"srcport":     {"0", "22", "23", "80", "443", "1023", "1024", "65535", "65536", "022", "-1", "x", "", "-"},
	"protocol":    {"1", "6", "17", "58", "255", "256", "-"},
	"bytes":       {"0", "1", "999", "1000", "10000000", "10000001", "9223372036854775807", "9223372036854775808", "-5", "-"},
	"start":       {"0", "1795564799", "1795564800", "1795651199", "1795651200", "1795600000"},
	"action":      {"ACCEPT", "REJECT", "reject", "-"},
	"tcp-flags":   {"0", "2", "3", "16", "18", "19", "255", "256", "-"},
	"instance-id": {"i-0a1", "i-0a2", "i-1b", "i-ö", "a*b", `a\b`, "-"},
	"x-note":      {"1", "5", "9", "a", "ssh", "-"},
}

// conditions has what may follow each of them.
var conditions = map[string][]string{
	"srcaddr": {"= 10.0.0.1", "!= 10.0.0.0/8", "in (10.0.0.0/8, 10.0.0.1-10.0.0.9, 2001:db8::/64)", "not in (192.0.2.0/24, ::/0)",
		"= 2001:db8::2", "= 0.0.0.0/0", "!= ::/0", `= "xx.xx.xx.xx"`, `in (10.0.0.0-10.255.255.255, "xx.xx.xx.xx", 11.0.0.0)`,
		"= ::1-2001:db8::1", "is -", "is not -", "= ::ffff:10.0.0.1"},
	"srcport": {"= 22", "!= 22", "< 23", "<= 23", "> 1023", ">= 1024", "in (22, 80, 440-450, 0, 1, 2, 3, 5, 7, 9, 11, 13, 15, 1000-65535)",
		"not in (1000-2000, 22)", "= 22-80", "!= 22-80", "< 0", "> 65535", "= ssh", "is -", "is not -"},
	"protocol":    {"= tcp", "!= 17", "in (icmp, 58)", "not in (tcp, udp)", "> 250"},
	"bytes":       {"> 10M", ">= 10M", "= 1k", "< 1k", "> 9223372036854775807", "<= 9223372036854775807", "!= 0-999"},
	"start":       {"= 2026-11-25", "> 2026-11-25", "< 2026-11-25", "<= 2026-11-25", ">= 2026-11-25", "!= 2026-11-25", "in (0, 2026-11-25T00:00Z)"},
	"action":      {"= reject", "!= ACCEPT", "in (ACCEPT, REJECT)", "not in (REJECT)", "is -", "= R*", "= ??????"},
	"tcp-flags":   {"has syn", "has syn,ack", "= syn", "!= 0", "in (syn, fin, 18)", "= 2-18"},
	"instance-id": {"= i-0a1", "!= i-0a1", "= i-*", "!= *a*", "in (i-1b, *2)", "= i-?", `= "a\*?"`, `= "?\\*"`, "= *", "is not -"},
	"x-note":      {"= 5", "!= ssh", "> 4", "<= 5", "in (a, s*)", "is -", "= -"},
}

func init() {
	for _, f := range []string{"srcaddr", "srcport"} {
		both := strings.TrimPrefix(f, "src")
		pool["dst"+both], conditions["dst"+both], conditions[both] = pool[f], conditions[f], conditions[f]
	}
}

// random returns a condition.
func random(r *rand.Rand, depth int) string {
	if depth > 0 {
		switch a := func() string { return "(" + random(r, depth-1) + ")" }; r.IntN(5) {
		case 0:
			return a() + " and " + a()
		case 1:
			return a() + " or " + a()
		case 2:
			return "not " + a()
		case 3:
			return a() + " or " + a() + " or " + a() + " and " + a() + " and " + a()
		}
	}
	names := make([]string, 0, len(conditions))
	for name := range conditions {
		names = append(names, name)
	}
	slices.Sort(names)
	name := names[r.IntN(len(names))]
	return name + " " + conditions[name][r.IntN(len(conditions[name]))]
}

// as returns the values of a column in another form, in the memory of col: a batch may
// lie where the last one did.
func as(r *rand.Rand, values []string, isInt bool, col *rows.Column) {
	var ints []int64
	for _, v := range values {
		if n, err := strconv.ParseInt(v, 10, 64); v == "-" {
			ints = append(ints, rows.Null)
		} else if err == nil && strconv.FormatInt(n, 10) == v && isInt {
			ints = append(ints, n)
		}
	}
	if len(ints) == len(values) && r.IntN(2) == 0 {
		*col = rows.Column{Kind: rows.Ints, Ints: ints}
		return
	}
	dict := col.Values
	if dict == nil {
		dict = &rows.Column{}
	}
	*dict = rows.Column{}
	distinct := slices.Compact(slices.Sorted(slices.Values(values)))
	r.Shuffle(len(distinct), func(i, j int) { distinct[i], distinct[j] = distinct[j], distinct[i] })
	for _, v := range distinct {
		dict.AppendText([]byte(v))
	}
	*col = rows.Column{Kind: rows.Dict, Values: dict}
	for _, v := range values {
		code := uint32(slices.Index(distinct, v))
		if v == "-" && r.IntN(2) == 0 {
			code = rows.NullCode
		}
		col.Codes = append(col.Codes, code)
	}
}

// TestSelectRandom compares filters with the naive evaluator, on columns of text and
// on the same values as numbers and dictionaries, in several formats.
func TestSelectRandom(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for range 500 {
		cond := random(r, r.IntN(4))
		e, err := Parse(cond)
		if err != nil {
			t.Fatalf("%s: %v", cond, err)
		}
		if again, err := Parse(e.String()); err != nil || !reflect.DeepEqual(again, e) {
			t.Fatalf("%s: printed as %s: %v, %v", cond, e, again, err)
		}
		text, other := Compile(e), Compile(e)
		memory := map[string]*rows.Column{}
		for range 3 {
			names := slices.Sorted(func(yield func(string) bool) {
				for name := range pool {
					if r.IntN(8) > 0 && !yield(name) {
						return
					}
				}
			})
			r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
			if len(names) == 0 || len(names) == 1 && names[0] == "x-note" {
				continue
			}
			f, err := record.ParseFormat(strings.Join(names, ","))
			if err != nil {
				t.Fatal(err)
			}
			n := 1 + r.IntN(30)
			values := make([][]string, len(names))
			var lines strings.Builder
			for range n {
				var line []string
				for i, name := range names {
					v := pool[name][r.IntN(len(pool[name]))]
					if r.IntN(3) > 0 { // less often wrong
						v = pool[name][r.IntN((len(pool[name])+1)/2)]
					}
					values[i] = append(values[i], v)
					line = append(line, v)
				}
				lines.WriteString(strings.Join(line, " ") + "\n")
			}
			split(t, lines.String(), f, func(b *rows.Batch) { checkSelect(t, e, text, b) })
			b := &rows.Batch{Format: f, Rows: n, Columns: make([]rows.Column, len(names))}
			for i, name := range names {
				if memory[name] == nil {
					memory[name] = new(rows.Column)
				}
				as(r, values[i], Column{Field: f.Field(i), Name: name}.IsInt(), memory[name])
				b.Columns[i] = *memory[name]
			}
			checkSelect(t, e, other, b)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	}
}

func TestWildcard(t *testing.T) {
	for _, p := range []string{"", "*", "**", "?", "a", "a*", "*a", "a*b", "*a*", "a?b", "?*?", "*ab*ab", `\*`, `a\?*`, `\\*`, "ö?", "*ö", "a*a*a"} {
		for _, s := range []string{"", "a", "b", "ab", "aab", "abab", "xabyab", "aö", "ö", "öö", "*", "a?", "a?b", `\`, `\x`, "aaa", "aaaa", "aab"} {
			if got, want := wildcard([]byte(p), []byte(s)), naivePattern(p).MatchString(s); got != want {
				t.Errorf("%s matches %s: got %t, want %t", p, s, got, want)
			}
		}
	}
}

// FuzzParse checks that what is read prints itself so that it is read as the same,
// and that what is refused points into the input.
func FuzzParse(f *testing.F) {
	for _, tt := range accepted {
		f.Add(tt.typed)
	}
	for _, s := range []string{"", "(", "tcp and", "srcaddr = \"\\", "`", "a\xff", "start = 9999-12-31T23:59-01:00", "bytes = 1.0000000000000000000000000000001Ki"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := Parse(s)
		if err != nil {
			bad, ok := err.(*SyntaxError)
			runes := []rune(s)
			if !ok || bad.Column < 1 || bad.Column > len(runes)+1 || bad.Input != s {
				t.Fatalf("%q: %#v", s, err)
			}
			if (bad.Token == "") != (strings.TrimSpace(string(runes[bad.Column-1:])) == "") {
				t.Errorf("%q: no token at column %d, or one at the end: %v", s, bad.Column, err)
			}
			_, _ = bad.Error(), bad.Pointer()
			return
		}
		again, err := Parse(e.String())
		if err != nil {
			t.Fatalf("%q: printed as %q: %v", s, e, err)
		}
		if !reflect.DeepEqual(e, again) || e.String() != again.String() {
			t.Errorf("%q: printed as %q, read back as %q", s, e, again)
		}
		if len(Columns(e)) == 0 {
			t.Errorf("%q looks at nothing", s)
		}
		Compile(e)
	})
}

// FuzzSelect compares a filter with the naive evaluator, on any text.
func FuzzSelect(f *testing.F) {
	const head = "srcaddr dstaddr srcport dstport protocol bytes start action tcp-flags instance-id x-note"
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		f.Add(random(r, 2), "10.0.0.1 10.0.0.2 40000 22 6 9000 1795600000 ACCEPT 2 i-0abc -\n- - - - - - 1 - - - -\n")
	}
	f.Fuzz(func(t *testing.T, cond, text string) {
		e, err := Parse(cond)
		if err != nil || len(cond) > 1000 {
			return
		}
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		filter := Compile(e)
		split(t, text, header(t, head), func(b *rows.Batch) { checkSelect(t, e, filter, b) })
	})
}

// TestDictionaryInOnePlace checks that a filter does not remember a dictionary by
// where it lies.
func TestDictionaryInOnePlace(t *testing.T) {
	format := header(t, "action")
	e, err := Parse("reject")
	if err != nil {
		t.Fatal(err)
	}
	f, dict := Compile(e), new(rows.Column)
	for _, values := range [][]string{{"ACCEPT", "REJECT"}, {"REJECT", "ACCEPT"}} {
		*dict = rows.Column{}
		for _, v := range values {
			dict.AppendText([]byte(v))
		}
		b := &rows.Batch{Format: format, Rows: 2, Columns: []rows.Column{{Kind: rows.Dict, Codes: []uint32{0, 1}, Values: dict}}}
		if got, _ := f.Select(b); len(got) != 1 || values[got[0]] != "REJECT" {
			t.Errorf("%v: got %v", values, got)
		}
	}
}

func TestSelectDoesNotAllocate(t *testing.T) {
	text := string(sample(500))
	for _, cond := range []string{
		"reject", "dstport in (22, 443) and bytes > 1k", "addr != 10.0.0.0/9", "not (srcaddr = 10.0.1.0/24 or port = ssh)",
		"interface-id = eni-*7", "addr is -", "x-note is not - or x-note = a",
	} {
		e, err := Parse(cond)
		if err != nil {
			t.Fatal(err)
		}
		split(t, text, record.Default(), func(b *rows.Batch) {
			f := Compile(e)
			if n := testing.AllocsPerRun(20, func() { f.Select(b) }); n != 0 {
				t.Errorf("%s: %v allocations for a batch", cond, n)
			}
		})
	}
}

func TestIndexIsLoose(t *testing.T) {
	f := header(t, "srcaddr X_Drop-Reason dstaddr")
	if i := (Column{Name: "x-drop-reason"}).Index(f); i != 1 {
		t.Errorf("got %d", i)
	}
	if i := (Column{Name: "x-drop"}).Index(f); i != -1 {
		t.Errorf("got %d", i)
	}
}
