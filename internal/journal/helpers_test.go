package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/flow"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		child()
		return
	}
	code := m.Run()
	if code == 0 {
		code = leaks()
	}
	os.Exit(code)
}

// leaks reports goroutines of ours, of the client and of the server that are
// still there some time after all journals were closed.
func leaks() int {
	var left []string
	for range 100 {
		buf := make([]byte, 1<<20)
		left = nil
		for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(g, "(*msgBlock).flushLoop") {
				// Sometimes left of a batch that found the disk full, with its
				// removed file (nats-server 2.15.2). A journal that was not
				// closed leaves much else.
				continue
			}
			if strings.Contains(g, "(*fileStore).flushStreamStateLoop") || strings.Contains(g, "server/ats.Register") {
				// Sometimes left when the server stops at once after a batch of
				// several messages: of the store where that was staged.
				continue
			}
			if strings.Contains(g, "nats-io/") || strings.Contains(g, "weir/internal/journal.(") {
				left = append(left, g)
			}
		}
		if len(left) == 0 {
			return 0
		}
		time.Sleep(100 * time.Millisecond)
	}
	fmt.Printf("%d goroutines leak:\n%s\n", len(left), strings.Join(left, "\n\n"))
	return 1
}

func openDir(t testing.TB, dir string) *Journal {
	t.Helper()
	return openConfig(t, Config{Dir: dir})
}

func openConfig(t testing.TB, cfg Config) *Journal {
	t.Helper()
	j, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

// meta is what an agent would say about an interface: about 600 bytes, most of
// them the same for all.
func meta(n int) []byte {
	b, err := json.Marshal(map[string]any{
		"accountId": "123456789012", "region": "local-1", "azId": "local-1a",
		"vpcId": "vpc-0a1b2c3d4e5f67890", "subnetId": fmt.Sprintf("subnet-0a1b2c3d4e5f6%04x", n/20),
		"interfaceId": fmt.Sprintf("eni-0a1b2c3d4e5f6%04x", n), "instanceId": fmt.Sprintf("i-0123456789abc%04x", n/2),
		"addresses": []string{fmt.Sprintf("10.0.%d.%d", n/200, n%200+4), fmt.Sprintf("fd00:0:0:%x::%x", n/200, n+4)},
		"type":      "interface", "tags": map[string]string{"Name": fmt.Sprintf("web-%d", n), "env": "production", "team": "edge"},
		"securityGroups": []string{"sg-0123456789abcdef0", "sg-0fedcba9876543210"},
	})
	if err != nil {
		panic(err)
	}
	return b
}

// batch makes a batch that is the same for the same arguments: windows of
// interfaces in 10.0.0.0/16 that talk to each other and to clients outside,
// one flow in ten over IPv6, one in ten refused.
func batch(host string, tables, sequence uint64, windows, flows int) *Batch {
	b := &Batch{Host: host, Tables: tables, Sequence: sequence}
	start := time.Unix(1_800_000_000+60*int64(sequence), 123456789)
	for n := range windows {
		r := rand.New(rand.NewPCG(tables<<32|sequence, uint64(n)))
		w := &flow.Window{Tables: tables, Sequence: sequence, Start: start, End: start.Add(time.Minute),
			Interface: flow.Interface{Name: fmt.Sprintf("veth%08x", n), Index: n + 3, MAC: fmt.Sprintf("02:00:00:00:%02x:%02x", n>>8, n&255), Netns: 4026531840 + uint64(n)}}
		w.Skipped[flow.Ingress] = flow.Count{Packets: uint64(n % 3), Bytes: uint64(n%3) * 100}
		own := netip.AddrFrom4([4]byte{10, 0, byte(n / 200), byte(n%200 + 4)})
		for range flows {
			w.Flows = append(w.Flows, someFlow(r, own, start.Unix()))
		}
		w.Quiet = flows == 0
		b.Entries = append(b.Entries, Entry{Meta: meta(n), Window: w})
	}
	return b
}

func someFlow(r *rand.Rand, own netip.Addr, start int64) flow.Flow {
	var f flow.Flow
	peer := netip.AddrFrom4([4]byte{10, 0, byte(r.IntN(4)), byte(r.IntN(200) + 4)})
	if r.IntN(3) == 0 {
		peer = netip.AddrFrom4([4]byte{byte(r.IntN(200) + 20), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())})
	}
	if r.IntN(10) == 0 {
		own = netip.MustParseAddr("fd00::5")
		peer = netip.AddrFrom16([16]byte{0xfd, 15: byte(r.Uint32())})
	}
	f.SetAddrs(own, peer)
	f.SrcPort, f.DstPort = uint16(32768+r.IntN(28000)), [...]uint16{443, 443, 443, 80, 53, 5432, 6379, 9100}[r.IntN(8)]
	f.Protocol = 6
	if f.DstPort == 53 {
		f.Protocol = 17
	} else {
		f.Flags = [...]uint8{3, 2, 0, 18, 19, 6}[r.IntN(6)]
	}
	f.Direction = flow.Egress
	if r.IntN(2) == 0 {
		f.Src, f.Dst, f.SrcPort, f.DstPort = f.Dst, f.Src, f.DstPort, f.SrcPort
		f.Direction = flow.Ingress
	}
	if r.IntN(10) == 0 {
		f.Verdict = flow.Reject
	}
	f.Packets = 1 + uint64(r.ExpFloat64()*20)
	f.Bytes = f.Packets * uint64(40+r.IntN(1400))
	f.First = start + int64(r.IntN(60))
	f.Last = min(start+59, f.First+int64(r.IntN(20)))
	return f
}

// collector puts parts of windows together again.
type collector struct {
	batches []*Batch
	seqs    []uint64 // of all messages
}

// add takes a message, whose memory is used again.
func (c *collector) add(m *Message) error {
	c.seqs = append(c.seqs, m.Seq)
	for _, e := range m.Entries {
		w := *e.Window
		w.Flows = append([]flow.Flow(nil), w.Flows...)
		var b *Batch
		if n := len(c.batches); n > 0 {
			b = c.batches[n-1]
		}
		if b == nil || b.Host != m.Host || b.Tables != w.Tables || b.Sequence != w.Sequence {
			b = &Batch{Host: m.Host, Tables: w.Tables, Sequence: w.Sequence}
			c.batches = append(c.batches, b)
		}
		if e.Part == 0 {
			b.Entries = append(b.Entries, Entry{Meta: append([]byte(nil), e.Meta...), Window: &w, More: e.More})
			continue
		}
		last := &b.Entries[len(b.Entries)-1]
		if !last.More || last.Part+1 != e.Part || string(last.Meta) != string(e.Meta) || w.Quiet || w.SkippedAll() != (flow.Count{}) {
			return fmt.Errorf("message %d: part %d does not continue what was there", m.Seq, e.Part)
		}
		last.Window.Flows = append(last.Window.Flows, w.Flows...)
		last.Part, last.More = e.Part, e.More
	}
	return nil
}

// whole returns the batches without traces of their parts.
func (c *collector) whole() []*Batch {
	for _, b := range c.batches {
		for i := range b.Entries {
			b.Entries[i].Part = 0
		}
	}
	return c.batches
}

// readAll reads everything the journal has.
func readAll(t testing.TB, j *Journal) *collector {
	t.Helper()
	c := new(collector)
	take(t, j, c)
	return c
}

// take collects what is in the journal now.
func take(t testing.TB, j *Journal, c *collector) {
	t.Helper()
	first, err := j.First(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	last, err := j.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if first > last {
		return
	}
	if err := j.ReadRange(t.Context(), first, last, c.add); err != nil {
		t.Fatal(err)
	}
}

// wantBatches fails unless the journal holds these batches, in this order.
func wantBatches(t testing.TB, j *Journal, want ...*Batch) {
	t.Helper()
	got := readAll(t, j).whole()
	if reflect.DeepEqual(got, want) {
		return // cmp takes seconds for 100 000 flows
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("batches (-want +got):\n%.4000s", diff)
	}
}

func mustAppend(t testing.TB, j *Journal, b *Batch) {
	t.Helper()
	if err := j.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func wantErr(t testing.TB, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("error is %v, want one that wraps %v", got, want)
	}
}

func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
