package record

// ipv6 reads b as an IPv6 address without zone: RFC 4291 section 2.2, in any of
// its three forms.
func ipv6(b []byte) (c cell, ok bool) {
	if len(b) < 2 || len(b) > 45 {
		return c, false
	}
	var groups [8]uint16
	n, gap := 0, -1 // groups read; how many of them come before "::"
	i := 0
	if b[0] == ':' {
		if b[1] != ':' {
			return c, false
		}
		gap, i = 0, 2
	}
	for i < len(b) {
		if n == 8 {
			return c, false
		}
		start, v := i, uint32(0)
		for i < len(b) && i-start < 5 {
			d := hexDigit[b[i]]
			if d < 0 {
				break
			}
			v = v<<4 | uint32(d)
			i++
		}
		if i < len(b) && b[i] == '.' { // the last 32 bits as an IPv4 address
			v4, ok := ipv4Start(b[start:min(len(b), start+16)])
			if !ok || n > 6 || len(b)-start > 15 {
				return c, false
			}
			groups[n], groups[n+1] = uint16(v4>>16), uint16(v4)
			n += 2
			break
		}
		if i == start || i-start > 4 {
			return c, false
		}
		groups[n] = uint16(v)
		n++
		if i == len(b) {
			break
		}
		if b[i] != ':' {
			return c, false
		}
		if i++; i == len(b) { // ends in a single colon
			return c, false
		}
		if b[i] == ':' {
			if gap >= 0 {
				return c, false
			}
			gap = n
			i++
		}
	}
	if gap < 0 && n < 8 || gap >= 0 && n == 8 {
		return c, false
	}
	if gap >= 0 {
		moved := copy(groups[8-(n-gap):], groups[gap:n])
		clear(groups[gap : 8-moved])
	}
	for j := range 4 {
		c.a = c.a<<16 | uint64(groups[j])
		c.b = c.b<<16 | uint64(groups[j+4])
	}
	return c, true
}

// hexDigit is the value of a hexadecimal digit, -1 for other bytes.
var hexDigit = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	for i := range int8(10) {
		t['0'+i] = i
	}
	for i := range int8(6) {
		t['a'+i], t['A'+i] = 10+i, 10+i
	}
	return t
}()
