package delivery

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"weir/internal/flowlog"
	"weir/internal/journal"
)

// A worker delivers one flow log.
type worker struct {
	s       *Service
	stop    context.CancelFunc // ends run
	changed chan struct{}      // closed and replaced when log changes

	mu  sync.Mutex
	log flowlog.FlowLog

	mark time.Time // when to publish next
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
			pause = min(max(2*pause, firstPause), lastPause)
			wait = pause
		default:
			pause = 0
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
	pos, ok, err := w.s.positions.get(ctx, f.ID)
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
		if err := w.deliver(ctx, f, &pos); err != nil {
			return 0, false, err
		}
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
	if err != nil || !over {
		return time.Second, false, err
	}
	if err := w.end(ctx, f.ID); err != nil {
		return 0, false, err
	}
	return 0, true, nil
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
		if err := w.deliver(ctx, f, pos); err != nil {
			return err
		}
	}
	return nil
}

// deliver sends the batch that has been written down and moves the position
// behind it.
func (w *worker) deliver(ctx context.Context, f *flowlog.FlowLog, pos *position) error {
	bucket, _, err := flowlog.BucketFolder(f.Destination)
	if err != nil {
		return err
	}
	leave, err := enter(ctx, w.s.sendingTo(bucket))
	if err != nil {
		return err
	}
	defer leave()
	objects, err := w.objects(ctx, f, pos.Batch)
	if err != nil {
		return errors.Join(err, w.failed(ctx, f.ID, err))
	}
	for i := range objects {
		contentType := "application/x-gzip"
		if f.Parquet {
			contentType = "application/octet-stream"
		}
		began := time.Now()
		if err := w.s.cfg.Store.Put(ctx, bucket, objects[i].key, objects[i].body, contentType); err != nil {
			return errors.Join(fmt.Errorf("put %s: %w", objects[i].key, err), w.failed(ctx, f.ID, err))
		}
		w.s.cfg.Metrics.put(time.Since(began))
	}
	next := position{Next: pos.Batch.To + 1, revision: pos.revision}
	if err := w.s.positions.put(ctx, f.ID, &next); err != nil {
		return err
	}
	*pos = next
	return w.succeeded(ctx, f.ID, objects)
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

func (w *worker) objects(ctx context.Context, f *flowlog.FlowLog, b *batch) ([]object, error) {
	leave, err := enter(ctx, w.s.making)
	if err != nil {
		return nil, err
	}
	defer leave()
	fs, err := newFiles(f, b, w.s.cfg.Ranges)
	if err != nil {
		return nil, err
	}
	err = w.s.cfg.Journal.ReadRange(ctx, b.From, b.To, func(m *journal.Message) error { return fs.add(m) })
	if err != nil {
		return nil, fmt.Errorf("read the journal from %d to %d: %w", b.From, b.To, err)
	}
	return fs.close()
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

func (w *worker) succeeded(ctx context.Context, id string, objects []object) error {
	st, err := w.s.cfg.Logs.Status(ctx, id)
	if err != nil {
		return err
	}
	if len(objects) == 0 && st.Error == "" {
		return nil
	}
	st.Error, st.Cause = "", ""
	var records, bytes int64
	for i := range objects {
		records += objects[i].records
		bytes += int64(len(objects[i].body))
	}
	if len(objects) > 0 {
		st.Last = time.Now().UTC()
		st.Objects += uint64(len(objects))
		st.Records += uint64(records)
		st.Bytes += uint64(bytes)
	}
	w.s.cfg.Metrics.delivered(id, len(objects), records, bytes)
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
