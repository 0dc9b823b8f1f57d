package capture

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"weir/internal/flow"
	"weir/internal/lab"
	"weir/internal/lab/packet"
)

// A connection is an open TCP connection, seen from both of its ends.
type connection struct {
	*bed
	client, server   *net.TCPConn
	clientAt, servAt netip.AddrPort
}

// connect opens a connection between two namespaces and carries some bytes, all of
// which have been acknowledged when it returns.
func (b *bed) connect(from, to *lab.Namespace, dst netip.AddrPort, size int) *connection {
	b.tb.Helper()
	l, err := to.Listen("tcp", dst.String())
	b.must(err)
	defer l.Close()
	near, err := from.DialContext(deadline(b.tb), "tcp", dst.String())
	b.must(err)
	far, err := l.Accept()
	b.must(err)
	c := &connection{bed: b, client: near.(*net.TCPConn), server: far.(*net.TCPConn),
		clientAt: near.LocalAddr().(*net.TCPAddr).AddrPort(), servAt: dst}
	b.tb.Cleanup(c.close)
	c.write(size)
	c.arrives(size)
	return c
}

func (c *connection) close() {
	for _, end := range []*net.TCPConn{c.client, c.server} {
		_ = end.SetLinger(0)
		end.Close()
	}
}

func (c *connection) write(size int) {
	c.tb.Helper()
	_, err := c.client.Write(make([]byte, size))
	c.must(err)
}

// arrives waits until the server has so many bytes and the client knows.
func (c *connection) arrives(size int) {
	c.tb.Helper()
	_, err := io.ReadFull(c.server, make([]byte, size))
	c.must(err)
	c.eventually("all data is acknowledged", func() bool { return c.info(c.client).Unacked == 0 })
}

// info is what the kernel knows of one end.
func (c *connection) info(end *net.TCPConn) (info *unix.TCPInfo) {
	c.tb.Helper()
	c.option(end, func(fd int) (err error) {
		info, err = unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		return err
	})
	return info
}

func (c *connection) option(end *net.TCPConn, f func(fd int) error) {
	c.tb.Helper()
	rc, err := end.SyscallConn()
	c.must(err)
	c.must(rc.Control(func(fd uintptr) { err = f(int(fd)) }))
	c.must(err)
}

// next returns the sequence numbers that the client sends and expects next, and
// its clock of time stamps.
func (c *connection) next() (seq, ack, stamp uint32) {
	c.tb.Helper()
	const receiveQueue, sendQueue, noProbe = 1, 2, -1 // linux/tcp.h
	c.option(c.client, func(fd int) error {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR, 1); err != nil {
			return err
		}
		for queue, to := range map[int]*uint32{sendQueue: &seq, receiveQueue: &ack} {
			if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR_QUEUE, queue); err != nil {
				return err
			}
			n, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_QUEUE_SEQ)
			if err != nil {
				return err
			}
			*to = uint32(n)
		}
		n, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_TIMESTAMP)
		stamp = uint32(n)
		if err != nil {
			return err
		}
		return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR, noProbe)
	})
	return seq, ack, stamp
}

// TestRetransmissionIsNotRefused loses a segment of an open connection, or its
// acknowledgement, at a router's firewall until it has been sent again. Only what
// the firewall took is refused, and only on the router. How many segments there
// were is known from the two sockets. TCP takes the device off a segment before it
// looks at it, and the route then leads to the loopback device: no refusal may
// appear there, nor among those without a device.
func TestRetransmissionIsNotRefused(t *testing.T) {
	for _, v := range versions {
		for _, lost := range []string{"segment", "acknowledgement"} {
			t.Run(v.name+" "+lost, func(t *testing.T) {
				w := newWay(t)
				w.must(w.server.SetSysctl("net/ipv4/tcp_sack", "0")) // all acknowledgements are of one size
				c := w.connect(w.client, w.server, netip.AddrPortFrom(w.far[v.header], 80), 100)
				s := w.open(Config{}, of(w.client, "eth0", "lo"), of(w.router, "eth*"), of(w.server, "eth0", "lo"))
				w.busy(s)
				before := w.unattributed(s)
				client, server := c.info(c.client), c.info(c.server)
				match := lab.Match{Protocol: packet.ProtoTCP, DstPort: 80}
				if lost == "acknowledgement" {
					match = lab.Match{Protocol: packet.ProtoTCP, SrcPort: 80}
				}
				fw := w.firewall(w.router, lab.Rule{Hook: lab.Forward, Match: match, Verdict: lab.Drop})
				c.write(100)
				w.eventually("a segment is sent again", func() bool { return c.info(c.client).Total_retrans > client.Total_retrans })
				w.must(fw.Close())
				c.arrives(100)
				c.wantAccepted(s, lost, client, server, v.header)
				if n := w.unattributed(s) - before; n > 0 {
					t.Errorf("%d packets were refused without a device, want none", n)
				}
			})
		}
	}
}

// wantAccepted compares the open window with what the two sockets have sent and
// received since.
func (c *connection) wantAccepted(s *Source, lost string, client, server *unix.TCPInfo, header int) {
	c.tb.Helper()
	clientNow, serverNow := c.info(c.client), c.info(c.server)
	sent, came := int(clientNow.Segs_out-client.Segs_out), int(serverNow.Segs_in-server.Segs_in)
	answers, back := int(serverNow.Segs_out-server.Segs_out), int(clientNow.Segs_in-client.Segs_in)
	if gone := sent - came + answers - back; gone < 1 || sent < 2 {
		c.tb.Fatalf("%d segments sent and %d lost, want two or more and one or more", sent, gone)
	}
	data, ack := header+32+100, header+32 // with the time stamp option
	on := func(device, way, verdict string, forth bool, packets int) string {
		if forth {
			return line(device, way, verdict, 6, c.clientAt, c.servAt, packets, packets*data, 0)
		}
		return line(device, way, verdict, 6, c.servAt, c.clientAt, packets, packets*ack, 0)
	}
	want := []string{
		on("eth0", "egress", "ACCEPT", true, sent), on("eth1", "egress", "ACCEPT", true, came), on("eth0", "ingress", "ACCEPT", true, came),
		on("eth0", "egress", "ACCEPT", false, answers), on("eth0", "egress", "ACCEPT", false, back), on("eth0", "ingress", "ACCEPT", false, back),
	}
	if lost == "segment" { // on its way through the router
		want = append(want, on("eth0", "ingress", "REJECT", true, sent-came),
			on("eth0", "ingress", "ACCEPT", true, came), on("eth1", "ingress", "ACCEPT", false, answers))
	} else {
		want = append(want, on("eth1", "ingress", "REJECT", false, answers-back),
			on("eth0", "ingress", "ACCEPT", true, sent), on("eth1", "ingress", "ACCEPT", false, back))
	}
	c.wantLines(c.busy(s), want...)
}

// unattributed is how many packets a firewall refused that had no device.
func (b *bed) unattributed(s *Source) uint64 {
	b.tb.Helper()
	totals, err := s.Totals()
	b.must(err)
	return totals.Unattributed.Packets
}

// dropCounts returns a map of how often the kernel discarded packets for each of
// its reasons, from now on.
func dropCounts(tb testing.TB) *ebpf.Map {
	tb.Helper()
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 256})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { m.Close() })
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.RawTracepoint, License: "GPL", Instructions: asm.Instructions{
		asm.LoadMem(asm.R1, asm.R1, 16, asm.DWord), // the third argument: the reason
		asm.StoreMem(asm.RFP, -4, asm.R1, asm.Word),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -4),
		asm.LoadMapPtr(asm.R1, m.FD()),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "out"),
		asm.Mov.Imm(asm.R1, 1),
		asm.StoreXAdd(asm.R0, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("out"),
		asm.Return(),
	}})
	if err != nil {
		tb.Fatal(err)
	}
	defer p.Close()
	l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: "kfree_skb", Program: p})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	return m
}

// reasonNumber returns the running kernel's number of a drop reason.
func reasonNumber(tb testing.TB, name string) uint32 {
	tb.Helper()
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		tb.Fatal(err)
	}
	var enum *btf.Enum
	if err := kernel.TypeByName("skb_drop_reason", &enum); err != nil {
		tb.Fatal(err)
	}
	for _, v := range enum.Values {
		if v.Name == "SKB_DROP_REASON_"+name {
			return uint32(v.Value)
		}
	}
	tb.Fatalf("the kernel has no drop reason %s", name)
	return 0
}

// TestDiscardedSegmentIsNotRefused sends segments into an open connection that TCP
// discards, each for another reason. None of them is a refusal: not on the interface
// it came in by, and not elsewhere, see above.
func TestDiscardedSegmentIsNotRefused(t *testing.T) {
	for _, tier := range tiers {
		b := newBed(t)
		s := b.open(tier.config(Config{}), of(b.server, "eth0", "lo"))
		for _, v := range versions {
			c := b.connect(b.client, b.server, netip.AddrPortFrom(v.server, 80), 100)
			// What TCP answers must not make the client say something too.
			deaf := b.firewall(b.client, lab.Rule{Hook: lab.Input, Match: lab.Match{Protocol: packet.ProtoTCP}, Verdict: lab.Drop})
			b.busy(s)
			seq, ack, stamp := c.next()
			for _, tt := range []struct {
				reason  string
				segment packet.TCP
				size    int // of the payload
				copies  int
				damage  bool
			}{
				{reason: "TCP_OLD_DATA", segment: packet.TCP{Seq: seq - 100, Ack: ack}, size: 100, copies: 3},
				{reason: "TCP_OLD_SEQUENCE", segment: packet.TCP{Seq: seq - 100, Ack: ack}, size: 50, copies: 2},
				{reason: "TCP_OFOMERGE", segment: packet.TCP{Seq: seq + 1000, Ack: ack}, size: 10, copies: 3},
				{reason: "TCP_INVALID_SEQUENCE", segment: packet.TCP{Seq: seq + 100<<20, Ack: ack}, size: 10, copies: 2},
				{reason: "TCP_ACK_UNSENT_DATA", segment: packet.TCP{Seq: seq, Ack: ack + 1000}, size: 10, copies: 2},
				{reason: "TCP_RFC7323_PAWS", segment: packet.TCP{Seq: seq, Ack: ack, Options: stampOption(stamp - 1<<20)}, size: 10, copies: 2},
				{reason: "TCP_CSUM", segment: packet.TCP{Seq: seq, Ack: ack}, size: 10, copies: 2, damage: true},
			} {
				t.Run(fmt.Sprintf("%s %s %s", tier.name, v.name, tt.reason), func(t *testing.T) {
					b, counts, number := b.sub(t), dropCounts(t), reasonNumber(t, tt.reason)
					before := b.unattributed(s)
					raw, err := b.c.Raw()
					b.must(err)
					defer raw.Close()
					tt.segment.SrcPort, tt.segment.DstPort, tt.segment.Flags = c.clientAt.Port(), 80, packet.ACK
					frame := b.segment(v, tt.segment, tt.size)
					if tt.damage {
						frame[len(frame)-1] ^= 1
					}
					for range tt.copies {
						b.must(raw.Send(frame))
					}
					b.eventually("the kernel discards the segments", func() bool {
						var n uint64
						b.must(counts.Lookup(number, &n))
						return n >= uint64(tt.copies-1) // the first one may be new
					})
					size := len(frame) - 14
					b.wantIngress(s, line("eth0", "ingress", "ACCEPT", 6, c.clientAt, c.servAt, tt.copies, tt.copies*size, 0))
					if n := b.unattributed(s) - before; n > 0 {
						t.Errorf("%d packets were refused without a device, want none", n)
					}
				})
			}
			b.must(deaf.Close())
			c.write(10) // it is still open
			c.arrives(10)
			b.busy(s)
		}
	}
}

// segment builds a frame from the client to the server.
func (b *bed) segment(v version, tcp packet.TCP, size int) []byte {
	var ip packet.Layer = packet.IPv4{Src: v.client, Dst: v.server}
	if v.header == 40 {
		ip = packet.IPv6{Src: v.client, Dst: v.server}
	}
	return packet.Build(packet.Ethernet{Dst: b.s.MAC(), Src: b.c.MAC()}, ip, tcp, packet.Payload(make([]byte, size)))
}

// stampOption is a TCP time stamp option without an echo (RFC 7323).
func stampOption(stamp uint32) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{1, 1, 8, 10}, stamp), 0, 0, 0, 0)
}

// wantIngress compares what came in with one line; how often TCP answers is its own
// affair, but nothing of that is refused.
func (b *bed) wantIngress(s *Source, want string) {
	b.tb.Helper()
	windows := b.busy(s)
	for i := range windows {
		kept := windows[i].Flows[:0]
		for _, f := range windows[i].Flows {
			if f.Direction == flow.Ingress || f.Verdict != flow.Accept {
				kept = append(kept, f)
			}
		}
		windows[i].Flows = kept
	}
	b.wantLines(windows, want)
}
