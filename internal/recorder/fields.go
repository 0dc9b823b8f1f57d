package recorder

import (
	"net/netip"
	"strings"

	"weir/internal/flow"
	"weir/internal/vpc"
	"weir/record"
)

// fills says which groups of fields a format needs beyond those that cost next
// to nothing.
type fills struct {
	static                      []record.Field // of the interface
	packet, services, hops, tcp bool
	kind, direction, path       bool
}

func fillsOf(cfg Config) fills {
	f := cfg.Format
	any := func(fields ...record.Field) bool {
		for _, field := range fields {
			if f.Has(field) {
				return true
			}
		}
		return false
	}
	fill := fills{
		packet:    any(record.PktSrcAddr, record.PktDstAddr),
		services:  cfg.Ranges != nil && any(record.PktSrcAWSService, record.PktDstAWSService),
		tcp:       f.Has(record.TCPFlags),
		kind:      f.Has(record.Type),
		direction: f.Has(record.FlowDirection),
		path:      f.Has(record.TrafficPath),
		hops: any(record.NextHopInterfaceID, record.NextHopSubnetID, record.NextHopAZID, record.NextHopVPCID,
			record.NextHopInterfaceType),
	}
	for _, field := range []record.Field{
		record.AccountID, record.InterfaceID, record.VPCID, record.SubnetID, record.InstanceID, record.Region,
		record.AZID, record.SublocationType, record.SublocationID, record.InterfaceType,
		record.InterfaceTag, record.InterfaceTag2, record.InstanceTag, record.InstanceTag2,
	} {
		if f.Has(field) {
			fill.static = append(fill.static, field)
		}
	}
	return fill
}

// setInterface sets what does not depend on a flow.
func (r *Recorder) setInterface(i *vpc.Stamp) {
	for _, field := range r.fill.static {
		if v := r.static(field, i); v != "" {
			r.rec.SetText(field, v)
		}
	}
}

func (r *Recorder) static(field record.Field, i *vpc.Stamp) string {
	switch field {
	case record.AccountID:
		return i.Account
	case record.InterfaceID:
		return i.ID
	case record.VPCID:
		return i.VPC
	case record.SubnetID:
		return i.Subnet
	case record.InstanceID:
		return i.Instance
	case record.Region:
		return i.Region
	case record.AZID:
		return i.AZ
	case record.SublocationType:
		return i.Sublocation.Type
	case record.SublocationID:
		return i.Sublocation.ID
	case record.InterfaceType:
		return i.Type
	case record.InterfaceTag:
		return tagValue(i.Tags, r.cfg.InterfaceTags[0])
	case record.InterfaceTag2:
		return tagValue(i.Tags, r.cfg.InterfaceTags[1])
	case record.InstanceTag:
		return tagValue(i.InstanceTags, r.cfg.InstanceTags[0])
	case record.InstanceTag2:
		return tagValue(i.InstanceTags, r.cfg.InstanceTags[1])
	}
	return ""
}

// tagValue returns the value of a tag as a record holds it: UTF-8, with every
// byte that is not a letter, a digit or one of -._~ percent-encoded (RFC 3986).
func tagValue(tags vpc.Tags, key string) string {
	v, ok := tags[key]
	if !ok || key == "" {
		return ""
	}
	const plain = "-._~"
	var b strings.Builder
	for n := range len(v) {
		c := v[n]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(plain, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		const digits = "0123456789ABCDEF"
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

// setFlow sets what is said of a flow.
func (r *Recorder) setFlow(f *flow.Flow, i *vpc.Stamp) {
	rec := &r.rec
	src, dst, direction := f.SrcAddr(), f.DstAddr(), f.Direction
	if i.Inverted {
		direction ^= flow.Egress
	}
	shownSrc, shownDst := shown(src, dst, direction, i)
	rec.SetAddr(record.SrcAddr, shownSrc)
	rec.SetAddr(record.DstAddr, shownDst)
	rec.SetInt(record.SrcPort, int64(f.SrcPort))
	rec.SetInt(record.DstPort, int64(f.DstPort))
	rec.SetInt(record.Protocol, int64(f.Protocol))
	rec.SetInt(record.Packets, int64(f.Packets))
	rec.SetInt(record.Bytes, int64(f.Bytes))
	rec.SetInt(record.Start, f.First)
	rec.SetInt(record.End, f.Last)
	rec.SetStatus(record.OK)
	if f.Verdict == flow.Reject {
		rec.SetVerdict(record.Reject)
	} else {
		rec.SetVerdict(record.Accept)
	}
	fill := &r.fill
	if fill.tcp {
		rec.SetInt(record.TCPFlags, int64(f.Flags))
	}
	if fill.kind {
		kind := "IPv4"
		if f.Version == 6 {
			kind = "IPv6"
		}
		rec.SetText(record.Type, kind)
	}
	if fill.direction {
		rec.SetText(record.FlowDirection, direction.String())
	}
	if fill.packet {
		rec.SetAddr(record.PktSrcAddr, src)
		rec.SetAddr(record.PktDstAddr, dst)
	}
	if fill.services {
		setText(rec, record.PktSrcAWSService, r.cfg.Ranges.Service(src))
		setText(rec, record.PktDstAWSService, r.cfg.Ranges.Service(dst))
	}
	if fill.hops || fill.path {
		r.setHop(src, dst, direction, i)
	}
}

// shown returns the addresses of srcaddr and dstaddr. An interface's own end is
// shown as one of its addresses even if the packet has another, as it has on a
// router: what comes in has its primary IPv4 address for a destination, what
// goes out one of its own for a source ("Flow log records", Amazon VPC User
// Guide, read 2026-11-23). Of an interface without a known IPv4 address, and for
// IPv6, the packet's own addresses are all there is.
func shown(src, dst netip.Addr, d flow.Direction, i *vpc.Stamp) (netip.Addr, netip.Addr) {
	own := i.PrimaryIPv4()
	if !own.IsValid() || !src.Is4() {
		return src, dst
	}
	if d == flow.Ingress {
		return src, own
	}
	if !i.Has(src) {
		return own, dst
	}
	return src, dst
}

// setHop sets the interface a packet goes to, or came from, and the path: 1 is
// another resource of the same VPC; of the others a host can't know.
func (r *Recorder) setHop(src, dst netip.Addr, d flow.Direction, i *vpc.Stamp) {
	other := dst
	if d == flow.Ingress {
		other = src
	}
	hop, ok := i.NextHop(other)
	if !ok {
		return
	}
	if r.fill.hops {
		setText(&r.rec, record.NextHopInterfaceID, hop.ID)
		setText(&r.rec, record.NextHopSubnetID, hop.Subnet)
		setText(&r.rec, record.NextHopAZID, hop.AZ)
		setText(&r.rec, record.NextHopVPCID, hop.VPC)
		setText(&r.rec, record.NextHopInterfaceType, hop.Type)
	}
	if r.fill.path && d == flow.Egress && hop.VPC == i.VPC {
		r.rec.SetInt(record.TrafficPath, 1)
	}
}

func setText(r *record.Record, f record.Field, v string) {
	if v != "" {
		r.SetText(f, v)
	}
}
