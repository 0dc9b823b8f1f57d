package awsapi

import (
	"context"
	"net/netip"
	"slices"
	"strconv"

	"weir/internal/ec2"
	"weir/internal/vpc"
)

var groupIDs = idNames{
	prefix: "sg", malformed: ec2.SecurityGroupIDMalformed, ofOthers: ec2.SecurityGroupIDOfOthers,
	notFound: ec2.SecurityGroupNotFound,
}

func (s *views) describeSecurityGroups(a *API, ctx context.Context, in *ec2.DescribeSecurityGroups) (*ec2.DescribeSecurityGroupsAnswer, error) {
	q := ask{ids: in.GroupIDs, filters: in.Filters, max: in.MaxResults, token: in.NextToken}
	for _, name := range in.GroupNames {
		id, err := s.of(a.cfg.Model()).groupID(name)
		if err != nil {
			return nil, err
		}
		q.ids = append(q.ids, id)
	}
	list, next, err := described(ctx, s, a, func(v *view) *table[ec2.SecurityGroup] { return v.secGroups() }, q)
	if err != nil {
		return nil, err
	}
	return &ec2.DescribeSecurityGroupsAnswer{SecurityGroups: list, NextToken: next}, nil
}

// groupID returns the id of a group of the default VPC: the only one whose groups
// may be called by their names.
func (v *view) groupID(name string) (string, error) {
	at := slices.IndexFunc(v.n.VPCs, func(p vpc.VPC) bool { return p.Default })
	if at < 0 {
		return "", ec2.SecurityGroupNotFound.With(name)
	}
	for i := range v.n.SecurityGroups {
		if g := &v.n.SecurityGroups[i]; g.VPCID == v.n.VPCs[at].ID && g.Name == name {
			return g.ID, nil
		}
	}
	return "", ec2.SecurityGroupNameNotFound.With(name, v.n.VPCs[at].ID)
}

func (v *view) makeGroups() *table[ec2.SecurityGroup] {
	out := make([]ec2.SecurityGroup, 0, len(v.n.SecurityGroups))
	for i := range v.n.SecurityGroups {
		g := &v.n.SecurityGroups[i]
		out = append(out, ec2.SecurityGroup{
			ID: g.ID, Name: g.Name, Description: g.Description, OwnerID: g.AccountID, VPCID: g.VPCID,
			ARN: v.arn(g.AccountID, "security-group", g.ID), Ingress: v.permissions(g.Ingress), Egress: v.permissions(g.Egress),
		})
	}
	return newTable(kind[ec2.SecurityGroup]{
		names: groupIDs,
		id:    func(g *ec2.SecurityGroup) string { return g.ID },
		tags:  func(g *ec2.SecurityGroup) *[]ec2.Tag { return &g.Tags },
		own:   func(id string) vpc.Tags { return v.groups[id].Tags },
		attrs: v.groupAttrs(),
	}, out)
}

// permissions puts rules of the same protocol and ports together, as Amazon does.
func (v *view) permissions(rules []vpc.SecurityGroupRule) (out []ec2.IPPermission) {
	at := make(map[[3]int]int)
	for _, r := range rules {
		name, from, to := rulePorts(&r)
		key := [3]int{int(r.Protocol), from, to}
		n, ok := at[key]
		if !ok {
			n, at[key] = len(out), len(out)
			out = append(out, ec2.IPPermission{Protocol: name})
			if hasPorts(r.Protocol) {
				out[n].FromPort, out[n].ToPort = &from, &to
			}
		}
		p := &out[n]
		for _, c := range r.CIDRs {
			if c.Addr().Is4() {
				p.IPRanges = append(p.IPRanges, ec2.IPRange{CIDR: c.String(), Description: r.Description})
			} else {
				p.IPv6 = append(p.IPv6, ec2.IPv6Range{CIDR: c.String(), Description: r.Description})
			}
		}
		for _, id := range r.Groups {
			p.Groups = append(p.Groups, ec2.GroupPair{UserID: v.groupOwner(id), ID: id, VPCID: v.groupVPC(id), Description: r.Description})
		}
		for _, id := range r.PrefixLists {
			p.PrefixIDs = append(p.PrefixIDs, ec2.PrefixListID{ID: id, Description: r.Description})
		}
	}
	return out
}

func (v *view) groupOwner(id string) string {
	if g := v.groups[id]; g != nil {
		return g.AccountID
	}
	return v.n.AccountID
}

// groupVPC returns the VPC of a group, "" if the group is not known.
func (v *view) groupVPC(id string) string {
	if g := v.groups[id]; g != nil {
		return g.VPCID
	}
	return ""
}

// protocolName returns what EC2 calls a protocol in security groups, where only some
// have names.
func protocolName(p vpc.Protocol) string {
	switch p {
	case vpc.ProtoTCP:
		return "tcp"
	case vpc.ProtoUDP:
		return "udp"
	case vpc.ProtoICMP:
		return "icmp"
	case vpc.ProtoICMPv6:
		return "icmpv6"
	}
	return strconv.Itoa(int(p))
}

func hasPorts(p vpc.Protocol) bool {
	return p == vpc.ProtoTCP || p == vpc.ProtoUDP || isICMP(p)
}

func isICMP(p vpc.Protocol) bool { return p == vpc.ProtoICMP || p == vpc.ProtoICMPv6 }

// rulePorts returns protocol and ports of a rule as answers have them: of ICMP the
// ports are type and code, of another protocol -1.
func rulePorts(r *vpc.SecurityGroupRule) (protocol string, from, to int) {
	protocol, from, to = protocolName(r.Protocol), -1, -1
	switch {
	case isICMP(r.Protocol) && r.ICMP != nil:
		from, to = r.ICMP.Type, r.ICMP.Code
	case hasPorts(r.Protocol) && !isICMP(r.Protocol):
		from, to = ports(r.Ports)
	}
	return protocol, from, to
}

func ports(r vpc.PortRange) (from, to int) {
	if r == (vpc.PortRange{}) {
		return 0, 65535
	}
	return int(r.From), int(r.To)
}

// groupAttrs are the filters of DescribeSecurityGroups (the service model
// of botocore, read 2026-11-24).
func (v *view) groupAttrs() map[string]func(*ec2.SecurityGroup) []string {
	type group = ec2.SecurityGroup
	attrs := map[string]func(*group) []string{
		"description": func(g *group) []string { return []string{g.Description} },
		"group-id":    one(func(g *group) string { return g.ID }),
		"group-name":  one(func(g *group) string { return g.Name }),
		"owner-id":    one(func(g *group) string { return g.OwnerID }),
		"vpc-id":      one(func(g *group) string { return g.VPCID }),
	}
	for prefix, list := range map[string]func(*group) []ec2.IPPermission{
		"ip-permission.":        func(g *group) []ec2.IPPermission { return g.Ingress },
		"egress.ip-permission.": func(g *group) []ec2.IPPermission { return g.Egress },
	} {
		within := func(get func(*ec2.IPPermission) []string) func(*group) []string {
			return func(g *group) (out []string) {
				all := list(g)
				for i := range all {
					out = append(out, get(&all[i])...)
				}
				return out
			}
		}
		pairs := func(p *ec2.IPPermission) []ec2.GroupPair { return p.Groups }
		attrs[prefix+"cidr"] = within(many(func(p *ec2.IPPermission) []ec2.IPRange { return p.IPRanges }, func(r *ec2.IPRange) string { return r.CIDR }))
		attrs[prefix+"ipv6-cidr"] = within(many(func(p *ec2.IPPermission) []ec2.IPv6Range { return p.IPv6 }, func(r *ec2.IPv6Range) string { return r.CIDR }))
		attrs[prefix+"from-port"] = within(one(func(p *ec2.IPPermission) string { return number(p.FromPort) }))
		attrs[prefix+"to-port"] = within(one(func(p *ec2.IPPermission) string { return number(p.ToPort) }))
		attrs[prefix+"protocol"] = within(one(func(p *ec2.IPPermission) string { return p.Protocol }))
		attrs[prefix+"group-id"] = within(many(pairs, func(p *ec2.GroupPair) string { return p.ID }))
		attrs[prefix+"group-name"] = within(many(pairs, func(p *ec2.GroupPair) string { return v.groupsOf([]string{p.ID})[0].Name }))
		attrs[prefix+"user-id"] = within(many(pairs, func(p *ec2.GroupPair) string { return p.UserID }))
		attrs[prefix+"prefix-list-id"] = within(many(func(p *ec2.IPPermission) []ec2.PrefixListID { return p.PrefixIDs }, func(l *ec2.PrefixListID) string { return l.ID }))
	}
	return attrs
}

func number(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

var ruleIDs = idNames{
	prefix: "sgr", malformed: ec2.SecurityGroupRuleIDMalformed, ofOthers: ec2.SecurityGroupRuleIDOfOthers,
	notFound: ec2.SecurityGroupRuleNotFound,
}

func (s *views) describeSecurityGroupRules(a *API, ctx context.Context, in *ec2.DescribeSecurityGroupRules) (*ec2.DescribeSecurityGroupRulesAnswer, error) {
	list, next, err := described(ctx, s, a, func(v *view) *table[ec2.SecurityGroupRule] { return v.rules() },
		ask{ids: in.RuleIDs, filters: in.Filters, max: in.MaxResults, token: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &ec2.DescribeSecurityGroupRulesAnswer{Rules: list, NextToken: next}, nil
}

// makeRules makes one rule for each peer. Its id is made from what it says, so that
// a rule that moves in its group is still the same. Filters are those of the service
// model of botocore, read 2026-11-24.
func (v *view) makeRules() *table[ec2.SecurityGroupRule] {
	type rule = ec2.SecurityGroupRule
	var out []rule
	for i := range v.n.SecurityGroups {
		g := &v.n.SecurityGroups[i]
		for _, r := range g.Ingress {
			out = append(out, v.peers(g, false, &r)...)
		}
		for _, r := range g.Egress {
			out = append(out, v.peers(g, true, &r)...)
		}
	}
	return newTable(kind[rule]{
		names: ruleIDs,
		id:    func(r *rule) string { return r.ID },
		tags:  func(r *rule) *[]ec2.Tag { return &r.Tags },
		own:   func(string) vpc.Tags { return nil },
		attrs: map[string]func(*rule) []string{
			"group-id":               one(func(r *rule) string { return r.GroupID }),
			"security-group-rule-id": one(func(r *rule) string { return r.ID }),
		},
	}, out)
}

func (v *view) peers(g *vpc.SecurityGroup, egress bool, r *vpc.SecurityGroupRule) (out []ec2.SecurityGroupRule) {
	protocol, from, to := rulePorts(r)
	add := func(peer string, set func(*ec2.SecurityGroupRule)) {
		id := hashID("sgr", g.ID, strconv.FormatBool(egress), protocol, strconv.Itoa(from), strconv.Itoa(to), peer)
		rule := ec2.SecurityGroupRule{
			ID: id, ARN: v.arn(g.AccountID, "security-group-rule", id), GroupID: g.ID, GroupOwnerID: g.AccountID, IsEgress: egress,
			Protocol: protocol, FromPort: &from, ToPort: &to, Description: r.Description,
		}
		set(&rule)
		out = append(out, rule)
	}
	v4, v6 := split(slices.Clone(r.CIDRs))
	for _, list := range [][]netip.Prefix{v4, v6} {
		for _, c := range list {
			add(c.String(), func(rule *ec2.SecurityGroupRule) {
				if c.Addr().Is4() {
					rule.CIDRv4 = c.String()
				} else {
					rule.CIDRv6 = c.String()
				}
			})
		}
	}
	for _, id := range r.Groups {
		add(id, func(rule *ec2.SecurityGroupRule) {
			rule.ReferencedGroup = &ec2.ReferencedGroup{GroupID: id, UserID: v.groupOwner(id), VPCID: v.groupVPC(id)}
		})
	}
	for _, id := range r.PrefixLists {
		add(id, func(rule *ec2.SecurityGroupRule) { rule.PrefixListID = id })
	}
	return out
}
