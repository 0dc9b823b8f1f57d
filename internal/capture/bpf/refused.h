// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// Counting a refused packet as what it was on the wire.
#ifndef WEIR_REFUSED_H
#define WEIR_REFUSED_H

#include "attribute.h"

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

#endif
