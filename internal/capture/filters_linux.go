package capture

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"path/filepath"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// filters are the device programs attached the way of kernels without tcx.
type filters struct {
	ns       *namespace
	index    int
	handle   uint32
	ownQdisc bool
}

// Where our filters go. Filters of one priority are told apart by their handle,
// so others of the same kind can share the priority.
const (
	filterName      = "weir"
	ingressPriority = 1      // before everybody else
	egressPriority  = 0xfff0 // after everybody else
	priorities      = 16     // tried from there on, if another kind of filter has one
)

// filterHandle returns the handle of a source's filters: the same for every
// process that uses a pin directory, and no other's.
func filterHandle(pin string) uint32 {
	if pin == "" {
		return rand.Uint32() | 1
	}
	h := fnv.New32a()
	h.Write([]byte(filepath.Clean(pin)))
	return h.Sum32() | 1
}

func (f *filters) device() netlink.Link {
	return &netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: f.index}}
}

// hasQdisc reports whether there is a qdisc to hang filters on.
func (f *filters) hasQdisc() (bool, error) {
	list, err := f.ns.link.QdiscList(f.device())
	if err != nil {
		return false, fmt.Errorf("list qdiscs of interface %d: %w", f.index, err)
	}
	for _, q := range list {
		if q.Type() == "clsact" || q.Type() == "ingress" {
			return true, nil
		}
	}
	return false, nil
}

// attach adds the filters, or replaces those a former process left.
func (f *filters) attach(ingress, egress *ebpf.Program) error {
	if err := f.ns.link.QdiscAdd(clsact(f.index)); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("add clsact qdisc to interface %d: %w", f.index, err)
	}
	for _, way := range []struct {
		parent uint32
		first  uint16
		prog   *ebpf.Program
	}{
		{netlink.HANDLE_MIN_INGRESS, ingressPriority, ingress},
		{netlink.HANDLE_MIN_EGRESS, egressPriority, egress},
	} {
		ours, _, err := f.list(way.parent)
		if err != nil {
			return fmt.Errorf("list filters of interface %d: %w", f.index, err)
		}
		if len(ours) > 0 {
			way.first = ours[0].Priority
		}
		for n := range uint16(priorities) {
			filter := f.filter(way.parent, way.first+n)
			filter.Fd = way.prog.FD()
			// A priority belongs to one kind of filter and one protocol.
			if err = f.ns.link.FilterReplace(filter); !errors.Is(err, unix.EINVAL) {
				break
			}
		}
		if err != nil {
			return fmt.Errorf("add filter to interface %d: %w", f.index, err)
		}
	}
	return nil
}

func clsact(index int) netlink.Qdisc {
	return &netlink.Clsact{QdiscAttrs: netlink.QdiscAttrs{
		LinkIndex: index,
		Handle:    netlink.MakeHandle(0xffff, 0),
		Parent:    netlink.HANDLE_CLSACT,
	}}
}

func (f *filters) filter(parent uint32, priority uint16) *netlink.BpfFilter {
	return &netlink.BpfFilter{
		FilterAttrs: netlink.FilterAttrs{
			LinkIndex: f.index, Parent: parent, Handle: f.handle,
			Protocol: unix.ETH_P_ALL, Priority: priority,
		},
		Name:         filterName,
		DirectAction: true,
	}
}

// list returns our filters at one hook, and how many others there are.
func (f *filters) list(parent uint32) (ours []*netlink.BpfFilter, others int, err error) {
	all, err := f.ns.link.FilterList(f.device(), parent)
	for _, one := range all {
		b, ok := one.(*netlink.BpfFilter)
		if ok && b.Handle == f.handle && b.Name == filterName {
			ours = append(ours, b)
		} else {
			others++
		}
	}
	return ours, others, err
}

// remove deletes our filters, and the qdisc if it is ours and nobody else has
// hung a filter on it meanwhile. A device that is gone took all of it along.
func (f *filters) remove() error {
	var errs []error
	left := 0
	for _, parent := range []uint32{netlink.HANDLE_MIN_INGRESS, netlink.HANDLE_MIN_EGRESS} {
		ours, others, err := f.list(parent)
		if err != nil && !gone(err) {
			errs = append(errs, err)
		}
		for _, one := range ours {
			if err := f.ns.link.FilterDel(f.filter(parent, one.Priority)); err != nil && !gone(err) {
				errs = append(errs, err)
			}
		}
		left += others
	}
	if f.ownQdisc && left == 0 {
		if err := f.ns.link.QdiscDel(clsact(f.index)); err != nil && !gone(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func gone(err error) bool {
	return errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINVAL)
}
