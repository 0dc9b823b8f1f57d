package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/internal/awsconfig"
	"weir/internal/awsjson"
	"weir/internal/delivery"
	"weir/internal/flow"
	"weir/internal/flowlog"
	"weir/internal/journal"
	"weir/internal/logs"
	"weir/internal/vpc"
)

// TestMotoGetsWhatWeKeep delivers the same windows to moto's CloudWatch Logs and Firehose
// and to our own log groups: all have the same records.
func TestMotoGetsWhatWeKeep(t *testing.T) {
	url := startMoto(t)
	call := motoCaller(t, url)
	put, err := http.NewRequest(http.MethodPut, url+"/firehose-files", nil)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := http.DefaultClient.Do(put); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("make a bucket: %v, %v", res, err)
	}
	call("firehose", "CreateDeliveryStream", map[string]any{"DeliveryStreamName": "flows", "S3DestinationConfiguration": map[string]any{
		"RoleARN": "arn:aws:iam::123456789012:role/r", "BucketARN": "arn:aws:s3:::firehose-files"}}, nil)

	j, err := journal.Open(t.Context(), journal.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	kept, err := logs.Open(t.Context(), logs.Config{Journal: j})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kept.Close)
	bucket := func(name string) *journal.KV {
		kv, err := j.KV(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return kv
	}
	store := flowlog.NewStore(bucket("flow-logs"), bucket("status"))
	t.Cleanup(store.Close)
	c := delivery.ServiceConfig{Endpoint: url, Region: "us-east-1", AccessKey: "AKIAEXAMPLE", SecretKey: "secret"}
	away, err := delivery.NewLogs(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	firehose, err := delivery.NewFirehose(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	d := &destinations{
		groups: delivery.LogServices{
			{Match: matcher([]string{"/moto/*"}), Service: away},
			{Match: matcher([]string{"*"}), Service: ownGroups{kept}},
		},
		streams: delivery.StreamServices{{Match: matcher([]string{"*"}), Service: firehose}},
	}
	if err := d.streams.Check(t.Context(), "flows"); err != nil {
		t.Errorf("the stream is checked: %v", err)
	}
	if err := whyNot("others", d.streams.Check(t.Context(), "others")); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("a stream that is not there: %v", err)
	}

	start := time.Now().UTC().Truncate(time.Minute).Add(-10 * time.Minute)
	for n, p := range []flowlog.Params{
		{DestinationType: flowlog.CloudWatchLogs, LogGroup: "/moto/flows"},
		{DestinationType: flowlog.CloudWatchLogs, LogGroup: "/own/flows"},
		{DestinationType: flowlog.Firehose, Destination: "arn:aws:firehose:us-east-1:123456789012:deliverystream/flows"},
	} {
		p.ResourceType, p.ResourceID, p.TrafficType, p.PermissionRole = flowlog.VPC, "vpc-12345678", "ALL", "arn:aws:iam::123456789012:role/r"
		if p.DestinationType == flowlog.Firehose {
			p.PermissionRole = ""
		}
		f := flowlog.FlowLog{ID: fmt.Sprint("fl-", n), Account: "123456789012", Region: "us-east-1", Created: start.Add(-time.Second), Params: p}
		if err := f.Check(); err != nil {
			t.Fatal(err)
		}
		if err := store.Create(t.Context(), &f); err != nil {
			t.Fatal(err)
		}
	}
	want := motoWindows(t, j, start)
	s, err := delivery.New(delivery.Config{Journal: j, Logs: store, Positions: bucket("positions"), Sinks: d.sinks(store), Owner: "here", Flush: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	go s.Run(t.Context())
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		var got []string
		for _, id := range []string{"fl-0", "fl-1", "fl-2"} {
			st, err := store.Status(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%d %s %s", st.Records, st.Error, st.Cause))
		}
		if all := fmt.Sprintf("%d  ", len(want)); got[0] == all && got[1] == all && got[2] == all {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("delivered are %q, want %d records each", got, len(want))
		}
	}
	for name, lines := range map[string][]string{
		"moto's log group": motoEvents(t, call, "/moto/flows"),
		"moto's Firehose":  motoFiles(t, url),
		"our own group":    ownEvents(t, kept, "/own/flows"),
	} {
		slices.Sort(lines)
		if !slices.Equal(lines, want) {
			t.Errorf("%s has %d records, want %d:\n%.300q\n%.300q", name, len(lines), len(want), lines, want)
		}
	}
}

// motoWindows puts windows of two interfaces into the journal and returns their records.
func motoWindows(t *testing.T, j *journal.Journal, start time.Time) (want []string) {
	t.Helper()
	batch := &journal.Batch{Host: "here", Tables: 1, Sequence: 1}
	for n := range 2 {
		eni := fmt.Sprint("eni-1234567", n)
		meta, err := json.Marshal(&vpc.Stamp{Account: "123456789012", ID: eni, VPC: "vpc-12345678", Subnet: "subnet-1", Region: "us-east-1"})
		if err != nil {
			t.Fatal(err)
		}
		w := &flow.Window{Tables: 1, Sequence: 1, Start: start, End: start.Add(time.Minute)}
		for port := range 700 {
			f := flow.Flow{Count: flow.Count{Packets: 2, Bytes: 84}, First: start.Unix() + int64(port%60), Last: w.LastSecond()}
			f.SetAddrs(netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"))
			f.SrcPort, f.DstPort, f.Protocol = uint16(port+1), 53, 17
			w.Flows = append(w.Flows, f)
			want = append(want, fmt.Sprintf("2 123456789012 %s 10.0.0.1 10.0.0.2 %d 53 17 2 84 %d %d ACCEPT OK", eni, port+1, f.First, f.Last))
		}
		batch.Entries = append(batch.Entries, journal.Entry{Meta: meta, Window: w})
	}
	if err := j.Append(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	return want
}

// motoCaller returns what calls JSON services of moto.
func motoCaller(t *testing.T, url string) func(service, action string, in, out any) {
	t.Helper()
	conf, err := awsconfig.Load(t.Context(), awsconfig.Options{Endpoint: url, Region: "us-east-1", AccessKey: "AKIAEXAMPLE", SecretKey: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]string{"logs": "Logs_20140328.", "firehose": "Firehose_20150804."}
	return func(service, action string, in, out any) {
		t.Helper()
		c, err := awsjson.New(t.Context(), awsjson.Config{AWS: conf, Service: service, ID: service, Target: targets[service]})
		if err == nil {
			err = c.Call(t.Context(), action, in, out)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// motoEvents returns the messages of a group, and checks times and streams.
func motoEvents(t *testing.T, call func(string, string, any, any), group string) (lines []string) {
	t.Helper()
	var streams struct {
		LogStreams []struct{ LogStreamName string }
	}
	call("logs", "DescribeLogStreams", map[string]any{"logGroupName": group}, &streams)
	for _, s := range streams.LogStreams {
		if !strings.HasSuffix(s.LogStreamName, "-all") {
			t.Errorf("a stream is called %s", s.LogStreamName)
		}
		for token := ""; ; {
			in := map[string]any{"logGroupName": group, "logStreamName": s.LogStreamName, "startFromHead": true}
			if token != "" {
				in["nextToken"] = token
			}
			var out struct {
				Events []struct {
					Timestamp int64
					Message   string
				}
				NextForwardToken string
			}
			call("logs", "GetLogEvents", in, &out)
			for _, e := range out.Events {
				if fields := strings.Fields(e.Message); len(fields) != 14 || fmt.Sprint(e.Timestamp/1000) != fields[10] || e.Timestamp%1000 != 0 {
					t.Errorf("at %d: %s", e.Timestamp, e.Message)
				}
				lines = append(lines, e.Message)
			}
			if len(out.Events) == 0 || out.NextForwardToken == token {
				break
			}
			token = out.NextForwardToken
		}
	}
	return lines
}

// motoFiles returns the messages that moto's Firehose has written to its bucket.
func motoFiles(t *testing.T, url string) (lines []string) {
	t.Helper()
	conf, err := awsconfig.Load(t.Context(), awsconfig.Options{Region: "us-east-1", AccessKey: "AKIAEXAMPLE", SecretKey: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // its SHA-256
	get := func(path string) []byte {
		req, err := http.NewRequest(http.MethodGet, url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Amz-Content-Sha256", empty)
		if err := conf.Sign(t.Context(), req, empty, "s3", "us-east-1"); err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	for part := range strings.SplitSeq(string(get("/firehose-files")), "<Key>") {
		key, _, ok := strings.Cut(part, "</Key>")
		if !ok {
			continue
		}
		for line := range bytes.Lines(get("/firehose-files/" + key)) {
			var x map[string]string
			if err := json.Unmarshal(line, &x); err != nil || len(x) != 1 {
				t.Fatalf("%s: %v in %q", key, err, line)
			}
			lines = append(lines, x["message"])
		}
	}
	return lines
}

// ownEvents returns the messages of one of our groups.
func ownEvents(t *testing.T, s *logs.Store, group string) (lines []string) {
	t.Helper()
	for e, err := range s.Read(t.Context(), logs.Query{Group: group}) {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Clone(e.Message))
	}
	return lines
}
