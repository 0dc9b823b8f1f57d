package capture

import (
	"testing"
	"time"
)

// TestWindowsBeginWithTheirInterface looks at an interface that was attached to in
// the middle of a window: its first window began then, also if the process ended
// meanwhile.
func TestWindowsBeginWithTheirInterface(t *testing.T) {
	for _, again := range []bool{false, true} {
		b := newBed(t)
		cfg := Config{Pin: pinDir(t)}
		s := b.open(cfg)
		opened := fromNano(s.st.Start[s.st.Open])
		before := time.Now()
		b.must(s.Watch(of(b.server, "eth0")))
		if again {
			s.abandon() // as a kill would
			s = b.open(cfg, of(b.server, "eth0"))
		}
		b.send(b.client, client4, server4)
		windows := b.window(s)
		if len(windows) != 1 {
			t.Fatalf("%d windows, want 1", len(windows))
		}
		if start := windows[0].Start; start.Before(before) || !start.After(opened) {
			t.Errorf("process ended %v: the window began at %v, the tables were opened at %v, the interface was attached to after %v", again, start, opened, before)
		}
	}
}
