package awsapi

import (
	"encoding/json"
	"strings"
	"testing"

	"weir/internal/ec2"
	"weir/record"
	"weir/recordfile"
)

const integration = "ConfigDeliveryS3DestinationArn=arn:aws:s3:::c&IntegrateService.AthenaIntegration.1.IntegrationResultS3DestinationArn=arn:aws:s3:::r/f/&IntegrateService.AthenaIntegration.1.PartitionLoadFrequency=daily"

// A glueTemplate is what tests read of a template.
type glueTemplate struct {
	AWSTemplateFormatVersion string
	Resources                map[string]struct {
		Type       string
		Properties struct {
			QueryString, WorkGroup string
			TableInput             struct {
				Name              string
				Parameters        map[string]string
				PartitionKeys     []struct{ Name, Type string }
				StorageDescriptor struct {
					Location string
					Columns  []struct{ Name, Type string }
				}
			}
			WorkGroupConfiguration struct {
				ResultConfiguration struct{ OutputLocation string }
			}
		}
	}
}

func TestTemplate(t *testing.T) {
	for _, tt := range []struct {
		rule, options, path string
		o                   recordfile.Options
	}{
		{"text", "", "${year}/${month}/${day}/", recordfile.Options{}},
		{"hours", "&DestinationOptions.PerHourPartition=true", "${year}/${month}/${day}/${hour}/", recordfile.Options{PerHour: true}},
		{"Hive's folders, Parquet", "&DestinationOptions.HiveCompatiblePartitions=true&DestinationOptions.FileFormat=parquet", "year=${year}/month=${month}/day=${day}/", recordfile.Options{Hive: true, Parquet: true}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			b := newBed(t)
			id := ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", with(s3Log, "LogDestination=arn:aws:s3:::b/p/")+tt.options).FlowLogIDs[0]
			text := ok[ec2.GetFlowLogsIntegrationTemplateAnswer](b, "GetFlowLogsIntegrationTemplate", "FlowLogId="+id+"&"+integration).Result
			var got glueTemplate
			if err := json.Unmarshal([]byte(text), &got); err != nil {
				t.Fatal(err)
			}
			table := got.Resources["VpcFlowLogsTable1"].Properties.TableInput
			key := recordfile.Key{Prefix: "p", Account: b.cfg.Account, Region: b.cfg.Region, FlowLog: id, Time: b.now, Options: tt.o}.String()
			folder := key[:strings.LastIndex(key, "/")+1]
			place := strings.NewReplacer("${year}", "2026", "${month}", "11", "${day}", "24", "${hour}", "08").Replace(table.Parameters["storage.location.template"])
			if place != "s3://b/"+folder || !strings.HasSuffix(table.Parameters["storage.location.template"], tt.path) {
				t.Errorf("the table looks into %s, the files are in %s", place, folder)
			}
			var columns []string
			for _, c := range table.StorageDescriptor.Columns {
				columns = append(columns, c.Name)
			}
			var want []string
			for _, f := range record.Default().Fields() {
				want = append(want, f.Column())
			}
			if strings.Join(columns, " ") != strings.Join(want, " ") {
				t.Errorf("columns are %v, want %v", columns, want)
			}
			if got := table.Parameters["projection.year.range"]; got != "2026,2036" {
				t.Errorf("years are %s", got)
			}
			if got := got.Resources["VpcFlowLogsWorkGroup1"].Properties.WorkGroupConfiguration.ResultConfiguration.OutputLocation; got != "s3://r/f/" {
				t.Errorf("results go to %s", got)
			}
			if q := got.Resources["TopTalkers1"].Properties.QueryString; !strings.Contains(q, `"`+table.Name+`"`) {
				t.Errorf("the query is %q", q)
			}
			if _, has := got.Resources["BytesByInstance1"]; has {
				t.Error("a query asks for a field that the format lacks")
			}
		})
	}
}

func TestTemplateIsChecked(t *testing.T) {
	b := newBed(t)
	id := "FlowLogId=" + ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", s3Log).FlowLogIDs[0]
	group := "FlowLogId=" + ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", "ResourceId.1="+testVPC+"&ResourceType=VPC&TrafficType=ALL&LogGroupName=g&DeliverLogsPermissionArn="+testRole).FlowLogIDs[0]
	const a = "IntegrateService.AthenaIntegration.1."
	none := with(integration, a+"PartitionLoadFrequency=none")
	dates := a + "PartitionStartDate=2021-01-01T00:00:00Z&" + a + "PartitionEndDate="
	for _, tt := range []struct{ query, code, message string }{
		{integration, "MissingParameter", "The request must contain the parameter FlowLogId"},
		{"FlowLogId=x&" + integration, "InvalidParameterValue", "1 validation error detected: Value 'x' at 'flowLogId' has an invalid format"},
		{"FlowLogId=fl-1&" + integration, "InvalidFlowLogId.NotFound", "These flow log ids in the input list are not found: [TotalCount: 1] fl-1"},
		{group + "&" + integration, "InvalidParameter", "The flow log " + strings.TrimPrefix(group, "FlowLogId=") + " is not delivered to S3"},
		{id + "&" + without(integration, "ConfigDeliveryS3DestinationArn"), "MissingParameter", "The request must contain the parameter ConfigDeliveryS3DestinationArn"},
		{id + "&" + with(integration, "ConfigDeliveryS3DestinationArn=x"), "InvalidParameterValue", `Value (x) for parameter ConfigDeliveryS3DestinationArn is invalid: "x" is not the ARN of a bucket, arn:aws:s3:::NAME/FOLDER`},
		{id + "&ConfigDeliveryS3DestinationArn=arn:aws:s3:::c", "MissingParameter", "The request must contain the parameter IntegrateService.AthenaIntegration"},
		{id + "&" + without(integration, a+"IntegrationResultS3DestinationArn"), "MissingParameter", "The request must contain the parameter IntegrationResultS3DestinationArn"},
		{id + "&" + without(integration, a+"PartitionLoadFrequency"), "MissingParameter", "The request must contain the parameter PartitionLoadFrequency"},
		{id + "&" + with(integration, a+"PartitionLoadFrequency=hourly"), "InvalidParameterValue", "Value (hourly) for parameter partitionLoadFrequency is invalid."},
		{id + "&" + none, "InvalidParameterValue", ec2.IntegrationDates.Text},
		{id + "&" + none + "&" + dates + "2030-01-01T00:00:00Z", "InvalidParameterValue", ec2.IntegrationDates.Text},
		{id + "&" + none + "&" + dates + "2020-01-01T00:00:00Z", "InvalidParameterValue", "PartitionStartDate must be before PartitionEndDate"},
	} {
		b.refused("GetFlowLogsIntegrationTemplate", tt.query, 400, tt.code, tt.message)
	}
	ok[ec2.GetFlowLogsIntegrationTemplateAnswer](b, "GetFlowLogsIntegrationTemplate", id+"&"+none+"&"+dates+"2022-01-01T00:00:00Z")
	b.refused("GetFlowLogsIntegrationTemplate", id+"&"+integration+"&DryRun=true", 412, "DryRunOperation", ec2.DryRunOperation.Text)
}
