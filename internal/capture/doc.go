// Package capture counts the packets of network interfaces into flows and
// closes them into windows. Its source is the kernel: programs at the traffic
// control hooks of each interface count what passes, one at the dropped-packet
// tracepoint counts what a firewall refused.
//
// The kernel's table is the window. It has two generations: programs count
// into the open one while the closed one is read, handed over and cleared, so
// nothing is lost or counted twice between windows, and what has not been
// handed over survives this process if it is pinned.
//
// The package knows packets, not records: it has no account, no interface id
// and no format.
package capture

import "errors"

// ErrNotSupported reports a platform, or a kernel, that lacks something capture
// cannot do without; the error that wraps it names it.
var ErrNotSupported = errors.New("not supported")
