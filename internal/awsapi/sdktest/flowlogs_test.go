package sdktest

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"weir/internal/awsapi"
	"weir/internal/flowlog"
	"weir/internal/kv/kvtest"
	"weir/internal/sigv4"
	"weir/internal/vpc"
)

const (
	logVPC = "vpc-0a1b2c3d4e5f60718"
	logENI = "eni-0a1b2c3d4e5f60718"
)

// clientOf returns a client of a service whose account, region and keys are given.
func clientOf(t *testing.T, cfg awsapi.Config) *ec2.Client {
	t.Helper()
	url, key := serviceOf(t, cfg)
	return ec2.New(ec2.Options{
		BaseEndpoint: &url, Region: "eu-west-1", RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(key.ID, key.Secret, ""),
	})
}

// serviceOf starts a service whose account, region and keys are given, and returns where it
// is.
func serviceOf(t *testing.T, cfg awsapi.Config) (url string, key sigv4.Key) {
	t.Helper()
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	key = sigv4.Key{ID: "AKIAIOSFODNN7EXAMPLE", Secret: "secret"}
	cfg.Account, cfg.Region = "123456789012", "eu-west-1"
	cfg.Keys = func(id string) (sigv4.Key, bool) { return key, id == key.ID }
	api, err := awsapi.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return server.URL, key
}

// logger returns a client of a service that has something to make flow logs of.
func logger(t *testing.T) *ec2.Client {
	index := vpc.NewIndex(vpc.Network{VPCs: []vpc.VPC{{ID: logVPC}}, Interfaces: []*vpc.Interface{{ID: logENI, VPCID: logVPC}}})
	return clientOf(t, awsapi.Config{
		Logs: flowlog.NewStore(kvtest.New(), kvtest.New()), Model: func() *vpc.Index { return index }, Tags: kvtest.New(), Tokens: kvtest.New(),
	})
}

// wants reports an error that is not of Amazon's code and message.
func wants(t *testing.T, err error, code, message string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code || e.ErrorMessage() != message {
		t.Errorf("got %v\nwant %s: %s", err, code, message)
	}
}

func inputs() []*ec2.CreateFlowLogsInput {
	tags := []types.TagSpecification{{ResourceType: types.ResourceTypeVpcFlowLog, Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("x y")}}}}
	s3 := &ec2.CreateFlowLogsInput{
		ClientToken: aws.String("tok"), ResourceIds: []string{logVPC}, ResourceType: types.FlowLogsResourceTypeVpc, TrafficType: types.TrafficTypeReject,
		LogDestinationType: types.LogDestinationTypeS3, LogDestination: aws.String("arn:aws:s3:::b/p/"),
		LogFormat: aws.String("${version} ${instance-tag} ${instance-tag-2}"), MaxAggregationInterval: aws.Int32(60),
		DestinationOptions: &types.DestinationOptionsRequest{FileFormat: types.DestinationFileFormatParquet, HiveCompatiblePartitions: aws.Bool(true), PerHourPartition: aws.Bool(true)},
		TagSpecifications:  tags,
		TagFieldSpecifications: []types.TagFieldSpecificationRequest{
			{ResourceType: types.TaggableResourceType("instance"), TagKeys: []string{"Team", "Env"}},
		},
	}
	logs := &ec2.CreateFlowLogsInput{
		ResourceIds: []string{logENI}, ResourceType: types.FlowLogsResourceTypeNetworkInterface, TrafficType: types.TrafficTypeAll,
		LogGroupName: aws.String("g"), DeliverLogsPermissionArn: aws.String("arn:aws:iam::123456789012:role/r"),
	}
	stream := &ec2.CreateFlowLogsInput{
		ResourceIds: []string{logENI}, ResourceType: types.FlowLogsResourceTypeNetworkInterface, TrafficType: types.TrafficTypeAccept,
		LogDestinationType: types.LogDestinationTypeKinesisDataFirehose, LogDestination: aws.String("arn:aws:firehose:eu-west-1:210987654321:deliverystream/s"),
		DeliverLogsPermissionArn: aws.String("arn:aws:iam::123456789012:role/r"), DeliverCrossAccountRole: aws.String("arn:aws:iam::210987654321:role/AWSLogDeliveryFirehoseCrossAccountRole"),
	}
	return []*ec2.CreateFlowLogsInput{s3, logs, stream}
}

// shown is what DescribeFlowLogs has to say of a flow log, but for its id and age.
func shown(in *ec2.CreateFlowLogsInput) types.FlowLog {
	out := types.FlowLog{
		DeliverLogsStatus: aws.String("SUCCESS"),
		FlowLogStatus:     aws.String("ACTIVE"), ResourceId: &in.ResourceIds[0], TrafficType: in.TrafficType,
		LogDestinationType: in.LogDestinationType, LogDestination: in.LogDestination, LogGroupName: in.LogGroupName, LogFormat: in.LogFormat,
		MaxAggregationInterval: aws.Int32(600), DeliverLogsPermissionArn: in.DeliverLogsPermissionArn, DeliverCrossAccountRole: in.DeliverCrossAccountRole,
	}
	if in.LogDestinationType == "" {
		out.LogDestinationType = types.LogDestinationTypeCloudWatchLogs
	}
	if in.MaxAggregationInterval != nil {
		out.MaxAggregationInterval = in.MaxAggregationInterval
	}
	if in.LogFormat == nil {
		out.LogFormat = aws.String("${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}")
	}
	if o := in.DestinationOptions; o != nil {
		out.DestinationOptions = &types.DestinationOptionsResponse{FileFormat: o.FileFormat, HiveCompatiblePartitions: o.HiveCompatiblePartitions, PerHourPartition: o.PerHourPartition}
	}
	for _, s := range in.TagSpecifications {
		out.Tags = s.Tags
	}
	for _, s := range in.TagFieldSpecifications {
		out.TagFieldSpecifications = append(out.TagFieldSpecifications, types.TagFieldSpecificationResponse{ResourceType: s.ResourceType, TagKeys: s.TagKeys})
	}
	return out
}

// TestFlowLogFields sends every field and reads it again.
func TestFlowLogFields(t *testing.T) {
	c := logger(t)
	for _, in := range inputs() {
		made, err := c.CreateFlowLogs(t.Context(), in)
		if err != nil || len(made.FlowLogIds) != 1 || len(made.Unsuccessful) != 0 || aws.ToString(made.ClientToken) == "" {
			t.Fatalf("%+v, %v", made, err)
		}
		got, err := c.DescribeFlowLogs(t.Context(), &ec2.DescribeFlowLogsInput{FlowLogIds: made.FlowLogIds})
		if err != nil || len(got.FlowLogs) != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
		f := got.FlowLogs[0]
		if age := time.Since(aws.ToTime(f.CreationTime)); age < 0 || age > time.Minute || aws.ToString(f.FlowLogId) != made.FlowLogIds[0] {
			t.Errorf("%s is %v old", aws.ToString(f.FlowLogId), age)
		}
		f.CreationTime, f.FlowLogId = nil, nil
		if diff := cmp.Diff(shown(in), f, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(types.FlowLog{}, types.DestinationOptionsResponse{}, types.Tag{}, types.TagFieldSpecificationResponse{})); diff != "" {
			t.Error(diff)
		}
	}
	deleteAll(t, c)
}

func deleteAll(t *testing.T, c *ec2.Client) {
	t.Helper()
	got, err := c.DescribeFlowLogs(t.Context(), &ec2.DescribeFlowLogsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range got.FlowLogs {
		out, err := c.DeleteFlowLogs(t.Context(), &ec2.DeleteFlowLogsInput{FlowLogIds: []string{*f.FlowLogId}})
		if err != nil || len(out.Unsuccessful) != 0 {
			t.Errorf("%+v, %v", out, err)
		}
	}
	if got, err = c.DescribeFlowLogs(t.Context(), &ec2.DescribeFlowLogsInput{}); err != nil || len(got.FlowLogs) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestFlowLogErrors(t *testing.T) {
	c := logger(t)
	in := inputs()[0]
	if _, err := c.CreateFlowLogs(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	in.TrafficType = types.TrafficTypeAll
	_, err := c.CreateFlowLogs(t.Context(), in)
	wants(t, err, "IdempotentParameterMismatch", "The client token tok was used before, with other parameters")
	in.ClientToken = nil
	_, err = c.CreateFlowLogs(t.Context(), in)
	wants(t, err, "FlowLogAlreadyExists", "Error. There is an existing Flow Log with the same configuration and log destination.")
	in.LogDestination, in.DryRun = aws.String("arn:aws:s3:::c"), aws.Bool(true)
	_, err = c.CreateFlowLogs(t.Context(), in)
	wants(t, err, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	in.ResourceIds = []string{"vpc-x"}
	_, err = c.CreateFlowLogs(t.Context(), in)
	wants(t, err, "InvalidVpcID.NotFound", "The vpc ID 'vpc-x' does not exist")
	_, err = c.DeleteFlowLogs(t.Context(), &ec2.DeleteFlowLogsInput{FlowLogIds: []string{"fl-1"}})
	wants(t, err, "InvalidFlowLogId.NotFound", "These flow log ids in the input list are not found: [TotalCount: 1] fl-1")
}

func TestFlowLogTagsAndTemplate(t *testing.T) {
	c := logger(t)
	made, err := c.CreateFlowLogs(t.Context(), inputs()[0])
	if err != nil {
		t.Fatal(err)
	}
	id := made.FlowLogIds[0]
	if _, err := c.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{id}, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("")}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteTags(t.Context(), &ec2.DeleteTagsInput{Resources: []string{id}, Tags: []types.Tag{{Key: aws.String("Name")}}}); err != nil {
		t.Fatal(err)
	}
	got, err := c.DescribeTags(t.Context(), &ec2.DescribeTagsInput{Filters: []types.Filter{{Name: aws.String("resource-id"), Values: []string{id}}}})
	if err != nil || len(got.Tags) != 1 || *got.Tags[0].Key != "a" || *got.Tags[0].Value != "" || got.Tags[0].ResourceType != types.ResourceTypeVpcFlowLog {
		t.Errorf("%+v, %v", got, err)
	}
	out, err := c.GetFlowLogsIntegrationTemplate(t.Context(), &ec2.GetFlowLogsIntegrationTemplateInput{
		FlowLogId: &id, ConfigDeliveryS3DestinationArn: aws.String("arn:aws:s3:::c"),
		IntegrateServices: &types.IntegrateServices{AthenaIntegrations: []types.AthenaIntegration{{
			IntegrationResultS3DestinationArn: aws.String("arn:aws:s3:::r"), PartitionLoadFrequency: types.PartitionLoadFrequencyNone,
			PartitionStartDate: aws.Time(time.Now().AddDate(-1, 0, 0)), PartitionEndDate: aws.Time(time.Now().Add(-time.Hour)),
		}}},
	})
	if err != nil || !strings.Contains(aws.ToString(out.Result), "AWS::Glue::Table") {
		t.Errorf("%+v, %v", out, err)
	}
}
