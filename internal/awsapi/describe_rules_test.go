package awsapi

import (
	"testing"

	"weir/internal/ec2"
	"weir/internal/vpc"
)

func TestDescribeSecurityGroups(t *testing.T) {
	got, err := call[ec2.DescribeSecurityGroupsAnswer](t, townAPI(t), "DescribeSecurityGroups", "")
	if err != nil || len(got.SecurityGroups) != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	p := func(n int) *int { return &n }
	same(t, "rules with the same ports are one permission", got.SecurityGroups[0], ec2.SecurityGroup{
		ID: webGroup, Name: "web", Description: "web servers", OwnerID: account, VPCID: prod,
		ARN: "arn:aws:ec2:eu-west-1:" + account + ":security-group/" + webGroup,
		Ingress: []ec2.IPPermission{
			{Protocol: "tcp", FromPort: p(443), ToPort: p(443), Groups: []ec2.GroupPair{{UserID: account, ID: dbGroup, VPCID: prod}},
				IPRanges: []ec2.IPRange{{CIDR: "0.0.0.0/0", Description: "HTTPS"}}, IPv6: []ec2.IPv6Range{{CIDR: "::/0", Description: "HTTPS"}}},
			{Protocol: "icmp", FromPort: p(8), ToPort: p(-1), IPRanges: []ec2.IPRange{{CIDR: "10.0.0.0/8"}}},
		},
		Egress: []ec2.IPPermission{{Protocol: "-1", IPRanges: []ec2.IPRange{{CIDR: "0.0.0.0/0"}}}},
		Tags:   []ec2.Tag{{Key: "team", Value: "web"}},
	})
	same(t, "a protocol without a name, and all ports", [2][]ec2.IPPermission{got.SecurityGroups[1].Ingress, got.SecurityGroups[1].Egress}, [2][]ec2.IPPermission{
		{{Protocol: "47", Groups: []ec2.GroupPair{{UserID: account, ID: webGroup, VPCID: prod}}}},
		{{Protocol: "udp", FromPort: p(0), ToPort: p(65535), Groups: []ec2.GroupPair{{UserID: account, ID: dbGroup, VPCID: prod, Description: "there"}},
			IPv6: []ec2.IPv6Range{{CIDR: "2001:db8::/32", Description: "there"}}, PrefixIDs: []ec2.PrefixListID{{ID: offices, Description: "there"}}}},
	})
}

func TestSecurityGroupFilters(t *testing.T) {
	testFilters(t, listGroups, newView(vpc.NewIndex(town())).groupAttrs(), []filterCase{
		{"description=web*", []string{webGroup}},
		{"egress.ip-permission.cidr=0.0.0.0/0", []string{webGroup}},
		{"egress.ip-permission.from-port=0", []string{dbGroup}},
		{"egress.ip-permission.group-id=" + dbGroup, []string{dbGroup}},
		{"egress.ip-permission.group-name=db", []string{dbGroup}},
		{"egress.ip-permission.ipv6-cidr=2001:db8::/32", []string{dbGroup}},
		{"egress.ip-permission.prefix-list-id=" + offices, []string{dbGroup}},
		{"egress.ip-permission.protocol=-1", []string{webGroup}},
		{"egress.ip-permission.to-port=65535", []string{dbGroup}},
		{"egress.ip-permission.user-id=" + account, []string{dbGroup}},
		{"group-id=" + hostGroup, []string{hostGroup}},
		{"group-name=web", []string{webGroup, hostGroup}},
		{"ip-permission.cidr=10.0.0.0/8", []string{webGroup}},
		{"ip-permission.from-port=443", []string{webGroup}},
		{"ip-permission.group-id=" + webGroup, []string{dbGroup}},
		{"ip-permission.group-name=web", []string{dbGroup}},
		{"ip-permission.ipv6-cidr=::/0", []string{webGroup}},
		{"ip-permission.prefix-list-id=" + offices, nil},
		{"ip-permission.protocol=47", []string{dbGroup}},
		{"ip-permission.to-port=443", []string{webGroup}},
		{"ip-permission.user-id=" + account, []string{webGroup, dbGroup}},
		{"owner-id=" + other, []string{hostGroup}},
		{"vpc-id=" + prod, []string{webGroup, dbGroup}},
		{"tag:team=web", []string{webGroup}},
		{"tag-key=team", []string{webGroup}},
	})
}

func TestDescribeSecurityGroupRules(t *testing.T) {
	a := townAPI(t)
	got, err := call[ec2.DescribeSecurityGroupRulesAnswer](t, a, "DescribeSecurityGroupRules", "")
	if err != nil || len(got.Rules) != 9 {
		t.Fatalf("%d rules, %v", len(got.Rules), err)
	}
	peers := make(map[string]ec2.SecurityGroupRule)
	for _, r := range got.Rules {
		key := r.GroupID + " " + r.CIDRv4 + r.CIDRv6 + r.PrefixListID
		if r.ReferencedGroup != nil {
			key += r.ReferencedGroup.GroupID
		}
		if r.IsEgress {
			key += " out"
		}
		peers[key] = r
	}
	https := peers[webGroup+" ::/0"]
	same(t, "a rule has one peer", https, ec2.SecurityGroupRule{
		ID: https.ID, ARN: "arn:aws:ec2:eu-west-1:" + account + ":security-group-rule/" + https.ID, GroupID: webGroup, GroupOwnerID: account,
		Protocol: "tcp", FromPort: new(443), ToPort: new(443), CIDRv6: "::/0", Description: "HTTPS",
	})
	if r := peers[webGroup+" 10.0.0.0/8"]; *r.FromPort != 8 || *r.ToPort != -1 {
		t.Errorf("type and code of ICMP: %+v", r)
	}
	if r := peers[webGroup+" 0.0.0.0/0 out"]; r.Protocol != "-1" || *r.FromPort != -1 || *r.ToPort != -1 {
		t.Errorf("a rule for everything: %+v", r)
	}
	if r := peers[dbGroup+" "+offices+" out"]; r.PrefixListID != offices || r.Protocol != "udp" || r.Description != "there" {
		t.Errorf("a rule for a prefix list: %+v", r)
	}
	if r := peers[dbGroup+" "+webGroup]; r.ReferencedGroup == nil || r.ReferencedGroup.UserID != account || r.ReferencedGroup.VPCID != prod || *r.FromPort != -1 {
		t.Errorf("a rule for a group: %+v", r)
	}
	if again, err := listRules(t, a, "SecurityGroupRuleId.1="+https.ID); err != nil || len(again) != 1 {
		t.Errorf("by its id: %v, %v", again, err)
	}
}

func TestSecurityGroupRuleIDsAreStable(t *testing.T) {
	n := town()
	rules := n.SecurityGroups[0].Ingress
	rules[0], rules[2] = rules[2], rules[0]
	rules = append(rules, rules[2]) // the same again adds nothing
	n.SecurityGroups[0].Ingress = rules
	got, want := newView(vpc.NewIndex(n)).rules(), newView(vpc.NewIndex(town())).rules()
	if len(got.rows) != len(want.rows) {
		t.Fatalf("%d rules, want %d", len(got.rows), len(want.rows))
	}
	for i := range got.rows {
		same(t, "a rule in another order", got.rows[i], want.rows[i])
	}
}

func TestSecurityGroupRuleFilters(t *testing.T) {
	v := newView(vpc.NewIndex(town()))
	id := v.rules().rows[3].ID
	var ofDB []string
	for _, r := range v.rules().rows {
		if r.GroupID == dbGroup {
			ofDB = append(ofDB, r.ID)
		}
	}
	testFilters(t, listRules, v.rules().attrs, []filterCase{
		{"group-id=" + dbGroup, ofDB},
		{"security-group-rule-id=" + id, []string{id}},
		{"tag:x=*", nil},
	})
}

func TestDescribeNetworkACLs(t *testing.T) {
	got, err := call[ec2.DescribeNetworkACLsAnswer](t, townAPI(t), "DescribeNetworkAcls", "")
	if err != nil || len(got.NetworkACLs) != 4 {
		t.Fatalf("%d ACLs, %v", len(got.NetworkACLs), err)
	}
	byID := make(map[string]ec2.NetworkACL)
	for _, a := range got.NetworkACLs {
		byID[a.ID] = a
	}
	last := func(egress bool, number int, cidr, cidr6 string) ec2.ACLEntry {
		return ec2.ACLEntry{RuleNumber: number, Protocol: "-1", RuleAction: "deny", Egress: egress, CIDRBlock: cidr, IPv6CIDRBlock: cidr6}
	}
	same(t, "a declared ACL", byID[edge], ec2.NetworkACL{
		ID: edge, VPCID: prod, OwnerID: account,
		Associations: []ec2.ACLAssociation{{ID: hashID("aclassoc", edge, web), ACLID: edge, SubnetID: web}},
		Entries: []ec2.ACLEntry{
			{RuleNumber: 120, Protocol: "17", RuleAction: "allow", Egress: true, IPv6CIDRBlock: "2001:db8::/32", Ports: &ec2.PortRange{From: 0, To: 65535}},
			last(true, 32767, "0.0.0.0/0", ""), last(true, 32768, "", "::/0"),
			{RuleNumber: 100, Protocol: "6", RuleAction: "deny", CIDRBlock: "203.0.113.0/24", Ports: &ec2.PortRange{From: 22, To: 23}},
			{RuleNumber: 110, Protocol: "1", RuleAction: "allow", CIDRBlock: "0.0.0.0/0", ICMP: &ec2.ICMP{Code: 4, Type: 3}},
			last(false, 32767, "0.0.0.0/0", ""), last(false, 32768, "", "::/0"),
		},
		Tags: []ec2.Tag{{Key: "team", Value: "network"}},
	})
	implicit := hashID("acl", host)
	same(t, "the ACL of a VPC that declares none", byID[implicit], ec2.NetworkACL{
		ID: implicit, VPCID: host, OwnerID: account, Default: true,
		Entries: []ec2.ACLEntry{
			{RuleNumber: 100, Protocol: "-1", RuleAction: "allow", Egress: true, CIDRBlock: "0.0.0.0/0"}, last(true, 32767, "0.0.0.0/0", ""),
			{RuleNumber: 100, Protocol: "-1", RuleAction: "allow", CIDRBlock: "0.0.0.0/0"}, last(false, 32767, "0.0.0.0/0", ""),
		},
	})
	if a := byID[hashID("acl", prod)]; !a.Default || len(a.Associations) != 2 || len(a.Entries) != 8 || a.Entries[1].IPv6CIDRBlock != "::/0" {
		t.Errorf("the implicit ACL of a VPC with IPv6: %+v", a)
	}
	if a := byID[labACL]; !a.Default || a.Entries[1].ICMP == nil || a.Entries[1].ICMP.Type != -1 {
		t.Errorf("a declared default: %+v", a)
	}
}

func TestNetworkACLFilters(t *testing.T) {
	ofProd, ofHost := hashID("acl", prod), hashID("acl", host)
	all := []string{edge, labACL, ofProd, ofHost}
	testFilters(t, listACLs, aclAttrs(), []filterCase{
		{"association.association-id=" + hashID("aclassoc", edge, web), []string{edge}},
		{"association.network-acl-id=" + labACL, []string{labACL}},
		{"association.subnet-id=" + six, []string{ofProd}},
		{"default=false", []string{edge}},
		{"entry.cidr=203.0.113.0/24", []string{edge}},
		{"entry.ipv6-cidr=::/0", []string{edge, ofProd}},
		{"entry.icmp.code=-1", []string{labACL}},
		{"entry.icmp.type=3", []string{edge}},
		{"entry.port-range.from=22", []string{edge}},
		{"entry.port-range.to=65535", []string{edge}},
		{"entry.protocol=tcp", []string{edge}},
		{"entry.protocol=58", []string{labACL}},
		{"entry.rule-action=deny", all},
		{"entry.egress=true", all},
		{"entry.rule-number=90", []string{labACL}},
		{"network-acl-id=" + edge, []string{edge}},
		{"owner-id=" + other, []string{labACL}},
		{"vpc-id=" + prod, []string{edge, ofProd}},
		{"tag:team=network", []string{edge}},
		{"tag-key=team", []string{edge}},
	})
}
