package source

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/record"
)

const (
	looksDefault = "assumed: 14 fields that look like the default format"
	envelope     = `{"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"flows","logStream":"eni-0a1b2c3d4e5f67890-all",` +
		`"subscriptionFilters":["all"],"logEvents":[{"id":"1","timestamp":1760000000000,"message":"` + ssh + `"},` +
		`{"id":"2","timestamp":1760000003000,"message":"` + rdp + `","extractedFields":{"action":"REJECT"}}]}`
	control = `{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],` +
		`"logEvents":[{"id":"","timestamp":1760000000000,"message":"CWL CONTROL MESSAGE: Checking health of destination Firehose."}]}`
)

// TestForms reads each form of an object: what rows there are, and what the account
// tells.
func TestForms(t *testing.T) {
	both := []string{v2header, "1: " + ssh, "2: " + rdp}
	few := "version srcaddr dstport"
	few2 := "version,srcaddr,dstport\n2,10.0.0.1,22\n"
	tests := []struct {
		name, text string
		rows, told []string
	}{
		{"lines with a header", v2header + "\n" + ssh + "\n" + rdp + "\n", []string{v2header, "2: " + ssh, "3: " + rdp}, nil},
		{"a header and nothing else", v2header + "\n", nil, nil},
		{"nothing", "", nil, nil},
		{"empty lines only", "\n\r\n\n", nil, nil},
		{"CR LF, empty lines, no newline at the end", v2header + "\r\n\r\n" + ssh + "\r\n\n" + rdp,
			[]string{v2header, "3: " + ssh, "5: " + rdp}, nil},
		{"a byte-order mark before a header", "\ufeff" + v2header + "\n" + ssh + "\n", []string{v2header, "2: " + ssh}, nil},
		{"joined files, each with its mark and header", "\ufeff" + v2header + "\n" + ssh + "\n\ufeff" + few + "\n2 10.0.0.1 22\n",
			[]string{v2header, "2: " + ssh, few, "4: 2 10.0.0.1 22"}, nil},
		{"a header with spaces at its end", v2header + "  \n" + ssh + "\n", []string{v2header, "2: " + ssh}, nil},

		{"CloudWatch Logs export", "2025-10-09T08:53:20.000Z " + ssh + "\n2025-10-09T08:53:23.000Z " + rdp + "\n",
			[]string{"x-timestamp " + v2header, "1: 2025-10-09T08:53:20.000Z " + ssh, "2: 2025-10-09T08:53:23.000Z " + rdp},
			[]string{"assumed: CloudWatch's x-timestamp and 14 fields that look like the default format"}},
		{"aws logs tail", "2025-10-09T08:53:20.000000+00:00 eni-0a1b2c3d4e5f67890-all " + ssh + "\n",
			[]string{"x-timestamp x-stream " + v2header, "1: 2025-10-09T08:53:20.000000+00:00 eni-0a1b2c3d4e5f67890-all " + ssh},
			[]string{"assumed: CloudWatch's x-timestamp and x-stream and 14 fields that look like the default format"}},

		{"subscription envelopes without anything between", control + envelope + envelope,
			[]string{v2header, "1: " + ssh, "2: " + rdp, "3: " + ssh, "4: " + rdp}, []string{looksDefault}},
		{"subscription envelopes, one a line", envelope + "\n" + control + "\n", both, []string{looksDefault}},
		{"gzip in gzip, as Firehose makes of subscriptions", zip(zip(envelope), zip(control)), both, []string{looksDefault}},
		{"Firehose wrappers, one a line", `{"message":"` + ssh + "\"}\n{\"message\":\"" + rdp + "\"}\n", both, []string{looksDefault}},
		{"Firehose wrappers without anything between", `{"message":"` + ssh + `"}{"message":"` + rdp + `\n"}`, both, []string{looksDefault}},
		{"wrappers with names that are fields", `{"type":"x","region":"eu-west-1","message":"` + ssh + `"}{"message":"` + rdp + `"}`,
			both, []string{looksDefault}},
		{"aws logs filter-log-events", `{"events": [{"logStreamName": "s", "message": "` + ssh + `"}, {"message": "` + rdp +
			`"}], "searchedLogStreams": [{"logStreamName":"s","searchedCompletely":true}], "nextToken": "x"}`, both, []string{looksDefault}},
		{"aws logs get-log-events without events", `{"events": [], "nextForwardToken": "f/1", "nextBackwardToken": "b/1"}`, nil, nil},
		{"strings of JSON, as jq prints", "\"" + ssh + "\"\n\"" + rdp + "\"\n", both, []string{looksDefault}},
		{"a header among messages", `{"message":"` + few + `"}{"message":"2 10.0.0.1 22"}`, []string{few, "1: 2 10.0.0.1 22"}, nil},

		{"JSON lines", `{"version":2,"srcaddr":"10.0.0.1","dstport":22}` + "\n" + `{"version":2,"srcaddr":null,"dstport":"80"}` + "\n",
			[]string{few, "1: 2 10.0.0.1 22", "2: 2 - 80"}, nil},
		{"JSON lines of two formats", `{"version":2,"dstport":1}` + "\n" + `{"dst_port":2,"x-a":"b c","version":2}` + "\n",
			[]string{"version dstport", "1: 2 1", "dstport x-a version", "2: 2 b%20c 2"}, nil},
		{"an array of records", `[{"version":2,"srcaddr":"","dstport":1},` + "\n" + `{"version":2,"srcaddr":"::1","dstport":2}]`,
			[]string{few, "1: 2 - 1", "2: 2 ::1 2"}, nil},
		{"JSON with a value that is none", `{"version":2,"dstport":22.5}{"version":2,"dstport":23}`,
			[]string{"version dstport", "2: 2 23"}, []string{"row 1 refused: dstport: value is not a decimal number"}},
		{"JSON that is cut short", envelope[:len(envelope)-20], both[:2],
			[]string{"damaged after 1: file is truncated", looksDefault}},
		{"JSON with a fault", `{"version":2,"dstport":1}{"version":2,,}`, []string{"version dstport", "1: 2 1"},
			[]string{"damaged after 1: JSON after byte 38: invalid character ',' looking for beginning of object key string"}},
		{"JSON of something else", `{"version":2,"dstport":1}{"eventSource":"s3","eventName":"Get"}`, []string{"version dstport", "1: 2 1"},
			[]string{"damaged after 1: JSON after byte 63: an object that is neither a record nor has a message; its names are: eventSource eventName"}},
		{"JSON with an object for a value", `{"version":2,"dstport":{"a":1}}`, nil,
			[]string{`damaged after 0: JSON after byte 31: the value of "dstport" is not a plain value`}},
		{"JSON with a list for a value", `{"version":2,"dstport":3,"x-a":[1]}`, nil,
			[]string{`damaged after 0: JSON after byte 35: the value of "x-a" is not a plain value`}},
		{"JSON with a name twice", `{"version":2,"dstport":1,"dst-port":2}`, nil,
			[]string{"damaged after 0: JSON after byte 38: an object that is neither a record nor has a message; its names are: version dstport dst-port"}},
		{"JSON of both kinds", `{"version":2,"dstport":1}{"message":"` + ssh + `"}`, []string{"version dstport", "1: 2 1"},
			[]string{fmt.Sprintf("damaged after 1: JSON after byte %d: objects of fields and lines in one file", 39+len(ssh))}},
		{"JSON of a number", `[{"version":2,"dstport":1},22]`, []string{"version dstport", "1: 2 1"},
			[]string{"damaged after 1: JSON after byte 29: 22 is not a record"}},
		{"JSON of nothing", `[null]`, nil, []string{"damaged after 0: JSON after byte 5: null is not a record"}},
		{"JSON in too many arrays", strings.Repeat("[", 100), nil,
			[]string{"damaged after 0: JSON after byte 17: too many arrays in each other"}},

		{"Athena's CSV", "\"version\",\"srcaddr\",\"dstport\"\n\"2\",\"10.0.0.1\",\"22\"\n\"2\",\"\",\"80\"\n",
			[]string{few, "2: 2 10.0.0.1 22", "3: 2 - 80"}, nil},
		{"CSV with underscores and CR LF", "account_id,x-note,dst_port\r\n123456789012,\"a, b\",22\r\n",
			[]string{"account-id x-note dstport", "2: 123456789012 a,%20b 22"}, nil},
		{"TSV", "version\tsrcaddr\tdstport\n2\t\t22\n", []string{few, "2: 2 - 22"}, nil},
		{"CSV with bad rows", "version,srcaddr,dstport\n2,10.0.0.1\n\n2,\"a\nb\",22\n2,1\"0,22\n2,10.0.0.3,23\n",
			[]string{few, "4: 2 a%0Ab 22", "7: 2 10.0.0.3 23"},
			[]string{"line 2 refused: too few fields: 2 of 3", "line 6 refused: CSV: bare \" in non-quoted-field"}},
		{"CSV whose checksum is wrong", badSum(zip(few2)), []string{few, "2: 2 10.0.0.1 22"},
			[]string{"damaged after 2: CSV after line 2: gzip: invalid checksum: what was read may be wrong"}},
		{"CSV that is cut short", zip(few2)[:len(zip(few2))-1], []string{few, "2: 2 10.0.0.1 22"}, []string{"damaged after 2: file is truncated"}},
		{"commas without a header", strings.ReplaceAll(ssh, " ", ",") + "\n", nil,
			[]string{"line 1 refused: no header, and commas or tabs instead of spaces: name the fields with --format"}},

		{"CSV of Insights with the lines", "@timestamp,@message,@logStream\n2025-10-09 08:53:20.000," + ssh + ",s\n2025-10-09 08:53:23.000,\"" + rdp + "\n\",s\n",
			[]string{v2header, "2: " + ssh, "3: " + rdp}, []string{looksDefault}},
		{"CSV of Insights with nothing but the lines", "@message\n" + ssh + "\n" + rdp + "\n", []string{v2header, "2: " + ssh, "3: " + rdp}, []string{looksDefault}},
		{"CSV of Insights, joined", "@timestamp,@message\nt," + ssh + "\n@timestamp,@message\nt," + rdp + "\n",
			[]string{v2header, "2: " + ssh, "4: " + rdp}, []string{looksDefault}},
		{"CSV of Insights with a message that is no line", "@timestamp,@message\nt," + ssh + "\nt," + rdp + "\nt,\"" + ssh + "\n" + rdp + "\"\n",
			[]string{v2header, "2: " + ssh, "3: " + rdp}, []string{"line 4 refused: too many fields: 28 instead of 14", looksDefault}},
		{"CSV of Insights with the fields discovered", "@timestamp,srcAddr,dstPort,startTime,endTime\n2025-10-09 08:53:20.000,10.0.0.1,22,1760000000,1760000059\n",
			[]string{"x-timestamp srcaddr dstport start end", "2: 2025-10-09%2008:53:20.000 10.0.0.1 22 1760000000 1760000059"}, nil},
		{"CSV of Insights that adds up", "srcAddr,sum(bytes)\n10.0.0.1,22\n", nil, []string{"damaged after 0: " + errAggregated.Error()}},
		{"JSON of Insights with the lines", `[{"@timestamp":"2025-10-09 08:53:20.000","@message":"` + ssh + `"},{"@message":"` + rdp + `"}]`, both, []string{looksDefault}},
		{"JSON of Insights with the fields discovered", `[{"@timestamp":"2025-10-09 08:53:20.000","srcAddr":"10.0.0.1","dstPort":"22","endTime":"5"}]`,
			[]string{"x-timestamp srcaddr dstport end", "1: 2025-10-09%2008:53:20.000 10.0.0.1 22 5"}, nil},
		{"JSON of Insights that adds up", `[{"srcAddr":"10.0.0.1","sum(bytes)":"22"}]`, nil, []string{"damaged after 0: JSON after byte 41: " + errAggregated.Error()}},
		{"GetQueryResults", `{"results":[[{"field":"@timestamp","value":"t"},{"field":"@message","value":"` + ssh + `"},{"field":"@ptr","value":"p"}],` +
			`[{"field":"@message","value":"` + rdp + `"}]],"statistics":{"recordsMatched":2},"status":"Complete"}`, both, []string{looksDefault}},
		{"GetQueryResults of fields", `{"results":[[{"field":"srcAddr","value":"10.0.0.1"},{"field":"bytes","value":"7"}]]}`,
			[]string{"srcaddr bytes", "1: 10.0.0.1 7"}, nil},
		{"results of something else", `{"results":[{"a":1}]}`, nil,
			[]string{`damaged after 0: JSON after byte 19: "results" that are not those of CloudWatch Logs Insights`}},
		{"an archive of records", `{"records":[{"version":2,"srcaddr":"10.0.0.1","dstport":22}]}` + "\n" + `{"Records":[{"version":2,"srcaddr":"10.0.0.2","dstport":80}]}`,
			[]string{few, "1: 2 10.0.0.1 22", "2: 2 10.0.0.2 80"}, nil},
		{"an archive of events and of messages", zip(`{"events":["`+ssh+`"]}`, `{"records":[{"message":"`+rdp+`"}]}`), both, []string{looksDefault}},
		{"an archive of CloudTrail", `{"Records":[{"eventVersion":"1.1","userIdentity":{"type":"Root"}}]}`, nil,
			[]string{"damaged after 0: JSON after byte 65: an object that is neither a record nor has a message; its names are: eventVersion userIdentity"}},
		{"Firehose wrappers, gzip, joined", zip(`{"message":"`+ssh+`"}`) + zip(`{"message":"`+rdp+`"}`), both, []string{looksDefault}},
		{"subscription envelopes, gzip, joined", zip(envelope) + zip(control) + zip(envelope),
			[]string{v2header, "1: " + ssh, "2: " + rdp, "3: " + ssh, "4: " + rdp}, []string{looksDefault}},

		{"a header with unknown names in the middle", v2header + "\n" + ssh + "\nversion srcaddr foo bar\n2 10.0.0.1 22 6\n" + v2header + "\n" + rdp + "\n",
			[]string{v2header, "2: " + ssh, "6: " + rdp},
			[]string{"line 3 refused: a header with unknown names: foo, bar", "line 4 refused: no header, and 1 columns of addresses: name the fields with --format"}},
		{"below a header with unknown names the format is inferred", few + "\n2 10.0.0.1 22\n${account-id} src_addr foo bar b3 b_4\n" + ssh + "\n",
			[]string{few, "2: 2 10.0.0.1 22", v2header, "4: " + ssh},
			[]string{"line 3 refused: a header with unknown names: foo, bar, b3 and 1 more", looksDefault}},
		{"a header with a name twice", ssh + "\nversion srcaddr srcaddr\n" + rdp + "\n", []string{v2header, "1: " + ssh, "3: " + rdp},
			[]string{"line 2 refused: a header in which a name comes twice", looksDefault, looksDefault}},
		{"a picture", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", nil, []string{"damaged after 0: " + errBinary.Error()}},
		{"an encrypted Parquet file", "PARE\x00\x00\x00\x00\x00\x00\x00\x00PARE", nil, []string{"damaged after 0: the file is encrypted"}},
		{"UTF-16", "\xff\xfev\x00e\x00", nil, []string{"damaged after 0: not a flow log: text in UTF-16, which has to become UTF-8 first"}},
		{"prose", "Permission Check Successful", nil,
			[]string{"line 1 refused: no header, and the values of column 1 of 3 do not tell what it is: name the fields with --format"}},
		{"control characters where spaces should be", few + "\n2\t10.0.0.1\t22\n2 10.0.0.1\x0022\n2 10.0.0.1 22\n", []string{few, "4: 2 10.0.0.1 22"},
			[]string{"line 2 refused: control character after value", "line 3 refused: control character after value"}},
		{"an escape sequence", few + "\n2 \x1b[31m10.0.0.1 22\n2 10.0.0.1 22\n", []string{few, "3: 2 10.0.0.1 22"},
			[]string{"line 2 refused: control character after value"}},
		{"lines of nothing but carriage returns", "\r\r\n\r\r\n", nil, []string{"line 1 refused: no header, and nothing in the lines: name the fields with --format",
			"line 2 refused: no header, and nothing in the lines: name the fields with --format"}},
		{"lines that cannot be told, and then a header", "a b\nc d\n" + v2header + "\n" + ssh + "\n", []string{v2header, "4: " + ssh},
			[]string{"line 1 refused: no header, and the values of column 1 of 2 do not tell what it is: name the fields with --format",
				"line 2 refused: no header, and the values of column 1 of 2 do not tell what it is: name the fields with --format"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, acc := scan(t, tt.text)
			if d := cmp.Diff(tt.rows, got); d != "" {
				t.Errorf("rows (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.told, told(acc)); d != "" {
				t.Errorf("account (-want +got):\n%s", d)
			}
			if want := int64(max(0, len(got))); acc.Lines < acc.Refused || want > 0 && acc.Lines == 0 {
				t.Errorf("%d lines, %d refused", acc.Lines, acc.Refused)
			}
		})
	}
}

// badSum spoils the checksum of gzip data.
func badSum(z string) string {
	b := []byte(z)
	b[len(b)-8] ^= 1
	return string(b)
}

// TestLongValue reads a row of CSV whose last value does not end.
func TestLongValue(t *testing.T) {
	head := "version,srcaddr,dstport\n2,10.0.0.1,22\n2,10.0.0.2,\""
	o := Object{Name: "o", Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader(head), endless{})), nil
	}}
	got, acc := runScan(t, &Scan{Objects: objects(o)})
	if len(got) != 2 || got[1] != "2: 2 10.0.0.1 22" {
		t.Errorf("got %q", got)
	}
	if d := cmp.Diff([]string{"damaged after 2: CSV after line 2: one value is longer than 64 MiB"}, told(acc)); d != "" {
		t.Errorf("account (-want +got):\n%s", d)
	}
}

// endless is text without an end.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

// TestOwnJSON reads what AppendJSON writes.
func TestOwnJSON(t *testing.T) {
	f := parseFormat(t, "all x-note")
	var want, text []byte
	for _, line := range []string{
		strings.Repeat("- ", f.Len()-1) + "ä",
		nodata + strings.Repeat(" -", f.Len()-14),
	} {
		var r record.Record
		// Values that must not be absent come from a line that is right.
		if err := f.Parse([]byte(nodata+strings.Repeat(" -", f.Len()-15)+line[strings.LastIndexByte(line, ' '):]), &r); err != nil {
			t.Fatal(err)
		}
		text = append(f.AppendJSON(text, &r), '\n')
		want = append(f.Append(want, &r), '\n')
	}
	got, acc := scan(t, string(text))
	lines := strings.Split(strings.TrimSpace(string(want)), "\n")
	if d := cmp.Diff([]string{string(f.AppendHeader(nil)), "1: " + lines[0], "2: " + lines[1]}, got); d != "" {
		t.Errorf("(-want +got):\n%s\n%s", d, told(acc))
	}
}
