package flow

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func sample() *Window {
	w := &Window{
		Tables:    1795500000123456789,
		Sequence:  42,
		Interface: Interface{Name: "eth0", Index: 2, MAC: "02:00:00:00:00:01", Netns: 4026531840, NetnsName: "blue"},
		Start:     time.Unix(1795500000, 5),
		End:       time.Unix(1795500060, 0),
		Skipped:   [2]Count{{1, 100}, {2, 300}},
	}
	for i, a := range []string{"10.0.0.1", "2001:db8::1", "::ffff:10.0.0.1"} {
		f := Flow{Count: Count{uint64(1000 * i), 1 << (20 * i)}, First: 1795500001, Last: 1795500059, Flags: 19}
		f.SetAddrs(netip.MustParseAddr(a), netip.MustParseAddr(a).Next())
		f.SrcPort, f.DstPort, f.Protocol = 49152, 443, 6
		f.Direction, f.Verdict = Direction(i&1), Verdict(i>>1)
		w.Flows = append(w.Flows, f)
	}
	return w
}

func TestWireRoundTrip(t *testing.T) {
	for _, w := range []*Window{sample(), {Start: time.Unix(0, 0), End: time.Unix(60, 0), Quiet: true}} {
		var got Window
		rest, err := got.ParseWire(append(w.AppendWire(nil), "rest"...))
		if err != nil {
			t.Fatal(err)
		}
		if string(rest) != "rest" {
			t.Errorf("rest is %q", rest)
		}
		if diff := cmp.Diff(*w, got); diff != "" {
			t.Errorf("round trip (-want +got):\n%s", diff)
		}
	}
}

// These bytes are on disks: they must be read for ever.
func TestWireVersion1(t *testing.T) {
	const kept = "01959acaaccbb7b9f5182a04657468301130323a30303a30303a30303a30303a303104626c7565" +
		"02808080800f8a80b6e395eff2ea3180e0f0e7d4f2f2ea3100016402ac0203" +
		"0006130a0000010a000002c00001bb0001027405061320010db800000000000000000000000120010db8" +
		"000000000000000000000002c00001bbe8078080400274"
	w := sample()
	got := hex.EncodeToString(w.AppendWire(nil))
	if len(got) < len(kept) || got[:len(kept)] != kept {
		t.Errorf("the wire form has changed:\n got %s\nwant %s…", got, kept)
	}
}

func TestWireIsCompact(t *testing.T) {
	w := sample()
	w.Flows = w.Flows[:1]
	w.Flows[0].Packets, w.Flows[0].Bytes = 1_000_000_000, 1_500_000_000_000
	one := len(w.AppendWire(nil))
	w.Flows = append(w.Flows, w.Flows[0])
	if got := len(w.AppendWire(nil)) - one; got > 40 {
		t.Errorf("an IPv4 flow takes %d bytes, want at most 40", got)
	}
}

func TestWireDamaged(t *testing.T) {
	whole := sample().AppendWire(nil)
	for n := range whole {
		var w Window
		if _, err := w.ParseWire(whole[:n]); !errors.Is(err, ErrWire) {
			t.Errorf("cut at byte %d: error is %v, want ErrWire", n, err)
		}
	}
	other := bytes.Clone(whole)
	other[0] = 9
	var w Window
	if _, err := w.ParseWire(other); !errors.Is(err, ErrWire) {
		t.Errorf("another version: error is %v, want ErrWire", err)
	}
}

func FuzzParseWire(f *testing.F) {
	f.Add(sample().AppendWire(nil))
	f.Add((&Window{Quiet: true, Start: time.Unix(0, 0), End: time.Unix(1, 0)}).AppendWire(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		var want Window
		if _, err := want.ParseWire(b); err != nil {
			return
		}
		var got Window
		rest, err := got.ParseWire(want.AppendWire(nil))
		if err != nil || len(rest) > 0 {
			t.Fatalf("our own output: %v, %d bytes left", err, len(rest))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("round trip (-want +got):\n%s", diff)
		}
	})
}

func BenchmarkWire(b *testing.B) {
	w := sample()
	for len(w.Flows) < 1000 {
		w.Flows = append(w.Flows, w.Flows[0])
	}
	buf := w.AppendWire(nil)
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			buf = w.AppendWire(buf[:0])
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/flow")
		b.ReportMetric(float64(len(buf))/1000, "B/flow")
	})
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		var got Window
		for b.Loop() {
			if _, err := got.ParseWire(buf); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/flow")
	})
}
