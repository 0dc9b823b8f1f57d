// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// Everything the programs and the Go side share: maps, keys, counters, and the
// constants the loader sets. kernel_test.go holds the Go types against these.
#ifndef WEIR_MAPS_H
#define WEIR_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum {
	MAX_SLOTS = 1024,        // interfaces captured at once
	DEFAULT_FLOWS = 1 << 16, // the loader sets the size that was asked for
};

// What a flow table entry counts. The kind is part of the key.
enum kind {
	SEEN = 0,           // passed our hook on the device
	REFUSED_SEEN = 1,   // refused after our hook saw it: subtract from SEEN
	REFUSED_UNSEEN = 2, // refused before our hook: add
	FOREIGN = 3,        // seen, then discarded as another host's frame: subtract
};

// Flow keys. Addresses and ports are in network byte order. A slot stands for
// an interface: device and network namespace.
struct key4 {
	__be32 saddr, daddr;
	__be16 sport, dport;
	__u8 proto;
	__u8 kind; // enum kind << 1 | egress
	__u16 slot;
};

struct key6 {
	__u32 saddr[4], daddr[4];
	__be16 sport, dport;
	__u8 proto;
	__u8 kind;
	__u16 slot;
};

struct counters {
	__u64 packets, bytes;
	__u32 first, last; // low 32 bits of jiffies
	__u32 flags;       // TCP flags as a flow log sums them
	__u32 _pad;
};

struct count {
	__u64 packets, bytes;
};

// Two generations of a table a family. Programs count into the open one; the
// other is read and cleared. Shared and preallocated: an insert never waits for
// memory, and it fails only if the table is full.
#define FLOW_TABLE(name, key_t)                                                \
	struct {                                                               \
		__uint(type, BPF_MAP_TYPE_HASH);                               \
		__uint(max_entries, DEFAULT_FLOWS);                            \
		__type(key, key_t);                                            \
		__type(value, struct counters);                                \
	} name SEC(".maps")

FLOW_TABLE(flows4_0, struct key4);
FLOW_TABLE(flows4_1, struct key4);
FLOW_TABLE(flows6_0, struct key6);
FLOW_TABLE(flows6_1, struct key6);

// Packets that found the table full, by (slot * 2 + generation) * 2 + egress.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MAX_SLOTS * 4);
	__type(key, __u32);
	__type(value, struct count);
} overflow SEC(".maps");

// Packets that make no record, by cause; they only ever grow.
enum cause {
	NOT_IP,          // ARP and every other EtherType
	TRUNCATED,       // shorter than its IP header says
	BAD_HEADER,      // version or header length wrong
	TOO_MANY_HEADERS, // IPv6 extension headers or VLAN tags beyond the bound
	UNATTRIBUTED,    // refused without a device, or unreadable when refused
	OTHER_HOST,      // a frame for another host, discarded by the IP layer
	EXCLUDED,        // the first of the exclusions, in the order of enum exclusion
	CAUSES = EXCLUDED + 16,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CAUSES);
	__type(key, __u32);
	__type(value, struct count);
} causes SEC(".maps");

// Written by the loader, one word so that a change is one store: the open
// generation, and whether the other one still takes late refusals.
enum { GENERATION = 1, CLOSING = 2 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} control SEC(".maps");

// Entries inserted into the tables of a generation: IPv4, IPv6. The loader
// zeroes it once it has cleared them.
struct inserts {
	__u32 inserted[2];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct inserts);
} usage SEC(".maps");

// One message when a table of the open generation reaches its high mark.
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536); // a multiple of every page size in use
} wake SEC(".maps");

// What is known of a datagram by its first fragment: ports for the later
// fragments, and how much of it has passed, should it be refused whole.
struct fragment_key {
	__u32 saddr[4], daddr[4];
	__u32 id;
	__u16 slot;
	__u8 proto;
	__u8 egress;
};

struct fragment {
	__be16 sport, dport;
	__u32 packets;
	__u64 bytes;
};

// Least recently used may be evicted here and only here: the cost is a
// fragment counted under port 0, never a packet lost.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct fragment_key);
	__type(value, struct fragment);
} fragments SEC(".maps");

// The last packet a hook of ours saw on this CPU: tells a refusal by traffic
// control behind our hook from one before it. The buffer's address alone does
// not tell packets apart, because a freed buffer is soon used again.
//
// In slot an interface's own program tells the shared one where the packet is.
// Nothing comes between the two: soft interrupts are off.
struct last_packet {
	__u64 skb;
	__u32 mark;  // of the packet, see mark() in packet.h
	__u32 where; // slot << 1 | egress
	__u32 slot;
	__u32 _pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct last_packet);
} last_seen SEC(".maps");

// Refused packets that the first drop program has taken and the second has not
// seen yet, of those that can be interrupted: see discarded.h.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64); // address of the packet buffer
	__type(value, __u8);
} taken SEC(".maps");

// Which of the drop programs are at work on this CPU (the kernel knows it a few
// instructions earlier and later), and which packet the first took last of those
// that cannot be interrupted.
struct at_work {
	__u32 first, second;
	__u64 taken;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct at_work);
} at_work SEC(".maps");

// What of an interface's traffic is left out. Bits of exclude are 1 << enum
// exclusion.
enum exclusion {
	INSTANCE_METADATA,
	TIME_SYNC,
	WINDOWS_ACTIVATION,
	LINK_LOCAL_DNS,
	DHCP,
	VPC_ROUTER, // router4: needs a subnet that follows Amazon's plan
	VPC_DNS,    // dns4: likewise
};

struct iface {
	__u16 slot;
	__u16 l2; // bytes of link header before the IP header: 14, or 0
	__u32 exclude;
	__be32 router4, dns4;
};

struct device_key {
	__u64 netns; // cookie
	__u32 ifindex;
	__u32 _pad;
};

// The captured interfaces by slot.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_SLOTS);
	__type(key, __u32);
	__type(value, struct iface);
} interfaces SEC(".maps");

// Their slots, for the drop program, which meets packets of every device on the
// machine.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_SLOTS);
	__type(key, struct device_key);
	__type(value, __u32);
} devices SEC(".maps");

// The device programs, which all interfaces share. What is attached to an
// interface is a few instructions that note its slot and jump here.
enum { OBSERVE_INGRESS, OBSERVE_EGRESS };

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} observers SEC(".maps");

// Set once before load.
volatile const __u32 high_mark = 0xffffffff;

// What a drop reason means to us, by its number in the running kernel.
enum meaning { NO_REFUSAL, REFUSAL, FOREIGN_FRAME };

struct reasons {
	__u8 meaning[256];
	__u32 xdp, tc_ingress, tc_egress; // 0 where the kernel has no such reason
	// A socket filter reason, and whether the tracepoint names the socket:
	// without it a control group's refusal can't be told from a program's
	// own choice of what to read.
	__u32 socket_filter, names_socket;
	// Generic XDP drops without a reason of its own: by whom instead. The
	// code that drops lies in [xdp_start, xdp_end).
	__u32 not_specified, _pad;
	__u64 xdp_start, xdp_end;
};
volatile const struct reasons reasons = {};

// Nothing reads these: they carry the enumerations into the object's type
// information, from which the Go side takes them.
volatile const struct {
	enum kind kind;
	enum cause cause;
	enum exclusion exclusion;
	enum meaning meaning;
} enumerations = {};

#endif
