package source

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"weir/internal/rows"
	"weir/record"
)

// A Scan reads objects and hands their rows to workers.
type Scan struct {
	// Objects are what is read. An error of it ends the scan.
	Objects iter.Seq2[Object, error]
	// Assume is the format of what has no header; nil to find it out.
	Assume *record.Format
	// Columns says which columns of a format are wanted; nil wants all. Those
	// that nobody wants may be Missing from batches.
	Columns func(record.Format) []bool
	// Sink returns what takes the batches of one worker.
	Sink func() Sink
	// Output gets what the sinks have appended to [Worker.Out], in the order of
	// the input.
	Output io.Writer
	// Patience is how long the output of later objects waits for that of an object
	// whose turn it is; 0 is for ever.
	Patience time.Duration
	// Progress is told of every object that has been read, from any goroutine;
	// nil tells nobody.
	Progress func(done Object)
	// Workers is how many batches are worked on at a time; 0 is one for each
	// processor.
	Workers int

	// Tests make these small; 0 is the constant of the name.
	blockSize, maxLine, maxPending int
	maxHeld                        int64
}

// A Sink takes a batch, which is right until it returns.
type Sink func(w *Worker, b *rows.Batch) error

// A Worker is what a [Sink] works with.
type Worker struct {
	// Out is appended to by the sink, if the scan has an Output.
	Out []byte

	run      *run
	sink     Sink
	split    rows.Splitter
	decoder  decoder
	shape    shaper
	observed observer
	rows     int64
	kept     int64
	name     string
	row      bool
}

// Keep books rows as what was asked for.
func (w *Worker) Keep(n int) { w.kept += int64(n) }

// Refuse takes rows of a batch for no records, and books them so.
func (w *Worker) Refuse(b *rows.Batch, bad []rows.Bad) {
	for _, x := range bad {
		w.run.book.refuse(Refusal{Object: w.name, Row: w.row, Line: b.Line + int64(x.Row), Text: string(appendRead(nil, b, x.Row)),
			Reason: x.Name + ": " + x.Reason.Error()})
	}
}

// appendRead appends a row as its line, with a question mark for what was not read: of
// Parquet, that is what nobody asked for.
func appendRead(out []byte, b *rows.Batch, row int) []byte {
	missing := false
	for i := range b.Columns {
		missing = missing || b.Columns[i].Kind == rows.Missing
	}
	if !missing {
		return b.AppendLine(out, row)
	}
	for i := range b.Columns {
		if i > 0 {
			out = append(out, ' ')
		}
		if c := &b.Columns[i]; c.Kind == rows.Missing {
			out = append(out, '?')
		} else {
			out = appendValue(out, string(c.Bytes(row, nil)))
		}
	}
	return out
}

const (
	blockSize = 256 << 10 // what fits a processor's second cache
	maxLine   = 1 << 20
	atOnce    = 8  // blocks that are read in one turn: that the next one may, costs more than a block does
	remote    = 32 // objects that are opened at a time where that waits for a network
)

// A block is a piece of an object.
type block struct {
	of   *state
	seq  int
	text []byte // lines of one format, so many, or
	n    int
	part *part
	// strict is set where the format of text was inferred: each line is looked at.
	strict bool
	line   int64
	form   record.Format
}

// A buffer is memory that blocks lie in.
type buffer struct{ b []byte }

// A state is an object that is being read.
type state struct {
	Object
	index  int
	row    bool // its lines are rows: it had none itself
	seq    int  // blocks handed out
	lines  int64
	format record.Format
	known  bool
	// inferred is set where known is owed to infer, and unknown says what it found
	// where that was nothing: until a header comes, no line can be read.
	inferred bool
	unknown  string
	pending  sync.WaitGroup

	// Of a Parquet file: rows handed to sinks, and what is wrong with it first.
	given  atomic.Int64
	mu     sync.Mutex
	damage error
}

type run struct {
	*Scan
	ctx    context.Context
	cancel context.CancelCauseFunc
	blocks chan block // of Parquet
	// idle are the workers that have nothing to do. Who takes one waits for nothing
	// until it is back.
	idle    chan *Worker
	helpers chan struct{} // one for each who helps to read lines
	pool    sync.Pool
	book    book
	order   *order

	blockSize, maxLine int
}

// Run reads everything. The account is right as far as it goes even if there is an
// error: what sinks or the list of objects failed with, or that ctx has ended.
func (s *Scan) Run(ctx context.Context) (*Account, error) {
	workers := s.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	r := &run{Scan: s, blocks: make(chan block, workers), idle: make(chan *Worker, workers), helpers: make(chan struct{}, workers-1),
		blockSize: cmp.Or(s.blockSize, blockSize), maxLine: cmp.Or(s.maxLine, maxLine)}
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	defer r.cancel(nil)
	r.order = newOrder(s.Output)
	r.order.max, r.order.patience = cmp.Or(s.maxPending, maxPending), s.Patience
	// Who waits for its turn must not wait for ever.
	defer context.AfterFunc(r.ctx, r.order.stop)()

	var working sync.WaitGroup
	for range workers {
		r.idle <- &Worker{run: r, sink: s.Sink()}
		working.Go(r.work)
	}
	r.open(workers)
	close(r.blocks)
	working.Wait()
	for range workers {
		r.book.add(<-r.idle)
	}
	err := context.Cause(r.ctx)
	if err == nil {
		err = r.order.err
	}
	return r.book.close(), err
}

// open opens all objects, several at a time.
func (r *run) open(workers int) {
	next, stop := iter.Pull2(r.Objects)
	defer stop()
	var mu sync.Mutex
	index := 0
	take := func() (*state, bool) {
		mu.Lock()
		defer mu.Unlock()
		o, err, ok := next()
		if err != nil {
			r.cancel(err)
		}
		if !ok || r.ctx.Err() != nil {
			return nil, false
		}
		st := &state{Object: o, index: index}
		index++
		return st, true
	}
	var opening sync.WaitGroup
	var running atomic.Int32
	var loop func()
	loop = func() {
		for {
			st, ok := take()
			if !ok {
				return
			}
			if st.Remote && running.Add(1) < remote {
				opening.Go(loop)
			}
			r.read(st)
		}
	}
	running.Store(int32(workers))
	for range workers {
		opening.Go(loop)
	}
	opening.Wait()
}

// read reads one object, and books what became of it.
func (r *run) read(st *state) {
	first, err := r.part(st)
	st.pending.Wait()
	r.order.close(st.index, st.seq)
	r.book.mu.Lock()
	if first {
		r.book.Objects++
	}
	r.book.Bytes += max(0, st.Size)
	if err != nil && r.ctx.Err() == nil {
		r.book.Damaged = append(r.book.Damaged, Damage{st.Name, st.lines, err})
	}
	r.book.mu.Unlock()
	if r.Progress != nil {
		r.Progress(st.Object)
	}
}

// send hands a block to whoever is free; false if the scan has ended.
func (r *run) send(b block) bool {
	b.seq = b.of.seq
	b.of.seq++
	b.of.pending.Add(1)
	select {
	case r.blocks <- b:
		return true
	case <-r.ctx.Done():
		b.of.pending.Done()
		return false
	}
}

func (r *run) buffer() *buffer {
	if b, ok := r.pool.Get().(*buffer); ok {
		return b
	}
	return &buffer{make([]byte, 0, r.blockSize)}
}

func (r *run) release(b *buffer) {
	if cap(b.b) <= 2*r.blockSize {
		b.b = b.b[:0]
		r.pool.Put(b)
	}
}

// work works on the blocks that are sent.
func (r *run) work() {
	for b := range r.blocks {
		w := <-r.idle
		w.do(b)
		r.idle <- w
		b.of.pending.Done()
	}
}

// do works on a block, unless the scan has ended.
func (w *Worker) do(b block) {
	r := w.run
	if r.ctx.Err() != nil {
		return
	}
	err := w.block(b)
	if err == nil && r.Output != nil {
		w.Out, err = r.order.put(b.of.index, b.seq, w.Out)
	}
	if err != nil {
		r.cancel(err)
	}
}

func (w *Worker) block(b block) error {
	w.name, w.row, w.Out = b.of.Name, b.of.row, w.Out[:0]
	each := func(batch *rows.Batch) error {
		w.rows += int64(batch.Rows)
		w.observed.batch(batch)
		batch.Object, batch.Seq = b.of.index, b.seq
		return w.sink(w, batch)
	}
	if b.part != nil {
		damage, err := w.decoder.decode(b.part, b.line, func(batch *rows.Batch) error {
			b.of.given.Add(int64(batch.Rows))
			return each(batch)
		})
		if damage != nil {
			b.of.wrong(damage)
		}
		return err
	}
	refuse := func(n int64, text []byte, reason string) error {
		w.rows++
		w.run.book.refuse(Refusal{Object: w.name, Row: w.row, Line: n, Text: string(text), Reason: reason})
		return nil
	}
	split := func(text []byte, lines int, line int64) error {
		return w.split.Split(text, lines, b.form, line, each, func(n int64, text []byte) error {
			return refuse(n, text, wrongCount(text, b.form))
		})
	}
	if !b.strict {
		return split(b.text, b.n, b.line)
	}
	// What is between lines that are none goes on together.
	begin, first, at, n := 0, b.line, 0, b.line
	for line := range bytes.Lines(b.text) {
		if bad := w.shape.check(b.form, line[:len(line)-1]); bad != nil && !countError(bad) {
			if err := split(b.text[begin:at], int(n-first), first); err != nil {
				return err
			}
			refuse(n, line[:len(line)-1], bad.Name+": "+bad.Err.Error())
			begin, first = at+len(line), n+1
		}
		at, n = at+len(line), n+1
	}
	return split(b.text[begin:], int(n-first), first)
}
