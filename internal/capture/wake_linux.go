package capture

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"

	"weir/internal/capture/bpf"
)

// used returns how many flows the fuller table of the open generation holds.
func (s *Source) used() uint32 {
	var used bpf.CaptureInserts
	if err := s.obj.maps[bpf.CaptureMapUsage].Lookup(s.st.Open, &used); err != nil {
		return 0
	}
	return max(used.Inserted[0], used.Inserted[1])
}

// nearlyFull reports whether a table of the open generation has passed its high
// mark.
func (s *Source) nearlyFull() bool { return s.used() >= s.highMark() }

// wakeReader turns the programs' messages into a channel.
type wakeReader struct {
	r     *ringbuf.Reader
	early chan struct{} // a table passed the high mark
	done  chan struct{}
}

func newWakeReader(m *ebpf.Map) (*wakeReader, error) {
	r, err := ringbuf.NewReader(m)
	if err != nil {
		return nil, fmt.Errorf("read map wake: %w", err)
	}
	w := &wakeReader{r: r, early: make(chan struct{}, 1), done: make(chan struct{})}
	go w.run()
	return w, nil
}

func (w *wakeReader) run() {
	defer close(w.done)
	var rec ringbuf.Record
	for w.r.ReadInto(&rec) == nil {
		select {
		case w.early <- struct{}{}:
		default:
		}
	}
}

func (w *wakeReader) close() {
	w.r.Close()
	<-w.done
}
