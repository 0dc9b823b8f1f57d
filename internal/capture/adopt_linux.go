package capture

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"

	"weir/internal/capture/bpf"
)

// adoptAll goes on with the interfaces a former process captured.
func (s *Source) adoptAll() error {
	if s.cfg.Pin != "" {
		// The former process may have been killed within a swap.
		if err := s.switchTo(s.st.Open); err != nil {
			return err
		}
	} else if err := s.setControl(s.st.Open); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.slots {
		slot, e := uint16(i), &s.slots[i]
		if e.State != slotActive {
			continue
		}
		name := text(e.NetnsName[:])
		ns, err := s.namespace(name)
		if err == nil && stillThere(ns, e) {
			err = s.adopt(ns, slot)
		}
		if s.hooks[slot] == nil { // the interface is gone, or out of reach
			s.cfg.Logger.Info("interface is gone", "interface", text(e.Name[:]), "netns", name, "cause", err)
			if e.Tc != 0 { // no pin holds filters
				f := &filters{index: int(e.Index), handle: s.handle, ownQdisc: e.OwnQdisc != 0}
				s.orphans[e.Netns] = append(s.orphans[e.Netns], f)
			}
			e.State, e.Remaining = slotGone, s.st.Open+1
			if err := e.write(s.obj.maps[mapSlots], slot); err != nil {
				return err
			}
			s.forgetPins(slot)
			if err := s.forgetDevice(slot); err != nil {
				return err
			}
		}
	}
	return nil
}

// forgetDevice takes the slot's interface from the drop program's view, unless a
// returning device of the same index has taken its place by now.
func (s *Source) forgetDevice(slot uint16) error {
	e := &s.slots[slot]
	key := bpf.CaptureDeviceKey{Netns: e.Netns, Ifindex: e.Index}
	devices := s.obj.maps[bpf.CaptureMapDevices]
	var owner uint32
	err := devices.Lookup(key, &owner)
	if err == nil && owner == uint32(slot) {
		err = devices.Delete(key)
	}
	if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return fmt.Errorf("forget interface %s: %w", text(e.Name[:]), err)
	}
	return nil
}

// forgetPins removes links of a slot that nobody holds any more. They are off when
// it returns: whoever is attached next counts alone.
func (s *Source) forgetPins(slot uint16) {
	if s.cfg.Pin == "" {
		return
	}
	for _, way := range []string{"ingress", "egress"} {
		detachPinned(s.linkPin(way, slot))
		_ = os.Remove(s.linkPin(way, slot))
	}
}

// stillThere reports whether the device a slot was attached to exists.
func stillThere(ns *namespace, e *slotEntry) bool {
	l, err := ns.link.LinkByIndex(int(e.Index))
	return err == nil && ns.cookie == e.Netns && l.Attrs().Name != ""
}

// adopt takes over the hooks a former process left on an interface; s.mu is held.
func (s *Source) adopt(ns *namespace, slot uint16) error {
	e := &s.slots[slot]
	h, err := s.loadHooks(slot)
	if err != nil {
		return err
	}
	err = s.tell(e, s.describe(slot, e.L2, Plan{Router: addr4(e.Router), DNS: addr4(e.DNS)}))
	if err == nil {
		err = s.attach(h, ns)
	}
	if err != nil {
		h.close()
		return err
	}
	s.hooks[slot] = h
	return nil
}

// replan gives a captured interface another plan; s.mu is held.
func (s *Source) replan(slot uint16, plan Plan) error {
	e := &s.slots[slot]
	me := s.describe(slot, e.L2, plan)
	if me.Router4 == e.Router && me.Dns4 == e.DNS {
		return nil
	}
	e.Router, e.DNS = me.Router4, me.Dns4
	return errors.Join(e.write(s.obj.maps[mapSlots], slot), s.tell(e, me))
}
