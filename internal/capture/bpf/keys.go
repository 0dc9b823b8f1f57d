package bpf

import (
	"encoding/binary"

	"weir/internal/flow"
)

// Flow returns the key as the rest of the program knows it. The verdict is for
// the caller to decide: it depends on the kind of other entries too.
func (k *CaptureKey4) Flow() flow.Key {
	f := flow.Key{
		SrcPort:   port(k.Sport),
		DstPort:   port(k.Dport),
		Protocol:  k.Proto,
		Version:   4,
		Direction: flow.Direction(k.Kind & 1),
	}
	f.Src = mapped(k.Saddr)
	f.Dst = mapped(k.Daddr)
	return f
}

// Flow is as for [CaptureKey4.Flow].
func (k *CaptureKey6) Flow() flow.Key {
	f := flow.Key{
		SrcPort:   port(k.Sport),
		DstPort:   port(k.Dport),
		Protocol:  k.Proto,
		Version:   6,
		Direction: flow.Direction(k.Kind & 1),
	}
	for i := range k.Saddr {
		binary.NativeEndian.PutUint32(f.Src[4*i:], k.Saddr[i])
		binary.NativeEndian.PutUint32(f.Dst[4*i:], k.Daddr[i])
	}
	return f
}

// Meaning returns what the entry counts.
func (k *CaptureKey4) Meaning() CaptureKind { return CaptureKind(k.Kind >> 1) }

// Meaning returns what the entry counts.
func (k *CaptureKey6) Meaning() CaptureKind { return CaptureKind(k.Kind >> 1) }

// Seen returns the key of the entry that counted the same packets when they
// passed the device.
func (k CaptureKey4) Seen() CaptureKey4 {
	k.Kind &= 1
	return k
}

// Seen is as for [CaptureKey4.Seen].
func (k CaptureKey6) Seen() CaptureKey6 {
	k.Kind &= 1
	return k
}

// Interface returns the slot of the interface.
func (k *CaptureKey4) Interface() uint16 { return k.Slot }

// Interface returns the slot of the interface.
func (k *CaptureKey6) Interface() uint16 { return k.Slot }

// mapped returns the IPv4-mapped form of an address in network byte order.
func mapped(a uint32) (out [16]byte) {
	out[10], out[11] = 0xff, 0xff
	binary.NativeEndian.PutUint32(out[12:], a)
	return out
}

func port(p uint16) uint16 {
	var b [2]byte
	binary.NativeEndian.PutUint16(b[:], p)
	return binary.BigEndian.Uint16(b[:])
}
