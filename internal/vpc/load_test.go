package vpc

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestExampleLoadsAndHasEveryKey(t *testing.T) {
	c, err := Load("../../examples/weir.yaml")
	if err != nil {
		t.Fatal(err)
	}
	used := make(map[string]bool)
	usedKeys(reflect.ValueOf(c).Elem(), used)
	for _, s := range configStructs() {
		for _, key := range keysOf(s).keys {
			if !used[s.Name()+"."+key] {
				t.Errorf("examples/weir.yaml has no example of %s of %s", key, s.Name())
			}
		}
	}
	n := c.Network()
	if n.VPCs[1].ID == "" || n.Subnets[1].VPCID != n.VPCs[1].ID || n.Subnets[0].NetworkACLID != "acl-0a1b2c3d4e5f60718" {
		t.Errorf("references are not resolved: %+v", n.Subnets)
	}
	if got := fmt.Sprint(n.Subnets[0].Plan); got != "{10.0.1.1 10.0.0.2}" {
		t.Errorf("Amazon's plan is %s", got)
	}
}

// usedKeys notes the keys that have a value.
func usedKeys(v reflect.Value, used map[string]bool) {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch {
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			usedKeys(v.Index(i), used)
		}
	case v.Kind() == reflect.Struct:
		for key, f := range keysOf(v.Type()).byKey {
			if x := v.FieldByIndex(f.Index); !x.IsZero() {
				used[v.Type().Name()+"."+key] = true
				usedKeys(x, used)
			}
		}
	}
}

func TestEmptyFileIsTheDefault(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing\n", "---\n", "vpcs:\n", "serve: {}\n"} {
		c, err := Parse("weir.yaml", []byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		c.from = nil
		if !reflect.DeepEqual(c, Default()) {
			t.Errorf("%q: %+v", text, c)
		}
	}
	c := Default()
	if c.Account != DefaultAccount || c.Region != DefaultRegion || c.AvailabilityZoneID != DefaultAZID || c.Serve.DataDir == "" {
		t.Errorf("%+v", c)
	}
}

func TestValues(t *testing.T) {
	for _, tt := range []struct {
		text string
		get  func(*Config) any
		want string
	}{
		{"account: 012345678901", func(c *Config) any { return c.Account }, "012345678901"}, // no octal number
		{"account: 000000000001", func(c *Config) any { return c.Account }, "000000000001"},
		{"serve: {journal-max: 512MiB}", func(c *Config) any { return c.Serve.JournalMax }, "536870912"},
		{"serve: {flush: 1m30s}", func(c *Config) any { return int64(c.Serve.Flush) }, "90000000000"},
		{"x: &a [all]\nnamespaces: *a", nil, ""},
		{"namespaces: &a [all]\nip-ranges: /x", func(c *Config) any { return c.Namespaces }, "[all]"},
		{"vpcs: [{name: a, cidrs: &n [10.0.0.0/16]}]\nsubnets: [{cidrs: *n}]", func(c *Config) any { return c.Subnets[0].CIDRs }, "[10.0.0.0/16]"},
		{"region: eu-west-1", func(c *Config) any { return c.AvailabilityZoneID }, ""},
		{"interfaces: [{match: {mac: 02-00-00-00-00-0A}}]", func(c *Config) any { return c.Interfaces[0].Match.MAC }, "02:00:00:00:00:0a"},
		{"interfaces: [{match: {name: a}, tags: {n: 1, e: }}]", func(c *Config) any { return c.Interfaces[0].Tags }, "map[e: n:1]"},
	} {
		c, err := Parse("weir.yaml", []byte(tt.text))
		switch {
		case tt.get == nil:
			if err == nil {
				t.Errorf("%q: no error", tt.text)
			}
		case err != nil:
			t.Errorf("%q: %v", tt.text, err)
		case fmt.Sprint(tt.get(c)) != tt.want:
			t.Errorf("%q: %v, want %s", tt.text, tt.get(c), tt.want)
		}
	}
}

// Each case is what is wrong, and the problems it makes: line, column, path and
// message.
func TestProblems(t *testing.T) {
	const vpcs = "vpcs:\n- {name: a, cidrs: [10.0.0.0/16]}\n"
	for _, tt := range []struct{ name, text, want string }{
		{"unknown key", "acount: 1", `1:1: acount: unknown key "acount": did you mean "account"?`},
		{"unknown key deep down", vpcs + "- {name: b, cidr: [10.1.0.0/16]}", `3:13: vpcs[1].cidr: unknown key "cidr": did you mean "cidrs"?|3:4: vpcs[1]: key "cidrs" is missing`},
		{"part of a key", "flow-logs: [{name: x, resource: default, destination: x, format: y}]", `1:58: flow-logs[0].format: unknown key "format": did you mean "log-format"?`},
		{"key given twice", "region: a\nregion: b", `2:1: mapping key "region" already defined at [1:1]`},
		{"account", "account: 1234", `1:10: account: account "1234": want 12 digits`},
		{"CIDR", "vpcs: [{cidrs: [10.0.0.0/33]}]", `1:17: vpcs[0].cidrs[0]: CIDR "10.0.0.0/33": want a network such as 10.0.0.0/16 or 2001:db8::/56`},
		{"host bits", "vpcs: [{cidrs: [10.0.0.1/16]}]", `1:17: vpcs[0].cidrs[0]: CIDR "10.0.0.1/16" has bits set beyond its length: want 10.0.0.0/16`},
		{"overlap within a VPC", "vpcs: [{cidrs: [10.0.0.0/16, 10.0.1.0/24]}]", `1:30: vpcs[0].cidrs[1]: 10.0.1.0/24 overlaps 10.0.0.0/16 (cidrs[0])`},
		{"outside its VPC", vpcs + "subnets:\n- cidrs: [10.1.0.0/24]", `4:11: subnets[0].cidrs[0]: 10.1.0.0/24 is outside its VPC a, which has [10.0.0.0/16]`},
		{"overlapping subnets", vpcs + "subnets:\n- {name: x, cidrs: [10.0.1.0/24]}\n- cidrs: [10.0.0.0/20]", `5:11: subnets[1].cidrs[0]: 10.0.0.0/20 overlaps 10.0.1.0/24 of subnet x (subnets[0])`},
		{"duplicate id", "vpcs:\n- {id: vpc-0a1b2c3d, cidrs: [10.0.0.0/16]}\n- {id: vpc-0a1b2c3d, cidrs: [10.1.0.0/16]}", `3:8: vpcs[1].id: VPC vpc-0a1b2c3d is also vpcs[0]`},
		{"malformed id", "vpcs: [{id: vpc-1, cidrs: [10.0.0.0/16]}]", `1:13: vpcs[0].id: id "vpc-1": want the prefix and 8 or 17 hexadecimal digits, such as vpc-0123456789abcdef0`},
		{"id of something else", "vpcs: [{id: eni-0a1b2c3d, cidrs: [10.0.0.0/16]}]", `1:13: vpcs[0].id: id "eni-0a1b2c3d": want the prefix and 8 or 17 hexadecimal digits, such as vpc-0123456789abcdef0`},
		{"unknown reference", "vpcs:\n- {name: production, cidrs: [10.0.0.0/16]}\nsubnets:\n- {vpc: produktion, cidrs: [10.0.1.0/24]}", `4:9: subnets[0].vpc: no VPC "produktion" in the file: did you mean "production"?`},
		{"which VPC", "vpcs: [{name: a, cidrs: [10.0.0.0/16]}, {name: b, cidrs: [10.1.0.0/16]}]\nsubnets:\n- cidrs: [10.1.0.0/24]", `3:3: subnets[0]: needs the key vpc: 2 VPCs are declared`},
		{"list expected", "vpcs: {cidrs: [10.0.0.0/16]}", `1:8: vpcs: keys with values, want a list: lines that begin with "- ", or [ ]`},
		{"keys expected", "serve: on", `1:8: serve: a single value, want keys with values`},
		{"value expected", "region: [a]", `1:9: region: a list, want a single value`},
		{"number", "serve: {max-flows: many}", `1:20: serve.max-flows: "many": want a whole number`},
		{"number out of range", "serve: {max-flows: 1}", `1:20: serve.max-flows: 1: want 16 to 16777216`},
		{"choice", "flow-logs: [{name: x, resource: default, destination: x, traffic-type: REJECTED}]", `1:72: flow-logs[0].traffic-type: "REJECTED": did you mean "REJECT"?`},
		{"interface type", "interfaces: [{match: {name: a}, type: nat_gateway}]", `1:39: interfaces[0].type: interface type "nat_gateway": did you mean "natGateway"?`},
		{"pattern", "interfaces: [{match: {name: 'a['}}]", `1:29: interfaces[0].match.name: pattern "a[": a [ without its ], or a \ at the end`},
		{"nothing to match", "interfaces: [{tags: {a: b}}]", `1:15: interfaces[0]: needs match, for devices of this host, or addresses, for an interface elsewhere`},
		{"ports of ICMP", vpcs + "security-groups:\n- name: x\n  ingress: [{protocol: icmp, ports: 1, cidrs: [10.0.0.0/8]}]", `5:37: security-groups[0].ingress[0].ports: only tcp and udp have ports`},
		{"a rule for nobody", vpcs + "security-groups:\n- name: x\n  ingress: [{protocol: tcp}]", `5:14: security-groups[0].ingress[0]: needs cidrs, security-groups or prefix-lists: a rule without allows nothing`},
		{"a prefix list that is not there", vpcs + "prefix-lists: [{name: offices, cidrs: [192.0.2.0/24]}]\nsecurity-groups:\n- name: x\n  ingress: [{prefix-lists: [office]}]", `6:29: security-groups[0].ingress[0].prefix-lists[0]: no prefix list "office" in the file: did you mean "offices"?`},
		{"two prefix lists, one name", "prefix-lists: [{name: a, cidrs: [192.0.2.0/24]}, {id: pl-0a1b2c3d, name: a, cidrs: [192.0.2.0/24]}]", `1:74: prefix-lists[1].name: another prefix list is called "a"`},
		{"a prefix list without networks", "prefix-lists: [{name: a}]", `1:17: prefix-lists[0]: key "cidrs" is missing`},
		{"two rules, one number", vpcs + "network-acls:\n- name: x\n  ingress: [{number: 1, action: allow, cidr: 10.0.0.0/8}, {number: 1, action: deny, cidr: 10.0.0.0/8}]", `5:68: network-acls[0].ingress[1].number: rule 1 is also ingress[0]`},
		{"resource", vpcs + "flow-logs: [{name: x, resource: b, destination: x}]", `3:33: flow-logs[0].resource: no VPC or subnet "b" in the file: did you mean "a"?; or give an id (vpc-, subnet-, eni-), or "default"`},
		{"password", "destinations: [{buckets: [b], endpoint: 'https://user:secret@host'}]", `1:41: destinations[0].endpoint: holds a name or password: credentials come from a profile or the environment`},
		{"half of the credentials", "destinations: [{buckets: [b], access-key-id-env: A}]", `1:17: destinations[0]: access-key-id-env and secret-access-key-env go together`},
		{"listen", "serve: {listen: localhost}", `1:17: serve.listen: "localhost": want address and port, such as 127.0.0.1:7979`},
		{"no YAML", "vpcs: [", `1:7: sequence end token ']' not found`},
		{"two documents", "region: a\n---\nregion: b", `3:1: a second document: the configuration is one`},
		{"merge", "vpcs: [{<<: {name: a}, cidrs: [10.0.0.0/8]}]", `1:9: vpcs[0]: merging with << is not supported: repeat the keys, or use an alias for a whole value`},
		{"several at once, by line", "acount: 1\nregion: A B", `1:1: acount: unknown key "acount": did you mean "account"?|2:9: region: name "A B": want lower-case letters, digits and hyphens, such as eu-west-1`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("weir.yaml", []byte(tt.text))
			var e *ConfigError
			if !errors.As(err, &e) {
				t.Fatalf("error is %v", err)
			}
			var got []string
			for _, p := range e.Problems {
				got = append(got, p.String())
				if p.Line == 0 || p.Excerpt == "" {
					t.Errorf("%s: line %d, excerpt %q", p, p.Line, p.Excerpt)
				}
			}
			if g := strings.Join(got, "|"); g != tt.want {
				t.Errorf("\n got %s\nwant %s", g, tt.want)
			}
		})
	}
}

func TestErrorShowsTheLine(t *testing.T) {
	_, err := Parse("weir.yaml", []byte("region: eu-west-1\nvpc:\n- cidrs: [10.0.0.0/8]\n"))
	const want = `weir.yaml:2:1: vpc: unknown key "vpc": did you mean "vpcs"?
   1 | region: eu-west-1
>  2 | vpc:
       ^
   3 | - cidrs: [10.0.0.0/8]`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestAliasesDoNotMultiply(t *testing.T) {
	var b strings.Builder
	b.WriteString("namespaces: &a [" + strings.Repeat("x,", 999) + "x]\nflow-logs:\n")
	for range 400 {
		b.WriteString("- {name: x, resource: default, destination: x, interface-tag-keys: *a}\n")
	}
	if _, err := Parse("weir.yaml", []byte(b.String())); err == nil || !strings.Contains(err.Error(), "more than 262144 values") {
		t.Errorf("error is %.200v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"account: '1'\nserve: {flush: 10s, max-flows: 99}\nvpcs:\n- name: a # first\n  cidrs: [10.0.0.0/16]\n  tags: {k: v}\n",
		"vpcs: [{name: a, cidrs: [10.0.0.0/8]}]\nsubnets: [{cidrs: [10.1.0.0/16], routes: [{destination: '::/0', via: 1.1.1.1}]}]",
		"interfaces:\n- match: {name: 'e*', mac: 02:00:00:00:00:01}\n  addresses: [10.0.0.1]\n  capture: false\n",
		"flow-logs: [{name: a, resource: default, destination: b, traffic-type: ALL}]",
		"", "a: &a *a", "vpcs: &v [*v]", "- - -", "? a\n: b", "vpcs: [{cidrs: [!!str 10.0.0.0/8]}]", "serve: |\n  x", "account: !!int 1", "\xff", "a: [", "\"\\"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("f", data)
		if err != nil {
			_ = err.Error()
			return
		}
		NewIndex(c.Network())
	})
}

// A rule refers to a prefix list by name or id, and the network has the list.
func TestPrefixLists(t *testing.T) {
	c, err := Parse("weir.yaml", []byte("vpcs: [{name: v, cidrs: [10.0.0.0/8]}]\nsecurity-groups: [{name: g, ingress: [{prefix-lists: [a, pl-0a1b2c3d]}]}]\n"+
		"prefix-lists:\n- {name: a, cidrs: ['2001:db8::/32', 192.0.2.0/24]}\n- {id: pl-0a1b2c3d, name: b, cidrs: [10.0.0.0/8]}"))
	if err != nil {
		t.Fatal(err)
	}
	n := c.Network()
	if len(n.PrefixLists) != 2 || n.PrefixLists[0].Name != "a" || n.PrefixLists[1].ID != "pl-0a1b2c3d" {
		t.Fatalf("lists %+v", n.PrefixLists)
	}
	if err := checkID("pl", n.PrefixLists[0].ID); err != nil || fmt.Sprint(n.PrefixLists[0].CIDRs) != "[192.0.2.0/24 2001:db8::/32]" {
		t.Errorf("%+v: %v", n.PrefixLists[0], err)
	}
	if got, want := fmt.Sprint(n.SecurityGroups[0].Ingress[0].PrefixLists), fmt.Sprint([]string{n.PrefixLists[0].ID, "pl-0a1b2c3d"}); got != want {
		t.Errorf("the rule refers to %s, want %s", got, want)
	}
}
