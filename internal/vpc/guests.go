package vpc

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io/fs"
	"net/netip"
	"strings"
)

// A guest is one network cable of a virtual machine.
type guest struct {
	Name, UUID string
	MAC        string // the guest's own
	Addrs      []netip.Addr
}

const (
	guestFiles = "run/libvirt/qemu/*.xml"
	leaseFiles = "var/lib/libvirt/dnsmasq/*.status"
)

// guestsState returns a text that is another one when libvirt has written
// something: a guest is known a little later than its tap, an address later still.
func guestsState(root fs.FS) string {
	var b strings.Builder
	for _, pattern := range []string{guestFiles, leaseFiles} {
		files, _ := fs.Glob(root, pattern)
		for _, name := range files {
			if s, err := fs.Stat(root, name); err == nil {
				fmt.Fprintln(&b, name, s.Size(), s.ModTime().UnixNano())
			}
		}
	}
	return b.String()
}

// readGuests returns the guests of libvirt by the names of their tap devices, as
// the files say that libvirt's drivers keep while a guest runs (domain status:
// src/conf/domain_conf.c; leases: src/network/leaseshelper.c; read 2026-11-24).
// Addresses are known only of guests that libvirt's own DHCP server gave one.
func readGuests(root fs.FS) map[string]*guest {
	out := make(map[string]*guest)
	files, _ := fs.Glob(root, guestFiles)
	if len(files) == 0 {
		return out
	}
	leases := readLeases(root)
	for _, name := range files {
		var status struct {
			Domain struct {
				Name       string `xml:"name"`
				UUID       string `xml:"uuid"`
				Interfaces []struct {
					MAC struct {
						Address string `xml:"address,attr"`
					} `xml:"mac"`
					Target struct {
						Dev string `xml:"dev,attr"`
					} `xml:"target"`
				} `xml:"devices>interface"`
			} `xml:"domain"`
		}
		f, err := root.Open(name)
		if err != nil {
			continue
		}
		err = xml.NewDecoder(f).Decode(&status)
		f.Close()
		if err != nil || status.Domain.UUID == "" {
			continue
		}
		for _, i := range status.Domain.Interfaces {
			if i.Target.Dev != "" {
				mac := strings.ToLower(i.MAC.Address)
				out[i.Target.Dev] = &guest{Name: status.Domain.Name, UUID: status.Domain.UUID, MAC: mac, Addrs: leases[mac]}
			}
		}
	}
	return out
}

// readLeases returns the addresses of guests by MAC.
func readLeases(root fs.FS) map[string][]netip.Addr {
	out := make(map[string][]netip.Addr)
	files, _ := fs.Glob(root, leaseFiles)
	for _, name := range files {
		raw, err := fs.ReadFile(root, name)
		var list []struct {
			Addr netip.Addr `json:"ip-address"`
			MAC  string     `json:"mac-address"`
		}
		if err != nil || json.Unmarshal(raw, &list) != nil {
			continue
		}
		for _, l := range list {
			if mac := strings.ToLower(l.MAC); mac != "" && l.Addr.IsValid() {
				out[mac] = append(out[mac], l.Addr)
			}
		}
	}
	return out
}
