package delivery

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestMetricsOfAFlowLogEndWithIt(t *testing.T) {
	m := NewMetrics()
	for _, id := range []string{"fl-1", "fl-2"} {
		m.delivered(id, 2, 30, 400)
		m.delivered(id, 1, 3, 4)
		m.behind(id, 5)
		m.failed(id)
	}
	m.put(6 * time.Millisecond)
	page := func() string {
		var b bytes.Buffer
		m.Set().WritePrometheus(&b)
		return b.String()
	}
	for _, want := range []string{
		"weir_delivery_objects_total{flow_log=\"fl-1\"} 3\n",
		"weir_delivery_records_total{flow_log=\"fl-1\"} 33\n",
		"weir_delivery_bytes_total{flow_log=\"fl-1\"} 404\n",
		"weir_delivery_errors_total{flow_log=\"fl-1\"} 1\n",
		"weir_delivery_waiting_messages{flow_log=\"fl-1\"} 5\n",
		"weir_delivery_last_success_timestamp_seconds{flow_log=\"fl-1\"} ",
		"weir_delivery_put_duration_seconds_bucket{le=\"0.005\"} 0\nweir_delivery_put_duration_seconds_bucket{le=\"0.01\"} 1\n",
	} {
		if !strings.Contains(page(), want) {
			t.Errorf("there is no\n%s in\n%s", want, page())
		}
	}
	m.forget("fl-1")
	if p := page(); strings.Contains(p, "fl-1") || strings.Count(p, "fl-2") != 6 || !strings.Contains(p, "weir_delivery_put_duration_seconds_count 1\n") {
		t.Errorf("after fl-1 has ended:\n%s", p)
	}
}
