package finding

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"weir/internal/query"
	"weir/internal/rows"
	"weir/record"
)

// epoch is when the records of these tests begin: a full hour.
const epoch = 1763985600

// A traffic makes records.
type traffic struct {
	rng   *rand.Rand
	flags bool
	lines []string
}

func newTraffic(seed uint64) *traffic { return &traffic{rng: rand.New(rand.NewPCG(seed, 1))} }

func (g *traffic) format() record.Format {
	if g.flags {
		f, err := record.ParseFormat("default+tcp-flags")
		if err != nil {
			panic(err)
		}
		return f
	}
	return record.Default()
}

// A flow is a record to make; zero is TCP, accepted, at eni-0a.
type flow struct {
	eni            string
	src, dst       string
	sport, dport   int
	protocol       int
	packets, bytes int
	at             int // seconds from epoch
	reject         bool
	flags          int
}

func (g *traffic) add(f flow) {
	if f.eni == "" {
		f.eni = "eni-0a1b2c3d4e5f60718"
	}
	if f.protocol == 0 {
		f.protocol = tcp
	}
	action := "ACCEPT"
	if f.reject {
		action = "REJECT"
	}
	line := fmt.Sprintf("2 123456789012 %s %s %s %d %d %d %d %d %d %d %s OK", f.eni, f.src, f.dst, f.sport, f.dport, f.protocol, f.packets, f.bytes,
		epoch+f.at, epoch+f.at+g.rng.IntN(50), action)
	if g.flags {
		line += fmt.Sprintf(" %d", f.flags)
	}
	g.lines = append(g.lines, line)
}

// both adds an ordinary connection: what is asked, and what is answered.
func (g *traffic) both(f flow) {
	f.packets, f.bytes, f.flags = 8+g.rng.IntN(20), 3000+g.rng.IntN(9000), 3
	if f.sport == 0 {
		f.sport = 32768 + g.rng.IntN(28000)
	}
	g.add(f)
	f.src, f.dst, f.sport, f.dport = f.dst, f.src, f.dport, f.sport
	f.packets, f.bytes, f.flags = 8+g.rng.IntN(20), 8000+g.rng.IntN(90000), 19
	g.add(f)
}

// ordinary is half an hour of clients and services at which nothing is wrong.
func (g *traffic) ordinary() {
	for minute := range 30 {
		for range 20 {
			client, server := 10+g.rng.IntN(40), 1+g.rng.IntN(5)
			g.both(flow{src: fmt.Sprintf("10.0.1.%d", client), dst: fmt.Sprintf("10.0.2.%d", server), dport: []int{443, 80, 5432}[g.rng.IntN(3)], at: minute*60 + g.rng.IntN(9)})
		}
	}
}

// found reads the records with some collectors, looks for what is wrong, and checks
// that the condition of each finding selects its evidence.
func (g *traffic) found(t *testing.T, o Options) Report {
	t.Helper()
	keep := Doubtful
	if o.Against != nil {
		keep = AllLines
	}
	f := New(keep)
	g.collect(t, f, 3)
	r := f.Find(o)
	for _, x := range r.Findings {
		selected := g.selected(t, x.Where)
		if len(x.Evidence) == 0 {
			t.Errorf("%s: no evidence: %s", x.Kind, x.Text)
		}
		for _, e := range x.Evidence {
			if !slices.Contains(selected, e.Line) {
				t.Errorf("%s: %s\ndoes not select its evidence\n%s", x.Kind, x.Where, e.Line)
			}
			if e.Fields != string(g.format().AppendHeader(nil)) {
				t.Errorf("%s: fields of the evidence are %q", x.Kind, e.Fields)
			}
		}
		if int64(len(selected)) < x.Records {
			t.Errorf("%s: %s\nselects %d records, of %d that were counted", x.Kind, x.Where, len(selected), x.Records)
		}
		if x.First <= 0 || x.Last < x.First {
			t.Errorf("%s: from %d to %d", x.Kind, x.First, x.Last)
		}
	}
	return r
}

// collect gives the records to so many collectors in turns.
func (g *traffic) collect(t *testing.T, f *Finder, collectors int) {
	t.Helper()
	var all []*Collector
	for range collectors {
		all = append(all, f.Collector())
	}
	n := 0
	for part := range slices.Chunk(g.lines, 100) {
		g.batch(t, part, func(b *rows.Batch) { all[n%collectors].Add(b, everything(b)) })
		n++
	}
}

func (g *traffic) batch(t *testing.T, lines []string, fn func(*rows.Batch)) {
	t.Helper()
	text := []byte(strings.Join(lines, "\n") + "\n")
	var s rows.Splitter
	err := s.Split(text, bytes.Count(text, []byte("\n")), g.format(), 1, func(b *rows.Batch) error { fn(b); return nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
}

func everything(b *rows.Batch) []int32 {
	out := make([]int32, b.Rows)
	for i := range out {
		out[i] = int32(i)
	}
	return out
}

// selected returns the lines that meet a condition.
func (g *traffic) selected(t *testing.T, where string) (out []string) {
	t.Helper()
	e, err := query.Parse(where)
	if err != nil {
		t.Errorf("%s: %v", where, err)
		return nil
	}
	filter := query.Compile(e)
	g.batch(t, g.lines, func(b *rows.Batch) {
		some, bad := filter.Select(b)
		if len(bad) > 0 {
			t.Errorf("%s: %v", where, bad)
		}
		for _, row := range some {
			out = append(out, string(b.AppendLine(nil, int(row))))
		}
	})
	return out
}

// kindsOf counts findings.
func kindsOf(r Report) map[Kind]int {
	out := map[Kind]int{}
	for _, f := range r.Findings {
		out[f.Kind]++
	}
	return out
}

// A pattern makes what a rule finds at n, and does not at n-1.
type pattern struct {
	kind  Kind
	flags bool
	n     int
	make  func(g *traffic, n int)
}

var patterns = map[string]pattern{
	"ports of an address, refused": {Vertical, false, leastProbes, func(g *traffic, n int) {
		for i := range n {
			g.add(flow{src: "203.0.113.9", dst: "10.0.2.1", sport: 40000 + i, dport: 20 + i, packets: 1, bytes: 44, at: i, reject: true})
		}
	}},
	"ports of an address, answered by a reset": {Vertical, false, leastProbes, func(g *traffic, n int) {
		for i := range n {
			g.add(flow{src: "203.0.113.9", dst: "10.0.2.1", sport: 40000, dport: 20 + i, packets: 1, bytes: 44, at: i})
			g.add(flow{dst: "203.0.113.9", src: "10.0.2.1", dport: 40000, sport: 20 + i, packets: 1, bytes: 40, at: i})
		}
	}},
	"ports of an address, by UDP": {Vertical, false, leastProbes, func(g *traffic, n int) {
		for i := range n {
			g.add(flow{src: "203.0.113.9", dst: "10.0.2.1", sport: 40000, dport: 100 + i, protocol: udp, packets: 1, bytes: 28, at: i, reject: true})
		}
	}},
	"addresses with a port": {Horizontal, false, leastProbes, func(g *traffic, n int) {
		for i := range n {
			g.add(flow{src: "203.0.113.9", dst: fmt.Sprintf("10.0.3.%d", i), sport: 40000, dport: 23, packets: 1, bytes: 44, at: i, reject: true})
		}
	}},
	"addresses with a port, let in": {Horizontal, true, leastProbes, func(g *traffic, n int) {
		for i := range n {
			g.add(flow{src: "203.0.113.9", dst: fmt.Sprintf("10.0.3.%d", i), sport: 40000 + i, dport: 50001, packets: 3, bytes: 152, at: i, flags: 2})
		}
	}},
	"addresses, by ping": {Horizontal, false, leastProbes, func(g *traffic, n int) {
		for i := range n {
			g.add(flow{src: "203.0.113.9", dst: fmt.Sprintf("10.0.3.%d", i), protocol: icmp, packets: 1, bytes: 84, at: i, reject: true})
		}
	}},
	"ports of an address, slowly": {Slow, false, leastProbes, func(g *traffic, n int) {
		for i := range n {
			g.add(flow{eni: "eni-0b", src: "203.0.113.9", dst: "10.0.2.1", sport: 40000 + i, dport: 20 + i, packets: 1, bytes: 44, at: i * 60, reject: true})
		}
	}},
	"a service without flags": {Flood, false, floodMinute, flood},
	"a service":               {Flood, true, floodMinute, flood},
	"the same service again and again": {Refused, false, leastRefused, func(g *traffic, n int) {
		for i := range n {
			g.add(flow{src: "10.0.1.200", dst: "10.0.2.1", sport: 40000 + i, dport: 6379, packets: 3, bytes: 180, at: i * 120, reject: true})
		}
	}},
	"one direction only": {OneWay, false, oneWayLeast, func(g *traffic, n int) {
		g.add(flow{src: "10.0.1.200", dst: "10.0.2.1", sport: 40000, dport: 9999, packets: n, bytes: n * 400, at: 100})
	}},
	"answers only": {OneWay, false, oneWayLeast, func(g *traffic, n int) {
		g.add(flow{src: "10.0.2.1", dst: "10.0.1.200", sport: 9999, dport: 40000, packets: n, bytes: n * 400, at: 100})
	}},
	"a service that stops": {Stopped, false, leastSilent, func(g *traffic, n int) {
		for i := range 10 {
			g.both(flow{src: "10.0.1.200", dst: "10.0.2.1", dport: 9200, at: i * 60})
		}
		for i := range n {
			g.add(flow{src: "10.0.1.200", dst: "10.0.2.1", sport: 33000 + i, dport: 9200, packets: 4, bytes: 240, at: 720 + i*60})
		}
	}},
	"by the clock": {Beacon, false, leastTimes, func(g *traffic, n int) {
		for i := range n {
			f := flow{src: "10.0.1.200", dst: "198.51.100.7", sport: 40000 + i, dport: 443, packets: 9, bytes: 1500 + g.rng.IntN(100), at: i * 300}
			g.add(f)
			f.src, f.dst, f.sport, f.dport = f.dst, f.src, f.dport, f.sport
			g.add(f)
		}
	}},
	"by the clock, each hour": {Beacon, false, leastTimes, func(g *traffic, n int) {
		for i := range n {
			g.both(flow{src: "10.0.1.201", dst: "198.51.100.8", sport: 40000 + i, dport: 22, at: i * 3600})
			a := len(g.lines) - 2
			g.lines[a] = strings.Join(slices.Replace(strings.Fields(g.lines[a]), 8, 10, "12", "1900"), " ")
		}
	}},
	"SKIPDATA": {Skipped, false, 1, func(g *traffic, n int) {
		for i := range n {
			g.lines = append(g.lines, fmt.Sprintf("2 123456789012 eni-0a1b2c3d4e5f60718 - - - - - - - %d %d - SKIPDATA", epoch+i*60, epoch+i*60+59))
			if g.flags {
				g.lines[len(g.lines)-1] += " -"
			}
		}
	}},
	"no record for a while": {Missing, false, leastStretches, func(g *traffic, n int) {
		for i := range n + 1 {
			if i != 3 {
				g.add(flow{eni: "eni-0b", src: "10.0.1.200", dst: "10.0.2.1", sport: 40000, dport: 53, protocol: udp, packets: 1, bytes: 70, at: i * 600})
			}
		}
	}},
	"far more than usual": {Volume, false, leastStretches, func(g *traffic, n int) {
		for i := range n {
			f := flow{eni: "eni-0b", src: "10.0.1.200", dst: "10.0.2.1", sport: 40000, dport: 443, packets: 900, bytes: 4e6 + g.rng.IntN(1e6), at: i * 600}
			if i == 5 {
				f.bytes = 60e6
			}
			g.both(f)
			f.src, f.dst, f.sport, f.dport = f.dst, f.src, f.dport, f.sport
			g.add(f)
		}
	}},
}

func flood(g *traffic, n int) {
	for i := range n {
		g.add(flow{src: fmt.Sprintf("198.51.%d.%d", i/250, i%250), dst: "10.0.2.9", sport: 1024 + g.rng.IntN(60000), dport: 443, packets: 1, bytes: 44, at: 60 + i%40, flags: 2})
	}
}

func TestPatternsAreFoundAtTheirThreshold(t *testing.T) {
	for name, p := range patterns {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(5) {
				for _, n := range [...]int{p.n, p.n - 1} {
					g := newTraffic(seed)
					g.flags = p.flags
					g.ordinary()
					p.make(g, n)
					r := g.found(t, Options{})
					want := map[Kind]int{p.kind: 1}
					if n < p.n {
						want = map[Kind]int{}
					}
					if got := kindsOf(r); fmt.Sprint(got) != fmt.Sprint(want) {
						t.Errorf("seed %d, at %d: %v, want %v: %+v", seed, n, got, want, r.Findings)
					}
				}
			}
		})
	}
}

func TestOrdinaryTrafficIsQuiet(t *testing.T) {
	for seed := range uint64(20) {
		for _, flags := range [...]bool{false, true} {
			g := newTraffic(seed)
			g.flags = flags
			g.ordinary()
			if r := g.found(t, Options{}); len(r.Findings) > 0 {
				t.Errorf("seed %d: %+v", seed, r.Findings)
			}
		}
	}
}
