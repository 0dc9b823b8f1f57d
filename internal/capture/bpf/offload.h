// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// What the kernel's packet buffer knows of segmentation offload and the headers
// do not say.
#ifndef WEIR_OFFLOAD_H
#define WEIR_OFFLOAD_H

#include "kernel.h"
#include "packet.h"
#include <bpf/bpf_core_read.h>

enum { SKB_GSO_TCP = 1 << 0 | 1 << 4 }; // SKB_GSO_TCPV4 | SKB_GSO_TCPV6

INLINE struct skb_shared_info *shared_info(unsigned char *head, unsigned int end)
{
	return (struct skb_shared_info *)(head + end);
}

// inner_transport is the length of a tunnel packet's inner transport header,
// whose data offset byte is doff if it is TCP.
INLINE __u32 inner_transport(const struct skb_shared_info *shared, __u8 doff)
{
	if (BPF_CORE_READ(shared, gso_type) & SKB_GSO_TCP)
		return (doff >> 4) * 4;
	return 8; // UDP
}

#endif
