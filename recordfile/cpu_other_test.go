//go:build !unix

package recordfile_test

import "time"

var started = time.Now()

// cpuTime is the time on the clock where the processor's cannot be had.
func cpuTime() time.Duration { return time.Since(started) }
