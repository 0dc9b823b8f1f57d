package delivery_test

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"testing"
	"time"

	"weir/internal/delivery"
	"weir/internal/delivery/deliverytest"
	"weir/internal/flowlog"
)

// later is the time at the destinations of the suite: its windows are a little older.
func later() time.Time { return deliverytest.Epoch.Add(4 * time.Hour) }

// kits are the destinations, by the names of their tests.
func kits() map[string]*deliverytest.Kit {
	service := func(url string, timeout time.Duration) delivery.ServiceConfig {
		return delivery.ServiceConfig{Endpoint: url, Region: "eu-test-1", AccessKey: deliverytest.Key, SecretKey: "secret", Timeout: timeout, Attempts: 1}
	}
	everything := func(string) bool { return true }
	return map[string]*deliverytest.Kit{
		"s3": {
			Where:    flowlog.Params{DestinationType: flowlog.S3, Destination: "arn:aws:s3:::flows"},
			Protocol: func() deliverytest.Protocol { return &deliverytest.S3{Bucket: "flows"} },
			Sink: func(_ context.Context, url string, timeout time.Duration) (delivery.Sink, error) {
				c := service(url, timeout)
				store, err := delivery.NewS3(delivery.S3Config{Endpoint: c.Endpoint, Region: c.Region, AccessKey: c.AccessKey, SecretKey: c.SecretKey, Timeout: c.Timeout, Attempts: 1})
				return delivery.NewObjects(store), err
			},
			Replaces: true,
		},
		"logs": {
			Where:    flowlog.Params{DestinationType: flowlog.CloudWatchLogs, LogGroup: "/vpc/flows"},
			Protocol: func() deliverytest.Protocol { return deliverytest.NewLogs(later) },
			Sink: func(ctx context.Context, url string, timeout time.Duration) (delivery.Sink, error) {
				logs, err := delivery.NewLogs(ctx, service(url, timeout))
				nobody := func(context.Context) ([]flowlog.FlowLog, error) { return nil, nil }
				return delivery.NewEvents(delivery.LogServices{{Match: everything, Service: logs}}, nobody), err
			},
			Parts: true, Makes: true,
		},
		"firehose": {
			Where:    flowlog.Params{DestinationType: flowlog.Firehose, Destination: "arn:aws:firehose:eu-test-1:123456789012:deliverystream/flows"},
			Protocol: func() deliverytest.Protocol { return deliverytest.NewFirehose("flows") },
			Sink: func(ctx context.Context, url string, timeout time.Duration) (delivery.Sink, error) {
				firehose, err := delivery.NewFirehose(ctx, service(url, timeout))
				return delivery.NewStreamRecords(delivery.StreamServices{{Match: everything, Service: firehose}}), err
			},
			Parts: true,
		},
	}
}

func TestS3Conformance(t *testing.T)       { kits()["s3"].Run(t) }
func TestLogsConformance(t *testing.T)     { kits()["logs"].Run(t) }
func TestFirehoseConformance(t *testing.T) { kits()["firehose"].Run(t) }

func TestS3Kills(t *testing.T)       { kills(t, "s3") }
func TestLogsKills(t *testing.T)     { kills(t, "logs") }
func TestFirehoseKills(t *testing.T) { kills(t, "firehose") }

var kill = flag.Int("kills", 8, "how many processes that deliver are killed, of each destination")

// kills runs this test again as a process that delivers.
func kills(t *testing.T, name string) {
	if dir := os.Getenv("DELIVER_FROM"); dir != "" {
		if err := kits()[name].Deliver(t.Context(), dir, os.Getenv("DELIVER_TO")); err != nil {
			t.Fatal(err)
		}
		return
	}
	kits()[name].Kills(t, *kill, func(dir, url string) *exec.Cmd {
		cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), "DELIVER_FROM="+dir, "DELIVER_TO="+url)
		return cmd
	})
}
