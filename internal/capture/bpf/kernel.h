// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// The few kernel structures the drop program looks into, reduced to the members
// it reads. Offsets are relocated to the running kernel's at load (CO-RE), so
// order and padding here mean nothing.
#ifndef WEIR_KERNEL_H
#define WEIR_KERNEL_H

#include <linux/types.h>

#define RELOCATED __attribute__((preserve_access_index))

struct net {
	__u64 net_cookie;
} RELOCATED;

typedef struct {
	struct net *net;
} possible_net_t;

struct net_device {
	int ifindex;
	unsigned long priv_flags : 32;
	const unsigned char *dev_addr;
	possible_net_t nd_net;
} RELOCATED;

struct dst_entry {
	struct net_device *dev;
} RELOCATED;

struct sk_buff {
	struct net_device *dev;
	unsigned long _skb_refdst;
	unsigned long _nfct;
	unsigned int len;
	int skb_iif;
	__be16 protocol;
	__u16 network_header, mac_header;
	__u16 inner_transport_header;
	__u8 encapsulation : 1;
	unsigned int tail, end;
	unsigned char *head;
	unsigned char *data;
} RELOCATED;

struct sock {
	void *sk_filter;
} RELOCATED;

struct skb_shared_info {
	unsigned short gso_size;
	unsigned short gso_segs;
	unsigned int gso_type;
	struct sk_buff *frag_list;
} RELOCATED;

// The list member of struct sk_buff that chains fragments; a flavour of its
// own because it lives in a union.
struct sk_buff___next {
	struct sk_buff *next;
} RELOCATED;

// Connection tracking. The tuple is copied whole, so its layout matters; it
// has not changed since Linux 2.6.22. The size is checked at load.
struct nf_conntrack_tuple {
	struct {
		__u32 addr[4];
		__be16 port;
		__u16 l3num;
	} src;
	struct {
		__u32 addr[4];
		__be16 port;
		__u8 protonum;
		__u8 dir;
	} dst;
};

struct nf_conntrack_tuple_hash {
	struct nf_conntrack_tuple tuple;
} RELOCATED;

struct nf_conn {
	struct nf_conntrack_tuple_hash tuplehash[2];
	unsigned long status;
} RELOCATED;

enum {
	IPS_NAT_MASK = 1 << 4 | 1 << 5, // IPS_SRC_NAT | IPS_DST_NAT
	IP_CT_RELATED = 1,
	IP_CT_IS_REPLY = 3,
	IP_CT_RELATED_REPLY = 4,
	NFCT_INFOMASK = 7,
	SKB_DST_NOREF = 1,
	IFF_EBRIDGE = 1 << 1,
	LOOPBACK_IFINDEX = 1,
};

#endif
