package vpc

import (
	"regexp"
	"testing"
)

var shape = regexp.MustCompile(`^eni-[0-9a-f]{17}$`)

func TestLoopbackIsAnInterface(t *testing.T) {
	h := NewHost()
	d := Device{Name: "lo", Index: 1}
	a, err := h.Interface(d)
	if err != nil {
		t.Fatal(err)
	}
	if !shape.MatchString(a.ID) {
		t.Errorf("id is %q, want eni- and 17 hexadecimal digits", a.ID)
	}
	if b, _ := NewHost().Interface(d); a.ID != b.ID {
		t.Errorf("ids of one device differ: %s, %s", a.ID, b.ID)
	}
	if len(a.Addrs) == 0 || a.Addrs[0].String() != "127.0.0.1" || a.SubnetID == "" {
		t.Errorf("addresses are %v in %q, want 127.0.0.1 first and a subnet", a.Addrs, a.SubnetID)
	}
}

func TestIdsTellDevicesApart(t *testing.T) {
	h := &Host{machine: "m"}
	seen := make(map[string]Device)
	for _, d := range []Device{{Name: "a"}, {Name: "b"}, {Name: "a", Space: "blue"}, {Name: "blue", Space: "a"}} {
		d.Index = 1 << 30 // no such device: the name decides
		i, err := h.Interface(d)
		if err == nil {
			t.Errorf("%+v: no error for a device that is not there", d)
		}
		if other, ok := seen[i.ID]; ok {
			t.Errorf("%+v and %+v have the same id %s", d, other, i.ID)
		}
		seen[i.ID] = d
	}
}
