package flowlog

import (
	"errors"
	"strings"
	"testing"
	"time"

	"weir/record"
)

func good() Params {
	return Params{
		ResourceType: NetworkInterface, ResourceID: "eni-0123456789abcdef0", TrafficType: "ALL",
		DestinationType: S3, Destination: "arn:aws:s3:::bucket/folder/",
	}
}

func TestCheckFillsDefaults(t *testing.T) {
	p := good()
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	if p.Interval != 10*time.Minute || p.Format != record.Default().String() {
		t.Errorf("defaults are %v, %q", p.Interval, p.Format)
	}
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Params)
		code   string
		text   string // part of the message
	}{
		{"no resource type", func(p *Params) { p.ResourceType = "" }, "MissingParameter", "The request must contain the parameter ResourceType"},
		{"no resource", func(p *Params) { p.ResourceID = "" }, "MissingParameter", "ResourceId"},
		{"unknown resource type", func(p *Params) { p.ResourceType = "Host" }, "InvalidParameterValue", "Host"},
		{"id of another type", func(p *Params) { p.ResourceID = "vpc-1" }, "InvalidParameter", "Invalid Resource id vpc-1 for resource-type NetworkInterface"},
		{"an attachment is no gateway", func(p *Params) { p.ResourceType, p.ResourceID = TransitGateway, "tgw-attach-1" }, "InvalidParameter", "Invalid Resource id tgw-attach-1"},
		{"a gateway is no attachment", func(p *Params) { p.ResourceType, p.ResourceID = TransitGatewayAttachment, "tgw-1" }, "InvalidParameter", "Invalid Resource id tgw-1 for resource-type TransitGatewayAttachment"},
		{"no traffic type", func(p *Params) { p.TrafficType = "" }, "MissingParameter", "TrafficType"},
		{"lower-case traffic type", func(p *Params) { p.TrafficType = "all" }, "InvalidParameterValue", "trafficType"},
		{"interval", func(p *Params) { p.Interval = 5 * time.Minute }, "InvalidParameter", "Invalid Flow Log Max Aggregation Interval"},
		{"interval of a transit gateway", func(p *Params) {
			p.ResourceType, p.ResourceID, p.TrafficType, p.Interval = TransitGateway, "tgw-1", "", 10*time.Minute
		}, "InvalidParameter", "max-aggregation-interval other than 60 sec / 1 min is not supported"},
		{"no destination", func(p *Params) { p.Destination = "" }, "InvalidParameter", "LogDestination can't be empty if LogGroupName is not provided."},
		{"log group in S3", func(p *Params) { p.Destination, p.LogGroup = "", "g" }, "InvalidParameter", "LogDestination type must be cloud-watch-logs if LogGroupName is provided."},
		{"log group and destination", func(p *Params) { p.LogGroup = "g" }, "InvalidParameter", "Please only provide LogGroupName or only provide LogDestination."},
		{"role for S3", func(p *Params) { p.PermissionRole = "arn:aws:iam::1:role/r" }, "InvalidParameter", "DeliverLogsPermissionArn is not applicable for s3 delivery"},
		{"no role for a log group", func(p *Params) { p.DestinationType, p.Destination, p.LogGroup = CloudWatchLogs, "", "g" }, "InvalidParameter", "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs."},
		{"one role for Firehose", func(p *Params) {
			p.DestinationType, p.Destination, p.PermissionRole = Firehose, "arn:aws:firehose:r:1:deliverystream/s", "arn:aws:iam::1:role/r"
		}, "InvalidParameter", "both the DeliverLogsPermissionArn and DeliverCrossAccountRole fields must be set."},
		{"a bucket for a log group", func(p *Params) { p.DestinationType, p.PermissionRole = CloudWatchLogs, "arn:aws:iam::1:role/r" }, "InvalidParameterValue", "not the ARN of a log group"},
		{"a bucket for a stream", func(p *Params) { p.DestinationType = Firehose }, "InvalidParameterValue", "not the ARN of a delivery stream"},
		{"reserved folder", func(p *Params) { p.Destination = "arn:aws:s3:::b/AWSLogs/" }, "InvalidParameterValue", "AWSLogs"},
		{"no bucket", func(p *Params) { p.Destination = "arn:aws:s3:::/x" }, "InvalidParameterValue", "names no bucket"},
		{"a space in a bucket's name", func(p *Params) { p.Destination = "arn:aws:s3:::my bucket/x/" }, "InvalidParameterValue", `Value (arn:aws:s3:::my bucket/x/) for parameter logDestination is invalid: "my bucket" is no bucket's name`},
		{"an object of a region", func(p *Params) { p.Destination = "arn:aws:s3:eu-west-1:123456789012:accesspoint/a" }, "InvalidParameterValue", "not the ARN of a bucket"},
		{"trailing space in format", func(p *Params) { p.Format = "${version} " }, "InvalidParameterValue", "at 'logFormat' has an invalid format"},
		{"unknown field", func(p *Params) { p.Format = "${versoin}" }, "InvalidParameterValue", "version"},
		{"field of a transit gateway", func(p *Params) { p.Format = "${tgw-id}" }, "InvalidParameterValue", "tgw-id"},
		{"tag field without a key", func(p *Params) { p.Format = "${instance-tag}" }, "InvalidParameter", "instance-tag"},
		{"second tag field with one key", func(p *Params) {
			p.Format, p.TagFields = "${instance-tag-2}", []TagField{{"instance", []string{"Team"}}}
		}, "InvalidParameter", "instance-tag-2"},
		{"three keys", func(p *Params) { p.TagFields = []TagField{{"instance", []string{"a", "b", "c"}}} }, "InvalidParameterValue", "3 tag keys"},
		{"resource type twice", func(p *Params) { p.TagFields = []TagField{{"instance", []string{"a"}}, {"instance", []string{"b"}}} }, "InvalidParameterValue", "twice"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := good()
			tt.change(&p)
			var e *Error
			if err := p.Check(); !errors.As(err, &e) {
				t.Fatalf("error is %v, want an *Error", err)
			}
			if e.Code != tt.code || !strings.Contains(e.Error(), tt.text) {
				t.Errorf("got %s: %s, want %s with %q", e.Code, e.Message, tt.code, tt.text)
			}
		})
	}
}

func TestTagFieldsWithTheirKeys(t *testing.T) {
	p := good()
	p.Format = "${instance-tag} ${instance-tag-2} ${interface-tag}"
	p.TagFields = []TagField{{"instance", []string{"Team", "Env"}}, {"network-interface", []string{"Name"}}}
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	if got := p.TagKey("instance", 1); got != "Env" {
		t.Errorf("key of instance-tag-2 is %q, want Env", got)
	}
}

func TestCovers(t *testing.T) {
	r := Resources{VPC: "vpc-1", Subnet: "subnet-1", Interface: "eni-1"}
	for _, tt := range []struct {
		t    ResourceType
		id   string
		want bool
	}{
		{VPC, "vpc-1", true}, {VPC, "vpc-2", false}, {Subnet, "subnet-1", true}, {Subnet, "vpc-1", false},
		{NetworkInterface, "eni-1", true}, {NetworkInterface, "", false}, {TransitGateway, "vpc-1", false},
	} {
		p := Params{ResourceType: tt.t, ResourceID: tt.id}
		if got := p.Covers(r); got != tt.want {
			t.Errorf("%s %s covers the interface: %v, want %v", tt.t, tt.id, got, tt.want)
		}
	}
}

func TestWants(t *testing.T) {
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	f := FlowLog{Created: at(100)}
	for _, tt := range []struct {
		name    string
		start   int64
		deleted int64
		want    bool
	}{
		{"a window before it was made", 0, 0, false},
		{"a window it was made in", 60, 0, false},
		{"a window that begins with it", 100, 0, true},
		{"a window it was deleted in", 120, 150, true},
		{"a window after it was deleted", 180, 150, false},
	} {
		if tt.deleted > 0 {
			f.Deleted = at(tt.deleted)
		}
		if got := f.Wants(at(tt.start)); got != tt.want {
			t.Errorf("%s is wanted: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestDestinations(t *testing.T) {
	for _, tt := range []struct {
		in, arn, group string
		t              DestinationType
	}{
		{"s3://b", "arn:aws:s3:::b", "", S3},
		{"s3://b/f/g/", "arn:aws:s3:::b/f/g/", "", S3},
		{"logs://g/h", "", "g/h", CloudWatchLogs},
		{"arn:aws:s3:::b/f/", "arn:aws:s3:::b/f/", "", S3},
		{"arn:aws:logs:r:1:log-group:g", "arn:aws:logs:r:1:log-group:g", "", CloudWatchLogs},
		{"arn:aws:firehose:r:1:deliverystream/s", "arn:aws:firehose:r:1:deliverystream/s", "", Firehose},
	} {
		typ, arn, group, err := ParseDestination(tt.in)
		if err != nil || typ != tt.t || arn != tt.arn || group != tt.group {
			t.Errorf("%s: %s %q %q %v, want %s %q %q", tt.in, typ, arn, group, err, tt.t, tt.arn, tt.group)
		}
	}
	for _, bad := range []string{"", "b", "s3://", "ftp://b", "arn:aws:sqs:r:1:q", "arn"} {
		if _, _, _, err := ParseDestination(bad); err == nil {
			t.Errorf("%q is taken for a destination", bad)
		}
	}
	for _, arn := range []string{"arn:aws:s3:::b", "arn:aws:s3:::b/f/", "arn:aws:s3:::b/f/g/"} {
		b, f, err := BucketFolder(arn)
		if err != nil || BucketARN(b, f) != arn {
			t.Errorf("%s reads as %q, %q, %v", arn, b, f, err)
		}
	}
}

func TestBucketNames(t *testing.T) {
	for name, want := range map[string]bool{
		"b": true, "flow-logs": true, "a.b.c": true, "0": true, "Old_Bucket": true, strings.Repeat("a", 255): true,
		strings.Repeat("a", 256): false, "-b": false, "b-": false, ".b": false, "b.": false, "a..b": false, "a b": false,
		"*": false, "a?": false, "a:b": false, "ö": false, "a\n": false,
	} {
		if _, _, err := BucketFolder("arn:aws:s3:::" + name + "/folder/"); (err == nil) != want {
			t.Errorf("%q: %v, want a bucket's name: %v", name, err, want)
		}
	}
}

func FuzzBucketFolder(f *testing.F) {
	f.Add("arn:aws:s3:::b/f/")
	f.Fuzz(func(t *testing.T, arn string) {
		bucket, folder, err := BucketFolder(arn)
		if err != nil {
			return
		}
		b, g, err := BucketFolder(BucketARN(bucket, folder))
		if err != nil || b != bucket || g != folder {
			t.Errorf("%q: %q, %q, then %q, %q, %v", arn, bucket, folder, b, g, err)
		}
	})
}
