package logs

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/internal/cloudwatch"
	"weir/internal/journal"
)

// childEnv makes the test binary put to the store in the journal's directory it names
// until it is killed; roundEnv is a number that is in its messages.
const (
	childEnv = "WEIR_LOGS_CHILD"
	roundEnv = "WEIR_LOGS_ROUND"
)

// killBatch is the n-th batch of a writer in a round: mostly small, now and then one that
// takes several messages of the server.
func killBatch(round string, writer, n int) (events []cloudwatch.Event) {
	at := time.Now().UnixMilli()
	for i := range 1 + n%5 {
		message := fmt.Sprintf("%s/%d/%d/%d/%d", round, writer, n, i, 1+n%5)
		if n%7 == 3 && i == 0 {
			b := []byte(message + " ")
			r := rand.New(rand.NewPCG(uint64(n), uint64(writer)))
			for len(b) < cloudwatch.MaxBatchBytes+100_000 {
				b = append(b, byte(r.Uint32()))
			}
			message = string(b)
		}
		events = append(events, event(at+int64(i), message))
	}
	return events
}

// child puts from several goroutines, to one stream and to several, and prints each batch
// that is acknowledged. It makes and deletes a group meanwhile.
func child() {
	ctx := context.Background()
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	j, err := journal.Open(ctx, journal.Config{Dir: os.Getenv(childEnv)})
	fail(err)
	s, err := Open(ctx, Config{Journal: j})
	fail(err)
	_ = s.CreateGroup(ctx, "g", "", nil)
	for _, name := range []string{"0", "1", "2"} {
		_ = s.CreateStream(ctx, "g", name)
	}
	round := os.Getenv(roundEnv)
	fmt.Println("open")
	var mu sync.Mutex
	for w := range 3 {
		go func() {
			for n := 0; ; n++ {
				_, err := s.Put(ctx, "g", fmt.Sprint(w*(n%2)), killBatch(round, w, n))
				fail(err)
				mu.Lock()
				fmt.Printf("%s/%d/%d\n", round, w, n)
				mu.Unlock()
			}
		}()
	}
	for {
		fail(s.CreateGroup(ctx, "short", "", nil))
		fail(s.CreateStream(ctx, "short", "s"))
		_, err := s.Put(ctx, "short", "s", killBatch("short", 9, 1))
		fail(err)
		fail(s.DeleteStream(ctx, "short", "s"))
		fail(s.CreateStream(ctx, "short", "s"))
		fail(s.DeleteGroup(ctx, "short"))
	}
}

// TestKill kills a process that puts from several goroutines at random moments. Every
// event that was acknowledged is there, once, and no batch in part; a group whose
// deletion was interrupted is gone, with its events, or there.
func TestKill(t *testing.T) {
	rounds := 15
	if testing.Short() {
		rounds = 3
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	acknowledged := map[string]bool{}
	for round := range rounds {
		runChild(t, dir, round, time.Duration(r.IntN(400))*time.Millisecond, acknowledged)
		checkKilled(t, dir, acknowledged)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	if len(acknowledged) == 0 {
		t.Error("nothing was ever acknowledged")
	}
}

func runChild(t *testing.T, dir string, round int, after time.Duration, acknowledged map[string]bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir, fmt.Sprintf("%s=%d", roundEnv, round))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	in := bufio.NewReader(out)
	if line, err := in.ReadString('\n'); line != "open\n" {
		t.Fatalf("child says %q, %v", line, err)
	}
	time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	rest, err := io.ReadAll(in)
	must(t, err)
	_ = cmd.Wait() // it was killed
	lines := strings.SplitAfter(string(rest), "\n")
	for _, line := range lines[:len(lines)-1] {
		acknowledged[strings.TrimSpace(line)] = true
	}
}

// checkKilled compares what is stored with what was acknowledged.
func checkKilled(t *testing.T, dir string, acknowledged map[string]bool) {
	t.Helper()
	j, err := journal.Open(t.Context(), journal.Config{Dir: dir})
	must(t, err)
	defer j.Close()
	s, err := Open(t.Context(), Config{Journal: j})
	must(t, err)
	defer s.Close()
	type part struct{ events, of int }
	found := map[string]part{}
	var last Position
	for e, err := range s.Read(t.Context(), Query{Group: "g"}) {
		must(t, err)
		if e.Compare(last) <= 0 {
			t.Errorf("event at %+v comes after that at %+v", e.Position, last)
		}
		last = e.Position
		name, _, _ := strings.Cut(e.Message, " ")
		var round, writer, n, i, of int
		if _, err := fmt.Sscanf(name, "%d/%d/%d/%d/%d", &round, &writer, &n, &i, &of); err != nil {
			t.Fatalf("message %.40q: %v", e.Message, err)
		}
		batch := fmt.Sprintf("%d/%d/%d", round, writer, n)
		p := found[batch]
		found[batch] = part{p.events + 1, of}
	}
	for batch, p := range found {
		if p.events != p.of {
			t.Errorf("batch %s has %d events, want %d", batch, p.events, p.of)
		}
	}
	for batch := range acknowledged {
		if found[batch].of == 0 {
			t.Errorf("batch %s was acknowledged and is not there", batch)
		}
	}
	for id, g := range s.ids {
		if g.Name != "g" && g.Name != "short" {
			t.Errorf("something is left of group %s: streams %v, batches %v", id, g.streams, g.ids)
		}
	}
	if _, err := s.Group(t.Context(), "short"); err == nil {
		must(t, s.DeleteGroup(t.Context(), "short"))
	}
	must(t, s.CreateGroup(t.Context(), "short", "", nil)) // nothing is in the way
	s.make(t, "after"+fmt.Sprint(len(acknowledged)), "s")
	must(t, s.DeleteGroup(t.Context(), "after"+fmt.Sprint(len(acknowledged))))
	must(t, s.DeleteGroup(t.Context(), "short"))
}
