package insights

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"weir/internal/logs"
)

// traffic returns records of the default format between 64 sources and 256 destinations.
func traffic(n int) []*logs.Event {
	r := rand.New(rand.NewPCG(1, 2))
	list := make([]*logs.Event, n)
	for i := range list {
		action := "ACCEPT"
		if r.IntN(10) == 0 {
			action = "REJECT"
		}
		at := 1795525200 + int64(i/100)
		list[i] = &logs.Event{
			Position: logs.Position{Time: at * 1000, Seq: uint64(i)}, Stream: "eni-0a1b2c3d4e5f67890-all",
			Message: fmt.Sprintf("2 123456789012 eni-0a1b2c3d4e5f67890 10.0.0.%d 10.0.1.%d %d %d 6 %d %d %d %d %s OK",
				r.IntN(64), r.IntN(256), 32768+r.IntN(28000), []int{22, 53, 80, 443}[r.IntN(4)], 1+r.IntN(20), 40+r.IntN(100000), at, at+59, action),
		}
	}
	return list
}

// BenchmarkRun reports how many records a second a query takes, of a million.
func BenchmarkRun(b *testing.B) {
	list := traffic(1_000_000)
	for _, bb := range []struct{ name, query string }{
		{"top-talkers", `stats sum(bytes) as bytesTransferred by srcAddr, dstAddr | sort bytesTransferred desc | limit 10`},
		{"rejected-by-port", `filter action = "REJECT" | stats count(*) by dstPort`},
		{"subnet", `filter isIpv4InSubnet(srcAddr, "10.0.0.0/27") | stats count(*)`},
		{"over-time", `stats count(*) by bin(5m)`},
		{"newest", `fields @timestamp, @message | sort @timestamp desc | limit 20`},
		{"largest", `fields srcAddr, bytes | sort bytes desc | limit 20`},
		{"like", `filter @message like /REJECT/ | stats count(*)`},
		{"parse", `parse @message "* * * * * * * * * * * * * *" as v, a, e, s, d, sp, dp, p, n, b, st, en, ac, ok | stats sum(b) by s`},
	} {
		b.Run(bb.name, func(b *testing.B) {
			q := mustParse(b, bb.query)
			b.ReportAllocs()
			for b.Loop() {
				run := q.NewRun(Options{})
				for _, e := range list {
					run.Add("flows", e)
				}
				if r := run.Result(); len(r.Rows) == 0 {
					b.Fatal("no rows")
				}
			}
			b.ReportMetric(float64(len(list))*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// An event that makes no group and is not kept costs no memory.
func TestAddDoesNotAllocate(t *testing.T) {
	list := traffic(1000)
	for _, query := range []string{
		`stats sum(bytes) as b by srcAddr, dstAddr`,
		`filter action = "REJECT" and isIpv4InSubnet(dstAddr, "10.0.0.0/8") | stats count(*), max(packets) by dstPort, bin(5m)`,
		`parse @message "* * * *" as a, b, c, d | stats count(*) by c`,
	} {
		run := mustParse(t, query).NewRun(Options{})
		for _, e := range list {
			run.Add("flows", e)
		}
		if n := testing.AllocsPerRun(10, func() {
			for _, e := range list {
				run.Add("flows", e)
			}
		}); n != 0 {
			t.Errorf("%s allocates %v times for 1000 events, want 0", query, n)
		}
	}
}
