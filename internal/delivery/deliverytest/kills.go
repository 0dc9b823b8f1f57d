package deliverytest

import (
	"context"
	"errors"
	"math/rand/v2"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"weir/internal/delivery"
	"weir/internal/flowlog"
	"weir/internal/journal"
)

// Kills runs processes that deliver, and kills them with SIGKILL at random moments, so many
// times. The command is one that calls [Kit.Deliver] with the directory and the URL.
func (k *Kit) Kills(t *testing.T, kills int, command func(dir, url string) *exec.Cmd) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	b := newBed(t, k, dir)
	server := NewServer(t, k.Protocol())
	b.log("fl-1")
	b.interfaces = 40
	for range 4 {
		b.append("fl-1")
	}
	b.close()
	server.Set(Slow)
	done := 0
	for ended := false; !ended; {
		cmd := command(dir, server.URL)
		out := new(safeBuffer)
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		exit := make(chan error, 1)
		go func() { exit <- cmd.Wait() }()
		asked, after := server.Asked(), 1+r.IntN(3)
		kill := func() bool { return done < kills && server.Asked() >= asked+after }
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			select {
			case err := <-exit:
				if err != nil {
					t.Fatalf("a process that was not killed: %v\n%s", err, out)
				}
				ended = true
			default:
			}
			if ended || kill() {
				break
			}
			if time.Now().After(deadline) {
				_ = cmd.Process.Kill()
				t.Fatalf("a process does not come to its end\n%s", out)
			}
		}
		if ended {
			break
		}
		time.Sleep(time.Duration(r.IntN(int(2 * slow))))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		err := <-exit
		if e := (*exec.ExitError)(nil); errors.As(err, &e) && e.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
			done++
		} else if err == nil {
			ended = true // it was faster
		}
	}
	if done < min(kills, 3) {
		t.Errorf("%d processes were killed, want %d", done, kills)
	}
	again := done
	if k.Replaces {
		again = 0
	}
	b.check(server, again)
	server.With(func(p Protocol) { t.Logf("%d killed, %d requests brought something again", done, p.Repeated()) })
}

// Deliver delivers what is in a journal's directory to a server, and returns when all of
// it is delivered.
func (k *Kit) Deliver(ctx context.Context, dir, url string) error {
	j, err := journal.Open(ctx, journal.Config{Dir: dir})
	if err != nil {
		return err
	}
	defer j.Close()
	buckets := make(map[string]*journal.KV)
	for _, name := range []string{"flow-logs", "status", "positions"} {
		if buckets[name], err = j.KV(ctx, name); err != nil {
			return err
		}
	}
	logs := flowlog.NewStore(buckets["flow-logs"], buckets["status"])
	defer logs.Close()
	sink, err := k.Sink(ctx, url, timeout)
	if err != nil {
		return err
	}
	s, err := delivery.New(delivery.Config{
		Journal: j, Logs: logs, Positions: buckets["positions"], Owner: "here",
		Sinks: map[flowlog.DestinationType]delivery.Sink{k.Where.DestinationType: sink},
		Flush: 20 * time.Millisecond, MaxPause: pause,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 1)
	go func() { failed <- s.Run(ctx) }()
	for {
		last, err := j.Last(ctx)
		if err != nil {
			return err
		}
		ok, err := through(ctx, buckets["positions"], "fl-1", last)
		if err != nil {
			return err
		}
		if ok {
			cancel()
			<-failed
			return nil
		}
		select {
		case err := <-failed:
			return err
		case <-time.After(5 * time.Millisecond):
		}
	}
}
