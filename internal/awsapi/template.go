package awsapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"weir/internal/ec2"
	"weir/internal/flowlog"
	"weir/record"
)

// maxIntegrations is how many integrations a template has at most.
const maxIntegrations = 10

func (a *API) getFlowLogsIntegrationTemplate(ctx context.Context, in *ec2.GetFlowLogsIntegrationTemplate) (*ec2.GetFlowLogsIntegrationTemplateAnswer, error) {
	if in.FlowLogID == "" {
		return nil, ec2.MissingParameter.With("FlowLogId")
	}
	if err := checkFlowLogID(in.FlowLogID); err != nil {
		return nil, err
	}
	if err := checkS3ARN("ConfigDeliveryS3DestinationArn", in.ConfigDeliveryS3DestinationARN); err != nil {
		return nil, err
	}
	list := in.IntegrateServices.AthenaIntegrations
	if len(list) == 0 {
		return nil, ec2.MissingParameter.With("IntegrateService.AthenaIntegration")
	}
	if len(list) > maxIntegrations {
		return nil, ec2.TooManyValues.With("IntegrateService.AthenaIntegration", len(list), maxIntegrations)
	}
	for i := range list {
		if err := checkIntegration(&list[i], a.cfg.Now()); err != nil {
			return nil, err
		}
	}
	f, err := a.cfg.Logs.Get(ctx, in.FlowLogID)
	switch {
	case err != nil:
		return nil, err
	case !f.Active():
		return nil, ec2.FlowLogNotFound.With(1, f.ID)
	case f.DestinationType != flowlog.S3:
		return nil, ec2.IntegrationOfOthers.With(f.ID)
	}
	result, err := template(&f, list)
	if err != nil {
		return nil, err
	}
	return &ec2.GetFlowLogsIntegrationTemplateAnswer{Result: result}, nil
}

func checkS3ARN(name, arn string) error {
	if arn == "" {
		return ec2.MissingParameter.With(name)
	}
	if _, _, err := flowlog.BucketFolder(arn); err != nil {
		return ec2.InvalidAttributeValue.With(arn, name, err)
	}
	return nil
}

func checkIntegration(g *ec2.AthenaIntegration, now time.Time) error {
	if err := checkS3ARN("IntegrationResultS3DestinationArn", g.IntegrationResultS3DestinationARN); err != nil {
		return err
	}
	start, end := g.PartitionStartDate, g.PartitionEndDate
	switch g.PartitionLoadFrequency {
	case "daily", "weekly", "monthly":
	case "none":
		if start.IsZero() || end.IsZero() || !start.Before(now) || !end.Before(now) {
			return ec2.IntegrationDates.With()
		}
	case "":
		return ec2.MissingParameter.With("PartitionLoadFrequency")
	default:
		return ec2.NoEnumValue.With(g.PartitionLoadFrequency, "partitionLoadFrequency")
	}
	if !start.IsZero() && !end.IsZero() && !start.Before(end) {
		return ec2.IntegrationDatesSwapped.With()
	}
	return nil
}

// object is a JSON object.
type object = map[string]any

// template returns a CloudFormation template that makes a flow log's files a table,
// with a few queries. Amazon's own loads the table's partitions with a function, now
// and then; here Athena works out where the partitions are, by projection, so that
// new ones are there at once. No stack has been made of it yet.
func template(f *flowlog.FlowLog, list []ec2.AthenaIntegration) (string, error) {
	format, err := f.RecordFormat()
	if err != nil {
		return "", err
	}
	name := strings.ReplaceAll(strings.ToLower(f.ID), "-", "")
	database := "vpcflowlogsathenadatabase" + name
	resources := object{
		"VpcFlowLogsAthenaDatabase": object{
			"Type": "AWS::Glue::Database",
			"Properties": object{
				"CatalogId":     object{"Ref": "AWS::AccountId"},
				"DatabaseInput": object{"Name": database},
			},
		},
	}
	for i := range list {
		n := fmt.Sprint(i + 1)
		table := fmt.Sprintf("%s_%s%s", name, list[i].PartitionLoadFrequency, n)
		resources["VpcFlowLogsTable"+n] = glueTable(f, format, &list[i], table)
		group := "VpcFlowLogsWorkGroup" + name + n
		resources["VpcFlowLogsWorkGroup"+n] = workGroup(group, list[i].IntegrationResultS3DestinationARN)
		for _, q := range queriesFor(format) {
			resources[q.name+n] = object{
				"Type":      "AWS::Athena::NamedQuery",
				"DependsOn": "VpcFlowLogsWorkGroup" + n,
				"Properties": object{
					"Name":        "VpcFlowLogs" + q.name,
					"Description": q.about,
					"Database":    object{"Ref": "VpcFlowLogsAthenaDatabase"},
					"WorkGroup":   group,
					"QueryString": strings.ReplaceAll(q.sql, "{table}", `"`+table+`"`),
				},
			}
		}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err = enc.Encode(object{
		"AWSTemplateFormatVersion": "2010-09-09",
		"Description":              "Integrates the flow log " + f.ID + " with Amazon Athena",
		"Resources":                resources,
	})
	return out.String(), err
}

func workGroup(name, resultARN string) object {
	return object{
		"Type": "AWS::Athena::WorkGroup",
		"Properties": object{
			"Name": name,
			"WorkGroupConfiguration": object{
				"EnforceWorkGroupConfiguration": true,
				"ResultConfiguration":           object{"OutputLocation": s3URL(resultARN)},
			},
		},
	}
}

// s3URL returns s3://bucket/folder/ for an ARN that has been checked.
func s3URL(arn string) string {
	bucket, folder, _ := flowlog.BucketFolder(arn)
	if folder != "" {
		folder += "/"
	}
	return "s3://" + bucket + "/" + folder
}

func glueTable(f *flowlog.FlowLog, format record.Format, g *ec2.AthenaIntegration, name string) object {
	location, parts := layout(f)
	parameters := object{
		"EXTERNAL":                  "TRUE",
		"projection.enabled":        "true",
		"storage.location.template": location + pathOf(f, parts),
	}
	var keys []object
	for _, p := range parts {
		keys = append(keys, object{"Name": p.name, "Type": "string"})
		parameters["projection."+p.name+".type"] = "integer"
		parameters["projection."+p.name+".digits"] = fmt.Sprint(p.digits)
		parameters["projection."+p.name+".range"] = fmt.Sprintf("%d,%d", p.from, p.to)
	}
	parameters["projection.year.range"] = years(f, g)
	var columns []object
	for _, field := range format.Fields() {
		columns = append(columns, object{"Name": field.Column(), "Type": athenaTypes[field.Type()], "Comment": "${" + field.Name() + "}"})
	}
	storage := object{"Location": location, "Columns": columns, "Compressed": !f.Parquet}
	if f.Parquet {
		parameters["classification"] = "parquet"
		storage["InputFormat"] = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
		storage["OutputFormat"] = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
		storage["SerdeInfo"] = object{"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}
	} else {
		parameters["classification"] = "csv"
		parameters["skip.header.line.count"] = "1"
		storage["InputFormat"] = "org.apache.hadoop.mapred.TextInputFormat"
		storage["OutputFormat"] = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
		storage["SerdeInfo"] = object{
			"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
			"Parameters":           object{"field.delim": " ", "serialization.format": " ", "serialization.null.format": "-"},
		}
	}
	return object{
		"Type": "AWS::Glue::Table",
		"Properties": object{
			"CatalogId":    object{"Ref": "AWS::AccountId"},
			"DatabaseName": object{"Ref": "VpcFlowLogsAthenaDatabase"},
			"TableInput": object{
				"Name": name, "TableType": "EXTERNAL_TABLE",
				"Parameters": parameters, "PartitionKeys": keys, "StorageDescriptor": storage,
			},
		},
	}
}

var athenaTypes = map[record.ColumnType]string{record.String: "string", record.Int32: "int", record.Int64: "bigint"}

// A part is a folder that is a partition: a number with so many digits.
type part struct {
	name             string
	digits, from, to int
}

// layout returns the folder of a flow log's files, and what partitions it.
func layout(f *flowlog.FlowLog) (location string, parts []part) {
	parts = []part{{"year", 4, 0, 0}, {"month", 2, 1, 12}, {"day", 2, 1, 31}}
	if f.PerHour {
		parts = append(parts, part{"hour", 2, 0, 23})
	}
	folder := fmt.Sprintf("AWSLogs/%s/vpcflowlogs/%s/", f.Account, f.Region)
	if f.Hive {
		folder = fmt.Sprintf("AWSLogs/aws-account-id=%s/aws-service=vpcflowlogs/aws-region=%s/", f.Account, f.Region)
	}
	return s3URL(f.Destination) + folder, parts
}

func pathOf(f *flowlog.FlowLog, parts []part) string {
	var b strings.Builder
	for _, p := range parts {
		if f.Hive {
			b.WriteString(p.name + "=")
		}
		b.WriteString("${" + p.name + "}/")
	}
	return b.String()
}

// years returns the range of years that the table has.
func years(f *flowlog.FlowLog, g *ec2.AthenaIntegration) string {
	from, to := g.PartitionStartDate, g.PartitionEndDate
	if from.IsZero() {
		from = f.Created
	}
	const ahead = 10 // years for which nobody has to touch the table
	if to.IsZero() {
		to = f.Created.AddDate(ahead, 0, 0)
	}
	return fmt.Sprintf("%d,%d", from.UTC().Year(), to.UTC().Year())
}
