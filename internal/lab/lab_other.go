//go:build !linux

package lab

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"

	"weir/internal/lab/packet"
)

// The types of the Linux files, so that their users build anywhere. A lab here
// cannot have a namespace, and nothing else comes without one.

// A Lab owns namespaces.
type Lab struct{}

// New returns a lab that can do nothing.
func New() *Lab { return &Lab{} }

// Namespace returns [ErrNotSupported].
func (*Lab) Namespace(NamespaceConfig) (*Namespace, error) { return nil, ErrNotSupported }

// Link returns [ErrNotSupported].
func (*Lab) Link(_, _ End) (*Device, *Device, error) { return nil, nil, ErrNotSupported }

// Close does nothing.
func (*Lab) Close() error { return nil }

// A Namespace is a network namespace.
type Namespace struct{}

// Name returns "".
func (*Namespace) Name() string { return "" }

// String returns "".
func (*Namespace) String() string { return "" }

// FD returns -1.
func (*Namespace) FD() int { return -1 }

// Cookie returns 0.
func (*Namespace) Cookie() uint64 { return 0 }

// Handle returns nil.
func (*Namespace) Handle() *netlink.Handle { return nil }

// Do returns [ErrNotSupported].
func (*Namespace) Do(func() error) error { return ErrNotSupported }

// SetSysctl returns [ErrNotSupported].
func (*Namespace) SetSysctl(_, _ string) error { return ErrNotSupported }

// LostEvents returns [ErrNotSupported].
func (*Namespace) LostEvents() (int, error) { return 0, ErrNotSupported }

// Device returns [ErrNotSupported].
func (*Namespace) Device(string) (*Device, error) { return nil, ErrNotSupported }

// Bridge returns [ErrNotSupported].
func (*Namespace) Bridge(string) (*Device, error) { return nil, ErrNotSupported }

// VXLAN returns [ErrNotSupported].
func (*Namespace) VXLAN(VXLANConfig) (*Device, error) { return nil, ErrNotSupported }

// Tun returns [ErrNotSupported].
func (*Namespace) Tun(TunConfig) (*Tun, error) { return nil, ErrNotSupported }

// Firewall returns [ErrNotSupported].
func (*Namespace) Firewall(...Rule) (*Firewall, error) { return nil, ErrNotSupported }

// Listen returns [ErrNotSupported].
func (*Namespace) Listen(_, _ string) (net.Listener, error) { return nil, ErrNotSupported }

// ListenPacket returns [ErrNotSupported].
func (*Namespace) ListenPacket(_, _ string) (net.PacketConn, error) { return nil, ErrNotSupported }

// DialContext returns [ErrNotSupported].
func (*Namespace) DialContext(context.Context, string, string) (net.Conn, error) {
	return nil, ErrNotSupported
}

// Connect returns [ErrNotSupported].
func (*Namespace) Connect(context.Context, ConnectConfig) (Outcome, error) {
	return 0, ErrNotSupported
}

// ServeHTTP returns [ErrNotSupported].
func (*Namespace) ServeHTTP(netip.AddrPort, http.Handler) (*Server, error) {
	return nil, ErrNotSupported
}

// Get returns [ErrNotSupported].
func (*Namespace) Get(context.Context, string) (status int, n int64, err error) {
	return 0, 0, ErrNotSupported
}

// ServeUDP returns [ErrNotSupported].
func (*Namespace) ServeUDP(netip.AddrPort) (*Server, error) { return nil, ErrNotSupported }

// ExchangeUDP returns [ErrNotSupported].
func (*Namespace) ExchangeUDP(context.Context, UDPConfig) (sent, answered int, err error) {
	return 0, 0, ErrNotSupported
}

// Ping returns [ErrNotSupported].
func (*Namespace) Ping(context.Context, PingConfig) (sent, answered int, err error) {
	return 0, 0, ErrNotSupported
}

// A Device is a network device in a namespace.
type Device struct{}

// Namespace returns nil.
func (*Device) Namespace() *Namespace { return nil }

// Name returns "".
func (*Device) Name() string { return "" }

// Index returns 0.
func (*Device) Index() int { return 0 }

// MAC returns zero.
func (*Device) MAC() packet.MAC { return packet.MAC{} }

// String returns "".
func (*Device) String() string { return "" }

// Up returns [ErrNotSupported].
func (*Device) Up() error { return ErrNotSupported }

// Down returns [ErrNotSupported].
func (*Device) Down() error { return ErrNotSupported }

// Delete returns [ErrNotSupported].
func (*Device) Delete() error { return ErrNotSupported }

// Attach returns [ErrNotSupported].
func (*Device) Attach(*Device) error { return ErrNotSupported }

// AddAddress returns [ErrNotSupported].
func (*Device) AddAddress(netip.Prefix) error { return ErrNotSupported }

// AddNeighbour returns [ErrNotSupported].
func (*Device) AddNeighbour(netip.Addr, packet.MAC) error { return ErrNotSupported }

// AddRoute returns [ErrNotSupported].
func (*Device) AddRoute(netip.Prefix, netip.Addr) error { return ErrNotSupported }

// SetMTU returns [ErrNotSupported].
func (*Device) SetMTU(int) error { return ErrNotSupported }

// SetOffload returns [ErrNotSupported].
func (*Device) SetOffload(bool) error { return ErrNotSupported }

// SetGRO returns [ErrNotSupported].
func (*Device) SetGRO(bool) error { return ErrNotSupported }

// Stats returns [ErrNotSupported].
func (*Device) Stats() (Stats, error) { return Stats{}, ErrNotSupported }

// Raw returns [ErrNotSupported].
func (*Device) Raw() (*Raw, error) { return nil, ErrNotSupported }

// Generate returns [ErrNotSupported].
func (*Device) Generate(context.Context, FlowConfig) (*Sent, error) { return nil, ErrNotSupported }

// A Raw sends frames.
type Raw struct{}

// Close does nothing.
func (*Raw) Close() error { return nil }

// Send returns [ErrNotSupported].
func (*Raw) Send([]byte) error { return ErrNotSupported }

// SendGSO returns [ErrNotSupported].
func (*Raw) SendGSO([]byte, int) error { return ErrNotSupported }

// A Tun is a tun device and the file behind it.
type Tun struct {
	*Device
	File *os.File
}

// A Firewall is a set of rules.
type Firewall struct{}

// Rules returns nil.
func (*Firewall) Rules() []Rule { return nil }

// Counters returns [ErrNotSupported].
func (*Firewall) Counters() ([]Counter, error) { return nil, ErrNotSupported }

// Close does nothing.
func (*Firewall) Close() error { return nil }

// A Server answers in a namespace.
type Server struct{}

// Addr returns zero.
func (*Server) Addr() netip.AddrPort { return netip.AddrPort{} }

// Close does nothing.
func (*Server) Close() error { return nil }
