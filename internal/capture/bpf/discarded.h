// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// The drop programs: the kernel says of every packet it discards where it was and
// why. Those a firewall refused are counted.
#ifndef WEIR_DISCARDED_H
#define WEIR_DISCARDED_H

#include "refused.h"

// own_filter says whether the socket has a filter of its own: what that leaves
// out its program did not want, and nobody refused.
INLINE int own_filter(__u64 sock)
{
	struct sock *sk = (struct sock *)sock;

	return !sk || BPF_CORE_READ(sk, sk_filter);
}

// The kernel runs no program of a tracepoint within itself: a packet that is
// refused while it interrupts the drop program would be missed. So there are two
// programs, one after the other, and nothing interrupts twice: packets are
// refused in a process and in a soft interrupt, no deeper.
//
// The first program notes each packet before it counts it, the second crosses it
// off. What the second finds no note of the first did not take: it had no room for
// the note, or was itself interrupted. Then a note would be an old one, of a packet
// that had the same buffer: the second does not even look.
//
// A packet that came in by a device is refused in a soft interrupt, or with these
// off. Nothing comes between the two programs, so one note a CPU will do, and none
// piles up. One that a process sends may be interrupted anywhere.
//
// The kernel counts a program as running some instructions before its first and
// after its last, so work and rest come first and last in it: what interrupts just
// there, twice in succession and with the same buffer, can still be missed.
INLINE struct at_work *work(int second)
{
	__u32 zero = 0;
	struct at_work *at = bpf_map_lookup_elem(&at_work, &zero);

	if (!at)
		return 0;
	if (second)
		*(volatile __u32 *)&at->second = 1;
	else
		*(volatile __u32 *)&at->first = 1;
	return at;
}

INLINE int rest(struct at_work *at, int second)
{
	if (second)
		*(volatile __u32 *)&at->second = 0;
	else
		*(volatile __u32 *)&at->first = 0;
	return 0;
}

// take says whether a program is to count a packet.
INLINE int take(struct at_work *at, const struct discarded *d, int second)
{
	volatile __u64 *last = &at->taken;
	__u64 skb = d->skb;
	__u8 yes = 1;

	if (second) {
		__u64 noted = *last;

		*last = 0; // whatever it is, so that none outlives the packet
		if (*(volatile __u32 *)&at->first)
			return 1;
		if (!d->iif)
			return bpf_map_delete_elem(&taken, &skb) != 0;
		return noted != skb;
	}
	// This interrupts the second program, which will not come for the packet: a
	// note would stay behind.
	if (*(volatile __u32 *)&at->second)
		return 1;
	if (!d->iif)
		return !bpf_map_update_elem(&taken, &skb, &yes, BPF_ANY);
	*last = skb;
	return 1;
}

// ours says whether a discarded packet is for this program to count.
INLINE int ours(struct at_work *at, struct discarded *d, __u64 location, __u64 sock, int second)
{
	if (!concerns(d, location))
		return 0;
	if (d->reason == reasons.socket_filter && reasons.names_socket && own_filter(sock))
		return 0;
	return take(at, d, second);
}

// With a typed tracepoint the buffer is read directly.
INLINE int discarded_btf(__u64 *ctx, int second)
{
	struct at_work *at = work(second);
	struct sk_buff *skb = (struct sk_buff *)ctx[0];
	struct net_device *dev;
	struct discarded d = { .skb = (__u64)skb, .reason = ctx[2], .iif = skb->skb_iif };

	// Kernels without the fourth argument have names_socket 0.
	if (!at)
		return 0;
	if (!ours(at, &d, ctx[1], reasons.names_socket ? ctx[3] : 0, second))
		return rest(at, second);
	dev = skb->dev;
	d.dev = (__u64)dev;
	if (dev) {
		d.ifindex = dev->ifindex;
		d.netns = dev->nd_net.net->net_cookie;
	}
	d.dst = skb->_skb_refdst;
	d.nfct = skb->_nfct;
	d.head = skb->head;
	d.data = skb->data;
	d.len = skb->len;
	d.tail = skb->tail;
	d.end = skb->end;
	d.protocol = skb->protocol;
	d.network = skb->network_header;
	refused_packet(&d);
	return rest(at, second);
}

SEC("tp_btf/kfree_skb")
int refused_btf(__u64 *ctx)
{
	return discarded_btf(ctx, 0);
}

SEC("tp_btf/kfree_skb")
int second_btf(__u64 *ctx)
{
	return discarded_btf(ctx, 1);
}

// With a raw one every member is a guarded read.
INLINE int discarded_raw(struct bpf_raw_tracepoint_args *ctx, int second)
{
	struct at_work *at = work(second);
	struct sk_buff *skb = (struct sk_buff *)ctx->args[0];
	struct net_device *dev;
	struct discarded d = {
		.skb = (__u64)skb,
		.reason = ctx->args[2],
		.iif = BPF_CORE_READ(skb, skb_iif),
	};

	if (!at)
		return 0;
	if (!ours(at, &d, ctx->args[1], reasons.names_socket ? ctx->args[3] : 0, second))
		return rest(at, second);
	dev = BPF_CORE_READ(skb, dev);
	d.dev = (__u64)dev;
	if (dev) {
		d.ifindex = BPF_CORE_READ(dev, ifindex);
		d.netns = BPF_CORE_READ(dev, nd_net.net, net_cookie);
	}
	d.dst = BPF_CORE_READ(skb, _skb_refdst);
	d.nfct = BPF_CORE_READ(skb, _nfct);
	d.head = BPF_CORE_READ(skb, head);
	d.data = BPF_CORE_READ(skb, data);
	d.len = BPF_CORE_READ(skb, len);
	d.tail = BPF_CORE_READ(skb, tail);
	d.end = BPF_CORE_READ(skb, end);
	d.protocol = BPF_CORE_READ(skb, protocol);
	d.network = BPF_CORE_READ(skb, network_header);
	refused_packet(&d);
	return rest(at, second);
}

SEC("raw_tp/kfree_skb")
int refused_raw(struct bpf_raw_tracepoint_args *ctx)
{
	return discarded_raw(ctx, 0);
}

SEC("raw_tp/kfree_skb")
int second_raw(struct bpf_raw_tracepoint_args *ctx)
{
	return discarded_raw(ctx, 1);
}

#endif
