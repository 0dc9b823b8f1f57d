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
	"golang.org/x/sys/unix"

	"weir/internal/capture/bpf"
)

// hooks is what makes one interface's packets count: two programs that note its
// slot and jump to the shared ones, and how they are attached.
type hooks struct {
	slot            uint16
	ingress, egress *ebpf.Program

	in, out link.Link // tcx
	filters *filters  // or tc
}

// loadObservers loads the device programs and puts them where the interfaces'
// own programs jump to, at once for all that are captured already.
func (s *Source) loadObservers() error {
	progs, err := s.obj.load(map[string]any{bpf.CaptureVarHighMark: s.highMark()},
		bpf.CaptureProgIngress, bpf.CaptureProgEgress)
	if err != nil {
		return err
	}
	for at, name := range []string{bpf.CaptureProgIngress, bpf.CaptureProgEgress} {
		defer progs[name].Close()
		if err := s.obj.maps[bpf.CaptureMapObservers].Put(uint32(at), progs[name]); err != nil {
			return fmt.Errorf("set program %s: %w", name, err)
		}
	}
	return nil
}

// loadHooks loads the programs of a slot. They are a few instructions, so that an
// interface that appears is captured in time for its first packets.
func (s *Source) loadHooks(slot uint16) (*hooks, error) {
	h := &hooks{slot: slot}
	for at, to := range []**ebpf.Program{&h.ingress, &h.egress} {
		prog, err := ebpf.NewProgram(s.obj.entrance(slot, at))
		if err != nil {
			h.close()
			return nil, fmt.Errorf("load program of slot %d: %w", slot, err)
		}
		*to = prog
	}
	return h, nil
}

// highMark is the number of flows in a table at which a window closes early.
func (s *Source) highMark() uint32 { return s.st.MaxFlows / 4 * 3 }

// tell makes the programs know an interface; s.mu is held.
func (s *Source) tell(e *slotEntry, me bpf.CaptureIface) error {
	if err := s.obj.maps[bpf.CaptureMapInterfaces].Put(uint32(me.Slot), me); err != nil {
		return err
	}
	return s.obj.maps[bpf.CaptureMapDevices].Put(
		bpf.CaptureDeviceKey{Netns: e.Netns, Ifindex: e.Index}, uint32(me.Slot))
}

func (s *Source) describe(slot, l2 uint16, plan Plan) bpf.CaptureIface {
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
	case "none", "ipip", "tunnel6", "sit", "gre", "ppp",
		fmt.Sprintf("unknown%d", unix.ARPHRD_IP6GRE), fmt.Sprintf("unknown%d", unix.ARPHRD_RAWIP):
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
	for _, p := range []*ebpf.Program{h.ingress, h.egress} {
		if p != nil {
			p.Close()
		}
	}
}

// attach puts the programs on the slot's interface, or in the place of those a
// former process left there: first on ingress, so that nothing can refuse or
// redirect a packet before it is counted, last on egress.
func (s *Source) attach(h *hooks, ns *namespace) error {
	e := &s.slots[h.slot]
	if s.cfg.avoid.tcx || e.Tc != 0 {
		return s.attachFilters(h, ns)
	}
	for _, way := range []struct {
		name   string
		to     *link.Link
		prog   *ebpf.Program
		attach ebpf.AttachType
		anchor link.Anchor
	}{
		{"ingress", &h.in, h.ingress, ebpf.AttachTCXIngress, link.Head()},
		{"egress", &h.out, h.egress, ebpf.AttachTCXEgress, link.Tail()},
	} {
		old, err := s.pinnedLink(way.name, h.slot)
		if err != nil {
			return err
		}
		if old != nil {
			*way.to = old
			if err := old.Update(way.prog); err != nil {
				return fmt.Errorf("update %s link: %w", way.name, err)
			}
			continue
		}
		err = ns.do(func() (err error) {
			*way.to, err = link.AttachTCX(link.TCXOptions{
				Interface: int(e.Index), Program: way.prog, Attach: way.attach, Anchor: way.anchor,
			})
			return err
		})
		if errors.Is(err, ebpf.ErrNotSupported) {
			return s.attachFilters(h, ns)
		}
		if err == nil && s.cfg.Pin != "" {
			err = (*way.to).Pin(s.linkPin(way.name, h.slot))
		}
		if err != nil {
			return fmt.Errorf("attach to interface %d: %w", e.Index, err)
		}
	}
	s.features.Device = "tcx"
	return nil
}

// pinnedLink returns the link a former process pinned, or nil.
func (s *Source) pinnedLink(way string, slot uint16) (link.Link, error) {
	if s.cfg.Pin == "" {
		return nil, nil
	}
	l, err := link.LoadPinnedLink(s.linkPin(way, slot), nil)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return l, err
}

// attachFilters notes what it is about to do before it does it, so that whoever
// comes after a crash takes away all of it and nothing else.
func (s *Source) attachFilters(h *hooks, ns *namespace) error {
	e := &s.slots[h.slot]
	h.filters = &filters{ns: ns, index: int(e.Index), handle: s.handle, ownQdisc: e.OwnQdisc != 0}
	if e.Tc == 0 {
		theirs, err := h.filters.hasQdisc()
		if err != nil {
			return err
		}
		h.filters.ownQdisc = !theirs
		e.Tc = 1
		if !theirs {
			e.OwnQdisc = 1
		}
		if err := e.write(s.obj.maps[mapSlots], h.slot); err != nil {
			return err
		}
	}
	s.features.Device = "tc"
	return h.filters.attach(h.ingress, h.egress)
}

func (s *Source) linkPin(way string, slot uint16) string {
	return filepath.Join(s.cfg.Pin, fmt.Sprintf("%s_%d", way, slot))
}

// detach takes the programs off, wherever their attachment came from.
func (s *Source) detach(h *hooks, e *slotEntry) error {
	var errs []error
	if h.filters != nil {
		// Packets that the programs have seen must meet the firewall while
		// the device is still known. Detaching a tcx link waits by itself.
		errs = append(errs, h.filters.remove(), s.grace.wait())
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
	errs = append(errs, s.forgetDevice(h.slot))
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
	if len(ns.name) > len(slotEntry{}.NetnsName) {
		return fmt.Errorf("interface %s: namespace path %s: longer than %d bytes", attrs.Name, ns.name, len(slotEntry{}.NetnsName))
	}
	slot, err := s.freeSlot()
	if err != nil {
		return fmt.Errorf("interface %s: %w", attrs.Name, err)
	}
	h, err := s.loadHooks(slot)
	if err != nil {
		return fmt.Errorf("interface %s: %w", attrs.Name, err)
	}
	me, e := s.describe(slot, l2, plan), &s.slots[slot]
	*e = slotEntry{
		State:  slotActive,
		Index:  uint32(attrs.Index),
		Netns:  ns.cookie,
		L2:     l2,
		Router: me.Router4,
		DNS:    me.Dns4,
		Since:  time.Now().UnixNano(),
	}
	copy(e.Name[:], attrs.Name)
	copy(e.MAC[:], attrs.HardwareAddr.String())
	copy(e.NetnsName[:], ns.name)
	err = e.write(s.obj.maps[mapSlots], slot)
	if err == nil {
		err = s.tell(e, me)
	}
	if err == nil {
		s.forgetPins(slot)
		err = s.attach(h, ns)
	}
	if err != nil {
		err = errors.Join(err, s.detach(h, e))
		*e = slotEntry{}
		return errors.Join(fmt.Errorf("interface %s: %w", attrs.Name, err), e.write(s.obj.maps[mapSlots], slot))
	}
	s.hooks[slot] = h
	s.cfg.Logger.Info("capturing", "interface", attrs.Name, "index", attrs.Index, "netns", ns.name, "slot", slot)
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
		if s.slots[i].State == slotFree {
			return uint16(i), nil
		}
	}
	return 0, fmt.Errorf("%d interfaces are captured, which is the limit", bpf.MaxSlots)
}
