package main

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// TestTerraformLogs makes, changes and destroys a log group, its metric filter and the flow
// log that delivers to it, and waits for records.
func TestTerraformLogs(t *testing.T) {
	t.Parallel() // it waits for minutes to end
	b, cmd, tf := newTerraformBed(t)
	tf.copy("logs/logs.tf")
	tf.run(0, "successfully initialized", "init", "-no-color")
	tf.run(0, "8 added, 0 changed, 0 destroyed", "apply", "-auto-approve")
	tf.settled()
	b.until(time.Minute, "the interfaces are captured", func() bool { n, _ := b.metric("weir_agent_interfaces"); return n == 2 })
	b.knock(refused, 80)
	if _, err := b.far.Namespace().ServeHTTP(netip.AddrPortFrom(farther, 80), nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.near.Namespace().Get(t.Context(), "http://"+farther.String()); err != nil {
		t.Fatal(err)
	}

	tf.vars = append(tf.vars, "-var=retention=30", "-var=name=renamed")
	tf.run(0, "0 added, 2 changed, 0 destroyed", "apply", "-auto-approve")
	tf.settled()
	tf.run(0, "Removed", "state", "rm", "aws_cloudwatch_log_group.flow", "aws_cloudwatch_log_metric_filter.refused")
	tf.run(0, "Import successful", "import", "aws_cloudwatch_log_group.flow", "/vpc/flow")
	tf.run(0, "Import successful", "import", "aws_cloudwatch_log_metric_filter.refused", "/vpc/flow:refused")
	tf.settled()

	const value = `weir_logs_metric_filter_value_total{log_group="/vpc/flow",filter="refused",namespace="Flow",metric="RefusedPackets",dimension_Interface="`
	b.until(3*time.Minute, "refused packets are counted", func() bool { return strings.Contains(b.page("/metrics"), value) })
	var refusals, all int
	for line := range strings.Lines(tf.weir("read", "logs:///vpc/flow", "--json")) {
		var r struct{ Action string }
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if all++; r.Action == "REJECT" {
			refusals++
		}
	}
	if refusals == 0 || refusals == all {
		t.Errorf("%d of %d records are refused", refusals, all)
	}
	tf.run(0, "8 destroyed", "destroy", "-auto-approve")
	if page := b.page("/metrics"); strings.Contains(page, "weir_logs_metric_filter") {
		t.Errorf("a deleted filter is still counted:\n%s", page)
	}
	b.terminate(cmd)
}
