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
// programs, one after the other. The first notes each packet it takes, and the
// second takes those that the first could not.
INLINE struct handled *handled_here(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&handled_packets, &zero);
}

INLINE void note(__u64 skb)
{
	struct handled *h = handled_here();

	if (!h)
		return;
	for (int i = MAX_HANDLED - 1; i > 0; i--)
		h->skb[i] = h->skb[i - 1];
	h->skb[0] = skb;
	*(volatile __u32 *)&h->busy = 1;
}

INLINE void noted(void)
{
	struct handled *h = handled_here();

	if (h)
		*(volatile __u32 *)&h->busy = 0;
}

// handled says whether the first program has taken the packet, and forgets it. If
// the first is busy, this interrupts it, and it has not.
INLINE int handled(__u64 skb)
{
	struct handled *h = handled_here();
	int found = 0;

	if (!h)
		return 1;
	if (*(volatile __u32 *)&h->busy)
		return 0;
	for (int i = 0; i < MAX_HANDLED; i++) {
		if (found)
			h->skb[i - 1] = h->skb[i];
		else if (h->skb[i] == skb)
			found = 1;
	}
	if (found)
		h->skb[MAX_HANDLED - 1] = 0;
	return found;
}

// ours says whether a discarded packet is for this program to count.
INLINE int ours(struct discarded *d, __u64 location, __u64 sock, int second)
{
	if (!concerns(d, location))
		return 0;
	if (d->reason == reasons.socket_filter && reasons.names_socket && own_filter(sock))
		return 0;
	if (second)
		return !handled(d->skb);
	note(d->skb);
	return 1;
}

// With a typed tracepoint the buffer is read directly.
INLINE int discarded_btf(__u64 *ctx, int second)
{
	struct sk_buff *skb = (struct sk_buff *)ctx[0];
	struct net_device *dev;
	struct discarded d = { .skb = (__u64)skb, .reason = ctx[2] };

	// Kernels without the fourth argument have names_socket 0.
	if (!ours(&d, ctx[1], reasons.names_socket ? ctx[3] : 0, second))
		return 0;
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
	d.iif = skb->skb_iif;
	d.len = skb->len;
	d.tail = skb->tail;
	d.end = skb->end;
	d.protocol = skb->protocol;
	d.network = skb->network_header;
	refused_packet(&d);
	if (!second)
		noted();
	return 0;
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
	struct sk_buff *skb = (struct sk_buff *)ctx->args[0];
	struct net_device *dev;
	struct discarded d = { .skb = (__u64)skb, .reason = ctx->args[2] };

	if (!ours(&d, ctx->args[1], reasons.names_socket ? ctx->args[3] : 0, second))
		return 0;
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
	d.iif = BPF_CORE_READ(skb, skb_iif);
	d.len = BPF_CORE_READ(skb, len);
	d.tail = BPF_CORE_READ(skb, tail);
	d.end = BPF_CORE_READ(skb, end);
	d.protocol = BPF_CORE_READ(skb, protocol);
	d.network = BPF_CORE_READ(skb, network_header);
	refused_packet(&d);
	if (!second)
		noted();
	return 0;
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
