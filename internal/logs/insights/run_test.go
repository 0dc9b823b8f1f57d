package insights

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/logs"
)

const flows = "flows"

// lines are records of three minutes: 13:00, 13:04 and 13:06 on 2026-11-24.
var lines = []struct {
	minute int
	text   string
}{
	{0, `2 123456789012 eni-1 10.0.0.1 10.0.1.2 40001 443 6 10 1000 1795525200 1795525259 ACCEPT OK`},
	{0, `2 123456789012 eni-1 10.0.0.1 10.0.1.2 40002 443 6 5 500 1795525200 1795525259 ACCEPT OK`},
	{4, `2 123456789012 eni-1 192.0.2.9 10.0.1.2 50001 22 6 1 40 1795525440 1795525499 REJECT OK`},
	{4, `2 123456789012 eni-2 192.0.2.9 10.0.1.3 50002 22 6 2 80 1795525440 1795525499 REJECT OK`},
	{6, `2 123456789012 eni-2 - - - - - - - 1795525560 1795525619 - NODATA`},
	{6, `2 123456789012 eni-2 10.0.1.3 8.8.8.8 53000 53 17 3 250 1795525560 1795525619 ACCEPT OK`},
}

var start = time.Date(2026, 11, 24, 13, 0, 0, 0, time.UTC)

func events() []*logs.Event {
	var list []*logs.Event
	for i, l := range lines {
		at := start.Add(time.Duration(l.minute) * time.Minute).UnixMilli()
		list = append(list, &logs.Event{
			Position: logs.Position{Time: at, Seq: uint64(i)}, Stream: "eni", Ingested: at + 1500, Message: l.text,
		})
	}
	return list
}

func messages(texts ...string) []*logs.Event {
	var list []*logs.Event
	for i, m := range texts {
		list = append(list, &logs.Event{
			Position: logs.Position{Time: start.UnixMilli() + int64(i)*1000, Seq: uint64(i)}, Stream: "s", Message: m,
		})
	}
	return list
}

func mustParse(t testing.TB, text string) *Query {
	t.Helper()
	q, err := Parse(text)
	if err != nil {
		t.Fatalf("Parse(%s): %v", text, err)
	}
	return q
}

// show returns rows as lines of field=value, without pointers.
func show(r Result) string {
	var b strings.Builder
	for _, row := range r.Rows {
		var cells []string
		for _, c := range row {
			if c.Field != "@ptr" {
				cells = append(cells, c.Field+"="+c.Value)
			}
		}
		fmt.Fprintln(&b, strings.Join(cells, " | "))
	}
	return b.String()
}

func results(t testing.TB, text string, list []*logs.Event, o Options) Result {
	t.Helper()
	run := mustParse(t, text).NewRun(o)
	for _, e := range list {
		run.Add(flows, e)
	}
	return run.Result()
}

// The results were worked out by hand.
func TestResults(t *testing.T) {
	for _, tt := range []struct{ rule, query, want string }{
		{"top talkers", `stats sum(bytes) as bytesTransferred by srcAddr, dstAddr | sort bytesTransferred desc | limit 2`, `
srcAddr=10.0.0.1 | dstAddr=10.0.1.2 | bytesTransferred=1500
srcAddr=10.0.1.3 | dstAddr=8.8.8.8 | bytesTransferred=250
`},
		{"rejected by port", `filter action = "REJECT" | stats count(*) as n, sum(packets) by dstPort`, `
dstPort=22 | n=2 | sum(packets)=3
`},
		{"attempts by source", `filter dstPort = 22 and action="REJECT" | stats count(*) as n by srcAddr`, `
srcAddr=192.0.2.9 | n=2
`},
		{"a subnet", `filter isIpv4InSubnet(srcAddr,"10.0.0.0/8") | fields srcAddr, dstPort`, `
srcAddr=10.0.1.3 | dstPort=53
srcAddr=10.0.0.1 | dstPort=443
srcAddr=10.0.0.1 | dstPort=443
`},
		{"parse as it is pasted", `parse @message "* * * * * * * * * * * * * *" as version, accountid, interfaceid, srcaddr, dstaddr, srcport, dstport, protocol, packets, bytes, start, end, action, logstatus
| filter action = "REJECT" | stats sum(bytes) by interfaceid, logstatus`, `
interfaceid=eni-1 | logstatus=OK | sum(bytes)=40
interfaceid=eni-2 | logstatus=OK | sum(bytes)=80
`},
		{"over time", `stats count(*) by bin(5m)`, `
bin(5m)=2026-11-24 13:00:00.000 | count(*)=4
bin(5m)=2026-11-24 13:05:00.000 | count(*)=2
`},
		{"sorted by a call", `stats count(*) as n by bin( 5m ) | sort bin(5m) desc`, `
bin( 5m )=2026-11-24 13:05:00.000 | n=2
bin( 5m )=2026-11-24 13:00:00.000 | n=4
`},
		{"capitals", `STATS SUM(bytes) BY BIN(5m) AS t | SORT sum(bytes) DESC | FIELDS dateceil(t, 10m) AS u | DISPLAY u, sum(bytes)`, `
u=2026-11-24 13:00:00.000 | sum(bytes)=1620
u=2026-11-24 13:10:00.000 | sum(bytes)=250
`},
		{"a megabyte", `FIELDS strlen(@message) AS n | STATS sum(n)/1024 as kb BY bin(5m) as t | STATS max(kb) AS peak, min(kb) AS low BY dateceil(t, 1h)`, `
dateceil(t, 1h)=2026-11-24 13:00:00.000 | peak=0.3438 | low=0.3438
dateceil(t, 1h)=2026-11-24 14:00:00.000 | peak=0.1484 | low=0.1484
`},
		{"sorted by an aggregate", `stats count(*) by dstPort | sort count(*) desc, dstPort`, `
dstPort=22 | count(*)=2
dstPort=443 | count(*)=2
dstPort=53 | count(*)=1
dstPort=- | count(*)=1
`},
		{"the newest", `fields @timestamp, interfaceId | sort @timestamp desc | limit 2`, `
@timestamp=2026-11-24 13:06:00.000 | interfaceId=eni-2
@timestamp=2026-11-24 13:06:00.000 | interfaceId=eni-2
`},
		{"without fields: time and message, the newest first", `filter bytes > 500`, `
@timestamp=2026-11-24 13:00:00.000 | @message=` + lines[0].text + `
`},
		{"numbers are sorted as numbers, what is none behind them", `fields bytes | sort bytes`, `
bytes=40
bytes=80
bytes=250
bytes=500
bytes=1000
bytes=-
`},
		{"downwards, what is no number is behind too, and what is absent behind all", `fields packets as p | sort if(p > 5, nothing, p) desc`, `
p=5
p=3
p=2
p=1
p=-
p=10
`},
		{"upwards they are in the same places", `fields packets as p | sort if(p > 5, nothing, p) asc`, `
p=1
p=2
p=3
p=5
p=-
p=10
`},
		{"averages have four decimals", `filter logStatus = "OK" | stats avg(bytes), min(bytes), max(bytes), sum(bytes), count(bytes)`, `
avg(bytes)=374 | min(bytes)=40 | max(bytes)=1000 | sum(bytes)=1870 | count(bytes)=5
`},
		{"a dash adds nothing", `stats avg(packets) as a, count(packets) as n, sum(packets)/3 as third`, `
a=4.2 | n=6 | third=7
`},
		{"decimals are cut", `filter dstPort=443 | stats sum(bytes)/7 as x, -1/3 as y`, `
x=214.2857 | y=-0.3333
`},
		{"percentiles", `filter bytes != "-" | stats pct(bytes, 50) as p50, pct(bytes, 95) as p95, median(bytes) as m`, `
p50=250 | p95=1000 | m=250
`},
		{"the standard deviation", `filter dstPort = 443 | stats stddev(bytes)`, `
stddev(bytes)=250
`},
		{"different values", `stats count_distinct(srcAddr), count_distinct(nothing)`, `
count_distinct(srcAddr)=4 | count_distinct(nothing)=0
`},
		{"first and last", `filter logStatus="OK" | stats earliest(dstAddr), latest(dstAddr), sortsFirst(dstAddr), sortsLast(dstAddr)`, `
earliest(dstAddr)=10.0.1.2 | latest(dstAddr)=8.8.8.8 | sortsFirst(dstAddr)=10.0.1.2 | sortsLast(dstAddr)=8.8.8.8
`},
		{"times", `stats min(@timestamp) as first, max(@ingestionTime) as last`, `
first=2026-11-24 13:00:00.000 | last=2026-11-24 13:06:01.500
`},
		{"two stats", `stats sum(bytes) as b by bin(5m), srcAddr | stats max(b) as peak, count(*) as n by srcAddr | sort peak desc`, `
srcAddr=10.0.0.1 | peak=1500 | n=1
srcAddr=10.0.1.3 | peak=250 | n=1
srcAddr=192.0.2.9 | peak=120 | n=1
srcAddr=- | n=1
`},
		{"a filter behind stats", `stats count(*) as n by dstPort | filter n > 1 | sort dstPort`, `
dstPort=22 | n=2
dstPort=443 | n=2
`},
		{"fields behind stats", `stats sum(bytes) as b, sum(packets) as p by dstPort | filter p > 0 | fields b / p as size | sort size | limit 1`, `
dstPort=22 | b=120 | p=3 | size=40
`},
		{"display", `stats sum(bytes) as b by dstPort | display dstPort | sort dstPort | limit 1`, `
dstPort=22
`},
		{"the last display counts", `fields srcAddr, dstAddr | display dstPort | sort bytes desc | limit 1`, `
dstPort=443
`},
		{"expressions", `fields bytes / packets as size, floor(bytes/300) as f, toupper(interfaceId) as i | filter dstPort = 53`, `
size=83.3333 | f=0 | i=ENI-2
`},
		{"dedup keeps the newest", `fields srcAddr, dstPort | dedup srcAddr | sort srcAddr`, `
srcAddr=- | dstPort=-
srcAddr=10.0.0.1 | dstPort=443
srcAddr=10.0.1.3 | dstPort=53
srcAddr=192.0.2.9 | dstPort=22
`},
		{"dedup keeps the first of an order", `filter packets > 0 | sort bytes desc | dedup interfaceId | fields interfaceId, bytes`, `
interfaceId=eni-1 | bytes=1000
interfaceId=eni-2 | bytes=250
`},
		{"a limit before stats", `sort bytes desc | filter packets > 0 | limit 2 | stats sum(bytes)`, `
sum(bytes)=1500
`},
		{"names of Amazon's list", `fields startTime, endTime, start | limit 1`, `
startTime=1795525560 | endTime=1795525619 | start=1795525560
`},
		{"system fields", `fields @log, @logStream, @ingestionTime | limit 1`, `
@log=123:flows | @logStream=eni | @ingestionTime=2026-11-24 13:06:01.500
`},
		{"a regular expression", `filter srcAddr like /^192\.0\.2\./ | stats count(*)`, `
count(*)=2
`},
		{"a text that is contained", `filter @message like "REJECT" and dstAddr not like "1.3" | stats count(*)`, `
count(*)=1
`},
		{"=~", `filter action =~ /(?i)accept/ | stats count(*)`, `
count(*)=3
`},
		{"in", `filter dstPort in [22, "53"] and interfaceId not in ["eni-1"] | stats count(*)`, `
count(*)=2
`},
		{"not, and what is missing", `filter not ispresent(nothing) and nothing != 5 and not (nothing = 5) and not nothing < 5 | stats count(*)`, `
count(*)=6
`},
		{"groups of a regular expression", `parse @message /eni-(?<n>\d) (?<src>\S+)/ | stats count(*) by n | sort n`, `
n=1 | count(*)=3
n=2 | count(*)=3
`},
		{"what parse finds is shown", `parse @message /(\w+)$/ as last | limit 1`, `
@timestamp=2026-11-24 13:06:00.000 | @message=` + lines[5].text + ` | last=OK
`},
		{"comments", "# all\nfields dstPort # the port\n| limit 1 # done", `
dstPort=53
`},
		{"backticks", "fields `dstPort`, bytes as `my bytes` | limit 1", `
dstPort=53 | my bytes=250
`},
		{"rows without any event", `filter dstPort = 1 | stats count(*)`, `
`},
		{"case and if", `stats count(*) as n by case(dstPort = 22, "ssh", dstPort = 443, "https", "other") as service, if(action = "REJECT", 1, 0) as refused | sort n desc, service`, `
service=https | refused=0 | n=2
service=other | refused=0 | n=2
service=ssh | refused=1 | n=2
`},
	} {
		got := show(results(t, tt.query, events(), Options{Account: "123"}))
		want := strings.TrimPrefix(tt.want, "\n")
		if got != want {
			t.Errorf("%s: %s\ngot:\n%swant:\n%s", tt.rule, tt.query, got, want)
		}
	}
}

func TestFunctions(t *testing.T) {
	for _, tt := range []struct{ expr, want string }{
		{`1 + 2 * 3`, "7"}, {`(1 + 2) * 3`, "9"}, {`2 ^ 3 ^ 2`, "512"}, {`10 % 3`, "1"}, {`7 / 2`, "3.5"}, {`1/0`, ""},
		{`-2 ^ 2`, "4"}, {`1 - -1`, "2"}, {`"a" + 1`, ""}, {`"3" * "4"`, "12"}, {`1e3`, "1000"}, {`0.1 + 0.2`, "0.3"},
		{`abs(-3)`, "3"}, {`ceil(1.2)`, "2"}, {`floor(-1.2)`, "-2"}, {`log(1)`, "0"}, {`log(0)`, ""}, {`sqrt(9)`, "3"}, {`sqrt(-1)`, ""},
		{`round(2.5)`, "3"}, {`round(-2.345, 2)`, "-2.35"}, {`round(1234, -2)`, "1200"}, {`isNumeric("1e3")`, "1"}, {`isNumeric("-")`, "0"},
		{`toInt("3.9")`, "3"}, {`toNumber("x")`, ""}, {`messageSize("größe")`, "7"}, {`isPrivateIP("172.16.0.1")`, "1"},
		{`isPrivateIP("8.8.8.8")`, "0"}, {`ipv4ToNumber("1.0.0.1")`, "16777217"}, {`ipv4ToNumber("::1")`, ""},
		{`datefloor(fromMillis(1795525440000), 300s)`, "2026-11-24 13:04:00.000"}, {`isValidIpV4("1.2.3.4")`, "1"},
		{`ltrim("xyZxyfooxyZ", "xyZ")`, "fooxyZ"},
		{`greatest(1, "12", 3)`, "12"}, {`least(4, 2, 3)`, "2"}, {`abs("x")`, ""},
		{`strlen("größe")`, "5"}, {`substr("xyZfooxyZ", 3, 3)`, "foo"}, {`substr("xyZ", 1)`, "yZ"}, {`substr("xyZ", 9)`, ""},
		{`replace("foo", "o", "0")`, "f00"}, {`concat("a", 1, "b")`, "a1b"}, {`tolower("AB")`, "ab"}, {`toupper("ab")`, "AB"},
		{`trim("  a ")`, "a"}, {`ltrim(" a ")`, "a "}, {`rtrim(" a ")`, " a"},
		{`trim("xyZfooxyZ", "xyZ")`, "foo"}, {`ltrim("xyZfooxyZ", "xyZ")`, "fooxyZ"}, {`rtrim("xyZfooxyZ", "xyZ")`, "xyZfoo"},
		{`strcontains("abc", "b")`, "1"}, {`strcontains("abc", "x")`, "0"}, {`strcontains(nothing, "")`, "0"},
		{`isempty("")`, "1"}, {`isempty(nothing)`, "1"}, {`isempty(" ")`, "0"}, {`isblank(" ")`, "1"}, {`ispresent(@message)`, "1"},
		{`coalesce(nothing, "a", "b")`, "a"}, {`if(1 = 1, "y", "n")`, "y"}, {`case(1 = 2, "a", 1 = 1, "b")`, "b"}, {`case(1 = 2, "a")`, ""},
		{`1 = "1"`, "1"}, {`"a" = 'a'`, "1"}, {`"10" < "9"`, "0"}, {`"-" > 5`, "0"}, {`"-" < 5`, "0"}, {`"-" != 5`, "1"}, {`"-" > "5"`, "0"}, {`"10" > "9"`, "1"}, {`"b" > "a"`, "1"}, {`1 in [2, 1]`, "1"}, {`true`, "1"},
		{`1 = 1 and not 2 = 3 or 1 = 2`, "1"}, {`"a\"b\\" = 'a"b\\'`, "1"},
		{`toMillis(fromMillis(1500))`, "1500"}, {`fromMillis(1500)`, "1970-01-01 00:00:01.500"}, {`toMillis(5)`, ""},
		{`datefloor(fromMillis(1795525440000), 1h)`, "2026-11-24 13:00:00.000"},
		{`dateceil(fromMillis(1795525440000), 1h)`, "2026-11-24 14:00:00.000"},
		{`dateceil(fromMillis(1795525200000), 1h)`, "2026-11-24 13:00:00.000"},
		{`datefloor(fromMillis(1795525440000), 2days)`, "2026-11-23 00:00:00.000"},
		{`datefloor(fromMillis(1795525440000), 1w)`, "2026-11-23 00:00:00.000"},
		{`datefloor(fromMillis(1795525440000), 1mo)`, "2026-11-01 00:00:00.000"},
		{`dateceil(fromMillis(1795525440000), 1q)`, "2027-01-01 00:00:00.000"},
		{`datefloor(fromMillis(-1), 1s)`, "1969-12-31 23:59:59.000"},
		{`now()`, "1795525200"},
		{`isValidIp("::1")`, "1"}, {`isValidIpv4("::1")`, "0"}, {`isValidIpv6("::1")`, "1"}, {`isValidIp("-")`, "0"},
		{`isIpInSubnet("2001:db8::1", "2001:db8::/32")`, "1"}, {`isIpv4InSubnet("10.1.1.1", concat("10.0.0.0", "/8"))`, "1"},
		{`isIpv4InSubnet("11.1.1.1", "10.0.0.0/8")`, "0"}, {`isIpv6InSubnet("10.1.1.1", "10.0.0.0/8")`, "0"},
		{`unmask("x")`, "x"}, {`1 / 1000000`, "1e-06"}, {`123456789 * 1000`, "123456789000"},
	} {
		got := results(t, "fields "+tt.expr+" as x", messages("m"), Options{Now: start})
		value := ""
		if len(got.Rows[0]) > 1 {
			value = got.Rows[0][0].Value
		}
		if value != tt.want {
			t.Errorf("%s is %q, want %q", tt.expr, value, tt.want)
		}
	}
}

func TestDiscoveredFields(t *testing.T) {
	json := messages(
		`{"a": {"b": [10, {"c": "x"}], "d.e": 5}, "ok": true, "no": false, "nil": null, "list": [1, 2], "@k": "v", "big": 1e3}`,
		`not json {"a": 1}`,
	)
	for _, tt := range []struct{ name, want string }{
		{"a.b.0", "10"}, {"a.b.1.c", "x"}, {"a.d.e", "5"}, {"ok", "1"}, {"no", "0"}, {"nil", ""}, {"list", "[1, 2]"},
		{"@@k", "v"}, {"big", "1e3"}, {"a.x", ""}, {"a.b.9", ""}, {"a.b.x", ""},
	} {
		r := results(t, "fields `"+tt.name+"` as x | sort @timestamp | limit 1", json, Options{})
		got := ""
		if r.Rows[0][0].Field == "x" {
			got = r.Rows[0][0].Value
		}
		if got != tt.want {
			t.Errorf("%s is %q, want %q", tt.name, got, tt.want)
		}
	}

	custom := messages("eni-1 10.0.0.1 443 i-0a", "eni-1 10.0.0.1 443", "eni-1 10.0.0.1 443 i-0a x")
	o := Options{Discover: func(g string) []string {
		if g != flows {
			t.Errorf("asked for the fields of %q", g)
		}
		return []string{"interfaceId", "nextHopInterfaceId", "dstPort", "instanceId"}
	}}
	want := "instanceId=i-0a | interfaceId=eni-1\n\n\n"
	if got := show(results(t, `fields instanceId, interfaceId | sort @timestamp`, custom, o)); got != want {
		t.Errorf("fields of a custom format: %q, want %q", got, want)
	}
	want = "dstPort=443\n\n\n"
	if got := show(results(t, `fields dstPort | sort @timestamp`, custom, o)); got != want {
		t.Errorf("a field in the middle: %q, want %q", got, want)
	}
	if got := show(results(t, `fields dstPort`, messages("1 b c d e f g h i j k l m OK x", "2 b c d e f g h i j k l OK", "x b c d e f g h i j k l m OK"), Options{})); got != "\n\n\n" {
		t.Errorf("what is no record of the default format has fields: %q", got)
	}
}

func TestStatistics(t *testing.T) {
	r := results(t, `filter dstPort = 22 | stats count(*) by srcAddr`, events(), Options{})
	size := int64(0)
	for _, l := range lines {
		size += int64(len(l.text))
	}
	if diff := cmp.Diff(Statistics{RecordsMatched: 2, RecordsScanned: 6, BytesScanned: size}, r.Statistics); diff != "" {
		t.Error(diff)
	}
}

// A few functions within each other would make terabytes of one event.
func TestTextsAreBounded(t *testing.T) {
	event := &logs.Event{Position: logs.Position{Time: 1}, Message: strings.Repeat("a", 1<<20)}
	ten := `"` + strings.Repeat("a", 10) + `"`
	deep := `@message`
	for range 8 {
		deep = `replace(` + deep + `, "a", ` + ten + `)`
	}
	for query, want := range map[string]string{
		`fields strlen(` + deep + `) as n`:                                           "",
		`fields strlen(concat(@message, "b")) as n`:                                  "",
		`fields strlen(concat(@message, "")) as n`:                                   "n=1048576",
		`fields strlen(replace(@message, "a", "b")) as n`:                            "n=1048576",
		`fields strlen(replace(@message, "aa", "b")) as n`:                           "n=524288",
		`fields strlen(replace(substr(@message, 0, 104857), "a", ` + ten + `)) as n`: "n=1048570",
		`fields strlen(replace(substr(@message, 0, 104858), "a", ` + ten + `)) as n`: "",
		`fields strlen(replace(substr(@message, 0, 3), "a", concat("b", "c"))) as n`: "n=6",
		`fields isPresent(concat(@message, @message)) as n`:                          "n=0",
	} {
		if got := strings.TrimSpace(show(results(t, query, []*logs.Event{event}, Options{}))); got != want {
			t.Errorf("%.60s…: %q, want %q", query, got, want)
		}
	}
}

func TestLimits(t *testing.T) {
	var many []*logs.Event
	for i := range 12_000 {
		many = append(many, &logs.Event{Position: logs.Position{Time: int64(i*7919%12_000) + 1}, Message: "m"})
	}
	for _, tt := range []struct {
		query string
		limit int
		rows  int
	}{
		{`fields @timestamp`, 0, 10_000}, {`fields @timestamp`, 5, 5}, {`fields @timestamp`, 99_999, 12_000},
		{`fields @timestamp | limit 100000`, 5, 12_000}, {`fields @timestamp | limit 7`, 0, 7}, {`limit 9 | limit 8`, 0, 8},
		{`limit 9 | limit 10`, 0, 9}, {`limit 9 | filter 1 = 1`, 5, 5},
	} {
		r := results(t, tt.query, many, Options{Limit: tt.limit})
		if len(r.Rows) != tt.rows {
			t.Errorf("%s with limit %d has %d rows, want %d", tt.query, tt.limit, len(r.Rows), tt.rows)
		}
	}
	r := results(t, `fields toMillis(@timestamp) as t`, many, Options{Limit: 3})
	if got, want := show(r), "t=12000\nt=11999\nt=11998\n"; got != want {
		t.Errorf("the newest are %q, want %q", got, want)
	}
}

// A result may be asked for while events still come.
func TestPartialResults(t *testing.T) {
	run := mustParse(t, `stats count(*) as n by srcAddr | stats sum(n) as n`).NewRun(Options{})
	for i, e := range events() {
		run.Add(flows, e)
		if got, want := show(run.Result()), fmt.Sprintf("n=%d\n", i+1); got != want {
			t.Errorf("after %d events: %q, want %q", i+1, got, want)
		}
	}
}

// A run keeps nothing of the memory of an event.
func TestEventsAreNotKept(t *testing.T) {
	for _, q := range []string{`fields @message, dstPort as p`, `dedup dstPort | fields @message`, `stats latest(@message), max(dstPort) by srcAddr`} {
		run := mustParse(t, q).NewRun(Options{})
		for _, e := range events() {
			buf := []byte(e.Message)
			e.Message = unsafeString(buf)
			run.Add(flows, e)
			for i := range buf {
				buf[i] = 'X'
			}
		}
		if got := show(run.Result()); strings.Contains(got, "X") {
			t.Errorf("%s: %s", q, got)
		}
	}
}

func TestPointers(t *testing.T) {
	r := results(t, `limit 1`, events(), Options{})
	last := r.Rows[0][len(r.Rows[0])-1]
	if last.Field != "@ptr" {
		t.Fatalf("the last cell is %v", last)
	}
	got, err := ParsePointer(last.Value)
	want := Pointer{Group: flows, Stream: "eni", Position: events()[5].Position}
	if err != nil || got != want {
		t.Errorf("the pointer is %v, %v; want %v", got, err, want)
	}
	for _, bad := range []string{"", "x", "AAAA", last.Value + "AAAA", last.Value[:8]} {
		if _, err := ParsePointer(bad); err == nil {
			t.Errorf("%q is a pointer", bad)
		}
	}
	if r := results(t, `fields @ptr | limit 1`, events(), Options{}); len(r.Rows[0]) != 1 {
		t.Errorf("a pointer that is asked for stands twice: %v", r.Rows[0])
	}
	if r := results(t, `stats count(*)`, events(), Options{}); len(r.Rows[0]) != 1 {
		t.Errorf("a group has a pointer: %v", r.Rows[0])
	}
}

// Estimates are far from exact only by what they promise.
func TestEstimates(t *testing.T) {
	run := mustParse(t, `stats count_distinct(@message) as d, pct(@message, 90) as p`).NewRun(Options{})
	const n = 500_000 // half of them are so many that no rank stays empty
	for i := range n {
		run.Add(flows, &logs.Event{Message: fmt.Sprint(i % (n / 2))})
	}
	r := run.Result().Rows[0]
	var d, p float64
	fmt.Sscan(r[0].Value, &d)
	fmt.Sscan(r[1].Value, &p)
	if want := float64(n / 2); d < 0.95*want || d > 1.05*want {
		t.Errorf("%v different values are estimated as %v", want, d)
	}
	if want := 0.9 * n / 2; p < 0.99*want || p > 1.01*want {
		t.Errorf("the 90th percentile %v is estimated as %v", want, p)
	}
}

// What a run holds is bounded, and it says when that is not enough.
func TestMemory(t *testing.T) {
	const memory = 1 << 20
	for _, query := range []string{
		`stats count(*) by @message`, `stats max(@message) by @timestamp`, `dedup @message`, `limit 10000`, `sort @message | limit 10000`,
		`stats count_distinct(@message) by @timestamp`, `stats pct(@timestamp, 50), earliest(@message) by @timestamp`,
	} {
		run := mustParse(t, query).NewRun(Options{Memory: memory})
		n := 0
		for ; n < 20_000 && run.Err() == nil; n++ {
			run.Add(flows, &logs.Event{Position: logs.Position{Time: int64(n)}, Message: strings.Repeat("x", 200) + fmt.Sprint(n)})
		}
		if run.Err() != ErrTooLarge || n < 1000 || n > 10_000 {
			t.Errorf("%s ends after %d events with %v", query, n, run.Err())
		}
		if r := run.Result(); r.Statistics.RecordsScanned != int64(n) {
			t.Errorf("%s: %d events were added, and %d are counted", query, n, r.Statistics.RecordsScanned)
		}
	}
	for _, query := range []string{`limit 1000`, `sort @message desc | limit 1000`, `stats max(@message), count_distinct(@message), pct(@timestamp, 5)`, `stats count(*) by strlen(@message)`} {
		run := mustParse(t, query).NewRun(Options{Memory: memory})
		for n := range 100_000 {
			run.Add(flows, &logs.Event{Position: logs.Position{Time: int64(n)}, Message: strings.Repeat("x", 200) + fmt.Sprint(n)})
		}
		if err := run.Err(); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
}
