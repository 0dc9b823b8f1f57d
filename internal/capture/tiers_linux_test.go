package capture

import (
	"testing"

	"weir/internal/capture/bpf"
	"weir/internal/flow"
)

// tiers are the ways to capture, by what they avoid of the running kernel.
var tiers = []struct {
	name   string
	config func(Config) Config
	want   string // its Features
}{
	{"tcx and typed tracepoint", func(c Config) Config { return c }, "tcx + tp_btf"},
	{"tc, raw tracepoint, map grace", func(c Config) Config {
		c.avoid.tcx, c.avoid.typedTracepoint, c.avoid.membarrier = true, true, true
		return c
	}, "tc + raw_tp"},
}

// sub returns the bed for a subtest.
func (b *bed) sub(tb testing.TB) *bed {
	c := *b
	c.tb = tb
	return &c
}

// only returns the hooks of the one interface that is captured.
func (s *Source) only(tb testing.TB) *hooks {
	tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.hooks) != 1 {
		tb.Fatalf("%d interfaces are captured, want 1", len(s.hooks))
	}
	for _, h := range s.hooks {
		return h
	}
	return nil
}

// forgetFragments empties what is remembered of datagrams.
func (b *bed) forgetFragments(s *Source) {
	b.tb.Helper()
	m := s.obj.maps[bpf.CaptureMapFragments]
	var k bpf.CaptureFragmentKey
	var v bpf.CaptureFragment
	var keys []bpf.CaptureFragmentKey
	for it := m.Iterate(); it.Next(&k, &v); {
		keys = append(keys, k)
	}
	for _, k := range keys {
		b.must(m.Delete(k))
	}
}

// busy closes the open window and returns those that are not quiet.
func (b *bed) busy(s *Source) (busy []flow.Window) {
	b.tb.Helper()
	for _, w := range b.window(s) {
		if !w.Quiet {
			busy = append(busy, w)
		}
	}
	return busy
}
