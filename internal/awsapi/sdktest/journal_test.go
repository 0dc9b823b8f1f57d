package sdktest

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"weir/internal/awsapi"
	"weir/internal/flowlog"
	"weir/internal/journal"
	"weir/internal/kv"
	"weir/internal/vpc"
)

// TestLimitsOverTheJournal makes as many flow logs with one call as there may be, in
// the buckets that are used for real, and makes them again with the same token.
func TestLimitsOverTheJournal(t *testing.T) {
	j, err := journal.Open(t.Context(), journal.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	bucket := func(name string) kv.Bucket {
		b, err := j.KV(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var n vpc.Network
	in := &ec2.CreateFlowLogsInput{
		ClientToken: aws.String("all"), ResourceType: types.FlowLogsResourceTypeNetworkInterface, TrafficType: types.TrafficTypeAll,
		LogDestinationType: types.LogDestinationTypeS3, LogDestination: aws.String("arn:aws:s3:::b"),
	}
	for i := range flowlog.MaxResources {
		id := fmt.Sprintf("eni-%017x", i)
		n.Interfaces = append(n.Interfaces, &vpc.Interface{ID: id})
		in.ResourceIds = append(in.ResourceIds, id)
	}
	index := vpc.NewIndex(n)
	c := clientOf(t, awsapi.Config{
		Logs:  flowlog.NewStore(bucket("flowlogs"), bucket("status")),
		Model: func() *vpc.Index { return index }, Tags: bucket("tags"), Tokens: bucket("tokens"),
	})
	start := time.Now()
	first, err := c.CreateFlowLogs(t.Context(), in)
	if err != nil || len(first.FlowLogIds) != flowlog.MaxResources || len(first.Unsuccessful) != 0 {
		t.Fatalf("%+v, %v", first, err)
	}
	t.Logf("%d flow logs in %v", flowlog.MaxResources, time.Since(start))
	second, err := c.CreateFlowLogs(t.Context(), in)
	if err != nil || fmt.Sprint(second.FlowLogIds) != fmt.Sprint(first.FlowLogIds) {
		t.Errorf("the same token made %+v, %v", second, err)
	}
	start = time.Now()
	got, err := c.DescribeFlowLogs(t.Context(), &ec2.DescribeFlowLogsInput{})
	if err != nil || len(got.FlowLogs) != flowlog.MaxResources {
		t.Errorf("%d flow logs, %v", len(got.FlowLogs), err)
	}
	t.Logf("described in %v", time.Since(start))
	if out, err := c.DeleteFlowLogs(t.Context(), &ec2.DeleteFlowLogsInput{FlowLogIds: first.FlowLogIds}); err != nil || len(out.Unsuccessful) != 0 {
		t.Errorf("%+v, %v", out, err)
	}
}
