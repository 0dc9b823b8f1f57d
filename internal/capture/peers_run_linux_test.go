package capture

import (
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"weir/internal/lab"
)

// needPeers skips a test unless WEIR_PEERS is set; its value is the number of rounds.
func needPeers(t *testing.T) (rounds int) {
	t.Helper()
	rounds, err := strconv.Atoi(os.Getenv("WEIR_PEERS"))
	if err != nil {
		t.Skip("a comparison with other programs: WEIR_PEERS=1, or make bench-peers")
	}
	return rounds
}

// What the comparisons send: half of the flows to the server, half from it, and
// some that its firewall refuses.
const (
	peerFlows   = 50_000
	peerPackets = 10 // of each flow
	peerRefused = 500
)

// A peerLoad is what was sent past the peer, and what sending it took.
type peerLoad struct {
	packets, refused uint64
	took             time.Duration
	cpu              time.Duration // of the senders, with all that the kernel does for a packet
}

// peerTraffic sends the packets of a comparison, at a rate or as fast as it goes.
func (b *bed) peerTraffic(rate int) (l peerLoad) {
	b.tb.Helper()
	unwanted := netip.MustParseAddr("10.0.0.66")
	fw := b.firewall(b.server, lab.Rule{Hook: lab.Input, Match: lab.Match{Src: netip.PrefixFrom(unwanted, 32)}, Verdict: lab.Drop})
	var sent [2]*lab.Sent
	var errs [2]error
	var wg sync.WaitGroup
	began, before := time.Now(), ownCPU()
	wg.Go(func() {
		sent[0], errs[0] = b.c.Generate(background, lab.FlowConfig{
			Src: client4, Dst: server4, Size: 100, Flows: peerFlows / 2, Packets: peerPackets, DstMAC: b.s.MAC(), Rate: rate / 2, Pin: true, CPU: 0})
	})
	wg.Go(func() {
		sent[1], errs[1] = b.s.Generate(background, lab.FlowConfig{
			Src: server4, Dst: client4, Size: 100, Flows: peerFlows / 2, Packets: peerPackets, DstMAC: b.c.MAC(), Rate: rate / 2, Pin: true, CPU: 1})
	})
	wg.Wait()
	l.took, l.cpu = time.Since(began), ownCPU()-before
	b.must(errs[0])
	b.must(errs[1])
	dropped, err := b.c.Generate(background, lab.FlowConfig{
		Src: unwanted, Dst: server4, Size: 100, Flows: peerRefused, Packets: peerPackets, DstMAC: b.s.MAC(), Rate: 20_000})
	b.must(err)
	l.refused = dropped.Packets - dropped.Lost
	l.packets = sent[0].Packets - sent[0].Lost + sent[1].Packets + l.refused
	counters, err := fw.Counters()
	b.must(err)
	if counters[0].Packets != l.refused {
		b.tb.Errorf("the firewall refused %d packets, %d were sent to it", counters[0].Packets, l.refused)
	}
	b.must(fw.Close())
	return l
}

func ownCPU() time.Duration {
	var ru unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &ru)
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}

// sinks take what is sent, so that nobody answers that the port is closed.
func (b *bed) sinks() {
	for _, at := range []struct {
		ns   *lab.Namespace
		addr netip.Addr
	}{{b.client, client4}, {b.server, server4}} {
		_, err := at.ns.ListenPacket("udp", netip.AddrPortFrom(at.addr, 9).String())
		b.must(err)
	}
}

// TestPeers sends the same traffic past each program, one at a time, and prints a
// table of what it accounted and what that took.
func TestPeers(t *testing.T) {
	rounds := needPeers(t)
	stats, err := ebpf.EnableStats(uint32(unix.BPF_STATS_RUN_TIME))
	if err != nil {
		t.Fatal(err)
	}
	defer stats.Close()
	all := peers(t)
	t.Logf("| rate | program | accounted | records per flow | refused told | CPU of the program, s | in kernel programs, s | memory, MB | sender, ns/packet |")
	t.Logf("|---|---|---|---|---|---|---|---|---|")
	for _, rate := range []int{50_000, 0} {
		for _, p := range all {
			var accounted, perFlow, told, cpu, kernel, memory, sender []float64
			reached := 0.0
			for range rounds {
				b := newBed(t)
				b.sinks()
				r := b.run(p)
				l := b.peerTraffic(rate)
				time.Sleep(300 * time.Millisecond)
				p.stop(r)
				got := p.read(r)
				const flows = peerFlows + peerRefused
				accounted = append(accounted, 100*float64(got.packets)/float64(l.packets))
				perFlow = append(perFlow, float64(got.records)/flows)
				told = append(told, 100*float64(got.refused)/float64(l.refused))
				cpu = append(cpu, r.cpu.Seconds())
				kernel = append(kernel, r.kernel.Seconds())
				memory = append(memory, float64(r.memory)/1e6)
				sender = append(sender, float64(l.cpu.Nanoseconds())/float64(l.packets-l.refused))
				reached = max(reached, float64(l.packets-l.refused)/l.took.Seconds())
				b.must(b.lab.Close())
			}
			t.Logf("| %.0f/s | %s | %.2f %% | %.2f | %.0f %% | %.2f | %.3f | %.0f | %.0f |", reached, p.name,
				medianOf(accounted), medianOf(perFlow), medianOf(told), medianOf(cpu), medianOf(kernel), medianOf(memory), slices.Min(sender))
		}
	}
}

func medianOf(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// TestPeersRestart ends a program while packets pass and starts it again at once,
// and prints how many packets are in no record.
func TestPeersRestart(t *testing.T) {
	rounds := needPeers(t)
	all := peers(t)
	t.Logf("| program | ended by | sent | missing | %% |")
	t.Logf("|---|---|---|---|---|")
	for _, p := range all {
		if p.silent || strings.Contains(p.name, ",") {
			continue // what differs in room only does not differ here
		}
		for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
			var missing []float64
			total := uint64(0)
			for range rounds {
				b := newBed(t)
				b.sinks()
				r := b.run(p)
				var sent *lab.Sent
				var err error
				done := make(chan struct{})
				go func() {
					defer close(done)
					sent, err = b.c.Generate(background, lab.FlowConfig{
						Src: client4, Dst: server4, Size: 100, Flows: 2000, Packets: 60, DstMAC: b.s.MAC(), Rate: 20_000})
				}()
				time.Sleep(3 * time.Second)
				r.end(sig)
				p.start(r)
				<-done
				b.must(err)
				time.Sleep(300 * time.Millisecond)
				p.stop(r)
				total = sent.Packets - sent.Lost
				missing = append(missing, float64(total)-float64(p.read(r).packets))
				b.must(b.lab.Close())
			}
			t.Logf("| %s | %v | %d | %.0f | %.2f |", p.name, sig, total, medianOf(missing), 100*medianOf(missing)/float64(total))
		}
	}
}
