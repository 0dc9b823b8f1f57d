package capture

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// Uninstall removes every trace of the capture pinned at dir: hooks, tables and
// whatever they had counted. It fails if a process is using it.
func Uninstall(dir string) error {
	s := &Source{cfg: Config{Pin: dir}}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("capture: uninstall %s: nothing is pinned there: %w", dir, os.ErrNotExist)
	}
	if err := s.takeLock(); err != nil {
		return fmt.Errorf("capture: uninstall: %w", err)
	}
	defer s.lock.Close()
	return errors.Join(uninstallFilters(dir), uninstall(dir))
}

// uninstall unpins what is in dir; links without a holder are thereby detached.
func uninstall(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil || st.Type != unix.BPF_FS_MAGIC {
		return fmt.Errorf("capture: uninstall %s: not on a BPF file system", dir)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("capture: uninstall: %w", err)
	}
	// Hooks first and the state last: an uninstallation that was interrupted
	// can be repeated, and leaves nothing that counts into tables that are gone.
	rank := func(e os.DirEntry) int {
		switch name := e.Name(); {
		case isHook(name):
			return 0
		case name == mapState:
			return 2
		}
		return 1
	}
	slices.SortStableFunc(entries, func(a, b os.DirEntry) int { return rank(a) - rank(b) })
	for _, e := range entries {
		if rank(e) == 0 {
			detachPinned(filepath.Join(dir, e.Name()))
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			return fmt.Errorf("capture: uninstall: %w", err)
		}
	}
	if err := os.Remove(dir); err != nil {
		return fmt.Errorf("capture: uninstall: %w", err)
	}
	return nil
}

// isHook says whether a pin of that name is a link.
func isHook(name string) bool {
	return strings.HasPrefix(name, dropPin) || strings.HasPrefix(name, "ingress_") || strings.HasPrefix(name, "egress_")
}

// detachPinned takes a pinned link off at once, where its kind can be: without its
// pin it goes too, but some time after. What is no link, or can't, stays.
func detachPinned(pin string) {
	l, err := link.LoadPinnedLink(pin, nil)
	if err != nil {
		return
	}
	_ = l.Detach()
	l.Close()
}

// uninstallFilters removes tc filters, which no pin holds.
func uninstallFilters(dir string) error {
	m, err := ebpf.LoadPinnedMap(filepath.Join(dir, mapSlots), nil)
	if err != nil {
		return nil // without slots nothing was attached
	}
	defer m.Close()
	slots, err := readSlots(m)
	if err != nil {
		return nil // of another layout; its links go with the pins
	}
	var errs []error
	for i := range slots {
		e := &slots[i]
		if e.State != slotActive || e.Tc == 0 {
			continue
		}
		ns, err := openNamespace(text(e.NetnsName[:]))
		if err != nil {
			continue // and its interfaces are gone with it
		}
		if stillThere(ns, e) {
			f := &filters{ns: ns, index: int(e.Index), handle: filterHandle(dir), ownQdisc: e.OwnQdisc != 0}
			errs = append(errs, f.remove())
		}
		ns.close()
	}
	return errors.Join(errs...)
}
