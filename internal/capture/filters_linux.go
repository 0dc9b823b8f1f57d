package capture

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// filters are the device programs attached the way of kernels without tcx.
type filters struct {
	ns       *namespace
	index    int
	ownQdisc bool
}

// Our filters' names and places. Filters of one priority and protocol are told
// apart by their handle, so others can share the priority.
const (
	filterName      = "weir"
	filterHandle    = 0x77656972
	ingressPriority = 1      // before everybody else
	egressPriority  = 0xfff0 // after everybody else
)

func attachFilters(ns *namespace, index int, ingress, egress *ebpf.Program) (*filters, error) {
	f := &filters{ns: ns, index: index}
	err := ns.link.QdiscAdd(clsact(index))
	switch {
	case err == nil:
		f.ownQdisc = true
	case !errors.Is(err, unix.EEXIST):
		return nil, fmt.Errorf("add clsact qdisc to interface %d: %w", index, err)
	}
	for parent, prog := range map[uint32]*ebpf.Program{
		netlink.HANDLE_MIN_INGRESS: ingress,
		netlink.HANDLE_MIN_EGRESS:  egress,
	} {
		filter := f.filter(parent)
		filter.Fd = prog.FD()
		if err := ns.link.FilterReplace(filter); err != nil {
			return nil, errors.Join(fmt.Errorf("add filter to interface %d: %w", index, err), f.remove())
		}
	}
	return f, nil
}

func clsact(index int) netlink.Qdisc {
	return &netlink.Clsact{QdiscAttrs: netlink.QdiscAttrs{
		LinkIndex: index,
		Handle:    netlink.MakeHandle(0xffff, 0),
		Parent:    netlink.HANDLE_CLSACT,
	}}
}

func (f *filters) filter(parent uint32) *netlink.BpfFilter {
	priority := uint16(ingressPriority)
	if parent == netlink.HANDLE_MIN_EGRESS {
		priority = egressPriority
	}
	return &netlink.BpfFilter{
		FilterAttrs: netlink.FilterAttrs{
			LinkIndex: f.index, Parent: parent, Handle: filterHandle,
			Protocol: unix.ETH_P_ALL, Priority: priority,
		},
		Name:         filterName,
		DirectAction: true,
	}
}

// remove deletes our filters, and the qdisc if it is ours and nobody else has
// hung a filter on it meanwhile. A device that is gone took all of it along.
func (f *filters) remove() error {
	var errs []error
	others := 0
	for _, parent := range []uint32{netlink.HANDLE_MIN_INGRESS, netlink.HANDLE_MIN_EGRESS} {
		err := f.ns.link.FilterDel(f.filter(parent))
		if err != nil && !gone(err) {
			errs = append(errs, err)
		}
		left, err := f.ns.link.FilterList(&netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: f.index}}, parent)
		if err != nil && !gone(err) {
			errs = append(errs, err)
		}
		others += len(left)
	}
	if f.ownQdisc && others == 0 {
		if err := f.ns.link.QdiscDel(clsact(f.index)); err != nil && !gone(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func gone(err error) bool {
	return errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINVAL)
}
