package api

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/cloudwatch"
)

// counted returns the lines of the metrics, sorted.
func (b *bed) counted() string {
	var out bytes.Buffer
	b.metrics.Set().WritePrometheus(&out)
	var lines []string
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

func (b *bed) putMessages(messages ...string) {
	b.t.Helper()
	in := cloudwatch.PutLogEvents{LogGroupName: "g", LogStreamName: "a"}
	for _, m := range messages {
		in.LogEvents = append(in.LogEvents, cloudwatch.Event{Timestamp: noon.UnixMilli(), Message: m})
	}
	ok[cloudwatch.PutLogEventsAnswer](b, "PutLogEvents", in)
}

func (b *bed) putFilter(name, pattern, value string, dimensions map[string]string) {
	b.t.Helper()
	ok[nothing](b, "PutMetricFilter", cloudwatch.PutMetricFilter{
		LogGroupName: "g", FilterName: name, FilterPattern: pattern,
		MetricTransformations: []cloudwatch.MetricTransformation{{MetricName: "M", MetricNamespace: `N"\`, MetricValue: value, Dimensions: dimensions}},
	})
}

// TestMetrics counts what filters make of events, and no more once they are deleted.
func TestMetrics(t *testing.T) {
	b := newBed(t)
	b.fill(0)
	b.putMessages("10 ACCEPT") // before there is a filter
	b.putFilter("bytes", "[bytes, verdict]", "$bytes", map[string]string{"verdict of": "$verdict"})
	b.putFilter("refused", "REJECT", "2.5", nil)
	b.putMessages("1 ACCEPT", "20 REJECT", "300 ACCEPT", "- ACCEPT", "x")
	b.putMessages("4000 ACCEPT")
	want := `weir_logs_metric_filter_left_out_total{log_group="g",filter="bytes",namespace="N\"\\",metric="M"} 1
weir_logs_metric_filter_matches_total{log_group="g",filter="bytes",namespace="N\"\\",metric="M",dimension_verdict_of="ACCEPT"} 3
weir_logs_metric_filter_matches_total{log_group="g",filter="bytes",namespace="N\"\\",metric="M",dimension_verdict_of="REJECT"} 1
weir_logs_metric_filter_matches_total{log_group="g",filter="refused",namespace="N\"\\",metric="M"} 1
weir_logs_metric_filter_value_total{log_group="g",filter="bytes",namespace="N\"\\",metric="M",dimension_verdict_of="ACCEPT"} 4301
weir_logs_metric_filter_value_total{log_group="g",filter="bytes",namespace="N\"\\",metric="M",dimension_verdict_of="REJECT"} 20
weir_logs_metric_filter_value_total{log_group="g",filter="refused",namespace="N\"\\",metric="M"} 2.5
`
	if diff := cmp.Diff(want, b.counted()); diff != "" {
		t.Error(diff)
	}
	ok[nothing](b, "DeleteMetricFilter", cloudwatch.DeleteMetricFilter{LogGroupName: "g", FilterName: "bytes"})
	b.putMessages("5 ACCEPT")
	if got := b.counted(); strings.Contains(got, `"bytes"`) || !strings.Contains(got, `"refused"`) {
		t.Errorf("after bytes was deleted: %s", got)
	}
	ok[nothing](b, "DeleteLogGroup", cloudwatch.GroupName{LogGroupName: "g"})
	if got := b.counted(); got != "" {
		t.Errorf("after the group was deleted: %s", got)
	}
}

// TestSeriesAreBounded: what may differ without end is counted without its name.
func TestSeriesAreBounded(t *testing.T) {
	b := newBed(t)
	b.fill(0)
	b.putFilter("f", "{ $.id = * }", "1", map[string]string{"id": "$.id"})
	var messages []string
	for i := range maxSeries + 10 {
		messages = append(messages, fmt.Sprintf(`{"id":"%d"}`, i))
	}
	b.putMessages(messages...)
	b.putMessages(messages[0], `{"id":"`+strings.Repeat("ü", maxLabel)+`"}`)
	got := b.counted()
	if n := strings.Count(got, matchesName); n != maxSeries {
		t.Errorf("%d series, want %d", n, maxSeries)
	}
	if !strings.Contains(got, beyondName+`{log_group="g",filter="f",namespace="N\"\\",metric="M"} 11`) ||
		!strings.Contains(got, `dimension_id="0"} 2`) {
		t.Error(got[:1000])
	}
}

func TestLabels(t *testing.T) {
	for in, want := range map[string]string{"": "dimension_", "a.b-c": "dimension_a_b_c", "Größe 1": "dimension_Gr__e_1"} {
		if got := labelName(in); got != want {
			t.Errorf("labelName(%q) is %q, want %q", in, got, want)
		}
	}
	long := strings.Repeat("x", maxLabel-1)
	for in, want := range map[string]string{"a\n\"\\": `a\n\"\\`, "\xff": "\uFFFD", long + "ü": long, long + "xy": long + "x"} {
		if got := labelValue(in); got != want {
			t.Errorf("labelValue(%q) is %q, want %q", in, got, want)
		}
	}
}
