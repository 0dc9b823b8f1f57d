package lab

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"weir/internal/lab/packet"
)

// A Server answers in a namespace until it or the namespace is closed.
type Server struct {
	addr  netip.AddrPort
	close func() error
}

// Addr returns the address that the server listens on, with the port that the
// kernel chose if none was given.
func (s *Server) Addr() netip.AddrPort { return s.addr }

// Close ends the server and its connections. It is safe to repeat.
func (s *Server) Close() error { return s.close() }

// ServeHTTP serves h at addr over TCP, without TLS.
func (ns *Namespace) ServeHTTP(addr netip.AddrPort, h http.Handler) (*Server, error) {
	ln, err := ns.Listen("tcp", addr.String())
	if err != nil {
		return nil, err
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(ln) // returns when srv is closed
	}()
	s := &Server{addr: ln.Addr().(*net.TCPAddr).AddrPort(), close: func() error {
		err := srv.Close()
		<-done
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		return err
	}}
	return s, ns.own(s)
}

// Get requests url, whose host must be an address, on a connection of its own,
// and returns the status and the length of the body in bytes.
func (ns *Namespace) Get(ctx context.Context, url string) (status int, n int64, err error) {
	t := &http.Transport{DialContext: ns.DialContext, DisableKeepAlives: true}
	defer t.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, 0, fmt.Errorf("lab: %w", err)
	}
	resp, err := t.RoundTrip(req)
	if err != nil {
		return 0, 0, fmt.Errorf("lab: get %s from %v: %w", url, ns, err)
	}
	defer resp.Body.Close()
	if n, err = io.Copy(io.Discard, resp.Body); err != nil {
		return 0, n, fmt.Errorf("lab: get %s from %v: %w", url, ns, err)
	}
	return resp.StatusCode, n, nil
}

// ServeUDP answers each datagram that arrives at addr with the same datagram.
func (ns *Namespace) ServeUDP(addr netip.AddrPort) (*Server, error) {
	pc, err := ns.ListenPacket("udp", addr.String())
	if err != nil {
		return nil, err
	}
	c := pc.(*net.UDPConn)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1<<16)
		for {
			n, from, err := c.ReadFromUDPAddrPort(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				_, _ = c.WriteToUDPAddrPort(buf[:n], from) // a firewall may refuse it
			}
		}
	}()
	s := &Server{addr: c.LocalAddr().(*net.UDPAddr).AddrPort(), close: func() error {
		err := c.Close()
		<-done
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		return err
	}}
	return s, ns.own(s)
}

// ExchangeUDP sends datagrams from one socket, each after the answer to the one
// before or after cfg.Wait, and returns how many were sent and how many were
// answered. An ICMP error ends the wait for an answer. A datagram that this
// host's own firewall refuses counts as sent.
func (ns *Namespace) ExchangeUDP(ctx context.Context, cfg UDPConfig) (sent, answered int, err error) {
	if cfg.Count == 0 {
		cfg.Count = 1
	}
	if cfg.Size == 0 {
		cfg.Size = 64
	}
	if cfg.Wait == 0 {
		cfg.Wait = time.Second
	}
	d := net.Dialer{}
	if cfg.Src.IsValid() {
		d.LocalAddr = net.UDPAddrFromAddrPort(cfg.Src)
	}
	c, err := ns.dial(ctx, d, "udp", cfg.Dst.String())
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	payload, buf := pattern(cfg.Size), make([]byte, 1<<16)
	for sent < cfg.Count && ctx.Err() == nil {
		if _, err := c.Write(payload); errors.Is(err, unix.ECONNREFUSED) {
			continue // the answer to an earlier datagram; this one was not sent
		} else if err != nil && !isRefusal(err) {
			break
		}
		sent++
		if cfg.NoReply {
			continue
		}
		if err := c.SetReadDeadline(time.Now().Add(cfg.Wait)); err != nil {
			break
		}
		_, err := c.Read(buf)
		switch {
		case err == nil:
			answered++
		case errors.Is(err, os.ErrDeadlineExceeded), isRefusal(err), ctx.Err() != nil:
		default:
			return sent, answered, fmt.Errorf("lab: read from %v: %w", cfg.Dst, err)
		}
	}
	if ctx.Err() != nil {
		return sent, answered, fmt.Errorf("lab: send to %v: %w", cfg.Dst, ctx.Err())
	}
	if sent < cfg.Count {
		return sent, answered, fmt.Errorf("lab: send to %v: datagram %d could not be sent", cfg.Dst, sent+1)
	}
	return sent, answered, nil
}

// isRefusal says whether err is how a socket reports an ICMP error or a local
// firewall's refusal.
func isRefusal(err error) bool {
	for _, e := range []error{unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EACCES, unix.EPERM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// pings numbers the series of echo requests of this process.
var pings atomic.Uint32

// Ping sends ICMP or ICMPv6 echo requests and returns how many were sent and how
// many of them were answered in time. A request that this host's own firewall
// refuses counts as sent.
func (ns *Namespace) Ping(ctx context.Context, cfg PingConfig) (sent, answered int, err error) {
	if cfg.Count == 0 {
		cfg.Count = 1
	}
	if cfg.Size == 0 {
		cfg.Size = 56
	}
	if cfg.Wait == 0 {
		cfg.Wait = time.Second
	}
	network, src := "ip4:icmp", "0.0.0.0"
	if cfg.Dst.Is6() {
		network, src = "ip6:ipv6-icmp", "::"
	}
	if cfg.Src.IsValid() {
		src = cfg.Src.String()
	}
	c, err := ns.listenPacket(network, src)
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	id := uint16(pings.Add(1)) ^ uint16(os.Getpid())
	to := &net.IPAddr{IP: cfg.Dst.AsSlice()}
	for seq := 1; seq <= cfg.Count && ctx.Err() == nil; seq++ {
		if _, err := c.WriteTo(echo(cfg.Dst, id, uint16(seq), cfg.Size), to); err != nil && !isRefusal(err) && ctx.Err() == nil {
			return sent, answered, fmt.Errorf("lab: ping %v: %w", cfg.Dst, err)
		}
		sent++
		ok, err := awaitReply(c, cfg.Dst, id, uint16(seq), time.Now().Add(cfg.Wait))
		if err != nil && ctx.Err() == nil {
			return sent, answered, fmt.Errorf("lab: ping %v: %w", cfg.Dst, err)
		}
		if ok {
			answered++
		}
	}
	if err := ctx.Err(); err != nil {
		return sent, answered, fmt.Errorf("lab: ping %v: %w", cfg.Dst, err)
	}
	return sent, answered, nil
}

func echo(dst netip.Addr, id, seq uint16, size int) []byte {
	if dst.Is6() { // the kernel fills in the checksum
		return packet.Build(packet.ICMPv6{Type: packet.EchoRequestV6, ID: id, Sequence: seq}, packet.Payload(pattern(size)))
	}
	return packet.Build(packet.ICMP{Type: packet.EchoRequest, ID: id, Sequence: seq}, packet.Payload(pattern(size)))
}

// awaitReply reads from a raw socket until the reply in question or the deadline.
func awaitReply(c net.PacketConn, dst netip.Addr, id, seq uint16, deadline time.Time) (bool, error) {
	want := packet.EchoReply
	if dst.Is6() {
		want = packet.EchoReplyV6
	}
	if err := c.SetReadDeadline(deadline); err != nil {
		return false, err
	}
	buf := make([]byte, 1<<16)
	for {
		n, _, err := c.ReadFrom(buf)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return false, nil
		case isRefusal(err):
			continue
		case err != nil:
			return false, err
		}
		if n >= 8 && buf[0] == want && binary.BigEndian.Uint16(buf[4:]) == id && binary.BigEndian.Uint16(buf[6:]) == seq {
			return true, nil
		}
	}
}

// pattern returns n bytes that are the same each time.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}
