package flowlog

import (
	"strings"
	"testing"
	"time"
)

func TestGroupName(t *testing.T) {
	for _, tt := range []struct{ group, arn, want string }{
		{"/vpc/flow-logs", "", "/vpc/flow-logs"},
		{"", "arn:aws:logs:eu-west-1:123456789012:log-group:flows", "flows"},
		{"", "arn:aws:logs:eu-west-1:123456789012:log-group:/a/b:*", "/a/b"},
		{"", "arn:aws-cn:logs:cn-north-1:123456789012:log-group:a#b", "a#b"},
		{strings.Repeat("a", 512), "", strings.Repeat("a", 512)},
		{strings.Repeat("a", 513), "", ""},
		{"a b", "", ""},
		{"a:b", "", ""},
		{"", "arn:aws:logs:eu-west-1:123456789012:log-group:", ""},
		{"", "arn:aws:logs:eu-west-1:123456789012:log-group:a:log-stream:b", ""},
		{"", "arn:aws:s3:::bucket", ""},
	} {
		got, err := (&Params{LogGroup: tt.group, Destination: tt.arn}).GroupName()
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%q %q is %q, %v, want %q", tt.group, tt.arn, got, err, tt.want)
		}
	}
}

func TestLogStream(t *testing.T) {
	// in makes a flow log that covers eni-1, of some traffic.
	in := func(id, traffic string, change func(*FlowLog)) FlowLog {
		f := FlowLog{ID: id, Params: Params{ResourceType: NetworkInterface, ResourceID: "eni-1", TrafficType: traffic,
			DestinationType: CloudWatchLogs, LogGroup: "g"}}
		if change != nil {
			change(&f)
		}
		return f
	}
	for _, tt := range []struct {
		name   string
		f      FlowLog
		others []FlowLog
		want   string
	}{
		{"alone, all", in("1", "ALL", nil), nil, "eni-1-all"},
		{"alone, accept", in("1", "ACCEPT", nil), nil, "eni-1-accept"},
		{"alone, reject", in("1", "REJECT", nil), nil, "eni-1-reject"},
		{"a transit gateway's", in("1", "", nil), nil, "eni-1-all"},
		{"itself is no other", in("1", "ACCEPT", nil), []FlowLog{in("1", "REJECT", nil)}, "eni-1-accept"},
		{"accept and reject are combined", in("1", "ACCEPT", nil), []FlowLog{in("2", "REJECT", nil)}, "eni-1-all"},
		{"all and reject are combined", in("1", "REJECT", nil), []FlowLog{in("2", "ALL", nil)}, "eni-1-all"},
		{"two of the same traffic share its stream", in("1", "ACCEPT", nil), []FlowLog{in("2", "ACCEPT", nil)}, "eni-1-accept"},
		{"by name and by ARN it is one group", in("1", "ACCEPT", nil),
			[]FlowLog{in("2", "REJECT", func(f *FlowLog) { f.LogGroup, f.Destination = "", "arn:aws:logs:r:1:log-group:g:*" })}, "eni-1-all"},
		{"a VPC's and an interface's cover the same", in("1", "ACCEPT", nil),
			[]FlowLog{in("2", "REJECT", func(f *FlowLog) { f.ResourceType, f.ResourceID = VPC, "vpc-1" })}, "eni-1-all"},
		{"another group's is apart", in("1", "ACCEPT", nil), []FlowLog{in("2", "REJECT", func(f *FlowLog) { f.LogGroup = "h" })}, "eni-1-accept"},
		{"another interface's is apart", in("1", "ACCEPT", nil), []FlowLog{in("2", "REJECT", func(f *FlowLog) { f.ResourceID = "eni-2" })}, "eni-1-accept"},
		{"one that is ending is apart", in("1", "ACCEPT", nil), []FlowLog{in("2", "REJECT", func(f *FlowLog) { f.Deleted = time.Unix(1, 0) })}, "eni-1-accept"},
		{"one that ends goes on with the others", in("1", "ACCEPT", func(f *FlowLog) { f.Deleted = time.Unix(1, 0) }), []FlowLog{in("2", "REJECT", nil)}, "eni-1-all"},
		{"a bucket's is apart", in("1", "ACCEPT", nil), []FlowLog{in("2", "REJECT", func(f *FlowLog) { f.DestinationType = S3 })}, "eni-1-accept"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.f.LogStream(Resources{VPC: "vpc-1", Subnet: "subnet-1", Interface: "eni-1"}, tt.others)
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestGroupIsOfTheFlowLogsAccountAndRegion(t *testing.T) {
	const account, region = "123456789012", "eu-central-1"
	for _, tt := range []struct {
		p    Params
		want string // in the error; "" is none
	}{
		{Params{DestinationType: CloudWatchLogs, LogGroup: "g"}, ""},
		{Params{DestinationType: CloudWatchLogs, Destination: "arn:aws:logs:eu-central-1:123456789012:log-group:g:*"}, ""},
		{Params{DestinationType: CloudWatchLogs, Destination: "arn:aws:logs:eu-west-1:123456789012:log-group:g"}, "has to be in region eu-central-1 and account 123456789012"},
		{Params{DestinationType: CloudWatchLogs, Destination: "arn:aws:logs:eu-central-1:210987654321:log-group:g"}, "has to be in region"},
		{Params{DestinationType: Firehose, Destination: "arn:aws:firehose:eu-west-1:210987654321:deliverystream/s"}, ""},
	} {
		err := tt.p.CheckGroup(account, region)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.p.Destination, err, tt.want)
		}
	}
}
