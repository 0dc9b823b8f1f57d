package ec2

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEncode(t *testing.T) {
	sixty := 60
	request := CreateFlowLogs{
		ResourceIDs: []string{"vpc-1", "vpc-2"}, ResourceType: "VPC", MaxAggregationInterval: &sixty,
		DestinationOptions: &DestinationOptions{FileFormat: "parquet"},
		TagSpecifications:  []TagSpecification{{"vpc-flow-log", []Tag{{"Name", "x y"}}}},
	}
	want := map[string][]string{
		"Action": {"CreateFlowLogs"}, "Version": {Version}, "ResourceId.1": {"vpc-1"}, "ResourceId.2": {"vpc-2"}, "ResourceType": {"VPC"},
		"MaxAggregationInterval": {"60"}, "DestinationOptions.FileFormat": {"parquet"},
		"TagSpecification.1.ResourceType": {"vpc-flow-log"}, "TagSpecification.1.Tag.1.Key": {"Name"}, "TagSpecification.1.Tag.1.Value": {"x y"},
	}
	for name, r := range map[string]any{"a struct": request, "a pointer": &request} {
		got := Encode("CreateFlowLogs", r)
		if diff := cmp.Diff(map[string][]string(got), want); diff != "" {
			t.Errorf("%s (-got +want):\n%s", name, diff)
		}
		var back CreateFlowLogs
		if err := Decode(got, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(back, request); diff != "" {
			t.Errorf("%s, read again (-got +want):\n%s", name, diff)
		}
	}
}
