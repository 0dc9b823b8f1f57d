package delivery

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics count what is delivered.
type Metrics struct {
	objects, records, bytes, errors *prometheus.CounterVec
	last, waiting                   *prometheus.GaugeVec
	seconds                         prometheus.Histogram
}

// NewMetrics returns counters at zero.
func NewMetrics() *Metrics {
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "weir_delivery_" + name, Help: help}, []string{"flow_log"})
	}
	return &Metrics{
		objects: counter("objects_total", "Objects delivered."),
		records: counter("records_total", "Records delivered."),
		bytes:   counter("bytes_total", "Bytes of objects delivered."),
		errors:  counter("errors_total", "Attempts to make or deliver an object that failed."),
		last: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "weir_delivery_last_success_timestamp_seconds", Help: "Time of the last delivery that succeeded.",
		}, []string{"flow_log"}),
		waiting: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "weir_delivery_waiting_messages", Help: "Messages of the journal that are not delivered yet.",
		}, []string{"flow_log"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "weir_delivery_put_duration_seconds", Help: "Time to put one object.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 14),
		}),
	}
}

// Collectors returns what to register.
func (m *Metrics) Collectors() []prometheus.Collector {
	return []prometheus.Collector{m.objects, m.records, m.bytes, m.errors, m.last, m.waiting, m.seconds}
}

func (m *Metrics) delivered(flowLog string, objects int, records, bytes int64) {
	m.objects.WithLabelValues(flowLog).Add(float64(objects))
	m.records.WithLabelValues(flowLog).Add(float64(records))
	m.bytes.WithLabelValues(flowLog).Add(float64(bytes))
	m.last.WithLabelValues(flowLog).SetToCurrentTime()
}

func (m *Metrics) behind(flowLog string, messages uint64) {
	m.waiting.WithLabelValues(flowLog).Set(float64(messages))
}

// forget drops the counters of a flow log that has ended.
func (m *Metrics) forget(flowLog string) {
	for _, v := range []interface{ DeleteLabelValues(...string) bool }{
		m.objects, m.records, m.bytes, m.errors, m.last, m.waiting,
	} {
		v.DeleteLabelValues(flowLog)
	}
}

func (m *Metrics) failed(flowLog string) { m.errors.WithLabelValues(flowLog).Inc() }

func (m *Metrics) put(d time.Duration) { m.seconds.Observe(d.Seconds()) }
