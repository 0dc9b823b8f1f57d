package journal

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"testing"
	"time"
)

// childEnv makes the test binary append to the journal in the directory it
// names until it is killed; startEnv is the Sequence to begin with. With stepsEnv
// it appends one batch of many steps instead.
const (
	childEnv = "WEIR_JOURNAL_CHILD"
	startEnv = "WEIR_JOURNAL_START"
	stepsEnv = "WEIR_JOURNAL_STEPS"
)

// killBatch is the batch of a sequence: mostly one message, often several.
func killBatch(sequence uint64) *Batch {
	flows := [...]int{20, 4_000, 20, 15_000}[sequence%4]
	return batch("host", 1, sequence, 3, flows)
}

// child appends one batch after the other and prints each that is acknowledged.
func child() {
	ctx := context.Background()
	j, err := Open(ctx, Config{Dir: os.Getenv(childEnv)})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("open")
	if os.Getenv(stepsEnv) != "" {
		j.bodySize, j.maxMessages = stepBody, stepMessages
		if err := j.Append(ctx, shuffled(stepBatch())); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(1)
		return
	}
	var sequence uint64
	if _, err := fmt.Sscan(os.Getenv(startEnv), &sequence); err != nil {
		panic(err)
	}
	for ; ; sequence++ {
		if err := j.Append(ctx, killBatch(sequence)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(sequence)
	}
}

// TestKill kills a writer at random moments. Every batch that was acknowledged
// must be there, whole and once; the one after it whole or not at all.
func TestKill(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 4
	}
	dir := t.TempDir()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	next := uint64(1)      // to offer
	var unacknowledged int // of those, how many had been stored nevertheless
	var firstSeq, had = uint64(1), 0
	for round := range rounds {
		acknowledged := runChild(t, dir, next, round%2 == 0, time.Duration(r.IntN(300))*time.Millisecond)

		j, err := Open(t.Context(), Config{Dir: dir})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		c := new(collector)
		last, err := j.Last(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if last >= firstSeq {
			if err := j.ReadRange(t.Context(), firstSeq, last, c.add); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
		}
		stored := c.whole()
		for i, b := range stored {
			if want := killBatch(next + uint64(i)); !reflect.DeepEqual(b, want) {
				t.Fatalf("round %d: batch %d of %d is not what was appended: sequence %d, want %d", round, i, len(stored), b.Sequence, want.Sequence)
			}
		}
		if n := uint64(len(stored)); n < acknowledged || n > acknowledged+1 {
			t.Fatalf("round %d: %d batches acknowledged, %d stored", round, acknowledged, n)
		} else if n > acknowledged {
			unacknowledged++
		}
		next += uint64(len(stored))
		had += len(stored)
		// Offering again what is stored changes nothing.
		for s := max(1, next-min(next-1, 3)); s < next; s++ {
			mustAppend(t, j, killBatch(s))
		}
		if again, err := j.Last(t.Context()); again != last || err != nil {
			t.Fatalf("round %d: offering again went from %d to %d, %v", round, last, again, err)
		}
		firstSeq = last + 1
		if round%4 == 3 { // what is read and released must not come back
			if err := j.Release(t.Context(), last); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills: %d batches stored, %d of them had not been acknowledged yet", rounds, had, unacknowledged)
	if had == 0 {
		t.Error("nothing was ever stored")
	}
}

// runChild lets a child append from a sequence on, or in steps with 0, kills it some time after it
// has opened the journal, or after its first acknowledgement, and returns how
// many batches it said were stored.
func runChild(t *testing.T, dir string, from uint64, first bool, after time.Duration) (acknowledged uint64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir, fmt.Sprintf("%s=%d", startEnv, from))
	if from == 0 {
		cmd.Env = append(cmd.Env, stepsEnv+"=1")
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(out)
	if line, err := in.ReadString('\n'); line != "open\n" {
		t.Fatalf("child says %q, %v", line, err)
	}
	if first {
		if line, err := in.ReadString('\n'); err != nil {
			t.Fatalf("child says %q, %v", line, err)
		}
		acknowledged++
	}
	time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	rest, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	for _, c := range rest {
		if c == '\n' {
			acknowledged++
		}
	}
	return acknowledged
}
