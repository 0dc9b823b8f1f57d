// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// Adding to the tables.
#ifndef WEIR_COUNT_H
#define WEIR_COUNT_H

#include "maps.h"

#define INLINE static __attribute__((always_inline)) inline

// Counters of a processor need atomic addition too: the drop program runs in
// processes, and the device programs interrupt it.
INLINE void add_count(struct count *c, __u64 packets, __u64 bytes)
{
	if (!c)
		return;
	__sync_fetch_and_add(&c->packets, packets);
	__sync_fetch_and_add(&c->bytes, bytes);
}

INLINE void add_cause(__u32 cause, __u64 packets, __u64 bytes)
{
	add_count(bpf_map_lookup_elem(&causes, &cause), packets, bytes);
}

INLINE void add_overflow(__u32 slot, __u32 gen, __u32 egress, __u64 packets, __u64 bytes)
{
	__u32 i = (slot * 2 + gen) * 2 + egress;

	add_count(bpf_map_lookup_elem(&overflow, &i), packets, bytes);
}

INLINE void add(struct counters *c, __u64 packets, __u64 bytes, __u32 now, __u32 flags)
{
	__sync_fetch_and_add(&c->packets, packets);
	__sync_fetch_and_add(&c->bytes, bytes);
	if (c->last != now)
		c->last = now;
	if (flags & ~c->flags)
		__sync_fetch_and_or(&c->flags, flags);
}

// inserted tells the loader when a table passes its high mark.
INLINE void inserted(__u32 gen, __u32 six)
{
	__u32 i = gen & GENERATION;
	struct inserts *u = bpf_map_lookup_elem(&usage, &i);

	if (!u)
		return;
	if (__sync_fetch_and_add(&u->inserted[six], 1) + 1 == high_mark)
		bpf_ringbuf_output(&wake, &i, sizeof(i), 0);
}

// add_to counts into one table and is false if the table is full.
INLINE int add_to(void *table, const void *key, __u32 gen, __u32 six, __u64 packets, __u64 bytes,
		  __u32 now, __u32 flags)
{
	struct counters *c = bpf_map_lookup_elem(table, key);
	struct counters fresh = {
		.packets = packets,
		.bytes = bytes,
		.first = now,
		.last = now,
		.flags = flags,
	};

	if (c) {
		add(c, packets, bytes, now, flags);
		return 1;
	}
	if (!bpf_map_update_elem(table, key, &fresh, BPF_NOEXIST)) {
		inserted(gen, six);
		return 1;
	}
	c = bpf_map_lookup_elem(table, key); // another CPU was first
	if (!c)
		return 0;
	add(c, packets, bytes, now, flags);
	return 1;
}

// A table is named in each branch, not held in a variable: the verifier can
// inline a look-up only if it knows the map.
INLINE int add4(__u32 gen, const struct key4 *key, __u64 packets, __u64 bytes, __u32 now,
		__u32 flags)
{
	if (gen & 1)
		return add_to(&flows4_1, key, gen, 0, packets, bytes, now, flags);
	return add_to(&flows4_0, key, gen, 0, packets, bytes, now, flags);
}

INLINE int add6(__u32 gen, const struct key6 *key, __u64 packets, __u64 bytes, __u32 now,
		__u32 flags)
{
	if (gen & 1)
		return add_to(&flows6_1, key, gen, 1, packets, bytes, now, flags);
	return add_to(&flows6_0, key, gen, 1, packets, bytes, now, flags);
}

INLINE struct counters *find4(__u32 gen, const struct key4 *key)
{
	return gen & 1 ? bpf_map_lookup_elem(&flows4_1, key) : bpf_map_lookup_elem(&flows4_0, key);
}

INLINE struct counters *find6(__u32 gen, const struct key6 *key)
{
	return gen & 1 ? bpf_map_lookup_elem(&flows6_1, key) : bpf_map_lookup_elem(&flows6_0, key);
}

INLINE __u32 control_word(void)
{
	__u32 zero = 0, *c = bpf_map_lookup_elem(&control, &zero);

	return c ? *(volatile __u32 *)c : 0;
}

#endif
