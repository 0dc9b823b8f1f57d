package awsapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"weir/internal/flowlog"
	"weir/internal/journal"
	"weir/internal/kv"
	"weir/internal/vpc"
)

// manyFlowLogs is how many a description has to be fast with.
const manyFlowLogs = 10_000

// A registry is a service over the journal that is used for real, with the interfaces
// of the metropolis, and a flow log with two tags and a status for each.
type registry struct {
	*API
	logs, status kv.Bucket
}

func newRegistry(b *testing.B) *registry {
	b.Helper()
	j, err := journal.Open(b.Context(), journal.Config{Dir: b.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { j.Close() })
	bucket := func(name string) kv.Bucket {
		k, err := j.KV(b.Context(), name)
		if err != nil {
			b.Fatal(err)
		}
		return k
	}
	r := &registry{townAPI(b), bucket("flow-logs"), bucket("status")}
	x := metropolis(manyInterfaces)
	r.cfg.Model, r.cfg.Now, r.cfg.Logger = func() *vpc.Index { return x }, time.Now, slog.New(slog.DiscardHandler)
	r.cfg.Tokens, r.changes = bucket("tokens"), kv.NewCopy(bucket("tags"), decodeChange)
	b.Cleanup(r.changes.Close)
	r.cfg.Bucket = func(context.Context, string) error { return nil }
	r.reopen()
	b.Cleanup(func() { r.cfg.Logs.Close() })
	fill(b, r.logs, r.status)
	return r
}

// reopen begins with nothing in memory.
func (r *registry) reopen() {
	if r.cfg.Logs != nil {
		r.cfg.Logs.Close()
	}
	r.cfg.Logs = flowlog.NewStore(r.logs, r.status)
}

func put(b *testing.B, bucket kv.Bucket, key string, value any) {
	raw, err := json.Marshal(value)
	if err == nil {
		_, err = bucket.Put(b.Context(), key, raw)
	}
	if err != nil {
		b.Error(err)
	}
}

// fill writes flow logs and statuses, several at once: each waits for the disk.
func fill(b *testing.B, logs, status kv.Bucket) {
	numbers := make(chan int)
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for n := range numbers {
				f := flowlog.FlowLog{ID: fmt.Sprintf("fl-%017x", n), Account: account, Region: "eu-west-1", Created: time.Unix(int64(1_800_000_000-n), 0).UTC()}
				f.Params = flowlog.Params{
					ResourceType: flowlog.NetworkInterface, ResourceID: fmt.Sprintf("eni-%017x", n), TrafficType: "ALL",
					DestinationType: flowlog.S3, Destination: flowlog.BucketARN("logs-"+strconv.Itoa(n%10), ""),
					Tags: []flowlog.Tag{{Key: "Name", Value: "host-" + strconv.Itoa(n)}, {Key: "team", Value: "net"}},
				}
				if err := f.Check(); err != nil {
					b.Error(err)
				}
				put(b, logs, f.ID, &f)
				put(b, status, f.ID, &flowlog.Status{Last: f.Created, Objects: 7, Records: 1000, Bytes: 1 << 20})
			}
		})
	}
	for n := range manyFlowLogs {
		numbers <- n
	}
	close(numbers)
	wg.Wait()
}

var flowLogQueries = []struct{ name, query string }{
	{"ID", "FlowLogId.1=fl-0000000000000000a"},
	{"Resource", "Filter.1.Name=resource-id&Filter.1.Value.1=eni-0000000000000000a"},
	{"Tag", "Filter.1.Name=tag:Name&Filter.1.Value.1=host-77*"},
	{"Status", "Filter.1.Name=deliver-log-status&Filter.1.Value.1=FAILED"},
	{"Page", "MaxResults=1000"},
	{"FirstPage", "MaxResults=5"},
	{"All", ""},
}

// BenchmarkFlowLogs is what calls cost among 10 000 flow logs in the journal, the
// answer's XML with it.
func BenchmarkFlowLogs(b *testing.B) {
	r := newRegistry(b)
	for _, q := range flowLogQueries {
		params := asked(b, q.query)
		b.Run("Describe/"+q.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				describeOnce(b, r.API, "DescribeFlowLogs", params)
			}
		})
	}
	b.Run("Describe/Start", func(b *testing.B) { // nothing in memory yet
		params := asked(b, flowLogQueries[1].query)
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			r.reopen()
			b.StartTimer()
			describeOnce(b, r.API, "DescribeFlowLogs", params)
		}
	})
	b.Run("Describe/Changed", func(b *testing.B) { // after a change in each bucket
		params := asked(b, flowLogQueries[1].query)
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			b.StopTimer()
			id := fmt.Sprintf("fl-%017x", n%manyFlowLogs)
			put(b, r.status, id, &flowlog.Status{Objects: uint64(n)})
			if err := r.cfg.Logs.Change(b.Context(), id, func(f *flowlog.FlowLog) { f.Tags = nil }); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			describeOnce(b, r.API, "DescribeFlowLogs", params)
		}
	})
	made := 0 // each run makes more of them
	b.Run("Create", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			created := describeOnce(b, r.API, "CreateFlowLogs", asked(b, fmt.Sprintf("ResourceId.1=eni-%017x&ResourceType=NetworkInterface&"+
				"TrafficType=ALL&LogDestinationType=s3&LogDestination=arn:aws:s3:::new-%d", made%manyInterfaces, made)))
			if !bytes.Contains(created, []byte("<flowLogIdSet><item>fl-")) {
				b.Fatalf("made nothing: %s", created)
			}
			made++
		}
	})
}

func asked(b *testing.B, text string) url.Values {
	params, err := url.ParseQuery(text)
	if err != nil {
		b.Fatal(err)
	}
	return params
}
