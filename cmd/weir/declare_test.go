package main

import (
	"fmt"
	"sync"
	"testing"

	"weir/internal/flowlog"
	"weir/internal/journal"
)

// TestHostsDeclareTheSameAtOnce starts hosts that share a journal and a file.
func TestHostsDeclareTheSameAtOnce(t *testing.T) {
	j, err := journal.Open(t.Context(), journal.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	open := func(name string) *journal.KV {
		kv, err := j.KV(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return kv
	}
	logs := flowlog.NewStore(open("flow-logs"), open("status"))
	f := flowlog.FlowLog{Account: "123456789012", Region: "local-1", Params: flowlog.Params{
		ResourceType: flowlog.VPC, ResourceID: "vpc-1", TrafficType: "ALL",
		DestinationType: flowlog.S3, Destination: "arn:aws:s3:::b",
	}}
	if err := f.Check(); err != nil {
		t.Fatal(err)
	}
	const hosts = 4
	var wg sync.WaitGroup
	for n := range hosts {
		wg.Go(func() {
			s := &service{journal: j, logs: logs, host: fmt.Sprint("host-", n)}
			if err := s.declare(t.Context(), []flowlog.FlowLog{f}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	all, err := logs.List(t.Context())
	if err != nil || len(all) != 1 || len(all[0].Owners) != hosts {
		t.Errorf("there are %+v, %v, want one with %d owners", all, err, hosts)
	}
}
