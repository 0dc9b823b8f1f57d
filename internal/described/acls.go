package described

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"weir/internal/ec2"
	"weir/internal/vpc"
)

// lastEntry is the number of the first entry that nobody made: of those that refuse
// what no other has decided about. The one for IPv6 is the next.
const lastEntry = 32767

func (b *builder) acl(a *ec2.NetworkACL) error {
	if a.ID == "" {
		return absent("NetworkAclId")
	}
	out := vpc.NetworkACL{
		ID: a.ID, AccountID: a.OwnerID, VPCID: a.VPCID, Name: name(a.Tags), Default: a.Default, Tags: tags(a.Tags),
	}
	for n := range a.Entries {
		e, ok, err := b.aclEntry(a.ID, &a.Entries[n])
		if err != nil {
			return inside(at("Entries", n, ""), err)
		}
		switch {
		case !ok:
		case a.Entries[n].Egress:
			out.Egress = append(out.Egress, e)
		default:
			out.Ingress = append(out.Ingress, e)
		}
	}
	for _, list := range [][]vpc.ACLEntry{out.Ingress, out.Egress} {
		slices.SortStableFunc(list, func(x, y vpc.ACLEntry) int { return x.Number - y.Number })
	}
	for n, s := range a.Associations {
		if s.SubnetID == "" {
			return absent(at("Associations", n, "SubnetId"))
		}
		b.aclOf[s.SubnetID] = aclOf{a.ID, a.VPCID}
	}
	b.owner(a.OwnerID)
	b.acls.put(a.ID, out)
	return nil
}

// aclEntry returns an entry, and false for one that is left out.
func (b *builder) aclEntry(acl string, e *ec2.ACLEntry) (out vpc.ACLEntry, ok bool, err error) {
	switch e.RuleAction {
	case "allow", "deny":
		out.Allow = e.RuleAction == "allow"
	default:
		return out, false, &FieldError{"RuleAction", e.RuleAction, errors.New("want allow or deny")}
	}
	if e.RuleNumber >= lastEntry && !out.Allow {
		return out, false, nil
	}
	if e.RuleNumber < 1 || e.RuleNumber >= lastEntry {
		return out, false, &FieldError{"RuleNumber", strconv.Itoa(e.RuleNumber), errors.New("want a number from 1 to 32766")}
	}
	out.Number = e.RuleNumber
	if out.Protocol, err = protocolOf("Protocol", e.Protocol); err != nil {
		return out, false, err
	}
	field, text := "CidrBlock", e.CIDRBlock
	if text == "" {
		field, text = "Ipv6CidrBlock", e.IPv6CIDRBlock
	}
	if out.CIDR, err = prefix(field, text); err != nil {
		return out, false, err
	}
	switch out.Protocol {
	case vpc.ProtoICMP, vpc.ProtoICMPv6:
		if e.ICMP != nil {
			out.ICMP, err = icmp("IcmpTypeCode.Type", "IcmpTypeCode.Code", e.ICMP.Type, e.ICMP.Code)
		}
	case vpc.ProtoTCP, vpc.ProtoUDP:
		if e.Ports != nil {
			out.Ports, err = portRange("PortRange.From", "PortRange.To", e.Ports.From, e.Ports.To)
		}
	}
	if err == errPortZero {
		b.portZero.add(acl)
		return out, false, nil
	}
	return out, err == nil, err
}

func (b *builder) prefixList(l *ec2.PrefixList) error {
	if l.ID == "" {
		return absent("PrefixListId")
	}
	b.listNames[l.ID] = l.Name
	if len(l.CIDRs) == 0 {
		return nil // others have their entries described elsewhere
	}
	out := vpc.PrefixList{ID: l.ID}
	for n, text := range l.CIDRs {
		p, err := prefix(at("Cidrs", n, ""), text)
		if err != nil {
			return err
		}
		out.CIDRs = append(out.CIDRs, p)
	}
	b.prefixes.put(l.ID, out)
	return nil
}

// entry notes an entry of the prefix list that a file is about. Where the file's name
// has no list, it may be about something else that has entries.
func (b *builder) entry(raw *json.RawMessage) error {
	var e ec2.PrefixListEntry
	err := json.Unmarshal(*raw, &e)
	if b.list == "" && (err != nil || e.CIDR == "") {
		return nil
	}
	if err != nil {
		return err
	}
	p, err := prefix("Cidr", e.CIDR)
	if err == nil {
		b.entries = append(b.entries, p)
	}
	return err
}
