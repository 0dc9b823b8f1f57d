package described

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weir/internal/vpc"
)

func TestErrors(t *testing.T) {
	group := func(permission string) string {
		return "{\"SecurityGroups\": [{\"GroupId\": \"sg-1\",\n\"IpPermissions\": [{}, \n" + permission + "]}]}"
	}
	// The first permission is wrong in most: it has no protocol.
	one := func(permission string) string { return strings.Replace(group(permission), "{}, ", "", 1) }
	acl := func(entry string) string {
		return "{\"NetworkAcls\": [{\"NetworkAclId\": \"acl-1\", \"Entries\": [\n" + entry + "]}]}"
	}
	for _, tt := range []struct{ name, file, text, want string }{
		{"no protocol", "a.json", group("{}"), "a.json: line 1: SecurityGroups[0].IpPermissions[0].IpProtocol: it is not there"},
		{"an unknown protocol", "a.json", one(`{"IpProtocol": "tcpp"}`), `a.json: line 3: SecurityGroups[0].IpPermissions[0].IpProtocol "tcpp": want tcp`},
		{"a protocol too high", "a.json", one(`{"IpProtocol": "256"}`), `IpProtocol "256": want tcp`},
		{"ports the wrong way round", "a.json", one(`{"IpProtocol": "tcp", "FromPort": 9, "ToPort": 8}`), `line 3: SecurityGroups[0].IpPermissions[0].ToPort "8": want a port from FromPort`},
		{"a port too high", "a.json", one(`{"IpProtocol": "udp", "FromPort": 9, "ToPort": 65536}`), `ToPort "65536"`},
		{"half a range", "a.json", one(`{"IpProtocol": "udp", "FromPort": 9}`), `ToPort "-1"`},
		{"a type of ICMP too high", "a.json", one(`{"IpProtocol": "icmp", "FromPort": 256, "ToPort": -1}`), `FromPort "256": want a type of ICMP`},
		{"no network", "a.json", one(`{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0"}]}`), `line 3: SecurityGroups[0].IpPermissions[0].IpRanges[0].CidrIp "10.0.0.0": it is no network such as`},
		{"no group", "a.json", one(`{"IpProtocol": "-1", "UserIdGroupPairs": [{}]}`), `IpPermissions[0].UserIdGroupPairs[0].GroupId: it is not there`},
		{"another type", "a.json", one(`{"IpProtocol": "tcp", "FromPort": "x"}`), `line 1: SecurityGroups[0].IpPermissions.FromPort: it is a JSON string`},
		{"no action", "a.json", acl(`{"RuleNumber": 1, "RuleAction": "maybe"}`), `line 2: NetworkAcls[0].Entries[0].RuleAction "maybe": want allow or deny`},
		{"a number that allows and is too high", "a.json", acl(`{"RuleNumber": 32767, "RuleAction": "allow"}`), `RuleNumber "32767"`},
		{"no network in an entry", "a.json", acl(`{"RuleNumber": 1, "RuleAction": "deny", "Protocol": "-1"}`), `Entries[0].Ipv6CidrBlock "": it is no network`},
		{"no address", "a.json", "{\"NetworkInterfaces\": [{\"NetworkInterfaceId\": \"eni-1\",\n\"PrivateIpAddress\": \"10.0.0.999\"}]}", `line 2: NetworkInterfaces[0].PrivateIpAddress "10.0.0.999": it is no address`},
		{"no address of an instance", "a.json", `{"Reservations": [{"Instances": [{"InstanceId": "i-1", "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "PrivateIpAddress": "x"}]}]}]}`,
			`Reservations[0].Instances[0].NetworkInterfaces[0].PrivateIpAddress "x"`},
		{"a rule of nobody", "a.json", `{"SecurityGroupRules": [{"SecurityGroupRuleId": "sgr-1", "GroupId": "sg-1", "IpProtocol": "-1"}]}`, "SecurityGroupRules[0].it has none of CidrIpv4"},
		{"entries of no list", "a.json", `{"Entries": [{"Cidr": "10.0.0.0/8"}]}`, "put the list's id into the file's name, such as pl-"},
		{"entries that are none", "pl-01.json", `{"Entries": [{"Cidr": "x"}]}`, `line 1: Entries[0].Cidr "x"`},
		{"something else", "a.json", `{"Functions": []}`, "a.json: it describes no network: save what aws ec2"},
		{"cut short", "a.json", `{"Vpcs": [`, "a.json: line 1: Vpcs: the JSON is cut short"},
		{"no JSON", "a.txt", `account: x`, "a.txt: line 1: invalid character"},
		{"a wrong configuration", "a.yaml", "security-groups:\n  - nam: web\n", "a.yaml:2:5: security-groups[0].nam: unknown key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := Load([]string{filepath.Join(write(t, map[string]string{tt.file: tt.text}), tt.file)})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%q:\ngot  %v\nwant %s", tt.text, err, tt.want)
			}
		})
	}
	for name, files := range map[string]map[string]string{
		"empty": nil, "nothing that describes": {"a.json": `{"Functions": []}`, "b.txt": groups}, "foreign entries": {"a.json": `{"Entries": [1]}`},
	} {
		if _, _, err := Load([]string{write(t, files)}); err == nil || !strings.Contains(err.Error(), "in none of its .json files") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := Load([]string{write(t, map[string]string{"a.json": "{", "b.json": groups})}); err == nil {
		t.Error("a file that is cut short is skipped")
	}
}

func TestLaterDescriptionsReplace(t *testing.T) {
	dir := write(t, map[string]string{
		"1.json": `{"SecurityGroups": [{"GroupId": "sg-1", "GroupName": "old"}, {"GroupId": "sg-2"}]}`,
		"2.json": `{"SecurityGroups": [{"GroupId": "sg-1", "GroupName": "new"}]}`,
	})
	n, _, err := Load([]string{dir})
	if err != nil || len(n.SecurityGroups) != 2 || n.SecurityGroups[0].Name != "new" {
		t.Errorf("groups %+v, %v", n.SecurityGroups, err)
	}
}

func TestConfigurationAsItIs(t *testing.T) {
	c, err := vpc.Load(town)
	if err != nil {
		t.Fatal(err)
	}
	want := c.Network()
	got, missing, err := Load([]string{town})
	if err != nil || len(missing) > 0 {
		t.Fatalf("missing %q, %v", missing, err)
	}
	same(t, "the network", *got, want)
}

// FuzzLoad: whatever a file holds, reading it ends, and what was read keeps the
// promises of the model.
func FuzzLoad(f *testing.F) {
	for _, s := range []string{groups, acls, interfaces, places, lists, ruleIDs, groups + ruleIDs, `{"Entries": [{"Cidr": "192.0.2.0/24"}]}`, "", "{", "[]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b := newBuilder()
		if err := b.json([]byte(text), "pl-01"); err != nil {
			return
		}
		n, _ := b.finish()
		ports := func(p vpc.Protocol, r vpc.PortRange, icmp *vpc.ICMP) {
			if r.From > r.To || r != (vpc.PortRange{}) && p != vpc.ProtoTCP && p != vpc.ProtoUDP || icmp != nil && p != vpc.ProtoICMP && p != vpc.ProtoICMPv6 {
				t.Errorf("protocol %d has ports %v and ICMP %v", p, r, icmp)
			}
		}
		for _, g := range n.SecurityGroups {
			for _, r := range slices.Concat(g.Ingress, g.Egress) {
				ports(r.Protocol, r.Ports, r.ICMP)
				if len(r.CIDRs)+len(r.Groups)+len(r.PrefixLists) != 1 || len(r.CIDRs) == 1 && r.CIDRs[0] != r.CIDRs[0].Masked() {
					t.Errorf("a rule has the peers %v, %v, %v", r.CIDRs, r.Groups, r.PrefixLists)
				}
			}
		}
		for _, a := range n.NetworkACLs {
			for _, list := range [][]vpc.ACLEntry{a.Ingress, a.Egress} {
				if !slices.IsSortedFunc(list, func(x, y vpc.ACLEntry) int { return x.Number - y.Number }) {
					t.Errorf("entries are not in order: %+v", list)
				}
				for _, e := range list {
					ports(e.Protocol, e.Ports, e.ICMP)
					if e.Number < 1 || e.Number >= lastEntry || !e.CIDR.IsValid() {
						t.Errorf("an entry is %+v", e)
					}
				}
			}
		}
	})
}

// TestIDsOfAConfiguration has the ids of rules, as the API says them, for a configuration
// in which a rule has several peers.
func TestIDsOfAConfiguration(t *testing.T) {
	dir := write(t, map[string]string{"weir.yaml": `vpcs: [{id: vpc-0a1b2c3d4e5f60718, name: main, cidrs: [10.0.0.0/16]}]
security-groups:
  - {id: sg-0a1b2c3d4e5f60718, name: web, egress: [], ingress: [{protocol: tcp, ports: 443, cidrs: [10.0.0.0/8, "::/0"], security-groups: [web]}]}
`, "ids.json": `{"SecurityGroupRules": [
  {"SecurityGroupRuleId": "sgr-1", "GroupId": "sg-0a1b2c3d4e5f60718", "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv6": "::/0"},
  {"SecurityGroupRuleId": "sgr-2", "GroupId": "sg-0a1b2c3d4e5f60718", "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "ReferencedGroupInfo": {"GroupId": "sg-0a1b2c3d4e5f60718"}}]}`})
	n, _, err := Load([]string{filepath.Join(dir, "weir.yaml"), filepath.Join(dir, "ids.json")})
	if err != nil {
		t.Fatal(err)
	}
	rule := vpc.SecurityGroupRule{Protocol: vpc.ProtoTCP, Ports: vpc.PortRange{From: 443, To: 443}}
	four, six, group := rule, rule, rule
	four.CIDRs = p("10.0.0.0/8")
	six.CIDRs, six.ID = p("::/0"), "sgr-1"
	group.Groups, group.ID = []string{"sg-0a1b2c3d4e5f60718"}, "sgr-2"
	same(t, "rules", n.SecurityGroups[0].Ingress, []vpc.SecurityGroupRule{four, six, group})
}
