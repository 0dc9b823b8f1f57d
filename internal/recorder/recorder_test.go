package recorder

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"weir/internal/flow"
	"weir/internal/vpc"
	"weir/record"
)

var eni = vpc.Stamp{
	ID: "eni-0a1b2c3d4e5f60718", Account: "123456789012", Region: "local-1", AZ: "loc1-az1",
	VPC: "vpc-1", Subnet: "subnet-1", Instance: "i-1",
}

func flowOf(src, dst string, proto uint8, d flow.Direction, v flow.Verdict) flow.Flow {
	s, t := netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst)
	f := flow.Flow{Count: flow.Count{Packets: 5, Bytes: 260}, First: 1596470553, Last: 1596470610}
	f.SetAddrs(s.Addr(), t.Addr())
	f.SrcPort, f.DstPort = s.Port(), t.Port()
	f.Protocol, f.Direction, f.Verdict = proto, d, v
	return f
}

func text(t *testing.T, format string, traffic Traffic, w *flow.Window) string {
	t.Helper()
	return lines(t, format, Config{Traffic: traffic}, w, &eni)
}

func lines(t *testing.T, format string, cfg Config, w *flow.Window, i *vpc.Stamp) string {
	t.Helper()
	f, err := record.ParseFormat(format)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Format = f
	r := New(cfg)
	var out []byte
	err = r.Each(w, i, func(rec *record.Record) error {
		out = append(f.Append(out, rec), '\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestRecords(t *testing.T) {
	refused := flowOf("192.0.2.7:1466", "10.10.0.83:80", 6, flow.Ingress, flow.Reject)
	refused.Flags = 2
	answer := flowOf("[2001:db8::1]:80", "[2001:db8::2]:6266", 6, flow.Egress, flow.Accept)
	answer.Flags = 19
	start, end := time.Unix(1431280876, 5e8), time.Unix(1431280934, 5e8)
	both := flow.Window{Start: start, End: end, Flows: []flow.Flow{refused, answer}}
	skipped := both
	skipped.Skipped[flow.Egress] = flow.Count{Packets: 1, Bytes: 100}
	quiet := flow.Window{Start: start, End: end, Quiet: true}

	const (
		refusedLine = "3 123456789012 eni-0a1b2c3d4e5f60718 192.0.2.7 10.10.0.83 1466 80 6 5 260 1596470553 1596470610 REJECT OK 2\n"
		answerLine  = "3 123456789012 eni-0a1b2c3d4e5f60718 2001:db8::1 2001:db8::2 80 6266 6 5 260 1596470553 1596470610 ACCEPT OK 19\n"
		skipLine    = "3 123456789012 eni-0a1b2c3d4e5f60718 - - - - - - - 1431280876 1431280934 - SKIPDATA -\n"
	)
	for _, tt := range []struct {
		name    string
		format  string
		traffic Traffic
		window  flow.Window
		want    string
	}{
		{"each flow is a line", "default+tcp-flags", All, both, refusedLine + answerLine},
		{"ACCEPT leaves refused flows out", "default+tcp-flags", Accepted, both, answerLine},
		{"REJECT leaves accepted flows out", "default+tcp-flags", Rejected, both, refusedLine},
		{"skipped packets are one SKIPDATA after the flows", "default+tcp-flags", All, skipped, refusedLine + answerLine + skipLine},
		{"skipped packets concern every traffic type", "default+tcp-flags", Rejected, skipped, refusedLine + skipLine},
		{"a quiet interval is NODATA", "default", All, quiet,
			"2 123456789012 eni-0a1b2c3d4e5f60718 - - - - - - - 1431280876 1431280934 - NODATA\n"},
		{"NODATA keeps what is known of the interface", "version vpc-id subnet-id instance-id type flow-direction region az-id log-status", All, quiet,
			"5 vpc-1 subnet-1 i-1 - - local-1 loc1-az1 NODATA\n"},
		{"refused traffic alone is no NODATA for ACCEPT", "default", Accepted,
			flow.Window{Start: start, End: end, Flows: []flow.Flow{refused}}, ""},
		{"fields of version 5", "type pkt-srcaddr pkt-dstaddr flow-direction", All, both,
			"IPv4 192.0.2.7 10.10.0.83 ingress\nIPv6 2001:db8::1 2001:db8::2 egress\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := text(t, tt.format, tt.traffic, &tt.window); got != tt.want {
				t.Errorf("got:\n%swant:\n%s", got, tt.want)
			}
		})
	}
}

// The rules of srcaddr, dstaddr, pkt-srcaddr and pkt-dstaddr, row by row.
func TestAddresses(t *testing.T) {
	router := vpc.Stamp{Addrs: addrs("10.0.0.220", "10.0.0.221", "2001:db8::220")}
	for _, tt := range []struct {
		name      string
		i         vpc.Stamp
		src, dst  string
		direction flow.Direction
		want      string
	}{
		{"in to the primary address", router, "10.0.1.5", "10.0.0.220", flow.Ingress, "10.0.1.5 10.0.0.220 10.0.1.5 10.0.0.220"},
		{"in to a secondary address", router, "10.0.1.5", "10.0.0.221", flow.Ingress, "10.0.1.5 10.0.0.220 10.0.1.5 10.0.0.221"},
		{"in to somebody else", router, "10.0.1.5", "203.0.113.5", flow.Ingress, "10.0.1.5 10.0.0.220 10.0.1.5 203.0.113.5"},
		{"in from a foreign source stays", router, "203.0.113.5", "10.0.0.220", flow.Ingress, "203.0.113.5 10.0.0.220 203.0.113.5 10.0.0.220"},
		{"out of the primary address", router, "10.0.0.220", "203.0.113.5", flow.Egress, "10.0.0.220 203.0.113.5 10.0.0.220 203.0.113.5"},
		{"out of a secondary address", router, "10.0.0.221", "203.0.113.5", flow.Egress, "10.0.0.221 203.0.113.5 10.0.0.221 203.0.113.5"},
		{"out for somebody else", router, "203.0.113.5", "10.0.1.5", flow.Egress, "10.0.0.220 10.0.1.5 203.0.113.5 10.0.1.5"},
		{"IPv6 is as it is", router, "2001:db8::1", "2001:db8::2", flow.Ingress, "2001:db8::1 2001:db8::2 2001:db8::1 2001:db8::2"},
		{"unknown addresses change nothing", vpc.Stamp{}, "10.0.1.5", "203.0.113.5", flow.Ingress, "10.0.1.5 203.0.113.5 10.0.1.5 203.0.113.5"},
		{"the other end of a cable", vpc.Stamp{Addrs: router.Addrs, Inverted: true}, "10.0.1.5", "203.0.113.5", flow.Egress, "10.0.1.5 10.0.0.220 10.0.1.5 203.0.113.5"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := flowOf("10.0.0.1:1", "10.0.0.2:2", 17, tt.direction, flow.Accept)
			f.SetAddrs(netip.MustParseAddr(tt.src), netip.MustParseAddr(tt.dst))
			w := flow.Window{Flows: []flow.Flow{f}}
			got := lines(t, "srcaddr dstaddr pkt-srcaddr pkt-dstaddr", Config{}, &w, &tt.i)
			if got != tt.want+"\n" {
				t.Errorf("got %swant %s", got, tt.want)
			}
		})
	}
}

func addrs(list ...string) (out []netip.Addr) {
	for _, a := range list {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

func TestFieldsOfTheModel(t *testing.T) {
	i := vpc.Stamp{
		VPC: "vpc-1", Type: "nat_gateway", Sublocation: vpc.Sublocation{Type: "outpost", ID: "op-1"},
		Tags: vpc.Tags{"Name": "web front", "x": "-"}, InstanceTags: vpc.Tags{"Team": "net/ö"},
		Hops: []vpc.Hop{{ID: "eni-2", Subnet: "subnet-2", AZ: "az-2", VPC: "vpc-1", Type: "vpc_endpoint"}},
		Ways: []vpc.Way{{Prefix: netip.MustParsePrefix("10.0.0.0/8"), Hop: 0}},
	}
	ranges, err := vpc.ReadRanges(strings.NewReader(`{"prefixes":[{"ip_prefix":"203.0.113.0/24","region":"local-1","service":"S3"}],"ipv6_prefixes":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{InterfaceTags: [2]string{"Name", "none"}, InstanceTags: [2]string{"Team"}, Ranges: ranges}
	out := flow.Window{Flows: []flow.Flow{flowOf("10.0.0.1:1", "10.0.0.2:2", 17, flow.Egress, flow.Accept)}}
	in := flow.Window{Flows: []flow.Flow{flowOf("203.0.113.9:443", "192.0.2.1:2", 17, flow.Ingress, flow.Accept)}}
	for _, tt := range []struct {
		name, format string
		w            flow.Window
		want         string
	}{
		{"tags are percent-encoded", "interface-tag interface-tag-2 instance-tag instance-tag-2", out, "web%20front - net%2F%C3%B6 -"},
		{"what the interface is", "interface-type sublocation-type sublocation-id", out, "nat_gateway outpost op-1"},
		{"the next hop of what goes out", "next-hop-interface-id next-hop-subnet-id next-hop-az-id next-hop-vpc-id next-hop-interface-type traffic-path",
			out, "eni-2 subnet-2 az-2 vpc-1 vpc_endpoint 1"},
		{"no path of what comes in, no hop that is not known", "next-hop-interface-id traffic-path", in, "- -"},
		{"a service by its address", "pkt-src-aws-service pkt-dst-aws-service", in, "S3 -"},
		{"what a host can't know", "reject-reason encryption-status ecs-task-id resource-id", out, "- - - -"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := lines(t, tt.format, cfg, &tt.w, &i); got != tt.want+"\n" {
				t.Errorf("got %swant %s", got, tt.want)
			}
		})
	}
}

func TestParseTraffic(t *testing.T) {
	for _, traffic := range []Traffic{All, Accepted, Rejected} {
		for _, s := range []string{traffic.String(), strings.ToLower(traffic.String())} {
			if got, err := ParseTraffic(s); got != traffic || err != nil {
				t.Errorf("ParseTraffic(%q) = %v, %v, want %v", s, got, err, traffic)
			}
		}
	}
	if _, err := ParseTraffic("DENY"); err == nil {
		t.Error("DENY is taken for a traffic type")
	}
}

func BenchmarkEach(b *testing.B) {
	f := record.Default()
	w := flow.Window{}
	for range 1000 {
		w.Flows = append(w.Flows, flowOf("192.0.2.7:1466", "10.10.0.83:80", 6, flow.Ingress, flow.Reject))
	}
	r := New(Config{})
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out = out[:0]
		err := r.Each(&w, &eni, func(rec *record.Record) error {
			out = append(f.Append(out, rec), '\n')
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(out)))
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/record")
}
