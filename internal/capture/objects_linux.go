package capture

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"weir/internal/capture/bpf"
)

// objects are the maps, and the means to load programs that use them.
type objects struct {
	spec    *ebpf.CollectionSpec
	maps    map[string]*ebpf.Map
	modules []*btf.Spec // types of kernel modules the drop program looks into
	clock   *ebpf.Program
	types   *btf.Cache // the kernel's, decoded once: that takes longer than loading a program
}

// Maps of the Go side alone, kept in the kernel so that they share the life of
// the tables they describe.
const (
	mapState = "state"
	mapSlots = "slots"
)

// sizedMaps are those that hold MaxFlows entries.
var sizedMaps = []string{
	bpf.CaptureMapFlows40, bpf.CaptureMapFlows41, bpf.CaptureMapFlows60, bpf.CaptureMapFlows61,
}

// loadObjects creates the maps, or takes them from pin where they exist.
func loadObjects(maxFlows int, pin string) (*objects, error) {
	spec, err := bpf.LoadCapture()
	if err != nil {
		return nil, err
	}
	for _, name := range sizedMaps {
		spec.Maps[name].MaxEntries = uint32(maxFlows)
	}
	for name, m := range spec.Maps {
		if strings.HasPrefix(name, ".") {
			continue // constants belong to a program, not to the set
		}
		m.Pinning = ebpf.PinByName
	}
	spec.Maps[mapState] = stateSpec()
	spec.Maps[mapSlots] = slotsSpec()

	o := &objects{spec: spec, maps: make(map[string]*ebpf.Map), types: btf.NewCache()}
	if pin != "" {
		if err := os.MkdirAll(pin, 0o700); err != nil {
			return nil, err
		}
	}
	for name, m := range spec.Maps {
		if m.Pinning == ebpf.PinNone {
			continue
		}
		m := m.Copy()
		if pin == "" {
			m.Pinning = ebpf.PinNone
		}
		created, err := ebpf.NewMapWithOptions(m, ebpf.MapOptions{PinPath: pin})
		if err != nil {
			o.close()
			return nil, fmt.Errorf("create map %s: %w", name, err)
		}
		o.maps[name] = created
	}
	for name := range spec.Maps {
		if name == mapState || name == mapSlots {
			delete(spec.Maps, name) // no program knows them
		}
	}
	if err := o.loadClock(); err != nil {
		o.close()
		return nil, err
	}
	return o, nil
}

func (o *objects) close() {
	for _, m := range o.maps {
		m.Close()
	}
	if o.clock != nil {
		o.clock.Close()
	}
}

// load loads the named programs with the given constants.
func (o *objects) load(constants map[string]any, programs ...string) (map[string]*ebpf.Program, error) {
	spec := o.spec.Copy()
	maps.DeleteFunc(spec.Programs, func(name string, _ *ebpf.ProgramSpec) bool {
		for _, p := range programs {
			if p == name {
				return false
			}
		}
		return true
	})
	for name, value := range constants {
		if err := spec.Variables[name].Set(value); err != nil {
			return nil, fmt.Errorf("set %s: %w", name, err)
		}
	}
	shared := make(map[string]*ebpf.Map)
	for name := range spec.Maps {
		if m := o.maps[name]; m != nil {
			spec.Maps[name].Pinning = ebpf.PinNone
			shared[name] = m
		}
	}
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{
		MapReplacements: shared,
		Cache:           o.types,
		Programs:        ebpf.ProgramOptions{ExtraRelocationTargets: o.modules},
	})
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", strings.Join(programs, ", "), err)
	}
	defer coll.Close()
	loaded := make(map[string]*ebpf.Program)
	for _, name := range programs {
		loaded[name] = coll.DetachProgram(name)
	}
	return loaded, nil
}

// entrance is the program of one slot and way: it notes the slot and jumps to the
// observer, which is loaded once. If there is none the packet goes on.
func (o *objects) entrance(slot uint16, observer int) *ebpf.ProgramSpec {
	const zero = -4 // from the frame pointer
	return &ebpf.ProgramSpec{Name: "weir_entrance", Type: ebpf.SchedCLS, License: "Dual BSD/GPL", Instructions: asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.StoreImm(asm.RFP, zero, 0, asm.Word),
		asm.LoadMapPtr(asm.R1, o.maps[bpf.CaptureMapLastSeen].FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, zero),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "next"),
		asm.StoreImm(asm.R0, int16(unsafe.Offsetof(bpf.CaptureLastPacket{}.Slot)), int64(slot), asm.Word),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.LoadMapPtr(asm.R2, o.maps[bpf.CaptureMapObservers].FD()),
		asm.Mov.Imm(asm.R3, int32(observer)),
		asm.FnTailCall.Call(),
		asm.Mov.Imm(asm.R0, -1).WithSymbol("next"), // TCX_NEXT, TC_ACT_UNSPEC
		asm.Return(),
	}}
}

func (o *objects) loadClock() error {
	p, err := o.load(nil, bpf.CaptureProgClock)
	if err != nil {
		return err
	}
	o.clock = p[bpf.CaptureProgClock]
	return nil
}

// jiffies returns the low 32 bits of the kernel's tick count.
func (o *objects) jiffies() (uint32, error) {
	var frame [64]byte
	now, _, err := o.clock.Test(frame[:])
	if err != nil {
		return 0, fmt.Errorf("read the kernel's tick count: %w", err)
	}
	return now, nil
}

// moduleTypes returns the types of connection tracking if it is a module; built
// in, they are among the kernel's own.
func moduleTypes() []*btf.Spec {
	spec, err := btf.LoadKernelModuleSpec("nf_conntrack")
	if err != nil {
		return nil
	}
	return []*btf.Spec{spec}
}

// bpffsMagic is the type statfs(2) gives for a BPF file system.
const bpffsMagic = unix.BPF_FS_MAGIC

// ensureBPFFS mounts a BPF file system if the directory's place has none.
func ensureBPFFS(dir string) error {
	parent := filepath.Dir(dir)
	var st unix.Statfs_t
	for p := dir; ; p = filepath.Dir(p) {
		err := unix.Statfs(p, &st)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.ENOENT) || p == filepath.Dir(p) {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	if st.Type == bpffsMagic {
		return nil
	}
	const standard = "/sys/fs/bpf"
	if parent != standard && !strings.HasPrefix(parent, standard+"/") {
		return fmt.Errorf("%s is not on a BPF file system", dir)
	}
	if err := unix.Mount("bpf", standard, "bpf", 0, "mode=0700"); err != nil {
		return fmt.Errorf("mount a BPF file system at %s: %w", standard, err)
	}
	return nil
}
