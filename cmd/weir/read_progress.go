package main

import (
	"fmt"
	"iter"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"weir/internal/show"
	"weir/internal/source"
)

// readProgress tells on a terminal how much has been read; elsewhere nothing.
type readProgress struct {
	to             *os.File
	listed, opened atomic.Int64
	bytes          atomic.Int64
	ended          chan struct{}
	gone           chan struct{}
}

func newReadProgress(to *os.File) *readProgress {
	p := &readProgress{to: to, ended: make(chan struct{}), gone: make(chan struct{})}
	if !term.IsTerminal(int(to.Fd())) {
		close(p.gone)
		return p
	}
	go p.show()
	return p
}

// show writes a line every half second, once reading takes longer than one.
func (p *readProgress) show() {
	defer close(p.gone)
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	shown := false
	for n := 0; ; n++ {
		select {
		case <-p.ended:
			if shown {
				fmt.Fprint(p.to, "\r\033[K")
			}
			return
		case <-tick.C:
			if n > 0 {
				fmt.Fprintf(p.to, "\r\033[K%s of %s objects read, %s", show.Count(p.opened.Load()), show.Count(p.listed.Load()), show.Bytes(p.bytes.Load()))
				shown = true
			}
		}
	}
}

// count counts the objects that are listed.
func (p *readProgress) count(objects iter.Seq2[source.Object, error]) iter.Seq2[source.Object, error] {
	return func(yield func(source.Object, error) bool) {
		for o, err := range objects {
			p.listed.Add(1)
			if !yield(o, err) {
				return
			}
		}
	}
}

// done is told of an object that has been read.
func (p *readProgress) done(o source.Object) {
	p.opened.Add(1)
	p.bytes.Add(max(0, o.Size))
}

func (p *readProgress) stop() {
	close(p.ended)
	<-p.gone
}
