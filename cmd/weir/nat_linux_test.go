package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/internal/capture"
	"weir/internal/lab"
	"weir/internal/lab/labtest"
	"weir/record"
)

// Addresses of the networks on both sides of a router that translates.
var (
	instance = netip.MustParseAddr("10.1.0.10")
	natIn    = netip.MustParseAddr("10.1.0.220") // the router's, inside
	natIn2   = netip.MustParseAddr("10.1.0.221") // its secondary one
	gateway  = netip.MustParseAddr("10.1.0.1")   // of a router with one arm
	natOut   = netip.MustParseAddr("198.51.100.1")
	internet = netip.MustParseAddr("198.51.100.9")
)

// A natBed is an instance, a router that translates, and a host beyond. The
// router, all of whose interfaces are served, is between two networks; or it has
// one arm only, as a NAT gateway has, and another router leads out.
type natBed struct {
	*serveBed
	inside, router, outside *lab.Namespace
}

func newNATBed(t *testing.T, oneArm bool, rules ...lab.Rule) *natBed {
	t.Helper()
	labtest.NeedRoot(t)
	b := &natBed{serveBed: &serveBed{tb: t, dir: t.TempDir()}}
	b.data, b.config = filepath.Join(b.dir, "data"), filepath.Join(b.dir, "weir.yaml")
	b.pin = fmt.Sprintf("/sys/fs/bpf/weir-test-serve-%d-%d", os.Getpid(), beds.Add(1))
	t.Cleanup(func() {
		if err := capture.Uninstall(b.pin); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	})
	l := lab.New()
	t.Cleanup(func() { b.must(l.Close()) })
	ns := func(name string, forward bool) *lab.Namespace {
		n, err := l.Namespace(lab.NamespaceConfig{Name: name, Forward: forward})
		b.must(err)
		return n
	}
	end := func(n *lab.Namespace, name string, addrs ...netip.Addr) lab.End {
		return lab.End{NS: n, Name: name, Addrs: prefixes(addrs...), Discover: true}
	}
	link := func(x, y lab.End) (*lab.Device, *lab.Device) {
		p, q, err := l.Link(x, y)
		b.must(err)
		return p, q
	}
	b.inside, b.router, b.outside = ns("instance", false), ns("router", true), ns("internet", false)
	everywhere := netip.MustParsePrefix("0.0.0.0/0")
	var home *lab.Device
	if oneArm {
		lan, way := ns("lan", false), ns("way", true)
		bridge, err := lan.Bridge("br0")
		b.must(err)
		plug := func(e lab.End) *lab.Device {
			port, d := link(lab.End{NS: lan, Discover: true}, e)
			b.must(port.Attach(bridge))
			return d
		}
		home = plug(end(b.inside, "eth0", instance))
		arm := plug(end(b.router, "eth0", natIn, natIn2))
		plug(end(way, "eth0", gateway))
		link(end(way, "eth1", natOut), end(b.outside, "eth0", internet))
		b.must(arm.AddRoute(everywhere, gateway))
		for _, dev := range []string{"all", "eth0"} { // the way is longer than it had to be
			b.must(b.router.SetSysctl("net/ipv4/conf/"+dev+"/send_redirects", "0"))
		}
	} else {
		home, _ = link(end(b.inside, "eth0", instance), end(b.router, "eth0", natIn, natIn2))
		link(end(b.router, "eth1", natOut), end(b.outside, "eth0", internet))
	}
	b.must(home.AddRoute(everywhere, natIn))
	if len(rules) > 0 {
		fw, err := b.router.Firewall(rules...)
		b.must(err)
		t.Cleanup(func() { b.must(fw.Close()) })
	}
	listen := freeAddr(t)
	b.metrics = "http://" + listen
	b.must(os.WriteFile(b.config, []byte(fmt.Sprintf(`account: "123456789012"
region: eu-test-1
namespaces: [/proc/%d/fd/%d]
vpcs: [{name: lab, cidrs: [10.1.0.0/24, 198.51.100.0/24]}]
subnets: [{name: private, vpc: lab, cidrs: [10.1.0.0/24]}, {name: public, vpc: lab, cidrs: [198.51.100.0/24]}]
interfaces:
  - {match: {name: eth0, namespace: '/proc/%[1]d/fd/*'}, id: eni-00000000000000000, type: natGateway}
  - {match: {name: eth1, namespace: '/proc/%[1]d/fd/*'}, id: eni-00000000000000001, type: natGateway}
serve: {data-dir: %[3]s, listen: %[4]s, metrics-listen: %[5]s, flush: 1s}
flow-logs: [{name: all, resource: lab, max-aggregation-interval: 60, destination: 'arn:aws:s3:::flow-logs', log-format: '${interface-id} ${interface-type} ${flow-direction} ${srcaddr} ${dstaddr} ${pkt-srcaddr} ${pkt-dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${start} ${end} ${action} ${log-status}'}]
`, os.Getpid(), b.router.FD(), b.data, freeAddr(t), listen)), 0o600))
	return b
}

// recorded returns what the records of UDP say, with the packets of all windows
// together: interface, direction, srcaddr and dstaddr, pkt-srcaddr and
// pkt-dstaddr, ports, packets.
func (b *natBed) recorded() (lines []string) {
	b.tb.Helper()
	packets := make(map[string]int64)
	for path, body := range embeddedObjects(b.tb, b.data) {
		eachRecord(b.tb, path, body, func(r *record.Record) {
			if n, _ := r.Int(record.Protocol); n != 17 {
				return
			}
			addr := func(f record.Field) netip.Addr { a, _ := r.Addr(f); return a }
			number := func(f record.Field) int64 { n, _ := r.Int(f); return n }
			text := func(f record.Field) string { v, _ := r.Text(f); return string(v) }
			if text(record.InterfaceType) != "nat_gateway" || text(record.Action) != "ACCEPT" {
				b.tb.Errorf("interface-type %q, action %q", text(record.InterfaceType), text(record.Action))
			}
			line := fmt.Sprintf("eth%s %s | %v %v | %v %v | %d %d", strings.TrimLeft(text(record.InterfaceID), "eni-0"), text(record.FlowDirection),
				addr(record.SrcAddr), addr(record.DstAddr), addr(record.PktSrcAddr), addr(record.PktDstAddr), number(record.SrcPort), number(record.DstPort))
			packets[line] += number(record.Packets)
		})
	}
	for line, n := range packets {
		lines = append(lines, fmt.Sprintf("%s | %d", strings.Replace(line, "eth ", "eth0 ", 1), n))
	}
	slices.Sort(lines)
	return lines
}

// TestNAT holds records of a router that translates against what Amazon says of
// srcaddr, dstaddr, pkt-srcaddr and pkt-dstaddr at a NAT gateway and at other
// interfaces that traffic passes through ("Flow log records" and "Flow log record
// examples", Amazon VPC User Guide, read 2026-11-23).
func TestNAT(t *testing.T) {
	masquerade := func(out string) lab.Rule {
		return lab.Rule{Family: lab.IPv4, Hook: lab.Postrouting, Match: lab.Match{Out: out, Protocol: 17}, Verdict: lab.Masquerade}
	}
	toInstance := func(at netip.Addr) lab.Rule {
		return lab.Rule{Family: lab.IPv4, Hook: lab.Prerouting, Verdict: lab.DNAT, To: netip.AddrPortFrom(instance, 8080),
			Match: lab.Match{Dst: netip.PrefixFrom(at, 32), Protocol: 17, DstPort: 80}}
	}
	for _, tt := range []struct {
		name    string
		oneArm  bool
		rules   []lab.Rule
		inwards bool       // the host beyond begins
		to      netip.Addr // whom it calls
		want    []string
	}{
		{
			name: "a NAT gateway with one interface", oneArm: true, rules: []lab.Rule{masquerade("eth0")}, to: internet,
			want: []string{
				"eth0 ingress | 10.1.0.10 10.1.0.220 | 10.1.0.10 198.51.100.9 | 4000 80 | 3",     // instance to NAT
				"eth0 egress | 10.1.0.220 198.51.100.9 | 10.1.0.220 198.51.100.9 | 4000 80 | 3",  // NAT to internet
				"eth0 ingress | 198.51.100.9 10.1.0.220 | 198.51.100.9 10.1.0.220 | 80 4000 | 3", // internet to NAT
				"eth0 egress | 10.1.0.220 10.1.0.10 | 198.51.100.9 10.1.0.10 | 80 4000 | 3",      // NAT to instance
			},
		},
		{
			name: "a NAT router between two networks", rules: []lab.Rule{masquerade("eth1")}, to: internet,
			want: []string{
				"eth0 ingress | 10.1.0.10 10.1.0.220 | 10.1.0.10 198.51.100.9 | 4000 80 | 3",
				"eth1 egress | 198.51.100.1 198.51.100.9 | 198.51.100.1 198.51.100.9 | 4000 80 | 3",
				"eth1 ingress | 198.51.100.9 198.51.100.1 | 198.51.100.9 198.51.100.1 | 80 4000 | 3",
				"eth0 egress | 10.1.0.220 10.1.0.10 | 198.51.100.9 10.1.0.10 | 80 4000 | 3",
			},
		},
		{
			name: "translation to a secondary address", oneArm: true, to: internet,
			rules: []lab.Rule{{Family: lab.IPv4, Hook: lab.Postrouting, Match: lab.Match{Out: "eth0", Protocol: 17}, Verdict: lab.SNAT, To: netip.AddrPortFrom(natIn2, 0)}},
			want: []string{
				"eth0 ingress | 10.1.0.10 10.1.0.220 | 10.1.0.10 198.51.100.9 | 4000 80 | 3",
				"eth0 egress | 10.1.0.221 198.51.100.9 | 10.1.0.221 198.51.100.9 | 4000 80 | 3",  // one of its own is not replaced
				"eth0 ingress | 198.51.100.9 10.1.0.220 | 198.51.100.9 10.1.0.221 | 80 4000 | 3", // the primary one stands for it
				"eth0 egress | 10.1.0.220 10.1.0.10 | 198.51.100.9 10.1.0.10 | 80 4000 | 3",
			},
		},
		{
			name: "a load balancer that keeps the client's address", rules: []lab.Rule{toInstance(natOut)}, inwards: true, to: natOut,
			want: []string{
				"eth1 ingress | 198.51.100.9 198.51.100.1 | 198.51.100.9 198.51.100.1 | 4000 80 | 3",
				"eth0 egress | 10.1.0.220 10.1.0.10 | 198.51.100.9 10.1.0.10 | 4000 8080 | 3",
				"eth0 ingress | 10.1.0.10 10.1.0.220 | 10.1.0.10 198.51.100.9 | 8080 4000 | 3",
				"eth1 egress | 198.51.100.1 198.51.100.9 | 198.51.100.1 198.51.100.9 | 80 4000 | 3",
			},
		},
		{
			name: "a load balancer that calls by itself", rules: []lab.Rule{toInstance(natOut), masquerade("eth0")}, inwards: true, to: natOut,
			want: []string{
				"eth1 ingress | 198.51.100.9 198.51.100.1 | 198.51.100.9 198.51.100.1 | 4000 80 | 3",
				"eth0 egress | 10.1.0.220 10.1.0.10 | 10.1.0.220 10.1.0.10 | 4000 8080 | 3",
				"eth0 ingress | 10.1.0.10 10.1.0.220 | 10.1.0.10 10.1.0.220 | 8080 4000 | 3",
				"eth1 egress | 198.51.100.1 198.51.100.9 | 198.51.100.1 198.51.100.9 | 80 4000 | 3",
			},
		},
		{
			name: "an attachment that forwards and translates nothing", to: internet,
			want: []string{
				"eth0 ingress | 10.1.0.10 10.1.0.220 | 10.1.0.10 198.51.100.9 | 4000 80 | 3",
				"eth1 egress | 198.51.100.1 198.51.100.9 | 10.1.0.10 198.51.100.9 | 4000 80 | 3",
				"eth1 ingress | 198.51.100.9 198.51.100.1 | 198.51.100.9 10.1.0.10 | 80 4000 | 3",
				"eth0 egress | 10.1.0.220 10.1.0.10 | 198.51.100.9 10.1.0.10 | 80 4000 | 3",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newNATBed(t, tt.oneArm, tt.rules...)
			if tt.oneArm || len(tt.rules) == 0 { // the host beyond sees private addresses
				d, err := b.outside.Device("eth0")
				b.must(err)
				b.must(d.AddRoute(netip.MustParsePrefix("10.1.0.0/24"), natOut))
			}
			cmd := b.start()
			interfaces := 2.0
			if tt.oneArm {
				interfaces = 1
			}
			b.until(time.Minute, "the router's interfaces are captured", func() bool {
				n, _ := b.metric("weir_agent_interfaces")
				return n == interfaces
			})
			caller, from, answerer, at := b.inside, instance, b.outside, netip.AddrPortFrom(internet, 80)
			if tt.inwards {
				caller, from, answerer, at = b.outside, internet, b.inside, netip.AddrPortFrom(instance, 8080)
			}
			srv, err := answerer.ServeUDP(at)
			b.must(err)
			defer srv.Close()
			sent, answered, err := caller.ExchangeUDP(t.Context(), lab.UDPConfig{Src: netip.AddrPortFrom(from, 4000), Dst: netip.AddrPortFrom(tt.to, 80), Count: 3})
			if err != nil || sent != 3 || answered != 3 {
				t.Fatalf("%d of %d datagrams are answered, %v", answered, sent, err)
			}
			slices.Sort(tt.want)
			var got []string
			for began := time.Now(); time.Since(began) < 30*time.Second; time.Sleep(200 * time.Millisecond) {
				if got = b.recorded(); slices.Equal(got, tt.want) {
					break
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("records:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			b.terminate(cmd)
		})
	}
}
