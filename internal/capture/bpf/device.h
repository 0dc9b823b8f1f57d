// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// The device programs: every packet that crosses an interface is counted into
// the open generation of the flow table. They look and never touch: the answer
// is always "next".

#ifndef WEIR_DEVICE_H
#define WEIR_DEVICE_H

#include "exclude.h"
#include "offload.h"

INLINE int skb_load(struct __sk_buff *skb, __u32 off, void *to, __u32 len)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;

	if (off <= 512 && data + off + len <= end) {
		__builtin_memcpy(to, data + off, len);
		return 0;
	}
	return bpf_skb_load_bytes(skb, off, to, len);
}

#define FROM struct __sk_buff *
#define WITH(name) skb_##name
#define LOAD skb_load
#define LOAD_SLOWLY bpf_skb_load_bytes
#include "headers.h"

// bpf_cast_to_kern_ctx shows the whole packet buffer; Linux 6.2 and later.
extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym __weak;

// tunnel_headers measures what every segment of an offloaded tunnel packet
// repeats: from the outer IP header to the end of the inner transport header.
// It is 0 if this is no tunnel packet or the kernel does not let us look.
INLINE __u32 tunnel_headers(struct __sk_buff *ctx, __u32 off)
{
	struct sk_buff *skb;
	struct tcp_start tcp = {};
	__u32 inner;

	if (!bpf_cast_to_kern_ctx)
		return 0;
	skb = bpf_cast_to_kern_ctx(ctx);
	if (!BPF_CORE_READ_BITFIELD(skb, encapsulation))
		return 0;
	inner = skb->inner_transport_header - skb->network_header;
	if (skb_load(ctx, off + (inner & 511), &tcp, 14))
		return 0;
	return inner + inner_transport(shared_info(skb->head, skb->end), tcp.doff);
}

// A place is where a packet passes: an interface, one way.
struct place {
	const struct iface *iface;
	struct last_packet *last;
	__u8 egress;
};

INLINE void fragment_key(struct fragment_key *k, const struct transport *t, const struct place *at)
{
	k->id = t->id;
	k->proto = t->proto;
	k->slot = at->iface->slot;
	k->egress = at->egress;
}

// fragmented gives a later fragment the ports of its datagram, and remembers
// them of a first one.
INLINE void fragmented(const struct fragment_key *k, struct transport *t, __u64 packets,
		       __u64 bytes)
{
	struct fragment *f = bpf_map_lookup_elem(&fragments, k);

	if (t->fragment == FIRST_FRAGMENT) {
		struct fragment fresh = {
			.sport = t->sport,
			.dport = t->dport,
			.packets = packets,
			.bytes = bytes,
		};

		bpf_map_update_elem(&fragments, k, &fresh, BPF_ANY);
		return;
	}
	if (!f)
		return;
	t->sport = f->sport;
	t->dport = f->dport;
	__sync_fetch_and_add(&f->packets, packets);
	__sync_fetch_and_add(&f->bytes, bytes);
}

INLINE void remember(const struct place *at, struct __sk_buff *skb, __u32 mark)
{
	at->last->skb = (__u64)skb;
	at->last->mark = mark;
	at->last->where = at->iface->slot << 1 | at->egress;
}

INLINE void measure(struct __sk_buff *skb, __u32 off, struct transport *t, __u64 *packets,
		    __u64 *bytes)
{
	__u32 gso = skb->gso_size;

	if (gso && t->proto != PROTO_TCP) {
		__u32 headers = tunnel_headers(skb, off);

		if (headers)
			t->headers = headers;
	}
	wire(t, skb->len - off, gso, skb->gso_segs, packets, bytes);
}

INLINE void observe4(struct __sk_buff *skb, __u32 off, const struct place *at)
{
	const struct iface *me = at->iface;
	struct ip4 ip;
	struct transport t = {};
	struct key4 key;
	__u64 packets, bytes;
	__u32 word;
	int why = skb_headers4(skb, off, &ip, &t);

	if (why) {
		add_cause(why, 1, skb->len - off);
		return;
	}
	remember(at, skb, mark(ip.saddr, ip.daddr, &t));
	measure(skb, off, &t, &packets, &bytes);
	if (t.fragment) {
		struct fragment_key k = { .saddr = { ip.saddr }, .daddr = { ip.daddr } };

		fragment_key(&k, &t, at);
		fragmented(&k, &t, packets, bytes);
	}
	why = excluded4(me->exclude, me->router4, me->dns4, &ip, &t);
	if (why >= 0) {
		add_cause(EXCLUDED + why, packets, bytes);
		return;
	}
	key = (struct key4){
		.saddr = ip.saddr,
		.daddr = ip.daddr,
		.sport = t.sport,
		.dport = t.dport,
		.proto = t.proto,
		.kind = SEEN << 1 | at->egress,
		.slot = me->slot,
	};
	word = control_word();
	if (!add4(word, &key, packets, bytes, bpf_jiffies64(), t.flags))
		add_overflow(me->slot, word & GENERATION, at->egress, packets, bytes);
}

INLINE void observe6(struct __sk_buff *skb, __u32 off, const struct place *at)
{
	const struct iface *me = at->iface;
	struct ip6 ip;
	struct transport t = {};
	struct key6 key;
	__u64 packets, bytes;
	__u32 word;
	int why = skb_headers6(skb, off, &ip, &t);

	if (why) {
		add_cause(why, 1, skb->len - off);
		return;
	}
	remember(at, skb, mark(ip.saddr[3], ip.daddr[3], &t));
	measure(skb, off, &t, &packets, &bytes);
	if (t.fragment) {
		struct fragment_key k;

		__builtin_memcpy(k.saddr, ip.saddr, sizeof(k.saddr));
		__builtin_memcpy(k.daddr, ip.daddr, sizeof(k.daddr));
		fragment_key(&k, &t, at);
		fragmented(&k, &t, packets, bytes);
	}
	why = excluded6(me->exclude, &ip, &t);
	if (why >= 0) {
		add_cause(EXCLUDED + why, packets, bytes);
		return;
	}
	__builtin_memcpy(key.saddr, ip.saddr, sizeof(key.saddr));
	__builtin_memcpy(key.daddr, ip.daddr, sizeof(key.daddr));
	key.sport = t.sport;
	key.dport = t.dport;
	key.proto = t.proto;
	key.kind = SEEN << 1 | at->egress;
	key.slot = me->slot;
	word = control_word();
	if (!add6(word, &key, packets, bytes, bpf_jiffies64(), t.flags))
		add_overflow(me->slot, word & GENERATION, at->egress, packets, bytes);
}

// behind_tags finds the EtherType behind the VLAN tags that are in the data; the
// outermost one is in the buffer's metadata. The answer is offset << 16 | type,
// or the cause why there is no record.
__attribute__((noinline)) __u32 behind_tags(struct __sk_buff *skb)
{
	__u32 off = ETH_HLEN_;
	__be16 tag[2];

	for (int i = 0; i < MAX_VLANS; i++) {
		if (bpf_skb_load_bytes(skb, off, tag, 4))
			return TRUNCATED;
		off += 4;
		if (!is_tag(tag[1]))
			return off << 16 | tag[1];
	}
	return TOO_MANY_HEADERS;
}

enum { NEXT = -1 }; // TCX_NEXT and TC_ACT_UNSPEC

INLINE int observe(struct __sk_buff *skb, __u8 egress)
{
	__be16 type = skb->protocol;
	struct place at = { .egress = egress };
	__u32 zero = 0, off;

	at.last = bpf_map_lookup_elem(&last_seen, &zero);
	if (!at.last)
		return NEXT;
	at.iface = bpf_map_lookup_elem(&interfaces, &at.last->slot);
	if (!at.iface)
		return NEXT;
	off = at.iface->l2 ? ETH_HLEN_ : 0;
	if (off && skb_load(skb, 12, &type, 2)) {
		add_cause(TRUNCATED, 1, 0);
		return NEXT;
	}
	if (off && is_tag(type)) {
		__u32 found = behind_tags(skb);

		type = found;
		off = found >> 16;
		if (!off || off > MAX_LINK_HEADER) {
			add_cause(found & 15, 1, skb->len - ETH_HLEN_);
			return NEXT;
		}
	}
	if (type == bpf_htons(0x0800))
		observe4(skb, off, &at);
	else if (type == bpf_htons(0x86dd))
		observe6(skb, off, &at);
	else
		add_cause(NOT_IP, 1, skb->len - off);
	return NEXT;
}

// clock answers with the time entries are stamped with, to whoever runs it.
SEC("tc")
int clock(struct __sk_buff *skb)
{
	return bpf_jiffies64();
}

SEC("tc")
int ingress(struct __sk_buff *skb)
{
	return observe(skb, 0);
}

SEC("tc")
int egress(struct __sk_buff *skb)
{
	return observe(skb, 1);
}

#endif
