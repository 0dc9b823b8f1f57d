package insights

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"weir/internal/logs"
)

// fieldNames are those of the default format, written out again.
var fieldNames = strings.Fields("version accountId interfaceId srcAddr dstAddr srcPort dstPort protocol packets bytes start end action logStatus")

// randomLine returns a record, or at times a line that is none.
func randomLine(r *rand.Rand) string {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	words := []string{
		"2", "123456789012", pick("eni-1", "eni-2"), pick("10.0.0.1", "10.0.1.2", "192.0.2.7"), pick("10.0.0.1", "2001:db8::1"),
		pick("22", "443"), pick("22", "443", "8080"), pick("6", "17"), pick("1", "2", "30"), pick("40", "500", "1500"), "1", "60",
		pick("ACCEPT", "REJECT"), "OK",
	}
	switch r.IntN(12) {
	case 0:
		for i := 3; i < 10; i++ {
			words[i] = "-"
		}
		words[12], words[13] = "-", pick("NODATA", "SKIPDATA")
	case 1:
		words = words[:1+r.IntN(13)]
	}
	return strings.Join(words, " ")
}

// A naive condition has a text for the query and a test of a record's fields.
type naive struct {
	text  string
	holds func(map[string]string) bool
}

func randomCondition(r *rand.Rand, depth int) naive {
	if depth > 0 && r.IntN(2) == 0 {
		a, b := randomCondition(r, depth-1), randomCondition(r, depth-1)
		switch r.IntN(3) {
		case 0:
			return naive{"(" + a.text + " and " + b.text + ")", func(m map[string]string) bool { return a.holds(m) && b.holds(m) }}
		case 1:
			return naive{"(" + a.text + " or " + b.text + ")", func(m map[string]string) bool { return a.holds(m) || b.holds(m) }}
		}
		return naive{"not (" + a.text + ")", func(m map[string]string) bool { return !a.holds(m) }}
	}
	name := fieldNames[r.IntN(len(fieldNames))]
	number := []int{1, 6, 22, 443, 500}[r.IntN(5)]
	compared := func(holds func(int) bool) func(map[string]string) bool {
		return func(m map[string]string) bool {
			n, err := strconv.Atoi(m[name])
			return err == nil && holds(cmp.Compare(n, number))
		}
	}
	switch r.IntN(6) {
	case 0:
		return naive{fmt.Sprintf("%s = %d", name, number), compared(func(c int) bool { return c == 0 })}
	case 1:
		is := compared(func(c int) bool { return c == 0 })
		return naive{fmt.Sprintf("%s != %d", name, number), func(m map[string]string) bool { return !is(m) }}
	case 2:
		return naive{fmt.Sprintf("%s >= %d", name, number), compared(func(c int) bool { return c >= 0 })}
	case 3:
		return naive{fmt.Sprintf("%s < %d", name, number), compared(func(c int) bool { return c < 0 })}
	case 4:
		part := []string{"1", "REJ", "-", "0.0"}[r.IntN(4)]
		return naive{fmt.Sprintf("%s like %q", name, part), func(m map[string]string) bool {
			s, ok := m[name]
			return ok && strings.Contains(s, part)
		}}
	}
	return naive{fmt.Sprintf(`isIpv4InSubnet(%s, "10.0.0.0/16")`, name), func(m map[string]string) bool {
		return strings.HasPrefix(m[name], "10.0.")
	}}
}

// TestRunAsWritten compares queries on random lines with a second reading of the rules that
// splits every line, and keeps everything.
func TestRunAsWritten(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	chosen := 0
	for range 400 {
		cond := randomCondition(r, 3)
		by, of := fieldNames[r.IntN(len(fieldNames))], []string{"bytes", "packets", "dstPort"}[r.IntN(3)]
		query := fmt.Sprintf("filter %s | stats count(*) as n, sum(%s) as s, max(%s) as m by %s | sort n desc, %s", cond.text, of, of, by, by)
		q, err := Parse(query)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		run := q.NewRun(Options{})
		type group struct {
			n, s, m, numbers int
			dash             bool
		}
		groups := map[string]*group{}
		for i := range 100 {
			line := randomLine(r)
			run.Add(flows, &logs.Event{Message: line, Position: logs.Position{Seq: uint64(i)}})
			record := map[string]string{}
			if words := strings.Fields(line); len(words) == len(fieldNames) {
				for i, name := range fieldNames {
					record[name] = words[i]
				}
			}
			if !cond.holds(record) {
				continue
			}
			chosen++
			g := groups[record[by]]
			if g == nil {
				g = &group{}
				groups[record[by]] = g
			}
			g.n++
			if n, err := strconv.Atoi(record[of]); err == nil {
				g.numbers++
				g.s, g.m = g.s+n, max(g.m, n)
			} else if record[of] == "-" {
				g.dash = true
			}
		}
		var want []string
		for value, g := range groups {
			row := fmt.Sprintf("%s: n=%d", value, g.n)
			switch {
			case g.numbers > 0:
				row += fmt.Sprintf(" s=%d m=%d", g.s, g.m)
			case g.dash:
				row += " m=-"
			}
			want = append(want, row)
		}
		slices.Sort(want)
		var got []string
		var counts []int
		for _, row := range run.Result().Rows {
			value, text := "", ":"
			for _, c := range row {
				switch c.Field {
				case by:
					value = c.Value
				case "n":
					n, _ := strconv.Atoi(c.Value)
					counts = append(counts, n)
					fallthrough
				default:
					text += " " + c.Field + "=" + c.Value
				}
			}
			got = append(got, value+text)
		}
		if !slices.IsSortedFunc(counts, func(a, b int) int { return b - a }) {
			t.Fatalf("%s: the rows are not in order: %v", query, counts)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("%s\n got %q\nwant %q", query, got, want)
		}
	}
	if chosen < 1000 {
		t.Errorf("%d lines were chosen: too few to prove anything", chosen)
	}
}
