package vpc

import (
	"bytes"
	"os"
	"strings"
)

// A Host is the VPC one machine is by itself: an interface for each of its
// network devices, a subnet for each prefix they are connected to.
type Host struct {
	machine string // what ids are made from
}

// NewHost returns the host this process runs on. Ids are stable for as long as
// the machine keeps its /etc/machine-id, or without one its name.
func NewHost() *Host {
	if raw, err := os.ReadFile("/etc/machine-id"); err == nil {
		if m := string(bytes.TrimSpace(raw)); m != "" {
			return &Host{machine: m}
		}
	}
	name, _ := os.Hostname()
	return &Host{machine: name}
}

// ID returns an id of Amazon's shape, such as fl-0123456789abcdef0 for the
// prefix "fl", that is always the same for the same parts on this machine.
func (h *Host) ID(prefix string, parts ...string) string {
	return id(prefix, append([]string{h.machine}, parts...)...)
}

// interfaceParts tells devices apart by what stays: hardware keeps its address
// and may be renamed, a virtual device keeps its name and often has a new
// address after every start. A device on top of hardware, such as a VLAN's, has
// the hardware's address and is virtual. shared says that another device has
// been told apart by the same parts.
func (h *Host) interfaceParts(d Device, l *link, shared bool) []string {
	mac := l.perm
	if mac == "" {
		mac = l.mac
	}
	parts := []string{d.Space, "name", l.name}
	if l.kind == "device" && strings.Trim(mac, "0:") != "" {
		parts = []string{d.Space, "mac", mac}
	}
	if shared {
		parts = append(parts, "name", l.name)
	}
	return parts
}
