package capture

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// A peer is a program that accounts the packets of the server's device. It is
// started in the server's namespace and leaves its records in a directory.
type peer struct {
	name   string
	silent bool // accounts nothing: what the traffic costs without anybody watching
	start  func(*peerRun)
	stop   func(*peerRun) // as its manual says it should be stopped
	read   func(*peerRun) tally
}

// A tally is what the records of a peer say of UDP packets.
type tally struct {
	records, packets, refused uint64
}

// A peerRun is a peer at work.
type peerRun struct {
	*bed
	peer
	dir, pin  string
	collector *exec.Cmd // takes what softflowd exports
	cmd       *exec.Cmd
	pid       int           // of softflowd, which leaves its parent
	cpu       time.Duration // user and system time of what has ended
	kernel    time.Duration // that the programs took, as the kernel counts it
	memory    int64         // the largest resident set of one of its processes, in bytes
}

// peers are Weir and what Debian has (softflowd with nfcapd, pmacctd). They get
// the room that Weir has by default; softflowd also what it has by default.
func peers(tb testing.TB) []peer {
	for _, tool := range []string{"softflowd", "softflowctl", "nfcapd", "nfdump", "pmacctd"} {
		if _, err := exec.LookPath(tool); err != nil {
			tb.Fatalf("%v: apt-get install softflowd nfdump pmacct", err)
		}
	}
	weir := filepath.Join(tb.TempDir(), "weir")
	if out, err := exec.Command("go", "build", "-o", weir, "weir/cmd/weir").CombinedOutput(); err != nil {
		tb.Fatalf("build weir: %v\n%s", err, out)
	}
	// What softflowd leaves behind becomes a child of this process, whose times
	// the kernel tells.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		tb.Fatal(err)
	}
	nothing := func(*peerRun) {}
	return []peer{
		{name: "nobody", silent: true, start: nothing, stop: nothing, read: func(*peerRun) tally { return tally{} }},
		{name: "weir", start: func(r *peerRun) { r.startWeir(weir, "65536") }, stop: (*peerRun).stopWeir, read: (*peerRun).readWeir},
		{name: "weir, 131072 flows", start: func(r *peerRun) { r.startWeir(weir, "131072") }, stop: (*peerRun).stopWeir, read: (*peerRun).readWeir},
		{name: "softflowd", start: func(r *peerRun) { r.startSoftflowd("65536") }, stop: (*peerRun).stopSoftflowd, read: (*peerRun).readSoftflowd},
		{name: "softflowd, 8192 flows", start: func(r *peerRun) { r.startSoftflowd("8192") }, stop: (*peerRun).stopSoftflowd, read: (*peerRun).readSoftflowd},
		{name: "pmacctd", start: (*peerRun).startPmacctd, stop: (*peerRun).stopPmacctd, read: (*peerRun).readPmacctd},
	}
}

func (b *bed) run(p peer) *peerRun {
	r := &peerRun{bed: b, peer: p, dir: b.tb.TempDir(), pin: pinDir(b.tb)}
	p.start(r)
	return r
}

// spawn starts a command in the server's namespace.
func (r *peerRun) spawn(cmd *exec.Cmd, output string) *exec.Cmd {
	r.tb.Helper()
	out, err := os.OpenFile(filepath.Join(r.dir, output), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	r.must(err)
	defer out.Close()
	log, err := os.OpenFile(filepath.Join(r.dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	r.must(err)
	defer log.Close()
	cmd.Stdout, cmd.Stderr = out, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	r.must(r.server.Do(cmd.Start))
	r.tb.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return cmd
}

// end sends a signal and waits until the peer has ended.
func (r *peerRun) end(sig syscall.Signal) {
	r.tb.Helper()
	if r.cmd == nil { // softflowd
		_ = unix.Kill(r.pid, sig)
		r.reap()
		return
	}
	pid := r.cmd.Process.Pid
	if sig == syscall.SIGKILL {
		pid = -pid // with what it started, as systemd does
	}
	r.must(unix.Kill(pid, sig))
	if err := r.cmd.Wait(); err != nil && sig != syscall.SIGKILL {
		log, _ := os.ReadFile(filepath.Join(r.dir, "log"))
		r.tb.Logf("%s: %v\n%s", r.name, err, log)
	}
	ru := r.cmd.ProcessState.SysUsage().(*syscall.Rusage)
	r.used(&unix.Rusage{Utime: unix.Timeval(ru.Utime), Stime: unix.Timeval(ru.Stime), Maxrss: ru.Maxrss})
}

// used adds what a process that has ended took.
func (r *peerRun) used(ru *unix.Rusage) {
	r.cpu += time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
	r.memory = max(r.memory, ru.Maxrss<<10)
}

func (r *peerRun) startWeir(binary, flows string) {
	cmd := exec.Command(binary, "capture", "eth0", "--netns", nsPath(r.server), "--pin", r.pin, "--max-flows", flows,
		"--format", "protocol packets action srcaddr dstaddr srcport dstport start end bytes")
	r.cmd = r.spawn(cmd, "records")
	for began := time.Now(); len(r.traces(r.s)) < 2; time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			r.tb.Fatal("weir does not capture")
		}
	}
}

func (r *peerRun) stopWeir() {
	r.kernel += r.inKernel()
	r.end(syscall.SIGTERM)
}

// inKernel is the time that the programs behind the pinned links have taken.
func (r *peerRun) inKernel() (d time.Duration) {
	r.must(filepath.WalkDir(r.pin, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		l, err := link.LoadPinnedLink(path, nil)
		if err != nil {
			return nil // a map or a program
		}
		defer l.Close()
		info, err := l.Info()
		r.must(err)
		p, err := ebpf.NewProgramFromID(info.Program)
		r.must(err)
		defer p.Close()
		stats, err := p.Stats()
		r.must(err)
		d += stats.Runtime
		return nil
	}))
	return d
}

func (r *peerRun) readWeir() (t tally) {
	r.lines("records", func(f []string) {
		if len(f) < 3 || f[0] != "17" {
			return
		}
		n, err := strconv.ParseUint(f[1], 10, 64)
		r.must(err)
		t.records++
		t.packets += n
		if f[2] == "REJECT" {
			t.refused += n
		}
	})
	return t
}

// lines calls fn with the fields of each line, between blanks and commas.
func (r *peerRun) lines(file string, fn func([]string)) {
	f, err := os.Open(filepath.Join(r.dir, file))
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	r.must(err)
	defer f.Close()
	s := bufio.NewScanner(f)
	for s.Scan() {
		fn(strings.FieldsFunc(s.Text(), func(c rune) bool { return c == ' ' || c == ',' }))
	}
	r.must(s.Err())
}

func (r *peerRun) startSoftflowd(flows string) {
	if r.collector == nil {
		flowDir := filepath.Join(r.dir, "flows")
		r.must(os.Mkdir(flowDir, 0o755))
		r.collector = r.spawn(exec.Command("nfcapd", "-w", flowDir, "-b", "127.0.0.1", "-p", "9995", "-t", "3600", "-B", "67108864"), "nfcapd")
		time.Sleep(500 * time.Millisecond) // it says nothing when it is ready
	}
	pidFile := filepath.Join(r.dir, "pid")
	_ = os.Remove(pidFile)
	_ = os.Remove(r.control())
	// As a daemon: in the foreground it does not hear of signals and loses all it has.
	cmd := exec.Command("softflowd", "-i", "eth0", "-n", "127.0.0.1:9995", "-v", "9", "-m", flows, "-t", "maxlife=60", "-p", pidFile, "-c", r.control())
	err := r.spawn(cmd, "softflowd").Wait()
	r.must(err)
	for range 100 {
		raw, _ := os.ReadFile(pidFile)
		if r.pid, err = strconv.Atoi(strings.TrimSpace(string(raw))); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	r.must(err)
	pid := r.pid
	r.tb.Cleanup(func() {
		if r.pid == pid {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	})
}

func (r *peerRun) control() string { return filepath.Join(r.dir, "ctl") }

// reap takes the times of softflowd, which has been told to end.
func (r *peerRun) reap() {
	var ru unix.Rusage
	_, err := unix.Wait4(r.pid, nil, 0, &ru)
	r.must(err)
	r.pid = 0
	r.used(&ru)
}

func (r *peerRun) stopSoftflowd() {
	if out, err := exec.Command("softflowctl", "-c", r.control(), "shutdown").CombinedOutput(); err != nil {
		r.tb.Fatalf("softflowctl: %v\n%s", err, out)
	}
	r.reap()
}

func (r *peerRun) readSoftflowd() (t tally) {
	time.Sleep(500 * time.Millisecond) // nfcapd reads what its socket holds
	r.must(r.collector.Process.Signal(syscall.SIGTERM))
	_ = r.collector.Wait()
	out, err := exec.Command("nfdump", "-R", filepath.Join(r.dir, "flows"), "-q", "-N", "-o", "fmt:%pr %pkt").Output()
	r.must(err)
	r.must(os.WriteFile(filepath.Join(r.dir, "records"), out, 0o644))
	r.lines("records", func(f []string) {
		if len(f) == 2 && f[0] == "17" {
			n, err := strconv.ParseUint(f[1], 10, 64)
			r.must(err)
			t.records++
			t.packets += n
		}
	})
	return t
}

func (r *peerRun) startPmacctd() {
	config := filepath.Join(r.dir, "pmacctd.conf")
	r.must(os.WriteFile(config, []byte(fmt.Sprintf(`daemonize: false
pcap_interface: eth0
plugins: print
aggregate: src_host, dst_host, src_port, dst_port, proto
print_output: csv
print_output_file: %s
print_output_file_append: true
print_refresh_time: 60
print_cache_entries: 65536
plugin_pipe_size: 67108864
plugin_buffer_size: 65536
`, filepath.Join(r.dir, "records"))), 0o644))
	r.cmd = r.spawn(exec.Command("pmacctd", "-f", config), "pmacctd")
	time.Sleep(2 * time.Second) // it says nothing when it is ready
}

func (r *peerRun) stopPmacctd() {
	time.Sleep(time.Second) // what is between its processes
	r.end(syscall.SIGINT)
	// Whoever writes the file is a process of its own that outlives its parent.
	for began := time.Now(); time.Since(began) < 20*time.Second; time.Sleep(20 * time.Millisecond) {
		log, err := os.ReadFile(filepath.Join(r.dir, "log"))
		r.must(err)
		if n := strings.Count(string(log), "Purging cache - END"); n > 0 && n == strings.Count(string(log), "Purging cache - START") {
			break
		}
	}
	for range 50 {
		var ru unix.Rusage
		pid, err := unix.Wait4(-r.cmd.Process.Pid, nil, unix.WNOHANG, &ru)
		if err != nil {
			break // no child is left
		}
		if pid > 0 {
			r.used(&ru)
			continue
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (r *peerRun) readPmacctd() (t tally) {
	r.lines("records", func(f []string) {
		if len(f) == 7 && f[4] == "udp" {
			n, err := strconv.ParseUint(f[5], 10, 64)
			r.must(err)
			t.records++
			t.packets += n
		}
	})
	return t
}

// background is a context for the generator, which ends by itself.
var background = context.Background()
