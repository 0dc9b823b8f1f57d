package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"weir/internal/capture/bpf"
	"weir/internal/flow"
)

// A Source captures the interfaces it is told to watch. Its methods may be
// called from any goroutine; Run from one at a time.
type Source struct {
	cfg   Config
	obj   *objects
	grace *grace
	drop  link.Link
	tick  int64
	lock  *os.File
	wake  *wakeReader

	mu       sync.Mutex
	features Features
	st       state
	slots    []slotEntry          // by slot
	hooks    map[uint16]*hooks    // of active slots
	since    map[uint16]time.Time // when this process attached to it
	spaces   map[string]*namespace
	watches  []*watch
	spare    []*hooks
	reserved map[uint16]bool
	closed   bool

	late4     map[bpf.CaptureKey4]flow.Count
	late6     map[bpf.CaptureKey6]flow.Count
	unmatched uint64
}

// Open loads the programs and creates the tables, or takes over those pinned by
// a process that ended without closing. Nothing is captured until Watch.
//
// An error that wraps [ErrNotSupported] names what the kernel lacks, one that
// wraps [os.ErrPermission] what the process may not do.
func Open(cfg Config) (_ *Source, err error) {
	cfg, err = cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	if missing := missingCapabilities(); missing != nil {
		return nil, fmt.Errorf("capture: missing %s: %w", strings.Join(missing, ", "), os.ErrPermission)
	}
	s := &Source{
		cfg:      cfg,
		hooks:    make(map[uint16]*hooks),
		since:    make(map[uint16]time.Time),
		spaces:   make(map[string]*namespace),
		reserved: make(map[uint16]bool),
	}
	defer func() {
		if err != nil {
			s.abandon()
			err = fmt.Errorf("capture: %w", err)
		}
	}()
	if cfg.Pin != "" {
		s.features.Pinned = cfg.Pin
		if err := s.takeLock(); err != nil {
			return nil, err
		}
	}
	if s.tick, err = tick(); err != nil {
		return nil, err
	}
	if s.grace, err = cfg.newGrace(); err != nil {
		return nil, err
	}
	if err := s.openState(); err != nil {
		return nil, err
	}
	if err := s.attachDrop(); err != nil {
		return nil, err
	}
	if s.wake, err = newWakeReader(s.obj.maps[bpf.CaptureMapWake]); err != nil {
		return nil, err
	}
	if err := s.adoptAll(); err != nil {
		return nil, err
	}
	return s, nil
}

func (c Config) newGrace() (*grace, error) {
	if c.avoid.membarrier {
		return newMapGrace()
	}
	return newGrace()
}

// takeLock makes sure no other process uses the pinned tables.
func (s *Source) takeLock() error {
	if err := ensureBPFFS(s.cfg.Pin); err != nil {
		return err
	}
	if err := os.MkdirAll(s.cfg.Pin, 0o700); err != nil {
		return err
	}
	f, err := os.Open(s.cfg.Pin)
	if err != nil {
		return err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return fmt.Errorf("%s: %w", s.cfg.Pin, ErrInUse)
	}
	s.lock = f
	return nil
}

// openState creates or takes over the maps and reads what they hold.
func (s *Source) openState() error {
	size := s.cfg.MaxFlows
	if s.cfg.Pin != "" {
		old, err := pinnedState(s.cfg.Pin)
		if err != nil {
			return err
		}
		if old.Layout != 0 {
			if int(old.MaxFlows) != size {
				s.cfg.Logger.Warn("tables keep their size until capture is stopped",
					"flows", old.MaxFlows, "asked", size)
			}
			size = int(old.MaxFlows)
		}
	}
	obj, err := loadObjects(size, s.cfg.Pin)
	if err != nil {
		return err
	}
	s.obj = obj
	if s.st, err = readState(obj.maps[mapState]); err != nil {
		return err
	}
	if s.st.Layout == 0 {
		now := time.Now().UnixNano()
		s.st = state{Layout: layout, MaxFlows: uint32(size), Start: [2]int64{now, now}, Interval: now}
		if err := s.st.write(obj.maps[mapState]); err != nil {
			return err
		}
	}
	s.slots, err = readSlots(obj.maps[mapSlots])
	return err
}

// pinnedState reads the state a former process pinned; its Layout is 0 if there
// is none.
func pinnedState(dir string) (state, error) {
	m, err := ebpf.LoadPinnedMap(filepath.Join(dir, mapState), nil)
	if errors.Is(err, os.ErrNotExist) {
		return state{}, nil
	}
	if err != nil {
		return state{}, err
	}
	defer m.Close()
	if int(m.ValueSize()) != stateSize {
		return state{}, fmt.Errorf("%s: %w", dir, ErrOtherLayout)
	}
	st, err := readState(m)
	if err == nil && st.Layout > 0 && st.Layout != layout {
		err = fmt.Errorf("%s: %w (layout %d, this is %d)", dir, ErrOtherLayout, st.Layout, layout)
	}
	return st, err
}

const dropPin = "drop"

// attachDrop attaches the drop program. One that is pinned and the same stays:
// detaching it would miss refusals.
func (s *Source) attachDrop() error {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return fmt.Errorf("kernel type information (CONFIG_DEBUG_INFO_BTF): %w", errors.Join(ErrNotSupported, err))
	}
	reasons, err := dropReasons(kernel)
	if err != nil {
		return err
	}
	s.obj.modules = moduleTypes()
	var errs []error
	for _, way := range []struct {
		name, program string
		avoid         bool
	}{
		{"tp_btf", bpf.CaptureProgRefusedBtf, s.cfg.avoid.typedTracepoint},
		{"raw_tp", bpf.CaptureProgRefusedRaw, false},
	} {
		if way.avoid {
			continue
		}
		progs, err := s.obj.load(map[string]any{
			bpf.CaptureVarReasons:  reasons,
			bpf.CaptureVarHighMark: s.highMark(),
		}, way.program)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", way.name, err))
			continue
		}
		prog := progs[way.program]
		err = s.linkDrop(prog)
		prog.Close()
		if err == nil {
			s.features.Drop = way.name
			return nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", way.name, err))
	}
	return fmt.Errorf("tracepoint skb:kfree_skb, without which refusals can't be told: %w",
		errors.Join(append(errs, ErrNotSupported)...))
}

func (s *Source) linkDrop(prog *ebpf.Program) error {
	pin := filepath.Join(s.cfg.Pin, dropPin)
	if s.cfg.Pin != "" {
		old, err := link.LoadPinnedLink(pin, nil)
		switch {
		case err == nil && samePrograms(old, prog):
			s.drop = old
			return nil
		case err == nil:
			if err := errors.Join(old.Unpin(), old.Close()); err != nil {
				return err
			}
		case !errors.Is(err, os.ErrNotExist):
			return err
		}
	}
	var err error
	if prog.Type() == ebpf.Tracing {
		s.drop, err = link.AttachTracing(link.TracingOptions{Program: prog, AttachType: ebpf.AttachTraceRawTp})
	} else {
		s.drop, err = link.AttachRawTracepoint(link.RawTracepointOptions{Name: "kfree_skb", Program: prog})
	}
	if err == nil && s.cfg.Pin != "" {
		err = s.drop.Pin(pin)
	}
	return err
}

// samePrograms reports whether the link runs the program's instructions.
func samePrograms(l link.Link, prog *ebpf.Program) bool {
	info, err := l.Info()
	if err != nil {
		return false
	}
	running, err := ebpf.NewProgramFromID(info.Program)
	if err != nil {
		return false
	}
	defer running.Close()
	a, errA := running.Info()
	b, errB := prog.Info()
	return errA == nil && errB == nil && a.Tag == b.Tag
}

// adoptAll goes on with the interfaces a former process captured.
func (s *Source) adoptAll() error {
	if err := s.setControl(s.st.Open); err != nil {
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
			e.State, e.Remaining = slotGone, s.st.Open+1
			if err := e.write(s.obj.maps[mapSlots], slot); err != nil {
				return err
			}
			s.forgetDevice(slot)
		}
	}
	return nil
}

// forgetDevice removes what a slot without hooks may have left behind.
func (s *Source) forgetDevice(slot uint16) {
	e := &s.slots[slot]
	_ = s.obj.maps[bpf.CaptureMapDevices].Delete(bpf.CaptureDeviceKey{Netns: e.Netns, Ifindex: e.Index})
	if s.cfg.Pin == "" {
		return
	}
	for _, way := range []string{"ingress", "egress"} {
		_ = os.Remove(s.linkPin(way, slot))
	}
}

// namespace opens a namespace once.
func (s *Source) namespace(name string) (*namespace, error) {
	if ns := s.spaces[name]; ns != nil {
		return ns, nil
	}
	ns, err := openNamespace(name)
	if err != nil {
		return nil, err
	}
	s.spaces[name] = ns
	return ns, nil
}

// Features says how the source works on this kernel. Device is empty until an
// interface has been attached to.
func (s *Source) Features() Features {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.features
}

// Interfaces returns those captured now.
func (s *Source) Interfaces() []flow.Interface {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []flow.Interface
	for i := range s.slots {
		if s.slots[i].State == slotActive {
			list = append(list, s.slots[i].iface())
		}
	}
	return list
}

// Close stops watching and takes everything out of the kernel. If a window has
// not been handed over and tables are pinned they stay, for the next process to
// hand it over. Close is safe to repeat.
func (s *Source) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	keep := s.cfg.Pin != "" && s.st.Pending == pendingWindow
	var errs []error
	if !keep {
		errs = append(errs, s.removeAll())
	}
	s.mu.Unlock()
	if !keep && s.cfg.Pin != "" {
		errs = append(errs, uninstall(s.cfg.Pin))
	}
	s.abandon()
	return errors.Join(errs...)
}

// removeAll ends the capture of every interface; s.mu is held.
func (s *Source) removeAll() error {
	var errs []error
	for slot := range s.hooks {
		errs = append(errs, s.remove(slot))
	}
	return errors.Join(errs...)
}

// abandon lets go of everything this process holds and leaves what is pinned.
func (s *Source) abandon() {
	s.mu.Lock()
	s.closed = true
	watches := s.watches
	s.watches = nil
	s.mu.Unlock()
	for _, w := range watches {
		w.stop()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.hooks {
		h.close()
	}
	clear(s.hooks)
	for _, h := range s.spare {
		h.close()
	}
	s.spare = nil
	if s.wake != nil {
		s.wake.close()
	}
	if s.drop != nil {
		s.drop.Close()
	}
	if s.obj != nil {
		s.obj.close()
	}
	if s.grace != nil {
		s.grace.close()
	}
	for _, ns := range s.spaces {
		ns.close()
	}
	clear(s.spaces)
	if s.lock != nil {
		s.lock.Close()
	}
}

func addr4(a uint32) netip.Addr {
	if a == 0 {
		return netip.Addr{}
	}
	var b [4]byte
	binary.NativeEndian.PutUint32(b[:], a)
	return netip.AddrFrom4(b)
}
