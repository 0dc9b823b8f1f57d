package capture

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Features says by which of the kernel's ways a [Source] works.
type Features struct {
	Device string // "tcx" or "tc": how the device programs are attached
	Drop   string // "tp_btf" or "raw_tp": how refusals are seen
	Pinned string // the directory that outlives the process; empty if none does
}

// String returns the tier in one line.
func (f Features) String() string {
	s := f.Device + " + " + f.Drop
	if f.Pinned != "" {
		s += ", pinned at " + f.Pinned
	}
	return s
}

// needed are the capabilities capture cannot do without, and what for.
var needed = []struct {
	bit  uint
	name string
	why  string
}{
	{unix.CAP_BPF, "CAP_BPF", "load programs"},
	{unix.CAP_PERFMON, "CAP_PERFMON", "see dropped packets"},
	{unix.CAP_NET_ADMIN, "CAP_NET_ADMIN", "attach to interfaces"},
}

// missingCapabilities names those this process lacks, or is empty.
// CAP_SYS_ADMIN stands for the first two, as it does in the kernel.
func missingCapabilities() []string {
	eff, err := effectiveCapabilities()
	if err != nil {
		return nil // the kernel will say
	}
	var missing []string
	for _, c := range needed {
		have := eff>>c.bit&1 != 0
		if c.bit != unix.CAP_NET_ADMIN {
			have = have || eff>>unix.CAP_SYS_ADMIN&1 != 0
		}
		if !have {
			missing = append(missing, fmt.Sprintf("%s (to %s)", c.name, c.why))
		}
	}
	return missing
}

func effectiveCapabilities() (uint64, error) {
	f, err := os.Open("/proc/thread-self/status")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if hex, ok := strings.CutPrefix(sc.Text(), "CapEff:"); ok {
			return strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
		}
	}
	return 0, errors.New("no CapEff in /proc/thread-self/status")
}

// tick is the length of a jiffy in nanoseconds. The coarse clocks advance once
// a jiffy, so their resolution is it.
func tick() (int64, error) {
	var ts unix.Timespec
	if err := unix.ClockGetres(unix.CLOCK_MONOTONIC_COARSE, &ts); err != nil {
		return 0, fmt.Errorf("length of a jiffy: %w", os.NewSyscallError("clock_getres", err))
	}
	return ts.Nano(), nil
}
