package vpc

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"

	"github.com/goccy/go-yaml/ast"
)

// check finds what is wrong between the values of c, each of which is right by
// itself, and makes the references in it ids. Defaults have been set.
func check(c *Config, d *decoder) {
	k := checker{d: d, ids: make(map[string]string), c: c}
	k.vpcs()
	k.subnets()
	k.groups()
	k.prefixLists()
	k.acls()
	k.groupRules()
	k.subnetACLs()
	k.interfaces()
	k.flowLogs()
	k.destinations()
	k.serve()
}

type checker struct {
	d   *decoder
	c   *Config
	ids map[string]string // id: path of its first use

	// Names and ids, to ids.
	vpcNames, subnetNames, groupNames, listNames, aclNames names
}

// names resolve what the file calls things; the things' own ids are in it too.
type names struct {
	ids  map[string]string
	list []string // for suggestions
}

func (n *names) add(name, id string) bool {
	if n.ids == nil {
		n.ids = make(map[string]string)
	}
	_, taken := n.ids[name]
	if name != "" && !taken {
		n.ids[name] = id
		n.list = append(n.list, name)
	}
	n.ids[id] = id
	return !taken || name == ""
}

func (k *checker) problem(at, format string, args ...any) {
	k.d.problem(k.d.place(at), at, format, args...)
}

// place returns where a value was written, or the nearest value around it.
func (d *decoder) place(at string) ast.Node {
	for {
		if n, ok := d.places[at]; ok && n != nil {
			return n
		}
		i := len(at) - 1
		for i >= 0 && at[i] != '.' && at[i] != '[' {
			i--
		}
		if i < 0 {
			return d.places[""]
		}
		at = at[:i]
	}
}

func at(list string, i int, key string) string {
	s := list + "[" + strconv.Itoa(i) + "]"
	if key != "" {
		s += "." + key
	}
	return s
}

// identify gives an entry its id and its name.
func (k *checker) identify(n *names, what, list string, i int, id, name string) {
	if first, taken := k.ids[id]; taken {
		key := "id"
		if _, written := k.d.places[at(list, i, "id")]; !written {
			key = ""
		}
		k.problem(at(list, i, key), "%s %s is also %s", what, id, first)
	}
	k.ids[id] = at(list, i, "")
	if !n.add(name, id) {
		k.problem(at(list, i, "name"), "another %s is called %q", what, name)
	}
}

// refer makes the name of something its id.
func (k *checker) refer(n *names, what, place string, ref *string) {
	if *ref == "" {
		return
	}
	id, ok := n.ids[*ref]
	if !ok {
		k.problem(place, "no %s %q in the file: %s", what, *ref, didYouMean(*ref, n.list))
		return
	}
	*ref = id
}

// inVPC fills in the VPC of an entry.
func (k *checker) inVPC(place string, ref *string) bool {
	if *ref == "" && len(k.c.VPCs) == 1 {
		*ref = k.c.VPCs[0].ID
		return true
	}
	if *ref == "" {
		k.problem(place, "needs the key vpc: %d VPCs are declared", len(k.c.VPCs))
		return false
	}
	before := len(k.d.problems)
	k.refer(&k.vpcNames, "VPC", place+".vpc", ref)
	return len(k.d.problems) == before
}

func firstOf(name string, cidrs []CIDR) string {
	if name == "" && len(cidrs) > 0 {
		return cidrs[0].String()
	}
	return name
}

func (k *checker) vpcs() {
	defaults := 0
	for i := range k.c.VPCs {
		v := &k.c.VPCs[i]
		if v.Account == "" {
			v.Account = k.c.Account
		}
		if v.ID == "" {
			v.ID = id("vpc", string(v.Account), string(k.c.Region), firstOf(v.Name, v.CIDRs))
		}
		k.identify(&k.vpcNames, "VPC", "vpcs", i, v.ID, v.Name)
		if len(v.CIDRs) == 0 {
			k.problem(at("vpcs", i, "cidrs"), "a VPC needs a network")
		}
		for n, a := range v.CIDRs {
			for m, b := range v.CIDRs[:n] {
				if a.Overlaps(b.Prefix) {
					k.problem(at("vpcs", i, fmt.Sprintf("cidrs[%d]", n)), "%s overlaps %s (cidrs[%d])", a, b, m)
				}
			}
		}
		if v.AmazonAddressPlan && !v.firstIPv4().IsValid() && len(v.CIDRs) > 0 {
			k.problem(at("vpcs", i, "amazon-address-plan"), "needs an IPv4 network among cidrs")
		}
		if v.Default {
			if defaults++; defaults == 2 {
				k.problem(at("vpcs", i, "default"), "another VPC is the default already")
			}
		}
	}
}

func (v *VPCConfig) firstIPv4() netip.Prefix { return firstIPv4(v.CIDRs) }

func firstIPv4(cidrs []CIDR) netip.Prefix {
	for _, c := range cidrs {
		if c.Addr().Is4() {
			return c.Prefix
		}
	}
	return netip.Prefix{}
}

func (k *checker) subnets() {
	for i := range k.c.Subnets {
		s := &k.c.Subnets[i]
		ok := k.inVPC(at("subnets", i, ""), &s.VPC)
		if s.ID == "" {
			s.ID = id("subnet", s.VPC, firstOf(s.Name, s.CIDRs))
		}
		k.identify(&k.subnetNames, "subnet", "subnets", i, s.ID, s.Name)
		if len(s.CIDRs) == 0 || len(s.CIDRs) > 2 || len(s.CIDRs) == 2 && s.CIDRs[0].Addr().Is4() == s.CIDRs[1].Addr().Is4() {
			k.problem(at("subnets", i, "cidrs"), "want one IPv4 network, one IPv6 network, or one of each")
		}
		for n, c := range s.CIDRs {
			place := at("subnets", i, fmt.Sprintf("cidrs[%d]", n))
			if v := k.vpc(s.VPC); ok && v != nil && !v.contains(c.Prefix) {
				k.problem(place, "%s is outside its VPC %s, which has %v", c, label(v.Name, v.ID), v.CIDRs)
			}
			for j := range i {
				other := &k.c.Subnets[j]
				for _, o := range other.CIDRs {
					if other.VPC == s.VPC && o.Overlaps(c.Prefix) {
						k.problem(place, "%s overlaps %s of subnet %s (subnets[%d])", c, o, label(other.Name, other.ID), j)
					}
				}
			}
		}
		for n, r := range s.Routes {
			if r.Destination.IsValid() && r.Via.IsValid() && r.Destination.Addr().Is4() != r.Via.Is4() {
				k.problem(at("subnets", i, fmt.Sprintf("routes[%d]", n)), "destination and gateway are of different IP versions")
			}
		}
	}
}

func (k *checker) vpc(id string) *VPCConfig {
	for i := range k.c.VPCs {
		if k.c.VPCs[i].ID == id {
			return &k.c.VPCs[i]
		}
	}
	return nil
}

func (v *VPCConfig) contains(p netip.Prefix) bool {
	for _, c := range v.CIDRs {
		if c.Bits() <= p.Bits() && c.Contains(p.Addr()) {
			return true
		}
	}
	return false
}

func label(name, id string) string {
	if name != "" {
		return name
	}
	return id
}

func (k *checker) subnetACLs() {
	for i := range k.c.Subnets {
		k.refer(&k.aclNames, "network ACL", at("subnets", i, "network-acl"), &k.c.Subnets[i].NetworkACL)
	}
}

func (k *checker) interfaces() {
	for i := range k.c.Interfaces {
		e := &k.c.Interfaces[i]
		here := e.Match != (MatchConfig{})
		if e.ID != "" {
			if first, taken := k.ids[e.ID]; taken {
				k.problem(at("interfaces", i, "id"), "interface %s is also %s", e.ID, first)
			}
			k.ids[e.ID] = at("interfaces", i, "")
		}
		k.refer(&k.subnetNames, "subnet", at("interfaces", i, "subnet"), &e.Subnet)
		for n := range e.SecurityGroups {
			k.refer(&k.groupNames, "security group", at("interfaces", i, fmt.Sprintf("security-groups[%d]", n)), &e.SecurityGroups[n])
		}
		if !here && len(e.Addresses) == 0 {
			k.problem(at("interfaces", i, ""), "needs match, for devices of this host, or addresses, for an interface elsewhere")
		}
		if !here && e.Capture != nil {
			k.problem(at("interfaces", i, "capture"), "only devices of this host can be captured: say which with match")
		}
		s := k.subnet(e.Subnet)
		for n, a := range e.Addresses {
			if s != nil && !s.contains(a.Addr) && sameFamily(s, a.Addr) {
				k.problem(at("interfaces", i, fmt.Sprintf("addresses[%d]", n)), "%s is outside its subnet %s, which has %v", a, label(s.Name, s.ID), s.CIDRs)
			}
		}
	}
}

func (k *checker) subnet(id string) *SubnetConfig {
	for i := range k.c.Subnets {
		if k.c.Subnets[i].ID == id {
			return &k.c.Subnets[i]
		}
	}
	return nil
}

func (s *SubnetConfig) contains(a netip.Addr) bool {
	for _, c := range s.CIDRs {
		if c.Contains(a) {
			return true
		}
	}
	return false
}

func sameFamily(s *SubnetConfig, a netip.Addr) bool {
	for _, c := range s.CIDRs {
		if c.Addr().Is4() == a.Is4() {
			return true
		}
	}
	return false
}

func (k *checker) flowLogs() {
	seen := make(map[string]bool)
	for i := range k.c.FlowLogs {
		f := &k.c.FlowLogs[i]
		if seen[f.Name] {
			k.problem(at("flow-logs", i, "name"), "another flow log is called %q", f.Name)
		}
		seen[f.Name] = true
		for _, n := range []*names{&k.vpcNames, &k.subnetNames} {
			if id, ok := n.ids[f.Resource]; ok {
				f.Resource = id
			}
		}
		for _, p := range []string{"vpc", "subnet", "eni"} {
			if checkID(p, f.Resource) == nil {
				f.resolved = true
			}
		}
		if !f.resolved && f.Resource != "default" {
			k.problem(at("flow-logs", i, "resource"), "no VPC or subnet %q in the file: %s; or give an id (vpc-, subnet-, eni-), or \"default\"",
				f.Resource, didYouMean(f.Resource, append(k.vpcNames.list, k.subnetNames.list...)))
		}
		for key, n := range map[string]int{"interface-tag-keys": len(f.InterfaceTagKeys), "instance-tag-keys": len(f.InstanceTagKeys)} {
			if n > 2 {
				k.problem(at("flow-logs", i, key), "%d keys: there are two fields for them", n)
			}
		}
	}
}

func (k *checker) destinations() {
	for i, e := range k.c.Destinations {
		if len(e.Buckets)+len(e.LogGroups)+len(e.DeliveryStreams) == 0 {
			k.problem(at("destinations", i, ""), "needs buckets, log-groups or delivery-streams: names or patterns")
		}
		if u, err := url.Parse(e.Endpoint); e.Endpoint != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			k.problem(at("destinations", i, "endpoint"), "want a URL such as https://minio.example.net:9000")
		} else if err == nil && u.User != nil {
			k.problem(at("destinations", i, "endpoint"), "holds a name or password: credentials come from a profile or the environment")
		}
		if (e.AccessKeyIDEnv == "") != (e.SecretAccessKeyEnv == "") {
			k.problem(at("destinations", i, ""), "access-key-id-env and secret-access-key-env go together")
		}
		if e.Profile != "" && e.AccessKeyIDEnv != "" {
			k.problem(at("destinations", i, "profile"), "either a profile or environment variables")
		}
	}
}

func (k *checker) serve() {
	s := &k.c.Serve
	for key, v := range map[string]string{"listen": s.Listen, "metrics-listen": s.MetricsListen} {
		if err := checkListen(v); err != nil {
			k.problem("serve."+key, "%v", err)
		}
	}
	if (s.TLSCert == "") != (s.TLSKey == "") {
		k.problem("serve.tls-cert", "tls-cert and tls-key go together")
	}
	if u, err := url.Parse(s.JournalURL); s.JournalURL != "" && (err != nil || u.Host == "") {
		k.problem("serve.journal-url", "want a URL such as nats://nats.example.net:4222")
	}
}
