package delivery

import (
	"fmt"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// Metrics count what is delivered. Each flow log has its own of all but one.
type Metrics struct {
	set     *metrics.Set
	help    map[string]string // by name
	seconds *metrics.PrometheusHistogram
}

// NewMetrics returns counters at zero.
func NewMetrics() *Metrics {
	m := &Metrics{set: metrics.NewSet(), help: map[string]string{
		"weir_delivery_objects_total":                  "Objects, or batches of events, delivered.",
		"weir_delivery_records_total":                  "Records delivered.",
		"weir_delivery_bytes_total":                    "Bytes of objects and batches delivered.",
		"weir_delivery_errors_total":                   "Attempts to make or deliver an object or a batch that failed.",
		"weir_delivery_refused_records_total":          "Records that were not taken with the rest of their batch, and are sent again.",
		"weir_delivery_lost_records_total":             "Records that the destination never takes, such as events that are too old.",
		"weir_delivery_last_success_timestamp_seconds": "Time of the last delivery that succeeded.",
		"weir_delivery_waiting_messages":               "Messages of the journal that are not delivered yet.",
		"weir_delivery_put_duration_seconds":           "Time to send one object or batch.",
	}}
	m.seconds = m.set.NewPrometheusHistogramExt("weir_delivery_put_duration_seconds", metrics.ExponentialBuckets(0.005, 2, 14))
	return m
}

// Set returns what is counted.
func (m *Metrics) Set() *metrics.Set { return m.set }

// Help returns what each name of the set means.
func (m *Metrics) Help() map[string]string { return m.help }

// of returns the name of a flow log's own metric.
func of(flowLog, name string) string { return fmt.Sprintf("%s{flow_log=%q}", name, flowLog) }

func (m *Metrics) add(flowLog, name string, n int64) {
	m.set.GetOrCreateCounter(of(flowLog, name)).AddInt64(n)
}

func (m *Metrics) gauge(flowLog, name string, v float64) {
	m.set.GetOrCreateGauge(of(flowLog, name), nil).Set(v)
}

func (m *Metrics) delivered(flowLog string, objects int, records, bytes int64) {
	m.add(flowLog, "weir_delivery_objects_total", int64(objects))
	m.add(flowLog, "weir_delivery_records_total", records)
	m.add(flowLog, "weir_delivery_bytes_total", bytes)
	m.gauge(flowLog, "weir_delivery_last_success_timestamp_seconds", float64(time.Now().UnixMilli())/1e3)
}

func (m *Metrics) behind(flowLog string, messages uint64) {
	m.gauge(flowLog, "weir_delivery_waiting_messages", float64(messages))
}

// forget drops the counters of a flow log that has ended.
func (m *Metrics) forget(flowLog string) {
	for name := range m.help {
		m.set.UnregisterMetric(of(flowLog, name))
	}
}

func (m *Metrics) failed(flowLog string) { m.add(flowLog, "weir_delivery_errors_total", 1) }

func (m *Metrics) put(d time.Duration) { m.seconds.Update(d.Seconds()) }

func (m *Metrics) refused(flowLog string, records int64) {
	m.add(flowLog, "weir_delivery_refused_records_total", records)
}

func (m *Metrics) lost(flowLog string, records int64) {
	m.add(flowLog, "weir_delivery_lost_records_total", records)
}
