package capture

import (
	"fmt"

	"github.com/cilium/ebpf"

	"weir/internal/capture/bpf"
	"weir/internal/flow"
)

// Totals returns what has been counted besides flows.
func (s *Source) Totals() (Totals, error) {
	t := Totals{Excluded: make(map[Exclusion]flow.Count)}
	causes := s.obj.maps[bpf.CaptureMapCauses]
	for cause, to := range map[bpf.CaptureCause]*flow.Count{
		bpf.CaptureCauseNOT_IP:           &t.NotIP,
		bpf.CaptureCauseTRUNCATED:        &t.Truncated,
		bpf.CaptureCauseBAD_HEADER:       &t.BadHeader,
		bpf.CaptureCauseTOO_MANY_HEADERS: &t.TooManyHeaders,
		bpf.CaptureCauseUNATTRIBUTED:     &t.Unattributed,
		bpf.CaptureCauseOTHER_HOST:       &t.OtherHost,
	} {
		c, err := sumCPUs(causes, uint32(cause))
		if err != nil {
			return t, fmt.Errorf("capture: %w", err)
		}
		*to = c
	}
	for _, e := range Exclusions(0).All() {
		c, err := sumCPUs(causes, uint32(bpf.CaptureCauseEXCLUDED)+uint32(e))
		if err != nil {
			return t, fmt.Errorf("capture: %w", err)
		}
		if c.Packets > 0 {
			t.Excluded[e] = c
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t.Skipped = flow.Count{Packets: s.st.Skipped[0], Bytes: s.st.Skipped[1]}
	t.Windows, t.EarlySwaps, t.Unmatched = s.st.Windows, s.st.EarlySwaps, s.unmatched
	// And those of windows that are open, or wait to be handed over.
	for i := range s.slots {
		if s.slots[i].State == slotFree {
			continue
		}
		for generation := range uint32(2) {
			skipped, err := s.skipped(uint16(i), generation)
			if err != nil {
				return t, fmt.Errorf("capture: %w", err)
			}
			t.Skipped.Add(skipped[flow.Ingress])
			t.Skipped.Add(skipped[flow.Egress])
		}
	}
	return t, nil
}

func sumCPUs(m *ebpf.Map, index uint32) (sum flow.Count, err error) {
	var perCPU []bpf.CaptureCount
	if err := m.Lookup(index, &perCPU); err != nil {
		return sum, fmt.Errorf("read counters: %w", err)
	}
	for _, c := range perCPU {
		sum.Add(flow.Count{Packets: c.Packets, Bytes: c.Bytes})
	}
	return sum, nil
}
