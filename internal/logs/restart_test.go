package logs

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"weir/internal/cloudwatch"
	"weir/internal/journal"
)

// TestServerRestarts restarts the server of two stores while one puts: nothing is lost,
// nothing is there twice, and the other hears of all.
func TestServerRestarts(t *testing.T) {
	clock := func() time.Time { return time.UnixMilli(noon) }
	dir := t.TempDir()
	srv := startServer(t, dir, server.RANDOM_PORT)
	port := srv.Addr().(*net.TCPAddr).Port
	a := openStore(t, Config{Journal: openJournal(t, journal.Config{URL: srv.ClientURL()}), Now: clock})
	b := openStore(t, Config{Journal: openJournal(t, journal.Config{URL: srv.ClientURL()}), Now: clock})
	a.make(t, "g", "s")
	must(t, b.catchUp(t.Context()))
	var want []string
	tailed, followed := 0, make(chan error, 1)
	stop := fmt.Errorf("stop")
	go func() {
		followed <- b.Follow(t.Context(), "g", nil, "", func(events []Event) error {
			if tailed += len(events); events[len(events)-1].Message == "last" {
				return stop
			}
			return nil
		})
	}()
	g := b.groups["g"]
	soon(t, "following", func() bool { b.mu.RLock(); defer b.mu.RUnlock(); return len(g.tails) == 1 })
	put := func(message string) {
		t.Helper()
		if _, err := a.Put(within(t, 30*time.Second), "g", "s", []cloudwatch.Event{event(noon, message)}); err != nil {
			t.Fatal(err)
		}
		want = append(want, "s:"+message)
	}
	for round := range 2 {
		for i := range 20 {
			put(fmt.Sprint(round, "/", i))
			if i == 10 {
				stopServer(srv)
				back := make(chan struct{})
				go func() {
					defer close(back)
					time.Sleep(200 * time.Millisecond) // while it puts
					srv = startServer(t, dir, port)
				}()
				put(fmt.Sprint(round, "/while it is away"))
				<-back
			}
		}
	}
	must(t, a.CreateStream(t.Context(), "g", "new"))
	put("last")
	for _, s := range []*Store{a, b} {
		soon(t, "told of all", func() bool { return s.lastKnown() >= uint64(len(want)) })
		s.wantRead(t, Query{Group: "g"}, want...)
	}
	if err := <-followed; err != stop || tailed != len(want) {
		t.Errorf("Follow() = %v after %d events, want %d", err, tailed, len(want))
	}
	if got := b.groupNames(t); got != "g[new s]" {
		t.Errorf("groups are %s", got)
	}
}
