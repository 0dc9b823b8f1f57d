package names

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

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

// fieldError is a value that is not what it should be.
type fieldError struct {
	field, value string
	err          error
}

func (e *fieldError) Error() string { return fmt.Sprintf("%s %.60q: %v", e.field, e.value, e.err) }
func (e *fieldError) Unwrap() error { return e.err }

// What the AWS CLI prints, as far as it has names in it.
type (
	tagJSON         struct{ Key, Value string }
	associationJSON struct {
		PublicIP string `json:"PublicIp"`
	}
	attachmentJSON struct {
		InstanceID string `json:"InstanceId"`
		AttachTime string
	}
	addressJSON struct {
		PrivateIPAddress string `json:"PrivateIpAddress"`
		Association      *associationJSON
	}
	ipv6JSON struct {
		IPv6Address string `json:"Ipv6Address"`
	}
	interfaceJSON struct {
		NetworkInterfaceID string `json:"NetworkInterfaceId"`
		VPCID              string `json:"VpcId"`
		InterfaceType      string
		RequesterID        string `json:"RequesterId"`
		Description        string
		PrivateIPAddress   string        `json:"PrivateIpAddress"`
		PrivateIPAddresses []addressJSON `json:"PrivateIpAddresses"`
		IPv6Addresses      []ipv6JSON    `json:"Ipv6Addresses"`
		Association        *associationJSON
		Attachment         *attachmentJSON
		TagSet             []tagJSON
		Tags               []tagJSON
	}
	instanceJSON struct {
		InstanceID        string `json:"InstanceId"`
		VPCID             string `json:"VpcId"`
		PrivateIPAddress  string `json:"PrivateIpAddress"`
		PublicIPAddress   string `json:"PublicIpAddress"`
		IPv6Address       string `json:"Ipv6Address"`
		NetworkInterfaces []interfaceJSON
		Tags              []tagJSON
	}
	reservationJSON struct{ Instances []instanceJSON }
	cidrJSON        struct {
		CIDRBlock     string `json:"CidrBlock"`
		IPv6CIDRBlock string `json:"Ipv6CidrBlock"`
	}
	networkJSON struct {
		SubnetID  string     `json:"SubnetId"`
		VPCID     string     `json:"VpcId"`
		CIDRBlock string     `json:"CidrBlock"`
		CIDRs     []cidrJSON `json:"CidrBlockAssociationSet"`
		IPv6CIDRs []cidrJSON `json:"Ipv6CidrBlockAssociationSet"`
		Tags      []tagJSON
	}
	natJSON struct {
		NATGatewayID string `json:"NatGatewayId"`
		VPCID        string `json:"VpcId"`
		Addresses    []struct {
			PublicIP           string `json:"PublicIp"`
			PrivateIP          string `json:"PrivateIp"`
			NetworkInterfaceID string `json:"NetworkInterfaceId"`
		} `json:"NatGatewayAddresses"`
		Tags []tagJSON
	}
	elasticJSON struct {
		PublicIP     string `json:"PublicIp"`
		AllocationID string `json:"AllocationId"`
		Tags         []tagJSON
	}
)

// lists are the keys of files that have names in them, and how an element is read.
var lists = map[string]func(l *loader, dec *json.Decoder, seen int64) error{
	"NetworkInterfaces": element((*loader).iface),
	"Reservations":      element((*loader).reservation),
	"Subnets":           element((*loader).subnet),
	"Vpcs":              element((*loader).vpc),
	"NatGateways":       element((*loader).nat),
	"Addresses":         element((*loader).elastic),
	"prefixes":          element(func(l *loader, p *prefixJSON, _ int64) error { return l.prefix(p) }),
	"ipv6_prefixes":     element(func(l *loader, p *prefixJSON, _ int64) error { return l.prefix(p) }),
}

func element[T any](fn func(*loader, *T, int64) error) func(*loader, *json.Decoder, int64) error {
	return func(l *loader, dec *json.Decoder, seen int64) error {
		var v T
		if err := dec.Decode(&v); err != nil {
			return err
		}
		return fn(l, &v, seen)
	}
}

// json reads what a describe command has printed, or several one after the other.
func (l *loader) json(data []byte, seen int64) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	found := false
	for dec.More() {
		some, err := l.object(dec, data, seen)
		if err != nil {
			return err
		}
		found = found || some
	}
	// More is false at the end, and at a bracket that nothing opened.
	if rest := bytes.TrimSpace(data[dec.InputOffset():]); len(rest) > 0 {
		return fmt.Errorf("line %d: there is more after the end of the JSON", lineAt(data, dec.InputOffset()))
	}
	if !found {
		return errNothing
	}
	return nil
}

// object reads one object, and reports whether there was a list in it that has names.
func (l *loader) object(dec *json.Decoder, data []byte, seen int64) (found bool, err error) {
	wrong := func(at int64, where string, err error) error {
		if s := new(json.SyntaxError); errors.As(err, &s) {
			return fmt.Errorf("line %d: %s%w", lineAt(data, s.Offset), where, err)
		}
		if s := new(json.UnmarshalTypeError); errors.As(err, &s) {
			return fmt.Errorf("line %d: %s%s: it is a JSON %s", lineAt(data, at), where, s.Field, s.Value)
		}
		if strings.Contains(err.Error(), "unexpected EOF") || err.Error() == "EOF" {
			err = errors.New("the JSON is cut short")
			at = int64(len(data))
		}
		return fmt.Errorf("line %d: %s%w", lineAt(data, at), where, err)
	}
	open, err := dec.Token()
	if err != nil {
		return false, wrong(dec.InputOffset(), "", err)
	}
	if open != json.Delim('{') {
		return false, fmt.Errorf("line %d: it is no JSON object", lineAt(data, dec.InputOffset()))
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return found, wrong(dec.InputOffset(), "", err)
		}
		name, _ := key.(string)
		read := lists[name]
		if read == nil {
			var skip json.RawMessage
			if err := dec.Decode(&skip); err != nil {
				return found, wrong(dec.InputOffset(), name+": ", err)
			}
			continue
		}
		found = true
		if open, err = dec.Token(); err != nil {
			return found, wrong(dec.InputOffset(), name+": ", err)
		}
		if open != json.Delim('[') {
			return found, fmt.Errorf("line %d: %s is no list", lineAt(data, dec.InputOffset()), name)
		}
		for n := 0; dec.More(); n++ {
			at := dec.InputOffset()
			at += int64(len(data[at:]) - len(bytes.TrimLeft(data[at:], ", \t\r\n")))
			if err := read(l, dec, seen); err != nil {
				return found, wrong(at, fmt.Sprintf("%s[%d].", name, n), err)
			}
		}
		if _, err := dec.Token(); err != nil {
			return found, wrong(dec.InputOffset(), name+": ", err)
		}
	}
	if _, err := dec.Token(); err != nil {
		return found, wrong(dec.InputOffset(), "", err)
	}
	return found, nil
}

// nameTag returns the value of the tag Name.
func nameTag(lists ...[]tagJSON) string {
	for _, tags := range lists {
		for _, t := range tags {
			if t.Key == "Name" {
				return clean(t.Value)
			}
		}
	}
	return ""
}

// addrs parses addresses; empty ones are left out.
func addrs(field string, texts ...string) (out []netip.Addr, err error) {
	for _, s := range texts {
		if s == "" {
			continue
		}
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return nil, &fieldError{field, s, errors.New("it is no address")}
		}
		out = append(out, a)
	}
	return out, nil
}

// addresses returns the private and the public addresses of an interface.
func (i *interfaceJSON) addresses() (private, public []netip.Addr, err error) {
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

func (l *loader) iface(i *interfaceJSON, seen int64) error {
	return l.ifaceOf(i, i.Attachment, seen)
}

func (l *loader) ifaceOf(i *interfaceJSON, at *attachmentJSON, seen int64) error {
	e := entry{vpc: i.VPCID, from: always, until: ever, seen: seen}
	instance := ""
	if at != nil {
		instance = at.InstanceID
		// Before it was attached nothing of it can have passed any packets.
		if t, err := time.Parse(time.RFC3339, at.AttachTime); err == nil {
			e.from = t.Unix()
		} else if at.AttachTime != "" {
			return &fieldError{"Attachment.AttachTime", at.AttachTime, errors.New("it is no time")}
		}
	}
	private, public, err := i.addresses()
	if err != nil {
		return err
	}
	add := func(e entry) {
		l.book.addID(i.NetworkInterfaceID, e)
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
	if e.name = nameTag(i.TagSet, i.Tags); e.name != "" {
		e.rank = own
		add(e)
		return nil
	}
	e.name, e.rank = served(i), service
	if e.name == "" {
		e.name, e.rank = i.NetworkInterfaceID, bare
		if instance != "" {
			e.name = instance
		}
	}
	l.pending = append(l.pending, pending{instance, add, e})
	return nil
}

// served returns the name of what an interface of a service belongs to: "" if it is of
// none, or an instance's.
func served(i *interfaceJSON) string {
	s := eni.Service(&ec2.NetworkInterface{
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

func (l *loader) reservation(r *reservationJSON, seen int64) error {
	for n := range r.Instances {
		if err := l.instance(&r.Instances[n], seen); err != nil {
			return fmt.Errorf("Instances[%d].%w", n, err)
		}
	}
	return nil
}

func (l *loader) instance(i *instanceJSON, seen int64) error {
	name := nameTag(i.Tags)
	if name != "" {
		l.instances[i.InstanceID] = name
	}
	e := entry{name: name, vpc: i.VPCID, from: always, until: ever, seen: seen, rank: attached}
	l.book.addID(i.InstanceID, e)
	if e.name == "" {
		e.name, e.rank = i.InstanceID, bare
	}
	for n := range i.NetworkInterfaces {
		x := &i.NetworkInterfaces[n]
		at := attachmentJSON{InstanceID: i.InstanceID}
		if x.Attachment != nil {
			at.AttachTime = x.Attachment.AttachTime
		}
		if x.VPCID == "" {
			x.VPCID = i.VPCID
		}
		if err := l.ifaceOf(x, &at, seen); err != nil {
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

func (l *loader) subnet(n *networkJSON, seen int64) error {
	return l.network("subnet", n.SubnetID, n, seen)
}

func (l *loader) vpc(n *networkJSON, seen int64) error { return l.network("vpc", n.VPCID, n, seen) }

// network names a subnet's or a VPC's networks, with what they are before the name: it
// is no name of an address.
func (l *loader) network(kind, id string, n *networkJSON, seen int64) error {
	e := entry{name: nameTag(n.Tags), vpc: n.VPCID, from: always, until: ever, seen: seen}
	l.book.addID(id, e)
	if e.name == "" {
		e.name, e.rank = id, bare
	} else {
		e.name = kind + " " + e.name
	}
	if n.CIDRBlock != "" {
		n.CIDRs = append(n.CIDRs, cidrJSON{CIDRBlock: n.CIDRBlock})
	}
	seenNetworks := map[netip.Prefix]bool{}
	for _, c := range append(n.CIDRs, n.IPv6CIDRs...) {
		field, text := "CidrBlock", c.CIDRBlock
		if text == "" {
			field, text = "Ipv6CidrBlock", c.IPv6CIDRBlock
		}
		if text == "" {
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil || p.Addr().Is4In6() {
			return &fieldError{field, text, errors.New("it is no network")}
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
