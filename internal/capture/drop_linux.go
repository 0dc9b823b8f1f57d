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
