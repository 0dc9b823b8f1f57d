// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// IP and transport headers as they are on the wire, and what is kept of them.
#ifndef WEIR_PACKET_H
#define WEIR_PACKET_H

#include "count.h"
#include <bpf/bpf_endian.h>

enum {
	PROTO_HOPOPTS = 0,
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_DCCP = 33,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_ICMP6 = 58,
	PROTO_DSTOPTS = 60,
	PROTO_SCTP = 132,
	PROTO_UDPLITE = 136,
	PROTO_SHIM6 = 140,

	ETH_HLEN_ = 14,
	MAX_VLANS = 4,
	MAX_EXT_HEADERS = 8,
	MAX_LINK_HEADER = ETH_HLEN_ + 4 * MAX_VLANS,
};

struct ip4 {
	__u8 version_ihl, tos;
	__be16 tot_len, id, frag_off;
	__u8 ttl, protocol;
	__be16 check;
	__be32 saddr, daddr;
};

struct ip6 {
	__be32 version_class_flow;
	__be16 payload_len;
	__u8 nexthdr, hop_limit;
	__u32 saddr[4], daddr[4];
};

struct ext_header {
	__u8 nexthdr, len; // len in units of 8 bytes, the first not counted
	__be16 frag_off;   // the rest only in a fragment header
	__be32 id;
};

struct tcp_start {
	__be16 sport, dport;
	__be32 seq, ack;
	__u8 doff, flags;
};

enum { WHOLE, FIRST_FRAGMENT, LATER_FRAGMENT };

// What the headers say beyond addresses.
struct transport {
	__be16 sport, dport;
	__u8 proto;
	__u8 flags;    // TCP flags as a flow log sums them
	__u8 fragment; // WHOLE, FIRST_FRAGMENT or LATER_FRAGMENT
	__u32 id;      // of the datagram: always in IPv4, of a fragment in IPv6
	__u32 seq;     // TCP sequence number
	__u32 total;   // IP bytes by the header; 0 if it does not say
	__u32 headers; // bytes repeated in each segment of an offloaded packet
	__u32 jumbo;   // bytes of them that only a buffer beyond 64 KiB carries
};

// mark tells packets apart that are in the same buffer one after the other.
INLINE __u32 mark(__u32 saddr, __u32 daddr, const struct transport *t)
{
	return saddr ^ daddr ^ t->id ^ t->seq ^ t->fragment ^ t->total ^
	       ((__u32)t->sport << 16 | t->dport);
}

// summed reduces TCP header flags to those a flow log records: FIN, SYN, RST,
// and ACK only together with SYN.
INLINE __u8 summed(__u8 flags)
{
	return (flags & 7) | ((flags & 0x12) == 0x12 ? 0x10 : 0);
}

INLINE int has_ports(__u8 proto)
{
	return proto == PROTO_TCP || proto == PROTO_UDP || proto == PROTO_SCTP ||
	       proto == PROTO_DCCP || proto == PROTO_UDPLITE;
}

INLINE int is_tag(__be16 type)
{
	return type == bpf_htons(0x8100) || type == bpf_htons(0x88a8) || type == bpf_htons(0x9100);
}

// Mobility and HIP headers are extension headers by their layout, but nothing
// ever follows them: they are the protocol of their packet. So is AH, as in IPv4.
INLINE int is_ext_header(__u32 proto)
{
	return proto == PROTO_HOPOPTS || proto == PROTO_ROUTING || proto == PROTO_FRAGMENT ||
	       proto == PROTO_DSTOPTS || proto == PROTO_SHIM6;
}

// The answer of a walk over extension headers, in one number: protocol (8
// bits), fragment (2), length of the headers (13), error (4), fragment id (32).
enum walk {
	WALK_FRAGMENT = 8,
	WALK_LENGTH = 10,
	WALK_ERROR = 28,
	WALK_ID = 32,
	WALK_MAX = 0x1fff,
};

#define WALKED(length, next, fragment, id)                                                         \
	((__u64)(id) << WALK_ID | (__u64)((length) & WALK_MAX) << WALK_LENGTH |                    \
	 (fragment) << WALK_FRAGMENT | ((next) & 255))

// wire turns one buffer of the stack into what crosses the wire. l3 is the
// number of bytes from the IP header on, link padding included.
INLINE void wire(const struct transport *t, __u32 l3, __u32 gso_size, __u32 gso_segs,
		 __u64 *packets, __u64 *bytes)
{
	__u32 segs = gso_segs, headers;

	if (!gso_size) {
		*packets = 1;
		*bytes = t->total && t->total < l3 ? t->total : l3;
		return;
	}
	headers = t->headers - t->jumbo; // the stack takes it off again
	l3 -= t->jumbo;
	// A guest's or a raw sender's buffer comes without a count.
	if (segs < 2 && gso_size < 0xffff && l3 > headers)
		segs = (l3 - headers + gso_size - 1) / gso_size;
	if (!segs)
		segs = 1;
	*packets = segs;
	*bytes = l3 + (__u64)(segs - 1) * headers;
}

#endif
