package source

import (
	"io"
	"sync"
	"time"
)

// maxPending is how much output of objects whose turn has not come may wait in memory.
const maxPending = 32 << 20

// An order writes what workers have made of blocks in the order of the input. Objects
// are numbered from 0 without a gap, the blocks of each too.
type order struct {
	w        io.Writer
	max      int           // maxPending, but for tests
	patience time.Duration // with the head, where others wait for it; 0 is for ever
	mu       sync.Mutex
	ok       *sync.Cond // the head has moved, or less is pending
	timer    *time.Timer

	head    int // the object whose turn it is; those before have had it or lost it
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
	if o.timer != nil {
		o.timer.Stop()
	}
	o.ok.Broadcast()
}

// put takes the output of a block, and returns memory for that of the next one. The
// error is that of writing, now or before.
func (o *order) put(index, seq int, b []byte) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := o.of(index)
	if index <= o.head && seq == out.next {
		o.write(b)
		out.next++
		o.flush(index)
		return b[:0], o.err
	}
	out.blocks[seq] = b
	o.pending += len(b)
	o.watch()
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
	o.flush(index)
}

// flush writes everything whose turn has come, now that something of the object with
// the given index has.
func (o *order) flush(index int) {
	if index < o.head {
		o.drain(index)
	}
	for o.drain(o.head) {
		o.head++
	}
	o.ok.Broadcast()
	o.watch()
}

// drain writes what there is of an object, and reports whether that was all of it.
func (o *order) drain(index int) bool {
	out := o.waiting[index]
	if out == nil {
		return false
	}
	for b, ok := out.blocks[out.next]; ok; b, ok = out.blocks[out.next] {
		o.write(b)
		o.pending -= len(b)
		delete(out.blocks, out.next)
		out.next++
	}
	if !out.closed || out.next < out.end {
		return false
	}
	delete(o.waiting, index)
	return true
}

// watch sees to it that nobody waits for the head for ever.
func (o *order) watch() {
	if o.patience == 0 || o.timer != nil || o.stopped {
		return
	}
	head := o.head
	if _, waits := o.behind(); waits {
		o.timer = time.AfterFunc(o.patience, func() { o.pass(head) })
	}
}

// behind returns the first object behind the head that has something to write.
func (o *order) behind() (first int, ok bool) {
	for i := range o.waiting {
		if i > o.head && (!ok || i < first) {
			first, ok = i, true
		}
	}
	return first, ok
}

// pass takes the turn from the head, if it is still the same, and from those behind it
// that have nothing either. What they have is written when it comes.
func (o *order) pass(head int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.timer = nil
	if o.stopped {
		return
	}
	if first, waits := o.behind(); waits && head == o.head {
		o.head = first
	}
	o.flush(o.head)
}

func (o *order) write(b []byte) {
	if o.err == nil && len(b) > 0 {
		_, o.err = o.w.Write(b)
	}
}
