package delivery

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"weir/internal/flowlog"
	"weir/internal/kv"
	"weir/recordfile"
)

// A position is how far a flow log has been delivered, kept beside the journal.
type position struct {
	// Next is the first sequence of the journal that is in no batch yet.
	Next uint64 `json:"next"`

	// Batch is on its way; nil if none is.
	Batch *batch `json:"batch,omitempty"`

	// Waiting are batches of which something is left that the destination takes only
	// later; those that came after them do not wait.
	Waiting []*batch `json:"waiting,omitempty"`

	revision uint64 // of the value it was read from; 0 is none
}

// through returns the last sequence before which everything has been delivered.
func (p *position) through() uint64 {
	next := p.Next
	if p.Batch != nil {
		next = p.Batch.From
	}
	for _, b := range p.Waiting {
		next = min(next, b.From)
	}
	return next - 1
}

// maxWaiting is how many batches wait at the most. Who has more holds up the others.
const maxWaiting = 64

// after returns the position when a batch has been sent; ahead says that something of it
// has to wait.
func (p *position) after(b *batch, ahead bool) position {
	next := *p
	next.Waiting = slices.DeleteFunc(slices.Clone(p.Waiting), func(w *batch) bool { return w == b })
	if b == p.Batch {
		next.Next, next.Batch = b.To+1, nil
	}
	if ahead {
		next.Waiting = append(next.Waiting, b)
		slices.SortFunc(next.Waiting, func(x, y *batch) int { return cmp.Compare(x.From, y.From) })
	}
	return next
}

// A batch is a range of journal sequences, both inclusive, and what of it has been
// delivered.
type batch struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`

	// Done are the items that are delivered, or lost.
	Done Spans `json:"done,omitempty"`
	Sent tally `json:"sent,omitzero"` // what they were

	Ahead int64 `json:"ahead,omitempty"` // records that were left for later when it was last sent
}

// A tally is how much was delivered.
type tally struct {
	Parcels int   `json:"parcels,omitempty"`
	Records int64 `json:"records,omitempty"`
	Bytes   int64 `json:"bytes,omitempty"`
	Lost    int64 `json:"lost,omitempty"` // records
}

// add adds a parcel that was answered.
func (t *tally) add(p *Parcel, a *Answer) {
	t.Parcels++
	t.Records += p.Records - int64(a.Left.Len()) - a.Lost
	t.Bytes += p.Bytes
	t.Lost += a.Lost
}

// maxParts is above the number of files that the records of one batch and one
// stretch of time can fill.
const maxParts = 1 << 8

// hash tells the objects of one flow log and one stretch of time apart: from is where
// the batch begins. It is a function of what the object holds, so that sending it
// again replaces it; and two objects never have the same.
func hash(flowLog string, from uint64, part int) uint32 {
	return recordfile.Hash(flowLog, from*maxParts+uint64(part))
}

// positions are kept in a key-value store under the id of the flow log.
//
// Each is written over the one that was read: if another process delivers too,
// because it took this one for dead, only one of them goes on.
type positions struct{ kv kv.Bucket }

// get returns the position of a flow log, and false if it has none yet.
func (p positions) get(ctx context.Context, id string) (pos position, ok bool, err error) {
	raw, revision, err := p.kv.Get(ctx, id)
	if errors.Is(err, kv.ErrNotFound) {
		return position{}, false, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &pos)
	}
	if err != nil {
		return position{}, false, fmt.Errorf("position of %s: %w", id, err)
	}
	pos.revision = revision
	return pos, true, nil
}

func (p positions) put(ctx context.Context, id string, pos *position) error {
	raw, err := json.Marshal(pos)
	var revision uint64
	if err == nil && pos.revision == 0 {
		revision, err = p.kv.Create(ctx, id, raw)
	} else if err == nil {
		revision, err = p.kv.Update(ctx, id, raw, pos.revision)
	}
	if err != nil {
		return fmt.Errorf("position of %s: %w", id, err)
	}
	pos.revision = revision
	return nil
}

// again writes a position that may have been written before, when the answer was lost.
func (p positions) again(ctx context.Context, id string, pos *position) error {
	err := p.put(ctx, id, pos)
	if !errors.Is(err, kv.ErrConflict) && !errors.Is(err, kv.ErrExists) {
		return err
	}
	if now, ok, e := p.get(ctx, id); e == nil && ok && now.same(pos) {
		pos.revision = now.revision
		return nil
	}
	return err
}

// same reports whether two positions say the same.
func (p *position) same(other *position) bool {
	x, errX := json.Marshal(p)
	y, errY := json.Marshal(other)
	return errX == nil && errY == nil && string(x) == string(y)
}

func (p positions) forget(ctx context.Context, id string) error {
	if err := p.kv.Delete(ctx, id); err != nil {
		return fmt.Errorf("position of %s: %w", id, err)
	}
	return nil
}

// forgetEnded removes the positions of flow logs that are not there any more:
// whoever ended them was killed before it came to that.
func (p positions) forgetEnded(ctx context.Context, logs *flowlog.Store) error {
	// First the positions: one that exists now belongs to a flow log that
	// existed before.
	var ids []string
	err := p.kv.List(ctx, "", func(id string, _ []byte) { ids = append(ids, id) })
	if err != nil {
		return fmt.Errorf("list positions: %w", err)
	}
	all, err := logs.List(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if slices.ContainsFunc(all, func(f flowlog.FlowLog) bool { return f.ID == id }) {
			continue
		}
		if err := p.forget(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
