package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// Listen opens a listener in the namespace, as net.Listen does. The address
// must be numeric. The namespace closes it in the end.
func (ns *Namespace) Listen(network, address string) (net.Listener, error) {
	var ln net.Listener
	err := ns.Do(func() (err error) {
		var lc net.ListenConfig
		lc.SetMultipathTCP(false)
		ln, err = lc.Listen(context.Background(), network, address)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("lab: namespace %v: %w", ns, err)
	}
	return ln, ns.ownConn(ln)
}

// ListenPacket opens a packet socket in the namespace, as net.ListenPacket does.
// The address must be numeric. The caller closes it, or the namespace in the end.
func (ns *Namespace) ListenPacket(network, address string) (net.PacketConn, error) {
	c, err := ns.listenPacket(network, address)
	if err != nil {
		return nil, err
	}
	return c, ns.ownConn(c)
}

// listenPacket is ListenPacket for sockets that only the caller closes.
func (ns *Namespace) listenPacket(network, address string) (net.PacketConn, error) {
	var c net.PacketConn
	err := ns.Do(func() (err error) {
		c, err = net.ListenPacket(network, address)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("lab: namespace %v: %w", ns, err)
	}
	return c, nil
}

// ownConn is own for sockets, whose Close may have been called already.
func (ns *Namespace) ownConn(c interface{ Close() error }) error {
	return ns.own(closeFunc(func() error {
		if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}))
}

type closeFunc func() error

func (f closeFunc) Close() error { return f() }

// DialContext connects from inside the namespace, as net.Dialer.DialContext
// does; it fits into an http.Transport. The address must be numeric. The caller
// closes the connection.
func (ns *Namespace) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return ns.dial(ctx, net.Dialer{}, network, address)
}

func (ns *Namespace) dial(ctx context.Context, d net.Dialer, network, address string) (net.Conn, error) {
	var c net.Conn
	d.SetMultipathTCP(false)
	d.KeepAlive = -1 // nobody asked for those packets
	err := ns.Do(func() (err error) {
		c, err = d.DialContext(ctx, network, address)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("lab: namespace %v: %w", ns, err)
	}
	return c, nil
}
