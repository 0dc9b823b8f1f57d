package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/ec2"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 400e6, time.UTC)

// asked writes the requests of a plan as they are sent, one a line.
func asked(t *testing.T, p *createPlan) string {
	t.Helper()
	var lines []string
	for i := range p.requests {
		v := ec2.Encode("CreateFlowLogs", &p.requests[i])
		v.Del("Action")
		v.Del("Version")
		lines = append(lines, strings.NewReplacer("%3A", ":", "%2F", "/", "%24%7B", "${", "%7D", "}").Replace(v.Encode()))
	}
	return strings.Join(lines, "\n")
}

func TestCreatePlan(t *testing.T) {
	for _, tt := range []struct {
		name      string
		o         createOptions
		resources []string
		want      string
	}{
		{"defaults are Amazon's", createOptions{to: "s3://b"}, []string{"vpc-1"},
			"LogDestination=arn:aws:s3:::b&LogDestinationType=s3&MaxAggregationInterval=600&ResourceId.1=vpc-1&ResourceType=VPC&TrafficType=ALL"},
		{"a call for each kind of resource, nothing twice", createOptions{to: "s3://b/f/"}, []string{"eni-1", "subnet-1", "eni-2", "eni-1"},
			"LogDestination=arn:aws:s3:::b/f/&LogDestinationType=s3&MaxAggregationInterval=600&ResourceId.1=eni-1&ResourceId.2=eni-2&ResourceType=NetworkInterface&TrafficType=ALL\n" +
				"LogDestination=arn:aws:s3:::b/f/&LogDestinationType=s3&MaxAggregationInterval=600&ResourceId.1=subnet-1&ResourceType=Subnet&TrafficType=ALL"},
		{"transit gateways have their own interval and no filter", createOptions{to: "s3://b"}, []string{"tgw-1", "tgw-attach-1"},
			"LogDestination=arn:aws:s3:::b&LogDestinationType=s3&MaxAggregationInterval=60&ResourceId.1=tgw-1&ResourceType=TransitGateway\n" +
				"LogDestination=arn:aws:s3:::b&LogDestinationType=s3&MaxAggregationInterval=60&ResourceId.1=tgw-attach-1&ResourceType=TransitGatewayAttachment"},
		{"everything about files", createOptions{to: "s3://b", parquet: true, hive: true, hourly: true, interval: time.Minute, filter: "REJECT", format: "srcaddr,dstaddr"}, []string{"eni-1"},
			"DestinationOptions.FileFormat=parquet&DestinationOptions.HiveCompatiblePartitions=true&DestinationOptions.PerHourPartition=true&" +
				"LogDestination=arn:aws:s3:::b&LogDestinationType=s3&LogFormat=${srcaddr}+${dstaddr}&MaxAggregationInterval=60&ResourceId.1=eni-1&ResourceType=NetworkInterface&TrafficType=REJECT"},
		{"a group needs a role", createOptions{to: "logs://g/h", role: "arn:aws:iam::1:role/r"}, []string{"eni-1"},
			"DeliverLogsPermissionArn=arn:aws:iam::1:role/r&LogDestinationType=cloud-watch-logs&LogGroupName=g/h&MaxAggregationInterval=600&ResourceId.1=eni-1&ResourceType=NetworkInterface&TrafficType=ALL"},
		{"the ARN of a group, as consoles show it", createOptions{to: "arn:aws:logs:r:1:log-group:g:*", role: "arn:aws:iam::1:role/r"}, []string{"eni-1"},
			"DeliverLogsPermissionArn=arn:aws:iam::1:role/r&LogDestination=arn:aws:logs:r:1:log-group:g&LogDestinationType=cloud-watch-logs&MaxAggregationInterval=600&ResourceId.1=eni-1&ResourceType=NetworkInterface&TrafficType=ALL"},
		{"a stream", createOptions{to: "firehose://arn:aws:firehose:r:1:deliverystream/s"}, []string{"eni-1"},
			"LogDestination=arn:aws:firehose:r:1:deliverystream/s&LogDestinationType=kinesis-data-firehose&MaxAggregationInterval=600&ResourceId.1=eni-1&ResourceType=NetworkInterface&TrafficType=ALL"},
		{"tags, and the time to end to the second", createOptions{to: "s3://b", tags: []string{"team=a=b", "empty="}, duration: 30 * time.Minute}, []string{"eni-1"},
			"LogDestination=arn:aws:s3:::b&LogDestinationType=s3&MaxAggregationInterval=600&ResourceId.1=eni-1&ResourceType=NetworkInterface&" +
				"TagSpecification.1.ResourceType=vpc-flow-log&TagSpecification.1.Tag.1.Key=team&TagSpecification.1.Tag.1.Value=a%3Db&TagSpecification.1.Tag.2.Key=empty&" +
				"TagSpecification.1.Tag.3.Key=weir:expires&TagSpecification.1.Tag.3.Value=2026-11-24T12:30:00Z&TrafficType=ALL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := tt.o.plan(tt.resources, noon)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(asked(t, p), tt.want); diff != "" {
				t.Errorf("asked (-got +want):\n%s", diff)
			}
		})
	}
}

func TestCreatePlanSplits(t *testing.T) {
	for _, tt := range []struct {
		prefix   string
		n, calls int
	}{{"eni-", 300, 1}, {"eni-", 301, 2}, {"tgw-", 25, 1}, {"tgw-", 26, 2}} {
		var ids []string
		for i := range tt.n {
			ids = append(ids, fmt.Sprint(tt.prefix, i))
		}
		p, err := (&createOptions{to: "s3://b"}).plan(ids, noon)
		if err != nil || len(p.requests) != tt.calls || p.resources != tt.n {
			t.Errorf("%d of %s: %d calls, %v, want %d", tt.n, tt.prefix, len(p.requests), err, tt.calls)
		}
	}
}

func TestCreateRefuses(t *testing.T) {
	eni := []string{"eni-1"}
	for _, tt := range []struct {
		name      string
		o         createOptions
		resources []string
		want      string
	}{
		{"nothing", createOptions{to: "s3://b"}, nil, "create: which resource?"},
		{"no destination", createOptions{}, eni, "create: where to? --to is missing"},
		{"an instance", createOptions{to: "s3://b"}, []string{"i-1"}, `create: "i-1" is not the id of anything that has flow logs`},
		{"another scheme", createOptions{to: "file:///x"}, eni, `create: --to: destination "file:///x": want s3://BUCKET/FOLDER, logs://GROUP or an ARN`},
		{"no stream", createOptions{to: "firehose://"}, eni, `create: --to: destination "firehose://": names no stream`},
		{"interval", createOptions{to: "s3://b", interval: 5 * time.Minute}, eni, "create: --interval 5m0s: want 1m or 10m"},
		{"filter", createOptions{to: "s3://b", filter: "DENY"}, eni, `create: --filter "DENY": want ALL, ACCEPT or REJECT`},
		{"filter of a transit gateway", createOptions{to: "s3://b", filter: "ALL"}, []string{"tgw-1"}, "create: --filter ALL: flow logs of tgw-1 always have all traffic"},
		{"interval of a transit gateway", createOptions{to: "s3://b", interval: 10 * time.Minute}, []string{"tgw-1"}, "create: --interval 10m0s: flow logs of tgw-1 have 1m"},
		{"format", createOptions{to: "s3://b", format: "default+tcp-flag"}, eni,
			`create: --format: format column 9: unknown field "tcp-flag", did you mean "tcp-flags"?`},
		{"a group without a role", createOptions{to: "logs://g"}, eni, "create: CloudWatch Logs needs --role"},
		{"a bucket with a role", createOptions{to: "s3://b", role: "r"}, eni, "create: S3 takes no role"},
		{"Parquet in a group", createOptions{to: "logs://g", role: "r", parquet: true}, eni, "create: --parquet, --hive and --hourly are for s3:// only"},
		{"tag without a value", createOptions{to: "s3://b", tags: []string{"x"}}, eni, `create: --tag "x": want KEY=VALUE`},
		{"tag twice", createOptions{to: "s3://b", tags: []string{"x=1", "x=2"}}, eni, "create: --tag x: given twice"},
		{"the tag of --for", createOptions{to: "s3://b", tags: []string{"weir:expires=1"}, duration: time.Hour}, eni, "create: --tag weir:expires: --for sets it"},
		{"time in the past", createOptions{to: "s3://b", duration: -time.Hour}, eni, "create: --for -1h0m0s: want 1s or more"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.o.plan(tt.resources, noon)
			if err == nil || err.Error() != tt.want {
				t.Errorf("the error is %v, want %s", err, tt.want)
			}
			var u usageError
			if !errors.As(err, &u) || u.hint == "" {
				t.Errorf("%v is no usage error with a hint", err)
			}
		})
	}
}
