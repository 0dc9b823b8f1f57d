package flow

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// The wire form of a window, version 1. Integers are unsigned varints unless a
// width is given; text is its length and its bytes. Times are nanoseconds since
// the Unix epoch, as zigzag varints.
//
//	version      1 byte, 1
//	tables, sequence
//	interface    name, MAC, namespace name as text; index; namespace cookie
//	start, end
//	quiet        1 byte
//	skipped      ingress packets, bytes; egress packets, bytes
//	count        number of flows
//	flows        each:
//	  kind       1 byte: bit 0 egress, bit 1 REJECT, bit 2 IPv6
//	  protocol   1 byte
//	  flags      1 byte
//	  addresses  source, destination: 4 or 16 bytes each
//	  ports      source, destination: 2 bytes each, big-endian
//	  packets, bytes
//	  first      seconds since the second of start, zigzag
//	  duration   last - first in seconds, zigzag
//
// A typical IPv4 flow takes 20 to 25 bytes.
const wireVersion = 1

// ErrWire is what errors of [Window.ParseWire] wrap.
var ErrWire = errors.New("not a window")

const (
	kindEgress = 1 << iota
	kindReject
	kindIPv6
)

// AppendWire appends the window to b in a form that [Window.ParseWire] of this
// and every later release reads.
func (w *Window) AppendWire(b []byte) []byte {
	b = append(b, wireVersion)
	b = binary.AppendUvarint(b, w.Tables)
	b = binary.AppendUvarint(b, w.Sequence)
	for _, s := range []string{w.Interface.Name, w.Interface.MAC, w.Interface.NetnsName} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	b = binary.AppendUvarint(b, uint64(w.Interface.Index))
	b = binary.AppendUvarint(b, w.Interface.Netns)
	b = binary.AppendVarint(b, w.Start.UnixNano())
	b = binary.AppendVarint(b, w.End.UnixNano())
	quiet := byte(0)
	if w.Quiet {
		quiet = 1
	}
	b = append(b, quiet)
	for _, c := range w.Skipped {
		b = binary.AppendUvarint(b, c.Packets)
		b = binary.AppendUvarint(b, c.Bytes)
	}
	b = binary.AppendUvarint(b, uint64(len(w.Flows)))
	origin := w.Start.Unix()
	for i := range w.Flows {
		b = w.Flows[i].appendWire(b, origin)
	}
	return b
}

func (f *Flow) appendWire(b []byte, origin int64) []byte {
	kind := byte(f.Direction&1)*kindEgress | byte(f.Verdict&1)*kindReject
	src, dst := f.Src[12:], f.Dst[12:]
	if f.Version != 4 {
		kind |= kindIPv6
		src, dst = f.Src[:], f.Dst[:]
	}
	b = append(b, kind, f.Protocol, f.Flags)
	b = append(b, src...)
	b = append(b, dst...)
	b = binary.BigEndian.AppendUint16(b, f.SrcPort)
	b = binary.BigEndian.AppendUint16(b, f.DstPort)
	b = binary.AppendUvarint(b, f.Packets)
	b = binary.AppendUvarint(b, f.Bytes)
	b = binary.AppendVarint(b, f.First-origin)
	return binary.AppendVarint(b, f.Last-f.First)
}

// ParseWire fills w from what [Window.AppendWire] made, reusing w.Flows, and
// returns what follows it in b. Text in w is copied. An error wraps [ErrWire];
// w is then undefined.
func (w *Window) ParseWire(b []byte) (rest []byte, err error) {
	r := wireReader{b: b}
	if v := r.byte(); v != wireVersion && !r.bad {
		return nil, fmt.Errorf("version %d, this program reads 1: %w", v, ErrWire)
	}
	flows := w.Flows[:0]
	*w = Window{Tables: r.uvarint(), Sequence: r.uvarint()}
	w.Interface.Name, w.Interface.MAC, w.Interface.NetnsName = r.text(), r.text(), r.text()
	w.Interface.Index = int(r.upTo(math.MaxInt32))
	w.Interface.Netns = r.uvarint()
	w.Start, w.End = time.Unix(0, r.varint()), time.Unix(0, r.varint())
	w.Quiet = r.byte() == 1
	for d := range w.Skipped {
		w.Skipped[d] = Count{Packets: r.uvarint(), Bytes: r.uvarint()}
	}
	n := r.uvarint()
	// A flow takes minFlow bytes at least: a longer list is a lie, and must
	// not cost memory.
	const minFlow = 3 + 8 + 4 + 4
	if n > uint64(len(r.b)/minFlow) {
		r.bad = true
		n = 0
	}
	origin := w.Start.Unix()
	for range n {
		var f Flow
		r.flow(&f, origin)
		flows = append(flows, f)
	}
	if r.bad {
		return nil, fmt.Errorf("cut short or damaged at byte %d: %w", len(b)-len(r.b), ErrWire)
	}
	w.Flows = flows
	return r.b, nil
}

// wireReader takes values off b until one is wrong; then it only yields zeros.
type wireReader struct {
	b   []byte
	bad bool
}

func (r *wireReader) take(n uint64) []byte {
	if r.bad || n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *wireReader) byte() byte {
	if p := r.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (r *wireReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || r.bad {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *wireReader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 || r.bad {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *wireReader) upTo(limit uint64) uint64 {
	v := r.uvarint()
	if v > limit {
		r.bad = true
		return 0
	}
	return v
}

func (r *wireReader) text() string { return string(r.take(r.uvarint())) }

func (r *wireReader) port() uint16 {
	if p := r.take(2); p != nil {
		return binary.BigEndian.Uint16(p)
	}
	return 0
}

func (r *wireReader) flow(f *Flow, origin int64) {
	kind := r.byte()
	f.Protocol, f.Flags = r.byte(), r.byte()
	f.Direction, f.Verdict = Direction(kind&kindEgress), Verdict(kind&kindReject/kindReject)
	if kind >= kindIPv6<<1 {
		r.bad = true
	}
	if kind&kindIPv6 != 0 {
		f.Version = 6
		copy(f.Src[:], r.take(16))
		copy(f.Dst[:], r.take(16))
	} else {
		f.Version = 4
		f.Src[10], f.Src[11], f.Dst[10], f.Dst[11] = 0xff, 0xff, 0xff, 0xff
		copy(f.Src[12:], r.take(4))
		copy(f.Dst[12:], r.take(4))
	}
	f.SrcPort, f.DstPort = r.port(), r.port()
	f.Packets, f.Bytes = r.uvarint(), r.uvarint()
	f.First = origin + r.varint()
	f.Last = f.First + r.varint()
}
