package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestFollowPrintsAtOnceAndEndsWithInterrupt(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.log")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	io.WriteString(f, "version srcaddr bytes\n2 10.0.0.1 1\n")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, w := io.Pipe()
	root := newRoot()
	root.SetArgs([]string{"read", "-q", "--follow", "--where", "bytes = 2", name})
	root.SetOut(w)
	done := make(chan error, 1)
	go func() {
		err := root.ExecuteContext(ctx)
		w.Close()
		done <- err
	}()
	got := make(chan string)
	go func() {
		defer close(got)
		for lines := bufio.NewScanner(r); lines.Scan(); {
			got <- lines.Text()
		}
	}()
	// What is added before it is followed is not new.
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for _, want := range []string{"version srcaddr bytes", "2 10.0.0.1 2"} {
		for seen := false; !seen; {
			select {
			case line := <-got:
				if seen = true; line != want {
					t.Fatalf("got %q, want %q", line, want)
				}
			case err := <-done:
				t.Fatalf("it has ended: %v", err)
			case <-tick.C:
				io.WriteString(f, "2 10.0.0.1 1\n2 10.0.0.1 2\n")
			}
		}
	}
	cancel()
	for range got {
	}
	if err := <-done; err != nil {
		t.Errorf("interrupted: %v, status %d", err, statusOf(err))
	}
}
