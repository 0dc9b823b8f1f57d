package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"weir/internal/capture"
)

// progress tells on a terminal how long the open window still lasts; elsewhere
// it only says once what is captured.
type progress struct {
	to       *os.File
	terminal bool
	interval time.Duration

	mu    sync.Mutex
	shown bool
	begun time.Time
	done  chan struct{}
	once  sync.Once
	wg    sync.WaitGroup
}

func newProgress(to *os.File, interval time.Duration) *progress {
	return &progress{to: to, terminal: term.IsTerminal(int(to.Fd())), interval: interval, done: make(chan struct{})}
}

// start says what is captured and begins to tell the time.
func (p *progress) start(s *capture.Source) {
	interfaces := s.Interfaces()
	if len(interfaces) == 0 {
		fmt.Fprintln(p.to, "weir: no such interface yet; waiting for it")
	} else {
		fmt.Fprintf(p.to, "weir: capturing %d interface(s), window %v (%s); ^C ends\n", len(interfaces), p.interval, s.Features())
	}
	p.begun = time.Now()
	if !p.terminal {
		return
	}
	p.wg.Add(1)
	go func() {
		defer p.wg.Done()
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-p.done:
				return
			case <-tick.C:
				p.show(len(s.Interfaces()))
			}
		}
	}()
}

func (p *progress) show(interfaces int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := p.interval - time.Since(p.begun)%p.interval
	fmt.Fprintf(p.to, "\r\033[K%d interface(s), window ends in %v", interfaces, left.Round(time.Second))
	p.shown = true
}

// hide clears the line for something else to be printed.
func (p *progress) hide() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.to, "\r\033[K")
		p.shown = false
	}
	p.begun = time.Now()
}

func (p *progress) stop() {
	p.once.Do(func() { close(p.done) })
	p.wg.Wait()
	p.hide()
}
