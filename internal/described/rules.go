package described

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"weir/internal/ec2"
	"weir/internal/vpc"
)

// ruleKey is what tells a rule of a security group from all others.
type ruleKey struct {
	group    string
	egress   bool
	protocol vpc.Protocol
	ports    vpc.PortRange
	icmp     vpc.ICMP
	peer     string // a network, or the id of a group or a prefix list
}

// keyOf returns the key of a rule with one peer.
func keyOf(group string, egress bool, r *vpc.SecurityGroupRule) ruleKey {
	k := ruleKey{group: group, egress: egress, protocol: r.Protocol, ports: r.Ports, icmp: vpc.ICMP{Type: -1, Code: -1}}
	if r.ICMP != nil {
		k.icmp = *r.ICMP
	}
	switch {
	case len(r.CIDRs) > 0:
		k.peer = r.CIDRs[0].String()
	case len(r.Groups) > 0:
		k.peer = r.Groups[0]
	case len(r.PrefixLists) > 0:
		k.peer = r.PrefixLists[0]
	}
	return k
}

func (b *builder) group(g *ec2.SecurityGroup) (err error) {
	if g.ID == "" {
		return absent("GroupId")
	}
	out := vpc.SecurityGroup{
		ID: g.ID, AccountID: g.OwnerID, VPCID: g.VPCID, Name: g.Name, Description: g.Description, Tags: tags(g.Tags),
	}
	if out.Ingress, err = b.permissions(g.ID, "IpPermissions", g.Ingress); err != nil {
		return err
	}
	if out.Egress, err = b.permissions(g.ID, "IpPermissionsEgress", g.Egress); err != nil {
		return err
	}
	b.owner(g.OwnerID)
	b.groups.put(g.ID, out)
	return nil
}

// permissions returns a rule for each peer.
func (b *builder) permissions(group, field string, all []ec2.IPPermission) (out []vpc.SecurityGroupRule, err error) {
	for n := range all {
		p := &all[n]
		r, err := service(p.Protocol, p.FromPort, p.ToPort)
		if err == errPortZero {
			b.portZero.add(group)
			continue
		}
		if err != nil {
			return nil, inside(at(field, n, ""), err)
		}
		add := func(description string, set func(*vpc.SecurityGroupRule)) {
			one := r
			one.Description = description
			set(&one)
			out = append(out, one)
		}
		network := func(list string, m int, key, text, description string) error {
			cidr, err := prefix(at(list, m, key), text)
			if err != nil {
				return inside(at(field, n, ""), err)
			}
			add(description, func(r *vpc.SecurityGroupRule) { r.CIDRs = []netip.Prefix{cidr} })
			return nil
		}
		for m, c := range p.IPRanges {
			if err := network("IpRanges", m, "CidrIp", c.CIDR, c.Description); err != nil {
				return nil, err
			}
		}
		for m, c := range p.IPv6 {
			if err := network("Ipv6Ranges", m, "CidrIpv6", c.CIDR, c.Description); err != nil {
				return nil, err
			}
		}
		for m, g := range p.Groups {
			if g.ID == "" {
				return nil, inside(at(field, n, ""), absent(at("UserIdGroupPairs", m, "GroupId")))
			}
			add(g.Description, func(r *vpc.SecurityGroupRule) { r.Groups = []string{g.ID} })
		}
		for m, l := range p.PrefixIDs {
			if l.ID == "" {
				return nil, inside(at(field, n, ""), absent(at("PrefixListIds", m, "PrefixListId")))
			}
			add(l.Description, func(r *vpc.SecurityGroupRule) { r.PrefixLists = []string{l.ID} })
		}
	}
	return out, nil
}

// errPortZero is a rule for port 0 alone, for which the model has no words.
var errPortZero = errors.New("port 0")

// service reads protocol and ports of a rule, which are type and code of ICMP. Without
// ports, or with -1, it is for all.
func service(protocol string, from, to *int) (r vpc.SecurityGroupRule, err error) {
	if r.Protocol, err = protocolOf("IpProtocol", protocol); err != nil {
		return r, err
	}
	lo, hi := -1, -1
	if from != nil {
		lo = *from
	}
	if to != nil {
		hi = *to
	}
	switch r.Protocol {
	case vpc.ProtoICMP, vpc.ProtoICMPv6:
		r.ICMP, err = icmp("FromPort", "ToPort", lo, hi)
	case vpc.ProtoTCP, vpc.ProtoUDP:
		r.Ports, err = portRange("FromPort", "ToPort", lo, hi)
	}
	return r, err
}

// protocolOf reads "-1", a number or a name. No protocol at all is an error: it would
// be a rule for all.
func protocolOf(field, text string) (p vpc.Protocol, err error) {
	if n, err := strconv.ParseUint(text, 10, 8); err == nil {
		return vpc.Protocol(n), nil // 0 is one, too
	}
	if text == "" {
		return 0, absent(field)
	}
	if err := p.UnmarshalText([]byte(strings.ToLower(text))); err != nil {
		return 0, &FieldError{field, text, errors.New("want tcp, udp, icmp, icmpv6, -1 or a number from 0 to 255")}
	}
	return p, nil
}

func icmp(typeField, codeField string, kind, code int) (*vpc.ICMP, error) {
	const most = 255
	switch {
	case kind < -1 || kind > most:
		return nil, &FieldError{typeField, strconv.Itoa(kind), errors.New("want a type of ICMP, from -1 to 255")}
	case code < -1 || code > most:
		return nil, &FieldError{codeField, strconv.Itoa(code), errors.New("want a code of ICMP, from -1 to 255")}
	case kind == -1:
		return nil, nil // of all types there is no code
	}
	return &vpc.ICMP{Type: kind, Code: code}, nil
}

func portRange(fromField, toField string, from, to int) (r vpc.PortRange, err error) {
	const most = 65535
	switch {
	case from == -1 && to == -1, from == 0 && to == most:
		return r, nil
	case from < 0 || from > most:
		return r, &FieldError{fromField, strconv.Itoa(from), errors.New("want a port from 0 to 65535, or -1 in both for all")}
	case to < from || to > most:
		return r, &FieldError{toField, strconv.Itoa(to), errors.New("want a port from " + fromField + " to 65535")}
	case to == 0:
		return r, errPortZero
	}
	return vpc.PortRange{From: uint16(from), To: uint16(to)}, nil
}

// rule notes the id of a rule.
func (b *builder) rule(r *ec2.SecurityGroupRule) error {
	if r.ID == "" {
		return absent("SecurityGroupRuleId")
	}
	if r.GroupID == "" {
		return absent("GroupId")
	}
	out, err := service(r.Protocol, r.FromPort, r.ToPort)
	if err == errPortZero {
		b.portZero.add(r.GroupID)
		return nil
	}
	if err != nil {
		return err
	}
	out.ID, out.Description = r.ID, r.Description
	switch {
	case r.CIDRv4 != "" || r.CIDRv6 != "":
		field, text := "CidrIpv4", r.CIDRv4
		if text == "" {
			field, text = "CidrIpv6", r.CIDRv6
		}
		p, err := prefix(field, text)
		if err != nil {
			return err
		}
		out.CIDRs = []netip.Prefix{p}
	case r.ReferencedGroup != nil && r.ReferencedGroup.GroupID != "":
		out.Groups = []string{r.ReferencedGroup.GroupID}
	case r.PrefixListID != "":
		out.PrefixLists = []string{r.PrefixListID}
	default:
		return errors.New("it has none of CidrIpv4, CidrIpv6, PrefixListId and ReferencedGroupInfo.GroupId")
	}
	b.rules[keyOf(r.GroupID, r.IsEgress, &out)] = r.ID
	b.byRules(r, out)
	return nil
}

// byRules adds a rule to a group of which there may be no other description.
func (b *builder) byRules(r *ec2.SecurityGroupRule, out vpc.SecurityGroupRule) {
	g := b.ruleGroups.get(r.GroupID)
	if g == nil {
		b.ruleGroups.put(r.GroupID, vpc.SecurityGroup{ID: r.GroupID, AccountID: r.GroupOwnerID})
		g = b.ruleGroups.get(r.GroupID)
	}
	list := &g.Ingress
	if r.IsEgress {
		list = &g.Egress
	}
	for n := range *list {
		if (*list)[n].ID == out.ID { // it has been described twice
			(*list)[n] = out
			return
		}
	}
	*list = append(*list, out)
}

// single returns rules of which each has one peer.
func single(all []vpc.SecurityGroupRule) (out []vpc.SecurityGroupRule) {
	for _, r := range all {
		one := r
		one.CIDRs, one.Groups, one.PrefixLists = nil, nil, nil
		for _, c := range r.CIDRs {
			one := one
			one.CIDRs = []netip.Prefix{c}
			out = append(out, one)
		}
		for _, g := range r.Groups {
			one := one
			one.Groups = []string{g}
			out = append(out, one)
		}
		for _, l := range r.PrefixLists {
			one := one
			one.PrefixLists = []string{l}
			out = append(out, one)
		}
	}
	return out
}

// identified returns the rules of a group with their ids, as far as they are known: one
// for each peer then.
func (b *builder) identified(group string, egress bool, all []vpc.SecurityGroupRule) (out []vpc.SecurityGroupRule) {
	for _, r := range all {
		ones, some := single([]vpc.SecurityGroupRule{r}), false
		for n := range ones {
			key := keyOf(group, egress, &ones[n])
			if id, ok := b.rules[key]; ok {
				ones[n].ID, some = id, true
				b.used[id] = true
			}
		}
		if some {
			out = append(out, ones...)
		} else {
			out = append(out, r)
		}
	}
	return out
}
