package demo

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"

	"weir/internal/lab"
	"weir/internal/vpc"
)

// The hosts. The router joins them; each client has a subnet of its own.
var (
	webserver  = host{"web server", "10.0.0.80", "fd00:0::80"}
	laptop     = host{"laptop", "10.0.1.10", "fd00:1::10"}
	stranger   = host{"stranger", "10.0.2.66", "fd00:2::66"}
	unwelcome  = host{"unwelcome", "10.0.3.67", "fd00:3::67"}
	quietSide  = "10.0.8.80/24"
	quietOther = "10.0.8.1/24"
)

const (
	httpPort   = 80
	closedPort = 8080
	echoPort   = 7007
	mailPort   = 25
	page       = "Hello from behind the firewall.\n"
)

type host struct{ name, v4, v6 string }

func (h host) addr4() netip.Addr { return netip.MustParseAddr(h.v4) }
func (h host) addr6() netip.Addr { return netip.MustParseAddr(h.v6) }

// subnet returns the addresses of the host, and of the router on its side.
func (h host) subnet() (own, gateway []netip.Prefix) {
	for _, s := range []struct {
		a    netip.Addr
		bits int
	}{{h.addr4(), 24}, {h.addr6(), 64}} {
		p := netip.PrefixFrom(s.a, s.bits)
		own = append(own, p)
		gateway = append(gateway, netip.PrefixFrom(p.Masked().Addr().Next(), s.bits))
	}
	return own, gateway
}

// A network is the demonstration's, with what counts its packets.
type network struct {
	lab    *lab.Lab
	spaces map[string]*lab.Namespace // by host name
	fw     *lab.Firewall             // the web server's
	counts map[string]*lab.Firewall  // by host name: see counting
}

func build() (_ *network, err error) {
	n := &network{
		lab:    lab.New(),
		spaces: make(map[string]*lab.Namespace),
		counts: make(map[string]*lab.Firewall),
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.lab.Close())
		}
	}()
	router, err := n.lab.Namespace(lab.NamespaceConfig{Name: "router", Forward: true})
	if err != nil {
		return nil, err
	}
	for _, h := range []host{webserver, laptop, stranger, unwelcome} {
		if err := n.join(h, router); err != nil {
			return nil, err
		}
	}
	_, _, err = n.lab.Link(
		lab.End{NS: n.spaces[webserver.name], Name: "eth1", Addrs: []netip.Prefix{netip.MustParsePrefix(quietSide)}},
		lab.End{NS: router, Addrs: []netip.Prefix{netip.MustParsePrefix(quietOther)}})
	if err != nil {
		return nil, err
	}
	if n.fw, err = n.spaces[webserver.name].Firewall(serverRules()...); err != nil {
		return nil, err
	}
	for _, h := range []host{laptop, stranger, unwelcome} {
		if n.counts[h.name], err = n.spaces[h.name].Firewall(counting(h)...); err != nil {
			return nil, err
		}
	}
	return n, n.serve()
}

func (n *network) join(h host, router *lab.Namespace) error {
	ns, err := n.lab.Namespace(lab.NamespaceConfig{Name: h.name})
	if err != nil {
		return err
	}
	n.spaces[h.name] = ns
	own, gateway := h.subnet()
	eth0, _, err := n.lab.Link(lab.End{NS: ns, Name: "eth0", Addrs: own}, lab.End{NS: router, Addrs: gateway})
	if err != nil {
		return err
	}
	for i, everywhere := range []string{"10.0.0.0/8", "fd00::/16"} {
		if err := eth0.AddRoute(netip.MustParsePrefix(everywhere), gateway[i].Addr()); err != nil {
			return err
		}
	}
	return nil
}

func (n *network) serve() error {
	server := n.spaces[webserver.name]
	web := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page) })
	for _, a := range []netip.Addr{webserver.addr4(), webserver.addr6()} {
		if _, err := server.ServeHTTP(netip.AddrPortFrom(a, httpPort), web); err != nil {
			return err
		}
	}
	_, err := server.ServeUDP(netip.AddrPortFrom(webserver.addr4(), echoPort))
	return err
}

// Places in the web server's rules.
const ruleMail = 2

// serverRules are the firewall: what the web server refuses.
func serverRules() []lab.Rule {
	from := func(h host) netip.Prefix { return netip.PrefixFrom(h.addr4(), 32) }
	return []lab.Rule{
		{Hook: lab.Input, Match: lab.Match{Src: from(stranger), Protocol: tcp, DstPort: httpPort}, Verdict: lab.Drop},
		{Hook: lab.Input, Match: lab.Match{Src: from(unwelcome), Protocol: tcp, DstPort: httpPort}, Verdict: lab.RejectReset},
		ruleMail: {Hook: lab.Output, Match: lab.Match{Protocol: tcp, DstPort: mailPort}, Verdict: lab.Drop},
	}
}

// serverPath is where the web server's namespace is found.
func (n *network) serverPath() string {
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.spaces[webserver.name].FD())
}

func (n *network) identify(h *vpc.Host, name string) (*vpc.Stamp, error) {
	d, err := n.spaces[webserver.name].Device(name)
	if err != nil {
		return nil, err
	}
	i, err := h.Interface(vpc.Device{Netns: n.serverPath(), Space: "demo", Name: name, Index: d.Index()})
	if err != nil {
		return nil, err
	}
	return vpc.NewIndex(vpc.Network{}).Stamp(&i, nil), nil
}
