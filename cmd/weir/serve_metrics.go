package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// collector reads the counters of the kernel and the journal when it is asked.
type collector struct {
	s *service

	journalMessages, journalBytes, journalMax, journalRaw, journalOut *prometheus.Desc
	windows, early, skipped, left, unmatched                          *prometheus.Desc
}

func newCollector(s *service) *collector {
	d := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("weir_"+name, help, labels, nil)
	}
	return &collector{
		s:               s,
		journalMessages: d("journal_messages", "Messages that wait in the journal."),
		journalBytes:    d("journal_bytes", "Disk they take."),
		journalMax:      d("journal_max_bytes", "Limit of that; 0 is none."),
		journalRaw:      d("journal_appended_raw_bytes_total", "Bytes appended, before compression."),
		journalOut:      d("journal_appended_bytes_total", "Bytes appended, after compression."),
		windows:         d("capture_windows_total", "Windows closed in the kernel."),
		early:           d("capture_early_windows_total", "Windows closed before their interval was over."),
		skipped:         d("capture_skipped_packets_total", "Packets that found the flow table full."),
		left:            d("capture_unrecorded_packets_total", "Packets that make no record, by cause.", "cause"),
		unmatched:       d("capture_unmatched_refusals_total", "Refused packets that were seen in no window still open."),
	}
}

// Describe implements [prometheus.Collector].
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.journalMessages, c.journalBytes, c.journalMax, c.journalRaw, c.journalOut,
		c.windows, c.early, c.skipped, c.left, c.unmatched,
	} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	number := func(d *prometheus.Desc, t prometheus.ValueType, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, t, float64(v), labels...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if st, err := c.s.journal.Stats(ctx); err == nil {
		number(c.journalMessages, prometheus.GaugeValue, st.Messages)
		number(c.journalBytes, prometheus.GaugeValue, st.Bytes)
		number(c.journalMax, prometheus.GaugeValue, st.MaxBytes)
		number(c.journalRaw, prometheus.CounterValue, st.RawBytes)
		number(c.journalOut, prometheus.CounterValue, st.OutBytes)
	}
	t, err := c.s.source.Totals()
	if err != nil {
		return
	}
	number(c.windows, prometheus.CounterValue, t.Windows)
	number(c.early, prometheus.CounterValue, t.EarlySwaps)
	number(c.skipped, prometheus.CounterValue, t.Skipped.Packets)
	number(c.unmatched, prometheus.CounterValue, t.Unmatched)
	for cause, n := range map[string]uint64{
		"not-ip": t.NotIP.Packets, "truncated": t.Truncated.Packets, "bad-header": t.BadHeader.Packets,
		"too-many-headers": t.TooManyHeaders.Packets, "unattributed": t.Unattributed.Packets,
		"other-host": t.OtherHost.Packets,
	} {
		number(c.left, prometheus.CounterValue, n, cause)
	}
	for e, n := range t.Excluded {
		number(c.left, prometheus.CounterValue, n.Packets, e.String())
	}
}
