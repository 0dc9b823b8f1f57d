package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/cilium/ebpf/link"

	"weir/internal/capture/bpf"
	"weir/internal/flow"
)

// A Source captures the interfaces it is told to watch. Its methods may be
// called from any goroutine; Run from one at a time.
type Source struct {
	cfg    Config
	obj    *objects
	grace  *grace
	drops  []link.Link
	tick   int64
	handle uint32 // of tc filters
	lock   *os.File
	wake   *wakeReader

	stop chan struct{} // closed when the source is

	mu       sync.Mutex
	features Features
	st       state
	slots    []slotEntry       // by slot
	hooks    map[uint16]*hooks // of active slots
	spaces   map[string]*namespace
	orphans  map[uint64][]*filters // by namespace; left where it could not be reached
	watches  []*watch
	closed   bool

	covers   bool          // Cover says what is captured, not Watch
	interval time.Duration // of Run
	closeNow bool          // the open window is to be closed at once
	poked    chan struct{} // interval or closeNow has changed

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
		cfg:     cfg,
		handle:  filterHandle(cfg.Pin),
		stop:    make(chan struct{}),
		hooks:   make(map[uint16]*hooks),
		spaces:  make(map[string]*namespace),
		orphans: make(map[uint64][]*filters),
		poked:   make(chan struct{}, 1),
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
	if err := s.loadObservers(); err != nil {
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

// namespace opens a namespace once, and takes off what a former process left there
// that knew it by another path.
func (s *Source) namespace(name string) (*namespace, error) {
	if ns := s.spaces[name]; ns != nil {
		return ns, nil
	}
	ns, err := openNamespace(name)
	if err != nil {
		return nil, err
	}
	for _, f := range s.orphans[ns.cookie] {
		f.ns = ns
		if err := f.remove(); err != nil {
			ns.close()
			return nil, fmt.Errorf("network namespace %q: %w", name, err)
		}
	}
	delete(s.orphans, ns.cookie)
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
	keep := s.cfg.Pin != "" && s.holdsPackets()
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

// holdsPackets reports whether something has not been handed over; s.mu is held.
func (s *Source) holdsPackets() bool {
	return s.st.Pending == pendingWindow || s.used() > 0
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
	select {
	case <-s.stop:
	default:
		close(s.stop)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.hooks {
		h.close()
	}
	clear(s.hooks)
	if s.wake != nil {
		s.wake.close()
	}
	for _, l := range s.drops {
		l.Close()
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
