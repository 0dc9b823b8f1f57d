package capture

import (
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkTraffic reports what traffic feels of a capture: the median of the
// ratios on to off of neighbouring slices of time, for round trips in UDP and TCP
// and for TCP throughput, with the quartiles of these ratios.
func BenchmarkTraffic(b *testing.B) {
	bed := newBed(b)
	f := bed.feel()
	var m feelings
	for b.Loop() {
		for range 5 {
			m.add(f, func() (off func()) {
				s, err := Open(Config{Exclude: DefaultExclusions})
				bed.must(err)
				bed.must(s.Watch(of(bed.server, "eth0")))
				return func() { bed.must(s.Close()) }
			})
		}
	}
	for i, name := range feelingNames {
		q1, q2, q3 := m.quartiles(i)
		b.ReportMetric(q2, name+"-ratio")
		b.ReportMetric(q1, name+"-q1")
		b.ReportMetric(q3, name+"-q3")
		b.ReportMetric(m.least(i), name+"-off-ns")
	}
	b.ReportMetric(0, "ns/op")
}

// TestPeersTraffic prints the same for other programs.
func TestPeersTraffic(t *testing.T) {
	rounds := 5 * needPeers(t)
	if n, err := strconv.Atoi(os.Getenv("WEIR_PEERS_ROUNDS")); err == nil {
		rounds = n
	}
	t.Logf("| program | %s | %s | %s |", feelingNames[0], feelingNames[1], feelingNames[2])
	t.Logf("|---|---|---|---|")
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
		var cells [3][3]float64
		for i := range cells {
			cells[i][0], cells[i][1], cells[i][2] = m.quartiles(i)
		}
		t.Logf("| %s | %.3f (%.3f–%.3f) | %.3f (%.3f–%.3f) | %.3f (%.3f–%.3f) |", p.name, cells[0][1], cells[0][0], cells[0][2],
			cells[1][1], cells[1][0], cells[1][2], cells[2][1], cells[2][0], cells[2][2])
	}
}

var feelingNames = [3]string{"udp-trip", "tcp-trip", "tcp-bulk"}

// feelings are the ratios of times, on to off.
type feelings struct {
	ratios [3][]float64
	off    [3][]float64 // times in nanoseconds
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
		m.off[i] = append(m.off[i], before[i], after[i])
		m.ratios[i] = append(m.ratios[i], during[i]/((before[i]+after[i])/2))
	}
}

func (m *feelings) quartiles(i int) (q1, q2, q3 float64) {
	v := slices.Sorted(slices.Values(m.ratios[i]))
	return v[len(v)/4], v[len(v)/2], v[len(v)*3/4]
}

func (m *feelings) least(i int) float64 { return slices.Min(m.off[i]) }

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

// slice returns the time, in nanoseconds, of a round trip in UDP, of one in TCP,
// and of 64 KB one way: of many short batches that which three quarters of the
// batches exceed, since what is slower was interrupted.
func (f *feeler) slice() (took [3]float64) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var was, one unix.CPUSet
	f.bed.must(unix.SchedGetaffinity(0, &was))
	one.Set(1)
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
		for began := time.Now(); time.Since(began) < 150*time.Millisecond || len(batches) < 8; {
			start := time.Now()
			const n = 50
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
