package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/internal/capture"
	"weir/internal/lab"
	"weir/internal/lab/labtest"
	"weir/record"
)

// What TestServeLoad builds and sends.
const (
	loadGroups  = 10 // subnets, each with two namespaces
	loadLinks   = 10 // between the two; both ends are interfaces
	loadFlows   = 1250
	loadRefused = 125
	loadWindows = 2
)

// A loadBed is a network of 200 interfaces.
type loadBed struct {
	*serveBed
	ends [loadGroups * loadLinks][2]*lab.Device
	cmd  *exec.Cmd
	cpu  float64 // seconds the process had taken when it was asked last
}

// newLoadBed makes the network and its configuration with 20 flow logs: of the
// VPC, of each subnet, of single interfaces; text and Parquet; all and refused.
func newLoadBed(t *testing.T) *loadBed {
	labtest.NeedRoot(t)
	b := &loadBed{serveBed: &serveBed{tb: t, dir: t.TempDir()}}
	b.data, b.config = filepath.Join(b.dir, "data"), filepath.Join(b.dir, "weir.yaml")
	b.pin = fmt.Sprintf("/sys/fs/bpf/weir-test-serve-%d-%d", os.Getpid(), beds.Add(1))
	t.Cleanup(func() {
		if err := capture.Uninstall(b.pin); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	})
	l := lab.New()
	t.Cleanup(func() { b.must(l.Close()) })
	var paths, cidrs, subnets, interfaces, logs []string
	flowLog := func(name, resource, traffic, format string) {
		logs = append(logs, fmt.Sprintf("  - {name: %s, resource: %s, traffic-type: %s, file-format: %s, max-aggregation-interval: 60, destination: 'arn:aws:s3:::load/%s'}\n",
			name, resource, traffic, format, name))
	}
	flowLog("all", "lab", "ALL", "plain-text")
	flowLog("refused", "lab", "REJECT", "plain-text")
	for g := range loadGroups {
		var two [2]*lab.Namespace
		for i := range two {
			ns, err := l.Namespace(lab.NamespaceConfig{})
			b.must(err)
			two[i] = ns
			paths = append(paths, fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), ns.FD()))
		}
		_, err := two[1].Firewall(lab.Rule{Family: lab.IPv4, Hook: lab.Input, Verdict: lab.Drop, Match: lab.Match{Protocol: 17, DstPort: 666}})
		b.must(err)
		cidr := fmt.Sprintf("10.%d.0.0/16", 200+g)
		cidrs = append(cidrs, cidr)
		subnets = append(subnets, fmt.Sprintf("  - {name: s%d, vpc: lab, cidrs: [%s]}\n", g, cidr))
		flowLog(fmt.Sprintf("subnet-%d", g), fmt.Sprintf("s%d", g), "ALL", []string{"plain-text", "parquet"}[g%2])
		for i := range loadLinks {
			n := g*loadLinks + i
			at := func(host byte) []netip.Prefix {
				return prefixes(netip.AddrFrom4([4]byte{10, byte(200 + g), byte(i), host}))
			}
			name := fmt.Sprintf("eth%d", i)
			near, far, err := l.Link(lab.End{NS: two[0], Name: name, Addrs: at(1)}, lab.End{NS: two[1], Name: name, Addrs: at(2)})
			b.must(err)
			b.ends[n] = [2]*lab.Device{near, far}
		}
		if g < 8 {
			id := fmt.Sprintf("eni-%017x", 0xbeef00+g)
			mac := b.ends[g*loadLinks][1].MAC()
			interfaces = append(interfaces, fmt.Sprintf("  - {match: {mac: '%v'}, id: %s}\n", net.HardwareAddr(mac[:]), id))
			flowLog(fmt.Sprintf("interface-%d", g), id, []string{"ALL", "REJECT"}[g%2], []string{"parquet", "plain-text"}[g/2%2])
		}
	}
	listen := freeAddr(t)
	b.metrics = "http://" + listen
	b.must(os.WriteFile(b.config, []byte(fmt.Sprintf(`account: "123456789012"
region: eu-test-1
namespaces: [%s]
vpcs:
  - name: lab
    cidrs: [%s]
serve:
  data-dir: %s
  listen: %s
  metrics-listen: %s
  flush: 1s
  max-flows: 524288
subnets:
%sinterfaces:
%sflow-logs:
%s`, strings.Join(paths, ", "), strings.Join(cidrs, ", "), b.data, freeAddr(t), listen,
		strings.Join(subnets, ""), strings.Join(interfaces, ""), strings.Join(logs, ""))), 0o600))
	return b
}

// serve starts weir serve and waits until all interfaces are captured.
func (b *loadBed) serve() {
	b.tb.Helper()
	self, err := os.Executable()
	b.must(err)
	b.cmd = &exec.Cmd{Path: self, Args: []string{"weir", "serve", "--config", b.config, "--pin", b.pin}, Stderr: &b.log,
		Env: append(os.Environ(), "AWS_EC2_METADATA_DISABLED=true")}
	began := time.Now()
	b.must(b.cmd.Start())
	b.tb.Cleanup(func() {
		_ = b.cmd.Process.Kill()
		_ = b.cmd.Wait()
	})
	b.until(2*time.Minute, "all interfaces are captured", func() bool {
		n, _ := b.metric("weir_agent_interfaces")
		return n == 2*loadGroups*loadLinks
	})
	b.tb.Logf("%d interfaces captured %.1f s after the start, %.1f CPU s, %s resident", 2*loadGroups*loadLinks, time.Since(began).Seconds(), b.spent(), b.status("VmRSS"))
}

// send sends what one window holds, slowly enough that the network loses nothing.
func (b *loadBed) send(window int) (packets uint64) {
	b.tb.Helper()
	for _, ends := range b.ends {
		for _, f := range []lab.FlowConfig{{Flows: loadFlows, Packets: 2, DstPort: uint16(1000 + window)}, {Flows: loadRefused, Packets: 2, DstPort: 666}} {
			f.DstMAC, f.Size, f.Rate, f.SrcPort = ends[1].MAC(), 100, 20_000, uint16(10_000+window*2000)
			f.Src, f.Dst = b.addr(ends[0]), b.addr(ends[1])
			sent, err := ends[0].Generate(context.Background(), f)
			b.must(err)
			packets += 2*sent.Packets - sent.Lost
		}
	}
	return packets
}

func (b *loadBed) addr(d *lab.Device) netip.Addr {
	for n, ends := range b.ends {
		for i, e := range ends {
			if e == d {
				return netip.AddrFrom4([4]byte{10, byte(200 + n/loadLinks), byte(n % loadLinks), byte(1 + i)})
			}
		}
	}
	return netip.Addr{}
}

// spent returns the CPU seconds since it was asked last, user and system.
func (b *loadBed) spent() float64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", b.cmd.Process.Pid))
	b.must(err)
	f := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	sum := 0.0
	for _, i := range []int{11, 12, 13, 14} { // utime, stime, and those of children
		n, err := strconv.ParseFloat(f[i], 64)
		b.must(err)
		sum += n / 100
	}
	d := sum - b.cpu
	b.cpu = sum
	return d
}

// status returns a line of /proc/PID/status.
func (b *loadBed) status(key string) string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", b.cmd.Process.Pid))
	b.must(err)
	for line := range strings.Lines(string(raw)) {
		if v, ok := strings.CutPrefix(line, key+":"); ok {
			return strings.TrimSpace(v)
		}
	}
	return "?"
}

// sum adds up a metric over its labels.
func (b *loadBed) sum(name string) (sum float64) {
	for line := range strings.Lines(b.page("/metrics")) {
		if strings.HasPrefix(line, name+"{") || strings.HasPrefix(line, name+" ") {
			f := strings.Fields(line)
			n, err := strconv.ParseFloat(f[len(f)-1], 64)
			b.must(err)
			sum += n
		}
	}
	return sum
}

// stored returns when objects became visible after a time, in seconds since then,
// the first and the last, and how many there are and their bytes.
func (b *loadBed) stored(after time.Time) (first, last float64, objects int, size int64) {
	b.must(filepath.WalkDir(filepath.Join(b.data, "s3", "objects"), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && (!d.Type().IsRegular() || !strings.Contains(path, ".log.")) {
			return nil
		}
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil || info.ModTime().Before(after) {
			return nil
		}
		at := info.ModTime().Sub(after).Seconds()
		if objects == 0 || at < first {
			first = at
		}
		last = max(last, at)
		objects++
		size += info.Size()
		return nil
	}))
	return first, last, objects, size
}

// TestServeLoad measures weir serve with many interfaces and flow logs and about a
// million records delivered to the embedded S3.
func TestServeLoad(t *testing.T) {
	if os.Getenv("WEIR_LOAD") == "" {
		t.Skip("a measurement of some minutes: WEIR_LOAD=1, or make bench-serve")
	}
	b := newLoadBed(t)
	b.serve()
	const perWindow = loadGroups * loadLinks * (loadFlows + loadRefused)
	var packets uint64
	var delivered, deliveryCPU float64
	for w := range loadWindows {
		end := time.Now().Truncate(time.Minute).Add(2 * time.Minute) // of the window that begins next
		time.Sleep(time.Until(end) - 58*time.Second)
		b.spent()
		packets += b.send(w)
		if time.Now().After(end) {
			t.Fatal("sending took longer than a window")
		}
		time.Sleep(time.Until(end))
		sending, before := b.spent(), b.sum("weir_delivery_records_total")
		want := before + 2*(2*perWindow+float64(loadGroups*loadLinks*loadRefused)/2) // of the VPC and the subnets
		b.until(3*time.Minute, "the window is delivered", func() bool {
			return b.sum("weir_delivery_records_total") >= want && b.sum("weir_delivery_waiting_messages") == 0
		})
		got, cpu := b.sum("weir_delivery_records_total")-before, b.spent()
		first, last, objects, size := b.stored(end)
		delivered, deliveryCPU = delivered+got, deliveryCPU+cpu
		t.Logf("window %d: %d flows; %.1f CPU s while it was open; its end to the first object %.1f s, to the last %.1f s; %.0f records in %d objects of %.1f MB; %.1f CPU s",
			w+1, 2*perWindow, sending, first, last, got, objects, float64(size)/1e6, cpu)
	}
	raw, out := b.sum("weir_journal_appended_raw_bytes_total"), b.sum("weir_journal_appended_bytes_total")
	flows := float64(loadWindows * 2 * perWindow)
	t.Logf("journal: %.1f bytes a flow, %.1f before compression", out/flows, raw/flows)
	t.Logf("delivery: %.0f records, %.0f a CPU second, from the kernel's table to the synced object", delivered, delivered/deliveryCPU)
	t.Logf("memory: %s at most; kernel tables %d MB", b.status("VmHWM"), 524288*capture.BytesPerFlow/1000000)
	if n := b.sum("weir_capture_skipped_packets_total") + b.sum("weir_delivery_errors_total"); n > 0 {
		t.Errorf("%.0f packets skipped or attempts failed", n)
	}
	b.must(b.cmd.Process.Signal(syscall.SIGTERM))
	if err := b.cmd.Wait(); err != nil {
		t.Fatalf("after SIGTERM: %v\n%s", err, b.log.String())
	}
	s := b.cmd.ProcessState
	t.Logf("all in all: %.1f s user, %.1f s system, with children", s.UserTime().Seconds(), s.SystemTime().Seconds())
	b.check(packets)
}

// check compares the flow log of the VPC, and those of its subnets together, with
// what was sent.
func (b *loadBed) check(packets uint64) {
	b.tb.Helper()
	got := map[string]uint64{}
	for path, body := range embeddedObjects(b.tb, b.data) {
		kind, _, _ := strings.Cut(strings.TrimPrefix(path, "load/"), "/")
		kind, _, _ = strings.Cut(kind, "-")
		eachRecord(b.tb, path, body, func(r *record.Record) {
			if p, ok := r.Int(record.Protocol); ok && p == 17 {
				n, _ := r.Int(record.Packets)
				got[kind] += uint64(n)
			}
		})
	}
	const refused = loadWindows * loadGroups * loadLinks * loadRefused * 2
	for kind, want := range map[string]uint64{"all": packets, "subnet": packets, "refused": refused} {
		if got[kind] != want {
			b.tb.Errorf("%s: records of %d packets, %d were sent", kind, got[kind], want)
		}
	}
}
