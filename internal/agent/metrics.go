package agent

import (
	"github.com/prometheus/client_golang/prometheus"

	"weir/internal/flow"
)

// Metrics count what is captured and journalled.
type Metrics struct {
	windows, flows, packets, bytes, skipped, errors, unknown prometheus.Counter
	interfaces                                               prometheus.Gauge
}

// NewMetrics returns counters at zero.
func NewMetrics() *Metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "weir_agent_" + name, Help: help})
	}
	return &Metrics{
		windows: counter("windows_total", "Windows put into the journal."),
		flows:   counter("flows_total", "Flows in these windows."),
		packets: counter("packets_total", "Packets in these windows."),
		bytes:   counter("bytes_total", "IP bytes in these windows."),
		skipped: counter("skipped_packets_total", "Packets that found the flow table full."),
		errors:  counter("errors_total", "Attempts to attach or to hand over windows that failed."),
		unknown: counter("unknown_windows_total", "Windows of interfaces that the network model does not know any more."),
		interfaces: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "weir_agent_interfaces", Help: "Interfaces captured now.",
		}),
	}
}

// Collectors returns what to register.
func (m *Metrics) Collectors() []prometheus.Collector {
	return []prometheus.Collector{m.windows, m.flows, m.packets, m.bytes, m.skipped, m.errors, m.unknown, m.interfaces}
}

func (m *Metrics) count(windows []flow.Window) {
	for i := range windows {
		w := &windows[i]
		m.windows.Inc()
		m.flows.Add(float64(len(w.Flows)))
		m.skipped.Add(float64(w.SkippedAll().Packets))
		var sum flow.Count
		for n := range w.Flows {
			sum.Add(w.Flows[n].Count)
		}
		m.packets.Add(float64(sum.Packets))
		m.bytes.Add(float64(sum.Bytes))
	}
}
