package awsapi

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"weir/internal/ec2"
	"weir/internal/flowlog"
	"weir/internal/kv/kvtest"
)

// slow is a bucket that writes late, too.
type slow struct{ kvtest.Late }

func (s slow) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	time.Sleep(s.By)
	return s.Late.Create(ctx, key, value)
}

// newLateBed is a bed whose watches tell of everything after some milliseconds.
func newLateBed(t *testing.T) *bed {
	late := func(m *kvtest.Memory) slow { return slow{kvtest.Late{Bucket: m, By: 2 * time.Millisecond}} }
	b := newBed(t, func(c *Config) {
		c.Logs = flowlog.NewStore(late(kvtest.New()), late(kvtest.New()))
		c.Tags = late(kvtest.New())
	})
	t.Cleanup(b.cfg.Logs.Close)
	return b
}

// TestDescribeSeesWhatWasDone describes at once what was made, tagged and deleted.
func TestDescribeSeesWhatWasDone(t *testing.T) {
	b := newLateBed(t)
	for n := range 10 {
		id := ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", s3Log).FlowLogIDs[0]
		if got := ok[ec2.DescribeFlowLogsAnswer](b, "DescribeFlowLogs", "").FlowLogs; len(got) != 1 || got[0].FlowLogID != id {
			t.Fatalf("made, but described are %+v", got)
		}
		for _, resource := range []string{id, testENI} {
			tag := fmt.Sprint("t", n)
			ok[ec2.CreateTagsAnswer](b, "CreateTags", "ResourceId.1="+resource+"&Tag.1.Key="+tag+"&Tag.1.Value=x")
			filter := "Filter.1.Name=tag-key&Filter.1.Value.1=" + tag
			found := len(ok[ec2.DescribeFlowLogsAnswer](b, "DescribeFlowLogs", filter).FlowLogs) +
				len(ok[ec2.DescribeNetworkInterfacesAnswer](b, "DescribeNetworkInterfaces", filter).NetworkInterfaces)
			listed := len(ok[ec2.DescribeTagsAnswer](b, "DescribeTags", "Filter.1.Name=key&Filter.1.Value.1="+tag).Tags)
			if found != 1 || listed != 1 {
				t.Fatalf("tag of %s: %d resources found, %d tags listed", resource, found, listed)
			}
			ok[ec2.DeleteTagsAnswer](b, "DeleteTags", "ResourceId.1="+resource+"&Tag.1.Key="+tag)
			if n := len(ok[ec2.DescribeTagsAnswer](b, "DescribeTags", "Filter.1.Name=key&Filter.1.Value.1="+tag).Tags); n != 0 {
				t.Fatalf("a deleted tag of %s is there", resource)
			}
		}
		want := flowlog.Status{Error: "Access error"}
		if err := b.cfg.Logs.SetStatus(t.Context(), id, want); err != nil {
			t.Fatal(err)
		}
		if got := ok[ec2.DescribeFlowLogsAnswer](b, "DescribeFlowLogs", "FlowLogId.1="+id).FlowLogs; len(got) != 1 || got[0].DeliverLogsErrorMessage != want.Error {
			t.Fatalf("status is not described: %+v", got)
		}
		ok[ec2.DeleteFlowLogsAnswer](b, "DeleteFlowLogs", "FlowLogId.1="+id)
		if n := b.logs(); n != 0 {
			t.Fatalf("deleted, but %d are described", n)
		}
	}
}

// TestManyMakeOne makes the same again and again while no watch has told of the
// first, at once and then once more.
func TestManyMakeOne(t *testing.T) {
	b := newLateBed(t)
	var requests []*http.Request
	for range 16 {
		requests = append(requests, b.request("ec2", values("CreateFlowLogs", s3Log)))
	}
	var wg sync.WaitGroup
	for _, r := range requests {
		wg.Go(func() { b.serve(r) })
	}
	wg.Wait()
	b.refused("CreateFlowLogs", s3Log, 400, "FlowLogAlreadyExists", "Error. There is an existing Flow Log with the same configuration and log destination.")
	if n := b.logs(); n != 1 {
		t.Errorf("%d flow logs, want 1", n)
	}
}
