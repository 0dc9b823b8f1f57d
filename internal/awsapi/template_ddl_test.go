package awsapi

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"weir/internal/ddl"
	"weir/internal/ec2"
	"weir/record"
	"weir/recordfile"
)

// TestTemplateAgreesWithDDL compares the table of the template with the one that weir
// ddl writes for Athena: what both say must be the same.
func TestTemplateAgreesWithDDL(t *testing.T) {
	for i := range 8 {
		o := recordfile.Options{Hive: i&1 > 0, PerHour: i&2 > 0, Parquet: i&4 > 0}
		query := with(s3Log, "LogDestination=arn:aws:s3:::b/p/") + fmt.Sprintf("&DestinationOptions.HiveCompatiblePartitions=%v&DestinationOptions.PerHourPartition=%v", o.Hive, o.PerHour)
		if o.Parquet {
			query += "&DestinationOptions.FileFormat=parquet"
		}
		b := newBed(t)
		id := ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", query).FlowLogIDs[0]
		text := ok[ec2.GetFlowLogsIntegrationTemplateAnswer](b, "GetFlowLogsIntegrationTemplate", "FlowLogId="+id+"&"+integration).Result
		var template struct {
			Resources struct {
				VpcFlowLogsTable1 struct {
					Properties struct {
						TableInput struct {
							Parameters        map[string]string
							StorageDescriptor struct {
								InputFormat, OutputFormat string
								Columns                   []struct{ Name, Type string }
								SerdeInfo                 struct {
									SerializationLibrary string
									Parameters           map[string]string
								}
							}
						}
					}
				}
			}
		}
		if err := json.Unmarshal([]byte(text), &template); err != nil {
			t.Fatal(err)
		}
		table := ddl.Table{Name: "t", Location: "s3://b/p", Format: record.Default(), Options: o,
			Accounts: []string{b.cfg.Account}, Regions: []string{b.cfg.Region}, From: b.now}
		sql, err := table.SQL(ddl.Athena)
		if err != nil {
			t.Fatal(err)
		}
		has := func(what string) {
			t.Helper()
			if !strings.Contains(sql, what) {
				t.Errorf("%+v: the template has %s, the statement has not:\n%s", o, what, sql)
			}
		}
		got := template.Resources.VpcFlowLogsTable1.Properties.TableInput
		storage := got.StorageDescriptor
		var columns []string
		for _, c := range storage.Columns {
			columns = append(columns, "  `"+c.Name+"` "+c.Type)
		}
		has("(\n" + strings.Join(columns, ",\n") + "\n)\n")
		has("SERDE '" + storage.SerdeInfo.SerializationLibrary + "'")
		has("INPUTFORMAT '" + storage.InputFormat + "'")
		has("OUTPUTFORMAT '" + storage.OutputFormat + "'")
		for k, v := range storage.SerdeInfo.Parameters {
			has("'" + k + "' = '" + v + "'")
		}
		sql = strings.NewReplacer("${aws_account_id}", b.cfg.Account, "${aws_region}", b.cfg.Region, "${date}", "${year}/${month}/${day}").Replace(sql)
		for k, v := range got.Parameters {
			name := strings.Split(k+"..", ".")[1]
			if k == "EXTERNAL" || !o.Hive && (name == "year" || name == "month" || name == "day") {
				continue // CREATE EXTERNAL TABLE; one date instead of three numbers
			}
			has("'" + k + "' = '" + v + "'")
		}
	}
}
