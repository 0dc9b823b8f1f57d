package capture

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"

	"weir/internal/capture/bpf"
)

// refusalReasons are the drop reasons that mean a policy refused the packet
// (enum skb_drop_reason, Linux 6.18). Not among them: no socket, a bad
// checksum, no route, a full queue, reverse-path filtering. A kernel has those
// it knows; the numbers differ from release to release, so they are asked for
// by name.
var refusalReasons = []string{
	"NETFILTER_DROP",    // nftables, iptables, and everything built on them
	"TC_INGRESS",        // traffic control, and BPF programs at its hooks
	"TC_EGRESS",         //
	"XDP",               // generic XDP; native XDP drops before there is a buffer
	"BPF_CGROUP_EGRESS", // a control group's BPF program
	"SOCKET_FILTER",     // likewise on ingress, unless the socket has a filter of its own
	"XFRM_POLICY",       // IPsec policy
	"SECURITY_HOOK",     // a Linux security module
}

// foreignReasons mean that the frame was for another host: it passed the
// interface, but this machine is no party to it.
var foreignReasons = []string{"OTHERHOST"}

// dropReasons maps the reasons above to the running kernel's numbers.
func dropReasons(kernel *btf.Spec) (bpf.CaptureReasons, error) {
	var r bpf.CaptureReasons
	var enum *btf.Enum
	if err := kernel.TypeByName("skb_drop_reason", &enum); err != nil {
		return r, fmt.Errorf("kernel has no drop reasons (Linux 5.17): %w", errors.Join(ErrNotSupported, err))
	}
	numbers := make(map[string]uint32)
	for _, v := range enum.Values {
		numbers[v.Name] = uint32(v.Value)
	}
	number := func(name string) uint32 { return numbers["SKB_DROP_REASON_"+name] }
	mark := func(names []string, m bpf.CaptureMeaning) (found bool) {
		for _, name := range names {
			if n := number(name); n > 0 && n < uint32(len(r.Meaning)) {
				r.Meaning[n] = uint8(m)
				found = true
			}
		}
		return found
	}
	if !mark(refusalReasons, bpf.CaptureMeaningREFUSAL) {
		return r, fmt.Errorf("kernel has none of the drop reasons %v: %w", refusalReasons, ErrNotSupported)
	}
	mark(foreignReasons, bpf.CaptureMeaningFOREIGN_FRAME)
	r.NotSpecified = number("NOT_SPECIFIED")
	r.XdpStart, r.XdpEnd = genericXDP()
	r.Xdp, r.TcIngress, r.TcEgress = number("XDP"), number("TC_INGRESS"), number("TC_EGRESS")
	if namesSocket(kernel) {
		r.SocketFilter, r.NamesSocket = number("SOCKET_FILTER"), 1
	} else if n := number("SOCKET_FILTER"); n > 0 {
		r.Meaning[n] = 0
	}
	return r, nil
}

// namesSocket reports whether the tracepoint has the receiving socket as its
// fourth argument (Linux 6.11).
func namesSocket(kernel *btf.Spec) bool {
	var def *btf.Typedef
	if err := kernel.TypeByName("btf_trace_kfree_skb", &def); err != nil {
		return false
	}
	ptr, ok := def.Type.(*btf.Pointer)
	if !ok {
		return false
	}
	fn, ok := ptr.Target.(*btf.FuncProto)
	return ok && len(fn.Params) == 5 // the first is the tracepoint's own data
}

// genericXDP returns where in the kernel generic XDP drops packets; [0, 0) if this
// process may not know.
func genericXDP() (start, end uint64) {
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		return 0, 0
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if start == 0 && !bytes.HasSuffix(sc.Bytes(), []byte(" do_xdp_generic")) {
			continue
		}
		hex, _, _ := strings.Cut(sc.Text(), " ")
		addr, err := strconv.ParseUint(hex, 16, 64)
		if err != nil || addr == 0 {
			return 0, 0
		}
		if start != 0 {
			return start, addr // the symbols are in the order of their addresses
		}
		start = addr
	}
	return 0, 0
}
