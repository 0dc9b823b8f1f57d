package source

import (
	"bytes"
	"io"
	"sync"

	"weir/recordfile"
)

// A feed is an object of lines that several goroutines read in turns: one takes the next
// block and works on it, while another takes the one after it. So what was read is still
// in the cache of the processor that works on it, and nobody waits for a block to be
// handed over.
type feed struct {
	*run
	mu    sync.Mutex
	st    *state
	in    io.Reader
	buf   *buffer // with what was read of the next block
	some  int     // blocks are read in one turn
	ended bool
	err   error
}

// lines reads lines and works on them, in blocks of one format. Where there are more
// than one block, others help who have nothing to do.
func (r *run) lines(st *state, in io.Reader) error {
	f := &feed{run: r, st: st, in: in, buf: r.buffer(), some: atOnce}
	if cap(r.helpers) == 0 || st.Remote || st.Size < 0 {
		f.some = 1 // nobody else reads, or what comes slowly is not to wait for more
	}
	if !f.turn() {
		return f.err
	}
	done := make(chan struct{})
	var helping sync.WaitGroup
	for range cap(r.helpers) {
		helping.Go(func() {
			select {
			case r.helpers <- struct{}{}:
				f.work()
				<-r.helpers
			case <-done:
			}
		})
	}
	f.work()
	close(done)
	helping.Wait()
	return f.err
}

// work takes turns until all is read.
func (f *feed) work() {
	for f.turn() {
	}
}

// turn reads some blocks and works on them; false if there is nothing more to read.
func (f *feed) turn() (more bool) {
	var read [atOnce]piece
	n := 0
	f.mu.Lock()
	for n < f.some && !f.ended {
		read[n] = f.next()
		n++
	}
	more = !f.ended
	f.mu.Unlock()
	if n == 0 {
		return false
	}
	w := <-f.idle
	for _, p := range read[:n] {
		for _, b := range p.blocks {
			w.do(b)
		}
		f.release(p.buf)
	}
	f.idle <- w
	return more
}

// A piece is what was read at once.
type piece struct {
	blocks []block
	buf    *buffer // in which they lie
}

// next reads the next piece.
func (f *feed) next() (p piece) {
	buf := f.buf
	p.buf = buf
	for {
		f.order.wait(f.st.index)
		n, err := fill(f.in, buf.b[len(buf.b):cap(buf.b)])
		buf.b = buf.b[:len(buf.b)+n]
		if err == io.EOF && len(buf.b) > 0 && buf.b[len(buf.b)-1] != '\n' {
			buf.b = append(buf.b, '\n') // the last line need not end
		}
		whole := bytes.LastIndexByte(buf.b, '\n') + 1
		if whole == 0 && err == nil {
			if len(buf.b) <= f.maxLine+len(bom)+len("\r") {
				buf.b = append(make([]byte, 0, 2*cap(buf.b)), buf.b...)
				continue
			}
			f.refuse(f.st, f.st.lines+1, buf.b, recordfile.ErrTooLong.Error())
			f.st.lines++
			buf.b, err = endOfLine(f.in, buf.b)
			if err == nil {
				continue
			}
		}
		if !f.st.known && err == nil && len(buf.b) < maxInfer && f.undecided(buf.b[:whole]) {
			buf.b = append(make([]byte, 0, 2*cap(buf.b)), buf.b...)
			continue
		}
		rest := buf.b[whole:]
		ok := f.pieces(f.st, &p.blocks, buf.b[:whole])
		if !ok || err != nil {
			f.ended = true
			if ok && err != io.EOF {
				if len(rest) > 0 {
					f.refuse(f.st, f.st.lines+1, rest, "the line is cut short")
				}
				f.err = cut(err)
			}
			return p
		}
		// What follows the last newline begins the next block.
		f.buf = f.buffer()
		if len(rest) > cap(f.buf.b)/2 {
			f.buf.b = make([]byte, 0, 2*len(rest)+f.blockSize)
		}
		f.buf.b = append(f.buf.b, rest...)
		return p
	}
}
