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

var feelingNames = [...]string{"udp-trip", "tcp-trip", "tcp-bulk"}

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

// A feeler is both ends of a UDP and of a TCP exchange. One thread on one
// processor drives them, so that neither waking up nor whoever else is on the
// machine is measured, only the way of the packets.
type feeler struct {
	bed      *bed
	udp, tcp [2]int // sockets: client, server
}

func (b *bed) feel() *feeler {
	b.tb.Helper()
	f := &feeler{bed: b}
	f.tcp = b.connection(81)
	f.udp[0] = b.socket(b.client.Do, unix.SOCK_DGRAM, client4, 4000)
	f.udp[1] = b.socket(b.server.Do, unix.SOCK_DGRAM, server4, 7)
	b.must(unix.Connect(f.udp[0], &unix.SockaddrInet4{Addr: server4.As4(), Port: 7}))
	b.must(unix.Connect(f.udp[1], &unix.SockaddrInet4{Addr: client4.As4(), Port: 4000}))
	b.tb.Cleanup(func() {
		for _, fd := range append(f.tcp[:], f.udp[:]...) {
			unix.Close(fd)
		}
	})
	return f
}

// connection opens a TCP connection to a port of the server.
func (b *bed) connection(port int) (ends [2]int) {
	b.tb.Helper()
	listener := b.socket(b.server.Do, unix.SOCK_STREAM, server4, port)
	defer unix.Close(listener)
	b.must(unix.Listen(listener, 1))
	ends[0] = b.socket(b.client.Do, unix.SOCK_STREAM, client4, 0)
	b.must(unix.Connect(ends[0], &unix.SockaddrInet4{Addr: server4.As4(), Port: port}))
	accepted, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	b.must(err)
	ends[1] = accepted
	for _, fd := range ends {
		b.must(unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
	}
	return ends
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

// slice returns the times of feelingNames in nanoseconds: of a round trip in UDP, of
// one in TCP, and of 64 KiB one way. Of many short batches it is that which three
// quarters of them exceed, since what is slower was interrupted.
func (f *feeler) slice() (took [len(feelingNames)]float64) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var was, one unix.CPUSet
	f.bed.must(unix.SchedGetaffinity(0, &was))
	one.Set(runtime.NumCPU() - 1)
	f.bed.must(unix.SchedSetaffinity(0, &one))
	defer func() { f.bed.must(unix.SchedSetaffinity(0, &was)) }()
	small, large := make([]byte, 64), make([]byte, 64<<10)
	for i, step := range []func(){
		func() { f.trip(f.udp, small) },
		func() { f.trip(f.tcp, small) },
		func() {
			f.write(f.tcp[0], large)
			f.read(f.tcp[1], large)
		},
	} {
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
		took[i] = batches[len(batches)/4]
	}
	return took
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
