package vpc

import (
	"fmt"
)

// Interface returns the interface that a device is, taken by itself: whoever
// wants to know about containers and the configuration asks a [Resolver]. What
// the device is can't be asked once it is gone; then the answer has an id made
// from its name alone, and the error says so.
func (h *Host) Interface(d Device) (Interface, error) {
	i := Interface{
		AccountID:  DefaultAccount,
		Region:     DefaultRegion,
		AZID:       DefaultAZID,
		VPCID:      h.ID("vpc"),
		InstanceID: h.ID("i"),
		Name:       d.Name,
		ID:         h.ID("eni", d.Space, "name", d.Name),
		Device:     d,
	}
	ns, err := openNetns(d.Netns)
	if err != nil {
		return i, fmt.Errorf("vpc: interface %s: %w", d.Name, err)
	}
	defer ns.close()
	links, err := scan(ns.route)
	if err != nil {
		return i, fmt.Errorf("vpc: interface %s: %w", d.Name, err)
	}
	for _, l := range links {
		if l.index != d.Index {
			continue
		}
		i.ID, i.MAC, i.Routes = h.ID("eni", h.interfaceParts(d, l, false)...), l.mac, l.routes
		for _, p := range l.prefixes {
			i.Addrs = append(i.Addrs, p.Addr())
		}
		if len(l.prefixes) > 0 {
			i.SubnetID = h.ID("subnet", d.Space, l.prefixes[0].Masked().String())
		}
		return i, nil
	}
	return i, fmt.Errorf("vpc: interface %s: no device has index %d", d.Name, d.Index)
}
