package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// atEndpoint makes the environment that of somebody who uses the API at a URL.
func atEndpoint(t *testing.T, url string) {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	none := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none, "AWS_ENDPOINT_URL": url,
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1",
	} {
		t.Setenv(name, value)
	}
}

// result is what a command did.
type result struct {
	stdout, stderr string
	err            error
}

func (r result) status() int { return statusOf(r.err) }

func (r result) hint() string {
	var h interface{ Hint() string }
	if errors.As(r.err, &h) {
		return h.Hint()
	}
	return ""
}

// weir runs a command line in this process.
func weir(ctx context.Context, args ...string) result {
	var stdout, stderr bytes.Buffer
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	err := root.ExecuteContext(ctx)
	return result{stdout.String(), stderr.String(), err}
}

// An exchange is a request that is expected and what it is answered with.
type exchange struct {
	want   string // parts of the request, separated by spaces
	answer string // an error's code and message, or an answer's inside
}

// scripted is an API that answers what its script has.
func scripted(t *testing.T, script ...exchange) {
	t.Helper()
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		params, _ := url.ParseQuery(string(body))
		flat, _ := url.QueryUnescape(string(body))
		n++
		if n > len(script) {
			t.Errorf("request %d is one too many: %s", n, flat)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		x := script[n-1]
		for part := range strings.FieldsSeq(x.want) {
			if !strings.Contains("&"+flat+"&", "&"+part+"&") {
				t.Errorf("request %d is %s, want %s", n, flat, part)
			}
		}
		if code, message, ok := strings.Cut(x.answer, ": "); ok && !strings.Contains(code, "<") {
			status := http.StatusBadRequest
			if code == "DryRunOperation" {
				status = http.StatusPreconditionFailed
			}
			w.WriteHeader(status)
			fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>r</RequestID></Response>`, code, message)
			return
		}
		fmt.Fprintf(w, `<%[1]sResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId>%[2]s</%[1]sResponse>`, params.Get("Action"), x.answer)
	}))
	t.Cleanup(func() {
		server.Close()
		if n < len(script) {
			t.Errorf("%d requests came, want %d", n, len(script))
		}
	})
	atEndpoint(t, server.URL)
}

const twoInterfaces = `<networkInterfaceSet>
<item><networkInterfaceId>eni-0b000000000000002</networkInterfaceId><subnetId>subnet-0a000000000000001</subnetId><vpcId>vpc-0a000000000000001</vpcId>
 <description>ELB app/web/50dc6c495c0c9188</description><ownerId>123456789012</ownerId><requesterId>amazon-elb</requesterId><requesterManaged>true</requesterManaged>
 <status>in-use</status><macAddress>02:00:00:00:00:02</macAddress><privateIpAddress>10.0.1.9</privateIpAddress><sourceDestCheck>true</sourceDestCheck>
 <groupSet><item><groupId>sg-0a000000000000001</groupId><groupName>web</groupName></item></groupSet>
 <attachment><attachmentId>ela-attach-1</attachmentId><instanceOwnerId>amazon-elb</instanceOwnerId><deviceIndex>1</deviceIndex><status>attached</status></attachment>
 <association><publicIp>203.0.113.9</publicIp><ipOwnerId>amazon-elb</ipOwnerId></association><interfaceType>interface</interfaceType></item>
<item><networkInterfaceId>eni-0a000000000000001</networkInterfaceId><subnetId>subnet-0a000000000000001</subnetId><vpcId>vpc-0a000000000000001</vpcId>
 <description/><ownerId>123456789012</ownerId><requesterManaged>false</requesterManaged><status>in-use</status><privateIpAddress>10.0.1.5</privateIpAddress>
 <attachment><instanceId>i-0a000000000000001</instanceId><status>attached</status></attachment>
 <tagSet><item><key>Name</key><value>web-1</value></item></tagSet><ipv6AddressesSet><item><ipv6Address>2001:db8::5</ipv6Address></item></ipv6AddressesSet></item>
</networkInterfaceSet>`

func TestInterfaces(t *testing.T) {
	for _, tt := range []struct {
		name, args, request, want string
		status                    int
	}{
		{"all, in order", "", "Action=DescribeNetworkInterfaces MaxResults=1000", `
ID                     NAME   ADDRESS               SERVICE  STATUS  INSTANCE             SUBNET                    VPC                    GROUPS                DESCRIPTION
eni-0a000000000000001  web-1  10.0.1.5,2001:db8::5  ec2      in-use  i-0a000000000000001  subnet-0a000000000000001  vpc-0a000000000000001  -                     -
eni-0b000000000000002  -      10.0.1.9,203.0.113.9  alb      in-use  -                    subnet-0a000000000000001  vpc-0a000000000000001  sg-0a000000000000001  ELB app/web/50dc6c495c0c9188
`, 0},
		{"of a service", "--service elb", "Action=DescribeNetworkInterfaces", `
ID                     NAME  ADDRESS               SERVICE  STATUS  INSTANCE  SUBNET                    VPC                    GROUPS                DESCRIPTION
eni-0b000000000000002  -     10.0.1.9,203.0.113.9  alb      in-use  -         subnet-0a000000000000001  vpc-0a000000000000001  sg-0a000000000000001  ELB app/web/50dc6c495c0c9188
`, 0},
		{"by an address however it is written", "--ip 2001:DB8:0::5", "Action=DescribeNetworkInterfaces", `
ID                     NAME   ADDRESS               SERVICE  STATUS  INSTANCE             SUBNET                    VPC                    GROUPS  DESCRIPTION
eni-0a000000000000001  web-1  10.0.1.5,2001:db8::5  ec2      in-use  i-0a000000000000001  subnet-0a000000000000001  vpc-0a000000000000001  -       -
`, 0},
		{"nothing of a service", "--service rds,nat --vpc vpc-1 --subnet subnet-1 --instance i-1",
			"Filter.1.Name=vpc-id Filter.1.Value.1=vpc-1 Filter.2.Name=subnet-id Filter.3.Name=attachment.instance-id", "\n", 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			scripted(t, exchange{tt.request, twoInterfaces})
			r := weir(t.Context(), append([]string{"interfaces"}, strings.Fields(tt.args)...)...)
			if r.status() != tt.status {
				t.Errorf("the status is %d, %v, want %d", r.status(), r.err, tt.status)
			}
			if diff := cmp.Diff(r.stdout, tt.want[1:]); diff != "" {
				t.Errorf("printed (-got +want):\n%s", diff)
			}
		})
	}
}

// golden compares with a file in testdata; WEIR_UPDATE=1 writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "ec2", name)
	if os.Getenv("WEIR_UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, string(want)); diff != "" {
		t.Errorf("%s (-got +want):\n%s", name, diff)
	}
}

func TestInterfacesJSON(t *testing.T) {
	scripted(t, exchange{"NetworkInterfaceId.1=eni-0a000000000000001", twoInterfaces})
	golden(t, "interfaces.json", weir(t.Context(), "interfaces", "--json", "eni-0a000000000000001").stdout)
}

func flowLog(id, resource, more string) string {
	return "<item><creationTime>2026-11-01T02:03:04.567Z</creationTime><flowLogId>" + id + "</flowLogId><resourceId>" + resource +
		"</resourceId><logFormat>${version}</logFormat><maxAggregationInterval>60</maxAggregationInterval><trafficType>ALL</trafficType>" + more + "</item>"
}

const (
	active    = "<deliverLogsStatus>SUCCESS</deliverLogsStatus><flowLogStatus>ACTIVE</flowLogStatus>"
	deleting  = "<deliverLogsStatus>SUCCESS</deliverLogsStatus><flowLogStatus>DELETING</flowLogStatus>"
	toBucket  = "<logDestinationType>s3</logDestinationType><logDestination>arn:aws:s3:::b/p/</logDestination>"
	toGroup   = "<logDestinationType>cloud-watch-logs</logDestinationType><logGroupName>g</logGroupName>"
	expired   = "<tagSet><item><key>weir:expires</key><value>2026-11-01T03:00:00Z</value></item></tagSet>"
	unexpired = "<tagSet><item><key>weir:expires</key><value>2999-11-01T03:00:00Z</value></item></tagSet>"
)

func logSet(items ...string) string {
	return "<flowLogSet>" + strings.Join(items, "") + "</flowLogSet>"
}

var manyLogs = logSet(
	flowLog("fl-0a1", "vpc-1", active+toBucket+expired+"<lastDeliveryTime>2026-11-24T10:00:00.000Z</lastDeliveryTime>"+
		"<destinationOptions><fileFormat>parquet</fileFormat><hiveCompatiblePartitions>true</hiveCompatiblePartitions><perHourPartition>false</perHourPartition></destinationOptions>"),
	flowLog("fl-0a2", "eni-1", "<deliverLogsStatus>FAILED</deliverLogsStatus><deliverLogsErrorMessage>Access error</deliverLogsErrorMessage><flowLogStatus>ACTIVE</flowLogStatus>"+toGroup),
	flowLog("fl-0a3", "eni-1", deleting+"<logDestinationType>kinesis-data-firehose</logDestinationType><logDestination>arn:aws:firehose:r:1:deliverystream/s</logDestination>"),
)

func TestList(t *testing.T) {
	header := "ID      NAME  RESOURCE  TRAFFIC  INTERVAL  DESTINATION   STATUS    DELIVERY              LAST                  EXPIRES\n"
	scripted(t, exchange{"Action=DescribeFlowLogs", manyLogs})
	want := header + `fl-0a1  -     vpc-1     ALL      1m        s3://b/p      ACTIVE    SUCCESS               2026-11-24T10:00:00Z  2026-11-01T03:00:00Z
fl-0a2  -     eni-1     ALL      1m        logs://g      ACTIVE    FAILED: Access error  -                     -
fl-0a3  -     eni-1     ALL      1m        firehose://s  DELETING  SUCCESS               -                     -
`
	if diff := cmp.Diff(weir(t.Context(), "list").stdout, want); diff != "" {
		t.Errorf("printed (-got +want):\n%s", diff)
	}
	for _, tt := range []struct {
		args string
		want []string
	}{
		{"--failed", []string{"fl-0a2"}},
		{"--resource eni-1", []string{"fl-0a2", "fl-0a3"}},
		{"--destination s3://b", []string{"fl-0a1"}},
		{"--destination s3://b/p/", []string{"fl-0a1"}},
		{"--destination s3://b/pp", nil},
		{"--destination arn:aws:s3:::b", []string{"fl-0a1"}},
		{"--destination logs://g", []string{"fl-0a2"}},
		{"--destination firehose://s", []string{"fl-0a3"}},
	} {
		scripted(t, exchange{"Action=DescribeFlowLogs", manyLogs})
		r := weir(t.Context(), append([]string{"list"}, strings.Fields(tt.args)...)...)
		var got []string
		for line := range strings.Lines(r.stdout) {
			if id, _, _ := strings.Cut(line, " "); id != "ID" {
				got = append(got, id)
			}
		}
		if diff := cmp.Diff(got, tt.want); diff != "" || (r.status() == exitDiffer) != (tt.want == nil) {
			t.Errorf("%s: status %d (-got +want):\n%s", tt.args, r.status(), diff)
		}
	}
	scripted(t, exchange{"Action=DescribeFlowLogs", manyLogs})
	golden(t, "list.json", weir(t.Context(), "list", "--json").stdout)
	scripted(t, exchange{"FlowLogId.1=fl-0a1 FlowLogId.2=fl-9", manyLogs})
	if r := weir(t.Context(), "list", "fl-0a1", "fl-9"); r.status() != exitDiffer || !strings.Contains(r.err.Error(), "fl-9") {
		t.Errorf("an unknown id: %d, %v", r.status(), r.err)
	}
}

func TestCreatePartly(t *testing.T) {
	scripted(t, exchange{
		"Action=CreateFlowLogs ResourceId.1=vpc-1 ResourceId.2=vpc-2",
		"<flowLogIdSet><item>fl-1</item></flowLogIdSet><unsuccessful><item><resourceId>vpc-2</resourceId><error><code>400</code><message>LogDestination: b does not exist.</message></error></item></unsuccessful>",
	}, exchange{
		"Action=CreateFlowLogs ResourceId.1=eni-1", "InvalidParameter: no such interface",
	}, exchange{
		"Action=CreateFlowLogs ResourceId.1=subnet-1", "<flowLogIdSet><item>fl-2</item></flowLogIdSet>",
	})
	r := weir(t.Context(), "create", "vpc-1", "vpc-2", "eni-1", "subnet-1", "--to", "s3://b")
	if r.status() != exitFailed || r.err.Error() != "create: 2 of 4 flow logs not created" || r.stdout != "fl-1\nfl-2\n" {
		t.Errorf("the status is %d, %v, printed %q", r.status(), r.err, r.stdout)
	}
	if want := "aws s3 mb s3://b --endpoint-url " + os.Getenv("AWS_ENDPOINT_URL"); r.hint() != want {
		t.Errorf("the hint is %q, want %q", r.hint(), want)
	}
	const want = `weir: recording all traffic of vpc-1, vpc-2, flows of up to 10 minutes, default fields, to s3://b as text files
weir: recording all traffic of eni-1, flows of up to 10 minutes, default fields, to s3://b as text files
weir: recording all traffic of subnet-1, flows of up to 10 minutes, default fields, to s3://b as text files
weir: create: vpc-2: 400: LogDestination: b does not exist.
weir: create: eni-1: InvalidParameter: no such interface
weir: files come after the first interval, within ten minutes or so: aws s3 ls --recursive s3://b/AWSLogs/
weir: to end it: weir delete fl-1, fl-2
`
	if diff := cmp.Diff(r.stderr, want); diff != "" {
		t.Errorf("said (-got +want):\n%s", diff)
	}
}

func TestCreateDryRun(t *testing.T) {
	scripted(t, exchange{"DryRun=true", "DryRunOperation: Request would have succeeded, but DryRun flag is set."})
	r := weir(t.Context(), "create", "vpc-1", "--to", "s3://b", "--dry-run")
	if r.err != nil || r.stdout != "" || !strings.HasSuffix(r.stderr, "weir: it would; nothing was created\n") {
		t.Errorf("%+v", r)
	}
	scripted(t, exchange{"DryRun=true", "FlowLogAlreadyExists: Error."})
	if r := weir(t.Context(), "create", "vpc-1", "--to", "s3://b", "--dry-run"); r.status() != exitFailed || r.hint() == "" {
		t.Errorf("%+v", r)
	}
}

func TestCreateWaits(t *testing.T) {
	made := exchange{"Action=CreateFlowLogs", "<flowLogIdSet><item>fl-1</item></flowLogIdSet>"}
	ended := exchange{"Filter.1.Name=flow-log-status", logSet()}
	scripted(t, made, exchange{"Action=DeleteFlowLogs FlowLogId.1=fl-1", "<unsuccessful/>"}, ended)
	if r := weir(t.Context(), "create", "vpc-1", "--to", "s3://b", "--for", "1s", "--wait"); r.err != nil {
		t.Errorf("its time is over: %+v", r)
	}
	scripted(t, made, exchange{"Action=DeleteFlowLogs", "InvalidFlowLogId.NotFound: gone"}, exchange{"FlowLogId.1=fl-1", logSet(flowLog("fl-1", "vpc-1", deleting))}, ended)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if r := weir(ctx, "create", "vpc-1", "--to", "s3://b", "--wait"); r.err != nil {
		t.Errorf("interrupted, and deleted by somebody else: %+v", r)
	}
	scripted(t, made, exchange{"Action=DeleteFlowLogs", "<unsuccessful><item><resourceId>fl-1</resourceId><error><code>Unavailable</code><message>later</message></error></item></unsuccessful>"})
	if r := weir(t.Context(), "create", "vpc-1", "--to", "s3://b", "--for", "1s", "--wait"); r.hint() != "weir delete fl-1" || r.status() != exitFailed {
		t.Errorf("not deleted: %+v, hint %q", r, r.hint())
	}
}

func TestDelete(t *testing.T) {
	scripted(t,
		exchange{"Action=DescribeFlowLogs FlowLogId.1=fl-1 FlowLogId.2=fl-2", logSet(flowLog("fl-1", "vpc-1", active+toBucket))},
		exchange{"Action=DeleteFlowLogs FlowLogId.1=fl-1", "<unsuccessful/>"},
		exchange{"Filter.1.Name=flow-log-status Filter.1.Value.1=DELETING FlowLogId.1=fl-1", logSet(flowLog("fl-1", "vpc-1", deleting+toBucket))},
		exchange{"Action=DescribeFlowLogs", logSet()})
	r := weir(t.Context(), "delete", "fl-1", "fl-2")
	const want = `weir: delete: fl-2: InvalidFlowLogId.NotFound: there is no such flow log in region us-east-1
weir: waiting until the last records of 1 flow log are delivered
`
	if r.status() != exitFailed || r.err.Error() != "delete: 1 of 2 flow logs not deleted" || r.stdout != "fl-1\n" {
		t.Errorf("the status is %d, %v, printed %q", r.status(), r.err, r.stdout)
	}
	if diff := cmp.Diff(r.stderr, want); diff != "" {
		t.Errorf("said (-got +want):\n%s", diff)
	}
}

func TestDeleteWhereNobodyTellsOfTheEnd(t *testing.T) {
	scripted(t, exchange{"Action=DescribeFlowLogs", logSet(flowLog("fl-1", "vpc-1", active+toBucket))}, exchange{"Action=DeleteFlowLogs", "<unsuccessful/>"},
		exchange{"Filter.1.Name=flow-log-status", "InvalidParameterValue: The filter 'flow-log-status' is invalid"})
	if r := weir(t.Context(), "delete", "fl-1"); r.err != nil || r.stdout != "fl-1\n" || r.stderr != "" {
		t.Errorf("%+v", r)
	}
}

func TestDeleteExpired(t *testing.T) {
	all := logSet(flowLog("fl-1", "vpc-1", active+toBucket+expired), flowLog("fl-2", "vpc-1", active+toGroup+unexpired),
		flowLog("fl-3", "vpc-1", active+toGroup), flowLog("fl-4", "vpc-1", deleting+toGroup+expired))
	scripted(t, exchange{"Action=DescribeFlowLogs", all}, exchange{"Action=DeleteFlowLogs FlowLogId.1=fl-1", "<unsuccessful/>"})
	r := weir(t.Context(), "delete", "--expired", "--timeout", "0", "--json")
	if r.err != nil || r.stderr != "weir: deleting fl-1 of vpc-1 to s3://b/p\n" ||
		r.stdout != "{\n    \"FlowLogIds\": [\n        \"fl-1\"\n    ],\n    \"Unsuccessful\": []\n}\n" {
		t.Errorf("%+v", r)
	}
	scripted(t, exchange{"Action=DescribeFlowLogs", logSet()})
	if r := weir(t.Context(), "delete", "--expired"); r.err != nil || r.stderr != "weir: there is nothing to delete\n" {
		t.Errorf("nothing: %+v", r)
	}
}

func TestDeleteWhatAnotherDeletes(t *testing.T) {
	one := logSet(flowLog("fl-1", "vpc-1", active+toBucket), flowLog("fl-2", "vpc-1", active+toGroup))
	scripted(t, exchange{"Filter.1.Name=resource-id Filter.1.Value.1=vpc-1", one}, exchange{"FlowLogId.2=fl-2", "InvalidFlowLogId.NotFound: fl-1"},
		exchange{"FlowLogId.2=fl-2", logSet(flowLog("fl-2", "vpc-1", active+toGroup))})
	r := weir(t.Context(), "delete", "--resource", "vpc-1", "--timeout", "0")
	if r.status() != exitFailed || r.stdout != "fl-1\n" || !strings.Contains(r.stderr, "weir: delete: fl-2: InvalidFlowLogId.NotFound: it is still there") {
		t.Errorf("%+v", r)
	}
}
