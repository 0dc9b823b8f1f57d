// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// Which interface and direction a discarded packet belongs to, and whether our hook
// has counted it:
//
//	refused at                              device        direction
//	netdev ingress, PREROUTING, INPUT, XDP  in            ingress
//	FORWARD, bridge INPUT                   in            ingress
//	POSTROUTING, bridge FORWARD             out           egress
//	OUTPUT, cgroup egress                   of the route  egress
//	netdev egress, tc egress                out           egress
#ifndef WEIR_ATTRIBUTE_H
#define WEIR_ATTRIBUTE_H

#include "exclude.h"
#include "offload.h"

// What is read of the packet buffer, however it is read.
struct discarded {
	__u64 skb, dev, netns, dst, nfct;
	unsigned char *head, *data;
	__u32 ifindex, iif, len, tail, end, reason;
	__u16 protocol, network;
	__u8 meaning, by_xdp;
};

// Headers lie in the linear part; bytes beyond it are another packet's.
INLINE int discarded_load(const struct discarded *d, __u32 off, void *to, __u32 len)
{
	if (d->network + off + len > d->tail)
		return -1;
	return bpf_probe_read_kernel(to, len, d->head + d->network + off);
}

#define FROM const struct discarded *
#define LOAD discarded_load
#define LOAD_SLOWLY discarded_load
#define WITH(name) discarded_##name
#include "headers.h"

struct refusal {
	struct iface *iface;
	__u8 egress;
	__u8 kind;
	__u8 by_tc; // before or after our hook: see order
	__u64 packets, bytes;
};

// concerns says whether a discarded packet is any of our business, and notes what
// its reason means.
INLINE int concerns(struct discarded *d, __u64 location)
{
	__u32 reason = d->reason;

	if (reason > 255)
		return 0;
	if (reasons.xdp && reason == reasons.xdp)
		d->by_xdp = 1;
	if (reason == reasons.not_specified && location >= reasons.xdp_start &&
	    location < reasons.xdp_end) {
		d->by_xdp = 1;
		d->meaning = REFUSAL;
		return 1;
	}
	asm volatile("%0 &= 255" : "+r"(reason)); // a bound the verifier can see
	d->meaning = reasons.meaning[reason];
	return d->meaning != NO_REFUSAL;
}

INLINE struct iface *device(__u64 netns, __u32 ifindex)
{
	struct device_key key = { .netns = netns, .ifindex = ifindex };
	__u32 *slot = bpf_map_lookup_elem(&devices, &key);

	return slot ? bpf_map_lookup_elem(&interfaces, slot) : 0;
}

// misaddressed says whether a frame that the stack took for another host's has
// another host's address. Those with a VLAN tag no device was found for do not:
// they count as what they are, packets that came in.
INLINE int misaddressed(const struct discarded *d)
{
	struct sk_buff *skb = (struct sk_buff *)d->skb;
	struct net_device *dev = (struct net_device *)d->dev;
	__u8 to[6] = {}, own[6] = {};

	if (bpf_probe_read_kernel(to, 6, d->head + BPF_CORE_READ(skb, mac_header)) ||
	    bpf_probe_read_kernel(own, 6, BPF_CORE_READ(dev, dev_addr)))
		return 0;
	if (to[0] & 1)
		return 0;
	for (int i = 0; i < 6; i++)
		if (to[i] != own[i])
			return 1;
	return 0;
}

// taken_in says whether a bridge was about to deliver the frame to this machine:
// then it has the bridge for its device but came in through a port. One that the
// machine sends on through the bridge still has the address it came in with.
INLINE int taken_in(const struct discarded *d)
{
	struct net_device *dev = (struct net_device *)d->dev;

	return d->iif && d->iif != d->ifindex &&
	       BPF_CORE_READ_BITFIELD_PROBED(dev, priv_flags) & IFF_EBRIDGE && !misaddressed(d);
}

// at_output says whether the packet was discarded where the route knows its device
// and the packet does not. One without a device may have been lent loopback to answer
// it; what a tunnel sends still has the tunnel's device, and no link header yet. With
// a bridge for its route, that may be the bridge's port: so it has got further.
INLINE int at_output(const struct discarded *d)
{
	struct dst_entry *dst = (struct dst_entry *)(d->dst & ~(__u64)SKB_DST_NOREF);
	struct net_device *dev;

	if (!d->ifindex)
		return 1;
	if (d->iif || !dst)
		return 0;
	if (d->ifindex == LOOPBACK_IFINDEX)
		return 1;
	if (d->data != d->head + d->network)
		return 0;
	dev = BPF_CORE_READ(dst, dev);
	return !(BPF_CORE_READ_BITFIELD_PROBED(dev, priv_flags) & IFF_EBRIDGE);
}

// attribute finds the interface and the direction, and whether our hook on it
// has counted the packet.
INLINE int attribute(const struct discarded *d, struct refusal *r)
{
	__u64 netns = d->netns;
	__u32 ifindex = d->ifindex;

	if (at_output(d)) {
		struct dst_entry *dst = (struct dst_entry *)(d->dst & ~(__u64)SKB_DST_NOREF);
		struct net_device *dev;

		if (!dst)
			return 0;
		dev = BPF_CORE_READ(dst, dev);
		ifindex = BPF_CORE_READ(dev, ifindex);
		netns = BPF_CORE_READ(dev, nd_net.net, net_cookie);
		r->egress = 1;
	} else if (reasons.tc_egress && d->reason == reasons.tc_egress) {
		r->egress = r->by_tc = 1;
	} else if (reasons.tc_ingress && d->reason == reasons.tc_ingress) {
		r->by_tc = 1;
	} else if (d->by_xdp) {
		r->egress = 0;
	} else if (taken_in(d)) {
		ifindex = d->iif;
	} else {
		r->egress = d->iif != ifindex;
	}
	r->iface = device(netns, ifindex);
	if (!r->iface)
		return 0;
	if (d->meaning == FOREIGN_FRAME) {
		r->kind = FOREIGN;
		return misaddressed(d);
	}
	if (r->egress || d->by_xdp)
		r->kind = REFUSED_UNSEEN; // all but traffic control comes before our hook
	else
		r->kind = REFUSED_SEEN; // all but traffic control comes after it
	return 1;
}

// order finds out whether traffic control refused the packet before or after
// our hook: after it, nothing else has passed a hook on this CPU meanwhile.
INLINE void order(const struct discarded *d, __u32 mark, struct refusal *r)
{
	__u32 zero = 0;
	struct last_packet *last;

	if (!r->by_tc)
		return;
	last = bpf_map_lookup_elem(&last_seen, &zero);
	if (last && last->skb == d->skb && last->mark == mark &&
	    last->where == ((__u32)r->iface->slot << 1 | r->egress))
		r->kind = REFUSED_SEEN;
	else
		r->kind = REFUSED_UNSEEN;
}

#endif
