package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"weir/internal/delivery/deliverytest"
	"weir/internal/lab"
)

// TestServeDeliversToLogsAndFirehose has a flow log of accepted and one of refused traffic
// in one log group of Weir's own, and one in a delivery stream of another service.
func TestServeDeliversToLogsAndFirehose(t *testing.T) {
	stream := deliverytest.NewFirehose("flows")
	server := deliverytest.NewServer(t, stream)
	server.SetKey("a")
	b := newServeBed(t, "", fmt.Sprintf(`flow-logs:
  - {name: accepted, resource: lab, max-aggregation-interval: 60, traffic-type: ACCEPT, destination: "logs:///vpc/flows"}
  - {name: refused, resource: lab-a, max-aggregation-interval: 60, traffic-type: REJECT, destination: "arn:aws:logs:eu-test-1:123456789012:log-group:/vpc/flows:*"}
  - {name: stream, resource: lab, max-aggregation-interval: 60, destination: "arn:aws:firehose:eu-test-1:123456789012:deliverystream/flows"}
destinations:
  - delivery-streams: [flows]
    endpoint: %s
    access-key-id-env: TEST_KEY
    secret-access-key-env: TEST_SECRET
`, server.URL))
	cmd, _ := b.serve()
	b.capturing()
	if sent, answered, err := b.near.Namespace().Ping(t.Context(), lab.PingConfig{Dst: farther, Count: 7}); err != nil || sent != answered {
		t.Fatalf("%d of %d pings are answered, %v", answered, sent, err)
	}
	if _, answered, err := b.near.Namespace().Ping(t.Context(), lab.PingConfig{Src: refused, Dst: farther, Count: 3}); err != nil || answered != 0 {
		t.Fatalf("%d pings that are refused are answered, %v", answered, err)
	}
	b.terminate(cmd)

	cmd, exports := b.serve() // and delivers what the first one has handed over
	for _, line := range exports {
		name, value, _ := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		t.Setenv(name, value)
	}
	inGroup := func() int {
		r := weir(t.Context(), "read", "logs:///vpc/flows", "--where", "protocol = 1")
		return strings.Count(r.stdout, " OK\n")
	}
	inStream := func() (lines []string) {
		server.With(func(p deliverytest.Protocol) {
			for line, n := range p.Lines() {
				for range n {
					if strings.Fields(line)[7] == "1" {
						lines = append(lines, line)
					}
				}
			}
		})
		return lines
	}
	// Both directions at both ends, and what is refused leaves one end and is refused at
	// the other.
	const want = 6
	b.until(time.Minute, "the stream has all", func() bool { return len(inStream()) == want })
	b.until(time.Minute, "the group has all", func() bool { return inGroup() == want })
	r := weir(t.Context(), "read", "logs:///vpc/flows", "--json")
	if strings.Count(r.stdout, `"REJECT"`) != 1 {
		t.Errorf("what was refused is in the group %d times, want once:\n%s", strings.Count(r.stdout, `"REJECT"`), r.stdout)
	}
	if strings.Contains(r.stderr, "-accept") || strings.Contains(r.stderr, "-reject") {
		t.Errorf("there are streams of one traffic only: %s", r.stderr)
	}
	listed := weir(t.Context(), "list", "--json")
	if n := strings.Count(listed.stdout, `"DeliverLogsStatus": "SUCCESS"`); n != 3 {
		t.Errorf("%d of 3 flow logs are doing well:\n%s", n, listed.stdout)
	}
	b.terminate(cmd)
	server.With(func(p deliverytest.Protocol) {
		if p.Repeated() != 0 {
			t.Errorf("%d requests brought something again", p.Repeated())
		}
	})
}
