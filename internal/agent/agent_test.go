package agent

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/flowlog"
	"weir/internal/journal"
	"weir/internal/vpc"
)

func TestOnlyWhatIsCoveredIsCaptured(t *testing.T) {
	b := newBed(t, journal.Config{})
	b.model.set(1, 2, 3)
	b.start(time.Now())
	b.captures()
	one := b.log(1, nil)
	b.captures(1)
	b.log(2, nil)
	b.captures(1, 2)
	b.log(10, func(f *flowlog.FlowLog) { f.ResourceType, f.ResourceID = flowlog.VPC, "vpc-1" })
	b.captures(1, 2, 3)
	b.must(b.logs.Delete(t.Context(), "fl-10", time.Now()))
	b.captures(1, 2)
	b.model.set(2, 3) // eni-1 goes
	b.captures(2)
	b.model.set(1, 2, 3) // and comes back
	b.captures(1, 2)
	b.must(b.logs.Delete(t.Context(), one, time.Now()))
	b.captures(2)
	b.must(b.logs.Forget(t.Context(), one))
	b.captures(2)
}

func TestTheShortestIntervalCounts(t *testing.T) {
	b := newBed(t, journal.Config{})
	b.model.set(1)
	b.start(time.Now())
	interval := func(want time.Duration) {
		t.Helper()
		b.soon(fmt.Sprintf("the interval is %v", want), func() bool {
			b.source.mu.Lock()
			defer b.source.mu.Unlock()
			return b.source.interval == want
		})
	}
	b.log(1, func(f *flowlog.FlowLog) { f.Interval = 10 * time.Minute })
	b.captures(1)
	interval(10 * time.Minute)
	b.log(11, func(f *flowlog.FlowLog) { f.ResourceType, f.ResourceID = flowlog.NetworkInterface, "eni-1" })
	interval(time.Minute)
	b.captures(1) // once
	b.must(b.logs.Delete(t.Context(), "fl-11", time.Now()))
	interval(10 * time.Minute)
	b.captures(1)
}

// TestAFlowLogBeginsAndEndsWithAWindow also when it does so while no process runs.
func TestAFlowLogBeginsAndEndsWithAWindow(t *testing.T) {
	b := newBed(t, journal.Config{})
	b.model.set(1, 2)
	closes := func(what string, want bool) {
		t.Helper()
		was := func() int { b.source.mu.Lock(); defer b.source.mu.Unlock(); return b.source.closes }
		if want {
			b.soon("a window is closed because of "+what, func() bool { return was() > 0 })
		} else if n := was(); n > 0 {
			t.Errorf("%s: %d windows are closed, want none", what, n)
		}
		b.source.mu.Lock()
		b.source.closes = 0
		b.source.mu.Unlock()
	}
	stop := b.start(time.Now())
	b.captures()
	id := b.log(1, nil)
	b.captures(1)
	closes("a flow log that begins", true)
	b.model.set(1, 2, 3)
	b.must(b.logs.Change(t.Context(), id, func(f *flowlog.FlowLog) { f.Tags = []flowlog.Tag{{Key: "a", Value: "b"}} }))
	b.model.set(1, 2)
	b.captures(1)
	b.log(2, func(f *flowlog.FlowLog) { f.Created = f.Created.Add(-time.Hour) }) // so that there is something to wait for
	b.captures(1, 2)
	closes("a model that changes, and a tag", false)
	b.must(b.logs.Delete(t.Context(), id, time.Now()))
	b.captures(2)
	closes("a flow log that ends", true)
	stop()

	stop = b.start(time.Now())
	b.captures(2)
	b.handOver()
	closes("a start", false)
	stop()
	down := time.Now()
	b.must(b.logs.Delete(t.Context(), "fl-2", time.Now()))
	b.start(down)
	b.captures()
	closes("a flow log that ended before the start", true)
}

func TestAWindowOfAnInterfaceThatIsGone(t *testing.T) {
	b := newBed(t, journal.Config{})
	b.model.set(1, 2)
	stop := b.start(time.Now())
	b.log(1, nil)
	b.log(2, nil)
	b.captures(1, 2)
	b.handOver(1, 2)
	b.model.set(1)
	b.captures(1)
	b.handOver(1, 2) // it was open when the interface went
	b.handOver(1)
	if diff := cmp.Diff([]string{"7.1"}, b.written()); diff != "" {
		t.Errorf("written down after that (-want +got):\n%s", diff)
	}
	b.model.set(1, 2)
	b.captures(1, 2)
	stop() // killed, and the next process does not find it any more
	b.model.set(1)
	b.start(time.Now())
	b.captures(1)
	b.source.sequence = 3
	b.handOver(1, 2)
	b.handOver(1, 5) // nobody ever knew that one
	got, _ := b.journalled()
	want := []string{"9/1 eni-1", "9/1 eni-2", "9/2 eni-1", "9/2 eni-2", "9/3 eni-1", "9/4 eni-1", "9/4 eni-2", "9/5 eni-1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("windows (-want +got):\n%s", diff)
	}
	if n := b.agent.cfg.Metrics.unknown.Get(); n != 1 {
		t.Errorf("windows of unknown interfaces are counted as %d, want 1", n)
	}
}

func TestInterfacesAreWrittenDownWhenTheyChange(t *testing.T) {
	b := newBed(t, journal.Config{})
	b.model.set(1, 2)
	stop := b.start(time.Now())
	b.log(1, nil)
	b.captures(1)
	b.model.set(1, 2, 3)
	b.log(2, nil)
	b.captures(1, 2)
	stop()
	b.start(time.Now())
	b.captures(1, 2)
	b.handOver()
	if n := b.ifaces.puts; n != 2 {
		t.Errorf("two interfaces were written %d times, want 2", n)
	}
}

func TestWindowsWaitForAFullJournal(t *testing.T) {
	b := newBed(t, journal.Config{MaxBytes: 1 << 12})
	b.model.set(1)
	b.start(time.Now())
	b.log(1, nil)
	b.captures(1)
	var want []string
	full := false
	for n := 1; !full; n++ {
		if n > 1000 {
			t.Fatal("the journal never fills")
		}
		b.offer(1)
		want = append(want, fmt.Sprintf("9/%d eni-1", n))
		select {
		case <-b.source.taken:
		case err := <-b.source.refused:
			if !errors.Is(err, journal.ErrFull) {
				t.Errorf("error is %v, want %v", err, journal.ErrFull)
			}
			full = true
		}
	}
	through := b.through()
	b.source.mu.Lock()
	b.source.closed = b.source.closed.Add(time.Hour)
	b.source.mu.Unlock()
	<-b.source.refused // once more, and nothing has changed
	if got := b.through(); !got.Equal(through) {
		t.Errorf("through is %v while a window waits, want %v", got, through)
	}
	had, _ := b.journalled()
	last, err := b.j.Last(t.Context())
	b.must(err)
	b.must(b.j.Release(t.Context(), last))
	<-b.source.taken
	have, _ := b.journalled()
	if diff := cmp.Diff(want, append(had, have...)); diff != "" {
		t.Errorf("windows (-want +got):\n%s", diff)
	}
	if got := b.through(); !got.Equal(b.source.Closed()) {
		t.Errorf("through is %v, want %v", got, b.source.Closed())
	}
}

// through returns what the agent says of itself.
func (b *bed) through() time.Time {
	b.Helper()
	all, err := Through(b.Context(), b.hosts)
	b.must(err)
	if len(all) != 1 {
		b.Fatalf("%d hosts, want 1", len(all))
	}
	return all[0]
}

func TestThroughOfAllHosts(t *testing.T) {
	b := newBed(t, journal.Config{})
	ctx := t.Context()
	if all, err := Through(ctx, b.hosts); err != nil || len(all) != 0 {
		t.Errorf("Through = %v, %v, want nothing", all, err)
	}
	now := time.Now()
	b.must(setThrough(ctx, b.hosts, "a", now))
	b.must(setThrough(ctx, b.hosts, "b", now.Add(time.Second)))
	b.must(setThrough(ctx, b.hosts, "a", now.Add(2*time.Second)))
	all, err := Through(ctx, b.hosts)
	if err != nil || len(all) != 2 || !all[0].Equal(now.Add(time.Second)) || !all[1].Equal(now.Add(2*time.Second)) {
		t.Errorf("Through = %v, %v, want 1s and 2s after %v", all, err, now)
	}
	if _, err := b.hosts.Put(ctx, "c", []byte("yesterday")); err != nil {
		t.Fatal(err)
	}
	if _, err := Through(ctx, b.hosts); err == nil {
		t.Error("a time that is none is no error")
	}
}

func TestWhatCannotBeCapturedIsTriedAgain(t *testing.T) {
	b := newBed(t, journal.Config{})
	b.model.set(1)
	b.log(1, nil)
	b.source = nil
	s := newSource()
	s.fails, s.closed = 2, time.Now()
	var err error
	b.source = s
	b.agent, err = New(Config{Host: "here", Source: s, Journal: b.j, Logs: b.logs, Model: b.model, Hosts: b.hosts, Interfaces: b.ifaces, Tags: b.tags})
	b.must(err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.agent.Run(ctx) }()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		s.mu.Lock()
		ok := len(s.covered) == 1
		s.mu.Unlock()
		if ok {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it is not tried again")
		}
	}
	cancel()
	b.must(<-done)
}

// TestStampsHoldWhatFormatsShow keeps tags and next hops out of the journal that
// nobody has asked for.
func TestStampsHoldWhatFormatsShow(t *testing.T) {
	b := newBed(t, journal.Config{})
	b.model.set(1, 2)
	b.start(time.Now())
	b.log(1, nil)
	b.captures(1)
	b.handOver(1)
	b.log(11, func(f *flowlog.FlowLog) {
		f.ResourceType, f.ResourceID = flowlog.NetworkInterface, "eni-1"
		f.Format = "${interface-id} ${interface-tag} ${next-hop-interface-id}"
		f.TagFields = []flowlog.TagField{{ResourceType: "network-interface", Keys: []string{"role"}}}
	})
	b.soon("the format is known", func() bool {
		b.agent.mu.Lock()
		defer b.agent.mu.Unlock()
		return b.agent.hops
	})
	b.handOver(1)
	_, stamps := b.journalled()
	if len(stamps) != 2 {
		t.Fatalf("%d windows, want 2", len(stamps))
	}
	if s := stamps[0]; len(s.Tags) > 0 || len(s.Hops) > 0 || len(s.Ways) > 0 {
		t.Errorf("without being asked: tags %v, hops %v and ways %v", s.Tags, s.Hops, s.Ways)
	}
	if diff := cmp.Diff(vpc.Tags{"role": "web"}, stamps[1].Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if hop, ok := stamps[1].NextHop(netip.MustParseAddr("10.0.0.2")); !ok || hop.ID != "eni-2" {
		t.Errorf("next hop is %+v, %v, want eni-2", hop, ok)
	}
}

// TestStampsHaveTheTagsOfTheAPI: what CreateTags and DeleteTags did counts as what the
// model says, from the next window that ends.
func TestStampsHaveTheTagsOfTheAPI(t *testing.T) {
	b := newBed(t, journal.Config{})
	b.model.set(1)
	i := b.model.index.Network().Interfaces[0]
	i.InstanceID, i.InstanceTags = "i-1", vpc.Tags{"Name": "web", "Team": "net"}
	b.model.index = vpc.NewIndex(*b.model.index.Network())
	put := func(id, value string) {
		_, err := b.tags.Put(t.Context(), id, []byte(value))
		b.must(err)
	}
	put("eni-1", `{"set":{"role":"db"}}`) // by a former process
	stop := b.start(time.Now())
	b.log(1, func(f *flowlog.FlowLog) {
		f.Format = "${interface-tag} ${instance-tag} ${instance-tag-2}"
		f.TagFields = []flowlog.TagField{{ResourceType: "network-interface", Keys: []string{"role"}}, {ResourceType: "instance", Keys: []string{"Name", "Team"}}}
	})
	b.captures(1)
	b.handOver(1)
	put("i-1", `{"set":{"Name":"shop"},"gone":{"Team":true}}`)
	b.soon("the agent knows of the tags", func() bool {
		b.agent.mu.Lock()
		defer b.agent.mu.Unlock()
		return b.agent.tagged["i-1"] != nil
	})
	b.handOver(1)
	stop()
	b.start(time.Now())
	b.source.sequence = 2
	b.captures(1)
	b.handOver(1)
	var got []string
	_, stamps := b.journalled()
	for _, s := range stamps {
		got = append(got, fmt.Sprint(s.Tags, s.InstanceTags))
	}
	after := "map[role:db] map[Name:shop]"
	if want := []string{"map[role:db] map[Name:web Team:net]", after, after}; !slices.Equal(got, want) {
		t.Errorf("windows have the tags %q, want %q", got, want)
	}
}

// TestARouterWithManyRoutes has more of them than a message can hold.
func TestARouterWithManyRoutes(t *testing.T) {
	b := newBed(t, journal.Config{})
	b.model.set(1)
	router := b.model.index.Network().Interfaces[0]
	for n := range 5000 {
		router.Routes = append(router.Routes, vpc.Route{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{20, byte(n >> 8), byte(n), 0}), 24)})
	}
	b.start(time.Now())
	b.log(1, func(f *flowlog.FlowLog) { f.Format = "${interface-id} ${next-hop-interface-id}" })
	b.captures(1)
	b.handOver(1)
	if _, stamps := b.journalled(); len(stamps) != 1 || len(stamps[0].Ways) > 0 {
		t.Errorf("%d windows are in the journal, want one, without routes", len(stamps))
	}
}
