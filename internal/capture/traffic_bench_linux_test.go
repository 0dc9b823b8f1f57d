package capture

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// BenchmarkTraffic reports what traffic feels of a capture: the median of the
// ratios of times, on to off, of neighbouring slices of time, with the quartiles of
// these ratios. Beside it stands what an empty program feels like that is attached
// in the same two places: nothing that counts there can be cheaper.
func BenchmarkTraffic(b *testing.B) {
	bed := newBed(b)
	f := bed.feel()
	s := bed.open(Config{Exclude: DefaultExclusions}, of(bed.server, "eth0"))
	h, empty := s.only(b), emptyProgram(b)
	bed.must(errors.Join(h.in.Close(), h.out.Close()))
	h.in, h.out = nil, nil
	arms := []struct {
		name            string
		ingress, egress *ebpf.Program
		ratios          [len(feelingNames)][]float64
	}{{name: "empty", ingress: empty, egress: empty}, {name: "weir", ingress: h.ingress, egress: h.egress}}
	least := f.slice()
	for b.Loop() {
		for range 25 {
			for i := range arms {
				a := &arms[i]
				before := f.slice()
				in, out := bed.attachPair(a.ingress, a.egress)
				during := f.slice()
				bed.must(errors.Join(in.Close(), out.Close()))
				after := f.slice()
				for k := range a.ratios {
					a.ratios[k] = append(a.ratios[k], during[k]/((before[k]+after[k])/2))
					least[k] = min(least[k], before[k], after[k])
				}
			}
		}
	}
	for _, a := range arms {
		for k, name := range feelingNames {
			v := slices.Sorted(slices.Values(a.ratios[k]))
			b.ReportMetric(v[len(v)/2], a.name+"-"+name+"-ratio")
			b.ReportMetric(v[len(v)/4], a.name+"-"+name+"-q1")
			b.ReportMetric(v[len(v)*3/4], a.name+"-"+name+"-q3")
		}
	}
	for k, name := range feelingNames {
		b.ReportMetric(least[k], "off-"+name+"-ns")
	}
	b.ReportMetric(0, "ns/op")
}

// attachPair attaches programs where capture attaches its own.
func (b *bed) attachPair(ingress, egress *ebpf.Program) (in, out link.Link) {
	b.tb.Helper()
	b.must(b.server.Do(func() (err error) {
		in, err = link.AttachTCX(link.TCXOptions{Interface: b.s.Index(), Program: ingress, Attach: ebpf.AttachTCXIngress, Anchor: link.Head()})
		if err == nil {
			out, err = link.AttachTCX(link.TCXOptions{Interface: b.s.Index(), Program: egress, Attach: ebpf.AttachTCXEgress, Anchor: link.Tail()})
		}
		return err
	}))
	return in, out
}

// TestPeersTraffic prints the same for other programs.
func TestPeersTraffic(t *testing.T) {
	rounds := 5 * needPeers(t)
	if n, err := strconv.Atoi(os.Getenv("WEIR_PEERS_ROUNDS")); err == nil {
		rounds = n
	}
	t.Logf("| program | %s |", strings.Join(feelingNames[:], " | "))
	t.Log("|---" + strings.Repeat("|---", len(feelingNames)) + "|")
	for _, p := range peers(t) {
		bed := newBed(t)
		f := bed.feel()
		var m feelings
		for range rounds {
			m.add(f, func() (off func()) {
				r := bed.run(p)
				return func() {
					p.stop(r)
					if r.collector != nil {
						_ = r.collector.Process.Kill()
						_ = r.collector.Wait()
					}
				}
			})
		}
		row := "| " + p.name
		for i := range feelingNames {
			q1, q2, q3 := m.quartiles(i)
			row += fmt.Sprintf(" | %.3f (%.3f–%.3f)", q2, q1, q3)
		}
		t.Log(row + " |")
	}
}

// One thread drives both ends of the first three; of the others each end has a
// processor, as a client and a server have.
var feelingNames = [...]string{"udp-trip", "tcp-trip", "tcp-bulk", "udp-exchange", "tcp-exchange", "tcp-stream"}

// feelings are the ratios of times, on to off.
type feelings struct {
	ratios [len(feelingNames)][]float64
}

// add measures slices off, on, off and takes the ratio of the second to the mean
// of the others, so that a machine that gets slower does not count.
func (m *feelings) add(f *feeler, on func() (off func())) {
	before := f.slice()
	off := on()
	during := f.slice()
	off()
	after := f.slice()
	for i := range m.ratios {
		m.ratios[i] = append(m.ratios[i], during[i]/((before[i]+after[i])/2))
	}
}

func (m *feelings) quartiles(i int) (q1, q2, q3 float64) {
	v := slices.Sorted(slices.Values(m.ratios[i]))
	return v[len(v)/4], v[len(v)/2], v[len(v)*3/4]
}

// A feeler is both ends of a UDP and of a TCP exchange.
type feeler struct {
	bed      *bed
	udp, tcp [2]int // sockets: client, server
}

func (b *bed) feel() *feeler {
	b.tb.Helper()
	f := &feeler{bed: b}
	f.tcp[1] = b.socket(b.server.Do, unix.SOCK_STREAM, server4, 81)
	b.must(unix.Listen(f.tcp[1], 1))
	f.tcp[0] = b.socket(b.client.Do, unix.SOCK_STREAM, client4, 0)
	b.must(unix.Connect(f.tcp[0], &unix.SockaddrInet4{Addr: server4.As4(), Port: 81}))
	accepted, _, err := unix.Accept4(f.tcp[1], unix.SOCK_CLOEXEC)
	b.must(err)
	b.must(unix.Close(f.tcp[1]))
	f.tcp[1] = accepted
	f.udp[0] = b.socket(b.client.Do, unix.SOCK_DGRAM, client4, 4000)
	f.udp[1] = b.socket(b.server.Do, unix.SOCK_DGRAM, server4, 7)
	b.must(unix.Connect(f.udp[0], &unix.SockaddrInet4{Addr: server4.As4(), Port: 7}))
	b.must(unix.Connect(f.udp[1], &unix.SockaddrInet4{Addr: client4.As4(), Port: 4000}))
	for _, fd := range f.tcp {
		b.must(unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
	}
	b.tb.Cleanup(func() {
		for _, fd := range append(f.tcp[:], f.udp[:]...) {
			unix.Close(fd)
		}
	})
	return f
}

func (b *bed) socket(do func(func() error) error, kind int, addr netip.Addr, port int) (fd int) {
	b.tb.Helper()
	b.must(do(func() (err error) {
		fd, err = unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrInet4{Addr: addr.As4(), Port: port})
	}))
	return fd
}

// slice returns the times of feelingNames in nanoseconds: of a round trip, or of 64
// KiB one way. It is that which three quarters of many short batches exceed, since
// what is slower was interrupted.
func (f *feeler) slice() (took [len(feelingNames)]float64) {
	small, large := make([]byte, 64), make([]byte, 64<<10)
	for i, step := range []func(){
		func() { f.trip(f.udp, small) },
		func() { f.trip(f.tcp, small) },
		func() {
			f.write(f.tcp[0], large)
			f.read(f.tcp[1], large)
		},
	} {
		took[i] = f.bed.quarter(step)
	}
	took[3] = f.exchange(f.udp, small, true)
	took[4] = f.exchange(f.tcp, small, true)
	took[5] = f.exchange(f.tcp, large, false)
	return took
}

// quarter runs steps on one processor: neither waking up nor whoever else is on the
// machine is measured, only the way of the packets.
func (b *bed) quarter(step func()) float64 {
	b.tb.Helper()
	defer b.pin(1)()
	var batches []float64
	for began := time.Now(); time.Since(began) < 15*time.Millisecond || len(batches) < 8; {
		start := time.Now()
		const n = 20
		for range n {
			step()
		}
		batches = append(batches, float64(time.Since(start).Nanoseconds())/n)
	}
	slices.Sort(batches)
	return batches[len(batches)/4]
}

// exchange has a server on the other processor read what the client sends, and
// answer it if asked to.
func (f *feeler) exchange(ends [2]int, buf []byte, answer bool) float64 {
	const stop = 0xff
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer f.bed.pin(0)()
		got := make([]byte, len(buf))
		for got[0] != stop {
			f.read(ends[1], got)
			if answer {
				f.write(ends[1], got)
			}
		}
	}()
	back := make([]byte, len(buf))
	step := func() {
		f.write(ends[0], buf)
		if answer {
			f.read(ends[0], back)
		}
	}
	took := f.bed.quarter(step)
	buf[0] = stop
	step()
	<-done
	buf[0] = 0
	return took
}

// pin keeps the goroutine on one processor until the answer is called.
func (b *bed) pin(cpu int) (unpin func()) {
	runtime.LockOSThread()
	var was, one unix.CPUSet
	b.must(unix.SchedGetaffinity(0, &was))
	one.Set(cpu % runtime.NumCPU())
	b.must(unix.SchedSetaffinity(0, &one))
	return func() {
		b.must(unix.SchedSetaffinity(0, &was))
		runtime.UnlockOSThread()
	}
}

func (f *feeler) trip(ends [2]int, buf []byte) {
	f.write(ends[0], buf)
	f.read(ends[1], buf)
	f.write(ends[1], buf)
	f.read(ends[0], buf)
}

func (f *feeler) write(fd int, buf []byte) {
	if n, err := unix.Write(fd, buf); err != nil || n != len(buf) {
		f.bed.tb.Fatalf("%d bytes written, %v", n, err)
	}
}

func (f *feeler) read(fd int, buf []byte) {
	for len(buf) > 0 {
		n, err := unix.Read(fd, buf)
		if err != nil || n == 0 {
			f.bed.tb.Fatalf("%d bytes read, %v", n, err)
		}
		buf = buf[n:]
	}
}
