package firewall

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"weir/internal/lab"
	"weir/internal/lab/labtest"
	"weir/internal/lab/packet"
	"weir/internal/vpc"
)

var (
	kernelSeed = flag.Uint64("kernel.seed", 1, "the seed of the flows that TestKernelAgrees sends")
	mendAtMost = flag.Int("kernel.mend", 200, "how many refused flows it mends at most")
)

const flowsSent = 200

// A bed is the network of testdata/weir.yaml in namespaces: a host for each interface, one
// outside, and a router between all.
type bed struct {
	t       *testing.T
	hosts   []*labHost
	router  *lab.Namespace
	devices map[string][]string       // the router's, by subnet
	loaded  map[*lab.Namespace]string // rules
	mu      sync.Mutex
	seen    map[arrival]bool
}

type labHost struct {
	ns    *lab.Namespace
	iface *vpc.Interface // nil outside
	addrs [2]netip.Addr  // IPv4, IPv6
	raw   map[rawKey]net.PacketConn
}

type rawKey struct {
	proto uint8
	v4    bool
}

// An arrival is a packet that reached a host, past all that filters: a raw socket gets it.
type arrival struct {
	host         *labHost
	proto        uint8
	remote       netip.Addr
	sport, dport uint16 // of ICMP, sport is the id
	typ          uint8
}

// A trip is one flow: a request, and its answer.
type trip struct {
	from, to *labHost
	k        Packet
	id       uint16
}

func (b *bed) fail(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func newBed(t *testing.T, n *vpc.Network) *bed {
	labtest.NeedRoot(t)
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skip("SKIPPED: nft is not installed: install nftables")
	}
	l := lab.New()
	b := &bed{t: t, devices: map[string][]string{}, loaded: map[*lab.Namespace]string{}, seen: map[arrival]bool{}}
	t.Cleanup(func() { b.fail(l.Close()) })
	var err error
	b.router, err = l.Namespace(lab.NamespaceConfig{Name: "fw-router", Forward: true})
	b.fail(err)
	for i, e := range n.Interfaces {
		b.join(l, &labHost{iface: e, addrs: [2]netip.Addr{e.Addrs[0], e.Addrs[1]}}, fmt.Sprintf("fw%d", i))
	}
	outside := &labHost{addrs: [2]netip.Addr{netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("2001:db8:ff::9")}}
	b.join(l, outside, "fwx")
	b.join(l, &labHost{addrs: [2]netip.Addr{netip.MustParseAddr("203.0.113.20"), netip.MustParseAddr("2001:db8:fe::20")}}, "fwy")
	return b
}

// join connects a host to the router, by a cable of its own, and makes it listen.
func (b *bed) join(l *lab.Lab, h *labHost, device string) {
	var err error
	h.raw = map[rawKey]net.PacketConn{}
	h.ns, err = l.Namespace(lab.NamespaceConfig{Name: device})
	b.fail(err)
	gateways := [2]netip.Addr{netip.MustParseAddr("192.168.0.1"), netip.MustParseAddr("fd00::1")}
	host := func(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
	own, far, err := l.Link(
		lab.End{NS: h.ns, Name: "eth0", Addrs: []netip.Prefix{host(h.addrs[0]), host(h.addrs[1])}},
		lab.End{NS: b.router, Name: device, Addrs: []netip.Prefix{host(gateways[0]), host(gateways[1])}})
	b.fail(err)
	for i, a := range h.addrs {
		b.fail(own.AddRoute(host(gateways[i]), netip.Addr{}))
		b.fail(own.AddRoute(netip.PrefixFrom([]netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}[i], 0), gateways[i]))
		b.fail(far.AddRoute(host(a), netip.Addr{}))
	}
	if h.iface != nil {
		b.devices[h.iface.SubnetID] = append(b.devices[h.iface.SubnetID], device)
	}
	for i, a := range h.addrs {
		for _, network := range [][]string{{"ip4:tcp", "ip4:udp", "ip4:icmp"}, {"ip6:tcp", "ip6:udp", "ip6:ipv6-icmp"}}[i] {
			b.listen(h, network, a)
		}
		for _, port := range flowPorts {
			_, err := h.ns.ServeUDP(netip.AddrPortFrom(a, port))
			b.fail(err)
		}
	}
	b.hosts = append(b.hosts, h)
}

// flowPorts are those that flows are sent to: TCP answers with a reset there, UDP with the
// same, ICMP with an echo.
var flowPorts = []uint16{22, 53, 80, 443, 1000, 1500, 2000, 2001, 2002}

var rawProtocols = map[string]uint8{"ip4:tcp": 6, "ip6:tcp": 6, "ip4:udp": 17, "ip6:udp": 17, "ip4:icmp": 1, "ip6:ipv6-icmp": 58}

// listen notes what arrives at a host.
func (b *bed) listen(h *labHost, network string, a netip.Addr) {
	c, err := h.ns.ListenPacket(network, a.String())
	b.fail(err)
	proto := rawProtocols[network]
	h.raw[rawKey{proto, a.Is4()}] = c
	go func() {
		buf := make([]byte, 2048)
		for {
			n, from, err := c.ReadFrom(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil || n < 8 {
				continue // an ICMP error
			}
			remote, _ := netip.AddrFromSlice(from.(*net.IPAddr).IP)
			got := arrival{host: h, proto: proto, remote: remote.Unmap()}
			if proto == 6 || proto == 17 {
				got.sport, got.dport = binary.BigEndian.Uint16(buf), binary.BigEndian.Uint16(buf[2:])
			} else {
				got.typ, got.sport = buf[0], binary.BigEndian.Uint16(buf[4:])
			}
			b.mu.Lock()
			b.seen[got] = true
			b.mu.Unlock()
		}
	}()
}

// load puts the rules of a network to work, and forgets all connections.
func (b *bed) load(n *vpc.Network) {
	b.t.Helper()
	b.apply(b.router, routerRules(n, b.devices))
	for _, h := range b.hosts {
		if h.iface != nil {
			b.apply(h.ns, hostRules(n, h.iface))
		}
	}
}

func (b *bed) apply(ns *lab.Namespace, rules string) {
	b.t.Helper()
	b.fail(ns.Do(func() error {
		if b.loaded[ns] != rules {
			cmd := exec.Command("nft", "-f", "-")
			cmd.Stdin = strings.NewReader(rules)
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("nft: %w: %s\n%s", err, out, rules)
			}
			b.loaded[ns] = rules
		}
		if ns == b.router {
			return nil // it tracks nothing
		}
		return netlink.ConntrackTableFlush(netlink.ConntrackTable)
	}))
}

// send sends the request of a flow. That its own host refuses is no error.
func (b *bed) send(f trip) {
	b.t.Helper()
	var ip packet.Layer = packet.IPv4{Src: f.k.Src, Dst: f.k.Dst}
	header := 20
	if f.k.Src.Is6() {
		ip, header = packet.IPv6{Src: f.k.Src, Dst: f.k.Dst}, 40
	}
	var transport packet.Layer
	switch f.k.Protocol {
	case 6:
		transport = packet.TCP{SrcPort: f.k.SrcPort, DstPort: f.k.DstPort, Flags: 2}
	case 17:
		transport = packet.UDP{SrcPort: f.k.SrcPort, DstPort: f.k.DstPort}
	case 1:
		transport = packet.ICMP{Type: 8, ID: f.id, Sequence: 1}
	case 58:
		transport = packet.ICMPv6{Type: 128, ID: f.id, Sequence: 1}
	}
	bytes := packet.Build(ip, transport, packet.Payload("flow"))[header:]
	_, err := f.from.raw[rawKey{f.k.Protocol, f.k.Src.Is4()}].WriteTo(bytes, &net.IPAddr{IP: f.k.Dst.AsSlice()})
	if err != nil && !errors.Is(err, unix.EPERM) {
		b.fail(fmt.Errorf("send %s: %w", f.k, err))
	}
}

// arrivals are what a flow's request and its answer look like where they arrive.
func (f trip) arrivals() (request, answer arrival) {
	request = arrival{f.to, f.k.Protocol, f.k.Src, f.k.SrcPort, f.k.DstPort, 0}
	answer = arrival{f.from, f.k.Protocol, f.k.Dst, f.k.DstPort, f.k.SrcPort, 0}
	switch f.k.Protocol {
	case 1:
		request.sport, request.typ, answer.sport, answer.typ = f.id, 8, f.id, 0
	case 58:
		request.sport, request.typ, answer.sport, answer.typ = f.id, 128, f.id, 129
	}
	return request, answer
}

// An outcome is what became of a flow's request and answer.
type outcome struct{ request, answer bool }

// expect returns what the package says about a flow.
func expect(s *Set, f trip) (o outcome) {
	pass := func(h *labHost, d Direction, k Packet, state State) bool {
		return h.iface == nil || s.Policy(h.iface.ID).Decide(d, k, state) == Allowed
	}
	back := f.k.Reverse()
	o.request = pass(f.from, Egress, f.k, Opens) && pass(f.to, Ingress, f.k, Opens)
	o.answer = o.request && pass(f.to, Egress, back, Answers) && pass(f.from, Ingress, back, Answers)
	return o
}

// run sends flows and returns what the kernel did. It waits until all that should arrive
// has, and then a little for what should not.
func (b *bed) run(s *Set, flows []trip, little time.Duration) []outcome {
	b.t.Helper()
	b.mu.Lock()
	clear(b.seen)
	b.mu.Unlock()
	for _, f := range flows {
		b.send(f)
	}
	got := make([]outcome, len(flows))
	look := func() (missing bool) {
		b.mu.Lock()
		defer b.mu.Unlock()
		for i, f := range flows {
			request, answer := f.arrivals()
			got[i] = outcome{b.seen[request], b.seen[answer]}
			want := expect(s, f)
			missing = missing || want.request && !got[i].request || want.answer && !got[i].answer
		}
		return missing
	}
	for deadline := time.Now().Add(5 * time.Second); look() && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(little)
	look()
	return got
}

// flow makes the i-th flow.
func (b *bed) flow(r dice, i int) trip {
	f := trip{id: uint16(20000 + i)}
	for f.from == f.to || f.from.iface == nil && f.to.iface == nil {
		f.from, f.to = pick(r, b.hosts...), pick(r, b.hosts...)
	}
	v := r.IntN(2)
	f.k = Packet{Src: f.from.addrs[v], Dst: f.to.addrs[v], Protocol: pick[uint8](r, 6, 6, 17, 17, 1)}
	switch {
	case f.k.Protocol != 1:
		f.k.SrcPort, f.k.DstPort = f.id, pick(r, flowPorts...)
	case v == 0:
		f.k.Type = 8
	default:
		f.k.Protocol, f.k.Type = 58, 128
	}
	return f
}

// The kernel, with rules for nftables made from a network, and this package decide the
// same about random flows; and what the package suggests lets a refused flow pass.
func TestKernelAgrees(t *testing.T) {
	file, err := os.ReadFile("testdata/weir.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := vpc.Parse("weir.yaml", file)
	if err != nil {
		t.Fatal(err)
	}
	declared := c.Network()
	n := &declared
	b := newBed(t, n)
	b.load(n)
	t.Logf("repeat with -kernel.seed=%d", *kernelSeed)
	set, r := Compile(n), roll(*kernelSeed)
	var flows, refused []trip
	for i := range flowsSent {
		f := b.flow(r, i)
		for range 30 { // half of them arrive; most that are made up do not
			if i%2 == 0 || expect(set, f).request {
				break
			}
			f = b.flow(r, i)
		}
		flows = append(flows, f)
	}
	count := map[outcome]int{}
	for i, got := range b.run(set, flows, 300*time.Millisecond) {
		f := flows[i]
		want := expect(set, f)
		if count[want]++; got != want {
			t.Errorf("%s: the kernel let pass %+v, the rules say %+v", f.k, got, want)
		}
		if !want.answer {
			refused = append(refused, f)
		}
	}
	t.Logf("(request answer): flows %v", count)
	if count[outcome{true, true}] < 20 || count[outcome{true, false}] < 5 || count[outcome{}] < 20 {
		t.Errorf("%v: too few flows of one outcome, the test is blind there", count)
	}
	if !t.Failed() {
		b.mend(n, r, refused)
	}
}

// mend lets refused flows pass, each by the changes suggested for it, and looks that those
// do not let others pass.
func (b *bed) mend(n *vpc.Network, r dice, refused []trip) {
	kept, made := 0, 0
	for _, at := range r.Perm(len(refused))[:min(len(refused), *mendAtMost)] {
		f := refused[at]
		mended, changes := suggested(b.t, n, f)
		made += changes
		flows := []trip{}
		for range 10 {
			if other := pick(r, refused...); other != f {
				flows = append(flows, other)
			}
		}
		if another := f; f.k.SrcPort != 0 { // between the same two
			another.id += flowsSent
			another.k.SrcPort = another.id
			for another.k.DstPort == f.k.DstPort {
				another.k.DstPort = pick(r, flowPorts...)
			}
			flows = append(flows, another)
		}
		flows = append(flows, f) // the last one: what went before has arrived when it has
		set := Compile(mended)
		b.load(mended)
		for i, got := range b.run(set, flows, 10*time.Millisecond) {
			other := flows[i]
			if want := expect(set, other); got != want {
				b.t.Errorf("mended for %s: %s: the kernel let pass %+v, the rules say %+v", f.k, other.k, got, want)
			}
			switch {
			case other == f && got != outcome{true, true}:
				b.t.Errorf("mended for %s, which passes as %+v", f.k, got)
			case other.k.Protocol != f.k.Protocol || other.k.Src.Is4() != f.k.Src.Is4() || other.k.DstPort != f.k.DstPort:
				if kept++; got != expect(Compile(n), other) {
					b.t.Errorf("mended for %s, and %s passes as %+v", f.k, other.k, got)
				}
			}
		}
	}
	b.t.Logf("%d flows mended by %d changes; others stayed refused %d times", min(len(refused), *mendAtMost), made, kept)
}

// suggested returns a network with all changes that a flow needs, at both ends and both
// ways.
func suggested(t *testing.T, n *vpc.Network, f trip) (_ *vpc.Network, changes int) {
	t.Helper()
	back := f.k.Reverse()
	for _, ask := range []struct {
		h *labHost
		d Direction
		k Packet
		s State
	}{{f.from, Egress, f.k, Opens}, {f.to, Ingress, f.k, Opens}, {f.to, Egress, back, Answers}, {f.from, Ingress, back, Answers}} {
		if ask.h.iface == nil {
			continue
		}
		list, err := Compile(n).Policy(ask.h.iface.ID).Suggest(ask.d, ask.k, ask.s)
		if err != nil {
			t.Fatalf("%s: %v", f.k, err)
		}
		for _, c := range list {
			n = c.Apply(n)
			changes++
		}
	}
	return n, changes
}
