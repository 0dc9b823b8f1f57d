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

import (
	"errors"
	"path/filepath"
	"strings"
)

// ErrNotSupported reports a platform, or a kernel, that lacks something capture
// cannot do without; the error that wraps it names it.
var ErrNotSupported = errors.New("not supported")

// ErrInUse reports a place to pin at that another process uses.
var ErrInUse = errors.New("in use by another capture")

// ErrOtherLayout reports tables pinned by a version that arranged them
// differently: they can be removed, but not read.
var ErrOtherLayout = errors.New("pinned by another version")

// NamespacePath returns where a network namespace is found: a name that holds a
// slash is a path already, any other is where ip-netns(8) keeps it. The empty
// name is the namespace of the calling thread.
func NamespacePath(name string) string {
	switch {
	case name == "":
		return "/proc/thread-self/ns/net"
	case strings.ContainsRune(name, '/'):
		return name
	}
	return filepath.Join("/run/netns", name)
}
