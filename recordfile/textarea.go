package recordfile

import "weir/record"

// A textArea holds the text of a batch of values until it is reset. Text that was
// added stays where it is: when the area is full it goes on in a new one.
type textArea struct{ free []byte }

// areaSize is how much text an area holds at first, in bytes.
const areaSize = 64 << 10

// add returns a copy of b.
func (a *textArea) add(b []byte) []byte {
	n := len(a.free)
	a.free = append(a.free, b...)
	return a.free[n:]
}

// addUnless returns a copy of b, or last if they are equal.
func (a *textArea) addUnless(last, b []byte) []byte {
	if len(b) == 0 || string(b) == string(last) {
		return last
	}
	return a.add(b)
}

// addr returns the text of an address field; ok is false if r does not have it.
func (a *textArea) addr(r *record.Record, f record.Field) (text []byte, ok bool) {
	n := len(a.free)
	if ip, ok := r.Addr(f); ok {
		if ip.Is4() {
			b := ip.As4()
			a.free = appendIPv4(a.free, b)
		} else {
			a.free = ip.AppendTo(a.free)
		}
		return a.free[n:], true
	}
	if b, ok := r.Text(f); ok {
		return a.add(b), true
	}
	return nil, false
}

func (a *textArea) reset() {
	if a.free == nil {
		a.free = make([]byte, 0, areaSize)
	}
	a.free = a.free[:0]
}

// appendIPv4 appends the address in decimal.
func appendIPv4(b []byte, ip [4]byte) []byte {
	for i, v := range ip {
		if i > 0 {
			b = append(b, '.')
		}
		o := &octets[v]
		b = append(b, o.text[:o.len]...)
	}
	return b
}

// octets is the text of each number that a byte holds.
var octets = func() (t [256]struct {
	text [3]byte
	len  uint8
}) {
	for i := range t {
		o := &t[i]
		switch {
		case i >= 100:
			o.text, o.len = [3]byte{'0' + byte(i/100), '0' + byte(i/10%10), '0' + byte(i%10)}, 3
		case i >= 10:
			o.text, o.len = [3]byte{'0' + byte(i/10), '0' + byte(i%10)}, 2
		default:
			o.text, o.len = [3]byte{'0' + byte(i)}, 1
		}
	}
	return t
}()
