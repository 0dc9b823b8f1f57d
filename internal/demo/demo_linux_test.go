package demo

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/capture"
	"weir/internal/flow"
	"weir/internal/lab/labtest"
)

// fields are those of the report's lines that do not change from run to run.
func fields(r *Report) []string {
	var out []string
	for _, l := range r.Lines {
		f := strings.Fields(l.Record)
		out = append(out, strings.Join([]string{f[0], f[3], f[4], f[7], f[12], f[13], f[14]}, " "))
	}
	return out
}

func TestDemoTellsTheStory(t *testing.T) {
	labtest.NeedRoot(t)
	r, err := Run(context.Background(), Config{Interval: 4 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range r.Differences {
		t.Errorf("difference: %s", d)
	}
	want := []string{
		"3 10.0.1.10 10.0.0.80 6 ACCEPT OK 3",
		"3 10.0.0.80 10.0.1.10 6 ACCEPT OK 19",
		"3 10.0.2.66 10.0.0.80 6 REJECT OK 2",
		"3 10.0.3.67 10.0.0.80 6 REJECT OK 2",
		"3 10.0.0.80 10.0.3.67 6 ACCEPT OK 4",
		"3 10.0.1.10 10.0.0.80 6 ACCEPT OK 2",
		"3 10.0.0.80 10.0.1.10 6 ACCEPT OK 4",
		"3 10.0.1.10 10.0.0.80 1 ACCEPT OK 0",
		"3 10.0.0.80 10.0.1.10 1 ACCEPT OK 0",
		"3 10.0.1.10 10.0.0.80 17 ACCEPT OK 0",
		"3 10.0.0.80 10.0.1.10 17 ACCEPT OK 0",
		"3 fd00:1::10 fd00::80 6 ACCEPT OK 3",
		"3 fd00::80 fd00:1::10 6 ACCEPT OK 19",
		"3 10.0.0.80 10.0.1.10 6 REJECT OK 2",
		"3 - - - - NODATA -",
	}
	if diff := cmp.Diff(want, fields(r)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	for _, l := range r.Lines {
		if l.Says == "" {
			t.Errorf("nothing is said of %s", l.Record)
		}
	}
}

func TestDemoEndsWhenInterrupted(t *testing.T) {
	labtest.NeedRoot(t)
	ctx, cancel := context.WithCancel(context.Background())
	began := time.Now()
	_, err := Run(ctx, Config{Interval: time.Hour, Step: func(s string) {
		if strings.HasPrefix(s, "sent") {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want context canceled", err)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it went on for %v", took)
	}
}

// A demonstration that checks nothing would be worth nothing.
func TestDemoNoticesDifferences(t *testing.T) {
	labtest.NeedRoot(t)
	n, err := build()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.lab.Close() })
	s, err := capture.Open(capture.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Watch(capture.Target{Netns: n.serverPath(), Names: []string{"eth0", "eth1"}}); err != nil {
		t.Fatal(err)
	}
	windows, err := n.record(context.Background(), s, Config{Interval: 4 * time.Second, Step: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	eth0 := slices.IndexFunc(windows, func(w flow.Window) bool { return w.Interface.Name == "eth0" })
	for _, tt := range []struct {
		name   string
		change func(w *flow.Window)
		want   string
	}{
		{"nothing", func(*flow.Window) {}, ""},
		{"a flow is missing", func(w *flow.Window) { w.Flows = w.Flows[1:] }, "not recorded"},
		{"a packet is missing", func(w *flow.Window) { w.Flows[0].Packets-- }, "recorded"},
		{"a byte is missing", func(w *flow.Window) { w.Flows[0].Bytes-- }, "recorded"},
		{"a flag is missing", func(w *flow.Window) { w.Flows[0].Flags ^= flow.FIN }, "recorded"},
		{"a verdict is wrong", func(w *flow.Window) { w.Flows[0].Verdict ^= flow.Reject }, "nobody sent it"},
		{"packets were skipped", func(w *flow.Window) { w.Skipped[0].Packets = 1 }, "skipped"},
		{"a flow is too many", func(w *flow.Window) {
			extra := w.Flows[0]
			extra.DstPort = 9
			w.Flows = append(w.Flows, extra)
		}, "nobody sent it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			altered := slices.Clone(windows)
			altered[eth0].Flows = slices.Clone(windows[eth0].Flows)
			tt.change(&altered[eth0])
			r, err := n.report(s, altered)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(r.Differences, "\n")
			if (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
				t.Errorf("differences are %q, want one with %q", got, tt.want)
			}
		})
	}
}
