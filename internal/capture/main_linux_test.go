package capture

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain runs the tests, or the child a test has asked for, and fails if
// something of a source is left: a file descriptor, a pin, a goroutine.
func TestMain(m *testing.M) {
	if arg := os.Getenv(childEnv); arg != "" {
		os.Exit(child(arg))
	}
	code := m.Run()
	if left := leaks(); code == 0 && len(left) > 0 {
		fmt.Fprintf(os.Stderr, "left behind:\n  %s\n", strings.Join(left, "\n  "))
		code = 1
	}
	os.Exit(code)
}

// leaks lists what should be gone; what ends by itself gets a moment to.
func leaks() (left []string) {
	for range 50 {
		if left = leaksNow(); len(left) == 0 {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return left
}

func leaksNow() (left []string) {
	fds, _ := filepath.Glob("/proc/self/fd/*")
	for _, fd := range fds {
		to, err := os.Readlink(fd)
		if err == nil && (strings.Contains(to, "bpf") || strings.HasPrefix(to, "net:") || strings.HasPrefix(to, "socket:")) {
			left = append(left, "file descriptor "+fd+" "+to)
		}
	}
	pins, _ := filepath.Glob(pinRoot + fmt.Sprint(os.Getpid()) + "-*")
	left = append(left, pins...)
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, g := range strings.Split(string(stacks), "\n\n") {
		if strings.Contains(g, "weir/internal/capture.") && !strings.Contains(g, "capture.TestMain") {
			left = append(left, g)
		}
	}
	return left
}
