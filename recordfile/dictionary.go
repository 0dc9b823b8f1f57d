package recordfile

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"net/netip"
)

// A dictionary numbers the values of one column of a row group in the order in
// which they first come, from 0. Addresses become text only then.
type dictionary struct {
	kind    kind
	page    []byte // the values in plain encoding, by number
	len     int32
	bounds  bounds
	numbers numberTable // integers, and IPv4 addresses
	addrs   map[netip.Addr]entry
	texts   map[string]entry

	// The text that came last, which is often the next one too.
	last      []byte
	lastEntry entry
}

// An entry is a value of a dictionary.
type entry struct {
	index int32 // its number
	size  int32 // of its plain encoding, in bytes
}

// reset forgets all values.
func (d *dictionary) reset() {
	d.page, d.len, d.bounds, d.last = d.page[:0], 0, bounds{}, d.last[:0]
	d.numbers.reset()
	clear(d.addrs)
	clear(d.texts)
}

// int returns the entry of an integer.
func (d *dictionary) int(v int64) entry {
	e, ok := d.numbers.find(uint64(v))
	if !ok {
		n := len(d.page)
		d.page = appendInt(d.page, d.kind, v)
		d.bounds.addInt(v)
		*e = d.added(n)
	}
	return *e
}

// addr returns the entry of an address.
func (d *dictionary) addr(a netip.Addr) entry {
	if a.Is4() {
		b := a.As4()
		e, ok := d.numbers.find(uint64(binary.BigEndian.Uint32(b[:])))
		if !ok {
			*e = d.addAddr(a)
		}
		return *e
	}
	e, ok := d.addrs[a]
	if !ok {
		if d.addrs == nil {
			d.addrs = map[netip.Addr]entry{}
		}
		e = d.addAddr(a)
		d.addrs[a] = e
	}
	return e
}

func (d *dictionary) addAddr(a netip.Addr) entry {
	n := len(d.page)
	d.page = a.AppendTo(append(d.page, 0, 0, 0, 0))
	return d.addedText(n)
}

// text returns the entry of a text, of which it makes a copy.
func (d *dictionary) text(b []byte) entry {
	if len(d.last) > 0 && string(b) == string(d.last) {
		return d.lastEntry
	}
	e, ok := d.texts[string(b)]
	if !ok {
		if d.texts == nil {
			d.texts = map[string]entry{}
		}
		n := len(d.page)
		d.page = append(append(d.page, 0, 0, 0, 0), b...)
		e = d.addedText(n)
		d.texts[string(b)] = e
	}
	d.last, d.lastEntry = append(d.last[:0], b...), e
	return e
}

// addedText completes the plain encoding of a text, which begins at n.
func (d *dictionary) addedText(n int) entry {
	text := d.page[n+4:]
	binary.LittleEndian.PutUint32(d.page[n:], uint32(len(text)))
	d.bounds.addText(text)
	return d.added(n)
}

// added gives the value whose encoding begins at n its number.
func (d *dictionary) added(n int) entry {
	d.len++
	return entry{d.len - 1, int32(len(d.page) - n)}
}

// appendInt appends the plain encoding of an integer.
func appendInt(b []byte, k kind, v int64) []byte {
	if k == kindInt32 {
		return binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	return binary.LittleEndian.AppendUint64(b, uint64(v))
}

// A numberTable finds the entry of a number. It has open addressing with linear
// probing, at most half of it is used.
type numberTable struct {
	slots []slot // a power of two of them, or none
	used  int
	seed  uint64 // so that no sender can choose addresses that collide
}

type slot struct {
	key   uint64
	entry entry // one with size 0 is of no key
}

// minSlots is how many slots a table has at first.
const minSlots = 64

func (t *numberTable) reset() {
	if t.used > 0 {
		clear(t.slots)
		t.used = 0
	}
}

// find returns the place of key's entry. If ok is false, key is new, and the caller
// must put its entry there.
func (t *numberTable) find(key uint64) (e *entry, ok bool) {
	if 2*t.used >= len(t.slots) {
		t.grow()
	}
	s := t.slot(key)
	if s.entry.size != 0 {
		return &s.entry, true
	}
	s.key = key
	t.used++
	return &s.entry, false
}

// slot returns the slot that has key, or else an empty one for it.
func (t *numberTable) slot(key uint64) *slot {
	mask := uint64(len(t.slots) - 1)
	hi, lo := bits.Mul64(key^t.seed, 0x9e3779b97f4a7c15)
	for i := hi ^ lo; ; i++ {
		if s := &t.slots[i&mask]; s.key == key || s.entry.size == 0 {
			return s
		}
	}
}

func (t *numberTable) grow() {
	old := t.slots
	if old == nil {
		t.seed = rand.Uint64()
	}
	t.slots = make([]slot, max(minSlots, 2*len(old)))
	for i := range old {
		if s := &old[i]; s.entry.size != 0 {
			*t.slot(s.key) = *s
		}
	}
}
