package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/internal/awsapi"
	"weir/internal/flowlog"
	"weir/internal/kv/kvtest"
	"weir/internal/sigv4"
	"weir/internal/vpc"
)

// TestOwnAPI does with our own API what TestMoto does with another.
func TestOwnAPI(t *testing.T) {
	const eni, subnet, net = "eni-0123456789abcdef0", "subnet-0123456789abcdef0", "vpc-0123456789abcdef0"
	index := vpc.NewIndex(vpc.Network{
		AccountID: "123456789012", Region: "us-east-1",
		VPCs:    []vpc.VPC{{ID: net, AccountID: "123456789012"}},
		Subnets: []vpc.Subnet{{ID: subnet, VPCID: net, CIDRs: []netip.Prefix{netip.MustParsePrefix("10.9.1.0/24")}, Tags: vpc.Tags{"Name": "front"}}},
		Interfaces: []*vpc.Interface{{
			ID: eni, VPCID: net, SubnetID: subnet, InstanceID: "i-0123456789abcdef0", Region: "us-east-1",
			Addrs: []netip.Addr{netip.MustParseAddr("10.9.1.20")}, Tags: vpc.Tags{"Name": "web"}, InstanceTags: vpc.Tags{"Name": "db one"},
		}},
	})
	logs := flowlog.NewStore(kvtest.New(), kvtest.New())
	api, err := awsapi.New(awsapi.Config{
		Account: "123456789012", Region: "us-east-1",
		Keys: func(id string) (sigv4.Key, bool) { return sigv4.Key{ID: id, Secret: "secret"}, id == "AKIDEXAMPLE" },
		Logs: logs, Model: func() *vpc.Index { return index }, Tags: kvtest.New(), Tokens: kvtest.New(),
		S3: http.NotFoundHandler(), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api)
	defer server.Close()
	atEndpoint(t, server.URL)
	do := func(status int, args ...string) result {
		t.Helper()
		r := weir(t.Context(), args...)
		if r.status() != status {
			t.Fatalf("weir %s: status %d, want %d\nerror: %v\n%s%s", strings.Join(args, " "), r.status(), status, r.err, r.stdout, r.stderr)
		}
		return r
	}
	if r := do(exitDone, "interfaces", "--ip", "10.9.1.20", "--instance", "i-0123456789abcdef0", "--vpc", net); !strings.Contains(r.stdout, eni) {
		t.Errorf("interfaces: %s", r.stdout)
	}
	do(exitDiffer, "interfaces", "--service", "nat")
	// What the model names is what records are read with.
	file := filepath.Join(t.TempDir(), "x.log")
	if err := os.WriteFile(file, []byte("interface-id srcaddr dstaddr instance-id start end\n"+
		eni+" 10.9.1.20 10.9.1.77 i-0123456789abcdef0 1795500000 1795500059\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for by, name := range map[string]string{"interface-id": "web", "srcaddr": "web", "instance-id": "db one", "dstaddr": "subnet front"} {
		if r := do(exitDone, "top", file, "--by", by, "--names", "api", "--sum", "records"); !strings.Contains(r.stdout, name) {
			t.Errorf("%s is not called %s: %s", by, name, r.stdout)
		}
	}
	do(exitDone, "create", eni, "--to", "s3://flows", "--dry-run")
	do(exitDiffer, "list")
	ids := strings.Fields(do(exitDone, "create", eni, subnet, net, "--to", "s3://flows/web", "--interval", "1m",
		"--format", "default+tcp-flags", "--parquet", "--hourly", "--tag", "Name=mine", "--for", "1s").stdout)
	if len(ids) != 3 {
		t.Fatalf("created %q", ids)
	}
	if r := do(exitFailed, "create", eni, "--to", "s3://flows/web"); codeOf(r.err) != "FlowLogAlreadyExists" {
		t.Errorf("created again: %v", r.err)
	}
	do(exitDone, "create", eni, "--to", "logs://group", "--role", "arn:aws:iam::123456789012:role/r")
	if r := do(exitDone, "list", "--resource", net); !strings.Contains(r.stdout, "s3://flows/web") || !strings.Contains(r.stdout, "mine") {
		t.Errorf("listed %s", r.stdout)
	}
	// The service deletes what has expired, the rest is deleted by hand.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	gone := 0
	_ = logs.Expire(ctx, func(f *flowlog.FlowLog, err error) {
		if gone++; err != nil || gone == len(ids) {
			cancel()
		}
	})
	if r := do(exitDone, "list"); gone != len(ids) || strings.Contains(r.stdout, "s3://") {
		t.Errorf("%d have expired; there is %s", gone, r.stdout)
	}
	if r := do(exitFailed, "delete", ids[0]); !strings.Contains(r.stderr, "InvalidFlowLogId.NotFound") {
		t.Errorf("deleted again: %s", r.stderr)
	}
	delivered, stop := context.WithCancel(t.Context())
	defer stop()
	go deliverLast(delivered, logs)
	do(exitDone, "delete", "--resource", eni)
	do(exitDiffer, "list")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "another")
	if r := do(exitFailed, "list"); r.hint() == "" {
		t.Errorf("with a wrong key: %v", r.err)
	}
}

// deliverLast plays the delivery, which forgets deleted flow logs when it is done
// with them.
func deliverLast(ctx context.Context, logs *flowlog.Store) {
	for ctx.Err() == nil {
		all, _ := logs.List(ctx)
		for i := range all {
			if !all[i].Active() {
				_ = logs.Forget(ctx, all[i].ID)
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
}
