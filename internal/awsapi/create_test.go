package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/ec2"
	"weir/internal/flowlog"
	"weir/internal/kv"
)

// without returns a query without one of its parameters.
func without(query, name string) string {
	var out []string
	for part := range strings.SplitSeq(query, "&") {
		if !strings.HasPrefix(part, name+"=") {
			out = append(out, part)
		}
	}
	return strings.Join(out, "&")
}

// with returns a query with parameters set.
func with(query, more string) string {
	for part := range strings.SplitSeq(more, "&") {
		name, _, _ := strings.Cut(part, "=")
		query = without(query, name)
	}
	return query + "&" + more
}

// TestCreateIsChecked has every error of CreateFlowLogs, with its status and text.
func TestCreateIsChecked(t *testing.T) {
	const (
		ip, ipv  = "InvalidParameter", "InvalidParameterValue"
		logs     = "ResourceId.1=" + testVPC + "&ResourceType=VPC&TrafficType=ALL&LogGroupName=g&DeliverLogsPermissionArn=" + testRole
		firehose = "ResourceId.1=" + testVPC + "&ResourceType=VPC&TrafficType=ALL&LogDestinationType=kinesis-data-firehose&LogDestination=arn:aws:firehose:us-east-1:123456789012:deliverystream/s"
		gateway  = "ResourceId.1=tgw-1&ResourceType=TransitGateway&MaxAggregationInterval=60&LogDestinationType=s3&LogDestination=arn:aws:s3:::b"
		twoRoles = "When providing a role for cross-account delivery, both the DeliverLogsPermissionArn and DeliverCrossAccountRole fields must be set."
	)
	long := strings.Repeat("x", 65)
	tag := "TagSpecification.1.ResourceType=vpc-flow-log&TagSpecification.1.Tag.1.Key="
	b := newBed(t)
	ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", with(s3Log, "LogDestination=arn:aws:s3:::taken"))
	for _, tt := range []struct{ rule, query, code, message string }{
		{"a resource is required", without(s3Log, "ResourceId.1"), "MissingParameter", "The request must contain the parameter ResourceId"},
		{"an empty id is none", with(s3Log, "ResourceId.1="), "MissingParameter", "The request must contain the parameter ResourceId"},
		{"a resource type is required", without(s3Log, "ResourceType"), "MissingParameter", "The request must contain the parameter ResourceType"},
		{"resource types are an enumeration", with(s3Log, "ResourceType=Vpc"), ipv, "Value (Vpc) for parameter resourceType is invalid."},
		{"the id is of the resource type", with(s3Log, "ResourceId.1=subnet-1"), ip, "Invalid Resource id subnet-1 for resource-type VPC"},
		{"so is that of an attachment", with(gateway, "ResourceType=TransitGatewayAttachment"), ip, "Invalid Resource id tgw-1 for resource-type TransitGatewayAttachment"},
		{"a traffic type is required", without(s3Log, "TrafficType"), "MissingParameter", "The request must contain the parameter TrafficType"},
		{"traffic types are an enumeration", with(s3Log, "TrafficType=all"), ipv, "Value (all) for parameter trafficType is invalid."},
		{"transit gateways have no traffic type", with(gateway, "TrafficType=ALL"), ip, "TrafficType is not applicable for resource-type TransitGateway"},
		{"the interval is 60 or 600", with(s3Log, "MaxAggregationInterval=61"), ip, "Invalid Flow Log Max Aggregation Interval"},
		{"0 is an interval that was sent", with(s3Log, "MaxAggregationInterval=0"), ip, "Invalid Flow Log Max Aggregation Interval"},
		{"an interval is a number", with(s3Log, "MaxAggregationInterval=1m"), ipv, "Value (1m) for parameter MaxAggregationInterval is invalid. It must be an integer."},
		{"transit gateways have minutes", without(gateway, "MaxAggregationInterval"), ip, "max-aggregation-interval other than 60 sec / 1 min is not supported when the resource-type is TransitGateway or TransitGatewayAttachment"},
		{"a destination is required", without(s3Log, "LogDestination"), ip, "LogDestination can't be empty if LogGroupName is not provided."},
		{"of group and destination one", with(s3Log, "LogGroupName=g"), ip, "Please only provide LogGroupName or only provide LogDestination."},
		{"a group is CloudWatch Logs'", with(logs, "LogDestinationType=s3"), ip, "LogDestination type must be cloud-watch-logs if LogGroupName is provided."},
		{"a group needs a role", without(logs, "DeliverLogsPermissionArn"), ip, "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs."},
		{"a bucket needs none", with(s3Log, "DeliverLogsPermissionArn="+testRole), ip, "DeliverLogsPermissionArn is not applicable for s3 delivery"},
		{"a stream needs both or none", with(firehose, "DeliverLogsPermissionArn="+testRole), ip, twoRoles},
		{"the other one alone, too", with(firehose, "DeliverCrossAccountRole="+testRole), ip, twoRoles},
		{"destination types are an enumeration", with(s3Log, "LogDestinationType=S3"), ipv, "Value (S3) for parameter logDestinationType is invalid."},
		{"a destination is an ARN", with(s3Log, "LogDestination=b"), ipv, `Value (b) for parameter logDestination is invalid: "b" is not the ARN of a bucket, arn:aws:s3:::NAME/FOLDER`},
		{"AWSLogs is reserved", with(s3Log, "LogDestination=arn:aws:s3:::b/AWSLogs/"), ipv, "Value (arn:aws:s3:::b/AWSLogs/) for parameter logDestination is invalid: AWSLogs is a reserved folder name"},
		{"a group's ARN is one", with(without(logs, "LogGroupName"), "LogDestination=arn:aws:s3:::b"), ipv, "Value (arn:aws:s3:::b) for parameter logDestination is invalid: \"arn:aws:s3:::b\" is not the ARN of a log group, arn:aws:logs:REGION:ACCOUNT:log-group:NAME"},
		{"a group elsewhere", with(without(logs, "LogGroupName"), "LogDestination=arn:aws:logs:eu-west-9:123456789012:log-group:g"), ipv, "Value (arn:aws:logs:eu-west-9:123456789012:log-group:g) for parameter logDestination is invalid: the log group has to be in region us-east-1 and account 123456789012"},
		{"a group's name is one", with(logs, "LogGroupName=a b"), ipv, "Value (a b) for parameter logGroupName is invalid: \"a b\" is no log group's name"},
		{"the role of another account has its name", with(firehose, "DeliverLogsPermissionArn="+testRole+"&DeliverCrossAccountRole="+testRole), ipv, "Value (" + testRole + ") for parameter deliverCrossAccountRole is invalid: the name of the role must begin with AWSLogDeliveryFirehoseCrossAccountRole"},
		{"and is of the stream's account", with(firehose, "DeliverLogsPermissionArn="+testRole+"&DeliverCrossAccountRole=arn:aws:iam::210987654321:role/AWSLogDeliveryFirehoseCrossAccountRole"), ipv, "Value (arn:aws:iam::210987654321:role/AWSLogDeliveryFirehoseCrossAccountRole) for parameter deliverCrossAccountRole is invalid: it is not a role of the delivery stream's account"},
		{"and is a role", with(firehose, "DeliverLogsPermissionArn="+testRole+"&DeliverCrossAccountRole=r"), ipv, "Value (r) for parameter deliverCrossAccountRole is invalid: it is not the ARN of a role"},
		{"as the other one is", with(firehose, "DeliverLogsPermissionArn=arn:aws:iam::1:user/u&DeliverCrossAccountRole=r"), ipv, "Value (arn:aws:iam::1:user/u) for parameter deliverLogsPermissionArn is invalid: it is not the ARN of a role"},
		{"a stream's, too", with(firehose, "LogDestination=arn:aws:s3:::b"), ipv, "Value (arn:aws:s3:::b) for parameter logDestination is invalid: it is not the ARN of a delivery stream"},
		{"a format has no space at its end", with(s3Log, "LogFormat=${version} "), ipv, "1 validation error detected: Value '${version} ' at 'logFormat' has an invalid format"},
		{"fields are of the resource type", with(s3Log, "LogFormat=${tgw-id}"), ipv, "Field tgw-id is not supported for resource-type VPC"},
		{"a tag field needs its key", with(s3Log, "LogFormat=${instance-tag}"), ip, "Field instance-tag needs a tag key for instance in TagFieldSpecifications"},
		{"tag fields are an enumeration", with(s3Log, "TagFieldSpecification.1.ResourceType=vpc&TagFieldSpecification.1.TagKey.1=k"), ipv, "Value (vpc) for parameter resourceType is invalid."},
		{"tag fields have keys", with(s3Log, "TagFieldSpecification.1.ResourceType=instance"), ipv, "TagFieldSpecifications: 0 tag keys for instance, want 1 or 2"},
		{"file formats are an enumeration", with(s3Log, "DestinationOptions.FileFormat=csv"), ipv, "Value (csv) for parameter fileFormat is invalid."},
		{"booleans are true or false", with(s3Log, "DestinationOptions.PerHourPartition=yes"), ipv, "Value (yes) for parameter DestinationOptions.PerHourPartition is invalid. It must be true or false."},
		{"tags are flow logs'", with(s3Log, "TagSpecification.1.ResourceType=vpc"), ipv, "'vpc' is not a valid taggable resource type for this operation."},
		{"tags say whose they are", with(s3Log, "TagSpecification.1.Tag.1.Key=k"), ipv, "Tag specification resource type must have a value"},
		{"tags have a key", with(s3Log, tag), ipv, "Tag key cannot be null or empty"},
		{"Amazon's tags are Amazon's", with(s3Log, tag+"aws:x"), ipv, "Tag keys starting with 'aws:' are reserved for internal use"},
		{"tags have one value", with(s3Log, tag+"k&TagSpecification.1.Tag.2.Key=k"), ipv, "Duplicate tag key 'k' specified."},
		{"keys are short", with(s3Log, tag+strings.Repeat("ö", 129)), ipv, "Tag key exceeds the maximum length of 128 characters"},
		{"values, too", with(s3Log, tag+"k&TagSpecification.1.Tag.1.Value="+strings.Repeat("ö", 257)), ipv, "Tag value exceeds the maximum length of 256 characters"},
		{"client tokens, too", with(s3Log, "ClientToken="+long), ipv, "Value (" + long + ") for parameter clientToken is invalid. Its length must not exceed 64 ASCII characters."},
		{"and they are ASCII", with(s3Log, "ClientToken=ö"), ipv, "Value (ö) for parameter clientToken is invalid. Its length must not exceed 64 ASCII characters."},
		{"other parameters are not known", with(s3Log, "ResourceIds.1=x"), "UnknownParameter", "The parameter ResourceIds.1 is not recognized"},
		{"a VPC exists", with(s3Log, "ResourceId.1=vpc-x"), "InvalidVpcID.NotFound", "The vpc ID 'vpc-x' does not exist"},
		{"a subnet exists", with(s3Log, "ResourceId.1=subnet-x&ResourceType=Subnet"), "InvalidSubnetID.NotFound", "The subnet ID 'subnet-x' does not exist"},
		{"an interface exists", with(s3Log, "ResourceId.1=eni-x&ResourceType=NetworkInterface"), "InvalidNetworkInterfaceID.NotFound", "The networkInterface ID 'eni-x' does not exist"},
		{"there are no transit gateways", gateway, "InvalidTransitGatewayID.NotFound", "Transit Gateway tgw-1 was deleted or does not exist."},
		{"nor attachments", with(gateway, "ResourceId.1=tgw-attach-1&ResourceType=TransitGatewayAttachment"), "InvalidTransitGatewayAttachmentID.NotFound", "Transit Gateway Attachment tgw-attach-1 was deleted or does not exist."},
		{"nor regional NAT gateways", with(s3Log, "ResourceId.1=nat-1&ResourceType=RegionalNatGateway"), "NatGatewayNotFound", "The Nat Gateway nat-1 was not found"},
		{"there is one of each", with(s3Log, "LogDestination=arn:aws:s3:::taken"), "FlowLogAlreadyExists", "Error. There is an existing Flow Log with the same configuration and log destination."},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			b := *b
			b.t = t
			b.refused("CreateFlowLogs", tt.query, http.StatusBadRequest, tt.code, tt.message)
			b.refused("CreateFlowLogs", with(tt.query, "DryRun=true"), http.StatusBadRequest, tt.code, tt.message)
		})
		b.now = b.now.Add(time.Minute)
	}
	b.refused("CreateFlowLogs", with(s3Log, "DryRun=true"), http.StatusPreconditionFailed, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	if n := b.logs(); n != 1 {
		t.Errorf("%d flow logs, want the 1 from before", n)
	}
}

func ids(prefix string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "&%s.%d=vpc-%d", prefix, i+1, i)
	}
	return b.String()
}

func TestCreateHeedsLimits(t *testing.T) {
	b := newBed(t)
	rest := without(s3Log, "ResourceId.1")
	b.refused("CreateFlowLogs", rest+ids("ResourceId", 300), 400, "InvalidVpcID.NotFound", "The vpc ID 'vpc-0' does not exist")
	b.refused("CreateFlowLogs", rest+ids("ResourceId", 301), 400, "InvalidParameterValue", "The parameter ResourceId has 301 values; at most 300 are allowed")
	gateways := strings.ReplaceAll("ResourceType=TransitGateway&MaxAggregationInterval=60&LogDestinationType=s3&LogDestination=arn:aws:s3:::b"+ids("ResourceId", 26), "vpc-", "tgw-")
	b.refused("CreateFlowLogs", gateways, 400, "InvalidParameterValue", "The parameter ResourceId has 26 values; at most 25 are allowed")

	tags := "TagSpecification.1.ResourceType=vpc-flow-log"
	for i := range 51 {
		tags += fmt.Sprintf("&TagSpecification.1.Tag.%d.Key=k%d", i+1, i)
	}
	b.refused("CreateFlowLogs", s3Log+"&"+tags, 400, "TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
	ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", s3Log+"&"+without(tags, "TagSpecification.1.Tag.51.Key"))

	for i := range flowlog.MaxPerResource - 1 {
		f := flowlog.FlowLog{ID: flowlog.NewID(), Params: flowlog.Params{ResourceID: testVPC, Destination: fmt.Sprint(i)}}
		if err := b.cfg.Logs.Create(t.Context(), &f); err != nil {
			t.Fatal(err)
		}
	}
	got := ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", with(s3Log, "LogDestination=arn:aws:s3:::c"))
	want := []ec2.Unsuccessful{{ResourceID: testVPC, Code: "FlowLogsLimitExceeded", Message: "The maximum number of flow logs for " + testVPC + " (250) has been reached."}}
	if diff := cmp.Diff(want, got.Unsuccessful); diff != "" || len(got.FlowLogIDs) > 0 {
		t.Errorf("the 251st flow log: %v\n%s", got.FlowLogIDs, diff)
	}
}

func TestDestinationsAreAsked(t *testing.T) {
	refusals := map[string]error{
		"gone": ec2.DestinationNotFound.With("gone"), "closed": ec2.DestinationDenied.With("closed"), "away": errors.New("refuses connections"),
	}
	b := newBed(t, func(c *Config) {
		c.Bucket = func(_ context.Context, bucket string) error { return refusals[bucket] }
		c.Stream = c.Bucket
	})
	for bucket, message := range map[string]string{
		"gone":   "LogDestination: gone does not exist",
		"closed": "Access Denied for LogDestination: closed. Please check LogDestination permission",
		"away":   "LogDestination away is undeliverable",
	} {
		got := ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", with(s3Log, "LogDestination=arn:aws:s3:::"+bucket+"/f/&ClientToken="+bucket))
		want := []ec2.Unsuccessful{{ResourceID: testVPC, Code: "400", Message: message}}
		if diff := cmp.Diff(want, got.Unsuccessful); diff != "" || len(got.FlowLogIDs) > 0 || got.ClientToken != bucket {
			t.Errorf("%s: %+v\n%s", bucket, got, diff)
		}
	}
	got := ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", with(s3Log, "LogDestinationType=kinesis-data-firehose&LogDestination=arn:aws:firehose:us-east-1:123456789012:deliverystream/gone"))
	if want := "LogDestination: gone does not exist"; len(got.Unsuccessful) != 1 || got.Unsuccessful[0].Message != want {
		t.Errorf("of a delivery stream: %+v, want %s", got, want)
	}
	if n := b.logs(); n != 0 {
		t.Errorf("%d flow logs, want none", n)
	}
	clear(refusals) // the same token may try again: nothing was made
	if got := ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", with(s3Log, "LogDestination=arn:aws:s3:::gone/f/&ClientToken=gone")); len(got.FlowLogIDs) != 1 {
		t.Errorf("after the bucket was made: %+v", got)
	}
}

func TestClientTokens(t *testing.T) {
	b := newBed(t)
	query := s3Log + "&ClientToken=tok"
	first := ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", query)
	b.restart()
	second := ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", query)
	if diff := cmp.Diff(first.FlowLogIDs, second.FlowLogIDs); diff != "" || len(first.FlowLogIDs) != 1 || second.ClientToken != "tok" {
		t.Errorf("the same request again: %+v, %+v", first, second)
	}
	b.refused("CreateFlowLogs", with(query, "TrafficType=REJECT"), 400, "IdempotentParameterMismatch", "The client token tok was used before, with other parameters")
	b.refused("CreateFlowLogs", query+"&DryRun=true", http.StatusPreconditionFailed, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", with(query, "ClientToken=TOK&LogDestination=arn:aws:s3:::c"))
	if n := b.logs(); n != 2 {
		t.Errorf("%d flow logs, want 2", n)
	}
	b.now = b.now.Add(tokenFor + time.Hour)
	b.refused("CreateFlowLogs", query, 400, "FlowLogAlreadyExists", "Error. There is an existing Flow Log with the same configuration and log destination.")
}

// failing is a bucket that takes a number of flow logs and no more.
type failing struct {
	kv.Bucket
	mu   sync.Mutex
	left int
}

func (f *failing) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left--; f.left < 0 {
		return 0, errors.New("disk full")
	}
	return f.Bucket.Create(ctx, key, value)
}

func TestTokenGoesOnWhereItEnded(t *testing.T) {
	b := newBed(t)
	disk := &failing{Bucket: b.tags, left: 1}
	b.cfg.Logs = flowlog.NewStore(disk, b.tags)
	b.cfg.Tags = b.tokens
	b.restart()
	query := "ResourceId.1=" + testSubnet + "&ResourceId.2=" + testSubnet + "&ResourceType=Subnet&TrafficType=ALL&LogDestinationType=s3&LogDestination=arn:aws:s3:::b&ClientToken=t"
	if got := ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", query); len(got.FlowLogIDs) != 1 {
		t.Fatalf("an id given twice makes one flow log: %+v", got)
	}
	query = with(s3Log, "ClientToken=u")
	got := ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", query)
	want := []ec2.Unsuccessful{{ResourceID: testVPC, Code: "InternalError", Message: "An internal error has occurred"}}
	if diff := cmp.Diff(want, got.Unsuccessful); diff != "" {
		t.Fatal(diff)
	}
	disk.left = 1
	if got := ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", query); len(got.FlowLogIDs) != 1 || len(got.Unsuccessful) > 0 {
		t.Errorf("with the token the rest is made: %+v", got)
	}
}

func TestAtOnceMakesOne(t *testing.T) {
	b := newBed(t)
	var requests []*http.Request
	for range 16 {
		requests = append(requests, b.request("ec2", values("CreateFlowLogs", s3Log)))
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	made := 0
	for _, r := range requests {
		wg.Go(func() {
			if status, _ := b.serve(r); status == http.StatusOK {
				mu.Lock()
				made++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if n := b.logs(); made != 1 || n != 1 {
		t.Errorf("%d requests made %d flow logs, want 1", made, n)
	}
}
