package main

import (
	"os"
	"syscall"
)

// residentOf returns the most memory that a process had resident, in KiB.
func residentOf(p *os.ProcessState) int64 {
	if u, ok := p.SysUsage().(*syscall.Rusage); ok {
		return int64(u.Maxrss)
	}
	return 0
}
