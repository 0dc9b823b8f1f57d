package names

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"weir/internal/described"
	"weir/internal/ec2"
	"weir/internal/eni"
)

// A loader fills a book. What interfaces are attached to is looked up at the end: it
// may be described in another file.
type loader struct {
	book      *Book
	instances map[string]string // names of instances, whenever they had them
	pending   []pending
}

// pending is a name that an instance gives if it has one.
type pending struct {
	instance string
	add      func(e entry)
	entry    entry
}

// What the AWS CLI prints, as far as it has names in it, and the API's structs have not.
type (
	natJSON struct {
		NATGatewayID string `json:"NatGatewayId"`
		VPCID        string `json:"VpcId"`
		Addresses    []struct {
			PublicIP           string `json:"PublicIp"`
			PrivateIP          string `json:"PrivateIp"`
			NetworkInterfaceID string `json:"NetworkInterfaceId"`
		} `json:"NatGatewayAddresses"`
		Tags []ec2.Tag
	}
	elasticJSON struct {
		PublicIP     string `json:"PublicIp"`
		AllocationID string `json:"AllocationId"`
		Tags         []ec2.Tag
	}
)

// lists are the keys of files that have names in them, and how an element is read that
// says how things were at a time.
func (l *loader) lists(seen int64) described.Lists {
	return described.Lists{
		"NetworkInterfaces": element(l.iface, seen),
		"Reservations":      element(l.reservation, seen),
		"Subnets":           element(l.subnet, seen),
		"Vpcs":              element(l.vpc, seen),
		"NatGateways":       element(l.nat, seen),
		"Addresses":         element(l.elastic, seen),
		"prefixes":          described.Element(l.prefix),
		"ipv6_prefixes":     described.Element(l.prefix),
	}
}

func element[T any](fn func(*T, int64) error, seen int64) func(*json.Decoder) error {
	return described.Element(func(v *T) error { return fn(v, seen) })
}

// json reads what a describe command has printed, or several one after the other.
func (l *loader) json(data []byte, seen int64) error {
	found, err := l.lists(seen).Read(data)
	if err == nil && len(found) == 0 {
		err = errNothing
	}
	return err
}

// nameTag returns the value of the tag Name.
func nameTag(tags []ec2.Tag) string { return clean(eni.Tag(tags, "Name")) }

// addrs parses addresses; empty ones are left out.
func addrs(field string, texts ...string) (out []netip.Addr, err error) {
	for _, s := range texts {
		if s == "" {
			continue
		}
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return nil, &described.FieldError{Field: field, Value: s, Err: errors.New("it is no address")}
		}
		out = append(out, a)
	}
	return out, nil
}

// addresses returns the private and the public addresses of an interface.
func addresses(i *ec2.NetworkInterface) (private, public []netip.Addr, err error) {
	texts, outside := []string{i.PrivateIPAddress}, []string{}
	if i.Association != nil {
		outside = append(outside, i.Association.PublicIP)
	}
	for _, a := range i.PrivateIPAddresses {
		texts = append(texts, a.PrivateIPAddress)
		if a.Association != nil {
			outside = append(outside, a.Association.PublicIP)
		}
	}
	if private, err = addrs("PrivateIpAddress", texts...); err != nil {
		return nil, nil, err
	}
	for _, a := range i.IPv6Addresses {
		six, err := addrs("Ipv6Address", a.IPv6Address)
		if err != nil {
			return nil, nil, err
		}
		public = append(public, six...)
	}
	four, err := addrs("PublicIp", outside...)
	return private, append(public, four...), err
}

func (l *loader) iface(i *ec2.NetworkInterface, seen int64) error {
	return l.ifaceOf(i, i.Attachment, seen)
}

func (l *loader) ifaceOf(i *ec2.NetworkInterface, at *ec2.Attachment, seen int64) error {
	e := entry{vpc: i.VPCID, from: always, until: ever, seen: seen}
	instance := ""
	if at != nil {
		instance = at.InstanceID
		// Before it was attached nothing of it can have passed any packets.
		if t, err := time.Parse(time.RFC3339, at.AttachTime); err == nil {
			e.from = t.Unix()
		} else if at.AttachTime != "" {
			return &described.FieldError{Field: "Attachment.AttachTime", Value: at.AttachTime, Err: errors.New("it is no time such as 2026-11-24T10:15:00Z")}
		}
	}
	private, public, err := addresses(i)
	if err != nil {
		return err
	}
	add := func(e entry) {
		l.book.addID(i.ID, e)
		outside := e
		outside.vpc = ""
		seen := map[netip.Addr]bool{}
		for n, a := range append(private, public...) {
			switch {
			case seen[a]:
			case n < len(private):
				l.book.addAddr(a, e)
			default:
				l.book.addAddr(a, outside)
			}
			seen[a] = true
		}
	}
	if e.name = nameTag(i.Tags); e.name != "" {
		e.rank = own
		add(e)
		return nil
	}
	e.name, e.rank = served(i), service
	if e.name == "" {
		e.name, e.rank = i.ID, bare
		if instance != "" {
			e.name = instance
		}
	}
	l.pending = append(l.pending, pending{instance, add, e})
	return nil
}

// served returns the name of what an interface of a service belongs to: "" if it is of
// none, or an instance's.
func served(i *ec2.NetworkInterface) string {
	s := eni.Service(&ec2.NetworkInterface{ // what it is attached to says nothing of it
		InterfaceType: i.InterfaceType, RequesterID: i.RequesterID, Description: i.Description,
	})
	if s == "" {
		return ""
	}
	what := clean(i.Description)
	last := func() string { return what[strings.LastIndexByte(what, ' ')+1:] }
	switch s {
	case "alb", "nlb", "gwlb": // ELB app/web/50dc6c495c0c9188
		if parts := strings.Split(what, "/"); len(parts) == 3 {
			return s + " " + parts[1]
		}
	case "clb": // ELB web
		return s + " " + last()
	case "nat", "endpoint", "tgw", "directory":
		if n := last(); id.MatchString(n) {
			return s + " " + n
		}
	case "lambda": // AWS Lambda VPC ENI-function-3e9a6e9f-…
		const uuid = 37 // with its hyphen
		if _, f, ok := strings.Cut(what, "ENI-"); ok && len(f) > uuid && f[len(f)-uuid] == '-' {
			return s + " " + f[:len(f)-uuid]
		}
	}
	return s
}

func (l *loader) reservation(r *ec2.Reservation, seen int64) error {
	for n := range r.Instances {
		if err := l.instance(&r.Instances[n], seen); err != nil {
			return fmt.Errorf("Instances[%d].%w", n, err)
		}
	}
	return nil
}

func (l *loader) instance(i *ec2.Instance, seen int64) error {
	name := nameTag(i.Tags)
	if name != "" {
		l.instances[i.ID] = name
	}
	e := entry{name: name, vpc: i.VPCID, from: always, until: ever, seen: seen, rank: attached}
	l.book.addID(i.ID, e)
	if e.name == "" {
		e.name, e.rank = i.ID, bare
	}
	for n := range i.NetworkInterfaces {
		x := &i.NetworkInterfaces[n]
		at := ec2.Attachment{InstanceID: i.ID}
		if x.Attachment != nil {
			at.AttachTime = x.Attachment.AttachTime
		}
		one := x.NetworkInterface()
		one.VPCID = cmp.Or(one.VPCID, i.VPCID)
		if err := l.ifaceOf(&one, &at, seen); err != nil {
			return fmt.Errorf("NetworkInterfaces[%d].%w", n, err)
		}
	}
	if len(i.NetworkInterfaces) > 0 {
		return nil
	}
	private, err := addrs("PrivateIpAddress", i.PrivateIPAddress)
	if err != nil {
		return err
	}
	public, err := addrs("PublicIpAddress", i.PublicIPAddress)
	if err != nil {
		return err
	}
	six, err := addrs("Ipv6Address", i.IPv6Address)
	if err != nil {
		return err
	}
	for _, a := range private {
		l.book.addAddr(a, e)
	}
	e.vpc = ""
	for _, a := range append(public, six...) {
		l.book.addAddr(a, e)
	}
	return nil
}

func (l *loader) subnet(s *ec2.Subnet, seen int64) error {
	all := append([]ec2.CIDRAssociation{{CIDRBlock: s.CIDRBlock}}, s.IPv6CIDRs...)
	return l.network("subnet", s.ID, s.VPCID, s.Tags, all, seen)
}

func (l *loader) vpc(v *ec2.VPC, seen int64) error {
	all := slices.Concat(v.CIDRs, []ec2.CIDRAssociation{{CIDRBlock: v.CIDRBlock}}, v.IPv6CIDRs)
	return l.network("vpc", v.ID, v.ID, v.Tags, all, seen)
}

// network names a subnet's or a VPC's networks, with what they are before the name: it
// is no name of an address.
func (l *loader) network(kind, id, vpc string, tags []ec2.Tag, cidrs []ec2.CIDRAssociation, seen int64) error {
	e := entry{name: nameTag(tags), vpc: vpc, from: always, until: ever, seen: seen}
	l.book.addID(id, e)
	if e.name == "" {
		e.name, e.rank = id, bare
	} else {
		e.name = kind + " " + e.name
	}
	seenNetworks := map[netip.Prefix]bool{}
	for _, c := range cidrs {
		field, text := "CidrBlock", c.CIDRBlock
		if text == "" {
			field, text = "Ipv6CidrBlock", c.IPv6CIDRBlock
		}
		if text == "" {
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil || p.Addr().Is4In6() {
			return &described.FieldError{Field: field, Value: text, Err: errors.New("it is no network")}
		}
		if !seenNetworks[p] {
			l.book.addNetwork(p, e)
		}
		seenNetworks[p] = true
	}
	return nil
}

func (l *loader) nat(g *natJSON, seen int64) error {
	name := nameTag(g.Tags)
	e := entry{name: name, vpc: g.VPCID, from: always, until: ever, seen: seen}
	l.book.addID(g.NATGatewayID, e)
	if name == "" {
		e.name, e.rank = "nat "+g.NATGatewayID, service
	}
	for _, a := range g.Addresses {
		l.book.addID(a.NetworkInterfaceID, e)
		private, err := addrs("PrivateIp", a.PrivateIP)
		if err != nil {
			return err
		}
		public, err := addrs("PublicIp", a.PublicIP)
		if err != nil {
			return err
		}
		for _, p := range private {
			l.book.addAddr(p, e)
		}
		outside := e
		outside.vpc = ""
		for _, p := range public {
			l.book.addAddr(p, outside)
		}
	}
	return nil
}

func (l *loader) elastic(a *elasticJSON, seen int64) error {
	public, err := addrs("PublicIp", a.PublicIP)
	if err != nil {
		return err
	}
	e := entry{name: nameTag(a.Tags), from: always, until: ever, seen: seen}
	l.book.addID(a.AllocationID, e)
	for _, p := range public {
		l.book.addAddr(p, e)
	}
	return nil
}

// finish gives interfaces the names of the instances that they are attached to.
func (l *loader) finish() {
	for _, p := range l.pending {
		if name := l.instances[p.instance]; name != "" {
			p.entry.name, p.entry.rank = name, attached
		}
		p.add(p.entry)
	}
	l.pending = nil
}
