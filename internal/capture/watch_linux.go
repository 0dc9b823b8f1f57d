package capture

import (
	"errors"
	"fmt"
	"os"
	"path"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A watch follows the interfaces of one namespace and captures those that are
// asked for, from the moment they exist.
type watch struct {
	s      *Source
	target Target
	ns     *namespace
	done   chan struct{}
	wg     sync.WaitGroup
}

// A subscription delivers what happens to links until end, or until its socket
// overflows and the channel is closed.
type subscription struct {
	updates chan netlink.LinkUpdate
	done    chan struct{}
}

// end closes the socket and waits until nobody writes to the channel.
func (sub *subscription) end() {
	close(sub.done)
	for range sub.updates {
	}
}

// Watch captures the target's interfaces, those there now before it returns and
// those that appear later as they do. It fails if the namespace can't be
// opened, or an interface that is there can't be captured.
func (s *Source) Watch(t Target) error {
	for _, pattern := range t.Names {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("capture: interface name %q: %w", pattern, err)
		}
	}
	s.mu.Lock()
	ns, err := s.namespace(t.Netns)
	if s.closed {
		err = os.ErrClosed
	}
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	w := &watch{s: s, target: t, ns: ns, done: make(chan struct{})}
	// Listen first, list after: what appears in between is seen twice, not never.
	sub, err := w.subscribe()
	if err != nil {
		return fmt.Errorf("capture: watch namespace %q: %w", t.Netns, err)
	}
	if err := w.list(true); err != nil {
		sub.end()
		return fmt.Errorf("capture: %w", err)
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		sub.end()
		return fmt.Errorf("capture: %w", os.ErrClosed)
	}
	s.watches = append(s.watches, w)
	w.wg.Add(1)
	s.mu.Unlock()
	go w.run(sub)
	return nil
}

func (w *watch) subscribe() (*subscription, error) {
	sub := &subscription{updates: make(chan netlink.LinkUpdate, 256), done: make(chan struct{})}
	err := netlink.LinkSubscribeWithOptions(sub.updates, sub.done, netlink.LinkSubscribeOptions{
		Namespace:     &w.ns.handle,
		ErrorCallback: func(error) {}, // closes the channel; run lists again

		// By force: most hosts allow 200 KiB only (net.core.rmem_max), which one
		// or two hundred events fill.
		ReceiveBufferSize:      4 << 20,
		ReceiveBufferForceSize: true,
	})
	return sub, err
}

func (w *watch) run(sub *subscription) {
	defer w.wg.Done()
	defer func() { sub.end() }()
	for {
		select {
		case <-w.done:
			return
		case u, ok := <-sub.updates:
			if ok {
				w.update(u)
				continue
			}
		}
		// The socket overflowed: subscribe anew and look what was missed.
		select {
		case <-w.done:
			return
		case <-time.After(100 * time.Millisecond):
		}
		again, err := w.subscribe()
		if err == nil {
			if err = w.list(false); err != nil {
				again.end()
			}
		}
		if err != nil { // what was missed is still missing: once more
			w.s.cfg.Logger.Error("watch interfaces", "netns", w.target.Netns, "err", err)
			continue
		}
		sub.end()
		sub = again
	}
}

func (w *watch) update(u netlink.LinkUpdate) {
	if u.IfInfomsg.Family == unix.AF_BRIDGE {
		return // about a bridge's port, not about the interface
	}
	switch u.Header.Type {
	case unix.RTM_NEWLINK:
		if err := w.appeared(u.Link); err != nil && !errors.Is(err, unix.ENODEV) {
			w.s.cfg.Logger.Error("capture", "interface", u.Link.Attrs().Name, "err", err)
		}
	case unix.RTM_DELLINK:
		w.vanished(u.Link.Attrs().Index)
	}
}

// list compares what is captured with what is there.
func (w *watch) list(strict bool) error {
	links, err := w.ns.link.LinkList()
	for range 10 {
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			break // else it changed meanwhile: what is missing may be there
		}
		links, err = w.ns.link.LinkList()
	}
	if err != nil {
		return fmt.Errorf("list interfaces: %w", err)
	}
	there := make(map[uint32]bool)
	for _, l := range links {
		there[uint32(l.Attrs().Index)] = true
		err := w.appeared(l)
		switch {
		case err == nil || errors.Is(err, unix.ENODEV): // gone already
		case strict:
			return err
		default:
			w.s.cfg.Logger.Error("capture", "interface", l.Attrs().Name, "err", err)
		}
	}
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	var errs []error
	for slot := range w.s.hooks {
		if e := &w.s.slots[slot]; e.Netns == w.ns.cookie && !there[e.Index] {
			errs = append(errs, w.s.remove(slot))
		}
	}
	return errors.Join(errs...)
}

// dropUnwanted ends the capture of interfaces a former process was asked for
// and this one is not; s.mu is held.
func (s *Source) dropUnwanted() error {
	if s.covers || s.cfg.Covered {
		return nil
	}
	var errs []error
	for slot := range s.hooks {
		e, wanted := &s.slots[slot], false
		for _, w := range s.watches {
			wanted = wanted || w.ns.cookie == e.Netns && (w.matches(text(e.Name[:])) || w.matches(w.nameOf(e.Index)))
		}
		if !wanted {
			errs = append(errs, s.remove(slot))
		}
	}
	return errors.Join(errs...)
}

// nameOf returns what an interface is called now; it may have been renamed since it
// was first captured.
func (w *watch) nameOf(index uint32) string {
	l, err := w.ns.link.LinkByIndex(int(index))
	if err != nil {
		return "" // it is gone, which is going to be told
	}
	return l.Attrs().Name
}

func (w *watch) matches(name string) bool {
	for _, pattern := range w.target.Names {
		if ok, _ := path.Match(pattern, name); ok {
			return true
		}
	}
	return false
}

// appeared captures an interface that is asked for and is not captured yet.
func (w *watch) appeared(l netlink.Link) error {
	attrs := l.Attrs()
	if !w.matches(attrs.Name) {
		return nil
	}
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	if w.s.closed {
		return nil
	}
	for slot := range w.s.hooks {
		if e := &w.s.slots[slot]; e.Netns == w.ns.cookie && e.Index == uint32(attrs.Index) {
			return w.s.replan(slot, w.target.Plan)
		}
	}
	return w.s.add(w.ns, l, w.target.Plan)
}

func (w *watch) vanished(index int) {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	for slot := range w.s.hooks {
		if e := &w.s.slots[slot]; e.Netns == w.ns.cookie && e.Index == uint32(index) {
			if err := w.s.remove(slot); err != nil {
				w.s.cfg.Logger.Error("end capture", "interface", text(e.Name[:]), "err", err)
			}
		}
	}
}

func (w *watch) stop() {
	close(w.done)
	w.wg.Wait()
}
