package insights

import (
	"strings"
	"testing"
)

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct {
		text         string
		line, column int
		reason       string // a part of it
	}{
		{``, 1, 1, "empty"},
		{`# nothing`, 1, 10, "empty"},
		{`fields`, 1, 7, "the query ends where a field"},
		{`fields a |`, 1, 11, "a command"},
		{`| fields a`, 1, 1, "a command"},
		{`fields a b`, 1, 10, `"b" is where |`},
		{`feilds a`, 1, 1, `"feilds" is not a command: there are fields, display`},
		{"fields a\n| filtre b", 2, 3, `"filtre" is not a command`},
		{"fields ä, (", 1, 12, "a field, a value or a function"},
		{`SOURCE "x" | fields a`, 1, 1, "parameters of StartQuery"},
		{`fields a | pattern @message`, 1, 12, "not known to Weir"},
		{`filter a =`, 1, 11, "ends where a field"},
		{`filter a = "b`, 1, 12, "no closing quotation mark"},
		{"filter `a = b", 1, 8, "backtick"},
		{`filter a like b`, 1, 15, "regular expression"},
		{`filter a like /b`, 1, 15, "closing slash"},
		{`filter a like /(/`, 1, 15, "missing closing )"},
		{`filter a like /(?=b)/`, 1, 15, "without looking around"},
		{`filter a like /a{999}b{999}c{999}d{999}e{999}f{99}/`, 1, 15, "too large"},
		{`filter a in b`, 1, 13, "a list in brackets"},
		{`filter a in ["b"`, 1, 17, ", or ]"},
		{`filter a not = b`, 1, 14, "like or in"},
		{`filter (a = 1`, 1, 14, "ends where ) belongs"},
		{`filter a ; b`, 1, 10, `";" has no meaning here`},
		{`filter log-status = 1 | fields a$`, 1, 33, "backticks"},
		{`filter isIpv4InSubnet(srcAddr, "10.0.0.0")`, 1, 8, `write one such as "10.0.0.0/8"`},
		{`filter strlen()`, 1, 8, "strlen takes one argument, and has 0"},
		{`filter substr(a)`, 1, 8, "substr takes 2 to 3 arguments"},
		{`filter greatest()`, 1, 8, "1 or more"},
		{`filter jsonParse(a) = 1`, 1, 8, `"jsonParse" is not a function`},
		{`filter bin(5) = 1`, 1, 12, "a period such as 5m"},
		{`filter bin(5x) = 1`, 1, 12, "a period such as 5m"},
		{`filter bin(0m) = 1`, 1, 12, "a period such as 5m"},
		{`filter 5m = 1`, 1, 8, "is a period"},
		{`filter count(*) > 1`, 1, 8, "stands in stats only"},
		{`stats count(`, 1, 13, "ends where"},
		{`stats bytes by srcAddr`, 1, 7, `"bytes" stands outside of a function`},
		{`stats sum(sum(bytes))`, 1, 11, "stats only"},
		{`stats sum(a, b)`, 1, 7, "one argument"},
		{`stats pct(a)`, 1, 7, "2 arguments"},
		{`stats pct(a, 101)`, 1, 7, "0 to 100"},
		{`stats pct(a, b)`, 1, 7, "0 to 100"},
		{`stats count(*) by`, 1, 18, "the query ends"},
		{`stats count(*) as n by srcAddr | sort bytes`, 1, 39, `"bytes" is not a field after stats: what stats makes is srcAddr, n`},
		{`stats count(*) | sort bin(5m)`, 1, 23, "not a field after stats"},
		{`sort a up`, 1, 8, `"up" is where |`},
		{`limit`, 1, 6, "whole number"},
		{`limit 0`, 1, 7, "whole number from 1 to 100000"},
		{`limit 100001`, 1, 7, "whole number"},
		{`limit 1.5`, 1, 7, "whole number"},
		{`parse @message`, 1, 15, "asterisks"},
		{`parse @message "a"`, 1, 16, "no asterisk"},
		{`parse @message "* *" as a`, 1, 16, "1 names for 2 parts"},
		{`parse @message "*"`, 1, 16, "0 names for 1 parts"},
		{`parse @message /(a)/`, 1, 16, "no named groups"},
		{`parse @message /a/ as b`, 1, 16, "no named groups"},
		{`fields a as 1`, 1, 13, "a name"},
		{"fields a, \xff", 1, 11, "UTF-8"},
		{strings.Repeat(" ", MaxLength) + "x", 1, 1, "too long"},
		{"filter " + strings.Repeat("(", maxDepth+1), 1, 7 + maxDepth + 1, "too deep"},
		{"filter " + strings.Repeat("not ", maxDepth+1), 1, 8 + 4*(maxDepth-1), "too deep"},
		{"filter " + strings.Repeat("-", maxDepth+1), 1, 8 + maxDepth - 1, "too deep"},
	} {
		_, err := Parse(tt.text)
		e, ok := err.(*SyntaxError)
		if !ok || e.Line != tt.line || e.Column != tt.column || !strings.Contains(e.Reason, tt.reason) {
			t.Errorf("Parse(%.50q): %v; want line %d, column %d: …%s…", tt.text, err, tt.line, tt.column, tt.reason)
		}
	}
	_, err := Parse("fields a\n| limit x1")
	if e := err.(*SyntaxError); e.Start != 17 || e.End != 19 || e.Error() != `line 2, column 9: "x1" is where a whole number from 1 to 100000 belongs` {
		t.Errorf("%v from %d to %d", e, e.Start, e.End)
	}
}

func TestGlob(t *testing.T) {
	for _, tt := range []struct{ pattern, message, want string }{
		{"user=*, method:*, latency := *", "at 5 user=bob, method:GET, latency := 12 ms", "bob|GET|12 ms"},
		{"* - *", "a - b - c", "a|b - c"},
		{"*-*", "no", ""},
		{"[*]", "x [y] z", "y"},
		{"a*", "ba", ""},
		{"**", "xy", "|xy"},
		{"*,*,", "a,b", ""},
	} {
		texts := strings.Split(tt.pattern, "*")
		parts := make([]string, len(texts)-1)
		got := ""
		if glob(texts, tt.message, parts) {
			got = strings.Join(parts, "|")
		}
		if got != tt.want {
			t.Errorf("%q takes %q apart as %q, want %q", tt.pattern, tt.message, got, tt.want)
		}
	}
}
