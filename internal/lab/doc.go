// Package lab builds small networks out of Linux network namespaces: virtual
// Ethernet pairs, bridges, tunnels and firewalls, and sends traffic through
// them. Demonstrations and kernel tests run in such a network, so that they
// need no second machine and touch nothing of the first.
//
// Everything is made through netlink and system calls; no command is run. It
// takes root, that is CAP_NET_ADMIN, CAP_NET_RAW and CAP_SYS_ADMIN. On other
// systems every operation returns [ErrNotSupported].
//
// # Quiet by default
//
// Tests count every packet. Therefore a device made here sends nothing by
// itself: no IPv6 autoconfiguration, no duplicate address detection, no
// multicast membership reports, and, where both ends of a link are known, no
// address resolution, since the neighbours are entered permanently.
//
// # Lifetime
//
// A namespace has no name in the file system unless [NamespaceConfig] asks for
// one. It lives as long as its file descriptor, a socket or a thread in it:
// when the process ends, even by SIGKILL, the kernel removes it and all that it
// contains. Only named namespaces survive a SIGKILL, as files in /run/netns.
package lab
