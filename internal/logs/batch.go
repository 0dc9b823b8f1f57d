package logs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"weir/internal/cloudwatch"
)

// The stored form of a batch, version 1. Integers are unsigned varints.
//
//	version   1 byte, 1
//	count     of events, at least 1
//	ingested  when they were taken, in milliseconds since 1970
//	first     time of the first event, signed
//	times     of each event: milliseconds since the one before it; 0 of the first
//	lengths   of each message, in bytes
//	messages  one after the other
const batchVersion = 1

// errDamaged is what errors about stored batches wrap.
var errDamaged = errors.New("damaged batch")

// appendBatch appends the stored form of events, which are in the order of their times.
func appendBatch(b []byte, ingested int64, events []cloudwatch.Event) []byte {
	b = append(b, batchVersion)
	b = binary.AppendUvarint(b, uint64(len(events)))
	b = binary.AppendUvarint(b, uint64(ingested))
	last := events[0].Timestamp
	b = binary.AppendVarint(b, last)
	for i := range events {
		b = binary.AppendUvarint(b, uint64(events[i].Timestamp-last))
		last = events[i].Timestamp
	}
	for i := range events {
		b = binary.AppendUvarint(b, uint64(len(events[i].Message)))
	}
	for i := range events {
		b = append(b, events[i].Message...)
	}
	return b
}

// A batch is a stored batch that was read.
type batch struct {
	ingested int64
	first    int64  // time of the first event
	text     string // all messages
	ends     []end
}

// An end tells of an event.
type end struct {
	since uint32 // milliseconds from the first event
	text  uint32 // where its message ends
}

func (b *batch) time(i int) int64 { return b.first + int64(b.ends[i].since) }

func (b *batch) message(i int) string {
	from := uint32(0)
	if i > 0 {
		from = b.ends[i-1].text
	}
	return b.text[from:b.ends[i].text]
}

// event returns an event of a batch of this sequence.
func (b *batch) event(stream string, seq uint64, i int) Event {
	return Event{
		Position: Position{Time: b.time(i), Seq: seq, Index: uint32(i)},
		Stream:   stream, Ingested: b.ingested, Message: b.message(i),
	}
}

// parseBatch reads the stored form of a batch, of which it keeps nothing. An error wraps
// errDamaged.
func parseBatch(b []byte) (*batch, error) {
	if len(b) == 0 || b[0] != batchVersion {
		return nil, fmt.Errorf("version is not %d: %w", batchVersion, errDamaged)
	}
	r := reader{b: b[1:]}
	count := r.uvarint()
	out := &batch{ingested: int64(r.uvarint()), first: r.varint()}
	if r.bad || count == 0 || count > uint64(len(r.b))/2 {
		return nil, fmt.Errorf("head: %w", errDamaged)
	}
	out.ends = make([]end, count)
	var since, text uint64
	for i := range out.ends {
		// Neither sum can overflow: each is below 1<<32 before what is added.
		if since += min(r.uvarint(), math.MaxUint32+1); since > math.MaxUint32 || i == 0 && since > 0 {
			return nil, fmt.Errorf("event %d: time: %w", i, errDamaged)
		}
		out.ends[i].since = uint32(since)
	}
	for i := range out.ends {
		if text += min(r.uvarint(), math.MaxUint32+1); text > math.MaxUint32 {
			return nil, fmt.Errorf("event %d: length: %w", i, errDamaged)
		}
		out.ends[i].text = uint32(text)
	}
	if r.bad || text != uint64(len(r.b)) || out.first > math.MaxInt64-int64(since) {
		return nil, fmt.Errorf("messages: %w", errDamaged)
	}
	out.text = string(r.b)
	return out, nil
}

// reader takes integers off a slice; bad says that one was none.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}
