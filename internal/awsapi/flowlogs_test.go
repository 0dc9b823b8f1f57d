package awsapi

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/ec2"
	"weir/internal/flowlog"
	"weir/record"
)

func TestDescribeSaysWhatWasAsked(t *testing.T) {
	const every = "ResourceId.1=" + testENI + "&ResourceType=NetworkInterface&TrafficType=REJECT&MaxAggregationInterval=60&LogFormat=${version} ${instance-tag}" +
		"&TagSpecification.1.ResourceType=vpc-flow-log&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=x y" +
		"&TagFieldSpecification.1.ResourceType=instance&TagFieldSpecification.1.TagKey.1=Team&TagFieldSpecification.1.TagKey.2=Env"
	want := ec2.FlowLog{
		FlowLogStatus: "ACTIVE", ResourceID: testENI, TrafficType: "REJECT", MaxAggregationInterval: 60, LogFormat: "${version} ${instance-tag}",
		Tags:                   []ec2.Tag{{Key: "Name", Value: "x y"}},
		TagFieldSpecifications: []ec2.TagFieldSpecification{{ResourceType: "instance", TagKeys: []string{"Team", "Env"}}},
	}
	for _, tt := range []struct {
		rule, query string
		change      func(*ec2.FlowLog)
	}{
		{"a bucket and how its files are laid out", "LogDestinationType=s3&LogDestination=arn:aws:s3:::b/f&DestinationOptions.FileFormat=parquet&DestinationOptions.HiveCompatiblePartitions=true&DestinationOptions.PerHourPartition=true", func(f *ec2.FlowLog) {
			f.DeliverLogsStatus, f.LogDestinationType, f.LogDestination = "SUCCESS", "s3", "arn:aws:s3:::b/f"
			f.DestinationOptions = &ec2.DestinationOptions{FileFormat: "parquet", HiveCompatiblePartitions: true, PerHourPartition: true}
		}},
		{"a bucket, and the layout nobody asked for", "LogDestinationType=s3&LogDestination=arn:aws:s3:::b", func(f *ec2.FlowLog) {
			f.DeliverLogsStatus, f.LogDestinationType, f.LogDestination = "SUCCESS", "s3", "arn:aws:s3:::b"
			f.DestinationOptions = &ec2.DestinationOptions{FileFormat: "plain-text"}
		}},
		{"a group by its name has no ARN", "LogGroupName=g/h&DeliverLogsPermissionArn=" + testRole, func(f *ec2.FlowLog) {
			f.DeliverLogsStatus = "SUCCESS"
			f.LogDestinationType, f.LogGroupName, f.DeliverLogsPermissionARN = "cloud-watch-logs", "g/h", testRole
		}},
		{"a group by its ARN has its name, too", "LogDestination=arn:aws:logs:us-east-1:123456789012:log-group:g:*&DeliverLogsPermissionArn=" + testRole, func(f *ec2.FlowLog) {
			f.DeliverLogsStatus = "SUCCESS"
			f.LogDestinationType, f.LogGroupName, f.DeliverLogsPermissionARN = "cloud-watch-logs", "g", testRole
			f.LogDestination = "arn:aws:logs:us-east-1:123456789012:log-group:g"
		}},
		{"a stream, and the roles for one of another account", "LogDestinationType=kinesis-data-firehose&LogDestination=arn:aws:firehose:us-east-1:123456789012:deliverystream/s&DeliverLogsPermissionArn=" + testRole + "&DeliverCrossAccountRole=" + crossRole, func(f *ec2.FlowLog) {
			f.DeliverLogsStatus = "SUCCESS"
			f.LogDestinationType, f.LogDestination = "kinesis-data-firehose", "arn:aws:firehose:us-east-1:123456789012:deliverystream/s"
			f.DeliverLogsPermissionARN, f.DeliverCrossAccountRole = testRole, crossRole
		}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			b := newBed(t)
			id := ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", every+"&"+tt.query).FlowLogIDs[0]
			want := want
			tt.change(&want)
			want.FlowLogID, want.CreationTime.Time = id, b.now
			got := ok[ec2.DescribeFlowLogsAnswer](b, "DescribeFlowLogs", "FlowLogId.1="+id)
			if diff := cmp.Diff([]ec2.FlowLog{want}, got.FlowLogs); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDescribeSaysHowDeliveryIsDoing(t *testing.T) {
	b := newBed(t)
	id := ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", s3Log).FlowLogIDs[0]
	for _, text := range []string{"", "Access error", "Rate limited", "Unknown error"} {
		if err := b.cfg.Logs.SetStatus(t.Context(), id, flowlog.Status{Error: text}); err != nil {
			t.Fatal(err)
		}
		status := "FAILED"
		if text == "" {
			status = "SUCCESS"
		}
		got := ok[ec2.DescribeFlowLogsAnswer](b, "DescribeFlowLogs", "Filter.1.Name=deliver-log-status&Filter.1.Value.1="+status).FlowLogs
		if len(got) != 1 || got[0].DeliverLogsStatus != status || got[0].DeliverLogsErrorMessage != text {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func TestDeletedOnesAreSeenWithAFilter(t *testing.T) {
	b := newBed(t)
	id := ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", s3Log).FlowLogIDs[0]
	if err := b.cfg.Logs.SetStatus(t.Context(), id, flowlog.Status{Last: b.now}); err != nil {
		t.Fatal(err)
	}
	last := b.now
	ok[ec2.DeleteFlowLogsAnswer](b, "DeleteFlowLogs", "FlowLogId.1="+id)
	got := ok[ec2.DescribeFlowLogsAnswer](b, "DescribeFlowLogs", "Filter.1.Name=flow-log-status&Filter.1.Value.1=DELETING").FlowLogs
	if len(got) != 1 || got[0].FlowLogStatus != ec2.Deleting || !got[0].LastDeliveryTime.Equal(last) {
		t.Errorf("got %+v", got)
	}
	if got := ok[ec2.DescribeFlowLogsAnswer](b, "DescribeFlowLogs", "Filter.1.Name=flow-log-status&Filter.1.Value.1=ACTIVE").FlowLogs; len(got) != 0 {
		t.Errorf("active: %+v", got)
	}
}

func TestFlowLogFilters(t *testing.T) {
	b := newBed(t)
	s3 := ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", s3Log+"&TagSpecification.1.ResourceType=vpc-flow-log&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=web-1").FlowLogIDs[0]
	group := ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", "ResourceId.1="+testSubnet+"&ResourceType=Subnet&TrafficType=REJECT&LogGroupName=g&DeliverLogsPermissionArn="+testRole).FlowLogIDs[0]
	if err := b.cfg.Logs.SetStatus(t.Context(), group, flowlog.Status{Error: "Access error"}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ filter, value, want string }{
		{"log-destination-type", "s3", s3}, {"log-destination-type", "cloud-watch-logs", group},
		{"flow-log-id", s3, s3}, {"log-group-name", "g", group}, {"log-group-name", "?", group},
		{"resource-id", "vpc-*", s3}, {"resource-id", testSubnet, group}, {"traffic-type", "REJECT", group}, {"traffic-type", "reject", ""},
		{"tag:Name", "web-*", s3}, {"tag-key", "Name", s3}, {"deliver-log-status", "FAILED", group}, {"deliver-log-status", "SUCCESS", s3},
	} {
		got := ok[ec2.DescribeFlowLogsAnswer](b, "DescribeFlowLogs", "Filter.1.Name="+tt.filter+"&Filter.1.Value.1="+tt.value)
		var ids []string
		for _, f := range got.FlowLogs {
			ids = append(ids, f.FlowLogID)
		}
		if strings.Join(ids, " ") != tt.want {
			t.Errorf("%s=%s: %v, want %s", tt.filter, tt.value, ids, tt.want)
		}
	}
	b.refused("DescribeFlowLogs", "Filter.1.Name=deliver-logs-status&Filter.1.Value.1=FAILED", 400, "InvalidParameterValue", "The filter 'deliver-logs-status' is invalid")
}

func TestFlowLogPages(t *testing.T) {
	b := newBed(t)
	var want, got []string
	for i := range 13 {
		want = append(want, ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", with(s3Log, fmt.Sprintf("LogDestination=arn:aws:s3:::b%d", i))).FlowLogIDs...)
	}
	for token, pages := "", 0; pages == 0 || token != ""; pages++ {
		query := "MaxResults=5"
		if token != "" {
			query += "&NextToken=" + token
		}
		out := ok[ec2.DescribeFlowLogsAnswer](b, "DescribeFlowLogs", query)
		for _, f := range out.FlowLogs {
			got = append(got, f.FlowLogID)
		}
		token = out.NextToken
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	b.refused("DescribeFlowLogs", "MaxResults=1001", 400, "InvalidParameterValue", "Value ( 1001 ) for parameter maxResults is invalid. Expecting a value smaller than 1000.")
	b.refused("DescribeFlowLogs", "NextToken=x", 400, "InvalidNextToken", "The token 'x' is invalid")
	b.refused("DescribeFlowLogs", ids("FlowLogId", 1001), 400, "InvalidParameterValue", "The parameter FlowLogId has 1001 values; at most 1000 are allowed")
	if got := ok[ec2.DescribeFlowLogsAnswer](b, "DescribeFlowLogs", "MaxResults=5&FlowLogId.1=fl-unknown&FlowLogId.2=x"); len(got.FlowLogs) != 0 {
		t.Errorf("unknown ids: %+v", got.FlowLogs)
	}
}

func TestDelete(t *testing.T) {
	b := newBed(t)
	id := ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", s3Log).FlowLogIDs[0]
	b.refused("DeleteFlowLogs", "", 400, "MissingParameter", "The request must contain the parameter FlowLogId")
	b.refused("DeleteFlowLogs", "FlowLogId.1=", 400, "InvalidParameterValue", "1 validation error detected: Value null at 'flowLogId' has an invalid format")
	b.refused("DeleteFlowLogs", "FlowLogId.1=vpc-1", 400, "InvalidParameterValue", "1 validation error detected: Value 'vpc-1' at 'flowLogId' has an invalid format")
	b.refused("DeleteFlowLogs", ids("FlowLogId", 1001), 400, "InvalidParameterValue", "The parameter FlowLogId has 1001 values; at most 1000 are allowed")
	b.refused("DeleteFlowLogs", "FlowLogId.1=fl-1a2b3c4d&FlowLogId.2="+id+"&FlowLogId.3=fl-2b3c4d5e", 400, "InvalidFlowLogId.NotFound", "These flow log ids in the input list are not found: [TotalCount: 2] fl-1a2b3c4d fl-2b3c4d5e")
	b.refused("DeleteFlowLogs", "FlowLogId.1="+id+"&DryRun=true", 412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	if n := b.logs(); n != 1 {
		t.Fatalf("%d flow logs, want 1", n)
	}
	status, body := b.call("DeleteFlowLogs", "FlowLogId.1="+id)
	if status != 200 || !strings.Contains(body, "<unsuccessful></unsuccessful>") || b.logs() != 0 {
		t.Errorf("%d %s", status, body)
	}
	b.refused("DeleteFlowLogs", "FlowLogId.1="+id, 400, "InvalidFlowLogId.NotFound", "These flow log ids in the input list are not found: [TotalCount: 1] "+id)
	// What is being deleted is no obstacle to another one.
	ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", s3Log)
}

// TestRecorded compares with what Amazon answered in 2024, as LocalStack's tests have
// recorded it (Apache License 2.0).
func TestRecorded(t *testing.T) {
	type answer struct {
		FlowLogs     []map[string]any
		FlowLogIds   []string
		Unsuccessful []struct {
			Error      struct{ Code, Message string }
			ResourceID string `json:"ResourceId"`
		}
		Error struct{ Code, Message string }
	}
	var recorded map[string]struct {
		Content map[string]answer `json:"recorded-content"`
	}
	raw, err := os.ReadFile(filepath.Join("testdata", "recorded-aws-2024.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &recorded); err != nil {
		t.Fatal(err)
	}
	of := func(test, name string) answer {
		a, ok := recorded["tests/aws/services/ec2/test_ec2.py::TestEc2FlowLogs::"+test].Content[name]
		if !ok {
			t.Fatalf("nothing recorded of %s %s", test, name)
		}
		return a
	}
	b := newBed(t)
	want := of("test_ec2_flow_logs_s3", "describe-flow-logs").FlowLogs[0]
	ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", s3Log)
	got := ok[ec2.DescribeFlowLogsAnswer](b, "DescribeFlowLogs", "").FlowLogs[0]
	opts := got.DestinationOptions
	for name, value := range map[string]any{
		"DeliverLogsStatus": got.DeliverLogsStatus, "FlowLogStatus": got.FlowLogStatus, "LogDestinationType": got.LogDestinationType,
		"LogFormat": got.LogFormat, "MaxAggregationInterval": float64(got.MaxAggregationInterval), "TrafficType": got.TrafficType,
		"DestinationOptions": map[string]any{"FileFormat": opts.FileFormat, "HiveCompatiblePartitions": opts.HiveCompatiblePartitions, "PerHourPartition": opts.PerHourPartition},
	} {
		if diff := cmp.Diff(want[name], value); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	if got.LogFormat != record.Default().String() {
		t.Errorf("the format is %s", got.LogFormat)
	}

	const validation = "test_ec2_flow_logs_s3_validation"
	const base = "ResourceId.1=" + testVPC + "&ResourceType=VPC&TrafficType=ALL&LogDestinationType=s3"
	for name, more := range map[string]string{
		"with-log-group-name":           "&LogDestination=arn:aws:s3:::c&LogGroupName=g",
		"no-log-destination":            "",
		"log-group-name-s3-destination": "&LogGroupName=g",
	} {
		e := of(validation, name).Error
		b.refused("CreateFlowLogs", base+more, 400, e.Code, e.Message)
	}
	item := of(validation, "non-existent-bucket").Unsuccessful[0].Error
	if e := ec2.DestinationNotFound.With("<bad-bucket-name>"); e.Code != item.Code || e.Message != item.Message {
		t.Errorf("got %+v, want %+v", e, item)
	}
}
