package agent

import (
	"github.com/VictoriaMetrics/metrics"

	"weir/internal/flow"
)

// Metrics count what is captured and journalled.
type Metrics struct {
	set  *metrics.Set
	help map[string]string // by name

	windows, flows, packets, bytes, skipped, errors, unknown *metrics.Counter
	interfaces                                               *metrics.Gauge
}

// NewMetrics returns counters at zero.
func NewMetrics() *Metrics {
	m := &Metrics{set: metrics.NewSet(), help: make(map[string]string)}
	counter := func(name, help string) *metrics.Counter {
		name = "weir_agent_" + name
		m.help[name] = help
		return m.set.NewCounter(name)
	}
	m.windows = counter("windows_total", "Windows put into the journal.")
	m.flows = counter("flows_total", "Flows in these windows.")
	m.packets = counter("packets_total", "Packets in these windows.")
	m.bytes = counter("bytes_total", "IP bytes in these windows.")
	m.skipped = counter("skipped_packets_total", "Packets that found the flow table full.")
	m.errors = counter("errors_total", "Attempts to attach or to hand over windows that failed.")
	m.unknown = counter("unknown_windows_total", "Windows of interfaces that the network model does not know any more.")
	m.interfaces = m.set.NewGauge("weir_agent_interfaces", nil)
	m.help["weir_agent_interfaces"] = "Interfaces captured now."
	return m
}

// Set returns what is counted.
func (m *Metrics) Set() *metrics.Set { return m.set }

// Help returns what each name of the set means.
func (m *Metrics) Help() map[string]string { return m.help }

func (m *Metrics) count(windows []flow.Window) {
	for i := range windows {
		w := &windows[i]
		m.windows.Inc()
		m.flows.Add(len(w.Flows))
		m.skipped.AddInt64(int64(w.SkippedAll().Packets))
		var sum flow.Count
		for n := range w.Flows {
			sum.Add(w.Flows[n].Count)
		}
		m.packets.AddInt64(int64(sum.Packets))
		m.bytes.AddInt64(int64(sum.Bytes))
	}
}
