package capture

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"

	"weir/internal/capture/bpf"
)

// dropPin begins the names of the pinned links.
const dropPin = "drop"

// attachDrop attaches the drop programs. Those that are pinned and the same stay:
// detaching them would miss refusals.
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
		name, first, second string
		avoid               bool
	}{
		{"tp_btf", bpf.CaptureProgRefusedBtf, bpf.CaptureProgSecondBtf, s.cfg.avoid.typedTracepoint},
		{"raw_tp", bpf.CaptureProgRefusedRaw, bpf.CaptureProgSecondRaw, false},
	} {
		if way.avoid {
			continue
		}
		progs, err := s.obj.load(map[string]any{
			bpf.CaptureVarReasons:  reasons,
			bpf.CaptureVarHighMark: s.highMark(),
		}, way.first, way.second)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", way.name, err))
			continue
		}
		err = s.linkDrop([]*ebpf.Program{progs[way.first], progs[way.second]})
		progs[way.first].Close()
		progs[way.second].Close()
		if err == nil {
			s.features.Drop = way.name
			return nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", way.name, err))
	}
	return fmt.Errorf("tracepoint skb:kfree_skb, without which refusals can't be told: %w",
		errors.Join(append(errs, ErrNotSupported)...))
}

// linkDrop attaches the two programs, the first before the second, so that the
// kernel runs them in that order.
func (s *Source) linkDrop(progs []*ebpf.Program) error {
	kept, err := s.keepDrop(progs)
	if err != nil || kept {
		return err
	}
	for i, prog := range progs {
		var l link.Link
		if prog.Type() == ebpf.Tracing {
			l, err = link.AttachTracing(link.TracingOptions{Program: prog, AttachType: ebpf.AttachTraceRawTp})
		} else {
			l, err = link.AttachRawTracepoint(link.RawTracepointOptions{Name: "kfree_skb", Program: prog})
		}
		if err == nil && s.cfg.Pin != "" {
			if err = l.Pin(s.dropPin(i)); err != nil {
				l.Close()
			}
		}
		if err != nil {
			return errors.Join(err, s.unlinkDrop())
		}
		s.drops = append(s.drops, l)
	}
	return nil
}

func (s *Source) dropPin(i int) string {
	return filepath.Join(s.cfg.Pin, fmt.Sprintf("%s_%d", dropPin, i))
}

// keepDrop takes over pinned links if they run the same programs, and removes
// them otherwise.
func (s *Source) keepDrop(progs []*ebpf.Program) (kept bool, err error) {
	if s.cfg.Pin == "" {
		return false, nil
	}
	kept = true
	for i, prog := range progs {
		l, err := link.LoadPinnedLink(s.dropPin(i), nil)
		if errors.Is(err, os.ErrNotExist) {
			kept = false
			continue
		}
		if err != nil {
			return false, errors.Join(err, s.unlinkDrop())
		}
		s.drops = append(s.drops, l)
		kept = kept && samePrograms(l, prog)
	}
	if kept {
		return true, nil
	}
	return false, s.unlinkDrop()
}

// unlinkDrop detaches what is attached of the drop programs.
func (s *Source) unlinkDrop() error {
	var errs []error
	for _, l := range s.drops {
		if s.cfg.Pin != "" {
			errs = append(errs, l.Unpin())
		}
		errs = append(errs, l.Close())
	}
	s.drops = nil
	return errors.Join(errs...)
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
