package explain

import (
	"cmp"
	"net/netip"
	"net/url"
	"strconv"

	"weir/record"
)

// addresses explains the addresses in the packet where they are not those of the record.
func (a *account) addresses() {
	src, dst := a.text(record.SrcAddr), a.text(record.DstAddr)
	pktSrc, pktDst := a.text(record.PktSrcAddr), a.text(record.PktDstAddr)
	srcDiffers := pktSrc != "" && src != "" && pktSrc != src
	dstDiffers := pktDst != "" && dst != "" && pktDst != dst
	if dstDiffers {
		a.rewritten("pkt.dst", record.DstAddr, record.PktDstAddr)
	}
	if srcDiffers {
		a.rewritten("pkt.src", record.SrcAddr, record.PktSrcAddr)
	}
	if pktSrc != "" && pktDst != "" && !srcDiffers && !dstDiffers {
		switch {
		case a.r.Has(record.ResourceID): // they never differ there
		case a.text(record.InterfaceType) != "":
			a.point(say("pkt.same.service"))
		default:
			a.point(say("pkt.same"))
		}
	}
	for _, f := range [...]record.Field{record.SrcAddr, record.DstAddr, record.PktSrcAddr, record.PktDstAddr} {
		if _, ok := a.r.Addr(f); a.r.Has(f) && !ok {
			a.cannot("cannot.masked", "address", a.text(f))
			break
		}
	}
	for _, end := range [...]struct {
		key               string
		service, pkt, own record.Field
	}{
		{"service.src", record.PktSrcAWSService, record.PktSrcAddr, record.SrcAddr},
		{"service.dst", record.PktDstAWSService, record.PktDstAddr, record.DstAddr},
	} {
		service := a.text(end.service)
		if service == "" {
			continue
		}
		addr := a.called(end.pkt)
		if addr == "" {
			addr = a.address(end.own)
		}
		a.point(say(end.key, "address", addr, "service", service))
	}
}

// rewritten explains one address that the packet has otherwise, as surely as the record
// and the network allow.
func (a *account) rewritten(key string, own, pkt record.Field) {
	args := []any{"own", a.called(own), "pkt", a.called(pkt)}
	a.point(say(key, args...))
	ownAddr, _ := a.r.Addr(own)
	pktAddr, ok := a.r.Addr(pkt)
	kind := a.text(record.InterfaceType)
	switch {
	case kind == "nat_gateway" || kind == "network_load_balancer" || kind == "transit_gateway" || kind == "vpc_endpoint":
		a.point(say(key+"."+kind, args...))
	case ok && a.own(pktAddr):
		a.point(say(key+".secondary", args...))
	case ok && public(pktAddr) && !public(ownAddr):
		a.point(say(key+".public", args...))
	default:
		a.point(say(key+".private", args...))
	}
}

// shared is the range for carriers' NAT (RFC 6598), which pods have, too.
var shared = netip.MustParsePrefix("100.64.0.0/10")

// public says whether an address is one that the internet may know.
func public(a netip.Addr) bool {
	return a.IsValid() && a.IsGlobalUnicast() && !a.IsPrivate() && !shared.Contains(a)
}

// path explains traffic-path.
func (a *account) path() {
	switch n := a.number(record.TrafficPath); {
	case n >= 1 && n <= 8:
		a.point(say("path." + strconv.FormatInt(n, 10)))
	case n >= 0:
		a.point(say("path.other", "n", strconv.FormatInt(n, 10)))
	}
}

// kindOf is what an interface type is called.
func kindOf(kind string) any {
	if _, ok := messages["type."+kind]; ok {
		return say("type." + kind)
	}
	return say("type.other", "type", kind)
}

// hop explains interface-type and the next-hop fields.
func (a *account) hop() {
	if kind := a.text(record.InterfaceType); kind != "" {
		a.point(say("interface-type", "type", kindOf(kind)))
	}
	var parts []Sentence
	if kind := a.text(record.NextHopInterfaceType); kind != "" {
		parts = append(parts, say("part.type", "type", kindOf(kind)))
	}
	parts = append(parts, a.parts(
		"part.interface", record.NextHopInterfaceID, "part.subnet", record.NextHopSubnetID,
		"part.vpc", record.NextHopVPCID, "part.zone", record.NextHopAZID)...)
	if parts == nil {
		return
	}
	key := "hop"
	if d := a.x.Facts.Direction; d != "" {
		key = "hop." + d
	}
	a.point(say(key, "hop", parts))
	if a.r.Has(record.NextHopAZID) && !a.r.Has(record.NextHopInterfaceID) && a.format.Has(record.NextHopInterfaceID) {
		a.point(say("hop.foreign"))
	}
}

// parts are those of some fields that the record has, each with its message: a key, a
// field, and so on.
func (a *account) parts(pairs ...any) (out []Sentence) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if v := a.called(pairs[i+1].(record.Field)); v != "" {
			out = append(out, say(pairs[i].(string), "value", v))
		}
	}
	return out
}

func (a *account) encryption() {
	switch n := a.number(record.EncryptionStatus); {
	case n >= 0 && n <= 3:
		a.point(say("encryption." + strconv.FormatInt(n, 10)))
		if n >= 2 {
			a.cannot("cannot.encryption")
		}
	case n >= 0:
		a.point(say("encryption.other", "n", strconv.FormatInt(n, 10)))
	}
}

// gateway explains the fields of transit gateways, and what they lost.
func (a *account) gateway() {
	from := a.parts("part.vpc", record.TGWSrcVPCID, "part.account", record.TGWSrcVPCAccountID, "part.subnet", record.TGWSrcSubnetID,
		"part.interface", record.TGWSrcENI, "part.zone", record.TGWSrcAZID)
	if from != nil {
		a.point(say("tgw.from", "parts", from))
	}
	to := a.parts("part.vpc", record.TGWDstVPCID, "part.account", record.TGWDstVPCAccountID, "part.subnet", record.TGWDstSubnetID,
		"part.interface", record.TGWDstENI, "part.zone", record.TGWDstAZID)
	if to != nil {
		a.point(say("tgw.to", "parts", to))
	}
	if own := a.text(record.TGWAttachmentID); own != "" {
		if pair := a.text(record.TGWPairAttachmentID); pair != "" {
			a.point(say("tgw.attachments", "own", own, "pair", pair))
		} else {
			a.point(say("tgw.attachment", "own", own))
		}
	}
	counted, lost := false, false
	for _, c := range [...]struct {
		key   string
		field record.Field
	}{
		{"lost.no-route", record.PacketsLostNoRoute}, {"lost.blackhole", record.PacketsLostBlackhole},
		{"lost.mtu", record.PacketsLostMTUExceeded}, {"lost.ttl", record.PacketsLostTTLExpired},
	} {
		n := a.number(c.field)
		counted = counted || n >= 0
		if n > 0 {
			lost = true
			a.point(say(c.key, "packets", a.packets(n)))
		}
	}
	if counted && !lost {
		a.point(say("lost.none"))
	}
	if a.format.Has(record.TGWID) && !a.format.Has(record.Action) {
		a.cannot("cannot.tgw-action")
	}
}

// owner says whose traffic it is: a regional NAT gateway's, a task's.
func (a *account) owner() {
	if id := a.text(record.ResourceID); id != "" {
		a.point(say("resource", "id", id))
		if src, ok := a.r.Addr(record.SrcAddr); ok && public(src) && a.x.Facts.Direction != "ingress" {
			a.point(say("resource.public"))
		}
	}
	ecs := a.parts("part.cluster", record.ECSClusterName, "part.service", record.ECSServiceName, "part.task", record.ECSTaskID,
		"part.container", record.ECSContainerID, "part.container2", record.ECSSecondContainerID,
		"part.host", record.ECSContainerInstanceID)
	if !a.r.Has(record.ECSClusterName) {
		ecs = append(ecs, a.parts("part.cluster", record.ECSClusterARN)...)
	}
	if !a.r.Has(record.ECSTaskID) {
		ecs = append(ecs, a.parts("part.task", record.ECSTaskARN)...)
	}
	if !a.r.Has(record.ECSContainerInstanceID) {
		ecs = append(ecs, a.parts("part.host", record.ECSContainerInstanceARN)...)
	}
	ecs = append(ecs, a.parts("part.definition", record.ECSTaskDefinitionARN)...)
	if ecs != nil {
		a.point(say("ecs", "parts", ecs))
	}
	switch t := a.text(record.Type); t {
	case "", "IPv4", "IPv6": // the addresses say so
	case "EFA":
		a.point(say("efa"))
	default:
		a.point(say("type", "type", t))
	}
	if a.format.Has(record.InstanceID) && !a.r.Has(record.InstanceID) && !a.r.Has(record.ResourceID) {
		a.point(say("instance.none"))
	}
}

// location says where the record was made.
func (a *account) location() {
	parts := a.parts("part.instance", record.InstanceID, "part.subnet", record.SubnetID, "part.vpc", record.VPCID,
		"part.zone", record.AZID, "part.region", record.Region)
	if parts != nil {
		a.point(say("location", "parts", parts))
	}
	if kind := a.text(record.SublocationType); kind != "" {
		key := "sublocation." + kind
		if _, ok := messages[key]; !ok {
			key = "sublocation.other"
		}
		a.point(say(key, "kind", kind, "id", cmp.Or(a.text(record.SublocationID), "-")))
	}
	if a.text(record.AccountID) == "unknown" {
		a.point(say("account.unknown"))
	}
}

// others explains tags and what is not Amazon's.
func (a *account) others() {
	for _, f := range [...]record.Field{record.InstanceTag, record.InstanceTag2, record.InterfaceTag, record.InterfaceTag2, record.ASGTag, record.ASGTag2} {
		v := a.text(f)
		if v == "" {
			continue
		}
		if decoded, err := url.PathUnescape(v); err == nil {
			v = decoded
		}
		a.point(say("tag", "field", f.Name(), "value", v))
	}
	for _, name := range a.format.Extensions() {
		if v, ok := a.r.Extension(name); ok {
			switch name {
			case "x-timestamp":
				a.point(say("cloudwatch.time", "value", string(v)))
			case "x-stream":
				a.point(say("cloudwatch.stream", "value", string(v)))
			default:
				a.point(say("extension", "field", name, "value", string(v)))
			}
		}
	}
}

// unknowns collects what such a record never tells.
func (a *account) unknowns() {
	if p := a.number(record.Protocol); p == icmp || p == icmpv6 {
		a.cannot("cannot.icmp")
	}
	if a.x.Facts.Service != "" {
		a.cannot("cannot.payload")
	}
	if a.x.Facts.Direction == "" {
		a.cannot("cannot.direction")
	}
	if a.r.Has(record.Start) || a.r.Has(record.End) {
		a.cannot("cannot.window")
	}
}
