// Package bpf holds the programs that run in the kernel, in C, their compiled
// form, and the Go types that mirror their maps. The C sources are dual
// licensed, GPL-2.0 or BSD-2-Clause. It knows nothing of loading or attaching.
//
// The object is committed so that a build needs no clang; CI compiles the
// sources again and compares.
package bpf

//go:generate go tool bpf2go -target bpfel -go-package bpf -cc clang -strip llvm-strip -cflags "-O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu -I/usr/include/aarch64-linux-gnu" -type cause -type exclusion -type kind -type meaning -type key4 -type key6 -type counters -type count -type inserts -type iface -type last_packet -type device_key -type fragment_key -type fragment Capture capture.c

// MaxSlots is how many interfaces can be captured at once: MAX_SLOTS in maps.h.
const MaxSlots = 1024
