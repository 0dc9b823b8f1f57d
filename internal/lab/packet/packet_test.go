package packet

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

var (
	src4, dst4 = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.2")
	src6, dst6 = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	eth        = Ethernet{Dst: MAC{2, 0, 0, 0, 0, 2}, Src: MAC{2, 0, 0, 0, 0, 1}}
	ip4, ip6   = IPv4{Src: src4, Dst: dst4}, IPv6{Src: src6, Dst: dst6}
	data       = Payload("odd") // an odd length reaches the end of the checksum
)

// sctpData is a DATA chunk with four bytes of user data.
var sctpData = Payload{0, 3, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 'd', 'a', 't', 'a'}

// TestGopacketAgrees decodes what Build makes with another implementation.
func TestGopacketAgrees(t *testing.T) {
	for _, tt := range []struct {
		name   string
		layers []Layer
		want   string // layer types
	}{
		{"UDP", []Layer{eth, ip4, UDP{SrcPort: 4001, DstPort: 4000}, data}, "Ethernet IPv4 UDP Payload"},
		{"UDP without checksum", []Layer{eth, ip4, UDP{SrcPort: 4001, DstPort: 4000, NoChecksum: true}, data}, "Ethernet IPv4 UDP Payload"},
		{"UDP6", []Layer{eth, ip6, UDP{SrcPort: 4001, DstPort: 4000}, data}, "Ethernet IPv6 UDP Payload"},
		{"TCP", []Layer{eth, ip4, TCP{SrcPort: 1, DstPort: 2, Seq: 3, Ack: 4, Flags: SYN | ACK}, data}, "Ethernet IPv4 TCP Payload"},
		{"TCP with options", []Layer{eth, ip6, TCP{SrcPort: 1, DstPort: 2, Options: []byte{2, 4, 5, 180, 1, 3, 3, 7, 0}}, data}, "Ethernet IPv6 TCP Payload"},
		{"ICMP", []Layer{eth, ip4, ICMP{Type: EchoRequest, ID: 1, Sequence: 2}, data}, "Ethernet IPv4 ICMPv4 Payload"},
		{"ICMPv6", []Layer{eth, ip6, ICMPv6{Type: EchoRequestV6, ID: 1, Sequence: 2}, data}, "Ethernet IPv6 ICMPv6 ICMPv6Echo Payload"},
		{"SCTP", []Layer{eth, ip4, SCTP{SrcPort: 1, DstPort: 2, Tag: 3}, sctpData}, "Ethernet IPv4 SCTP SCTPData"},
		{"UDP-Lite", []Layer{eth, ip4, UDPLite{SrcPort: 1, DstPort: 2}, data}, "Ethernet IPv4 UDPLite Payload"},
		{"VLAN", []Layer{eth, VLAN{ID: 7, Priority: 3}, ip4, UDP{SrcPort: 4001, DstPort: 4000}, data}, "Ethernet Dot1Q IPv4 UDP Payload"},
		{"QinQ", []Layer{eth, VLAN{ID: 7, TPID: TypeQinQ}, VLAN{ID: 8}, ip6, UDP{SrcPort: 4001, DstPort: 4000}, data}, "Ethernet Dot1Q Dot1Q IPv6 UDP Payload"},
		{"ARP", []Layer{eth, ARP{Sender: src4, Target: dst4, SenderMAC: eth.Src}}, "Ethernet ARP"},
		{"IPv4 options", []Layer{eth, IPv4{Src: src4, Dst: dst4, Options: []byte{7, 7, 4, 0, 0, 0, 0}}, UDP{SrcPort: 4001, DstPort: 4000}, data}, "Ethernet IPv4 UDP Payload"},
		{"IPIP", []Layer{eth, ip4, ip4, UDP{SrcPort: 4001, DstPort: 4000}, data}, "Ethernet IPv4 IPv4 UDP Payload"},
		{"6in4", []Layer{eth, ip4, ip6, UDP{SrcPort: 4001, DstPort: 4000}, data}, "Ethernet IPv4 IPv6 UDP Payload"},
		{"GRE", []Layer{eth, ip4, GRE{}, ip4, TCP{SrcPort: 1, DstPort: 2}}, "Ethernet IPv4 GRE IPv4 TCP"},
		{"GRE with key and Ethernet", []Layer{eth, ip6, GRE{HasKey: true, Key: 9}, eth, ip4, TCP{SrcPort: 1, DstPort: 2}}, "Ethernet IPv6 GRE Ethernet IPv4 TCP"},
		{"VXLAN", []Layer{eth, ip4, UDP{SrcPort: 4001, DstPort: 4789}, VXLAN{VNI: 9}, eth, ip6, TCP{SrcPort: 1, DstPort: 2}, data}, "Ethernet IPv4 UDP VXLAN Ethernet IPv6 TCP Payload"},
		{"ESP", []Layer{eth, ip4, ESP{SPI: 1, Sequence: 2}, data}, "Ethernet IPv4 IPSecESP"},
		{"AH", []Layer{eth, ip4, AH{SPI: 1, Sequence: 2, ICV: make([]byte, 12)}, UDP{SrcPort: 4001, DstPort: 4000}, data}, "Ethernet IPv4 IPSecAH UDP Payload"},
		{"hop-by-hop", []Layer{eth, ip6, Extension{Protocol: ProtoHopByHop, Data: []byte{5, 2, 0, 0, 1, 0}}, TCP{SrcPort: 1, DstPort: 2}, data}, "Ethernet IPv6 IPv6HopByHop TCP Payload"},
		{"destination options", []Layer{eth, ip6, Extension{Protocol: ProtoDestination, Data: make([]byte, 7)}, UDP{SrcPort: 4001, DstPort: 4000}, data}, "Ethernet IPv6 IPv6Destination UDP Payload"},
		{"whole fragment", []Layer{eth, ip6, Fragment{ID: 5}, UDP{SrcPort: 4001, DstPort: 4000}, data}, "Ethernet IPv6 IPv6Fragment Fragment"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			frame := Build(tt.layers...)
			p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
			var names []string
			for _, l := range p.Layers() {
				names = append(names, l.LayerType().String())
			}
			if got := strings.Join(names, " "); got != tt.want || p.ErrorLayer() != nil {
				t.Errorf("decoded as %s, want %s; %v", got, tt.want, p.ErrorLayer())
			}
			if p.Metadata().Truncated {
				t.Error("decoded as truncated")
			}
			again := reserialize(t, p)
			if again != nil && !bytes.Equal(again, frame) {
				t.Errorf("gopacket writes it as\n%x, we as\n%x", again, frame)
			}
		})
	}
}

// reserialize returns the packet with lengths and checksums as gopacket computes
// them, nil for layers that it cannot write.
func reserialize(t *testing.T, p gopacket.Packet) []byte {
	t.Helper()
	var net gopacket.NetworkLayer
	var out []gopacket.SerializableLayer
	for _, l := range p.Layers() {
		s, ok := l.(gopacket.SerializableLayer)
		switch l := l.(type) {
		case gopacket.NetworkLayer:
			net = l
		case *layers.UDP:
			if l.Checksum == 0 {
				return nil // gopacket would add one
			}
		case *layers.UDPLite, *layers.IPSecAH, *layers.IPSecESP, *layers.ICMPv6Echo, *layers.IPv6Destination, *layers.IPv6Fragment,
			*layers.SCTPData, *layers.IPv6HopByHop, *layers.VXLAN, *layers.GRE:
			return nil
		}
		if !ok {
			return nil
		}
		if c, ok := l.(interface {
			SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
		}); ok {
			if err := c.SetNetworkLayerForChecksum(net); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, s)
	}
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, out...); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()[:min(len(buf.Bytes()), len(p.Data()))] // without Ethernet padding
}

// TestChecksumsVerify checks each transport checksum as its receiver does.
func TestChecksumsVerify(t *testing.T) {
	for _, l := range []Layer{TCP{SrcPort: 1}, UDP{SrcPort: 2}, UDPLite{SrcPort: 3}, DCCP{SrcPort: 4, More: 4}, ICMPv6{Type: EchoReplyV6}} {
		for n := range 5 {
			for _, v6 := range []bool{false, true} {
				if _, icmp := l.(ICMPv6); icmp && !v6 {
					continue
				}
				p, hdr, src, dst := Build(ip4, l, Payload("abcdefgh")[:4+n]), 20, src4, dst4
				if v6 {
					p, hdr, src, dst = Build(ip6, l, Payload("abcdefgh")[:4+n]), 40, src6, dst6
				}
				if got := Checksum(PseudoSum(src, dst, protocol(l), len(p)-hdr), p[hdr:]); got != 0 {
					t.Errorf("%T with %d bytes, IPv6 %v: checksum is off by %#x", l, 4+n, v6, got)
				}
			}
		}
	}
	// RFC 1071 section 3 gives this example.
	if got := ^Checksum(0, []byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}); got != 0xddf2 {
		t.Errorf("sum of RFC 1071's example is %#x, want 0xddf2", got)
	}
}

func TestDCCP(t *testing.T) {
	p := Build(DCCP{SrcPort: 0x1111, DstPort: 0x2222, Type: 0, Seq: 0x010203040506, More: 4}, Payload{0, 0, 0, 42})
	binary.BigEndian.PutUint16(p[6:], 0)
	want := []byte{0x11, 0x11, 0x22, 0x22, 5, 0, 0, 0, 1, 0, 1, 2, 3, 4, 5, 6, 0, 0, 0, 42}
	if !bytes.Equal(p, want) {
		t.Errorf("got %x, want %x", p, want)
	}
}

func TestFragmentsReassemble(t *testing.T) {
	const n = 64
	for size := n - 1; size <= n+9; size++ {
		whole := Build(IPv4{Src: src4, Dst: dst4, ID: 7, Options: []byte{1}}, UDP{SrcPort: 1, DstPort: 2}, Payload(bytes.Repeat([]byte("x"), n)))
		var data []byte
		for _, f := range FragmentIPv4(whole, size) {
			p := gopacket.NewPacket(f, layers.LayerTypeIPv4, gopacket.Default)
			ip := p.NetworkLayer().(*layers.IPv4)
			if int(ip.FragOffset)*8 != len(data) || int(ip.Length) != len(f) || ip.Id != 7 {
				t.Errorf("size %d: fragment at %d has offset %d, length %d, id %d", size, len(data), ip.FragOffset*8, ip.Length, ip.Id)
			}
			if got := Checksum(0, f[:ip.IHL*4]); got != 0 {
				t.Errorf("size %d: header checksum is off by %#x", size, got)
			}
			data = append(data, f[ip.IHL*4:]...)
			if more := ip.Flags&layers.IPv4MoreFragments != 0; more != (len(data) < len(whole)-24) {
				t.Errorf("size %d: after %d bytes more is %v", size, len(data), more)
			}
		}
		if !bytes.Equal(data, whole[24:]) {
			t.Errorf("size %d: fragments hold %x, want %x", size, data, whole[24:])
		}

		whole, data = Build(ip6, UDP{SrcPort: 1, DstPort: 2}, Payload(bytes.Repeat([]byte("x"), n))), nil
		for _, f := range FragmentIPv6(whole, size, 9) {
			p := gopacket.NewPacket(f, layers.LayerTypeIPv6, gopacket.Default)
			fr := p.Layer(layers.LayerTypeIPv6Fragment).(*layers.IPv6Fragment)
			if int(fr.FragmentOffset)*8 != len(data) || fr.Identification != 9 || fr.NextHeader != layers.IPProtocolUDP {
				t.Errorf("size %d: fragment at %d has offset %d, id %d", size, len(data), fr.FragmentOffset*8, fr.Identification)
			}
			data = append(data, f[48:]...)
			if fr.MoreFragments != (len(data) < len(whole)-40) {
				t.Errorf("size %d: after %d bytes more is %v", size, len(data), fr.MoreFragments)
			}
		}
		if !bytes.Equal(data, whole[40:]) {
			t.Errorf("size %d: IPv6 fragments hold %x, want %x", size, data, whole[40:])
		}
	}
}

func TestAppendKeepsWhatWasThere(t *testing.T) {
	got := Append([]byte("before"), ip4, UDP{SrcPort: 1, DstPort: 2}, data)
	want := append([]byte("before"), Build(ip4, UDP{SrcPort: 1, DstPort: 2}, data)...)
	if !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

func TestWrongFamilyPanics(t *testing.T) {
	for _, l := range []Layer{IPv4{Src: src6, Dst: dst4}, IPv6{Src: src6}, ARP{}} {
		func() {
			defer func() {
				if r, _ := recover().(string); !strings.HasPrefix(r, "BUG: packet: ") {
					t.Errorf("Build(%T) panicked with %v, want BUG", l, r)
				}
			}()
			Build(l)
		}()
	}
}

func BenchmarkAppend(b *testing.B) {
	b.ReportAllocs()
	buf := make([]byte, 0, 1500)
	for b.Loop() {
		buf = Append(buf[:0], eth, ip4, TCP{SrcPort: 1, DstPort: 2}, data)
	}
}
