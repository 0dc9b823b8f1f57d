package lab

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"weir/internal/lab/packet"
)

// A Lab owns namespaces and what is in them. Its methods are safe for
// concurrent use.
type Lab struct {
	mu     sync.Mutex
	spaces []*Namespace
	n      int // namespaces made so far
	closed bool
}

// New returns an empty lab. It makes nothing yet.
func New() *Lab { return &Lab{} }

// Namespace makes a namespace with its loopback device up. It belongs to the lab.
func (l *Lab) Namespace(cfg NamespaceConfig) (*Namespace, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, fmt.Errorf("lab: add namespace %s: %w", cfg.Name, ErrClosed)
	}
	if cfg.Name == "" {
		cfg.Name = fmt.Sprintf("ns%d", l.n)
	}
	ns, err := newNamespace(cfg)
	if err != nil {
		return nil, fmt.Errorf("lab: add namespace %s: %w", cfg.Name, err)
	}
	l.n++
	l.spaces = append(l.spaces, ns)
	return ns, nil
}

// Close removes the devices, files and namespaces of the lab. Servers, sockets
// and tun files are closed too if the lab made them; a socket that someone else
// opened in a namespace keeps that namespace, now empty, until it is closed.
// Close works whatever state the lab is in and is safe to repeat.
func (l *Lab) Close() error {
	l.mu.Lock()
	spaces := l.spaces
	l.spaces, l.closed = nil, true
	l.mu.Unlock()
	var errs []error
	for i := len(spaces) - 1; i >= 0; i-- {
		if err := spaces[i].close(); err != nil {
			errs = append(errs, fmt.Errorf("lab: close namespace %s: %w", spaces[i].name, err))
		}
	}
	return errors.Join(errs...)
}

// macs numbers the addresses that newMAC gives out, so that two labs in one
// process never clash.
var macs atomic.Uint32

func newMAC() packet.MAC {
	n := macs.Add(1)
	return packet.MAC{0x02, 0x77, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
}
