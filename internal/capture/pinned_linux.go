package capture

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"weir/internal/capture/bpf"
)

// takeLock makes sure no other process uses the pinned tables.
func (s *Source) takeLock() error {
	if err := ensureBPFFS(s.cfg.Pin); err != nil {
		return err
	}
	if err := os.MkdirAll(s.cfg.Pin, 0o700); err != nil {
		return err
	}
	if err := onlyOurs(s.cfg.Pin); err != nil {
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

// onlyOurs fails if others keep something in a directory that has never been ours:
// all that is in ours is removed one day. With a state in it, it is that of a
// capture, of whatever version; without, one may have been killed as it began.
func onlyOurs(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	spec, err := bpf.LoadCapture()
	if err != nil {
		return err
	}
	theirs := ""
	for _, e := range entries {
		name := e.Name()
		switch {
		case name == mapState:
			return nil
		case name == mapSlots, spec.Maps[name] != nil, isHook(name):
		default:
			theirs = name
		}
	}
	if theirs != "" {
		return fmt.Errorf("%s is not empty: somebody else keeps %s there", dir, theirs)
	}
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
		s.st = state{Layout: layout, MaxFlows: uint32(size), Start: [2]int64{now, now}, Interval: now, Created: max(now, int64(s.cfg.After)+1)}
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
