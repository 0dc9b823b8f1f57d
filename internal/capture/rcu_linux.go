package capture

import (
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// A grace waits until every program that was running when wait was called has
// finished: an RCU grace period.
type grace struct {
	outer, inner *ebpf.Map // nil if membarrier does it
}

// Commands of membarrier(2).
const (
	membarrierQuery  = 0
	membarrierGlobal = 1
)

// newGrace finds a way to wait. membarrier(2) is refused on a machine with
// nohz_full processors; there, changing a map of maps waits just as well.
func newGrace() (*grace, error) {
	mask, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, membarrierQuery, 0, 0)
	if errno == 0 && mask&membarrierGlobal != 0 {
		g := &grace{}
		if g.wait() == nil {
			return g, nil
		}
	}
	return newMapGrace()
}

func newMapGrace() (*grace, error) {
	inner := &ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1}
	in, err := ebpf.NewMap(inner)
	if err != nil {
		return nil, fmt.Errorf("create map: %w", err)
	}
	out, err := ebpf.NewMap(&ebpf.MapSpec{
		Type: ebpf.ArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 1, InnerMap: inner,
	})
	if err != nil {
		in.Close()
		return nil, fmt.Errorf("create map of maps: %w", err)
	}
	return &grace{outer: out, inner: in}, nil
}

func (g *grace) wait() error {
	if g.outer != nil {
		if err := g.outer.Put(uint32(0), g.inner); err != nil {
			return fmt.Errorf("wait for a grace period: %w", err)
		}
		return nil
	}
	if _, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, membarrierGlobal, 0, 0); errno != 0 {
		return fmt.Errorf("wait for a grace period: membarrier: %w", errno)
	}
	return nil
}

func (g *grace) close() {
	if g.outer != nil {
		g.outer.Close()
		g.inner.Close()
	}
}
