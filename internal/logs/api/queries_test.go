package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"weir/internal/cloudwatch"
)

// result waits until a query has ended.
func (b *bed) result(id string) *cloudwatch.GetQueryResultsAnswer {
	b.t.Helper()
	for {
		out := ok[cloudwatch.GetQueryResultsAnswer](b, "GetQueryResults", cloudwatch.GetQueryResults{QueryID: id})
		if out.Status != running {
			return out
		}
		time.Sleep(time.Millisecond)
	}
}

// ask runs a query from noon for so many seconds.
func (b *bed) ask(text string, seconds int64) *cloudwatch.GetQueryResultsAnswer {
	b.t.Helper()
	from, to := noon.Unix(), noon.Unix()+seconds
	id := ok[cloudwatch.StartQueryAnswer](b, "StartQuery", cloudwatch.StartQuery{LogGroupName: "g", StartTime: &from, EndTime: &to, QueryString: text}).QueryID
	return b.result(id)
}

func rows(out *cloudwatch.GetQueryResultsAnswer) string {
	var b strings.Builder
	for _, row := range out.Results {
		for _, f := range row {
			if f.Field != "@ptr" {
				fmt.Fprintf(&b, "%s=%s ", f.Field, f.Value)
			}
		}
		b.WriteString("| ")
	}
	return strings.TrimSpace(b.String())
}

func TestQueries(t *testing.T) {
	b := newBed(t)
	b.fill(6) // two milliseconds of noon
	ok[cloudwatch.PutLogEventsAnswer](b, "PutLogEvents", cloudwatch.PutLogEvents{LogGroupName: "g", LogStreamName: "a",
		LogEvents: []cloudwatch.Event{{Timestamp: noon.UnixMilli() + 1999, Message: "late 1"}, {Timestamp: noon.UnixMilli() + 2000, Message: "late 2"}}})
	out := b.ask("stats count(*) as n by @logStream | sort @logStream", 1)
	if got := rows(out); got != "@logStream=a n=4 | @logStream=b n=3 |" || out.Status != complete {
		t.Errorf("%s: %s", out.Status, got)
	}
	if s := out.Statistics; s.RecordsScanned != 7 || s.RecordsMatched != 7 || s.LogGroupsScanned != 1 || s.BytesScanned != 6*3+6 {
		t.Errorf("%+v", s)
	}
	out = b.ask("fields @message | sort @timestamp desc | limit 1", 1)
	if got := rows(out); got != "@message=late 1 |" {
		t.Error(got)
	}
	pointer := out.Results[0][1].Value
	record := ok[cloudwatch.GetLogRecordAnswer](b, "GetLogRecord", cloudwatch.GetLogRecord{LogRecordPointer: pointer}).LogRecord
	if record["@message"] != "late 1" || record["@logStream"] != "a" || record["@log"] != "123456789012:g" || record["@timestamp"] != fmt.Sprint(noon.UnixMilli()+1999) {
		t.Errorf("%v", record)
	}
}

// TestQueryPages reads a result a row at a time.
func TestQueryPages(t *testing.T) {
	b := newBed(t)
	b.fill(5)
	from, to := noon.UnixMilli(), noon.UnixMilli()+1000
	id := ok[cloudwatch.StartQueryAnswer](b, "StartQuery", cloudwatch.StartQuery{
		LogGroupIdentifiers: []string{"g", b.arn("g")}, StartTime: &from, EndTime: &to, QueryString: "fields @message | sort @message"}).QueryID
	all := b.result(id)
	if len(all.Results) != 5 || all.Statistics.LogGroupsScanned != 1 {
		t.Fatalf("%d rows", len(all.Results))
	}
	one, token, got := 1, "", ""
	for range 10 {
		page := ok[cloudwatch.GetQueryResultsAnswer](b, "GetQueryResults", cloudwatch.GetQueryResults{QueryID: id, MaxItems: &one, NextToken: token})
		got += rows(page)
		if token = page.NextToken; token == "" {
			break
		}
	}
	if want := strings.ReplaceAll(rows(all), " | ", " |"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestStopQuery stops one that would have to read much, and lists those there are.
func TestStopQuery(t *testing.T) {
	b := newBed(t)
	b.fill(0)
	in := cloudwatch.PutLogEvents{LogGroupName: "g", LogStreamName: "a"}
	for range cloudwatch.MaxBatchEvents {
		in.LogEvents = append(in.LogEvents, cloudwatch.Event{Timestamp: noon.UnixMilli(), Message: "x"})
	}
	for range 10 {
		ok[cloudwatch.PutLogEventsAnswer](b, "PutLogEvents", in)
	}
	from, to := noon.Unix(), noon.Unix()
	start := cloudwatch.StartQuery{LogGroupName: "g", StartTime: &from, EndTime: &to, QueryString: `stats count(*) by @message like /a*b*c*/`}
	first := ok[cloudwatch.StartQueryAnswer](b, "StartQuery", start).QueryID
	if out := ok[cloudwatch.StopQueryAnswer](b, "StopQuery", cloudwatch.StopQuery{QueryID: first}); !out.Success {
		t.Error("not stopped")
	}
	if out := b.result(first); out.Status != cancelled {
		t.Errorf("it is %s", out.Status)
	}
	if _, failed := b.call("StopQuery", `{"queryId":"`+first+`"}`); failed != "InvalidParameterException: The specified query is not running." {
		t.Error(failed)
	}
	second := ok[cloudwatch.StartQueryAnswer](b, "StartQuery", start).QueryID
	b.result(second)
	list := ok[cloudwatch.DescribeQueriesAnswer](b, "DescribeQueries", cloudwatch.DescribeQueries{})
	if len(list.Queries) != 2 || list.Queries[0].QueryID != second || list.Queries[0].Status != complete || list.Queries[1].Status != cancelled || list.Queries[0].LogGroupName != "g" {
		t.Errorf("%+v", list)
	}
	list = ok[cloudwatch.DescribeQueriesAnswer](b, "DescribeQueries", cloudwatch.DescribeQueries{Status: cancelled, LogGroupName: "g"})
	if len(list.Queries) != 1 || list.Queries[0].QueryID != first {
		t.Errorf("%+v", list)
	}
}

// TestQueriesAreBounded: as many as may run do, and only so many are remembered.
func TestQueriesAreBounded(t *testing.T) {
	var all queries
	for range maxRunning {
		if err := all.add(&query{state: running}); err != nil {
			t.Fatal(err)
		}
	}
	if err := all.add(&query{state: running}); err != cloudwatch.TooManyQueries {
		t.Errorf("one more: %v", err)
	}
	for _, q := range all.all {
		q.state = complete
	}
	for i := range keptQueries {
		q := &query{state: complete}
		if i == keptQueries-1 {
			q.bytes = keptBytes + 1
		}
		if err := all.add(q); err != nil {
			t.Fatal(err)
		}
	}
	if len(all.all) != 1 {
		t.Errorf("%d are kept beside the largest", len(all.all))
	}
}

func TestQueriesRefuse(t *testing.T) {
	b := newBed(t)
	b.fill(0)
	const times = `"startTime":1795521600,"endTime":1795521601`
	for body, want := range map[string]string{
		`{` + times + `,"queryString":"fields @message"}`:                                                         "InvalidParameterException: A query needs log groups: one of logGroupName, logGroupNames and logGroupIdentifiers.",
		`{` + times + `,"queryString":"fields @message","logGroupName":"g","logGroupNames":["g"]}`:                "InvalidParameterException: logGroupName, logGroupNames and logGroupIdentifiers are mutually exclusive parameters.",
		`{` + times + `,"queryString":"fields @message","logGroupNames":["x"]}`:                                   "ResourceNotFoundException: The specified log group does not exist.",
		`{` + times + `,"queryString":"fields @message","logGroupNames":["g"],"queryLanguage":"SQL"}`:             "InvalidParameterException: Only the query language CWLI is supported.",
		`{"startTime":2,"endTime":1,"queryString":"fields @message","logGroupNames":["g"]}`:                       "InvalidParameterException: startTime is greater than endTime.",
		`{` + times + `,"logGroupNames":["g"]}`:                                                                   "InvalidParameterException: 1 validation error detected: Value null at 'queryString' failed to satisfy constraint: Member must not be null",
		`{` + times + `,"queryString":"fields @message","logGroupNames":["g"` + strings.Repeat(`,"g"`, 50) + `]}`: "InvalidParameterException: A query has 50 log groups at most.",
		`{` + times + `,"queryString":"filter","logGroupNames":["g"]}`:                                            "MalformedQueryException: ",
	} {
		if _, failed := b.call("StartQuery", body); !strings.HasPrefix(failed, want) || failed == "" {
			t.Errorf("%s:\n got %s\nwant %s", body, failed, want)
		}
	}
	for action, want := range map[string]string{
		"GetQueryResults": "ResourceNotFoundException: The specified query does not exist.",
		"StopQuery":       "ResourceNotFoundException: The specified query does not exist.",
		"GetLogRecord":    "InvalidParameterException: The specified log record pointer is invalid.",
	} {
		if _, failed := b.call(action, `{"queryId":"x","logRecordPointer":"x"}`); failed != want {
			t.Errorf("%s: %s", action, failed)
		}
	}
}
