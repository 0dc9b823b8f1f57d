package lab

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"weir/internal/lab/packet"
)

// reg is the register that values are loaded into to be compared.
const reg = 1

// exprs returns the rule in the kernel's terms: the matches, a counter, the
// verdict.
func (r Rule) exprs() ([]expr.Any, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	var out []expr.Any
	equal := func(load expr.Any, want []byte) {
		out = append(out, load, &expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: want})
	}
	m := r.Match
	if r.Family == INet && r.To.IsValid() {
		// An address of one family must not be put into packets of the other.
		nfproto := byte(unix.NFPROTO_IPV4)
		if r.To.Addr().Is6() {
			nfproto = unix.NFPROTO_IPV6
		}
		equal(&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: reg}, []byte{nfproto})
	}
	if m.In != "" {
		equal(&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: reg}, deviceName(m.In))
	}
	if m.Out != "" {
		equal(&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: reg}, deviceName(m.Out))
	}
	for _, a := range []struct {
		p          netip.Prefix
		off4, off6 uint32
	}{{m.Src, 12, 8}, {m.Dst, 16, 24}} {
		if !a.p.IsValid() {
			continue
		}
		off, proto := a.off4, packet.TypeIPv4
		if a.p.Addr().Is6() {
			off, proto = a.off6, packet.TypeIPv6
		}
		// The families ip and ip6 see only their own packets; the answer is the
		// same as for inet there.
		equal(&expr.Meta{Key: expr.MetaKeyPROTOCOL, Register: reg}, binary.BigEndian.AppendUint16(nil, proto))
		n := uint32(a.p.Addr().BitLen() / 8)
		load := &expr.Payload{DestRegister: reg, Base: expr.PayloadBaseNetworkHeader, Offset: off, Len: n}
		out = append(out, load, &expr.Bitwise{
			SourceRegister: reg, DestRegister: reg, Len: n,
			Mask: net.CIDRMask(a.p.Bits(), int(n)*8), Xor: make([]byte, n),
		}, &expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: a.p.Masked().Addr().AsSlice()})
	}
	proto := m.Protocol
	if m.FlagsMask != 0 || r.Verdict == RejectReset {
		if proto != 0 && proto != packet.ProtoTCP {
			return nil, fmt.Errorf("protocol %d has no TCP flags and no reset", proto)
		}
		proto = packet.ProtoTCP
	}
	if proto != 0 {
		equal(&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg}, []byte{proto})
	}
	transport := func(off, n uint32) *expr.Payload {
		return &expr.Payload{DestRegister: reg, Base: expr.PayloadBaseTransportHeader, Offset: off, Len: n}
	}
	if m.SrcPort != 0 {
		equal(transport(0, 2), binary.BigEndian.AppendUint16(nil, m.SrcPort))
	}
	if m.DstPort != 0 {
		equal(transport(2, 2), binary.BigEndian.AppendUint16(nil, m.DstPort))
	}
	if m.FlagsMask != 0 {
		out = append(out, transport(13, 1), &expr.Bitwise{
			SourceRegister: reg, DestRegister: reg, Len: 1, Mask: []byte{m.FlagsMask}, Xor: []byte{0},
		}, &expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: []byte{m.Flags}})
	}
	if m.States != 0 {
		out = append(out, &expr.Ct{Key: expr.CtKeySTATE, Register: reg}, &expr.Bitwise{
			SourceRegister: reg, DestRegister: reg, Len: 4,
			Mask: binary.NativeEndian.AppendUint32(nil, uint32(m.States)), Xor: make([]byte, 4),
		}, &expr.Cmp{Op: expr.CmpOpNeq, Register: reg, Data: make([]byte, 4)})
	}
	out = append(out, &expr.Counter{})
	verdict, err := r.verdict()
	return append(out, verdict...), err
}

func (r Rule) verdict() ([]expr.Any, error) {
	switch r.Verdict {
	case Count:
		return nil, nil
	case Accept:
		return []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}}, nil
	case Drop:
		return []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}}, nil
	case RejectReset:
		return []expr.Any{&expr.Reject{Type: unix.NFT_REJECT_TCP_RST}}, nil
	case Reject:
		switch r.Family {
		case IPv4:
			const portUnreachable = 3
			return []expr.Any{&expr.Reject{Type: unix.NFT_REJECT_ICMP_UNREACH, Code: portUnreachable}}, nil
		case IPv6:
			const portUnreachable = 4
			return []expr.Any{&expr.Reject{Type: unix.NFT_REJECT_ICMP_UNREACH, Code: portUnreachable}}, nil
		}
		return []expr.Any{&expr.Reject{Type: unix.NFT_REJECT_ICMPX_UNREACH, Code: unix.NFT_REJECT_ICMPX_PORT_UNREACH}}, nil
	case Masquerade:
		return []expr.Any{&expr.Masq{}}, nil
	case DNAT, SNAT:
		return r.translate(), nil
	}
	return nil, fmt.Errorf("unknown verdict %d", r.Verdict)
}

// translate returns the expressions that load To and do NAT with it.
func (r Rule) translate() []expr.Any {
	nat := &expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: 1}
	if r.Verdict == SNAT {
		nat.Type = expr.NATTypeSourceNAT
	}
	if r.To.Addr().Is6() {
		nat.Family = unix.NFPROTO_IPV6
	}
	out := []expr.Any{&expr.Immediate{Register: 1, Data: r.To.Addr().AsSlice()}}
	if port := r.To.Port(); port != 0 {
		nat.RegProtoMin = 2
		out = append(out, &expr.Immediate{Register: 2, Data: binary.BigEndian.AppendUint16(nil, port)})
	}
	return append(out, nat)
}

func deviceName(s string) []byte {
	b := make([]byte, unix.IFNAMSIZ)
	copy(b, s)
	return b
}
