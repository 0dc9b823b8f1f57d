package capture

import (
	"errors"
	"fmt"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Cover makes the given devices the ones that are captured: those that are not
// yet are added, the others end. Devices that do not exist are left out. A
// source is told what to capture either by Cover or by Watch, not by both.
//
// The error joins those of single devices; the others are captured.
func (s *Source) Cover(devices []Device) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.New("capture: closed")
	}
	s.covers = true
	for name, ns := range s.spaces {
		if ns.replaced() {
			delete(s.spaces, name)
			defer ns.close() // when what was captured in it has been taken off
		}
	}
	var errs []error
	wanted := make(map[deviceID]bool)
	for _, d := range devices {
		ns, err := s.namespace(d.Netns)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		wanted[deviceID{ns.cookie, uint32(d.Index)}] = true
		if err := s.cover(ns, d); err != nil && !errors.Is(err, unix.ENODEV) {
			errs = append(errs, err)
		}
	}
	for slot := range s.hooks {
		if e := &s.slots[slot]; !wanted[deviceID{e.Netns, e.Index}] {
			errs = append(errs, s.remove(slot))
		}
	}
	s.closeNamespaces()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	return nil
}

type deviceID struct {
	netns uint64
	index uint32
}

// cover captures one device; s.mu is held.
func (s *Source) cover(ns *namespace, d Device) error {
	for slot := range s.hooks {
		if e := &s.slots[slot]; e.Netns == ns.cookie && e.Index == uint32(d.Index) {
			return s.replan(slot, d.Plan)
		}
	}
	l, err := ns.link.LinkByIndex(d.Index)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("interface %d of namespace %q: %w", d.Index, d.Netns, err)
	}
	return s.add(ns, l, d.Plan)
}

// closeNamespaces lets go of namespaces nothing is captured in, so that they can
// end; s.mu is held.
func (s *Source) closeNamespaces() {
	used := make(map[uint64]bool)
	for slot := range s.hooks {
		used[s.slots[slot].Netns] = true
	}
	for name, ns := range s.spaces {
		if !used[ns.cookie] && len(s.watches) == 0 {
			ns.close()
			delete(s.spaces, name)
		}
	}
}

// SetInterval changes the length of the intervals to come, the present one too.
func (s *Source) SetInterval(d time.Duration) {
	s.mu.Lock()
	s.interval = d
	s.mu.Unlock()
	s.poke()
}

// CloseWindow closes the open window now, in the middle of its interval.
func (s *Source) CloseWindow() {
	s.mu.Lock()
	s.closeNow = true
	s.mu.Unlock()
	s.poke()
}

func (s *Source) poke() {
	select {
	case s.poked <- struct{}{}:
	default:
	}
}

// schedule returns when the open window ends, and whether it has been asked to
// end at once.
func (s *Source) schedule() (end time.Time, closeNow bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	closeNow, s.closeNow = s.closeNow, false
	began := fromNano(s.st.Interval)
	if s.cfg.Aligned {
		began = began.Truncate(s.interval)
	}
	end = began.Add(s.interval)
	// A clock that was set back must not stretch the interval.
	if latest := time.Now().Add(s.interval); end.After(latest) {
		end = latest
	}
	return end, closeNow
}

// lateness is how long after its end an aligned window may be closed and still
// be said to end there.
const lateness = time.Second

// endOf returns the moment at which a window that is closed now is said to end:
// the end of its interval, if windows are aligned and that was a moment ago.
func (s *Source) endOf(end, now time.Time) time.Time {
	if s.cfg.Aligned && !end.After(now) && now.Sub(end) < lateness {
		return end
	}
	return now
}

// Closed returns when the window ended that was closed last, or when the tables
// were created: everything captured before has been handed to the sink, or is
// being handed to it.
func (s *Source) Closed() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fromNano(s.st.Start[s.st.Open])
}
