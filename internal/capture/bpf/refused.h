// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// The drop program: the kernel says of every packet it discards where it was
// and why. Those a firewall refused are counted under the tuple the wire knew
// them by, on the interface that a flow log of the machine would name:
//
//	refused at                              device        direction
//	netdev ingress, PREROUTING, INPUT, XDP  in            ingress
//	FORWARD, bridge INPUT                   in            ingress
//	POSTROUTING, bridge FORWARD             out           egress
//	OUTPUT, cgroup egress                   of the route  egress
//	netdev egress, tc egress                out           egress
#ifndef WEIR_REFUSED_H
#define WEIR_REFUSED_H

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

	return bpf_map_lookup_elem(&devices, &key);
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

// attribute finds the interface and the direction, and whether our hook on it
// has counted the packet.
INLINE int attribute(const struct discarded *d, struct refusal *r)
{
	__u64 netns = d->netns;
	__u32 ifindex = d->ifindex;

	// OUTPUT: the route knows the device. A packet without one may have been
	// lent the loopback device to answer it.
	if (!ifindex || (ifindex == LOOPBACK_IFINDEX && !d->iif && d->dst)) {
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
	struct last_seen *last;

	if (!r->by_tc)
		return;
	last = bpf_map_lookup_elem(&last_seen, &zero);
	if (last && last->skb == d->skb && last->mark == mark &&
	    last->where == ((__u32)r->iface->slot << 1 | r->egress))
		r->kind = REFUSED_SEEN;
	else
		r->kind = REFUSED_UNSEEN;
}

// reassembled measures a datagram that was refused as a whole after its
// fragments had passed our hook one by one.
INLINE void reassembled(const struct discarded *d, struct skb_shared_info *shared,
			const struct fragment_key *k, const struct transport *t,
			struct refusal *r)
{
	struct sk_buff *frag = BPF_CORE_READ(shared, frag_list);
	struct fragment *f;
	__u32 more = 0;

	if (d->protocol == bpf_htons(0x0800)) {
		f = bpf_map_lookup_elem(&fragments, k);
		if (f && f->packets > 1) {
			r->packets = f->packets;
			r->bytes = f->bytes;
			return;
		}
	}
	for (int i = 0; i < 128 && frag; i++) {
		more++;
		frag = BPF_CORE_READ((struct sk_buff___next *)frag, next);
	}
	if (!more)
		return;
	r->packets += more;
	if (d->protocol == bpf_htons(0x0800))
		r->bytes += (__u64)more * (t->headers & ~(__u32)3);
	else // the fragment header is gone from the reassembled packet
		r->bytes += (__u64)more * 48 + 8;
}

INLINE void measure_refused(const struct discarded *d, struct transport *t,
			    const struct fragment_key *k, struct refusal *r)
{
	struct skb_shared_info *shared = shared_info(d->head, d->end);
	struct sk_buff *skb = (struct sk_buff *)d->skb;
	__u32 gso = BPF_CORE_READ(shared, gso_size);
	// Headers may have been pulled: count from the IP header, not from data.
	__u32 l3 = d->len + (__u32)(d->data - d->head) - d->network;

	if (gso && t->proto != PROTO_TCP && BPF_CORE_READ_BITFIELD_PROBED(skb, encapsulation)) {
		struct tcp_start tcp = {};
		__u32 inner = BPF_CORE_READ(skb, inner_transport_header) - d->network;

		if (!discarded_load(d, inner & 511, &tcp, 14))
			t->headers = inner + inner_transport(shared, tcp.doff);
	}
	wire(t, l3, gso, BPF_CORE_READ(shared, gso_segs), &r->packets, &r->bytes);
	if (!gso && !t->fragment && r->kind == REFUSED_SEEN)
		reassembled(d, shared, k, t, r);
}

// before_nat replaces the tuple of a packet that came in and was translated by
// the one it came with.
INLINE int before_nat(const struct discarded *d, const struct transport *t,
		      struct nf_conntrack_tuple *tuple)
{
	struct nf_conn *ct = (struct nf_conn *)(d->nfct & ~(__u64)NFCT_INFOMASK);
	__u32 info = d->nfct & NFCT_INFOMASK;
	struct nf_conntrack_tuple_hash *hash;

	if (!ct || !bpf_core_type_exists(struct nf_conn))
		return 0;
	if (!(BPF_CORE_READ(ct, status) & IPS_NAT_MASK))
		return 0;
	// An ICMP error carries the connection it is about.
	if ((t->proto == PROTO_ICMP || t->proto == PROTO_ICMP6) &&
	    (info == IP_CT_RELATED || info == IP_CT_RELATED_REPLY))
		return 0;
	hash = info >= IP_CT_IS_REPLY ? &ct->tuplehash[1] : &ct->tuplehash[0];
	if (bpf_core_read(tuple, sizeof(*tuple), &hash->tuple))
		return 0;
	return tuple->dst.protonum == t->proto;
}

// UNREFUSED says whether a generation has seen packets of the flow that are not
// refused yet, as many as this refusal is about; exactly so if nothing else of the
// flow is left there.
#define UNREFUSED(find, gen, key, r, exactly)                                                    \
	({                                                                                       \
		typeof(*(key)) seen_key = *(key);                                                \
		struct counters *seen, *gone;                                                    \
		__s64 p = 0, b = 0;                                                              \
		seen_key.kind = SEEN << 1 | (r)->egress;                                         \
		seen = find(gen, &seen_key);                                                     \
		gone = find(gen, key);                                                           \
		if (seen) {                                                                      \
			p = seen->packets - (gone ? gone->packets : 0) - (r)->packets;           \
			b = seen->bytes - (gone ? gone->bytes : 0) - (r)->bytes;                 \
		}                                                                                \
		seen && p >= 0 && (!exactly || (b >= 0 && (p > 0 || b == 0)));                   \
	})

// While a generation is being closed, a refusal goes where its packet was seen. A
// packet that was seen in neither has overflowed, and is counted as such.
//
// If a refusal finds the table full, what was seen of the packet must not stay
// behind as accepted: it moves to the overflow.
#define COUNT_REFUSED(add, find, key, r, t)                                                      \
	do {                                                                                     \
		__u32 word = control_word(), gen = word & GENERATION;                            \
		if (word & CLOSING && (r)->kind != REFUSED_UNSEEN) {                             \
			if (UNREFUSED(find, gen ^ 1, key, r, 1))                                 \
				gen ^= 1;                                                        \
			else if (!UNREFUSED(find, gen, key, r, 0)) {                             \
				if (!UNREFUSED(find, gen ^ 1, key, r, 0))                        \
					break;                                                   \
				gen ^= 1;                                                        \
			}                                                                        \
		}                                                                                \
		if (add(gen, key, (r)->packets, (r)->bytes, bpf_jiffies64(), (t)->flags))        \
			break;                                                                   \
		if ((r)->kind != REFUSED_UNSEEN) {                                               \
			struct counters *seen;                                                   \
			(key)->kind = SEEN << 1 | (r)->egress;                                   \
			seen = find(gen, key);                                                   \
			if (!seen)                                                               \
				break; /* it overflowed when it was seen */                      \
			__sync_fetch_and_add(&seen->packets, -(r)->packets);                     \
			__sync_fetch_and_add(&seen->bytes, -(r)->bytes);                         \
		}                                                                                \
		add_overflow((r)->iface->slot, gen, (r)->egress, (r)->packets, (r)->bytes);      \
	} while (0)

INLINE void ports_of_datagram(const struct fragment_key *k, struct transport *t)
{
	struct fragment *f;

	if (t->fragment != LATER_FRAGMENT)
		return;
	f = bpf_map_lookup_elem(&fragments, k);
	if (f) {
		t->sport = f->sport;
		t->dport = f->dport;
	}
}

INLINE int refused4(const struct discarded *d, struct refusal *r)
{
	struct ip4 ip;
	struct transport t = {};
	struct nf_conntrack_tuple tuple;
	struct fragment_key k = {};
	struct key4 key;

	if (discarded_headers4(d, 0, &ip, &t))
		return 0;
	order(d, mark(ip.saddr, ip.daddr, &t), r);
	k.saddr[0] = ip.saddr;
	k.daddr[0] = ip.daddr;
	k.id = ip.id;
	k.proto = t.proto;
	k.slot = r->iface->slot;
	k.egress = r->egress;
	ports_of_datagram(&k, &t);
	measure_refused(d, &t, &k, r);
	if (!r->egress && before_nat(d, &t, &tuple)) {
		ip.saddr = tuple.src.addr[0];
		ip.daddr = tuple.dst.addr[0];
		if (has_ports(t.proto)) {
			t.sport = tuple.src.port;
			t.dport = tuple.dst.port;
		}
	}
	if (excluded4(r->iface->exclude, r->iface->router4, r->iface->dns4, &ip, &t) >= 0)
		return 1;
	key = (struct key4){
		.saddr = ip.saddr,
		.daddr = ip.daddr,
		.sport = t.sport,
		.dport = t.dport,
		.proto = t.proto,
		.kind = r->kind << 1 | r->egress,
		.slot = r->iface->slot,
	};
	COUNT_REFUSED(add4, find4, &key, r, &t);
	return 1;
}

INLINE int refused6(const struct discarded *d, struct refusal *r)
{
	struct ip6 ip;
	struct transport t = {};
	struct nf_conntrack_tuple tuple;
	struct fragment_key k = {};
	struct key6 key;

	if (discarded_headers6(d, 0, &ip, &t))
		return 0;
	order(d, mark(ip.saddr[3], ip.daddr[3], &t), r);
	__builtin_memcpy(k.saddr, ip.saddr, sizeof(k.saddr));
	__builtin_memcpy(k.daddr, ip.daddr, sizeof(k.daddr));
	k.id = t.id;
	k.proto = t.proto;
	k.slot = r->iface->slot;
	k.egress = r->egress;
	ports_of_datagram(&k, &t);
	measure_refused(d, &t, &k, r);
	if (!r->egress && before_nat(d, &t, &tuple)) {
		__builtin_memcpy(ip.saddr, tuple.src.addr, sizeof(ip.saddr));
		__builtin_memcpy(ip.daddr, tuple.dst.addr, sizeof(ip.daddr));
		if (has_ports(t.proto)) {
			t.sport = tuple.src.port;
			t.dport = tuple.dst.port;
		}
	}
	if (excluded6(r->iface->exclude, &ip, &t) >= 0)
		return 1;
	__builtin_memcpy(key.saddr, ip.saddr, sizeof(key.saddr));
	__builtin_memcpy(key.daddr, ip.daddr, sizeof(key.daddr));
	key.sport = t.sport;
	key.dport = t.dport;
	key.proto = t.proto;
	key.kind = r->kind << 1 | r->egress;
	key.slot = r->iface->slot;
	COUNT_REFUSED(add6, find6, &key, r, &t);
	return 1;
}

// untag steps over VLAN tags still in the data; netdev hooks meet them.
INLINE void untag(struct discarded *d)
{
	__be16 tag[2];

	for (int i = 0; i < MAX_VLANS; i++) {
		if (!is_tag(d->protocol))
			return;
		if (discarded_load(d, 0, tag, 4))
			return;
		d->protocol = tag[1];
		d->network += 4;
	}
}

INLINE void refused_packet(struct discarded *d)
{
	struct refusal r = {};
	int known = 0;

	if (!attribute(d, &r)) {
		// Every packet refused on a device nobody captures comes here;
		// only one without a device is worth a count.
		if (!d->ifindex && !(d->dst & ~(__u64)SKB_DST_NOREF))
			add_cause(UNATTRIBUTED, 1, d->len);
		return;
	}
	untag(d);
	if (d->protocol == bpf_htons(0x0800))
		known = refused4(d, &r);
	else if (d->protocol == bpf_htons(0x86dd))
		known = refused6(d, &r);
	else
		return; // counted as not IP when it was seen
	if (!known)
		add_cause(UNATTRIBUTED, 1, d->len);
	else if (r.kind == FOREIGN)
		add_cause(OTHER_HOST, r.packets, r.bytes);
}

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
