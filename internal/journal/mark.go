package journal

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"

	"weir/internal/flow"
)

// A batch that takes several steps may be offered again by another process, in
// which flows come in another order, and in which more or less is known of an
// interface. So what is stored is said by names that stay: that of an interface,
// that of a flow. Entries and flows are put in the order of these names, and a
// mark names the last flow that is stored.

// A piece is what there is to store of an entry.
type piece struct {
	meta   []byte
	window flow.Window
	part   int
	nth    uint32 // among the entries of its interface, in the order of the batch
}

// A place is the end of something in the order of pieces and flows.
type place struct {
	piece *piece
	flows int // of the piece, that are before it
	part  int // the last one before it
}

// Lengths of a mark, which is hexadecimal: 8 bytes namespace, 8 bytes index and
// 4 bytes nth make the interface; then the flow, and 4 bytes the part.
const (
	ifaceLen = 8 + 8 + 4
	keyLen   = 16 + 16 + 2 + 2 + 4
	markLen  = ifaceLen + keyLen + 4
)

func (e *piece) end(flows, part int) place { return place{e, flows, part} }

func (e *piece) iface() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, markLen), e.window.Interface.Netns)
	b = binary.BigEndian.AppendUint64(b, uint64(e.window.Interface.Index))
	return binary.BigEndian.AppendUint32(b, e.nth)
}

// appendKey appends the name of a flow, whose bytes have the order of compareKeys.
func appendKey(b []byte, k *flow.Key) []byte {
	b = append(append(b, k.Src[:]...), k.Dst[:]...)
	b = binary.BigEndian.AppendUint16(b, k.SrcPort)
	b = binary.BigEndian.AppendUint16(b, k.DstPort)
	return append(b, k.Protocol, k.Version, byte(k.Direction), byte(k.Verdict))
}

func compareKeys(a, b *flow.Key) int {
	return cmp.Or(bytes.Compare(a.Src[:], b.Src[:]), bytes.Compare(a.Dst[:], b.Dst[:]),
		cmp.Compare(a.SrcPort, b.SrcPort), cmp.Compare(a.DstPort, b.DstPort),
		cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Version, b.Version),
		cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Verdict, b.Verdict))
}

// mark returns the text that says that everything up to a place is stored.
func (p place) mark() string {
	b := p.piece.iface()
	if p.flows > 0 {
		b = appendKey(b, &p.piece.window.Flows[p.flows-1].Key)
	} else {
		b = append(b, make([]byte, keyLen)...) // before every flow
	}
	return hex.EncodeToString(binary.BigEndian.AppendUint32(b, uint32(p.part)))
}

func checkMark(mark string) error {
	if mark == "" {
		return nil
	}
	if b, err := hex.DecodeString(mark); err != nil || len(b) != markLen {
		return fmt.Errorf("mark %q: %w", mark, ErrDamaged)
	}
	return nil
}

func piecesOf(entries []Entry) []piece {
	pieces := make([]piece, len(entries))
	for i := range entries {
		pieces[i] = piece{meta: entries[i].Meta, window: *entries[i].Window}
	}
	return pieces
}

// ordered puts pieces, and their flows, in the order of marks.
func ordered(pieces []piece) []piece {
	type device struct {
		netns uint64
		index int
	}
	seen := make(map[device]uint32)
	for i := range pieces {
		e := &pieces[i]
		d := device{e.window.Interface.Netns, e.window.Interface.Index}
		e.nth = seen[d]
		seen[d]++
		slices.SortFunc(e.window.Flows, func(a, b flow.Flow) int { return compareKeys(&a.Key, &b.Key) })
	}
	slices.SortFunc(pieces, func(a, b piece) int { return bytes.Compare(a.iface(), b.iface()) })
	return pieces
}

// behind returns what of ordered pieces is behind a mark.
func behind(pieces []piece, mark string) ([]piece, error) {
	if mark == "" {
		return pieces, nil
	}
	stored, err := hex.DecodeString(mark)
	if err != nil {
		return nil, err
	}
	for i := range pieces {
		e := &pieces[i]
		switch bytes.Compare(e.iface(), stored[:ifaceLen]) {
		case 1:
			return pieces[i:], nil
		case 0:
			n, found := slices.BinarySearchFunc(e.window.Flows, stored[ifaceLen:ifaceLen+keyLen], func(f flow.Flow, key []byte) int {
				return bytes.Compare(appendKey(nil, &f.Key), key)
			})
			if found {
				n++
			}
			if n == len(e.window.Flows) {
				continue
			}
			e.window.Flows = e.window.Flows[n:]
			e.window.Skipped, e.window.Quiet = [2]flow.Count{}, false
			e.part = int(binary.BigEndian.Uint32(stored[ifaceLen+keyLen:])) + 1
			return pieces[i:], nil
		}
	}
	return nil, nil
}
