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

var eni = vpc.Interface{
	ID: "eni-0a1b2c3d4e5f60718", AccountID: "123456789012", Region: "local-1", AZID: "loc1-az1",
	VPCID: "vpc-1", SubnetID: "subnet-1", InstanceID: "i-1",
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
	f, err := record.ParseFormat(format)
	if err != nil {
		t.Fatal(err)
	}
	r := Recorder{Traffic: traffic}
	var out []byte
	err = r.Each(w, &eni, func(rec *record.Record) error {
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
	var r Recorder
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
