package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/cilium/ebpf"

	"weir/internal/capture/bpf"
	"weir/internal/flow"
)

// layout numbers the arrangement of all maps; a process only takes over maps of
// its own layout.
const layout = 2

// state is what a restarted process must know of the tables, kept beside them.
type state struct {
	Layout   uint32
	MaxFlows uint32
	Open     uint32   // the open generation
	Pending  uint32   // what there is to do with the other generation
	Start    [2]int64 // Unix nanoseconds at which each generation was opened
	End      int64    // at which the other generation was closed
	Interval int64    // at which the aggregation interval began
	From     int64    // at which the one the other generation lies in began

	EndsInterval uint32 // 1: the other generation is the last of its interval
	_            uint32

	Created    int64  // Unix nanoseconds at which the tables were created
	Windows    uint64 // generations closed so far
	EarlySwaps uint64
	Skipped    [2]uint64 // packets and bytes of cleared generations
}

var stateSize = binary.Size(state{})

func stateSpec() *ebpf.MapSpec {
	return &ebpf.MapSpec{
		Name: mapState, Type: ebpf.Array, KeySize: 4, ValueSize: uint32(stateSize),
		MaxEntries: 1, Pinning: ebpf.PinByName,
	}
}

func readState(m *ebpf.Map) (state, error) {
	var st state
	raw, err := m.LookupBytes(uint32(0))
	if err == nil {
		err = binary.Read(bytes.NewReader(raw), binary.NativeEndian, &st)
	}
	if err != nil {
		return st, fmt.Errorf("read map %s: %w", mapState, err)
	}
	return st, nil
}

func (st *state) write(m *ebpf.Map) error {
	raw, err := binary.Append(nil, binary.NativeEndian, st)
	if err == nil {
		err = m.Put(uint32(0), raw)
	}
	if err != nil {
		return fmt.Errorf("write map %s: %w", mapState, err)
	}
	return nil
}

// slotState says what a slot is used for.
type slotState uint32

const (
	slotFree slotState = iota
	slotActive
	slotGone // the interface is, but its packets may still be in a table
)

// slotEntry is an interface's line in the map of slots.
type slotEntry struct {
	State slotState
	Index uint32
	Netns uint64
	// Generations the slot must outlast, while it is slotGone.
	Remaining uint32
	L2        uint16
	Tc        uint8 // attached by filters, not by tcx links
	OwnQdisc  uint8 // and the qdisc they hang on is ours
	Router    uint32
	DNS       uint32
	Active    uint32 // 1: it carried something in this aggregation interval
	Name      [16]byte
	MAC       [24]byte
	NetnsName [184]byte
	Since     int64 // Unix nanoseconds before it was attached to
}

func slotsSpec() *ebpf.MapSpec {
	return &ebpf.MapSpec{
		Name: mapSlots, Type: ebpf.Array, KeySize: 4, ValueSize: uint32(binary.Size(slotEntry{})),
		MaxEntries: bpf.MaxSlots, Pinning: ebpf.PinByName,
	}
}

func readSlots(m *ebpf.Map) ([]slotEntry, error) {
	slots := make([]slotEntry, bpf.MaxSlots)
	for i := range slots {
		raw, err := m.LookupBytes(uint32(i))
		if err == nil {
			err = binary.Read(bytes.NewReader(raw), binary.NativeEndian, &slots[i])
		}
		if err != nil {
			return nil, fmt.Errorf("read map %s: %w", mapSlots, err)
		}
	}
	return slots, nil
}

func (e *slotEntry) write(m *ebpf.Map, slot uint16) error {
	raw, err := binary.Append(nil, binary.NativeEndian, e)
	if err == nil {
		err = m.Put(uint32(slot), raw)
	}
	if err != nil {
		return fmt.Errorf("write map %s: %w", mapSlots, err)
	}
	return nil
}

func (e *slotEntry) iface() flow.Interface {
	return flow.Interface{
		Name:      text(e.Name[:]),
		Index:     int(e.Index),
		MAC:       text(e.MAC[:]),
		Netns:     e.Netns,
		NetnsName: text(e.NetnsName[:]),
	}
}

func text(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}

func fromNano(ns int64) time.Time { return time.Unix(0, ns) }
