package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// counted is metrics, and what the name of each means.
type counted interface {
	Set() *metrics.Set
	Help() map[string]string
}

// showMetrics serves what the parts counted, and what the kernel and the journal
// say when they are asked.
func (s *service) showMetrics(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Write(metricsText([]counted{s.captured, s.delivered, s.filtered, s.read(ctx)}))
}

// metricsText returns metrics in Prometheus' text format.
func metricsText(all []counted) []byte {
	metrics.ExposeMetadata(true) // HELP and TYPE; there is no switch but that of the process
	var page []byte
	for _, c := range all {
		var plain bytes.Buffer
		c.Set().WritePrometheus(&plain)
		help := c.Help()
		for line := range strings.Lines(plain.String()) {
			if name, ok := strings.CutPrefix(line, "# HELP "); ok { // it has no text yet
				name = strings.TrimSpace(name)
				line = fmt.Sprintf("# HELP %s %s\n", name, help[name])
			}
			page = append(page, line...)
		}
	}
	return page
}

// readings are metrics that somebody else keeps, as they were when they were read.
type readings struct {
	set  *metrics.Set
	help map[string]string
}

func newReadings() *readings {
	return &readings{set: metrics.NewSet(), help: make(map[string]string)}
}

func (r *readings) Set() *metrics.Set       { return r.set }
func (r *readings) Help() map[string]string { return r.help }

func (r *readings) gauge(name, help string, v uint64) {
	r.help[name] = help
	r.set.NewGauge(name, nil).Set(float64(v))
}

// counter takes a name with or without labels.
func (r *readings) counter(name, help string, v uint64) {
	family, _, _ := strings.Cut(name, "{")
	r.help[family] = help
	r.set.NewCounter(name).Set(v)
}

// read returns what can be read now.
func (s *service) read(ctx context.Context) *readings {
	r := newReadings()
	if st, err := s.journal.Stats(ctx); err == nil {
		r.gauge("weir_journal_messages", "Messages that wait in the journal.", st.Messages)
		r.gauge("weir_journal_bytes", "Disk they take.", st.Bytes)
		r.gauge("weir_journal_max_bytes", "Limit of that; 0 is none.", st.MaxBytes)
		r.counter("weir_journal_appended_raw_bytes_total", "Bytes appended, before compression.", st.RawBytes)
		r.counter("weir_journal_appended_bytes_total", "Bytes appended, after compression.", st.OutBytes)
	}
	s.readGroups(r)
	t, err := s.source.Totals()
	if err != nil {
		return r
	}
	r.counter("weir_capture_windows_total", "Windows closed in the kernel.", t.Windows)
	r.counter("weir_capture_early_windows_total", "Windows closed before their interval was over.", t.EarlySwaps)
	r.counter("weir_capture_skipped_packets_total", "Packets that found the flow table full.", t.Skipped.Packets)
	r.counter("weir_capture_unmatched_refusals_total", "Refused packets that were seen in no window still open.", t.Unmatched)
	left := func(cause string, packets uint64) {
		r.counter(fmt.Sprintf("weir_capture_unrecorded_packets_total{cause=%q}", cause), "Packets that make no record, by cause.", packets)
	}
	left("not-ip", t.NotIP.Packets)
	left("truncated", t.Truncated.Packets)
	left("bad-header", t.BadHeader.Packets)
	left("too-many-headers", t.TooManyHeaders.Packets)
	left("unattributed", t.Unattributed.Packets)
	left("other-host", t.OtherHost.Packets)
	for e, n := range t.Excluded {
		left(e.String(), n.Packets)
	}
	return r
}
