package ec2

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func full() CreateFlowLogs {
	minute := 60
	return CreateFlowLogs{
		DryRun: true, ClientToken: "tok", ResourceIDs: []string{"vpc-1", "vpc-2"}, ResourceType: "VPC", TrafficType: "ALL",
		LogDestinationType: "s3", LogDestination: "arn:aws:s3:::b/p/", LogGroupName: "g", LogFormat: "${version} ${srcaddr}",
		DeliverLogsPermissionARN: "arn:aws:iam::1:role/r", DeliverCrossAccountRole: "arn:aws:iam::2:role/r", MaxAggregationInterval: &minute,
		DestinationOptions:     &DestinationOptions{FileFormat: "parquet", HiveCompatiblePartitions: true, PerHourPartition: true},
		TagSpecifications:      []TagSpecification{{ResourceType: "vpc-flow-log", Tags: []Tag{{Key: "Name", Value: "x y"}, {Key: "empty"}}}},
		TagFieldSpecifications: []TagFieldSpecification{{ResourceType: "instance", TagKeys: []string{"Team", "Env"}}},
	}
}

func TestRoundTrip(t *testing.T) {
	want := full()
	params := Encode("CreateFlowLogs", &want)
	if got := params.Get("TagFieldSpecification.1.TagKey.2"); got != "Env" || params.Get("Action") != "CreateFlowLogs" || params.Get("Version") != Version {
		t.Errorf("parameters are %v", params)
	}
	var got CreateFlowLogs
	if err := Decode(params, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecode(t *testing.T) {
	empty, at := "", time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		rule, query string
		got, want   any
	}{
		{"members come in any order and with gaps", "ResourceId.10=c&ResourceId.2=b&ResourceId.1=a", new(CreateFlowLogs), &CreateFlowLogs{ResourceIDs: []string{"a", "b", "c"}}},
		{"an empty list may be sent", "ResourceId=", new(CreateFlowLogs), &CreateFlowLogs{}},
		{"no value is not the empty value", "Tag.1.Key=a&Tag.2.Key=b&Tag.2.Value=", new(DeleteTags), &DeleteTags{Tags: []DeleteTag{{Key: "a"}, {Key: "b", Value: &empty}}}},
		{"times are times", "IntegrateService.AthenaIntegration.1.PartitionStartDate=2021-01-01T00:00:00Z", new(GetFlowLogsIntegrationTemplate), func() any {
			var g GetFlowLogsIntegrationTemplate
			g.IntegrateServices.AthenaIntegrations = []AthenaIntegration{{PartitionStartDate: at}}
			return &g
		}()},
		{"what every request has is passed over", "Action=x&Version=y&X-Amz-Date=z&AWSAccessKeyId=k", new(DescribeFlowLogs), &DescribeFlowLogs{}},
	} {
		params, err := url.ParseQuery(tt.query)
		if err != nil {
			t.Fatal(err)
		}
		if err := Decode(params, tt.got); err != nil {
			t.Errorf("%s: %v", tt.rule, err)
		}
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s:\n%s", tt.rule, diff)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, tt := range []struct{ query, code, message string }{
		{"resourceId.1=a", "UnknownParameter", "The parameter resourceId.1 is not recognized"},
		{"ResourceId.0=a", "UnknownParameter", "The parameter ResourceId.0 is not recognized"},
		{"ResourceId.01=a", "UnknownParameter", "The parameter ResourceId.01 is not recognized"},
		{"ResourceId.member.1=a", "UnknownParameter", "The parameter ResourceId.member.1 is not recognized"},
		{"ResourceId.1000001=a", "UnknownParameter", "The parameter ResourceId.1000001 is not recognized"},
		{"ResourceId=a", "UnknownParameter", "The parameter ResourceId is not recognized"},
		{"ResourceType.1=a", "UnknownParameter", "The parameter ResourceType.1 is not recognized"},
		{"ResourceType=a&ResourceType.1=b", "UnknownParameter", "The parameter ResourceType is not recognized"},
		{"a.b.c.d.e.f.g.h.i=x", "UnknownParameter", "The parameter a.b.c.d.e.f.g.h.i is not recognized"},
		{"ResourceType=a&ResourceType=b", "InvalidParameterCombination", "The parameter ResourceType is given 2 times"},
		{"DryRun=maybe", "InvalidParameterValue", "Value (maybe) for parameter DryRun is invalid. It must be true or false."},
		{"MaxAggregationInterval=99999999999", "InvalidParameterValue", "Value (99999999999) for parameter MaxAggregationInterval is invalid. It must be an integer."},
	} {
		params, err := url.ParseQuery(tt.query)
		if err != nil {
			t.Fatal(err)
		}
		var e *Error
		if err := Decode(params, new(CreateFlowLogs)); !errors.As(err, &e) || e.Code != tt.code || e.Message != tt.message {
			t.Errorf("%s: %v, want %s: %s", tt.query, err, tt.code, tt.message)
		}
	}
	params := url.Values{}
	for i := range maxParameters + 1 {
		params.Set(fmt.Sprint("ResourceId.", i+1), "a")
	}
	if err := Decode(params, new(CreateFlowLogs)); !TooManyParameters.Is(err) {
		t.Errorf("%d parameters: %v", len(params), err)
	}
	params.Del("ResourceId.1")
	if err := Decode(params, new(CreateFlowLogs)); err != nil {
		t.Errorf("%d parameters: %v", len(params), err)
	}
}

func TestAnswers(t *testing.T) {
	b, err := AppendAnswer(nil, &CreateFlowLogsAnswer{ClientToken: "t", FlowLogIDs: []string{"fl-1"}}, "r-1")
	want := xml.Header + `<CreateFlowLogsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r-1</requestId><clientToken>t</clientToken><flowLogIdSet><item>fl-1</item></flowLogIdSet><unsuccessful></unsuccessful></CreateFlowLogsResponse>`
	if err != nil || string(b) != want {
		t.Errorf("got %s, %v\nwant %s", b, err, want)
	}
	b, err = AppendAnswer(nil, &CreateFlowLogsAnswer{Unsuccessful: []Unsuccessful{{"vpc-1", "400", "a & b"}}}, "r-1")
	if err != nil || !strings.Contains(string(b), "<flowLogIdSet></flowLogIdSet><unsuccessful><item><resourceId>vpc-1</resourceId><error><code>400</code><message>a &amp; b</message></error></item></unsuccessful>") {
		t.Errorf("got %s, %v", b, err)
	}
	if _, err := AppendAnswer(nil, new(Tag), ""); err == nil {
		t.Error("a tag is an answer")
	}
}

func TestErrors(t *testing.T) {
	e := DryRunOperation.With()
	b := AppendError(nil, e, "r-1")
	want := xml.Header + `<Response><Errors><Error><Code>DryRunOperation</Code><Message>Request would have succeeded, but DryRun flag is set.</Message></Error></Errors><RequestID>r-1</RequestID></Response>`
	if string(b) != want {
		t.Errorf("got %s\nwant %s", b, want)
	}
	got := ParseError(StatusOf(e.Code), b)
	if got.Code != e.Code || got.Message != e.Message || got.Request != "r-1" || got.Status != 412 || !DryRunOperation.Is(fmt.Errorf("call: %w", got)) {
		t.Errorf("read as %+v", got)
	}
	if e := ParseError(502, []byte("<html>bad gateway")); !strings.Contains(e.Message, "bad gateway") {
		t.Errorf("a proxy's page reads as %+v", e)
	}
}

func FuzzDecode(f *testing.F) {
	seed := full()
	f.Add(Encode("CreateFlowLogs", &seed).Encode())
	f.Add("ResourceId.10=c&ResourceId.2=b&DestinationOptions=&Tag.1..Key=x")
	f.Fuzz(func(t *testing.T, query string) {
		params, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		_ = Decode(params, new(DescribeNetworkInterfaces))
		var first, second CreateFlowLogs
		if Decode(params, &first) != nil {
			return
		}
		if err := Decode(Encode("CreateFlowLogs", &first), &second); err != nil {
			t.Fatalf("what was read is refused when it is written: %v", err)
		}
		again := Encode("CreateFlowLogs", &second).Encode()
		if want := Encode("CreateFlowLogs", &first).Encode(); len(second.ResourceIDs) == len(first.ResourceIDs) && len(second.TagSpecifications) == len(first.TagSpecifications) && again != want && !hasHoles(&first) {
			t.Errorf("%q\nread and written: %s\nand again:       %s", query, want, again)
		}
	})
}

// hasHoles reports members that are all empty: they are not written, so those that
// follow get lower numbers.
func hasHoles(r *CreateFlowLogs) bool {
	for _, s := range r.TagSpecifications {
		if s.ResourceType == "" && len(s.Tags) == 0 {
			return true
		}
		for _, tag := range s.Tags {
			if tag == (Tag{}) {
				return true
			}
		}
	}
	for _, s := range r.TagFieldSpecifications {
		if s.ResourceType == "" && len(s.TagKeys) == 0 {
			return true
		}
	}
	return false
}
