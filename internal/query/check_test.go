package query

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"weir/internal/rows"
	"weir/record"
)

// checked are rows with something wrong in what is grouped, and rows that look so.
const checked = `10.0.0.1 22 ACCEPT a 1 5 5
10.0.0 22 ACCEPT a 1 5 5
10.0.0.999 22 ACCEPT a 1 5 5
xx.xx.xx.xx 22 ACCEPT a 1 5 5
2001:DB8::1 22 REJECT a 1 5 5
2001:db8::zz 22 ACCEPT a 1 5 5
2001:db8::1::2 22 ACCEPT a 1 5 5
10.0.0.1 65543 ACCEPT a 1 5 5
10.0.0.1 x ACCEPT a 1 5 5
10.0.0.1 65543 ACCEPT a 1 5 5
10.0.0.1 22 accept a 1 5 5
- - - - - 5 5
10.0.0.1 22 ACCEPT a 12x 5 5
10.0.0.1 22 ACCEPT a 1 5 -
`

const checkedFormat = "srcaddr dstport action instance-id bytes start end"

// wantChecked says what is refused of them, by row.
var wantChecked = []string{"1 srcaddr: value is not an IP address", "2 srcaddr: value out of range",
	"6 srcaddr: value is not an IP address", "7 dstport: value out of range", "8 dstport: value is not a decimal number",
	"9 dstport: value out of range", "10 action: value is not one of those defined"}

func told(bad []rows.Bad) (all []string) {
	for _, x := range bad {
		all = append(all, fmt.Sprintf("%d %s: %v", x.Row, x.Name, x.Reason))
	}
	return all
}

var groupedFields = []Column{column(record.SrcAddr), column(record.DstPort), column(record.Action), column(record.InstanceID)}

// TestTableChecks refuses what a group cannot be of, again and again, and sums that are
// none, as reading the whole line does.
func TestTableChecks(t *testing.T) {
	table := NewTable(groupedFields, 10)
	split(t, checked, header(t, checkedFormat), func(b *rows.Batch) {
		bad, err := table.Add(b, all(b))
		slices.SortFunc(bad, func(x, y rows.Bad) int { return x.Row - y.Row })
		want := append(slices.Clone(wantChecked), "12 bytes: value is not a decimal number", "13 end: value must not be absent")
		if got := told(bad); err != nil || !slices.Equal(got, want) {
			t.Errorf("error %v, refused\n%s\nwant\n%s", err, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		var p rows.Parser
		for row := range b.Rows {
			_, x := p.Parse(b, row)
			if got := slices.ContainsFunc(bad, func(y rows.Bad) bool { return y.Row == row }); got != (x.Reason != nil) {
				t.Errorf("row %d: refused %v, but reading it says %v", row, got, x.Reason)
			}
		}
	})
	if n := table.Total().Records; n != 5 || table.Len() != 5 {
		t.Errorf("%d records in %d groups, want 5 in 5", n, table.Len())
	}
}

// TestCheckRows leaves out the rows that a table would refuse for what it groups by.
func TestCheckRows(t *testing.T) {
	c := NewCheck(append(slices.Clone(groupedFields), column(record.VPCID))) // which no row has
	split(t, checked, header(t, checkedFormat), func(b *rows.Batch) {
		for range 2 {
			good, bad := c.Rows(b, all(b))
			if got := told(bad); !slices.Equal(got, wantChecked) {
				t.Errorf("refused\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(wantChecked, "\n"))
			}
			if want := []int32{0, 3, 4, 5, 11, 12, 13}; !slices.Equal(good, want) {
				t.Errorf("good are %v, want %v", good, want)
			}
		}
		good, bad := c.Rows(b, []int32{0, 4})
		if !slices.Equal(good, []int32{0, 4}) || bad != nil {
			t.Errorf("of good rows: %v, %v", good, bad)
		}
	})
}

// TestCheckParquet has text with spaces, which is fine, and numbers out of range.
func TestCheckParquet(t *testing.T) {
	f := header(t, "instance-id dstport bytes start")
	b := &rows.Batch{Format: f, Columns: make([]rows.Column, f.Len()), Rows: 4}
	for _, v := range []string{"a b", "", "c", "d"} {
		b.Columns[0].AppendText([]byte(v))
	}
	b.Columns[1] = rows.Column{Kind: rows.Ints, Ints: []int64{1, 2, 70000, rows.Null}}
	b.Columns[2] = rows.Column{Kind: rows.Ints, Ints: []int64{1, 2, 3, -4}}
	b.Columns[3] = rows.Column{Kind: rows.Ints, Ints: []int64{5, 5, 5, 5}}
	table := NewTable([]Column{column(record.InstanceID), column(record.DstPort)}, 10)
	bad, err := table.Add(b, all(b))
	slices.SortFunc(bad, func(x, y rows.Bad) int { return x.Row - y.Row })
	want := []string{"1 instance-id: value is empty", "2 dstport: value out of range", "3 bytes: value out of range"}
	if got := told(bad); err != nil || !slices.Equal(got, want) {
		t.Errorf("error %v, refused %q, want %q", err, got, want)
	}
}

// TestTimelineChecks refuses an action that is none, and sums that are none.
func TestTimelineChecks(t *testing.T) {
	line := NewTimeline()
	split(t, checked, header(t, checkedFormat), func(b *rows.Batch) {
		want := []string{"10 action: value is not one of those defined", "12 bytes: value is not a decimal number"}
		if got := told(line.Add(b, all(b))); !slices.Equal(got, want) {
			t.Errorf("refused %q, want %q", got, want)
		}
	})
	bins, err := line.Bins(60)
	if err != nil || len(bins) != 1 || bins[0].Accepted.Records != 10 || bins[0].Refused.Records != 1 {
		t.Errorf("got %+v, error %v", bins, err)
	}
}
