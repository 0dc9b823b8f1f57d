package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"weir/internal/agent"
	"weir/internal/delivery"
)

func TestMetricsAreWrittenAsPrometheusReadsThem(t *testing.T) {
	r := newReadings()
	r.gauge("weir_journal_bytes", "Disk they take.", 1<<40)
	r.counter(`weir_capture_unrecorded_packets_total{cause="not-ip"}`, "Packets that make no record, by cause.", 7)
	r.counter(`weir_capture_unrecorded_packets_total{cause="truncated"}`, "Packets that make no record, by cause.", 1<<63)
	page := metricsText([]counted{agent.NewMetrics(), delivery.NewMetrics(), r})
	lintMetrics(t, page)
	for _, want := range []string{
		"# HELP weir_agent_windows_total Windows put into the journal.\n# TYPE weir_agent_windows_total counter\nweir_agent_windows_total 0\n",
		"# HELP weir_agent_interfaces Interfaces captured now.\n# TYPE weir_agent_interfaces gauge\nweir_agent_interfaces 0\n",
		"# HELP weir_delivery_put_duration_seconds Time to send one object or batch.\n# TYPE weir_delivery_put_duration_seconds histogram\n" +
			"weir_delivery_put_duration_seconds_bucket{le=\"0.005\"} 0\n",
		"weir_delivery_put_duration_seconds_bucket{le=\"40.96\"} 0\nweir_delivery_put_duration_seconds_bucket{le=\"+Inf\"} 0\n" +
			"weir_delivery_put_duration_seconds_sum 0\nweir_delivery_put_duration_seconds_count 0\n",
		"# TYPE weir_journal_bytes gauge\nweir_journal_bytes 1099511627776\n",
		"# HELP weir_capture_unrecorded_packets_total Packets that make no record, by cause.\n" +
			"# TYPE weir_capture_unrecorded_packets_total counter\n" +
			"weir_capture_unrecorded_packets_total{cause=\"not-ip\"} 7\n" +
			"weir_capture_unrecorded_packets_total{cause=\"truncated\"} 9223372036854775808\n",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("there is no\n%sin\n%s", want, page)
		}
	}
}

// lintMetrics has Prometheus' own parser and linter read a page.
func lintMetrics(tb testing.TB, page []byte) {
	tb.Helper()
	problems, err := promlint.New(bytes.NewReader(page)).Lint()
	if err != nil {
		tb.Errorf("Prometheus does not understand /metrics: %v\n%s", err, page)
	}
	for _, p := range problems {
		tb.Errorf("metric %s: %s", p.Metric, p.Text)
	}
}
