package main

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

var (
	crashKills = flag.Int("crash.kills", 25, "how often TestCrash kills weir serve")
	crashSeed  = flag.Uint64("crash.seed", 0, "what TestCrash does is derived from this; 0 takes the time")
)

// crashLogs are the flow logs of TestCrash: text in the embedded store, Parquet
// and refused packets alone in one that fails now and then.
const crashLogs = `flow-logs:
  - name: text
    resource: lab
    max-aggregation-interval: 60
    destination: arn:aws:s3:::inside
    log-format: &format '${interface-id} ${flow-direction} ${srcaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}'
  - name: parquet
    resource: lab
    max-aggregation-interval: 60
    destination: arn:aws:s3:::outside/all
    file-format: parquet
    log-format: *format
  - name: refused
    resource: lab
    traffic-type: REJECT
    max-aggregation-interval: 60
    destination: arn:aws:s3:::outside/refused
    hive-compatible-partitions: true
    per-hour-partition: true
    log-format: *format
destinations:
  - buckets: [outside]
    endpoint: %s
    access-key-id-env: TEST_KEY
    secret-access-key-env: TEST_SECRET
`

// TestCrash kills weir serve at random moments while packets pass and while one
// of its destinations fails now and then. At the end every packet is in the
// records of every flow log, once.
func TestCrash(t *testing.T) {
	seed := *crashSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("to repeat: go test ./cmd/weir -run TestCrash -crash.kills %d -crash.seed %d", *crashKills, seed)
	random := rand.New(rand.NewPCG(seed, 0))
	s3 := newOutside(t)
	b := newServeBed(t, "", fmt.Sprintf(crashLogs, s3.url()))
	stopOutages := b.outages(s3, rand.New(rand.NewPCG(seed, 1)))

	cmd := b.start()
	b.capturing()
	sent := b.send()
	terms := 0
	for kills := 0; kills < *crashKills; kills++ {
		time.Sleep(time.Duration(random.Int64N(int64(3 * time.Second)))) // when it dies is what is tested
		b.must(cmd.Process.Kill())
		_ = cmd.Wait()
		cmd = b.start()
		if random.IntN(8) == 0 { // hooks are off between SIGTERM and the next start
			b.capturing()
			sent.gate.Lock()
			b.terminate(cmd)
			cmd = b.start()
			b.capturing()
			sent.gate.Unlock()
			terms++
		}
	}
	sent.stop()
	b.capturing()
	b.terminate(cmd) // the last window is in the journal
	stopOutages()
	cmd = b.start()

	read := func() (text, parquet, rejected *recorded) {
		inside, outside := embeddedObjects(t, b.data), s3.snapshot()
		return newRecorded().read(t, inside, "inside/"), newRecorded().read(t, outside, "outside/all/"),
			newRecorded().read(t, outside, "outside/refused/")
	}
	rejects := make(counts)
	for l, n := range sent.sent {
		if l.action == "REJECT" {
			rejects[l] = n
		}
	}
	sums := make(map[string][32]byte)
	for began := time.Now(); ; time.Sleep(500 * time.Millisecond) {
		for key, body := range embeddedObjects(t, b.data) {
			sum := sha256.Sum256(body)
			if was, ok := sums[key]; ok && was != sum {
				t.Errorf("%s has changed", key)
			}
			sums[key] = sum
		}
		text, parquet, rejected := read()
		if text.differ(sent.sent) == nil && parquet.differ(sent.sent) == nil && rejected.differ(rejects) == nil ||
			time.Since(began) > time.Minute {
			break
		}
	}
	b.terminate(cmd)
	text, parquet, rejected := read()
	for name, err := range map[string]error{
		"text": text.differ(sent.sent), "Parquet": parquet.differ(sent.sent), "refused": rejected.differ(rejects),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.checkCounters(text, rejected)
	b.checkCounters(parquet, rejected)
	if len(s3.twice) > 0 {
		t.Errorf("sent twice with different content: %q", s3.twice)
	}
	total := sent.sent.total(func(l leg) bool { return l.direction == "egress" })
	t.Logf("%d kills, %d terminations, %d packets in %d bursts", *crashKills, terms, total.Packets, sent.bursts)
	t.Logf("%d objects with %d text, %d with %d Parquet, %d with %d refused records; %d PUTs outside",
		text.objects, text.records, parquet.objects, parquet.records, rejected.objects, rejected.records, s3.puts)
	if t.Failed() {
		t.Logf("%s", b.log.String())
	}
}

// outages makes the S3 fail in one way after another until the returned function
// is called.
func (b *serveBed) outages(s3 *outside, random *rand.Rand) (stop func()) {
	// An object that is there without its sender's knowing is the hardest.
	kinds := []outage{none, none, none, refuse, silent, busy, denied, mute, mute, mute}
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			s3.fail(kinds[random.IntN(len(kinds))])
			select {
			case <-end:
				s3.fail(none)
				return
			case <-time.After(time.Second + time.Duration(random.Int64N(int64(4*time.Second)))):
			}
		}
	}()
	return func() {
		close(end)
		<-done
	}
}

// checkCounters compares the records of everything that passed with what the
// kernel counted at the devices, and those of refused packets with what the
// firewall counted.
func (b *serveBed) checkCounters(all, refused *recorded) {
	b.tb.Helper()
	const header = 14 // of Ethernet, which the devices count and records do not
	near, err := b.near.Stats()
	b.must(err)
	far, err := b.far.Stats()
	b.must(err)
	got := make(map[string][2]uint64) // packets by interface and direction
	for id, c := range all.all {
		for _, d := range []string{"ingress", "egress"} {
			n := c.total(func(l leg) bool { return l.direction == d })
			got[id+d] = [2]uint64{n.Packets, n.Bytes + header*n.Packets}
		}
	}
	want := map[[2][2]uint64]bool{
		{{near.RxPackets, near.RxBytes}, {near.TxPackets, near.TxBytes}}: true,
		{{far.RxPackets, far.RxBytes}, {far.TxPackets, far.TxBytes}}:     true,
	}
	for id := range all.all {
		delete(want, [2][2]uint64{got[id+"ingress"], got[id+"egress"]})
	}
	if len(want) > 0 || len(all.all) != 2 {
		b.tb.Errorf("packets and bytes are recorded as %v; the devices counted %+v and %+v", got, near, far)
	}
	dropped, err := b.wall.Counters()
	b.must(err)
	if n := refused.legs.total(func(leg) bool { return true }); n != dropped[0] {
		b.tb.Errorf("%v are recorded as refused, the firewall counted %v", n, dropped[0])
	}
}
