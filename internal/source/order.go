package source

import (
	"io"
	"sync"
)

// maxPending is how much output of objects whose turn has not come may wait in memory.
const maxPending = 32 << 20

// An order writes what workers have made of blocks in the order of the input. Objects
// are numbered from 0 without a gap, the blocks of each too.
type order struct {
	w   io.Writer
	max int // maxPending, but for tests
	mu  sync.Mutex
	ok  *sync.Cond // the head has moved, or less is pending

	head    int // the object whose turn it is
	waiting map[int]*output
	pending int
	stopped bool
	err     error
}

type output struct {
	next   int // block whose turn it is
	blocks map[int][]byte
	closed bool
	end    int // how many blocks there are, once closed
}

func newOrder(w io.Writer) *order {
	o := &order{w: w, max: maxPending, waiting: map[int]*output{}}
	o.ok = sync.NewCond(&o.mu)
	return o
}

func (o *order) of(index int) *output {
	out := o.waiting[index]
	if out == nil {
		out = &output{blocks: map[int][]byte{}}
		o.waiting[index] = out
	}
	return out
}

// wait blocks whoever reads an object whose turn has not come while too much waits.
func (o *order) wait(index int) {
	if o.w == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for index > o.head && o.pending > o.max && !o.stopped {
		o.ok.Wait()
	}
}

// stop ends all waiting.
func (o *order) stop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stopped = true
	o.ok.Broadcast()
}

// put takes the output of a block, and returns memory for that of the next one. The
// error is that of writing, now or before.
func (o *order) put(index, seq int, b []byte) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := o.of(index)
	if index == o.head && seq == out.next {
		o.write(b)
		out.next++
		o.flush()
		return b[:0], o.err
	}
	out.blocks[seq] = b
	o.pending += len(b)
	return nil, o.err
}

// close says that an object had so many blocks. Where not all of them have been put,
// because the scan ends, nothing that comes after them is written.
func (o *order) close(index, blocks int) {
	if o.w == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	out := o.of(index)
	out.closed, out.end = true, blocks
	o.flush()
}

// flush writes everything whose turn has come.
func (o *order) flush() {
	for {
		out := o.waiting[o.head]
		if out == nil {
			break
		}
		for b, ok := out.blocks[out.next]; ok; b, ok = out.blocks[out.next] {
			o.write(b)
			o.pending -= len(b)
			delete(out.blocks, out.next)
			out.next++
		}
		if !out.closed || out.next < out.end {
			break
		}
		delete(o.waiting, o.head)
		o.head++
	}
	o.ok.Broadcast()
}

func (o *order) write(b []byte) {
	if o.err == nil && len(b) > 0 {
		_, o.err = o.w.Write(b)
	}
}
