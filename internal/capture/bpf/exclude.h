// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// What Amazon's flow logs leave out: "Flow log limitations", Amazon VPC User
// Guide, read 2026-11-23. Each test names the exclusion or returns -1.
#ifndef WEIR_EXCLUDE_H
#define WEIR_EXCLUDE_H

#include "packet.h"

#define ON(what) (exclude & 1u << (what))

// service4 names the exclusion of a link-local service address 169.254.169.x.
INLINE int service4(__u32 exclude, __be32 addr, const struct transport *t)
{
	__u32 a = bpf_ntohl(addr);

	if (a >> 8 != 0xa9fea9)
		return -1;
	switch (a & 255) {
	case 254:
		return ON(INSTANCE_METADATA) ? INSTANCE_METADATA : -1;
	case 253:
		return ON(LINK_LOCAL_DNS) ? LINK_LOCAL_DNS : -1;
	case 123:
		return ON(TIME_SYNC) ? TIME_SYNC : -1;
	case 250:
	case 251: // the licence service: TCP 1688
		if (ON(WINDOWS_ACTIVATION) && t->proto == PROTO_TCP &&
		    (t->sport == bpf_htons(1688) || t->dport == bpf_htons(1688)))
			return WINDOWS_ACTIVATION;
	}
	return -1;
}

// Both ports are DHCP's: a host that merely uses one of them is not DHCP.
INLINE int dhcp(__u32 exclude, const struct transport *t, __u16 server, __u16 client)
{
	__u16 s = bpf_ntohs(t->sport), d = bpf_ntohs(t->dport);

	return ON(DHCP) && t->proto == PROTO_UDP && (s == server || s == client) &&
	       (d == server || d == client);
}

INLINE int excluded4(__u32 exclude, __be32 router, __be32 dns, const struct ip4 *ip,
		     const struct transport *t)
{
	int e;

	if (!exclude)
		return -1;
	e = service4(exclude, ip->daddr, t);
	if (e < 0)
		e = service4(exclude, ip->saddr, t);
	if (e >= 0)
		return e;
	if (ON(VPC_ROUTER) && (ip->daddr == router || ip->saddr == router))
		return VPC_ROUTER;
	if (ON(VPC_DNS) && (ip->daddr == dns || ip->saddr == dns))
		return VPC_DNS;
	return dhcp(exclude, t, 67, 68) ? DHCP : -1;
}

// service6 names the exclusion of fd00:ec2::x.
INLINE int service6(__u32 exclude, const __u32 a[4])
{
	if (a[0] != bpf_htonl(0xfd000ec2) || a[1] || a[2])
		return -1;
	switch (bpf_ntohl(a[3])) {
	case 0x254:
		return ON(INSTANCE_METADATA) ? INSTANCE_METADATA : -1;
	case 0x253:
		return ON(LINK_LOCAL_DNS) ? LINK_LOCAL_DNS : -1;
	case 0x123:
		return ON(TIME_SYNC) ? TIME_SYNC : -1;
	}
	return -1;
}

INLINE int excluded6(__u32 exclude, const struct ip6 *ip, const struct transport *t)
{
	int e;

	if (!exclude)
		return -1;
	e = service6(exclude, ip->daddr);
	if (e < 0)
		e = service6(exclude, ip->saddr);
	if (e >= 0)
		return e;
	return dhcp(exclude, t, 547, 546) ? DHCP : -1;
}

#undef ON

#endif
