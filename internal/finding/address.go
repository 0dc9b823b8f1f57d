package finding

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"net/netip"

	"weir/internal/rows"
)

// An addr is an address of either family. IPv4 has its own upper half, which no IPv6
// address of a host has.
type addr struct{ hi, lo uint64 }

const ipv4 = ^uint64(0)

// nobody is the number of any address when no more can be told apart.
const nobody = 0

func parseAddr(b []byte) (addr, bool) {
	if v, ok := rows.ParseIPv4(b); ok {
		return addr{ipv4, uint64(v)}, true
	}
	a, ok := rows.ParseAddr(b)
	if !ok {
		return addr{}, false
	}
	x := a.As16()
	return addr{binary.BigEndian.Uint64(x[:8]), binary.BigEndian.Uint64(x[8:])}, true
}

func (a addr) netip() netip.Addr {
	if a.hi == ipv4 {
		return netip.AddrFrom4([4]byte{byte(a.lo >> 24), byte(a.lo >> 16), byte(a.lo >> 8), byte(a.lo)})
	}
	var x [16]byte
	binary.BigEndian.PutUint64(x[:8], a.hi)
	binary.BigEndian.PutUint64(x[8:], a.lo)
	return netip.AddrFrom16(x)
}

func (a addr) less(b addr) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

// newSeed makes it impossible to choose keys that collide.
func newSeed() uint64 { return rand.Uint64() | 1 }

func hash(seed, a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^seed, b^0x9e3779b97f4a7c15)
	hi, lo = bits.Mul64(hi^lo^seed, a+0xbf58476d1ce4e5b9)
	return hi ^ lo
}

// addresses gives addresses numbers, from 1 on.
type addresses struct {
	seed  uint64
	slots []uint32
	list  []addr // by number; the first is nobody
}

func newAddresses(seed uint64) addresses {
	return addresses{seed: seed, slots: make([]uint32, 1024), list: make([]addr, 1, 512)}
}

// number returns the number of an address, nobody if it is new and there may be no more.
func (t *addresses) number(a addr, b *budget) uint32 {
	mask := uint64(len(t.slots) - 1)
	for i := hash(t.seed, a.hi, a.lo) & mask; ; i = (i + 1) & mask {
		n := t.slots[i]
		if n == 0 {
			if len(t.list) >= maxAddrs || !take(&b.addrs, 1) {
				return nobody
			}
			t.slots[i] = uint32(len(t.list))
			t.list = append(t.list, a)
			if len(t.list)*2 > len(t.slots) {
				t.grow()
			}
			return uint32(len(t.list) - 1)
		}
		if t.list[n] == a {
			return n
		}
	}
}

func (t *addresses) grow() {
	t.slots = make([]uint32, 4*len(t.slots))
	mask := uint64(len(t.slots) - 1)
	for n, a := range t.list[1:] {
		i := hash(t.seed, a.hi, a.lo) & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = uint32(n + 1)
	}
}
