package conversation

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"weir/internal/rows"
	"weir/record"
)

// A world is a network of which everything is known: what was sent, and what each
// interface recorded of it.
type world struct {
	r      *rand.Rand
	format record.Format
	ifaces []iface
	lines  []string

	// The packets by what became of them, each counted once for each pair of
	// addresses that it had.
	accepted, refused int64
	truth             map[string]*talk
}

type iface struct {
	id       string
	vpc      string
	addr     netip.Addr
	recorded bool
	phase    int64 // when its windows begin
}

// A talk is a conversation as it was.
type talk struct {
	client, server netip.AddrPort
	there, back    int64 // packets
}

const window = 60

func newWorld(seed uint64, format string, n int, recorded float64) *world {
	f, err := record.ParseFormat(format)
	if err != nil {
		panic(err)
	}
	w := &world{r: rand.New(rand.NewPCG(seed, 7)), format: f, truth: map[string]*talk{}}
	for i := range n {
		w.ifaces = append(w.ifaces, iface{
			id: fmt.Sprintf("eni-%017x", i+1), vpc: "vpc-1", addr: netip.AddrFrom4([4]byte{10, 0, byte(i / 200), byte(4 + i%200)}),
			recorded: w.r.Float64() < recorded, phase: w.r.Int64N(window),
		})
	}
	return w
}

// A hop is where a packet is recorded.
type hop struct {
	at       *iface
	out      bool
	src, dst netip.AddrPort // as the interface records them
}

// burst is packets of one flow within one second.
type burst struct {
	pktSrc, pktDst netip.AddrPort
	proto          int
	packets        int64
	at             int64
	flags          record.Flags
	path           []hop
	refusedAt      int // of path; -1: nowhere
}

// send records a burst along its path, up to where it is refused.
func (w *world) send(b burst) {
	// A packet that was refused where nobody recorded it was accepted as far as
	// records tell.
	switch {
	case b.refusedAt >= 0 && b.path[b.refusedAt].at.recorded:
		w.refused += b.packets
	case b.refusedAt >= 0 && w.seen(b.path[:b.refusedAt]), b.refusedAt < 0 && w.seen(b.path):
		w.accepted += b.packets
	}
	for i, h := range b.path {
		verdict := "ACCEPT"
		if i == b.refusedAt {
			verdict = "REJECT"
		}
		if h.at.recorded {
			w.line(h, b, verdict)
		}
		if i == b.refusedAt {
			return
		}
	}
}

func (w *world) seen(path []hop) bool {
	return slices.ContainsFunc(path, func(h hop) bool { return h.at.recorded })
}

// line writes a record of a burst.
func (w *world) line(h hop, b burst, verdict string) {
	start := (b.at-h.at.phase)/window*window + h.at.phase
	dir := "ingress"
	if h.out {
		dir = "egress"
	}
	value := map[record.Field]any{
		record.Version: 5, record.AccountID: "123456789012", record.InterfaceID: h.at.id, record.VPCID: h.at.vpc,
		record.SrcAddr: h.src.Addr(), record.DstAddr: h.dst.Addr(), record.SrcPort: h.src.Port(), record.DstPort: h.dst.Port(),
		record.Protocol: b.proto, record.Packets: b.packets, record.Bytes: b.packets * 100,
		record.Start: max(start, b.at-3), record.End: min(start+window-1, b.at+5), record.Action: verdict, record.LogStatus: "OK",
		record.TCPFlags: uint8(b.flags), record.PktSrcAddr: b.pktSrc.Addr(), record.PktDstAddr: b.pktDst.Addr(),
		record.FlowDirection: dir,
	}
	var out []string
	for _, f := range w.format.Fields() {
		out = append(out, fmt.Sprint(value[f]))
	}
	w.lines = append(w.lines, strings.Join(out, " "))
}

// path is how packets get from one interface to another; nil is outside.
func path(from, to *iface, src, dst netip.AddrPort) (p []hop) {
	if from != nil {
		p = append(p, hop{from, true, src, dst})
	}
	if to != nil {
		p = append(p, hop{to, false, src, dst})
	}
	return p
}

// connect makes a TCP conversation of several windows and returns when it ended.
// refuse is 0: nothing, 1: the client's packets on their way out, 2: at the server, 3:
// the server's answers on their way out, 4: at the client.
func (w *world) connect(client, server *iface, c, s netip.AddrPort, at int64, windows int, refuse int) int64 {
	t := &talk{client: c, server: s}
	w.truth[fmt.Sprintf("%v %v %d", c, s, at)] = t
	there, back := path(client, server, c, s), path(server, client, s, c)
	cut := func(p []hop, at *iface) int {
		return slices.IndexFunc(p, func(h hop) bool { return h.at == at })
	}
	for i := range windows {
		var flags, answer record.Flags
		if i == 0 {
			flags, answer = record.SYN, record.SYNACK
		}
		if i == windows-1 && refuse == 0 {
			flags, answer = flags|record.FIN, answer|record.FIN
		}
		b := burst{pktSrc: c, pktDst: s, proto: 6, packets: 1 + w.r.Int64N(50), at: at, flags: flags, path: there, refusedAt: -1}
		switch refuse {
		case 1:
			b.refusedAt = cut(there, client)
		case 2:
			b.refusedAt = cut(there, server)
		}
		w.send(b)
		t.there += b.packets
		if refuse != 1 && refuse != 2 {
			b := burst{pktSrc: s, pktDst: c, proto: 6, packets: 1 + w.r.Int64N(50), at: at + 1, flags: answer, path: back, refusedAt: -1}
			switch refuse {
			case 3:
				b.refusedAt = cut(back, server)
			case 4:
				b.refusedAt = cut(back, client)
			}
			w.send(b)
			t.back += b.packets
		}
		at += window
	}
	return at
}

func (w *world) pick() *iface { return &w.ifaces[w.r.IntN(len(w.ifaces))] }

func (w *world) outside() netip.Addr {
	return netip.AddrFrom4([4]byte{203, 0, byte(w.r.IntN(200)), byte(1 + w.r.IntN(200))})
}

// traffic makes n conversations among the interfaces and with the outside.
func (w *world) traffic(n int) {
	for range n {
		c, s := w.pick(), w.pick()
		for c == s {
			s = w.pick()
		}
		ca, sa := c.addr, s.addr
		switch w.r.IntN(4) {
		case 0:
			c, ca = nil, w.outside()
		case 1:
			s, sa = nil, w.outside()
		}
		refuse := 0
		if w.r.IntN(3) == 0 {
			refuse = 1 + w.r.IntN(4)
			if c == nil && (refuse == 1 || refuse == 4) || s == nil && (refuse == 2 || refuse == 3) {
				refuse = 0
			}
		}
		w.connect(c, s, netip.AddrPortFrom(ca, uint16(32768+w.r.IntN(28000))), netip.AddrPortFrom(sa, []uint16{443, 5432, 8080, 22}[w.r.IntN(4)]),
			1_700_000_000+w.r.Int64N(3600), 1+w.r.IntN(4), refuse)
	}
}

// batches hands on the lines in any order, in batches of both kinds.
func (w *world) batches(t testing.TB, fn func(b *rows.Batch)) {
	t.Helper()
	lines := slices.Clone(w.lines)
	w.r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	var s rows.Splitter
	for some := range slices.Chunk(lines, 100) {
		err := s.Split([]byte(strings.Join(some, "\n")+"\n"), len(some), w.format, 1, func(b *rows.Batch) error {
			if w.r.IntN(2) == 0 {
				b = typed(b)
			}
			fn(b)
			return nil
		}, func(_ int64, text []byte) error { return fmt.Errorf("refused %q", text) })
		if err != nil {
			t.Fatal(err)
		}
	}
}

func everything(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(i)
	}
	return out
}
