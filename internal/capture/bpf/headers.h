// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// Reading IP and transport headers. The text is the same for the device
// programs and the drop program; only how bytes are fetched differs, so this is
// included once for each, with
//
//	FROM                      what bytes are fetched from
//	LOAD(from, off, to, len)  copies len bytes at off; 0 on success
//	LOAD_SLOWLY               the same where size of code beats speed
//	WITH(name)                the includer's name for a function

INLINE void WITH(ports)(FROM from, __u32 off, struct transport *t)
{
	if (t->proto == PROTO_TCP) {
		struct tcp_start tcp = {};

		if (LOAD(from, off, &tcp, 14)) {
			// A first fragment may end inside the header (RFC 1858).
			if (!LOAD(from, off, &tcp, 4)) {
				t->sport = tcp.sport;
				t->dport = tcp.dport;
			}
			return;
		}
		t->sport = tcp.sport;
		t->dport = tcp.dport;
		t->seq = tcp.seq;
		t->flags = summed(tcp.flags);
		t->headers += (tcp.doff >> 4) * 4;
	} else if (has_ports(t->proto)) {
		__be16 port[2] = {};

		if (LOAD(from, off, port, 4))
			return;
		t->sport = port[0];
		t->dport = port[1];
		t->headers += t->proto == PROTO_SCTP ? 12 : 8;
	}
}

// headers4 fills t from the IPv4 header at off; it returns 0, or the cause why
// there is no record.
INLINE int WITH(headers4)(FROM from, __u32 off, struct ip4 *ip, struct transport *t)
{
	__u32 hlen, frag;

	if (LOAD(from, off, ip, 20))
		return TRUNCATED;
	hlen = (ip->version_ihl & 15) * 4;
	if (ip->version_ihl >> 4 != 4 || hlen < 20)
		return BAD_HEADER;
	t->proto = ip->protocol;
	t->total = bpf_ntohs(ip->tot_len);
	t->headers = hlen;
	t->id = ip->id;
	frag = bpf_ntohs(ip->frag_off);
	if (frag & 0x3fff) { // more to come, or an offset
		t->fragment = frag & 0x1fff ? LATER_FRAGMENT : FIRST_FRAGMENT;
		if (t->fragment == LATER_FRAGMENT)
			return 0;
	}
	WITH(ports)(from, off + hlen, t);
	return 0;
}

// skip_headers walks the IPv6 extension headers from the one at off, whose
// number is next. It is a function of its own, and its answer one number, so
// that the verifier looks at the walk once: see enum walk.
__attribute__((noinline)) __u64 WITH(skip_headers)(FROM from, __u32 off, __u32 next)
{
	__u32 at = off, fragment = WHOLE;
	__u64 id = 0;

	if (!from)
		return 0;
	for (int i = 0; i < MAX_EXT_HEADERS; i++) {
		struct ext_header ext = {};

		if (!is_ext_header(next))
			return WALKED(at - off, next, fragment, id);
		if (LOAD_SLOWLY(from, at, &ext, 8))
			return (__u64)TRUNCATED << WALK_ERROR;
		if (next != PROTO_FRAGMENT) {
			at += (ext.len + 1) * 8;
			next = ext.nexthdr;
			continue;
		}
		at += 8;
		next = ext.nexthdr;
		if (ext.frag_off & bpf_htons(0xfff8)) {
			id = ext.id;
			return WALKED(at - off, next, LATER_FRAGMENT, id);
		}
		if (ext.frag_off & bpf_htons(1)) {
			id = ext.id;
			fragment = FIRST_FRAGMENT;
		}
	}
	return (__u64)TOO_MANY_HEADERS << WALK_ERROR;
}

// headers6 is headers4 for IPv6.
INLINE int WITH(headers6)(FROM from, __u32 off, struct ip6 *ip, struct transport *t)
{
	if (LOAD(from, off, ip, 40))
		return TRUNCATED;
	if ((bpf_ntohl(ip->version_class_flow) >> 28) != 6)
		return BAD_HEADER;
	if (ip->payload_len)
		t->total = 40 + bpf_ntohs(ip->payload_len);
	t->proto = ip->nexthdr;
	t->headers = 40;
	if (is_ext_header(ip->nexthdr)) {
		__u64 walk = WITH(skip_headers)(from, off + 40, ip->nexthdr);

		if (walk >> WALK_ERROR & 15)
			return walk >> WALK_ERROR & 15;
		t->proto = walk;
		t->headers += walk >> WALK_LENGTH & WALK_MAX;
		t->fragment = walk >> WALK_FRAGMENT & 3;
		t->id = walk >> WALK_ID;
		if (!ip->payload_len && ip->nexthdr == PROTO_HOPOPTS)
			t->jumbo = 8; // RFC 2675
		if (t->fragment == LATER_FRAGMENT)
			return 0;
	}
	WITH(ports)(from, off + t->headers, t);
	return 0;
}

#undef FROM
#undef LOAD
#undef LOAD_SLOWLY
#undef WITH
