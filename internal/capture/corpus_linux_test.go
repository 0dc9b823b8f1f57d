package capture

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"golang.org/x/sys/unix"

	"weir/internal/flow"
	"weir/internal/lab"
	"weir/internal/lab/packet"
)

// corpusDir holds captures of other projects and what independent programs make
// of them; it is not part of the project.
const corpusDir = "../../../shared/data"

// oracleFlow is a flow as the oracle has it.
type oracleFlow struct {
	Src, Dst         netip.Addr
	SrcPort, DstPort uint16
	Protocol         int
	Packets, Bytes   uint64
	TCPFlags         uint8 `json:"tcp_flags"`
	Fragments        uint64
}

func (o *oracleFlow) UnmarshalJSON(b []byte) error {
	var raw struct {
		SrcAddr   string `json:"srcaddr"`
		DstAddr   string `json:"dstaddr"`
		SrcPort   uint16 `json:"srcport"`
		DstPort   uint16 `json:"dstport"`
		Protocol  int    `json:"protocol"`
		Packets   uint64 `json:"packets"`
		Bytes     uint64 `json:"bytes"`
		TCPFlags  int    `json:"tcp_flags"`
		Fragments uint64 `json:"fragments"`
	}
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	src, err1 := netip.ParseAddr(raw.SrcAddr)
	dst, err2 := netip.ParseAddr(raw.DstAddr)
	*o = oracleFlow{src, dst, raw.SrcPort, raw.DstPort, raw.Protocol, raw.Packets, raw.Bytes, uint8(raw.TCPFlags), raw.Fragments}
	return errors.Join(err1, err2)
}

// corpusKey is what flows are compared by.
type corpusKey struct {
	src, dst         netip.Addr
	srcPort, dstPort uint16
	protocol         int
}

func (k corpusKey) String() string {
	return fmt.Sprintf("proto %d %s:%d > %s:%d", k.protocol, k.src, k.srcPort, k.dst, k.dstPort)
}

type corpusCount struct {
	flow.Count
	flags uint8 // FIN, SYN and RST
}

// TestCorpus gives each packet of each capture to the ingress program and
// compares the flows with the oracle's.
func TestCorpus(t *testing.T) {
	index, err := os.ReadFile(filepath.Join(corpusDir, "pcaps/index.json"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("SKIPPED: no captures at %s", corpusDir)
	}
	b := newBed(t)
	b.must(err)
	var captures []struct {
		Pcap  string
		Exact *bool
	}
	b.must(json.Unmarshal(index, &captures))
	if len(captures) == 0 {
		t.Fatal("the index names no capture")
	}
	s := b.open(Config{}, of(b.server, "eth0"))
	b.must(b.c.SetMTU(65535))
	b.must(b.s.SetMTU(65535))
	long, err := b.c.Raw()
	b.must(err)
	defer long.Close()
	player := &player{prog: s.only(t).ingress, long: long, mac: b.s.MAC()}
	tally := make(map[string]int)
	for _, c := range captures {
		var want struct{ Flows []oracleFlow }
		raw, err := os.ReadFile(filepath.Join(corpusDir, "oracle", c.Pcap+".json"))
		if err == nil {
			err = json.Unmarshal(raw, &want)
		}
		if err != nil {
			tally["no oracle"]++
			continue
		}
		run, err := player.play(filepath.Join(corpusDir, "pcaps", c.Pcap))
		got := b.window(s)
		b.forgetFragments(s)
		if err != nil {
			tally["unreadable or another link type"]++
			t.Logf("%s: not run: %v", c.Pcap, err)
			continue
		}
		kind := "TShark alone"
		if c.Exact != nil && *c.Exact {
			kind = "exact"
		}
		how, diff := compareCorpus(got, want.Flows)
		tally[kind+": "+how]++
		reason, known := corpusDifferences[c.Pcap]
		switch {
		case how == "differs" && !known:
			t.Errorf("%s (%s): %s\n  %s", c.Pcap, kind, run, strings.Join(diff[:min(len(diff), 12)], "\n  "))
		case how == "differs":
			t.Logf("%s: differs as it should: %s", c.Pcap, reason)
		case known:
			t.Errorf("%s agrees with the oracle; take it off the list of differences", c.Pcap)
		}
	}
	var names []string
	for k := range tally {
		names = append(names, fmt.Sprintf("%s: %d", k, tally[k]))
	}
	sort.Strings(names)
	t.Logf("captures:\n  %s", strings.Join(names, "\n  "))
}

// corpusDifferences are captures on which we and the oracle rightly differ.
var corpusDifferences = map[string]string{
	"ndpi/badpackets.pcap":                                    lying,
	"ndpi/fuzz-2006-06-26-2594.pcap":                          lying,
	"ndpi/fuzz-2006-09-29-28586.pcap":                         lying,
	"ndpi/fuzz-2020-02-16-11740.pcap":                         lying,
	"ndpi/telnet.pcap":                                        lying,
	"ndpi/ip_fragmented_garbage.pcap":                         "all fragments have one identification, and TShark reads no flags of a TCP header cut short",
	"zeek/ipv6-mobility-dst-opts.pcap":                        "TShark gives up at a destination option it does not know",
	"zeek/ipv6_zero_len_ah.pcap":                              "an authentication header is the packet's protocol here, as it is in IPv4",
	"zeek/mpls-in-vlan.pcap":                                  otherLayer,
	"zeek/pbb.pcap":                                           otherLayer,
	"zeek/pppoe.pcap":                                         otherLayer,
	"zeek/trunc/mpls-6in6-6in6-4in6-trunc.pcap":               otherLayer,
	"zeek/tunnels/mpls-6in6-6in6-4in6-invalid-version-4.pcap": otherLayer,
	"zeek/trunc/ip6-ext-trunc.pcap":                           "an extension header cut short is counted as truncated",
	"zeek/trunc/ipv4-truncated-broken-header.pcap":            "the header is whole once the frame is as long as it was on the wire",
}

const (
	lying      = "the IP header claims more bytes than the frame has; they were not on the wire"
	otherLayer = "IP behind MPLS, PBB or PPPoE is not IP to this interface; it is to the one behind them"
)

// A player gives packets to a program: those that the kernel's test run takes by
// it, longer ones through the link of the program's interface.
type player struct {
	prog *ebpf.Program
	long *lab.Raw
	mac  packet.MAC
}

// played says how many packets were run and how many the kernel would not run.
type played struct{ packets, refused, sent int }

func (r played) String() string {
	return fmt.Sprintf("%d packets run, %d refused by the kernel's test run, %d sent", r.packets, r.refused, r.sent)
}

func (p *player) play(path string) (r played, err error) {
	f, err := os.Open(path)
	if err != nil {
		return r, err
	}
	defer f.Close()
	var src gopacket.PacketDataSource
	var link layers.LinkType
	if plain, err := pcapgo.NewReader(f); err == nil {
		src, link = plain, plain.LinkType()
	} else {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return r, err
		}
		ng, err := pcapgo.NewNgReader(f, pcapgo.NgReaderOptions{WantMixedLinkType: true})
		if err != nil {
			return r, err
		}
		src, link = ng, ng.LinkType()
	}
	out := make([]byte, 8192)
	for {
		data, info, err := src.ReadPacketData()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return r, nil
		}
		if err != nil {
			return r, err
		}
		on := link
		if len(info.AncillaryData) > 0 {
			if l, ok := info.AncillaryData[0].(layers.LinkType); ok {
				on = l
			}
		}
		frame := make([]byte, 0, 4096)
		switch on {
		case layers.LinkTypeEthernet:
		case layers.LinkTypeRaw, 12, 14, layers.LinkTypeIPv4, layers.LinkTypeIPv6:
			frame = append(frame, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0)
			if len(data) > 0 && data[0]>>4 == 6 {
				frame[12], frame[13] = 0x86, 0xdd
			}
		default:
			return r, fmt.Errorf("link type %v", on)
		}
		frame = append(frame, data...)
		for range min(info.Length-info.CaptureLength, 65549-len(frame)) {
			frame = append(frame, 0) // as long as it was on the wire
		}
		if len(frame) > 3500 {
			copy(frame, p.mac[:])
			if err := p.long.Send(frame); err != nil {
				return r, err
			}
			r.sent++
			continue
		}
		_, err = p.prog.Run(&ebpf.RunOptions{Data: frame, DataOut: out})
		switch {
		case errors.Is(err, unix.EINVAL):
			r.refused++
		case err != nil:
			return r, err
		default:
			r.packets++
		}
	}
}

// compareCorpus says how far two views of one capture agree, and where not.
func compareCorpus(windows []flow.Window, oracle []oracleFlow) (how string, diff []string) {
	for _, merged := range []bool{false, true} {
		got, want := make(map[corpusKey]corpusCount), make(map[corpusKey]corpusCount)
		for _, w := range windows {
			for _, f := range w.Flows {
				k := corpusKey{f.SrcAddr(), f.DstAddr(), f.SrcPort, f.DstPort, int(f.Protocol)}
				addCorpus(got, k, f.Count, f.Flags&7, merged)
			}
		}
		fragments := uint64(0)
		for _, o := range oracle {
			addCorpus(want, corpusKey{o.Src, o.Dst, o.SrcPort, o.DstPort, o.Protocol}, flow.Count{Packets: o.Packets, Bytes: o.Bytes}, o.TCPFlags&7, merged)
			fragments += o.Fragments
		}
		d := corpusDiff(got, want)
		switch {
		case len(d) == 0 && merged:
			return "agrees but for fragments, which have their ports here", nil
		case len(d) == 0:
			return "agrees on every flow", nil
		case !merged:
			diff = d
			if fragments == 0 {
				return "differs", diff
			}
		}
	}
	return "differs", diff
}

func addCorpus(m map[corpusKey]corpusCount, k corpusKey, n flow.Count, flags uint8, merged bool) {
	if merged {
		k.srcPort, k.dstPort = 0, 0
	}
	c := m[k]
	c.Add(n)
	c.flags |= flags
	m[k] = c
}

func corpusDiff(got, want map[corpusKey]corpusCount) (diff []string) {
	for k, w := range want {
		if g := got[k]; g != w {
			diff = append(diff, fmt.Sprintf("%v: got %+v, want %+v", k, g, w))
		}
	}
	for k, g := range got {
		if _, ok := want[k]; !ok {
			diff = append(diff, fmt.Sprintf("%v: got %+v, want none", k, g))
		}
	}
	sort.Strings(diff)
	return diff
}
