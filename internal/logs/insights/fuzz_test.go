package insights

import (
	"testing"
	"time"

	"weir/internal/logs"
)

var queries = []string{
	`stats sum(bytes) as b by srcAddr, bin(5m) | sort b desc, srcAddr | limit 10`,
	`fields @timestamp, abs(bytes - packets) as d | filter (d > 2 or not action like /R.*/) and dstPort in [22, "x"] | dedup d | display d`,
	`parse @message "* eni-*" as a, b | parse b /(?<c>\d)(\w+)/ | stats pct(c, 95), earliest(a) by datefloor(@timestamp, 1mo) | stats count(*)`,
	"filter isIpv4InSubnet(srcAddr, \"10.0.0.0/8\") # c\n| fields `a-b`.c, substr(a, 1, 2) as x, if(x = 1, 2 ^ 3 % 4, -x)",
}

// FuzzParse checks that errors of Parse are about a place in the query, and that what is
// parsed runs.
func FuzzParse(f *testing.F) {
	for _, q := range queries {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := Parse(text)
		if err != nil {
			e, ok := err.(*SyntaxError)
			if !ok || e.Line < 1 || e.Column < 1 || e.Start < 0 || e.Start > e.End || e.End > len(text) {
				t.Fatalf("Parse(%q): %#v", text, err)
			}
			return
		}
		run := q.NewRun(Options{Now: time.Unix(0, 0)})
		for _, e := range events() {
			run.Add("g", e)
		}
		run.Result()
	})
}

// FuzzAdd checks that no message makes a query panic, and that columns are as they are said.
func FuzzAdd(f *testing.F) {
	for i := range queries {
		f.Add(i, lines[0].text, int64(5))
		f.Add(i, `{"srcAddr":"10.0.0.1","bytes":[1,{"a":"\u00e9"}],"action":true}`, int64(-5))
	}
	f.Fuzz(func(t *testing.T, i int, message string, at int64) {
		q, err := Parse(queries[uint(i)%uint(len(queries))])
		if err != nil {
			return // not all of them are right
		}
		run := q.NewRun(Options{})
		run.Add("g", &logs.Event{Message: message, Position: logs.Position{Time: at}})
		run.Add("g", &logs.Event{Message: lines[3].text})
		for _, row := range run.Result().Rows {
			for _, c := range row {
				if c.Field == "" {
					t.Fatalf("a cell without a name: %v", row)
				}
			}
		}
	})
}
