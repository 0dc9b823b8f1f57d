package finding

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"weir/internal/firewall"
	"weir/internal/rows"
	"weir/internal/vpc"
	"weir/record"
)

func TestSpanIsThatOfTheMinutesWhateverTheirOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		var minutes []uint32
		for range 1 + rng.IntN(9) {
			minutes = append(minutes, 29_000_000+uint32(rng.IntN(1<<rng.IntN(16))))
		}
		var want span
		low, high := slices.Min(minutes), slices.Max(minutes)
		for high>>want.level-low>>want.level > 63 {
			want.level++
		}
		want.base = low >> want.level
		var hours hour
		for _, m := range minutes {
			want.bits |= 1 << (m>>want.level - want.base)
			if m-low < 64 {
				hours.bits |= 1 << (m - low)
			}
		}
		hours.base = low
		var got, left, right span
		var hourly hour
		for i, m := range minutes {
			got.add(m)
			hourly.add(m)
			if i%2 == 0 {
				left.add(m)
			} else {
				right.add(m)
			}
		}
		left.merge(right)
		if got != want || left != want {
			t.Fatalf("%v: %+v and, merged, %+v, want %+v", minutes, got, left, want)
		}
		if hourly != hours {
			t.Fatalf("%v: %+v, want %+v", minutes, hourly, hours)
		}
		if n := got.after(int64(high)*60 - 60<<want.level); n > 1+bits.OnesCount64(want.bits) || n == 0 {
			t.Fatalf("%v: %d after the last but one", minutes, n)
		}
	}
}

func TestPeriodIsTheSameThroughout(t *testing.T) {
	for _, tt := range []struct {
		name string
		at   []int
		want int
	}{
		{"always five", []int{0, 5, 10, 15, 20, 25}, 5},
		{"one more or less", []int{0, 5, 11, 15, 20, 25}, 5},
		{"two more", []int{0, 5, 12, 17, 22, 27}, 0},
		{"too few", []int{0, 5, 10, 15, 20}, 0},
		{"to the last bit", []int{3, 15, 27, 39, 51, 63}, 12},
		{"none", nil, 0},
	} {
		var x uint64
		for _, b := range tt.at {
			x |= 1 << b
		}
		if got := period(x, 6); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestWindowsOfTenMinutesAreNoPeriod(t *testing.T) {
	g := newTraffic(1)
	for i := range 20 { // a connection that is always there, in windows of ten minutes
		f := flow{src: "10.0.1.200", dst: "198.51.100.7", sport: 40000, dport: 443, packets: 9, bytes: 1500, at: i * 600}
		g.add(f)
		f.src, f.dst, f.sport, f.dport = f.dst, f.src, f.dport, f.sport
		g.add(f)
		for k := len(g.lines) - 2; k < len(g.lines); k++ {
			x := strings.Fields(g.lines[k])
			x[11] = fmt.Sprint(epoch + i*600 + 599)
			g.lines[k] = strings.Join(x, " ")
		}
	}
	if r := g.found(t, Options{}); len(r.Findings) > 0 {
		t.Errorf("%+v", r.Findings)
	}
}

// plain is a report without what depends on the order in which records come.
func plain(r Report) (out []string) {
	for _, f := range r.Findings {
		out = append(out, fmt.Sprint(f.Kind, f.Confidence, f.Text, f.Records, f.Count, f.First, f.Last, f.Where))
	}
	return out
}

func TestReportDoesNotDependOnCollectorsOrOrder(t *testing.T) {
	g := newTraffic(7)
	g.flags = true
	g.ordinary()
	for name, p := range patterns {
		if name != "no record for a while" && name != "far more than usual" {
			p.make(g, 2*p.n)
		}
	}
	var want []string
	for collectors := 1; collectors < 6; collectors++ {
		f := New(Doubtful)
		g.collect(t, f, collectors)
		got := plain(f.Find(Options{}))
		if want == nil {
			want = got
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%d collectors, in another order:\n%s\nwant\n%s", collectors, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		g.rng.Shuffle(len(g.lines), func(i, j int) { g.lines[i], g.lines[j] = g.lines[j], g.lines[i] })
	}
	if len(want) < 8 {
		t.Errorf("only %d findings:\n%s", len(want), strings.Join(want, "\n"))
	}
}

func TestWhatGoesBeyondTheLimitsIsCounted(t *testing.T) {
	g := newTraffic(1)
	g.flags = true
	flood(g, 3000)
	f := newFinder(Doubtful, 500, 100, 1<<12)
	g.collect(t, f, 1)
	r := f.Find(Options{})
	if r.Talks > 502 || r.Beyond == 0 || r.WithoutLine == 0 {
		t.Errorf("talks %d, beyond %d, without a line %d", r.Talks, r.Beyond, r.WithoutLine)
	}
	if len(r.Findings) != 1 || r.Findings[0].Kind != Flood || r.Findings[0].Records != 3000 || !strings.Contains(r.Findings[0].Text, "more than") {
		t.Errorf("the flood is not seen as a whole: %+v", r.Findings)
	}
}

func TestSeriesWidenWhenThereAreTooMany(t *testing.T) {
	g := newTraffic(1)
	g.add(flow{src: "10.0.1.1", dst: "10.0.1.2", dport: 443, packets: 1, bytes: 1})
	s := newSeries()
	g.batch(t, g.lines, func(b *rows.Batch) {
		for i := range uint32(maxSeries + 10) {
			s.add(b, &row{start: i * 600, end: i*600 + 1, bytes: 1}, []byte("eni-0a"), 'O', "")
		}
	})
	var sum uint64
	for _, x := range s.buckets {
		sum += x.bytes
	}
	if s.width != 1200 || sum != maxSeries+10 || len(s.buckets) > maxSeries {
		t.Errorf("%d buckets of %d seconds with %d bytes, want 1200 seconds and %d bytes", len(s.buckets), s.width, sum, maxSeries+10)
	}
}

func TestNewAgainstAnEarlierPeriod(t *testing.T) {
	before, now := newTraffic(1), newTraffic(2)
	before.ordinary()
	now.ordinary()
	for i := range 3 {
		now.both(flow{src: fmt.Sprintf("10.0.1.%d", 10+i), dst: "10.0.2.1", dport: 8080, at: i})
		now.both(flow{src: "10.0.9.9", dst: fmt.Sprintf("10.0.2.%d", 1+i), dport: 443, at: i})
		now.both(flow{src: fmt.Sprintf("203.0.113.%d", i), dst: "10.0.2.1", dport: 443, at: i}) // of the Internet, always new
	}
	f := New(NoLines)
	before.collect(t, f, 2)
	r := now.found(t, Options{Against: f})
	if got := fmt.Sprint(kindsOf(r)); got != "map[new-service:1 new-talker:1]" {
		t.Errorf("%v: %+v", got, r.Findings)
	}
	again := New(NoLines)
	now.collect(t, again, 2)
	if r := now.found(t, Options{Against: again}); len(r.Findings) > 0 {
		t.Errorf("new against itself: %+v", r.Findings)
	}
}

func TestRulesSayWhyItIsRefused(t *testing.T) {
	at := netip.MustParseAddr("10.0.2.1")
	n := &vpc.Network{
		Interfaces: []*vpc.Interface{{ID: "eni-0a1b2c3d4e5f60718", Addrs: []netip.Addr{at}, SecurityGroups: []string{"sg-0a"}}},
		SecurityGroups: []vpc.SecurityGroup{{ID: "sg-0a", Ingress: []vpc.SecurityGroupRule{
			{Protocol: tcp, Ports: vpc.PortRange{From: 443, To: 443}, CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}}}}},
	}
	g := newTraffic(1)
	for i := range leastRefused {
		for client := range 3 {
			for _, port := range []int{6379, 6380} {
				g.add(flow{src: fmt.Sprintf("10.0.1.%d", client+1), dst: at.String(), sport: 40000 + i, dport: port, packets: 3, bytes: 180, at: i * 120, reject: true})
			}
		}
	}
	r := g.found(t, Options{Rules: firewall.Compile(n)})
	if len(r.Findings) != 2 || r.Findings[0].Count != 3 || !strings.Contains(r.Findings[0].Text, "no rule (ingress) of [sg-0a] allows tcp 6379") {
		t.Errorf("%+v", r.Findings)
	}
	if r := g.found(t, Options{}); len(r.Findings) != 2 || strings.Contains(r.Findings[0].Text, "sg-0a") {
		t.Errorf("without rules: %+v", r.Findings)
	}
}

func TestPartialRecordsHaveNoDirectionsOrGaps(t *testing.T) {
	g := newTraffic(1)
	for _, name := range []string{"one direction only", "a service that stops", "no record for a while"} {
		patterns[name].make(g, 2*patterns[name].n)
	}
	if r := g.found(t, Options{Partial: true}); len(r.Findings) > 0 {
		t.Errorf("%+v", r.Findings)
	}
	if r := g.found(t, Options{}); len(r.Findings) < 3 {
		t.Errorf("%+v", r.Findings)
	}
}

func FuzzCollector(f *testing.F) {
	g := newTraffic(1)
	for _, p := range patterns {
		p.make(g, 2)
	}
	f.Add(strings.Join(g.lines, "\n"))
	f.Add("2 a e ::1 x 1 2 6 9223372036854775807 9223372036854775807 4294967295 1 ACCEPT OK")
	f.Fuzz(func(t *testing.T, text string) {
		g := newTraffic(1)
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			if strings.Count(line, " ") == record.Default().Len()-1 && !strings.Contains(line, "  ") && strings.TrimSpace(line) == line {
				for range leastProbes {
					g.lines = append(g.lines, line)
				}
			}
		}
		if len(g.lines) == 0 {
			return
		}
		finder := New(Doubtful)
		for range 2 {
			c := finder.Collector()
			for _, line := range g.lines {
				text := []byte(line + "\n")
				var s rows.Splitter
				_ = s.Split(text, 1, g.format(), 1, func(b *rows.Batch) error { c.Add(b, everything(b)); return nil },
					func(int64, []byte) error { return nil })
			}
		}
		finder.Find(Options{Against: finder})
	})
}

func BenchmarkAdd(b *testing.B) {
	g := newTraffic(1)
	g.ordinary()
	for _, p := range patterns {
		p.make(g, 100)
	}
	text := []byte(strings.Join(g.lines, "\n") + "\n")
	c := New(Doubtful).Collector()
	var s rows.Splitter
	var batch *rows.Batch
	if err := s.Split(text, len(g.lines), g.format(), 1, func(x *rows.Batch) error { batch = x; return nil }, nil); err != nil {
		b.Fatal(err)
	}
	some := everything(batch)
	b.ReportAllocs()
	for b.Loop() {
		c.Add(batch, some)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(some)), "ns/record")
}
