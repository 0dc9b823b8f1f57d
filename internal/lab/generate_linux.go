package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"weir/internal/lab/packet"
)

// batch is how many frames one sendmmsg takes. 64 is where the cost of the
// system call vanishes beside that of the packets.
const batch = 64

// Generate sends packets of many flows through the device, as fast as one
// thread can or at cfg.Rate, and says exactly what was sent. When ctx ends it
// stops and returns what it sent so far together with the error of ctx.
func (d *Device) Generate(ctx context.Context, cfg FlowConfig) (*Sent, error) {
	g, err := newGenerator(d, cfg)
	if err != nil {
		return nil, fmt.Errorf("lab: generate on %v: %w", d, err)
	}
	raw, err := d.openRaw(false)
	if err != nil {
		return nil, err
	}
	defer raw.Close()
	if cfg.Bypass {
		if err := unix.SetsockoptInt(raw.fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1); err != nil {
			return nil, fmt.Errorf("lab: generate on %v: bypass: %w", d, err)
		}
	}
	err = onThread(func() error {
		if cfg.Pin {
			var set unix.CPUSet
			set.Set(cfg.CPU)
			if err := unix.SchedSetaffinity(0, &set); err != nil {
				return fmt.Errorf("run on processor %d: %w", cfg.CPU, err)
			}
		}
		return g.run(ctx, raw.fd)
	})
	if err != nil {
		err = fmt.Errorf("lab: generate on %v: %w", d, err)
	}
	return g.sent(), err
}

// generator holds one frame of each flow, one after the other, all of one size.
type generator struct {
	cfg     FlowConfig
	frames  []byte
	size    int // of a frame
	ipBytes int // of its IP packet
	flows   []SentFlow
	lost    uint64
	elapsed time.Duration

	to   unix.RawSockaddrLinklayer
	iovs [batch]unix.Iovec
	msgs [batch]mmsghdr
}

// mmsghdr is struct mmsghdr of the kernel.
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
}

func newGenerator(d *Device, cfg FlowConfig) (*generator, error) {
	if !cfg.Src.IsValid() || !cfg.Dst.IsValid() || cfg.Src.Is4() != cfg.Dst.Is4() {
		return nil, fmt.Errorf("source %v and destination %v must be given and of one family", cfg.Src, cfg.Dst)
	}
	setDefault(&cfg.SrcPort, 1024)
	setDefault(&cfg.DstPort, 9)
	setDefault(&cfg.Protocol, packet.ProtoUDP)
	setDefault(&cfg.Flows, 1)
	setDefault(&cfg.Packets, 1)
	if cfg.Protocol != packet.ProtoUDP && cfg.Protocol != packet.ProtoTCP {
		return nil, fmt.Errorf("protocol is %d, want 6 or 17", cfg.Protocol)
	}
	g := &generator{cfg: cfg, flows: make([]SentFlow, cfg.Flows)}
	payload := packet.Payload(pattern(cfg.Size))
	src, port := cfg.Src, cfg.SrcPort
	for i := range g.flows {
		f := &g.flows[i]
		f.Src, f.Dst, f.Protocol = netip.AddrPortFrom(src, port), netip.AddrPortFrom(cfg.Dst, cfg.DstPort), cfg.Protocol
		g.frames = appendFrame(g.frames, d, cfg.DstMAC, f, payload)
		if i == 0 {
			g.size = len(g.frames)
			g.frames = append(make([]byte, 0, g.size*cfg.Flows), g.frames...)
		}
		if port++; port == 0 {
			src, port = src.Next(), cfg.SrcPort
		}
	}
	if g.ipBytes = g.size; !d.l3 {
		g.ipBytes -= 14
	}
	g.to = unix.RawSockaddrLinklayer{
		Family: unix.AF_PACKET, Ifindex: int32(d.index), Halen: 6,
		Protocol: htons(etherTypeOf(g.frames, d.l3)),
	}
	for i := range g.msgs {
		g.iovs[i].SetLen(g.size)
		h := &g.msgs[i].hdr
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&g.to)), uint32(unsafe.Sizeof(g.to))
		h.Iov = &g.iovs[i]
		h.SetIovlen(1)
	}
	return g, nil
}

func appendFrame(b []byte, d *Device, dst packet.MAC, f *SentFlow, payload packet.Payload) []byte {
	layers := make([]packet.Layer, 0, 4)
	if !d.l3 {
		layers = append(layers, packet.Ethernet{Dst: dst, Src: d.mac})
	}
	if f.Src.Addr().Is4() {
		layers = append(layers, packet.IPv4{Src: f.Src.Addr(), Dst: f.Dst.Addr()})
	} else {
		layers = append(layers, packet.IPv6{Src: f.Src.Addr(), Dst: f.Dst.Addr()})
	}
	if f.Protocol == packet.ProtoTCP {
		layers = append(layers, packet.TCP{SrcPort: f.Src.Port(), DstPort: f.Dst.Port(), Seq: 1, Ack: 1, Flags: packet.ACK})
	} else {
		layers = append(layers, packet.UDP{SrcPort: f.Src.Port(), DstPort: f.Dst.Port()})
	}
	return packet.Append(b, append(layers, payload)...)
}

// flowOf returns the flow that packet k belongs to.
func (g *generator) flowOf(k int) int {
	if g.cfg.Sequential {
		return k / g.cfg.Packets
	}
	return k % g.cfg.Flows
}

func (g *generator) run(ctx context.Context, fd int) error {
	start := time.Now()
	defer func() { g.elapsed = time.Since(start) }()
	size := batch
	if g.cfg.Rate > 0 {
		size = max(1, min(batch, g.cfg.Rate/1000)) // at most one wake-up per millisecond
	}
	for k, total := 0, g.cfg.Flows*g.cfg.Packets; k < total; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if g.cfg.Rate > 0 {
			time.Sleep(time.Until(start.Add(time.Duration(float64(k) / float64(g.cfg.Rate) * float64(time.Second)))))
		}
		n := min(size, total-k)
		for i := range n {
			g.iovs[i].Base = &g.frames[g.flowOf(k+i)*g.size]
		}
		n, err := sendmmsg(fd, g.msgs[:n])
		switch {
		case errors.Is(err, unix.ENOBUFS):
			// The device took the packet and the receiver's queue was full.
			n = 1
			g.lost++
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			n = 0
		case err != nil:
			return fmt.Errorf("send packet %d: %w", k, err)
		}
		for i := range n {
			g.flows[g.flowOf(k+i)].Packets++
		}
		k += n
	}
	return nil
}

func sendmmsg(fd int, msgs []mmsghdr) (int, error) {
	n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&msgs[0])), uintptr(len(msgs)), 0, 0, 0)
	runtime.KeepAlive(msgs)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

func (g *generator) sent() *Sent {
	s := &Sent{Elapsed: g.elapsed, Lost: g.lost, Flows: g.flows}
	for i := range g.flows {
		f := &g.flows[i]
		f.Bytes = f.Packets * uint64(g.ipBytes)
		s.Packets += f.Packets
		s.Bytes += f.Bytes
	}
	return s
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}
