package packet

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// IPv4 is the header of RFC 791.
type IPv4 struct {
	Src, Dst netip.Addr
	TTL      uint8 // 0 means 64
	TOS      uint8
	ID       uint16
	Protocol uint8 // 0 means from the next layer

	// Options are padded with zeros to a multiple of 4 bytes; at most 40.
	Options []byte

	DontFragment  bool
	MoreFragments bool
	Offset        uint16 // of a fragment, in bytes; a multiple of 8
}

func (p IPv4) appendHeader(b []byte, next Layer) []byte {
	if p.TTL == 0 {
		p.TTL = 64
	}
	if p.Protocol == 0 {
		p.Protocol = protocol(next)
	}
	if len(p.Options) > 40 {
		panic("BUG: packet: more than 40 bytes of IPv4 options")
	}
	frag := p.Offset / 8
	if p.DontFragment {
		frag |= 0x4000
	}
	if p.MoreFragments {
		frag |= 0x2000
	}
	words := 5 + (len(p.Options)+3)/4
	b = append(b, 0x40|byte(words), p.TOS, 0, 0)
	b = binary.BigEndian.AppendUint16(b, p.ID)
	b = binary.BigEndian.AppendUint16(b, frag)
	b = append(b, p.TTL, p.Protocol, 0, 0)
	b = append(b, must4(p.Src)...)
	b = append(b, must4(p.Dst)...)
	b = append(b, p.Options...)
	return append(b, make([]byte, (words-5)*4-len(p.Options))...)
}

func (IPv4) finish(b []byte, _ *pseudo) {
	put16(b[2:], uint16(len(b)))
	finishIPv4Header(b)
}

func finishIPv4Header(b []byte) {
	put16(b[10:], 0)
	put16(b[10:], Checksum(0, b[:int(b[0]&0xf)*4]))
}

// IPv6 is the header of RFC 8200.
type IPv6 struct {
	Src, Dst     netip.Addr
	HopLimit     uint8 // 0 means 64
	TrafficClass uint8
	FlowLabel    uint32 // 20 bits

	// NextHeader is taken from the next layer if 0. The number 0, hop-by-hop
	// options, is therefore only written before such an [Extension].
	NextHeader uint8
}

func (p IPv6) appendHeader(b []byte, next Layer) []byte {
	if p.HopLimit == 0 {
		p.HopLimit = 64
	}
	if p.NextHeader == 0 {
		p.NextHeader = protocol(next)
	}
	b = binary.BigEndian.AppendUint32(b, 6<<28|uint32(p.TrafficClass)<<20|p.FlowLabel&0xfffff)
	b = append(b, 0, 0, p.NextHeader, p.HopLimit)
	b = append(b, must6(p.Src)...)
	return append(b, must6(p.Dst)...)
}

func (IPv6) finish(b []byte, _ *pseudo) { put16(b[4:], uint16(len(b)-40)) }

// Extension is an IPv6 extension header of the common shape: next header,
// length, data (RFC 8200 section 4; RFC 6564). Protocol says which one:
// [ProtoHopByHop], [ProtoRouting], [ProtoDestination] or [ProtoMobility].
type Extension struct {
	Protocol   uint8
	NextHeader uint8 // 0 means from the next layer

	// Data follows the length byte and is padded with zeros, which are Pad1
	// options, until the header is a multiple of 8 bytes.
	Data []byte
}

func (e Extension) appendHeader(b []byte, next Layer) []byte {
	if e.NextHeader == 0 {
		e.NextHeader = protocol(next)
	}
	units := (2 + len(e.Data) + 7) / 8
	b = append(b, e.NextHeader, byte(units-1))
	b = append(b, e.Data...)
	return append(b, make([]byte, units*8-2-len(e.Data))...)
}

func (Extension) finish([]byte, *pseudo) {}

// Fragment is the IPv6 fragment header. To cut a whole packet into fragments
// see [FragmentIPv6].
type Fragment struct {
	ID         uint32
	Offset     uint16 // in bytes; a multiple of 8
	More       bool
	NextHeader uint8 // 0 means from the next layer
}

func (f Fragment) appendHeader(b []byte, next Layer) []byte {
	if f.NextHeader == 0 {
		f.NextHeader = protocol(next)
	}
	off := f.Offset &^ 7
	if f.More {
		off |= 1
	}
	b = append(b, f.NextHeader, 0)
	b = binary.BigEndian.AppendUint16(b, off)
	return binary.BigEndian.AppendUint32(b, f.ID)
}

func (Fragment) finish([]byte, *pseudo) {}

// AH is the IPsec authentication header (RFC 4302). ICV is the check value; its
// length must be a multiple of 4.
type AH struct {
	SPI, Sequence uint32
	ICV           []byte
	NextHeader    uint8 // 0 means from the next layer
}

func (a AH) appendHeader(b []byte, next Layer) []byte {
	if a.NextHeader == 0 {
		a.NextHeader = protocol(next)
	}
	b = append(b, a.NextHeader, byte((12+len(a.ICV))/4-2), 0, 0)
	b = binary.BigEndian.AppendUint32(b, a.SPI)
	b = binary.BigEndian.AppendUint32(b, a.Sequence)
	return append(b, a.ICV...)
}

func (AH) finish([]byte, *pseudo) {}

// ESP is the clear part of an IPsec payload (RFC 4303): what follows is opaque.
type ESP struct{ SPI, Sequence uint32 }

func (e ESP) appendHeader(b []byte, _ Layer) []byte {
	b = binary.BigEndian.AppendUint32(b, e.SPI)
	return binary.BigEndian.AppendUint32(b, e.Sequence)
}

func (ESP) finish([]byte, *pseudo) {}

// FragmentIPv4 cuts a whole IPv4 packet, as Build made it, into fragments with
// at most size bytes of payload each; size is rounded down to a multiple of 8.
// Options are kept in the first fragment only. The fragments share no memory
// with p.
func FragmentIPv4(p []byte, size int) [][]byte {
	size &^= 7
	hdr := int(p[0]&0xf) * 4
	if size < 8 || len(p) < hdr {
		panic(fmt.Sprintf("BUG: packet: fragments of %d bytes", size))
	}
	var out [][]byte
	for off := 0; off == 0 || off < len(p)-hdr; off += size {
		h := p[:hdr]
		if off > 0 {
			h = p[:20]
		}
		end := min(off+size, len(p)-hdr)
		f := append(append([]byte(nil), h...), p[hdr+off:hdr+end]...)
		f[0] = 0x40 | byte(len(h)/4)
		put16(f[2:], uint16(len(f)))
		flags := uint16(off / 8)
		if end < len(p)-hdr {
			flags |= 0x2000
		}
		put16(f[6:], flags)
		finishIPv4Header(f)
		out = append(out, f)
	}
	return out
}

// FragmentIPv6 cuts a whole IPv6 packet, as Build made it, into fragments with
// at most size bytes after the fragment header; size is rounded down to a
// multiple of 8. All extension headers of p go into the fragmentable part, so
// p must not have hop-by-hop options. The fragments share no memory with p.
func FragmentIPv6(p []byte, size int, id uint32) [][]byte {
	size &^= 7
	if size < 8 || len(p) < 40 {
		panic(fmt.Sprintf("BUG: packet: fragments of %d bytes", size))
	}
	next, data := p[6], p[40:]
	var out [][]byte
	for off := 0; off == 0 || off < len(data); off += size {
		end := min(off+size, len(data))
		f := append([]byte(nil), p[:40]...)
		f[6] = ProtoFragment
		fh := Fragment{ID: id, Offset: uint16(off), More: end < len(data), NextHeader: next}
		f = append(fh.appendHeader(f, nil), data[off:end]...)
		put16(f[4:], uint16(len(f)-40))
		out = append(out, f)
	}
	return out
}

func must4(a netip.Addr) []byte {
	if !a.Is4() {
		panic(fmt.Sprintf("BUG: packet: %v is not an IPv4 address", a))
	}
	return a.AsSlice()
}

func must6(a netip.Addr) []byte {
	if !a.Is6() {
		panic(fmt.Sprintf("BUG: packet: %v is not an IPv6 address", a))
	}
	return a.AsSlice()
}
