package capture

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"

	"weir/internal/capture/bpf"
	"weir/internal/flow"
)

// Values of state.Pending: what there is to do with the closed generation.
const (
	pendingNothing = iota
	pendingWindow  // hand it over
	pendingClear   // it was handed over
)

// Bits of the control word (maps.h).
const controlClosing = 2

// Run closes a window of every captured interface at the end of each interval,
// earlier if a table is nearly full, and hands it to sink. When ctx ends it
// takes the hooks off, hands over what was counted until then, and returns; its
// error is then that of the last attempt. Intervals go on where a former process
// left them.
func (s *Source) Run(ctx context.Context, interval time.Duration, sink Sink) error {
	s.mu.Lock()
	err := s.dropUnwanted()
	s.interval = interval
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	for told := ""; ; {
		if err := s.settle(sink); err != nil {
			if text := err.Error(); text != told {
				s.cfg.Logger.Error("hand over windows; they stay in the kernel", "err", err)
				told = text
			}
			select {
			case <-ctx.Done():
				return s.finish(sink)
			case <-time.After(retryPause):
			}
			continue
		}
		end, closeNow := s.schedule()
		switch {
		case ctx.Err() != nil:
			return s.finish(sink)
		case closeNow, s.nearlyFull():
			err = s.swap(time.Now(), false)
		default:
			select {
			case <-ctx.Done():
			case <-s.wake.early: // perhaps about the generation closed since
			case <-s.poked:
			case <-time.After(time.Until(end)):
				err = s.swap(s.endOf(end, time.Now()), true)
			}
		}
		if err != nil {
			return fmt.Errorf("capture: %w", err)
		}
	}
}

// finish ends the capture and hands over the last window.
func (s *Source) finish(sink Sink) error {
	s.mu.Lock()
	err := s.removeAll()
	s.mu.Unlock()
	if e := s.settle(sink); e != nil {
		return fmt.Errorf("capture: hand over windows: %w", errors.Join(err, e))
	}
	if e := s.swap(time.Now(), true); e != nil {
		return fmt.Errorf("capture: %w", errors.Join(err, e))
	}
	if e := s.settle(sink); e != nil {
		return fmt.Errorf("capture: hand over windows: %w", errors.Join(err, e))
	}
	return err
}

func (s *Source) setControl(word uint32) error {
	if err := s.obj.maps[bpf.CaptureMapControl].Put(uint32(0), word); err != nil {
		return fmt.Errorf("switch generations: %w", err)
	}
	return nil
}

// swap closes the open generation at the given moment, which is now or was just
// before. The other one is empty by now.
func (s *Source) swap(at time.Time, endsInterval bool) error {
	now := at.UnixNano()
	s.mu.Lock()
	s.st.Open ^= 1
	open := s.st.Open
	s.st.Start[open] = now
	s.st.End = now
	s.st.Pending = pendingWindow
	s.st.EndsInterval = 0
	s.st.From = s.st.Interval
	if endsInterval {
		s.st.EndsInterval = 1
		s.st.Interval = now
	} else {
		s.st.EarlySwaps++
	}
	s.st.Windows++
	err := s.st.write(s.obj.maps[mapState])
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.switchTo(open)
}

// switchTo makes the programs count into a generation, and returns when nobody
// reaches the other.
//
// Programs read the control word once a packet. After the first wait all of
// them have seen the switch and every packet counted in the old generation has
// met its firewall; until then the old generation takes the refusals of its own
// packets. After the second wait nobody reaches it.
func (s *Source) switchTo(open uint32) error {
	for _, word := range []uint32{open | controlClosing, open} {
		if err := s.setControl(word); err != nil {
			return err
		}
		if err := s.grace.wait(); err != nil {
			return err
		}
	}
	return nil
}

// settle hands over and clears the closed generation, if it has not been.
func (s *Source) settle(sink Sink) error {
	if s.st.Pending == pendingNothing {
		return nil
	}
	closed := s.st.Open ^ 1
	var t4 table[bpf.CaptureKey4]
	var t6 table[bpf.CaptureKey6]
	m4, m6 := s.tables(closed)
	if err := t4.read(m4); err != nil {
		return err
	}
	if err := t6.read(m6); err != nil {
		return err
	}
	if s.st.Pending == pendingWindow {
		if err := s.handOver(closed, &t4, &t6, sink); err != nil {
			return err
		}
		if err := s.setPending(pendingClear); err != nil {
			return err
		}
	}
	if err := errors.Join(t4.clear(m4), t6.clear(m6), s.clearCounts(closed)); err != nil {
		return err
	}
	s.mu.Lock()
	err := s.releaseSlots(closed)
	s.mu.Unlock()
	return errors.Join(err, s.setPending(pendingNothing))
}

func (s *Source) setPending(p uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.st.Pending = p
	return s.st.write(s.obj.maps[mapState])
}

func (s *Source) tables(generation uint32) (m4, m6 *ebpf.Map) {
	if generation == 0 {
		return s.obj.maps[bpf.CaptureMapFlows40], s.obj.maps[bpf.CaptureMapFlows60]
	}
	return s.obj.maps[bpf.CaptureMapFlows41], s.obj.maps[bpf.CaptureMapFlows61]
}

// handOver makes windows of a closed generation and offers them to sink.
func (s *Source) handOver(closed uint32, t4 *table[bpf.CaptureKey4], t6 *table[bpf.CaptureKey6], sink Sink) error {
	jiffies, err := s.obj.jiffies()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	start, end := fromNano(s.st.Start[closed]), fromNano(s.st.End)
	by := make(map[uint16]*flow.Window)
	for i := range s.slots {
		if slot, e := uint16(i), &s.slots[i]; e.State != slotFree {
			w := &flow.Window{
				Tables: uint64(s.st.Created), Sequence: s.st.Windows, Interface: e.iface(),
				Start: e.begun(start), End: end,
			}
			if since := fromNano(e.Since); !since.Before(end) {
				// Attached to after the moment the window is said to end at, and
				// before it was closed: its packets are here.
				w.Start, w.End = since, since.Add(1)
			}
			by[slot] = w
		}
	}
	m := &merger{
		clock: clock{jiffies: jiffies, wall: time.Now(), tick: s.tick, min: start.Unix(), max: max(start.Unix(), end.Add(-1).Unix())},
		carryable: func(slot uint16) bool {
			return fromNano(s.slots[slot].Since).Before(start)
		},
		emit: func(slot uint16, f flow.Flow) {
			if w := by[slot]; w != nil {
				w.Flows = append(w.Flows, f)
			}
		},
	}
	late4, late6 := merge(t4, m, s.late4), merge(t6, m, s.late6)
	var windows []flow.Window
	for i := range s.slots {
		w := by[uint16(i)]
		if w == nil {
			continue
		}
		if w.Skipped, err = s.skipped(uint16(i), closed); err != nil {
			return err
		}
		if s.worthTelling(uint16(i), w) {
			windows = append(windows, *w)
		}
	}
	// The sink may ask the source something.
	s.mu.Unlock()
	err = sink(windows)
	s.mu.Lock()
	if err != nil {
		return err
	}
	s.late4, s.late6 = late4, late6
	s.unmatched += m.unmatched
	return s.noteActive(by)
}

// worthTelling marks a window that ends a quiet interval, and is false if there
// is nothing to say of it.
func (s *Source) worthTelling(slot uint16, w *flow.Window) bool {
	e := &s.slots[slot]
	if len(w.Flows) > 0 || w.SkippedAll().Packets > 0 {
		return true
	}
	if s.st.EndsInterval == 0 || s.st.End < w.End.UnixNano() || e.Active != 0 || e.State != slotActive && !s.closed {
		return false
	}
	w.Quiet = true
	w.Start = e.begun(fromNano(s.st.From))
	return true
}

// noteActive remembers, until the interval ends, which interfaces are not quiet.
func (s *Source) noteActive(by map[uint16]*flow.Window) error {
	for slot, w := range by {
		e := &s.slots[slot]
		active := uint32(0)
		if s.st.EndsInterval == 0 && (e.Active != 0 || len(w.Flows) > 0 || w.SkippedAll().Packets > 0) {
			active = 1
		}
		if e.Active == active {
			continue
		}
		e.Active = active
		if err := e.write(s.obj.maps[mapSlots], slot); err != nil {
			return err
		}
	}
	return nil
}

// begun returns when a window that began at start did so for an interface that
// may have been attached to meanwhile.
func (e *slotEntry) begun(start time.Time) time.Time {
	if since := fromNano(e.Since); since.After(start) {
		return since
	}
	return start
}

// overflowIndex is where the programs count packets that found no room.
func overflowIndex(slot uint16, generation uint32, d flow.Direction) uint32 {
	return (uint32(slot)*2+generation)*2 + uint32(d)
}

// skipped returns what of an interface's packets found the table full, by
// direction.
func (s *Source) skipped(slot uint16, generation uint32) (c [2]flow.Count, err error) {
	for _, d := range []flow.Direction{flow.Ingress, flow.Egress} {
		c[d], err = sumCPUs(s.obj.maps[bpf.CaptureMapOverflow], overflowIndex(slot, generation, d))
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

// clearCounts zeroes what a generation counted besides its flows.
func (s *Source) clearCounts(generation uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	overflow := s.obj.maps[bpf.CaptureMapOverflow]
	zero := make([]bpf.CaptureCount, ebpf.MustPossibleCPU())
	for i := range s.slots {
		if s.slots[i].State == slotFree {
			continue
		}
		for _, d := range []flow.Direction{flow.Ingress, flow.Egress} {
			index := overflowIndex(uint16(i), generation, d)
			c, err := sumCPUs(overflow, index)
			if err == nil && c.Packets > 0 {
				s.st.Skipped[0] += c.Packets
				s.st.Skipped[1] += c.Bytes
				err = overflow.Put(index, zero)
			}
			if err != nil {
				return fmt.Errorf("clear counters: %w", err)
			}
		}
	}
	if err := s.obj.maps[bpf.CaptureMapUsage].Put(generation, bpf.CaptureInserts{}); err != nil {
		return fmt.Errorf("clear counters: %w", err)
	}
	return nil
}

// releaseSlots frees the slots of vanished interfaces whose last packets were in
// the generation that has been cleared; s.mu is held.
func (s *Source) releaseSlots(cleared uint32) error {
	for i := range s.slots {
		e := &s.slots[i]
		if e.State != slotGone || e.Remaining != cleared+1 {
			continue
		}
		*e = slotEntry{}
		if err := e.write(s.obj.maps[mapSlots], uint16(i)); err != nil {
			return err
		}
	}
	return nil
}
