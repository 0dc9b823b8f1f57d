package capture

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
)

// inKernel returns what is pinned in a directory, maps and programs of links, and how
// to ask whether the kernel still has it. The kernel gives no number twice. To look
// whether a number is taken is not to hold what has it: whoever takes hold of a map
// of programs and lets go keeps it from ending.
func (b *bed) inKernel(dir string) (exists map[string]func() bool) {
	b.tb.Helper()
	exists = make(map[string]func() bool)
	entries, err := os.ReadDir(dir)
	b.must(err)
	for _, e := range entries {
		pin := filepath.Join(dir, e.Name())
		if m, err := ebpf.LoadPinnedMap(pin, nil); err == nil {
			info, err := m.Info()
			b.must(err)
			m.Close()
			id, _ := info.ID()
			exists["map "+e.Name()] = func() bool {
				next, err := ebpf.MapGetNextID(id - 1)
				return err == nil && next == id
			}
			continue
		}
		l, err := link.LoadPinnedLink(pin, nil)
		b.must(err)
		info, err := l.Info()
		b.must(err)
		l.Close()
		exists["program of "+e.Name()] = func() bool {
			next, err := ebpf.ProgramGetNextID(info.Program - 1)
			return err == nil && next == info.Program
		}
	}
	return exists
}

// hold keeps the pinned links of a directory from ending by themselves, as somebody
// does who looks at them just then.
func (b *bed) hold(dir string) (letGo func()) {
	b.tb.Helper()
	pins, err := filepath.Glob(filepath.Join(dir, "*gress_*"))
	b.must(err)
	var held []link.Link
	for _, pin := range pins {
		l, err := link.LoadPinnedLink(pin, nil)
		b.must(err)
		held = append(held, l)
	}
	return func() {
		for _, l := range held {
			l.Close()
		}
	}
}

// TestUninstallEmptiesTheKernel looks for each map and program of a killed process
// after it was uninstalled.
func TestUninstallEmptiesTheKernel(t *testing.T) {
	for i, tier := range tiers {
		t.Run(tier.name, func(t *testing.T) {
			b := newBed(t)
			dir := pinDir(t)
			b.killed(childArgs{Pin: dir, Names: []string{"eth0"}, Tier: i}, func() { b.send(b.client, client4, server4) })
			exists := b.inKernel(dir)
			if len(exists) < 15 {
				t.Errorf("only %d maps and programs are pinned", len(exists))
			}
			for what, is := range exists {
				if !is() {
					t.Errorf("%s is not there before it was uninstalled", what)
				}
			}
			letGo := b.hold(dir)
			b.must(Uninstall(dir))
			b.wantNoTrace(dir, b.s)
			letGo()
			for what, is := range exists {
				b.eventually("end of "+what, func() bool { return !is() })
			}
		})
	}
}

// TestTablesOfAnotherVersion finds tables that are arranged in another way. They are
// not read, what they count into goes on, and they can be removed.
func TestTablesOfAnotherVersion(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(*bed, string)
	}{
		{"a higher layout", func(b *bed, dir string) {
			m, err := ebpf.LoadPinnedMap(filepath.Join(dir, mapState), nil)
			b.must(err)
			defer m.Close()
			st, err := readState(m)
			b.must(err)
			st.Layout = layout + 1
			b.must(st.write(m))
		}},
		{"a state of another size", func(b *bed, dir string) {
			pin := filepath.Join(dir, mapState)
			b.must(os.Remove(pin))
			spec := stateSpec()
			spec.ValueSize += 8
			spec.Pinning = ebpf.PinNone
			m, err := ebpf.NewMap(spec)
			b.must(err)
			defer m.Close()
			b.must(m.Pin(pin))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t)
			dir := pinDir(t)
			b.killed(childArgs{Pin: dir, Names: []string{"eth0"}}, func() {})
			tt.spoil(b, dir)
			hooks := fmt.Sprint(b.traces(b.s))
			if s, err := Open(Config{Pin: dir}); !errors.Is(err, ErrOtherLayout) {
				t.Errorf("Open: %v, want %v", err, ErrOtherLayout)
				if err == nil {
					s.Close()
				}
			}
			if left := fmt.Sprint(b.traces(b.s)); left != hooks {
				t.Errorf("attached are %s after that, want %s", left, hooks)
			}
			b.must(Uninstall(dir))
			b.wantNoTrace(dir, b.s)
		})
	}
}

// TestPinsOutsideOfABPFFileSystem asks for tables where they can't be, and where
// somebody else keeps things: neither is touched.
func TestPinsOutsideOfABPFFileSystem(t *testing.T) {
	newBed(t) // for its rights
	dir := t.TempDir()
	file := filepath.Join(dir, mapState)
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func() error{
		"Open":      func() error { _, err := Open(Config{Pin: dir}); return err },
		"Uninstall": func() error { return Uninstall(dir) },
		"below it":  func() error { _, err := Open(Config{Pin: filepath.Join(dir, "new")}); return err },
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), "is not on a BPF file system") {
			t.Errorf("%s: %v, want that it is not on a BPF file system", name, err)
		}
	}
	if text, err := os.ReadFile(file); string(text) != "mine" {
		t.Errorf("the file that was there holds %q, %v", text, err)
	}
	if entries, err := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%d files are there, %v, want 1", len(entries), err)
	}
}

// TestPinsOfOthers keeps away from a directory in which others pin something.
func TestPinsOfOthers(t *testing.T) {
	b := newBed(t)
	dir := fmt.Sprintf("%s%d-others", pinRoot, os.Getpid())
	b.must(os.Mkdir(dir, 0o700))
	defer os.Remove(dir)
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	b.must(err)
	defer m.Close()
	pin := filepath.Join(dir, "theirs")
	b.must(m.Pin(pin))
	defer os.Remove(pin)
	for name, f := range map[string]func() error{
		"Open": func() error {
			s, err := Open(Config{Pin: dir})
			if err == nil {
				err = s.Close()
			}
			return err
		},
		"Uninstall": func() error { return Uninstall(dir) },
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), "theirs") {
			t.Errorf("%s: %v, want an error that names what is there", name, err)
		}
		if _, err := os.Stat(pin); err != nil {
			t.Errorf("%s: what others pinned: %v", name, err)
		}
	}
	b.must(os.Remove(pin))
	s := b.open(Config{Pin: dir}, of(b.server, "eth0"))
	b.send(b.client, client4, server4)
	got := newLedger()
	b.running(s, time.Hour, got.sink)()
	if len(got.all()) == 0 {
		t.Error("nothing is captured although the directory is empty")
	}
	b.must(s.Close())
	b.wantNoTrace(dir, b.s)
}

// TestQdiscsOfOthers uninstalls filters from a qdisc that was there before, though
// empty, and from one of ours on which others have hung theirs since. Both stay.
func TestQdiscsOfOthers(t *testing.T) {
	for _, tt := range []struct {
		name          string
		before, after func(*bed)
	}{
		{name: "a qdisc that was there", before: func(b *bed) {
			b.must(b.server.Handle().QdiscAdd(clsact(b.s.Index())))
		}},
		{name: "a qdisc of ours that others use", after: func(b *bed) {
			p, _ := dropper(b.tb, ebpf.SchedCLS, -1, -1)
			b.foreignFilter(b.s, p, netlink.HANDLE_MIN_EGRESS, 3)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t)
			dir := pinDir(t)
			if tt.before != nil {
				tt.before(b)
			}
			b.killed(childArgs{Pin: dir, Names: []string{"eth0"}, Tier: 1}, func() {})
			if tt.after != nil {
				tt.after(b)
			}
			b.must(Uninstall(dir))
			f := &filters{ns: &namespace{link: b.server.Handle()}, index: b.s.Index(), handle: filterHandle(dir)}
			if has, err := f.hasQdisc(); !has || err != nil {
				t.Errorf("the qdisc is there: %v, %v, want true", has, err)
			}
			for _, parent := range []uint32{netlink.HANDLE_MIN_INGRESS, netlink.HANDLE_MIN_EGRESS} {
				if ours, _, err := f.list(parent); len(ours) > 0 || err != nil {
					t.Errorf("%d filters of ours are left, %v, want none", len(ours), err)
				}
			}
		})
	}
}
