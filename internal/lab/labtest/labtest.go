// Package labtest is for tests that need a network lab: it skips them for users
// who may not build one, so that they notice.
package labtest

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

var tell sync.Once

// NeedRoot skips a test that builds namespaces or loads kernel programs, unless
// it runs as root. Since go test shows nothing of packages that pass, the reason
// goes to the terminal too, once for each package.
func NeedRoot(tb testing.TB) {
	tb.Helper()
	if os.Geteuid() == 0 {
		return
	}
	const why = "building namespaces and loading kernel programs needs root"
	tell.Do(func() {
		tty, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0)
		if err != nil {
			return // nobody is watching
		}
		defer tty.Close()
		fmt.Fprintf(tty, "SKIPPED: kernel tests of %s: %s\n", filepath.Base(os.Args[0]), why)
	})
	tb.Skip("SKIPPED: " + why)
}
