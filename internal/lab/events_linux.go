package lab

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// LostEvents returns how many messages the sockets in the namespace that listen
// to its devices, addresses and routes have lost so far, because nobody read them
// in time.
func (ns *Namespace) LostEvents() (n int, err error) {
	err = ns.Do(func() error {
		const path = "/proc/thread-self/net/netlink"
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		// sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode; protocol 0 is NETLINK_ROUTE.
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) != 10 || f[1] != "0" {
				continue
			}
			lost, err := strconv.Atoi(f[8])
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			n += lost
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("lab: count lost events of %v: %w", ns, err)
	}
	return n, nil
}
