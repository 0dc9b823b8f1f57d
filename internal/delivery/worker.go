package delivery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"weir/internal/flowlog"
	"weir/internal/journal"
	"weir/internal/kv"
)

// A worker delivers one flow log.
type worker struct {
	s       *Service
	stop    context.CancelFunc // ends run
	changed chan struct{}      // closed and replaced when log changes

	mu  sync.Mutex
	log flowlog.FlowLog

	mark   time.Time // when to publish next
	again  time.Time // when to send what waits
	owed   *position // what is delivered and could not be written down; nil is nothing
	warned bool      // of records that are lost
}

func newWorker(s *Service, f flowlog.FlowLog) *worker {
	return &worker{s: s, log: f, changed: make(chan struct{}), mark: s.nextMark(time.Now())}
}

func (w *worker) set(f flowlog.FlowLog) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = f
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *worker) get() (flowlog.FlowLog, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log, w.changed
}

// Pauses between attempts to deliver a batch.
const (
	firstPause = time.Second
	lastPause  = time.Minute
)

// run delivers until ctx ends, or the flow log has.
func (w *worker) run(ctx context.Context) {
	pause := time.Duration(0)
	for {
		f, changed := w.get()
		wait, ended, err := w.step(ctx, &f)
		switch {
		case ended, ctx.Err() != nil:
			return
		case err != nil:
			w.s.cfg.Logger.Error("deliver", "flow-log", f.ID, "err", err)
			pause = min(max(2*pause, firstPause), w.s.cfg.MaxPause)
			wait = pause
		default:
			pause = 0
			if until := time.Until(w.again); until > 0 {
				wait = min(wait, until)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-time.After(wait):
		}
	}
}

// step does what there is to do and returns how long there is nothing more.
func (w *worker) step(ctx context.Context, f *flowlog.FlowLog) (wait time.Duration, ended bool, err error) {
	pos, ok, err := w.position(ctx, f.ID)
	if err != nil {
		return 0, false, err
	}
	if !ok {
		// From the beginning: windows from before it was made are not wanted,
		// but one it was made in may be there already.
		if pos.Next, err = w.s.cfg.Journal.First(ctx); err != nil {
			return 0, false, err
		}
		if err := w.s.positions.put(ctx, f.ID, &pos); err != nil {
			return 0, false, err
		}
	}
	last, err := w.s.cfg.Journal.Last(ctx)
	if err != nil {
		return 0, false, err
	}
	if pos.Next > last+1 {
		err := fmt.Errorf("delivered up to %d, but the journal ends at %d: it is not the one it was", pos.Next-1, last)
		return 0, false, errors.Join(err, w.failed(ctx, f.ID, err))
	}
	if pos.Batch != nil { // a former process began it
		if err := w.deliver(ctx, f, &pos, pos.Batch); err != nil {
			return 0, false, err
		}
	}
	if err := w.retry(ctx, f, &pos); err != nil {
		return 0, false, err
	}
	if f.Active() {
		now := time.Now()
		if now.Before(w.mark) {
			return w.mark.Sub(now), false, nil
		}
		if err := w.publish(ctx, f, &pos); err != nil {
			return 0, false, err
		}
		w.mark = w.s.nextMark(now)
		return time.Until(w.mark), false, nil
	}
	over, err := w.over(ctx, f)
	if err == nil {
		err = w.publish(ctx, f, &pos)
	}
	if err != nil || !over || w.waitsFor(f, &pos) {
		return time.Second, false, err
	}
	if err := w.end(ctx, f.ID); err != nil {
		return 0, false, err
	}
	return 0, true, nil
}

// position returns how far the flow log is, and false if nothing is known yet.
func (w *worker) position(ctx context.Context, id string) (position, bool, error) {
	if w.owed == nil {
		return w.s.positions.get(ctx, id)
	}
	err := w.s.positions.again(ctx, id, w.owed)
	if errors.Is(err, kv.ErrConflict) || errors.Is(err, kv.ErrExists) {
		w.owed = nil // another process went on
		return w.s.positions.get(ctx, id)
	}
	if err != nil {
		return position{}, false, err
	}
	pos := *w.owed
	w.owed = nil
	return pos, true, nil
}

// note writes down what has been delivered. If that fails the worker knows it all the
// same, and writes it before anything else is sent.
func (w *worker) note(ctx context.Context, id string, pos *position) error {
	err := w.s.positions.put(ctx, id, pos)
	if err != nil {
		owed := *pos
		w.owed = &owed
	}
	return err
}

// maxBatch is how many messages of the journal a batch holds at most, so that
// what an outage has left can be made up for in bounded memory.
const maxBatch = 256

// publish makes batches of everything that is in the journal now and delivers
// them.
func (w *worker) publish(ctx context.Context, f *flowlog.FlowLog, pos *position) error {
	last, err := w.s.cfg.Journal.Last(ctx)
	if err != nil {
		return err
	}
	for pos.Next <= last {
		pos.Batch = &batch{From: pos.Next, To: min(last, pos.Next+maxBatch-1)}
		if err := w.s.positions.put(ctx, f.ID, pos); err != nil {
			return err
		}
		if err := w.deliver(ctx, f, pos, pos.Batch); err != nil {
			return err
		}
	}
	return nil
}

// retry sends what waits, if that was not just done.
func (w *worker) retry(ctx context.Context, f *flowlog.FlowLog, pos *position) error {
	if len(pos.Waiting) == 0 || time.Now().Before(w.again) {
		return nil
	}
	w.again = time.Now().Add(w.s.cfg.MaxPause)
	for _, b := range slices.Clone(pos.Waiting) {
		if err := w.deliver(ctx, f, pos, b); err != nil {
			return err
		}
	}
	return nil
}

// waitsFor reports whether a flow log that was deleted has to wait for what its
// destination takes only later. What it does not wait for any more is lost.
func (w *worker) waitsFor(f *flowlog.FlowLog, pos *position) bool {
	if len(pos.Waiting) == 0 {
		return false
	}
	if time.Since(f.Deleted) <= w.s.cfg.Linger {
		return true
	}
	for _, b := range pos.Waiting {
		w.lost(f.ID, fmt.Sprintf("%d to %d of the journal", b.From, b.To), b.Ahead, "the flow log has ended")
	}
	return false
}

// deliver sends what is left of a batch that has been written down and moves the position
// behind it.
func (w *worker) deliver(ctx context.Context, f *flowlog.FlowLog, pos *position, b *batch) error {
	sink := w.s.cfg.Sinks[f.DestinationType]
	place, err := sink.Place(f)
	if err != nil {
		return err
	}
	leave, err := enter(ctx, w.s.sendingTo(place))
	if err != nil {
		return err
	}
	defer leave()
	parcels, err := w.parcels(ctx, f, sink, pos, b)
	if err != nil {
		return errors.Join(err, w.failed(ctx, f.ID, err))
	}
	ahead, err := w.send(ctx, f, pos, b, parcels)
	if err == nil && ahead != nil && b == pos.Batch && len(pos.Waiting) >= maxWaiting {
		err = ahead
	}
	if err != nil {
		return errors.Join(err, w.failed(ctx, f.ID, err))
	}
	if next := pos.after(b, ahead != nil); ahead == nil || b == pos.Batch {
		if err := w.note(ctx, f.ID, &next); err != nil {
			return err
		}
		*pos = next
	}
	if ahead != nil {
		w.s.cfg.Logger.Warn("the destination takes some records only later", "flow-log", f.ID, "records", b.Ahead, "err", ahead)
		return w.failed(ctx, f.ID, ahead)
	}
	return w.succeeded(ctx, f.ID, &b.Sent, len(pos.Waiting) > 0)
}

// grace is how long a parcel that is on its way may still take when we are told to stop:
// without its answer it would be sent again.
const grace = 2 * time.Second

// graced returns a context that ends a while after ctx does.
func graced(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(grace):
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() { stop(); cancel() }
}

// send sends parcels, and writes down what is delivered before it sends the next one. With
// ahead some of it is for later, and nothing else is left.
func (w *worker) send(ctx context.Context, f *flowlog.FlowLog, pos *position, b *batch, parcels []Parcel) (ahead, err error) {
	longer, cancel := graced(ctx)
	defer cancel()
	var left error
	b.Ahead = 0
	for i := range parcels {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		p := &parcels[i]
		sending := ctx
		if len(p.Items) > 0 {
			sending = longer
		}
		began := time.Now()
		answer, err := p.Send(sending)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		w.s.cfg.Metrics.put(time.Since(began))
		b.Sent.add(p, &answer)
		w.lost(f.ID, p.Name, answer.Lost, answer.LostWhy)
		b.Done = b.Done.Plus(p.Items.Minus(answer.Left))
		if n := int64(answer.Left.Len()); n > 0 {
			w.s.cfg.Metrics.refused(f.ID, n)
			why := fmt.Errorf("%s: %w", p.Name, answer.Why)
			if answer.Ahead {
				b.Ahead += n
				ahead = cmp.Or(ahead, why)
			} else {
				left = cmp.Or(left, why)
			}
		}
		if last := i == len(parcels)-1; len(p.Items) > 0 && (!last || ahead != nil || left != nil) {
			if err := w.note(longer, f.ID, pos); err != nil {
				return nil, err
			}
		}
		if answer.Why != nil && answer.Why.Kind == RateLimited {
			break // the others would make it worse
		}
	}
	return ahead, left
}

// lost counts records that the destination will never take, and says so once.
func (w *worker) lost(id, what string, records int64, why string) {
	if records == 0 {
		return
	}
	w.s.cfg.Metrics.lost(id, records)
	if !w.warned {
		w.s.cfg.Logger.Warn("the destination never takes some records; more of them are only counted",
			"flow-log", id, "of", what, "records", records, "err", why)
		w.warned = true
	}
}

// enter takes a slot, which leave gives back.
func enter(ctx context.Context, slots chan struct{}) (leave func(), err error) {
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// errFull ends reading the journal.
var errFull = errors.New("the batch is full")

// parcels makes what has to be sent of a batch. A batch that is full before its end is
// made shorter, and written down as that.
func (w *worker) parcels(ctx context.Context, f *flowlog.FlowLog, sink Sink, pos *position, b *batch) ([]Parcel, error) {
	leave, err := enter(ctx, w.s.making)
	if err != nil {
		return nil, err
	}
	defer leave()
	maker, err := sink.Make(f, b.From, b.To)
	if err != nil {
		return nil, err
	}
	rs, err := newRecords(f, w.s.cfg.Ranges, maker.Write)
	if err != nil {
		return nil, err
	}
	to := b.To
	err = w.s.cfg.Journal.ReadRange(ctx, b.From, b.To, func(m *journal.Message) error {
		if err := rs.add(m); err != nil {
			return err
		}
		// What is delivered already was counted from the beginning of this range.
		if m.Seq < b.To && b == pos.Batch && len(b.Done) == 0 && maker.Full() {
			to = m.Seq
			return errFull
		}
		return nil
	})
	if err != nil && !errors.Is(err, errFull) {
		return nil, fmt.Errorf("read the journal from %d to %d: %w", b.From, b.To, err)
	}
	if to < b.To {
		b.To, pos.Next = to, to+1
		if err := w.s.positions.put(ctx, f.ID, pos); err != nil {
			return nil, err
		}
	}
	items, err := maker.Close()
	if err != nil {
		return nil, err
	}
	return maker.Parcels(ctx, Spans{}.add(Span{0, items}).Minus(b.Done))
}

// failed makes the error the status that DescribeFlowLogs tells.
func (w *worker) failed(ctx context.Context, id string, cause error) error {
	if ctx.Err() != nil {
		return nil // we were told to stop; nothing has failed
	}
	w.s.cfg.Metrics.failed(id)
	st, err := w.s.cfg.Logs.Status(ctx, id)
	if err != nil {
		return err
	}
	kind := UnknownError
	var f *Failure
	if errors.As(cause, &f) {
		kind = f.Kind
	}
	if st.Error == string(kind) && st.Cause == cause.Error() {
		return nil
	}
	st.Error, st.Cause = string(kind), cause.Error()
	return w.s.cfg.Logs.SetStatus(ctx, id, st)
}

func (w *worker) succeeded(ctx context.Context, id string, sent *tally, waits bool) error {
	st, err := w.s.cfg.Logs.Status(ctx, id)
	if err != nil {
		return err
	}
	if sent.Parcels == 0 && (st.Error == "" || waits) {
		return nil
	}
	if !waits { // for something that the status tells of
		st.Error, st.Cause = "", ""
	}
	if sent.Parcels > 0 {
		st.Last = time.Now().UTC()
		st.Objects += uint64(sent.Parcels)
		st.Records += uint64(sent.Records)
		st.Bytes += uint64(sent.Bytes)
		st.Lost += uint64(sent.Lost)
	}
	w.s.cfg.Metrics.delivered(id, sent.Parcels, sent.Records, sent.Bytes)
	return w.s.cfg.Logs.SetStatus(ctx, id, st)
}

// over reports whether everything that was captured for a deleted flow log is in
// the journal.
func (w *worker) over(ctx context.Context, f *flowlog.FlowLog) (bool, error) {
	since := time.Since(f.Deleted)
	if since > w.s.cfg.Linger {
		w.s.cfg.Logger.Warn("flow log ends without some hosts", "flow-log", f.ID, "after", w.s.cfg.Linger)
		return true, nil
	}
	if w.s.cfg.Agents == nil {
		return false, nil
	}
	through, err := w.s.cfg.Agents(ctx)
	if err != nil {
		return false, err
	}
	for _, t := range through {
		if t.Before(f.Deleted) {
			return false, nil
		}
	}
	return true, nil
}

// end forgets a flow log whose last window has been delivered.
func (w *worker) end(ctx context.Context, id string) error {
	if err := w.s.cfg.Logs.Forget(ctx, id); err != nil {
		return err
	}
	return w.s.positions.forget(ctx, id)
}
