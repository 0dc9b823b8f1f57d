package conversation

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"weir/internal/rows"
	"weir/record"
)

// batch makes a batch of lines.
func batch(t testing.TB, format string, lines ...string) *rows.Batch {
	t.Helper()
	f, err := record.ParseFormat(format)
	if err != nil {
		t.Fatal(err)
	}
	var out *rows.Batch
	err = new(rows.Splitter).Split([]byte(strings.Join(lines, "\n")+"\n"), len(lines), f, 1, func(b *rows.Batch) error {
		out = b
		return nil
	}, func(n int64, text []byte) error { return fmt.Errorf("line %d refused: %s", n, text) })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// typed is a batch as it comes from a Parquet file: numbers as numbers, words in
// dictionaries.
func typed(b *rows.Batch) *rows.Batch {
	out := &rows.Batch{Format: b.Format, Rows: b.Rows, Line: b.Line, Columns: make([]rows.Column, len(b.Columns))}
	for i := range b.Columns {
		from, c := &b.Columns[i], &out.Columns[i]
		if b.Format.Field(i).Type() != record.String {
			c.Kind = rows.Ints
			for row := range b.Rows {
				v, ok := rows.ParseInt(from.Text(row))
				if !ok {
					v = rows.Null
				}
				c.Ints = append(c.Ints, v)
			}
			continue
		}
		c.Kind, c.Values = rows.Dict, &rows.Column{}
		for row := range b.Rows {
			if rows.Absent(from.Text(row)) {
				c.Codes = append(c.Codes, rows.NullCode)
				continue
			}
			c.Codes = append(c.Codes, uint32(max(len(c.Values.Ends), 1)-1))
			c.Values.AppendText(from.Text(row))
		}
	}
	return out
}

func conversations(t testing.TB, format string, lines ...string) (out []string) {
	t.Helper()
	b := batch(t, format, lines...)
	out = of(t, b)
	if got := of(t, typed(b)); !slices.Equal(got, out) {
		t.Errorf("in columns of their types: got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(out, "\n"))
	}
	return out
}

func of(t testing.TB, b *rows.Batch) (out []string) {
	t.Helper()
	table := NewTable(1000)
	bad, err := table.Add(b, everything(b.Rows))
	if err != nil || len(bad) > 0 {
		t.Fatal(bad, err)
	}
	for r := range table.Rows(ByTime, -1) {
		out = append(out, text(r))
	}
	return out
}

// text is a row on one line.
func text(r Row) string {
	way := func(w Way) string {
		s := fmt.Sprintf("%d/%d", w.Packets, w.Bytes)
		if w.Refused > 0 {
			s += fmt.Sprintf("(-%d)", w.Refused)
		}
		return s + "@" + w.View
	}
	s := fmt.Sprintf("%v > %v %d %v there %s back %s %d-%d %v, %v", r.Client, r.Server, r.Protocol, r.Decided,
		way(r.ToServer), way(r.ToClient), r.Start, r.End, r.Verdict, r.Ending)
	if len(r.RefusedAt) > 0 {
		s += fmt.Sprintf(", refused at %v", r.RefusedAt)
	}
	if len(r.Through) > 0 {
		s += fmt.Sprintf(", through %v", r.Through)
	}
	if r.Uncounted {
		s += ", uncounted"
	}
	return s + fmt.Sprintf(", %v, %d", r.Interfaces, r.Records)
}

func TestRows(t *testing.T) {
	const (
		v2    = "interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action"
		flags = v2 + " tcp-flags"
		pkt   = flags + " pkt-srcaddr pkt-dstaddr"
		plain = "srcaddr dstaddr"
	)
	for _, tt := range []struct {
		name   string
		format string
		lines  []string
		want   []string
	}{
		// "Flow log record examples", TCP flag sequence.
		{"a connection in one window", flags, []string{
			"eni-1 10.0.0.62 10.0.0.63 43638 5001 6 5 300 100 159 ACCEPT 3",
			"eni-1 10.0.0.63 10.0.0.62 5001 43638 6 4 200 100 159 ACCEPT 19",
		}, []string{"10.0.0.62:43638 > 10.0.0.63:5001 6 syn there 5/300@eni-1 back 4/200@eni-1 100-159 accepted, closed, [eni-1], 2"}},
		{"both interfaces see it: packets count once, the fuller view", flags, []string{
			"eni-1 10.0.0.62 10.0.0.63 43638 5001 6 5 300 100 159 ACCEPT 2",
			"eni-2 10.0.0.62 10.0.0.63 43638 5001 6 6 360 130 189 ACCEPT 2",
			"eni-2 10.0.0.63 10.0.0.62 5001 43638 6 4 200 130 189 ACCEPT 18",
		}, []string{"10.0.0.62:43638 > 10.0.0.63:5001 6 syn there 6/360@eni-2 back 4/200@eni-2 100-189 accepted, open, [eni-1 eni-2], 3"}},
		{"refused at the server's interface", flags, []string{
			"eni-1 10.0.0.62 10.0.0.63 43638 22 6 3 180 100 159 ACCEPT 2",
			"eni-2 10.0.0.62 10.0.0.63 43638 22 6 3 180 100 159 REJECT 2",
		}, []string{"10.0.0.62:43638 > 10.0.0.63:22 6 syn there 3/180(-3)@eni-1 back 0/0@ 100-159 refused, refused, refused at [eni-2], [eni-1 eni-2], 2"}},
		{"ICMP: a ping comes in, a network ACL refuses the answer", v2, []string{
			"eni-1 203.0.113.12 172.31.16.139 0 0 1 4 336 1432917027 1432917142 ACCEPT",
			"eni-1 172.31.16.139 203.0.113.12 0 0 1 4 336 1432917094 1432917142 REJECT",
		}, []string{"203.0.113.12:0 > 172.31.16.139:0 1 first there 4/336@eni-1 back 4/336(-4)@eni-1 1432917027-1432917142 answer refused, -, refused at [eni-1], [eni-1], 2"}},
		{"without flags: the port of a service", v2, []string{
			"eni-1 10.0.0.9 10.0.0.2 5432 6000 6 1 40 100 159 ACCEPT",
			"eni-1 10.0.0.2 10.0.0.9 6000 5432 6 1 40 101 159 ACCEPT",
		}, []string{"10.0.0.2:6000 > 10.0.0.9:5432 6 port there 1/40@eni-1 back 1/40@eni-1 100-159 accepted, -, [eni-1], 2"}},
		{"without flags: the ephemeral port", v2, []string{
			"eni-1 10.0.0.9 10.0.0.2 7777 40000 6 1 40 100 159 ACCEPT",
			"eni-1 10.0.0.2 10.0.0.9 40000 7777 6 1 40 101 159 ACCEPT",
		}, []string{"10.0.0.2:40000 > 10.0.0.9:7777 6 range there 1/40@eni-1 back 1/40@eni-1 100-159 accepted, -, [eni-1], 2"}},
		{"without flags: who was first", v2, []string{
			"eni-1 10.0.0.9 10.0.0.2 40001 40000 17 1 40 100 159 ACCEPT",
			"eni-1 10.0.0.2 10.0.0.9 40000 40001 17 1 40 101 159 ACCEPT",
		}, []string{"10.0.0.9:40001 > 10.0.0.2:40000 17 first there 1/40@eni-1 back 1/40@eni-1 100-159 accepted, -, [eni-1], 2"}},
		{"nothing tells", v2, []string{
			"eni-1 10.0.0.9 10.0.0.2 40001 40000 17 1 40 100 159 ACCEPT",
			"eni-1 10.0.0.2 10.0.0.9 40000 40001 17 1 40 100 159 ACCEPT",
		}, []string{"10.0.0.2:40000 > 10.0.0.9:40001 17 undecided there 1/40@eni-1 back 1/40@eni-1 100-159 accepted, -, [eni-1], 2"}},
		{"a format with almost nothing", plain, []string{"10.0.0.9 10.0.0.2"},
			[]string{"10.0.0.9:0 > 10.0.0.2:0 0 first there 0/0@- back 0/0@ 0-0 -, unanswered, uncounted, [-], 1"}},
		{"retried SYNs that nobody answers are one", flags, []string{
			"eni-1 10.0.0.9 10.0.0.2 40001 443 6 1 60 100 101 ACCEPT 2",
			"eni-1 10.0.0.9 10.0.0.2 40001 443 6 1 60 164 164 ACCEPT 2",
			"eni-1 10.0.0.9 10.0.0.2 40001 443 6 1 60 300 300 ACCEPT 2",
		}, []string{"10.0.0.9:40001 > 10.0.0.2:443 6 syn there 3/180@eni-1 back 0/0@ 100-300 accepted, unanswered, [eni-1], 3"}},
		{"the port again after an end", flags, []string{
			"eni-1 10.0.0.9 10.0.0.2 40001 443 6 9 60 100 150 ACCEPT 3",
			"eni-1 10.0.0.2 10.0.0.9 443 40001 6 9 60 100 150 ACCEPT 19",
			"eni-1 10.0.0.9 10.0.0.2 40001 443 6 7 60 220 270 ACCEPT 2",
			"eni-1 10.0.0.2 10.0.0.9 443 40001 6 7 60 220 270 ACCEPT 22",
		}, []string{
			"10.0.0.9:40001 > 10.0.0.2:443 6 syn there 9/60@eni-1 back 9/60@eni-1 100-150 accepted, closed, [eni-1], 2",
			"10.0.0.9:40001 > 10.0.0.2:443 6 syn there 7/60@eni-1 back 7/60@eni-1 220-270 accepted, reset, [eni-1], 2",
		}},
		{"an hour of silence with flags", flags, []string{
			"eni-1 10.0.0.9 10.0.0.2 40001 443 6 9 60 100 150 ACCEPT 2",
			"eni-1 10.0.0.9 10.0.0.2 40001 443 6 9 60 3700 3750 ACCEPT 0",
		}, []string{"10.0.0.9:40001 > 10.0.0.2:443 6 syn there 18/120@eni-1 back 0/0@ 100-3750 accepted, unanswered, [eni-1], 2"}},
		{"an hour of silence without flags", v2, []string{
			"eni-1 10.0.0.9 10.0.0.2 40001 443 6 9 60 100 150 ACCEPT",
			"eni-1 10.0.0.9 10.0.0.2 40001 443 6 9 60 3700 3750 ACCEPT",
		}, []string{
			"10.0.0.9:40001 > 10.0.0.2:443 6 port there 9/60@eni-1 back 0/0@ 100-150 accepted, unanswered, [eni-1], 1",
			"10.0.0.9:40001 > 10.0.0.2:443 6 port there 9/60@eni-1 back 0/0@ 3700-3750 accepted, unanswered, [eni-1], 1",
		}},
		// "Flow log record examples", traffic through a transit gateway.
		{"through a transit gateway", pkt, []string{
			"eni-server 10.20.33.164 10.40.2.236 39812 80 6 4 239 100 159 ACCEPT 3 10.20.33.164 10.40.2.236",
			"eni-server 10.40.2.236 10.20.33.164 80 39812 6 4 239 100 159 ACCEPT 19 10.40.2.236 10.20.33.164",
			"eni-tgw1 10.40.1.175 10.40.2.236 39812 80 6 4 239 100 159 ACCEPT 3 10.20.33.164 10.40.2.236",
			"eni-tgw2 10.40.2.236 10.40.2.31 80 39812 6 4 239 100 159 ACCEPT 19 10.40.2.236 10.20.33.164",
		}, []string{"10.20.33.164:39812 > 10.40.2.236:80 6 syn there 4/239@eni-server back 4/239@eni-server 100-159 accepted, closed, through [eni-tgw1 eni-tgw2], [eni-server eni-tgw1 eni-tgw2], 4"}},
		{"through a NAT gateway: two conversations", pkt, []string{
			"eni-i 10.0.1.5 203.0.113.5 40000 443 6 4 400 100 159 ACCEPT 2 10.0.1.5 203.0.113.5",
			"eni-nat 10.0.1.5 10.0.0.220 40000 443 6 4 400 100 159 ACCEPT 2 10.0.1.5 203.0.113.5",
			"eni-nat 10.0.0.220 203.0.113.5 2000 443 6 4 400 101 159 ACCEPT 2 10.0.0.220 203.0.113.5",
			"eni-nat 203.0.113.5 10.0.0.220 443 2000 6 3 300 101 159 ACCEPT 18 203.0.113.5 10.0.0.220",
			"eni-nat 10.0.0.220 10.0.1.5 443 40000 6 3 300 101 159 ACCEPT 18 203.0.113.5 10.0.1.5",
			"eni-i 203.0.113.5 10.0.1.5 443 40000 6 3 300 101 159 ACCEPT 18 203.0.113.5 10.0.1.5",
		}, []string{
			"10.0.1.5:40000 > 203.0.113.5:443 6 syn there 4/400@eni-i back 3/300@eni-i 100-159 accepted, open, through [eni-nat], [eni-i eni-nat], 4",
			"10.0.0.220:2000 > 203.0.113.5:443 6 syn there 4/400@eni-nat back 3/300@eni-nat 101-159 accepted, open, [eni-nat], 2",
		}},
		{"a refusal without counts", v2, []string{"eni-1 203.0.113.5 10.0.1.5 40000 443 6 - - 100 159 REJECT"},
			[]string{"203.0.113.5:40000 > 10.0.1.5:443 6 port there 0/0@eni-1 back 0/0@ 100-159 refused, refused, refused at [eni-1], uncounted, [eni-1], 1"}},
		{"no data", v2, []string{"eni-1 - - - - - - - 100 159 -"}, nil},
		{"IPv6", flags, []string{
			"eni-1 2001:db8::1 2001:db8:0::2 40000 443 6 1 80 100 159 ACCEPT 2",
			"eni-1 2001:db8::2 2001:db8::1 443 40000 6 1 80 100 159 ACCEPT 22",
		}, []string{"[2001:db8::1]:40000 > [2001:db8::2]:443 6 syn there 1/80@eni-1 back 1/80@eni-1 100-159 accepted, reset, [eni-1], 2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := conversations(t, tt.format, tt.lines...)
			if !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			// The order of records makes no difference.
			slices.Reverse(tt.lines)
			if got := conversations(t, tt.format, tt.lines...); !slices.Equal(got, tt.want) {
				t.Errorf("backwards: got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// Conversations come out as they went on, whatever the order of records and however
// many tables they were in.
func TestTruth(t *testing.T) {
	for _, format := range []string{version2, version5} {
		for _, recorded := range []float64{1, 0.5} {
			for seed := range uint64(3) {
				w := newWorld(seed, format, 20, recorded)
				w.traffic(1000)
				var once []string
				for round := range 2 {
					tables := []*Table{NewTable(10000), NewTable(10000), NewTable(10000)}
					n := 0
					w.batches(t, func(b *rows.Batch) {
						if bad, err := tables[n%(1+2*round)].Add(b, everything(b.Rows)); err != nil || len(bad) > 0 {
							t.Fatal(bad, err)
						}
						n++
					})
					for _, o := range tables[1:] {
						if err := tables[0].Merge(o); err != nil {
							t.Fatal(err)
						}
					}
					var got []string
					for r := range tables[0].Rows(ByTime, -1) {
						got = append(got, text(r))
						if recorded < 1 {
							continue
						}
						truth := w.find(r)
						if truth == nil {
							t.Fatalf("never was: %s", text(r))
						}
						if r.ToServer.Packets != truth.there || r.ToClient.Packets != truth.back {
							t.Fatalf("there %d, back %d: %s", truth.there, truth.back, text(r))
						}
					}
					if recorded == 1 && len(got) != len(w.truth) {
						t.Errorf("%d conversations, want %d", len(got), len(w.truth))
					}
					if round == 0 {
						once = got
					} else if !slices.Equal(once, got) {
						t.Error("the order of records makes a difference")
					}
				}
			}
		}
	}
}

// TestOrder has records of few endpoints, with any flags and any times: an end that
// comes late must not make one conversation of what are two with it.
func TestOrder(t *testing.T) {
	for _, format := range []string{
		"interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action tcp-flags",
		"interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action",
		"interface-id srcaddr dstaddr srcport dstport packets bytes start end action tcp-flags",
	} {
		for seed := range uint64(20) {
			r := rand.New(rand.NewPCG(seed, 0))
			var lines []string
			for range 300 {
				ends := []string{"10.0.0.1", "10.0.0.2"}
				ports := []int{22 + r.IntN(2), 40000}
				from := r.IntN(2)
				start := 1700000000 + r.IntN(40000)
				line := fmt.Sprintf("eni-%d %s %s %d %d", r.IntN(2), ends[from], ends[1-from], ports[from], ports[1-from])
				if strings.Contains(format, "protocol") {
					line += fmt.Sprintf(" %d", []int{6, 6, 17}[r.IntN(3)])
				}
				line += fmt.Sprintf(" %d %d %d %d %s", r.IntN(90), r.IntN(9000), start, start+r.IntN(60), []string{"ACCEPT", "REJECT"}[r.IntN(9)/8])
				if strings.Contains(format, "tcp-flags") {
					line += fmt.Sprintf(" %d", []int{0, 1, 2, 3, 4, 16, 18, 19}[r.IntN(8)])
				}
				lines = append(lines, line)
			}
			want := of(t, batch(t, format, lines...))
			for range 3 {
				r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
				if got := of(t, batch(t, format, lines...)); !slices.Equal(got, want) {
					t.Fatalf("%s: the order of records makes a difference: %d conversations, and %d", format, len(want), len(got))
				}
				var parts []*Table
				for i := range 3 {
					part := NewTable(1000)
					b := batch(t, format, lines[100*i:100*(i+1)]...)
					if bad, err := part.Add(b, everything(b.Rows)); err != nil || len(bad) > 0 {
						t.Fatal(bad, err)
					}
					parts = append(parts, part)
				}
				var got []string
				for _, o := range parts[1:] {
					if err := parts[0].Merge(o); err != nil {
						t.Fatal(err)
					}
				}
				for r := range parts[0].Rows(ByTime, -1) {
					got = append(got, text(r))
				}
				if !slices.Equal(got, want) {
					t.Fatalf("%s: how many tables there are makes a difference: %d conversations, and %d", format, len(want), len(got))
				}
			}
		}
	}
}

// find returns the conversation that a row tells of.
func (w *world) find(r Row) *talk {
	for at := r.Start; at < r.Start+window; at++ {
		if k := w.truth[fmt.Sprintf("%v %v %d", r.Client, r.Server, at)]; k != nil {
			return k
		}
	}
	return nil
}

func TestLimit(t *testing.T) {
	table := NewTable(2)
	b := batch(t, "srcaddr dstaddr", "10.0.0.1 10.0.0.2", "10.0.0.2 10.0.0.1", "10.0.0.1 10.0.0.3")
	if _, err := table.Add(b, everything(3)); err != nil {
		t.Fatal(err)
	}
	b = batch(t, "srcaddr dstaddr", "10.0.0.1 10.0.0.4")
	if _, err := table.Add(b, everything(1)); !errors.Is(err, ErrTooMany) {
		t.Errorf("Add: %v", err)
	}
	other := NewTable(2)
	if _, err := other.Add(b, everything(1)); err != nil {
		t.Fatal(err)
	}
	if err := table.Merge(other); !errors.Is(err, ErrTooMany) {
		t.Errorf("Merge: %v", err)
	}
}

func TestBadRows(t *testing.T) {
	table := NewTable(10)
	b := batch(t, "srcaddr dstaddr srcport packets tcp-flags", "10.0.0.1 10.0.0.2 70000 1 0", "10.0.0.1 10.0.0.2 1 x 0",
		"10.0.0.1 10.0.0.2 1 1 256", "10.0.0.1 10.0.0.2 1 1 2", "xx.xx.xx.xx 10.0.0.2 1 1 2")
	bad, err := table.Add(b, everything(b.Rows))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range bad {
		got = append(got, fmt.Sprintf("%d %s: %v", x.Row, x.Name, x.Reason))
	}
	want := []string{"0 srcport: value out of range", "1 packets: value is not a decimal number", "2 tcp-flags: value out of range"}
	if !slices.Equal(got, want) || table.Len() != 1 || table.Left != 1 {
		t.Errorf("got %q, %d conversations, %d left", got, table.Len(), table.Left)
	}
}

func TestServicesAreInOrder(t *testing.T) {
	if !slices.IsSorted(services) {
		t.Error("they are searched as if they were")
	}
}
