package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"

	"weir/internal/capture/bpf"
)

// hooks is what makes one interface's packets count: the two device programs,
// with the interface's slot for a constant, and how they are attached.
type hooks struct {
	slot            uint16
	ingress, egress *ebpf.Program

	in, out link.Link // tcx
	filters *filters  // or tc
}

// loadHooks loads the device programs of a slot.
func (s *Source) loadHooks(slot uint16, l2 uint16, plan Plan) (*hooks, error) {
	me := s.ifaceConstants(slot, l2, plan)
	progs, err := s.obj.load(map[string]any{
		bpf.CaptureVarMe:       me,
		bpf.CaptureVarHighMark: s.highMark(),
	}, bpf.CaptureProgIngress, bpf.CaptureProgEgress)
	if err != nil {
		return nil, err
	}
	return &hooks{
		slot:    slot,
		ingress: progs[bpf.CaptureProgIngress],
		egress:  progs[bpf.CaptureProgEgress],
	}, nil
}

// highMark is the number of flows in a table at which a window closes early.
func (s *Source) highMark() uint32 { return s.st.MaxFlows / 4 * 3 }

func (s *Source) ifaceConstants(slot, l2 uint16, plan Plan) bpf.CaptureIface {
	me := bpf.CaptureIface{Slot: slot, L2: l2, Exclude: uint32(s.cfg.Exclude)}
	if plan.Router.Is4() {
		me.Router4 = binary.NativeEndian.Uint32(plan.Router.AsSlice())
	} else {
		me.Exclude &^= 1 << VPCRouter
	}
	if plan.DNS.Is4() {
		me.Dns4 = binary.NativeEndian.Uint32(plan.DNS.AsSlice())
	} else {
		me.Exclude &^= 1 << VPCDNS
	}
	return me
}

// linkHeader returns how many bytes precede the IP header on a device of the
// given kind, as netlink calls it.
func linkHeader(encap string) (uint16, error) {
	switch encap {
	case "ether", "loopback":
		return 14, nil
	case "none", "ipip", "tunnel6", "sit", "gre", "ip6gre", "ppp", "rawip":
		return 0, nil
	}
	return 0, fmt.Errorf("link type %q: %w", encap, ErrNotSupported)
}

func (h *hooks) close() {
	for _, l := range []link.Link{h.in, h.out} {
		if l != nil {
			l.Close()
		}
	}
	h.ingress.Close()
	h.egress.Close()
}

// attach puts the programs on the interface: first on ingress, so that nothing
// can refuse or redirect a packet before it is counted, last on egress.
func (s *Source) attach(h *hooks, ns *namespace, index int) error {
	if s.cfg.avoid.tcx {
		return s.attachFilters(h, ns, index)
	}
	err := ns.do(func() (err error) {
		h.in, err = link.AttachTCX(link.TCXOptions{
			Interface: index, Program: h.ingress, Attach: ebpf.AttachTCXIngress, Anchor: link.Head(),
		})
		if err != nil {
			return err
		}
		h.out, err = link.AttachTCX(link.TCXOptions{
			Interface: index, Program: h.egress, Attach: ebpf.AttachTCXEgress, Anchor: link.Tail(),
		})
		return err
	})
	if errors.Is(err, ebpf.ErrNotSupported) {
		return s.attachFilters(h, ns, index)
	}
	if err != nil {
		return fmt.Errorf("attach to interface %d: %w", index, err)
	}
	s.features.Device = "tcx"
	if s.cfg.Pin != "" {
		if err := errors.Join(h.in.Pin(s.linkPin("ingress", h.slot)), h.out.Pin(s.linkPin("egress", h.slot))); err != nil {
			return fmt.Errorf("pin: %w", err)
		}
	}
	return nil
}

func (s *Source) attachFilters(h *hooks, ns *namespace, index int) (err error) {
	s.features.Device = "tc"
	h.filters, err = attachFilters(ns, index, h.ingress, h.egress)
	return err
}

func (s *Source) linkPin(way string, slot uint16) string {
	return filepath.Join(s.cfg.Pin, fmt.Sprintf("%s_%d", way, slot))
}

// detach takes the programs off, wherever their attachment came from.
func (s *Source) detach(h *hooks, e *slotEntry) error {
	var errs []error
	if h.filters != nil {
		errs = append(errs, h.filters.remove())
	}
	for _, l := range []link.Link{h.in, h.out} {
		if l == nil {
			continue
		}
		if s.cfg.Pin != "" {
			if err := l.Unpin(); err != nil && !errors.Is(err, os.ErrNotExist) {
				errs = append(errs, err)
			}
		}
	}
	h.close()
	key := bpf.CaptureDeviceKey{Netns: e.Netns, Ifindex: e.Index}
	var owner bpf.CaptureIface
	devices := s.obj.maps[bpf.CaptureMapDevices]
	// A returning device of the same index may have the key by now.
	if err := devices.Lookup(key, &owner); err == nil && owner.Slot == h.slot {
		if err := devices.Delete(key); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("detach from %s: %w", text(e.Name[:]), err)
	}
	return nil
}

// add starts capture of one interface; s.mu is held.
func (s *Source) add(ns *namespace, l netlink.Link, plan Plan) error {
	attrs := l.Attrs()
	l2, err := linkHeader(attrs.EncapType)
	if err != nil {
		return fmt.Errorf("interface %s: %w", attrs.Name, err)
	}
	h, err := s.takeHooks(l2, plan)
	if err != nil {
		return fmt.Errorf("interface %s: %w", attrs.Name, err)
	}
	e := &s.slots[h.slot]
	*e = slotEntry{
		State:  slotActive,
		Index:  uint32(attrs.Index),
		Netns:  ns.cookie,
		L2:     l2,
		Router: s.ifaceConstants(h.slot, l2, plan).Router4,
		DNS:    s.ifaceConstants(h.slot, l2, plan).Dns4,
	}
	copy(e.Name[:], attrs.Name)
	copy(e.MAC[:], attrs.HardwareAddr.String())
	if n := copy(e.NetnsName[:], ns.name); n < len(ns.name) {
		h.close()
		*e = slotEntry{}
		return fmt.Errorf("interface %s: namespace path %s: longer than %d bytes", attrs.Name, ns.name, n)
	}
	err = e.write(s.obj.maps[mapSlots], h.slot)
	if err == nil {
		err = s.obj.maps[bpf.CaptureMapDevices].Put(
			bpf.CaptureDeviceKey{Netns: ns.cookie, Ifindex: uint32(attrs.Index)},
			s.ifaceConstants(h.slot, l2, plan))
	}
	if err == nil {
		err = s.attach(h, ns, attrs.Index)
	}
	if err != nil {
		err = errors.Join(err, s.detach(h, e))
		*e = slotEntry{}
		return errors.Join(fmt.Errorf("interface %s: %w", attrs.Name, err), e.write(s.obj.maps[mapSlots], h.slot))
	}
	if h.filters != nil {
		e.Tc = 1
		if h.filters.ownQdisc {
			e.OwnQdisc = 1
		}
		if err := e.write(s.obj.maps[mapSlots], h.slot); err != nil {
			return err
		}
	}
	s.hooks[h.slot] = h
	s.since[h.slot] = time.Now()
	s.cfg.Logger.Info("capturing", "interface", attrs.Name, "index", attrs.Index, "netns", ns.name, "slot", h.slot)
	return nil
}

// remove ends capture of one interface; what it counted until now is handed
// over with the open window. s.mu is held.
func (s *Source) remove(slot uint16) error {
	h, e := s.hooks[slot], &s.slots[slot]
	if h == nil {
		return nil
	}
	delete(s.hooks, slot)
	err := s.detach(h, e)
	e.State = slotGone
	e.Remaining = s.st.Open + 1
	s.cfg.Logger.Info("capture ended", "interface", text(e.Name[:]), "index", e.Index, "slot", slot)
	return errors.Join(err, e.write(s.obj.maps[mapSlots], slot))
}

// freeSlot returns a slot nothing uses.
func (s *Source) freeSlot() (uint16, error) {
	for i := range s.slots {
		if s.slots[i].State == slotFree && !s.reserved[uint16(i)] {
			return uint16(i), nil
		}
	}
	return 0, fmt.Errorf("%d interfaces are captured, which is the limit", bpf.MaxSlots)
}

// spares is how many pairs of device programs wait loaded for interfaces that
// have not appeared yet: loading takes longer than a new interface waits before
// its first packet, attaching does not.
const spares = 4

// takeHooks returns loaded programs for a new interface.
func (s *Source) takeHooks(l2 uint16, plan Plan) (*hooks, error) {
	if l2 == spareLink && plan == (Plan{}) && len(s.spare) > 0 {
		h := s.spare[len(s.spare)-1]
		s.spare = s.spare[:len(s.spare)-1]
		delete(s.reserved, h.slot)
		return h, nil
	}
	slot, err := s.freeSlot()
	if err != nil {
		return nil, err
	}
	return s.loadHooks(slot, l2, plan)
}

const spareLink = 14

// refill tops up the spares.
func (s *Source) refill() {
	for {
		s.mu.Lock()
		slot, err := s.freeSlot()
		if err != nil || len(s.spare) >= spares || s.closed {
			s.mu.Unlock()
			return
		}
		s.reserved[slot] = true
		s.mu.Unlock()

		h, err := s.loadHooks(slot, spareLink, Plan{})
		s.mu.Lock()
		if err != nil || s.closed {
			delete(s.reserved, slot)
			if h != nil {
				h.close()
			}
			s.mu.Unlock()
			return
		}
		s.spare = append(s.spare, h)
		s.mu.Unlock()
	}
}

// stillThere reports whether the device a slot was attached to exists.
func stillThere(ns *namespace, e *slotEntry) bool {
	l, err := ns.link.LinkByIndex(int(e.Index))
	return err == nil && ns.cookie == e.Netns && l.Attrs().Name != ""
}

// adopt takes over the hooks a former process left on an interface, and puts
// this process's programs in their place. s.mu is held.
func (s *Source) adopt(ns *namespace, slot uint16) error {
	e := &s.slots[slot]
	plan := Plan{Router: addr4(e.Router), DNS: addr4(e.DNS)}
	h, err := s.loadHooks(slot, e.L2, plan)
	if err != nil {
		return err
	}
	err = s.obj.maps[bpf.CaptureMapDevices].Put(
		bpf.CaptureDeviceKey{Netns: e.Netns, Ifindex: e.Index}, s.ifaceConstants(slot, e.L2, plan))
	if err != nil {
		h.close()
		return err
	}
	if e.Tc != 0 {
		h.filters, err = attachFilters(ns, int(e.Index), h.ingress, h.egress)
		if err == nil {
			h.filters.ownQdisc = e.OwnQdisc != 0
			s.features.Device = "tc"
		}
	} else {
		err = s.adoptLinks(h)
		if errors.Is(err, os.ErrNotExist) {
			err = s.attach(h, ns, int(e.Index))
		}
	}
	if err != nil {
		h.close()
		return err
	}
	s.hooks[slot] = h
	return nil
}

func (s *Source) adoptLinks(h *hooks) (err error) {
	for _, way := range []struct {
		name string
		to   *link.Link
		prog *ebpf.Program
	}{{"ingress", &h.in, h.ingress}, {"egress", &h.out, h.egress}} {
		*way.to, err = link.LoadPinnedLink(s.linkPin(way.name, h.slot), nil)
		if err != nil {
			return err
		}
		if err := (*way.to).Update(way.prog); err != nil {
			return fmt.Errorf("update %s link: %w", way.name, err)
		}
	}
	s.features.Device = "tcx"
	return nil
}
