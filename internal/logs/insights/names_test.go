package insights

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/record"
)

// The names of the default format are those of "Supported logs and discovered fields".
func TestNames(t *testing.T) {
	for _, tt := range []struct{ format, want string }{
		{"${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}",
			"version accountId interfaceId srcAddr dstAddr srcPort dstPort protocol packets bytes start end action logStatus"},
		{"${pkt-srcaddr} ${pkt-dst-aws-service} ${az-id} ${tcp-flags} ${flow-direction} ${ecs-task-definition-arn}",
			"pktSrcAddr pktDstAwsService azId tcpFlags flowDirection ecsTaskDefinitionArn"},
	} {
		f, err := record.ParseLogFormat(tt.format)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Fields(tt.want), Names(f)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.format, diff)
		}
	}
	seen := map[string]record.Field{}
	for _, f := range record.AllFields() {
		name := camel(f.Name())
		if other, ok := seen[name]; ok {
			t.Errorf("%v and %v have one name", f, other)
		}
		if seen[name] = f; strings.ContainsAny(name, "-_") {
			t.Errorf("%v is called %s, which needs backticks", f, name)
		}
	}
}

// Events may be added by several goroutines while another asks for results.
func TestConcurrentUse(t *testing.T) {
	run := mustParse(t, `stats count(*) as n, count_distinct(srcAddr), pct(bytes, 50) by interfaceId | sort n desc | limit 5`).NewRun(Options{})
	var done sync.WaitGroup
	for range 4 {
		done.Go(func() {
			for range 100 {
				for _, e := range events() {
					run.Add(flows, e)
				}
				run.Result()
			}
		})
	}
	done.Wait()
	if got, want := show(run.Result()), "interfaceId=eni-1 | n=1200 | count_distinct(srcAddr)=2 | pct(bytes, 50)=500\n"+
		"interfaceId=eni-2 | n=1200 | count_distinct(srcAddr)=3 | pct(bytes, 50)=80\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
