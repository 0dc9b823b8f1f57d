package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"weir/internal/lab/packet"
)

// A Raw sends frames through a device exactly as they are given. Its methods
// are safe for concurrent use.
type Raw struct {
	dev     *Device
	vnetHdr bool

	mu sync.Mutex
	fd int // -1 after Close
}

// Raw opens a sender of frames, or of IP packets if the device is a tun device.
// The caller closes it, or the namespace in the end.
func (d *Device) Raw() (*Raw, error) {
	r, err := d.openRaw(true)
	if err != nil {
		return nil, err
	}
	return r, d.ns.own(r)
}

// openRaw opens a sender that only the caller closes.
func (d *Device) openRaw(vnetHdr bool) (*Raw, error) {
	r := &Raw{dev: d, vnetHdr: vnetHdr, fd: -1}
	err := d.ns.Do(func() (err error) {
		// Protocol 0: nothing is ever received.
		if r.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		if !vnetHdr {
			return nil
		}
		return unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1)
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lab: open raw socket on %v: %w", d, err), r.Close())
	}
	return r, nil
}

// Close closes the sender. It is safe to repeat.
func (r *Raw) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fd < 0 {
		return nil
	}
	fd := r.fd
	r.fd = -1
	return unix.Close(fd)
}

// vnetHdr is struct virtio_net_hdr of the kernel, which goes before a frame.
type vnetHdr struct {
	flags, gsoType                         uint8
	hdrLen, gsoSize, csumStart, csumOffset uint16
}

func (h vnetHdr) append(b []byte) []byte {
	b = append(b, h.flags, h.gsoType)
	for _, v := range []uint16{h.hdrLen, h.gsoSize, h.csumStart, h.csumOffset} {
		b = binary.NativeEndian.AppendUint16(b, v)
	}
	return b
}

// Send sends frame. The device's queueing layer and tc see it; netfilter's
// output hooks do not.
func (r *Raw) Send(frame []byte) error {
	return r.send(vnetHdr{}, frame)
}

// SendGSO sends frame, which must hold one TCP segment that may be longer than
// the MTU, as a segmentation-offload packet: whoever puts it on a wire cuts its
// payload into pieces of at most size bytes. The frame itself is not changed.
func (r *Raw) SendGSO(frame []byte, size int) error {
	at, err := findTCP(frame, r.dev.l3)
	if err != nil {
		return fmt.Errorf("lab: send on %v: %w", r.dev, err)
	}
	const needsChecksum, tcp4, tcp6 = 1, 1, 4 // VIRTIO_NET_HDR_F_NEEDS_CSUM, _GSO_TCPV4, _GSO_TCPV6
	h := vnetHdr{
		flags: needsChecksum, gsoType: tcp4, hdrLen: uint16(at.payload),
		gsoSize: uint16(size), csumStart: uint16(at.tcp), csumOffset: 16,
	}
	if at.src.Is6() {
		h.gsoType = tcp6
	}
	f := append([]byte(nil), frame...)
	// The field holds the sum of the pseudo header until the device adds the rest.
	partial := ^packet.Checksum(packet.PseudoSum(at.src, at.dst, packet.ProtoTCP, len(f)-at.tcp), nil)
	binary.BigEndian.PutUint16(f[at.tcp+16:], partial)
	return r.send(h, f)
}

func (r *Raw) send(h vnetHdr, frame []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fd < 0 {
		return fmt.Errorf("lab: send on %v: %w", r.dev, os.ErrClosed)
	}
	to := &unix.SockaddrLinklayer{Ifindex: r.dev.index, Protocol: htons(etherTypeOf(frame, r.dev.l3)), Halen: 6}
	err := error(nil)
	if r.vnetHdr {
		err = unix.Sendto(r.fd, append(h.append(make([]byte, 0, 10+len(frame))), frame...), 0, to)
	} else {
		err = unix.Sendto(r.fd, frame, 0, to)
	}
	if err != nil {
		return fmt.Errorf("lab: send on %v: %w", r.dev, err)
	}
	return nil
}

// etherTypeOf returns the EtherType of a frame, or of a bare IP packet if l3.
func etherTypeOf(frame []byte, l3 bool) uint16 {
	switch {
	case l3 && len(frame) > 0 && frame[0]>>4 == 6:
		return packet.TypeIPv6
	case l3:
		return packet.TypeIPv4
	case len(frame) < 14:
		return 0
	}
	return binary.BigEndian.Uint16(frame[12:])
}

func htons(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}

// tcpAt is where things are in a frame, in bytes from its beginning.
type tcpAt struct {
	tcp, payload int
	src, dst     netip.Addr
}

var errNotTCP = errors.New("frame is not a TCP segment without extension headers")

// findTCP looks through VLAN tags and the IP header for TCP.
func findTCP(f []byte, l3 bool) (at tcpAt, err error) {
	ip := 0
	if !l3 {
		ip = 14
		for len(f) >= ip {
			t := binary.BigEndian.Uint16(f[ip-2:])
			if t != packet.TypeVLAN && t != packet.TypeQinQ {
				break
			}
			ip += 4
		}
	}
	if len(f) < ip+40 {
		return at, errNotTCP
	}
	h := f[ip:]
	switch {
	case h[0]>>4 == 4 && h[9] == packet.ProtoTCP:
		at = tcpAt{tcp: ip + int(h[0]&0xf)*4, src: netip.AddrFrom4([4]byte(h[12:])), dst: netip.AddrFrom4([4]byte(h[16:]))}
	case h[0]>>4 == 6 && h[6] == packet.ProtoTCP:
		at = tcpAt{tcp: ip + 40, src: netip.AddrFrom16([16]byte(h[8:])), dst: netip.AddrFrom16([16]byte(h[24:]))}
	default:
		return at, errNotTCP
	}
	if len(f) < at.tcp+20 {
		return at, errNotTCP
	}
	at.payload = at.tcp + int(f[at.tcp+12]>>4)*4
	if len(f) < at.payload {
		return at, errNotTCP
	}
	return at, nil
}
