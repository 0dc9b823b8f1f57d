package advice

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"weir/internal/firewall"
	"weir/internal/rows"
	"weir/internal/vpc"
	"weir/record"
)

func networks(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func face(id, addr string, groups ...string) *vpc.Interface {
	return &vpc.Interface{ID: id, Addrs: []netip.Addr{netip.MustParseAddr(addr)}, SecurityGroups: groups}
}

func port(n uint16) vpc.PortRange { return vpc.PortRange{From: n, To: n} }

// shop is a web server before a database.
func shop() *vpc.Network {
	return &vpc.Network{
		Interfaces: []*vpc.Interface{face("eni-web", "10.0.1.5", "sg-web", "sg-all"), face("eni-db", "10.0.2.5", "sg-db", "sg-all"), face("eni-idle", "10.0.3.5", "sg-idle")},
		SecurityGroups: []vpc.SecurityGroup{
			{ID: "sg-web", Name: "web", Ingress: []vpc.SecurityGroupRule{
				{ID: "sgr-https", Protocol: 6, Ports: port(443), CIDRs: networks("0.0.0.0/0")},
				{ID: "sgr-ssh", Protocol: 6, Ports: port(22), CIDRs: networks("10.0.0.0/8")},
				{ID: "sgr-high", Protocol: 6, Ports: port(50000), CIDRs: networks("0.0.0.0/0")},
				{ID: "sgr-ping", Protocol: 1, ICMP: &vpc.ICMP{Type: 8, Code: -1}, CIDRs: networks("10.0.0.0/8")},
			}, Egress: []vpc.SecurityGroupRule{{ID: "sgr-out", Protocol: -1, CIDRs: networks("0.0.0.0/0")}}},
			{ID: "sg-db", Name: "db", Ingress: []vpc.SecurityGroupRule{
				{ID: "sgr-vpc", Protocol: -1, CIDRs: networks("10.0.0.0/16")},
				{ID: "sgr-web", Protocol: 6, Ports: port(5432), Groups: []string{"sg-web"}},
			}},
			{ID: "sg-idle", Ingress: []vpc.SecurityGroupRule{{Protocol: 6, Ports: port(80), CIDRs: networks("0.0.0.0/0")}}},
			{ID: "sg-all"},
		},
	}
}

const fields = "interface-id srcaddr dstaddr srcport dstport protocol bytes start end action tcp-flags"

// collect lets two collectors read lines of the fields, in turn.
func collect(t testing.TB, a *Advisor, fields string, lines ...string) {
	t.Helper()
	format, err := record.ParseFormat(fields)
	if err != nil {
		t.Fatal(err)
	}
	both := [2]*Collector{a.Collector(), a.Collector()}
	for i, l := range lines {
		var s rows.Splitter
		err := s.Split([]byte(l+"\n"), 1, format, 1, func(b *rows.Batch) error {
			both[i%2].Add(b, []int32{0})
			return nil
		}, func(int64, []byte) error { return fmt.Errorf("no row: %s", l) })
		if err != nil {
			t.Fatal(err)
		}
	}
}

func describe(r Report) string {
	var b strings.Builder
	for _, s := range r.Sides {
		for _, x := range s.Rules {
			fmt.Fprintf(&b, "%s %s: %s %s: %s %d %d %d-%d\n", s.Owner, s.Direction, x.Service(), x.Peer, x.Verdict, x.Connections, x.Bytes, x.First, x.Last)
			for _, p := range x.Narrower {
				peer := firewall.Peer{Prefix: p.Peer, Group: p.Group}
				fmt.Fprintf(&b, "  %s %s: %d %d %d-%d, %d more\n", p.Service(), peer, p.Connections, p.Bytes, p.First, p.Last, p.Widened)
			}
		}
	}
	return b.String()
}

func TestProposal(t *testing.T) {
	for _, c := range []struct {
		name, fields string
		lines        []string
		want         []string // parts of the description
	}{
		{"addresses that used a rule replace it, with what each had", fields, []string{
			"eni-web 192.0.2.1 10.0.1.5 40000 443 6 100 1000 1010 ACCEPT 2", "eni-web 192.0.2.1 10.0.1.5 40001 443 6 50 1060 1070 ACCEPT 2",
			"eni-web 192.0.2.9 10.0.1.5 40000 443 6 7 1000 1010 ACCEPT 2"},
			[]string{"sg-web ingress: tcp 443 0.0.0.0/0: wider than used 3 157 1000-1070\n  tcp 443 192.0.2.1/32: 2 150 1000-1070, 0 more\n  tcp 443 192.0.2.9/32: 1 7 1000-1010, 0 more\n",
				"sg-web ingress: tcp 22 10.0.0.0/8: unused 0 0 0-0\n"}},
		{"answers are left out, with flags and without", fields, []string{
			"eni-web 10.0.1.5 192.0.2.1 443 40000 6 100 1000 1010 ACCEPT 18", "eni-web 10.0.1.5 192.0.2.1 443 40000 6 100 1000 1010 ACCEPT -"},
			[]string{"sg-web ingress: tcp 443 0.0.0.0/0: unused", "sg-web egress: all 0.0.0.0/0: unused"}},
		{"what is refused is no need", fields, []string{"eni-web 192.0.2.1 10.0.1.5 40000 443 6 100 1000 1010 REJECT 2"},
			[]string{"sg-web ingress: tcp 443 0.0.0.0/0: unused"}},
		{"a peer that is in a group is named by it, unless all are in it; a present rule that says so stays", fields, []string{
			"eni-db 10.0.1.5 10.0.2.5 40000 5432 6 100 1000 1010 ACCEPT 2"},
			[]string{"sg-db ingress: all 10.0.0.0/16: wider than used 1 100 1000-1010\nsg-db ingress: tcp 5432 sg-web: used 1 100 1000-1010\n"}},
		{"and a new one, if none does", fields, []string{"eni-db 10.0.1.5 10.0.2.5 40000 5433 6 100 1000 1010 ACCEPT 2"},
			[]string{"wider than used 1 100 1000-1010\n  tcp 5433 sg-web: 1 100 1000-1010, 0 more\n"}},
		{"the client's side needs a rule, too", fields, []string{"eni-web 10.0.1.5 10.0.2.5 40000 5432 6 100 1000 1010 ACCEPT 2"},
			[]string{"sg-web egress: all 0.0.0.0/0: wider than used 1 100 1000-1010\n  tcp 5432 sg-db: 1"}},
		{"a group without records says nothing", fields, []string{"eni-web 10.0.1.5 10.0.2.5 40000 5432 6 100 1000 1010 ACCEPT 2"},
			[]string{"sg-idle ingress: tcp 80 0.0.0.0/0: not known"}},
		{"a refusal is a record of its interface", fields, []string{"eni-idle 10.0.1.5 10.0.3.5 40000 81 6 100 1000 1010 REJECT 2"},
			[]string{"sg-idle ingress: tcp 80 0.0.0.0/0: unused"}},
		{"one type of ICMP may have been used", fields, []string{"eni-web 10.0.9.9 10.0.1.5 0 0 1 100 1000 1010 ACCEPT 0"},
			[]string{"sg-web ingress: icmp type 8 10.0.0.0/8: not known 1"}},
		{"all types, where all are allowed", fields, []string{"eni-db 10.0.9.9 10.0.2.5 0 0 1 100 1000 1010 ACCEPT 0"},
			[]string{"  icmp 10.0.9.9/32: 1"}},
		{"without flags the lower port is the server's, if rules allow that", fields, []string{"eni-web 192.0.2.1 10.0.1.5 40000 443 6 100 1000 1010 ACCEPT -"},
			[]string{"  tcp 443 192.0.2.1/32: 1"}},
		{"of two high ports the direction that has a rule", fields, []string{"eni-db 10.0.9.9 10.0.2.5 20000 50000 6 100 1000 1010 ACCEPT -"},
			[]string{"  tcp 50000 10.0.9.9/32: 1"}},
		{"or the one whose rule names few ports", fields, []string{"eni-web 192.0.2.1 10.0.1.5 20000 50000 6 100 1000 1010 ACCEPT -",
			"eni-web 10.0.1.5 192.0.2.1 50000 20000 6 100 1000 1010 ACCEPT -"},
			[]string{"  tcp 50000 192.0.2.1/32: 1", "sg-web egress: all 0.0.0.0/0: unused"}},
		{"without an interface, either end that is ours", "srcaddr dstaddr srcport dstport protocol bytes start end action", []string{
			"10.0.1.5 10.0.2.5 40000 5432 6 100 1000 1010 ACCEPT"},
			[]string{"sg-web egress: all 0.0.0.0/0: wider than used 1", "sg-db ingress: tcp 5432 sg-web: used 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := New(Config{Network: shop()})
			collect(t, a, c.fields, c.lines...)
			got := describe(a.Propose(0))
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("got\n%swant\n%s", got, want)
				}
			}
		})
	}
}

func TestCounts(t *testing.T) {
	a := New(Config{Network: shop(), MaxNeeds: 2})
	collect(t, a, fields,
		"eni-web 192.0.2.1 10.0.1.5 40000 443 6 1 1000 1010 ACCEPT 2",
		"eni-web 192.0.2.2 10.0.1.5 40000 443 6 1 1000 1010 ACCEPT 2",
		"eni-web 192.0.2.3 10.0.1.5 40000 443 6 1 1000 1010 ACCEPT 2", // no room
		"eni-web 192.0.2.2 10.0.1.5 40001 443 6 1 1000 1010 ACCEPT 2", // of one that has it
		"eni-web 192.0.2.2 10.0.1.5 40001 444 6 1 1000 1010 ACCEPT 2",
		"eni-web 10.0.1.5 192.0.2.2 443 40001 6 1 1000 1010 ACCEPT 18",
		"eni-other 192.0.2.2 10.0.1.5 40001 443 6 1 1000 1010 ACCEPT 2",
		"eni-web 192.0.2.2 192.0.2.3 40001 443 6 1 1000 1010 ACCEPT 2",
		"eni-web 10.0.1.5 169.254.169.254 40001 80 6 1 1000 1010 ACCEPT 2",
		"eni-web - - - - - - 1000 1010 - -",
	)
	got, want := a.Propose(0).Counts, Counts{Needs: 2, Opened: 3, Answers: 1, Elsewhere: 2, Free: 1, Unexplained: 1, Beyond: 1}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestFold(t *testing.T) {
	clients := func(addrs ...string) (lines []string) {
		for _, a := range addrs {
			lines = append(lines, "eni-web "+a+" 10.0.1.5 40000 443 6 1 1000 1010 ACCEPT 2")
		}
		return lines
	}
	for _, c := range []struct {
		name  string
		most  int
		addrs []string
		want  []string
	}{
		{"as many as may be are not joined", 5, []string{"192.0.2.1", "192.0.2.2", "198.51.100.1"}, []string{"192.0.2.1/32 0", "192.0.2.2/32 0", "198.51.100.1/32 0"}},
		{"the closest are joined, and what that widens is told", 4, []string{"192.0.2.1", "192.0.2.2", "198.51.100.1"}, []string{"192.0.2.0/30 2", "198.51.100.1/32 0"}},
		{"neighbours widen nothing", 4, []string{"192.0.2.2", "192.0.2.3", "198.51.100.1"}, []string{"192.0.2.2/31 0", "198.51.100.1/32 0"}},
		{"a network and an address", 4, []string{"192.0.2.2", "192.0.2.3", "192.0.2.4", "198.51.100.1"}, []string{"192.0.2.0/29 5", "198.51.100.1/32 0"}},
		{"up to the rule itself, which then is used", 3, []string{"1.1.1.1", "192.0.2.1"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := shop()
			n.SecurityGroups[0].Ingress[1].PrefixLists, n.SecurityGroups[0].Ingress[1].CIDRs = []string{"pl-1"}, nil // may be used: stays
			a := New(Config{Network: n})
			collect(t, a, fields, append(clients(c.addrs...), "eni-web 10.0.9.9 10.0.1.5 0 0 1 1 1000 1010 ACCEPT 0", "eni-web 10.0.9.9 10.0.1.5 40000 22 6 1 1000 1010 ACCEPT 2")...)
			r := a.Propose(c.most)
			side := r.Sides[slices.IndexFunc(r.Sides, func(s Side) bool { return s.Owner == "sg-web" && s.Direction == firewall.Ingress })]
			var got []string
			for _, p := range side.Rules[0].Narrower {
				got = append(got, fmt.Sprint(p.Peer, " ", p.Widened))
			}
			if !slices.Equal(got, c.want) || side.After > c.most {
				t.Errorf("got %q, %d rules; want %q, at most %d", got, side.After, c.want, c.most)
			}
			if c.want == nil && side.Rules[0].Verdict != Used {
				t.Errorf("verdict %q, want %q", side.Rules[0].Verdict, Used)
			}
		})
	}
}

func TestTooManyServicesStayOneRule(t *testing.T) {
	a := New(Config{Network: shop()})
	var lines []string
	for p := 1000; p < 1010; p++ {
		lines = append(lines, fmt.Sprintf("eni-db 10.0.9.9 10.0.2.5 40000 %d 6 1 1000 1010 ACCEPT 2", p))
	}
	collect(t, a, fields, lines...)
	got := describe(a.Propose(9))
	if want := "sg-db ingress: all 10.0.0.0/16: used 10 10 1000-1010\nsg-db ingress: tcp 5432 sg-web: unused"; !strings.Contains(got, want) {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// apply returns the network with what is proposed.
func apply(n *vpc.Network, r Report) *vpc.Network {
	out := *n
	out.SecurityGroups = slices.Clone(n.SecurityGroups)
	for i := range out.SecurityGroups {
		out.SecurityGroups[i].Ingress, out.SecurityGroups[i].Egress = nil, nil
	}
	net := &out
	for _, s := range r.Sides {
		for _, x := range s.Rules {
			for _, p := range x.Narrower {
				net = p.Change.Apply(net)
			}
			if x.Replaced() {
				continue
			}
			rule := vpc.SecurityGroupRule{Protocol: x.Protocol, Ports: x.Ports, ICMP: x.ICMP}
			switch {
			case x.Peer.PrefixList != "":
				rule.PrefixLists = []string{x.Peer.PrefixList}
			case x.Peer.Group != "":
				rule.Groups = []string{x.Peer.Group}
			default:
				rule.CIDRs = []netip.Prefix{x.Peer.Prefix}
			}
			for i := range net.SecurityGroups {
				if g := &net.SecurityGroups[i]; g.ID == s.Owner && s.Direction == firewall.Ingress {
					g.Ingress = append(slices.Clip(g.Ingress), rule)
				} else if g.ID == s.Owner {
					g.Egress = append(slices.Clip(g.Egress), rule)
				}
			}
		}
	}
	return net
}

// Whatever the network, the traffic and the quota: what was accepted still passes, and
// nothing passes that did not.
func TestProposalIsSafe(t *testing.T) {
	passed, narrowed := 0, 0
	for seed := range uint64(300) {
		d := &dice{rand.New(rand.NewPCG(seed, 1))}
		n := d.network()
		before := firewall.Compile(n)
		a := New(Config{Network: n})
		type packet struct {
			i *vpc.Interface
			d firewall.Direction
			k firewall.Packet
		}
		var accepted []packet
		var lines []string
		flags := []string{"2", "-"}[d.IntN(2)]
		for range 200 {
			p := packet{i: n.Interfaces[d.IntN(len(n.Interfaces))]}
			p.d, p.k = d.packet(p.i)
			if before.Policy(p.i.ID).Decide(p.d, p.k, firewall.Opens) != firewall.Allowed {
				continue
			}
			k := p.k
			accepted = append(accepted, p)
			lines = append(lines, fmt.Sprintf("%s %s %s %d %d %d 1 1000 1010 ACCEPT %s", p.i.ID, k.Src, k.Dst, k.SrcPort, k.DstPort, k.Protocol, flags))
		}
		collect(t, a, fields, lines...)
		r := a.Propose([]int{0, 3, 8}[d.IntN(3)])
		after := firewall.Compile(apply(n, r))
		for _, p := range accepted {
			passed++
			if got := after.Policy(p.i.ID).Decide(p.d, p.k, firewall.Opens); got != firewall.Allowed {
				t.Fatalf("seed %d: %s %s %s was accepted, now %s\n%s", seed, p.i.ID, p.d, p.k, got, describe(r))
			}
		}
		for range 3000 {
			i := n.Interfaces[d.IntN(len(n.Interfaces))]
			dir, k := d.packet(i)
			was, is := before.Policy(i.ID).Decide(dir, k, firewall.Opens), after.Policy(i.ID).Decide(dir, k, firewall.Opens)
			if was == firewall.Refused && is != firewall.Refused {
				t.Fatalf("seed %d: %s %s %s was refused, now %s\n%s", seed, i.ID, dir, k, is, describe(r))
			}
			if was == firewall.Allowed && is == firewall.Refused {
				narrowed++
			}
		}
	}
	t.Logf("%d accepted packets, %d that are not allowed any more", passed, narrowed)
	if passed < 10000 || narrowed < 10000 {
		t.Errorf("%d accepted packets and %d not allowed any more: the test is blind", passed, narrowed)
	}
}

type dice struct{ *rand.Rand }

// ids that rules may name; the last of each kind is described by nobody.
var (
	groupIDs = []string{"sg-0", "sg-1", "sg-2", "sg-3", "sg-nobody"}
	ranges   = []string{"0.0.0.0/0", "10.0.0.0/16", "10.0.0.0/28", "10.0.0.4/30", "10.0.0.5/32", "192.0.2.0/24", "192.0.2.0/29", "::/0"}
)

func (d *dice) network() *vpc.Network {
	n := &vpc.Network{PrefixLists: []vpc.PrefixList{{ID: "pl-0", CIDRs: networks("192.0.2.0/28", "10.0.0.8/29")}}}
	for i := range 10 {
		f := face(fmt.Sprintf("eni-%d", i), fmt.Sprintf("10.0.0.%d", i+1))
		for range 1 + d.IntN(2) {
			if id := groupIDs[d.IntN(4)]; !slices.Contains(f.SecurityGroups, id) {
				f.SecurityGroups = append(f.SecurityGroups, id)
			}
		}
		if d.IntN(3) == 0 {
			f.Addrs = append(f.Addrs, netip.MustParseAddr(fmt.Sprintf("2001:db8::%d", i+1)))
		}
		n.Interfaces = append(n.Interfaces, f)
	}
	for _, id := range groupIDs[:4] {
		n.SecurityGroups = append(n.SecurityGroups, vpc.SecurityGroup{ID: id, Ingress: d.rules(), Egress: d.rules()})
	}
	return n
}

func (d *dice) rules() (out []vpc.SecurityGroupRule) {
	for range 1 + d.IntN(4) {
		r := vpc.SecurityGroupRule{Protocol: []vpc.Protocol{-1, 6, 6, 17, 1, 47}[d.IntN(6)]}
		switch {
		case r.Protocol == 6 || r.Protocol == 17:
			r.Ports = []vpc.PortRange{{}, port(443), {From: 0, To: 1024}, {From: 8000, To: 8004}, {From: 30000, To: 60000}}[d.IntN(5)]
		case r.Protocol == 1 && d.IntN(2) == 0:
			r.ICMP = &vpc.ICMP{Type: 8, Code: -1}
		}
		switch d.IntN(6) {
		case 0:
			r.Groups = []string{groupIDs[d.IntN(len(groupIDs))]}
		case 1:
			r.PrefixLists = []string{[]string{"pl-0", "pl-nobody"}[d.IntN(2)]}
		default:
			r.CIDRs = networks(ranges[d.IntN(len(ranges))], ranges[d.IntN(len(ranges))])
		}
		out = append(out, r)
	}
	return out
}

func (d *dice) packet(i *vpc.Interface) (firewall.Direction, firewall.Packet) {
	k := firewall.Packet{Protocol: []uint8{6, 6, 17, 1, 47}[d.IntN(5)], Type: firewall.Unknown, Code: firewall.Unknown}
	local := i.Addrs[d.IntN(len(i.Addrs))]
	remote := netip.MustParseAddr(fmt.Sprintf([]string{"10.0.0.%d", "192.0.2.%d"}[d.IntN(2)], 11+d.IntN(10)*d.IntN(2)-10*d.IntN(2)))
	if local.Is6() {
		remote = netip.MustParseAddr(fmt.Sprintf("2001:db8::%d", 1+d.IntN(12)))
	}
	if remote == local {
		remote = remote.Next()
	}
	if k.Protocol == 6 || k.Protocol == 17 {
		k.SrcPort, k.DstPort = 50000, []uint16{0, 443, 8000, 8003, 22, 40000}[d.IntN(6)]
	}
	k.Src, k.Dst = remote, local
	dir := firewall.Direction(d.IntN(2))
	if dir == firewall.Egress {
		k.Src, k.Dst = local, remote
	}
	return dir, k
}
