//go:build ignore
// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

#include "device.h"
#include "discarded.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
