package demo

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"weir/internal/flow"
	"weir/internal/lab"
)

// IP protocol numbers (IANA).
const (
	icmp = 1
	tcp  = 6
	udp  = 17
)

// TCP flag sums, as in a flow log.
const (
	synOnly   = 2
	synFin    = 3
	rst       = 4
	synAckFin = 19
)

// An exchange is something the hosts do, and how it should be recorded on the
// web server's eth0: one flow there, and one back if there is an answer.
type exchange struct {
	peer  host
	six   bool
	proto uint8
	port  uint16 // the service's; 0 if the protocol has none

	// outgoing is set if the web server begins.
	outgoing bool

	there, back answer
	do          func(context.Context, *network) error
}

// An answer is one direction of an exchange; the zero answer is no packets.
type answer struct {
	verdict flow.Verdict
	flags   uint8
	says    string
}

// exchanges is all the traffic there is.
func exchanges() []exchange {
	return []exchange{
		{
			peer: laptop, proto: tcp, port: httpPort,
			there: answer{flow.Accept, synFin, "laptop opened a connection to the web server (SYN), asked for the page and closed it (FIN): allowed"},
			back:  answer{flow.Accept, synAckFin, "the web server answered (SYN-ACK), sent the page and closed (FIN): the same conversation seen the other way"},
			do:    get(laptop, webserver.addr4()),
		},
		{
			peer: stranger, proto: tcp, port: httpPort,
			there: answer{flow.Reject, synOnly, "stranger knocked at port 80 twice (SYN only): the firewall dropped it, and nothing ever went back"},
			do:    connect(stranger, webserver, httpPort, 2, lab.Unanswered),
		},
		{
			peer: unwelcome, proto: tcp, port: httpPort,
			there: answer{flow.Reject, synOnly, "unwelcome knocked at port 80 (SYN only): the firewall refused it"},
			back:  answer{flow.Accept, rst, "and said so: the firewall's own answer (RST) is ordinary outgoing traffic"},
			do:    connect(unwelcome, webserver, httpPort, 1, lab.Refused),
		},
		{
			peer: laptop, proto: tcp, port: closedPort,
			there: answer{flow.Accept, synOnly, "laptop tried port 8080 (SYN only): the firewall let it in, but nobody listens there"},
			back:  answer{flow.Accept, rst, "so the server's kernel refused the connection (RST): a closed port is not a REJECT"},
			do:    connect(laptop, webserver, closedPort, 1, lab.Refused),
		},
		{
			peer: laptop, proto: icmp,
			there: answer{flow.Accept, 0, "laptop pinged the web server (protocol 1, ICMP, has no ports)"},
			back:  answer{flow.Accept, 0, "and every ping came back"},
			do:    ping,
		},
		{
			peer: laptop, proto: udp, port: echoPort,
			there: answer{flow.Accept, 0, "laptop sent datagrams to UDP port 7007 (protocol 17, UDP, has no flags)"},
			back:  answer{flow.Accept, 0, "and got each of them answered"},
			do:    exchangeUDP,
		},
		{
			peer: laptop, six: true, proto: tcp, port: httpPort,
			there: answer{flow.Accept, synFin, "laptop asked for the page again, over IPv6"},
			back:  answer{flow.Accept, synAckFin, "and got it over IPv6"},
			do:    get(laptop, webserver.addr6()),
		},
		{
			peer: laptop, proto: tcp, port: mailPort, outgoing: true,
			there: answer{flow.Reject, synOnly, "the web server itself tried to send mail to laptop: its firewall lets nothing out to port 25, so the packet never reached the wire"},
			do:    connect(webserver, laptop, mailPort, 1, lab.Unanswered),
		},
	}
}

// traffic does all exchanges, at once.
func (n *network) traffic(ctx context.Context) error {
	list := exchanges()
	errs := make([]error, len(list))
	var wg sync.WaitGroup
	for i := range list {
		wg.Go(func() { errs[i] = list[i].do(ctx, n) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func get(from host, to netip.Addr) func(context.Context, *network) error {
	return func(ctx context.Context, n *network) error {
		_, _, err := n.spaces[from.name].Get(ctx, "http://"+netip.AddrPortFrom(to, httpPort).String()+"/")
		return err
	}
}

func connect(from, to host, port uint16, syns int, want lab.Outcome) func(context.Context, *network) error {
	return func(ctx context.Context, n *network) error {
		got, err := n.spaces[from.name].Connect(ctx, lab.ConnectConfig{
			Dst: netip.AddrPortFrom(to.addr4(), port), SYNs: syns,
		})
		if err == nil && got != want && from != webserver {
			err = fmt.Errorf("%s connects to port %d: %v, expected %v", from.name, port, got, want)
		}
		return err
	}
}

func ping(ctx context.Context, n *network) error {
	sent, answered, err := n.spaces[laptop.name].Ping(ctx, lab.PingConfig{Dst: webserver.addr4(), Count: 3})
	if err == nil && answered != sent {
		err = fmt.Errorf("ping: %d of %d answered", answered, sent)
	}
	return err
}

func exchangeUDP(ctx context.Context, n *network) error {
	sent, answered, err := n.spaces[laptop.name].ExchangeUDP(ctx, lab.UDPConfig{
		Dst: netip.AddrPortFrom(webserver.addr4(), echoPort), Count: 3,
	})
	if err == nil && answered != sent {
		err = fmt.Errorf("udp: %d of %d answered", answered, sent)
	}
	return err
}

// An expectation is a flow that eth0 must have recorded.
type expectation struct {
	src, dst  netip.Addr
	port      uint16 // at the service's end
	answering bool   // the flow comes from the service
	proto     uint8
	direction flow.Direction
	answer
	sent flow.Count
}

func (e expectation) String() string {
	return fmt.Sprintf("%s %s proto %d %s > %s (port %d), %d packets, %d bytes, flags %d",
		e.direction, e.verdict, e.proto, e.src, e.dst, e.port, e.sent.Packets, e.sent.Bytes, e.flags)
}

func (e expectation) matches(f flow.Flow) bool {
	port := f.DstPort
	if e.answering {
		port = f.SrcPort
	}
	return f.Direction == e.direction && f.Verdict == e.verdict && f.Protocol == e.proto &&
		f.SrcAddr() == e.src && f.DstAddr() == e.dst && port == e.port
}

// flows returns what eth0 must record of an exchange, without counts.
func (x *exchange) flows() []expectation {
	server, peer := webserver.addr4(), x.peer.addr4()
	if x.six {
		server, peer = webserver.addr6(), x.peer.addr6()
	}
	there := expectation{src: peer, dst: server, port: x.port, proto: x.proto, direction: flow.Ingress, answer: x.there}
	if x.outgoing {
		there.src, there.dst, there.direction = server, peer, flow.Egress
	}
	list := []expectation{there}
	if x.back.says != "" {
		back := there
		back.src, back.dst, back.answering = there.dst, there.src, true
		back.direction, back.answer = there.direction^1, x.back
		list = append(list, back)
	}
	return list
}

// counting returns the rules by which a client counts what it sends and gets,
// in the order of [exchange.flows] of its exchanges. They decide nothing.
func counting(h host) []lab.Rule {
	var rules []lab.Rule
	for _, e := range counted(h) {
		m := lab.Match{
			Src: netip.PrefixFrom(e.src, e.src.BitLen()), Dst: netip.PrefixFrom(e.dst, e.dst.BitLen()), Protocol: e.proto,
		}
		if e.answering {
			m.SrcPort = e.port
		} else {
			m.DstPort = e.port
		}
		hook := lab.Output
		if e.direction == flow.Egress { // out of the server, into the client
			hook = lab.Input
		}
		rules = append(rules, lab.Rule{Hook: hook, Priority: -400, Match: m})
	}
	return rules
}

// counted returns the flows that client h sees at its end.
func counted(h host) []expectation {
	var list []expectation
	for _, x := range exchanges() {
		if x.peer == h && !x.outgoing {
			list = append(list, x.flows()...)
		}
	}
	return list
}

// expected returns the flows that eth0 must have recorded, with what nftables
// counted of them at the other end.
func (n *network) expected() ([]expectation, error) {
	next := make(map[string][]lab.Counter)
	for name, fw := range n.counts {
		c, err := fw.Counters()
		if err != nil {
			return nil, err
		}
		next[name] = c
	}
	own, err := n.fw.Counters()
	if err != nil {
		return nil, err
	}
	var list []expectation
	for _, x := range exchanges() {
		for _, e := range x.flows() {
			var c lab.Counter
			if x.outgoing { // it never gets anywhere else
				c = own[ruleMail]
			} else {
				c, next[x.peer.name] = next[x.peer.name][0], next[x.peer.name][1:]
			}
			e.sent = flow.Count{Packets: c.Packets, Bytes: c.Bytes}
			list = append(list, e)
		}
	}
	return list, nil
}
