package delivery

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"weir/internal/flowlog"
)

// A position is how far a flow log has been delivered, kept beside the journal.
type position struct {
	// Next is the first sequence of the journal that is in no batch yet.
	Next uint64 `json:"next"`

	// Batch is on its way; nil if none is.
	Batch *batch `json:"batch,omitempty"`
}

// A batch is a range of journal sequences, both inclusive.
type batch struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
}

// hash tells the objects of one flow log and one stretch of time apart. It is a
// function of what the object holds, so that sending it again replaces it.
func (b *batch) hash(flowLog string, start time.Time, part int) uint32 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d/%d/%d/%d", flowLog, b.From, b.To, start.Unix(), part))
	return binary.BigEndian.Uint32(sum[:])
}

// positions are kept in a key-value store under the id of the flow log.
type positions struct{ kv flowlog.KV }

// get returns the position of a flow log, and false if it has none yet.
func (p positions) get(ctx context.Context, id string) (pos position, ok bool, err error) {
	raw, _, err := p.kv.Get(ctx, id)
	if errors.Is(err, flowlog.ErrNoKey) {
		return position{}, false, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &pos)
	}
	if err != nil {
		return position{}, false, fmt.Errorf("position of %s: %w", id, err)
	}
	return pos, true, nil
}

func (p positions) put(ctx context.Context, id string, pos position) error {
	raw, err := json.Marshal(pos)
	if err == nil {
		_, err = p.kv.Put(ctx, id, raw)
	}
	if err != nil {
		return fmt.Errorf("position of %s: %w", id, err)
	}
	return nil
}

func (p positions) forget(ctx context.Context, id string) error {
	if err := p.kv.Delete(ctx, id); err != nil {
		return fmt.Errorf("position of %s: %w", id, err)
	}
	return nil
}
