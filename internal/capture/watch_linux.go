package capture

import (
	"errors"
	"fmt"
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
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	w := &watch{s: s, target: t, ns: ns, done: make(chan struct{})}
	// Listen first, list after: what appears in between is seen twice, not never.
	updates, err := w.subscribe()
	if err != nil {
		return fmt.Errorf("capture: watch namespace %q: %w", t.Netns, err)
	}
	if err := w.list(true); err != nil {
		close(w.done)
		return fmt.Errorf("capture: %w", err)
	}
	s.mu.Lock()
	s.watches = append(s.watches, w)
	s.mu.Unlock()
	w.wg.Add(1)
	go w.run(updates)
	s.refill()
	return nil
}

func (w *watch) subscribe() (chan netlink.LinkUpdate, error) {
	updates := make(chan netlink.LinkUpdate, 256)
	err := netlink.LinkSubscribeWithOptions(updates, w.done, netlink.LinkSubscribeOptions{
		Namespace:         &w.ns.handle,
		ErrorCallback:     func(error) {}, // closes the channel; run lists again
		ReceiveBufferSize: 4 << 20,
	})
	return updates, err
}

func (w *watch) run(updates chan netlink.LinkUpdate) {
	defer w.wg.Done()
	for {
		select {
		case <-w.done:
			return
		case u, ok := <-updates:
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
		if err != nil {
			w.s.cfg.Logger.Error("watch interfaces", "netns", w.target.Netns, "err", err)
			continue
		}
		updates = again
		if err := w.list(false); err != nil {
			w.s.cfg.Logger.Error("list interfaces", "netns", w.target.Netns, "err", err)
		}
	}
}

func (w *watch) update(u netlink.LinkUpdate) {
	if u.IfInfomsg.Family == unix.AF_BRIDGE {
		return // about a bridge's port, not about the interface
	}
	switch u.Header.Type {
	case unix.RTM_NEWLINK:
		if err := w.appeared(u.Link); err != nil && !gone(err) {
			w.s.cfg.Logger.Error("capture", "interface", u.Link.Attrs().Name, "err", err)
		}
		go w.s.refill()
	case unix.RTM_DELLINK:
		w.vanished(u.Link.Attrs().Index)
	}
}

// list compares what is captured with what is there.
func (w *watch) list(strict bool) error {
	links, err := w.ns.link.LinkList()
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return fmt.Errorf("list interfaces: %w", err)
	}
	there := make(map[uint32]bool)
	for _, l := range links {
		there[uint32(l.Attrs().Index)] = true
		if err := w.appeared(l); err != nil && strict {
			return err
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
	var errs []error
	for slot := range s.hooks {
		e, wanted := &s.slots[slot], false
		for _, w := range s.watches {
			wanted = wanted || w.ns.cookie == e.Netns && w.matches(text(e.Name[:]))
		}
		if !wanted {
			errs = append(errs, s.remove(slot))
		}
	}
	return errors.Join(errs...)
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
			return nil
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
