package main

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// TestPrepareHeap looks at what the kernel says of memory that is allocated afterwards.
func TestPrepareHeap(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage"); err != nil {
		t.Skip("this kernel has no large pages")
	}
	prepareHeap(32 << 20)
	b := make([]byte, 16<<20)
	at := uint64(uintptr(unsafe.Pointer(&b[len(b)/2])))
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	inside := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var from, to uint64
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x ", &from, &to); n == 2 {
			inside = from <= at && at < to
		}
		if flags, ok := strings.CutPrefix(lines.Text(), "VmFlags:"); ok && inside {
			if !slices.Contains(strings.Fields(flags), "hg") {
				t.Errorf("VmFlags of new memory are %s, want hg among them", flags)
			}
			return
		}
	}
	t.Error("new memory is not in /proc/self/smaps")
}
